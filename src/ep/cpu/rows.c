// SPDX-License-Identifier: MIT
/* Kernels for loops outside of a plan, which know neither instruction sets nor units. */
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/softmax/softmax.h"
#include "ep/ep.h"

void sx_cpu_cast(sx_dtype from, sx_dtype to, void *dst, const void *src, int64_t n) {
  sx_cast_run(sx_cpu_info()->isa, from, to, SX_CAST_SATURATE, dst, src, 0, n);
}

size_t sx_cpu_log_softmax(float *x, int64_t rows, int64_t n, void *scratch) {
  sx_softmax_args a = {
      .isa = sx_cpu_info()->isa, .type = SX_F32, .log = true, .outer = rows, .n = n, .inner = 1, .scale = 1};
  for (int i = 0; i < 3; i++) a.mask_div[i] = a.mask_mod[i] = 1;
  if (x) sx_softmax_run(&a, x, x, 0, sx_softmax_units(&a), scratch);
  return sx_softmax_scratch_bytes(&a);
}
