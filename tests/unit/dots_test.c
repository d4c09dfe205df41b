// SPDX-License-Identifier: MIT
/* Rows of features against vectors, at every level, against sums in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ep/cpu/kernels/ml/dots.h"

static uint64_t seed = 5;
static float rnd(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (float)(seed >> 40) / (float)(1 << 23) - 1;
}
static double expected(const sx_dots *d, const float *x, const float *v) {
  double dot = 0, far = 0;
  for (int64_t f = 0; f < d->features; f++) {
    const double a = (double)x[f], b = (double)v[f];
    dot += a * b, far += (a - b) * (a - b);
  }
  switch (d->kind) {
    case SX_DOTS_LINEAR: return dot;
    case SX_DOTS_POLY: return pow((double)d->gamma * dot + (double)d->coef0, (double)d->degree);
    case SX_DOTS_RBF: return exp(-(double)d->gamma * far);
    default: return tanh((double)d->gamma * dot + (double)d->coef0);
  }
}

static void products(void **state) {
  (void)state;
  enum { ROWS = 11, MOST = 50, VECTORS = 40 };
  static _Alignas(64) float packed[MOST * 48], y[ROWS * 48];
  static float x[ROWS * MOST], v[VECTORS * MOST];
  static const int64_t vectors[] = {1, 3, 4, 5, 17, 40}, features[] = {1, 7, 16, 50};
  for (int i = 0; i < ROWS * MOST; i++) x[i] = rnd();
  for (int i = 0; i < VECTORS * MOST; i++) v[i] = rnd();
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int kind = 0; kind < 4; kind++)
      for (int a = 0; a < 6; a++)
        for (int b = 0; b < 4; b++)
          for (int64_t n = 1; n <= ROWS; n += 2) {
            sx_dots d = {.kind = (sx_dots_kind)kind, .isa = isa, .features = features[b], .vectors = vectors[a],
                         .padded = sx_dots_padded(vectors[a]), .gamma = 0.1f, .coef0 = 0.5f, .degree = 3, .packed = packed};
            sx_dots_pack(&d, v, packed);
            sx_dots_run(&d, x, n, y);
            for (int64_t r = 0; r < n; r++)
              for (int64_t k = 0; k < d.vectors; k++)
                assert_true(fabs(y[r * d.padded + k] - expected(&d, x + r * d.features, v + k * d.features)) < 1e-4);
          }
}

static void sums(void **state) {
  (void)state;
  float w[37], y[37];
  for (int i = 0; i < 37; i++) w[i] = rnd(), y[i] = rnd();
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int n = 0; n <= 37; n++) {
      const sx_dots d = {.isa = isa};
      double want = 0;
      for (int i = 0; i < n; i++) want += (double)w[i] * (double)y[i];
      assert_true(fabs(sx_dots_weigh(&d, w, y, n) - want) < 1e-12);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products), cmocka_unit_test(sums)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
