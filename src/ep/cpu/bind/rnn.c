// SPDX-License-Identifier: MIT
/* LSTM, GRU and RNN. Phase one multiplies all steps' inputs at once; phase two walks the steps, one direction per unit.
 * Rows of the batch may have lengths of their own; a reversed direction runs backwards over each row's length.
 * DynamicQuantizeLSTM is the LSTM whose two products quantise their left side and multiply integers. */
#include "base/alloc.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/kernels/gemm/igemm.h"
#include "ep/cpu/kernels/rnn/rnn.h"
#include "ep/cpu/kernels/rnn/rnn_f64.h"
#include "ep/ep.h"
#include <stdio.h>

enum { MAX_DIRECTIONS = 2 };
typedef enum kind { KIND_LSTM, KIND_GRU, KIND_RNN } kind;
static const int gate_count[] = {4, 3, 1};

typedef struct rnn_state {
  kind k;
  const sx_gemm_table *tw, *tr; /* of the products with W and with R */
  const sx_igemm_table *qt;     /* of DynamicQuantizeLSTM, else NULL */
  sx_isa isa;
  const sx_rnn_table *cells;
  const void *w[MAX_DIRECTIONS], *r[MAX_DIRECTIONS]; /* packed; NULL when the weights are no constants */
  const void *r2[MAX_DIRECTIONS];                    /* GRU: R's rows of the candidate, packed apart from the others */
  sx_rnn_act act[3 * MAX_DIRECTIONS];
  sx_rnn_f64_act named[3 * MAX_DIRECTIONS]; /* the same by name */
  float clip;
  bool reverse[MAX_DIRECTIONS], batch_first, input_forget, linear_before_reset;
} rnn_state;

/* The last optional inputs and outputs may not be listed at all. */
typedef struct params {
  const rnn_state *s;
  uint32_t n_in, n_out;
  int64_t T, B, I, H, D, G; /* G: gates * H */
  sx_gemm xw, hr, hr2;      /* hr2: the candidate gate of a GRU */
  sx_igemm qxw, qhr;
  bool w_cols, r_cols; /* scales per column */
  size_t xq_at, hq_at; /* quantised left sides */
  size_t bias_at, xw_at, packed_at, packed_w, packed_r, gates_at, h_at, c_at, reset_at, lens_at;
  int64_t units; /* of xw, one direction */
} params;

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

static sx_status read_activations(sx_build *b, rnn_state *s, int directions) {
  static const char *const dflt[3][3] = {{"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", NULL}, {"Tanh", NULL, NULL}};
  const sx_attr *names = sx_node_attr(b->n, "activations");
  const float *alpha, *beta;
  uint32_t na = sx_attr_floats(b->n, "activation_alpha", &alpha), nb = sx_attr_floats(b->n, "activation_beta", &beta),
           ka = 0, kb = 0;
  int per = s->k == KIND_LSTM ? 3 : s->k == KIND_GRU ? 2 : 1;
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
static sx_status pack_constants(sx_build *b, rnn_state *s, int d) {
  const int gates = gate_count[s->k];
  const sx_tensor *w = constant(b, 1), *r = constant(b, 2);
  if (w) SX_TRY(pack_rows(b, w, d, 0, gates, gates, &s->w[d]));
  if (!r) return SX_OK;
  if (s->k != KIND_GRU) return pack_rows(b, r, d, 0, gates, gates, &s->r[d]);
  /* The candidate may be multiplied after its reset: its rows are packed apart. */
  SX_TRY(pack_rows(b, r, d, 0, 2, gates, &s->r[d]));
  return pack_rows(b, r, d, 2, 3, gates, &s->r2[d]);
}

/* Weights of DynamicQuantizeLSTM lie (D, K, 4H); scales and zero points are one per direction or one per column. */
enum { QUANT_W = 8, QUANT_R = 10 };
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
static sx_status pack_quantized(sx_build *b, const rnn_state *s, uint32_t input, uint32_t quant, int direction,
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
static bool claim_quantized(const sx_graph *g, const sx_node *n, const char **reason) {
  static const uint8_t constant[] = {1, 2, QUANT_W + 1, QUANT_R + 1};
  *reason = "weights and their zero points must be constant";
  for (size_t i = 0; i < sizeof constant; i++)
    if (!sx_value_const(g, sx_node_in(n, constant[i]))) return false;
  return true;
}

static sx_status create(sx_build *b) {
  rnn_state *s = SX_NEW(b->arena, rnn_state);
  if (!s) SX_NO_MEMORY(b->e);
  sx_str dir = sx_attr_str(b->n, "direction", "forward");
  int directions = sx_str_is(dir, "bidirectional") ? 2 : 1;
  s->isa = b->cpu->isa;
  s->qt = b->n->op == &sx_op_DynamicQuantizeLSTM ? sx_igemm_best() : NULL;
  s->k = b->n->op == &sx_op_LSTM || s->qt ? KIND_LSTM : b->n->op == &sx_op_GRU ? KIND_GRU : KIND_RNN;
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
      SX_TRY(pack_quantized(b, s, 1, QUANT_W, d, &s->w[d]));
      SX_TRY(pack_quantized(b, s, 2, QUANT_R, d, &s->r[d]));
      continue;
    }
    SX_TRY(pack_constants(b, s, d));
  }
  b->unused_inputs = (s->w[0] ? 2 : 0) | (s->r[0] ? 4 : 0);
  return SX_OK;
}

