// SPDX-License-Identifier: MIT
/* What the bindings of float and of integer convolutions share. */
#ifndef SX_EP_CPU_BIND_CONV_H
#define SX_EP_CPU_BIND_CONV_H
#include "ep/cpu/kernels/conv/conv.h"
#include "ep/ep.h"

/* The family's description from dimensions (numbers) of X, W and Y, all of `rank`; pads of a transposed convolution follow
 * from the output's size. */
sx_status sx_conv_describe(const sx_node *n, bool transposed, int winograd, int rank, const int64_t *x, const int64_t *w,
                           const int64_t *y, sx_conv_shape *s, sx_err *e);
#endif
