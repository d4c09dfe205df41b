// SPDX-License-Identifier: MIT
/* Inside the samplers: the f32 functions of an ISA level. Taps lie tap by tap, SX_SAMPLE_PITCH places apart; whole vectors of
 * them are read, so what is behind the last place must be indices that can be read and weights of 0. */
#ifndef SX_EP_CPU_SAMPLE_TABLES_H
#define SX_EP_CPU_SAMPLE_TABLES_H
#include <stdbool.h>
#include <stdint.h>

enum { SX_SAMPLE_PITCH = 128 };
typedef struct sx_sample_table {
  /* y[p] = the sum over taps of x[at] * weight, for p < n <= SX_SAMPLE_PITCH, and more: on top of what is in y; what has a
   * weight of 0 is not looked at. */
  void (*sum)(const float *x, const int32_t *at, const float *weight, int64_t taps, int64_t n, bool more, float *y);
  void (*sum_f64)(const double *x, const int32_t *at, const double *weight, int64_t taps, int64_t n, bool more, double *y);
  /* The largest instead of the sum; a weight of 0 makes a 0. */
  void (*most)(const float *x, const int32_t *at, const float *weight, int64_t taps, int64_t n, bool more, float *y);
  void (*most_f64)(const double *x, const int32_t *at, const double *weight, int64_t taps, int64_t n, bool more, double *y);
  /* line[i] = the largest of rows x[r * pitch + i]; NaN is passed over. */
  void (*fold)(const float *x, int64_t rows, int64_t pitch, int64_t n, float *line);
  void (*fold_f64)(const double *x, int64_t rows, int64_t pitch, int64_t n, double *line);
  /* The four taps of n places of a grid over an image of H x W, linear; border: places outside are put on the border. */
  void (*linear)(const float *grid, int64_t n, int64_t H, int64_t W, bool align_corners, bool border, int32_t *at,
                 float *weight);
} sx_sample_table;
#endif
