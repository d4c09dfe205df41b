// SPDX-License-Identifier: MIT
/* The normalisations: rows and groups of f32 as they are, half types through f32 copies. f64 is in norm_f64.c. */
#include "ep/cpu/kernels/norm/norm.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "base/stop.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/norm/norm_f64.h"
#include "ep/cpu/kernels/norm/norm_tables.h"

SX_ISA_DECLARE(sx_norm_table, sx_norm);
enum { LRN_STRIP = 256 };

static size_t bytes_of(int64_t elements, size_t size) { return sx_round_up((size_t)elements * size, SX_ALIGN) + SX_ALIGN; }
/* n elements from element `first` as f32: in place, or copied to `copy`. */
static const float *floats(sx_isa isa, sx_dtype type, const void *x, int64_t first, int64_t n, float *copy) {
  if (!x || type == SX_F32) return x ? (const float *)x + first : NULL;
  sx_convert_load(isa, type, copy, x, first, n);
  return copy;
}

/* The table's functions over rows of any length, in parts between which a run may be stopped. */
enum { ASK = 1 << 18 };
static double sum_of(const sx_norm_table *t, const float *x, int64_t n) {
  double sum = 0;
  SX_STOP_PARTS(a, b, n, ASK) sum += t->sum(x + a, b - a);
  return sum;
}
static double sum_square_of(const sx_norm_table *t, const float *x, float mean, int64_t n) {
  double sum = 0;
  SX_STOP_PARTS(a, b, n, ASK) sum += t->sum_square(x + a, mean, b - a);
  return sum;
}

/* Scratch: x, skip or sum, gamma, beta, bias; n each. */
size_t sx_row_norm_scratch_bytes(const sx_row_norm_args *a) {
  return bytes_of(a->n * (a->type == SX_F32 || a->type == SX_F64 ? 1 : 5), a->type == SX_F64 ? 8 : 4);
}
void sx_row_norm_run(const sx_row_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  if (a->type == SX_F64) {
    sx_row_norm_f64(a, x, y, begin, end, scratch);
    return;
  }
  const sx_norm_table *t = SX_ISA_PICK(sx_norm, a->isa);
  const int64_t n = a->n;
  const bool f32 = a->type == SX_F32;
  float *work = scratch;
  const float *gamma = floats(a->isa, a->type, a->gamma, 0, n, work + 2 * n);
  const float *beta = floats(a->isa, a->type, a->beta, 0, n, work + 3 * n);
  const float *bias = floats(a->isa, a->type, a->bias, 0, n, work + 4 * n);
  if (f32 && n > 0 && n <= t->short_row && !a->skip && !a->bias && !a->sum) {
    t->short_rows((float *)y + begin * n, (const float *)x + begin * n, gamma, beta, a->gamma_plus_one, a->rms,
                  (double)a->epsilon, end - begin, n, a->mean ? a->mean + begin : NULL,
                  a->inv_std ? a->inv_std + begin : NULL);
    return;
  }
  for (int64_t r = begin; r < end; r++) {
    const float *row = floats(a->isa, a->type, x, r * n, n, work);
    if (a->skip || a->bias) {
      const int64_t skip_row = a->skip_rows ? r % a->skip_rows : r;
      const float *skip = floats(a->isa, a->type, a->skip, skip_row * n, n, work + n);
      float *sum = f32 && a->sum ? (float *)a->sum + r * n : work;
      t->add(sum, row, skip, bias, n);
      row = sum;
    }
    if (a->sum && row != (const float *)a->sum + r * n) sx_convert_store(a->isa, a->type, 0, a->sum, row, r * n, n);
    const float mean = a->rms ? 0.f : (float)(sum_of(t, row, n) / (double)n);
    const float inv = (float)(1 / sqrt(sum_square_of(t, row, mean, n) / (double)n + (double)a->epsilon));
    float *out = f32 ? (float *)y + r * n : work;
    SX_STOP_PARTS(i, j, n, ASK)
      t->normalize(out + i, row + i, mean, inv, gamma ? gamma + i : NULL, beta ? beta + i : NULL, a->gamma_plus_one, j - i);
    if (!f32) sx_convert_store(a->isa, a->type, 0, y, out, r * n, n);
    if (a->mean) a->mean[r] = mean;
    if (a->inv_std) a->inv_std[r] = inv;
  }
}

