// SPDX-License-Identifier: MIT
/* Linear attention, a recurrence over a state of one matrix per key head, and the causal depthwise convolution that stands in front
 * of it. All in f32; callers bring other types in and out. */
#ifndef SX_EP_CPU_LINEAR_ATTENTION_H
#define SX_EP_CPU_LINEAR_ATTENTION_H
#include <stdint.h>
#include "base/cpu.h"

/* One token of one key head. S is (dk, dv), dense, and changes:
 *   S[d] *= decay[d]; v' = beta ? *beta * (v - S^T k) : v; S += k v'^T; y[g] = scale * S^T q[g]
 * decay: dk factors (not logarithms), or NULL. `groups` query heads: q is (groups, dk), y (groups, dv). tmp: dv floats. */
typedef struct sx_linear_step {
  float *S, *y, *tmp;
  const float *q, *k, *v, *decay, *beta;
  int64_t dk, dv, groups;
  float scale;
} sx_linear_step;
void sx_linear_attention_step(sx_isa isa, const sx_linear_step *s);

/* y[t] = bias + sum_i w[i] x[t + i] for n outputs; x has n + taps - 1 elements. With silu, y / (1 + e^-y). */
void sx_causal_conv_row(sx_isa isa, float *y, const float *x, const float *w, int64_t taps, float bias, int64_t n, int silu);

typedef struct sx_linear_table {
  void (*step)(const sx_linear_step *s);
  void (*conv)(float *y, const float *x, const float *w, int64_t taps, float bias, int64_t n, int silu);
} sx_linear_table;
#endif
