// SPDX-License-Identifier: MIT
/* The instruction functions of the elementwise machine in f32, per ISA level: each a loop over one tile.
 *
 * f32 over vec.h and vmath.h; what gives booleans, selects or is rarely used as plain loops. The other classes are
 * in ew_wide_simd.c. */
#include "ep/cpu/vmath.h"
#define EW_LANES SX_VL
#include "ep/cpu/kernels/elementwise/ew_loops.h"

#define p0 q->f[0]
#define p1 q->f[1]

SX_INLINE vf clamp01(vf x) { return vm_at_least(vm_at_most(x, 1.f), 0.f); }
SX_INLINE vf sign(vf x) {
  return vf_pick_gt(x, vf_set(0), vf_set(1.f),
                    vf_pick_gt(vf_set(0), x, vf_set(-1.f), vf_pick_eq(x, vf_set(0), vf_set(0), x)));
}
SX_INLINE vf shrink(vf x, float lambda, float bias) {
  return vf_pick_gt(vf_set(-lambda), x, x + bias, vf_pick_gt(x, vf_set(lambda), x - bias, vf_set(0)));
}
SX_INLINE vf negative(vf x) { return (vf)((vi)x ^ (int32_t)0x80000000u); }
SX_INLINE vf expm1_below(vf x) { return vm_expm1_neg(vm_at_least(vm_at_most(x, 0.f), -40.f)); } /* e^min(x,0) - 1 */
#define F32_UNARY(X)                                                                                                       \
  X(Abs, vf_abs(x))                                                                                                        \
  X(Acos, vm_acos(x)) X(Asin, vm_asin(x)) X(Atan, vm_atan(x))                                                              \
  X(Affine, x *p0 + p1) X(Ceil, vf_ceil(x)) X(Cos, vm_cos(x)) X(Erf, vm_erf(x)) X(Exp, vm_exp(x))                          \
      X(Celu, vm_at_least(x, 0) + p0 * expm1_below(x / p0)) X(Elu, vf_pick_gt(vf_set(0), x, p0 *expm1_below(x), x))        \
          X(Expm1, vm_expm1(x)) X(Floor, vf_floor(x)) X(Gelu, vm_gelu(x)) X(GeluTanh, vm_gelu_tanh(x)) X(                  \
              HardSigmoid, clamp01(x *p0 + p1)) X(HardSwish, x *clamp01(x *(1.f / 6.f) + 0.5f))                            \
              X(LeakyRelu, vf_pick_gt(vf_set(0), x, x *p0, x)) X(Log, vm_log(x)) X(Log1p, vm_log1p(x)) X(Mish, vm_mish(x)) \
                  X(Neg, negative(x)) X(Reciprocal, 1.f / x) X(Relu, vm_at_least(x, 0)) X(Round, vf_round(x))              \
                      X(Rsqrt, 1.f / vf_sqrt(x)) X(Selu, p1 *vf_pick_gt(vf_set(0), x, p0 *expm1_below(x), x))              \
                          X(Shrink, shrink(x, p0, p1)) X(Sigmoid, vm_sigmoid(x)) X(Sign, sign(x)) X(Silu, vm_silu(x))      \
                              X(Sin, vm_sin(x)) X(Softplus, vm_softplus(x)) X(Softsign, x / (1.f + vf_abs(x)))             \
                                  X(Sqrt, vf_sqrt(x)) X(Square, x *x) X(Swish, x *vm_sigmoid(x *p0)) X(Tanh, vm_tanh(x))   \
                                      X(ThresholdedRelu, vf_pick_gt(x, vf_set(p0), x, vf_set(0))) X(Trunc, vf_trunc(x))
#define DEF(name, expr)                      \
  static void f32_##name(ARGS) {             \
    float *d = d_;                           \
    const float *a = a_;                     \
    PARAMS;                                  \
    (void)q;                                 \
    for (int64_t i = 0; i < n; i += SX_VL) { \
      vf x = vf_load(a + i);                 \
      vf_store(d + i, expr);                 \
    }                                        \
  }
F32_UNARY(DEF)
#undef DEF

