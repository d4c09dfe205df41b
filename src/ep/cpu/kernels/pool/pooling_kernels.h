// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide. */
#ifndef SX_POOLING_KERNELS_H
#define SX_POOLING_KERNELS_H
#include "ep/cpu/kernels/pool/pooling.h"

enum { SX_POOLING_MR = 7 };
/* f32: mr pixels, one vector of lanes each, over a list of taps: pixel i reads x + x_off[t] + i * x_step. */
typedef struct sx_pooling_list {
  const float *x;
  const int32_t *x_off;
  int64_t taps, x_step, y_step;
  float divisor; /* of the average */
  float *y;
} sx_pooling_list;

/* y[u * lanes + i] = op(y[u * lanes + i], x[u * x_step + i]) for u < count, i < lanes. */
typedef void (*sx_pooling_rows_fn)(void *y, const void *x, int64_t count, int64_t lanes, int64_t x_step);

struct sx_pooling_table {
  int lanes;
  void (*list_max[SX_POOLING_MR + 1])(const sx_pooling_list *l);
  void (*list_average[SX_POOLING_MR + 1])(const sx_pooling_list *l);
  sx_pooling_rows_fn max[SX_POOLING_TYPES], sum[SX_POOLING_TYPES]; /* sum: f32 and f64 */
  float (*reduce_max)(const float *x, int64_t n, float start);
  float (*reduce_sum)(const float *x, int64_t n, float start);
};
#endif
