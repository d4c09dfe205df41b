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

/* A window along an axis: where its tap 0 lies, the taps [begin, end) that are inside the image, and what an average over them
 * is divided by. */
typedef struct sx_pooling_taps {
  int64_t at, begin, end, count;
} sx_pooling_taps;
sx_pooling_taps sx_pooling_edge_taps(const sx_pooling_shape *s, int axis, int64_t at);
static inline sx_pooling_taps sx_pooling_taps_of(const sx_pooling_shape *s, int axis, int64_t output) {
  const int64_t at = output * s->stride[axis] - s->pad[axis], k = s->kernel[axis];
  if (at >= 0 && at + (k - 1) * s->dilation[axis] < s->in[axis]) return (sx_pooling_taps){at, 0, k, k};
  return sx_pooling_edge_taps(s, axis, at);
}

/* Plain f32 by axes. */
bool sx_pooling_plain_takes(const sx_pooling_shape *s);
size_t sx_pooling_plain_scratch(const sx_pooling_shape *s);
void sx_pooling_plain_run(const sx_pooling *p, const float *x, float *y, int64_t begin, int64_t end, void *scratch);

enum { SX_POOLING_FOLD_MAX, SX_POOLING_FOLD_SUM, SX_POOLING_FOLD_ABS, SX_POOLING_FOLD_SQUARE };
/* y[u * lanes + i] = op(y[u * lanes + i], x[u * x_step + i]) for u < count, i < lanes. */
typedef void (*sx_pooling_rows_fn)(void *y, const void *x, int64_t count, int64_t lanes, int64_t x_step);

struct sx_pooling_table {
  int lanes;
  void (*list_max[SX_POOLING_MR + 1])(const sx_pooling_list *l);
  void (*list_average[SX_POOLING_MR + 1])(const sx_pooling_list *l);
  sx_pooling_rows_fn max[SX_POOLING_TYPES], sum[SX_POOLING_TYPES]; /* sum: f32 and f64 */
  /* to[i] = the maximum or sum over rows of (|.| or the square of) x[row[r] + i]. */
  void (*fold[4])(float *to, const float *x, const int64_t *row, int64_t rows, int64_t n);
  /* y[i] = the maximum or sum over taps of x[tap[t] + i]; x may be read up to a vector further. */
  void (*across[2])(float *y, const float *x, const int32_t *tap, int64_t taps, int64_t n);
  /* even[i] = x[2 i], odd[i] = x[2 i + 1] for i < n, in whole vectors. */
  void (*part)(float *even, float *odd, const float *x, int64_t n);
  void (*divide)(float *y, const float *by, float factor, int64_t n); /* y[i] /= by[i] * factor */
  float (*reduce_max)(const float *x, int64_t n, float start);
  float (*reduce_sum)(const float *x, int64_t n, float start);
};
#endif
