// SPDX-License-Identifier: MIT
/* The instruction functions of the elementwise machine in all classes but f32, per ISA level: plain loops for the compiler.
 *
 * f64 goes through libm, but for tanh. Integer arithmetic is done unsigned, so it wraps; divisions never trap. */
#include <math.h>
#include "ep/cpu/vec.h"
#define EW_LANES SX_VL
#include "ep/cpu/kernels/elementwise/ew_loops.h"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtype-limits" /* u64 rows share the text of the signed ones */
#endif

static inline double mod_f64(double x, double y) {
  double r = fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r == 0 ? copysign(0, y) : r;
}
#define p0 q->imm[0].f
#define p1 q->imm[1].f
static inline double sigmoid_f64(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
/* e^x for -50 <= x <= 0, as the compiler makes vectors of it: 2^k e^r, k whole in the last bits of `t`. */
static inline double exp_near_f64(double x) {
  static const double c[] = {1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040,
                             1. / 720,        1. / 120,       1. / 24,       1. / 6,       .5,          1,          1};
  const double magic = 0x1.8p52 + 1023, t = x * 1.4426950408889634 + magic, k = t - magic;
  const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
  double p = c[0], scale;
  SX_UNROLL(16) for (int i = 1; i < 14; i++) p = p * r + c[i];
  uint64_t bits;
  memcpy(&bits, &t, 8);
  bits <<= 52;
  memcpy(&scale, &bits, 8);
  return p * scale;
}
/* Near 0 Cody and Waite's quotient, elsewhere by e^-2|x|; both, since a branch would go either way. */
static inline double tanh_f64(double x) {
  const double a = fabs(x), z = x * x, e = exp_near_f64(-2 * (a > 20 ? 20 : a));
  const double p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
  const double q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
  return copysign(a < 0.625 ? a + a * z * (p / q) : 1 - 2 * e / (1 + e), x);
}
static inline double clamp01_f64(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
#define F64_UNARY(X)                                                                                                 \
  X(Abs, fabs(x)) X(Acos, acos(x)) X(Acosh, acosh(x)) X(Affine, x *p0 + p1) X(Asin, asin(x)) X(Asinh, asinh(x))      \
  X(Atan, atan(x)) X(Atanh, atanh(x)) X(Ceil, ceil(x)) X(Celu, x > 0 ? x : p0 * expm1(x / p0)) X(Cos, cos(x))        \
  X(Cosh, cosh(x)) X(Elu, x < 0 ? p0 * expm1(x) : x) X(Erf, erf(x)) X(Exp, exp(x)) X(Expm1, expm1(x))                \
  X(Floor, floor(x)) X(Gelu, 0.5 * x * erfc(x * -0.70710678118654752))                                               \
  X(GeluTanh, x *sigmoid_f64(1.5957691216057308 * (x + 0.044715 * x * x * x))) X(HardSigmoid, clamp01_f64(x *p0 + p1)) \
  X(HardSwish, x *clamp01_f64(x / 6 + 0.5)) X(LeakyRelu, x < 0 ? x * p0 : x) X(Log, log(x)) X(Log1p, log1p(x))       \
  X(Mish, x *tanh(log1p(exp(-fabs(x))) + (x > 0 ? x : 0))) X(Neg, -x) X(Reciprocal, 1 / x) X(Relu, x < 0 ? 0 : x)    \
  X(Round, rint(x)) X(Rsqrt, 1 / sqrt(x)) X(Selu, p1 *(x < 0 ? p0 * expm1(x) : x))                                   \
  X(Shrink, x < -p0 ? x + p1 : x > p0 ? x - p1 : 0) X(Sigmoid, sigmoid_f64(x)) X(Sign, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x) \
  X(Silu, x *sigmoid_f64(x)) X(Sin, sin(x)) X(Sinh, sinh(x)) X(Softplus, log1p(exp(-fabs(x))) + (x < 0 ? 0 : x))     \
  X(Softsign, x / (1 + fabs(x))) X(Sqrt, sqrt(x)) X(Square, x *x) X(Swish, x *sigmoid_f64(x *p0)) X(Tan, tan(x))     \
  X(Tanh, tanh_f64(x)) X(ThresholdedRelu, x > p0 ? x : 0) X(Trunc, trunc(x))
#define DEF(name, expr) DEF1(double, double, f64_##name, expr)
F64_UNARY(DEF)
#undef DEF
#define F64_BINARY(X)                                                                                          \
  X(Add, x + y) X(Sub, x - y) X(Mul, x *y) X(Div, x / y) X(Min, x < y || x != x ? x : y)                       \
  X(Max, x > y || x != x ? x : y) X(PRelu, x < 0 ? x * y : x) X(Mod, mod_f64(x, y)) X(FMod, fmod(x, y))        \
  X(Atan2, atan2(x, y)) X(Pow, pow(x, y))
#define DEF(name, expr) DEF2(double, double, f64_##name, expr)
F64_BINARY(DEF)
#undef DEF

#define DEF_DIV(T, U, t, SIGNED)                                                                     \
  static inline T div_##t(T x, T y) { return y == 0 ? 0 : SIGNED && y == (T)-1 ? (T)(0 - (U)x) : x / y; } \
  static inline T fmod_##t(T x, T y) { return y == 0 || (SIGNED && y == (T)-1) ? 0 : x % y; }
#define DEF_POW(T, U, t, SIGNED)                                                                     \
  static inline T mod_##t(T x, T y) {                                                                \
    T r = fmod_##t(x, y);                                                                            \
    return SIGNED && r != 0 && ((r ^ y) >> (sizeof(T) * 8 - 1)) ? (T)(r + y) : r;                    \
  }                                                                                                  \
  static inline T pow_##t(T x, T y) {                                                                \
    if (SIGNED && y >> (sizeof(T) * 8 - 1)) return x == 1 ? 1 : x == (T)-1 ? (y & 1 ? x : 1) : 0;    \
    U r = 1, f = (U)x;                                                                               \
    for (U k = (U)y; k; k >>= 1, f *= f)                                                             \
      if (k & 1) r *= f;                                                                             \
    return (T)r;                                                                                     \
  }
