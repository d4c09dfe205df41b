// SPDX-License-Identifier: MIT
/* Inside the normalisations: the f32 functions of an ISA level. Any n >= 0; destinations may be sources. */
#ifndef SX_EP_CPU_NORM_TABLES_H
#define SX_EP_CPU_NORM_TABLES_H
#include <stdbool.h>
#include <stdint.h>

typedef struct sx_norm_table {
  void (*add)(float *d, const float *x, const float *skip, const float *bias, int64_t n); /* skip, bias may be NULL */
  double (*sum)(const float *x, int64_t n);
  double (*sum_square)(const float *x, float mean, int64_t n); /* of x - mean */
  void (*normalize)(float *y, const float *x, float mean, float inv, const float *gamma, const float *beta, bool plus_one,
                    int64_t n); /* (x - mean) inv gamma + beta; gamma, beta may be NULL */
  /* (x - mean) * scale + shift: what is far from 0 loses nothing to the shift */
  void (*scale_shift)(float *y, const float *x, float mean, float scale, float shift, bool silu, int64_t n);
  void (*lrn)(float *y, const float *x, const float *square_sum, float alpha, float beta, float bias, int64_t n);
  int64_t short_row; /* most elements of a row for short_rows: whole rows in registers, no skip and no bias */
  void (*short_rows)(float *y, const float *x, const float *gamma, const float *beta, bool plus_one, bool rms, double epsilon,
                     int64_t rows, int64_t n, float *mean, float *inv);
  /* x over its Lp norm, p 1 or 2; a norm of 0 gives 0. Of a row; of m columns of n rows, `stride` elements apart. */
  void (*lp_row)(float *y, const float *x, int p, int64_t n);
  void (*lp_columns)(float *y, const float *x, int p, int64_t n, int64_t stride, int64_t m);
} sx_norm_table;
#endif
