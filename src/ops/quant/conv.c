// SPDX-License-Identifier: MIT
/* Convolutions of quantised tensors: ConvInteger, QLinearConv (com.microsoft's is the same) and two private ones, whose
 * activation is Relu or Clip (attributes as FusedConv's): QuantConv, which is QLinearConv with one between the sum and its
 * rounding, and ConvIntegerToFloat, which is ConvInteger with its sums times x_scale * w_scale, then the bias, then it. */
#include "ops/nn/activation.h"
#include "ops/nn/window.h"

static sx_status infer_integer(sx_infer *c) { return sx_infer_conv(c, 1, SX_I32); }
static sx_status infer_qlinear(sx_infer *c) { return sx_infer_conv(c, 3, sx_infer_in(c, 7)->dtype); }
const sx_op sx_op_ConvInteger = {.name = "ConvInteger", .flags = SX_OP_CHECK_SIZES, .infer = infer_integer};
const sx_op sx_op_QLinearConv = {
    .name = "QLinearConv", .accuracy = SX_QUANTUM, .flags = SX_OP_CHECK_SIZES, .infer = infer_qlinear};

static sx_status infer_to_float(sx_infer *c) { return sx_infer_conv(c, 1, SX_F32); }

static sx_status to_standard(sx_upgrade_ctx *c) {
  if (sx_attr_int(c->n, "channels_last", 0))
    SX_FAIL(c->e, NOT_IMPLEMENTED,
            "channels_last = 1 is written by ONNX Runtime's own optimizer only: use the model as it was before");
  c->n->op = &sx_op_QLinearConv;
  c->n->domain = (sx_str){"", 0};
  sx_node_remove_attr(c->n, "channels_last");
  return SX_OK;
}
const sx_op sx_op_MsQLinearConv = {
    .name = "QLinearConv", .domain = SX_DOMAIN_MS, .infer = infer_qlinear, .upgrades = {{INT32_MAX, to_standard}}};

/* Name, origin and attributes of n, but for its activation, to the node that makes v. */
static sx_status give_attributes(sx_graph *g, sx_vid v, const sx_node *n, sx_err *e) {
  sx_node *conv = sx_graph_emitted(g, v);
  conv->name = n->name, conv->origin = n->origin;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (!sx_activation_attr(n->attrs[i].name) && !sx_node_set_attr(g, sx_value_at(g, v)->producer, &n->attrs[i]))
      SX_NO_MEMORY(e);
  return SX_OK;
}

static sx_status lower_conv(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  sx_vid in[9], v = SX_NONE, border[3] = {SX_NONE, n->in[6].value, n->in[7].value};
  for (uint32_t i = 0; i < n->n_in && i < 9; i++) in[i] = n->in[i].value;
  v = sx_graph_emit(g, &sx_op_QLinearConv, in, n->n_in < 9 ? n->n_in : 9);
  if (v == SX_NONE) SX_NO_MEMORY(e);
  SX_TRY(give_attributes(g, v, n, e));
  /* Rounding is monotonous: the activation may come after it, on values of the output's own scale. */
  border[0] = v;
  if ((v = border[0] = sx_graph_emit(g, &sx_op_DequantizeLinear, border, 3)) == SX_NONE ||
      (border[0] = sx_activation_lower(g, n, v)) == SX_NONE)
    SX_NO_MEMORY(e);
  if ((v = sx_graph_emit(g, &sx_op_QuantizeLinear, border, 3)) == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], v);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_QuantConv = {
    .name = "QuantConv", .accuracy = SX_QUANTUM, .flags = SX_OP_PRIVATE, .infer = infer_qlinear, .lower = lower_conv};

enum { X, W, X_SCALE, W_SCALE, X_ZERO, W_ZERO, BIAS };
static sx_status lower_to_float(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  const sx_vid in[4] = {sx_node_in(n, X), sx_node_in(n, W), sx_node_in(n, X_ZERO), sx_node_in(n, W_ZERO)};
  sx_vid y = sx_graph_emit(g, &sx_op_ConvInteger, in, in[3] != SX_NONE ? 4 : in[2] != SX_NONE ? 3 : 2), scale;
  if (y == SX_NONE) SX_NO_MEMORY(e);
  SX_TRY(give_attributes(g, y, n, e));
  if ((y = sx_graph_emit(g, &sx_op_Cast, &y, 1)) == SX_NONE ||
      !sx_node_set_int(g, sx_value_at(g, y)->producer, "to", SX_F32) ||
      (scale = sx_graph_emit(g, &sx_op_Mul, (sx_vid[]){sx_node_in(n, X_SCALE), sx_node_in(n, W_SCALE)}, 2)) == SX_NONE ||
      (y = sx_graph_emit(g, &sx_op_Mul, (sx_vid[]){y, scale}, 2)) == SX_NONE)
    SX_NO_MEMORY(e);
  if (sx_node_in(n, BIAS) != SX_NONE) y = sx_graph_emit(g, &sx_op_Add, (sx_vid[]){y, sx_node_in(n, BIAS)}, 2);
  if (y == SX_NONE || (y = sx_activation_lower(g, n, y)) == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  sx_graph_kill(g, id);
  return SX_OK;
}
/* w_scale and bias: one number, or one for each output channel, shaped to be combined with the result. */
const sx_op sx_op_ConvIntegerToFloat = {.name = "ConvIntegerToFloat",
                                        .accuracy = SX_ULP,
                                        .ulp = 16,
                                        .flags = SX_OP_PRIVATE,
                                        .infer = infer_to_float,
                                        .lower = lower_to_float};
