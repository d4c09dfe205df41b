// SPDX-License-Identifier: MIT
/* Kernels of f32 for the narrow floats: the operands of a step are widened into its scratch, the results rounded on their way
 * out. Weights that a kernel packs are widened while they are packed. */
#ifndef SX_EP_CPU_BIND_WIDEN_H
#define SX_EP_CPU_BIND_WIDEN_H
#include "ep/ep.h"
/* *wide: the elements of constant t as f32, *bytes of them, for sx_free_aligned; NULL where they are f32 already. */
sx_status sx_widen_const(sx_isa isa, const sx_tensor *t, float **wide, size_t *bytes, sx_err *e);
#endif
