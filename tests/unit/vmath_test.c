// SPDX-License-Identifier: MIT
/* The vector functions against libm in double, on every ISA level of this machine: errors in units of the last place over
 * the whole range of floats, and what NaN, infinities, zeros and denormals give. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/elementwise/ew_machine.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double gelu(double x) { return 0.5 * x * erfc(-x * 0.70710678118654752440); }
static double gelu_tanh(double x) { return x * sigmoid(2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x)); }
static double silu(double x) { return x * sigmoid(x); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double mish(double x) { return x * tanh(softplus(x)); }
static double softsign(double x) { return x / (1 + fabs(x)); }
static double reciprocal(double x) { return 1 / x; }
static double rsqrt(double x) { return 1 / sqrt(x); }

/* ulp: bound in units of the last place; absolute: an error that small passes too; [lo, hi]: where the bound is asked. */
static const struct row {
  sx_ew_op op;
  double (*ref)(double);
  double ulp, absolute;
  float lo, hi;
  bool specials;
} rows[] = {
    {SX_EW_Exp, exp, 1.6, 0, -INFINITY, INFINITY, true},
    {SX_EW_Log, log, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Log1p, log1p, 4, 0, -INFINITY, INFINITY, true},
    {SX_EW_Expm1, expm1, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Tanh, tanh, 3.5, 0, -INFINITY, INFINITY, true},
    {SX_EW_Sigmoid, sigmoid, 3.5, 1.1754944e-38, -INFINITY, INFINITY, true},
    {SX_EW_Silu, silu, 4.5, 0, -80, INFINITY, false},
    {SX_EW_Erf, erf, 2, 0, -INFINITY, INFINITY, true},
    {SX_EW_Gelu, gelu, 60, 8e-8, -INFINITY, INFINITY, false},
    {SX_EW_GeluTanh, gelu_tanh, 60, 1e-7, -INFINITY, INFINITY, false},
    {SX_EW_Softplus, softplus, 3.5, 0, -INFINITY, INFINITY, true},
    {SX_EW_Mish, mish, 5, 0, -80, INFINITY, false},
    {SX_EW_Sin, sin, 2.5, 1e-12, -INFINITY, INFINITY, true},
    {SX_EW_Cos, cos, 2.5, 1e-12, -INFINITY, INFINITY, true},
    {SX_EW_Softsign, softsign, 1.6, 0, -1e38f, 1e38f, false},
    {SX_EW_Sqrt, sqrt, 0.501, 0, -INFINITY, INFINITY, true},
    {SX_EW_Rsqrt, rsqrt, 1.6, 0, 0, INFINITY, false},
    {SX_EW_Reciprocal, reciprocal, 0.501, 0, -INFINITY, INFINITY, true},
    {SX_EW_Tan, tan, 2, 0, -INFINITY, INFINITY, true},
    {SX_EW_Sinh, sinh, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Cosh, cosh, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Asin, asin, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Acos, acos, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Atan, atan, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Asinh, asinh, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Acosh, acosh, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Atanh, atanh, 3, 0, -INFINITY, INFINITY, true},
    {SX_EW_Round, rint, 0, 0, -INFINITY, INFINITY, true},
    {SX_EW_Floor, floor, 0, 0, -INFINITY, INFINITY, true},
    {SX_EW_Ceil, ceil, 0, 0, -INFINITY, INFINITY, true},
    {SX_EW_Trunc, trunc, 0, 0, -INFINITY, INFINITY, true},
};

static double ulp_of(double y) { /* of the float nearest to y */
  int e;
  frexp(y, &e);
  return ldexp(1, (e < -125 ? -125 : e) - 24);
}
static double error_ulp(float got, double want) {
  if (isnan(want)) return isnan(got) ? 0 : INFINITY;
  float w = (float)want;
  if (isinf(w) || isinf(got))
    return w == got ? 0 : fabs(fabs(want) - 3.4028235677973366e38) < 2e31 && isinf(w) != isinf(got) ? 1 : INFINITY;
  return fabs((double)got - want) / ulp_of(want);
}

