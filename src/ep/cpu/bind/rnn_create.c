// SPDX-License-Identifier: MIT
/* LSTM, GRU and RNN, once per session: attributes read, activations chosen by name, constant weights packed for each
 * direction. */
#include "ep/cpu/bind/rnn.h"
#include <stdio.h>

int sx_rnn_gates(sx_rnn_kind k) { return k == SX_RNN_LSTM ? 4 : k == SX_RNN_GRU ? 3 : 1; }

static sx_ew_op activation(sx_str name, float *alpha, float *beta) {
  static const struct {
    const char *name;
    sx_ew_op op;
    float alpha, beta;
  } table[] = {{"Relu", SX_EW_Relu, 0, 0},
               {"Tanh", SX_EW_Tanh, 0, 0},
               {"Sigmoid", SX_EW_Sigmoid, 0, 0},
               {"Affine", SX_EW_Affine, 1, 0},
               {"LeakyRelu", SX_EW_LeakyRelu, 0.01f, 0},
               {"ThresholdedRelu", SX_EW_ThresholdedRelu, 1, 0},
               {"HardSigmoid", SX_EW_HardSigmoid, 0.2f, 0.5f},
               {"Elu", SX_EW_Elu, 1, 0},
               {"Softsign", SX_EW_Softsign, 0, 0},
               {"Softplus", SX_EW_Softplus, 0, 0}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bool same = strlen(table[i].name) == name.n;
    for (size_t k = 0; same && k < name.n; k++)
      same = (name.p[k] | 32) == (table[i].name[k] | 32); /* names are case-insensitive */
    if (!same) continue;
    *alpha = table[i].alpha, *beta = table[i].beta;
    return table[i].op;
  }
  return SX_EW_OP_COUNT;
}

static sx_status read_activations(sx_build *b, sx_rnn_state *s, int directions) {
  static const char *const dflt[3][3] = {{"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", NULL}, {"Tanh", NULL, NULL}};
  const sx_attr *names = sx_node_attr(b->n, "activations");
  const float *alpha, *beta;
  uint32_t na = sx_attr_floats(b->n, "activation_alpha", &alpha), nb = sx_attr_floats(b->n, "activation_beta", &beta),
           ka = 0, kb = 0;
  int per = s->k == SX_RNN_LSTM ? 3 : s->k == SX_RNN_GRU ? 2 : 1;
  if (names && names->n && (int)names->n != per * directions)
    SX_FAIL(b->e, FAIL, "attribute 'activations' has %u entries, expected %d", names->n, per * directions);
  for (int i = 0; i < per * directions; i++) {
    sx_str name = names && (uint32_t)i < names->n ? names->strings[i] : sx_str_c(dflt[s->k][i % per]);
    float p0, p1;
    sx_ew_op op = activation(name, &p0, &p1);
    if (op == SX_EW_OP_COUNT) SX_FAIL(b->e, FAIL, "activation '%.*s' is not known", SX_FMT(name));
    /* The lists hold values for those activations that take them, in order. */
    bool takes_a = p0 != 0 || op == SX_EW_Affine, takes_b = op == SX_EW_HardSigmoid || op == SX_EW_Affine;
    if (takes_a && ka < na) p0 = alpha[ka++];
    if (takes_b && kb < nb) p1 = beta[kb++];
    s->named[i / per * 3 + i % per] = (sx_rnn_f64_act){op, (double)p0, (double)p1};
    sx_rnn_act *a = &s->act[i / per * 3 + i % per];
    if (!(a->row = sx_act_fn(&a->act, b->cpu->isa, op, p0, p1)))
      SX_FAIL(b->e, NOT_IMPLEMENTED, "activation '%.*s' has no row function", SX_FMT(name));
  }
  return SX_OK;
}

typedef struct pack_ctx {
  const sx_gemm_table *t;
  int64_t K, N, at;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *c = ctx;
  c->t->pack_b((const char *)src + c->at * (int64_t)c->t->elem, 1, c->K, c->K, c->N, begin, end, dst);
  return SX_OK;
}
/* Weights, or NULL where they are no constants. */
static const sx_tensor *constant(const sx_build *b, uint32_t input) {
  const sx_tensor *t = sx_value_const(b->g, b->n->in[input].value);
  return t && t->rank == 3 && t->count ? t : NULL;
}
/* Weights of 16 bits stay so. */
static const sx_gemm_table *table_for(const sx_tensor *t) {
  return t && t->stored == SX_F16 ? sx_gemm_f16() : t && t->stored == SX_BF16 ? sx_gemm_bf16() : sx_gemm_f32();
}
/* Rows [from, to), counted in hidden sizes, of a direction. */
static sx_status pack_rows(sx_build *b, const sx_tensor *t, int direction, int64_t from, int64_t to, int gates,
                           const void **out) {
  const sx_gemm_table *table = table_for(t);
  const int64_t H = t->dims[1] / gates;
  pack_ctx c = {table, t->dims[2], (to - from) * H, (direction * t->dims[1] + from * H) * t->dims[2]};
  size_t bytes;
  char name[64];
  if (direction >= t->dims[0] || !sx_gemm_packed_bytes(table, c.K, c.N, &bytes)) return SX_OK; /* prepare refuses it */
  snprintf(name, sizeof name, "rnn %lldx%lld+%lld", (long long)c.K, (long long)c.N, (long long)c.at);
  return (table->elem == 2 ? sx_weights_pack_scaled : sx_weights_pack)(b, t, name, bytes,
                                                                       (uint32_t)sx_gemm_panels(table, c.N), pack, &c, out);
}
static sx_status pack_constants(sx_build *b, sx_rnn_state *s, int d) {
  const int gates = sx_rnn_gates(s->k);
  const sx_tensor *w = constant(b, 1), *r = constant(b, 2);
  if (w) SX_TRY(pack_rows(b, w, d, 0, gates, gates, &s->w[d]));
  if (!r) return SX_OK;
  if (s->k != SX_RNN_GRU) return pack_rows(b, r, d, 0, gates, gates, &s->r[d]);
  /* The candidate may be multiplied after its reset: its rows are packed apart. */
  SX_TRY(pack_rows(b, r, d, 0, 2, gates, &s->r[d]));
  return pack_rows(b, r, d, 2, 3, gates, &s->r2[d]);
}

