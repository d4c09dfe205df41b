// SPDX-License-Identifier: MIT
/* Dynamic quantisation: weights are integers in the file, activations become ones while the model runs, with the range that
 * they have then. A product is DynamicQuantizeLinear, the integer operator, and its sums times both scales, which is what
 * ONNX's integer operators are made for. */
#include "quant/rules.h"

static sx_status binary(sx_quantizer *q, const char *op, sx_vid a, sx_vid b, sx_vid *out) {
  return sx_quant_emit(q, "", op, (sx_vid[]){a, b}, 2, out, 1);
}

/* 1-D of n elements with so many ones before and behind it, to be combined along an axis. */
static sx_status reshaped(sx_quantizer *q, sx_vid v, int before, int after, sx_vid *out) {
  const sx_tensor *t = sx_value_const(q->g, v);
  int64_t dims[SX_MAX_RANK + 2];
  const void *data;
  sx_tensor *x;
  for (int i = 0; i < before + 1 + after; i++) dims[i] = i == before ? t->count : 1;
  SX_TRY(sx_tensor_data(t, &data, q->e));
  SX_TRY(sx_tensor_create((sx_dtype)t->dtype, before + 1 + after, dims, &x, q->e));
  memcpy(x->data, data, x->size);
  return sx_quant_add_constant(q, v, "_reshaped", x, out);
}

/* sums * (scale of x * scale of w), as floats. */
static sx_status scaled(sx_quantizer *q, sx_vid sums, sx_vid x_scale, sx_vid w_scale, sx_vid *out) {
  sx_vid real, both;
  SX_TRY(sx_quant_cast(q, sums, SX_F32, &real));
  SX_TRY(binary(q, "Mul", x_scale, w_scale, &both));
  return binary(q, "Mul", real, both, out);
}

/* x times the matrix w (or its transpose). */
static sx_status product(sx_quantizer *q, sx_vid x, sx_vid w, bool transposed, sx_vid *out) {
  const sx_tensor *t = sx_value_const(q->g, w);
  const sx_quant_constant *c;
  const sx_quant_value *d;
  sx_vid sums;
  SX_TRY(sx_quant_weight_of(q, w, q->o->per_channel && t->rank == 2 ? 1 : -1, transposed, &c));
  q->error = c->error;
  SX_TRY(sx_quant_dynamic_of(q, x, &d));
  SX_TRY(sx_quant_emit(q, "", "MatMulInteger", (sx_vid[]){d->codes, c->codes, d->zero, c->zero}, 4, &sums, 1));
  return scaled(q, sums, d->scale, c->scale, out);
}

static sx_status matmul(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0), w = sx_node_in(n, 1);
  sx_vid y;
  if (!sx_quant_is_weight(q->g, w, 2)) return *kept = "the second input is no constant matrix of floats", SX_OK;
  if (!sx_quant_is_f32(q->g, x)) return *kept = "the first input is not known to be float", SX_OK;
  SX_TRY(product(q, x, w, false, &y));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

static sx_status gemm(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0), w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  sx_vid y;
  if (!sx_quant_is_weight(q->g, w, 2)) return *kept = "the second input is no constant matrix of floats", SX_OK;
  if (!sx_quant_is_f32(q->g, x)) return *kept = "the first input is not known to be float", SX_OK;
  if (!sx_quant_is_plain_gemm(n, kept)) return SX_OK;
  SX_TRY(product(q, x, w, sx_attr_int(n, "transB", 0) != 0, &y));
  if (bias != SX_NONE) SX_TRY(binary(q, "Add", y, bias, &y));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

static sx_status conv(sx_quantizer *q, sx_nid id, const char **kept) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  const sx_vid x = sx_node_in(n, 0), w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  const sx_quant_constant *c;
  const sx_quant_value *d;
  sx_vid sums, scale, y, b;
  if (!sx_quant_is_weight(g, w, 3)) return *kept = "the weight is no constant of floats", SX_OK;
  if (!sx_quant_is_f32(g, x)) return *kept = "the input is not known to be float", SX_OK;
  if (bias != SX_NONE && !sx_value_const(g, bias)) return *kept = "the bias is no constant", SX_OK;
  const int spatial = sx_value_const(g, w)->rank - 2;
  SX_TRY(sx_quant_weight_of(q, w, q->o->per_channel ? 0 : -1, false, &c));
  q->error = c->error, scale = c->scale;
  SX_TRY(sx_quant_dynamic_of(q, x, &d));
  SX_TRY(sx_quant_emit_like(q, id, "", "ConvInteger", (sx_vid[]){d->codes, c->codes, d->zero, c->zero}, 4, &sums));
  if (q->o->per_channel) SX_TRY(reshaped(q, c->scale, 1, spatial, &scale));
  SX_TRY(scaled(q, sums, d->scale, scale, &y));
  if (bias != SX_NONE) {
    SX_TRY(reshaped(q, bias, 1, spatial, &b));
    SX_TRY(binary(q, "Add", y, b, &y));
  }
  sx_quant_replace(q, id, y);
  return SX_OK;
}

/* The Gather `id` on another table. */
static sx_status rows_of(sx_quantizer *q, sx_nid id, sx_vid table, sx_vid *out) {
  return sx_quant_emit_like(q, id, "", "Gather", (sx_vid[]){table, sx_node_in(sx_node_at(q->g, id), 1)}, 2, out);
}

/* A table of rows: only the rows that are read become floats again, by a scale of the table or one of the row. */
static sx_status gather(sx_quantizer *q, sx_nid id, const char **kept) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  const sx_vid w = sx_node_in(n, 0);
  const sx_quant_constant *c;
  sx_vid codes, y;
  if (!sx_quant_is_weight(g, w, 2)) return *kept = "the table is no constant of floats", SX_OK;
  if (sx_value_const(g, w)->dtype != SX_F32) return *kept = "the table is not float", SX_OK;
  const bool by_row =
      q->o->per_channel && q->o->weight == SX_I8 && sx_value_const(g, w)->rank == 2 && !sx_attr_int(n, "axis", 0);
  SX_TRY(sx_quant_weight_of(q, w, by_row ? 0 : -1, false, &c));
  q->error = c->error;
  SX_TRY(rows_of(q, id, c->codes, &codes));
  if (by_row) {
    sx_vid column, scale, real;
    SX_TRY(reshaped(q, c->scale, 0, 1, &column));
    SX_TRY(rows_of(q, id, column, &scale));
    SX_TRY(sx_quant_cast(q, codes, SX_F32, &real));
    SX_TRY(binary(q, "Mul", real, scale, &y));
  } else
    SX_TRY(sx_quant_emit(q, "", "DequantizeLinear", (sx_vid[]){codes, c->scale, c->zero}, 3, &y, 1));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

const sx_quant_rule sx_quant_dynamic_rules[] = {
    {"", "MatMul", matmul}, {"", "Gemm", gemm}, {"", "Conv", conv}, {"", "Gather", gather}, {NULL, NULL, NULL}};
