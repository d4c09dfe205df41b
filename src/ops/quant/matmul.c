// SPDX-License-Identifier: MIT
/* Products of quantised matrices: MatMulInteger, QLinearMatMul, and com.microsoft's QGemm, MatMulIntegerToFloat and
 * DynamicQuantizeMatMul (which becomes DynamicQuantizeLinear and MatMulIntegerToFloat). QuantLinear, private, is
 * MatMulIntegerToFloat with an activation (attributes as FusedConv's). */
#include "ops/move/content.h"
#include "ops/nn/activation.h"

/* The shape of a product of inputs a and b, NumPy's rules; `to` is the element type. */
static sx_status product(sx_infer *c, uint32_t a, uint32_t b, bool trans_a, bool trans_b, int to) {
  if (!sx_infer_has_rank(c, a) || !sx_infer_has_rank(c, b)) return sx_infer_set(c, 0, to, -1, NULL);
  const sx_fact *x = sx_infer_in(c, a), *y = sx_infer_in(c, b);
  sx_dim d[SX_MAX_RANK];
  int r = 0, ba = x->rank > 2 ? x->rank - 2 : 0, bb = y->rank > 2 ? y->rank - 2 : 0, batch = ba > bb ? ba : bb;
  if (x->rank < 1 || y->rank < 1)
    return SX_INFER_FAIL(c, "a scalar input: expected rank 1 or more, found ranks %d and %d", x->rank, y->rank);
  sx_dim ka = x->dims[x->rank == 1 ? 0 : x->rank - 1 - trans_a], kb = y->dims[y->rank == 1 ? 0 : y->rank - 2 + trans_b];
  if (sx_dim_is_const(ka) && sx_dim_is_const(kb) && ka != kb)
    return SX_INFER_FAIL(c, "the inner dimensions differ: %lld in input %u and %lld in input %u", (long long)ka, a,
                         (long long)kb, b);
  for (; r < batch; r++) {
    bool clash = false;
    sx_dim p = r < batch - ba ? 1 : x->dims[r - (batch - ba)], q = r < batch - bb ? 1 : y->dims[r - (batch - bb)];
    d[r] = sx_dim_broadcast(c->dims, p, q, &clash);
    if (clash)
      return SX_INFER_FAIL(c, "batch dimension %d is %lld in input %u and %lld in input %u", r, (long long)p, a,
                           (long long)q, b);
  }
  if (x->rank > 1) d[r++] = x->dims[x->rank - 2 + trans_a];
  if (y->rank > 1) d[r++] = y->dims[y->rank - 1 - trans_b];
  return sx_infer_set(c, 0, to, r, d);
}

static sx_status infer_integer(sx_infer *c) { return product(c, 0, 1, false, false, SX_I32); }
static sx_status infer_qlinear(sx_infer *c) { return product(c, 0, 3, false, false, sx_infer_in(c, 7)->dtype); }
static sx_status infer_to_float(sx_infer *c) { return product(c, 0, 1, false, false, sx_infer_in(c, 2)->dtype); }
static sx_status infer_qgemm(sx_infer *c) {
  const sx_fact *zero = sx_infer_in(c, 8);
  int to = !sx_infer_in(c, 7) ? SX_F32 : zero ? zero->dtype : sx_infer_in(c, 0)->dtype;
  if ((sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank != 2) ||
      (sx_infer_has_rank(c, 3) && sx_infer_in(c, 3)->rank != 2))
    return SX_INFER_FAIL(c, "expected two matrices, found ranks %d and %d", sx_infer_in(c, 0)->rank,
                         sx_infer_in(c, 3)->rank);
  return product(c, 0, 3, sx_attr_int(c->n, "transA", 0) != 0, sx_attr_int(c->n, "transB", 0) != 0, to);
}
const sx_op sx_op_MatMulInteger = {.name = "MatMulInteger", .infer = infer_integer};

/* Operands of 8-bit floats: what QLinearMatMul is defined by. Scales are one each, or one per row of A and Y and column of
 * B. */