#define F32_BINARY(X)                                                                \
  X(Add, x + y)                                                                      \
  X(Sub, x - y) X(Mul, x *y) X(Div, x / y) X(Min, vf_pick_eq(x, x, vf_min(x, y), x)) \
      X(Max, vf_pick_eq(x, x, vf_max(x, y), x)) X(PRelu, vf_pick_gt(vf_set(0), x, x *y, x))
#define BINARY_LOOP(X_, Y_, expr)          \
  for (int64_t i = 0; i < n; i += SX_VL) { \
    vf x = X_, y = Y_;                     \
    vf_store(d + i, expr);                 \
  }
#define DEF(name, expr)                                 \
  static void f32_##name(ARGS) {                        \
    float *d = d_;                                      \
    const float *a = a_, *b = b_;                       \
    PARAMS;                                             \
    if (!q->uni) {                                      \
      BINARY_LOOP(vf_load(a + i), vf_load(b + i), expr) \
    } else if (q->uni == 2) {                           \
      vf one = vf_set(*b);                              \
      BINARY_LOOP(vf_load(a + i), one, expr)            \
    } else {                                            \
      vf one = vf_set(*a);                              \
      BINARY_LOOP(one, vf_load(b + i), expr)            \
    }                                                   \
  }
F32_BINARY(DEF)
#undef DEF

SX_INLINE vf pow_half(vf x) { return vf_pick_eq(x, vf_set(-INFINITY), vf_set(INFINITY), vf_sqrt(x) + 0.f); }
#define POW_CASE(value, expr)                \
  if (k == value) {                          \
    for (int64_t i = 0; i < n; i += SX_VL) { \
      vf x = vf_load(a + i);                 \
      vf_store(d + i, expr);                 \
    }                                        \
    return;                                  \
  }
static void f32_Pow(ARGS) {
  float *d = d_;
  const float *a = a_, *b = b_;
  PARAMS;
  bool ua = q->uni & 1, ub = q->uni & 2;
  if (ub) { /* the exponents people write */
    float k = *b;
    POW_CASE(2.f, x * x)
    POW_CASE(3.f, x * x * x)
    POW_CASE(0.5f, pow_half(x))
    POW_CASE(1.f, x)
    POW_CASE(-1.f, 1.f / x)
  }
  for (int64_t i = 0; i < n; i += SX_VL) {
    vf x = ua ? vf_set(*a) : vf_load(a + i), y = ub ? vf_set(*b) : vf_load(b + i);
    vf_store(d + i, vm_pow(x, y));
  }
}
static void f32_Clip(ARGS) {
  float *d = d_;
  const float *a = a_, *b = b_, *c = c_;
  PARAMS;
  bool ua = q->uni & 1, ub = q->uni & 2, uc = q->uni & 4;
  for (int64_t i = 0; i < n; i += SX_VL) {
    vf x = ua ? vf_set(*a) : vf_load(a + i), lo = ub ? vf_set(*b) : vf_load(b + i), hi = uc ? vf_set(*c) : vf_load(c + i);
    vf_store(d + i, vf_min(hi, vf_max(lo, x)));
  }
}
static void f32_MulAdd(ARGS) {
  float *d = d_;
  const float *a = a_, *b = b_, *c = c_;
  PARAMS;
  bool ua = q->uni & 1, ub = q->uni & 2, uc = q->uni & 4;
  for (int64_t i = 0; i < n; i += SX_VL) {
    vf x = ua ? vf_set(*a) : vf_load(a + i), y = ub ? vf_set(*b) : vf_load(b + i), z = uc ? vf_set(*c) : vf_load(c + i);
    vf_store(d + i, x * y + z);
  }
}

#define F32_LANES(X)                                                                                                \
  X(Acosh, acoshf(x)) X(Asinh, asinhf(x)) X(Atanh, atanhf(x)) X(Cosh, coshf(x))                                     \
      X(Sinh, sinhf(x)) X(Tan, tanf(x))