/* By f64, which has vectors: the quotient of two i32 is too far from a whole number to be rounded to it, unless it is one. */
static inline int32_t div_i32(int32_t x, int32_t y) {
  double quotient = (double)x / (double)y;
  quotient = fabs(quotient) < 0x1p32 ? quotient : 0; /* y = 0 */
  return (int32_t)(quotient < 0x1p31 ? quotient : -0x1p31);
}
static inline int32_t fmod_i32(int32_t x, int32_t y) {
  const uint32_t rest = (uint32_t)x - (uint32_t)div_i32(x, y) * (uint32_t)y;
  return y == 0 ? 0 : (int32_t)rest;
}
DEF_DIV(int64_t, uint64_t, i64, 1)
DEF_DIV(uint64_t, uint64_t, u64, 0)
DEF_POW(int32_t, uint32_t, i32, 1)
DEF_POW(int64_t, uint64_t, i64, 1)
DEF_POW(uint64_t, uint64_t, u64, 0)
#define WIDTH(T) (sizeof(T) * 8)
/* X(name, expression); T the type, U the unsigned type of its width, t the suffix */
#define INT_UNARY(X, T, U, t)                                                                                         \
  X(Abs, x < 0 ? (U)0 - (U)x : (U)x) X(BitwiseNot, ~x) X(Neg, (U)0 - (U)x) X(Relu, x < 0 ? 0 : x)                     \
  X(Sign, (x > 0) - (x < 0)) X(Square, (U)x *(U)x)                                                                    \
  X(Shrink, (double)x < -p0 ? (double)x + p1 : (double)x > p0 ? (double)x - p1 : 0)                                   \
  X(LeakyRelu, x < 0 ? (T)((double)x * p0) : x) X(Ceil, x) X(Floor, x) X(Round, x) X(Trunc, x)
