// SPDX-License-Identifier: MIT
/* 8-bit GEMM without a dot product of bytes: A is widened to 16 bits in scratch, zero points subtracted, B is stored as s8 and
 * widened when loaded; pairs of products never leave 32 bits, so sums are exact. */
#include "ep/cpu/vec.h"

static int32_t row_sum(const void *a, int64_t K, bool is_signed) {
  const int8_t *s8 = a;
  const uint8_t *u8 = a;
  int32_t sum = 0;
  if (is_signed)
    for (int64_t k = 0; k < K; k++) sum += s8[k];
  else
    for (int64_t k = 0; k < K; k++) sum += u8[k];
  return sum;
}

#define STEP 2
#define A_ELEM int16_t
#define A_IN_PLACE false
#define B_LOAD vi_widen8
#define DOT(acc, a, b, sign) ((acc) + vi_madd16(a, b))
#define B_UNSIGNED(a_signed) false
#define SIGNED_TILES(...) /* A is s16 whatever it was */
#define MAC_PER_NS (SX_VBYTES >= 32 ? 90 : 20)
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
