// SPDX-License-Identifier: MIT
/* 8-bit GEMM: every table of this machine equals the reference in every bit (dequantised sums within rounding), over all
 * sign mixes, zero points, layouts of B and outputs. Extreme values are frequent, so that saturating instructions would
 * show. */
#include "base/cpu.h"
#include "ep/cpu/kernels/gemm/igemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
  const sx_igemm_table *t;
  sx_isa isa;
  size_t feature;
} tables[] = {
    {&sx_igemm__base, SX_ISA_BASE, 0},
#ifdef SX_HAVE_avx2
    {&sx_igemm__avx2, SX_ISA_AVX2, 0},
#endif
#ifdef SX_HAVE_avx512vnni
    {&sx_igemm__avx512vnni, SX_ISA_AVX512, offsetof(sx_cpu, avx512_vnni)},
#endif
#ifdef SX_HAVE_avxvnni
    {&sx_igemm__avxvnni, SX_ISA_AVX2, offsetof(sx_cpu, avx_vnni)},
#endif
#ifdef SX_HAVE_dotprod
    {&sx_igemm__dotprod, SX_ISA_BASE, offsetof(sx_cpu, dotprod)},
#endif
};
enum { TABLES = sizeof tables / sizeof *tables };
static bool usable(int i) {
  const sx_cpu *cpu = sx_cpu_info();
  return tables[i].isa <= cpu->isa && (!tables[i].feature || *((const bool *)cpu + tables[i].feature));
}

static uint32_t seed = 1;
static uint32_t random_bits(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}
/* Exactly n bytes; the sanitizer sees any step outside. */
static uint8_t *bytes(int64_t n) {
  static const uint8_t extreme[] = {0, 255, 127, 128};
  uint8_t *p = malloc((size_t)(n ? n : 1));
  for (int64_t i = 0; i < n; i++) p[i] = random_bits() % 3 ? (uint8_t)random_bits() : extreme[random_bits() % 4];
  return p;
}
static float *floats(int64_t n, float scale) {
  float *p = malloc((size_t)(n ? n : 1) * sizeof *p);
  for (int64_t i = 0; i < n; i++) p[i] = (float)(random_bits() % 2000) / 1000 * scale;
  return p;
}

static void negate(void *ctx, void *row, int64_t n) {
  (void)ctx;
  for (int64_t i = 0; i < n; i++) ((float *)row)[i] *= -1;
}

/* The bits of v: 0 a_signed, 1 b_signed, 2 zero point of A, 3 of B, 4 per row and column, 5 B transposed, 6 padded rows. */
static void check(const sx_igemm_table *t, int64_t M, int64_t N, int64_t K, int v, sx_igemm_out out) {
  const bool per = v & 16, tb = v & 32;
  const int pad = v & 64 ? 7 : 0, elem = out == SX_IGEMM_U8 || out == SX_IGEMM_S8 ? 1 : 4;
  const int64_t lda = K + pad, ldb = (tb ? K : N) + pad, ldc = N + pad;
  uint8_t *a = bytes(M ? (M - 1) * lda + K : 0), *b = bytes(K && N ? (tb ? (N - 1) * ldb + K : (K - 1) * ldb + N) : 0);
  uint8_t *az = bytes(M + 1), *bz = bytes(N + 1);
  float *scale = floats(N + M, 0.4f / (float)(K + 1)), *fbias = floats(N + M, 100), *res = floats(M * ldc + 1, 10);
  int32_t *bias = malloc((size_t)(N + M + 1) * 4);
  for (int i = 0; i < N + M; i++) bias[i] = (int32_t)random_bits() % 9999 - 5000;
  sx_igemm g = {.M = M,
                .N = N,
                .K = K,
                .a_row = lda,
                .a_signed = v & 1,
                .a_zero_row = per,
                .out = out,
                .c_row = ldc,
                .scale_col = per};
  g.epi.bias = v & 8, g.epi.bias_col = per, g.epi.bias_row = !per;
  if (out == SX_IGEMM_F32 && v & 4)
    g.epi.residual = true, g.epi.beta = 2, g.epi.res_row = ldc, g.epi.clip = per, g.epi.lo = -50, g.epi.hi = 60;
  sx_igemm_b pb = {.b = b,
                   .K = K,
                   .N = N,
                   .b_k = tb ? 1 : ldb,
                   .b_n = tb ? ldb : 1,
                   .a_signed = v & 1,
                   .b_signed = v >> 1 & 1,
                   .zero = v & 8 ? bz : NULL,
                   .zero_col = per};
  const size_t c_bytes = (size_t)(M * ldc) * (size_t)elem + 1;
  void *want = calloc(c_bytes, 1), *c = calloc(c_bytes, 1);
  sx_igemm_io io = {.a = a,
                    .a_zero = v & 4 ? az : NULL,
                    .b = b,
                    .bias = out == SX_IGEMM_F32 ? (void *)fbias : bias,
                    .res = res,
                    .scale = scale,
                    .a_scale = 0.5f,
                    .out_zero = out == SX_IGEMM_S8 ? -5 : 130,
                    .c = want};
  sx_igemm_ref(&g, &io, &pb);
  size_t size;
  assert_true(sx_igemm_packed_bytes(t, K, N, &size));
  io.b = aligned_alloc(64, size + 64), io.c = c;
  const int64_t panels = sx_igemm_panels(t, N);
  t->pack_b(&pb, panels / 2, panels, (void *)io.b);
  t->pack_b(&pb, 0, panels / 2, (void *)io.b);
  if (v == 5) {
    g.epi.tile_fn = negate;
    for (int64_t i = 0; i < M * ldc && out == SX_IGEMM_F32; i++) ((float *)want)[i] *= -1;
  }
  sx_igemm_plan(t, &g);
  void *scratch = aligned_alloc(64, g.scratch + 64);
  for (int64_t u = g.units - 1; u >= 0; u--) t->run(&g, &io, u, u + 1, scratch);
  bool same = memcmp(c, want, c_bytes) == 0;
  if (out == SX_IGEMM_F32) {
    same = true;
    for (int64_t i = 0; i < M * ldc; i++) same &= fabsf(((float *)c)[i] - ((float *)want)[i]) <= 1e-4f;
  }
  if (!same)
    fail_msg("lanes %d step %d: M %d N %d K %d variant %d out %d differs", t->lanes, t->step, (int)M, (int)N, (int)K, v,
             out);
  free(a), free(b), free(az), free(bz), free(scale), free(fbias), free(res), free(bias), free(want), free(c), free(scratch);
  free((void *)io.b);
}