static const void *in_at(const sx_call *c, uint32_t i) { return i < ((const params *)c->params)->n_in ? c->in[i] : NULL; }
static void *out_at(const sx_call *c, uint32_t i) { return i < ((const params *)c->params)->n_out ? c->out[i] : NULL; }

/* n floats to bytes; the scale and the zero point stand before them, in the first 64 bytes. */
static void quantize(sx_isa isa, const float *x, int64_t n, char *q) {
  float lo, hi;
  sx_minmax_f32(isa, x, n, &lo, &hi);
  sx_dynamic_params_u8(lo, hi, (float *)(void *)q, (uint8_t *)q + 4);
  sx_quantize_f32(isa, SX_U8, SX_CAST_SATURATE, q + SX_ALIGN, x, *(float *)(void *)q, *((uint8_t *)q + 4), 0, n);
}
/* What a product of integers reads: its quantised left side, packed weights, the scales of direction d. */
static sx_igemm_io quantized_io(const sx_call *c, const char *q, const void *packed, uint32_t quant, bool cols, int64_t d) {
  const params *p = c->params;
  return (sx_igemm_io){.a = q + SX_ALIGN,
                       .a_zero = q + 4,
                       .b = packed,
                       .scale = (const float *)c->in[quant] + d * (cols ? p->G : 1),
                       .a_scale = *(const float *)(const void *)q};
}

/* Phase 0: biases added up, what is not packed packed, states and lengths set up. */
static sx_status run_setup(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const rnn_state *s = q->s;
  char *m = c->scratch;
  int64_t H = q->H, G = q->G;
  (void)begin, (void)end;
  for (int64_t d = 0; d < q->D; d++) {
    float *bias = (float *)(m + q->bias_at) + d * 2 * G;
    const float *b = in_at(c, 3) ? (const float *)in_at(c, 3) + d * 2 * G : NULL;
    memset(bias, 0, (size_t)(2 * G) * sizeof *bias);
    for (int64_t i = 0; b && i < G; i++) {
      bool apart = s->k == KIND_GRU && s->linear_before_reset && i >= 2 * H; /* inside the reset gate's product */
      bias[i] = b[i] + (apart ? 0 : b[G + i]);
      bias[G + i] = apart ? b[G + i] : 0;
    }
    char *p = m + q->packed_at + (size_t)d * (q->packed_w + q->packed_r);
    const float *w = s->w[d] ? NULL : (const float *)c->in[1] + d * G * q->I,
                *r = s->r[d] ? NULL : (const float *)c->in[2] + d * G * H;
    if (w) s->tw->pack_b(w, 1, q->I, q->I, G, 0, sx_gemm_panels(s->tw, G), p);
    if (s->r[d]) continue;
    p += q->packed_w;
    if (s->k != KIND_GRU)
      s->tr->pack_b(r, 1, H, H, G, 0, sx_gemm_panels(s->tr, G), p);
    else {
      size_t first;
      sx_gemm_packed_bytes(s->tr, H, 2 * H, &first);
      s->tr->pack_b(r, 1, H, H, 2 * H, 0, sx_gemm_panels(s->tr, 2 * H), p);
      s->tr->pack_b(r + 2 * H * H, 1, H, H, H, 0, sx_gemm_panels(s->tr, H), p + first);
    }
  }
  size_t row = (size_t)H * sizeof(float);
  for (int64_t d = 0; d < q->D; d++)
    for (int64_t b = 0; b < q->B; b++) {
      int64_t at = s->batch_first ? b * q->D + d : d * q->B + b;
      float *h = (float *)(m + q->h_at) + (d * q->B + b) * H, *cell = (float *)(m + q->c_at) + (d * q->B + b) * H;
      if (in_at(c, 5))
        memcpy(h, (const float *)in_at(c, 5) + at * H, row);
      else
        memset(h, 0, row);
      if (s->k == KIND_LSTM && in_at(c, 6))
        memcpy(cell, (const float *)in_at(c, 6) + at * H, row);
      else
        memset(cell, 0, row);
    }
  if (s->qt) quantize(s->isa, c->in[0], q->T * q->B * q->I, m + q->xq_at);
  int64_t *lens = (int64_t *)(m + q->lens_at);
  for (int64_t b = 0; b < q->B; b++) {
    lens[b] = in_at(c, 4) ? ((const int32_t *)in_at(c, 4))[b] : q->T;
    if (lens[b] < 0 || lens[b] > q->T)
      SX_FAIL(c->e, INVALID_ARGUMENT, "sequence_lens[%lld] is %lld, expected 0 to %lld", (long long)b, (long long)lens[b],
              (long long)q->T);
  }
  return SX_OK;
}

