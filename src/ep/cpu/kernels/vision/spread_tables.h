// SPDX-License-Identifier: MIT
/* Inside Col2Im and the determinants: rows of an ISA level. */
#ifndef SX_EP_CPU_SPREAD_TABLES_H
#define SX_EP_CPU_SPREAD_TABLES_H
#include <stdint.h>

typedef struct sx_spread_table {
  void (*add_f32)(float *y, const float *x, int64_t n); /* y += x */
  void (*add_f64)(double *y, const double *x, int64_t n);
  /* y[i] = the sum over rows of x[row[r] + i] */
  void (*sum)(float *y, const float *x, const int64_t *row, int64_t rows, int64_t n);
  double (*det)(double *m, int64_t n, int64_t pitch); /* pitch: whole vectors */
} sx_spread_table;
#endif
