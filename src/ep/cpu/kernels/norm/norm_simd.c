// SPDX-License-Identifier: MIT
/* Rows of f32 for the normalisations. Sums use four accumulators over blocks, blocks add up in f64. */
#include "base/stop.h"
#include "ep/cpu/kernels/norm/norm_tables.h"
#include "ep/cpu/vmath.h"
#include <math.h>

enum { BLOCK = 4096 };

static void add(float *d, const float *x, const float *skip, const float *bias, int64_t n) {
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) {
    vf v = vf_load(x + i);
    if (skip) v += vf_load(skip + i);
    if (bias) v += vf_load(bias + i);
    vf_store(d + i, v);
  }
  for (; i < n; i++) d[i] = x[i] + (skip ? skip[i] : 0) + (bias ? bias[i] : 0);
}
#define DEF_SUM(name, expr)                                                           \
  SX_INLINE float name##_block(const float *x, float mean, int64_t n) {               \
    vf s[4] = {{0}, {0}, {0}, {0}}, m = vf_set(mean);                                 \
    (void)m;                                                                          \
    int64_t i = 0;                                                                    \
    for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)                                        \
      SX_UNROLL(4) for (int k = 0; k < 4; k++) {                                      \
        vf v = vf_load(x + i + k * SX_VL);                                            \
        s[k] += expr;                                                                 \
      }                                                                               \
    for (; i + SX_VL <= n; i += SX_VL) {                                              \
      vf v = vf_load(x + i);                                                          \
      s[0] += expr;                                                                   \
    }                                                                                 \
    float r = vf_sum((s[0] + s[1]) + (s[2] + s[3]));                                  \
    for (; i < n; i++) {                                                              \
      vf v = vf_set(x[i]), e = expr;                                                  \
      r += e[0];                                                                      \
    }                                                                                 \
    return r;                                                                         \
  }
DEF_SUM(sum, v)
DEF_SUM(magnitude, vf_abs(v))
DEF_SUM(square, ((v - m) * (v - m)))
static double sum(const float *x, int64_t n) {
  double r = 0;
  for (int64_t i = 0; i < n; i += BLOCK) r += sum_block(x + i, 0, n - i < BLOCK ? n - i : BLOCK);
  return r;
}
static double sum_square(const float *x, float mean, int64_t n) {
  double r = 0;
  for (int64_t i = 0; i < n; i += BLOCK) r += square_block(x + i, mean, n - i < BLOCK ? n - i : BLOCK);
  return r;
}

static void normalize(float *y, const float *x, float mean, float inv, const float *gamma, const float *beta, bool plus_one,
                      int64_t n) {
  const vf m = vf_set(mean), s = vf_set(inv), one = vf_set(plus_one ? 1.f : 0.f);
  int64_t i = 0;
  if (gamma && beta && !plus_one) {
    for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, (vf_load(x + i) - m) * s * vf_load(gamma + i) + vf_load(beta + i));
  } else {
    for (; i + SX_VL <= n; i += SX_VL) {
      vf v = (vf_load(x + i) - m) * s;
      if (gamma) v *= vf_load(gamma + i) + one;
      if (beta) v += vf_load(beta + i);
      vf_store(y + i, v);
    }
  }
  for (; i < n; i++) {
    float v = (x[i] - mean) * inv;
    if (gamma) v *= gamma[i] + (plus_one ? 1.f : 0.f);
    y[i] = beta ? v + beta[i] : v;
  }
}
static void scale_shift(float *y, const float *x, float mean, float scale, float shift, bool silu, int64_t n) {
  const vf m = vf_set(mean), a = vf_set(scale), b = vf_set(shift);
  int64_t i = 0;
  if (silu)
    for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, vm_silu((vf_load(x + i) - m) * a + b));
  else
    for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, (vf_load(x + i) - m) * a + b);
  if (i == n) return;
  vf v = (vf_load_n(x + i, (int)(n - i)) - m) * a + b;
  vf_store_n(y + i, silu ? vm_silu(v) : v, (int)(n - i));
}
static void lrn(float *y, const float *x, const float *square_sum, float alpha, float beta, float bias, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) {
    const int w = n - i < SX_VL ? (int)(n - i) : SX_VL;
    vf d = vf_load_n(square_sum + i, w) * alpha + bias;
    vf p = beta == 0.75f ? vf_sqrt(d) * vf_sqrt(vf_sqrt(d)) : vm_pow(d, vf_set(beta));
    vf_store_n(y + i, vf_load_n(x + i, w) / p, w);
  }
}
/* v vectors, the last of w lanes. */
SX_INLINE void short_row(const int v, int w, float *y, const float *x, const float *gamma, const float *beta, bool plus_one,
                         bool rms, double epsilon, int64_t n, float *mean, float *inv) {
  vf a[4], s = {0}, square = {0};
  const vi inside = vi_below(w);
  SX_UNROLL(4) for (int k = 0; k < v; k++) {
    a[k] = k == v - 1 ? vf_load_n(x + k * SX_VL, w) : vf_load(x + k * SX_VL);
    s += a[k];
  }
  const float m = rms ? 0 : (float)((double)vf_sum(s) / (double)n);
  SX_UNROLL(4) for (int k = 0; k < v; k++) {
    a[k] -= m;
    if (k == v - 1) a[k] = (vf)((vi)a[k] & inside);
    square += a[k] * a[k];
  }
  const float i = (float)(1 / __builtin_sqrt((double)vf_sum(square) / (double)n + epsilon));
  const vf one = vf_set(plus_one ? 1.f : 0.f);
  SX_UNROLL(4) for (int k = 0; k < v; k++) {
    const bool last = k == v - 1;
    vf r = a[k] * i;
    if (gamma) r *= (last ? vf_load_n(gamma + k * SX_VL, w) : vf_load(gamma + k * SX_VL)) + one;
    if (beta) r += last ? vf_load_n(beta + k * SX_VL, w) : vf_load(beta + k * SX_VL);
    if (last) vf_store_n(y + k * SX_VL, r, w);
    else vf_store(y + k * SX_VL, r);
  }
  if (mean) *mean = m;
  if (inv) *inv = i;
}
static void short_rows(float *y, const float *x, const float *gamma, const float *beta, bool plus_one, bool rms,
                       double epsilon, int64_t rows, int64_t n, float *mean, float *inv) {
  const int v = (int)((n + SX_VL - 1) / SX_VL), w = (int)(n - (v - 1) * SX_VL);
#define ROWS(v_)                                                                                                       \
  for (int64_t r = 0; r < rows; r++)                                                                                   \
  short_row(v_, w, y + r * n, x + r * n, gamma, beta, plus_one, rms, epsilon, n, mean ? mean + r : NULL, inv ? inv + r : NULL)
  switch (v) {
    case 1: ROWS(1); break;
    case 2: ROWS(2); break;
    case 3: ROWS(3); break;
    default: ROWS(4); break;
  }
#undef ROWS
}

