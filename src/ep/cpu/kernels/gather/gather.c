// SPDX-License-Identifier: MIT
/* Gather along an axis: see gather.h. */
#include "ep/cpu/kernels/gather/gather.h"
#include <string.h>

/* The rows of one outer index; rows of a literal size become one load and store. I: the type of the indices. */
typedef int64_t (*rows_fn)(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to);
#define ROWS(name, bytes, I)                                                                                          \
  static int64_t rows_##name(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to) { \
    const int64_t axis = g->axis;                                                                                     \
    _Pragma("GCC unroll 4") for (int64_t i = from; i < to; i++, y += (bytes)) {                                                               \
      int64_t k = ((const I *)idx)[i];                                                                                \
      k += k < 0 ? axis : 0;                                                                                          \
      if ((uint64_t)k >= (uint64_t)axis) return i;                                                                    \
      memcpy(y, x + k * (int64_t)(bytes), (bytes));                                                                   \
    }                                                                                                                 \
    return -1;                                                                                                        \
  }
#define BOTH(name, bytes) ROWS(name##_narrow, bytes, int32_t) ROWS(name##_wide, bytes, int64_t)
BOTH(1, 1)
BOTH(2, 2) BOTH(4, 4) BOTH(8, 8) BOTH(16, 16) BOTH(any, g->inner)

#define PAIR(name) \
  { rows_##name##_narrow, rows_##name##_wide }
    int64_t sx_gather_rows(const sx_gather *g, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  static const rows_fn by_size[6][2] = {PAIR(1), PAIR(2), PAIR(4), PAIR(8), PAIR(16), PAIR(any)};
  const bool power = g->inner && g->inner <= 16 && !(g->inner & (g->inner - 1));
  const rows_fn rows = by_size[power ? __builtin_ctz((unsigned)g->inner) : 5][g->wide];
  int64_t inner = (int64_t)g->inner;
  for (int64_t r = begin; r < end;) {
    int64_t o = r / g->count, i = r % g->count, to = g->count - i < end - r ? g->count : i + end - r;
    int64_t bad = rows(g, (const char *)x + o * g->axis * inner, idx, (char *)y + r * inner, i, to);
    if (bad >= 0) return bad;
    r += to - i;
  }
  return -1;
}
