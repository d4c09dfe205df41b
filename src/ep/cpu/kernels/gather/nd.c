// SPDX-License-Identifier: MIT
/* GatherND and ScatterND: tuples become offsets, a block of them at a time, and slices of a literal size become one load and
 * store. */
#include <string.h>
#include "base/stop.h"
#include "ep/cpu/kernels/gather/gather.h"

enum { BLOCK = 256, TUPLE_NS = 8 };

/* Offsets of n tuples of `depth`, a literal where it is inlined; the number of a bad index, or -1. */
static inline __attribute__((always_inline)) int64_t offsets(const sx_nd *q, const int64_t *tuple, int64_t n, int64_t depth, int64_t *at) {
  for (int64_t t = 0; t < n; t++, tuple += depth) {
    int64_t sum = 0;
    for (int64_t k = 0; k < depth; k++) {
      const int64_t i = tuple[k] + (tuple[k] < 0 ? q->dim[k] : 0);
      if ((uint64_t)i >= (uint64_t)q->dim[k]) return t * depth + k;
      sum += i * q->stride[k];
    }
    at[t] = sum;
  }
  return -1;
}
static int64_t offsets_of(const sx_nd *q, const int64_t *tuple, int64_t n, int64_t *at) {
  switch (q->depth) {
    case 1: return offsets(q, tuple, n, 1, at);
    case 2: return offsets(q, tuple, n, 2, at);
    case 3: return offsets(q, tuple, n, 3, at);
    default: return offsets(q, tuple, n, q->depth, at);
  }
}
/* Dense slices at `d` from, or to, those at x. */
#define COPY(bytes)                                                                          \
  for (int64_t t = 0; t < n; t++)                                                            \
    if (gather)                                                                              \
      memcpy(dense + t * (int64_t)(bytes), x + at[t], (bytes));                              \
    else                                                                                     \
      memcpy(x + at[t], dense + t * (int64_t)(bytes), (bytes));                              \
  break
static inline __attribute__((always_inline)) void copy(bool gather, char *dense, char *x, const int64_t *at, int64_t n, size_t bytes) {
  switch (bytes) {
    case 1: COPY(1);
    case 2: COPY(2);
    case 4: COPY(4);
    case 8: COPY(8);
    case 16: COPY(16);
    default: COPY(bytes);
  }
}

int64_t sx_gather_nd(const sx_nd *q, const void *x, const int64_t *tuples, void *y, int64_t n) {
  int64_t at[BLOCK];
  double spent = 0;
  for (int64_t t = 0; t < n && !sx_stop_spent(&spent, BLOCK * (TUPLE_NS + (double)q->bytes * 0.1)); t += BLOCK) {
    const int64_t m = n - t < BLOCK ? n - t : BLOCK, bad = offsets_of(q, tuples + t * q->depth, m, at);
    if (bad >= 0) return t * q->depth + bad;
    copy(true, (char *)y + (size_t)t * q->bytes, (char *)(uintptr_t)x, at, m, q->bytes);
  }
  return -1;
}
int64_t sx_scatter_nd(const sx_nd *q, void *x, const int64_t *tuples, const void *u, int64_t n, size_t from, size_t part,
                      uint32_t elem, sx_combine combine) {
  int64_t at[BLOCK];
  double spent = 0;
  for (int64_t t = 0; t < n && !sx_stop_spent(&spent, BLOCK * (TUPLE_NS + (double)part * 0.1)); t += BLOCK) {
    const int64_t m = n - t < BLOCK ? n - t : BLOCK, bad = offsets_of(q, tuples + t * q->depth, m, at);
    if (bad >= 0) return t * q->depth + bad;
    const char *s = (const char *)u + (size_t)t * q->bytes + from;
    char *d = (char *)x + from;
    if (!combine && part == q->bytes)
      copy(false, (char *)(uintptr_t)s, d, at, m, part);
    else if (combine)
      for (int64_t k = 0; k < m; k++) combine(d + at[k], s + (size_t)k * q->bytes, (int64_t)(part / elem));
    else
      for (int64_t k = 0; k < m; k++) memcpy(d + at[k], s + (size_t)k * q->bytes, part);
  }
  return -1;
}
