// SPDX-License-Identifier: MIT
/* Softmax and Hardmax over any axis: rows and column strips of f32 as they are, half types through an f32 copy, f64 in plain
 * loops. */
#include "ep/cpu/kernels/softmax/softmax.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "base/stop.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/softmax/softmax_tables.h"

enum { STRIP = 64, SHORT = 64, SHORT_ROWS = 64 }; /* columns per unit; elements of a short row, and how many make a unit */
SX_ISA_DECLARE(sx_softmax_table, sx_softmax);

static int64_t strips(const sx_softmax_args *a) { return a->inner == 1 ? 1 : (a->inner + STRIP - 1) / STRIP; }
static bool is_short(const sx_softmax_args *a) { return a->inner == 1 && a->n <= SHORT && !a->masked && a->type != SX_F64; }
int64_t sx_softmax_units(const sx_softmax_args *a) {
  if (a->n <= 0) return 0;
  return is_short(a) ? (a->outer + SHORT_ROWS - 1) / SHORT_ROWS : a->outer * strips(a);
}
size_t sx_softmax_scratch_bytes(const sx_softmax_args *a) {
  size_t floats = 0;
  if (is_short(a))
    floats = (size_t)a->n * SHORT_ROWS * (a->type == SX_F32 ? 1 : 2);
  else if (a->type != SX_F32 && a->type != SX_F64)
    floats = (size_t)a->n * (a->inner == 1 ? (a->masked ? 2 : 1) : STRIP);
  return floats ? sx_round_up(floats * sizeof(float), SX_ALIGN) + SX_ALIGN : 0;
}
double sx_softmax_unit_ns(const sx_softmax_args *a) {
  if (is_short(a)) return 20 + (double)(a->n * SHORT_ROWS) * 0.6;
  const int64_t columns = a->inner < STRIP ? a->inner : STRIP;
  return 20 + (double)(a->n * columns) * (a->type == SX_F64 ? 10 : a->type == SX_F32 ? 0.4 : 0.6);
}

static int64_t mask_row(const sx_softmax_args *a, int64_t r) {
  int64_t row = 0;
  for (int i = 0; i < 3; i++)
    if (a->mask_mul[i]) row += r / a->mask_div[i] % a->mask_mod[i] * a->mask_mul[i];
  return row;
}
static void one_f64(const sx_softmax_args *a, const double *x, double *y, const double *mask, int64_t stride) {
  const int64_t end = a->n * stride; /* copies: the stores might change the originals, for all the compiler knows */
  const double scale = (double)a->scale;
  const bool log_of = a->log;
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0, k = 0; i < end; i += stride, k++) {
    const double t = x[i] * scale + (mask ? mask[k] : 0);
    y[i] = t;
    max = t > max || t != t ? t : max;
  }
  for (int64_t i = 0; i < end; i += stride) {
    const double below = y[i] - max, e = exp(below);
    sum += e;
    y[i] = log_of ? below : e;
  }
  const double rest = log_of ? log(sum) : 0;
  for (int64_t i = 0; i < end; i += stride) y[i] = log_of ? y[i] - rest : y[i] / sum;
}

/* `rows` short rows from row `r`. */
static void run_short(const sx_softmax_args *a, const void *x, void *y, int64_t r, int64_t rows, float *scratch) {
  const sx_softmax_table *t = SX_ISA_PICK(sx_softmax, a->isa);
  const int64_t n = a->n;
  if (a->type == SX_F32) {
    t->short_rows((float *)y + r * n, (const float *)x + r * n, rows, n, a->scale, a->log, scratch);
    return;
  }
  float *copy = scratch + n * SHORT_ROWS;
  sx_convert_load(a->isa, a->type, copy, x, r * n, rows * n);
  t->short_rows(copy, copy, rows, n, a->scale, a->log, scratch);
  sx_convert_store(a->isa, a->type, 0, y, copy, r * n, rows * n);
}

void sx_softmax_run(const sx_softmax_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  const sx_softmax_table *t = SX_ISA_PICK(sx_softmax, a->isa);
  const int64_t per_row = strips(a), n = a->n;
  if (is_short(a)) {
    for (int64_t r = begin * SHORT_ROWS; r < end * SHORT_ROWS && r < a->outer; r += SHORT_ROWS)
      run_short(a, x, y, r, a->outer - r < SHORT_ROWS ? a->outer - r : SHORT_ROWS, scratch);
    return;
  }
  for (int64_t u = begin; u < end; u++) {
    const int64_t outer = u / per_row, c = u % per_row * STRIP, at = outer * n * a->inner + c;
    const int64_t m = a->inner - c < STRIP ? a->inner - c : STRIP;
    const int64_t mask_at = a->mask ? mask_row(a, outer) * n : 0;
    if (a->type == SX_F64) {
      const double *mask = a->mask ? (const double *)a->mask + mask_at : NULL;
      for (int64_t j = 0; j < m; j++) one_f64(a, (const double *)x + at + j, (double *)y + at + j, mask, a->inner);
    } else if (a->type == SX_F32) {
      const float *xs = (const float *)x + at;
      if (a->inner == 1) t->row((float *)y + at, xs, a->mask ? (const float *)a->mask + mask_at : NULL, a->scale, n, a->log);
      else t->columns((float *)y + at, xs, a->scale, n, a->inner, m, a->log);
    } else if (a->inner == 1) {
      float *row = scratch, *mask = NULL;
      sx_convert_load(a->isa, a->type, row, x, at, n);
      if (a->mask) sx_convert_load(a->isa, a->type, mask = row + n, a->mask, mask_at, n);
      t->row(row, row, mask, a->scale, n, a->log);
      sx_convert_store(a->isa, a->type, 0, y, row, at, n);
    } else {
      float *strip = scratch;
      for (int64_t r = 0; r < n; r++) sx_convert_load(a->isa, a->type, strip + r * m, x, at + r * a->inner, m);
      t->columns(strip, strip, a->scale, n, m, m, a->log);
      for (int64_t r = 0; r < n; r++) sx_convert_store(a->isa, a->type, 0, y, strip + r * m, at + r * a->inner, m);
    }
  }
}