static sx_status run_inputs(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  char *m = c->scratch;
  for (uint32_t u = begin; u < end;) {
    int64_t d = u / q->units, from = u % q->units, to = from + (end - u) < q->units ? from + (end - u) : q->units;
    if (q->s->qt) {
      sx_igemm_io io = quantized_io(c, m + q->xq_at, q->s->w[d], QUANT_W, q->w_cols, d);
      io.bias = (float *)(m + q->bias_at) + d * 2 * q->G, io.c = (float *)(m + q->xw_at) + d * q->T * q->B * q->G;
      q->s->qt->run(&q->qxw, &io, from, to, c->worker_scratch);
      u += (uint32_t)(to - from);
      continue;
    }
    const void *w = q->s->w[d] ? q->s->w[d] : m + q->packed_at + (size_t)d * (q->packed_w + q->packed_r);
    sx_gemm_io io = {c->in[0], w, (float *)(m + q->bias_at) + d * 2 * q->G, NULL,
                     (float *)(m + q->xw_at) + d * q->T * q->B * q->G};
    q->s->tw->run(&q->xw, &io, from, to, c->worker_scratch);
    u += (uint32_t)(to - from);
  }
  return SX_OK;
}

static void step_cells(const params *q, const sx_rnn_cell *cell, int64_t b, float *gates, float *h, float *cs,
                       const float *rec, float *reset, int part) {
  const sx_rnn_table *t = q->s->cells;
  float *g = gates + b * q->G, *hb = h + b * q->H;
  if (q->s->k == KIND_LSTM)
    t->lstm(cell, g, cs + b * q->H, hb);
  else if (q->s->k == KIND_RNN)
    t->rnn(cell, g, hb);
  else if (part == 0)
    t->gru_reset(cell, g, hb, rec + b * q->H, reset + b * q->H);
  else
    t->gru_update(cell, g, hb);
}

