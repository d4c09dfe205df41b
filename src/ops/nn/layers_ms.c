// SPDX-License-Identifier: MIT
/* What ONNX Runtime's transformer tools write: activations with a bias, layer normalisation after a sum, products with
 * scale and transposition, embeddings. All of it is said in standard operators, which the passes fuse again. */
#include "ops/lower.h"

#define SX_LOWER_FLOAT(key, v) &(sx_attr){.name = SX_STR(key), .type = SX_ATTR_FLOAT, .f = (v)}, 1
#define MS(variable, text, fn, ...) \
  const sx_op sx_op_##variable = {  \
      .name = text, .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, fn}}, __VA_ARGS__};

static sx_vid gelu(sx_lower *l, sx_vid x, bool tanh) {
  return sx_lower_node(l, &sx_op_Gelu, &x, 1,
                       &(sx_attr){.name = SX_STR("approximate"), .type = SX_ATTR_STRING, .s = SX_STR("tanh")}, tanh);
}
/* Gelu, BiasGelu (A, B), FastGelu (X, bias?): the last one with tanh. */
static sx_status open_gelu(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x = sx_lower_in(&l, 0);
  if (sx_lower_has(&l, 1)) x = sx_lower_2(&l, &sx_op_Add, x, sx_lower_in(&l, 1));
  return sx_lower_end(&l, gelu(&l, x, c->n->op == &sx_op_FastGelu));
}
MS(MsGelu, "Gelu", open_gelu)
MS(BiasGelu, "BiasGelu", open_gelu)
MS(FastGelu, "FastGelu", open_gelu)
/* x sigmoid(alpha x) */
static sx_status open_quick_gelu(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x = sx_lower_in(&l, 0);
  return sx_lower_end(
      &l, sx_lower_node(&l, &sx_op_Swish, &x, 1, SX_LOWER_FLOAT("alpha", sx_attr_float(c->n, "alpha", 1.702f))));
}
MS(QuickGelu, "QuickGelu", open_quick_gelu)

/* SkipLayerNormalization (input, skip, gamma, beta?, bias?) and SkipSimplifiedLayerNormalization (input, skip, gamma,
 * bias?): outputs are the result, mean, inverse deviation (training's) and the sum. */
static sx_status open_skip_norm(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const bool rms = c->n->op == &sx_op_SkipSimplifiedLayerNormalization;
  const uint32_t bias = rms ? 3 : 4;
  sx_vid sum = sx_lower_2(&l, &sx_op_Add, sx_lower_in(&l, 0), sx_lower_in(&l, 1)),
         out[4] = {SX_NONE, SX_NONE, SX_NONE, SX_NONE};
  if (sx_node_out(c->n, 1) != SX_NONE || sx_node_out(c->n, 2) != SX_NONE)
    SX_FAIL(c->e, NOT_IMPLEMENTED, "the outputs mean and inv_std_var are for training only");
  if (sx_lower_has(&l, bias)) sum = sx_lower_2(&l, &sx_op_Add, sum, sx_lower_in(&l, bias));
  sx_vid in[3] = {sum, sx_lower_in(&l, 2), rms ? SX_LOWER_ABSENT : sx_lower_in(&l, 3)};
  out[0] = sx_lower_node(&l, rms ? &sx_op_RMSNormalization : &sx_op_LayerNormalization, in, rms ? 2 : 3,
                         SX_LOWER_FLOAT("epsilon", sx_attr_float(c->n, "epsilon", 1e-12f)));
  out[3] = sum;
  return sx_lower_done(&l, out, 4);
}
MS(SkipLayerNormalization, "SkipLayerNormalization", open_skip_norm)
MS(SkipSimplifiedLayerNormalization, "SkipSimplifiedLayerNormalization", open_skip_norm)
/* ai.onnx's leftover: RMSNormalization by its first name. */
static sx_status open_simplified(sx_upgrade_ctx *c) {
  if (sx_node_out(c->n, 1) != SX_NONE) SX_FAIL(c->e, NOT_IMPLEMENTED, "the output inv_std_var is for training only");
  c->n->op = &sx_op_RMSNormalization, c->n->op_type = SX_STR("RMSNormalization");
  return SX_OK;
}
const sx_op sx_op_SimplifiedLayerNormalization = {
    .name = "SimplifiedLayerNormalization", .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_simplified}}};

/* Input i, or the rows `ids` of it. QEmbedLayerNormalization's are quantised: scales and zero points are 6 and 11 inputs
 * on. */
