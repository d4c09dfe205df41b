// SPDX-License-Identifier: MIT
/* Samplers and their kin against plain loops in double: GridSample in one to three axes with every mode and padding (also
 * places that are no numbers), deformed columns, Col2Im as the transpose of taking blocks, MaxUnpool's bounds,
 * determinants. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/vision/rois.h"
#include "ep/cpu/kernels/vision/sample.h"
#include "ep/cpu/kernels/vision/spread.h"

static uint64_t seed = 9;
static double rnd(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (double)(int64_t)(seed >> 11) / 4503599627370496.0 - 1;
}

/* Index k of an image row as the padding sees it; -1: zero. */
static int64_t padded(const sx_grid_sample *a, int64_t k, int64_t n) {
  if (a->padding == SX_GRID_ZEROS) return k >= 0 && k < n ? k : -1;
  if (a->padding == SX_GRID_BORDER) return k < 0 ? 0 : k >= n ? n - 1 : k;
  for (int i = 0; i < 1000 && (k < 0 || k >= n); i++) { /* mirrored at the borders until it is inside */
    if (n == 1) return 0;
    k = a->align_corners ? k < 0 ? -k : 2 * (n - 1) - k : k < 0 ? -1 - k : 2 * n - 1 - k;
  }
  return k;
}
static double cubic(double d) {
  d = fabs(d);
  return d <= 1 ? 1.25 * d * d * d - 2.25 * d * d + 1 : d < 2 ? -0.75 * (d * d * d - 5 * d * d + 8 * d - 4) : 0;
}
/* The sample of one plane, axis by axis. */
static double sample(const sx_grid_sample *a, const double *x, const double *place, int axis) {
  if (axis == a->axes) return *x;
  int64_t n = a->dims[axis], stride = 1;
  for (int i = axis + 1; i < a->axes; i++) stride *= a->dims[i];
  double v = place[a->axes - 1 - axis],
         p = a->align_corners ? (v + 1) / 2 * (double)(n - 1) : ((v + 1) * (double)n - 1) / 2, sum = 0;
  if (isnan(p)) p = a->padding == SX_GRID_ZEROS ? -100 : 0;
  p = p > 100 ? 100 : p < -100 ? -100 : p;
  double low = a->align_corners ? 0 : -0.5, high = a->align_corners ? (double)n - 1 : (double)n - 0.5;
  if (a->padding == SX_GRID_BORDER && a->mode == SX_GRID_LINEAR) p = p < 0 ? 0 : p > (double)n - 1 ? (double)n - 1 : p;
  for (int i = 0; i < 1000 && a->padding == SX_GRID_REFLECTION && high > low && (p < low || p > high); i++)
    p = p < low ? 2 * low - p : 2 * high - p;
  if (a->padding == SX_GRID_REFLECTION && !(high > low)) p = low;
  int64_t first = a->mode == SX_GRID_NEAREST ? (int64_t)rint(p) : (int64_t)floor(p) - 1,
          taps = a->mode == SX_GRID_NEAREST ? 1 : 4;
  for (int64_t k = first; k < first + taps; k++) {
    double d = fabs(p - (double)k), w = taps == 1 ? 1 : a->mode == SX_GRID_CUBIC ? cubic(d) : d < 1 ? 1 - d : 0;
    int64_t at = padded(a, k, n);
    if (at >= 0 && w != 0) sum += w * sample(a, x + at * stride, place, axis + 1);
  }
  return sum;
}
static void grid_case(int axes, sx_grid_mode mode, sx_grid_padding padding, bool align, int64_t size) {
  sx_grid_sample a = {.type = SX_F64,
                      .elem = 8,
                      .axes = axes,
                      .N = 2,
                      .C = 3,
                      .points = 150,
                      .mode = mode,
                      .padding = padding,
                      .align_corners = align};
  int64_t plane = 1, total;
  for (int i = 0; i < axes; i++) plane *= a.dims[i] = size + i;
  total = 6 * plane;
  double *x = malloc((size_t)total * 8), *g = malloc((size_t)(300 * axes) * 8), *y = malloc(900 * 8);
  float *xf = malloc((size_t)total * 4), *gf = malloc((size_t)(300 * axes) * 4), *yf = malloc(900 * 4);
  for (int64_t i = 0; i < total; i++) x[i] = xf[i] = (float)rnd();
  for (int64_t i = 0; i < 300 * axes; i++) g[i] = gf[i] = (float)(rnd() * 3);
  g[3] = gf[3] = NAN, g[40] = gf[40] = INFINITY, g[80] = gf[80] = -1e30f;
  if (padding == SX_GRID_REFLECTION) g[40] = gf[40] = 0.5f, g[80] = gf[80] = -20.25f;
  void *scratch = malloc(sx_grid_sample_scratch_bytes(&a));
  for (int64_t u = sx_grid_sample_units(&a); u-- > 0;) sx_grid_sample_run(&a, x, g, y, u, u + 1, scratch);
  a.type = SX_F32, a.elem = 4;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    a.isa = (sx_isa)isa;
    memset(yf, 0, 900 * sizeof *yf);
    sx_grid_sample_run(&a, xf, gf, yf, 0, sx_grid_sample_units(&a), scratch);
    for (int64_t i = 0; i < 900; i++) {
      double want = sample(&a, x + i / 150 * plane, g + (i / 450 * 150 + i % 150) * axes, 0);
      assert_true(fabs(y[i] - want) < 1e-9);
      if (mode != SX_GRID_NEAREST) assert_true(fabs((double)yf[i] - want) < (fabs(want) + 1) * 1e-4);
    }
  }
  free(x), free(g), free(y), free(xf), free(gf), free(yf), free(scratch);
}
static void grid(void **state) {
  (void)state;
  for (int axes = 1; axes <= 3; axes++)
    for (int mode = 0; mode < 3; mode++)
      for (int padding = 0; padding < 3; padding++)
        for (int align = 0; align < 2; align++)
          for (int64_t size = 1; size < 7; size += 2)
            grid_case(axes, (sx_grid_mode)mode, (sx_grid_padding)padding, align, size);
}

