// SPDX-License-Identifier: MIT
/* QuantizeLinear, DequantizeLinear (of ai.onnx and of com.microsoft, which becomes the former) and DynamicQuantizeLinear.
 * Whether a scale is for the tensor, for an axis or for blocks follows from its shape: see quant.h. */
#include "ops/quant/quant.h"

bool sx_quant_view(const sx_node *n, int rank, const int64_t *x, int scale_rank, const int64_t *scale, sx_quant_lines *q) {
  int64_t axis = sx_attr_int(n, "axis", 1), block = sx_attr_int(n, "block_size", 0), count = 1;
  *q = (sx_quant_lines){1, 1, 1, 1};
  for (int i = 0; i < scale_rank; i++) count *= scale[i];
  for (int i = 0; i < rank; i++) q->inner *= x[i];
  if (count == 1 && scale_rank <= 1) return true;
  if (axis < -rank || axis >= rank) return false;
  if (axis < 0) axis += rank;
  q->inner = 1, q->axis = x[axis];
  for (int i = 0; i < rank; i++) *(i < axis ? &q->outer : &q->inner) *= i == axis ? 1 : x[i];
  if (scale_rank == 1 && block <= 0) return scale[0] == q->axis;
  if (scale_rank != rank || (block <= 0 && !scale[axis])) return false;
  for (int i = 0; i < rank; i++)
    if (i != axis && scale[i] != x[i]) return false;
  q->block = block > 0 ? block : (q->axis + scale[axis] - 1) / scale[axis];
  q->blocked = true;
  return q->block > 0 && q->axis / q->block + (q->axis % q->block != 0) == scale[axis];
}

static sx_status check_scale(sx_infer *c) {
  if (!sx_infer_has_rank(c, 0) || !sx_infer_has_rank(c, 1)) return SX_OK;
  const sx_fact *x = sx_infer_in(c, 0), *s = sx_infer_in(c, 1);
  sx_quant_lines q;
  for (int i = 0; i < x->rank; i++)
    if (!sx_dim_is_const(x->dims[i])) return SX_OK;
  for (int i = 0; i < s->rank; i++)
    if (!sx_dim_is_const(s->dims[i])) return SX_OK;
  if (!sx_quant_view(c->n, x->rank, x->dims, s->rank, s->dims, &q))
    return SX_INFER_FAIL(c, "the scale fits neither the tensor, nor axis %lld, nor blocks along it",
                         (long long)sx_attr_int(c->n, "axis", 1));
  return SX_OK;
}

static sx_status infer_quantize(sx_infer *c) {
  const sx_fact *zero = sx_infer_in(c, 2);
  int64_t to = sx_attr_int(c->n, "output_dtype", 0);
  if (to && (to < 0 || to >= SX_DTYPE_COUNT ||
             (!sx_dtype_is_int((sx_dtype)to) && !(sx_dtype_is_float((sx_dtype)to) && sx_dtype_bits((sx_dtype)to) <= 8))))
    return SX_INFER_FAIL(c, "attribute 'output_dtype' is %lld, which is no type to quantise to", (long long)to);
  if (zero && zero->dtype) {
    if (to && to != zero->dtype)
      return SX_INFER_FAIL(c, "attribute 'output_dtype' is %s, the zero point is %s", sx_dtype_name((sx_dtype)to),
                           sx_dtype_name(zero->dtype));
    to = zero->dtype;
  }
  SX_TRY(check_scale(c));
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].dtype = (uint8_t)(to ? to : SX_U8);
  return SX_OK;
}
static sx_status infer_dequantize(sx_infer *c) {
  const sx_fact *scale = sx_infer_in(c, 1);
  int64_t to = sx_attr_int(c->n, "output_dtype", 0);
  SX_TRY(check_scale(c));
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].dtype = (uint8_t)(to ? to : scale->dtype == SX_F8E8M0 ? SX_F32 : scale->dtype);
  return SX_OK;
}
const sx_op sx_op_QuantizeLinear = {
    .name = "QuantizeLinear", .accuracy = SX_QUANTUM, .flags = SX_OP_CHECK_SIZES, .infer = infer_quantize};
const sx_op sx_op_DequantizeLinear = {
    .name = "DequantizeLinear", .accuracy = SX_ROUNDED, .flags = SX_OP_CHECK_SIZES, .infer = infer_dequantize};

static sx_status to_standard(sx_upgrade_ctx *c) {
  bool q = sx_str_is(c->n->op_type, "QuantizeLinear");
  c->n->op = q ? &sx_op_QuantizeLinear : &sx_op_DequantizeLinear;
  c->n->domain = (sx_str){"", 0};
  return SX_OK;
}
const sx_op sx_op_MsQuantizeLinear = {
    .name = "QuantizeLinear", .domain = SX_DOMAIN_MS, .infer = infer_quantize, .upgrades = {{INT32_MAX, to_standard}}};
const sx_op sx_op_MsDequantizeLinear = {
    .name = "DequantizeLinear", .domain = SX_DOMAIN_MS, .infer = infer_dequantize, .upgrades = {{INT32_MAX, to_standard}}};

static sx_status infer_dynamic(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].dtype = SX_U8;
  SX_TRY(sx_infer_set(c, 1, SX_F32, 0, NULL));
  return sx_infer_set(c, 2, SX_U8, 0, NULL);
}
const sx_op sx_op_DynamicQuantizeLinear = {.name = "DynamicQuantizeLinear", .accuracy = SX_QUANTUM, .infer = infer_dynamic};
