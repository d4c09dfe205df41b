// SPDX-License-Identifier: MIT
/* The copy machine: n-dimensional copies between two strided tensors, for elements of 1, 2, 4, 8 or 16 bytes.
 *
 * Transpose, Slice, Expand, Concat, Split, Tile and their kin differ only in dimensions and strides. A plan merges dimensions,
 * widens elements, keeps the two innermost as a block and walks the rest; what a block does (runs, fills, tile transposes,
 * single elements) is chosen once. Any split into units writes the same bytes. */
#ifndef SX_EP_CPU_MOVE_H
#define SX_EP_CPU_MOVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"

enum { SX_MOVE_RANK = 32 };
typedef struct sx_move_dim { int64_t n, src, dst; } sx_move_dim; /* size; strides in elements, any sign, src 0 repeats */
typedef void (*sx_move_block)(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n);
typedef struct sx_move {
  uint32_t outer;          /* dimensions before the block's two */
  uint32_t elem;           /* bytes, after widening */
  bool rows_whole;         /* the block needs all of its first dimension */
  sx_move_dim d[SX_MOVE_RANK + 2]; /* strides in bytes */
  sx_move_block block;
  int64_t rows;            /* product of the outer dimensions */
  int64_t group;           /* rows of one unit, or 1 when blocks are cut: */
  int64_t cut_m, cut_n, pieces_m, pieces_n;
  int64_t units;
  double unit_ns;
} sx_move;

/* Plans a copy of elements of `elem` bytes over rank <= SX_MOVE_RANK dimensions, outermost of the destination first. */
void sx_move_plan(sx_move *m, sx_isa isa, uint32_t elem, uint32_t rank, const sx_move_dim *d);
/* Units [begin, end) of m->units; src and dst point to the element at coordinate 0. They do not overlap. */
void sx_move_run(const sx_move *m, const void *src, void *dst, int64_t begin, int64_t end);

/* Rows of n elements, dense in dst; in src they are `step` apart, 0 or more (0: the row's one is repeated), and rows row_step
 * apart. In elements of `elem` bytes. */
void sx_move_rows(sx_isa isa, uint32_t elem, void *dst, const void *src, int64_t rows, int64_t row_step, int64_t n, int64_t step);

/* n elements of `elem` bytes become copies of one. */
void sx_move_fill(void *dst, const void *value, uint32_t elem, int64_t n);

/* Packed elements of `bits` 2 or 4, to bytes (unsigned) and back, low bits first; the tail of the last byte becomes 0. */
void sx_unpack_bits(uint8_t *dst, const uint8_t *src, uint32_t bits, int64_t n);
void sx_pack_bits(uint8_t *dst, const uint8_t *src, uint32_t bits, int64_t n);

/* A row of `lead`, `middle` and `tail` blocks of `block` bytes: blocks [first, first + middle) of x between borders that repeat the
 * value, which fills `pattern`, or are blocks map[k] of x. x NULL: all of it is the value. */
typedef struct sx_pad_row_plan {
  int64_t lead, middle, tail, first;
  size_t block;
  uint32_t elem;
  const int64_t *map; /* of all blocks of the row, or NULL */
  char pattern[16];
} sx_pad_row_plan;
void sx_pad_row(const sx_pad_row_plan *p, const char *x, char *y);
#endif
