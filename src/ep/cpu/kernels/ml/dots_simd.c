// SPDX-License-Identifier: MIT
/* Lanes are vectors of the model; eight rows of features share every load. Of few vectors, lanes are features. */
#include "ep/cpu/kernels/ml/dots.h"
#include "ep/cpu/vec.h"
#include "ep/cpu/vmath.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define WIDE 2 /* vectors of a panel: 32 registers */
#else
#define WIDE 1
#endif
SX_INLINE void panel(const sx_dots *d, const float *x, const float *w, float *y, int rows, int wide, bool distance) {
  vf acc[8][WIDE] = {{{0}}};
  for (int64_t f = 0; f < d->features; f++) {
    vf v[WIDE];
    SX_UNROLL_FULL
    for (int j = 0; j < wide; j++) v[j] = vf_load(w + f * d->padded + j * SX_VL);
    SX_UNROLL_FULL
    for (int r = 0; r < rows; r++) {
      const vf a = vf_set(x[r * d->features + f]);
      SX_UNROLL_FULL
      for (int j = 0; j < wide; j++) {
        const vf diff = a - v[j];
        acc[r][j] = distance ? diff * diff + acc[r][j] : a * v[j] + acc[r][j];
      }
    }
  }
  SX_UNROLL_FULL
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < wide; j++) vf_store(y + r * d->padded + j * SX_VL, acc[r][j]);
}
SX_INLINE void rows_of(const sx_dots *d, const float *x, float *y, int rows, bool distance) {
  int64_t v = 0;
  for (; v + WIDE * SX_VL <= d->padded; v += WIDE * SX_VL) panel(d, x, d->packed + v, y + v, rows, WIDE, distance);
  for (; v < d->padded; v += SX_VL) panel(d, x, d->packed + v, y + v, rows, 1, distance);
}
/* Four rows at a time, fewer by repeating the last one. */
static void few(const sx_dots *d, const float *x, int64_t n, float *y) {
  const int64_t features = d->features;
  for (int64_t r = 0; r < n; r += 4)
    for (int64_t v = 0; v < d->vectors; v++) {
      const float *w = d->packed + v * features, *row[4];
      vf acc[4] = {{0}};
      float sum[4];
      SX_UNROLL(4) for (int k = 0; k < 4; k++) row[k] = x + (r + k < n ? r + k : n - 1) * features;
      int64_t f = 0;
      for (; f + SX_VL <= features; f += SX_VL) {
        const vf a = vf_load(w + f);
        SX_UNROLL(4) for (int k = 0; k < 4; k++) acc[k] += vf_load(row[k] + f) * a;
      }
      if (f < features) {
        const int left = (int)(features - f);
        const vf a = vf_load_n(w + f, left);
        SX_UNROLL(4) for (int k = 0; k < 4; k++) acc[k] += vf_load_n(row[k] + f, left) * a;
      }
      vf_sum4(sum, acc[0], acc[1], acc[2], acc[3]);
      for (int k = 0; k < 4 && r + k < n; k++) y[(r + k) * d->padded + v] = sum[k];
    }
}
static void product(const sx_dots *d, const float *x, int64_t n, float *y) {
  const bool distance = d->kind == SX_DOTS_RBF;
  if (sx_dots_few(d)) {
    few(d, x, n, y);
    return;
  }
  int64_t r = 0;
  for (; r + 8 <= n; r += 8) {
    if (distance) rows_of(d, x + r * d->features, y + r * d->padded, 8, true);
    else rows_of(d, x + r * d->features, y + r * d->padded, 8, false);
  }
  for (; r < n; r++) {
    if (distance) rows_of(d, x + r * d->features, y + r * d->padded, 1, true);
    else rows_of(d, x + r * d->features, y + r * d->padded, 1, false);
  }
}
static void exp_of(float *y, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i += SX_VL) vf_store(y + i, vm_exp(vf_load(y + i) * factor));
}
static void tanh_of(float *y, int64_t n, float factor, float addend) {
  for (int64_t i = 0; i < n; i += SX_VL) vf_store(y + i, vm_tanh(vf_load(y + i) * factor + addend));
}
static double weigh(const float *w, const float *y, int64_t n) {
  vd s[2] = {{0}};
  int64_t i = 0;
  for (; i < n; i += SX_VL) {
    const int left = n - i < SX_VL ? (int)(n - i) : SX_VL;
    const vf a = left < SX_VL ? vf_load_n(w + i, left) : vf_load(w + i), b = left < SX_VL ? vf_load_n(y + i, left) : vf_load(y + i);
    SX_UNROLL(2) for (int k = 0; k < 2; k++) s[k] += vd_from_half(a, k) * vd_from_half(b, k);
  }
  return vd_sum(s[0] + s[1]);
}
const sx_dots_table SX_ISA_NAME(sx_dots) = {product, exp_of, tanh_of, weigh};
