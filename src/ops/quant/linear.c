// SPDX-License-Identifier: MIT
/* QuantizeLinear, DequantizeLinear (of ai.onnx and of com.microsoft, which becomes the former) and DynamicQuantizeLinear.
 * Whether a scale is for the tensor, for an axis or for blocks follows from its shape: see quant.h. Kernels take 0 for the
 * zero points of float types; others are said in Div and Add, Sub and Mul. */
#include "ops/lower.h"
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

/* A scale or zero point, for the tensor, an axis or blocks, as f32 that is broadcast to x. */
static sx_vid spread(sx_lower *l, sx_vid v, const sx_fact *x, sx_dtype type) {
  enum { MOST = 1 << 20 };
  const sx_fact *f = sx_lower_fact(l, v);
  int64_t axis = sx_attr_int(l->c->n, "axis", 1), block = sx_attr_int(l->c->n, "block_size", 0);
  sx_dim dims[SX_MAX_RANK];
  v = sx_lower_cast(l, v, type);
  if (f->rank == 0) return v;
  if (f->rank == 1 && f->dims[0] == 1) return sx_lower_reshape(l, v, NULL, 0);
  if (x->rank < 1 || f->rank < 1 || axis < -x->rank || axis >= x->rank)
    return SX_LOWER_FAIL(l, FAIL, "axis %lld does not fit rank %d of the tensor, %d of the scale", (long long)axis, x->rank,
                         f->rank),
           SX_NONE;
  if (axis < 0) axis += x->rank;
  for (int i = 0; i < x->rank; i++) dims[i] = i == axis ? f->dims[0] : 1;
  if (f->rank == 1 && block <= 0) return sx_lower_reshape(l, v, dims + axis, x->rank - (int)axis);
  const int64_t n = x->dims[axis], blocks = f->rank == x->rank ? f->dims[axis] : 0;
  if (!sx_dim_is_const(n) || !sx_dim_is_const(blocks) || blocks < 1 || n > MOST)
    return SX_LOWER_FAIL(l, NEEDS_SHAPES, "zero points of floats that are not 0, in blocks along an axis of open size"),
           SX_NONE;
  if (block <= 0) block = (n + blocks - 1) / blocks;
  int64_t *at = SX_NEW_N(&l->c->g->model->arena, int64_t, (size_t)n + 1);
  if (!at) return SX_LOWER_FAIL(l, NO_MEMORY, "out of memory"), SX_NONE;
  for (int64_t i = 0; i < n; i++) at[i] = i / block;
  return sx_lower_node(l, &sx_op_Gather, SX_LOWER_IN(v, sx_lower_ints(l, at, n)), SX_LOWER_INT("axis", axis));
}
static bool is_zero(const sx_tensor *t) {
  for (size_t i = 0; t && i < t->size; i++)
    if (((const uint8_t *)t->bytes)[i]) return false;
  return t != NULL;
}
/* y = saturate(x / scale + zero), y = (x - zero) * scale, where zero is a float. */
static sx_status with_float_zero(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const bool q = c->n->op == &sx_op_QuantizeLinear;
  if (!sx_lower_has(&l, 2)) return SX_OK;
  const sx_vid x = sx_lower_in(&l, 0), scale = sx_lower_in(&l, 1), zero = sx_lower_in(&l, 2);
  const sx_dtype zt = (sx_dtype)sx_lower_fact(&l, zero)->dtype, st = (sx_dtype)sx_lower_fact(&l, scale)->dtype;
  if (!zt || sx_dtype_is_int(zt) || is_zero(sx_value_const(c->g, sx_node_in(c->n, 2)))) return SX_OK;
  const sx_dtype own = sx_dtype_is_int(st) || st == SX_F8E8M0 ? SX_F32 : st,
                 to = (sx_dtype)sx_attr_int(c->n, "output_dtype", 0),
                 precision = (sx_dtype)sx_attr_int(c->n, "precision", own);
  const sx_fact shape = *sx_lower_fact(&l, x);
  const sx_attr cast[] = {{.name = SX_STR("to"), .type = SX_ATTR_INT, .i = zt},
                          {.name = SX_STR("saturate"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "saturate", 1)}};
  const sx_vid z = spread(&l, zero, &shape, SX_F32), s = spread(&l, scale, &shape, q ? precision : SX_F32);
  if (!q)
    return sx_lower_end(
        &l, sx_lower_cast(&l, sx_lower_2(&l, &sx_op_Mul, sx_lower_2(&l, &sx_op_Sub, sx_lower_cast(&l, x, SX_F32), z), s),
                          to ? to : own));
  /* The quotient is rounded to `precision`, in so many words: nodes in 16 bits that become one are not, in between. */
  const sx_vid quotient = sx_lower_2(&l, &sx_op_Div, sx_lower_cast(&l, sx_lower_cast(&l, x, precision), SX_F32),
                                     sx_lower_cast(&l, s, SX_F32)),
               y = sx_lower_cast(&l, sx_lower_cast(&l, quotient, precision), SX_F32);
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_Cast, SX_LOWER_IN(sx_lower_2(&l, &sx_op_Add, y, z)), cast, 2));
}
const sx_op sx_op_QuantizeLinear = {.name = "QuantizeLinear",
                                    .accuracy = SX_QUANTUM,
                                    .flags = SX_OP_CHECK_SIZES,
                                    .infer = infer_quantize,
                                    .upgrades = {{SX_LOWER_ALWAYS, with_float_zero}}};
const sx_op sx_op_DequantizeLinear = {.name = "DequantizeLinear",
                                      .accuracy = SX_ROUNDED,
                                      .flags = SX_OP_CHECK_SIZES,
                                      .infer = infer_dequantize,
                                      .upgrades = {{SX_LOWER_ALWAYS, with_float_zero}}};

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
