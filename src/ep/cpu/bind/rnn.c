// SPDX-License-Identifier: MIT
/* LSTM, GRU and RNN. Phase one multiplies all steps' inputs at once; phase two walks the steps, one direction per unit.
 * Rows of the batch may have lengths of their own; a reversed direction runs backwards over each row's length.
 * DynamicQuantizeLSTM is the LSTM whose two products quantise their left side and multiply integers. */
#include "ep/cpu/bind/rnn.h"
#include "base/alloc.h"
#include "ep/cpu/kernels/convert/convert.h"

/* The last optional inputs and outputs may not be listed at all. */
typedef struct params {
  const sx_rnn_state *s;
  uint32_t n_in, n_out;
  int64_t T, B, I, H, D, G; /* G: gates * H */
  sx_gemm xw, hr, hr2;      /* hr2: the candidate gate of a GRU */
  sx_igemm qxw, qhr;
  bool w_cols, r_cols; /* scales per column */
  size_t xq_at, hq_at; /* quantised left sides */
  size_t bias_at, xw_at, packed_at, packed_w, packed_r, gates_at, h_at, c_at, reset_at, lens_at;
  int64_t units; /* of xw, one direction */
} params;

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
  const sx_rnn_state *s = q->s;
  char *m = c->scratch;
  int64_t H = q->H, G = q->G;
  (void)begin, (void)end;
  for (int64_t d = 0; d < q->D; d++) {
    float *bias = (float *)(m + q->bias_at) + d * 2 * G;
    const float *b = in_at(c, 3) ? (const float *)in_at(c, 3) + d * 2 * G : NULL;
    memset(bias, 0, (size_t)(2 * G) * sizeof *bias);
    for (int64_t i = 0; b && i < G; i++) {
      bool apart = s->k == SX_RNN_GRU && s->linear_before_reset && i >= 2 * H; /* inside the reset gate's product */
      bias[i] = b[i] + (apart ? 0 : b[G + i]);
      bias[G + i] = apart ? b[G + i] : 0;
    }
    char *p = m + q->packed_at + (size_t)d * (q->packed_w + q->packed_r);
    const float *w = s->w[d] ? NULL : (const float *)c->in[1] + d * G * q->I,
                *r = s->r[d] ? NULL : (const float *)c->in[2] + d * G * H;
    if (w) s->tw->pack_b(w, 1, q->I, q->I, G, 0, sx_gemm_panels(s->tw, G), p);
    if (s->r[d]) continue;
    p += q->packed_w;
    if (s->k != SX_RNN_GRU)
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
      if (s->k == SX_RNN_LSTM && in_at(c, 6))
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
      sx_igemm_io io = quantized_io(c, m + q->xq_at, q->s->w[d], SX_RNN_QUANT_W, q->w_cols, d);
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
  if (q->s->k == SX_RNN_LSTM)
    t->lstm(cell, g, cs + b * q->H, hb);
  else if (q->s->k == SX_RNN_RNN)
    t->rnn(cell, g, hb);
  else if (part == 0)
    t->gru_reset(cell, g, hb, rec + b * q->H, reset + b * q->H);
  else
    t->gru_update(cell, g, hb);
}

/* A product within a step: large ones are cut, so that a run can be stopped. */
static void multiply(const sx_call *c, const sx_gemm_table *t, const sx_gemm *g, sx_gemm_io io) {
  const int64_t grain = sx_stop_grain(g->unit_ns);
  for (int64_t u = 0; u < g->units && !sx_stopping(); u += grain)
    t->run(g, &io, u, g->units - u < grain ? g->units : u + grain, c->worker_scratch);
}

