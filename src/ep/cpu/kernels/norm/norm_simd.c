// SPDX-License-Identifier: MIT
/* Rows of f32 for the normalisations. Sums use four accumulators over blocks, blocks add up in f64. */
#include "ep/cpu/kernels/norm/norm_tables.h"
#include "ep/cpu/vmath.h"

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
static void scale_shift(float *y, const float *x, float scale, float shift, bool silu, int64_t n) {
  const vf a = vf_set(scale), b = vf_set(shift);
  int64_t i = 0;
  if (silu)
    for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, vm_silu(vf_load(x + i) * a + b));
  else
    for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, vf_load(x + i) * a + b);
  if (i == n) return;
  vf v = vf_load_n(x + i, (int)(n - i)) * a + b;
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
const sx_norm_table SX_ISA_NAME(sx_norm) = {add, sum, sum_square, normalize, scale_shift, lrn};
