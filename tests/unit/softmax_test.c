// SPDX-License-Identifier: MIT
/* Softmax against double loops: sizes around the vector widths, any axis, scale, masks, log, half types, infinities and
 * NaN, on every ISA level of this machine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/softmax/softmax.h"

static uint64_t seed = 3;
static uint32_t below(uint32_t n) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(seed >> 33) % n;
}
static double get(sx_dtype t, const void *x, int64_t i) {
  double d;
  if (t == SX_F64) return ((const double *)x)[i];
  float f;
  sx_convert_load(SX_ISA_BASE, t, &f, x, i, 1);
  d = f;
  return d;
}
static void put(sx_dtype t, void *x, int64_t i, double v) {
  if (t == SX_F64)
    ((double *)x)[i] = v;
  else
    sx_convert_store(SX_ISA_BASE, t, 0, x, &(float){(float)v}, i, 1);
}

static void check(sx_isa isa, sx_dtype t, int64_t outer, int64_t n, int64_t inner, bool log_, float scale, bool mask,
                  int special) {
  const int64_t total = outer * n * inner;
  const size_t bytes = sx_dtype_bits(t) / 8;
  void *x = malloc((size_t)total * bytes), *y = malloc((size_t)total * bytes), *m = malloc((size_t)(n * 3) * bytes);
  for (int64_t i = 0; i < total; i++) put(t, x, i, (below(4001) - 2000.) / 200);
  for (int64_t i = 0; i < n * 3; i++) put(t, m, i, below(3) ? 0 : -4);
  if (special == 1)
    for (int64_t i = 0; i < n * inner; i += 3) put(t, x, i, -INFINITY);
  if (special == 2) put(t, x, below((uint32_t)total), NAN);
  if (special == 3)
    for (int64_t i = 0; i < n * inner; i++) put(t, x, i, -INFINITY);
  sx_softmax_args a = {.isa = isa,
                       .type = t,
                       .log = log_,
                       .outer = outer,
                       .n = n,
                       .inner = inner,
                       .scale = scale,
                       .masked = mask,
                       .mask = mask ? m : NULL,
                       .mask_div = {2, 1, 1},
                       .mask_mod = {3, 1, 1},
                       .mask_mul = {1, 0, 0}};
  void *scratch = aligned_alloc(64, sx_softmax_scratch_bytes(&a) + 64);
  for (int64_t u = sx_softmax_units(&a); u-- > 0;) sx_softmax_run(&a, x, y, u, u + 1, scratch);
  const double eps = t == SX_F64 ? 1e-14 : t == SX_F16 ? 1.5e-3 : t == SX_BF16 ? 1e-2 : 2e-6;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t c = 0; c < inner; c++) {
      double max = -INFINITY, sum = 0;
      const int64_t base = o * n * inner + c, mask_base = o / 2 % 3 * n;
#define AT(i) (get(t, x, base + (i)*inner) * scale + (mask ? get(t, m, mask_base + (i)) : 0))
      for (int64_t i = 0; i < n; i++) max = AT(i) > max || isnan(AT(i)) ? AT(i) : max;
      for (int64_t i = 0; i < n; i++) sum += exp(AT(i) - max);
      for (int64_t i = 0; i < n; i++) {
        const double want = log_ ? AT(i) - max - log(sum) : exp(AT(i) - max) / sum, got = get(t, y, base + i * inner);
        if (isnan(want) ? isnan(got) : want == got) continue;
        if (!(fabs(want - got) <= eps * (fabs(want) + (log_ ? 10 : t == SX_F16 ? 1e-4 : 1e-6))))
          fail_msg("%s %s (%lld,%lld,%lld) log %d scale %g mask %d: at %lld %.9g, expected %.9g", sx_isa_name(isa),
                   sx_dtype_name(t), (long long)outer, (long long)n, (long long)inner, log_, (double)scale, mask,
                   (long long)i, got, want);
      }
    }
  free(x), free(y), free(m), free(scratch);
}

static void shapes(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_F32, SX_F64, SX_F16, SX_BF16};
  for (int round = 0; round < 1200; round++) {
    sx_isa isa = (sx_isa)below(sx_cpu_info()->isa + 1u);
    bool rows = below(2);
    check(isa, types[below(5)], 1 + below(below(3) ? 7 : 150), 1 + below(below(2) ? 20 : 150), rows ? 1 : 1 + below(90), below(2),
          below(2) ? 1.f : 0.125f, rows && below(2), (int)below(8));
  }
}

static void hardmax(void **state) {
  static const sx_dtype types[] = {SX_F32, SX_F32, SX_F64, SX_F16, SX_BF16};
  for (int round = 0; round < 600; round++) {
    const int64_t outer = 1 + below(9), n = 1 + below(below(2) ? 20 : 150), inner = below(2) ? 1 : 1 + below(90),
                  total = outer * n * inner;
    sx_softmax_args a = {.isa = (sx_isa)below(sx_cpu_info()->isa + 1u), .type = types[below(5)]};
    a.outer = outer, a.n = n, a.inner = inner;
    const size_t bytes = sx_dtype_bits(a.type) / 8;
    void *x = malloc((size_t)total * bytes), *y = malloc((size_t)total * bytes);
    const uint32_t kinds = 1 + below(30);
    const bool infinite = below(4) == 0, nan = below(4) == 0;
    for (int64_t i = 0; i < total; i++) put(a.type, x, i, infinite ? -INFINITY : (double)below(kinds));
    for (int i = 0; i < 3 && nan; i++) put(a.type, x, below((uint32_t)total), NAN);
    void *scratch = aligned_alloc(64, (sx_hardmax_scratch_bytes(&a) + 127) / 64 * 64);
    for (int64_t u = sx_hardmax_units(&a); u-- > 0;) sx_hardmax_run(&a, x, y, u, u + 1, scratch);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t c = 0; c < inner; c++) {
        int64_t best = 0;
#define AT_K(k) get(a.type, x, (o * n + (k)) * inner + c)
        for (int64_t k = 1; k < n; k++)
          if (!isnan(AT_K(best)) && (isnan(AT_K(k)) || AT_K(k) > AT_K(best))) best = k;
        for (int64_t k = 0; k < n; k++)
          if (get(a.type, y, (o * n + k) * inner + c) != (k == best))
            fail_msg("%s %s (%lld,%lld,%lld) at %lld,%lld,%lld, the largest is at %lld", sx_isa_name(a.isa),
                     sx_dtype_name(a.type), (long long)outer, (long long)n, (long long)inner, (long long)o, (long long)k,
                     (long long)c, (long long)best);
      }
    free(x), free(y), free(scratch);
  }
}
int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(hardmax)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
