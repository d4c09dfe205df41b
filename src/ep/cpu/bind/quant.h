// SPDX-License-Identifier: MIT
/* Scales and zero points as kernels want them: f32 and i32 side by side, made with the instance when they are constant, else by
 * the run into the step's scratch. */
#ifndef SX_EP_CPU_BIND_QUANT_H
#define SX_EP_CPU_BIND_QUANT_H
#include "ep/ep.h"

typedef struct sx_quant_scale {
  sx_isa isa;
  int64_t n;                /* scales, and zero points if there are any */
  int in_scale, in_zero;    /* inputs; in_zero -1: all zero points are 0 */
  sx_dtype scale_type, zero_type;
  const void *constant;     /* n floats, n integers; NULL: they come with the run */
  size_t at;                /* then: where in scratch */
} sx_quant_scale;
/* Takes room in p->scratch when they are not constant; then sx_quant_scale_run() must come first in the step. zero < 0: none. */
sx_status sx_quant_scale_prepare(sx_prep *p, int scale, int zero, sx_quant_scale *s);
void sx_quant_scale_run(const sx_quant_scale *s, const sx_call *c);
void sx_quant_scale_load(const sx_quant_scale *s, const void *scale, const void *zero, void *to);
static inline const float *sx_quant_scales(const sx_quant_scale *s, const void *scratch) {
  return s->constant ? s->constant : (const void *)((const char *)scratch + s->at);
}
static inline const int32_t *sx_quant_zeros(const sx_quant_scale *s, const void *scratch) { /* NULL: 0 */
  return s->in_zero < 0 ? NULL : (const int32_t *)(const void *)(sx_quant_scales(s, scratch) + s->n);
}
#endif
