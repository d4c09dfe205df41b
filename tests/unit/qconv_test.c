// SPDX-License-Identifier: MIT
/* The integer convolution, every table of this CPU against sx_qconv_ref: equal bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/conv/qconv.h"

static uint32_t seed = 1;
static uint32_t noise(void) { return (seed = seed * 1664525u + 1013904223u) >> 16; }
static int64_t volume(const int64_t v[3]) { return v[0] * v[1] * v[2]; }
static char *bytes(int64_t n) {
  char *p = malloc((size_t)n + 1);
  for (int64_t i = 0; i < n; i++) p[i] = (char)noise();
  return p;
}

/* To or from a blocked copy; padded lanes of a blocked one are noise, and are not looked at. */
static char *reblock(const char *from, int64_t batch, int64_t channels, int64_t pixels, int b, int size, bool to_blocked) {
  int64_t blocks = (channels + b - 1) / b;
  char *to = bytes(batch * (to_blocked ? blocks * b : channels) * pixels * size);
  for (int64_t n = 0; n < batch; n++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = 0; p < pixels; p++) {
        int64_t plain = (n * channels + c) * pixels + p, blocked = ((n * blocks + c / b) * pixels + p) * b + c % b;
        memcpy(to + (to_blocked ? blocked : plain) * size, from + (to_blocked ? plain : blocked) * size, (size_t)size);
      }
  return to;
}

/* Bits, but for floats with an addend, which may be rounded once or twice. */
static bool same(const sx_qconv_io *io, const char *a, const char *b, int size) {
  float x, y;
  if (!io->add) return !memcmp(a, b, (size_t)size);
  memcpy(&x, a, sizeof x), memcpy(&y, b, sizeof y);
  return fabsf(x - y) <= 1e-6f * (fabsf(y) + 100);
}

static void compare(const sx_qconv *c, const sx_qconv_io *ref, const char *want, const char *w, const void *w_zero,
                    int64_t zero_step, const sx_qconv_table *t, int lanes) {
  const sx_conv_shape *s = &c->s;
  int size = c->out == SX_QCONV_S32 || c->out == SX_QCONV_F32 ? 4 : 1;
  int64_t ny = s->batch * s->out_channels * volume(s->out);
  for (int pair = 0; pair < 4; pair++) {
    sx_qconv q = *c;
    const int layout = pair & 1, y_layout = pair >> 1; /* of x, of y */
    q.x_layout = (sx_conv_layout)layout, q.y_layout = (sx_conv_layout)y_layout;
    if (sx_qconv_prepare(&q, t, NULL) != SX_OK) {
      assert_int_not_equal(pair, 0);
      continue;
    }
    void *packed = sx_malloc_aligned(q.packed_bytes + 1), *scratch = sx_malloc_aligned(q.scratch_bytes + 1);
    memset(scratch, 0x5a, q.scratch_bytes);
    for (int64_t u = 0; u < q.pack_units; u++) sx_qconv_pack(&q, w, w_zero, zero_step, packed, u, u + 1);
    sx_qconv_io io = *ref;
    io.packed = packed;
    char *x = layout ? reblock(ref->x, s->batch, s->in_channels, volume(s->in), lanes, 1, true) : (char *)ref->x;
    char *y = bytes((ny + s->batch * lanes * volume(s->out)) * size);
    io.x = x, io.y = y;
    const int64_t apart = q.units / 3; /* the first ones alone, the others in one go */
    sx_qconv_run(&q, &io, apart, q.units, scratch);
    for (int64_t u = apart - 1; u >= 0; u--) sx_qconv_run(&q, &io, u, u + 1, scratch);
    char *got = y_layout ? reblock(y, s->batch, s->out_channels, volume(s->out), lanes, size, false) : y;
    for (int64_t i = 0; i < ny; i++)
      if (!same(ref, got + i * size, want + i * size, size))
        fail_msg("lanes %d layouts %d out %d element %d of %d: %d, expected %d", lanes, pair, c->out, (int)i, (int)ny,
                 size == 1 ? got[i] : ((int32_t *)(void *)got)[i],
                 size == 1 ? want[i] : ((const int32_t *)(const void *)want)[i]);
    if (layout) free(x);
    if (y_layout) free(got);
    free(y);
    sx_free_aligned(packed, q.packed_bytes + 1), sx_free_aligned(scratch, q.scratch_bytes + 1);
  }
}

