// SPDX-License-Identifier: MIT
/* Sums over gathered pixels, and the places of a linear grid. */
#include <math.h>
#include "ep/cpu/kernels/vision/sample_tables.h"
#include "ep/cpu/vec.h"

SX_INLINE void gathered(const float *x, const int32_t *at, const float *weight, int64_t taps, int64_t n, bool more, bool most,
                       float *y) {
  for (int64_t p = 0; p < n; p += SX_VL) {
    const int left = n - p < SX_VL ? (int)(n - p) : SX_VL;
    vf s = more ? vf_load_n(y + p, left) : vf_set(most ? -INFINITY : 0);
    for (int64_t k = 0; k < taps; k++) {
      const vf w = vf_load(weight + k * SX_SAMPLE_PITCH + p);
      const vf v = (vf)((vi)(vf_gather(x, vi_load(at + k * SX_SAMPLE_PITCH + p)) * w) & (w != 0));
      s = most ? vf_max(v, s) : s + v;
    }
    if (left == SX_VL) vf_store(y + p, s);
    else vf_store_n(y + p, s, left);
  }
}
SX_INLINE void gathered_f64(const double *x, const int32_t *at, const double *weight, int64_t taps, int64_t n, bool more, bool most,
                           double *y) {
  for (int64_t p = 0; p < n; p++) {
    double s = more ? y[p] : most ? -INFINITY : 0;
    for (int64_t i = p; i < taps * SX_SAMPLE_PITCH; i += SX_SAMPLE_PITCH) {
      const double v = weight[i] != 0 ? weight[i] * x[at[i]] : 0;
      s = most ? (v > s ? v : s) : s + v;
    }
    y[p] = s;
  }
}
#define GATHERED(name, T, of, most)                                                                                          \
  static void name(const T *x, const int32_t *at, const T *weight, int64_t taps, int64_t n, bool more, T *y) {               \
    of(x, at, weight, taps, n, more, most, y);                                                                               \
  }
GATHERED(sum, float, gathered, false)
GATHERED(most, float, gathered, true)
GATHERED(sum_f64, double, gathered_f64, false)
GATHERED(most_f64, double, gathered_f64, true)

static void fold(const float *x, int64_t rows, int64_t pitch, int64_t n, float *line) {
  for (int64_t i = 0; i < n; i += SX_VL) {
    const int left = n - i < SX_VL ? (int)(n - i) : SX_VL;
    vf most = vf_set(-INFINITY);
    if (left == SX_VL) {
      for (int64_t r = 0; r < rows; r++) most = vf_max(vf_load(x + r * pitch + i), most);
      vf_store(line + i, most);
    } else {
      for (int64_t r = 0; r < rows; r++) most = vf_max(vf_load_n(x + r * pitch + i, left), most);
      vf_store_n(line + i, most, left);
    }
  }
}
static void fold_f64(const double *x, int64_t rows, int64_t pitch, int64_t n, double *line) {
  for (int64_t i = 0; i < n; i++) {
    line[i] = -INFINITY;
    for (int64_t r = 0; r < rows; r++) line[i] = x[r * pitch + i] > line[i] ? x[r * pitch + i] : line[i];
  }
}

/* One axis: the first of two pixels, and how far the place is from it. */
SX_INLINE vi axis(vf v, int64_t length, bool align_corners, bool border, vf *t) {
  const float n = (float)length;
  vf x = align_corners ? (v + 1) / 2 * (n - 1) : ((v + 1) * n - 1) / 2;
  x = vf_min(vf_max(x, vf_set(border ? 0 : -9)), vf_set(border ? n - 1 : n + 8)); /* NaN becomes the least */
  const vf base = vf_floor(x);
  *t = x - base;
  return __builtin_convertvector(base, vi);
}
static void linear(const float *grid, int64_t n, int64_t H, int64_t W, bool align_corners, bool border, int32_t *at,
                   float *weight) {
  for (int64_t p = 0; p < n; p += SX_VL) {
    const int left = n - p < SX_VL ? (int)(n - p) : SX_VL, second = 2 * left - SX_VL;
    const vf a = vf_load_n(grid + 2 * p, 2 * left < SX_VL ? 2 * left : SX_VL),
             b = second > 0 ? vf_load_n(grid + 2 * p + SX_VL, second) : (vf){0};
    vf u, v;
    const vi x = axis(vf_evens(a, b), W, align_corners, border, &u), y = axis(vf_odds(a, b), H, align_corners, border, &v);
    const vi there = vi_below(left);
    for (int i = 0; i < 4; i++) {
      const vi ix = x + i % 2, iy = y + i / 2;
      const vi inside = (ix >= 0) & (ix < (int32_t)W) & (iy >= 0) & (iy < (int32_t)H) & there;
      vf w = (i / 2 ? v : 1 - v) * (i % 2 ? u : 1 - u); /* on the border the pixel outside has a weight of 0 */
      vf_store(weight + i * SX_SAMPLE_PITCH + p, (vf)((vi)w & inside));
      vi_store(at + i * SX_SAMPLE_PITCH + p, (iy * (int32_t)W + ix) & inside);
    }
  }
}

extern const sx_sample_table SX_ISA_NAME(sx_sample);
const sx_sample_table SX_ISA_NAME(sx_sample) = {sum, sum_f64, most, most_f64, fold, fold_f64, linear};