static bool is_f8(sx_dtype t) { return sx_dtype_is_float(t) && sx_dtype_bits(t) == 8; }
static sx_status product_of_f8(sx_upgrade_ctx *c) {
  sx_vid in[8], wide[2], v = SX_NONE, y = c->n->out[0];
  bool f8 = false;
  for (uint32_t i = 0; i < 8; i++) {
    in[i] = sx_node_in(c->n, i);
    if (in[i] == SX_NONE) return SX_OK;
    f8 |= is_f8((sx_dtype)sx_value_at(c->g, in[i])->fact.dtype);
  }
  if (!f8) return SX_OK;
  const int64_t axis[3] = {-2, -1, -2};
  for (int i = 0; i < 2; i++) {
    SX_TRY(sx_upgrade_emit(c, &sx_op_DequantizeLinear, in + 3 * i, 3, 0, &wide[i]));
    if (!sx_node_set_int(c->g, sx_value_at(c->g, wide[i])->producer, "axis", axis[i])) SX_NO_MEMORY(c->e);
  }
  SX_TRY(sx_upgrade_emit(c, &sx_op_MatMul, wide, 2, 0, &v));
  SX_TRY(sx_upgrade_emit(c, &sx_op_QuantizeLinear, (sx_vid[]){v, in[6], in[7]}, 3, 0, &v));
  if (!sx_node_set_int(c->g, sx_value_at(c->g, v)->producer, "axis", axis[2])) SX_NO_MEMORY(c->e);
  return sx_upgrade_replace(c, y, v);
}
const sx_op sx_op_QLinearMatMul = {
    .name = "QLinearMatMul", .accuracy = SX_QUANTUM, .infer = infer_qlinear, .upgrades = {{INT16_MAX, product_of_f8}}};
const sx_op sx_op_MatMulIntegerToFloat = {
    .name = "MatMulIntegerToFloat", .domain = SX_DOMAIN_MS, .accuracy = SX_ROUNDED, .infer = infer_to_float};

static sx_status lower_linear(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  sx_vid in[7];
  for (uint32_t i = 0; i < n->n_in && i < 7; i++) in[i] = n->in[i].value;
  sx_vid y = sx_graph_emit(g, &sx_op_MatMulIntegerToFloat, in, n->n_in < 7 ? n->n_in : 7);
  if (y != SX_NONE) sx_graph_emitted(g, y)->origin = n->origin, sx_graph_emitted(g, y)->name = n->name;
  if (y != SX_NONE) y = sx_activation_lower(g, n, y);
  if (y == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_QuantLinear = {.name = "QuantLinear",
                                 .accuracy = SX_ULP,
                                 .ulp = 16,
                                 .flags = SX_OP_PRIVATE,
                                 .infer = infer_to_float,
                                 .lower = lower_linear};

/* Rows of A are read as they lie: a transposed one is copied first. */
static sx_status transpose_a(sx_upgrade_ctx *c) {
  static const int64_t perm[2] = {1, 0};
  if (!sx_attr_int(c->n, "transA", 0)) return SX_OK;
  sx_vid x = c->n->in[0].value, y = sx_graph_emit(c->g, &sx_op_Transpose, &x, 1);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid t = sx_value_at(c->g, y)->producer;
  sx_node_at(c->g, t)->origin = c->n->origin;
  if (!sx_node_set_ints(c->g, t, "perm", perm, 2)) SX_NO_MEMORY(c->e);
  SX_TRY(sx_infer_node(c->g, t, c->e));
  sx_graph_set_input(c->g, c->id, 0, y);
  sx_node_remove_attr(c->n, "transA");
  return SX_OK;
}
const sx_op sx_op_QGemm = {.name = "QGemm",
                           .domain = SX_DOMAIN_MS,
                           .accuracy = SX_QUANTUM,
                           .infer = infer_qgemm,
                           .upgrades = {{INT32_MAX, transpose_a}}};

static sx_status split_dynamic(sx_upgrade_ctx *c) {
  sx_vid x = c->n->in[0].value, out[3], in[7];
  for (uint32_t i = 0; i < 3; i++)
    if ((out[i] = sx_graph_add_value(c->g, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid q = sx_graph_add_node(c->g, &sx_op_DynamicQuantizeLinear, &x, 1, out, 3);
  if (q == SX_NONE) SX_NO_MEMORY(c->e);
  sx_node_at(c->g, q)->op_type = SX_STR("DynamicQuantizeLinear");
  sx_node_at(c->g, q)->origin = c->n->origin;
  SX_TRY(sx_infer_node(c->g, q, c->e));
  in[0] = out[0], in[1] = sx_node_in(c->n, 1), in[2] = out[1], in[3] = sx_node_in(c->n, 2), in[4] = out[2],
  in[5] = sx_node_in(c->n, 3), in[6] = sx_node_in(c->n, 4);
  uint32_t n = in[6] != SX_NONE ? 7 : in[5] != SX_NONE ? 6 : 5;
  if (!sx_graph_resize_inputs(c->g, c->id, n, n)) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n; i++) sx_graph_set_input(c->g, c->id, i, in[i]);
  c->n->op = &sx_op_MatMulIntegerToFloat;
  c->n->op_type = SX_STR("MatMulIntegerToFloat");
  return SX_OK;
}
const sx_op sx_op_DynamicQuantizeMatMul = {.name = "DynamicQuantizeMatMul",
                                           .domain = SX_DOMAIN_MS,
                                           .accuracy = SX_QUANTUM,
                                           .infer = infer_to_float,
                                           .upgrades = {{INT32_MAX, split_dynamic}}};