static sx_status run_direction(const sx_call *c, int64_t d) {
  const params *q = c->params;
  const rnn_state *s = q->s;
  char *m = c->scratch;
  int64_t H = q->H, G = q->G, B = q->B, T = q->T;
  const int64_t *lens = (const int64_t *)(m + q->lens_at);
  const float *xw = (const float *)(m + q->xw_at) + d * T * B * G, *bias = (const float *)(m + q->bias_at) + d * 2 * G;
  float *gates = (float *)(m + q->gates_at) + d * B * G, *h = (float *)(m + q->h_at) + d * B * H,
        *cs = (float *)(m + q->c_at) + d * B * H;
  float *reset = (float *)(m + q->reset_at) + d * 2 * B * H, *rec = reset + B * H, *y = out_at(c, 0);
  const void *r = s->r[d] ? s->r[d] : m + q->packed_at + (size_t)d * (q->packed_w + q->packed_r) + q->packed_w;
  const sx_rnn_act *act = &s->act[d * 3];
  sx_rnn_cell cell = {(int)H,
                      s->clip,
                      in_at(c, 7) && s->k == KIND_LSTM ? (const float *)in_at(c, 7) + d * 3 * H : NULL,
                      s->input_forget,
                      s->linear_before_reset,
                      act,
                      act + 1,
                      act + 2};
  const void *r2 = s->r2[d];
  size_t first;
  if (s->k == KIND_GRU && !r2 && sx_gemm_packed_bytes(s->tr, H, 2 * H, &first)) r2 = (const char *)r + first;
  for (int64_t t = 0; t < T; t++) {
    for (int64_t b = 0; b < B; b++) {
      int64_t at = s->reverse[d] ? lens[b] - 1 - t : t;
      if (t < lens[b])
        memcpy(gates + b * G, xw + (s->batch_first ? b * T + at : at * B + b) * G, (size_t)G * sizeof(float));
    }
    if (s->qt) {
      char *hq = m + q->hq_at + (size_t)d * (size_t)(SX_ALIGN + sx_round_up((size_t)(B * H), SX_ALIGN));
      quantize(s->isa, h, B * H, hq);
      sx_igemm_io io = quantized_io(c, hq, r, QUANT_R, q->r_cols, d);
      io.res = gates, io.c = gates;
      s->qt->run(&q->qhr, &io, 0, q->qhr.units, c->worker_scratch);
    } else {
      sx_gemm_io io = {h, r, NULL, gates, gates};
      s->tr->run(&q->hr, &io, 0, q->hr.units, c->worker_scratch);
    }
    if (s->k == KIND_GRU) {
      if (s->linear_before_reset) {
        sx_gemm_io rec_io = {h, r2, bias + G + 2 * H, NULL, rec};
        s->tr->run(&q->hr2, &rec_io, 0, q->hr2.units, c->worker_scratch);
      }
      for (int64_t b = 0; b < B; b++)
        if (t < lens[b]) step_cells(q, &cell, b, gates, h, cs, rec, reset, 0);
      if (!s->linear_before_reset) {
        sx_gemm_io add = {reset, r2, NULL, gates + 2 * H, gates + 2 * H};
        s->tr->run(&q->hr2, &add, 0, q->hr2.units, c->worker_scratch);
      }
    }
    for (int64_t b = 0; b < B; b++) {
      int64_t at = s->reverse[d] && t < lens[b] ? lens[b] - 1 - t : t;
      if (t < lens[b]) step_cells(q, &cell, b, gates, h, cs, rec, reset, 1);
      if (!y) continue;
      float *to = y + (s->batch_first ? (b * T + at) * q->D + d : (at * q->D + d) * B + b) * H;
      if (t < lens[b])
        memcpy(to, h + b * H, (size_t)H * sizeof(float));
      else
        memset(to, 0, (size_t)H * sizeof(float));
    }
  }
  for (int64_t b = 0; b < B; b++) {
    int64_t at = s->batch_first ? b * q->D + d : d * B + b;
    if (out_at(c, 1)) memcpy((float *)out_at(c, 1) + at * H, h + b * H, (size_t)H * sizeof(float));
    if (s->k == KIND_LSTM && out_at(c, 2)) memcpy((float *)out_at(c, 2) + at * H, cs + b * H, (size_t)H * sizeof(float));
  }
  return SX_OK;
}
static sx_status run_steps(const sx_call *c, uint32_t begin, uint32_t end) {
  for (uint32_t d = begin; d < end; d++) SX_TRY(run_direction(c, d));
  return SX_OK;
}

static size_t take(size_t *at, int64_t count, size_t elem) {
  size_t here = *at;
  *at += sx_round_up((size_t)count * elem, SX_ALIGN);
  return here;
}

static sx_status prepare_quantized(sx_prep *p, params *q) {
  for (uint32_t i = QUANT_W; i <= QUANT_R; i += QUANT_R - QUANT_W) {
    const int64_t n = p->in[i].count;
    if (n != q->D && n != q->D * q->G)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld or %lld", i, (long long)n, (long long)q->D,
              (long long)(q->D * q->G));
    *(i == QUANT_W ? &q->w_cols : &q->r_cols) = n != q->D;
  }
  q->qxw = (sx_igemm){.M = q->T * q->B,
                      .N = q->G,
                      .K = q->I,
                      .a_row = q->I,
                      .out = SX_IGEMM_F32,
                      .c_row = q->G,
                      .scale_col = q->w_cols,
                      .epi = {.bias = true, .bias_col = 1}};
  q->qhr = (sx_igemm){.M = q->B,
                      .N = q->G,
                      .K = q->H,
                      .a_row = q->H,
                      .out = SX_IGEMM_F32,
                      .c_row = q->G,
                      .scale_col = q->r_cols,
                      .epi = {.residual = true, .res_row = q->G, .beta = 1}};
  sx_igemm_plan(q->s->qt, &q->qxw);
  sx_igemm_plan(q->s->qt, &q->qhr);
  return SX_OK;
}

