// SPDX-License-Identifier: MIT
/* The cells of LSTM, GRU and RNN at every ISA level against the formulas of the standard in double: all forms, odd widths.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/rnn/rnn.h"

enum { MOST = 67 };
static uint32_t seed = 3;
static float draw(void) { return (float)((seed = seed * 1664525u + 1013904223u) >> 8) / 4194304.0f - 2; }
static void fill(float *p, int n) {
  for (int i = 0; i < n; i++) p[i] = draw();
}
static double sigmoid(double v) { return 1 / (1 + exp(-v)); }
static double clipped(double v, double clip) { return clip > 0 ? fmin(fmax(v, -clip), clip) : v; }
static void near(double want, float got) { assert_true(fabs(want - (double)got) <= 2e-6 * fmax(1, fabs(want))); }

static sx_rnn_act act(sx_isa isa, sx_ew_op op) {
  sx_rnn_act a;
  a.row = sx_act_fn(&a.act, isa, op, 0, 0);
  assert_non_null(a.row);
  return a;
}

static void lstm(sx_isa isa, int H, bool peephole, bool coupled, float clip) {
  const sx_rnn_act f = act(isa, SX_EW_Sigmoid), g = act(isa, SX_EW_Tanh);
  float gates[4 * MOST], before[4 * MOST], c[MOST], c0[MOST], h[MOST], p[3 * MOST];
  fill(gates, 4 * H), fill(c, H), fill(p, 3 * H);
  memcpy(before, gates, sizeof before), memcpy(c0, c, sizeof c0);
  const sx_rnn_cell cell = {H, clip, peephole ? p : NULL, coupled, false, &f, &g, &g};
  sx_rnn(isa)->lstm(&cell, gates, c, h);
  for (int k = 0; k < H; k++) {
    const double by = peephole, ic = (double)before[k] + by * (double)p[k] * (double)c0[k];
    const double fc = (double)before[2 * H + k] + by * (double)p[2 * H + k] * (double)c0[k];
    const double i = sigmoid(clipped(ic, (double)clip)), fg = coupled ? 1 - i : sigmoid(clipped(fc, (double)clip));
    const double state = fg * (double)c0[k] + i * tanh(clipped((double)before[3 * H + k], (double)clip));
    const double o = sigmoid(clipped((double)before[H + k] + by * (double)p[H + k] * state, (double)clip));
    near(state, c[k]), near(o * tanh(state), h[k]);
  }
}

static void gru(sx_isa isa, int H, bool linear, float clip) {
  const sx_rnn_act f = act(isa, SX_EW_Sigmoid), g = act(isa, SX_EW_Tanh);
  float gates[3 * MOST], before[3 * MOST], h[MOST], h0[MOST], recurrent[MOST], reset[MOST];
  fill(gates, 3 * H), fill(h, H), fill(recurrent, H);
  memcpy(before, gates, sizeof before), memcpy(h0, h, sizeof h0);
  const sx_rnn_cell cell = {H, clip, NULL, false, linear, &f, &g, NULL};
  sx_rnn(isa)->gru_reset(&cell, gates, h, recurrent, reset);
  for (int k = 0; k < H; k++) {
    const double r = sigmoid(clipped((double)before[H + k], (double)clip));
    if (!linear)
      near(r * (double)h0[k], reset[k]);
    else
      near((double)before[2 * H + k] + r * (double)recurrent[k], gates[2 * H + k]);
  }
  memcpy(before + 2 * H, gates + 2 * H, (size_t)H * sizeof *gates);
  sx_rnn(isa)->gru_update(&cell, gates, h);
  for (int k = 0; k < H; k++) {
    const double z = sigmoid(clipped((double)before[k], (double)clip)),
                 n = tanh(clipped((double)before[2 * H + k], (double)clip));
    near((1 - z) * n + z * (double)h0[k], h[k]);
  }
}

static void rnn(sx_isa isa, int H, float clip) {
  const sx_rnn_act f = act(isa, SX_EW_Tanh);
  float gates[MOST], before[MOST], h[MOST];
  fill(gates, H);
  memcpy(before, gates, sizeof before);
  const sx_rnn_cell cell = {H, clip, NULL, false, false, &f, NULL, NULL};
  sx_rnn(isa)->rnn(&cell, gates, h);
  for (int k = 0; k < H; k++) near(tanh(clipped((double)before[k], (double)clip)), h[k]);
}

static void test_cells(void **state) {
  (void)state;
  for (int isa = SX_ISA_BASE; isa <= (int)sx_cpu_info()->isa; isa++)
    for (int H = 1; H <= MOST; H += 3)
      for (int form = 0; form < 8; form++) {
        const float clip = form & 4 ? 0.7f : 0;
        lstm((sx_isa)isa, H, form & 1, form & 2, clip);
        gru((sx_isa)isa, H, form & 1, clip);
        rnn((sx_isa)isa, H, clip);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
