// SPDX-License-Identifier: MIT
/* RotaryEmbedding, LinearAttention and CausalConvWithState: rows come in as f32, whatever their type, and go out again. */
#include "ep/cpu/kernels/attention/linear.h"
#include "ep/cpu/kernels/attention/rotary.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/ep.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"

#define FLOATS (1u << SX_F32 | 1u << SX_F16 | 1u << SX_BF16)

/* RotaryEmbedding. A unit is a token of a batch, all heads. */
typedef struct rotary {
  sx_isa isa;
  sx_dtype type;
  int64_t L, heads, d, half, rows;   /* rows: of the tables */
  int64_t b, h, l, table_b, table_l; /* strides: of X; of the tables when there are no positions */
  int positions;                     /* 0: none, 1: that of the first token, 2: one for each */
  bool interleaved;
} rotary;
static sx_status run_rotary(const sx_call *c, uint32_t begin, uint32_t end) {
  const rotary *q = c->params;
  float *x = c->worker_scratch, *cosine = x + q->d, *sine = cosine + q->half;
  for (uint32_t u = begin; u < end; u++) {
    const int64_t b = u / q->L, i = u % q->L;
    const int64_t *ids = q->positions ? c->in[3] : NULL;
    int64_t row = b * q->table_b + i * q->table_l;
    if (ids) {
      row = q->positions == 2 ? ids[u] : ids[0];
      if (row < 0 && row >= -q->rows) row += q->rows;
      if (q->positions == 1 && row >= 0 && row < q->rows) row += i;
      if (row < 0 || row >= q->rows)
        SX_FAIL(c->e, INVALID_ARGUMENT, "position %lld is outside of the %lld rows of the tables", (long long)row,
                (long long)q->rows);
    }
    if (q->type == SX_F32) {
      const float *cos_row = (const float *)c->in[1] + row * q->half, *sin_row = (const float *)c->in[2] + row * q->half;
      for (int64_t h = 0, at = b * q->b + i * q->l; h < q->heads; h++, at += q->h)
        sx_rotary_row(q->isa, (float *)c->out[0] + at, (const float *)c->in[0] + at, cos_row, sin_row, q->half, q->d,
                      q->interleaved);
      continue;
    }
    sx_convert_load(q->isa, q->type, cosine, c->in[1], row * q->half, q->half);
    sx_convert_load(q->isa, q->type, sine, c->in[2], row * q->half, q->half);
    for (int64_t h = 0; h < q->heads; h++) {
      const int64_t at = b * q->b + h * q->h + i * q->l;
      sx_convert_load(q->isa, q->type, x, c->in[0], at, q->d);
      sx_rotary_row(q->isa, x, x, cosine, sine, q->half, q->d, q->interleaved);
      sx_convert_store(q->isa, q->type, 0, c->out[0], x, at, q->d);
    }
  }
  return SX_OK;
}
static sx_status prepare_rotary(sx_prep *p) {
  rotary *q = SX_NEW(p->arena, rotary);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *t = &p->in[1];
  int64_t heads = sx_attr_int(p->n, "num_heads", 0), turned = sx_attr_int(p->n, "rotary_embedding_dim", 0);
  if ((x->rank != 3 && x->rank != 4) || t->rank < 2 || t->rank > 3 || p->in[2].count != t->count ||
      p->in[2].rank != t->rank)
    SX_FAIL(p->e, INVALID_ARGUMENT,
            "X has rank %d, the tables have ranks %d and %d: expected 3 or 4, and equal tables of 2 or 3", x->rank, t->rank,
            p->in[2].rank);
  *q = (rotary){.isa = p->cpu->isa,
                .type = (sx_dtype)x->dtype,
                .half = t->dims[t->rank - 1],
                .interleaved = sx_attr_int(p->n, "interleaved", 0) != 0};
  if (x->rank == 4)
    q->heads = x->dims[1], q->L = x->dims[2], q->d = x->dims[3], q->h = q->L * q->d, q->l = q->d;
  else {
    if (heads < 1) heads = turned || !q->half ? 0 : x->dims[2] / (2 * q->half);
    if (heads < 1 || x->dims[2] % heads)
      SX_FAIL(p->e, INVALID_ARGUMENT, "%lld columns do not divide into %lld heads (attribute 'num_heads')",
              (long long)x->dims[2], (long long)heads);
    q->heads = heads, q->L = x->dims[1], q->d = x->dims[2] / heads, q->h = q->d, q->l = x->dims[2];
  }
  q->b = q->heads * q->L * q->d;
  if (turned == 0) turned = q->d;
  if (turned != 2 * q->half || turned > q->d)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the tables have %lld columns, expected %lld: half of what is turned",
            (long long)q->half, (long long)(turned / 2));
  if (sx_prep_has(p, 3)) {
    q->rows = sx_dims_count(t->dims, 0, t->rank - 1);
    q->positions = p->in[3].count == x->dims[0] * q->L ? 2 : p->in[3].count == 1 ? 1 : 0;
    if (!q->positions)
      SX_FAIL(p->e, INVALID_ARGUMENT, "position_ids has %lld elements, expected %lld or 1", (long long)p->in[3].count,
              (long long)(x->dims[0] * q->L));
  } else {
    q->table_l = 1, q->table_b = t->rank == 3 && t->dims[0] != 1 ? t->dims[1] : 0;
    if (t->dims[t->rank - 2] != q->L || (t->rank == 3 && t->dims[0] != 1 && t->dims[0] != x->dims[0]))
      SX_FAIL(p->e, INVALID_ARGUMENT, "the tables do not fit X: without position_ids they have its batch and length");
  }
  p->params = q;
  return x->count ? sx_prep_phase(p, run_rotary, x->dims[0] * q->L, (double)(q->heads * q->d) * 0.3 + 20,
                                  (size_t)(q->d + 2 * q->half) * sizeof(float))
                  : SX_OK;
}
const sx_kernel sx_cpu_RotaryEmbedding = {
    .op = &sx_op_RotaryEmbedding, .name = "rotary", .types = FLOATS, .prepare = prepare_rotary};

