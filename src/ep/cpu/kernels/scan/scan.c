// SPDX-License-Identifier: MIT
/* Running sums and products: see scan.h. Contiguous rows go in chunks along the axis, columns in blocks across it;
 * conversion at the edge of each. */
#include "ep/cpu/kernels/scan/scan_rows.h"
#include "ep/cpu/kernels/convert/convert.h"

static const sx_scan_rows *rows_at(sx_isa isa) {
  static const sx_scan_rows *const tables[] = {
      &sx_scan_rows__base,
#ifdef SX_HAVE_avx2
      [SX_ISA_AVX2] = &sx_scan_rows__avx2,
#endif
#ifdef SX_HAVE_avx512
      [SX_ISA_AVX512] = &sx_scan_rows__avx512,
#endif
  };
  return tables[(size_t)isa < sizeof tables / sizeof *tables ? isa : 0];
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
  acc v[SX_SCAN_COLS], total = identity(s);
  for (int64_t done = 0; done < s->n; done += SX_SCAN_COLS) {
    int64_t n = s->n - done < SX_SCAN_COLS ? s->n - done : SX_SCAN_COLS,
            at = (s->reverse ? s->n - done - n : done) * s->elem;
    sx_cast_run(s->isa, s->type, by, 0, v, x + at, 0, n);
    steps[is_float][s->product].along(&total, v, n, s->reverse, s->exclusive);
    sx_cast_run(s->isa, by, s->type, SX_CAST_SATURATE, y + at, v, 0, n);
  }
}

static void columns(const sx_scan *s, const char *x, char *y, int64_t n) {
  bool is_float = sx_dtype_is_float(s->type);
  sx_dtype by = is_float ? SX_F64 : SX_I64;
  const sx_scan_rows *rows = rows_at(s->isa);
  acc v[SX_SCAN_COLS], total[SX_SCAN_COLS];
  for (int64_t i = 0; i < n; i++) total[i] = identity(s);
  for (int64_t k = 0; k < s->n; k++) {
    int64_t at = (s->reverse ? s->n - 1 - k : k) * s->inner * s->elem;
    if (s->type == SX_F32 && !s->product) {
      rows->sum_f32((const float *)(x + at), (float *)(y + at), &total->f, n, s->exclusive);
      continue;
    }
    sx_cast_run(s->isa, s->type, by, 0, v, x + at, 0, n);
    steps[is_float][s->product].across(total, v, n, s->exclusive);
    sx_cast_run(s->isa, by, s->type, SX_CAST_SATURATE, y + at, v, 0, n);
  }
}

static int64_t blocks(const sx_scan *s) { return (s->inner + SX_SCAN_COLS - 1) / SX_SCAN_COLS; }
int64_t sx_scan_units(const sx_scan *s) { return s->n && s->inner ? s->outer * blocks(s) : 0; }

void sx_scan_run(const sx_scan *s, const void *x, void *y, int64_t begin, int64_t end) {
  for (int64_t u = begin; u < end; u++) {
    int64_t o = u / blocks(s), c = u % blocks(s) * SX_SCAN_COLS, at = (o * s->n * s->inner + c) * s->elem;
    if (s->inner == 1)
      row(s, (const char *)x + at, (char *)y + at);
    else
      columns(s, (const char *)x + at, (char *)y + at, s->inner - c < SX_SCAN_COLS ? s->inner - c : SX_SCAN_COLS);
  }
}
