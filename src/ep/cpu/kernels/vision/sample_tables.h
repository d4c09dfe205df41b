// SPDX-License-Identifier: MIT
/* Inside the samplers: the f32 functions of an ISA level. Taps lie tap by tap, SX_SAMPLE_PITCH places apart; whole vectors of
 * them are read, so what is behind the last place must be indices that can be read and weights of 0. */
#ifndef SX_EP_CPU_SAMPLE_TABLES_H
#define SX_EP_CPU_SAMPLE_TABLES_H
#include <stdbool.h>
#include <stdint.h>

enum { SX_SAMPLE_PITCH = 128 };
typedef struct sx_sample_table {
  /* y[p] = the sum over taps of x[at] * weight, for p < n <= SX_SAMPLE_PITCH; what has a weight of 0 is not looked at. */
  void (*sum)(const float *x, const int32_t *at, const float *weight, int64_t taps, int64_t n, float *y);
  /* The four taps of n places of a grid over an image of H x W, linear; border: places outside are put on the border. */
  void (*linear)(const float *grid, int64_t n, int64_t H, int64_t W, bool align_corners, bool border, int32_t *at,
                 float *weight);
} sx_sample_table;
#endif