/* A group's runs of contiguous elements: (C / groups) channels of HW, or HW positions of C / groups. */
typedef struct group { int64_t base, runs, run, step; } group;
static group group_of(const sx_group_norm_args *a, int64_t unit) {
  const int64_t per = a->C / a->groups, n = unit / a->groups, g = unit % a->groups;
  if (a->channels_last) return (group){n * a->C * a->HW + g * per, a->HW, per, a->C};
  return (group){(n * a->C + g * per) * a->HW, per, a->HW, a->HW};
}
size_t sx_group_norm_scratch_bytes(const sx_group_norm_args *a) {
  const int64_t per = a->C / (a->groups ? a->groups : 1), run = a->channels_last ? per : a->HW;
  if (a->type == SX_F64) return 0;
  return bytes_of(run + 2 * per, sizeof(float));
}
void sx_group_norm_run(const sx_group_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  if (a->type == SX_F64) {
    sx_group_norm_f64(a, x, y, begin, end);
    return;
  }
  const sx_norm_table *t = SX_ISA_PICK(sx_norm, a->isa);
  const int64_t per = a->C / a->groups;
  const bool f32 = a->type == SX_F32;
  float *scale = scratch, *shift = scale + per, *copy = shift + per;
  for (int64_t u = begin; u < end; u++) {
    const group g = group_of(a, u);
    const double count = (double)g.runs * (double)g.run;
    double sum = 0, square = 0;
    const bool whole = f32 && g.step == g.run;
    if (whole) sum = sum_of(t, (const float *)x + g.base, g.runs * g.run);
    else
      for (int64_t r = 0; r < g.runs; r++) sum += sum_of(t, floats(a->isa, a->type, x, g.base + r * g.step, g.run, copy), g.run);
    const float mean = (float)(sum / count);
    if (whole) square = sum_square_of(t, (const float *)x + g.base, mean, g.runs * g.run);
    else
      for (int64_t r = 0; r < g.runs; r++)
        square += sum_square_of(t, floats(a->isa, a->type, x, g.base + r * g.step, g.run, copy), mean, g.run);
    const float inv = (float)(1 / sqrt(square / count + (double)a->epsilon));
    const int64_t channel = u % a->groups * per;
    if (a->gamma) sx_convert_load(a->isa, a->type, scale, a->gamma, channel, per);
    if (a->beta) sx_convert_load(a->isa, a->type, shift, a->beta, channel, per);
    for (int64_t c = 0; c < per; c++) {
      scale[c] = a->gamma ? scale[c] * inv : inv;
      if (!a->beta) shift[c] = 0;
    }
    double spent = 0;
    for (int64_t r = 0; r < g.runs && !sx_stop_spent(&spent, (double)g.run * 0.1); r++) {
      const int64_t at = g.base + r * g.step;
      const float *in = floats(a->isa, a->type, x, at, g.run, copy);
      float *out = f32 ? (float *)y + at : copy;
      if (!a->channels_last) {
        SX_STOP_PARTS(i, j, g.run, ASK) t->scale_shift(out + i, in + i, mean, scale[r], shift[r], a->silu, j - i);
      } else {
        t->normalize(out, in, mean, 1, scale, shift, false, g.run);
        if (a->silu) t->scale_shift(out, out, 0, 1, 0, true, g.run);
      }
      if (!f32) sx_convert_store(a->isa, a->type, 0, y, out, at, g.run);
    }
  }
}

