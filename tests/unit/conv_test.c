// SPDX-License-Identifier: MIT
/* Every algorithm on every ISA level this CPU has, against sx_conv_ref. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/conv.h"

static uint32_t seed = 1;
static float noise(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(int32_t)(seed >> 8) / (float)(1 << 23) - 1;
}
static float *values(int64_t n) {
  float *p = sx_malloc_aligned((size_t)(n + 1) * 4);
  for (int64_t i = 0; i < n; i++) p[i] = noise();
  return p;
}
static int winograd;          /* of the shapes that run() makes */
static uint8_t type = SX_F32; /* of their weights */

/* The elements of w, rounded to zero in place, as 16 bits of the type. */
static uint16_t *narrow(float *w, int64_t n) {
  uint16_t *h = malloc((size_t)(n + 1) * sizeof *h);
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    if (fabsf(w[i]) < 1e-4f) w[i] = 0;
    memcpy(&bits, &w[i], 4);
    bits &= type == SX_F16 ? ~0x1fffu : ~0xffffu;
    h[i] = (uint16_t)(type == SX_BF16 ? bits >> 16
                      : w[i] == 0     ? 0
                                      : (bits >> 16 & 0x8000) | ((bits >> 13 & 0x3ffff) - (112u << 10)));
    memcpy(&w[i], &bits, 4);
  }
  return h;
}
static int64_t volume(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

static void halve(void *ctx, void *row, int64_t n) {
  float *y = row;
  for (int64_t i = 0; i < n; i++) y[i] = y[i] * 0.5f + *(float *)ctx;
}

/* A blocked copy with the padded lanes zero, or the other way, by the definition of the layout. */
static float *block(const float *x, int64_t batch, int64_t channels, int64_t pixels, int b) {
  int64_t blocks = (channels + b - 1) / b;
  float *y = calloc((size_t)(batch * blocks * b * pixels + 1), 4);
  for (int64_t n = 0; n < batch; n++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = 0; p < pixels; p++)
        y[((n * blocks + c / b) * pixels + p) * b + c % b] = x[(n * channels + c) * pixels + p];
  return y;
}

static void compare(const sx_conv_shape *s, const float *want, const float *got, int b, double depth, double rounding) {
  int64_t pixels = volume(s->out), blocks = (s->out_channels + b - 1) / b;
  for (int64_t n = 0; n < s->batch; n++)
    for (int64_t c = 0; c < blocks * b; c++)
      for (int64_t p = 0; p < pixels; p++) {
        float y = got[b == 1 ? (n * s->out_channels + c) * pixels + p : ((n * blocks + c / b) * pixels + p) * b + c % b];
        float r = c < s->out_channels ? want[(n * s->out_channels + c) * pixels + p] : 0;
        if (!(fabs(y - r) <= 1.2e-7 * (4 + depth / 2 + sqrt(depth) * fabs(r)) + rounding * sqrt(depth)))
          fail_msg("image %d channel %d of %d pixel %d: %.9g, expected %.9g", (int)n, (int)c, (int)s->out_channels, (int)p,
                   y, r);
      }
}

/* Rows times factors, packed in one go from anywhere, are what packing the products gives. */
static void pack_scaled(const sx_conv *c, const float *w, int64_t n, const void *want) {
  if (c->s.transposed || !n) return;
  int64_t row = n / c->s.out_channels;
  double *factors = malloc((size_t)c->s.out_channels * sizeof *factors);
  float *scaled = malloc((size_t)n * 4), *packed = sx_malloc_aligned(c->packed_bytes),
        *again = sx_malloc_aligned(c->packed_bytes);
  char *odd = malloc((size_t)n * 4 + 1);
  for (int64_t k = 0; k < c->s.out_channels; k++) factors[k] = noise();
  for (int64_t i = 0; i < n; i++) scaled[i] = (float)(w[i] * factors[i / row]);
  memcpy(odd + 1, w, (size_t)n * 4);
  sx_conv_source from = {scaled, SX_F32, NULL};
  sx_conv_pack(c, &from, packed, 0, c->pack_units);
  from = (sx_conv_source){odd + 1, SX_F32, factors};
  sx_conv_pack(c, &from, again, 0, c->pack_units);
  assert_memory_equal(packed, again, c->packed_bytes);
  from.factors = NULL;
  sx_conv_pack(c, &from, again, 0, c->pack_units);
  assert_memory_equal(want, again, c->packed_bytes);
  free(factors), free(scaled), free(odd);
  sx_free_aligned(packed, c->packed_bytes), sx_free_aligned(again, c->packed_bytes);
}

/* Runs the shape in every pair of layouts that has an algorithm; the epilogue is one of several by `kind`. */
static void check(const sx_conv_shape *s, int kind) {
  float shift = 0.25f;
  sx_epilogue epi = {.bias = kind != 1, .residual = kind == 2 || kind == 3, .beta = 1};
  if (kind == 1 || kind == 2) epi.clip = true, epi.lo = 0, epi.hi = INFINITY;
  if (kind == 4) epi.clip = true, epi.lo = 0.5, epi.hi = 2;
  int64_t taps = volume(s->kernel), nx = s->batch * s->in_channels * volume(s->in),
          ny = s->batch * s->out_channels * volume(s->out);
  float *x = values(nx), *w = values(s->in_channels / s->group * s->out_channels * taps), *bias = values(s->out_channels);
  float *res = values(ny), *want = values(ny);
  const int64_t nw = s->in_channels / s->group * s->out_channels * taps;
  uint16_t *h = type == SX_F32 ? NULL : narrow(w, nw);
  double *factors = h && !s->transposed ? malloc((size_t)s->out_channels * sizeof *factors) : NULL;
  for (int64_t k = 0; k < s->out_channels && factors; k++) {
    factors[k] = noise();
    for (int64_t i = 0; i < nw / s->out_channels; i++) w[k * (nw / s->out_channels) + i] *= (float)factors[k];
  }
  sx_conv_ref(s, &epi, x, w, bias, res, want);
  if (kind == 3) {
    epi.tile_fn = halve, epi.tile_ctx = &shift;
    halve(&shift, want, ny);
  }
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int layout = 0; layout < 3; layout++) {
      const sx_conv_table *t = sx_conv_table_at((sx_isa)isa);
      sx_conv_layout lx = layout == 2 ? SX_CONV_BLOCKED : SX_CONV_PLAIN, ly = layout ? SX_CONV_BLOCKED : SX_CONV_PLAIN;
      if (!t || !sx_conv_has(t, s, lx, ly)) continue;
      int b = sx_conv_block(t), by = layout ? b : 1;
      sx_conv c;
      sx_conv_shape shape = *s;
      shape.weights = ly == SX_CONV_PLAIN && factors ? SX_F32 : type; /* not both */
      assert_int_equal(sx_conv_prepare(&c, t, &shape, &epi, lx, ly, NULL), SX_OK);
      float *packed = sx_malloc_aligned(c.packed_bytes + 4);
      void *scratch = sx_malloc_aligned(c.scratch_bytes);
      memset(scratch, 0xff, c.scratch_bytes); /* NaN */
      const sx_conv_source from = {h ? (const void *)h : w, type, factors};
      for (int64_t u = c.pack_units - 1; u >= 0; u--) sx_conv_pack(&c, &from, packed, u, u + 1);
      if (!kind && !h) pack_scaled(&c, w, s->in_channels / s->group * s->out_channels * taps, packed);
      float *bx = lx ? block(x, s->batch, s->in_channels, volume(s->in), b) : x;
      int64_t padded = s->batch * (s->out_channels + by - 1) / by * by * volume(s->out) + by * volume(s->out);
      float *y = malloc((size_t)(padded + 1) * 4);
      float *y2 = ly ? block(res, s->batch, s->out_channels, volume(s->out), b)
                     : memcpy(malloc((size_t)(ny + 1) * 4), res, (size_t)ny * 4);
      memset(y, 0xff, (size_t)padded * 4);
      sx_conv_io io = {.x = bx, .packed = packed, .bias = bias, .residual = y2, .y = epi.residual ? y2 : y};
      for (int64_t u = c.units - 1; u >= 0; u--) sx_conv_run(&c, &io, u, u + 1, scratch);
      double depth = (double)(s->in_channels / s->group * taps);
      const bool rounded = c.algo == SX_CONV_WINOGRAD && h; /* weights to 15 bits */
      compare(s, want, io.y, by, c.algo == SX_CONV_WINOGRAD ? 4 * depth : depth, rounded ? 2.5e-4 : 0);
      if (bx != x) free(bx);
      free(y), free(y2);
      sx_free_aligned(packed, c.packed_bytes + 4);
      sx_free_aligned(scratch, c.scratch_bytes);
    }
  free(h), free(factors);
  sx_free_aligned(x, (size_t)(nx + 1) * 4);
  sx_free_aligned(w, (size_t)(s->in_channels / s->group * s->out_channels * taps + 1) * 4);
  sx_free_aligned(bias, (size_t)(s->out_channels + 1) * 4);
  sx_free_aligned(res, (size_t)(ny + 1) * 4), sx_free_aligned(want, (size_t)(ny + 1) * 4);
}

