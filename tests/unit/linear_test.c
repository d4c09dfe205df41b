// SPDX-License-Identifier: MIT
/* What stands beside attention: rotary embedding, the step of linear attention and the causal convolution, at every ISA
 * level against double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/attention/linear.h"
#include "ep/cpu/kernels/attention/rotary.h"

enum { MOST = 45, GROUPS = 3 };
static uint32_t seed = 5;
static float draw(void) { return (float)((seed = seed * 1664525u + 1013904223u) >> 8) / 8388608.0f - 1; }
static void fill(float *p, int n) {
  for (int i = 0; i < n; i++) p[i] = draw();
}
static void near(double want, float got, double size) { assert_true(fabs(want - (double)got) <= 3e-7 * (size + 1)); }

static void rotary(sx_isa isa, int half, int tail, bool interleaved) {
  float x[2 * MOST + 8], y[2 * MOST + 8], c[MOST], s[MOST];
  const int d = 2 * half + tail;
  fill(x, d), fill(c, half), fill(s, half);
  for (int in_place = 0; in_place < 2; in_place++) {
    memcpy(y, x, sizeof y);
    sx_rotary_row(isa, y, in_place ? y : x, c, s, half, d, interleaved);
    for (int j = 0; j < half; j++) {
      const int a = interleaved ? 2 * j : j, b = interleaved ? 2 * j + 1 : j + half;
      near((double)c[j] * (double)x[a] - (double)s[j] * (double)x[b], y[a], 1);
      near((double)s[j] * (double)x[a] + (double)c[j] * (double)x[b], y[b], 1);
    }
    for (int i = 2 * half; i < d; i++) assert_true(y[i] == x[i]);
  }
}

static void step(sx_isa isa, int dk, int dv, bool decays, bool gated) {
  static float S[MOST * MOST], before[MOST * MOST];
  float q[GROUPS * MOST], k[MOST], v[MOST], decay[MOST], beta = draw(), y[GROUPS * MOST], tmp[MOST];
  fill(S, dk * dv), fill(q, GROUPS * dk), fill(k, dk), fill(v, dv), fill(decay, dk);
  memcpy(before, S, sizeof before);
  const sx_linear_step s = {.S = S,
                            .y = y,
                            .tmp = tmp,
                            .q = q,
                            .k = k,
                            .v = v,
                            .decay = decays ? decay : NULL,
                            .beta = gated ? &beta : NULL,
                            .dk = dk,
                            .dv = dv,
                            .groups = GROUPS,
                            .scale = 0.5f};
  sx_linear_attention_step(isa, &s);
  for (int e = 0; e < dv; e++) {
    double sum = 0;
    for (int d = 0; d < dk; d++) sum += (double)before[d * dv + e] * (decays ? (double)decay[d] : 1) * (double)k[d];
    const double change = gated ? (double)beta * ((double)v[e] - sum) : (double)v[e];
    for (int d = 0; d < dk; d++)
      near((double)before[d * dv + e] * (decays ? (double)decay[d] : 1) + (double)k[d] * change, S[d * dv + e], dk);
    for (int g = 0; g < GROUPS; g++) {
      double want = 0;
      for (int d = 0; d < dk; d++) want += (double)S[d * dv + e] * (double)q[g * dk + d];
      near(0.5 * want, y[g * dv + e], 4 * dk);
    }
  }
}

static void conv(sx_isa isa, int taps, int n, int silu) {
  float x[2 * MOST], w[MOST], y[MOST + 1], bias = draw();
  fill(x, n + taps - 1), fill(w, taps);
  y[n] = 77;
  sx_causal_conv_row(isa, y, x, w, taps, bias, n, silu);
  for (int t = 0; t < n; t++) {
    double want = (double)bias;
    for (int i = 0; i < taps; i++) want += (double)w[i] * (double)x[t + i];
    near(silu ? want / (1 + exp(-want)) : want, y[t], taps);
  }
  assert_true(y[n] == 77);
}

static void test_all(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int n = 1; n <= MOST; n += 2) {
      for (int form = 0; form < 4; form++) {
        rotary((sx_isa)isa, n, form & 1 ? 5 : 0, form & 2);
        step((sx_isa)isa, n, MOST + 1 - n, form & 1, form & 2);
      }
      conv((sx_isa)isa, 1 + n % 5, n, n % 2), conv((sx_isa)isa, 4, n, 1);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
