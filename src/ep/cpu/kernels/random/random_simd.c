// SPDX-License-Identifier: MIT
/* Many blocks of Philox 4x32-10 side by side, and uniform numbers of them: all exact, so that every level makes the same bits. */
#include "ep/cpu/kernels/random/random_tables.h"
#include "ep/cpu/vec.h"

/* Written out: the loop over blocks, not that over rounds, becomes vectors. */
#define ROUND                                                                               \
  {                                                                                         \
    const uint64_t a = (uint64_t)c0 * 0xd2511f53u, b = (uint64_t)c2 * 0xcd9e8d57u;          \
    c0 = (uint32_t)(b >> 32) ^ c1 ^ k0, c1 = (uint32_t)b;                                   \
    c2 = (uint32_t)(a >> 32) ^ c3 ^ k1, c3 = (uint32_t)a;                                   \
    k0 += 0x9e3779b9u, k1 += 0xbb67ae85u;                                                   \
  }
static void blocks(uint64_t key, uint64_t counter, int n, uint32_t *restrict out) {
  const uint32_t low = (uint32_t)counter, high = (uint32_t)(counter >> 32);
  for (int j = 0; j < n; j++) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = low + (uint32_t)j, c1 = high + (c0 < low), c2 = 0, c3 = 0;
    ROUND ROUND ROUND ROUND ROUND ROUND ROUND ROUND ROUND ROUND
    out[4 * j] = c0, out[4 * j + 1] = c1, out[4 * j + 2] = c2, out[4 * j + 3] = c3;
  }
}

static void uniform_f32(const uint32_t *w, int bits, int n, float *restrict y) {
  const float unit = 1 / (float)((uint64_t)1 << bits);
  for (int i = 0; i < n; i++) y[i] = (float)(w[i] >> (32 - bits)) * unit;
}
static void uniform_f64(const uint32_t *w, int n, double *restrict y) {
  for (int i = 0; i < n; i++)
    y[i] = ((double)(int32_t)(w[2 * i] >> 5) * 67108864.0 + (double)(int32_t)(w[2 * i + 1] >> 6)) * 0x1p-53;
}

const sx_random_table SX_ISA_NAME(sx_random) = {blocks, uniform_f32, uniform_f64};
