// SPDX-License-Identifier: MIT
/* GatherElements and ScatterElements, line by line along the axis: a line touches only its own part of the indexed tensor,
 * so lines may run anywhere, and duplicates within a line meet in the order of the indices. */
#include "ep/cpu/kernels/gather/gather.h"

int64_t sx_lines_count(const sx_lines *l) {
  int64_t n = 1;
  for (int i = 0; i < l->rank; i++) n *= i == l->axis ? 1 : l->dim[i];
  return n;
}

/* Offsets, in elements, of line `at` in both tensors. */
static void line_offsets(const sx_lines *l, int64_t at, int64_t *indexed, int64_t *index) {
  int64_t s = 1;
  *indexed = *index = 0;
  for (int i = l->rank; i-- > 0; s *= l->dim[i]) {
    if (i == l->axis) continue;
    int64_t k = at % l->dim[i];
    at /= l->dim[i];
    *indexed += k * l->stride[i], *index += k * s;
  }
}
static int64_t index_stride(const sx_lines *l) {
  int64_t s = 1;
  for (int i = l->axis + 1; i < l->rank; i++) s *= l->dim[i];
  return s;
}

/* One line: n indices from idx + at * step, elements `by` bytes apart. Returns the k of a bad index, or -1. */
typedef struct line {
  int64_t n, size, by, step;
} line;
#define LINES(S, T)                                                                                           \
  typedef T e_##S __attribute__((aligned(1), may_alias));                                                     \
  static int64_t gather_##S(const line *l, const char *x, const void *idx, bool wide, char *y, int64_t at) {  \
    for (int64_t k = 0; k < l->n; k++, at += l->step) {                                                       \
      int64_t i = sx_index_at(idx, wide, at);                                                                 \
      i += i < 0 ? l->size : 0;                                                                               \
      if ((uint64_t)i >= (uint64_t)l->size) return at;                                                        \
      ((e_##S *)y)[at] = *(const e_##S *)(x + i * l->by);                                                     \
    }                                                                                                         \
    return -1;                                                                                                \
  }                                                                                                           \
  static int64_t scatter_##S(const line *l, char *x, const void *idx, bool wide, const char *u, int64_t at) { \
    for (int64_t k = 0; k < l->n; k++, at += l->step) {                                                       \
      int64_t i = sx_index_at(idx, wide, at);                                                                 \
      i += i < 0 ? l->size : 0;                                                                               \
      if ((uint64_t)i >= (uint64_t)l->size) return at;                                                        \
      *(e_##S *)(x + i * l->by) = ((const e_##S *)u)[at];                                                     \
    }                                                                                                         \
    return -1;                                                                                                \
  }
typedef uint64_t pair __attribute__((vector_size(16)));
LINES(1, uint8_t) LINES(2, uint16_t) LINES(4, uint32_t) LINES(8, uint64_t) LINES(16, pair)
static const struct {
  int64_t (*gather)(const line *, const char *, const void *, bool, char *, int64_t);
  int64_t (*scatter)(const line *, char *, const void *, bool, const char *, int64_t);
} by_size[] = {
    {gather_1, scatter_1}, {gather_2, scatter_2}, {gather_4, scatter_4}, {gather_8, scatter_8}, {gather_16, scatter_16}};
static int log2_of(uint32_t elem) { return elem == 1 ? 0 : elem == 2 ? 1 : elem == 4 ? 2 : elem == 8 ? 3 : 4; }
static line line_of(const sx_lines *l) {
  return (line){l->dim[l->axis], l->n, l->stride[l->axis] * l->elem, index_stride(l)};
}

int64_t sx_gather_elements(const sx_lines *l, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  line q = line_of(l);
  for (int64_t i = begin; i < end; i++) {
    int64_t from, at;
    line_offsets(l, i, &from, &at);
    int64_t bad = by_size[log2_of(l->elem)].gather(&q, (const char *)x + from * l->elem, idx, l->wide, y, at);
    if (bad >= 0) return bad;
  }
  return -1;
}

static int64_t combine_line(const line *l, char *x, const void *idx, bool wide, const char *u, uint32_t elem,
                            sx_combine combine, int64_t at) {
  for (int64_t k = 0; k < l->n; k++, at += l->step) {
    int64_t i = sx_index_at(idx, wide, at);
    i += i < 0 ? l->size : 0;
    if ((uint64_t)i >= (uint64_t)l->size) return at;
    combine(x + i * l->by, u + at * elem, 1);
  }
  return -1;
}

int64_t sx_scatter_elements(const sx_lines *l, void *x, const void *idx, const void *u, sx_combine combine, int64_t begin,
                            int64_t end) {
  line q = line_of(l);
  for (int64_t i = begin; i < end; i++) {
    int64_t to, at;
    line_offsets(l, i, &to, &at);
    char *base = (char *)x + to * l->elem;
    int64_t bad = combine ? combine_line(&q, base, idx, l->wide, u, l->elem, combine, at)
                          : by_size[log2_of(l->elem)].scatter(&q, base, idx, l->wide, u, at);
    if (bad >= 0) return bad;
  }
  return -1;
}
