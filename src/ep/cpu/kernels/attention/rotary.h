// SPDX-License-Identifier: MIT
/* Rotary embedding of one head of one token: pairs of elements are turned by the angles of their position. */
#ifndef SX_EP_CPU_ROTARY_H
#define SX_EP_CPU_ROTARY_H
#include <stdbool.h>
#include <stdint.h>
#include "base/cpu.h"

/* y = x, whose pair j of `half` becomes (cos[j] a - sin[j] b, sin[j] a + cos[j] b). A pair is (x[j], x[j + half]), or
 * (x[2j], x[2j+1]) when interleaved. d >= 2 half elements; y may be x. */
void sx_rotary_row(sx_isa isa, float *y, const float *x, const float *cosine, const float *sine, int64_t half, int64_t d,
                   bool interleaved);

typedef struct sx_rotary_table {
  void (*halves)(float *y, const float *x, const float *cosine, const float *sine, int64_t half);
  void (*neighbours)(float *y, const float *x, const float *cosine, const float *sine, int64_t half);
} sx_rotary_table;
#endif