static sx_vid table(sx_lower *l, uint32_t i, sx_vid ids) {
  sx_vid x = sx_lower_in(l, i);
  if (ids != SX_LOWER_ABSENT) x = sx_lower_2(l, &sx_op_Gather, x, ids);
  if (l->c->n->op != &sx_op_QEmbedLayerNormalization) return x;
  const sx_dim scalar = 1;
  const sx_vid scale = sx_lower_reshape(l, sx_lower_in(l, i + 6), &scalar, 0);
  if (!sx_lower_has(l, i + 11)) return sx_lower_2(l, &sx_op_DequantizeLinear, x, scale);
  return sx_lower_3(l, &sx_op_DequantizeLinear, x, scale, sx_lower_reshape(l, sx_lower_in(l, i + 11), &scalar, 0));
}
/* (input_ids, segment_ids?, word, position, segment?, gamma, beta, mask?, position_ids?) -> (result, how many are not
 * masked, sum); quantised without position_ids and sum. */
static sx_status open_embed(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const bool quantised = c->n->op == &sx_op_QEmbedLayerNormalization;
  const sx_fact *ids = sx_lower_fact(&l, sx_lower_in(&l, 0));
  const int64_t last[] = {1};
  if (ids->rank != 2) SX_FAIL(c->e, FAIL, "input_ids has rank %d, expected 2", ids->rank);
  if (quantised && sx_lower_has(&l, 1) && sx_lower_has(&l, 4) && !sx_lower_has(&l, 10))
    SX_FAIL(c->e, FAIL, "input 4 ('segment_embedding') is given without input 10, its scale");
  sx_vid out[3] = {SX_NONE, SX_NONE, SX_NONE}, sum = table(&l, 2, sx_lower_in(&l, 0));
  sx_vid length = sx_lower_2(&l, &sx_op_Gather, sx_lower_shape(&l, sx_lower_in(&l, 0)), sx_lower_int(&l, 1));
  sx_vid at = !quantised && sx_lower_has(&l, 8)
                  ? sx_lower_in(&l, 8)
                  : sx_lower_3(&l, &sx_op_Range, sx_lower_int(&l, 0), length, sx_lower_int(&l, 1));
  sum = sx_lower_2(&l, &sx_op_Add, sum, table(&l, 3, at));
  if (sx_lower_has(&l, 1) && sx_lower_has(&l, 4)) sum = sx_lower_2(&l, &sx_op_Add, sum, table(&l, 4, sx_lower_in(&l, 1)));
  out[0] = sx_lower_node(&l, &sx_op_LayerNormalization,
                         SX_LOWER_IN(sum, table(&l, 5, SX_LOWER_ABSENT), table(&l, 6, SX_LOWER_ABSENT)),
                         SX_LOWER_FLOAT("epsilon", sx_attr_float(c->n, "epsilon", 1e-12f)));
  if (sx_node_out(c->n, 1) != SX_NONE) { /* without a mask: zeros */
    sx_vid ones =
        sx_lower_has(&l, 7)
            ? sx_lower_cast(&l, sx_lower_2(&l, &sx_op_Equal, sx_lower_in(&l, 7), sx_lower_number(&l, 1, SX_I32)), SX_I32)
            : sx_lower_2(&l, &sx_op_Mul, sx_lower_in(&l, 0), sx_lower_number(&l, 0, SX_I32));
    out[1] = sx_lower_reduce(&l, &sx_op_ReduceSum, ones, last, 1, false);
  }
  out[2] = sum;
  return sx_lower_done(&l, out, quantised ? 2 : 3);
}
MS(EmbedLayerNormalization, "EmbedLayerNormalization", open_embed)
MS(QEmbedLayerNormalization, "QEmbedLayerNormalization", open_embed)

/* The last two axes exchanged, or with `batch` the first moved in front of the last; then both. */
static sx_vid side(sx_lower *l, uint32_t i, bool batch, bool trans) {
  sx_vid x = sx_lower_in(l, i);
  const int rank = sx_lower_fact(l, x)->rank;
  int perm[SX_MAX_RANK];
  if (!batch && !trans) return x;
  if (rank < 2) return SX_LOWER_FAIL(l, FAIL, "input %u has rank %d, expected 2 or more", i, rank), SX_NONE;
  for (int k = 0; k < rank; k++) perm[k] = k;
  if (batch) {
    for (int k = 0; k + 2 < rank; k++) perm[k] = k + 1;
    perm[rank - 2] = 0;
  }
  if (trans) {
    const int t = perm[rank - 1];
    perm[rank - 1] = perm[rank - 2], perm[rank - 2] = t;
  }
  return sx_lower_transpose(l, x, perm);
}
static sx_status open_matmul(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const bool old = c->n->op == &sx_op_TransposeMatMul;
  sx_vid a = side(&l, 0, !old && sx_attr_int(c->n, "transBatchA", 0), sx_attr_int(c->n, "transA", 0) != 0);
  sx_vid b = side(&l, 1, !old && sx_attr_int(c->n, "transBatchB", 0), sx_attr_int(c->n, "transB", 0) != 0);
  sx_vid y = sx_lower_2(&l, &sx_op_MatMul, a, b);
  const float alpha = sx_attr_float(c->n, "alpha", 1);
  if (alpha != 1)
    y = sx_lower_2(&l, &sx_op_Mul, y, sx_lower_number(&l, (double)alpha, (sx_dtype)sx_lower_fact(&l, y)->dtype));
  return sx_lower_end(&l, y);
}
MS(FusedMatMul, "FusedMatMul", open_matmul)
MS(TransposeMatMul, "TransposeMatMul", open_matmul)

