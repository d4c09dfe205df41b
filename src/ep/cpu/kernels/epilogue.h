// SPDX-License-Identifier: MIT
/* What a matrix product or a convolution does with a finished tile of its output before it leaves the cache, in this order:
 * + bias, + beta * residual, clip, tile_fn. NaN passes the clip. The buffers come with the run. */
#ifndef SX_EPILOGUE_H
#define SX_EPILOGUE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct sx_epilogue {
  bool bias, residual, clip;
  /* Matrix products only: the element (m, n) of the bias is bias[m * bias_row + n * bias_col], bias_col 0 or 1: (0,1) per
   * column, (1,0) per row, (0,0) a scalar; the residual has unit column stride. A convolution's bias is per output channel
   * and its residual is laid out as the output. The residual may be the output itself. */
  int64_t bias_row, bias_col;
  int64_t res_row;
  double beta;
  double lo, hi; /* clip; Relu is 0, INFINITY */
  /* In place on n contiguous elements of the output, still in cache: any other activation. NULL: none. */
  void (*tile_fn)(void *ctx, void *row, int64_t n);
  void *tile_ctx;
} sx_epilogue;
#endif
