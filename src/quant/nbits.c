// SPDX-License-Identifier: MIT
/* Weights alone, of 2, 4 or 8 bits in blocks: matrices become MatMulNBits, tables of rows GatherBlockQuantized, both of
 * com.microsoft. Activations stay as they are. */
#include "quant/rules.h"

/* What was found before, on samples; a matrix that none of them reached is rounded as any other. */
static bool solved(const sx_quantizer *q, sx_vid v, bool by_column, sx_quant_blocks *b) {
  for (uint32_t i = 0; q->o->method == SX_QUANT_GPTQ && i < q->o->n_solved; i++) {
    const sx_quant_solved *x = &q->o->solved[i];
    if (x->by_column != by_column || !sx_str_eq(x->weight, sx_value_at(q->g, v)->name)) continue;
    *b = x->blocks;
    sx_tensor_ref(b->codes), sx_tensor_ref(b->scale);
    if (b->zero) sx_tensor_ref(b->zero);
    return true;
  }
  return false;
}

/* Rows of the weight v in blocks, as values: codes, scales, zero points (or SX_NONE). Once for all products that read them,
 * and once for all tables, whose codes have another shape. */
enum { PRODUCT, TABLE };
static sx_status blocks_of(sx_quantizer *q, sx_vid v, bool by_column, int use, sx_vid in[3]) {
  const sx_tensor *t = sx_value_const(q->g, v);
  const int64_t rows = t->dims[0], cols = t->dims[1];
  const void *data;
  sx_quant_blocks b;
  for (uint32_t i = 0; i < q->weights.n; i++) {
    const sx_quant_constant *c = &q->weights.at[i];
    if (c->of != v || c->transposed != by_column || c->axis != use) continue;
    in[0] = c->codes, in[1] = c->scale, in[2] = c->zero, q->error = c->error, q->rounding = c->rounding;
    return SX_OK;
  }
  SX_TRY(sx_tensor_data(t, &data, q->e));
  const bool on_samples = use == PRODUCT && solved(q, v, by_column, &b);
  if (!on_samples) {
    const sx_status s = sx_quantize_blocks(data, by_column ? cols : rows, by_column ? rows : cols, by_column ? 1 : cols,
                                           by_column ? cols : 1, q->o, &b, q->e);
    if (s != SX_OK) return sx_err_context(q->e, "initializer '%.*s'", SX_FMT(sx_value_at(q->g, v)->name)), s;
  }
  q->error = b.error, q->rounding = on_samples || q->o->method != SX_QUANT_GPTQ ? (int)q->o->method : SX_QUANT_RTN;
  const sx_quant_weight w = {.codes = b.codes, .scale = b.scale, .zero = b.zero};
  SX_TRY(sx_quant_add_weight(q, v, &w, in));
  const sx_quant_constant c = {v, in[0], in[1], in[2], use, by_column, b.error, q->rounding};
  if (!sx_vec_push(&q->weights, c)) SX_NO_MEMORY(q->e);
  return SX_OK;
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
  SX_TRY(blocks_of(q, w, by_column, PRODUCT, in + 1));
  SX_TRY(sx_quant_emit(q, "com.microsoft", "MatMulNBits", in, 4, out, 1));
  SX_TRY(sx_quant_set_int(q, *out, "K", K));
  SX_TRY(sx_quant_set_int(q, *out, "N", N));
  SX_TRY(set_form(q, *out));
  return sx_quant_set_int(q, *out, "accuracy_level", q->o->accuracy_level);
}

bool sx_quant_nbits_product(const sx_graph *g, const sx_node *n, sx_vid *weight, bool *by_column, const char **kept) {
  const bool gemm = sx_str_is(n->op_type, "Gemm");
  *weight = sx_node_in(n, 1), *by_column = !gemm || !sx_attr_int(n, "transB", 0);
  return sx_quant_rule_of(sx_quant_nbits_rules, n) && (gemm || sx_str_is(n->op_type, "MatMul")) &&
         is_matrix(g, *weight, kept) && (!gemm || sx_quant_is_plain_gemm(n, kept));
}

static sx_status matmul(sx_quantizer *q, sx_nid id, const char **kept) {
  const sx_node *n = sx_node_at(q->g, id);
  const sx_vid x = sx_node_in(n, 0), bias = sx_node_in(n, 2);
  sx_vid w, y;
  bool by_column;
  if (!sx_quant_nbits_product(q->g, n, &w, &by_column, kept)) return SX_OK;
  SX_TRY(product(q, x, w, by_column, &y));
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
  SX_TRY(blocks_of(q, w, false, TABLE, in));
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
    {"", "MatMul", matmul}, {"", "Gemm", matmul}, {"", "Gather", gather}, {NULL, NULL, NULL}};