/* An activation by its name, with alpha and beta where the node gives them. */
static sx_vid activated(sx_lower *l, sx_vid x, sx_str name, const float *params, uint32_t n) {
  static const struct {
    const char *name;
    const sx_op *op;
    const char *attr[2];
  } table[] = {{"Relu", &sx_op_Relu, {NULL}},
               {"Sigmoid", &sx_op_Sigmoid, {NULL}},
               {"Tanh", &sx_op_Tanh, {NULL}},
               {"HardSwish", &sx_op_HardSwish, {NULL}},
               {"Softplus", &sx_op_Softplus, {NULL}},
               {"Softsign", &sx_op_Softsign, {NULL}},
               {"LeakyRelu", &sx_op_LeakyRelu, {"alpha"}},
               {"Elu", &sx_op_Elu, {"alpha"}},
               {"ThresholdedRelu", &sx_op_ThresholdedRelu, {"alpha"}},
               {"HardSigmoid", &sx_op_HardSigmoid, {"alpha", "beta"}}};
  if (!name.n) return x;
  if (sx_str_is(name, "Clip")) {
    const sx_dtype t = (sx_dtype)sx_lower_fact(l, x)->dtype;
    return sx_lower_3(l, &sx_op_Clip, x, n > 0 ? sx_lower_number(l, (double)params[0], t) : SX_LOWER_ABSENT,
                      n > 1 ? sx_lower_number(l, (double)params[1], t) : SX_LOWER_ABSENT);
  }
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (!sx_str_is(name, table[i].name)) continue;
    sx_attr attrs[2];
    uint32_t k = 0;
    for (; k < 2 && k < n && table[i].attr[k]; k++)
      attrs[k] = (sx_attr){.name = sx_str_c(table[i].attr[k]), .type = SX_ATTR_FLOAT, .f = params[k]};
    return sx_lower_node(l, table[i].op, &x, 1, attrs, k);
  }
  return SX_LOWER_FAIL(l, NOT_IMPLEMENTED, "activation '%.*s' is unknown", SX_FMT(name)), SX_NONE;
}
static sx_vid all_inputs(sx_lower *l, const sx_op *op, uint32_t n, const char *const *leave) {
  sx_vid in[4];
  sx_attr kept[16];
  uint32_t k = 0;
  for (uint32_t i = 0; i < n; i++) in[i] = sx_lower_in(l, i);
  for (uint32_t i = 0; i < l->c->n->n_attrs && k < 16; i++) {
    bool skip = false;
    for (const char *const *s = leave; *s; s++) skip |= sx_str_is(l->c->n->attrs[i].name, *s);
    if (!skip) kept[k++] = l->c->n->attrs[i];
  }
  return sx_lower_node(l, op, in, n, kept, k);
}
static sx_status open_gemm(sx_upgrade_ctx *c) {
  static const char *const own[] = {"activation", "activation_alpha", "activation_beta", "activation_gamma", NULL};
  sx_lower l = {c, SX_OK};
  float params[2] = {0};
  uint32_t n = 0;
  for (; n < 2 && sx_node_attr(c->n, own[1 + n]); n++) params[n] = sx_attr_float(c->n, own[1 + n], 0);
  return sx_lower_end(&l,
                      activated(&l, all_inputs(&l, &sx_op_Gemm, 3, own), sx_attr_str(c->n, "activation", ""), params, n));
}
MS(FusedGemm, "FusedGemm", open_gemm)
/* (X, W, B?, Z?): Z is added before the activation. */
static sx_status open_conv(sx_upgrade_ctx *c) {
  static const char *const own[] = {"activation", "activation_params", NULL};
  sx_lower l = {c, SX_OK};
  const float *params = NULL;
  const uint32_t n = sx_attr_floats(c->n, "activation_params", &params);
  sx_vid y = all_inputs(&l, &sx_op_Conv, 3, own);
  if (sx_lower_has(&l, 3)) y = sx_lower_2(&l, &sx_op_Add, y, sx_lower_in(&l, 3));
  return sx_lower_end(&l, activated(&l, y, sx_attr_str(c->n, "activation", ""), params, n));
}
MS(MsFusedConv, "FusedConv", open_conv)