/* LinearAttention. A unit is a key head of a batch, from the first token to the last. */
typedef struct linear {
  sx_isa isa;
  sx_dtype type, state;
  int64_t B, T, Hq, Hkv, dk, dv, decay, beta; /* decay, beta: columns of those inputs, 0 without */
  bool past, present;
  float scale;
} linear;
static size_t linear_floats(const linear *q) {
  const int64_t g = q->Hq / q->Hkv;
  return (size_t)(q->dk * q->dv + g * (q->dk + q->dv) + 2 * (q->dk + q->dv) + 1);
}
static sx_status run_linear(const sx_call *c, uint32_t begin, uint32_t end) {
  const linear *q = c->params;
  const int64_t g = q->Hq / q->Hkv;
  float *S = c->worker_scratch, *query = S + q->dk * q->dv, *y = query + g * q->dk, *k = y + g * q->dv, *v = k + q->dk,
        *decay = v + q->dv, *tmp = decay + q->dk, *beta = tmp + q->dv;
  for (uint32_t u = begin; u < end; u++) {
    const int64_t b = u / q->Hkv, h = u % q->Hkv;
    memset(S, 0, (size_t)(q->dk * q->dv) * sizeof(float));
    if (q->past) sx_convert_load(q->isa, q->state, S, c->in[3], u * q->dk * q->dv, q->dk * q->dv);
    sx_linear_step s = {S, y, tmp, query, k, v, q->decay ? decay : NULL, q->beta ? beta : NULL, q->dk, q->dv, g, q->scale};
    for (int64_t i = b * q->T; i < (b + 1) * q->T; i++) {
      sx_convert_load(q->isa, q->type, query, c->in[0], (i * q->Hq + h * g) * q->dk, g * q->dk);
      sx_convert_load(q->isa, q->type, k, c->in[1], (i * q->Hkv + h) * q->dk, q->dk);
      sx_convert_load(q->isa, q->type, v, c->in[2], (i * q->Hkv + h) * q->dv, q->dv);
      const int64_t per = q->decay / q->Hkv; /* decays of a head: one, or one per row of the state */
      if (per) sx_convert_load(q->isa, q->type, decay, c->in[4], i * q->decay + h * per, per);
      for (int64_t d = 0; d < per; d++) decay[d] = expf(decay[d]);
      for (int64_t d = 1; d < q->dk && per == 1; d++) decay[d] = decay[0];
      if (q->beta) sx_convert_load(q->isa, q->type, beta, c->in[5], i * q->beta + (q->beta == 1 ? 0 : h), 1);
      sx_linear_attention_step(q->isa, &s);
      sx_convert_store(q->isa, q->type, 0, c->out[0], y, (i * q->Hq + h * g) * q->dv, g * q->dv);
    }
    if (q->present) sx_convert_store(q->isa, q->state, 0, c->out[1], S, u * q->dk * q->dv, q->dk * q->dv);
  }
  return SX_OK;
}
static sx_status prepare_linear(sx_prep *p) {
  linear *q = SX_NEW(p->arena, linear);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *k = &p->in[1], *v = &p->in[2];
  const int64_t Hq = sx_attr_int(p->n, "q_num_heads", 1), Hkv = sx_attr_int(p->n, "kv_num_heads", 1);
  if (x->rank != 3 || k->rank != 3 || v->rank != 3)
    SX_FAIL(p->e, INVALID_ARGUMENT, "query, key and value have ranks %d, %d and %d, expected 3", x->rank, k->rank, v->rank);
  *q = (linear){.isa = p->cpu->isa,
                .type = (sx_dtype)x->dtype,
                .B = x->dims[0],
                .T = x->dims[1],
                .Hq = Hq,
                .Hkv = Hkv,
                .dk = k->dims[2] / Hkv,
                .dv = v->dims[2] / Hkv,
                .past = sx_prep_has(p, 3),
                .present = p->n_out > 1 && p->out[1].dtype,
                .scale = sx_attr_float(p->n, "scale", 0)};
  q->state = q->past ? (sx_dtype)p->in[3].dtype : q->type;
  if (q->scale == 0) q->scale = 1 / sqrtf((float)q->dk);
  if (x->dims[2] != Hq * q->dk || k->dims[2] != Hkv * q->dk || v->dims[2] != Hkv * q->dv || k->dims[0] != q->B ||
      v->dims[0] != q->B || k->dims[1] != q->T || v->dims[1] != q->T)
    SX_FAIL(p->e, INVALID_ARGUMENT, "query, key and value do not fit each other and %lld query heads, %lld key heads",
            (long long)Hq, (long long)Hkv);
  if (q->past && p->in[3].count != q->B * Hkv * q->dk * q->dv)
    SX_FAIL(p->e, INVALID_ARGUMENT, "past_state has %lld elements, expected (%lld, %lld, %lld, %lld)",
            (long long)p->in[3].count, (long long)q->B, (long long)Hkv, (long long)q->dk, (long long)q->dv);
  const sx_str rule = sx_attr_str(p->n, "update_rule", "gated_delta");
  const bool gated = sx_str_eq(rule, SX_STR("gated")) || sx_str_eq(rule, SX_STR("gated_delta")),
             delta = sx_str_eq(rule, SX_STR("delta")) || sx_str_eq(rule, SX_STR("gated_delta"));
  if ((!gated && !delta && !sx_str_eq(rule, SX_STR("linear"))) || gated != sx_prep_has(p, 4) || delta != sx_prep_has(p, 5))
    SX_FAIL(p->e, INVALID_ARGUMENT,
            "update_rule is '%.*s': expected linear, gated (with decay), delta (with beta) or gated_delta (with both)",
            SX_FMT(rule));
  for (uint32_t i = 4; i < 6; i++) {
    if (!sx_prep_has(p, i)) continue;
    const sx_view *t = &p->in[i];
    const int64_t n = t->rank == 3 ? t->dims[2] : 0;
    if (t->count != q->B * q->T * n || (n != Hkv && n != (i == 4 ? Hkv * q->dk : 1)))
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld columns, expected %lld or %lld", i, (long long)n, (long long)Hkv,
              (long long)(i == 4 ? Hkv * q->dk : 1));
    *(i == 4 ? &q->decay : &q->beta) = n;
  }
  p->params = q;
  return sx_prep_phase(p, run_linear, q->B * Hkv, (double)(q->T * q->dk * q->dv) * 0.3 + 50,
                       linear_floats(q) * sizeof(float));
}
const sx_kernel sx_cpu_LinearAttention = {
    .op = &sx_op_LinearAttention, .name = "linear_attention", .types = FLOATS, .prepare = prepare_linear};

