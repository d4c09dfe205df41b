// SPDX-License-Identifier: MIT
/* Windows that slide over spatial axes: what Conv, ConvTranspose and the pools share. */
#ifndef SX_OPS_WINDOW_H
#define SX_OPS_WINDOW_H
#include "ops/ops.h"

enum { SX_MAX_SPATIAL = 8 };
/* Attributes with their defaults filled in; `same`: 0 explicit pads, 1 SAME_UPPER, 2 SAME_LOWER. Explicit pads of SAME are
 * computed per size by sx_window_pads. */
typedef struct sx_window {
  int n;                          /* spatial axes */
  int64_t kernel[SX_MAX_SPATIAL], stride[SX_MAX_SPATIAL], dilation[SX_MAX_SPATIAL];
  int64_t pad[2 * SX_MAX_SPATIAL]; /* begins, then ends */
  int same;
  bool ceil;
  bool pool; /* of a pool: a window that is not whole counts as the first one, while less than a stride is missing */
} sx_window;
/* Reads kernel_shape (or `kernel`, when given, from the weight), strides, dilations, pads, auto_pad, ceil_mode. FAIL with
 * the attribute named. */
sx_status sx_window_read(const sx_node *n, int spatial, const int64_t *kernel, sx_window *w, sx_err *e);
/* The same for a pool, whose pads are less than its kernel. */
sx_status sx_window_read_pool(const sx_node *n, int spatial, sx_window *w, sx_err *e);
/* A kernel is no larger than the padded input: what a convolution asks for. */
sx_status sx_window_fits(const sx_window *w, int i, int64_t in, sx_err *e);
/* Output size along axis i for an input size, and the pads that apply. */
int64_t sx_window_size(const sx_window *w, int i, int64_t in, int64_t *pad_begin, int64_t *pad_end);
sx_dim sx_window_dim(const sx_window *w, int i, sx_dim in, sx_dimtab *t);
/* Inference of a convolution: x is input 0, its weight input `weight`, the result of type dtype. */
sx_status sx_infer_conv(sx_infer *c, uint32_t weight, int dtype);
#endif
