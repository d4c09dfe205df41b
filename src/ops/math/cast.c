// SPDX-License-Identifier: MIT
/* Cast and CastLike: the element type changes, the shape stays. Element facts pass between integer types, as far as
 * the numbers fit (sx_infer_elems). */
#include "ops/move/content.h"
#include <limits.h>

static sx_status cast_to(sx_infer *c, int to) {
  const sx_fact *x = sx_infer_in(c, 0);
  const sx_dim *e;
  SX_TRY(sx_infer_set(c, 0, to, x->rank, x->dims));
  int n = sx_infer_ints(c, 0, &e);
  sx_dim r[SX_MAX_ELEMS];
  if (n < 0 || (to != SX_I64 && to != SX_I32 && to != SX_BOOL)) return SX_OK;
  for (int i = 0; i < n; i++) r[i] = to != SX_BOOL ? e[i] : sx_dim_is_const(e[i]) ? e[i] != 0 : SX_DIM_UNKNOWN;
  return sx_infer_elems(c, 0, (uint32_t)n, r);
}
/* Before opset 6 the type was its name. */
static sx_status type_name_to_number(sx_upgrade_ctx *c) {
  const sx_attr *a = sx_node_attr(c->n, "to");
  if (!a || a->type != SX_ATTR_STRING) return SX_OK;
  char low[16] = {0};
  for (size_t i = 0; i < a->s.n && i < sizeof low - 1; i++)
    low[i] = (char)(a->s.p[i] >= 'A' && a->s.p[i] <= 'Z' ? a->s.p[i] + 32 : a->s.p[i]);
  sx_dtype t = sx_dtype_parse(low, strlen(low));
  if (!t) SX_FAIL(c->e, FAIL, "attribute 'to' names no element type: '%.*s'", SX_FMT(a->s));
  return sx_node_set_int(c->g, c->id, "to", t) ? SX_OK : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
/* Text becomes one of the types that have a reader, and that becomes what was asked for. */
static sx_status from_text(sx_upgrade_ctx *c) {
  const sx_dtype to = (sx_dtype)sx_attr_int(c->n, "to", 0);
  if (sx_value_at(c->g, c->n->in[0].value)->fact.dtype != SX_STRING || to == SX_STRING || to <= 0 || to >= SX_DTYPE_COUNT)
    return SX_OK;
  if (to == SX_BOOL || to == SX_F32 || to == SX_F64 || (sx_dtype_is_int(to) && sx_dtype_bits(to) >= 8)) return SX_OK;
  sx_vid wide = SX_NONE;
  SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &c->n->in[0].value, 1, sx_dtype_is_int(to) ? SX_I8 : SX_F64, &wide));
  sx_graph_set_input(c->g, c->id, 0, wide);
  return SX_OK;
}
static sx_status infer_cast(sx_infer *c) {
  int64_t to = sx_attr_int(c->n, "to", 0);
  if (to <= 0 || to >= SX_DTYPE_COUNT)
    return SX_INFER_FAIL(c, "attribute 'to' is %lld, which is no element type", (long long)to);
  return cast_to(c, (int)to);
}
static sx_status infer_cast_like(sx_infer *c) { return cast_to(c, sx_infer_in(c, 1)->dtype); }
/* The type is known when the model is read: a Cast. */
static sx_status like_to_cast(sx_upgrade_ctx *c) {
  sx_dtype t = (sx_dtype)sx_value_at(c->g, c->n->in[1].value)->fact.dtype;
  if (!t) return SX_OK;
  if (!sx_node_set_int(c->g, c->id, "to", t) || !sx_graph_resize_inputs(c->g, c->id, 1, 1)) SX_NO_MEMORY(c->e);
  c->n->op = &sx_op_Cast;
  return from_text(c);
}
const sx_op sx_op_Cast = {.name = "Cast",
                          .accuracy = SX_ROUNDED,
                          .flags = SX_OP_ELEMENTWISE,
                          .infer = infer_cast,
                          .upgrades = {{6, type_name_to_number}, {INT_MAX, from_text}}};
const sx_op sx_op_CastLike = {.name = "CastLike",
                              .accuracy = SX_ROUNDED,
                              .flags = SX_OP_ELEMENTWISE,
                              .infer = infer_cast_like,
                              .upgrades = {{INT_MAX, like_to_cast}}};
