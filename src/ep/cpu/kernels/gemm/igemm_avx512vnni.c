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
static int32_t row_sum(const void *a, int64_t K, bool is_signed) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512();
  for (int64_t k = 0; k < K; k += 64) {
    const __mmask64 there = K - k < 64 ? ((__mmask64)1 << (K - k)) - 1 : ~(__mmask64)0;
    const __m512i x = _mm512_maskz_loadu_epi8(there, (const char *)a + k);
    sum = is_signed ? _mm512_dpbusd_epi32(sum, ones, x) : _mm512_dpbusd_epi32(sum, x, ones);
  }
  return _mm512_reduce_add_epi32(sum);
}

#define SIGNED_TILES(...) __VA_ARGS__
#define MAC_PER_NS 220
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
