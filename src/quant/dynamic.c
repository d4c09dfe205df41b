// SPDX-License-Identifier: MIT
/* Dynamic quantisation: weights are integers in the file, activations become ones while the model runs, with the range that
 * they have then. A product is DynamicQuantizeLinear, the integer operator, and its sums times both scales, which is what
 * ONNX's integer operators are made for. */
#include <math.h>
#include "quant/rules.h"

static sx_status binary(sx_quantizer *q, const char *op, sx_vid a, sx_vid b, sx_vid *out) {
  return sx_quant_emit(q, "", op, (sx_vid[]){a, b}, 2, out, 1);
}

/* The same bytes in another shape of as many elements. */
static sx_status copy_as(const sx_tensor *t, int rank, const int64_t *dims, sx_tensor **out, sx_err *e) {
  const void *data;
  SX_TRY(sx_tensor_data(t, &data, e));
  SX_TRY(sx_tensor_create((sx_dtype)t->dtype, rank, dims, out, e));
  memcpy((*out)->data, data, (*out)->size);
  return SX_OK;
}

/* 1-D of n elements with so many ones before and behind it, to be combined along an axis. */
static sx_status reshaped(sx_quantizer *q, sx_vid v, int before, int after, sx_vid *out) {
  const sx_tensor *t = sx_value_const(q->g, v);
  int64_t dims[SX_MAX_RANK + 2];
  sx_tensor *x;
  for (int i = 0; i < before + 1 + after; i++) dims[i] = i == before ? t->count : 1;
  SX_TRY(copy_as(t, before + 1 + after, dims, &x, q->e));
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
  SX_TRY(sx_quant_weight_of(q, w, q->o->per_channel && t->rank == 2 ? 1 : -1, transposed, NULL, &c));
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
  if (!sx_quant_is_f32(q->g, w)) return *kept = "it does not compute on float", SX_OK;
  SX_TRY(product(q, x, w, false, &y));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

static sx_status gemm(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0), w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  sx_vid y;
  if (!sx_quant_is_weight(q->g, w, 2)) return *kept = "the second input is no constant matrix of floats", SX_OK;
  if (!sx_quant_is_f32(q->g, w)) return *kept = "it does not compute on float", SX_OK;
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
  if (!sx_quant_is_f32(g, w)) return *kept = "it does not compute on float", SX_OK;
  if (bias != SX_NONE && !sx_value_const(g, bias)) return *kept = "the bias is no constant", SX_OK;
  const int spatial = sx_value_const(g, w)->rank - 2;
  SX_TRY(sx_quant_weight_of(q, w, q->o->per_channel ? 0 : -1, false, NULL, &c));
  q->error = c->error, scale = c->scale;
  SX_TRY(sx_quant_dynamic_of(q, x, &d));
  SX_TRY(sx_quant_emit_like(q, id, "", "ConvInteger", (sx_vid[]){d->codes, c->codes, d->zero, c->zero}, 4, &sums, 1));
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
  return sx_quant_emit_like(q, id, "", "Gather", (sx_vid[]){table, sx_node_in(sx_node_at(q->g, id), 1)}, 2, out, 1);
}

/* Only the rows that are read become floats again, by a scale of the table or one of the row. */
sx_status sx_quant_table(sx_quantizer *q, sx_nid id, const char **kept) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  const sx_vid w = sx_node_in(n, 0);
  const sx_quant_constant *c;
  sx_vid codes, y;
  if (!sx_quant_is_weight(g, w, 2)) return *kept = "the table is no constant of floats", SX_OK;
  if (sx_value_const(g, w)->dtype != SX_F32) return *kept = "the table is not float", SX_OK;
  if (sx_dtype_bits(q->o->weight) != 8) return *kept = "tables have 8 bits", SX_OK;
  const bool by_row =
      q->o->per_channel && q->o->weight == SX_I8 && sx_value_const(g, w)->rank == 2 && !sx_attr_int(n, "axis", 0);
  SX_TRY(sx_quant_weight_of(q, w, by_row ? 0 : -1, false, NULL, &c));
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

/* Node id becomes one of com.microsoft with its attributes and outputs. */
static sx_status become(sx_quantizer *q, sx_nid id, const char *op_type, const sx_vid *in, uint32_t n_in) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  sx_vid out[4];
  SX_TRY(sx_quant_emit_like(q, id, "com.microsoft", op_type, in, n_in, out, n->n_out));
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE) sx_quant_take_over(g, n->out[i], out[i]);
  sx_graph_kill(g, id);
  return SX_OK;
}

/* What layer_weight found, (directions * gates, K), as DynamicQuantizeLSTM reads it: (directions, K, gates), and scales and
 * zero points of all gates in a row for each direction. */
static sx_status turn(sx_quant_weight *w, int64_t dirs, int64_t gates, int64_t K, sx_err *e) {
  const int64_t sizes[] = {dirs, K, gates}, scales[] = {dirs, gates};
  sx_tensor **part[] = {&w->codes, &w->scale, &w->zero};
  const int rank = w->scale->count == dirs ? 1 : 2;
  for (int i = 0; i < 3; i++) {
    sx_tensor *now, *old = *part[i];
    SX_TRY(i ? copy_as(old, rank, scales, &now, e) : sx_tensor_create(SX_I8, 3, sizes, &now, e));
    for (int64_t d = 0; d < dirs && !i; d++)
      for (int64_t k = 0; k < K; k++)
        for (int64_t j = 0; j < gates; j++)
          ((int8_t *)now->data)[(d * K + k) * gates + j] = ((const int8_t *)old->data)[(d * gates + j) * K + k];
    sx_tensor_unref(old);
    *part[i] = now;
  }
  return SX_OK;
}

