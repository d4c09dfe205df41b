// SPDX-License-Identifier: MIT
/* Softmax over any axis: rows and column strips of f32 as they are, half types through an f32 copy, f64 in plain loops. */
#include "ep/cpu/kernels/softmax/softmax.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/softmax/softmax_tables.h"

enum { STRIP = 64 }; /* columns per unit */
SX_ISA_DECLARE(sx_softmax_table, sx_softmax);

static int64_t strips(const sx_softmax_args *a) { return a->inner == 1 ? 1 : (a->inner + STRIP - 1) / STRIP; }
int64_t sx_softmax_units(const sx_softmax_args *a) { return a->n > 0 ? a->outer * strips(a) : 0; }
size_t sx_softmax_scratch_bytes(const sx_softmax_args *a) {
  if (a->type == SX_F32 || a->type == SX_F64) return 0;
  const size_t floats = (size_t)a->n * (a->inner == 1 ? (a->mask ? 2 : 1) : STRIP);
  return sx_round_up(floats * sizeof(float), SX_ALIGN) + SX_ALIGN;
}
double sx_softmax_unit_ns(const sx_softmax_args *a) {
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
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < a->n; i++) {
    const double t = x[i * stride] * (double)a->scale + (mask ? mask[i] : 0);
    y[i * stride] = t;
    if (t > max || t != t) max = t;
  }
  for (int64_t i = 0; i < a->n; i++) {
    const double e = exp(y[i * stride] - max);
    sum += e;
    y[i * stride] = a->log ? y[i * stride] - max : e;
  }
  for (int64_t i = 0; i < a->n; i++) y[i * stride] = a->log ? y[i * stride] - log(sum) : y[i * stride] / sum;
}

void sx_softmax_run(const sx_softmax_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  const sx_softmax_table *t = SX_ISA_PICK(sx_softmax, a->isa);
  const int64_t per_row = strips(a), n = a->n;
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