enum { ASK = 1 << 18, ASK_ROWS = 1 << 16 }; /* elements of a line, rows of a strip: between two questions whether to go on */
static void lp_row(float *y, const float *x, int p, int64_t n) {
  double r = 0;
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i += BLOCK) {
      const int64_t k = b - i < BLOCK ? b - i : BLOCK;
      r += p == 2 ? square_block(x + i, 0, k) : magnitude_block(x + i, 0, k);
    }
  const float norm = (float)(p == 2 ? __builtin_sqrt(r) : r);
  const vf d = vf_set(norm != 0 ? norm : INFINITY);
  const int64_t whole = n / SX_VL * SX_VL, i = whole;
  SX_STOP_PARTS(a, b, whole, ASK)
    for (int64_t k = a; k < b; k += SX_VL) vf_store(y + k, vf_load(x + k) / d);
  if (i < n) vf_store_n(y + i, vf_load_n(x + i, (int)(n - i)) / d, (int)(n - i));
}
static void lp_columns(float *y, const float *x, int p, int64_t n, int64_t stride, int64_t m) {
  double spent = 0;
  for (int64_t c = 0; c < m && !sx_stop_spent(&spent, (double)n * 40); c += SX_VL) { /* rows lie far apart */
    const int w = m - c < SX_VL ? (int)(m - c) : SX_VL;
    vf all = {0}, some = {0};
#define AT(r) (w == SX_VL ? vf_load(x + (r) * stride + c) : vf_load_n(x + (r) * stride + c, w))
    SX_STOP_PARTS(i, j, n, ASK_ROWS)
      for (int64_t r = i; r < j; r++) {
        const vf v = AT(r);
        some += p == 2 ? v * v : vf_abs(v);
        if (r % 64 == 63) all += some, some = (vf){0}; /* short sums, so that the error does not grow with n */
      }
    all += some;
    if (p == 2) all = vf_sqrt(all);
    const vf d = vf_select(all == 0, vf_set(INFINITY), all);
    SX_STOP_PARTS(i, j, n, ASK_ROWS)
      for (int64_t r = i; r < j; r++) {
        if (w == SX_VL) vf_store(y + r * stride + c, AT(r) / d);
        else vf_store_n(y + r * stride + c, AT(r) / d, w);
      }
#undef AT
  }
}
const sx_norm_table SX_ISA_NAME(sx_norm) = {add, sum, sum_square, normalize, scale_shift, lrn, 4 * SX_VL, short_rows, lp_row, lp_columns};
