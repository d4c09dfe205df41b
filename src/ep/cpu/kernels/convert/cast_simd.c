// SPDX-License-Identifier: MIT
/* Casts from one storage type to another in one loop, for the pairs that matter; all others go by way of classes. The numbers
 * are the same either way. */
#include "ep/cpu/kernels/convert/convert_tables.h"
#include "ep/cpu/vec.h"
#define EW_LANES SX_VL
#include "ep/cpu/kernels/elementwise/ew_loops.h"

/* X(kind, C type): kinds as in sx_cast_kind */
#define KINDS(X, ...)                                                                                             \
  X(F32, float, __VA_ARGS__) X(F64, double, __VA_ARGS__) X(I8, int8_t, __VA_ARGS__) X(U8, uint8_t, __VA_ARGS__)   \
  X(I32, int32_t, __VA_ARGS__) X(I64, int64_t, __VA_ARGS__) X(B8, uint8_t, __VA_ARGS__)
/* What a number is before it is cut off to 8 bits. */
#define CUT_F32 (int32_t)
#define CUT_F64 (int32_t)
#define CUT_I8
#define CUT_U8
#define CUT_I32
#define CUT_I64
#define CUT_B8
#define VALUE(from) (#from[0] == 'B' ? x != 0 : x)
#define TO_F32(from) VALUE(from)
#define TO_F64(from) VALUE(from)
#define TO_I32(from) VALUE(from)
#define TO_I64(from) VALUE(from)
#define TO_I8(from)  CUT_##from VALUE(from)
#define TO_U8(from)  CUT_##from VALUE(from)
#define TO_B8(from)  x != 0
#define DEF(to, D, from, S) DEF1(D, S, from##_##to, TO_##to(from))
KINDS(DEF, F32, float)
KINDS(DEF, F64, double)
KINDS(DEF, I8, int8_t)
KINDS(DEF, U8, uint8_t)
KINDS(DEF, I32, int32_t)
KINDS(DEF, I64, int64_t)
KINDS(DEF, B8, uint8_t)
#undef DEF

/* Of what was cut off `low`, the last bit that stays tells whether there was any; for the exponents that integers have. */
#define CUT(x, low) (((x) & ~(low)) | ((((x) & (low)) + (low)) & ((low) + 1)))
SX_INLINE float odd_of(double x) {
  uint64_t u;
  memcpy(&u, &x, 8);
  u = CUT(u, 0x1fffffffull);
  memcpy(&x, &u, 8);
  return (float)x;
}
/* As f64, which has 53 bits: beyond them ten are cut off. */
SX_INLINE double f64_of(int64_t x) {
  const uint64_t u = (uint64_t)x, low = u + (1ull << 53) > 1ull << 54 ? 1023 : 0;
  return (double)(int64_t)CUT(u, low);
}
DEF1(float, int32_t, I32_ODD, odd_of(x))
DEF1(float, int64_t, I64_ODD, odd_of(f64_of(x)))

#define HALF(from, to, S, D, load, store)                                     \
  static void from##_##to(ARGS) {                                             \
    D *d = d_;                                                                \
    const S *a = a_;                                                          \
    (void)b_, (void)c_, (void)q_;                                             \
    for (int64_t i = 0; i < n; i += SX_VL) store(d + i, load(a + i));         \
  }
HALF(F16, F32, uint16_t, float, vf_load_f16, vf_store)
HALF(BF16, F32, uint16_t, float, vf_load_bf16, vf_store)
HALF(F32, F16, float, uint16_t, vf_load, vf_store_f16)
HALF(F32, BF16, float, uint16_t, vf_load, vf_store_bf16)

const sx_cast_table SX_ISA_NAME(sx_cast) = {{
#define X(to, D, from) [SX_CAST_##to] = from##_##to,
    [SX_CAST_F32] = {KINDS(X, F32)[SX_CAST_F16] = F32_F16, [SX_CAST_BF16] = F32_BF16},
    [SX_CAST_F64] = {KINDS(X, F64)},
    [SX_CAST_I8] = {KINDS(X, I8)},
    [SX_CAST_U8] = {KINDS(X, U8)},
    [SX_CAST_I32] = {KINDS(X, I32)[SX_CAST_ODD] = I32_ODD},
    [SX_CAST_I64] = {KINDS(X, I64)[SX_CAST_ODD] = I64_ODD},
    [SX_CAST_B8] = {KINDS(X, B8)},
    [SX_CAST_F16] = {[SX_CAST_F32] = F16_F32},
    [SX_CAST_BF16] = {[SX_CAST_F32] = BF16_F32},
}};
