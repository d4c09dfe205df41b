// SPDX-License-Identifier: MIT
/* GEMM: every table of this machine against the reference, over shapes that leave every kind of tail, all ways to hold A
 * and B, all epilogues, batches, and units run one by one in any order. Buffers end exactly where the contract says. */
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

#define FLOATS(level, isa)                                                                                          \
  {&sx_gemm_f32__##level, SX_F32, isa}, {&sx_gemm_f64__##level, SX_F64, isa}, {&sx_gemm_f16__##level, SX_F16, isa}, \
      {&sx_gemm_bf16__##level, SX_BF16, isa},
typedef struct subject {
  const sx_gemm_table *t;
  sx_dtype type;
  sx_isa isa;
} subject;
static const subject subjects[] = {
    FLOATS(base, SX_ISA_BASE)
#ifdef SX_HAVE_avx2
        FLOATS(avx2, SX_ISA_AVX2)
#endif
#ifdef SX_HAVE_avx512
            FLOATS(avx512, SX_ISA_AVX512)
#endif
                {&sx_gemm_i32__base, SX_I32, SX_ISA_BASE},
    {&sx_gemm_i64__base, SX_I64, SX_ISA_BASE},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };
static bool usable(int i) { return subjects[i].isa <= sx_cpu_info()->isa; }
static bool integral(sx_dtype type) { return type == SX_I32 || type == SX_I64; }
/* Half of what one rounding of a result may cost. */
static double rounding(sx_dtype type) {
  return type == SX_F64 ? 6e-16 : type == SX_F32 ? 3e-7 : type == SX_F16 ? 6e-4 : type == SX_BF16 ? 5e-3 : 0;
}

static uint64_t seed = 1;
static double uniform(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)seed / 9223372036854775808.0;
}

/* A heap block of exactly n elements, filled; the sanitizer sees any step outside. */
static void *block(const subject *s, int64_t n) {
  const size_t e = (size_t)s->t->elem;
  char *p = malloc((size_t)(n ? n : 1) * e);
  for (int64_t i = 0; i < n; i++) {
    const double x = uniform();
    const float f = (float)x;
    const int64_t integer = (int64_t)(x * 1000);
    uint32_t bits;
    memcpy(&bits, &f, 4);
    const uint16_t brain = (uint16_t)(bits >> 16);
    const uint16_t half = fabs(x) < 1e-4 ? 0 : (uint16_t)((bits >> 16 & 0x8000) | ((bits >> 13 & 0x3ffff) - (112u << 10)));
    memcpy(p + (size_t)i * e,
           s->type == SX_F64    ? (const void *)&x
           : s->type == SX_F32  ? (const void *)&f
           : s->type == SX_F16  ? (const void *)&half
           : s->type == SX_BF16 ? (const void *)&brain
                                : (const void *)&integer,
           e); /* little endian: the low half of a 64-bit integer is the 32-bit one */
  }
  return p;
}
/* Element i of p as the reference reads it: a product with nothing. */
static double get(const subject *s, const void *p, int64_t i) {
  const sx_gemm one = {.M = 1, .N = 1, .alpha = 1, .epi = {.bias = true}};
  double x;
  sx_gemm_ref(s->type, &one, &(sx_gemm_io){.bias = (const char *)p + i * s->t->elem}, &x);
  return x;
}

static void negate_f32(void *ctx, void *row, int64_t n) {
  for (int64_t i = 0; i < n; i++) ((float *)row)[i] *= -1;
}
static void negate_f64(void *ctx, void *row, int64_t n) {
  for (int64_t i = 0; i < n; i++) ((double *)row)[i] *= -1;
}

static void *pack(const sx_gemm_table *t, const sx_gemm *g, const void *b) {
  size_t bytes;
  assert_true(sx_gemm_packed_bytes(t, g->K, g->N, &bytes));
  void *packed = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  const int64_t panels = sx_gemm_panels(t, g->N);
  const size_t size = g->K && g->N ? (size_t)(((g->K - 1) * g->b_k + (g->N - 1) * g->b_n + 1) * t->elem) : 0;
  char *odd = malloc(size + 1); /* files hold weights at any address */
  memcpy(odd + 1, b, size);
  t->pack_b(odd + 1, g->b_k, g->b_n, g->K, g->N, panels / 2, panels, packed);
  t->pack_b(odd + 1, g->b_k, g->b_n, g->K, g->N, 0, panels / 2, packed);
  free(odd);
  return packed;
}

/* Runs g (B unpacked in the description) packed and unpacked and compares with the reference. */
static void check(const subject *s, sx_gemm *g, const sx_gemm_io *io, int64_t c_elems) {
  const sx_gemm_table *t = s->t;
  const size_t bytes = (size_t)c_elems * (size_t)t->elem;
  void *start = block(s, c_elems), *c = malloc(bytes + 1);
  double *want = malloc(((size_t)c_elems + 1) * sizeof *want);
  for (int64_t i = 0; i < c_elems; i++) want[i] = get(s, start, i);
  const bool in_place = io->res && io->res == io->c;
  sx_gemm_io x = *io;
  if (in_place) x.res = start;
  sx_gemm_ref(s->type, g, &x, want);
  for (int64_t m = 0; m < g->M && g->epi.tile_fn; m++)
    for (int64_t n = 0; n < g->N; n++) want[m * g->c_row + n] *= -1;
  for (int packed = 0; packed < (g->batch_rank ? 1 : 2); packed++) {
    sx_gemm h = *g;
    void *pb = NULL;
    if (packed) h.b_packed = true, x.b = pb = pack(t, g, io->b);
    memcpy(c, start, bytes);
    x.c = c;
    if (in_place) x.res = c;
    sx_gemm_plan(t, &h);
    void *scratch = aligned_alloc(64, h.scratch + 64);
    for (int64_t u = h.units - 1; u >= 0; u--) t->run(&h, &x, u, u + 1, scratch);
    const double tol =
        rounding(s->type) + (t->sum == 4 ? 3e-7 : 6e-16) * (4 + sqrt((double)g->K)) * (1 + fabs(g->alpha)) * 2;
    for (int64_t i = 0; i < c_elems; i++) {
      const double a = get(s, c, i), b = want[i];
      if (!(fabs(a - b) <= (integral(s->type) ? 0 : tol * (1 + fabs(b)))) && !(isnan(a) && isnan(b)))
        fail_msg("%s lanes %d M %d N %d K %d packed %d at %d: %g, want %g", sx_dtype_name(s->type), t->lanes, (int)g->M,
                 (int)g->N, (int)g->K, packed, (int)i, a, b);
    }
    free(scratch), free(pb);
  }
  free(want), free(start), free(c);
}

static float *floats(const subject *s, const void *p, int64_t n) {
  float *f = malloc((size_t)(n ? n : 1) * sizeof *f);
  for (int64_t i = 0; i < n; i++) f[i] = (float)get(s, p, i);
  return f;
}
/* The same numbers with a packed B of 16 bits and everything else in f32: elements of A, bias and residual behind io. */
static void check_wide(const subject *s, const sx_gemm *g, const sx_gemm_io *io, int64_t a_elems, int64_t bias_elems,
                       int64_t c_elems) {
  const sx_gemm_table *t = s->t;
  float *a = floats(s, io->a, a_elems), *bias = floats(s, io->bias, bias_elems), *res = floats(s, io->res, c_elems);
  float *c = malloc((size_t)(c_elems ? c_elems : 1) * sizeof *c);
  double *want = calloc((size_t)c_elems + 1, sizeof *want);
  void *packed = pack(t, g, io->b);
  sx_gemm_ref(s->type, g, io, want);
  sx_gemm h = *g;
  h.b_packed = h.wide = true;
  sx_gemm_plan(t, &h);
  void *scratch = aligned_alloc(64, h.scratch + 64);
  memcpy(c, res, (size_t)c_elems * sizeof *c);
  const sx_gemm_io x = {a, packed, bias, io->res == io->c ? c : res, c};
  for (int64_t u = h.units - 1; u >= 0; u--) t->run(&h, &x, u, u + 1, scratch);
  const double tol = 3e-7 * (5 + sqrt((double)g->K)) * (1 + fabs(g->alpha)) * 2;
  for (int64_t m = 0; m < g->M; m++)
    for (int64_t n = 0; n < g->N; n++) {
      const int64_t i = m * g->c_row + n;
      const double w = g->epi.tile_fn ? -want[i] : want[i];
      if (!(fabs(c[i] - w) <= tol * (1 + fabs(w))))
        fail_msg("wide %s lanes %d M %d N %d K %d at %d: %g, want %g", sx_dtype_name(s->type), t->lanes, (int)g->M, (int)g->N,
                 (int)g->K, (int)i, (double)c[i], w);
    }
  free(a), free(bias), free(res), free(c), free(want), free(packed), free(scratch);
}

static void shape(const subject *s, int64_t M, int64_t N, int64_t K, int variant) {
  const bool whole = integral(s->type);
  const bool ta = variant & 1, tb = variant & 2;
  const int64_t lda = (ta ? M : K) + (variant & 4 ? 3 : 0), ldb = (tb ? K : N) + (variant & 4 ? 5 : 0);
  const int64_t ldc = N + (variant & 4 ? 2 : 0);
  const int64_t a_rows = ta ? K : M, b_rows = tb ? N : K;
  sx_gemm g = {.M = M,
               .N = N,
               .K = K,
               .a_row = ta ? 1 : lda,
               .a_k = ta ? lda : 1,
               .b_k = tb ? 1 : ldb,
               .b_n = tb ? ldb : 1,
               .c_row = ldc,
               .alpha = 1};
  const int kind = variant >> 3;
  switch (kind) {
    case 1: g.epi.bias = true, g.epi.bias_col = 1; break;
    case 2: g.epi.bias = true, g.epi.bias_row = 1, g.epi.clip = !whole, g.epi.lo = 0, g.epi.hi = INFINITY; break;
    case 3: g.epi.bias = true, g.alpha = whole ? 2 : 0.5; break;
    case 4: g.epi.residual = true, g.epi.res_row = ldc, g.epi.beta = 1; break;
    case 5:
      g.epi.residual = true, g.epi.res_row = ldc, g.epi.beta = -2, g.epi.bias = true, g.epi.bias_col = 1, g.res_column = ta;
      break;
    case 6: g.epi.bias = true, g.epi.bias_col = 1, g.epi.clip = !whole, g.epi.lo = -1, g.epi.hi = 1; break;
    case 7: g.epi.tile_fn = whole ? NULL : s->type == SX_F64 ? negate_f64 : negate_f32, g.alpha = 3; break;
    default: break;
  }
  const int64_t a_elems = a_rows && lda ? (a_rows - 1) * lda + (ta ? M : K) : 0;
  void *a = block(s, a_elems);
  void *b = block(s, b_rows && ldb ? (b_rows - 1) * ldb + (tb ? K : N) : 0);
  void *bias = block(s, M > N ? M : N);
  const int64_t c_elems = M && N ? (M - 1) * ldc + N : 0;
  void *in_c = block(s, c_elems);
  sx_gemm_io io = {.a = a, .b = b, .bias = bias, .res = in_c};
  if (kind == 4) io.res = io.c = in_c; /* the residual is C itself */
  check(s, &g, &io, c_elems);
  if (s->t->elem == 2) check_wide(s, &g, &io, a_elems, M > N ? M : N, c_elems);
  free(a), free(b), free(bias), free(in_c);
}

static void test_shapes(void **state) {
  static const int64_t dims[] = {1, 2, 3, 5, 13, 16, 31, 33, 64, 71};
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    if (!usable(i)) continue;
    int variant = 0;
    for (int m = 0; m < 10; m++)
      for (int n = 0; n < 10; n++)
        for (int k = 0; k < 2; k++) shape(&subjects[i], dims[m], dims[n], dims[(m + n + 2 * k) % 10], variant++ % 64);
    for (int v = 0; v < 64; v++) shape(&subjects[i], 17, 37, 9, v);
  }
}

