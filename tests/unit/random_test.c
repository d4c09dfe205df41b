// SPDX-License-Identifier: MIT
/* Counted random numbers: the generator's known answer, ranges that join seamlessly, and moments of what is drawn. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/random/random.h"

enum { N = 1 << 16 };
#define ISA (sx_cpu_info()->isa)
static float f[N], f2[N];
static double d[N], d2[N];

static void known_answers(void **state) {
  (void)state;
  static const uint32_t zero[4] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
  uint32_t w[4];
  sx_philox(0, 0, w);
  assert_memory_equal(w, zero, sizeof w);
}

static void ranges_join(void **state) {
  (void)state;
  static const int cuts[] = {0, 4, 1020, 1024, 5000, N};
  sx_random_normal_f32(ISA, 7, 0, N, f), sx_random_normal_f64(ISA, 7, 0, N, d);
  for (int i = 0; i < 5; i++) {
    sx_random_normal_f32(ISA, 7, cuts[i], cuts[i + 1] - cuts[i], f2 + cuts[i]);
    sx_random_normal_f64(ISA, 7, cuts[i], cuts[i + 1] - cuts[i], d2 + cuts[i]);
  }
  assert_memory_equal(f, f2, sizeof f);
  assert_memory_equal(d, d2, sizeof d);
  sx_random_normal_f32(ISA, 8, 0, N, f2);
  int same = 0;
  for (int i = 0; i < N; i++) same += f[i] == f2[i];
  assert_true(same < 10);
}

/* At every level the numbers are those of single blocks, in pieces that start and end anywhere, and where a counter's lower half
 * overflows. */
static void levels_agree(void **state) {
  (void)state;
  static const int64_t starts[] = {0, 4096, ((int64_t)1 << 34) - 64, ((int64_t)1 << 33) - 64};
  for (int isa = 0; isa <= (int)ISA; isa++)
    for (int s = 0; s < 4; s++)
      for (int n = 1; n < 600; n += n < 20 ? 1 : 97) {
        sx_random_uniform_f32((sx_isa)isa, 9, 24, starts[s], n, f), f[n] = -1;
        sx_random_uniform_f64((sx_isa)isa, 9, starts[s], n, d);
        for (int i = 0; i < n; i++) {
          uint32_t w[4], v[4], h = (uint32_t)(i & 1) * 2;
          sx_philox(9, (uint64_t)(starts[s] + i) / 4, w), sx_philox(9, (uint64_t)(starts[s] + i) / 2, v);
          assert_true(f[i] == ldexpf((float)(w[i & 3] >> 8), -24));
          assert_true(d[i] == ((double)(v[h] >> 5) * 67108864.0 + (v[h + 1] >> 6)) * 0x1p-53);
        }
        assert_true(f[n] == -1);
      }
}

static void check_moments(const double *x, double mean, double variance, double fourth) {
  double m = 0, v = 0, q = 0, lag = 0;
  for (int i = 0; i < N; i++) m += x[i] / N;
  for (int i = 0; i < N; i++) {
    double t = x[i] - m;
    v += t * t / N, q += t * t * t * t / N;
    if (i) lag += t * (x[i - 1] - m) / N;
  }
  assert_true(fabs(m - mean) < 0.02 && fabs(v - variance) < 0.02 && fabs(q - fourth) < 0.1 && fabs(lag) < 0.02);
}
static void moments(void **state) {
  (void)state;
  for (int bits = 8; bits <= 24; bits++) {
    sx_random_uniform_f32(ISA, 11, bits, 0, N, f);
    for (int i = 0; i < N; i++)
      assert_true(f[i] >= 0 && f[i] < 1 && ldexpf(f[i], bits) == floorf(ldexpf(f[i], bits))), d[i] = f[i];
    check_moments(d, 0.5, 1 / 12., 1 / 80.);
  }
  sx_random_uniform_f64(ISA, 3, 0, N, d);
  for (int i = 0; i < N; i++) assert_true(d[i] >= 0 && d[i] < 1);
  check_moments(d, 0.5, 1 / 12., 1 / 80.);
  sx_random_normal_f64(ISA, 3, 0, N, d);
  check_moments(d, 0, 1, 3);
  sx_random_normal_f32(ISA, 3, 0, N, f);
  for (int i = 0; i < N; i++) d[i] = f[i];
  check_moments(d, 0, 1, 3);
}

static void classes(void **state) {
  (void)state;
  double x[5] = {log(1), log(2), -INFINITY, log(5), 900}, sum[5];
  assert_true(sx_random_classes(x, 4, sum));
  int count[4] = {0};
  sx_random_uniform_f64(ISA, 5, 0, N, d);
  for (int i = 0; i < N; i++) count[sx_random_class(sum, 4, d[i])]++;
  assert_int_equal(count[2], 0);
  assert_true(fabs(count[0] * 8. / N - 1) < 0.05 && fabs(count[1] * 8. / N - 2) < 0.05);
  assert_true(sx_random_classes(x, 5, sum)); /* large values do not overflow */
  assert_int_equal(sx_random_class(sum, 5, 0), 4);
  x[0] = -INFINITY;
  assert_false(sx_random_classes(x, 1, sum));
  x[0] = NAN;
  assert_false(sx_random_classes(x, 1, sum));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers), cmocka_unit_test(ranges_join), cmocka_unit_test(levels_agree),
                                     cmocka_unit_test(moments), cmocka_unit_test(classes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
