// SPDX-License-Identifier: MIT
/* Softmax of f32: three passes over a row in the first-level cache (maximum, exponentials and their sum, scaling), and the same
 * down columns, four vectors at a time. Short rows are turned into columns. And Hardmax's places of the largest elements. */
#include "ep/cpu/kernels/softmax/softmax_tables.h"
#include "base/stop.h"
#include "ep/cpu/vmath.h"

/* Elements of a row, rows of a strip: between two questions whether to go on. */
enum { ASK = 1 << 17, ASK_ROWS = 1 << 13 };
/* The first n lanes, the others `fill`. */
SX_INLINE vf load_filled(const float *p, int n, float fill) {
  return vf_select(vi_below(n), vf_load_n(p, n), vf_set(fill));
}
SX_INLINE vf keep(vf v, int n) { return (vf)((vi)v & vi_below(n)); } /* lanes from n on become 0 */
/* y = scale x + mask (when there is something to do), and the maximum. */
SX_INLINE float prepare(float *y, const float *x, const float *mask, float scale, int64_t n, bool plain) {
  vf m[4], s = vf_set(scale);
  SX_UNROLL(4) for (int k = 0; k < 4; k++) m[k] = vf_set(-INFINITY);
#define TAKE(k, at)                                          \
  {                                                          \
    vf t_ = vf_load(x + (at) + (k)*SX_VL);                   \
    if (!plain) {                                            \
      t_ = t_ * s;                                           \
      if (mask) t_ += vf_load(mask + (at) + (k)*SX_VL);      \
      vf_store(y + (at) + (k)*SX_VL, t_);                    \
    }                                                        \
    m[k] = vf_max(t_, m[k]);                                 \
  }
  int64_t i = n / (4 * SX_VL) * (4 * SX_VL);
  SX_STOP_PARTS(from, to, i, ASK)
    for (int64_t at = from; at < to; at += 4 * SX_VL)
      SX_UNROLL(4) for (int k = 0; k < 4; k++) TAKE(k, at)
  for (; i + SX_VL <= n; i += SX_VL) TAKE(0, i)
#undef TAKE
  if (i < n) {
    const int rest = (int)(n - i);
    vf t = load_filled(x + i, rest, plain || scale > 0 ? -INFINITY : INFINITY);
    if (!plain) {
      t = t * s;
      if (mask) t += vf_load_n(mask + i, rest);
      vf_store_n(y + i, t, rest);
      t = load_filled(y + i, rest, -INFINITY);
    }
    m[1] = vf_max(t, m[1]);
  }
  return vf_hmax(vf_max(vf_max(m[0], m[1]), vf_max(m[2], m[3])));
}
/* y = exp(x - max) when `store`; the sum. */
SX_INLINE float exponentials(float *y, const float *x, float max, int64_t n, bool store) {
  vf s[2] = {{0}, {0}}, m = vf_set(max);
  int64_t i = n / (2 * SX_VL) * (2 * SX_VL);
  SX_STOP_PARTS(from, to, i, ASK)
    for (int64_t at = from; at < to; at += 2 * SX_VL)
      SX_UNROLL(2) for (int k = 0; k < 2; k++) {
        vf e = vm_exp_neg(vf_load(x + at + k * SX_VL) - m);
        if (store) vf_store(y + at + k * SX_VL, e);
        s[k] += e;
      }
  for (; i < n; i += SX_VL) {
    const int w = n - i < SX_VL ? (int)(n - i) : SX_VL;
    vf e = vm_exp_neg(vf_load_n(x + i, w) - m);
    if (w < SX_VL) e = keep(e, w);
    if (store) vf_store_n(y + i, e, w);
    s[0] += e;
  }
  return vf_sum(s[0] + s[1]);
}
static void exp_row(float *y, const float *x, const float *mask, float scale, int64_t n, float *max, float *sum) {
  const bool plain = !mask && scale == 1;
  *max = plain ? prepare(y, x, mask, scale, n, true) : prepare(y, x, mask, scale, n, false);
  *sum = exponentials(y, plain ? x : y, *max, n, true);
}
static void row(float *y, const float *x, const float *mask, float scale, int64_t n, bool log) {
  if (!log) {
    float max, sum;
    exp_row(y, x, mask, scale, n, &max, &sum);
    const vf inverse = vf_set(1.f / sum);
    int64_t i = n / SX_VL * SX_VL;
    SX_STOP_PARTS(from, to, i, ASK)
      for (int64_t at = from; at < to; at += SX_VL) vf_store(y + at, vf_load(y + at) * inverse);
    if (i < n) vf_store_n(y + i, vf_load_n(y + i, (int)(n - i)) * inverse, (int)(n - i));
    return;
  }
  const bool plain = !mask && scale == 1;
  const float max = prepare(y, x, mask, scale, n, plain);
  const float *t = plain ? x : y;
  const float shift = logf(exponentials(y, t, max, n, false));
  const vf m = vf_set(max), l = vf_set(shift);
  int64_t i = n / SX_VL * SX_VL;
  SX_STOP_PARTS(from, to, i, ASK)
    for (int64_t at = from; at < to; at += SX_VL) vf_store(y + at, vf_load(t + at) - m - l);
  if (i < n) vf_store_n(y + i, vf_load_n(t + i, (int)(n - i)) - m - l, (int)(n - i));
}