/* The sizes, and whether operands fit them. */
static sx_status describe(sx_prep *p, params *q) {
  const rnn_state *s = p->state;
  const sx_view *x = &p->in[0], *w = &p->in[1], *r = &p->in[2];
  q->s = s, q->n_in = p->n_in, q->n_out = p->n_out;
  q->T = x->dims[s->batch_first], q->B = x->dims[!s->batch_first], q->I = x->dims[2];
  const int cols = s->qt ? 1 : 2, rows = 3 - cols; /* quantised weights lie transposed */
  q->D = r->dims[0], q->H = r->dims[cols], q->G = gate_count[s->k] * q->H;
  const int64_t directions = sx_str_is(sx_attr_str(p->n, "direction", "forward"), "bidirectional") ? 2 : 1,
                size = sx_attr_int(p->n, "hidden_size", q->H);
  if (q->D != directions || q->H != size)
    SX_FAIL(p->e, INVALID_ARGUMENT, "R is for %lld directions and a hidden_size of %lld, expected %lld and %lld",
            (long long)q->D, (long long)q->H, (long long)directions, (long long)size);
  if (w->rank != 3 || w->dims[0] != q->D || w->dims[rows] != q->G || w->dims[cols] != q->I || r->dims[rows] != q->G)
    SX_FAIL(p->e, INVALID_ARGUMENT, "W and R do not fit: expected W (%lld, %lld, %lld) and R (%lld, %lld, %lld)",
            (long long)q->D, (long long)q->G, (long long)q->I, (long long)q->D, (long long)q->G, (long long)q->H);
  const int64_t want[8] = {0, 0, 0, q->D * 2 * q->G, q->B, q->D * q->B * q->H, q->D * q->B * q->H, q->D * 3 * q->H};
  if (s->qt) SX_TRY(prepare_quantized(p, q));
  for (uint32_t i = 3; i < p->n_in && i < 8; i++)
    if (p->in[i].dtype && p->in[i].count != want[i])
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld", i, (long long)p->in[i].count,
              (long long)want[i]);
  return SX_OK;
}

/* Dense rows times packed weights, into rows of c_row. */
static sx_gemm product(const sx_gemm_table *t, int64_t M, int64_t N, int64_t K, int64_t c_row, sx_epilogue epi) {
  return (sx_gemm){.M = M,
                   .N = N,
                   .K = K,
                   .a_row = K,
                   .a_k = 1,
                   .b_packed = true,
                   .wide = t->elem == 2,
                   .c_row = c_row,
                   .alpha = 1,
                   .epi = epi};
}

