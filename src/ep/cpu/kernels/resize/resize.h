// SPDX-License-Identifier: MIT
/* Resampling along one axis: y[o][j][i] = sum over k of weight[j][k] * x[o][index[j][k]][i].
 *
 * Every mode of Resize is a table of taps per axis; a tensor is resampled axis by axis. */
#ifndef SX_RESIZE_H
#define SX_RESIZE_H
#include <stdint.h>
#include "base/cpu.h"

typedef struct sx_taps {
  int64_t n_in, n_out;
  int k;                 /* taps per output */
  const int32_t *index;  /* n_out * k, each in [0, n_in) */
  const float *weight;   /* n_out * k */
  const uint8_t *outside; /* n_out: nonzero = the extrapolation value; or NULL */
} sx_taps;
typedef struct sx_resize_table {
  /* Rows [begin, end) of outer * n_out rows of `inner` floats. */
  void (*rows)(const sx_taps *t, const float *x, float *y, int64_t inner, float extrapolation, int64_t begin, int64_t end);
  /* inner == 1: outer rows [begin, end), each n_in floats to n_out. */
  void (*last)(const sx_taps *t, const float *x, float *y, float extrapolation, int64_t begin, int64_t end);
} sx_resize_table;
const sx_resize_table *sx_resize(sx_isa isa);
#endif
