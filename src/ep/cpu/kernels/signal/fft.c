// SPDX-License-Identifier: MIT
/* Plans of Fourier transforms, and rows of tensors in and out of them. */
#include "ep/cpu/kernels/signal/fft.h"
#include <math.h>
#include <string.h>
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/signal/fft_tables.h"

SX_ISA_DECLARE(sx_fft_table, sx_fft);
enum { ROOT_NS = 40, LANES_ROOM = 1 << 16 }; /* elements of one buffer with all lanes, above which rows go one by one */

static const double TURN = 6.283185307179586476925;
static void set(const void *table, sx_dtype type, int64_t i, double v) {
  if (type == SX_F64) ((double *)table)[i] = v;
  else ((float *)table)[i] = (float)v;
}
/* exp(-2 pi i k / n) into element i of (re, im). */
static void set_root(const void *re, const void *im, sx_dtype type, int64_t i, int64_t k, int64_t n) {
  double angle = TURN * (double)(k % n) / (double)n;
  set(re, type, i, cos(angle)), set(im, type, i, -sin(angle));
}
static sx_status pair(const void *p[2], sx_dtype type, int64_t n, sx_arena *a, sx_err *e) {
  for (int i = 0; i < 2; i++)
    if (!(p[i] = sx_arena_array(a, (size_t)n, type == SX_F64 ? sizeof(double) : sizeof(float)))) SX_NO_MEMORY(e);
  return SX_OK;
}

/* The stages of n, or what is left of it when its primes are too large. */
static int64_t split(sx_fft *f, int64_t n) {
  static const int radices[] = {4, 2, 3, 5, 7, 11, 13};
  int64_t s = 1, factors = 0;
  for (int i = 0; i < 7; i++)
    for (int r = radices[i]; n % r == 0; s *= r) {
      n /= r;
      f->stages[f->n_stages++] = (sx_fft_stage){r, n, s, factors};
    }
  for (int i = 0; i < f->n_stages; i++) { /* m counted what later stages had left over */
    f->stages[i].m = s / f->stages[i].s / f->stages[i].radix;
    f->stages[i].factors = factors;
    factors += f->stages[i].m * (f->stages[i].radix - 1) + f->stages[i].radix;
  }
  return n;
}
static sx_status factors(sx_fft *f, sx_arena *a, sx_err *e) {
  const void *t[2];
  int64_t count = 1;
  for (int i = 0; i < f->n_stages; i++) count += f->stages[i].m * (f->stages[i].radix - 1) + f->stages[i].radix;
  SX_TRY(pair(t, f->type, count, a, e));
  double spent = 0;
  for (int i = 0; i < f->n_stages; i++) {
    const sx_fft_stage *g = &f->stages[i];
    int64_t at = g->factors, n = g->m * g->radix;
    for (int64_t p = 0; p < g->m; p++) {
      SX_TRY(sx_stop_due(&spent, g->radix * ROOT_NS, e));
      for (int j = 1; j < g->radix; j++, at++) set_root(t[0], t[1], f->type, at, p * j, n);
    }
    for (int k = 0; k < g->radix; k++, at++) {
      set_root(t[0], t[1], f->type, at, k, g->radix);
      set(t[1], f->type, at, sin(TURN * k / g->radix));
    }
  }
  f->cos = t[0], f->sin = t[1];
  return SX_OK;
}
static sx_status bluestein(sx_fft *f, sx_isa isa, sx_arena *a, sx_err *e) {
  sx_fft *inner = SX_NEW(a, sx_fft);
  const void *re[2], *im[2];
  if (!inner) SX_NO_MEMORY(e);
  for (f->room = 1; f->room < 2 * f->n - 1;) f->room *= 2;
  SX_TRY(sx_fft_init(inner, isa, f->type, f->room, a, e));
  SX_TRY(pair(f->chirp, f->type, f->n, a, e));
  SX_TRY(pair(re, f->type, f->room, a, e)); /* zero, as arenas are */
  SX_TRY(pair(im, f->type, f->room, a, e));
  double spent = 0;
  for (int64_t j = 0; j < f->n; j++) {
    SX_TRY(sx_stop_due(&spent, ROOT_NS, e));
    uint64_t square = (uint64_t)j * (uint64_t)j % (2 * (uint64_t)f->n);
    double c = cos(TURN / 2 * (double)square / (double)f->n), s = sin(TURN / 2 * (double)square / (double)f->n);
    set(f->chirp[0], f->type, j, c), set(f->chirp[1], f->type, j, -s);
    for (int mirror = 0; mirror < (j ? 2 : 1); mirror++) { /* the division by the inner length is taken along */
      int64_t at = mirror ? f->room - j : j;
      set(re[0], f->type, at, c / (double)f->room), set(im[0], f->type, at, s / (double)f->room);
    }
  }
  const sx_fft_table *t = SX_ISA_PICK(sx_fft, isa);
  (f->type == SX_F64 ? t->one_f64 : t->one_f32)(inner, (void **)re, (void **)im);
  SX_TRY(sx_stop_settle(e));
  f->filter[0] = re[0], f->filter[1] = im[0], f->inner = inner;
  return SX_OK;
}
sx_status sx_fft_init(sx_fft *f, sx_isa isa, sx_dtype type, int64_t n, sx_arena *a, sx_err *e) {
  *f = (sx_fft){.type = type, .n = n, .room = n};
  if (n > INT64_MAX / 64) SX_FAIL(e, FAIL, "a transform of length %lld is too long", (long long)n);
  if (split(f, n) == 1) return factors(f, a, e);
  f->n_stages = 0;
  return bluestein(f, isa, a, e);
}

