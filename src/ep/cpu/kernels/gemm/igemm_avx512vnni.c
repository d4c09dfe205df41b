// SPDX-License-Identifier: MIT
/* 8-bit GEMM over vpdpbusd, u8 by s8 in quadruples: of A and B one must be unsigned, and B, being packed, takes the kind that A
 * leaves. */
#include "ep/cpu/vec.h"

#define STEP 4
#define A_ELEM uint8_t
#define A_IN_PLACE true
#define B_LOAD(p) vi_load((const int32_t *)(p))
#define DOT(acc, a, b, a_signed) \
  (vi) _mm512_dpbusd_epi32((__m512i)(acc), (__m512i)((a_signed) ? (b) : (a)), (__m512i)((a_signed) ? (a) : (b)))
#define B_UNSIGNED(a_signed) (a_signed)
#define SIGNED_TILES(...) __VA_ARGS__
#define MAC_PER_NS 220
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
