// SPDX-License-Identifier: MIT
/* Running sums and products: see scan.h. Contiguous rows go in chunks along the axis, columns in blocks across it;
 * conversion at the edge of each. */
#include "ep/cpu/kernels/scan/scan_rows.h"
#include <string.h>
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "base/stop.h"
#include "base/status.h"

enum { PIECE = 224, ASK = 1 << 18 }; /* elements that a frame holds; of a line, between two questions whether to go on */

SX_ISA_DECLARE(sx_scan_rows, sx_scan_rows);

/* Sums of these types need no conversion. */
static const sx_scan_sum *native(const sx_scan *s, const void *x, const void *y) {
  static const uint8_t kind[SX_DTYPE_COUNT] = {
      [SX_F32] = SX_SCAN_F32 + 1, [SX_F64] = SX_SCAN_F64 + 1, [SX_I32] = SX_SCAN_I32 + 1,
      [SX_U32] = SX_SCAN_I32 + 1, [SX_I64] = SX_SCAN_I64 + 1, [SX_U64] = SX_SCAN_I64 + 1};
  if (s->product || !kind[s->type] || (((uintptr_t)x | (uintptr_t)y) & (s->elem - 1))) return NULL;
  return &SX_ISA_PICK(sx_scan_rows, s->isa)->sum[kind[s->type] - 1];
}

typedef union acc {
  double f;
  uint64_t i;
} acc;
static acc identity(const sx_scan *s) {
  bool is_float = sx_dtype_is_float(s->type);
  return is_float ? (acc){.f = s->product} : (acc){.i = s->product};
}
/* v becomes the running totals; a row carries its total in total[0], columns have one each. */
#define STEPS(name, T, f, OP)                                                                  \
  static void along_##name(acc *total, acc *v, int64_t n, bool reverse, bool exclusive) {      \
    T t = total->f;                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                          \
      acc *a = &v[reverse ? n - 1 - i : i];                                                    \
      T next = t OP a->f;                                                                      \
      a->f = exclusive ? t : next;                                                             \
      t = next;                                                                                \
    }                                                                                          \
    total->f = t;                                                                              \
  }                                                                                            \
  static void across_##name(acc *restrict total, acc *restrict v, int64_t n, bool exclusive) { \
    if (exclusive)                                                                             \
      for (int64_t i = 0; i < n; i++) {                                                        \
        T t = total[i].f;                                                                      \
        total[i].f = t OP v[i].f, v[i].f = t;                                                  \
      }                                                                                        \
    else                                                                                       \
      for (int64_t i = 0; i < n; i++) v[i].f = total[i].f = total[i].f OP v[i].f;              \
  }
STEPS(sum_f, double, f, +)
STEPS(product_f, double, f, *)
STEPS(sum_i, uint64_t, i, +)
STEPS(product_i, uint64_t, i, *)
static const struct {
  void (*along)(acc *, acc *, int64_t, bool, bool);
  void (*across)(acc *, acc *, int64_t, bool);
} steps[2][2] = {{{along_sum_i, across_sum_i}, {along_product_i, across_product_i}},
                 {{along_sum_f, across_sum_f}, {along_product_f, across_product_f}}};

static void row(const sx_scan *s, const char *x, char *y) {
  bool is_float = sx_dtype_is_float(s->type);
  sx_dtype by = is_float ? SX_F64 : SX_I64;
  acc v[PIECE], total = identity(s);
  double spent = 0;
  for (int64_t done = 0; done < s->n && !sx_stop_spent(&spent, PIECE * 3); done += PIECE) {
    int64_t n = s->n - done < PIECE ? s->n - done : PIECE, at = (s->reverse ? s->n - done - n : done) * s->elem;
    sx_cast_run(s->isa, s->type, by, 0, v, x + at, 0, n);
    steps[is_float][s->product].along(&total, v, n, s->reverse, s->exclusive);
    sx_cast_run(s->isa, by, s->type, SX_CAST_SATURATE, y + at, v, 0, n);
  }
}

/* n <= PIECE columns. */
static SX_OWN_FRAME void columns(const sx_scan *s, const char *x, char *y, int64_t n) {
  bool is_float = sx_dtype_is_float(s->type);
  sx_dtype by = is_float ? SX_F64 : SX_I64;
  acc v[PIECE], total[PIECE];
  for (int64_t i = 0; i < n; i++) total[i] = identity(s);
  double spent = 0;
  for (int64_t k = 0; k < s->n && !sx_stop_spent(&spent, (double)n * 3); k++) {
    int64_t at = (s->reverse ? s->n - 1 - k : k) * s->inner * s->elem;
    sx_cast_run(s->isa, s->type, by, 0, v, x + at, 0, n);
    steps[is_float][s->product].across(total, v, n, s->exclusive);
    sx_cast_run(s->isa, by, s->type, SX_CAST_SATURATE, y + at, v, 0, n);
  }
}