static sx_status run_direction(const sx_call *c, int64_t d) {
  const params *q = c->params;
  const sx_rnn_state *s = q->s;
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
                      in_at(c, 7) && s->k == SX_RNN_LSTM ? (const float *)in_at(c, 7) + d * 3 * H : NULL,
                      s->input_forget,
                      s->linear_before_reset,
                      act,
                      act + 1,
                      act + 2};
  const void *r2 = s->r2[d];
  size_t first;
  if (s->k == SX_RNN_GRU && !r2 && sx_gemm_packed_bytes(s->tr, H, 2 * H, &first)) r2 = (const char *)r + first;
  for (int64_t t = 0; t < T; t++) {
    SX_TRY(sx_stop_check(c->e));
    for (int64_t b = 0; b < B; b++) {
      int64_t at = s->reverse[d] ? lens[b] - 1 - t : t;
      if (t < lens[b])
        memcpy(gates + b * G, xw + (s->batch_first ? b * T + at : at * B + b) * G, (size_t)G * sizeof(float));
    }
    if (s->qt) {
      char *hq = m + q->hq_at + (size_t)d * (size_t)(SX_ALIGN + sx_round_up((size_t)(B * H), SX_ALIGN));
      quantize(s->isa, h, B * H, hq);
      sx_igemm_io io = quantized_io(c, hq, r, SX_RNN_QUANT_R, q->r_cols, d);
      io.res = gates, io.c = gates;
      s->qt->run(&q->qhr, &io, 0, q->qhr.units, c->worker_scratch);
    } else {
      multiply(c, s->tr, &q->hr, (sx_gemm_io){h, r, NULL, gates, gates});
    }
    if (s->k == SX_RNN_GRU) {
      if (s->linear_before_reset) {
        multiply(c, s->tr, &q->hr2, (sx_gemm_io){h, r2, bias + G + 2 * H, NULL, rec});
      }
      for (int64_t b = 0; b < B; b++)
        if (t < lens[b]) step_cells(q, &cell, b, gates, h, cs, rec, reset, 0);
      if (!s->linear_before_reset) {
        multiply(c, s->tr, &q->hr2, (sx_gemm_io){reset, r2, NULL, gates + 2 * H, gates + 2 * H});
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
    if (s->k == SX_RNN_LSTM && out_at(c, 2)) memcpy((float *)out_at(c, 2) + at * H, cs + b * H, (size_t)H * sizeof(float));
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
  for (uint32_t i = SX_RNN_QUANT_W; i <= SX_RNN_QUANT_R; i += SX_RNN_QUANT_R - SX_RNN_QUANT_W) {
    const int64_t n = p->in[i].count;
    if (n != q->D && n != q->D * q->G)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld or %lld", i, (long long)n, (long long)q->D,
              (long long)(q->D * q->G));
    *(i == SX_RNN_QUANT_W ? &q->w_cols : &q->r_cols) = n != q->D;
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
  const sx_rnn_state *s = p->state;
  const sx_view *x = &p->in[0], *w = &p->in[1], *r = &p->in[2];
  q->s = s, q->n_in = p->n_in, q->n_out = p->n_out;
  q->T = x->dims[s->batch_first], q->B = x->dims[!s->batch_first], q->I = x->dims[2];
  const int cols = s->qt ? 1 : 2, rows = 3 - cols; /* quantised weights lie transposed */
  q->D = r->dims[0], q->H = r->dims[cols], q->G = sx_rnn_gates(s->k) * q->H;
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
  const sx_rnn_state *s = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  SX_TRY(describe(p, q));
  const sx_epilogue add_input = {.residual = true, .res_row = q->G, .beta = 1}, add_bias = {.bias = true, .bias_col = 1};
  bool gru = s->k == SX_RNN_GRU;
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
  const sx_rnn_state *s = q->s;
  sx_rnn_f64 r = {.gates = sx_rnn_gates(s->k),
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
  const bool lstm = s->k == SX_RNN_LSTM;
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
  const sx_rnn_f64 r = {.gates = sx_rnn_gates(q->s->k), .H = q->H};
  return sx_prep_phase(p, run_f64, q->D * q->B, (double)q->T * (double)q->G * (double)(q->I + q->H),
                       (size_t)sx_rnn_f64_scratch(&r) * sizeof(double));
}

#define ROW(N)                   \
  const sx_kernel sx_cpu_##N = { \
      .op = &sx_op_##N, .name = "rnn", .types = 1u << SX_F32, .create = sx_rnn_create, .prepare = prepare}
ROW(GRU);
ROW(LSTM);
ROW(RNN);
#define F64(N)                       \
  const sx_kernel sx_cpu_##N##_3 = { \
      .op = &sx_op_##N, .name = "rnn_f64", .types = 1u << SX_F64, .create = sx_rnn_create, .prepare = prepare_f64}
F64(GRU);
F64(LSTM);
F64(RNN);
const sx_kernel sx_cpu_DynamicQuantizeLSTM = {.op = &sx_op_DynamicQuantizeLSTM,
                                              .name = "rnn_quantized",
                                              .types = 1u << SX_F32,
                                              .claim = sx_rnn_claim_quantized,
                                              .create = sx_rnn_create,
                                              .prepare = prepare};
