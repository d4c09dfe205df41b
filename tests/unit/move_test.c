// SPDX-License-Identifier: MIT
/* The copy machine against a copy element by element: permutations, slices backwards, repeats, gaps, every element size, in
 * pieces. Guard bytes around the destination must stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/gather/gather.h"
#include "ep/cpu/kernels/move/move.h"

static uint32_t seed = 1;
static int64_t rnd(int64_t n) { return (int64_t)((seed = seed * 1664525u + 1013904223u) >> 8) % n; }

static void copy_ref(uint32_t elem, uint32_t rank, const sx_move_dim *d, const char *s, char *t) {
  if (!rank) memcpy(t, s, elem);
  for (int64_t i = 0; rank && i < d->n; i++) copy_ref(elem, rank - 1, d + 1, s + i * d->src * elem, t + i * d->dst * elem);
}

enum { GUARD = 64 };
static sx_isa level;
static void check(uint32_t elem, uint32_t rank, const sx_move_dim *d, int64_t src0, int64_t src_n, int64_t dst_n) {
  size_t sn = (size_t)src_n * elem, dn = (size_t)dst_n * elem + 2 * GUARD;
  char *s = malloc(sn + 1), *a = malloc(dn), *b = malloc(dn);
  for (size_t i = 0; i < sn; i++) s[i] = (char)rnd(256);
  memset(a, 0x5a, dn), memset(b, 0x5a, dn);
  sx_move m;
  sx_move_plan(&m, level, elem, rank, d);
  for (int64_t u = 0, step; u < m.units; u += step) {
    step = 1 + rnd(3);
    sx_move_run(&m, s + src0 * elem, a + GUARD, u, u + step < m.units ? u + step : m.units);
  }
  copy_ref(elem, rank, d, s + src0 * elem, b + GUARD);
  assert_memory_equal(a, b, dn);
  free(s), free(a), free(b);
}

static void test_permutations(void **state) {
  (void)state;
  for (int k = 0; k < 2000; k++) {
    level = (sx_isa)(k % (int)(sx_cpu_info()->isa + 1));
    uint32_t rank = (uint32_t)rnd(6), elem = 1u << rnd(5);
    int64_t dims[6], stride[6], order[6], n = 1;
    bool large = k % 50 == 0;
    for (uint32_t i = 0; i < rank; i++)
      dims[i] = large && i < 2 ? 1 + rnd(400) : rnd(20) ? 1 + rnd(i < 2 ? 70 : 5) : 0, order[i] = i;
    for (uint32_t i = rank; i-- > 0; n *= dims[i]) stride[i] = n;
    for (uint32_t i = rank; i > 1; i--) {
      int64_t j = rnd(i), t = order[i - 1];
      order[i - 1] = order[j], order[j] = t;
    }
    sx_move_dim d[6];
    int64_t to = 1;
    for (uint32_t i = rank; i-- > 0; to *= d[i].n) d[i] = (sx_move_dim){dims[order[i]], stride[order[i]], to};
    check(elem, rank, d, 0, n, n);
  }
}

/* Rows cut out, reversed, repeated, and written into gaps of a larger tensor. */
static void test_strides(void **state) {
  (void)state;
  for (int k = 0; k < 1500; k++) {
    uint32_t rank = 1 + (uint32_t)rnd(4), elem = 1u << rnd(5);
    level = (sx_isa)(k % (int)(sx_cpu_info()->isa + 1));
    sx_move_dim d[4];
    int64_t src0 = 0, src_n = 1, dst_n = 1;
    for (uint32_t i = rank; i-- > 0;) {
      int64_t n = 1 + rnd(k % 40 ? 12 : 300), step = 1 + rnd(2), kind = rnd(4), gap = rnd(3);
      d[i] = (sx_move_dim){n, kind == 0 ? 0 : kind == 1 ? -src_n * step : src_n * step, dst_n};
      if (kind == 1) src0 += src_n * step * (n - 1);
      if (kind) src_n *= ((n - 1) * step + 1) + gap;
      dst_n *= n + rnd(2) * gap;
      if (src_n * elem > 1 << 22 || dst_n * elem > 1 << 22) d[i].n = 1;
    }
    if (src_n * elem <= 1 << 22 && dst_n * elem <= 1 << 22) check(elem, rank, d, src0, src_n, dst_n);
  }
}

static void test_packed(void **state) {
  (void)state;
  for (uint32_t bits = 2; bits <= 4; bits += 2)
    for (int64_t n = 0; n < 20; n++) {
      uint8_t x[20], y[20], p[12] = {0};
      for (int64_t i = 0; i < n; i++) x[i] = (uint8_t)rnd(1 << bits);
      sx_pack_bits(p, x, bits, n);
      sx_unpack_bits(y, p, bits, n);
      assert_memory_equal(x, y, (size_t)n);
    }
}

static void test_gather(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 4, 8, 16, 3, 24};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    enum { OUTER = 3, AXIS = 5, COUNT = 7 };
    char x[OUTER * AXIS * 24], y[OUTER * COUNT * 24], want[sizeof y];
    int32_t idx[COUNT] = {0, -1, 4, 2, -5, 1, 3};
    size_t n = sizes[k];
    for (size_t i = 0; i < sizeof x; i++) x[i] = (char)rnd(256);
    for (size_t r = 0; r < OUTER * COUNT; r++)
      memcpy(want + r * n, x + (r / COUNT * AXIS + (size_t)((idx[r % COUNT] + AXIS) % AXIS)) * n, n);
    sx_gather g = {AXIS, COUNT, n, false};
    assert_int_equal(sx_gather_rows(&g, x, idx, y, 0, 10), -1);
    assert_int_equal(sx_gather_rows(&g, x, idx, y, 10, OUTER * COUNT), -1);
    assert_memory_equal(y, want, OUTER * COUNT * n);
    idx[6] = 5;
    assert_int_equal(sx_gather_rows(&g, x, idx, y, 0, OUTER * COUNT), 6);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_permutations), cmocka_unit_test(test_strides),
                                     cmocka_unit_test(test_packed), cmocka_unit_test(test_gather)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
