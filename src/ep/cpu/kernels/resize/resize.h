// SPDX-License-Identifier: MIT
/* Resampling along one axis: y[o][j][i] = sum over k of weight[j][k] * x[o][index[j][k]][i].
 *
 * Every mode of Resize is a table of taps per axis; a tensor is resampled axis by axis. */
#ifndef SX_RESIZE_H
#define SX_RESIZE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"

typedef struct sx_taps {
  int64_t n_in, n_out;
  int k;                  /* taps per output */
  const int32_t *index;   /* n_out * k, each in [0, n_in) */
  const float *weight;    /* n_out * k; of a single tap: 1, and not read */
  const uint8_t *outside; /* n_out: nonzero = the extrapolation value; or NULL */
  bool doubled;           /* index[j] is j / 2 */
} sx_taps;
typedef struct sx_resize_table {
  /* Rows [begin, end) of outer * n_out rows of `inner` floats. */
  void (*rows)(const sx_taps *t, const float *x, float *y, int64_t inner, float extrapolation, int64_t begin, int64_t end);
  /* inner == 1: outer rows [begin, end), each n_in floats to n_out. */
  void (*last)(const sx_taps *t, const float *x, float *y, float extrapolation, int64_t begin, int64_t end);
  /* y[i] = x[index[i]], n elements of 1, 2, 4 or 8 bytes; doubled: index[i] is i / 2. Any alignment. */
  void (*pick)(const int32_t *index, bool doubled, const void *x, void *y, int64_t n, size_t bytes);
} sx_resize_table;
const sx_resize_table *sx_resize(sx_isa isa);
/* One tap, elements of `elem` bytes: results [begin, end) of outer x n_out. x and y at their first element. */
void sx_resize_neighbours(const sx_resize_table *table, const sx_taps *t, const char *x, char *y, size_t elem,
                          int64_t begin, int64_t end);
/* The same along two axes that follow each other: rows [begin, end) of outer x rows->n_out, each columns->n_out elements.
 */
void sx_resize_plane(const sx_resize_table *table, const sx_taps *columns, const sx_taps *rows, const char *x, char *y,
                     size_t elem, int64_t begin, int64_t end);
#endif
