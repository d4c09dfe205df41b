// SPDX-License-Identifier: MIT
/* Operators that compute each element alone: one row each. What an instruction does is the CPU family's business
 * (ep/cpu/kernels/elementwise); here are types, shapes and the old forms. */
#include "ops/lower.h"
#include "ops/move/content.h"

/* Before opset 7 the second operand was broadcast only by attributes: broadcast=1, and axis says where its dimensions lie.
 */
static sx_status legacy_broadcast(sx_upgrade_ctx *c) {
  bool on = sx_attr_int(c->n, "broadcast", 0) != 0;
  const sx_attr *axis = sx_node_attr(c->n, "axis");
  if (on && axis && c->n->n_in == 2) {
    const sx_fact *a = &sx_value_at(c->g, c->n->in[0].value)->fact, *b = &sx_value_at(c->g, c->n->in[1].value)->fact;
    if (a->rank < 0 || b->rank < 0) SX_FAIL(c->e, FAIL, "attribute 'axis' needs inputs of known rank");
    int64_t at = axis->i < 0 ? axis->i + a->rank : axis->i, missing = a->rank - at - b->rank, axes[SX_MAX_RANK];
    if (at < 0 || missing < 0)
      SX_FAIL(c->e, FAIL, "attribute 'axis' is %lld, but input 0 has rank %d and input 1 rank %d", (long long)axis->i,
              a->rank, b->rank);
    if (missing) {
      for (int64_t i = 0; i < missing; i++) axes[i] = b->rank + i;
      sx_vid in[2] = {c->n->in[1].value, sx_graph_const_i64(c->g, axes, missing, false)};
      sx_vid v = in[1] == SX_NONE ? SX_NONE : sx_graph_emit(c->g, &sx_op_Unsqueeze, in, 2);
      if (v == SX_NONE) SX_NO_MEMORY(c->e);
      sx_graph_emitted(c->g, v)->origin = c->n->origin;
      SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, v)->producer, c->e));
      sx_graph_set_input(c->g, c->id, 1, v);
    }
  }
  sx_node_remove_attr(c->n, "axis");
  sx_node_remove_attr(c->n, "broadcast");
  sx_node_remove_attr(c->n, "consumed_inputs");
  return SX_OK;
}
static sx_status drop_consumed(sx_upgrade_ctx *c) {
  sx_node_remove_attr(c->n, "consumed_inputs");
  return SX_OK;
}

/* Neg of small integers: axes and counts are computed so in exported graphs. */
static sx_status infer_neg(sx_infer *c) {
  const sx_dim *e;
  sx_dim r[SX_MAX_ELEMS];
  SX_TRY(sx_infer_like(c, 0, 0));
  int n = sx_infer_ints(c, 0, &e);
  for (int i = 0; i < n; i++) r[i] = sx_dim_is_exact(e[i]) ? sx_dim_sub(c->dims, 0, e[i]) : SX_DIM_UNKNOWN;
  return n < 0 ? SX_OK : sx_infer_elems(c, 0, (uint32_t)n, r);
}
const sx_op sx_op_Neg = {.name = "Neg", .flags = SX_OP_ELEMENTWISE, .infer = infer_neg, .upgrades = {{6, drop_consumed}}};

/* PRelu before opset 7: a slope per channel lies along axis 1. */
static sx_status prelu_channels(sx_upgrade_ctx *c) {
  const sx_fact *x = &sx_value_at(c->g, c->n->in[0].value)->fact, *s = &sx_value_at(c->g, c->n->in[1].value)->fact;
  sx_node_remove_attr(c->n, "consumed_inputs");
  if (s->rank != 1 || x->rank < 3 || s->dims[0] == 1) return SX_OK;
  int64_t axes[SX_MAX_RANK];
  for (int i = 0; i < x->rank - 2; i++) axes[i] = i + 1;
  sx_vid in[2] = {c->n->in[1].value, sx_graph_const_i64(c->g, axes, x->rank - 2, false)};
  sx_vid v = in[1] == SX_NONE ? SX_NONE : sx_graph_emit(c->g, &sx_op_Unsqueeze, in, 2);
  if (v == SX_NONE) SX_NO_MEMORY(c->e);
  sx_graph_emitted(c->g, v)->origin = c->n->origin;
  SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, v)->producer, c->e));
  sx_graph_set_input(c->g, c->id, 1, v);
  return SX_OK;
}
const sx_op sx_op_PRelu = {.name = "PRelu",
                           .accuracy = SX_ROUNDED,
                           .flags = SX_OP_ELEMENTWISE,
                           .infer = sx_infer_broadcast,
                           .upgrades = {{7, prelu_channels}}};

#define UNARY(N, acc, units)                           \
  const sx_op sx_op_##N = {.name = #N,                 \
                           .accuracy = (acc),          \
                           .ulp = (units),             \
                           .flags = SX_OP_ELEMENTWISE, \
                           .infer = sx_infer_same,     \
                           .upgrades = {{6, drop_consumed}}};