static int64_t lrn_strips(const sx_lrn_args *a) { return (a->HW + LRN_STRIP - 1) / LRN_STRIP; }
int64_t sx_lrn_units(const sx_lrn_args *a) { return a->N * lrn_strips(a); }
size_t sx_lrn_scratch_bytes(const sx_lrn_args *a) { return a->type == SX_F64 ? 0 : bytes_of(3 * LRN_STRIP, sizeof(float)); }
void sx_lrn_run(const sx_lrn_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  if (a->type == SX_F64) {
    sx_lrn_f64(a, LRN_STRIP, x, y, begin, end);
    return;
  }
  const sx_norm_table *t = SX_ISA_PICK(sx_norm, a->isa);
  float *sum = scratch, *copy = sum + LRN_STRIP, *out = copy + LRN_STRIP;
  const int64_t before = (a->size - 1) / 2, after = a->size - 1 - before;
  for (int64_t u = begin; u < end; u++) {
    const int64_t at = u % lrn_strips(a) * LRN_STRIP, n = a->HW - at < LRN_STRIP ? a->HW - at : LRN_STRIP;
    const int64_t image = u / lrn_strips(a) * a->C * a->HW + at;
    for (int64_t c = 0; c < a->C; c++) {
      memset(sum, 0, (size_t)n * sizeof *sum);
      const int64_t last = c + after < a->C - 1 ? c + after : a->C - 1;
      for (int64_t k = c > before ? c - before : 0; k <= last; k++) {
        const float *v = floats(a->isa, a->type, x, image + k * a->HW, n, copy);
        for (int64_t i = 0; i < n; i++) sum[i] += v[i] * v[i];
      }
      const float *in = floats(a->isa, a->type, x, image + c * a->HW, n, copy);
      t->lrn(out, in, sum, a->alpha / (float)a->size, a->beta, a->bias, n);
      sx_convert_store(a->isa, a->type, 0, y, out, image + c * a->HW, n);
    }
  }
}

enum { LP_STRIP = 64 };
size_t sx_lp_norm_scratch_bytes(const sx_lp_norm_args *a) { return bytes_of(LP_STRIP * 3, sizeof(double)); }
void sx_lp_norm_run(const sx_lp_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  if (a->type == SX_F32) {
    const sx_norm_table *t = SX_ISA_PICK(sx_norm, a->isa);
    for (int64_t o = begin; o < end; o++) {
      const float *from = (const float *)x + o * a->n * a->inner;
      float *to = (float *)y + o * a->n * a->inner;
      if (a->inner == 1) t->lp_row(to, from, a->p, a->n);
      else t->lp_columns(to, from, a->p, a->n, a->inner, a->inner);
    }
    return;
  }
  const sx_ew_class cls = sx_ew_class_of(a->type);
  double *norm = scratch, *v = norm + LP_STRIP, *raw = v + LP_STRIP;
  const int64_t strip = a->inner == 1 ? 1 : LP_STRIP, pieces = a->inner == 1 ? (a->n + LP_STRIP - 1) / LP_STRIP : a->n;
  for (int64_t o = begin; o < end; o++)
    for (int64_t c = 0; c < a->inner; c += strip) {
      /* a piece is a row of columns, or a part of the one row */
      const int64_t m = a->inner - c < strip ? a->inner - c : strip, base = o * a->n * a->inner + c;
      memset(norm, 0, sizeof *norm * LP_STRIP);
      double spent = 0;
      for (int pass = 0; pass < 2; pass++)
        for (int64_t r = 0; r < pieces && !sx_stop_spent(&spent, LP_STRIP * 3); r++) {
          const int64_t at = a->inner == 1 ? base + r * LP_STRIP : base + r * a->inner;
          const int64_t k = a->inner == 1 ? (a->n - r * LP_STRIP < LP_STRIP ? a->n - r * LP_STRIP : LP_STRIP) : m;
          sx_convert_load(a->isa, a->type, raw, x, at, k);
          sx_convert_cast(a->isa, cls, SX_F64, v, raw, k);
          for (int64_t i = 0; i < k; i++) {
            double *s = &norm[a->inner == 1 ? 0 : i];
            if (pass) v[i] = *s != 0 ? v[i] / (a->p == 2 ? sqrt(*s) : *s) : 0;
            else *s += a->p == 2 ? v[i] * v[i] : fabs(v[i]);
          }
          if (!pass) continue;
          sx_convert_cast(a->isa, SX_EW_F64, a->type, raw, v, k);
          sx_convert_store(a->isa, a->type, 0, y, raw, at, k);
        }
    }
}