/* Weights of a recurrent layer, (directions, gates, K), with a scale for each direction or for each of its gates. The codes
 * are signed: DynamicQuantizeLSTM takes no other zero point than 0. */
static sx_status layer_weight(sx_quantizer *q, sx_vid v, sx_vid out[3]) {
  const sx_tensor *t = sx_value_const(q->g, v);
  const int64_t dirs = t->dims[0], gates = t->dims[1], K = t->dims[2], rows = q->o->per_channel ? dirs * gates : dirs;
  sx_quant_grid grid = sx_quant_grid_of(SX_I8, true, q->o->reduce_range);
  sx_quant_weight w;
  sx_tensor *flat;
  const void *data;
  grid.zeros = true;
  SX_TRY(sx_tensor_data(t, &data, q->e));
  SX_TRY(sx_tensor_wrap(SX_F32, 2, (int64_t[]){rows, t->count / rows}, data, SX_OWN_CALLER, &flat, q->e));
  sx_status s = sx_quantize_weight(flat, &grid, 0, &w, q->e);
  sx_tensor_unref(flat);
  if (s != SX_OK) return sx_err_context(q->e, "initializer '%.*s'", SX_FMT(sx_value_at(q->g, v)->name)), s;
  q->error = fmax(q->error, w.error);
  s = turn(&w, dirs, gates, K, q->e);
  if (s == SX_OK) return sx_quant_add_weight(q, v, &w, out);
  sx_tensor_unref(w.codes), sx_tensor_unref(w.scale), sx_tensor_unref(w.zero);
  return s;
}

static bool is_f32_constant(const sx_graph *g, sx_vid v, int rank) {
  return v != SX_NONE && sx_quant_is_weight(g, v, rank) && sx_value_const(g, v)->rank == rank && sx_quant_is_f32(g, v);
}

static sx_status lstm(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  sx_vid in[12], w[3], r[3];
  if (!is_f32_constant(q->g, sx_node_in(n, 1), 3) || !is_f32_constant(q->g, sx_node_in(n, 2), 3))
    return *kept = "its weights are no constants of float", SX_OK;
  if (sx_attr_int(n, "layout", 0)) return *kept = "it has the batch first", SX_OK;
  for (uint32_t i = 0; i < 8; i++) in[i] = sx_node_in(n, i);
  SX_TRY(layer_weight(q, in[1], w));
  SX_TRY(layer_weight(q, in[2], r));
  in[1] = w[0], in[2] = r[0];
  memcpy(in + 8, (sx_vid[]){w[1], w[2], r[1], r[2]}, 4 * sizeof *in);
  sx_node_remove_attr(sx_node_at(q->g, id), "layout");
  return become(q, id, "DynamicQuantizeLSTM", in, 12);
}

/* com.microsoft's, as its optimiser leaves it: one product gives queries, keys and values. */
static sx_status attention(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0), w = sx_node_in(n, 1), bias = sx_node_in(n, 2);
  const sx_quant_constant *c;
  const sx_quant_value *d;
  if (!is_f32_constant(q->g, w, 2)) return *kept = "its weight is no constant matrix of float", SX_OK;
  if (bias == SX_NONE) return *kept = "it has no bias, which QAttention needs", SX_OK;
  if (sx_node_in(n, 5) != SX_NONE || sx_node_in(n, 6) != SX_NONE || sx_node_attr(n, "qkv_hidden_sizes") ||
      sx_node_attr(n, "rotary_embedding_dim"))
    return *kept = "QAttention has no added scores, no sizes of its own for values, and no length of the past", SX_OK;
  SX_TRY(sx_quant_weight_of(q, w, q->o->per_channel ? 1 : -1, false, NULL, &c));
  q->error = c->error;
  SX_TRY(sx_quant_dynamic_of(q, x, &d));
  const sx_vid in[] = {d->codes, c->codes, bias, d->scale, c->scale, sx_node_in(n, 3), d->zero, c->zero, sx_node_in(n, 4)};
  return become(q, id, "QAttention", in, 9);
}

/* Its three tables, factors and addends, each with a scale and a zero point. */
static sx_status embed(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  sx_vid in[18];
  for (uint32_t i = 0; i < 18; i++) in[i] = i < 8 ? sx_node_in(n, i) : SX_NONE;
  if (n->n_out > 2) return *kept = "its sum of embeddings is an output", SX_OK;
  for (uint32_t i = 2; i < 7; i++)
    if (in[i] != SX_NONE && !is_f32_constant(q->g, in[i], i < 5 ? 2 : 1))
      return *kept = "its tables are no constants of float", SX_OK;
  for (uint32_t i = 2; i < 7; i++) {
    sx_quant_grid grid = sx_quant_grid_of(q->o->weight, sx_dtype_is_signed(q->o->weight), q->o->reduce_range);
    const sx_vid v = in[i];
    sx_quant_weight w;
    sx_vid made[3];
    if (v == SX_NONE) continue;
    SX_TRY(sx_quantize_weight(sx_value_const(q->g, v), &grid, -1, &w, q->e));
    q->error = fmax(q->error, w.error);
    SX_TRY(sx_quant_add_weight(q, v, &w, made));
    in[i] = made[0], in[i + 6] = made[1], in[i + 11] = made[2];
  }
  return become(q, id, "QEmbedLayerNormalization", in, 18);
}

const sx_quant_rule sx_quant_dynamic_rules[] = {{"", "MatMul", matmul},
                                                {"", "Gemm", gemm},
                                                {"", "Conv", conv},
                                                {"", "Gather", sx_quant_table},
                                                {"", "LSTM", lstm},
                                                {"com.microsoft", "Attention", attention},
                                                {"com.microsoft", "EmbedLayerNormalization", embed},
                                                {NULL, NULL, NULL}};
