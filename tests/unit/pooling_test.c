// SPDX-License-Identifier: MIT
/* Pooling on every ISA level this CPU has, against sx_pooling_ref. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/pool/pooling.h"

static uint32_t seed = 1;
static float noise(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(int32_t)(seed >> 8) / (float)(1 << 23) - 1;
}
static const size_t size_of[] = {4, 8, 1, 1};

static void *values(sx_pooling_type type, int64_t n) {
  char *p = malloc((size_t)(n + 1) * size_of[type]);
  for (int64_t i = 0; i < n; i++) {
    if (type == SX_POOLING_F32)
      ((float *)p)[i] = noise();
    else if (type == SX_POOLING_F64)
      ((double *)p)[i] = noise();
    else
      p[i] = (char)(seed = seed * 1664525u + 1013904223u, seed >> 24);
  }
  return p;
}
static double at(sx_pooling_type type, const void *p, int64_t i) {
  return type == SX_POOLING_F32   ? ((const float *)p)[i]
         : type == SX_POOLING_F64 ? ((const double *)p)[i]
                                  : ((const char *)p)[i];
}

static void check(const sx_pooling_shape *s, bool with_indices) {
  int64_t nx = s->planes * s->lanes * s->in[0] * s->in[1] * s->in[2], rows = s->planes * s->out[0] * s->out[1];
  int64_t ny = rows * s->out[2] * s->lanes;
  void *x = values(s->type, nx), *want = values(s->type, ny), *y = values(s->type, ny);
  int64_t *index = calloc((size_t)ny + 1, 8), *index_want = calloc((size_t)ny + 1, 8);
  sx_pooling_ref(s, x, want, index_want, 0, rows);
  double tolerance = s->type == SX_POOLING_F32 && s->mode != SX_POOLING_MAX ? 1e-5 : 1e-14;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    const sx_pooling_table *t = sx_pooling_table_at((sx_isa)isa);
    if (!t) continue;
    sx_pooling p;
    assert_int_equal(sx_pooling_prepare(&p, t, s, NULL), SX_OK);
    void *scratch = malloc(p.scratch_bytes + 1);
    for (int64_t u = p.units - 1; u >= 0; u--) sx_pooling_run(&p, x, y, with_indices ? index : NULL, u, u + 1, scratch);
    for (int64_t i = 0; i < ny; i++)
      if (!(at(s->type, y, i) == at(s->type, want, i) || fabs(at(s->type, y, i) - at(s->type, want, i)) <= tolerance * (1 + fabs(at(s->type, want, i)))))
        fail_msg("mode %d type %d lanes %d element %d: %g, expected %g", s->mode, s->type, (int)s->lanes, (int)i,
                 at(s->type, y, i), at(s->type, want, i));
    if (with_indices) assert_memory_equal(index, index_want, (size_t)ny * 8);
    free(scratch);
  }
  free(x), free(y), free(want), free(index), free(index_want);
}

/* Windows of one size on every used axis, every layout, mode and type. */
static void sweep(const int64_t in[3], int64_t kernel, int64_t stride, int64_t dilation, int64_t pad, bool ceil_mode) {
  for (int type = 0; type < SX_POOLING_TYPES; type++)
    for (int mode = 0; mode < (type < 2 ? 3 : 1); mode++)
      for (int lanes = 1; lanes <= 32; lanes = lanes == 1 ? 4 : lanes == 4 ? 6 : lanes == 6 ? 32 : 99) {
        sx_pooling_shape s = {
            .planes = 3, .lanes = lanes, .mode = (sx_pooling_mode)mode, .type = (sx_pooling_type)type, .p = 1 + (int)(in[2] + ceil_mode) % 3};
        for (int a = 0; a < 3; a++) {
          bool used = in[a] > 1;
          s.in[a] = in[a];
          s.kernel[a] = used ? kernel == 0 || kernel > in[a] + 2 * pad ? in[a] : kernel : 1;
          s.stride[a] = used ? stride : 1;
          s.dilation[a] = used && s.kernel[a] * dilation <= in[a] + 2 * pad ? dilation : 1;
          s.pad[a] = s.pad_end[a] = used ? pad : 0;
          int64_t room = in[a] + 2 * s.pad[a] - (s.kernel[a] - 1) * s.dilation[a] - 1;
          s.out[a] = (room + (ceil_mode ? s.stride[a] - 1 : 0)) / s.stride[a] + 1;
        }
        check(&s, false);
        s.count_include_pad = true;
        check(&s, false);
        if (lanes == 1 && mode == SX_POOLING_MAX) {
          s.column_major = ceil_mode;
          check(&s, true);
        }
      }
}
#define I(d, h, w) ((const int64_t[3]){d, h, w})

static void windows(void **state) {
  sweep(I(1, 17, 19), 3, 2, 1, 1, false);
  sweep(I(1, 17, 20), 3, 2, 1, 1, true);
  sweep(I(1, 13, 37), 5, 1, 1, 2, false);
  sweep(I(1, 12, 12), 2, 2, 1, 0, false);
  sweep(I(1, 11, 14), 3, 1, 2, 1, true);
  sweep(I(5, 6, 7), 3, 2, 1, 1, true);
  sweep(I(1, 1, 100), 4, 3, 1, 1, true);
  sweep(I(1, 1, 1100), 5, 1, 3, 3, false); /* more than a segment of outputs */
  sweep(I(1, 2, 300), 4, 4, 1, 1, true);
  sweep(I(1, 2, 150), 9, 8, 1, 2, true);
  sweep(I(1, 1, 150), 3, 7, 2, 0, false);
  sweep(I(1, 6, 6), 2, 1, 1, 2, false); /* whole windows of padding */
}
static void global(void **state) {
  sweep(I(1, 7, 7), 0, 1, 1, 0, false);
  sweep(I(1, 19, 33), 0, 1, 1, 0, false);
  sweep(I(3, 5, 7), 0, 1, 1, 0, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(windows), cmocka_unit_test(global)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