static void deformed(void **state) {
  (void)state;
  enum { H = 7, W = 6, OH = 4, OW = 5, C = 3, KH = 2, KW = 3, P = OH * OW, K = KH * KW };
  sx_deform a = {.type = SX_F64,
                 .H = H,
                 .W = W,
                 .oH = OH,
                 .oW = OW,
                 .kernel = {KH, KW},
                 .step = {2, 1},
                 .dilation = {1, 2},
                 .pad = {1, 2}};
  double x[C * H * W], off[K * 2 * P], mask[K * P], cols[C * K * P];
  float xf[C * H * W], offf[K * 2 * P], maskf[K * P], colsf[C * K * P];
  void *scratch = malloc(sx_deform_scratch_bytes());
  for (int i = 0; i < C * H * W; i++) x[i] = rnd();
  for (int i = 0; i < K * 2 * P; i++) off[i] = rnd() * 4;
  for (int i = 0; i < K * P; i++) mask[i] = rnd();
  off[5] = NAN, off[6] = 1e300;
  for (int first = 0; first < P; first += 8)
    sx_deform_columns(&a, x, off, mask, C, first, P - first < 8 ? P - first : 8, P, cols + first, scratch);
  for (int i = 0; i < C * H * W; i++) xf[i] = (float)x[i];
  for (int i = 0; i < K * 2 * P; i++) offf[i] = (float)off[i];
  for (int i = 0; i < K * P; i++) maskf[i] = (float)mask[i];
  a.type = SX_F32;
  for (int isa = 0; isa <= (int)sx_cpu_info()->isa; isa++) {
    a.isa = (sx_isa)isa;
    sx_deform_columns(&a, xf, offf, maskf, C, 0, P, P, colsf, scratch);
    for (int i = 0; i < C * K * P; i++) assert_true(fabs((double)colsf[i] - cols[i]) < 1e-5);
  }
  free(scratch);
  for (int c = 0; c < C; c++)
    for (int k = 0; k < K; k++)
      for (int o = 0; o < P; o++) {
        double y = o / OW * 2 - 1 + k / KW + off[2 * k * P + o], u = o % OW - 2 + k % KW * 2 + off[(2 * k + 1) * P + o],
               want = 0;
        for (int i = 0; i < H; i++)
          for (int j = 0; j < W; j++)
            if (fabs(y - i) < 1 && fabs(u - j) < 1)
              want += x[(c * H + i) * W + j] * (1 - fabs(y - i)) * (1 - fabs(u - j)) * mask[k * P + o];
        assert_true(fabs(cols[(c * K + k) * P + o] - want) < 1e-9);
      }
}

