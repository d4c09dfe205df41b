// SPDX-License-Identifier: MIT
/* Gather along an axis: see gather.h. */
#include "ep/cpu/kernels/gather/gather.h"
#include <string.h>

/* The rows of one outer index; rows of a literal size become one load and store. I: the type of the indices; KNOWN: none is
 * negative or too large. */
typedef int64_t (*rows_fn)(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to);
#define ROWS(name, bytes, I, KNOWN)                                                                                   \
  static int64_t rows_##name(const sx_gather *g, const char *x, const void *idx, char *y, int64_t from, int64_t to) { \
    const int64_t axis = g->axis;                                                                                     \
    _Pragma("GCC unroll 4") for (int64_t i = from; i < to; i++, y += (bytes)) {                                       \
      int64_t k = ((const I *)idx)[i];                                                                                \
      if (!KNOWN) k += k < 0 ? axis : 0;                                                                              \
      if (!KNOWN && (uint64_t)k >= (uint64_t)axis) return i;                                                          \
      memcpy(y, x + k * (int64_t)(bytes), (bytes));                                                                   \
    }                                                                                                                 \
    return -1;                                                                                                        \
  }
#define ALL(name, bytes)                                                            \
  ROWS(name##_narrow, bytes, int32_t, 0) ROWS(name##_wide, bytes, int64_t, 0)       \
  ROWS(name##_narrow_known, bytes, int32_t, 1) ROWS(name##_wide_known, bytes, int64_t, 1)
ALL(1, 1)
ALL(2, 2) ALL(4, 4) ALL(8, 8) ALL(16, 16) ALL(any, g->inner)

#define FOUR(name) \
  { {rows_##name##_narrow, rows_##name##_wide}, {rows_##name##_narrow_known, rows_##name##_wide_known} }
static bool none_negative(const sx_gather *g, const void *idx) {
  int64_t all = 0;
  for (int64_t i = 0; i < g->count; i++) all |= sx_index_at(idx, g->wide, i);
  return all >= 0;
}
int64_t sx_gather_rows(const sx_gather *g, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  static const rows_fn by_size[6][2][2] = {FOUR(1), FOUR(2), FOUR(4), FOUR(8), FOUR(16), FOUR(any)};
  const bool power = g->inner && g->inner <= 16 && !(g->inner & (g->inner - 1));
  const int size = power ? __builtin_ctz((unsigned)g->inner) : 5;
  bool asked = false, known = false;
  int64_t inner = (int64_t)g->inner;
  if (begin >= end) return -1;
  int64_t i = begin % g->count;
  const char *from = (const char *)x + begin / g->count * g->axis * inner;
  for (int64_t r = begin; r < end; from += g->axis * inner, i = 0) {
    const int64_t to = g->count - i < end - r ? g->count : i + end - r;
    const int64_t bad = by_size[size][known][g->wide](g, from, idx, (char *)y + r * inner, i, to);
    if (bad >= 0) return bad;
    if (!asked && i == 0 && to == g->count) asked = true, known = none_negative(g, idx);
    r += to - i;
  }
  return -1;
}
