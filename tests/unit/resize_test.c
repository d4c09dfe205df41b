// SPDX-License-Identifier: MIT
/* Resampling by tables of taps at every ISA level against sums in double, rows and columns of odd sizes; nearest elements
 * of every size against single copies. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/resize/resize.h"

enum { IN = 13, OUT = 21, OUTER = 3, MOST_INNER = 37, TAPS = 4 };
static uint32_t seed = 7;
static float draw(void) { return (float)((seed = seed * 1664525u + 1013904223u) >> 8) / 8388608.0f - 1; }
static float x[OUTER * IN * MOST_INNER], y[OUTER * OUT * MOST_INNER];
static int32_t at[OUT * TAPS];
static float weight[OUT * TAPS];
static uint8_t outside[OUT];

static void make(int k, bool beyond) {
  for (int i = 0; i < OUT * k; i++) at[i] = (int32_t)((seed = seed * 1664525u + 1013904223u) >> 8) % IN, weight[i] = k == 1 ? 1 : draw();
  for (int i = 0; i < OUT; i++) outside[i] = beyond && i % 5 == 0;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = draw();
}

static void check(int k, int inner) {
  for (int o = 0; o < OUTER; o++)
    for (int j = 0; j < OUT; j++)
      for (int i = 0; i < inner; i++) {
        double want = 0, size = 1e-30;
        for (int t = 0; t < k; t++) {
          const double v = (double)weight[j * k + t] * (double)x[(o * IN + at[j * k + t]) * inner + i];
          want += v, size += fabs(v);
        }
        if (outside[j]) want = 9;
        assert_true(fabs(want - (double)y[(o * OUT + j) * inner + i]) <= 4e-7 * size);
      }
}

static void test_taps(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int k = 1; k <= TAPS; k++)
      for (int inner = 1; inner <= MOST_INNER; inner += 4) {
        make(k, k == 2);
        const sx_taps t = {IN, OUT, k, at, weight, outside, false};
        const int64_t units = inner == 1 ? OUTER : OUTER * OUT, cut = units / 3;
        memset(y, 0x7f, sizeof y);
        for (int part = 0; part < 2; part++) { /* pieces join seamlessly */
          const int64_t from = part ? cut : 0, to = part ? units : cut;
          if (inner == 1)
            sx_resize((sx_isa)isa)->last(&t, x, y, 9, from, to);
          else
            sx_resize((sx_isa)isa)->rows(&t, x, y, inner, 9, from, to);
        }
        check(k, inner);
      }
}

static void test_pick(void **state) {
  (void)state;
  enum { N = 67 };
  static const size_t sizes[] = {1, 2, 4, 8};
  int32_t index[N];
  unsigned char from[N * 8 + 1], to[N * 8 + 9];
  for (size_t i = 0; i < sizeof from; i++) from[i] = (unsigned char)(i * 37 + 11);
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int s = 0; s < 4; s++)
      for (int doubled = 0; doubled < 2; doubled++)
        for (int n = 0; n <= N; n += 3) {
          const size_t b = sizes[s];
          for (int i = 0; i < N; i++) index[i] = doubled ? i / 2 : (i * 29 + 5) % N;
          memset(to, 0xee, sizeof to);
          sx_resize((sx_isa)isa)->pick(index, doubled, from + 1, to + 1, n, b);
          for (int i = 0; i < n; i++) assert_memory_equal(to + 1 + (size_t)i * b, from + 1 + (size_t)index[i] * b, b);
          assert_int_equal(to[0], 0xee);
          assert_int_equal(to[1 + (size_t)n * b], 0xee); /* nothing behind the end */
        }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_taps), cmocka_unit_test(test_pick)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