/* Hardmax. A unit is about as many elements as a page. */
static int64_t hard_rows(const sx_softmax_args *a) { return a->inner > 1 || a->n >= 4096 ? 1 : 4096 / a->n; }
int64_t sx_hardmax_units(const sx_softmax_args *a) {
  return a->n <= 0 ? 0 : (a->outer + hard_rows(a) - 1) / hard_rows(a) * strips(a);
}
size_t sx_hardmax_scratch_bytes(const sx_softmax_args *a) {
  return a->type == SX_F32 || a->type == SX_F64 ? 0
                                                : (size_t)a->n * (a->inner == 1 ? 1 : STRIP) * sizeof(float) + SX_ALIGN;
}
double sx_hardmax_unit_ns(const sx_softmax_args *a) {
  return 20 + (double)a->n * (double)(a->inner == 1 ? hard_rows(a) : a->inner < STRIP ? a->inner : STRIP) * 0.5;
}
static int64_t first_max_f64(const double *x, int64_t n, int64_t stride) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[best * stride] == x[best * stride] && !(x[i * stride] <= x[best * stride])) best = i;
  return best;
}

/* `rows` rows of inner == 1 from row r; the strip of columns at c of outer row r. */
static void hard_rows_run(const sx_softmax_args *a, const void *x, void *y, int64_t r, int64_t rows, const void *one,
                          float *scratch) {
  const sx_softmax_table *t = SX_ISA_PICK(sx_softmax, a->isa);
  const int64_t n = a->n;
  const size_t elem = sx_dtype_bits(a->type) / 8;
  SX_STOP_PARTS(a, b, rows * n, 1 << 18) memset((char *)y + (size_t)(r * n + a) * elem, 0, (size_t)(b - a) * elem);
  if (rows * n > 1 << 18 && sx_stopping()) return;
  for (int64_t done = 0, some; done < rows; done += some) {
    const int64_t at = (r + done) * n;
    int64_t index[STRIP];
    some = a->type != SX_F32 ? 1 : rows - done < STRIP ? rows - done : STRIP;
    if (a->type == SX_F64)
      index[0] = first_max_f64((const double *)x + at, n, 1);
    else {
      if (a->type != SX_F32) sx_convert_load(a->isa, a->type, scratch, x, at, n);
      t->first_max_rows(a->type == SX_F32 ? (const float *)x + at : scratch, some, n, index);
    }
    for (int64_t i = 0; i < some; i++) memcpy((char *)y + (size_t)(at + i * n + index[i]) * elem, one, elem);
  }
}
static void hard_strip_run(const sx_softmax_args *a, const void *x, void *y, int64_t r, int64_t c, const void *one,
                           float *scratch) {
  const sx_softmax_table *t = SX_ISA_PICK(sx_softmax, a->isa);
  const int64_t n = a->n, at = r * n * a->inner + c, m = a->inner - c < STRIP ? a->inner - c : STRIP;
  const size_t elem = sx_dtype_bits(a->type) / 8;
  int32_t index[STRIP];
  if (a->type == SX_F32)
    t->first_max_columns((const float *)x + at, n, a->inner, m, index);
  else if (a->type != SX_F64) {
    for (int64_t k = 0; k < n; k++) sx_convert_load(a->isa, a->type, scratch + k * m, x, at + k * a->inner, m);
    t->first_max_columns(scratch, n, m, m, index);
  }
  double spent = 0;
  for (int64_t k = 0; k < n && !sx_stop_spent(&spent, 20); k++) memset((char *)y + (size_t)(at + k * a->inner) * elem, 0, (size_t)m * elem);
  for (int64_t j = 0; j < m; j++) {
    const int64_t best = a->type == SX_F64 ? first_max_f64((const double *)x + at + j, n, a->inner) : index[j];
    memcpy((char *)y + (size_t)(at + j + best * a->inner) * elem, one, elem);
  }
}

void sx_hardmax_run(const sx_softmax_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  const int64_t per_row = strips(a), rows = hard_rows(a);
  char one[8];
  sx_convert_store(a->isa, a->type, 0, one, a->type == SX_F64 ? (const void *)&(double){1} : &(float){1}, 0, 1);
  for (int64_t u = begin; u < end; u++) {
    const int64_t r = u / per_row * rows;
    if (a->inner == 1)
      hard_rows_run(a, x, y, r, a->outer - r < rows ? a->outer - r : rows, one, scratch);
    else
      hard_strip_run(a, x, y, r, u % per_row * STRIP, one, scratch);
  }
}
