// SPDX-License-Identifier: MIT
/* Products with weights of 2, 4 or 8 bits, one scale and zero point for each block of a column: Y[m][n] = sum over k of
 * X[m][k] (q[n][k] - zero[n][b]) scale[n][b], b = k / block.
 *
 * Either exact in f32 (products and sums; the weights are widened in registers), or, where the table has it, with rows of X
 * quantised to 8 bits per block and integer dot products. X is first laid out by sx_nbits_table.rows; columns are cut into
 * panels of one vector. */
#ifndef SX_NBITS_H
#define SX_NBITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"

typedef struct sx_nbits {
  int64_t K, N, block, blocks; /* blocks = ceil(K / block); block a multiple of 16 */
  int bits;                    /* 2, 4, 8 */
} sx_nbits;

typedef struct sx_nbits_weights {
  const uint8_t *q;      /* [N][blocks][block * bits / 8], low bits first */
  const float *scale;    /* [N][blocks] */
  const float *zero_f32; /* [N][blocks], or */
  const uint8_t *zero;   /* [N][ceil(blocks * bits / 8)], packed; both NULL: 2^(bits - 1) */
} sx_nbits_weights;

typedef struct sx_nbits_table {
  int lanes; /* columns of a panel */
  int64_t (*row_bytes)(const sx_nbits *s);
  /* One row of X, K floats, into `row` (row_bytes). */
  void (*rows)(const sx_nbits *s, const float *x, void *row);
  /* Panels [begin, end) for `rows` rows that lie row_bytes apart; y[r * N + n], bias[n] or NULL. */
  void (*run)(const sx_nbits *s, const void *packed, const void *x, int64_t rows, const float *bias, float *y,
              int64_t begin, int64_t end);
} sx_nbits_table;
/* int8: X may be quantised. */
const sx_nbits_table *sx_nbits_table_for(const sx_cpu *cpu, bool int8);

int64_t sx_nbits_panels(const sx_nbits_table *t, int64_t N);
/* False when it does not fit. */
bool sx_nbits_packed_bytes(const sx_nbits_table *t, const sx_nbits *s, size_t *bytes);
/* The same packing for all tables of equal `lanes`: [panel][block]{scale[lanes], zero[lanes], words[block * bits /
 * 32][lanes]}. */
void sx_nbits_pack(const sx_nbits_table *t, const sx_nbits *s, const sx_nbits_weights *w, void *packed, int64_t begin,
                   int64_t end);

extern const sx_nbits_table sx_nbits__base, sx_nbits__avx2, sx_nbits__avx512, sx_nbits_int8__avx512vnni;
#endif
