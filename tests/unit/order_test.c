// SPDX-License-Identifier: MIT
/* Keys, sorts, selections, running sums and scatters by lines, against plain loops over doubles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/gather/gather.h"
#include "ep/cpu/kernels/scan/scan.h"
#include "ep/cpu/kernels/sort/sort.h"

static uint32_t seed = 1;
static int64_t rnd(int64_t n) { return (int64_t)((seed = seed * 1664525u + 1013904223u) >> 8) % n; }

/* NaN above all, zeros alike. */
static int order(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

static void test_keys(void **state) {
  (void)state;
  static const float f[] = {-INFINITY, -2.5f, -1e-40f, -0.0f, 0.0f, 1e-40f, 1, 3e38f, INFINITY, NAN, -NAN};
  static const uint16_t h[] = {0xfc00, 0xc100, 0x8001, 0x8000, 0x0000, 0x0001, 0x3c00, 0x7bff, 0x7c00, 0x7e00, 0xfe00};
  static const double d[] = {-INFINITY, -2.5, -1e-310, -0.0, 0.0, 1e-310, 1, 1e300, INFINITY, NAN, -NAN};
  static const int8_t i[] = {-128, -5, -1, 0, 0, 1, 2, 9, 100, 127, 127};
  enum { N = sizeof f / sizeof *f };
  uint64_t kf[N], kd[N], kh[N], ki[N];
  sx_sort_keys(SX_F32, f, 4, N, kf);
  sx_sort_keys(SX_F64, d, 8, N, kd);
  sx_sort_keys(SX_F16, h, 2, N, kh);
  sx_sort_keys(SX_I8, i, 1, N, ki);
  for (int a = 0; a < N; a++)
    for (int b = 0; b < N; b++) {
      int want = order(d[a], d[b]);
      assert_int_equal((kf[a] > kf[b]) - (kf[a] < kf[b]), want);
      assert_int_equal((kd[a] > kd[b]) - (kd[a] < kd[b]), want);
      assert_int_equal((kh[a] > kh[b]) - (kh[a] < kh[b]), want);
      assert_int_equal((ki[a] > ki[b]) - (ki[a] < ki[b]), (i[a] > i[b]) - (i[a] < i[b]));
    }
}

static void test_topk(void **state) {
  (void)state;
  enum { N = 700 };
  static float x[2 * N];
  static double wide[2 * N];
  static int64_t taken[N];
  for (int round = 0; round < 300; round++) {
    int64_t n = 1 + rnd(round % 10 ? round % 2 ? 20 : 200 : N), k = rnd(n + 1);
    if (round % 10 == 0 && n > 256) k = 256 + rnd(n - 255); /* so many that the line is sorted whole */
    sx_sort_item *got = calloc((size_t)sx_topk_items(n, k) + 1, sizeof *got);
    memset(taken, 0, sizeof taken);
    bool smallest = round & 1;
    for (int64_t i = 0; i < 2 * n; i++) x[i] = rnd(9) ? (float)rnd(40) - 20 : NAN;
    int64_t step = round % 3 ? 1 : 2;
    if (round % 5 == 0)
      for (int64_t i = 0; i < 2 * n; i++) x[i] = (float)rnd(30);
    for (int64_t i = 0; i < 2 * n; i++) wide[i] = x[i];
    const sx_isa isa = k % 2 ? sx_cpu_info()->isa : SX_ISA_BASE;
    if (round % 4 < 2) sx_topk(isa, SX_F32, x, 4 * step, n, k, smallest, got);
    else sx_topk(isa, SX_F64, wide, 8 * step, n, k, smallest, got);
    for (int64_t r = 0; r < k; r++) { /* the best of what is left, the earliest of equals */
      int64_t best = -1;
      for (int64_t i = 0; i < n; i++)
        if (!taken[i] && (best < 0 || (smallest ? -1 : 1) * order(x[step * i], x[step * best]) > 0)) best = i;
      taken[best] = 1;
      assert_int_equal(got[r].at, best);
    }
    free(got);
  }
}

/* Long lines, by what is left of their keys: as sorted whole. */
static void test_topk_long(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_I64, SX_U8, SX_I32};
  enum { N = 9000 };
  static int64_t x[N];
  static uint64_t keys[N];
  static sx_sort_item all[N], tmp[N];
  for (int round = 0; round < 96; round++) {
    const sx_dtype t = types[round % 4];
    const int64_t bytes = sx_dtype_bits(t) / 8, n = round % 3 ? N : 1500, k = 1 + rnd(round % 5 ? 600 : n);
    for (int64_t i = 0; i < n; i++) {
      const int64_t wide = (int64_t)((uint64_t)rnd(1 << 20) << 40 ^ (uint64_t)rnd(1 << 30)), few = rnd(5), outlier = rnd(999) ? 7 : INT64_MIN;
      const int64_t v = round / 4 % 4 == 0 ? wide : round / 4 % 4 == 1 ? few : round / 4 % 4 == 2 ? outlier : 3;
      memcpy((char *)x + i * bytes, &v, (size_t)bytes);
    }
    sx_sort_keys(t, x, bytes, n, keys);
    for (int64_t i = 0; i < n; i++) all[i] = (sx_sort_item){round & 16 ? keys[i] : ~keys[i], i};
    sx_sort_items(all, tmp, n);
    sx_sort_item *got = calloc((size_t)sx_topk_items(n, k), sizeof *got);
    sx_topk((sx_isa)(round % (sx_cpu_info()->isa + 1)), t, x, bytes, n, k, round & 16, got);
    for (int64_t r = 0; r < k; r++) assert_int_equal(got[r].at, all[r].at);
    free(got);
  }
}