static sx_status prepare(sx_prep *p) {
  const rnn_state *s = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  SX_TRY(describe(p, q));
  const sx_epilogue add_input = {.residual = true, .res_row = q->G, .beta = 1}, add_bias = {.bias = true, .bias_col = 1};
  bool gru = s->k == KIND_GRU;
  q->xw = product(s->tw, q->T * q->B, q->G, q->I, q->G, add_bias);
  q->hr = product(s->tr, q->B, gru ? 2 * q->H : q->G, q->H, q->G, add_input);
  q->hr2 = product(s->tr, q->B, q->H, q->H, q->G, add_input);
  if (s->linear_before_reset) q->hr2.c_row = q->H, q->hr2.epi = add_bias;
  sx_gemm_plan(s->tw, &q->xw);
  sx_gemm_plan(s->tr, &q->hr);
  sx_gemm_plan(s->tr, &q->hr2);
  q->units = s->qt ? q->qxw.units : q->xw.units;
  size_t second = 0;
  if (!sx_gemm_packed_bytes(s->tw, q->I, q->G, &q->packed_w) ||
      !sx_gemm_packed_bytes(s->tr, q->H, gru ? 2 * q->H : q->G, &q->packed_r) ||
      (gru && !sx_gemm_packed_bytes(s->tr, q->H, q->H, &second)))
    SX_FAIL(p->e, FAIL, "the weights do not fit memory");
  q->packed_r += second;
  size_t at = 0;
  q->bias_at = take(&at, q->D * 2 * q->G, sizeof(float));
  q->xw_at = take(&at, q->D * q->T * q->B * q->G, sizeof(float));
  q->packed_at = take(&at, s->w[0] && s->r[0] ? 0 : q->D, q->packed_w + q->packed_r);
  q->gates_at = take(&at, q->D * q->B * q->G, sizeof(float));
  q->h_at = take(&at, q->D * q->B * q->H, sizeof(float));
  q->c_at = take(&at, q->D * q->B * q->H, sizeof(float));
  q->reset_at = take(&at, q->D * 2 * q->B * q->H, sizeof(float));
  q->lens_at = take(&at, q->B, sizeof(int64_t));
  if (s->qt) {
    q->xq_at = take(&at, SX_ALIGN + q->T * q->B * q->I, 1);
    q->hq_at = take(&at, q->D * (int64_t)(SX_ALIGN + sx_round_up((size_t)(q->B * q->H), SX_ALIGN)), 1);
  }
  p->params = q;
  p->scratch = at;
  size_t hr_scratch = q->hr.scratch > q->hr2.scratch ? q->hr.scratch : q->hr2.scratch;
  SX_TRY(sx_prep_phase(p, run_setup, 1, 2000, 0));
  if (q->qhr.scratch > hr_scratch) hr_scratch = q->qhr.scratch;
  SX_TRY(sx_prep_phase(p, run_inputs, q->D * q->units, s->qt ? q->qxw.unit_ns : q->xw.unit_ns,
                       s->qt ? q->qxw.scratch : q->xw.scratch));
  return sx_prep_phase(p, run_steps, q->D, (double)q->T * (double)q->B * ((double)q->G * (double)q->H / 16 + 300),
                       hr_scratch);
}

static sx_status run_f64(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const rnn_state *s = q->s;
  sx_rnn_f64 r = {.gates = gate_count[s->k],
                  .T = q->T,
                  .B = q->B,
                  .I = q->I,
                  .H = q->H,
                  .D = q->D,
                  .clip = (double)s->clip,
                  .reverse = {s->reverse[0], s->reverse[1]},
                  .batch_first = s->batch_first,
                  .input_forget = s->input_forget,
                  .linear_before_reset = s->linear_before_reset};
  const bool lstm = s->k == KIND_LSTM;
  const sx_rnn_f64_io io = {c->in[0],
                            c->in[1],
                            c->in[2],
                            in_at(c, 3),
                            in_at(c, 5),
                            lstm ? in_at(c, 6) : NULL,
                            lstm ? in_at(c, 7) : NULL,
                            in_at(c, 4),
                            out_at(c, 0),
                            out_at(c, 1),
                            lstm ? out_at(c, 2) : NULL};
  memcpy(r.act, s->named, sizeof r.act);
  for (int64_t b = 0; io.lens && b < q->B; b++)
    if (io.lens[b] < 0 || io.lens[b] > q->T)
      SX_FAIL(c->e, INVALID_ARGUMENT, "sequence_lens[%lld] is %lld, expected 0 to %lld", (long long)b,
              (long long)io.lens[b], (long long)q->T);
  sx_rnn_f64_run(&r, &io, begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_f64(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  SX_TRY(describe(p, q));
  p->params = q;
  const sx_rnn_f64 r = {.gates = gate_count[q->s->k], .H = q->H};
  return sx_prep_phase(p, run_f64, q->D * q->B, (double)q->T * (double)q->G * (double)(q->I + q->H),
                       (size_t)sx_rnn_f64_scratch(&r) * sizeof(double));
}

#define ROW(N)                   \
  const sx_kernel sx_cpu_##N = { \
      .op = &sx_op_##N, .name = "rnn", .types = 1u << SX_F32, .create = create, .prepare = prepare};
ROW(GRU)
ROW(LSTM)
ROW(RNN)
#define F64(N)                       \
  const sx_kernel sx_cpu_##N##_3 = { \
      .op = &sx_op_##N, .name = "rnn_f64", .types = 1u << SX_F64, .create = create, .prepare = prepare_f64};
    F64(GRU) F64(LSTM) F64(RNN) const sx_kernel sx_cpu_DynamicQuantizeLSTM = {.op = &sx_op_DynamicQuantizeLSTM,
                                                                              .name = "rnn_quantized",
                                                                              .types = 1u << SX_F32,
                                                                              .claim = claim_quantized,
                                                                              .create = create,
                                                                              .prepare = prepare};
