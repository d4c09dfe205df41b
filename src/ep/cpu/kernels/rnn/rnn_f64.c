// SPDX-License-Identifier: MIT
/* Recurrent layers in f64: rare, so plain loops over rows of the weights. */
#include <math.h>
#include <string.h>
#include "base/stop.h"
#include "ep/cpu/kernels/rnn/rnn_f64.h"

static double activate(const sx_rnn_f64_act *a, double x) {
  switch (a->op) {
    case SX_EW_Relu: return x > 0 ? x : 0;
    case SX_EW_Tanh: return tanh(x);
    case SX_EW_Sigmoid: return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
    case SX_EW_Affine: return a->alpha * x + a->beta;
    case SX_EW_LeakyRelu: return x >= 0 ? x : a->alpha * x;
    case SX_EW_ThresholdedRelu: return x > a->alpha ? x : 0;
    case SX_EW_HardSigmoid: return fmin(fmax(a->alpha * x + a->beta, 0), 1);
    case SX_EW_Elu: return x >= 0 ? x : a->alpha * expm1(x);
    case SX_EW_Softsign: return x / (1 + fabs(x));
    default: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); /* Softplus */
  }
}

static double clipped(const sx_rnn_f64 *q, double x) { return q->clip > 0 ? fmin(fmax(x, -q->clip), q->clip) : x; }
static double dot(const double *a, const double *b, int64_t n) {
  double s = 0;
  for (int64_t i = 0; i < n; i++) s += a[i] * b[i];
  return s;
}

/* One step of one row. g: gates, filled with x W' + biases; r: this direction's rows; rb: recurrent bias of a GRU's
 * candidate. */
static void step(const sx_rnn_f64 *q, const sx_rnn_f64_act *act, const double *r, const double *rb, const double *p,
                 double *g, double *h, double *c, double *tmp) {
  const int64_t H = q->H;
  const int64_t first = q->gates == 3 ? 2 * H : q->gates * H;
  for (int64_t i = 0; i < first; i++) g[i] += dot(r + i * H, h, H);
  if (q->gates == 1) {
    for (int64_t i = 0; i < H; i++) h[i] = activate(&act[0], clipped(q, g[i]));
  } else if (q->gates == 3) {
    for (int64_t i = 0; i < 2 * H; i++) g[i] = activate(&act[0], clipped(q, g[i]));
    for (int64_t i = 0; i < H; i++) tmp[i] = q->linear_before_reset ? h[i] : g[H + i] * h[i];
    for (int64_t i = 0; i < H; i++) {
      const double rec = dot(r + (2 * H + i) * H, tmp, H);
      const double v = g[2 * H + i] + (q->linear_before_reset ? g[H + i] * (rec + (rb ? rb[i] : 0)) : rec);
      tmp[H + i] = activate(&act[1], clipped(q, v));
    }
    for (int64_t i = 0; i < H; i++) h[i] = (1 - g[i]) * tmp[H + i] + g[i] * h[i];
  } else {
    for (int64_t i = 0; i < H; i++) { /* i, o, f, c; peepholes i, o, f */
      const double in = activate(&act[0], clipped(q, g[i] + (p ? p[i] * c[i] : 0)));
      const double forget =
          q->input_forget ? 1 - in : activate(&act[0], clipped(q, g[2 * H + i] + (p ? p[2 * H + i] * c[i] : 0)));
      c[i] = forget * c[i] + in * activate(&act[1], clipped(q, g[3 * H + i]));
      h[i] = activate(&act[0], clipped(q, g[H + i] + (p ? p[H + i] * c[i] : 0))) * activate(&act[2], c[i]);
    }
  }
}

int64_t sx_rnn_f64_scratch(const sx_rnn_f64 *q) { return (q->gates + 4) * q->H; }

static void run_row(const sx_rnn_f64 *q, const sx_rnn_f64_io *io, int64_t d, int64_t b, double *g) {
  const int64_t H = q->H, G = q->gates * H, I = q->I, state = (q->batch_first ? b * q->D + d : d * q->B + b) * H,
                len = io->lens ? io->lens[b] : q->T;
  double *h = g + G, *c = h + H, *tmp = c + H;
  const double *w = io->w + d * G * I, *r = io->r + d * G * H, *bias = io->b ? io->b + d * 2 * G : NULL;
  const bool apart = q->gates == 3 && q->linear_before_reset; /* the candidate's recurrent bias is inside the reset */
  for (int64_t i = 0; i < H; i++) h[i] = io->h0 ? io->h0[state + i] : 0, c[i] = io->c0 ? io->c0[state + i] : 0;
  double spent = 0;
  for (int64_t t = 0; t < q->T && !sx_stop_spent(&spent, (double)(G * (I + H))); t++) {
    const int64_t at = q->reverse[d] && t < len ? len - 1 - t : t;
    if (t < len) {
      const double *x = io->x + (q->batch_first ? b * q->T + at : at * q->B + b) * I;
      for (int64_t i = 0; i < G; i++)
        g[i] = dot(w + i * I, x, I) + (bias ? bias[i] + (apart && i >= 2 * H ? 0 : bias[G + i]) : 0);
      step(q, &q->act[d * 3], r, apart && bias ? bias + G + 2 * H : NULL, io->peephole ? io->peephole + d * 3 * H : NULL, g,
           h, c, tmp);
    }
    if (!io->y) continue;
    double *to = io->y + (q->batch_first ? (b * q->T + at) * q->D + d : (at * q->D + d) * q->B + b) * H;
    for (int64_t i = 0; i < H; i++) to[i] = t < len ? h[i] : 0;
  }
  if (io->yh) memcpy(io->yh + state, h, (size_t)H * sizeof *h);
  if (io->yc) memcpy(io->yc + state, c, (size_t)H * sizeof *c);
}

void sx_rnn_f64_run(const sx_rnn_f64 *q, const sx_rnn_f64_io *io, int64_t begin, int64_t end, double *scratch) {
  for (int64_t u = begin; u < end; u++) run_row(q, io, u / q->B, u % q->B, scratch);
}
