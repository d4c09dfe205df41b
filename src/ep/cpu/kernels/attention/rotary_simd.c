// SPDX-License-Identifier: MIT
/* Rotary embedding of f32 whose pairs are the two halves, or neighbours. */
#include "ep/cpu/kernels/attention/rotary.h"
#include "ep/cpu/vec.h"

static void halves(float *y, const float *x, const float *cosine, const float *sine, int64_t half) {
  int64_t j = 0;
  for (; j + SX_VL <= half; j += SX_VL) {
    const vf a = vf_load(x + j), b = vf_load(x + half + j), c = vf_load(cosine + j), s = vf_load(sine + j);
    vf_store(y + j, c * a - s * b);
    vf_store(y + half + j, s * a + c * b);
  }
  for (; j < half; j += SX_VL) {
    const int n = half - j < SX_VL ? (int)(half - j) : SX_VL;
    const vf a = vf_load_n(x + j, n), b = vf_load_n(x + half + j, n), c = vf_load_n(cosine + j, n), s = vf_load_n(sine + j, n);
    vf_store_n(y + j, c * a - s * b, n);
    vf_store_n(y + half + j, s * a + c * b, n);
  }
}
static void neighbours(float *y, const float *x, const float *cosine, const float *sine, int64_t half) {
  int64_t j = 0;
  for (; j + SX_VL <= half; j += SX_VL) {
    const vf v = vf_load(x + 2 * j), w = vf_load(x + 2 * j + SX_VL), a = vf_evens(v, w), b = vf_odds(v, w),
             c = vf_load(cosine + j), s = vf_load(sine + j), p = c * a - s * b, q = s * a + c * b;
    vf_store(y + 2 * j, vf_zip_lo(p, q));
    vf_store(y + 2 * j + SX_VL, vf_zip_hi(p, q));
  }
  for (; j < half; j++) {
    const float a = x[2 * j], b = x[2 * j + 1];
    y[2 * j] = cosine[j] * a - sine[j] * b;
    y[2 * j + 1] = sine[j] * a + cosine[j] * b;
  }
}
const sx_rotary_table SX_ISA_NAME(sx_rotary) = {halves, neighbours};
