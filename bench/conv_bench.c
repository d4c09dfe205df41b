// SPDX-License-Identifier: MIT
/* GFLOPS of the convolution tables, one thread: `conv_bench [C K HW kernel stride group [level]]...`, or a built-in list.
 * By hand: cc -O2 -Isrc -DSX_HAVE_avx2 -DSX_HAVE_avx512 bench/conv_bench.c build/libsardonyx.a -lm -lpthread -o conv_bench
 * With -shared -fPIC conv_job() and conv_time(), qconv_job() and qconv_time() serve scripts that alternate with another library. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ep/cpu/kernels/conv/qconv.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static float *filled(int64_t n) {
  float *p = aligned_alloc(64, ((size_t)n * 4 + 4159) / 64 * 64);
  for (int64_t i = 0; i < n; i++) p[i] = (float)(i * 7919 % 17) * 0.1f - 0.8f;
  return p;
}

typedef struct job {
  sx_conv c;
  sx_conv_io io;
  void *scratch;
  double flops;
} job;

/* "Same" padding, bias and relu; h = 1: 1-D along w. layout: 0 plain, 1 stem, 2 blocked. */
job *conv_job(int level, int layout, int64_t c, int64_t k, int64_t h, int64_t w, int64_t kh, int64_t kw, int64_t stride,
              int64_t group, int winograd) {
  job *j = calloc(1, sizeof *j);
  const sx_conv_table *t = sx_conv_table_at((sx_isa)level);
  sx_conv_shape s = {.batch = 1,
                     .in_channels = c,
                     .out_channels = k,
                     .group = group,
                     .in = {1, h, w},
                     .kernel = {1, kh, kw},
                     .stride = {1, h > 1 ? stride : 1, stride},
                     .dilation = {1, 1, 1},
                     .pad = {0, kh / 2, kw / 2},
                     .winograd = winograd};
  for (int a = 0; a < 3; a++) s.out[a] = (s.in[a] + 2 * s.pad[a] - s.kernel[a]) / s.stride[a] + 1;
  sx_epilogue epi = {.bias = true, .clip = true, .lo = 0, .hi = INFINITY};
  if (!t || sx_conv_prepare(&j->c, t, &s, &epi, (sx_conv_layout)(layout == 2), (sx_conv_layout)(layout > 0), NULL) != SX_OK)
    return NULL;
  int64_t b = 16, ci = (c + b - 1) / b * b, ko = (k + b - 1) / b * b;
  float *packed = filled((int64_t)j->c.packed_bytes / 4), *weights = filled(c / group * k * kh * kw);
  const sx_conv_source source = {.w = weights, .type = SX_F32};
  sx_conv_pack(&j->c, &source, packed, 0, j->c.pack_units);
  free(weights);
  j->io =
      (sx_conv_io){.x = filled(ci * h * w), .packed = packed, .bias = filled(ko), .y = filled(ko * s.out[1] * s.out[2])};
  j->scratch = aligned_alloc(64, (j->c.scratch_bytes + 63) / 64 * 64);
  j->flops = 2.0 * (double)(c / group * k * kh * kw * s.out[1] * s.out[2]);
  return j;
}
/* Best of `n` runs, in seconds. */
double conv_time(job *j, int n) {
  double best = 1e9;
  for (int i = 0; i < n; i++) {
    double t = now();
    sx_conv_run(&j->c, &j->io, 0, j->c.units, j->scratch);
    t = now() - t;
    if (t < best) best = t;
  }
  return best;
}