/* v vectors of columns; the last may be partial (w lanes), then v is 1. */
SX_INLINE void column_strip(float *y, const float *x, float scale, int64_t n, int64_t stride, int v, int w, bool log) {
  vf m[4], s[4], k = vf_set(scale);
#define LOAD(p) (w < SX_VL ? vf_load_n(p, w) : vf_load(p))
#define STORE(p, e) (w < SX_VL ? vf_store_n(p, e, w) : vf_store(p, e))
  SX_UNROLL(4) for (int j = 0; j < v; j++) m[j] = vf_set(-INFINITY), s[j] = vf_set(0);
#define ROWS SX_STOP_PARTS(a, b, n, ASK_ROWS) for (int64_t r = a; r < b; r++)
  ROWS
    SX_UNROLL(4) for (int j = 0; j < v; j++) m[j] = vf_max(LOAD(x + r * stride + j * SX_VL) * k, m[j]);
  ROWS
    SX_UNROLL(4) for (int j = 0; j < v; j++) {
      vf t = LOAD(x + r * stride + j * SX_VL) * k - m[j], e = vm_exp_neg(t);
      STORE(y + r * stride + j * SX_VL, log ? t : e);
      s[j] += e;
    }
  SX_UNROLL(4) for (int j = 0; j < v; j++) s[j] = log ? vm_log(s[j]) : 1.f / s[j];
  ROWS
    SX_UNROLL(4) for (int j = 0; j < v; j++) {
      vf t = LOAD(y + r * stride + j * SX_VL);
      STORE(y + r * stride + j * SX_VL, log ? t - s[j] : t * s[j]);
    }
}
static void columns(float *y, const float *x, float scale, int64_t n, int64_t stride, int64_t m, bool log) {
  int64_t c = 0;
  for (; c + 4 * SX_VL <= m; c += 4 * SX_VL) column_strip(y + c, x + c, scale, n, stride, 4, SX_VL, log);
  for (; c + SX_VL <= m; c += SX_VL) column_strip(y + c, x + c, scale, n, stride, 1, SX_VL, log);
  if (c < m) column_strip(y + c, x + c, scale, n, stride, 1, (int)(m - c), log);
}

