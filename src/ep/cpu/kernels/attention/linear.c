// SPDX-License-Identifier: MIT
/* Linear attention: the choice of the instruction set. */
#include "ep/cpu/kernels/attention/linear.h"
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_linear_table, sx_linear);

void sx_linear_attention_step(sx_isa isa, const sx_linear_step *s) { SX_ISA_PICK(sx_linear, isa)->step(s); }
void sx_causal_conv_row(sx_isa isa, float *y, const float *x, const float *w, int64_t taps, float bias, int64_t n, int silu) {
  SX_ISA_PICK(sx_linear, isa)->conv(y, x, w, taps, bias, n, silu);
}