static void blocks_back(void **state) {
  (void)state;
  for (int axes = 1; axes <= 3; axes++)
    for (int round = 0; round < 30; round++) {
      sx_col2im a = {.axes = axes};
      int64_t image = 1, block = 1, blocks = 1;
      for (int i = 0; i < axes; i++) {
        a.image[i] = 3 + (round + i) % 4, a.block[i] = 1 + (round / 2 + i) % 3, a.step[i] = 1 + (round + i) % 3,
        a.dilation[i] = 1 + round % 2, a.pad[i] = (round + 2 * i) % 3;
        int64_t room = a.image[i] + 2 * a.pad[i] - a.dilation[i] * (a.block[i] - 1) - 1;
        a.blocks[i] = room < 0 ? 0 : room / a.step[i] + 1;
        image *= a.image[i], block *= a.block[i], blocks *= a.blocks[i];
      }
      double *cols = malloc((size_t)(block * blocks) * 8 + 1), *y = malloc((size_t)image * 8),
             *want = calloc((size_t)image, 8);
      float *colsf = malloc((size_t)(block * blocks) * 4 + 1), *yf = malloc((size_t)image * 4);
      for (int64_t i = 0; i < block * blocks; i++) {
        cols[i] = colsf[i] = (float)rnd();
        int64_t k = i / blocks, b = i % blocks, to = 0, step = 1;
        bool inside = true;
        for (int d = axes; d-- > 0; k /= a.block[d], b /= a.blocks[d], step *= a.image[d]) {
          int64_t p = b % a.blocks[d] * a.step[d] - a.pad[d] + k % a.block[d] * a.dilation[d];
          inside &= p >= 0 && p < a.image[d];
          to += p * step;
        }
        if (inside) want[to] += cols[i];
      }
      sx_col2im_plane(sx_cpu_info()->isa, &a, SX_F64, cols, y);
      sx_col2im_plane(sx_cpu_info()->isa, &a, SX_F32, colsf, yf);
      for (int64_t i = 0; i < image; i++) assert_true(fabs(y[i] - want[i]) < 1e-12 && fabs((double)yf[i] - want[i]) < 1e-5);
      free(cols), free(y), free(want), free(colsf), free(yf);
    }
}

static void unpool(void **state) {
  (void)state;
  int16_t x[3] = {5, 6, 7}, y[12] = {0};
  const int64_t at[3] = {0, 3, 5}, bad[3] = {0, 6, 1}, negative[3] = {1, 2, -1}, inner[2] = {2, 3}, outer[2] = {3, 4},
                narrow[2] = {3, 2};
  assert_int_equal(sx_max_unpool(x, at, 3, 2, 2, inner, outer, y), -1);
  assert_true(y[0] == 5 && y[4] == 6 && y[6] == 7);
  assert_int_equal(sx_max_unpool(x, bad, 3, 2, 2, inner, outer, y), 1);
  assert_int_equal(sx_max_unpool(x, negative, 3, 2, 2, inner, outer, y), 2);
  assert_int_equal(sx_max_unpool(x, at, 3, 2, 2, inner, narrow, y), 2);
}

static double minor_sum(const double *m, int n) { /* by the first row */
  if (n == 0) return 1;
  double sum = 0, s[36];
  for (int k = 0; k < n; k++) {
    for (int i = 1; i < n; i++)
      for (int j = 0, c = 0; j < n; j++)
        if (j != k) s[(i - 1) * (n - 1) + c++] = m[i * n + j];
    sum += (k % 2 ? -1 : 1) * m[k] * minor_sum(s, n - 1);
  }
  return sum;
}
static void determinants(void **state) {
  (void)state;
  for (int n = 0; n <= 6; n++)
    for (int round = 0; round < 20; round++) {
      double m[36], padded[6 * 8] = {0};
      for (int i = 0; i < n * n; i++) padded[i / n * 8 + i % n] = m[i] = round % 3 ? rnd() : floor(rnd() * 2);
      double want = minor_sum(m, n);
      assert_true(sx_det_pitch(n) == (n ? 8 : 0) && fabs(sx_det(sx_cpu_info()->isa, padded, n) - want) < 1e-9);
    }
  double nan[2][8] = {{1, 2}, {NAN, 4}}, large[20][24] = {{0}}; /* a triangle, its rows turned round */
  assert_true(isnan(sx_det(sx_cpu_info()->isa, nan[0], 2)));
  for (int i = 0; i < 20; i++)
    for (int j = 0; j < 20; j++) large[(i + 1) % 20][j] = j < i ? 0 : j == i ? 2 : rnd();
  assert_true(fabs(sx_det(sx_cpu_info()->isa, large[0], 20) + (1 << 20)) < 1e-6);
}

