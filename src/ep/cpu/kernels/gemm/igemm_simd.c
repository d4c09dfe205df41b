// SPDX-License-Identifier: MIT
/* 8-bit GEMM without a dot product of bytes: A is widened to 16 bits in scratch, zero points subtracted, B is stored as s8 and
 * widened when loaded; pairs of products never leave 32 bits, so sums are exact. */
#include "ep/cpu/vec.h"

#define STEP 2
#define A_ELEM int16_t
#define A_IN_PLACE false
#define B_LOAD vi_widen8
#define DOT(acc, a, b, sign) ((acc) + vi_madd16(a, b))
#define B_UNSIGNED(a_signed) false
#define SIGNED_TILES(...) /* A is s16 whatever it was */
#define MAC_PER_NS (SX_VBYTES >= 32 ? 90 : 20)
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
