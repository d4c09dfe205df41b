// SPDX-License-Identifier: MIT
/* Inside the softmax family: the f32 functions of an ISA level. */
#ifndef SX_EP_CPU_SOFTMAX_TABLES_H
#define SX_EP_CPU_SOFTMAX_TABLES_H
#include <stdbool.h>
#include <stdint.h>

typedef struct sx_softmax_table {
  /* y = exp(scale x + mask - max); mask NULL: none. y may be x. n > 0. */
  void (*exp_row)(float *y, const float *x, const float *mask, float scale, int64_t n, float *max, float *sum);
  /* A whole row, n > 0. y may be x. */
  void (*row)(float *y, const float *x, const float *mask, float scale, int64_t n, bool log);
  /* m columns of n rows, `stride` elements from row to row. y may be x. */
  void (*columns)(float *y, const float *x, float scale, int64_t n, int64_t stride, int64_t m, bool log);
  /* rows of n, one behind the other; t: 4 vectors per element of a row. y may be x. */
  void (*short_rows)(float *y, const float *x, int64_t rows, int64_t n, float scale, bool log, float *t);
  /* Where the first NaN is, or else the first largest element: of each of some dense rows, of each of m columns. n > 0. */
  void (*first_max_rows)(const float *x, int64_t rows, int64_t n, int64_t *index);
  void (*first_max_columns)(const float *x, int64_t n, int64_t stride, int64_t m, int32_t *index);
} sx_softmax_table;
#endif
