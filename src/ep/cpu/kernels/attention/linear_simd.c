// SPDX-License-Identifier: MIT
/* Linear attention and causal convolution: rows of the state as vectors. The state is read twice per token, once to decay it and to
 * ask what the key recalls, once to write and to answer. */
#include "ep/cpu/kernels/attention/linear.h"
#include "ep/cpu/vmath.h"

static void clear(float *y, int64_t n) { memset(y, 0, (size_t)n * sizeof(float)); }
/* y += f x */
SX_INLINE void add_scaled(float *y, const float *x, float f, int64_t n) {
  const vf w = vf_set(f);
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, vf_load(y + i) + w * vf_load(x + i));
  if (i < n) vf_store_n(y + i, vf_load_n(y + i, (int)(n - i)) + w * vf_load_n(x + i, (int)(n - i)), (int)(n - i));
}
SX_INLINE void multiply(float *y, float f, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) {
    const int w = n - i < SX_VL ? (int)(n - i) : SX_VL;
    vf_store_n(y + i, vf_load_n(y + i, w) * vf_set(f), w);
  }
}

static void step(const sx_linear_step *s) {
  const int64_t dk = s->dk, dv = s->dv;
  if (s->beta) clear(s->tmp, dv);
  for (int64_t d = 0; d < dk && (s->decay || s->beta); d++) {
    float *row = s->S + d * dv;
    if (s->decay) multiply(row, s->decay[d], dv);
    if (s->beta) add_scaled(s->tmp, row, -s->k[d], dv);
  }
  const float *v = s->v;
  if (s->beta) {
    add_scaled(s->tmp, v, 1, dv);
    multiply(s->tmp, *s->beta, dv);
    v = s->tmp;
  }
  clear(s->y, s->groups * dv);
  for (int64_t d = 0; d < dk; d++) {
    float *row = s->S + d * dv;
    add_scaled(row, v, s->k[d], dv);
    for (int64_t g = 0; g < s->groups; g++) add_scaled(s->y + g * dv, row, s->scale * s->q[g * dk + d], dv);
  }
}

static void conv(float *y, const float *x, const float *w, int64_t taps, float bias, int64_t n, int silu) {
  for (int64_t t = 0; t < n; t += SX_VL) {
    const int m = n - t < SX_VL ? (int)(n - t) : SX_VL;
    vf sum = vf_set(bias);
    for (int64_t i = 0; i < taps; i++) sum += vf_set(w[i]) * vf_load_n(x + t + i, m);
    if (silu) sum = sum / (1.f + vm_exp(-sum));
    vf_store_n(y + t, sum, m);
  }
}
const sx_linear_table SX_ISA_NAME(sx_linear) = {step, conv};
