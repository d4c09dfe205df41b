// SPDX-License-Identifier: MIT
/* Inside the reductions: row and column functions on contiguous elements of the types that compute. */
#ifndef SX_EP_CPU_REDUCE_TABLES_H
#define SX_EP_CPU_REDUCE_TABLES_H
#include "ep/cpu/kernels/reduce/reduce.h"

enum { SX_REDUCE_COLUMNS = 512, SX_REDUCE_BLOCK = 2048 };

/* A partial result: v is the sum, product or extreme; w the sum of LogSumExp (v its maximum) or the index of an extreme. */
typedef union sx_reduce_cell { double f; int64_t i; uint64_t u; } sx_reduce_cell;

typedef enum sx_reduce_map { SX_REDUCE_ID, SX_REDUCE_ABS, SX_REDUCE_SQUARE, SX_REDUCE_MAPS } sx_reduce_map;
typedef struct sx_reduce_table { /* f32, per ISA level */
  double (*row_sum[SX_REDUCE_MAPS])(const float *x, int64_t n); /* n <= SX_REDUCE_BLOCK */
  /* v[i] = the sum of row i: rows of n elements, n <= SX_REDUCE_BLOCK, one behind the other */
  void (*rows_sum[SX_REDUCE_MAPS])(double *v, const float *x, int64_t rows, int64_t n);
  /* adds `rows` rows of n elements that are `stride` apart; acc is padded */
  void (*col_sum[SX_REDUCE_MAPS])(float *acc, const float *x, int64_t rows, int64_t stride, int64_t n);
  double (*row_prod)(const float *x, int64_t n);
  void (*col_prod)(double *acc, const float *x, int64_t n);
  double (*row_sum_f64)(const double *x, int64_t n);
  void (*col_sum_f64)(double *acc, const double *x, int64_t rows, int64_t stride, int64_t n); /* row after row */
  double (*row_exp_sum)(const float *x, float max, int64_t n); /* sum of exp(x - max) */
  void (*col_exp_sum)(float *acc, const float *x, const float *max, int64_t n);
} sx_reduce_table;

/* Extremes of elements as they lie in memory, per ISA level. NaN counts as beyond all others, the first of them (with `last`
 * the last one) most. n > 0. */
typedef enum sx_reduce_native_kind {
  SX_REDUCE_F32, SX_REDUCE_F64, SX_REDUCE_I8, SX_REDUCE_U8, SX_REDUCE_I32, SX_REDUCE_I64, SX_REDUCE_NATIVES
} sx_reduce_native_kind;
typedef struct sx_reduce_native {
  /* best[r] = [0] the greatest, [1] the least of row r: rows of n elements, one behind the other */
  void (*rows[2])(void *best, const void *x, int64_t rows, int64_t n);
  void (*col[2])(void *acc, const void *x, int64_t n);    /* acc[i] = the better of acc[i] and x[i] */
  int64_t (*find)(const void *x, int64_t n, const void *value, bool last); /* where value, which is there, stands */
  /* as col, and index[i] = at where x[i] is better; with last where it is as good */
  void (*arg_col[2])(void *acc, int32_t *index, const void *x, int64_t n, int32_t at, bool last);
} sx_reduce_native;
typedef struct sx_reduce_natives {
  sx_reduce_native kind[SX_REDUCE_NATIVES];
} sx_reduce_natives;

/* The wide types: n elements that begin at index `at` of the reduction into one cell pair; or one element into each of n. */
typedef struct sx_reduce_wide {
  void (*start)(const sx_reduce_plan *p, sx_reduce_cell *v, sx_reduce_cell *w, int64_t n);
  void (*row)(const sx_reduce_plan *p, sx_reduce_cell *v, sx_reduce_cell *w, const void *x, int64_t at, int64_t n);
  void (*col)(const sx_reduce_plan *p, sx_reduce_cell *v, sx_reduce_cell *w, const void *x, int64_t at, int64_t n);
  void (*merge)(const sx_reduce_plan *p, sx_reduce_cell *v, sx_reduce_cell *w, const sx_reduce_cell *v2,
                const sx_reduce_cell *w2, int64_t n); /* the second is the later part */
} sx_reduce_wide;
extern const sx_reduce_wide sx_reduce_f64, sx_reduce_i64, sx_reduce_u64;
#endif
