// SPDX-License-Identifier: MIT
/* Transforms of a row's scores, in double but for exponentials: what they make is written as f32. */
#include "ep/cpu/kernels/ml/scores.h"
#include <math.h>
#include "ep/cpu/kernels/convert/convert.h"

bool sx_post_of(sx_str name, sx_post *p) {
  static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  for (int i = 0; i < 5; i++)
    if (sx_str_is(name, names[i])) return *p = (sx_post)i, true;
  return false;
}

static double logistic(double v) {
  double e = 1 / (1 + (double)expf((float)-fabs(v)));
  return v < 0 ? 1 - e : e;
}
/* The inverse of the normal distribution, by Winitzki's approximation of the inverse error function, which is what others use. */
static double probit(double v) {
  const double pi = 3.14159265358979323846;
  double x = 2 * v - 1, l = log((1 - x) * (1 + x)), a = 2 / (pi * 0.147) + 0.5 * l, b = l / 0.147;
  double r = sqrt(-a + sqrt(a * a - b));
  return sqrt(2) * (x < 0 ? -r : r);
}
/* zeros: what is 0 has no part in it. */
static void softmax(double *s, int64_t n, bool zeros) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) max = s[i] > max ? s[i] : max;
  for (int64_t i = 0; i < n; i++) {
    bool none = zeros && fabs(s[i]) <= 1e-7;
    s[i] = none ? s[i] * exp(-max) : (double)expf((float)(s[i] - max));
    sum += none ? 0 : s[i];
  }
  for (int64_t i = 0; i < n; i++) s[i] /= sum;
}

void sx_scores_finish(double *s, int64_t n, sx_post p) {
  if (n == 1 && p != SX_POST_PROBIT) return;
  switch (p) {
    case SX_POST_NONE: break;
    case SX_POST_SOFTMAX: softmax(s, n, false); break;
    case SX_POST_SOFTMAX_ZERO: softmax(s, n, true); break;
    case SX_POST_LOGISTIC:
      for (int64_t i = 0; i < n; i++) s[i] = logistic(s[i]);
      break;
    case SX_POST_PROBIT:
      for (int64_t i = 0; i < n; i++) s[i] = probit(s[i]);
      break;
  }
}
void sx_scores_pair(double s, sx_post p, bool mixed, double pair[2]) {
  if (p == SX_POST_LOGISTIC) {
    pair[0] = logistic(-s), pair[1] = logistic(s);
    return;
  }
  if (p == SX_POST_PROBIT) s = probit(s);
  pair[0] = mixed ? -s : 1 - s, pair[1] = s;
}

void sx_scores_store(sx_isa isa, sx_dtype t, void *y, int64_t at, const double *s, int64_t n) {
  if (t == SX_F32) {
    for (int64_t i = 0; i < n; i++) ((float *)y)[at + i] = (float)s[i];
  } else
    sx_cast_run(isa, SX_F64, t, 0, (char *)y + (size_t)at * (sx_dtype_bits(t) / 8), s, 0, n);
}
