// SPDX-License-Identifier: MIT
/* The tables of the ISA levels, and neighbours, which are moved by size. */
#include <string.h>
#include "ep/cpu/kernels/resize/resize.h"

extern const sx_resize_table sx_resize__base;
#if SX_HAVE_avx2
extern const sx_resize_table sx_resize__avx2;
#endif
#if SX_HAVE_avx512
extern const sx_resize_table sx_resize__avx512;
#endif
const sx_resize_table *sx_resize(sx_isa isa) {
  static const sx_resize_table *const tables[] = {
    [SX_ISA_BASE] = &sx_resize__base,
#if SX_HAVE_avx2
    [SX_ISA_AVX2] = &sx_resize__avx2,
#endif
#if SX_HAVE_avx512
    [SX_ISA_AVX512] = &sx_resize__avx512,
#endif
  };
  return tables[isa];
}

enum { AHEAD = 1024 }; /* bytes of the next row that are asked for */

/* n results from the at-th on, of one outer row `from`. */
static void pick(const sx_resize_table *table, const sx_taps *t, int64_t at, int64_t n, const char *from, char *to,
                 size_t elem) {
  const int32_t *index = t->index + at;
  if (elem <= 8 && !(elem & (elem - 1)))
    table->pick(index, t->doubled && !at, from, to, n, elem);
  else
    for (int64_t k = 0; k < n; k++) memcpy(to + (size_t)k * elem, from + (size_t)index[k] * elem, elem);
}
/* No division per result: they may be single elements. */
void sx_resize_neighbours(const sx_resize_table *table, const sx_taps *t, const char *x, char *y, size_t elem,
                          int64_t begin, int64_t end) {
  for (int64_t r = begin, n; r < end; r += n) {
    const int64_t o = r / t->n_out, j = r % t->n_out;
    n = t->n_out - j < end - r ? t->n_out - j : end - r;
    pick(table, t, j, n, x + (size_t)(o * t->n_in) * elem, y + (size_t)r * elem, elem);
  }
}
static int64_t row_of(const sx_taps *rows, int64_t r) { return r / rows->n_out * rows->n_in + rows->index[r % rows->n_out]; }
/* A row of results is picked from the input, or is the row before it again. */
void sx_resize_plane(const sx_resize_table *table, const sx_taps *columns, const sx_taps *rows, const char *x, char *y,
                     size_t elem, int64_t begin, int64_t end) {
  const size_t x_row = (size_t)columns->n_in * elem, y_row = (size_t)columns->n_out * elem;
  int64_t before = -1;
  y += (size_t)begin * y_row;
  if (begin >= end) return;
  for (int64_t r = begin, row = row_of(rows, r), next; r < end; r++, y += y_row, row = next) {
    next = r + 1 < end ? row_of(rows, r + 1) : row;
    for (size_t k = 0; next > row + 1 && k < x_row && k < AHEAD; k += 64) /* the processor does not see the gap coming */
      __builtin_prefetch(x + (size_t)next * x_row + k);
    if (row == before)
      memcpy(y, y - y_row, y_row);
    else
      pick(table, columns, 0, columns->n_out, x + (size_t)row * x_row, y, elem);
    before = row;
  }
}
