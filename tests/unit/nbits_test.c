// SPDX-License-Identifier: MIT
/* Narrow weights against sums in double: every number of bits, odd sizes, groups of rows, zero points of both kinds, on
 * every table that this processor runs; a packing in parts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/nbits/nbits.h"

static uint32_t seed = 1;
static uint32_t rnd(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }
static float real(void) { return (float)(int32_t)(rnd() % 2001 - 1000) * 1e-3f; }
static void *room(size_t n) { return malloc(n ? n : 1); }

typedef struct data {
  sx_nbits s;
  sx_nbits_weights w;
  uint8_t *q, *zero;
  float *scale, *zero_f32, *x, *bias;
  int64_t rows;
} data;

static double weight(const data *d, int64_t n, int64_t k) {
  const sx_nbits *s = &d->s;
  const int per = 8 / s->bits, mask = (1 << s->bits) - 1;
  const int64_t b = k / s->block, in = k % s->block, at = n * s->blocks + b, row = (s->blocks * s->bits + 7) / 8;
  double zero = 1 << (s->bits - 1);
  if (d->w.zero_f32)
    zero = d->zero_f32[at];
  else if (d->w.zero)
    zero = d->zero[n * row + b / per] >> (b % per * s->bits) & mask;
  return ((d->q[at * (s->block / per) + in / per] >> (in % per * s->bits) & mask) - zero) * d->scale[at];
}

static void check(const sx_nbits_table *t, const data *d, bool int8) {
  const sx_nbits *s = &d->s;
  size_t bytes;
  assert_true(sx_nbits_packed_bytes(t, s, &bytes));
  char *packed = sx_malloc_aligned(bytes), *rows = room((size_t)(t->row_bytes(s) * d->rows));
  float *y = room((size_t)(d->rows * s->N) * 4);
  const int64_t panels = sx_nbits_panels(t, s->N), cut = panels / 2;
  sx_nbits_pack(t, s, &d->w, packed, cut, panels), sx_nbits_pack(t, s, &d->w, packed, 0, cut);
  for (int64_t r = 0; r < d->rows; r++) t->rows(s, d->x + r * s->K, rows + r * t->row_bytes(s));
  t->run(s, packed, rows, d->rows, d->bias, y, 0, cut), t->run(s, packed, rows, d->rows, d->bias, y, cut, panels);
  for (int64_t r = 0; r < d->rows; r++)
    for (int64_t n = 0; n < s->N; n++) {
      double want = d->bias ? d->bias[n] : 0, size = fabs(want), most = 0;
      for (int64_t k = 0; k < s->K; k++) {
        const double w = weight(d, n, k), x = d->x[r * s->K + k];
        want += w * x, size += fabs(w * x), most += fabs(w);
      }
      /* f32 sums; 8 bits of x, of at most 1, round by up to half of 1/127 */
      const double bound =
          size * 1e-5 + 1e-5 + (int8 ? most * 0.5 / 127 * 1.01 + size * 1e-5 : 0) + 32e-6 * (double)s->block;
      if (!(fabs(y[r * s->N + n] - want) <= bound))
        fail_msg("%d bits, row %lld of %lld, column %lld: %g, expected %g", s->bits, (long long)r, (long long)d->rows,
                 (long long)n, (double)y[r * s->N + n], want);
    }
  sx_free_aligned(packed, bytes);
  free(rows), free(y);
}

static void products(void **state) {
  (void)state;
  static const int64_t sizes[][4] = {{1, 1, 16, 1},   {40, 17, 16, 3},   {128, 33, 32, 7},
                                     {100, 5, 32, 9}, {256, 40, 128, 2}, {64, 16, 64, 8}};
  for (int bits = 2; bits <= 8; bits *= 2)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
      for (int zeros = 0; zeros < 3; zeros++) {
        data d = {.s = {.K = sizes[k][0], .N = sizes[k][1], .block = sizes[k][2], .bits = bits}, .rows = sizes[k][3]};
        sx_nbits *s = &d.s;
        s->blocks = (s->K + s->block - 1) / s->block;
        const int64_t blocks = s->N * s->blocks, q = blocks * s->block * bits / 8, z = s->N * ((s->blocks * bits + 7) / 8);
        d.q = room((size_t)q), d.zero = room((size_t)z), d.scale = room((size_t)blocks * 4),
        d.zero_f32 = room((size_t)blocks * 4);
        d.x = room((size_t)(d.rows * s->K) * 4), d.bias = k & 1 ? room((size_t)s->N * 4) : NULL;
        for (int64_t i = 0; i < q; i++) d.q[i] = (uint8_t)rnd();
        for (int64_t i = 0; i < z; i++) d.zero[i] = (uint8_t)rnd();
        for (int64_t i = 0; i < blocks; i++) d.scale[i] = real() * 0.1f, d.zero_f32[i] = real() * 8;
        for (int64_t i = 0; i < d.rows * s->K; i++) d.x[i] = real();
        for (int64_t i = 0; d.bias && i < s->N; i++) d.bias[i] = real();
        d.w = (sx_nbits_weights){d.q, d.scale, zeros == 2 ? d.zero_f32 : NULL, zeros == 1 ? d.zero : NULL};
        sx_cpu cpu = *sx_cpu_info();
        const sx_nbits_table *int8 = sx_nbits_table_for(&cpu, true);
        check(int8, &d, int8 != sx_nbits_table_for(&cpu, false));
        for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
          cpu.isa = (sx_isa)isa;
          check(sx_nbits_table_for(&cpu, false), &d, false);
        }
        free(d.q), free(d.zero), free(d.scale), free(d.zero_f32), free(d.x), free(d.bias);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