/* `variant` picks signs, zero points and the kind of output. */
static void check(const sx_conv_shape *s, int variant) {
  bool centered = variant % 3 != 2, w_signed = variant & 1;
  sx_qconv c = {.s = *s,
                .x_signed = variant & 2,
                .w_signed = w_signed,
                .w_centered = centered,
                .bias = variant & 4,
                .out = (sx_qconv_out)(variant % 4)};
  if (variant == 6 || variant == 11) c.lo = 0, c.hi = 20;
  int64_t taps = volume(s->kernel), nw = s->in_channels / s->group * s->out_channels * taps;
  char *x = bytes(s->batch * s->in_channels * volume(s->in)), *w = bytes(nw), *zero = bytes(s->out_channels);
  if (centered) memset(zero, w_signed ? 0 : 128, (size_t)s->out_channels);
  float *scale = malloc((size_t)(s->out_channels + 1) * 4);
  float *add = malloc((size_t)(s->out_channels + 1) * 4);
  int32_t *bias = malloc((size_t)(s->out_channels + 1) * 4);
  for (int64_t k = 0; k < s->out_channels; k++)
    scale[k] = (float)(noise() % 100 + 1) * 2e-5f, bias[k] = (int32_t)noise() - 30000, add[k] = (float)(noise() % 100) - 50;
  sx_qconv_io io = {
      .x = x, .bias = bias, .scale = scale, .x_zero = c.x_signed ? -7 : 119, .out_zero = c.out == SX_QCONV_S8 ? 5 : 130};
  if (variant > 6 && c.out == SX_QCONV_F32) io.add = add;
  char *want = bytes(s->batch * s->out_channels * volume(s->out) * 4);
  io.y = want;
  sx_qconv_ref(&c, &io, w, zero, 1);
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int vnni = 0; vnni <= (isa == SX_ISA_AVX512 && sx_cpu_info()->avx512_vnni); vnni++) {
      const sx_conv_table *f = sx_conv_table_at((sx_isa)isa);
      if (f) compare(&c, &io, want, w, zero, 1, sx_qconv_table_at((sx_isa)isa, vnni), sx_conv_block(f));
    }
  free(x), free(w), free(zero), free(scale), free(add), free(bias), free(want);
}

static void run(int64_t batch, int64_t c, int64_t k, int64_t g, const int64_t in[3], const int64_t kernel[3],
                int64_t stride, int64_t dilation, int64_t pad, bool transposed) {
  sx_conv_shape s = {.batch = batch, .in_channels = c, .out_channels = k, .group = g, .transposed = transposed};
  for (int a = 0; a < 3; a++) {
    bool used = in[a] != 1 || kernel[a] != 1;
    s.in[a] = in[a], s.kernel[a] = kernel[a];
    s.stride[a] = used ? stride : 1, s.dilation[a] = used ? dilation : 1, s.pad[a] = used ? pad : 0;
    int64_t span = (kernel[a] - 1) * s.dilation[a] + 1;
    s.out[a] =
        transposed ? (in[a] - 1) * s.stride[a] + span - 2 * s.pad[a] : (in[a] + 2 * s.pad[a] - span) / s.stride[a] + 1;
  }
  for (int variant = 0; variant < 12; variant++) check(&s, variant);
}
#define I(d, h, w) ((const int64_t[3]){d, h, w})

static void dense(void **state) {
  run(6, 3, 20, 1, I(1, 6, 5), I(1, 3, 3), 1, 1, 1, false);
  run(5, 32, 64, 2, I(1, 5, 4), I(1, 3, 3), 1, 1, 1, false);
  run(1, 3, 20, 1, I(1, 17, 19), I(1, 7, 7), 2, 1, 3, false);
  run(2, 16, 64, 1, I(1, 7, 7), I(1, 3, 3), 1, 1, 1, false);
  run(1, 37, 70, 1, I(1, 12, 11), I(1, 3, 3), 1, 1, 1, false);
  run(1, 64, 33, 1, I(1, 20, 9), I(1, 1, 1), 1, 1, 0, false);
  run(1, 21, 17, 1, I(1, 30, 8), I(1, 3, 3), 2, 2, 2, false);
  run(1, 5, 6, 1, I(1, 1, 100), I(1, 1, 5), 1, 1, 2, false);
  run(1, 5, 6, 1, I(4, 5, 6), I(3, 3, 3), 1, 1, 1, false);
  run(1, 2, 3, 1, I(1, 2, 2), I(1, 3, 3), 1, 1, 4, false);
}
static void groups(void **state) {
  run(1, 64, 64, 16, I(1, 9, 8), I(1, 3, 3), 1, 1, 1, false);
  run(1, 32, 64, 2, I(1, 8, 8), I(1, 3, 3), 2, 1, 1, false);
  run(1, 9, 6, 3, I(1, 8, 8), I(1, 3, 3), 1, 1, 1, false);
  run(2, 37, 37, 37, I(1, 40, 15), I(1, 3, 3), 1, 1, 1, false);
  run(1, 37, 37, 37, I(1, 40, 15), I(1, 5, 5), 2, 1, 2, false);
  run(1, 20, 20, 20, I(1, 14, 12), I(1, 3, 3), 1, 2, 2, false);
  run(1, 20, 20, 20, I(3, 5, 6), I(3, 3, 3), 1, 1, 1, false);
}
static void transposed(void **state) {
  run(1, 18, 20, 1, I(1, 5, 7), I(1, 2, 2), 2, 1, 0, true);
  run(2, 7, 5, 1, I(1, 30, 4), I(1, 4, 4), 2, 1, 1, true);
  run(1, 16, 16, 16, I(1, 4, 5), I(1, 4, 4), 2, 1, 1, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dense), cmocka_unit_test(groups), cmocka_unit_test(transposed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
