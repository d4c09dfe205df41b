// SPDX-License-Identifier: MIT
/* The geometry that float and integer register tiles share: how many rows, their list, and how rows of A are addressed.
 * A tile is rows x 2 vectors; every height from 1 to MR is a function of its own, so that no row is computed in vain. Types that
 * are rare have FEW_ROWS heights, to be short, and put the others together. */
#ifndef SX_GEMM_TILE_H
#define SX_GEMM_TILE_H
#include "base/stop.h"
#include "ep/cpu/vec.h"

#if SX_VBYTES == 64
#define MR 14
#define FEW_ROWS(X, nv) X(1, nv) X(2, nv) X(4, nv) X(8, nv) X(14, nv)
#define ROWS(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv) X(9, nv) X(10, nv) X(11, nv) \
  X(12, nv) X(13, nv) X(14, nv)
#elif SX_VBYTES == 32
#define MR 6
#define FEW_ROWS(X, nv) X(1, nv) X(2, nv) X(4, nv) X(6, nv)
#define ROWS(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv)
#elif defined(__aarch64__)
#define MR 8
#define FEW_ROWS(X, nv) X(1, nv) X(2, nv) X(4, nv) X(8, nv)
#define ROWS(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#else
#define MR 4
#define FEW_ROWS(X, nv) X(1, nv) X(2, nv) X(4, nv)
#define ROWS(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv)
#endif

#define UNROLL SX_UNROLL_FULL
/* Row i of A lies at a[at[i].base] + at[i].times * a_row: four pointers and the scaled addressing of x86 (1, 2, 4, 8)
 * reach fourteen rows without a register for each. */
static const struct { int base, times; } at[14] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {0, 4}, {2, 0}, {2, 1},
                                                   {2, 2}, {0, 8}, {2, 4}, {3, 0}, {1, 8}, {3, 2}, {2, 8}};

/* Loops whose trip count is never 1: clang 14 would keep the sums in memory. */
#define ROWS_OF(i, mr) UNROLL for (int i = 0; i < MR; i++) if (i < mr)
#define COLS_OF(j, nv) UNROLL for (int j = 0; j < 2; j++) if (j < nv)
#endif
