// SPDX-License-Identifier: MIT
/* Normalisations against double loops, on every ISA level of this machine. */
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
#include "ep/cpu/kernels/norm/norm.h"

static uint64_t seed = 5;
static uint32_t below(uint32_t n) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(seed >> 33) % n;
}
static double get(sx_dtype t, const void *x, int64_t i) {
  if (t == SX_F64) return ((const double *)x)[i];
  float f;
  sx_convert_load(SX_ISA_BASE, t, &f, x, i, 1);
  return f;
}
static void *tensor(sx_dtype t, int64_t n) {
  void *x = malloc((size_t)n * sx_dtype_bits(t) / 8 + 1);
  for (int64_t i = 0; i < n; i++) {
    double v = (below(4001) - 1800.) / 1000;
    if (t == SX_F64)
      ((double *)x)[i] = v;
    else
      sx_convert_store(SX_ISA_BASE, t, 0, x, &(float){(float)v}, i, 1);
  }
  return x;
}
static void expect(sx_dtype t, const void *y, int64_t i, double want, const char *what) {
  const double got = get(t, y, i), eps = t == SX_F64 ? 1e-12 : t == SX_F16 ? 2e-3 : t == SX_BF16 ? 1.6e-2 : 3e-6;
  if (!(fabs(want - got) <= eps * (fabs(want) + 1)))
    fail_msg("%s %s at %lld: %.9g, expected %.9g", what, sx_dtype_name(t), (long long)i, got, want);
}
static const sx_dtype types[] = {SX_F32, SX_F32, SX_F64, SX_F16, SX_BF16};

static void rows(void **state) {
  for (int round = 0; round < 600; round++) {
    sx_row_norm_args a = {.isa = (sx_isa)below(sx_cpu_info()->isa + 1u),
                          .type = types[below(5)],
                          .rms = below(2),
                          .rows = 1 + below(6),
                          .n = 1 + below(below(2) ? 20 : 300),
                          .epsilon = 1e-5f,
                          .gamma_plus_one = below(2)};
    sx_dtype t = a.type;
    const int64_t n = a.n, total = a.rows * n;
    void *x = tensor(t, total), *gamma = tensor(t, n), *beta = tensor(t, n), *skip = tensor(t, total), *bias = tensor(t, n);
    void *y = tensor(t, total), *sum = tensor(t, total);
    double mean_[8], inv_[8];
    if (below(3)) a.gamma = gamma;
    if (below(2)) a.beta = beta;
    if (below(2)) a.skip = skip, a.skip_rows = below(2) ? 1 + below(2) : 0;
    if (below(3) == 0) a.bias = bias;
    if (below(2)) a.sum = sum;
    if (a.skip_rows > a.rows) a.skip_rows = 1;
    a.mean = (float *)mean_, a.inv_std = (float *)inv_;
    void *scratch = aligned_alloc(64, sx_row_norm_scratch_bytes(&a));
    for (int64_t r = a.rows; r-- > 0;) sx_row_norm_run(&a, x, y, r, r + 1, scratch);
    for (int64_t r = 0; r < a.rows; r++) {
      double v[300], mean = 0, square = 0;
      for (int64_t i = 0; i < n; i++) {
        const int64_t s = a.skip_rows ? r % a.skip_rows : r;
        v[i] = get(t, x, r * n + i) + (a.skip ? get(t, skip, s * n + i) : 0) + (a.bias ? get(t, bias, i) : 0);
        mean += v[i] / (double)n;
        if (a.sum) expect(t, sum, r * n + i, v[i], "sum");
      }
      if (a.rms) mean = 0;
      for (int64_t i = 0; i < n; i++) square += (v[i] - mean) * (v[i] - mean) / (double)n;
      const double inv = 1 / sqrt(square + 1e-5f);
      if (inv > 100) continue; /* a row of one element: amplified rounding */
      for (int64_t i = 0; i < n; i++)
        expect(t, y, r * n + i,
               (v[i] - mean) * inv * (a.gamma ? get(t, gamma, i) + a.gamma_plus_one : 1) + (a.beta ? get(t, beta, i) : 0),
               a.rms ? "RMSNorm" : "LayerNorm");
      const double got_inv = t == SX_F64 ? inv_[r] : ((float *)inv_)[r];
      assert_true(fabs(got_inv - inv) < 1e-5 * inv);
    }
    free(x), free(gamma), free(beta), free(skip), free(bias), free(y), free(sum), free(scratch);
  }
}

