// SPDX-License-Identifier: MIT
/* Sums, products and tables of quantised bytes, and their changes of layout, on every table that this processor runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/quant/qlinear.h"

static uint32_t seed = 1;
static uint8_t byte(void) { return (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24); }
static int value(uint8_t b, bool is_signed) { return is_signed ? (int8_t)b : b; }

/* Exactly sized copies, so that a sanitizer sees a load past the end. */
static uint8_t *bytes(int64_t n) {
  uint8_t *p = malloc((size_t)n ? (size_t)n : 1);
  for (int64_t i = 0; i < n; i++) p[i] = byte();
  return p;
}

static void check_binary(const sx_qlinear_table *t, bool product, bool is_signed, int64_t n, int a_step, int b_step) {
  sx_qbinary q = {.is_signed = is_signed,
                  .a_zero = is_signed ? -3 : 120,
                  .b_zero = 7,
                  .y_zero = is_signed ? 5 : 131,
                  .a_scale = product ? 0.0131f : 0.71f,
                  .b_scale = 1.37f};
  sx_qbinary_range(&q);
  uint8_t *a = bytes(a_step ? n : 1), *b = bytes(b_step ? n : 1), *y = bytes(n);
  (product ? t->mul : t->add)(&q, a, a_step, b, b_step, y, n);
  const int lo = is_signed ? -128 : 0, hi = is_signed ? 127 : 255;
  for (int64_t i = 0; i < n; i++) {
    const float u = (float)(value(a[i * a_step], is_signed) - q.a_zero),
                v = (float)(value(b[i * b_step], is_signed) - q.b_zero);
    const double exact = product ? (double)u * v * q.a_scale : (double)u * q.a_scale + (double)v * q.b_scale;
    double want = rint(exact) + q.y_zero;
    want = want < lo ? lo : want > hi ? hi : want;
    /* f32 may round the other way where the exact result is all but half way */
    if (fabs(exact - floor(exact) - 0.5) < 1e-3) continue;
    if (value(y[i], is_signed) != (int)want)
      fail_msg("element %lld of %lld: %d, expected %g", (long long)i, (long long)n, value(y[i], is_signed), want);
  }
  free(a), free(b), free(y);
}

static void binary(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int64_t n = 0; n < 70; n += n < 20 ? 1 : 7)
      for (int k = 0; k < 16; k++)
        if (n || k & 1) check_binary(sx_qlinear((sx_isa)isa), k & 8, k & 4, n, k & 1, k & 1 ? k >> 1 & 1 : 1);
}

static void half_to_even(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    const uint8_t a[5] = {1, 3, 5, 255, 0}, zero = 0;
    uint8_t y[5];
    sx_qbinary q = {.y_zero = 1, .a_scale = 0.5f, .b_scale = 1};
    sx_qbinary_range(&q);
    sx_qlinear((sx_isa)isa)->add(&q, a, 1, &zero, 0, y, 5);
    const uint8_t want[5] = {1, 3, 3, 129, 1};
    assert_memory_equal(y, want, 5);
  }
}

static void lookup(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int64_t n = 0; n < 200; n += 13) {
      uint8_t *table = bytes(256), *x = bytes(n), *y = bytes(n);
      sx_qlinear((sx_isa)isa)->lookup(table, x, y, n);
      for (int64_t i = 0; i < n; i++) assert_int_equal(y[i], table[x[i]]);
      free(table), free(x), free(y);
    }
}

static void layouts(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    const sx_qlinear_table *t = sx_qlinear((sx_isa)isa);
    for (int64_t channels = 1; channels < 40; channels += 3)
      for (int64_t pixels = 1; pixels < 50; pixels += 8) {
        const int64_t b = t->lanes, blocks = (channels + b - 1) / b, cut = pixels / 2;
        uint8_t *x = bytes(channels * pixels), *y = bytes(blocks * pixels * b), *z = bytes(channels * pixels);
        t->to_blocked(x, y, channels, pixels, 0, cut), t->to_blocked(x, y, channels, pixels, cut, pixels);
        for (int64_t c = 0; c < blocks * b; c++)
          for (int64_t p = 0; p < pixels; p++)
            assert_int_equal(y[(c / b * pixels + p) * b + c % b], c < channels ? x[c * pixels + p] : 0);
        t->to_plain(y, z, channels, pixels, 0, cut), t->to_plain(y, z, channels, pixels, cut, pixels);
        assert_memory_equal(x, z, (size_t)(channels * pixels));
        free(x), free(y), free(z);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(binary), cmocka_unit_test(half_to_even), cmocka_unit_test(lookup),
                                     cmocka_unit_test(layouts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