/* sx_conv_f64_run on the numbers that sx_conv_ref gets. */
static void check_f64(const sx_conv_shape *s) {
  int64_t nx = s->batch * s->in_channels * volume(s->in),
          nw = s->in_channels / s->group * s->out_channels * volume(s->kernel),
          ny = s->batch * s->out_channels * volume(s->out);
  float *x = values(nx), *w = values(nw), *bias = values(s->out_channels), *want = values(ny);
  double *wide = malloc((size_t)(nx + nw + s->out_channels + ny) * sizeof *wide), *xd = wide, *wd = xd + nx, *bd = wd + nw,
         *y = bd + s->out_channels;
  for (int64_t i = 0; i < nx; i++) xd[i] = x[i];
  for (int64_t i = 0; i < nw; i++) wd[i] = w[i];
  for (int64_t i = 0; i < s->out_channels; i++) bd[i] = bias[i];
  sx_epilogue e = {.bias = true};
  sx_conv_ref(s, &e, x, w, bias, NULL, want);
  sx_conv_f64_run(s, xd, wd, bd, y, 0, s->batch * s->out_channels);
  for (int64_t i = 0; i < ny; i++) /* the reference sums in double and is rounded once */
    if (!(fabs(y[i] - want[i]) <= 6e-8 * fabs(y[i]) + 1e-12))
      fail_msg("f64, element %d: %.12g, expected %.9g", (int)i, y[i], want[i]);
  free(wide);
  sx_free_aligned(x, (size_t)(nx + 1) * 4), sx_free_aligned(w, (size_t)(nw + 1) * 4);
  sx_free_aligned(bias, (size_t)(s->out_channels + 1) * 4), sx_free_aligned(want, (size_t)(ny + 1) * 4);
}

