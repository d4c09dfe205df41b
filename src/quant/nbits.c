// SPDX-License-Identifier: MIT
/* Weights alone, of 2, 4 or 8 bits in blocks: matrices become MatMulNBits, tables of rows GatherBlockQuantized, both of
 * com.microsoft. Activations stay as they are. */
#include "quant/blocks.h"
#include "quant/rules.h"

/* Rows of the weight v in blocks, as values: codes, scales, zero points (or SX_NONE). */
static sx_status blocks_of(sx_quantizer *q, sx_vid v, bool by_column, sx_vid in[3]) {
  const sx_tensor *t = sx_value_const(q->g, v);
  const int64_t rows = t->dims[0], cols = t->dims[1];
  const void *data;
  sx_quant_blocks b;
  SX_TRY(sx_tensor_data(t, &data, q->e));
  sx_status s = sx_quantize_blocks(data, by_column ? cols : rows, by_column ? rows : cols, by_column ? 1 : cols,
                                   by_column ? cols : 1, q->o, &b, q->e);
  if (s != SX_OK) return sx_err_context(q->e, "initializer '%.*s'", SX_FMT(sx_value_at(q->g, v)->name)), s;
  q->error = b.error;
  const sx_quant_weight w = {.codes = b.codes, .scale = b.scale, .zero = b.zero};
  return sx_quant_add_weight(q, v, &w, in);
}

/* What the node that makes y is told of its blocks. */
static sx_status set_form(sx_quantizer *q, sx_vid y) {
  SX_TRY(sx_quant_set_int(q, y, "bits", q->o->bits));
  return sx_quant_set_int(q, y, "block_size", q->o->block);
}

static bool is_matrix(const sx_graph *g, sx_vid v, const char **kept) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(g, v);
  if (!t || t->rank != 2 || t->dtype != SX_F32 || t->count == 0) *kept = "its weight is no constant matrix of float";
  return !*kept;
}

static sx_status product(sx_quantizer *q, sx_vid x, sx_vid w, bool by_column, sx_vid *out) {
  const sx_tensor *t = sx_value_const(q->g, w);
  const int64_t K = t->dims[!by_column], N = t->dims[by_column];
  sx_vid in[4] = {x};
  SX_TRY(blocks_of(q, w, by_column, in + 1));
  SX_TRY(sx_quant_emit(q, "com.microsoft", "MatMulNBits", in, 4, out, 1));
  SX_TRY(sx_quant_set_int(q, *out, "K", K));
  SX_TRY(sx_quant_set_int(q, *out, "N", N));
  SX_TRY(set_form(q, *out));
  return sx_quant_set_int(q, *out, "accuracy_level", q->o->accuracy_level);
}

static sx_status matmul(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  sx_vid y;
  if (!is_matrix(q->g, sx_node_in(n, 1), kept)) return SX_OK;
  SX_TRY(product(q, sx_node_in(n, 0), sx_node_in(n, 1), true, &y));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

static sx_status gemm(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid bias = sx_node_in(n, 2);
  sx_vid y;
  if (!is_matrix(q->g, sx_node_in(n, 1), kept)) return SX_OK;
  if (!sx_quant_is_plain_gemm(n, kept)) return SX_OK;
  SX_TRY(product(q, sx_node_in(n, 0), sx_node_in(n, 1), !sx_attr_int(n, "transB", 0), &y));
  if (bias != SX_NONE) SX_TRY(sx_quant_emit(q, "", "Add", (sx_vid[]){y, bias}, 2, &y, 1));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

static sx_status gather(sx_quantizer *q, sx_nid id, const char **kept) {
  sx_graph *g = q->g;
  const sx_node *n = sx_node_at(g, id);
  const sx_vid w = sx_node_in(n, 0);
  sx_vid in[4], y;
  if (!is_matrix(g, w, kept)) return SX_OK;
  if (sx_attr_int(n, "axis", 0)) return *kept = "it does not pick rows", SX_OK;
  if (q->o->method == SX_QUANT_HQQ || q->o->bits == 2)
    return *kept = "tables have zero points that are integers, and 4 or 8 bits", SX_OK;
  const int64_t rows = sx_value_const(g, w)->dims[0], cols = sx_value_const(g, w)->dims[1];
  if (cols % q->o->block) return *kept = "its rows are not whole blocks", SX_OK;
  SX_TRY(blocks_of(q, w, false, in));
  sx_tensor *codes = sx_value_const(g, in[0]);
  codes->rank = 2, codes->dims[0] = rows, codes->dims[1] = cols * q->o->bits / 8; /* no blocks in its shape */
  sx_value_at(g, in[0])->fact.rank = -1;
  in[3] = in[2], in[2] = in[1], in[1] = sx_node_in(sx_node_at(g, id), 1);
  SX_TRY(sx_quant_emit(q, "com.microsoft", "GatherBlockQuantized", in, 4, &y, 1));
  SX_TRY(set_form(q, y));
  SX_TRY(sx_quant_set_int(q, y, "gather_axis", 0));
  SX_TRY(sx_quant_set_int(q, y, "quantize_axis", 1));
  sx_quant_replace(q, id, y);
  return SX_OK;
}

const sx_quant_rule sx_quant_nbits_rules[] = {
    {"", "MatMul", matmul}, {"", "Gemm", gemm}, {"", "Gather", gather}, {NULL, NULL, NULL}};