/* Of more inputs than a kernel takes: some at a time, the result of the last beside the next. 16-bit floats stay wide between. */
static sx_status split_inputs(sx_upgrade_ctx *c) {
  enum { MOST = 32 };
  const uint32_t n = c->n->n_in;
  const bool mean = c->n->op == &sx_op_Mean;
  const sx_op *op = mean ? &sx_op_Sum : c->n->op;
  if (n <= MOST) return SX_OK;
  const sx_dtype t = (sx_dtype)sx_value_at(c->g, c->n->in[0].value)->fact.dtype;
  const sx_dtype wide = t == SX_F16 || t == SX_BF16 ? SX_F32 : t;
  sx_lower l = {.c = c};
  sx_vid in[MOST];
  for (uint32_t i = 0, k = 0; i < n; i++) {
    in[k++] = sx_lower_cast(&l, sx_lower_in(&l, i), wide);
    if (k == MOST || i + 1 == n) in[0] = sx_lower_node(&l, op, in, k, NULL, 0), k = 1;
  }
  if (mean) in[0] = sx_lower_2(&l, &sx_op_Div, in[0], sx_lower_number(&l, n, wide));
  return sx_lower_end(&l, sx_lower_cast(&l, in[0], t));
}
#define PREDICATE(N) const sx_op sx_op_##N = {.name = #N, .flags = SX_OP_ELEMENTWISE, .infer = sx_infer_compare};
#define BINARY(N, acc, more)                                    \
  const sx_op sx_op_##N = {.name = #N,                          \
                           .accuracy = (acc),                   \
                           .flags = SX_OP_ELEMENTWISE | (more), \
                           .infer = sx_infer_broadcast,         \
                           .upgrades = {{7, legacy_broadcast}}};
#define VARIADIC(N, acc)                        \
  const sx_op sx_op_##N = {.name = #N,          \
                           .accuracy = (acc),   \
                           .flags = SX_OP_ELEMENTWISE,  \
                           .infer = sx_infer_broadcast, \
                           .upgrades = {{7, legacy_broadcast}, {SX_LOWER_ALWAYS, split_inputs}}};
#define COMPARE(N, more)    \
  const sx_op sx_op_##N = { \
      .name = #N, .flags = SX_OP_ELEMENTWISE | (more), .infer = sx_infer_compare, .upgrades = {{7, legacy_broadcast}}};

UNARY(Abs, SX_EXACT, 0)
UNARY(Acos, SX_ULP, 4)
UNARY(Acosh, SX_ULP, 4)
UNARY(Asin, SX_ULP, 4)
UNARY(Asinh, SX_ULP, 4)
UNARY(Atan, SX_ULP, 4)
UNARY(Atanh, SX_ULP, 4)
UNARY(BitwiseNot, SX_EXACT, 0)
UNARY(Ceil, SX_EXACT, 0)
UNARY(Celu, SX_ULP, 4)
UNARY(Cos, SX_ULP, 4)
UNARY(Cosh, SX_ULP, 4)
UNARY(Elu, SX_ULP, 4)
/* Of an integer: computed in double and truncated. */
static sx_status erf_of_integer(sx_upgrade_ctx *c) {
  sx_vid x = c->n->in[0].value, y = c->n->out[0], v = SX_NONE;
  const sx_dtype t = (sx_dtype)sx_value_at(c->g, x)->fact.dtype;
  if (!sx_dtype_is_int(t)) return SX_OK;
  SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &x, 1, SX_F64, &v));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Erf, &v, 1, 0, &v));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &v, 1, t, &v));
  return sx_upgrade_replace(c, y, v);
}
const sx_op sx_op_Erf = {.name = "Erf",
                         .accuracy = SX_ULP,
                         .ulp = 4,
                         .flags = SX_OP_ELEMENTWISE,
                         .infer = sx_infer_same,
                         .upgrades = {{INT16_MAX, erf_of_integer}}};