static bool less(const void *ctx, int64_t a, int64_t b) { return ((const int *)ctx)[a] < ((const int *)ctx)[b]; }
static void test_sort(void **state) {
  (void)state;
  enum { N = 300 };
  int v[N] = {0};
  int64_t idx[N], tmp[N];
  for (int64_t n = 0; n < N; n += 7) {
    for (int64_t i = 0; i < n; i++) v[i] = (int)rnd(20), idx[i] = i;
    sx_sort_indices(idx, tmp, n, less, v);
    for (int64_t i = 1; i < n; i++) assert_true(v[idx[i - 1]] < v[idx[i]] || (v[idx[i - 1]] == v[idx[i]] && idx[i - 1] < idx[i]));
  }
}

static void test_items(void **state) {
  enum { N = 700 };
  sx_sort_item v[N] = {{0}}, tmp[N];
  for (int64_t n = 0; n < N; n += 31) {
    for (int64_t i = 0; i < n; i++) v[i] = (sx_sort_item){n % 2 ? (uint64_t)rnd(90) << (rnd(3) * 20) : ~(uint64_t)rnd(1000) << 40, i};
    sx_sort_items(v, tmp, n);
    for (int64_t i = 1; i < n; i++) assert_true(v[i - 1].key < v[i].key || (v[i - 1].key == v[i].key && v[i - 1].at < v[i].at));
  }
}

static void test_scan(void **state) {
  (void)state;
  static const int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 1}, {2, 300, 1}, {2, 7, 5}, {1, 4, 200}, {0, 3, 2}, {2, 0, 3}};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    for (int mode = 0; mode < 16; mode++) {
      int64_t outer = sizes[k][0], n = sizes[k][1], inner = sizes[k][2], count = outer * n * inner;
      float *x = calloc((size_t)count + 1, 4), *y = calloc((size_t)count + 1, 4);
      for (int64_t i = 0; i < count; i++) x[i] = mode & 4 ? 1 + (float)rnd(3) / 64 : (float)rnd(100) / 7;
      sx_scan s = {mode & 8 ? sx_cpu_info()->isa : SX_ISA_BASE, SX_F32, 4, outer, n, inner, (mode & 4) != 0, mode & 1, (mode & 2) != 0};
      sx_scan_run(&s, x, y, 0, sx_scan_units(&s));
      for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
          double total = mode & 4 ? 1 : 0;
          for (int64_t j = 0; j < n; j++) {
            int64_t at = (o * n + (mode & 2 ? n - 1 - j : j)) * inner + i;
            double before = total;
            total = mode & 4 ? total * (double)x[at] : total + (double)x[at];
            const double want = mode & 1 ? before : total;
            if (inner == 1 || mode & 4)
              assert_true(y[at] == (float)want);
            else /* columns carry two f32 */
              assert_true(fabs((double)y[at] - want) <= 1.3e-7 * want);
          }
        }
      free(x), free(y);
    }
}

static void test_lines(void **state) {
  (void)state;
  enum { A = 3, B = 4, C = 5, J = 6 };
  float x[A * B * C], y[A * J * C], z[A * B * C], want[A * B * C];
  int64_t idx[A * J * C];
  for (int i = 0; i < A * B * C; i++) x[i] = z[i] = want[i] = (float)rnd(1000);
  for (int i = 0; i < A * J * C; i++) idx[i] = rnd(2 * B) - B;
  sx_lines l = {3, 1, B, {A, J, C}, {B * C, C, 1}, 4, true};
  assert_int_equal(sx_lines_count(&l), A * C);
  assert_int_equal(sx_gather_elements(&l, x, idx, y, 0, A * C), -1);
  assert_int_equal(sx_scatter_elements(&l, z, idx, y, sx_combine_of(SX_F32, SX_COMBINE_ADD), 0, 4), -1);
  assert_int_equal(sx_scatter_elements(&l, z, idx, y, sx_combine_of(SX_F32, SX_COMBINE_ADD), 4, A * C), -1);
  for (int a = 0; a < A; a++)
    for (int j = 0; j < J; j++)
      for (int c = 0; c < C; c++) {
        int64_t at = (a * J + j) * C + c, b = (idx[at] + B) % B;
        assert_true(y[at] == x[(a * B + b) * C + c]);
        want[(a * B + b) * C + c] += y[at];
      }
  assert_memory_equal(z, want, sizeof z);
  idx[7] = B;
  assert_int_equal(sx_gather_elements(&l, x, idx, y, 0, A * C), 7);
}

static void test_combine(void **state) {
  (void)state;
  float a[3] = {1, NAN, 3}, b[3] = {2, 1, NAN};
  int8_t i = 100, j = 100;
  uint16_t h = 0x3c00, g = 0x4000; /* 1, 2 */
  sx_combine_of(SX_F32, SX_COMBINE_MAX)(a, b, 3);
  assert_true(a[0] == 2 && isnan(a[1]) && isnan(a[2]));
  sx_combine_of(SX_I8, SX_COMBINE_ADD)(&i, &j, 1);
  assert_int_equal(i, -56);
  sx_combine_of(SX_F16, SX_COMBINE_ADD)(&h, &g, 1);
  assert_int_equal(h, 0x4200);
  assert_null(sx_combine_of(SX_STRING, SX_COMBINE_ADD));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_topk), cmocka_unit_test(test_topk_long), cmocka_unit_test(test_sort),
                                     cmocka_unit_test(test_items), cmocka_unit_test(test_scan), cmocka_unit_test(test_lines), cmocka_unit_test(test_combine)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
