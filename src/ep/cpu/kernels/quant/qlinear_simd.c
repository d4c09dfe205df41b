// SPDX-License-Identifier: MIT
/* Quantised sums, products and tables, a vector of lanes at a time. */
#include "ep/cpu/kernels/quant/qlinear.h"
#include "ep/cpu/vec.h"

typedef uint8_t u8s __attribute__((vector_size(SX_VL)));
typedef int8_t s8s __attribute__((vector_size(SX_VL)));

/* Up to SX_VL bytes, less the zero point, as floats. */
SX_INLINE vf load(const uint8_t *p, int n, bool is_signed, vi zero) {
  u8s b = {0};
  if (n == SX_VL) memcpy(&b, p, SX_VL);
  else memcpy(&b, p, (size_t)n);
  const vi v = is_signed ? __builtin_convertvector((s8s)b, vi) : __builtin_convertvector(b, vi);
  return __builtin_convertvector(v - zero, vf);
}
/* Rounded half to even within lo and hi: the sum with 1.5 * 2^23 holds the integer in its low bits. */
SX_INLINE void store(uint8_t *y, vf x, int n, vf lo, vf hi, vi zero) {
  const vi q = (vi)(vf_min(hi, vf_max(lo, x)) + vf_set(12582912.0f)) - vi_set(0x4b400000) + zero;
  if (n == SX_VL) {
    vi_store_bytes(y, q);
    return;
  }
  uint8_t last[SX_VL];
  vi_store_bytes(last, q);
  memcpy(y, last, (size_t)n);
}

SX_INLINE void binary(const bool product, const bool is_signed, const sx_qbinary *q, const uint8_t *a, int a_step, const uint8_t *b, int b_step, uint8_t *y, int64_t n) {
  const vi za = vi_set(q->a_zero), zb = vi_set(q->b_zero), zy = vi_set(q->y_zero);
  const vf sa = vf_set(q->a_scale), sb = vf_set(q->b_scale), lo = vf_set(q->lo), hi = vf_set(q->hi);
  const vf one_a = vf_set((float)((is_signed ? (int8_t)*a : *a) - q->a_zero)), one_b = vf_set((float)((is_signed ? (int8_t)*b : *b) - q->b_zero));
  for (int64_t i = 0; i < n; i += SX_VL) {
    const int m = n - i < SX_VL ? (int)(n - i) : SX_VL;
    const vf x = a_step ? load(a + i, m, is_signed, za) : one_a, z = b_step ? load(b + i, m, is_signed, zb) : one_b;
    store(y + i, product ? x * z * sa : x * sa + z * sb, m, lo, hi, zy);
  }
}
#define BINARY(name, product)                                                                                                        \
  static void name(const sx_qbinary *q, const uint8_t *a, int a_step, const uint8_t *b, int b_step, uint8_t *y, int64_t n) { \
    if (n <= 0) return;                                                                                                              \
    if (q->is_signed) binary(product, true, q, a, a_step, b, b_step, y, n);                                                          \
    else binary(product, false, q, a, a_step, b, b_step, y, n);                                                                      \
  }
BINARY(add, false)
BINARY(mul, true)

static void lookup(const uint8_t *table, const uint8_t *x, uint8_t *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = table[x[i]];
}

/* log2(VL) rounds of interleaving rows i and i + VL / 2 transpose a square of bytes. */
SX_INLINE void transpose(u8s r[SX_VL]) {
  SX_UNROLL(4) for (int round = SX_VL; round > 1; round /= 2) {
    u8s t[SX_VL];
    SX_UNROLL(16) for (int i = 0; i < SX_VL / 2; i++) {
      t[2 * i] = SX_SHUFFLE(u8s, r[i], r[i + SX_VL / 2], SX_ZIP_LO);
      t[2 * i + 1] = SX_SHUFFLE(u8s, r[i], r[i + SX_VL / 2], SX_ZIP_HI);
    }
    SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) r[i] = t[i];
  }
}
static void to_blocked(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    const int rows = channels - c < SX_VL ? (int)(channels - c) : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      const int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      u8s r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        r[i] = (u8s){0};
        if (i < rows && n == SX_VL) memcpy(&r[i], x + i * pixels + p, SX_VL);
        else if (i < rows) memcpy(&r[i], x + i * pixels + p, (size_t)n);
      }
      transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        if (i < n) memcpy(y + (p + i) * SX_VL, &r[i], SX_VL);
    }
  }
}
static void to_plain(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    const int rows = channels - c < SX_VL ? (int)(channels - c) : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      const int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      u8s r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        r[i] = (u8s){0};
        if (i < n) memcpy(&r[i], x + (p + i) * SX_VL, SX_VL);
      }
      transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        if (i < rows && n == SX_VL) memcpy(y + i * pixels + p, &r[i], SX_VL);
        else if (i < rows) memcpy(y + i * pixels + p, &r[i], (size_t)n);
      }
    }
  }
}

extern const sx_qlinear_table SX_ISA_NAME(sx_qlinear);
const sx_qlinear_table SX_ISA_NAME(sx_qlinear) = {.add = add, .mul = mul, .lookup = lookup, .lanes = SX_VL, .to_blocked = to_blocked, .to_plain = to_plain};