enum { N = 1 << 17 };
static float x[N + 64] __attribute__((aligned(64))), y[N + 64] __attribute__((aligned(64))),
    z[N + 64] __attribute__((aligned(64)));

static void unary(void **state) {
  const float specials[] = {NAN,     INFINITY,        -INFINITY, 0.f,      -0.f, 1e-45f,
                            -1e-45f, 1.17549435e-38f, 3.4e38f,   -3.4e38f, 1.f,  -1.f};
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      const struct row *row = &rows[r];
      for (uint32_t i = 0; i < N; i++) { /* half: all exponents; half: [-20, 20] */
        uint32_t u = i * 65521u + i / 7;
        memcpy(&x[i], &u, 4);
        if (i & 1) x[i] = -20.f + 40.f * (float)(i * 2654435761u) / 4294967296.f;
        if (!(x[i] >= row->lo && x[i] <= row->hi)) x[i] = 0.5f;
      }
      if (row->specials) memcpy(x, specials, sizeof specials);
      sx_ew_params q = {.f = {1, 1}};
      sx_ew_find(sx_ew_table_of(isa), row->op, SX_EW_F32)(y, x, NULL, NULL, &q, N);
      double worst = 0;
      uint32_t at = 0;
      for (uint32_t i = 0; i < N; i++) {
        double want = row->ref(x[i]), err = error_ulp(y[i], want);
        if (fabs(y[i] - want) <= row->absolute) err = 0;
        if (err > worst) worst = err, at = i;
      }
      if (worst > row->ulp)
        fail_msg("%s on %s: %.3g ulp at %.9g: %.9g, expected %.9g", sx_ew_op_name(row->op), sx_isa_name(isa), worst, x[at],
                 y[at], row->ref(x[at]));
      if (row->specials)
        for (size_t i = 3; i < 5; i++)
          if (row->ref(specials[i]) == 0 && !signbit(row->ref(specials[i])) != !signbit(y[i]))
            fail_msg("%s on %s: the sign of zero", sx_ew_op_name(row->op), sx_isa_name(isa));
    }
}

static void power(void **state) {
  const float specials[] = {NAN, INFINITY, -INFINITY, 0.f, -0.f, 1.f, -1.f, 2.f, -2.f, 3.f, 0.5f, -0.5f, 1e-40f, 1e30f};
  enum { S = sizeof specials / sizeof *specials };
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++) {
    for (uint32_t i = 0; i < N; i++) {
      x[i] = ldexpf(1.f + (float)(i * 2654435761u) / 4294967296.f, (int)(i % 40) - 20);
      z[i] = -30.f + 60.f * (float)(i * 40503u * 977u) / 4294967296.f;
    }
    for (uint32_t i = 0; i < S * S; i++) x[i] = specials[i / S], z[i] = specials[i % S];
    sx_ew_params q = {.uni = 0};
    sx_ew_find(sx_ew_table_of(isa), SX_EW_Pow, SX_EW_F32)(y, x, z, NULL, &q, N);
    for (uint32_t i = 0; i < N; i++) {
      double want = pow(x[i], z[i]);
      if (error_ulp(y[i], want) > 2.5)
        fail_msg("pow(%.9g, %.9g) on %s: %.9g, expected %.9g", x[i], z[i], sx_isa_name(isa), y[i], want);
    }
    const float exponents[] = {2.f, 3.f, 0.5f, 1.f, -1.f, 1.5f};
    for (size_t k = 0; k < 6; k++) {
      q.uni = 2;
      sx_ew_find(sx_ew_table_of(isa), SX_EW_Pow, SX_EW_F32)(y, x, &exponents[k], NULL, &q, 4096);
      for (uint32_t i = 0; i < 4096; i++) {
        double want = pow(x[i], exponents[k]);
        if (error_ulp(y[i], want) > 2.5) fail_msg("pow(%.9g, %g): %.9g, expected %.9g", x[i], exponents[k], y[i], want);
        if (want == 0 && !signbit(want) != !signbit(y[i])) fail_msg("pow(%.9g, %g): the sign of zero", x[i], exponents[k]);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(unary), cmocka_unit_test(power)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
