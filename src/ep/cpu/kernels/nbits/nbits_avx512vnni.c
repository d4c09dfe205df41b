// SPDX-License-Identifier: MIT
/* Narrow weights by integer dot products: the weights of a word, as bytes, against 4 quantised elements of each row. A row is, per
 * block, its elements as s8 in the order in which masks take them out of a word, then the scale of each block and the sum of
 * its elements. */
#include <math.h>
#include "ep/cpu/kernels/nbits/nbits.h"
#include "ep/cpu/vec.h"

static int64_t row_bytes(const sx_nbits *s) { return (s->blocks * (s->block + 8) + 63) / 64 * 64; }
/* Where the 16 elements of a vector lie in a row: element k of a word is byte k / per of what mask k % per takes out. */
static const uint8_t places[3][16] = {{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
                                      {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15},
                                      {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static void rows(const sx_nbits *s, const float *x, void *row) {
  int8_t *to = row;
  float *scales = (float *)(void *)(to + s->blocks * s->block), *sums = scales + s->blocks;
  const __m128i order = _mm_loadu_si128((const __m128i *)(const void *)places[s->bits / 4]);
  for (int64_t b = 0; b < s->blocks; b++) {
    const int64_t from = b * s->block, n = s->K - from < s->block ? s->K - from : s->block;
    __m512 top = _mm512_setzero_ps();
    __m512i sum = _mm512_setzero_si512();
    for (int64_t k = 0; k < n; k += SX_VL) /* a NaN is no maximum */
      top = _mm512_max_ps(_mm512_abs_ps((__m512)vf_load_n(x + from + k, n - k < SX_VL ? (int)(n - k) : SX_VL)), top);
    const float most = _mm512_reduce_max_ps(top), inverse = most > 0 ? 127 / most : 0;
    for (int64_t k = 0; k < s->block; k += SX_VL) {
      const int left = n - k <= 0 ? 0 : n - k < SX_VL ? (int)(n - k) : SX_VL;
      const __m512 v = left ? (__m512)(vf_load_n(x + from + k, left) * vf_set(inverse)) : _mm512_setzero_ps();
      const __m512i q = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(-127)), _mm512_set1_ps(127)));
      _mm_storeu_si128((__m128i *)(void *)(to + from + k), _mm_shuffle_epi8(_mm512_cvtepi32_epi8(q), order));
      sum = _mm512_add_epi32(sum, q);
    }
    scales[b] = most / 127, sums[b] = (float)_mm512_reduce_add_epi32(sum);
  }
}

enum { MAX_ROWS = 8 };
SX_INLINE void tile(const int mr, const int bits, const sx_nbits *s, const float *w, const char *x, int64_t x_row, vf *total) {
  const int per = 8 / bits;
  const vi mask = vi_set((int32_t)(0x01010101u * ((1u << bits) - 1)));
  const int64_t words = s->block / (4 * per);
  for (int64_t b = 0; b < s->blocks; b++) {
    const vf scale = vf_load(w), zero = vf_load(w + SX_VL);
    vi acc[MAX_ROWS];
    SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++)
      if (r < mr) acc[r] = (vi){0};
    w += 2 * SX_VL;
    const char *xb = x + b * s->block;
    for (int64_t k = 0; k < words; k++, w += SX_VL, xb += 4 * per) {
      const vi q = vi_load((const int32_t *)(const void *)w);
      SX_UNROLL_FULL for (int j = 0; j < 4; j++) {
        if (j >= per) continue;
        const vi v = (vi)((vu)q >> (uint32_t)(bits * j)) & mask;
        SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++)
          if (r < mr) {
            int32_t four;
            memcpy(&four, xb + r * x_row + 4 * j, 4);
            acc[r] = (vi)_mm512_dpbusd_epi32((__m512i)acc[r], (__m512i)v, _mm512_set1_epi32(four));
          }
      }
    }
    SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++)
      if (r < mr) {
        const float *scales = (const float *)(const void *)(x + r * x_row + s->blocks * s->block), *sums = scales + s->blocks;
        total[r] += (__builtin_convertvector(acc[r], vf) - zero * vf_set(sums[b])) * (scale * vf_set(scales[b]));
      }
  }
}

#include "ep/cpu/kernels/nbits/nbits_run.inc"

const sx_nbits_table sx_nbits_int8__avx512vnni = {.lanes = SX_VL, .row_bytes = row_bytes, .rows = rows, .run = run};
