// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide, indexed by log2 of the element's bytes, and by columns - 2. */
#ifndef SX_MOVE_BLOCKS_H
#define SX_MOVE_BLOCKS_H
#include "ep/cpu/kernels/move/move.h"

typedef struct sx_move_blocks {
  sx_move_block each[5];   /* any strides */
  sx_move_block fill[5];   /* n: src 0, dst dense */
  sx_move_block tile[4];   /* m: src dense; n: dst dense */
  sx_move_block zip[4][3], unzip[4][3]; /* tiles with n->n, or m->n, of 2 to 4, dense on both sides of the narrow one */
  sx_move_block every[4][3]; /* n: src 2 to 4 elements, dst dense */
} sx_move_blocks;
extern const sx_move_blocks sx_move_blocks__base, sx_move_blocks__avx2;
#endif
