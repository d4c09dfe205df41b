// SPDX-License-Identifier: MIT
/* GEMM: every table of this machine against the reference, over shapes that leave every kind of tail, all ways to hold A and
 * B, all epilogues, batches, and units run one by one in any order. Buffers end exactly where the contract says. */
#include "base/alloc.h"
#include "base/cpu.h"
#include "ep/cpu/kernels/gemm/gemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const sx_gemm_table *const tables[] = {
    &sx_gemm_f32__base,   &sx_gemm_f64__base,
#ifdef SX_HAVE_avx2
    &sx_gemm_f32__avx2,   &sx_gemm_f64__avx2,
#endif
#ifdef SX_HAVE_avx512
    &sx_gemm_f32__avx512, &sx_gemm_f64__avx512,
#endif
};
static bool usable(size_t i) { return (int)(i / 2) <= (int)sx_cpu_info()->isa; }

static uint64_t seed = 1;
static double uniform(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)seed / 9223372036854775808.0;
}

/* A heap block of exactly n elements, filled; the sanitizer sees any step outside. */
static void *block(int elem, int64_t n) {
  void *p = malloc((size_t)(n ? n : 1) * (size_t)elem);
  for (int64_t i = 0; i < n; i++) {
    if (elem == 4)
      ((float *)p)[i] = (float)uniform();
    else
      ((double *)p)[i] = uniform();
  }
  return p;
}
static double get(int elem, const void *p, int64_t i) { return elem == 4 ? (double)((const float *)p)[i] : ((const double *)p)[i]; }

static void negate(void *ctx, void *row, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (*(int *)ctx == 4)
      ((float *)row)[i] *= -1;
    else
      ((double *)row)[i] *= -1;
  }
}

static void *pack(const sx_gemm_table *t, const sx_gemm *g, const void *b) {
  size_t bytes;
  assert_true(sx_gemm_packed_bytes(t, g->K, g->N, &bytes));
  void *packed = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  const int64_t panels = sx_gemm_panels(t, g->N);
  t->pack_b(b, g->b_k, g->b_n, g->K, g->N, panels / 2, panels, packed);
  t->pack_b(b, g->b_k, g->b_n, g->K, g->N, 0, panels / 2, packed);
  return packed;
}

/* Runs g (B unpacked in the description) packed and unpacked and compares with the reference. */
static void check(const sx_gemm_table *t, sx_gemm *g, const sx_gemm_io *io, int64_t c_elems) {
  const int e = t->elem;
  void *want = block(e, c_elems), *c = malloc((size_t)c_elems * (size_t)e + 1);
  sx_gemm_io r = *io;
  r.c = want;
  void *start = malloc((size_t)c_elems * (size_t)e + 1);
  memcpy(start, want, (size_t)c_elems * (size_t)e);
  if (io->res == io->c && io->c) r.res = want;
  sx_gemm_ref(e, g, &r);
  if (g->epi.tile_fn)
    for (int64_t m = 0; m < g->M; m++) negate(g->epi.tile_ctx, (char *)want + m * g->c_row * e, g->N);
  for (int packed = 0; packed < (g->batch_rank ? 1 : 2); packed++) {
    sx_gemm h = *g;
    sx_gemm_io x = *io;
    void *pb = NULL;
    if (packed) h.b_packed = true, x.b = pb = pack(t, g, io->b);
    memcpy(c, start, (size_t)c_elems * (size_t)e);
    x.c = c;
    if (io->res == io->c && io->c) x.res = c;
    sx_gemm_plan(t, &h);
    void *scratch = aligned_alloc(64, h.scratch + 64);
    for (int64_t u = h.units - 1; u >= 0; u--) t->run(&h, &x, u, u + 1, scratch);
    const double tol = (e == 4 ? 3e-7 : 6e-16) * (4 + sqrt((double)g->K)) * (1 + fabs(g->alpha)) * 2;
    for (int64_t i = 0; i < c_elems; i++) {
      const double a = get(e, c, i), b = get(e, want, i);
      if (!(fabs(a - b) <= tol * (1 + fabs(b))) && !(isnan(a) && isnan(b)))
        fail_msg("elem %d lanes %d M %d N %d K %d packed %d at %d: %g, want %g", e, t->lanes, (int)g->M, (int)g->N,
                 (int)g->K, packed, (int)i, a, b);
    }
    free(scratch), free(pb);
  }
  free(want), free(start), free(c);
}

