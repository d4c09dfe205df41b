// SPDX-License-Identifier: MIT
/* Features picked, and categories as numbers: ArrayFeatureExtractor, LabelEncoder with its older relative CategoryMapper,
 * OneHotEncoder. The canonical LabelEncoder has keys and values of any type, as lists or as tensors. */
#include "ops/ops.h"

/* The picked columns of every row; a single row stays one. */
static sx_status infer_extractor(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *y = sx_infer_in(c, 1);
  sx_dim d[SX_MAX_RANK] = {1};
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank == 0) return SX_INFER_FAIL(c, "X is a scalar, expected features along its last axis");
  for (int i = 0; i < x->rank - 1; i++) d[i] = x->dims[i];
  int last = x->rank == 1 ? 1 : x->rank - 1;
  d[last] = y->rank < 0 ? SX_DIM_UNKNOWN : sx_infer_product(c, y->dims, 0, y->rank);
  return sx_infer_set(c, 0, x->dtype, last + 1, d);
}
const sx_op sx_op_ArrayFeatureExtractor = {
    .name = "ArrayFeatureExtractor", .domain = SX_DOMAIN_ML, .infer = infer_extractor};

static sx_status infer_label(sx_infer *c) {
  static const struct {
    const char *name;
    uint8_t type;
  } lists[] = {{"values_strings", SX_STRING}, {"values_int64s", SX_I64}, {"values_floats", SX_F32}};
  const sx_attr *t = sx_node_attr(c->n, "values_tensor");
  int type = t ? t->t->dtype : 0;
  for (int i = 0; i < 3 && !type; i++) {
    const sx_attr *a = sx_node_attr(c->n, lists[i].name);
    if (a && a->n) type = lists[i].type;
  }
  if (!type) return SX_INFER_FAIL(c, "has no values");
  const sx_attr *keys = sx_node_attr(c->n, "keys_tensor");
  const int from = sx_infer_in(c, 0)->dtype, key = keys                                 ? keys->t->dtype
                                                   : sx_node_attr(c->n, "keys_strings") ? SX_STRING
                                                   : sx_node_attr(c->n, "keys_int64s")  ? SX_I64
                                                   : sx_node_attr(c->n, "keys_floats")  ? SX_F32
                                                                                        : from;
  if (from && key != from && (from == SX_STRING || key == SX_STRING || from == SX_F32 || key == SX_F32))
    return SX_INFER_FAIL(c, "the input has type %s, the keys %s; expected the same", sx_dtype_name((sx_dtype)from),
                         sx_dtype_name((sx_dtype)key));
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].dtype = (uint8_t)type;
  return SX_OK;
}

/* Version 1: a class is its place in a list. Which way follows from the input's type. */
static sx_status from_classes(sx_upgrade_ctx *c, const sx_attr *names, const int64_t *numbers) {
  if (!names) SX_FAIL(c->e, INVALID_GRAPH, "has no list of strings");
  sx_dtype t = (sx_dtype)sx_value_at(c->g, c->n->in[0].value)->fact.dtype;
  sx_attr a = *names;
  a.name = t == SX_STRING ? SX_STR("keys_strings") : SX_STR("values_strings");
  if (!sx_node_set_attr(c->g, c->id, &a) ||
      !sx_node_set_ints(c->g, c->id, t == SX_STRING ? "values_int64s" : "keys_int64s", numbers, a.n))
    SX_NO_MEMORY(c->e);
  return SX_OK;
}
static sx_status to_pairs(sx_upgrade_ctx *c) {
  const sx_attr *names = sx_node_attr(c->n, "classes_strings");
  if (!names) return SX_OK; /* versions 2 and up have pairs */
  int64_t *numbers = SX_NEW_N(&c->g->model->arena, int64_t, (size_t)names->n + 1);
  if (!numbers) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < names->n; i++) numbers[i] = i;
  SX_TRY(from_classes(c, names, numbers));
  sx_node_remove_attr(c->n, "classes_strings");
  return SX_OK;
}
static sx_status mapper_to_label(sx_upgrade_ctx *c) {
  const sx_attr *names = sx_node_attr(c->n, "cats_strings");
  const int64_t *numbers;
  uint32_t n = sx_attr_ints(c->n, "cats_int64s", &numbers);
  if (!names || names->n != n)
    SX_FAIL(c->e, FAIL, "has %u strings and %u numbers, expected as many", names ? names->n : 0, n);
  SX_TRY(from_classes(c, names, numbers));
  c->n->op = &sx_op_LabelEncoder;
  c->n->op_type = SX_STR("LabelEncoder");
  return SX_OK;
}
const sx_op sx_op_LabelEncoder = {
    .name = "LabelEncoder", .domain = SX_DOMAIN_ML, .infer = infer_label, .upgrades = {{2, to_pairs}}};
const sx_op sx_op_CategoryMapper = {
    .name = "CategoryMapper", .domain = SX_DOMAIN_ML, .infer = infer_label, .upgrades = {{INT32_MAX, mapper_to_label}}};

static sx_status infer_one_hot(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const sx_attr *names = sx_node_attr(c->n, "cats_strings");
  const int64_t *ints;
  sx_dim d[SX_MAX_RANK];
  uint32_t n = sx_attr_ints(c->n, "cats_int64s", &ints);
  if (!n && names) n = names->n;
  if (!n) return SX_INFER_FAIL(c, "has no categories: expected 'cats_int64s' or 'cats_strings'");
  if (x->rank >= SX_MAX_RANK)
    return SX_INFER_FAIL(c, "the input has rank %d, at most %d are supported", x->rank, SX_MAX_RANK - 1);
  for (int i = 0; i < x->rank; i++) d[i] = x->dims[i];
  if (x->rank >= 0) d[x->rank] = n;
  return sx_infer_set(c, 0, SX_F32, x->rank < 0 ? -1 : x->rank + 1, d);
}
const sx_op sx_op_OneHotEncoder = {.name = "OneHotEncoder", .domain = SX_DOMAIN_ML, .infer = infer_one_hot};
