// SPDX-License-Identifier: MIT
/* GFLOPS of the GEMM tables, one thread: `gemm_bench M N K [batch [form [f32|f16|bf16|f64]]]`, or a built-in list. Built by hand:
 *   cc -O2 -Isrc -DSX_HAVE_avx2 -DSX_HAVE_avx512 bench/gemm_bench.c build/libsardonyx.a -lm -lpthread -o gemm_bench
 * With -shared -fPIC the function gemm_bench() serves scripts that alternate with another library. */
#include "base/cpu.h"
#include "ep/cpu/kernels/gemm/gemm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static void *filled(const sx_gemm_table *t, int64_t n) {
  char *p = aligned_alloc(64, ((size_t)(n * t->elem) + 4159) / 64 * 64);
  for (int64_t i = 0; i < n; i++) {
    const float f = (float)(i % 17) * 0.1f - 0.8f;
    const double d = f;
    const uint16_t h = (uint16_t)(0x3800 + i % 17); /* 0.5 in f16, tiny in bf16 */
    memcpy(p + i * t->elem, t->elem == 2 ? (const void *)&h : t->elem == 4 ? (const void *)&f : (const void *)&d, (size_t)t->elem);
  }
  return p;
}
#define TYPES(level) {&sx_gemm_f32__##level, &sx_gemm_f16__##level, &sx_gemm_bf16__##level, &sx_gemm_f64__##level},
static const char *const type_names[] = {"f32", "f16", "bf16", "f64"};
static const sx_gemm_table *const levels[][4] = {
    TYPES(base)
#ifdef SX_HAVE_avx2
    TYPES(avx2)
#endif
#ifdef SX_HAVE_avx512
    TYPES(avx512)
#endif
};
static int type; /* column of levels */

typedef struct job {
  const sx_gemm_table *t;
  sx_gemm g;
  sx_gemm_io io;
  void *scratch;
} job;

/* form: 0 B packed, 1 B as it lies, 2 B transposed and dynamic. */
job *gemm_job(int level, int64_t M, int64_t N, int64_t K, int64_t batch, int form) {
  job *j = calloc(1, sizeof *j);
  j->t = levels[level][type];
  j->g = (sx_gemm){.M = M, .N = N, .K = K, .a_row = K, .a_k = 1, .b_k = form == 2 ? 1 : N, .b_n = form == 2 ? K : 1,
                   .c_row = N, .alpha = 1};
  if (batch > 1) {
    j->g.batch_rank = 1, j->g.batch[0] = batch;
    j->g.a_batch[0] = M * K, j->g.b_batch[0] = K * N, j->g.c_batch[0] = M * N;
  }
  j->g.b_packed = form == 0;
  sx_gemm_plan(j->t, &j->g);
  void *b = filled(j->t, K * N * batch);
  j->io = (sx_gemm_io){.a = filled(j->t, M * K * batch), .b = b, .c = filled(j->t, M * N * batch)};
  if (form == 0) {
    size_t bytes;
    sx_gemm_packed_bytes(j->t, K, N, &bytes);
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    j->t->pack_b(b, N, 1, K, N, 0, sx_gemm_panels(j->t, N), p);
    j->io.b = p;
    free(b);
  }
  j->scratch = aligned_alloc(64, j->g.scratch + 64);
  return j;
}
/* Seconds of `reps` runs. */
double gemm_time(const job *j, int reps) {
  const double t = now();
  for (int r = 0; r < reps; r++) j->t->run(&j->g, &j->io, 0, j->g.units, j->scratch);
  return now() - t;
}
void gemm_free(job *j) {
  free((void *)j->io.a), free((void *)j->io.b), free(j->io.c), free(j->scratch), free(j);
}

static void report(int64_t M, int64_t N, int64_t K, int64_t batch, int form) {
  printf("%5d %5d %5d x%-3d %s", (int)M, (int)N, (int)K, (int)batch, form == 0 ? "packed " : form == 1 ? "in place" : "B^T     ");
  const double flops = 2.0 * (double)M * (double)N * (double)K * (double)batch;
  for (int l = 0; l < (int)(sizeof levels / sizeof *levels) && l <= (int)sx_cpu_info()->isa; l++) {
    job *j = gemm_job(l, M, N, K, batch, form);
    const int reps = flops > 2e8 ? 1 : (int)(2e8 / flops) + 1;
    double best = 1e9;
    for (int r = 0; r < 8; r++) {
      const double t = gemm_time(j, reps) / reps;
      if (t < best) best = t;
    }
    printf("  %7.1f GF %9.2f us", flops / best * 1e-9, best * 1e6);
    gemm_free(j);
  }
  printf("\n");
}

int main(int argc, char **argv) {
  static const int64_t list[][5] = {{128, 768, 768, 1, 0}, {128, 3072, 768, 1, 0}, {128, 768, 3072, 1, 0},
                                    {1, 1024, 1024, 1, 0}, {4, 1024, 1024, 1, 0},  {197, 768, 768, 1, 0},
                                    {16, 384, 384, 1, 0},  {512, 512, 512, 1, 0},  {1024, 1024, 1024, 1, 0},
                                    {128, 128, 64, 12, 2}, {128, 64, 128, 12, 1},  {384, 384, 64, 12, 2},
                                    {32, 64, 64, 1, 0},    {8, 32, 32, 1, 0},      {1000, 10, 512, 1, 0},
                                    {2048, 2048, 2048, 1, 0}};
  if (argc > 3) {
    int64_t v[5] = {0, 0, 0, 1, 0};
    for (int i = 1; i < argc && i < 6; i++) v[i - 1] = atoll(argv[i]);
    for (int i = 0; i < 4; i++)
      if (argc > 6 && !strcmp(argv[6], type_names[i])) type = i;
    report(v[0], v[1], v[2], v[3], (int)v[4]);
    return 0;
  }
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) report(list[i][0], list[i][1], list[i][2], list[i][3], (int)list[i][4]);
  return 0;
}