typedef struct qpack_ctx {
  const sx_igemm_table *t;
  sx_igemm_b b;
  int64_t at;
} qpack_ctx;
static sx_status qpack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const qpack_ctx *c = ctx;
  sx_igemm_b b = c->b;
  b.b = (const char *)src + c->at;
  c->t->pack_b(&b, begin, end, dst);
  return SX_OK;
}
static sx_status pack_quantized(sx_build *b, const sx_rnn_state *s, uint32_t input, uint32_t quant, int direction,
                                const void **out) {
  const sx_tensor *t = sx_value_const(b->g, b->n->in[input].value), *zero = sx_value_const(b->g, b->n->in[quant + 1].value);
  const void *z;
  if (t->rank != 3 || !t->count || direction >= t->dims[0])
    SX_FAIL(b->e, INVALID_ARGUMENT, "input %u is no weight of this layer", input);
  const int64_t K = t->dims[1], N = t->dims[2];
  const bool cols = zero->count == t->dims[0] * N;
  if (!cols && zero->count != t->dims[0])
    SX_FAIL(b->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld or %lld", quant + 1, (long long)zero->count,
            (long long)t->dims[0], (long long)(t->dims[0] * N));
  SX_TRY(sx_tensor_data(zero, &z, b->e));
  qpack_ctx c = {s->qt,
                 {.K = K,
                  .N = N,
                  .b_k = N,
                  .b_n = 1,
                  .b_signed = t->dtype == SX_I8,
                  .zero = (const char *)z + direction * (cols ? N : 1),
                  .zero_col = cols},
                 direction * K * N};
  size_t bytes;
  char name[64];
  if (!sx_igemm_packed_bytes(s->qt, K, N, &bytes)) SX_FAIL(b->e, FAIL, "the weights do not fit memory");
  snprintf(name, sizeof name, "qrnn %lldx%lld+%lld %llx", (long long)K, (long long)N, (long long)c.at,
           (unsigned long long)sx_hash(z, zero->size, 0));
  return sx_weights_pack(b, t, name, bytes, (uint32_t)sx_igemm_panels(s->qt, N), qpack, &c, out);
}
bool sx_rnn_claim_quantized(const sx_graph *g, const sx_node *n, const char **reason) {
  static const uint8_t constant[] = {1, 2, SX_RNN_QUANT_W + 1, SX_RNN_QUANT_R + 1};
  *reason = "weights and their zero points must be constant";
  for (size_t i = 0; i < sizeof constant; i++)
    if (!sx_value_const(g, sx_node_in(n, constant[i]))) return false;
  return true;
}

sx_status sx_rnn_create(sx_build *b) {
  sx_rnn_state *s = SX_NEW(b->arena, sx_rnn_state);
  if (!s) SX_NO_MEMORY(b->e);
  sx_str dir = sx_attr_str(b->n, "direction", "forward");
  int directions = sx_str_is(dir, "bidirectional") ? 2 : 1;
  s->isa = b->cpu->isa;
  s->qt = b->n->op == &sx_op_DynamicQuantizeLSTM ? sx_igemm_best() : NULL;
  s->k = b->n->op == &sx_op_LSTM || s->qt ? SX_RNN_LSTM : b->n->op == &sx_op_GRU ? SX_RNN_GRU : SX_RNN_RNN;
  s->tw = s->tr = sx_gemm_f32();
  s->cells = sx_rnn(b->cpu->isa);
  s->reverse[0] = sx_str_is(dir, "reverse"), s->reverse[1] = true;
  s->clip = sx_attr_float(b->n, "clip", 0);
  s->batch_first = sx_attr_int(b->n, "layout", 0) != 0;
  s->input_forget = sx_attr_int(b->n, "input_forget", 0) != 0;
  s->linear_before_reset = sx_attr_int(b->n, "linear_before_reset", 0) != 0;
  b->state = s;
  SX_TRY(read_activations(b, s, directions));
  if (sx_value_at(b->g, b->n->in[0].value)->fact.dtype == SX_F64) return SX_OK;
  if (!s->qt) s->tw = table_for(constant(b, 1)), s->tr = table_for(constant(b, 2));
  for (int d = 0; d < directions; d++) {
    if (s->qt) {
      SX_TRY(pack_quantized(b, s, 1, SX_RNN_QUANT_W, d, &s->w[d]));
      SX_TRY(pack_quantized(b, s, 2, SX_RNN_QUANT_R, d, &s->r[d]));
      continue;
    }
    SX_TRY(pack_constants(b, s, d));
  }
  b->unused_inputs = (s->w[0] ? 2 : 0) | (s->r[0] ? 4 : 0);
  return SX_OK;
}