static void groups(void **state) {
  for (int round = 0; round < 400; round++) {
    sx_group_norm_args a = {.isa = (sx_isa)below(sx_cpu_info()->isa + 1u),
                            .type = types[below(5)],
                            .N = 1 + below(3),
                            .HW = 2 + below(80),
                            .groups = 1 + below(4),
                            .epsilon = 1e-3f,
                            .silu = below(2),
                            .channels_last = below(2)};
    const int64_t per = 1 + below(6);
    a.C = per * a.groups;
    sx_dtype t = a.type;
    const int64_t total = a.N * a.C * a.HW;
    void *x = tensor(t, total), *y = tensor(t, total), *gamma = tensor(t, a.C), *beta = tensor(t, a.C);
    if (below(3)) a.gamma = gamma;
    if (below(2)) a.beta = beta;
    void *scratch = aligned_alloc(64, sx_group_norm_scratch_bytes(&a) + 64);
    for (int64_t u = a.N * a.groups; u-- > 0;) sx_group_norm_run(&a, x, y, u, u + 1, scratch);
    for (int64_t u = 0; u < a.N * a.groups; u++) {
      double mean = 0, square = 0;
      const double count = (double)(per * a.HW);
#define INDEX(c, p)                                                               \
  (a.channels_last ? (u / a.groups * a.HW + (p)) * a.C + u % a.groups * per + (c) \
                   : (u / a.groups * a.C + u % a.groups * per + (c)) * a.HW + (p))
      for (int64_t c = 0; c < per; c++)
        for (int64_t p = 0; p < a.HW; p++) mean += get(t, x, INDEX(c, p)) / count;
      for (int64_t c = 0; c < per; c++)
        for (int64_t p = 0; p < a.HW; p++) square += pow(get(t, x, INDEX(c, p)) - mean, 2) / count;
      for (int64_t c = 0; c < per; c++)
        for (int64_t p = 0; p < a.HW; p++) {
          const int64_t ch = u % a.groups * per + c;
          double v = (get(t, x, INDEX(c, p)) - mean) / sqrt(square + 1e-3f) * (a.gamma ? get(t, gamma, ch) : 1) +
                     (a.beta ? get(t, beta, ch) : 0);
          expect(t, y, INDEX(c, p), a.silu ? v / (1 + exp(-v)) : v, "GroupNorm");
        }
    }
    free(x), free(y), free(gamma), free(beta), free(scratch);
  }
}

static void small_ones(void **state) {
  for (int round = 0; round < 200; round++) {
    sx_isa isa = (sx_isa)below(sx_cpu_info()->isa + 1u);
    sx_dtype t = types[below(5)];
    sx_lrn_args a = {.isa = isa,
                     .type = t,
                     .N = 1 + below(2),
                     .C = 1 + below(9),
                     .HW = 1 + below(300),
                     .size = 1 + below(6),
                     .alpha = 0.5f,
                     .beta = below(2) ? 0.75f : 0.6f,
                     .bias = 1.5f};
    int64_t total = a.N * a.C * a.HW;
    void *x = tensor(t, total), *y = tensor(t, total);
    void *scratch = aligned_alloc(64, sx_lrn_scratch_bytes(&a) + 64);
    for (int64_t u = sx_lrn_units(&a); u-- > 0;) sx_lrn_run(&a, x, y, u, u + 1, scratch);
    for (int64_t i = 0; i < total; i++) {
      const int64_t c = i / a.HW % a.C;
      double sum = 0;
      for (int64_t k = c - (a.size - 1) / 2; k <= c + a.size / 2; k++)
        if (k >= 0 && k < a.C) sum += pow(get(t, x, i + (k - c) * a.HW), 2);
      expect(t, y, i, get(t, x, i) / pow(1.5 + 0.5 / (double)a.size * sum, (double)a.beta), "LRN");
    }
    free(x), free(y), free(scratch);

    sx_lp_norm_args l = {.isa = isa,
                         .type = t,
                         .outer = 1 + below(3),
                         .n = 1 + below(100),
                         .inner = below(2) ? 1 : 1 + below(90),
                         .p = 1 + (int)below(2)};
    total = l.outer * l.n * l.inner;
    x = tensor(t, total), y = tensor(t, total);
    scratch = aligned_alloc(64, sx_lp_norm_scratch_bytes(&l));
    sx_lp_norm_run(&l, x, y, 0, l.outer, scratch);
    for (int64_t i = 0; i < total; i++) {
      double sum = 0;
      for (int64_t r = 0; r < l.n; r++) {
        const double v = get(t, x, i / (l.n * l.inner) * l.n * l.inner + r * l.inner + i % l.inner);
        sum += l.p == 2 ? v * v : fabs(v);
      }
      expect(t, y, i, sum != 0 ? get(t, x, i) / (l.p == 2 ? sqrt(sum) : sum) : 0, "LpNorm");
    }
    free(x), free(y), free(scratch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(groups), cmocka_unit_test(small_ones)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