static void shape(const sx_gemm_table *t, int64_t M, int64_t N, int64_t K, int variant) {
  const int e = t->elem;
  const bool ta = variant & 1, tb = variant & 2;
  const int64_t lda = (ta ? M : K) + (variant & 4 ? 3 : 0), ldb = (tb ? K : N) + (variant & 4 ? 5 : 0);
  const int64_t ldc = N + (variant & 4 ? 2 : 0);
  const int64_t a_rows = ta ? K : M, b_rows = tb ? N : K;
  sx_gemm g = {.M = M, .N = N, .K = K, .a_row = ta ? 1 : lda, .a_k = ta ? lda : 1, .b_k = tb ? 1 : ldb, .b_n = tb ? ldb : 1,
               .c_row = ldc, .alpha = 1};
  int ctx = e;
  const int kind = variant >> 3;
  switch (kind) {
    case 1: g.epi.bias = true, g.epi.bias_col = 1; break;
    case 2: g.epi.bias = true, g.epi.bias_row = 1, g.epi.clip = true, g.epi.lo = 0, g.epi.hi = INFINITY; break;
    case 3: g.epi.bias = true, g.alpha = 0.5; break;
    case 4: g.epi.residual = true, g.epi.res_row = ldc, g.epi.beta = 1; break;
    case 5: g.epi.residual = true, g.epi.res_row = ldc, g.epi.beta = -2, g.epi.bias = true, g.epi.bias_col = 1; break;
    case 6: g.epi.bias = true, g.epi.bias_col = 1, g.epi.clip = true, g.epi.lo = -1, g.epi.hi = 1; break;
    case 7: g.epi.tile_fn = negate, g.epi.tile_ctx = &ctx, g.alpha = 3; break;
    default: break;
  }
  void *a = block(e, a_rows && lda ? (a_rows - 1) * lda + (ta ? M : K) : 0);
  void *b = block(e, b_rows && ldb ? (b_rows - 1) * ldb + (tb ? K : N) : 0);
  void *bias = block(e, M > N ? M : N);
  const int64_t c_elems = M && N ? (M - 1) * ldc + N : 0;
  void *in_c = block(e, c_elems);
  sx_gemm_io io = {.a = a, .b = b, .bias = bias, .res = in_c};
  if (kind == 4) io.res = io.c = in_c; /* the residual is C itself */
  check(t, &g, &io, c_elems);
  free(a), free(b), free(bias), free(in_c);
}

static void test_shapes(void **state) {
  static const int64_t dims[] = {1, 2, 3, 5, 13, 16, 31, 33, 64, 71};
  (void)state;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (!usable(i)) continue;
    int variant = 0;
    for (int m = 0; m < 10; m++)
      for (int n = 0; n < 10; n++)
        for (int k = 0; k < 5; k++) shape(tables[i], dims[m], dims[n], dims[(m + n + 2 * k) % 10], variant++ % 64);
    for (int v = 0; v < 64; v++) shape(tables[i], 17, 37, 9, v);
  }
}

static void test_blocks(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (!usable(i)) continue;
    static const int variants[] = {0, 1, 2, 7, 8, 16 + 1, 24, 32, 40 + 4, 48, 56 + 3};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) shape(tables[i], 29, 70, 2500, variants[v]);
    for (int v = 0; v < 64; v += 5) shape(tables[i], 1, 150, 1030, v), shape(tables[i], 300, 3, 40, v);
    shape(tables[i], 260, 40, 1100, 8);
  }
}

static void test_empty(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (!usable(i)) continue;
    for (int v = 0; v < 64; v++)
      shape(tables[i], 3, 5, 0, v), shape(tables[i], 0, 5, 7, v), shape(tables[i], 5, 0, 7, v);
  }
}

static void test_batch(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (!usable(i)) continue;
    const sx_gemm_table *t = tables[i];
    /* (2,3) matrices; A broadcast over the first dimension, B over the second; B as it lies, then transposed. */
    for (int tb = 0; tb < 2; tb++) {
      const int64_t M = 15, N = 34, K = 21;
      sx_gemm g = {.M = M, .N = N, .K = K, .a_row = K, .a_k = 1, .b_k = tb ? 1 : N, .b_n = tb ? K : 1, .c_row = N, .alpha = 0.25,
                   .batch_rank = 2, .batch = {2, 3}, .a_batch = {0, M * K}, .b_batch = {K * N, 0},
                   .c_batch = {3 * M * N, M * N}, .res_batch = {0, M * N}};
      g.epi.residual = true, g.epi.res_row = N, g.epi.beta = 1;
      void *a = block(t->elem, 3 * M * K), *b = block(t->elem, 2 * K * N), *r = block(t->elem, 3 * M * N);
      check(t, &g, &(sx_gemm_io){.a = a, .b = b, .res = r}, 6 * M * N);
      g.batch[1] = 0;
      check(t, &g, &(sx_gemm_io){.a = a, .b = b, .res = r}, 0);
      free(a), free(b), free(r);
    }
  }
}

/* A row's bits do not depend on how units are grouped; NaN and infinity go where they belong. */
static void test_special(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i += 2) {
    if (!usable(i)) continue;
    enum { M = 20, N = 40, K = 30 };
    float a[M * K], b[K * N], c[M * N];
    for (int j = 0; j < M * K; j++) a[j] = 1;
    for (int j = 0; j < K * N; j++) b[j] = 1;
    a[3 * K + 2] = NAN, a[5 * K] = INFINITY;
    sx_gemm g = {.M = M, .N = N, .K = K, .a_row = K, .a_k = 1, .b_k = N, .b_n = 1, .c_row = N, .alpha = 1};
    g.epi.clip = true, g.epi.lo = 0, g.epi.hi = 25;
    sx_gemm_plan(tables[i], &g);
    char *scratch = aligned_alloc(64, g.scratch + 64);
    tables[i]->run(&g, &(sx_gemm_io){.a = a, .b = b, .c = c}, 0, g.units, scratch);
    for (int m = 0; m < M; m++)
      for (int n = 0; n < N; n++) {
        if (m == 3)
          assert_true(isnan(c[m * N + n]));
        else
          assert_true(c[m * N + n] == 25);
      }
    free(scratch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shapes),  cmocka_unit_test(test_blocks),  cmocka_unit_test(test_empty),
      cmocka_unit_test(test_batch),   cmocka_unit_test(test_special),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
