// SPDX-License-Identifier: MIT
/* GatherElements and ScatterElements. A line along the axis touches only its own part of the indexed tensor, so lines may run
 * anywhere, and side by side where they lie so; duplicates within a line meet in the order of the indices. */
#include "base/stop.h"
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

/* `n` runs of `run` indices, the next one `step` further on; `at` is the first. Index j of a run stands for element
 * (index * by + j * side) bytes after x. One line of the last axis is one run of it (side 0); of others, runs cross lines. Gives
 * the place of a bad index, or -1. */
typedef struct line {
  int64_t n, step, run, size, by, side;
} line;
#define RUN(I, away, ...)                                                                                     \
  for (int64_t j = 0; j < q.run; j++) {                                                                       \
    int64_t i = ((const I *)idx)[at + j];                                                                     \
    i += i < 0 ? q.size : 0;                                                                                  \
    if ((uint64_t)i >= (uint64_t)q.size) return at + j;                                                       \
    const int64_t place = (away);                                                                             \
    __VA_ARGS__;                                                                                              \
  }
#define WALK(S, I, ...)                                                                                       \
  const line q = *l; /* a copy that no store can reach */                                                     \
  if (S && q.n == 1 && !q.side && q.by == S) { /* a line of neighbours; S 0: not told apart */                \
    RUN(I, i * S, __VA_ARGS__)                                                                                \
    return -1;                                                                                                \
  }                                                                                                           \
  for (int64_t k = 0; k < q.n; k++, at += q.step) RUN(I, i * q.by + j * q.side, __VA_ARGS__)                  \
  return -1
#define LINES(S, T, I, w)                                                                                     \
  static int64_t gather_##S##w(const line *l, const char *x, const void *idx, char *y, int64_t at) {          \
    WALK(S, I, ((e_##S *)y)[at + j] = *(const e_##S *)(x + place));                                           \
  }                                                                                                           \
  static int64_t scatter_##S##w(const line *l, char *x, const void *idx, const char *u, int64_t at) {         \
    WALK(S, I, *(e_##S *)(x + place) = ((const e_##S *)u)[at + j]);                                           \
  }
#define SIZE(S, T)                                        \
  typedef T e_##S __attribute__((aligned(1), may_alias)); \
  LINES(S, T, int32_t, _narrow) LINES(S, T, int64_t, _wide)
typedef uint64_t pair __attribute__((vector_size(16)));
SIZE(1, uint8_t) SIZE(2, uint16_t) SIZE(4, uint32_t) SIZE(8, uint64_t) SIZE(16, pair)
#define ROW(S) \
  { {gather_##S##_narrow, gather_##S##_wide}, {scatter_##S##_narrow, scatter_##S##_wide} }
static const struct {
  int64_t (*gather[2])(const line *, const char *, const void *, char *, int64_t);
  int64_t (*scatter[2])(const line *, char *, const void *, const char *, int64_t);
} by_size[] = {ROW(1), ROW(2), ROW(4), ROW(8), ROW(16)};
static int log2_of(uint32_t elem) { return elem == 1 ? 0 : elem == 2 ? 1 : elem == 4 ? 2 : elem == 8 ? 3 : 4; }

/* Lines from i on, as many as lie side by side before `end`; at: their first index; from: their offset in the tensor. */
static int64_t lines_at(const sx_lines *l, int64_t i, int64_t end, line *q, int64_t *from, int64_t *at) {
  line_offsets(l, i, from, at);
  const int64_t size = l->dim[l->axis], by = l->stride[l->axis] * l->elem;
  if (l->axis == l->rank - 1) {
    *q = (line){.n = 1, .run = size, .size = l->n, .by = by};
    return 1;
  }
  const int64_t last = l->dim[l->rank - 1], left = last - i % last, run = left < end - i ? left : end - i;
  *q = (line){.n = size, .step = index_stride(l), .run = run, .size = l->n, .by = by, .side = l->elem};
  return run;
}

/* Indices [from, to) of one run, or so many of several runs: a part between two questions whether to go on. Moves x by what lies
 * before, and *at to its first index. */
enum { ASK = 1 << 16 };
static int64_t cuts_of(const line *q) { return q->n == 1 ? q->run : q->n; }
static int64_t cut_size(const line *q) { return q->n == 1 ? ASK : 1 + ASK / q->run; }
static line cut(const line *q, int64_t from, int64_t to, int64_t *x, int64_t *at) {
  line part = *q;
  if (q->n == 1) part.run = to - from, *x += from * q->side, *at += from;
  else part.n = to - from, *at += from * q->step;
  return part;
}

int64_t sx_gather_elements(const sx_lines *l, const void *x, const void *idx, void *y, int64_t begin, int64_t end) {
  line q;
  for (int64_t i = begin, from, at, bad; i < end;) {
    i += lines_at(l, i, end, &q, &from, &at);
    SX_STOP_PARTS(a, b, cuts_of(&q), cut_size(&q)) {
      int64_t base = from * l->elem, first = at;
      const line part = cut(&q, a, b, &base, &first);
      bad = by_size[log2_of(l->elem)].gather[l->wide](&part, (const char *)x + base, idx, y, first);
      if (bad >= 0) return bad;
    }
  }
  return -1;
}

static int64_t combine_lines(const line *l, char *x, const void *idx, bool wide, const char *u, uint32_t elem, sx_combine combine,
                             int64_t at) {
  if (wide) {
    WALK(0, int64_t, combine(x + place, u + (at + j) * elem, 1));
  }
  WALK(0, int32_t, combine(x + place, u + (at + j) * elem, 1));
}

int64_t sx_scatter_elements(const sx_lines *l, void *x, const void *idx, const void *u, sx_combine combine, int64_t begin,
                            int64_t end) {
  line q;
  for (int64_t i = begin, to, at, bad; i < end;) {
    i += lines_at(l, i, end, &q, &to, &at);
    SX_STOP_PARTS(a, b, cuts_of(&q), cut_size(&q)) {
      int64_t base = to * l->elem, first = at;
      const line part = cut(&q, a, b, &base, &first);
      bad = combine ? combine_lines(&part, (char *)x + base, idx, l->wide, u, l->elem, combine, first)
                    : by_size[log2_of(l->elem)].scatter[l->wide](&part, (char *)x + base, idx, u, first);
      if (bad >= 0) return bad;
    }
  }
  return -1;
}
