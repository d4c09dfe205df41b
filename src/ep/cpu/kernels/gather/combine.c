// SPDX-License-Identifier: MIT
/* What a scattered update does to the element it meets. Types of C have loops of their own, the others go through f64. */
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gather/gather.h"

#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))
#define MIN(a, b) ((a) != (a) || (a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) != (a) || (a) > (b) ? (a) : (b))

/* T: storage; W: type of the arithmetic, unsigned for integers so that sums wrap. */
#define LOOP(name, T, W, OP)                                                                         \
  static void name(void *dst, const void *src, int64_t n) {                                          \
    for (int64_t i = 0; i < n; i++) ((T *)dst)[i] = (T)OP((W)((T *)dst)[i], (W)((const T *)src)[i]); \
  }
#define NATIVE(t, T, W) LOOP(add_##t, T, W, ADD) LOOP(mul_##t, T, W, MUL) LOOP(min_##t, T, T, MIN) LOOP(max_##t, T, T, MAX)
NATIVE(f32, float, float)
NATIVE(f64, double, double)
NATIVE(i8, int8_t, uint32_t)
NATIVE(i16, int16_t, uint32_t)
NATIVE(i32, int32_t, uint32_t)
NATIVE(i64, int64_t, uint64_t)
NATIVE(u8, uint8_t, uint32_t)
NATIVE(u16, uint16_t, uint32_t)
NATIVE(u32, uint32_t, uint32_t)
NATIVE(u64, uint64_t, uint64_t)

/* Complex numbers, two T each; the least and the greatest by the real part, then by the imaginary one. */
#define COMPLEX_LOOP(name, T, re, im)                                \
  static void name(void *dst, const void *src, int64_t n) {          \
    T *d = dst;                                                      \
    const T *s = src;                                                \
    for (int64_t i = 0; i < n; i++, d += 2, s += 2) {                \
      const T a = d[0], b = d[1], p = s[0], q = s[1];                \
      d[0] = re, d[1] = im;                                          \
    }                                                                \
  }
#define BELOW (p < a || (p == a && q < b))
#define ABOVE (p > a || (p == a && q > b))
#define COMPLEX(t, T)                                                \
  COMPLEX_LOOP(add_##t, T, a + p, b + q)                             \
  COMPLEX_LOOP(mul_##t, T, a *p - b * q, a * q + b * p)              \
  COMPLEX_LOOP(min_##t, T, BELOW ? p : a, BELOW ? q : b)             \
  COMPLEX_LOOP(max_##t, T, ABOVE ? p : a, ABOVE ? q : b)
COMPLEX(c64, float)
COMPLEX(c128, double)

/* Truth values: a sum is "or", a product "and". */
static void or_bool(void *dst, const void *src, int64_t n) { max_u8(dst, src, n); }
static void and_bool(void *dst, const void *src, int64_t n) { min_u8(dst, src, n); }

static inline void through_f64(sx_dtype half, void *dst, const void *src, int64_t n, sx_combine op) {
  uint16_t *d = dst;
  const uint16_t *s = src;
  for (int64_t i = 0; i < n; i++) {
    double a, b;
    sx_cast_run(SX_ISA_BASE, half, SX_F64, 0, &a, d + i, 0, 1);
    sx_cast_run(SX_ISA_BASE, half, SX_F64, 0, &b, s + i, 0, 1);
    op(&a, &b, 1);
    sx_cast_run(SX_ISA_BASE, SX_F64, half, SX_CAST_SATURATE, d + i, &a, 0, 1);
  }
}
#define THROUGH(name, T, op) \
  static void name##_##op(void *dst, const void *src, int64_t n) { through_f64(T, dst, src, n, op##_f64); }
#define HALF(name, T) THROUGH(name, T, add) THROUGH(name, T, mul) THROUGH(name, T, min) THROUGH(name, T, max)
HALF(f16, SX_F16)
HALF(bf16, SX_BF16)

#define ROW(t) \
  { add_##t, mul_##t, min_##t, max_##t }
static const sx_combine table[SX_DTYPE_COUNT][4] = {[SX_F32] = ROW(f32),
                                                    [SX_F64] = ROW(f64),
                                                    [SX_I8] = ROW(i8),
                                                    [SX_I16] = ROW(i16),
                                                    [SX_I32] = ROW(i32),
                                                    [SX_I64] = ROW(i64),
                                                    [SX_U8] = ROW(u8),
                                                    [SX_U16] = ROW(u16),
                                                    [SX_U32] = ROW(u32),
                                                    [SX_U64] = ROW(u64),
                                                    [SX_C64] = ROW(c64),
                                                    [SX_C128] = ROW(c128),
                                                    [SX_BOOL] = {or_bool, and_bool, and_bool, or_bool},
                                                    [SX_F16] = {f16_add, f16_mul, f16_min, f16_max},
                                                    [SX_BF16] = {bf16_add, bf16_mul, bf16_min, bf16_max}};
sx_combine sx_combine_of(sx_dtype t, sx_combine_op op) { return op == SX_COMBINE_NONE ? NULL : table[t][op - 1]; }
