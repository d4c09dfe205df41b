// SPDX-License-Identifier: MIT
/* Elementwise work on quantised bytes: sums and products of two tensors, functions of one by table. The formula is the
 * float one: operands less their zero points, times their scales over the result's, one rounding, half to even, saturated.
 */
#ifndef SX_QLINEAR_H
#define SX_QLINEAR_H
#include <stdbool.h>
#include <stdint.h>
#include "base/cpu.h"

typedef struct sx_qbinary {
  bool is_signed; /* of both operands and the result */
  int32_t a_zero, b_zero, y_zero;
  float a_scale, b_scale; /* sum: (a - a_zero) a_scale + (b - b_zero) b_scale; product: (a - a_zero)(b - b_zero) a_scale */
  float lo, hi; /* clip before the zero point is added; the type's range is within the caller's care: sx_qbinary_range */
} sx_qbinary;
typedef struct sx_qlinear_table {
  /* n results; a_step and b_step are 1, or 0 for one element repeated. */
  void (*add)(const sx_qbinary *q, const uint8_t *a, int a_step, const uint8_t *b, int b_step, uint8_t *y, int64_t n);
  void (*mul)(const sx_qbinary *q, const uint8_t *a, int a_step, const uint8_t *b, int b_step, uint8_t *y, int64_t n);
  /* y[i] = table[x[i]], bytes as they are. */
  void (*lookup)(const uint8_t *table, const uint8_t *x, uint8_t *y, int64_t n);
  /* The sum of n bytes; y[lane] = the sums of n pixels of `lanes` bytes. n < 2^23. */
  int32_t (*sum)(const uint8_t *x, int64_t n, bool is_signed);
  void (*sums)(const uint8_t *x, int64_t n, bool is_signed, int32_t *y);
  /* Pixels [begin, end) of an image of bytes between the plain layout and blocks of `lanes` channels; padded lanes become
   * 0. */
  int lanes;
  void (*to_blocked)(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end);
  void (*to_plain)(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end);
} sx_qlinear_table;
const sx_qlinear_table *sx_qlinear(sx_isa isa);
/* lo and hi of the result's type. */
void sx_qbinary_range(sx_qbinary *q);
#endif
