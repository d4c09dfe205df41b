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

extern const sx_qlinear_table SX_ISA_NAME(sx_qlinear);
const sx_qlinear_table SX_ISA_NAME(sx_qlinear) = {.add = add, .mul = mul, .lookup = lookup};
