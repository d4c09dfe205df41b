// SPDX-License-Identifier: MIT
/* The conversions that matter for speed: half types and small integers, f32 from and to i32 and booleans, quantisation. */
#include "ep/cpu/kernels/convert/convert_tables.h"
#include "ep/cpu/vec.h"
#include <math.h>

/* f16 and bf16 by vectors; the rest of a row goes through a padded copy. */
#define DEF_HALF(t)                                                        \
  static void load_##t(void *dst, const void *src, int64_t n) {            \
    float *d = dst, last[SX_VL];                                           \
    const char *s = src;                                                   \
    uint16_t part[SX_VL] = {0};                                            \
    int64_t i = 0;                                                         \
    for (; i + SX_VL <= n; i += SX_VL) vf_store(d + i, vf_load_##t((const uint16_t *)(s + 2 * i))); \
    if (i == n) return;                                                    \
    memcpy(part, s + 2 * i, (size_t)(n - i) * 2);                          \
    vf_store(last, vf_load_##t(part));                                     \
    memcpy(d + i, last, (size_t)(n - i) * 4);                              \
  }                                                                        \
  static void store_##t(void *dst, const void *src, int64_t n, uint32_t mode) { \
    const float *s = src;                                                  \
    float part[SX_VL] = {0};                                               \
    uint16_t last[SX_VL];                                                  \
    char *d = dst;                                                         \
    int64_t i = 0;                                                         \
    for (; i + SX_VL <= n; i += SX_VL) vf_store_##t((uint16_t *)(d + 2 * i), vf_load(s + i)); \
    if (i == n) return;                                                    \
    memcpy(part, s + i, (size_t)(n - i) * 4);                              \
    vf_store_##t(last, vf_load(part));                                     \
    memcpy(d + 2 * i, last, (size_t)(n - i) * 2);                          \
  }
DEF_HALF(f16)
DEF_HALF(bf16)

typedef int16_t __attribute__((aligned(1), may_alias)) i16_any;
typedef uint16_t __attribute__((aligned(1), may_alias)) u16_any;
#define DEF_INT(t, T)                                                        \
  static void load_##t(void *restrict dst, const void *restrict src, int64_t n) { \
    int32_t *d = dst;                                                        \
    const T *s = src;                                                        \
    for (int64_t i = 0; i < n; i++) d[i] = s[i];                             \
  }                                                                          \
  static void store_##t(void *restrict dst, const void *restrict src, int64_t n, uint32_t mode) { \
    T *d = dst;                                                              \
    const int32_t *s = src;                                                  \
    for (int64_t i = 0; i < n; i++) d[i] = (T)s[i];                          \
  }
DEF_INT(i8, int8_t)
DEF_INT(u8, uint8_t)
DEF_INT(i16, i16_any)
DEF_INT(u16, u16_any)

#define DEF_CAST(name, D, S, expr)                                                  \
  static void name(void *restrict dst, const void *restrict src, int64_t n) {       \
    D *d = dst;                                                                     \
    const S *s = src;                                                               \
    for (int64_t i = 0; i < n; i++) {                                               \
      S x = s[i];                                                                   \
      d[i] = (D)(expr);                                                             \
    }                                                                               \
  }
DEF_CAST(f32_i32, int32_t, float, x)
DEF_CAST(i32_f32, float, int32_t, x)
DEF_CAST(f32_b8, uint8_t, float, x != 0)
DEF_CAST(b8_f32, float, uint8_t, x ? 1.f : 0.f)
DEF_CAST(i32_b8, uint8_t, int32_t, x != 0)
DEF_CAST(b8_i32, int32_t, uint8_t, x != 0)
DEF_CAST(i32_i64, int64_t, int32_t, x)
DEF_CAST(i64_i32, int32_t, int64_t, x)
DEF_CAST(i64_f32, float, int64_t, x)
DEF_CAST(f32_i64, int64_t, float, x)
DEF_CAST(b8_i64, int64_t, uint8_t, x != 0)

