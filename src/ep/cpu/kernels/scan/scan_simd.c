// SPDX-License-Identifier: MIT
/* Running sums without a conversion pass, of the common types: rows, and columns by fours, between which the totals
 * stay in registers. And the numbers of Range. */
#include "ep/cpu/kernels/scan/scan_rows.h"
#include "ep/cpu/vec.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* what it does not turn into vectors stays a loop */
#endif
enum { TILE = 4 }; /* rows a power of two apart lie in few sets of the cache */
#define STEP(T, A, r)                                       \
  {                                                         \
    const A before = t;                                     \
    t += (A)x[(r)*stride + i];                              \
    y[(r)*stride + i] = (T)(exclusive ? before : t);        \
  }
#define DEF_SUM(t_, T, A)                                                                                                    \
  SX_INLINE void tile_##t_(const T *x, T *y, A *restrict total, int64_t stride, int64_t n, bool exclusive) {                 \
    SX_IVDEP for (int64_t i = 0; i < n; i++) {                                                                               \
      A t = total[i];                                                                                                        \
      SX_UNROLL(8) for (int r = 0; r < TILE; r++) STEP(T, A, r)                                                              \
      total[i] = t;                                                                                                          \
    }                                                                                                                        \
  }                                                                                                                          \
  SX_INLINE void one_##t_(const T *x, T *y, A *restrict total, int64_t n, bool exclusive) {                                  \
    const int64_t stride = 0;                                                                                                \
    SX_IVDEP for (int64_t i = 0; i < n; i++) {                                                                               \
      A t = total[i];                                                                                                        \
      STEP(T, A, 0)                                                                                                          \
      total[i] = t;                                                                                                          \
    }                                                                                                                        \
  }                                                                                                                          \
  SX_INLINE void rows_##t_(const T *x, T *y, A *total, int64_t rows, int64_t stride, int64_t n, bool exclusive) {            \
    for (; rows >= TILE; rows -= TILE, x += TILE * stride, y += TILE * stride) tile_##t_(x, y, total, stride, n, exclusive); \
    for (; rows > 0; rows--, x += stride, y += stride) one_##t_(x, y, total, n, exclusive);                                  \
  }                                                                                                                          \
  static void across_##t_(const void *x, void *y, void *total, int64_t rows, int64_t stride, int64_t n, bool exclusive) {    \
    if (exclusive)                                                                                                           \
      rows_##t_(x, y, total, rows, stride, n, true);                                                                         \
    else                                                                                                                     \
      rows_##t_(x, y, total, rows, stride, n, false);                                                                        \
  }                                                                                                                          \
  DEF_ALONG(t_, T, A)
#define DEF_ALONG(t_, T, A)                                                                                                  \
  static void along_##t_(const void *x_, void *y_, void *total, int64_t n, int64_t step, bool exclusive) {                   \
    const T *x = x_;                                                                                                         \
    T *y = y_;                                                                                                               \
    A t = *(A *)total;                                                                                                       \
    for (int64_t k = 0; k < n; k++, x += step, y += step) {                                                                  \
      const A before = t;                                                                                                    \
      t += (A)*x;                                                                                                            \
      *y = (T)(exclusive ? before : t);                                                                                      \
    }                                                                                                                        \
    *(A *)total = t;                                                                                                         \
  }
/* f32 columns carry a total and, beside it, what rounding took from it: conversions to f64 would cost more than the sums. */
SX_INLINE void pairs_f32(const float *x, float *y, float *restrict high, float *restrict low, int rows, int64_t stride, int64_t n,
                         bool exclusive) {
  SX_IVDEP for (int64_t i = 0; i < n; i++) {
    const float h = high[i], l = low[i];
    float p = 0;
    SX_UNROLL(8) for (int r = 0; r < rows; r++) {
      const float before = h + (l + p);
      p += x[r * stride + i];
      y[r * stride + i] = exclusive ? before : h + (l + p);
    }
    const float sum = h + p, part = sum - h, lost = l + ((h - (sum - part)) + (p - part));
    high[i] = sum, low[i] = lost == lost ? lost : 0; /* NaN: the total is infinite */
  }
}
SX_INLINE void pair_rows_f32(const float *x, float *y, float *total, int64_t rows, int64_t stride, int64_t n, bool exclusive) {
  for (; rows >= TILE; rows -= TILE, x += TILE * stride, y += TILE * stride)
    pairs_f32(x, y, total, total + n, TILE, stride, n, exclusive);
  for (; rows > 0; rows--, x += stride, y += stride) pairs_f32(x, y, total, total + n, 1, 0, n, exclusive);
}
static void across_pairs_f32(const void *x, void *y, void *total, int64_t rows, int64_t stride, int64_t n, bool exclusive) {
  if (exclusive)
    pair_rows_f32(x, y, total, rows, stride, n, true);
  else
    pair_rows_f32(x, y, total, rows, stride, n, false);
}
DEF_ALONG(f32, float, double)
DEF_SUM(f64, double, double)
DEF_SUM(i32, uint32_t, uint32_t)
DEF_SUM(i64, uint64_t, uint64_t)

/* Whole numbers are exact in f64, so the sum of first and k is. */
static void range_f32(void *y, double from, double step, int64_t first, int n) {
  float *d = y;
  for (int k = 0; k < n; k++) d[k] = (float)(from + ((double)first + (double)k) * step);
}
static void range_f64(void *y, double from, double step, int64_t first, int n) {
  double *d = y;
  for (int k = 0; k < n; k++) d[k] = from + ((double)first + (double)k) * step;
}
static void range_i64(void *y, uint64_t from, uint64_t step, int n) {
  uint64_t *d = y;
  for (int k = 0; k < n; k++, from += step) d[k] = from;
}
const sx_scan_rows SX_ISA_NAME(sx_scan_rows) = {
#define X(t) {along_##t, across_##t}
    .sum = {{along_f32, across_pairs_f32}, X(f64), X(i32), X(i64)},
#undef X
    .range_f32 = range_f32, .range_f64 = range_f64, .range_i64 = range_i64,
};