/* Fills in `out` from a padding of `pad` before and `pad_end` after, and runs. */
static void run(int64_t batch, int64_t c, int64_t k, int64_t g, const int64_t in[3], const int64_t kernel[3],
                int64_t stride, int64_t dilation, int64_t pad, int64_t pad_end, int64_t extra, bool transposed, int kind) {
  sx_conv_shape s = {
      .batch = batch, .in_channels = c, .out_channels = k, .group = g, .transposed = transposed, .winograd = winograd};
  for (int a = 0; a < 3; a++) {
    bool used = in[a] != 1 || kernel[a] != 1;
    s.in[a] = in[a], s.kernel[a] = kernel[a];
    s.stride[a] = used ? stride : 1;
    s.dilation[a] = used ? dilation : 1;
    s.pad[a] = used ? pad : 0;
    int64_t end = used ? pad_end : 0, span = (kernel[a] - 1) * s.dilation[a] + 1;
    s.out[a] = transposed ? (in[a] - 1) * s.stride[a] + (used ? extra : 0) + span - s.pad[a] - end
                          : (in[a] + s.pad[a] + end - span) / s.stride[a] + 1;
  }
  check(&s, kind);
  if (kind == 0 && !winograd) check_f64(&s);
  if (kind != 0 && kind != 3) return;
  type = kind ? SX_BF16 : SX_F16;
  check(&s, kind);
  type = SX_F32;
}
#define I(d, h, w) ((const int64_t[3]){d, h, w})

