// SPDX-License-Identifier: MIT
/* What a matrix product or a convolution does with a finished tile of its output before it leaves the cache:
 *
 *   y = act(acc + bias[channel] + residual)
 *
 * One description for both families; which axis is the channel is each family's contract. SX_ACT_CALL hands the finished
 * piece (bias and residual are already in it) to a function, which is how an elementwise program rides on a tile. */
#ifndef SX_EPILOGUE_H
#define SX_EPILOGUE_H
#include <stdint.h>

typedef enum sx_act {
  SX_ACT_NONE,
  SX_ACT_RELU,
  SX_ACT_CLIP,         /* alpha = low, beta = high */
  SX_ACT_LEAKY_RELU,   /* alpha = slope */
  SX_ACT_HARD_SIGMOID, /* max(0, min(1, alpha * x + beta)) */
  SX_ACT_HARD_SWISH,   /* x * max(0, min(1, x / 6 + 1 / 2)) */
  SX_ACT_SIGMOID,
  SX_ACT_SILU,
  SX_ACT_TANH,
  SX_ACT_GELU,      /* by erf */
  SX_ACT_GELU_TANH, /* the tanh approximation */
  SX_ACT_CALL       /* fn(ctx, row, n, at) */
} sx_act;

typedef struct sx_epilogue {
  const float *bias;     /* one per channel, or NULL */
  const float *residual; /* laid out as the output, or NULL; it may be the output itself */
  int64_t residual_ld;   /* its row stride, where the output is a matrix */
  sx_act act;
  float alpha, beta;
  /* In place on n contiguous elements of the output, the first of which lies `at` elements after the output's first. */
  void (*fn)(void *ctx, float *row, int64_t n, int64_t at);
  void *ctx;
} sx_epilogue;
#endif
