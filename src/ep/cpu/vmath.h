// SPDX-License-Identifier: MIT
/* Vector math in f32, one source for every vector width.
 *
 * Own weighted minimax fits, written for FMA: at most about 3 units in the last place, NaN and infinities as libm gives
 * them, denormal results rounded once. Where FMA is missing, argument reductions that need it go through double lanes.
 * Horner schemes are written out: a loop would stay rolled in some compilers. Clamps put the bound first, so that NaN
 * passes. */
#ifndef SX_EP_CPU_VMATH_H
#define SX_EP_CPU_VMATH_H
#include <math.h>
#include "ep/cpu/vec.h"

SX_INLINE vf vm_horner(vf x, const float *c, int d) {
  vf r = vf_set(c[d]);
  if (d > 9) r = r * x + c[9];
  if (d > 8) r = r * x + c[8];
  if (d > 7) r = r * x + c[7];
  if (d > 6) r = r * x + c[6];
  if (d > 5) r = r * x + c[5];
  if (d > 4) r = r * x + c[4];
  if (d > 3) r = r * x + c[3];
  if (d > 2) r = r * x + c[2];
  if (d > 1) r = r * x + c[1];
  if (d > 0) r = r * x + c[0];
  return r;
}
/* The polynomial with these coefficients, lowest first; at most degree 10. */
#define VM_POLY(x, ...) \
  vm_horner((x), (const float[]){__VA_ARGS__}, (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)) - 1)

#define VM_MAGIC  12582912.f /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
#define VM_LOG2E  1.44269504f
#define VM_LN2_HI 0.693145752f
#define VM_LN2_LO 1.42860677e-6f

/* min(x, bound), max(x, bound); NaN passes. */
SX_INLINE vf vm_at_most(vf x, float bound) { return vf_min(vf_set(bound), x); }
SX_INLINE vf vm_at_least(vf x, float bound) { return vf_max(vf_set(bound), x); }
/* n + 1.5 * 2^23 for the integer n nearest to x, |x| < 2^22: a "magic" float, whose low bits are n. What follows takes
 * these. */
SX_INLINE vf vm_magic(vf x) { return x + VM_MAGIC; }
/* 2^n, -127 < n < 128; and p * 2^n by the exponent field alone. */
SX_INLINE vf vm_pow2(vf n) { return (vf)(((vu)n << 23) + 0x3f800000u); }
SX_INLINE vf vm_shift_exponent(vf p, vf n) { return (vf)((vu)p + ((vu)n << 23)); }
/* x = n ln 2 + r, |r| <= ln(2)/2. */
SX_INLINE vf vm_exp_reduce(vf x, vf *n) {
  *n = vm_magic(x * VM_LOG2E);
  vf t = *n - VM_MAGIC, r = x - t * VM_LN2_HI;
  return r - t * VM_LN2_LO;
}
SX_INLINE vf vm_exp_poly(vf r) { /* e^r on the reduced range */
  return r * r * VM_POLY(r, 0.49999994f, 0.166665211f, 0.0416682847f, 0.00836869515f, 0.00138192088f) + r + 1.f;
}
SX_INLINE vf vm_expm1_poly(vf r) {
  return r * r * VM_POLY(r, 0.5f, 0.166665435f, 0.0416664109f, 0.00836656708f, 0.00139399723f) + r;
}
/* e^x = y 2^floor(t), y in [0.7, 2.1], for |x| < 2^15; e: floor(t) as an addend of an exponent field. The wide levels keep
 * the roots 2^(i / SX_VL) in a register, which leaves a range that three terms cover. */