static void test_blocks(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    if (!usable(i)) continue;
    static const int variants[] = {1, 7, 16, 32, 40 + 4, 56 + 3};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) shape(&subjects[i], 20, 40, 2100, variants[v]);
    for (int v = 0; v < 64; v += 9) shape(&subjects[i], 1, 150, 1030, v), shape(&subjects[i], 300, 3, 40, v);
    shape(&subjects[i], 110, 40, 1024, 8);
  }
}

static void test_empty(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    if (!usable(i)) continue;
    for (int v = 0; v < 64; v++)
      shape(&subjects[i], 3, 5, 0, v), shape(&subjects[i], 0, 5, 7, v), shape(&subjects[i], 5, 0, 7, v);
  }
}

static void test_batch(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    if (!usable(i)) continue;
    const subject *s = &subjects[i];
    /* (2,3) matrices; A broadcast over the first dimension, B over the second; B as it lies, then transposed. */
    for (int tb = 0; tb < 2; tb++) {
      const int64_t M = 15, N = 34, K = 21;
      sx_gemm g = {.M = M,
                   .N = N,
                   .K = K,
                   .a_row = K,
                   .a_k = 1,
                   .b_k = tb ? 1 : N,
                   .b_n = tb ? K : 1,
                   .c_row = N,
                   .alpha = 2,
                   .batch_rank = 2,
                   .batch = {2, 3},
                   .a_batch = {0, M * K},
                   .b_batch = {K * N, 0},
                   .c_batch = {3 * M * N, M * N},
                   .res_batch = {0, M * N}};
      g.epi.residual = true, g.epi.res_row = N, g.epi.beta = 1;
      void *a = block(s, 3 * M * K), *b = block(s, 2 * K * N), *r = block(s, 3 * M * N);
      check(s, &g, &(sx_gemm_io){.a = a, .b = b, .res = r}, 6 * M * N);
      g.batch[1] = 0;
      check(s, &g, &(sx_gemm_io){.a = a, .b = b, .res = r}, 0);
      free(a), free(b), free(r);
    }
  }
}

/* A row's bits do not depend on how units are grouped; NaN and infinity go where they belong. */
static void test_special(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    if (!usable(i) || subjects[i].type != SX_F32) continue;
    const sx_gemm_table *t = subjects[i].t;
    enum { M = 20, N = 40, K = 30 };
    float a[M * K], b[K * N], c[M * N];
    for (int j = 0; j < M * K; j++) a[j] = 1;
    for (int j = 0; j < K * N; j++) b[j] = 1;
    a[3 * K + 2] = NAN, a[5 * K] = INFINITY;
    sx_gemm g = {.M = M, .N = N, .K = K, .a_row = K, .a_k = 1, .b_k = N, .b_n = 1, .c_row = N, .alpha = 1};
    g.epi.clip = true, g.epi.lo = 0, g.epi.hi = 25;
    sx_gemm_plan(t, &g);
    char *scratch = aligned_alloc(64, g.scratch + 64);
    t->run(&g, &(sx_gemm_io){.a = a, .b = b, .c = c}, 0, g.units, scratch);
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
      cmocka_unit_test(test_shapes), cmocka_unit_test(test_blocks),  cmocka_unit_test(test_empty),
      cmocka_unit_test(test_batch),  cmocka_unit_test(test_special),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
