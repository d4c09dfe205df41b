// SPDX-License-Identifier: MIT
/* Attention row by row in double: for f64, and for those who want the scores. */
#include <math.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/attention/attention_tables.h"
#include "ep/cpu/kernels/convert/convert.h"

static int64_t longest(const sx_attention *a) {
  int64_t n = a->D > a->Dv ? a->D : a->Dv;
  return a->Lk > n ? a->Lk : n;
}
size_t sx_attention_plain_scratch(const sx_attention *a) {
  return ((size_t)longest(a) * 2 + (size_t)(a->D + a->Dv) + 8) * sizeof(double);
}

static void read_row(const sx_attention *a, sx_dtype t, const void *src, int64_t from, int64_t n, double *to) {
  sx_cast_run(a->isa, t, SX_F64, 0, to, (const char *)src + from * (int64_t)(sx_dtype_bits(t) / 8), 0, n);
}
static double mask_at(const sx_attention *a, const sx_attention_io *io, int64_t i) {
  double x;
  if (a->m_type == SX_BOOL) return ((const uint8_t *)io->mask)[i] ? 0 : -INFINITY;
  read_row(a, a->m_type, io->mask, i, 1, &x);
  return x;
}

void sx_attention_plain(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch) {
  double *q = scratch, *y = q + a->D, *s = y + a->Dv, *row = s + longest(a);
  const int64_t elem = (int64_t)sx_dtype_bits(a->q_type) / 8;
  for (int64_t u = begin; u < end; u++) {
    const int64_t i = u % a->Lq, h = u / a->Lq % a->Hq, b = u / a->Lq / a->Hq, kv = h / (a->Hq / a->Hkv);
    const int64_t mask = b * a->m_b + h * a->m_h + i * a->m_q;
    char *qk = io->qk ? (char *)io->qk + u * a->Lk * elem : NULL;
    int64_t lo, hi;
    sx_attention_range(a, io, b, i, &lo, &hi);
    read_row(a, a->q_type, io->q, b * a->q_b + h * a->q_h + i * a->q_l, a->D, q);
    for (int64_t j = 0; j < a->Lk; j++) {
      read_row(a, a->k_type, io->k, b * a->k_b + kv * a->k_h + j * a->k_l, a->D, row);
      double sum = 0;
      for (int64_t d = 0; d < a->D; d++) sum += q[d] * row[d];
      s[j] = sum * a->scale;
    }
    if (a->scores == SX_SCORES_RAW && qk) sx_cast_run(a->isa, SX_F64, a->q_type, 0, qk, s, 0, a->Lk);
    for (int64_t j = 0; j < a->Lk && a->softcap > 0; j++) s[j] = tanh(s[j] / (double)a->softcap) * (double)a->softcap;
    if (a->scores == SX_SCORES_CAPPED && qk) sx_cast_run(a->isa, SX_F64, a->q_type, 0, qk, s, 0, a->Lk);
    double max = -INFINITY, sum = 0;
    for (int64_t j = 0; j < a->Lk; j++) {
      const double m = j < lo || j >= hi ? -INFINITY : a->m_type ? mask_at(a, io, mask + j * a->m_k) : 0;
      s[j] = m == -INFINITY ? m : s[j] + m;
      if (s[j] > max || s[j] != s[j]) max = s[j];
    }
    if (a->scores == SX_SCORES_MASKED && qk) sx_cast_run(a->isa, SX_F64, a->q_type, 0, qk, s, 0, a->Lk);
    const double sink = a->sink == SX_SINK_HEAD ? (read_row(a, a->q_type, io->sink, h, 1, row), row[0]) : 0;
    if (a->sink != SX_SINK_NONE && sink > max) max = sink;
    for (int64_t j = 0; j < a->Lk; j++) sum += s[j] = max == -INFINITY ? 0 : exp(s[j] - max);
    if (a->sink != SX_SINK_NONE) sum += exp(sink - max);
    for (int64_t j = 0; j < a->Lk; j++) s[j] = sum == 0 ? 0 : s[j] / sum;
    if (a->scores == SX_SCORES_SOFTMAX && qk) sx_cast_run(a->isa, SX_F64, a->q_type, 0, qk, s, 0, a->Lk);
    for (int64_t d = 0; d < a->Dv; d++) y[d] = 0;
    for (int64_t j = lo; j < hi; j++) {
      if (s[j] == 0) continue; /* what is masked does not even count as infinity */
      read_row(a, a->v_type, io->v, b * a->v_b + kv * a->v_h + j * a->v_l, a->Dv, row);
      for (int64_t d = 0; d < a->Dv; d++) y[d] += s[j] * row[d];
    }
    sx_cast_run(a->isa, SX_F64, a->q_type, 0, (char *)io->y + (b * a->y_b + h * a->y_h + i * a->y_l) * elem, y, 0, a->Dv);
  }
}