#if SX_VL > 4
SX_INLINE vf vm_exp_split(vf x, vf *t, vu *e) {
#if SX_VL == 16
  const vf roots = {1.f,         1.04427373f, 1.09050775f, 1.13878858f, 1.18920708f, 1.24185777f, 1.29683959f, 1.35425556f,
                    1.41421354f, 1.47682619f, 1.54221082f, 1.61049032f, 1.68179286f, 1.75625217f, 1.8340081f,  1.91520655f};
  const float c2 = 0.500016212f, c3 = 0.166667208f;
#else
  const vf roots = {1.f, 1.09050775f, 1.18920708f, 1.29683959f, 1.41421354f, 1.54221082f, 1.68179286f, 1.8340081f};
  const float c2 = 0.500064611f, c3 = 0.166668817f;
#endif
  const vf n = x * VM_LOG2E + VM_MAGIC / SX_VL; /* the low bits are t SX_VL */
  *t = n - VM_MAGIC / SX_VL;
  *e = ((vu)n << (SX_VL == 16 ? 19 : 20)) & 0xff800000u;
  vf r = vf_fma(*t, vf_set(-VM_LN2_HI), x); /* t has more bits than VM_LN2_HI leaves: the product is not exact */
  r = vf_fma(*t, vf_set(-VM_LN2_LO), r);
  const vf root = vf_permute(roots, (vi)n);
  return root * (((c3 * r + c2) * r + 1.f) * r) + root;
}
#else
SX_INLINE vf vm_exp_split(vf x, vf *t, vu *e) {
  vf n, r = vm_exp_reduce(x, &n);
  *t = n - VM_MAGIC;
  *e = (vu)n << 23;
  return vm_exp_poly(r);
}
#endif
/* e^x where it is a normal number: |x| <= 87.3, or NaN. */
SX_INLINE vf vm_exp_normal(vf x) {
  vf t;
  vu e;
  const vf y = vm_exp_split(x, &t, &e);
  return (vf)((vu)y + e);
}
SX_INLINE vf vm_exp_clamped(vf x) { /* -104 <= x <= 89 */
  vf t;
  vu e;
  const vf y = vm_exp_split(x, &t, &e);
#if SX_GETEXP
  return vf_scale(y, t);
#else
  vf r = (vf)((vu)y + e);
  if (__builtin_expect(vi_any(~(vf_abs(t) <= 125.f)), 0)) { /* rounded once, in the second product */
    const vi k = (vi)e >> 23, h = k >> 1;
    r = y * (vf)((vu)(h + 127) << 23) * (vf)((vu)(k - h + 127) << 23);
  }
  return r;
#endif
}
SX_INLINE vf vm_exp(vf x) { return vm_exp_clamped(vm_at_least(vm_at_most(x, 89.f), -104.f)); }
/* e^x for x <= 0, for softmax and attention; below -87.3, where it is no normal number, 0 or what is right. */
SX_INLINE vf vm_exp_neg(vf x) {
  if (SX_GETEXP) return vm_exp_clamped(vm_at_least(x, -104.f));
  return vf_pick_ge(x, vf_set(-87.3f), vm_exp_normal(vm_at_least(x, -87.3f)), vf_max(vf_set(0), x)); /* NaN stays */
}
/* 2^x for x <= 0; 0 below -126. */
SX_INLINE vf vm_exp2_neg(vf x) {
  vf c = vm_at_least(x, -126.f), n = vm_magic(c), r = c - (n - VM_MAGIC);
  vf p = VM_POLY(r, 0.693147182f, 0.240226507f, 0.0555035919f, 0.00961806532f, 0.00133911753f, 0.000154616646f) * r + 1.f;
  return vf_pick_ge(x, vf_set(-126.f), vm_shift_exponent(p, n), vf_max(vf_set(0), x));
}
SX_INLINE vf vm_expm1(vf x) {
  vf n, r = vm_exp_reduce(vm_at_least(vm_at_most(x, 89.f), -20.f), &n);
  vf s = vm_pow2(n - 1.f); /* n may be 128 */
  vf y = s * vm_expm1_poly(r) + (s - 0.5f);
  return vf_pick_eq(x, vf_set(0), x, y + y);
}
/* x = 2^n (1 + f), f in [-0.293, 0.415]; x positive and finite. */
SX_INLINE vf vm_log_reduce(vf x, vf *n) {
#if SX_GETEXP
  *n = vf_exponent(x * 0.707106781f) + 1.f; /* multiply down: up would overflow */
  return vf_scale(x, -*n) - 1.f;
#else
  vi denormal = x < 1.17549435e-38f;
  vi b = (vi)vf_select(denormal, x * 8388608.f, x);
  vi e = (vi)((vu)b - 0x3f3504f3u) >> 23;
  *n = __builtin_convertvector(e + (denormal & -23), vf);
  return (vf)((vu)b - ((vu)e << 23)) - 1.f;
#endif
}
SX_INLINE vf vm_log(vf x) {
  vf n, f = vm_log_reduce(x, &n), f2 = f * f;
  vf r = f2 * f *
             VM_POLY(f, 0.333333105f, -0.249999866f, 0.20002225f, -0.166692525f, 0.142186686f, -0.123842865f, 0.118729495f,
                     -0.117903933f, 0.0691608936f) +
         n * -2.12194440e-4f;
  r = n * 0.693359375f + (f + (r - f2 * 0.5f));
  if (__builtin_expect(vi_any(~((x > 0.f) & (x < INFINITY))), 0)) {
    r = vf_select(x < INFINITY, r, x); /* inf, NaN */
    r = vf_select(x < 0.f, vf_set(NAN), r);
    r = vf_select(x == 0.f, vf_set(-INFINITY), r);
  }
  return r;
}
/* log(u) corrected for what 1 + x lost. */
SX_INLINE vf vm_log1p(vf x) {
  vf u = x + 1.f, d = u - 1.f;
  vf r = vm_log(u) + (x - d) / u;
  r = vf_pick_eq(u, vf_set(1.f), x, r);
  return vf_select((u == 0.f) | ~(x < INFINITY), vm_log(u), r);
}
/* e^y - 1 for -40 <= y <= 0. */
SX_INLINE vf vm_expm1_neg(vf y) {
  vf n, r = vm_exp_reduce(y, &n), s = vm_pow2(n);
  return s * vm_expm1_poly(r) + (s - 1.f);
}
SX_INLINE vf vm_tanh(vf x) {
#if SX_FMA /* e^2x = k e^2r, k a power of two; r coth(r) = p: (r (k + 1) - p (1 - k)) / (p (k + 1) - r (1 - k)) */
  const float magic = VM_MAGIC + 127.f; /* with an exponent's bias */
  const vf c = vm_at_least(vm_at_most(x, 9.1f), -9.1f), n = c * (2 * VM_LOG2E) + magic,
           r = vf_fma(n - magic, vf_set(-0.34657359f), c), s = r * r;
  const vf k = (vf)((vu)n << 23), up = k + 1.f, down = 1.f - k, p = VM_POLY(s, 1.f, 0.333332509f, -0.0221336801f);
  return vf_fma(r, up, -(p * down)) / vf_fma(p, up, -(r * down));
#else
  const vf m = vm_expm1_neg(vm_at_most(vf_abs(x), 9.1f) * -2.f);
  return vf_copysign(m / (m + 2.f), x);
#endif
}
/* Below -87.3, where it is no normal number, 0 or what is right. */
SX_INLINE vf vm_sigmoid(vf x) {
  if (SX_GETEXP) return 1.f / (vm_exp_clamped(-vm_at_least(vm_at_most(x, 104.f), -89.f)) + 1.f);
  const vf y = 1.f / (vm_exp_normal(-vm_at_least(vm_at_most(x, 87.3f), -87.3f)) + 1.f);
  return vf_pick_gt(vf_set(-87.3f), x, vf_set(0), y);
}
SX_INLINE vf vm_silu(vf x) { return vf_pick_eq(x, vf_set(-INFINITY), vf_set(-0.f), x * vm_sigmoid(x)); }
/* 1 - erf(a) for a in [0.92, 3.93]. */
SX_INLINE vf vm_erfc_mid(vf b) {
  vf g = VM_POLY(b, 0.12865217f, 0.635135889f, 0.106263168f, -0.0237853508f, 0.00365375844f, -0.000325649657f,
                 1.15218609e-5f) *
             -b -
         b;
  return vm_exp_normal(g);
}
SX_INLINE vf vm_erf_low(vf a) { /* erf on [0, 0.925] */
  return VM_POLY(a * a, 0.128379166f, -0.376126289f, 0.112836242f, -0.0268555824f, 0.00519191287f, -0.000804316369f,
                 7.96555032e-5f) *
             a +
         a;
}
SX_INLINE vf vm_erf(vf x) {
  vf a = vf_abs(x), high = 1.f - vm_erfc_mid(vm_at_most(a, 3.93f));
  return vf_copysign(vf_pick_gt(vf_set(0.925f), a, vm_erf_low(a), high), x);
}
/* x/2 (1 + erf(x / sqrt 2)); the negative side takes erfc itself, so the tail keeps its relative accuracy to -5.5. */
SX_INLINE vf vm_gelu(vf x) {
  vf h = x * 0.5f, a = vf_abs(x * 0.707106781f);
  vf c = vm_erfc_mid(vm_at_most(a, 3.93f));
  c = vf_pick_gt(a, vf_set(3.93f), vf_set(0), c);
  c = vf_pick_gt(vf_set(0.925f), a, 1.f - vm_erf_low(a), c);
  vf y = h * vf_pick_gt(vf_set(0), x, c, 2.f - c);
  return vf_pick_eq(x, vf_set(-INFINITY), vf_set(-0.f), y);
}
/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
SX_INLINE vf vm_gelu_tanh(vf x) {
  vf u = 1.5957691216f * (x + 0.044715f * x * x * x);
  return vf_pick_eq(x, vf_set(-INFINITY), vf_set(-0.f), x * vm_sigmoid(u));
}
SX_INLINE vf vm_softplus(vf x) {
  vf e = vm_exp(-vf_abs(x));
  vf l = e * VM_POLY(e, 1.f, -0.499999881f, 0.333327174f, -0.249889076f, 0.198998049f, -0.161351874f, 0.124776512f,
                     -0.0831818804f, 0.0420381725f, -0.0136416927f, 0.00207167631f);
  return vm_at_least(x, 0) + l;
}
/* x tanh(softplus(x)) = x m / (m + 2), m = w (w + 2), w = e^x */
SX_INLINE vf vm_mish(vf x) {
  vf w = vm_exp(vm_at_most(x, 20.f)), m = w * (w + 2.f);
  return vf_pick_eq(x, vf_set(-INFINITY), vf_set(-0.f), x * (m / (m + 2.f)));
}
/* sin (phase 0) or cos (phase 1); beyond 1e5 lane by lane in double. */
SX_INLINE vf vm_sincos(vf x, int phase) {
  vf n = vm_magic(x * 0.636619772f), t = n - VM_MAGIC, r;
  vu q = (vu)n + (uint32_t)phase;
#if SX_FMA
  r = vf_fma(t, vf_set(-1.57079637f), x);
  r = vf_fma(t, vf_set(4.37113883e-8f), r);
  r = vf_fma(t, vf_set(1.71512448e-15f), r);
#else
  vd lower = vd_from_half(x, 0) - vd_from_half(t, 0) * 1.5707963267948966;
  r = vf_from_halves(lower, vd_from_half(x, 1) - vd_from_half(t, 1) * 1.5707963267948966);
#endif
  vf s = r * r;
  vf sine = s * r * VM_POLY(s, -0.166666552f, 0.00833219104f, -0.000195185989f) + r;
  vf cosine = s * s * VM_POLY(s, 0.0416666456f, -0.00138873013f, 2.44306611e-5f) + (1.f - s * 0.5f);
  vf y = vf_select((vi)(q & 1u) != 0, cosine, sine);
  y = (vf)((vu)y ^ ((q & 2u) << 30));
  if (!phase) y = vf_pick_eq(x, vf_set(0), x, y);
  if (__builtin_expect(vi_any(~(vf_abs(x) <= 1e5f)), 0))
    for (int i = 0; i < SX_VL; i++)
      if (!(fabsf(x[i]) <= 1e5f)) y[i] = (float)(phase ? cos((double)x[i]) : sin((double)x[i]));
  return y;
}
SX_INLINE vf vm_sin(vf x) { return vm_sincos(x, 0); }
SX_INLINE vf vm_cos(vf x) { return vm_sincos(x, 1); }
/* asin of |x|, or of sqrt((1 - |x|) / 2) where |x| > 0.5; NaN beyond 1. */
SX_INLINE vf vm_asin_core(vf a) {
  const vf half = vf_set(0.5f), z = vf_pick_gt(a, half, (1.f - a) * 0.5f, a * a), s = vf_pick_gt(a, half, vf_sqrt(z), a);
  return z * s * VM_POLY(z, 0.166667524f, 0.0749530027f, 0.0454700260f, 0.0241813110f, 0.0421631990f) + s;
}
SX_INLINE vf vm_asin(vf x) {
  const vf a = vf_abs(x), r = vm_asin_core(a);
  return vf_copysign(vf_pick_gt(a, vf_set(0.5f), 1.57079637f - (r + r + 4.37113883e-8f), r), x);
}
SX_INLINE vf vm_acos(vf x) {
  const vf a = vf_abs(x), r = vm_asin_core(a), d = r + r;
  const vf outer = vf_pick_gt(x, vf_set(0), d, 3.14159274f - (d + 8.74227766e-8f));
  return vf_pick_gt(a, vf_set(0.5f), outer, 1.57079637f - (vf_copysign(r, x) + 4.37113883e-8f));
}
/* Turned by pi/4 or pi/2, so that what is left lies within tan(pi/8). */
SX_INLINE vf vm_atan(vf x) {
  const vf a = vf_abs(x), far = vf_set(2.41421366f), mid = vf_set(0.414213568f), one = vf_set(1.f);
  const vf up = vf_pick_gt(a, far, -one, vf_pick_gt(a, mid, a - 1.f, a));
  const vf down = vf_pick_gt(a, far, a, vf_pick_gt(a, mid, a + 1.f, one));
  const vf turn = vf_pick_gt(a, far, vf_set(1.57079637f), vf_pick_gt(a, mid, vf_set(0.785398185f), vf_set(0)));
  const vf t = up / down, z = t * t;
  const vf r = z * t * VM_POLY(z, -0.333329492f, 0.199777106f, -0.138776856f, 0.0805374450f) + t;
  return vf_copysign(turn + (r - turn * 2.78275352e-8f), x);
}
/* log2 with its four leading terms in double lanes and the tail in float; what is special goes lane by lane. */
SX_INLINE vf vm_pow(vf x, vf y) {
  vi e = (vi)((vu)x - 0x3f3504f3u) >> 23;
  vf f = (vf)((vu)x - ((vu)e << 23)) - 1.f, n = __builtin_convertvector(e, vf);
  vf tail = VM_POLY(f, -0.360673159f, 0.288539499f, -0.240494758f, 0.206112996f, -0.179157674f, 0.158913776f, -0.156411409f,
                    0.154947326f, -0.0872745812f);
  vd frac[2], whole[2];
  SX_UNROLL(2) for (int h = 0; h < 2; h++) {
    vd F = vd_from_half(f, h);
    vd l = F * (F * (F * (F * vd_from_half(tail, h) + 0.4808983469629878) - 0.7213475204444817) + 1.4426950408889634);
    l = vd_clamp((l + vd_from_half(n, h)) * vd_from_half(y, h), -160, 130);
    vd t = l + 6755399441055744.; /* 1.5 * 2^52 */
    whole[h] = t - 6755399441055744.;
    frac[h] = l - whole[h];
  }
  vf r = vf_from_halves(frac[0], frac[1]);
  vf p = VM_POLY(r, 0.693147182f, 0.240226507f, 0.0555035919f, 0.00961806532f, 0.00133911753f, 0.000154616646f) * r + 1.f;
  vf z = vf_ldexp(p, vf_from_halves(whole[0], whole[1]) + VM_MAGIC);
  vi special = ~((x >= 1.17549435e-38f) & (x < INFINITY) & (vf_abs(y) < 1e30f));
  if (__builtin_expect(vi_any(special), 0))
    for (int i = 0; i < SX_VL; i++)
      if (special[i]) z[i] = powf(x[i], y[i]);
  return z;
}
#endif
