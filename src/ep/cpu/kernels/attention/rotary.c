// SPDX-License-Identifier: MIT
/* Rotary embedding: the choice of the instruction set, and what is not turned. */
#include "ep/cpu/kernels/attention/rotary.h"
#include <string.h>
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_rotary_table, sx_rotary);

void sx_rotary_row(sx_isa isa, float *y, const float *x, const float *cosine, const float *sine, int64_t half, int64_t d,
                   bool interleaved) {
  if (y != x && d > 2 * half) memcpy(y + 2 * half, x + 2 * half, (size_t)(d - 2 * half) * sizeof(float));
  const sx_rotary_table *t = SX_ISA_PICK(sx_rotary, isa);
  (interleaved ? t->neighbours : t->halves)(y, x, cosine, sine, half);
}