#define INT_BINARY(X, T, U, t)                                                                                        \
  X(Add, (U)x + (U)y) X(Sub, (U)x - (U)y) X(Mul, (U)x *(U)y) X(Div, div_##t(x, y)) X(Mod, mod_##t(x, y))              \
  X(FMod, fmod_##t(x, y)) X(Pow, pow_##t(x, y)) X(Min, x < y ? x : y) X(Max, x > y ? x : y)                           \
  X(PRelu, x < 0 ? (U)x * (U)y : (U)x) X(BitwiseAnd, x &y) X(BitwiseOr, x | y) X(BitwiseXor, x ^ y)                   \
  X(ShiftLeft, (U)y >= WIDTH(T) ? 0 : (U)x << ((U)y & (WIDTH(T) - 1)))                                                \
  X(ShiftRight, (U)y >= WIDTH(T) ? (x < 0 ? (T)-1 : 0) : x >> ((U)y & (WIDTH(T) - 1)))
#define INT_TERNARY(T, U, t)                                                    \
  DEF3(T, T, t##_Clip, CLIP_SETS, (x < y ? y : x) > z ? z : (x < y ? y : x))               \
  DEF3(T, T, t##_MulAdd, SUM_SETS, (U)x *(U)y + (U)z)
INT_TERNARY(int32_t, uint32_t, i32)
INT_TERNARY(int64_t, uint64_t, i64)
INT_TERNARY(uint64_t, uint64_t, u64)
DEF3(double, double, f64_Clip, CLIP_SETS, (x < y ? y : x) > z ? z : (x < y ? y : x))
DEF3(double, double, f64_MulAdd, SUM_SETS, x *y + z)

#define DEF(name, expr) DEF1(int32_t, int32_t, i32_##name, expr)
INT_UNARY(DEF, int32_t, uint32_t, i32)
#undef DEF
#define DEF(name, expr) DEF1(int64_t, int64_t, i64_##name, expr)
INT_UNARY(DEF, int64_t, uint64_t, i64)
#undef DEF
#define DEF(name, expr) DEF1(uint64_t, uint64_t, u64_##name, expr)
INT_UNARY(DEF, uint64_t, uint64_t, u64)
#undef DEF
#define DEF(name, expr) DEF2(int32_t, int32_t, i32_##name, expr)
INT_BINARY(DEF, int32_t, uint32_t, i32)
#undef DEF
#define DEF(name, expr) DEF2(int64_t, int64_t, i64_##name, expr)
INT_BINARY(DEF, int64_t, uint64_t, i64)
#undef DEF
#define DEF(name, expr) DEF2(uint64_t, uint64_t, u64_##name, expr)
INT_BINARY(DEF, uint64_t, uint64_t, u64)
#undef DEF
#define DEF(name, expr)                     \
  DEF2(uint8_t, double, f64_##name, expr)   \
  DEF2(uint8_t, int32_t, i32_##name, expr)  \
  DEF2(uint8_t, int64_t, i64_##name, expr)  \
  DEF2(uint8_t, uint64_t, u64_##name, expr)
COMPARE(DEF)
#undef DEF
DEF1(uint8_t, double, f64_IsNaN, x != x)
DEF1(uint8_t, double, f64_IsInf, ((x == -INFINITY) & (p0 != 0)) | ((x == INFINITY) & (p1 != 0)))

#define BOOL_BINARY(X)                                                                                             \
  X(And, (x != 0) & (y != 0)) X(Or, (x | y) != 0) X(Xor, (x != 0) ^ (y != 0)) X(Equal, (x != 0) == (y != 0))       \
  X(NotEqual, (x != 0) != (y != 0)) X(Less, !x & (y != 0)) X(LessOrEqual, !x | (y != 0)) X(Greater, (x != 0) & !y) \
  X(GreaterOrEqual, (x != 0) | !y)
#define DEF(name, expr) DEF2(uint8_t, uint8_t, b8_##name, expr)
BOOL_BINARY(DEF)
#undef DEF
DEF1(uint8_t, uint8_t, b8_Not, !x)

/* 8 bits: what has no row here computes in i32. A float holds such a quotient well enough to cut it off. */
#define BYTE_UNARY(X, T, t) \
  X(Abs, x < 0 ? -x : x) X(BitwiseNot, ~x) X(Neg, -x) X(Relu, x < 0 ? 0 : x) X(Sign, (x > 0) - (x < 0)) X(Square, x *x) \
  X(Shrink, (int)((double)x < -p0 ? (double)x + p1 : (double)x > p0 ? (double)x - p1 : 0))
#define BYTE_BINARY(X, T, t)                                                                                          \
  X(Add, x + y) X(Sub, x - y) X(Mul, x *y) X(Div, quotient_##t(x, y)) X(FMod, rest_##t(x, y))                          \
  X(Mod, mod_##t(x, y)) X(Min, x < y ? x : y) X(Max, x > y ? x : y) X(BitwiseAnd, x &y) X(BitwiseOr, x | y)           \
  X(BitwiseXor, x ^ y) X(ShiftLeft, (uint8_t)y > 7 ? 0 : (uint8_t)x << ((uint8_t)y & 7))                              \
  X(ShiftRight, x >> ((uint8_t)y > 7 ? 7 : (uint8_t)y) >> ((uint8_t)y > 7))                                           \
  COMPARE(X)
#define DEF_BYTE(T, t)                                                                                        \
  static inline int quotient_##t(T x, T y) { return (int)((float)x / (float)(y + (y == 0))) & -(y != 0); }     \
  static inline int rest_##t(T x, T y) { return (x - y * quotient_##t(x, y)) & -(y != 0); }                    \
  static inline int mod_##t(T x, T y) {                                                                       \
    const int r = rest_##t(x, y);                                                                             \
    return r + (y & -(r != 0 && (r ^ y) < 0));                                                                \
  }                                                                                                           \
  DEF3(T, T, t##_Clip, CLIP_SETS, (x < y ? y : x) > z ? z : (x < y ? y : x))
DEF_BYTE(uint8_t, u8)
DEF_BYTE(int8_t, i8)
#define DEF(name, expr) DEF1(uint8_t, uint8_t, u8_##name, expr)
BYTE_UNARY(DEF, uint8_t, u8)
#undef DEF
#define DEF(name, expr) DEF1(int8_t, int8_t, i8_##name, expr)
BYTE_UNARY(DEF, int8_t, i8)
#undef DEF
#define DEF(name, expr) DEF2(uint8_t, uint8_t, u8_##name, expr)
BYTE_BINARY(DEF, uint8_t, u8)
#undef DEF
#define DEF(name, expr) DEF2(int8_t, int8_t, i8_##name, expr)
BYTE_BINARY(DEF, int8_t, i8)
#undef DEF

extern const sx_ew_others SX_ISA_NAME(sx_ew_others);
const sx_ew_others SX_ISA_NAME(sx_ew_others) = {{
#define X(name, expr) [SX_EW_##name] = f64_##name,
    [SX_EW_F64] = {F64_UNARY(X) F64_BINARY(X) COMPARE(X) X(IsNaN, ) X(IsInf, ) X(Clip, ) X(MulAdd, )},
#undef X
#define X(name, expr) [SX_EW_##name] = i32_##name,
    [SX_EW_I32] = {INT_UNARY(X, , , i32) INT_BINARY(X, , , i32) COMPARE(X) X(Clip, ) X(MulAdd, )},
#undef X
#define X(name, expr) [SX_EW_##name] = i64_##name,
    [SX_EW_I64] = {INT_UNARY(X, , , i64) INT_BINARY(X, , , i64) COMPARE(X) X(Clip, ) X(MulAdd, )},
#undef X
#define X(name, expr) [SX_EW_##name] = u64_##name,
    [SX_EW_U64] = {INT_UNARY(X, , , u64) INT_BINARY(X, , , u64) COMPARE(X) X(Clip, ) X(MulAdd, )},
#undef X
#define X(name, expr) [SX_EW_##name] = b8_##name,
    [SX_EW_B8] = {BOOL_BINARY(X) X(Not, )},
#undef X
#define X(name, expr) [SX_EW_##name] = u8_##name,
    [SX_EW_U8] = {BYTE_UNARY(X, , u8) BYTE_BINARY(X, , u8) X(Clip, )},
#undef X
#define X(name, expr) [SX_EW_##name] = i8_##name,
    [SX_EW_I8] = {BYTE_UNARY(X, , i8) BYTE_BINARY(X, , i8) X(Clip, )},
#undef X
}};