typedef struct qjob {
  sx_qconv c;
  sx_qconv_io io;
  void *scratch;
} qjob;
/* The same in 8 bits, blocked; signs: bit 0 of x, bit 1 of w. */
qjob *qconv_job(int level, int vnni, int signs, int64_t c, int64_t k, int64_t hw, int64_t kernel, int64_t stride, int64_t group) {
  qjob *j = calloc(1, sizeof *j);
  const sx_qconv_table *t = sx_qconv_table_at((sx_isa)level, vnni);
  int64_t p = kernel / 2, out = (hw + 2 * p - kernel) / stride + 1;
  j->c = (sx_qconv){.s = {.batch = 1, .in_channels = c, .out_channels = k, .group = group, .in = {1, hw, hw}, .out = {1, out, out},
                          .kernel = {1, kernel, kernel}, .stride = {1, stride, stride}, .dilation = {1, 1, 1}, .pad = {0, p, p}},
                    .x_layout = SX_CONV_BLOCKED, .y_layout = SX_CONV_BLOCKED, .x_signed = signs & 1, .w_signed = signs & 2,
                    .w_centered = true, .out = signs & 1 ? SX_QCONV_S8 : SX_QCONV_U8};
  if (!t || sx_qconv_prepare(&j->c, t, NULL) != SX_OK) return NULL;
  float *packed = filled((int64_t)j->c.packed_bytes / 4 + 1), *weights = filled(c / group * k * kernel * kernel);
  uint8_t zero = signs & 2 ? 0 : 128;
  sx_qconv_pack(&j->c, weights, &zero, 0, packed, 0, j->c.pack_units);
  free(weights);
  j->io = (sx_qconv_io){.x = filled((c + 16) * hw * hw), .packed = packed, .scale = filled(k + 16), .y = filled((k + 16) * out * out)};
  j->scratch = aligned_alloc(64, (j->c.scratch_bytes + 63) / 64 * 64);
  return j;
}
double qconv_time(qjob *j, int n) {
  double best = 1e9;
  for (int i = 0; i < n; i++) {
    double t = now();
    sx_qconv_run(&j->c, &j->io, 0, j->c.units, j->scratch);
    t = now() - t;
    if (t < best) best = t;
  }
  return best;
}

static void show(const int64_t v[7]) {
  int layout = v[0] <= 4 ? 1 : 2;
  for (int level = v[6] >= 0 ? (int)v[6] : 1; level <= (v[6] >= 0 ? v[6] : (int)sx_cpu_info()->isa); level++) {
    for (int winograd = 0; winograd <= (v[3] == 3 && v[4] == 1 && v[5] == 1 ? 4 : 0); winograd += 2) {
      job *j = conv_job(level, layout, v[0], v[1], v[2], v[2], v[3], v[3], v[4], v[5], winograd);
      if (!j) continue;
      double t = conv_time(j, 3), start = now();
      while (now() - start < 0.1) {
        double u = conv_time(j, 3);
        if (u < t) t = u;
      }
      printf("%4d -> %4d @%3d  %dx%d s%d g%-4d %-7s %-3s %8.4f ms %7.1f GF  units %d\n", (int)v[0], (int)v[1], (int)v[2],
             (int)v[3], (int)v[3], (int)v[4], (int)v[5], sx_isa_name((sx_isa)level),
             winograd == 4 ? "F4"
             : winograd    ? "F2"
                           : "",
             t * 1e3, j->flops / t * 1e-9, (int)j->c.units);
    }
  }
}

int main(int argc, char **argv) {
  static const int64_t list[][7] = {
      {3, 64, 224, 7, 2, 1, -1},     {64, 64, 56, 3, 1, 1, -1},     {128, 128, 28, 3, 1, 1, -1},
      {256, 256, 14, 3, 1, 1, -1},   {512, 512, 7, 3, 1, 1, -1},    {128, 128, 56, 3, 2, 1, -1},
      {512, 512, 14, 3, 2, 1, -1},   {64, 256, 56, 1, 1, 1, -1},    {256, 64, 56, 1, 1, 1, -1},
      {128, 512, 28, 1, 1, 1, -1},   {256, 1024, 14, 1, 1, 1, -1},  {512, 2048, 7, 1, 1, 1, -1},
      {2048, 512, 7, 1, 1, 1, -1},   {24, 144, 56, 1, 1, 1, -1},    {144, 24, 56, 1, 1, 1, -1},
      {32, 192, 28, 1, 1, 1, -1},    {32, 32, 112, 3, 1, 32, -1},   {144, 144, 56, 3, 1, 144, -1},
      {192, 192, 28, 3, 1, 192, -1}, {576, 576, 14, 3, 1, 576, -1}, {960, 960, 7, 3, 1, 960, -1},
      {144, 144, 56, 3, 2, 144, -1}, {240, 240, 28, 5, 1, 240, -1}, {128, 128, 28, 3, 1, 32, -1}};
  if (argc > 6)
    for (int i = 1; i + 5 < argc; i += 7) {
      int64_t v[7];
      for (int k = 0; k < 7; k++) v[k] = i + k < argc ? atoll(argv[i + k]) : -1;
      show(v);
    }
  else
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) show(list[i]);
  return 0;
}
