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
  void (*col_sum[SX_REDUCE_MAPS])(float *acc, const float *x, int64_t n);
  float (*row_max)(const float *x, int64_t n), (*row_min)(const float *x, int64_t n); /* NaN when any is; n > 0 */
  void (*col_max)(float *acc, const float *x, int64_t n), (*col_min)(float *acc, const float *x, int64_t n);
  double (*row_exp_sum)(const float *x, float max, int64_t n); /* sum of exp(x - max) */
  void (*col_exp_sum)(float *acc, const float *x, const float *max, int64_t n);
} sx_reduce_table;

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