static void quantize(int32_t *q, const float *x, const float *scale, bool cols, float lo, float hi, int64_t n) {
  vf s = vf_set(*scale);
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) {
    if (cols) s = vf_load(scale + i);
    vf v = vf_round(vf_load(x + i) / s);
    vi_store(q + i, __builtin_convertvector(vf_min(vf_max(v, vf_set(lo)), vf_set(hi)), vi)); /* NaN gives lo */
  }
  for (; i < n; i++) {
    float v = rintf(x[i] / (cols ? scale[i] : *scale));
    q[i] = (int32_t)(v > hi ? hi : v > lo ? v : lo);
  }
}
/* To 8 bits whose least value is lo, in f32, which is exact where it matters; NaN gives the least. */
SX_INLINE vi quantized8(vf quotient, vf zero, float lo) {
  return __builtin_convertvector(vf_min(vf_max(vf_round(quotient) + zero, vf_set(lo)), vf_set(lo + 255.f)), vi);
}
static void quantize8_run(uint8_t *y, const float *x, float scale, int32_t zero, int32_t lo, int64_t n) {
  const vf s = vf_set(scale), z = vf_set((float)zero);
  uint8_t last[SX_VL];
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) vi_store_bytes(y + i, quantized8(vf_load(x + i) / s, z, (float)lo));
  if (i == n) return;
  vi_store_bytes(last, quantized8(vf_load_n(x + i, (int)(n - i)) / s, z, (float)lo));
  memcpy(y + i, last, (size_t)(n - i));
}
/* The same without division, for scales that are neither so small nor so large that a product would be: r is 1 / s rounded, so
 * the quotient that it gives is mended by its rest, to what the division rounds to. x is held to what gives the least and the
 * most, NaN to the least; the sum with 1.5 * 2^23 rounds and holds the integer in its low bits. */
typedef struct divisor {
  vf s, r, least, most;
  vi zero;
} divisor;
SX_INLINE vi mended8(vf x, const divisor *d) {
  const vf held = vf_min(vf_max(x, d->least), d->most), q = held * d->r;
  return (vi)(vf_fma(vf_fma(-q, d->s, held), d->r, q) + vf_set(12582912.0f)) + d->zero;
}
static void mend8_run(uint8_t *y, const float *x, float scale, int32_t zero, int32_t lo, int64_t n) {
  const divisor d = {vf_set(scale), vf_set(1.f / scale), vf_set((float)(lo - zero) * scale), vf_set((float)(lo + 255 - zero) * scale),
                     vi_set(zero)};
  uint8_t last[SX_VL];
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) vi_store_bytes(y + i, mended8(vf_load(x + i), &d));
  if (i == n) return;
  vi_store_bytes(last, mended8(vf_load_n(x + i, (int)(n - i)), &d));
  memcpy(y + i, last, (size_t)(n - i));
}
static void quantize8_columns(uint8_t *y, const float *x, const float *scale, const int32_t *zero_point, float lo, int64_t n) {
  uint8_t last[SX_VL];
  vf z = {0};
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) {
    if (zero_point) z = __builtin_convertvector(vi_load(zero_point + i), vf);
    vi_store_bytes(y + i, quantized8(vf_load(x + i) / vf_load(scale + i), z, lo));
  }
  if (i == n) return;
  const int rest = (int)(n - i);
  if (zero_point) z = __builtin_convertvector(vi_load_n(zero_point + i, rest), vf);
  vi_store_bytes(last, quantized8(vf_load_n(x + i, rest) / vf_load_n(scale + i, rest), z, lo));
  memcpy(y + i, last, (size_t)rest);
}
static void quantize8(void *y, const float *x, const float *scale, const int32_t *zero_point, int64_t each, int32_t lo, int64_t n) {
  if (each == 1) {
    quantize8_columns(y, x, scale, zero_point, (float)lo, n);
    return;
  }
  for (int64_t i = 0, k = 0; i < n; i += each, k++) {
    const int64_t m = each && each < n - i ? each : n - i;
    const int32_t zero = zero_point ? zero_point[k] : 0;
    const bool mends = SX_FMA && scale[k] > 0x1p-60f && scale[k] < 0x1p60f;
    (mends ? mend8_run : quantize8_run)((uint8_t *)y + i, x + i, scale[k], zero, lo, m);
    if (!each) break;
  }
}
#define DEF_DEQUANTIZE(t, T, load)                                                                                             \
  SX_INLINE void dequantize_##t##_run(float *y, const T *x, const float *scale, const int32_t *zero_point, bool cols, int64_t n) { \
    vf s = vf_set(*scale);                                                                                                     \
    vi z = zero_point ? vi_set(*zero_point) : (vi){0};                                                                         \
    int64_t i = 0;                                                                                                             \
    for (; i + SX_VL <= n; i += SX_VL) {                                                                                       \
      if (cols) s = vf_load(scale + i);                                                                                        \
      if (cols && zero_point) z = vi_load(zero_point + i);                                                                     \
      vf_store(y + i, __builtin_convertvector((vi)((vu)load(x + i) - (vu)z), vf) * s);                                         \
    }                                                                                                                          \
    for (; i < n; i++) {                                                                                                       \
      const uint32_t zero = zero_point ? (uint32_t)zero_point[cols ? i : 0] : 0;                                               \
      y[i] = (float)(int32_t)((uint32_t)x[i] - zero) * scale[cols ? i : 0];                                                    \
    }                                                                                                                          \
  }                                                                                                                            \
  static void dequantize_##t(float *y, const void *x, const float *scale, const int32_t *zero_point, int64_t each, int64_t n) { \
    if (each == 1) {                                                                                                           \
      dequantize_##t##_run(y, x, scale, zero_point, true, n);                                                                  \
      return;                                                                                                                  \
    }                                                                                                                          \
    for (int64_t i = 0, k = 0; i < n; i += each, k++) {                                                                        \
      const int64_t m = each && each < n - i ? each : n - i;                                                                   \
      dequantize_##t##_run(y + i, (const T *)x + i, scale + k, zero_point ? zero_point + k : NULL, false, m);                  \
      if (!each) break;                                                                                                        \
    }                                                                                                                          \
  }
