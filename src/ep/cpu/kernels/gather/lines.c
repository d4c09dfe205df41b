// SPDX-License-Identifier: MIT
/* GatherElements and ScatterElements, line by line along the axis: a line touches only its own part of the indexed tensor, so
 * lines may run anywhere, and duplicates within a line meet in the order of the indices. */
#include "ep/cpu/kernels/gather/gather.h"
#include <string.h>

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

static inline void copy_one(char *d, const char *s, uint32_t elem) {
  switch (elem) {
    case 1: memcpy(d, s, 1); break;
    case 2: memcpy(d, s, 2); break;
    case 4: memcpy(d, s, 4); break;
    case 8: memcpy(d, s, 8); break;
    default: memcpy(d, s, 16);
  }
}

int64_t sx_gather_elements(const sx_lines *l, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  int64_t n = l->dim[l->axis], step = index_stride(l), by = l->stride[l->axis] * l->elem;
  for (int64_t line = begin; line < end; line++) {
    int64_t from, at;
    line_offsets(l, line, &from, &at);
    const char *base = (const char *)x + from * l->elem;
    for (int64_t k = 0; k < n; k++, at += step) {
      int64_t i = sx_index_at(idx, l->wide, at);
      i += i < 0 ? l->n : 0;
      if ((uint64_t)i >= (uint64_t)l->n) return at;
      copy_one((char *)y + at * l->elem, base + i * by, l->elem);
    }
  }
  return -1;
}

int64_t sx_scatter_elements(const sx_lines *l, void *x, const void *idx, const void *u, sx_combine combine, int64_t begin, int64_t end) {
  int64_t n = l->dim[l->axis], step = index_stride(l), by = l->stride[l->axis] * l->elem;
  for (int64_t line = begin; line < end; line++) {
    int64_t to, at;
    line_offsets(l, line, &to, &at);
    char *base = (char *)x + to * l->elem;
    for (int64_t k = 0; k < n; k++, at += step) {
      int64_t i = sx_index_at(idx, l->wide, at);
      i += i < 0 ? l->n : 0;
      if ((uint64_t)i >= (uint64_t)l->n) return at;
      const char *v = (const char *)u + at * l->elem;
      if (combine) combine(base + i * by, v, 1);
      else copy_one(base + i * by, v, l->elem);
    }
  }
  return -1;
}
