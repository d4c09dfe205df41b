// SPDX-License-Identifier: MIT
/* The activation of a fused product or convolution (ops/nn/activation.h) as part of an epilogue. */
#ifndef SX_EP_CPU_BIND_ACTIVATION_H
#define SX_EP_CPU_BIND_ACTIVATION_H
#include "ep/ep.h"
#include "ep/cpu/kernels/elementwise/elementwise.h"
#include "ep/cpu/kernels/epilogue.h"

typedef struct sx_activation {
  bool clip;
  double lo, hi;
  sx_act act, affine;
  sx_act_row row;        /* NULL: none beyond the clip */
  sx_act_row affine_row; /* NULL: no factor and addend behind it */
} sx_activation;
/* NOT_IMPLEMENTED names an activation that is not known. */
sx_status sx_activation_read(const sx_build *b, sx_activation *a);
/* Adds it to an epilogue; *a must live as long as the epilogue. */
void sx_activation_apply(const sx_activation *a, sx_epilogue *e);
#endif
