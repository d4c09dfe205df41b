// SPDX-License-Identifier: MIT
/* 8-bit GEMM over vpdpbusd of 32 bytes, for x86 without AVX-512: as igemm_avx512vnni.c. */
#include "ep/cpu/vec.h"

static int32_t row_sum(const void *a, int64_t K, bool is_signed) {
  const __m256i ones = _mm256_set1_epi8(1);
  __m256i sum = _mm256_setzero_si256();
  for (int64_t k = 0; k < K; k += 32) {
    __m256i x = _mm256_setzero_si256();
    memcpy(&x, (const char *)a + k, K - k < 32 ? (size_t)(K - k) : 32);
    sum = is_signed ? _mm256_dpbusd_avx_epi32(sum, ones, x) : _mm256_dpbusd_avx_epi32(sum, x, ones);
  }
  int32_t lanes[8], total = 0;
  memcpy(lanes, &sum, sizeof lanes);
  for (int i = 0; i < 8; i++) total += lanes[i];
  return total;
}

#define STEP 4
#define A_ELEM uint8_t
#define A_IN_PLACE true
#define B_LOAD(p) vi_load((const int32_t *)(p))
#define DOT(acc, a, b, a_signed) \
  (vi) _mm256_dpbusd_avx_epi32((__m256i)(acc), (__m256i)((a_signed) ? (b) : (a)), (__m256i)((a_signed) ? (a) : (b)))
#define B_UNSIGNED(a_signed) (a_signed)
#define SIGNED_TILES(...) __VA_ARGS__
#define MAC_PER_NS 180
#include "ep/cpu/kernels/gemm/igemm_simd.inc"
