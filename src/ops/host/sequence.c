// SPDX-License-Identifier: MIT
/* Sequences and optionals: values that are no plain tensors. Kernels: run/host.c; of SequenceMap, which has a body:
 * run/control.c. */
#include "ops/host/types.h"
#include "ops/lower.h"

static const sx_type *item_of(const sx_fact *f) { return f && f->type ? f->type->item : NULL; }

static sx_status infer_construct(sx_infer *c) {
  const sx_type *item = sx_type_of(c, sx_infer_in(c, 0));
  for (uint32_t i = 1; i < c->n->n_formal && item; i++) {
    const sx_type *t = sx_type_of(c, sx_infer_in(c, i));
    item = t ? sx_type_join(c, item, t) : NULL;
  }
  return sx_infer_container(c, 0, SX_KIND_SEQUENCE, item);
}
static sx_status infer_empty(sx_infer *c) {
  const int64_t t = sx_attr_int(c->n, "dtype", SX_F32);
  if (t <= 0 || t >= SX_DTYPE_COUNT)
    return SX_INFER_FAIL(c, "attribute 'dtype' is %lld, which is no element type", (long long)t);
  sx_fact f = {.kind = SX_KIND_TENSOR, .dtype = (uint8_t)sx_attr_int(c->n, "dtype", SX_F32), .rank = SX_RANK_NONE};
  return sx_infer_container(c, 0, SX_KIND_SEQUENCE, sx_type_of(c, &f));
}
static sx_status infer_insert(sx_infer *c) {
  const sx_type *item = sx_type_of(c, sx_infer_in(c, 1)), *old = item_of(sx_infer_in(c, 0));
  if (item && old && item->kind == SX_KIND_TENSOR && old->kind == SX_KIND_TENSOR && item->dtype && old->dtype &&
      item->dtype != old->dtype)
    return SX_INFER_FAIL(c, "a tensor of %s does not fit a sequence of %s", sx_dtype_name((sx_dtype)item->dtype),
                         sx_dtype_name((sx_dtype)old->dtype));
  if (item && item_of(sx_infer_in(c, 0))) item = sx_type_join(c, item_of(sx_infer_in(c, 0)), item);
  return sx_infer_container(c, 0, SX_KIND_SEQUENCE, item);
}
static sx_status infer_erase(sx_infer *c) { return sx_infer_like(c, 0, 0); }
static sx_status infer_at(sx_infer *c) {
  const sx_type *item = item_of(sx_infer_in(c, 0));
  return item ? sx_infer_typed(c, 0, item) : sx_infer_set(c, 0, 0, -1, NULL);
}
static sx_status infer_length(sx_infer *c) { return sx_infer_set(c, 0, SX_I64, 0, NULL); }

/* The size that all parts have along an axis of N elements. */
static sx_dim part(sx_infer *c, sx_dim N) {
  const sx_dim *e;
  int n = sx_infer_in(c, 1)->rank < 0 ? -1 : sx_infer_ints(c, 1, &e);
  if (n < 1 || !sx_dim_is_const(e[0]) || e[0] < 1) return SX_DIM_UNKNOWN;
  for (int i = 1; i < n; i++)
    if (e[i] != e[0]) return SX_DIM_UNKNOWN;
  if (sx_infer_in(c, 1)->rank == 1) return e[0];
  if (!sx_dim_is_const(N)) return e[0] == 1 ? 1 : SX_DIM_UNKNOWN;
  return N <= e[0] ? N : N % e[0] ? SX_DIM_UNKNOWN : e[0];
}
static sx_status infer_split(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_fact f = *x;
  sx_dim d[SX_MAX_RANK];
  int axis, n = 0;
  bool keep = sx_infer_in(c, 1) || sx_attr_int(c->n, "keepdims", 1);
  if (x->rank >= 0) {
    SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), x->rank, &axis));
    for (int i = 0; i < x->rank; i++)
      if (i != axis)
        d[n++] = x->dims[i];
      else if (keep)
        d[n++] = sx_infer_in(c, 1) ? part(c, x->dims[i]) : 1;
    f.rank = (int8_t)n, f.dims = d;
  }
  return sx_infer_container(c, 0, SX_KIND_SEQUENCE, sx_type_of(c, &f));
}
static sx_status infer_join(sx_infer *c) {
  const sx_type *t = item_of(sx_infer_in(c, 0));
  sx_dim d[SX_MAX_RANK + 1];
  bool stack = sx_attr_int(c->n, "new_axis", 0) != 0;
  int axis, rank = t && t->rank >= 0 && t->rank + stack <= SX_MAX_RANK ? t->rank + stack : -1;
  if (!t || rank < 0) return sx_infer_set(c, 0, t ? t->dtype : 0, -1, NULL);
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), rank, &axis));
  for (int i = 0, k = 0; i < rank; i++) {
    d[i] = i == axis ? SX_DIM_UNKNOWN : t->dims[k];
    if (i != axis || !stack) k++;
  }
  return sx_infer_set(c, 0, t->dtype, rank, d);
}