#define DEF(name, expr) DEF1(float, float, f32_##name, expr)
F32_LANES(DEF)
#undef DEF
SX_INLINE float mod_f32(float x, float y) {
  float r = fmodf(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r == 0 ? copysignf(0, y) : r;
}
#define F32_BINARY_LANES(X) X(Mod, mod_f32(x, y)) X(FMod, fmodf(x, y)) X(Atan2, atan2f(x, y))
#define DEF(name, expr)     DEF2(float, float, f32_##name, expr)
F32_BINARY_LANES(DEF)
#undef DEF

DEF3(uint8_t, uint8_t, w8_Where, CHOICE_SETS, x ? y : z)
DEF3(uint32_t, uint8_t, w32_Where, CHOICE_SETS, x ? y : z)
DEF3(uint64_t, uint8_t, w64_Where, CHOICE_SETS, x ? y : z)
#define DEF(name, expr) DEF2(uint8_t, float, f32_##name, expr)
COMPARE(DEF)
#undef DEF
DEF1(uint8_t, float, f32_IsNaN, x != x)
DEF1(uint8_t, float, f32_IsInf, ((x == -INFINITY) & (p0 != 0)) | ((x == INFINITY) & (p1 != 0)))
#define DEF_SPLAT(T, t)                       \
  static void splat_##t(ARGS) {               \
    T *d = d_, x = *(const T *)a_;            \
    (void)b_, (void)c_, (void)q_;             \
    for (int64_t i = 0; i < n; i++) d[i] = x; \
  }
DEF_SPLAT(uint8_t, 1)
DEF_SPLAT(uint32_t, 4)
DEF_SPLAT(uint64_t, 8)

#undef p0
#undef p1
#if SX_VECTOR_CALLS
#define p0 l->f[0]
#define p1 l->f[1]
/* The vectors that go through a chain together: as many as arguments in registers leave room to compute. */
#if SX_VL == 16
#define GROUP   8
#define EACH(X) X(a, 0) X(b, 1) X(c, 2) X(d, 3) X(e, 4) X(f, 5) X(g, 6) X(h, 7)
#else
#define GROUP   4
#define EACH(X) X(a, 0) X(b, 1) X(c, 2) X(d, 3)
#endif
#define PARAM(v, k)  , vf v
#define GATHER(v, k) v,
#define PASS(v, k)   , w[k]
typedef void (*link_group)(const sx_ew_link *l, void *const *reg, int64_t i EACH(PARAM));
typedef void (*link_one)(const sx_ew_link *l, void *const *reg, int64_t i, vf a);
#define TILE(k)   ((const float *)reg[l->reg[0]] + i + (k)*SX_VL)
#define SCALAR(j) vf_set(*(const float *)reg[l->reg[j]])
/* before: what is common to the vectors; x, y in expr: the operation's sources. */
#define LINK(name, form, before, X, Y, expr)                                                                   \
  SX_INLINE vf name##_##form##_at(const sx_ew_link *l, void *const *reg, int64_t i, int k, vf v, vf s, vf t) { \
    vf x = X, y = Y;                                                                                           \
    (void)y, (void)s, (void)t, (void)k;                                                                        \
    return expr;                                                                                               \
  }                                                                                                            \
  static void name##_##form##_group(const sx_ew_link *l, void *const *reg, int64_t i EACH(PARAM)) {            \
    vf s = {0}, t = {0}, w[] = {EACH(GATHER)};                                                                 \
    before;                                                                                                    \
    SX_UNROLL(8) for (int k = 0; k < GROUP; k++) w[k] = name##_##form##_at(l, reg, i, k, w[k], s, t);          \
    ((link_group)l[1].group)(l + 1, reg, i EACH(PASS));                                                        \
  }                                                                                                            \
  static void name##_##form##_one(const sx_ew_link *l, void *const *reg, int64_t i, vf a) {                    \
    vf s = {0}, t = {0};                                                                                       \
    before;                                                                                                    \
    a = name##_##form##_at(l, reg, i, 0, a, s, t);                                                             \
    ((link_one)l[1].one)(l + 1, reg, i, a);                                                                    \
  }