/* Up to SX_VL rows of x into columns SX_VL apart, or back. */
SX_INLINE void turn_in(float *t, int64_t t_row, const float *x, int64_t n, int rows) {
  for (int64_t c = 0; c < n; c += SX_VL) {
    const int w = n - c < SX_VL ? (int)(n - c) : SX_VL;
    vf r[SX_VL];
    SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
      r[i] = i >= rows ? vf_set(0) : w == SX_VL ? vf_load(x + i * n + c) : vf_load_n(x + i * n + c, w);
    vf_transpose(r);
    SX_UNROLL(16) for (int j = 0; j < SX_VL; j++)
      if (j < w) vf_store(t + (c + j) * t_row, r[j]);
  }
}
SX_INLINE void turn_out(float *y, const float *t, int64_t t_row, int64_t n, int rows) {
  for (int64_t c = 0; c < n; c += SX_VL) {
    const int w = n - c < SX_VL ? (int)(n - c) : SX_VL;
    vf r[SX_VL];
    SX_UNROLL(16) for (int j = 0; j < SX_VL; j++) r[j] = j < w ? vf_load(t + (c + j) * t_row) : vf_set(0);
    vf_transpose(r);
    SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
      if (i < rows) {
        if (w == SX_VL) vf_store(y + i * n + c, r[i]);
        else vf_store_n(y + i * n + c, r[i], w);
      }
  }
}
static void short_rows(float *y, const float *x, int64_t rows, int64_t n, float scale, bool log, float *t) {
  enum { WIDE = 4 * SX_VL };
  for (int64_t r = 0; r < rows; r += WIDE) {
    const int64_t some = rows - r < WIDE ? rows - r : WIDE, vectors = (some + SX_VL - 1) / SX_VL;
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t left = some - v * SX_VL;
      turn_in(t + v * SX_VL, WIDE, x + (r + v * SX_VL) * n, n, left < SX_VL ? (int)left : SX_VL);
    }
    columns(t, t, scale, n, WIDE, vectors * SX_VL, log);
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t left = some - v * SX_VL;
      turn_out(y + (r + v * SX_VL) * n, t + v * SX_VL, WIDE, n, left < SX_VL ? (int)left : SX_VL);
    }
  }
}

static int64_t first_max_long(const float *x, int64_t n) { /* n >= SX_VL */
  vf m[2];
  vi nan = {0};
  SX_UNROLL(2) for (int k = 0; k < 2; k++) m[k] = vf_load(x);
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i += 2 * SX_VL)
      SX_UNROLL(2) for (int k = 0; k < 2; k++) { /* the last vectors overlap */
        const int64_t at = i + k * SX_VL;
        const vf v = vf_load(x + (at + SX_VL <= n ? at : n - SX_VL));
        m[k] = vf_max(v, m[k]);
        nan |= v != v;
      }
  const vf max = vf_set(vf_hmax(vf_max(m[0], m[1])));
  const bool any = vi_any(nan);
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i += SX_VL) {
      const int64_t from = i + SX_VL <= n ? i : n - SX_VL;
      const vf v = vf_load(x + from);
      const int at = vi_first(any ? v != v : v == max);
      if (at < SX_VL) return from + at;
    }
  return 0;
}
static void first_max_columns(const float *x, int64_t n, int64_t stride, int64_t m, int32_t *index) {
  for (int64_t c = 0; c < m; c += SX_VL) {
    const int w = m - c < SX_VL ? (int)(m - c) : SX_VL;
    vf best = vf_load_n(x + c, w);
    vi at = {0};
    SX_STOP_PARTS(i, j, n, ASK_ROWS) for (int64_t r = i ? i : 1; r < j; r++) {
      const vf v = w == SX_VL ? vf_load(x + r * stride + c) : vf_load_n(x + r * stride + c, w);
      const vi more = (v > best) | ((v != v) & (best == best));
      best = vf_select(more, v, best);
      at = (vi)vf_select(more, (vf)vi_set((int32_t)r), (vf)at);
    }
    vi_store_n(index + c, at, w);
  }
}
static void first_max_rows(const float *x, int64_t rows, int64_t n, int64_t *index) {
  for (int64_t r = 0; r < rows && n >= SX_VL; r++) index[r] = first_max_long(x + r * n, n);
  for (int64_t r = 0; r < rows && n < SX_VL; r += SX_VL) {
    const int some = rows - r < SX_VL ? (int)(rows - r) : SX_VL;
    float t[SX_VL * SX_VL];
    int32_t at[SX_VL];
    turn_in(t, SX_VL, x + r * n, n, some);
    first_max_columns(t, n, SX_VL, SX_VL, at);
    for (int i = 0; i < some; i++) index[r + i] = at[i];
  }
}

const sx_softmax_table SX_ISA_NAME(sx_softmax) = {exp_row, row, columns, short_rows, first_max_rows, first_max_columns};