DEF_DEQUANTIZE(u8, uint8_t, vi_load_u8)
DEF_DEQUANTIZE(i8, int8_t, vi_load_s8)
typedef int32_t __attribute__((aligned(1), may_alias)) i32_any;
#define load_any(p) vi_load((const int32_t *)(const void *)(p))
DEF_DEQUANTIZE(i32, i32_any, load_any)
static void minmax(const float *x, int64_t n, float *lo, float *hi) {
  vf l[2] = {{0}, {0}}, h[2] = {{0}, {0}};
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    vf a = vf_load(x + i), b = vf_load(x + i + SX_VL);
    l[0] = vf_min(a, l[0]), l[1] = vf_min(b, l[1]);
    h[0] = vf_max(a, h[0]), h[1] = vf_max(b, h[1]);
  }
  float least = -vf_hmax(-vf_min(l[0], l[1])), most = vf_hmax(vf_max(h[0], h[1]));
  for (; i < n; i++) least = x[i] < least ? x[i] : least, most = x[i] > most ? x[i] : most;
  *lo = least, *hi = most;
}

const sx_convert_table SX_ISA_NAME(sx_convert) = {
    .load = {[SX_F16] = load_f16, [SX_BF16] = load_bf16, [SX_I8] = load_i8, [SX_U8] = load_u8, [SX_I16] = load_i16,
             [SX_U16] = load_u16},
    .store = {[SX_F16] = store_f16, [SX_BF16] = store_bf16, [SX_I8] = store_i8, [SX_U8] = store_u8, [SX_I16] = store_i16,
              [SX_U16] = store_u16},
    .cast = {[SX_EW_F32] = {[SX_EW_I32] = f32_i32, [SX_EW_B8] = f32_b8, [SX_EW_I64] = f32_i64},
             [SX_EW_I32] = {[SX_EW_F32] = i32_f32, [SX_EW_B8] = i32_b8, [SX_EW_I64] = i32_i64},
             [SX_EW_I64] = {[SX_EW_I32] = i64_i32, [SX_EW_F32] = i64_f32},
             [SX_EW_B8] = {[SX_EW_F32] = b8_f32, [SX_EW_I32] = b8_i32, [SX_EW_I64] = b8_i64}},
    .quantize = quantize,
    .quantize8 = quantize8,
    .dequantize = {dequantize_u8, dequantize_i8, dequantize_i32},
    .minmax = minmax,
};
