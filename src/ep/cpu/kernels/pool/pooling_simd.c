// SPDX-License-Identifier: MIT
/* Pooling kernels: lists of taps where a pixel is a vector of channels, row loops elsewhere. */
#include <math.h>
#include "ep/cpu/kernels/pool/pooling_kernels.h"
#include "ep/cpu/vec.h"

#define MR 1
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 2
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 3
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 4
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 5
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 6
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 7
#include "ep/cpu/kernels/pool/pooling_list.inc"

#define LARGER(a, b) ((b) > (a) ? (b) : (a))
#define PLUS(a, b) ((a) + (b))
#define T float
#define OP LARGER
#define NAME rows_max_f32
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#define OP PLUS
#define NAME rows_sum_f32
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T double
#define OP LARGER
#define NAME rows_max_f64
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#define OP PLUS
#define NAME rows_sum_f64
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T int8_t
#define OP LARGER
#define NAME rows_max_s8
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T uint8_t
#define OP LARGER
#define NAME rows_max_u8
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T

static float reduce_max(const float *x, int64_t n, float start) {
  vf a = vf_set(start), b = a;
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    a = vf_max(vf_load(x + i), a);
    b = vf_max(vf_load(x + i + SX_VL), b);
  }
  start = vf_hmax(vf_max(a, b));
  for (; i < n; i++) start = x[i] > start ? x[i] : start;
  return start;
}

static float reduce_sum(const float *x, int64_t n, float start) {
  vf a[4] = {{0}};
  int64_t i = 0;
  for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)
    SX_UNROLL(4) for (int k = 0; k < 4; k++) a[k] += vf_load(x + i + k * SX_VL);
  for (; i < n; i += SX_VL) a[0] += n - i < SX_VL ? vf_load_n(x + i, (int)(n - i)) : vf_load(x + i);
  return start + vf_sum((a[0] + a[1]) + (a[2] + a[3]));
}

/* Four, two, one vectors at a time; of n >= SX_VL elements the last one overlaps the one before. Two and three rows or taps
 * have code of their own. */
#define FOLD_STEP(v, start, map, op)                                                                      \
  for (; i + v * SX_VL <= n; i += v * SX_VL) {                                                            \
    vf a[v];                                                                                              \
    SX_UNROLL(4) for (int k = 0; k < v; k++) a[k] = vf_set(start);                                        \
    for (int64_t r = 0; r < rows; r++)                                                                    \
      SX_UNROLL(4) for (int k = 0; k < v; k++) a[k] = op(map(vf_load(x + row[r] + i + k * SX_VL)), a[k]); \
    SX_UNROLL(4) for (int k = 0; k < v; k++) vf_store(to + i + k * SX_VL, a[k]);                          \
  }
#define FOLD(name, start, map, op)                                                                   \
  SX_INLINE void name##_rows(float *to, const float *x, const int64_t *row, int64_t rows, int64_t n) { \
    int64_t i = 0;                                                                                   \
    FOLD_STEP(4, start, map, op)                                                                     \
    FOLD_STEP(2, start, map, op)                                                                     \
    FOLD_STEP(1, start, map, op)                                                                     \
    if (i < n && n >= SX_VL) i = n - SX_VL;                                                          \
    FOLD_STEP(1, start, map, op)                                                                     \
    if (i == n) return;                                                                              \
    vf a = vf_set(start);                                                                            \
    for (int64_t r = 0; r < rows; r++) a = op(map(vf_load_n(x + row[r], (int)n)), a);                \
    vf_store_n(to, a, (int)n);                                                                       \
  }                                                                                                  \
  static void name(float *to, const float *x, const int64_t *row, int64_t rows, int64_t n)
#define FOLD_FEW(name)                                 \
  if (rows == 2) return name##_rows(to, x, row, 2, n); \
  if (rows == 3) return name##_rows(to, x, row, 3, n); \
  name##_rows(to, x, row, rows, n)
#define SAME(v)   (v)
#define SQUARE(v) ((v) * (v))
FOLD(fold_max, -INFINITY, SAME, vf_max) { FOLD_FEW(fold_max); }
FOLD(fold_sum, 0, SAME, PLUS) { FOLD_FEW(fold_sum); }
FOLD(fold_abs, 0, vf_abs, PLUS) { fold_abs_rows(to, x, row, rows, n); }
FOLD(fold_square, 0, SQUARE, PLUS) { fold_square_rows(to, x, row, rows, n); }

#define ACROSS_STEP(v, op)                                                                              \
  for (; i + v * SX_VL <= n; i += v * SX_VL) {                                                          \
    vf a[v];                                                                                            \
    SX_UNROLL(4) for (int k = 0; k < v; k++) a[k] = vf_load(x + tap[0] + i + k * SX_VL);                \
    for (int64_t t = 1; t < taps; t++)                                                                  \
      SX_UNROLL(4) for (int k = 0; k < v; k++) a[k] = op(vf_load(x + tap[t] + i + k * SX_VL), a[k]);    \
    SX_UNROLL(4) for (int k = 0; k < v; k++) vf_store(y + i + k * SX_VL, a[k]);                         \
  }
#define ACROSS(name, op)                                                                            \
  SX_INLINE void name##_taps(float *y, const float *x, const int32_t *tap, int64_t taps, int64_t n) { \
    int64_t i = 0;                                                                                  \
    ACROSS_STEP(4, op)                                                                              \
    ACROSS_STEP(2, op)                                                                              \
    ACROSS_STEP(1, op)                                                                              \
    if (i == n) return;                                                                             \
    vf a = vf_load(x + tap[0] + i);                                                                 \
    for (int64_t t = 1; t < taps; t++) a = op(vf_load(x + tap[t] + i), a);                          \
    vf_store_n(y + i, a, (int)(n - i));                                                             \
  }                                                                                                 \
  static void name(float *y, const float *x, const int32_t *tap, int64_t taps, int64_t n) {         \
    if (taps == 2) return name##_taps(y, x, tap, 2, n);                                             \
    if (taps == 3) return name##_taps(y, x, tap, 3, n);                                             \
    name##_taps(y, x, tap, taps, n);                                                                \
  }
ACROSS(across_max, vf_max)
ACROSS(across_sum, PLUS)

static void part(float *even, float *odd, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) {
    const vf a = vf_load(x + 2 * i), b = vf_load(x + 2 * i + SX_VL);
    vf_store(even + i, vf_evens(a, b));
    vf_store(odd + i, vf_odds(a, b));
  }
}
static void divide(float *y, const float *by, float factor, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) {
    const int w = n - i < SX_VL ? (int)(n - i) : SX_VL;
    const vf d = vf_load(by + i) * factor;
    if (w == SX_VL) vf_store(y + i, vf_load(y + i) / d);
    else vf_store_n(y + i, vf_load_n(y + i, w) / d, w);
  }
}

extern const sx_pooling_table SX_ISA_NAME(sx_pooling);
const sx_pooling_table SX_ISA_NAME(sx_pooling) = {
    .lanes = SX_VL,
    .list_max = {0, max__1, max__2, max__3, max__4, max__5, max__6, max__7},
    .list_average = {0, average__1, average__2, average__3, average__4, average__5, average__6, average__7},
    .max = {rows_max_f32, rows_max_f64, rows_max_s8, rows_max_u8},
    .sum = {rows_sum_f32, rows_sum_f64},
    .fold = {fold_max, fold_sum, fold_abs, fold_square},
    .across = {across_max, across_sum},
    .part = part,
    .divide = divide,
    .reduce_max = reduce_max,
    .reduce_sum = reduce_sum,
};
