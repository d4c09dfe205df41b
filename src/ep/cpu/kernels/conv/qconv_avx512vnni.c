// SPDX-License-Identifier: MIT
/* Integer convolution over vpdpbusd: inputs as u8, read where they lie and flipped on the way when they are signed, weights
 * centred in s8. What the zero point of the input adds is a constant of each output channel, in its bias. */
#include "ep/cpu/vec.h"

#define STEP           4
#define GATHERED       uint8_t
#define DOT(acc, a, b) (vi) _mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b))
#define FLIP(a)        ((a) ^ flip)
#define FLIP_LOAD(x)   const vi flip = vi_set(x)
#define WIDE           &sx_qconv__avx512
#include "ep/cpu/kernels/conv/qconv_kernels.h"
extern const sx_qconv_table sx_qconv__avx512;
/* Sixteen channels of a pixel and tap at a time. */
static void windows(const sx_qconv_tile *t, int64_t n, int64_t last, int32_t *sums) {
  const __m128i flip = _mm_set1_epi32(t->flip), ones = _mm_set1_epi8(1),
                rest = _mm_maskz_set1_epi8((__mmask16)((1u << last) - 1), 1);
  for (int64_t i = 0; i < n; i++) {
    __m128i sum = _mm_setzero_si128();
    for (int32_t tap = 0; tap < t->taps; tap++) {
      const int32_t off = t->off[tap * t->off_ld + i];
      const int32_t *p = off < 0 ? t->outside : t->x + off;
      const int64_t step = off < 0 ? 0 : t->x_step;
      for (int32_t b = 0; b < t->blocks; b++, p += step)
        sum = _mm_dpbusd_epi32(sum, _mm_xor_si128(_mm_loadu_si128((const __m128i *)p), flip),
                               b + 1 < t->blocks ? ones : rest);
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sums[i] = _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
  }
}
#define WINDOWS windows
#include "ep/cpu/kernels/conv/qconv_table.inc"
