// SPDX-License-Identifier: MIT
/* Gather along an axis: see gather.h. */
#include "ep/cpu/kernels/gather/gather.h"
#include <string.h>

/* The rows of one outer index; rows of a literal size become one load and store. */
typedef int64_t (*rows_fn)(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to);
#define ROWS(name, bytes)                                                                                             \
  static int64_t rows_##name(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to) { \
    for (int64_t i = from; i < to; i++, y += (bytes)) {                                                               \
      int64_t k = sx_index_at(idx, g->wide, i);                                                                       \
      k += k < 0 ? g->axis : 0;                                                                                       \
      if ((uint64_t)k >= (uint64_t)g->axis) return i;                                                                 \
      memcpy(y, x + k * (int64_t)(bytes), (bytes));                                                                   \
    }                                                                                                                 \
    return -1;                                                                                                        \
  }
ROWS(1, 1)
ROWS(2, 2) ROWS(4, 4) ROWS(8, 8) ROWS(16, 16) ROWS(any, g->inner)

    int64_t sx_gather_rows(const sx_gather *g, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  rows_fn rows = g->inner == 1    ? rows_1
                 : g->inner == 2  ? rows_2
                 : g->inner == 4  ? rows_4
                 : g->inner == 8  ? rows_8
                 : g->inner == 16 ? rows_16
                                  : rows_any;
  int64_t inner = (int64_t)g->inner;
  for (int64_t r = begin; r < end;) {
    int64_t o = r / g->count, i = r % g->count, to = g->count - i < end - r ? g->count : i + end - r;
    int64_t bad = rows(g, (const char *)x + o * g->axis * inner, idx, (char *)y + r * inner, i, to);
    if (bad >= 0) return bad;
    r += to - i;
  }
  return -1;
}
