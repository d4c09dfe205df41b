// SPDX-License-Identifier: MIT
/* Single floats of 16 bits, float16 (a sign, 5 bits of exponent, 10 of mantissa) and bfloat16 (the upper half of a float),
 * for code that reads or writes constants one by one; kernels have ep/cpu/vec_convert.h. Widening is exact. Narrowing
 * rounds to nearest, ties to even, goes to infinity beyond the range, and keeps NaN one. */
#ifndef SX_BASE_HALF_H
#define SX_BASE_HALF_H
#include <stdint.h>
#include <string.h>

static inline float sx_float_of_bits(uint32_t u) {
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static inline uint32_t sx_bits_of_float(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

static inline float sx_bf16_widen(uint16_t h) { return sx_float_of_bits((uint32_t)h << 16); }
static inline uint16_t sx_bf16_narrow(float v) {
  const uint32_t u = sx_bits_of_float(v);
  return (uint16_t)(v != v ? u >> 16 | 0x40u : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static inline float sx_f16_widen(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, m = h & 0x7fffu;
  if (m >= 0x7c00) return sx_float_of_bits(sign | ((m << 13) + 0x70000000u)); /* infinity, NaN */
  if (m >= 0x400) return sx_float_of_bits(sign | ((m << 13) + 0x38000000u));
  return sx_float_of_bits(sign | sx_bits_of_float((float)m * 0x1p-24f));
}
static inline uint16_t sx_f16_narrow(float v) {
  const uint32_t u = sx_bits_of_float(v), a = u & 0x7fffffffu, sign = u >> 16 & 0x8000u;
  if (a > 0x7f800000u) return (uint16_t)(sign | (a >> 13 & 0x3ffu) | 0x7e00u);
  if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
  if (a < 0x38800000u) /* the last bit of 0.5 is 2^-24 */
    return (uint16_t)(sign | (sx_bits_of_float(sx_float_of_bits(a) + 0.5f) - 0x3f000000u));
  return (uint16_t)(sign | (a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13);
}
#endif
