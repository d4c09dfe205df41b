// SPDX-License-Identifier: MIT
/* Col2Im, MaxUnpool, determinants. */
#include "base/stop.h"
#include "ep/cpu/kernels/vision/spread.h"
#include <stdbool.h>
#include <string.h>
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/vision/spread_tables.h"

SX_ISA_DECLARE(sx_spread_table, sx_spread);

/* Places [0, n) of the last axis from `first` on, `step` apart: the range of them inside [0, size). */
static void clip(int64_t first, int64_t step, int64_t n, int64_t size, int64_t *begin, int64_t *end) {
  *begin = first >= 0 ? 0 : (-first + step - 1) / step;
  *end = first >= size ? 0 : (size - first + step - 1) / step;
  if (*end > n) *end = n;
}
/* Rows of n elements that have `parts` numbers each. */
#define DEF_ADD(name, T, all, parts)                                                      \
  static void name(const sx_spread_table *t, const void *from, int64_t n, void *to, int64_t step) { \
    const T *x = from;                                                                    \
    T *y = to;                                                                            \
    if (step == 1) {                                                                      \
      t->all(y, x, n * parts);                                                            \
      return;                                                                             \
    }                                                                                     \
    for (int64_t i = 0; i < n; i++)                                                       \
      for (int k = 0; k < parts; k++) y[i * step * parts + k] += x[i * parts + k];        \
  }
DEF_ADD(plus_f32, float, add_f32, 1)
DEF_ADD(plus_f64, double, add_f64, 1)
DEF_ADD(plus_c64, float, add_f32, 2)
DEF_ADD(plus_c128, double, add_f64, 2)
/* Steps of 1 along the last axis: a row of the image is a sum of rows, where all of them reach, and of the ends of some. */
enum { ROWS = 64 };
static bool sums_rows(const sx_col2im *a, int64_t *left, int64_t *right) {
  const int last = a->axes - 1;
  const int64_t reach = (a->block[last] - 1) * a->dilation[last] - a->pad[last];
  int64_t rows = 1;
  for (int i = 0; i < a->axes; i++) rows = rows > ROWS ? rows : rows * a->block[i];
  *left = reach > 0 ? reach : 0;
  *right = a->blocks[last] - a->pad[last] < a->image[last] ? a->blocks[last] - a->pad[last] : a->image[last];
  return a->step[last] == 1 && rows <= ROWS && *right - *left > a->image[last] / 2;
}
static void image_row(const sx_spread_table *t, const sx_col2im *a, const float *cols, const int64_t *at, int64_t left, int64_t right, float *to) {
  const int last = a->axes - 1;
  const int64_t width = a->image[last];
  int64_t row[ROWS], first[ROWS], rows = 0, k[SX_COL2IM_AXES] = {0}, before = 0, all = 1; /* element u of row r: cols[row[r] + u] */
  for (int i = 0; i <= last; i++) all *= a->blocks[i];
  for (int i = last; i >= 0; before += all) {
    int64_t place = 0;
    bool inside = true;
    for (i = 0; i < last; i++) {
      const int64_t p = at[i] + a->pad[i] - k[i] * a->dilation[i];
      inside = inside && p >= 0 && p % a->step[i] == 0 && p / a->step[i] < a->blocks[i];
      place = place * a->blocks[i] + p / a->step[i];
    }
    if (inside) {
      first[rows] = k[last] * a->dilation[last] - a->pad[last];
      row[rows] = before + place * a->blocks[last] - first[rows];
      rows++;
    }
    for (i = last; i >= 0 && ++k[i] == a->block[i]; i--) k[i] = 0;
  }
  t->sum(to + left, cols + left, row, rows, right - left);
  for (int64_t u = 0; u < width; u++) {
    if (u == left) u = right;
    if (u == width) break;
    to[u] = 0;
    for (int64_t r = 0; r < rows; r++) to[u] += u >= first[r] && u < first[r] + a->blocks[last] ? cols[row[r] + u] : 0;
  }
}
static void image_rows(const sx_spread_table *t, const sx_col2im *a, const float *cols, int64_t left, int64_t right, float *image) {
  const int last = a->axes - 1;
  int64_t at[SX_COL2IM_AXES] = {0};
  double spent = 0, row_ns = (double)a->image[last];
  for (int i = 0; i <= last; i++) row_ns *= (double)a->block[i];
  for (int i = last; i >= 0 && !sx_stop_spent(&spent, row_ns); image += a->image[last]) {
    image_row(t, a, cols, at, left, right, image);
    for (i = last - 1; i >= 0 && ++at[i] == a->image[i]; i--) at[i] = 0;
  }
}

void sx_col2im_plane(sx_isa isa, const sx_col2im *a, sx_dtype type, const void *cols, void *image) {
  const int last = a->axes - 1;
  const size_t elem = sx_dtype_bits(type) / 8;
  int64_t left, right;
  if (type == SX_F32 && sums_rows(a, &left, &right)) {
    image_rows(SX_ISA_PICK(sx_spread, isa), a, cols, left, right, image);
    return;
  }
  const sx_spread_table *t = SX_ISA_PICK(sx_spread, isa);
  void (*add)(const sx_spread_table *, const void *, int64_t, void *, int64_t) =
      type == SX_F64 ? plus_f64 : type == SX_C64 ? plus_c64 : type == SX_C128 ? plus_c128 : plus_f32;
  int64_t size = 1, rows = 1, at[SX_COL2IM_AXES] = {0}, k[SX_COL2IM_AXES] = {0};
  for (int i = 0; i < a->axes; i++) size *= a->image[i], rows *= a->block[i] * (i < last ? a->blocks[i] : 1);
  memset(image, 0, (size_t)size * elem);
  const char *from = cols;
  double spent = 0;
  for (int64_t r = 0; r < rows && !sx_stop_spent(&spent, 20 + (double)a->blocks[last]); r++, from += (size_t)a->blocks[last] * elem) {
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
      add(t, from + (size_t)begin * elem, end - begin,
          (char *)image + (size_t)(place * a->image[last] + first + begin * a->step[last]) * elem, a->step[last]);
    int i = last - 1; /* the next row: blocks first, then the place in the block */
    for (; i >= 0 && ++at[i] == a->blocks[i]; i--) at[i] = 0;
    if (i >= 0) continue;
    for (i = last; i >= 0 && ++k[i] == a->block[i]; i--) k[i] = 0;
  }
}

enum { UNPOOL_PART = 1 << 15 };
int64_t sx_max_unpool(const void *x, const int64_t *index, int64_t count, uint32_t elem, int rank, const int64_t *inner,
                      const int64_t *outer, void *y) {
  int64_t size = 1;
  bool same = true; /* the numbers count the output itself */
  for (int i = 0; i < rank; i++) size *= inner[i], same &= inner[i] == outer[i];
  SX_STOP_PARTS(from, to, same && elem == 4 ? count : 0, UNPOOL_PART)
    for (int64_t e = from; e < to; e++) {
      if (index[e] < 0 || index[e] >= size) return e;
      memcpy((char *)y + index[e] * 4, (const char *)x + e * 4, 4);
    }
  if (same && elem == 4) return -1;
  for (int64_t e = 0; e < count; e++) {
    if (e % UNPOOL_PART == 0 && sx_stopping()) return -1;
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

int64_t sx_det_pitch(int64_t n) { return (n + 7) / 8 * 8; }
double sx_det(sx_isa isa, double *m, int64_t n) { return SX_ISA_PICK(sx_spread, isa)->det(m, n, sx_det_pitch(n)); }