#define LINK_V(X)                                                                                                          \
  X(Abs, vf_abs(x))                                                                                                        \
  X(Affine, x *p0 + p1) X(Ceil, vf_ceil(x)) X(Floor, vf_floor(x)) X(HardSigmoid, clamp01(x *p0 + p1))                      \
      X(HardSwish, x *clamp01(x *(1.f / 6.f) + 0.5f)) X(LeakyRelu, vf_pick_gt(vf_set(0), x, x *p0, x)) X(Neg, negative(x)) \
          X(Reciprocal, 1.f / x) X(Relu, vm_at_least(x, 0)) X(Round, vf_round(x)) X(Sqrt, vf_sqrt(x)) X(Square, x *x)      \
              X(ThresholdedRelu, vf_pick_gt(x, vf_set(p0), x, vf_set(0))) X(Exp, vm_exp(x)) X(Sigmoid, vm_sigmoid(x))      \
                  X(Tanh, vm_tanh(x))
#define DEF(name, expr) LINK(name, V, , v, v, expr)
LINK_V(DEF)
#undef DEF
#define DEF(name, expr)                       \
  LINK(name, VT, , v, vf_load(TILE(k)), expr) \
  LINK(name, TV, , vf_load(TILE(k)), v, expr) \
  LINK(name, VK, s = SCALAR(0), v, s, expr)   \
  LINK(name, KV, s = SCALAR(0), s, v, expr)
F32_BINARY(DEF)
#undef DEF
LINK(Clip, VKK, s = SCALAR(0); t = SCALAR(1), v, v, vf_min(t, vf_max(s, x)))
LINK(MulAdd, VKK, s = SCALAR(0); t = SCALAR(1), v, v, x *s + t)
static void store_group(const sx_ew_link *l, void *const *reg, int64_t i EACH(PARAM)) {
  float *p = (float *)reg[l->reg[0]] + i;
  const vf v[] = {EACH(GATHER)};
  SX_UNROLL(8) for (int k = 0; k < GROUP; k++) vf_store(p + k * SX_VL, v[k]);
}
static void store_one(const sx_ew_link *l, void *const *reg, int64_t i, vf a) { vf_store((float *)reg[l->reg[0]] + i, a); }
static void chain(ARGS) {
  PARAMS;
  const sx_ew_link *l = (const sx_ew_link *)((const char *)q + q->imm[0].i);
  void *const *reg = b_;
  const float *a = a_;
  int64_t i = 0;
#define LOAD(v, k) , vf_load(a + i + (k)*SX_VL)
  for (; i + GROUP * SX_VL <= n; i += GROUP * SX_VL) ((link_group)l->group)(l, reg, i EACH(LOAD));
#undef LOAD
  for (; i < n; i += SX_VL) ((link_one)l->one)(l, reg, i, vf_load(a + i));
}
#define PAIR(name) \
  { (sx_ew_link_fn) name##_group, (sx_ew_link_fn)name##_one }
#endif

extern const sx_ew_others SX_ISA_NAME(sx_ew_others);
const sx_ew_table SX_ISA_NAME(sx_ew) = {
    .lanes = SX_VL,
#if SX_VECTOR_CALLS
    .chain = chain,
    .store = PAIR(store),
    .link =
        {
#define X(name, expr) [SX_EW_##name][SX_EW_V] = PAIR(name##_V),
            LINK_V(X)
#undef X
#define X(name, expr)                             \
  [SX_EW_##name] = {[SX_EW_VT] = PAIR(name##_VT), \
                    [SX_EW_TV] = PAIR(name##_TV), \
                    [SX_EW_VK] = PAIR(name##_VK), \
                    [SX_EW_KV] = PAIR(name##_KV)},
                F32_BINARY(X)
#undef X
                    [SX_EW_Clip][SX_EW_VKK] = PAIR(Clip_VKK),
            [SX_EW_MulAdd][SX_EW_VKK] = PAIR(MulAdd_VKK),
        },
#endif
    .splat = {splat_4, splat_8, splat_4, splat_8, splat_8, splat_1, splat_1, splat_1},
    .where = {w32_Where, w64_Where, w32_Where, w64_Where, w64_Where, w8_Where, w8_Where, w8_Where},
    .others = &SX_ISA_NAME(sx_ew_others),
#define X(name, expr) [SX_EW_##name] = f32_##name,
    .f32 = {F32_UNARY(X) F32_BINARY(X) F32_LANES(X) F32_BINARY_LANES(X) COMPARE(X) X(Pow, ) X(IsNaN, ) X(IsInf, ) X(Clip, )
                X(MulAdd, )},
#undef X
};