static void regions(void **state) {
  (void)state;
  static _Alignas(64) char mem[128 << 10];
  sx_rois a = {.isa = sx_cpu_info()->isa, .type = SX_F32, .N = 1, .C = 1, .H = 4, .W = 5, .oH = 2, .oW = 2, .scale = 1, .shift = 0.5, .sampling = 2};
  float x[20], y[4];
  assert_true(sx_rois_scratch_bytes(&a) <= sizeof mem && sx_rois_parts(&a) == 1);
  for (int i = 0; i < 20; i++) x[i] = (float)(i % 5 + 10 * (i / 5));
  const float inside[4] = {1, 1, 3, 3}, nan[4] = {NAN, 0, 1, 1}, huge[4] = {0, 0, 3e38f, 1};
  assert_true(sx_rois_run(&a, x, inside, 0, y, mem));
  assert_true(fabsf(y[0] - 11) < 1e-4f && fabsf(y[1] - 12) < 1e-4f && fabsf(y[2] - 21) < 1e-4f &&
              fabsf(y[3] - 22) < 1e-4f); /* a plane is its own mean */
  a.sampling = 9; /* more samples than are taken at a time */
  assert_true(sx_rois_run(&a, x, inside, 0, y, mem));
  assert_true(fabsf(y[0] - 11) < 1e-4f && fabsf(y[3] - 22) < 1e-4f);
  a.max = true, a.sampling = 1;
  assert_true(sx_rois_run(&a, x, inside, 0, y, mem));
  assert_true(y[0] == 11 && y[1] == 12 && y[2] == 21 && y[3] == 22);
  a.max = false;
  assert_false(sx_rois_run(&a, x, nan, 0, y, mem));
  a.sampling = 0;
  assert_false(sx_rois_run(&a, x, huge, 0, y, mem));
  const float pool[5] = {0, 1, 0, 4, 3}, far[5] = {0, 1e30f, -1e30f, 1e30f, NAN};
  a.kind = SX_ROIS_POOL;
  assert_true(sx_rois_scratch_bytes(&a) <= sizeof mem);
  sx_rois_run(&a, x, pool, 0, y, mem);
  assert_true(y[0] == 12 && y[1] == 14 && y[2] == 32 && y[3] == 34);
  sx_rois_run(&a, x, far, 0, y, mem);
  const float crop[4] = {0, 0, 1, 2};
  a.kind = SX_ROIS_CROP, a.extrapolation = -7;
  sx_rois_run(&a, x, crop, 0, y, mem);
  assert_true(y[0] == 0 && y[1] == -7 && y[2] == 30 && y[3] == -7);
}

/* Every kind in both types and at every level: many bins and channels, regions that reach over the image's edges. */
static void region_types(void **state) {
  (void)state;
  enum { C = 70, H = 9, W = 23, O = 13, N_OUT = C * O * O };
  static float x[C * H * W], y[2][N_OUT];
  static double wide_x[C * H * W], wide_y[N_OUT];
  static _Alignas(64) char mem[128 << 10];
  for (int i = 0; i < C * H * W; i++) wide_x[i] = x[i] = (float)rnd();
  for (int round = 0; round < 40; round++) {
    sx_rois a = {.kind = (sx_rois_kind)(round % 3), .N = 1, .C = C, .H = H, .W = W, .oH = O, .oW = O, .scale = 0.5,
                 .extrapolation = 3, .sampling = round % 5, .max = round % 2, .nearest = round % 4 == 1};
    float roi[5];
    double wide_roi[5];
    for (int i = 0; i < 5; i++) wide_roi[i] = roi[i] = (float)(a.kind == SX_ROIS_CROP ? rnd() * 1.5 : rnd() * 50);
    assert_true(sx_rois_scratch_bytes(&a) <= sizeof mem);
    for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++) {
      float *out = y[isa != SX_ISA_BASE];
      a.isa = isa;
      for (int64_t p = 0; p < sx_rois_parts(&a); p++) {
        a.type = SX_F64;
        assert_true(sx_rois_run(&a, wide_x, wide_roi, p, wide_y, mem));
        a.type = SX_F32;
        assert_true(sx_rois_run(&a, x, roi, p, out, mem));
      }
      int differ = 0; /* where a place rounds to another pixel */
      for (int i = 0; i < N_OUT; i++) differ += fabs(out[i] - wide_y[i]) > 1e-3;
      assert_true(differ <= N_OUT / 8);
      for (int i = 0; i < N_OUT; i++) assert_true(fabsf(out[i] - y[0][i]) < 1e-5f);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(grid),         cmocka_unit_test(deformed),
                                     cmocka_unit_test(blocks_back),  cmocka_unit_test(unpool),
                                     cmocka_unit_test(determinants), cmocka_unit_test(regions), cmocka_unit_test(region_types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
