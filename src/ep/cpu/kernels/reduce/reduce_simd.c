// SPDX-License-Identifier: MIT
/* Sums and products of f32 rows and columns. Four accumulators per row hide the latency of the addition. */
#include "ep/cpu/kernels/reduce/reduce_tables.h"
#include "ep/cpu/vmath.h"

#define ID(x) (x)
#define ABS(x) vf_abs(x)
#define SQUARE(x) ((x) * (x))
#define ID1(x) (x)
#define ABS1(x) fabsf(x)
#define SQUARE1(x) ((x) * (x))

/* Rows of N elements, N a literal: the compiler makes vectors of several. */
#define SHORT_ROWS(N, map)                                        \
  if (n == N) {                                                   \
    for (int64_t r = 0; r < rows; r++) {                          \
      float s = map(x[r * N]);                                    \
      SX_UNROLL(8) for (int k = 1; k < N; k++) s += map(x[r * N + k]); \
      v[r] = (double)s;                                           \
    }                                                             \
    return;                                                       \
  }
#define VECTOR(k) (whole ? vf_load(x + (k)*stride + i) : vf_load_n(x + (k)*stride + i, (int)(n - i)))
/* acc += sum, which is said in VECTOR(row): vector i of a row; with several terms one after the other */
#define COLUMNS(sum)                                              \
  for (int64_t i = 0; i < n; i += SX_VL) {                        \
    const bool whole = n - i >= SX_VL;                            \
    vf_store(acc + i, vf_load(acc + i) + sum);                    \
  }
