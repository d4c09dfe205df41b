// SPDX-License-Identifier: MIT
/* Maps from and to tensors. Kernels: run/maps.c. */
#include "ops/ops.h"

/* Element type of a map's values, or 0. */
static int values_of(const sx_fact *f) {
  return f->kind == SX_KIND_MAP && f->type && f->type->item ? f->type->item->dtype : 0;
}

static sx_status infer_cast_map(sx_infer *c) {
  static const struct {
    const char *name;
    uint8_t type;
  } casts[] = {{"TO_FLOAT", SX_F32}, {"TO_INT64", SX_I64}, {"TO_STRING", SX_STRING}};
  sx_str to = sx_attr_str(c->n, "cast_to", "TO_FLOAT"), form = sx_attr_str(c->n, "map_form", "DENSE");
  sx_dim d[2] = {1, SX_DIM_UNKNOWN};
  if (sx_str_is(form, "SPARSE"))
    d[1] = sx_attr_int(c->n, "max_map", 1);
  else if (!sx_str_is(form, "DENSE"))
    return SX_INFER_FAIL(c, "attribute 'map_form' is '%.*s', expected DENSE or SPARSE", SX_FMT(form));
  for (int i = 0; i < 3; i++)
    if (sx_str_is(to, casts[i].name)) return sx_infer_set(c, 0, casts[i].type, 2, d);
  return SX_INFER_FAIL(c, "attribute 'cast_to' is '%.*s', expected TO_FLOAT, TO_INT64 or TO_STRING", SX_FMT(to));
}
static sx_status infer_dict(sx_infer *c) {
  const sx_attr *a = sx_node_attr(c->n, "string_vocabulary"), *b = sx_node_attr(c->n, "int64_vocabulary");
  if (!a || !a->n) a = b;
  if (!a || !a->n) return SX_INFER_FAIL(c, "has no vocabulary");
  return sx_infer_set(c, 0, values_of(sx_infer_in(c, 0)), 2, (sx_dim[]){1, a->n});
}
static sx_status infer_zip(sx_infer *c) {
  const sx_attr *a = sx_node_attr(c->n, "classlabels_strings"), *b = sx_node_attr(c->n, "classlabels_int64s");
  sx_type *t = SX_NEW_N(c->arena, sx_type, 3);
  if (!t) SX_NO_MEMORY(c->e);
  bool text = a && a->n;
  if (text == (b && b->n)) return SX_INFER_FAIL(c, "expected either 'classlabels_strings' or 'classlabels_int64s'");
  t[2] = (sx_type){.kind = SX_KIND_TENSOR, .dtype = SX_F32};
  t[1] = (sx_type){.kind = SX_KIND_MAP, .dtype = text ? SX_STRING : SX_I64, .rank = -1, .item = &t[2]};
  t[0] = (sx_type){.kind = SX_KIND_SEQUENCE, .rank = -1, .item = &t[1]};
  c->out[0] = (sx_fact){.kind = SX_KIND_SEQUENCE, .rank = -1, .type = &t[0]};
  return SX_OK;
}
const sx_op sx_op_CastMap = {.name = "CastMap", .domain = SX_DOMAIN_ML, .flags = SX_OP_HOST, .infer = infer_cast_map};
const sx_op sx_op_DictVectorizer = {
    .name = "DictVectorizer", .domain = SX_DOMAIN_ML, .flags = SX_OP_HOST, .infer = infer_dict};
const sx_op sx_op_ZipMap = {.name = "ZipMap", .domain = SX_DOMAIN_ML, .flags = SX_OP_HOST, .infer = infer_zip};
