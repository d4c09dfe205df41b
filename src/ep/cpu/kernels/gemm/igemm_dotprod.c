// SPDX-License-Identifier: MIT
/* 8-bit GEMM over Arm's sdot and udot, quadruples of one sign: B, being packed, takes the sign of A. */
#include "ep/cpu/vec.h"

#include <arm_neon.h>

static int32_t row_sum(const void *a, int64_t K, bool is_signed) {
  int32_t sum = 0;
  if (is_signed)
    for (int64_t k = 0; k < K; k++) sum += ((const int8_t *)a)[k];
  else
    for (int64_t k = 0; k < K; k++) sum += ((const uint8_t *)a)[k];
  return sum;
}

#define STEP 4
#define A_ELEM uint8_t
#define A_IN_PLACE true
#define B_LOAD(p) vi_load((const int32_t *)(p))
#define DOT(acc, a, b, a_signed)                                                      \
  ((a_signed) ? (vi)vdotq_s32((int32x4_t)(acc), (int8x16_t)(a), (int8x16_t)(b))       \
              : (vi)vdotq_u32((uint32x4_t)(acc), (uint8x16_t)(a), (uint8x16_t)(b)))
#define B_UNSIGNED(a_signed) (!(a_signed))
#define SIGNED_TILES(...) __VA_ARGS__
#define MAC_PER_NS 60
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