UNARY(Exp, SX_ULP, 4)
UNARY(Floor, SX_EXACT, 0)
UNARY(Gelu, SX_ULP, 8)
UNARY(HardSigmoid, SX_ULP, 2)
UNARY(HardSwish, SX_ULP, 2)
UNARY(LeakyRelu, SX_ROUNDED, 0)
UNARY(Log, SX_ULP, 4)
UNARY(Mish, SX_ULP, 8)
UNARY(Reciprocal, SX_ROUNDED, 0)
UNARY(Relu, SX_EXACT, 0)
UNARY(Round, SX_EXACT, 0)
UNARY(Selu, SX_ULP, 4)
UNARY(Shrink, SX_ROUNDED, 0)
UNARY(Sigmoid, SX_ULP, 4)
UNARY(Sign, SX_EXACT, 0)
UNARY(Sin, SX_ULP, 4)
UNARY(Sinh, SX_ULP, 4)
UNARY(Softplus, SX_ULP, 4)
UNARY(Softsign, SX_ULP, 2)
UNARY(Sqrt, SX_ROUNDED, 0)
UNARY(Swish, SX_ULP, 4)
UNARY(Tan, SX_ULP, 4)
UNARY(Tanh, SX_ULP, 6)
UNARY(ThresholdedRelu, SX_EXACT, 0)
PREDICATE(IsInf)
PREDICATE(IsNaN)
/* Not of truth values that follow from shapes: it decides exported branches. */
static sx_status infer_not(sx_infer *c) {
  const sx_dim *e;
  sx_dim r[SX_MAX_ELEMS];
  int n = sx_infer_ints(c, 0, &e);
  SX_TRY(sx_infer_same(c));
  for (int i = 0; i < n; i++) r[i] = sx_dim_is_const(e[i]) ? !e[i] : SX_DIM_UNKNOWN;
  return n < 0 ? SX_OK : sx_infer_elems(c, 0, (uint32_t)n, r);
}
const sx_op sx_op_Not = {.name = "Not", .flags = SX_OP_ELEMENTWISE, .infer = infer_not};
BINARY(Add, SX_ROUNDED, SX_OP_COMMUTES)
BINARY(Sub, SX_ROUNDED, 0)
BINARY(Mul, SX_ROUNDED, SX_OP_COMMUTES)
BINARY(Div, SX_ROUNDED, 0)
const sx_op sx_op_Pow = {.name = "Pow",
                         .accuracy = SX_ULP,
                         .ulp = 8,
                         .flags = SX_OP_ELEMENTWISE,
                         .infer = sx_infer_broadcast,
                         .upgrades = {{7, legacy_broadcast}}};
BINARY(Mod, SX_EXACT, 0)
BINARY(BitShift, SX_EXACT, 0)
BINARY(BitwiseAnd, SX_EXACT, SX_OP_COMMUTES)
BINARY(BitwiseOr, SX_EXACT, SX_OP_COMMUTES)
BINARY(BitwiseXor, SX_EXACT, SX_OP_COMMUTES)
VARIADIC(Max, SX_EXACT)
VARIADIC(Min, SX_EXACT)
VARIADIC(Mean, SX_ROUNDED)
VARIADIC(Sum, SX_ROUNDED)
COMPARE(And, SX_OP_COMMUTES)
COMPARE(Or, SX_OP_COMMUTES)
COMPARE(Xor, SX_OP_COMMUTES)
COMPARE(Equal, SX_OP_COMMUTES)
COMPARE(Less, 0)
COMPARE(LessOrEqual, 0)
COMPARE(Greater, 0)
COMPARE(GreaterOrEqual, 0)

/* Where(cond, x, y): the type of x; element facts where the condition's are known. */
static sx_status infer_where(sx_infer *c) {
  sx_dim dims[SX_MAX_RANK], r[SX_MAX_ELEMS];
  const sx_dim *k, *x, *y;
  int rank, nk, nx, ny;
  SX_TRY(sx_infer_broadcast_dims(c, 0, 3, dims, &rank));
  SX_TRY(sx_infer_set(c, 0, sx_infer_in(c, 1)->dtype, rank, dims));
  if (rank < 0 || rank > 1 || (nk = sx_infer_ints(c, 0, &k)) < 0 || (nx = sx_infer_ints(c, 1, &x)) < 0 ||
      (ny = sx_infer_ints(c, 2, &y)) < 0)
    return SX_OK;
  int n = nk > nx ? nk : nx;
  n = ny > n ? ny : n;
  if (nk == 0 || nx == 0 || ny == 0) n = 0;
  for (int i = 0; i < n; i++) {
    sx_dim q = k[nk == 1 ? 0 : i];
    r[i] = !sx_dim_is_const(q) ? SX_DIM_UNKNOWN : q ? x[nx == 1 ? 0 : i] : y[ny == 1 ? 0 : i];
  }
  return sx_infer_elems(c, 0, (uint32_t)n, r);
}
const sx_op sx_op_Where = {.name = "Where", .flags = SX_OP_ELEMENTWISE, .infer = infer_where};

/* Clip(x, min?, max?): opsets below 11 carried the bounds as attributes. */
static sx_status clip_attrs_to_inputs(sx_upgrade_ctx *c) {
  sx_dtype t = (sx_dtype)sx_value_at(c->g, c->n->in[0].value)->fact.dtype;
  sx_node_remove_attr(c->n, "consumed_inputs");
  if (t == SX_F16 || t == SX_BF16) t = SX_F32; /* the bounds are floats; the kernel reads them as such */
  SX_TRY(sx_upgrade_attr_to_input(c, "min", 1, t));
  return sx_upgrade_attr_to_input(c, "max", 2, t);
}
static sx_status infer_clip(sx_infer *c) {
  SX_TRY(sx_infer_one(c, 1, "min"));
  SX_TRY(sx_infer_one(c, 2, "max"));
  return sx_infer_same(c);
}
const sx_op sx_op_Clip = {.name = "Clip",
                          .flags = SX_OP_ELEMENTWISE | SX_OP_CHECK_SIZES,
                          .infer = infer_clip,
                          .upgrades = {{11, clip_attrs_to_inputs}}};
