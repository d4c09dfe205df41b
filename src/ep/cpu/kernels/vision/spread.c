// SPDX-License-Identifier: MIT
/* Col2Im, MaxUnpool, determinants. */
#include "ep/cpu/kernels/vision/spread.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Places [0, n) of the last axis from `first` on, `step` apart: the range of them inside [0, size). */
static void clip(int64_t first, int64_t step, int64_t n, int64_t size, int64_t *begin, int64_t *end) {
  *begin = first >= 0 ? 0 : (-first + step - 1) / step;
  *end = first >= size ? 0 : (size - first + step - 1) / step;
  if (*end > n) *end = n;
}
/* Rows of n elements that have `parts` numbers each. */
#define DEF_ADD(name, T, parts)                                                  \
  static void name(const void *from, int64_t n, void *to, int64_t step) {        \
    const T *restrict x = from;                                                  \
    T *restrict y = to;                                                                  \
    if (step == 1) {                                                             \
      for (int64_t i = 0; i < n * parts; i++) y[i] += x[i];                      \
      return;                                                                    \
    }                                                                            \
    for (int64_t i = 0; i < n; i++)                                              \
      for (int k = 0; k < parts; k++) y[i * step * parts + k] += x[i * parts + k]; \
  }
DEF_ADD(add_f32, float, 1)
DEF_ADD(add_f64, double, 1)
DEF_ADD(add_c64, float, 2)
DEF_ADD(add_c128, double, 2)
void sx_col2im_plane(const sx_col2im *a, sx_dtype type, const void *cols, void *image) {
  const int last = a->axes - 1;
  const size_t elem = sx_dtype_bits(type) / 8;
  void (*add)(const void *, int64_t, void *, int64_t) =
      type == SX_F64 ? add_f64 : type == SX_C64 ? add_c64 : type == SX_C128 ? add_c128 : add_f32;
  int64_t size = 1, rows = 1, at[SX_COL2IM_AXES] = {0}, k[SX_COL2IM_AXES] = {0};
  for (int i = 0; i < a->axes; i++) size *= a->image[i], rows *= a->block[i] * (i < last ? a->blocks[i] : 1);
  memset(image, 0, (size_t)size * elem);
  const char *from = cols;
  for (int64_t r = 0; r < rows; r++, from += (size_t)a->blocks[last] * elem) {
    int64_t place = 0;
    bool inside = true;
    for (int i = 0; i < last; i++) {
      const int64_t p = at[i] * a->step[i] - a->pad[i] + k[i] * a->dilation[i];
      inside = inside && p >= 0 && p < a->image[i];
      place = place * a->image[i] + p;
    }
    const int64_t first = k[last] * a->dilation[last] - a->pad[last];
    int64_t begin, end;
    clip(first, a->step[last], a->blocks[last], a->image[last], &begin, &end);
    if (inside && begin < end)
      add(from + (size_t)begin * elem, end - begin,
          (char *)image + (size_t)(place * a->image[last] + first + begin * a->step[last]) * elem, a->step[last]);
    int i = last - 1; /* the next row: blocks first, then the place in the block */
    for (; i >= 0 && ++at[i] == a->blocks[i]; i--) at[i] = 0;
    if (i >= 0) continue;
    for (i = last; i >= 0 && ++k[i] == a->block[i]; i--) k[i] = 0;
  }
}

int64_t sx_max_unpool(const void *x, const int64_t *index, int64_t count, uint32_t elem, int rank, const int64_t *inner,
                      const int64_t *outer, void *y) {
  int64_t size = 1;
  bool same = true; /* the numbers count the output itself */
  for (int i = 0; i < rank; i++) size *= inner[i], same &= inner[i] == outer[i];
  for (int64_t e = 0; e < count && same && elem == 4; e++) {
    if (index[e] < 0 || index[e] >= size) return e;
    memcpy((char *)y + index[e] * 4, (const char *)x + e * 4, 4);
  }
  if (same && elem == 4) return -1;
  for (int64_t e = 0; e < count; e++) {
    if (index[e] < 0 || index[e] >= size) return e;
    int64_t rest = index[e], to = 0, step = 1;
    for (int i = rank; i-- > 0; rest /= inner[i], step *= outer[i]) {
      if (rest % inner[i] >= outer[i]) return e;
      to += rest % inner[i] * step;
    }
    memcpy((char *)y + (size_t)to * elem, (const char *)x + (size_t)e * elem, elem);
  }
  return -1;
}

double sx_det(double *m, int64_t n) {
  double det = 1;
  for (int64_t k = 0; k < n; k++) {
    int64_t p = k;
    for (int64_t i = k + 1; i < n; i++)
      if (fabs(m[i * n + k]) > fabs(m[p * n + k]) || isnan(m[i * n + k])) p = i;
    const double pivot = m[p * n + k];
    if (pivot == 0) return 0;
    for (int64_t j = k; j < n && p != k; j++) {
      const double t = m[p * n + j];
      m[p * n + j] = m[k * n + j], m[k * n + j] = t;
    }
    det *= p == k ? pivot : -pivot;
    for (int64_t i = k + 1; i < n; i++) {
      const double f = m[i * n + k] / pivot;
      for (int64_t j = k + 1; j < n; j++) m[i * n + j] -= f * m[k * n + j];
    }
  }
  return det;
}