static void conv_2d(void **state) {
  for (int kind = 0; kind < 5; kind++) {
    run(1, 3, 20, 1, I(1, 17, 19), I(1, 7, 7), 2, 1, 3, 3, 0, false, kind);
    run(2, 3, 64, 1, I(1, 9, 9), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 16, 64, 1, I(1, 7, 7), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(2, 21, 50, 1, I(1, 6, 11), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 130, 24, 1, I(1, 14, 14), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 24, 144, 1, I(1, 13, 9), I(1, 1, 1), 1, 1, 0, 0, 0, false, kind);
    run(1, 70, 33, 1, I(1, 8, 8), I(1, 1, 1), 2, 1, 0, 0, 0, false, kind);
    run(1, 9, 40, 1, I(1, 12, 10), I(1, 5, 3), 2, 2, 2, 1, 0, false, kind);
    run(1, 64, 3, 1, I(1, 20, 70), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 300, 17, 1, I(1, 5, 5), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
  }
  run(1, 2, 5, 1, I(1, 3, 3), I(1, 3, 3), 1, 1, 5, 5, 0, false, 0); /* padding wider than the kernel */
  run(0, 3, 5, 1, I(1, 3, 3), I(1, 3, 3), 1, 1, 1, 1, 0, false, 0);
}

static void conv_groups(void **state) {
  for (int kind = 0; kind < 5; kind++) {
    run(1, 64, 64, 16, I(1, 9, 8), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);  /* merged groups */
    run(1, 32, 64, 32, I(1, 9, 8), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);  /* two results a channel */
    run(2, 20, 80, 20, I(1, 70, 40), I(1, 5, 3), 2, 1, 1, 1, 0, false, kind);
    run(1, 3, 96, 3, I(1, 9, 12), I(1, 2, 4), 1, 2, 1, 0, 0, false, kind); /* whole blocks of them */
    run(2, 40, 40, 10, I(1, 9, 12), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind); /* groups inside a channel block */
    run(1, 40, 40, 5, I(1, 9, 24), I(1, 3, 3), 2, 1, 1, 1, 0, false, kind);
    run(1, 14, 14, 7, I(1, 9, 11), I(1, 5, 3), 1, 2, 2, 2, 0, false, kind);
    run(2, 32, 64, 2, I(1, 7, 7), I(1, 3, 3), 2, 1, 1, 1, 0, false, kind);
    run(1, 9, 6, 3, I(1, 8, 8), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    for (int64_t k = 3; k <= 9; k += 2)
      for (int64_t stride = 1; stride < 4; stride++)
        run(2, 37, 37, 37, I(1, 11, 15), I(1, k, k), stride, 1, k / 2, k / 2, 0, false, kind);
    run(1, 20, 20, 20, I(1, 14, 12), I(1, 3, 3), 2, 1, 0, 1, 0, false, kind);
    run(1, 20, 20, 20, I(1, 14, 12), I(1, 3, 3), 1, 2, 2, 2, 0, false, kind);
    run(1, 20, 20, 20, I(1, 1, 50), I(1, 1, 5), 1, 3, 6, 6, 0, false, kind);
    run(1, 20, 20, 20, I(4, 5, 6), I(3, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 20, 40, 20, I(1, 5, 6), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind); /* multiplier 2 */
    run(1, 16, 16, 16, I(1, 1, 1), I(1, 5, 5), 1, 1, 2, 2, 0, false, kind);
  }
}

static void conv_1d_3d(void **state) {
  for (int kind = 0; kind < 5; kind++) {
    run(2, 5, 7, 1, I(1, 1, 200), I(1, 1, 9), 1, 3, 12, 12, 0, false, kind);
    run(1, 1, 18, 1, I(1, 1, 900), I(1, 1, 400), 160, 1, 0, 0, 0, false, kind);
    run(1, 40, 24, 1, I(1, 1, 75), I(1, 1, 3), 2, 1, 1, 1, 0, false, kind);
    run(1, 17, 19, 1, I(5, 6, 7), I(3, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(2, 2, 24, 1, I(6, 13, 15), I(3, 5, 3), 2, 1, 1, 1, 0, false, kind);
    run(1, 2, 17, 1, I(1, 1, 2000), I(1, 1, 9), 2, 1, 4, 4, 0, false, kind);
    run(1, 3, 17, 1, I(5, 6, 70), I(3, 3, 3), 1, 1, 1, 1, 0, false, kind);
    run(1, 1, 18, 1, I(1, 1, 500), I(1, 1, 40), 10, 1, 5, 5, 0, false, kind);
    run(1, 3, 8, 1, I(7, 6, 9), I(2, 3, 1), 2, 1, 1, 0, 0, false, kind);
  }
}

static void conv_transpose(void **state) {
  for (int kind = 0; kind < 5; kind++) {
    run(1, 18, 20, 1, I(1, 5, 7), I(1, 2, 2), 2, 1, 0, 0, 0, true, kind);
    run(2, 7, 5, 1, I(1, 6, 4), I(1, 4, 4), 2, 1, 1, 1, 0, true, kind);
    run(1, 8, 12, 2, I(1, 5, 5), I(1, 3, 3), 2, 1, 1, 1, 1, true, kind);
    run(1, 32, 32, 4, I(1, 5, 5), I(1, 3, 3), 3, 2, 1, 0, 2, true, kind);
    run(1, 20, 9, 1, I(1, 1, 33), I(1, 1, 16), 8, 1, 4, 4, 0, true, kind);
    run(1, 6, 6, 1, I(3, 4, 5), I(3, 3, 3), 2, 1, 1, 1, 1, true, kind);
    run(1, 6, 6, 1, I(1, 4, 5), I(1, 3, 3), 1, 1, 0, 0, 0, true, kind);
    run(1, 6, 6, 1, I(1, 4, 5), I(1, 1, 1), 3, 1, 0, 0, 0, true, kind); /* outputs without a tap */
    run(1, 16, 16, 16, I(1, 4, 5), I(1, 4, 4), 2, 1, 1, 1, 0, true, kind);
    run(2, 37, 37, 37, I(1, 4, 20), I(1, 5, 3), 2, 2, 2, 1, 1, true, kind);
    run(1, 20, 20, 20, I(3, 4, 5), I(3, 3, 3), 3, 1, 1, 1, 1, true, kind);
    run(1, 20, 20, 20, I(1, 1, 9), I(1, 1, 16), 8, 1, 4, 4, 0, true, kind);
    run(1, 5, 5, 5, I(1, 3, 4), I(1, 1, 1), 3, 1, 0, 0, 0, true, kind);
  }
}

/* The transpose adds nothing where no pixel is: an infinite weight reaches no further than its tap. */
static void conv_transpose_infinite(void **state) {
  enum { IN = 20, OUT = 41 };
  sx_conv_shape s = {1, 2, 1, 1, {1, 1, IN}, {1, 1, OUT}, {1, 1, 3}, {1, 1, 2}, {1, 1, 1}, {0, 0, 0}, .transposed = true};
  const sx_epilogue epi = {0};
  float x[2 * IN], y[OUT];
  static const float w[] = {1, 2, INFINITY, 1, 2, 4};
  (void)state;
  for (int i = 0; i < 2 * IN; i++) x[i] = 1;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    const sx_conv_table *t = sx_conv_table_at((sx_isa)isa);
    sx_conv c;
    if (!t) continue;
    assert_int_equal(sx_conv_prepare(&c, t, &s, &epi, SX_CONV_PLAIN, SX_CONV_PLAIN, NULL), SX_OK);
    float *packed = sx_malloc_aligned(c.packed_bytes);
    void *mem = sx_malloc_aligned(c.scratch_bytes);
    const sx_conv_source from = {w, SX_F32, NULL};
    sx_conv_pack(&c, &from, packed, 0, c.pack_units);
    const sx_conv_io io = {.x = x, .packed = packed, .y = y};
    sx_conv_run(&c, &io, 0, c.units, mem);
    for (int u = 0; u < OUT; u++) {
      const float want = u % 2 ? 4 : u ? INFINITY : 2;
      assert_true(y[u] == want);
    }
    sx_free_aligned(packed, c.packed_bytes), sx_free_aligned(mem, c.scratch_bytes);
  }
}

static void conv_winograd(void **state) {
  for (winograd = 2; winograd <= 4; winograd += 2)
    for (int kind = 0; kind < 5; kind++) {
      run(1, 64, 64, 1, I(1, 14, 14), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
      run(2, 32, 130, 1, I(1, 9, 11), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
      run(1, 37, 40, 1, I(1, 13, 7), I(1, 3, 3), 1, 1, 0, 0, 0, false, kind);
      run(1, 33, 50, 1, I(1, 25, 30), I(1, 3, 3), 1, 1, 0, 2, 0, false, kind);
      run(1, 32, 32, 1, I(1, 2, 1), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
      if (!kind) run(1, 200, 300, 1, I(1, 12, 12), I(1, 3, 3), 1, 1, 1, 1, 0, false, kind);
    }
  winograd = 0;
}

/* A padded tap reads nothing: what is outside the image may hold anything, and NaN inside reaches only its window. */
static void conv_nan(void **state) {
  sx_conv_shape s = {.batch = 1,
                     .in_channels = 16,
                     .out_channels = 16,
                     .group = 1,
                     .in = {1, 8, 8},
                     .out = {1, 8, 8},
                     .kernel = {1, 3, 3},
                     .stride = {1, 1, 1},
                     .dilation = {1, 1, 1},
                     .pad = {0, 1, 1}};
  sx_epilogue epi = {.clip = true, .lo = 0, .hi = INFINITY};
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    const sx_conv_table *t = sx_conv_table_at((sx_isa)isa);
    if (!t) continue;
    sx_conv c;
    assert_int_equal(sx_conv_prepare(&c, t, &s, &epi, SX_CONV_PLAIN, SX_CONV_PLAIN, NULL), SX_OK);
    float *x = values(1024), *w = values(2304), *y = values(1024), *packed = sx_malloc_aligned(c.packed_bytes);
    void *scratch = sx_malloc_aligned(c.scratch_bytes);
    x[0] = NAN;
    const sx_conv_source from = {.w = w, .type = SX_F32};
    for (int64_t u = c.pack_units - 1; u >= 0; u--) sx_conv_pack(&c, &from, packed, u, u + 1);
    sx_conv_io io = {.x = x, .packed = packed, .y = y};
    sx_conv_run(&c, &io, 0, c.units, scratch);
    for (int i = 0; i < 1024; i++) {
      int row = i / 8 % 8, col = i % 8;
      assert_true(isnan(y[i]) == (row < 2 && col < 2));
    }
    sx_free_aligned(x, 1025 * 4), sx_free_aligned(w, 2305 * 4), sx_free_aligned(y, 1025 * 4);
    sx_free_aligned(packed, c.packed_bytes), sx_free_aligned(scratch, c.scratch_bytes);
  }
}

static void reorder(void **state) {
  const int64_t channels[] = {1, 3, 16, 37}, pixels[] = {1, 15, 16, 100};
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int i = 0; i < 16; i++) {
      const sx_conv_table *t = sx_conv_table_at((sx_isa)isa);
      if (!t) continue;
      int64_t c = channels[i / 4], p = pixels[i % 4];
      int b = sx_conv_block(t);
      float *x = values(c * p), *want = block(x, 1, c, p, b), *back = calloc((size_t)(c * p), 4);
      int64_t n = (c + b - 1) / b * b * p;
      float *y = malloc((size_t)n * 4);
      sx_reorder_to_blocked(t, x, y, c, p, p / 3, p);
      sx_reorder_to_blocked(t, x, y, c, p, 0, p / 3);
      assert_memory_equal(y, want, n * 4);
      sx_reorder_to_plain(t, y, back, c, p, 0, p / 2);
      sx_reorder_to_plain(t, y, back, c, p, p / 2, p);
      assert_memory_equal(back, x, c * p * 4);
      sx_free_aligned(x, (size_t)(c * p + 1) * 4), free(want), free(y), free(back);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(conv_2d),       cmocka_unit_test(conv_groups),
                                     cmocka_unit_test(conv_1d_3d),    cmocka_unit_test(conv_transpose), cmocka_unit_test(conv_transpose_infinite),
                                     cmocka_unit_test(conv_winograd), cmocka_unit_test(conv_nan),
                                     cmocka_unit_test(reorder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
