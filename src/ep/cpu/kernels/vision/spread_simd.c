// SPDX-License-Identifier: MIT
/* Rows added to rows; determinants. */
#include "base/stop.h"
#include <string.h>
#include "ep/cpu/kernels/vision/spread_tables.h"
#include "ep/cpu/vec.h"

static void add_f32(float *y, const float *x, int64_t n) {
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) vf_store(y + i, vf_load(y + i) + vf_load(x + i));
  const int left = (int)(n - i);
  if (left) vf_store_n(y + i, vf_load_n(y + i, left) + vf_load_n(x + i, left), left);
}
static void add_f64(double *y, const double *x, int64_t n) {
  enum { L = SX_VL / 2 };
  int64_t i = 0;
  for (; i + L <= n; i += L) vd_store(y + i, vd_load(y + i) + vd_load(x + i));
  for (; i < n; i++) y[i] += x[i];
}
static void sum(float *y, const float *x, const int64_t *row, int64_t rows, int64_t n) {
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    vf a = {0}, b = {0};
    for (int64_t r = 0; r < rows; r++) a += vf_load(x + row[r] + i), b += vf_load(x + row[r] + i + SX_VL);
    vf_store(y + i, a);
    vf_store(y + i + SX_VL, b);
  }
  for (; i < n; i += SX_VL) {
    const int left = n - i < SX_VL ? (int)(n - i) : SX_VL;
    vf a = {0};
    for (int64_t r = 0; r < rows; r++) a += vf_load_n(x + row[r] + i, left);
    vf_store_n(y + i, a, left);
  }
}
static void swap(double *a, double *b, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL / 2) {
    const vd v = vd_load(a + i);
    vd_store(a + i, vd_load(b + i));
    vd_store(b + i, v);
  }
}
static double det(double *m, int64_t n, int64_t pitch) {
  enum { L = SX_VL / 2 };
  double det = 1, spent = 0;
  for (int64_t k = 0; k < n; k++) {
    int64_t p = k;
    uint64_t most = 0, sign = (uint64_t)1 << 63;
    for (int64_t i = k; i < n; i++) { /* as integers, so that no branch has to be guessed; NaN is the greatest */
      uint64_t v;
      memcpy(&v, m + i * pitch + k, sizeof v);
      v &= ~sign;
      p = v > most ? i : p;
      most = v > most ? v : most;
    }
    double *by = m + k * pitch;
    if (p != k) swap(by, m + p * pitch, pitch);
    if (by[k] == 0) return 0;
    det *= p == k ? by[k] : -by[k];
    const double row_ns = 4 + (double)(n - k) * 0.3;
    for (int64_t r = k + 1; r < n; r++) {
      if (sx_stop_spent(&spent, row_ns)) return 0;
      double *to = m + r * pitch;
      const vd f = vd_set(to[k] / by[k]);
      /* Columns before k + 1 are of no more use: vectors stay in place, what has just been stored is slow to load at another. */
      for (int64_t i = (k + 1) / L * L; i < n; i += L) vd_store(to + i, vd_load(to + i) - f * vd_load(by + i));
    }
  }
  return det;
}

extern const sx_spread_table SX_ISA_NAME(sx_spread);
const sx_spread_table SX_ISA_NAME(sx_spread) = {add_f32, add_f64, sum, det};