#define HOST(N, hook) const sx_op sx_op_##N = {.name = #N, .flags = SX_OP_HOST, .infer = hook};
HOST(SequenceAt, infer_at)
HOST(SequenceConstruct, infer_construct)
HOST(SequenceEmpty, infer_empty)
HOST(SequenceErase, infer_erase)
HOST(SequenceInsert, infer_insert)
HOST(SequenceLength, infer_length)
HOST(SplitToSequence, infer_split)
HOST(ConcatFromSequence, infer_join)

/* SequenceMap(sequence, sequences or tensors...): body (elements or the tensors...) -> elements of the results. */
static sx_status bind_map(sx_infer *c) {
  sx_graph *b = sx_attr_graph(c->n, "body");
  if (!b || b->inputs.n != c->n->n_formal || b->outputs.n != c->n->n_out)
    return SX_INFER_FAIL(c, "%u inputs and %u outputs do not fit a body of %u inputs and %u outputs", c->n->n_formal,
                         c->n->n_out, b ? b->inputs.n : 0, b ? b->outputs.n : 0);
  for (uint32_t i = 0; i < c->n->n_formal; i++) {
    sx_fact *f = &sx_value_at(b, b->inputs.at[i])->fact;
    const sx_fact *x = sx_infer_in(c, i);
    const sx_type *t = x->kind == SX_KIND_SEQUENCE ? item_of(x) : NULL;
    if (!i && x->kind == SX_KIND_TENSOR) return SX_INFER_FAIL(c, "input 0 is no sequence");
    if (!t || t->kind != SX_KIND_TENSOR) {
      if (x->kind == SX_KIND_TENSOR) *f = *x, f->constant = NULL, f->elems = NULL, f->n_elems = 0;
      continue;
    }
    if (t->dtype) f->dtype = t->dtype;
    f->kind = SX_KIND_TENSOR;
    if (t->rank < 0) continue; /* what the body declares of its inputs is checked when it runs */
    sx_dim *d = sx_arena_copy(c->arena, t->dims ? t->dims : (const sx_dim[1]){0}, ((size_t)t->rank + 1) * sizeof *d);
    if (!d) SX_NO_MEMORY(c->e);
    for (int k = 0; k < t->rank; k++)
      if (!sx_dim_is_const(d[k]))
        d[k] = f->rank == t->rank && sx_dim_is_expr(f->dims[k]) ? f->dims[k] : sx_dim_fresh(c->dims);
    f->rank = t->rank, f->dims = d;
  }
  return SX_OK;
}
static sx_status infer_map(sx_infer *c) {
  const sx_graph *b = sx_attr_graph(c->n, "body");
  for (uint32_t o = 0; o < c->n->n_out; o++)
    SX_TRY(sx_infer_container(c, o, SX_KIND_SEQUENCE, sx_type_of(c, &sx_value_at(b, b->outputs.at[o])->fact)));
  return SX_OK;
}
const sx_op sx_op_SequenceMap = {.name = "SequenceMap", .flags = SX_OP_CONTROL, .bind = bind_map, .infer = infer_map};

/* Optional(x?): x itself, or nothing of the type that the attribute says. */
static sx_status infer_optional(sx_infer *c) {
  const sx_attr *a = sx_node_attr(c->n, "type");
  if (!sx_infer_in(c, 0) && !a) return SX_INFER_FAIL(c, "needs an input, or the attribute 'type'");
  return sx_infer_container(c, 0, SX_KIND_OPTIONAL, sx_infer_in(c, 0) ? sx_type_of(c, sx_infer_in(c, 0)) : a->type_proto);
}
static sx_status infer_get(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  return x->kind == SX_KIND_OPTIONAL ? sx_infer_typed(c, 0, item_of(x)) : sx_infer_like(c, 0, 0);
}
static sx_status infer_has(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim known = !x ? 0 : x->kind == SX_KIND_TENSOR || x->kind == SX_KIND_SEQUENCE ? 1 : SX_DIM_UNKNOWN;
  SX_TRY(sx_infer_set(c, 0, SX_BOOL, 0, NULL));
  return sx_infer_elems(c, 0, 1, &known);
}
HOST(Optional, infer_optional)
HOST(OptionalHasElement, infer_has)
/* Of what is no optional: the value itself. */
static sx_status get_plain(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  uint8_t kind = sx_lower_fact(&l, sx_lower_in(&l, 0))->kind;
  return kind == SX_KIND_TENSOR || kind == SX_KIND_SEQUENCE
             ? sx_lower_end(&l, sx_lower_1(&l, &sx_op_Identity, sx_lower_in(&l, 0)))
             : SX_OK;
}
const sx_op sx_op_OptionalGetElement = {
    .name = "OptionalGetElement", .flags = SX_OP_HOST, .infer = infer_get, .upgrades = {{SX_LOWER_ALWAYS, get_plain}}};
