// SPDX-License-Identifier: MIT
/* Narrow weights by f32: a word per column holds 4 to 16 weights, which are shifted out one after the other and multiplied
 * with one element of each row. A row is its elements, padded with zeros to whole blocks, then the sums of its blocks: what
 * the zero point takes away. */
#include "ep/cpu/kernels/nbits/nbits.h"
#include "ep/cpu/vec.h"

static int64_t row_bytes(const sx_nbits *s) { return (s->blocks * (s->block + 1) * 4 + 63) / 64 * 64; }
static void rows(const sx_nbits *s, const float *x, void *row) {
  float *to = row, *sums = to + s->blocks * s->block;
  memcpy(to, x, (size_t)s->K * 4);
  memset(to + s->K, 0, (size_t)(s->blocks * s->block - s->K) * 4);
  for (int64_t b = 0; b < s->blocks; b++) {
    float sum = 0;
    for (int64_t k = 0; k < s->block; k++) sum += to[b * s->block + k];
    sums[b] = sum;
  }
}

#define MAX_ROWS   8
#define CHAINS(mr) ((mr) == 1 ? 4 : (mr) == 2 ? 2 : 1) /* sums per row: they hide each other's latency */
SX_INLINE void tile(const int mr, const int bits, const sx_nbits *s, const float *w, const char *x, int64_t x_row,
                    vf *total) {
  const int per = 32 / bits;
  const vi mask = vi_set((1 << bits) - 1);
  const int64_t words = s->block / per;
  for (int64_t b = 0; b < s->blocks; b++) {
    const vf scale = vf_load(w), zero = vf_load(w + SX_VL);
    vf acc[MAX_ROWS]; /* row r: r, r + mr, ... */
    SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++) if (r >= mr) acc[r] = (vf){0};
    else acc[r] = -zero * vf_set(((const float *)(const void *)(x + r * x_row))[s->blocks * s->block + b]);
    w += 2 * SX_VL;
    for (int64_t k = b * s->block; k < b * s->block + words * per; k += per, w += SX_VL) {
      const vi q = vi_load((const int32_t *)(const void *)w);
      SX_UNROLL_FULL for (int j = 0; j < 16; j++) {
        if (j >= per) continue;
        const vf v = __builtin_convertvector((vi)((vu)q >> (uint32_t)(bits * j)) & mask, vf);
        SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++) if (r < mr) acc[r + j % CHAINS(mr) * mr] +=
            v * vf_set(((const float *)(const void *)(x + r * x_row))[k + j]);
      }
    }
    SX_UNROLL_FULL for (int r = 0; r < MAX_ROWS; r++) if (r < mr) total[r] +=
        (CHAINS(mr) == 4   ? (acc[r] + acc[r + mr]) + (acc[r + 2 * mr] + acc[r + 3 * mr])
         : CHAINS(mr) == 2 ? acc[r] + acc[r + mr]
                           : acc[r]) *
        scale;
  }
}

#include "ep/cpu/kernels/nbits/nbits_run.inc"

const sx_nbits_table SX_ISA_NAME(sx_nbits) = {.lanes = SX_VL, .row_bytes = row_bytes, .rows = rows, .run = run};
