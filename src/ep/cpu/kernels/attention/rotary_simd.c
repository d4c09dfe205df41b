// SPDX-License-Identifier: MIT
/* Rotary embedding of f32 whose pairs are the two halves. */
#include "ep/cpu/kernels/attention/rotary.h"
#include "ep/cpu/vec.h"

static void halves(float *y, const float *x, const float *cosine, const float *sine, int64_t half) {
  for (int64_t j = 0; j < half; j += SX_VL) {
    const int n = half - j < SX_VL ? (int)(half - j) : SX_VL;
    const vf a = vf_load_n(x + j, n), b = vf_load_n(x + half + j, n), c = vf_load_n(cosine + j, n), s = vf_load_n(sine + j, n);
    vf_store_n(y + j, c * a - s * b, n);
    vf_store_n(y + half + j, s * a + c * b, n);
  }
}
const sx_rotary_table SX_ISA_NAME(sx_rotary) = {halves};
