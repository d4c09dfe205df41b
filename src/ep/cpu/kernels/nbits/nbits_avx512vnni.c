// SPDX-License-Identifier: MIT
/* Narrow weights by integer dot products: the weights of a word, as bytes, against 4 quantised elements of each row. A row is, per
 * block, its elements as s8 in the order in which masks take them out of a word, then the scale of each block and the sum of
 * its elements. */
#include <math.h>
#include "ep/cpu/kernels/nbits/nbits.h"
#include "ep/cpu/vec.h"

static int64_t row_bytes(const sx_nbits *s) { return (s->blocks * (s->block + 8) + 63) / 64 * 64; }
static void rows(const sx_nbits *s, const float *x, void *row) {
  int8_t *to = row;
  float *scales = (float *)(void *)(to + s->blocks * s->block), *sums = scales + s->blocks;
  const int per = 8 / s->bits; /* weights of a byte */
  for (int64_t b = 0; b < s->blocks; b++) {
    const int64_t from = b * s->block, n = s->K - from < s->block ? s->K - from : s->block;
    float most = 0;
    int32_t sum = 0;
    for (int64_t k = 0; k < n; k++) most = fabsf(x[from + k]) > most ? fabsf(x[from + k]) : most;
    const float scale = most / 127, inverse = most > 0 ? 127 / most : 0;
    for (int64_t k = 0; k < s->block; k++) {
      /* element k is byte k % (4 per) / per of its word, taken out by mask k % per */
      const int64_t word = k / (4 * per), at = word * 4 * per + k % per * 4 + k % (4 * per) / per;
      const int32_t q = k < n ? (int32_t)lrintf(fminf(127, fmaxf(-127, x[from + k] * inverse))) : 0;
      to[from + at] = (int8_t)q, sum += q;
    }
    scales[b] = scale, sums[b] = (float)sum;
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
