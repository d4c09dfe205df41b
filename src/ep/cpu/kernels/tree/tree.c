// SPDX-License-Identifier: MIT
/* Walking forests, in floats with nodes of 8 bytes or in doubles with nodes of 16. */
#include "ep/cpu/kernels/tree/tree.h"
#include <math.h>
#include <string.h>

enum { LANES = 8 };

static bool sx_tree_has(const sx_tree_set *s, double v) {
  if (v >= 0 && v < 64 && v == floor(v)) return s->small >> (int)v & 1;
  uint32_t lo = 0, hi = s->n;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (s->sorted[mid] == v) return true;
    if (s->sorted[mid] < v)
      lo = mid + 1;
    else
      hi = mid;
  }
  return false;
}

#define REAL    float
#define NODE    sx_tree_node32
#define LINK    uint32_t
#define NUMBER  0x3FFFFFu
#define T(name) name##_f32
#include "ep/cpu/kernels/tree/tree_walk.inc"
#undef REAL
#undef NODE
#undef LINK
#undef NUMBER
#undef T
#define REAL    double
#define NODE    sx_tree_node64
#define LINK    uint64_t
#define NUMBER  0xFFFFFFFFu
#define T(name) name##_f64
#include "ep/cpu/kernels/tree/tree_walk.inc"

void sx_forest_run(const sx_forest *f, const void *x, int64_t stride, int64_t n, uint32_t from, uint32_t to, void *score,
                   uint8_t *seen) {
  if (f->wide)
    run_f64(f, x, stride, n, from, to, score, f->flags ? seen : NULL);
  else
    run_f32(f, x, stride, n, from, to, score, f->flags ? seen : NULL);
}
void sx_forest_clear(const sx_forest *f, int64_t n, void *score, uint8_t *seen) {
  if (f->wide)
    clear_f64(f, n, score);
  else
    clear_f32(f, n, score);
  if (f->flags) memset(seen, 0, (size_t)(n * f->n_targets));
}
void sx_forest_merge(const sx_forest *f, int64_t n, void *score, uint8_t *seen, const void *more,
                     const uint8_t *more_seen) {
  if (f->wide)
    merge_f64(f, n, score, more);
  else
    merge_f32(f, n, score, more);
  for (int64_t i = 0; f->flags && i < n * f->n_targets; i++) seen[i] |= more_seen[i];
}