static int64_t blocks(const sx_scan *s) { return (s->inner + SX_SCAN_COLS - 1) / SX_SCAN_COLS; }
int64_t sx_scan_units(const sx_scan *s) { return s->n && s->inner ? s->outer * blocks(s) : 0; }

/* Native sums of one unit: a line, or n columns of a block. */
static void line_native(const sx_scan *s, const sx_scan_sum *sum, const char *x, char *y) {
  const int64_t step = s->reverse ? -1 : 1;
  uint64_t total = 0;
  for (int64_t r = 0; r < s->n && (!r || !sx_stopping()); r += ASK) {
    const int64_t at = r * step * (int64_t)s->elem;
    sum->along(x + at, y + at, &total, s->n - r < ASK ? s->n - r : ASK, step, s->exclusive);
  }
}
static SX_OWN_FRAME void columns_native(const sx_scan *s, const sx_scan_sum *sum, const char *x, char *y, int64_t n) {
  const int64_t row = n < 2 * PIECE ? n : 2 * PIECE, some = ASK / row & ~(int64_t)3, step = s->reverse ? -s->inner : s->inner;
  for (int64_t k = 0; k < n; k += row) {
    uint64_t total[2 * PIECE];
    memset(total, 0, (size_t)row * sizeof *total);
    for (int64_t r = 0; r < s->n && !sx_stopping(); r += some) {
      const int64_t at = (r * step + k) * (int64_t)s->elem, rows = s->n - r < some ? s->n - r : some;
      sum->across(x + at, y + at, total, rows, step, n - k < row ? n - k : row, s->exclusive);
    }
  }
}

void sx_scan_run(const sx_scan *s, const void *x, void *y, int64_t begin, int64_t end) {
  const sx_scan_sum *sum = native(s, x, y);
  int64_t o = begin / blocks(s), c = begin % blocks(s) * SX_SCAN_COLS;
  for (int64_t u = begin; u < end; u++) {
    const int64_t n = s->inner - c < SX_SCAN_COLS ? s->inner - c : SX_SCAN_COLS;
    const int64_t first = (o * s->n * s->inner + c) * s->elem, last = first + (s->n - 1) * s->inner * s->elem;
    const char *from = (const char *)x + (sum && s->reverse ? last : first);
    char *to = (char *)y + (sum && s->reverse ? last : first);
    if (s->inner == 1) {
      if (sum) line_native(s, sum, from, to);
      else row(s, from, to);
    } else if (sum) {
      columns_native(s, sum, from, to, n);
    } else {
      for (int64_t k = 0; k < n; k += PIECE)
        columns(s, from + k * s->elem, to + k * s->elem, n - k < PIECE ? n - k : PIECE);
    }
    if ((c += SX_SCAN_COLS) >= s->inner) o++, c = 0;
  }
}

void sx_range_run(sx_isa isa, sx_dtype type, void *y, const void *start, const void *delta, int64_t first, int64_t n) {
  const sx_scan_rows *t = SX_ISA_PICK(sx_scan_rows, isa);
  const bool is_float = sx_dtype_is_float(type);
  const sx_dtype by = is_float ? SX_F64 : SX_I64;
  acc from, step, v[PIECE];
  sx_cast_run(isa, type, by, 0, &from, start, 0, 1);
  sx_cast_run(isa, type, by, 0, &step, delta, 0, 1);
  for (int64_t i = 0; i < n; i += PIECE) {
    const int m = (int)(n - i < PIECE ? n - i : PIECE);
    char *to = (char *)y + (size_t)(first + i) * (sx_dtype_bits(type) / 8);
    const bool direct = (type == SX_F32 || type == by) && !((uintptr_t)to & (sx_dtype_bits(type) / 8 - 1));
    void *d = direct ? (void *)to : v;
    if (type == SX_F32 && direct)
      t->range_f32(d, from.f, step.f, first + i, m);
    else if (is_float)
      t->range_f64(d, from.f, step.f, first + i, m);
    else
      t->range_i64(d, from.i + (uint64_t)(first + i) * step.i, step.i, m);
    if (!direct) sx_cast_run(isa, by, type, SX_CAST_SATURATE, to, v, 0, m);
  }
}