static bool by_halves(const sx_dft *d) { return d->half[0] != NULL; }
sx_status sx_dft_init(sx_dft *d, sx_arena *a, sx_err *e) {
  const sx_fft_table *t = SX_ISA_PICK(sx_fft, d->isa);
  d->half[0] = d->half[1] = NULL;
  if (!d->in_complex && !d->inverse && d->n % 2 == 0) {
    SX_TRY(pair(d->half, d->type, d->n / 2 + 1, a, e));
    double spent = 0;
    for (int64_t k = 0; k <= d->n / 2; k++) {
      SX_TRY(sx_stop_due(&spent, ROOT_NS, e));
      set_root(d->half[0], d->half[1], d->type, k, k, d->n);
    }
  }
  SX_TRY(sx_fft_init(&d->fft, d->isa, d->type, by_halves(d) ? d->n / 2 : d->n, a, e));
  d->lanes = d->type == SX_F64 ? t->lanes_f64 : t->lanes_f32;
  if (d->rows < d->lanes / 2 || d->fft.room > LANES_ROOM / d->lanes) d->lanes = 1;
  return SX_OK;
}
int64_t sx_dft_units(const sx_dft *d) { return (d->rows + d->lanes - 1) / d->lanes; }
double sx_dft_unit_ns(const sx_dft *d) {
  double n = (double)d->fft.room;
  return 20 + n * d->lanes * (2 + log2(n + 1) * (d->fft.inner ? 0.6 : 0.3));
}
static size_t elem(const sx_dft *d) { return d->type == SX_F64 ? sizeof(double) : sizeof(float); }
static size_t buffer_bytes(const sx_dft *d) { return sx_round_up((size_t)d->fft.room * (size_t)d->lanes * elem(d), SX_ALIGN); }
size_t sx_dft_scratch_bytes(const sx_dft *d) { return 4 * buffer_bytes(d); }

#define T float
#define N(name) name##_f32
#include "ep/cpu/kernels/signal/fft_rows.inc"
#define T double
#define N(name) name##_f64
#include "ep/cpu/kernels/signal/fft_rows.inc"

void sx_dft_run(const sx_dft *d, const void *x, void *y, int64_t begin, int64_t end, void *scratch) {
  const sx_fft_table *t = SX_ISA_PICK(sx_fft, d->isa);
  sx_fft_run run = d->type == SX_F64 ? d->lanes > 1 ? t->wide_f64 : t->one_f64 : d->lanes > 1 ? t->wide_f32 : t->one_f32;
  size_t bytes = buffer_bytes(d);
  for (int64_t u = begin; u < end; u++) {
    void *re[2] = {scratch, (char *)scratch + bytes}, *im[2] = {(char *)scratch + 2 * bytes, (char *)scratch + 3 * bytes};
    if (d->type == SX_F64) load_f64(d, x, u, re[0], im[0]);
    else load_f32(d, x, u, re[0], im[0]);
    run(&d->fft, re, im);
    if (d->type == SX_F64) store_f64(d, y, u, re[0], im[0]);
    else store_f32(d, y, u, re[0], im[0]);
  }
}