/* CausalConvWithState. A unit is a channel of a batch. */
typedef struct causal {
  sx_isa isa;
  sx_dtype type;
  int64_t C, n, taps;
  bool bias, past, present;
  int silu;
} causal;
static sx_status run_causal(const sx_call *c, uint32_t begin, uint32_t end) {
  const causal *q = c->params;
  const int64_t state = q->taps - 1;
  float *x = c->worker_scratch, *w = x + state + q->n, *y = w + q->taps, bias = 0;
  for (uint32_t u = begin; u < end; u++) {
    memset(x, 0, (size_t)state * sizeof(float));
    if (q->past) sx_convert_load(q->isa, q->type, x, c->in[3], u * state, state);
    sx_convert_load(q->isa, q->type, x + state, c->in[0], u * q->n, q->n);
    sx_convert_load(q->isa, q->type, w, c->in[1], u % q->C * q->taps, q->taps);
    if (q->bias) sx_convert_load(q->isa, q->type, &bias, c->in[2], u % q->C, 1);
    sx_causal_conv_row(q->isa, y, x, w, q->taps, bias, q->n, q->silu);
    sx_convert_store(q->isa, q->type, 0, c->out[0], y, u * q->n, q->n);
    if (q->present) sx_convert_store(q->isa, q->type, 0, c->out[1], x + q->n, u * state, state);
  }
  return SX_OK;
}
static sx_status prepare_causal(sx_prep *p) {
  causal *q = SX_NEW(p->arena, causal);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *w = &p->in[1];
  const sx_str act = sx_attr_str(p->n, "activation", "none");
  const bool silu = sx_str_eq(act, SX_STR("silu")) || sx_str_eq(act, SX_STR("swish"));
  if (!silu && !sx_str_eq(act, SX_STR("none")))
    SX_FAIL(p->e, INVALID_ARGUMENT, "activation is '%.*s', expected none, silu or swish", SX_FMT(act));
  if (x->rank != 3 || w->rank != 3 || w->dims[0] != x->dims[1] || w->dims[1] != 1 || w->dims[2] < 1)
    SX_FAIL(p->e, INVALID_ARGUMENT,
            "the weight does not fit the input: expected (channels, 1, taps) and (batch, channels, length)");
  *q = (causal){p->cpu->isa, (sx_dtype)x->dtype, x->dims[1], x->dims[2],
                w->dims[2],  sx_prep_has(p, 2),          sx_prep_has(p, 3),  p->n_out > 1 && p->out[1].dtype,
                silu};
  if (q->bias && p->in[2].count != q->C)
    SX_FAIL(p->e, INVALID_ARGUMENT, "bias has %lld elements, expected %lld", (long long)p->in[2].count, (long long)q->C);
  if (q->past && p->in[3].count != x->dims[0] * q->C * (q->taps - 1))
    SX_FAIL(p->e, INVALID_ARGUMENT, "past_state has %lld elements, expected (%lld, %lld, %lld)", (long long)p->in[3].count,
            (long long)x->dims[0], (long long)q->C, (long long)(q->taps - 1));
  p->params = q;
  return sx_prep_phase(p, run_causal, x->dims[0] * q->C, (double)(q->n * (q->taps + 4)) * 0.2 + 20,
                       (size_t)(2 * (q->n + q->taps)) * sizeof(float));
}
const sx_kernel sx_cpu_CausalConvWithState = {
    .op = &sx_op_CausalConvWithState, .name = "causal_conv", .types = FLOATS, .prepare = prepare_causal};