#define FOUR(name, k)                                                           \
  ((mapped_##name(VECTOR(k)) + mapped_##name(VECTOR(k + 1))) +                  \
   (mapped_##name(VECTOR(k + 2)) + mapped_##name(VECTOR(k + 3))))
#define DEF_SUM(name, map)                                                                     \
  SX_INLINE vf mapped_##name(vf x) { return map(x); }                                          \
  static double row_##name(const float *x, int64_t n) {                                        \
    vf s[4] = {{0}, {0}, {0}, {0}};                                                            \
    int64_t i = 0;                                                                             \
    for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)                                                 \
      SX_UNROLL(4) for (int k = 0; k < 4; k++) s[k] += mapped_##name(vf_load(x + i + k * SX_VL)); \
    for (; i + SX_VL <= n; i += SX_VL) s[0] += mapped_##name(vf_load(x + i));                  \
    if (i < n) s[1] += mapped_##name(vf_load_n(x + i, (int)(n - i)));                          \
    return vf_sum((s[0] + s[1]) + (s[2] + s[3]));                                              \
  }                                                                                            \
  static void rows_##name(double *v, const float *x, int64_t rows, int64_t n) {                \
    SHORT_ROWS(2, map##1)                                                                      \
    SHORT_ROWS(3, map##1)                                                                      \
    SHORT_ROWS(4, map##1)                                                                      \
    SHORT_ROWS(8, map##1)                                                                      \
    int64_t r = 0;                                                                             \
    for (; r + 4 <= rows && n <= 8 * SX_VL; r += 4) {                                          \
      vf s[4] = {{0}, {0}, {0}, {0}};                                                          \
      float sum[4];                                                                            \
      int64_t i = 0;                                                                           \
      for (; i + SX_VL <= n; i += SX_VL)                                                       \
        SX_UNROLL(4) for (int k = 0; k < 4; k++) s[k] += mapped_##name(vf_load(x + (r + k) * n + i)); \
      if (i < n)                                                                               \
        SX_UNROLL(4) for (int k = 0; k < 4; k++) s[k] += mapped_##name(vf_load_n(x + (r + k) * n + i, (int)(n - i))); \
      vf_sum4(sum, s[0], s[1], s[2], s[3]);                                                    \
      SX_UNROLL(4) for (int k = 0; k < 4; k++) v[r + k] = (double)sum[k];                      \
    }                                                                                          \
    for (; r < rows; r++) v[r] = row_##name(x + r * n, n);                                     \
  }                                                                                            \
  static void col_##name(float *acc, const float *x, int64_t rows, int64_t stride, int64_t n) { \
    int64_t r = 0;                                                                             \
    for (; r + 8 <= rows; r += 8, x += 8 * stride) COLUMNS(FOUR(name, 0) + FOUR(name, 4))      \
    for (; r + 4 <= rows; r += 4, x += 4 * stride) COLUMNS(FOUR(name, 0))                      \
    for (; r < rows; r++, x += stride) COLUMNS(mapped_##name(VECTOR(0)))                       \
  }
DEF_SUM(sum, ID)
DEF_SUM(abs, ABS)
DEF_SUM(square, SQUARE)

static double row_sum_f64(const double *x, int64_t n) {
  enum { L = SX_VL / 2 };
  vd s[4] = {{0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) SX_UNROLL(4) for (int k = 0; k < 4; k++) s[k] += vd_load(x + i + k * L);
  for (; i < n; i += L) s[0] += n - i >= L ? vd_load(x + i) : vd_load_n(x + i, (int)(n - i));
  return vd_sum((s[0] + s[1]) + (s[2] + s[3]));
}
static void col_sum_f64(double *acc, const double *x, int64_t rows, int64_t stride, int64_t n) {
  enum { L = SX_VL / 2, AT_ONCE = 8 };
  for (int64_t r = 0; r < rows; r += AT_ONCE, x += AT_ONCE * stride) {
    const bool all = rows - r >= AT_ONCE;
    int64_t i = 0;
    for (; i + L <= n && all; i += L) {
      vd s = vd_load(acc + i);
      SX_UNROLL(8) for (int k = 0; k < AT_ONCE; k++) s += vd_load(x + k * stride + i);
      vd_store(acc + i, s);
    }
    for (; i < n; i++)
      for (int64_t k = 0; k < AT_ONCE && r + k < rows; k++) acc[i] += x[k * stride + i];
  }
}
static double row_prod(const float *x, int64_t n) {
  vd p[4];
  for (int k = 0; k < 4; k++) p[k] = vd_set(1);
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL)
    SX_UNROLL(4) for (int k = 0; k < 4; k++) p[k] *= vd_from_half(vf_load(x + i + k / 2 * SX_VL), k % 2);
  double lane[SX_VL / 2], r = 1;
  vd_store(lane, (p[0] * p[1]) * (p[2] * p[3]));
  for (int k = 0; k < SX_VL / 2; k++) r *= lane[k];
  for (; i < n; i++) r *= (double)x[i];
  return r;
}
static void col_prod(double *acc, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) acc[i] *= (double)x[i];
}

static double row_exp_sum(const float *x, float max, int64_t n) {
  vf s[2] = {{0}, {0}}, m = vf_set(max);
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    s[0] += vm_exp_neg(vf_load(x + i) - m);
    s[1] += vm_exp_neg(vf_load(x + i + SX_VL) - m);
  }
  double r = 0;
  for (; i < n; i++) r += exp((double)x[i] - max);
  return r + vf_sum(s[0] + s[1]);
}
static void col_exp_sum(float *acc, const float *x, const float *max, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) { /* max is padded as well */
    vf v = n - i >= SX_VL ? vf_load(x + i) : vf_load_n(x + i, (int)(n - i));
    vf_store(acc + i, vf_load(acc + i) + vm_exp_neg(v - vf_load(max + i)));
  }
}

const sx_reduce_table SX_ISA_NAME(sx_reduce) = {
    .row_sum = {row_sum, row_abs, row_square},
    .rows_sum = {rows_sum, rows_abs, rows_square},
    .col_sum = {col_sum, col_abs, col_square},
    .row_prod = row_prod, .col_prod = col_prod, .row_sum_f64 = row_sum_f64, .col_sum_f64 = col_sum_f64,
    .row_exp_sum = row_exp_sum, .col_exp_sum = col_exp_sum,
};
