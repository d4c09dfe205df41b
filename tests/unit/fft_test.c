// SPDX-License-Identifier: MIT
/* Fourier transforms against sums in long double: every small length, primes, products of all radices, long rows; real and
 * complex, one-sided, inverse, windows, padding and strides; every instruction set; units in any order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/signal/fft.h"

static uint64_t seed = 5;
static double rnd(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (double)(int64_t)(seed >> 11) / 4503599627370496.0 - 1;
}
static double get(sx_dtype t, const void *p, int64_t i) {
  return t == SX_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}
static void put(sx_dtype t, void *p, int64_t i, double v) {
  if (t == SX_F64)
    ((double *)p)[i] = v;
  else
    ((float *)p)[i] = (float)v;
}

typedef struct shape {
  int64_t n, in_n, outer, inner;
  bool complex, onesided, inverse, window;
} shape;
/* The worst error relative to the row's norm, over every stride-th result. */
static void check(sx_isa isa, sx_dtype type, shape s, int64_t stride) {
  int64_t parts = s.complex ? 2 : 1, hermitian = s.onesided && s.inverse,
          out_n = s.onesided && !s.inverse ? s.n / 2 + 1 : s.n, out_parts = hermitian ? 1 : 2;
  int64_t in_count = s.outer * s.in_n * s.inner * parts, out_count = s.outer * out_n * s.inner * out_parts;
  size_t elem = type == SX_F64 ? 8 : 4;
  char *x = malloc((size_t)in_count * elem + 1), *y = malloc((size_t)out_count * elem + 1),
       *w = malloc((size_t)s.in_n * elem);
  for (int64_t i = 0; i < in_count; i++) put(type, x, i, rnd());
  for (int64_t i = 0; i < s.in_n; i++) put(type, w, i, rnd());
  sx_dft d = {.isa = isa,
              .type = type,
              .n = s.n,
              .rows = s.outer * s.inner,
              .rows_lo = s.inner,
              .in_hi = s.in_n * s.inner * parts,
              .in_lo = parts,
              .in_step = s.inner * parts,
              .out_hi = out_n * s.inner * out_parts,
              .out_lo = out_parts,
              .out_step = s.inner * out_parts,
              .in_n = s.in_n,
              .out_n = out_n,
              .in_complex = s.complex,
              .out_complex = out_parts == 2,
              .inverse = s.inverse,
              .hermitian = hermitian,
              .window = s.window ? w : NULL};
  sx_arena a = {0};
  sx_err e = {0};
  assert_int_equal(sx_dft_init(&d, &a, &e), SX_OK);
  void *scratch = sx_malloc_aligned(sx_dft_scratch_bytes(&d));
  for (int64_t u = sx_dft_units(&d); u-- > 0;) sx_dft_run(&d, x, y, u, u + 1, scratch);
  int64_t n = s.n, have = s.in_n < n ? s.in_n : n;
  long double *c = malloc((size_t)n * sizeof *c), *sn = malloc((size_t)n * sizeof *sn);
  for (int64_t k = 0; k < n; k++)
    c[k] = cosl(6.28318530717958647692528676655900577L * (long double)k / (long double)n),
    sn[k] = (s.inverse ? 1 : -1) * sinl(6.28318530717958647692528676655900577L * (long double)k / (long double)n);
  for (int64_t r = 0; r < d.rows; r++) {
    long double *re = calloc((size_t)n, sizeof *re), *im = calloc((size_t)n, sizeof *im), norm = 0;
    for (int64_t k = 0; k < have && (!hermitian || k <= n / 2); k++) {
      int64_t at = r / s.inner * d.in_hi + r % s.inner * d.in_lo + k * d.in_step;
      double f = s.window ? get(type, w, k) : 1;
      re[k] = get(type, x, at) * f;
      if (s.complex) im[k] = get(type, x, at + 1) * f;
      norm += re[k] * re[k] + im[k] * im[k];
    }
    if (hermitian) {
      im[0] = 0;
      if (n % 2 == 0) im[n / 2] = 0;
      for (int64_t k = 1; 2 * k < n; k++) re[n - k] = re[k], im[n - k] = -im[k];
    }
    long double bound = (sqrtl(norm) + 1) * (type == SX_F64 ? 1e-14L : 3e-6L) * (s.inverse ? 1.L / (long double)n : 1);
    for (int64_t k = 0; k < out_n; k += stride) {
      long double u = 0, v = 0;
      for (int64_t j = 0, p = 0; j < n; j++, p = (p + k) % n)
        u += re[j] * c[p] - im[j] * sn[p], v += re[j] * sn[p] + im[j] * c[p];
      if (s.inverse) u /= (long double)n, v /= (long double)n;
      int64_t at = r / s.inner * d.out_hi + r % s.inner * d.out_lo + k * d.out_step;
      assert_true(fabsl((long double)get(type, y, at) - u) <= bound);
      if (out_parts == 2) assert_true(fabsl((long double)get(type, y, at + 1) - v) <= bound);
    }
    free(re), free(im);
  }
  free(c), free(sn), free(x), free(y), free(w);
  sx_free_aligned(scratch, sx_dft_scratch_bytes(&d));
  sx_arena_free(&a);
}

static void every_small_length(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int64_t n = 1; n <= 70; n++)
      for (int kind = 0; kind < 8; kind++) {
        shape s = {.n = n,
                   .in_n = n,
                   .outer = 1 + n % 3,
                   .inner = 1 + kind % 3 * 6,
                   .complex = kind & 1,
                   .onesided = kind & 2,
                   .inverse = kind & 4};
        if (s.onesided && s.inverse) s.complex = true, s.in_n = n / 2 + 1;
        check((sx_isa)isa, n & 1 ? SX_F64 : SX_F32, s, 1);
        check((sx_isa)isa, n & 1 ? SX_F32 : SX_F64, s, 1);
      }
}
static void lengths(void **state) {
  (void)state;
  static const int64_t n[] = {97,  100,  128,  143,  169,  210,  256,   400,   480,
                              512, 1001, 1009, 1024, 2310, 4096, 30030, 65536, 65537};
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
      for (int kind = 0; kind < 4; kind++) {
        if (n[i] > 5000 && kind > 1) continue;
        check((sx_isa)isa, kind & 1 ? SX_F64 : SX_F32,
              (shape){.n = n[i], .in_n = n[i], .outer = 1, .inner = kind & 2 ? 19 : 1, .complex = kind & 1}, 1 + n[i] / 64);
      }
}
static void windows_and_padding(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int64_t in_n = 1; in_n < 40; in_n += 3)
      for (int kind = 0; kind < 8; kind++) {
        check((sx_isa)isa, SX_F32,
              (shape){.n = 20,
                      .in_n = in_n,
                      .outer = 5,
                      .inner = 3,
                      .complex = kind & 1,
                      .onesided = kind & 2,
                      .window = kind & 4},
              1);
        check((sx_isa)isa, SX_F64,
              (shape){.n = 21,
                      .in_n = in_n,
                      .outer = 5,
                      .inner = 3,
                      .complex = true,
                      .onesided = kind & 2,
                      .inverse = kind & 1,
                      .window = kind & 4},
              1);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_small_length), cmocka_unit_test(lengths),
                                     cmocka_unit_test(windows_and_padding)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
