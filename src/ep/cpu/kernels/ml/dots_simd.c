// SPDX-License-Identifier: MIT
/* Lanes are vectors of the model; eight rows of features share every load. */
#include "ep/cpu/kernels/ml/dots.h"
#include "ep/cpu/vec.h"
#include "ep/cpu/vmath.h"

SX_INLINE void panel(const sx_dots *d, const float *x, const float *w, float *y, int rows, bool distance) {
  vf acc[8] = {{0}};
  for (int64_t f = 0; f < d->features; f++) {
    const vf v = vf_load(w + f * d->padded);
    SX_UNROLL_FULL
    for (int r = 0; r < rows; r++) {
      const vf a = vf_set(x[r * d->features + f]), diff = a - v;
      acc[r] = distance ? diff * diff + acc[r] : a * v + acc[r];
    }
  }
  SX_UNROLL_FULL
  for (int r = 0; r < rows; r++) vf_store(y + r * d->padded, acc[r]);
}
SX_INLINE void rows_of(const sx_dots *d, const float *x, float *y, int rows, bool distance) {
  for (int64_t v = 0; v < d->padded; v += SX_VL) panel(d, x, d->packed + v, y + v, rows, distance);
}
static void product(const sx_dots *d, const float *x, int64_t n, float *y) {
  const bool distance = d->kind == SX_DOTS_RBF;
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
const sx_dots_table SX_ISA_NAME(sx_dots) = {product, exp_of, tanh_of};
