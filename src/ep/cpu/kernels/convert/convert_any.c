// SPDX-License-Identifier: MIT
/* The conversions of rare types, compiled once: floats of eight, six and four bits, wide integers and f64 between classes.
 *
 * Every small float is one algorithm over its parameters (mantissa bits, bias, largest code, what lies beyond it). Rounding to
 * odd makes a detour over f32 exact: the sticky bit survives in the last place. */
#include <math.h>
#include <string.h>
#include "ep/cpu/kernels/convert/convert_tables.h"

static uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}
static float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

typedef struct small_float {
  uint8_t mantissa, bias, sign_shift;
  uint8_t largest;  /* code of the largest finite */
  uint8_t overflow; /* code beyond it when it does not saturate; `signed_overflow` adds the sign */
  uint8_t nan;
  bool signed_overflow, infinity, negative_zero, always_saturates;
} small_float;
static const small_float kinds[] = {
    /* E4M3FN */ {3, 7, 7, 0x7e, 0x7f, 0x7f, true, false, true, false},
    /* E4M3FNUZ */ {3, 8, 7, 0x7f, 0x80, 0x80, false, false, false, false},
    /* E5M2 */ {2, 15, 7, 0x7b, 0x7c, 0x7e, true, true, true, false},
    /* E5M2FNUZ */ {2, 16, 7, 0x7f, 0x80, 0x80, false, false, false, false},
    /* E2M1 */ {1, 1, 3, 0x07, 0x07, 0x08, true, false, true, true},
    /* E2M3 */ {3, 1, 5, 0x1f, 0x1f, 0x20, true, false, true, true},
    /* E3M2 */ {2, 3, 5, 0x1f, 0x1f, 0x20, true, false, true, true},
};
static const small_float *kind_of(sx_dtype t) {
  return &kinds[t == SX_F8E4M3FN ? 0 : t == SX_F8E4M3FNUZ ? 1 : t == SX_F8E5M2 ? 2 : t == SX_F8E5M2FNUZ ? 3 : t == SX_F4E2M1 ? 4
                : t == SX_F6E2M3 ? 5 : 6];
}
static uint8_t to_small(const small_float *k, float x, bool saturate) {
  const uint32_t u = bits_of(x), a = u & 0x7fffffffu, sign = (u >> 31) << k->sign_shift, shift = 23u - k->mantissa;
  if (a > 0x7f800000u) return k->nan == 0x80 || k->always_saturates ? k->nan : (uint8_t)(k->nan | sign);
  uint32_t code;
  if (a < (128u - k->bias) << 23) { /* below the smallest normal: an addition rounds */
    const uint32_t magic = (128u - k->bias + shift) << 23;
    code = bits_of(float_of(a) + float_of(magic)) - magic;
  } else {
    code = ((a + (1u << (shift - 1)) - 1 + ((a >> shift) & 1)) >> shift) - ((127u - k->bias) << k->mantissa);
  }
  if (code > k->largest || a == 0x7f800000u) {
    if (saturate || k->always_saturates) code = k->largest;
    else return (uint8_t)(k->overflow | (k->signed_overflow ? sign : 0));
  }
  return (uint8_t)(code || k->negative_zero ? code | sign : 0);
}
static float from_small(const small_float *k, uint32_t code) {
  const uint32_t magnitude = code & ((1u << k->sign_shift) - 1), sign = (code >> k->sign_shift) << 31;
  if (!k->always_saturates) {
    if (k->nan == 0x80 ? code == 0x80 : magnitude > (k->infinity ? k->overflow : k->largest)) return NAN;
    if (k->infinity && magnitude == k->overflow) return sign ? -INFINITY : INFINITY;
  }
  float x = magnitude >> k->mantissa ? float_of((magnitude << (23 - k->mantissa)) + ((127u - k->bias) << 23))
                                     : (float)magnitude * float_of((128u - k->bias - k->mantissa) << 23);
  return float_of(bits_of(x) | sign);
}
float sx_convert_from_f4(uint32_t code) { return from_small(&kinds[4], code); }
uint8_t sx_convert_to_f4(float x) { return to_small(&kinds[4], x, true); }

#define DEF_SMALL(t)                                                                    \
  static void load_##t(void *dst, const void *src, int64_t n) {                      \
    for (int64_t i = 0; i < n; i++) ((float *)dst)[i] = from_small(kind_of(SX_##t), ((const uint8_t *)src)[i]); \
  }                                                                                  \
  static void store_##t(void *dst, const void *src, int64_t n, uint32_t mode) {      \
    for (int64_t i = 0; i < n; i++)                                                  \
      ((uint8_t *)dst)[i] = to_small(kind_of(SX_##t), ((const float *)src)[i], !(mode & SX_CAST_NOSAT)); \
  }
DEF_SMALL(F8E4M3FN)
DEF_SMALL(F8E4M3FNUZ)
DEF_SMALL(F8E5M2)
DEF_SMALL(F8E5M2FNUZ)
DEF_SMALL(F6E2M3)
DEF_SMALL(F6E3M2)

/* A power of two: code 127 is 1, 255 is NaN and what infinity gives; the sign is dropped. Without a mode, nearest with ties up;
 * below the smallest normal as the standard's reference does: any fraction goes up to code 1 in mode UP. */
static uint8_t to_e8m0(float x, uint32_t mode) {
  const uint32_t a = bits_of(x) & 0x7fffffffu, e = a >> 23, m = a & 0x7fffff;
  if (e == 255) return 255;
  const bool up = mode & SX_CAST_E8M0_DOWN ? false : mode & SX_CAST_E8M0_UP ? m > 0 : e ? m >= 0x400000u : m > 0x400000u;
  return (uint8_t)(up && (e < 254 || mode & SX_CAST_NOSAT) ? e + 1 : e);
}
static void load_F8E8M0(void *dst, const void *src, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t c = ((const uint8_t *)src)[i];
    ((float *)dst)[i] = c == 255 ? NAN : c ? float_of(c << 23) : float_of(0x00400000u);
  }
}
static void store_F8E8M0(void *dst, const void *src, int64_t n, uint32_t mode) {
  for (int64_t i = 0; i < n; i++) ((uint8_t *)dst)[i] = to_e8m0(((const float *)src)[i], mode);
}

static void load_U32(void *dst, const void *src, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t x;
    memcpy(&x, (const char *)src + 4 * i, 4);
    ((int64_t *)dst)[i] = x;
  }
}
static void store_U32(void *dst, const void *src, int64_t n, uint32_t mode) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t x = (uint32_t)((const int64_t *)src)[i];
    memcpy((char *)dst + 4 * i, &x, 4);
  }
}