static void test_variants(void **state) {
  (void)state;
  for (int i = 0; i < TABLES; i++)
    for (int v = 0; usable(i) && v < 128; v++)
      for (int out = 0; out < 4; out++) check(tables[i].t, 1 + v % 17, 70 - v % 39, 1 + v % 23, v, (sx_igemm_out)out);
}

static void test_shapes(void **state) {
  static const int64_t dims[] = {1, 2, 3, 7, 15, 16, 31, 33, 64, 130};
  (void)state;
  for (int i = 0; i < TABLES; i++) {
    int v = 0;
    for (int m = 0; usable(i) && m < 10; m++)
      for (int n = 0; n < 10; n++)
        check(tables[i].t, dims[m], dims[n], dims[(m + 3 * n) % 10], v % 128, (sx_igemm_out)(v % 4)), v++;
    for (int e = 0; usable(i) && e < 4; e++) {
      check(tables[i].t, 300, 20, 1000, 15 + 16 * e, SX_IGEMM_S32), check(tables[i].t, 20, 300, 4096, 12 + e, SX_IGEMM_S32);
      check(tables[i].t, 0, 5, 5, 15, (sx_igemm_out)e), check(tables[i].t, 5, 0, 5, 15, (sx_igemm_out)e);
      check(tables[i].t, 5, 5, 0, 15, (sx_igemm_out)e);
    }
  }
}

static void test_batch(void **state) {
  (void)state;
  enum { M = 5, N = 40, K = 9 };
  for (int i = 0; i < TABLES; i++) {
    if (!usable(i)) continue;
    const sx_igemm_table *t = tables[i].t;
    uint8_t *a = bytes(2 * M * K), *b = bytes(3 * K * N), zero = 100;
    size_t size;
    assert_true(sx_igemm_packed_bytes(t, K, N, &size));
    char *packed = aligned_alloc(64, size * 3);
    sx_igemm_b pb = {.K = K, .N = N, .b_k = N, .b_n = 1};
    for (int z = 0; z < 3; z++) pb.b = b + z * K * N, t->pack_b(&pb, 0, sx_igemm_panels(t, N), packed + (size_t)z * size);
    sx_igemm g = {.M = M,
                  .N = N,
                  .K = K,
                  .a_row = K,
                  .c_row = N,
                  .batch_rank = 2,
                  .batch = {2, 3},
                  .a_batch = {M * K, 0},
                  .b_batch = {0, (int64_t)size},
                  .c_batch = {3 * M * N, M * N}};
    int32_t c[6 * M * N], want[M * N];
    sx_igemm_plan(t, &g);
    void *scratch = aligned_alloc(64, g.scratch + 64);
    t->run(&g, &(sx_igemm_io){.a = a, .a_zero = &zero, .b = packed, .c = c}, 0, g.units, scratch);
    for (int z = 0; z < 6; z++) {
      pb.b = b + z % 3 * K * N;
      sx_igemm_ref(&g, &(sx_igemm_io){.a = a + z / 3 * M * K, .a_zero = &zero, .c = want}, &pb);
      assert_memory_equal(want, c + z * M * N, sizeof want);
    }
    free(a), free(b), free(packed), free(scratch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_variants), cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_batch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