static uint64_t f64_to_u64(double x) {
  return x < 9223372036854775808.0 ? (uint64_t)(int64_t)x : (uint64_t)(int64_t)(x - 9223372036854775808.0) ^ (1ull << 63);
}
/* f32 nearest to x, of an inexact pair the one with the odd last bit. */
static float f64_to_odd(double x) {
  float r = (float)x;
  if ((double)r == x || r != r) return r;
  uint32_t u = bits_of(r);
  if (isinf(r)) return float_of(u - 1); /* beyond the largest: 0x7f7fffff is odd */
  if (fabs((double)r) > fabs(x)) u--;    /* truncated now */
  return float_of(u | 1);
}
static double u64_sticky(uint64_t x) { /* 53 bits, the last one sticky */
  return x >> 53 ? (double)((x & ~2047ull) | (x & 2047 ? 2048 : 0)) : (double)x;
}
static double i64_sticky(int64_t x) { return x < 0 ? -u64_sticky(0 - (uint64_t)x) : u64_sticky((uint64_t)x); }

#define DEF_CAST(name, D, S, expr)                                    \
  static void name(void *dst, const void *src, int64_t n) {           \
    D *d = dst;                                                       \
    const S *s = src;                                                 \
    for (int64_t i = 0; i < n; i++) {                                 \
      S x = s[i];                                                     \
      d[i] = (D)(expr);                                               \
    }                                                                 \
  }
DEF_CAST(f32_f64, double, float, x)
DEF_CAST(f32_u64, uint64_t, float, f64_to_u64(x))
DEF_CAST(f64_f32, float, double, x)
DEF_CAST(f64_i32, int32_t, double, x)
DEF_CAST(f64_i64, int64_t, double, x)
DEF_CAST(f64_u64, uint64_t, double, f64_to_u64(x))
DEF_CAST(f64_b8, uint8_t, double, x != 0)
DEF_CAST(i32_f64, double, int32_t, x)
DEF_CAST(i32_u64, uint64_t, int32_t, x)
DEF_CAST(i64_f64, double, int64_t, x)
DEF_CAST(i64_b8, uint8_t, int64_t, x != 0)
DEF_CAST(u64_f32, float, uint64_t, x)
DEF_CAST(u64_f64, double, uint64_t, x)
DEF_CAST(u64_i32, int32_t, uint64_t, x)
DEF_CAST(u64_b8, uint8_t, uint64_t, x != 0)
DEF_CAST(b8_f64, double, uint8_t, x != 0)
DEF_CAST(b8_wide, uint64_t, uint8_t, x != 0)
DEF_CAST(f64_odd, float, double, f64_to_odd(x))
DEF_CAST(i32_odd, float, int32_t, f64_to_odd(x))
DEF_CAST(i64_odd, float, int64_t, f64_to_odd(i64_sticky(x)))
DEF_CAST(u64_odd, float, uint64_t, f64_to_odd(u64_sticky(x)))
DEF_CAST(wide_copy, uint64_t, uint64_t, x)

const sx_convert_table sx_convert_any = {
#define X(t) [SX_##t] = load_##t,
    .load = {X(F8E4M3FN) X(F8E4M3FNUZ) X(F8E5M2) X(F8E5M2FNUZ) X(F8E8M0) X(F6E2M3) X(F6E3M2) X(U32)},
#undef X
#define X(t) [SX_##t] = store_##t,
    .store = {X(F8E4M3FN) X(F8E4M3FNUZ) X(F8E5M2) X(F8E5M2FNUZ) X(F8E8M0) X(F6E2M3) X(F6E3M2) X(U32)},
#undef X
    .cast = {[SX_EW_F32] = {[SX_EW_F64] = f32_f64, [SX_EW_U64] = f32_u64},
             [SX_EW_F64] = {[SX_EW_F32] = f64_f32, [SX_EW_I32] = f64_i32, [SX_EW_I64] = f64_i64, [SX_EW_U64] = f64_u64,
                            [SX_EW_B8] = f64_b8},
             [SX_EW_I32] = {[SX_EW_F64] = i32_f64, [SX_EW_U64] = i32_u64},
             [SX_EW_I64] = {[SX_EW_F64] = i64_f64, [SX_EW_U64] = wide_copy, [SX_EW_B8] = i64_b8},
             [SX_EW_U64] = {[SX_EW_F32] = u64_f32, [SX_EW_F64] = u64_f64, [SX_EW_I32] = u64_i32, [SX_EW_I64] = wide_copy,
                            [SX_EW_B8] = u64_b8},
             [SX_EW_B8] = {[SX_EW_F64] = b8_f64, [SX_EW_U64] = b8_wide}},
    .odd = {[SX_EW_F64] = f64_odd, [SX_EW_I32] = i32_odd, [SX_EW_I64] = i64_odd, [SX_EW_U64] = u64_odd},
};
