// SPDX-License-Identifier: MIT
/* Which elements of a chunk come before a bound, the question that TopK asks most, and keys. */
#include "ep/cpu/kernels/sort/sort_tables.h"
#include "ep/cpu/vec.h"

/* NaN comes before everything when the largest are wanted, and a NaN bound before nothing; who asks compares keys again. */
#define DEF(t, T)                                                                            \
  static bool before_##t(uint8_t *restrict flags, const void *x_, const void *bound, bool smallest) { \
    const T *restrict x = x_, b = *(const T *)bound;                                         \
    uint64_t any = 0, word;                                                                  \
    if (smallest)                                                                            \
      for (int i = 0; i < SX_SORT_CHUNK; i++) flags[i] = !(x[i] >= b);                       \
    else                                                                                     \
      for (int i = 0; i < SX_SORT_CHUNK; i++) flags[i] = !(x[i] <= b);                       \
    for (int i = 0; i < SX_SORT_CHUNK; i += 8) memcpy(&word, flags + i, 8), any |= word;     \
    return any != 0;                                                                         \
  }
DEF(f32, float)
DEF(f64, double)
DEF(i8, int8_t)
DEF(u8, uint8_t)
DEF(i32, int32_t)
DEF(i64, int64_t)

#define KEYS(t, T, key)                                                      \
  static void keys_##t(uint64_t *restrict keys, const void *x_, int64_t n) { \
    const T *restrict x = x_;                                                \
    for (int64_t i = 0; i < n; i++) keys[i] = (key);                         \
  }
KEYS(f32, uint32_t, sx_sort_key_f32(x[i]))
KEYS(f64, uint64_t, sx_sort_key_f64(x[i]))
KEYS(u8, uint8_t, x[i])
KEYS(i32, uint32_t, x[i] ^ 1u << 31)
KEYS(i64, uint64_t, x[i] ^ 1ull << 63)

const sx_sort_table SX_ISA_NAME(sx_sort) = {
    .keys = {[SX_F32] = keys_f32, [SX_F64] = keys_f64, [SX_U8] = keys_u8, [SX_I32] = keys_i32, [SX_I64] = keys_i64},
    .before = {[SX_F32] = before_f32, [SX_F64] = before_f64, [SX_I8] = before_i8, [SX_U8] = before_u8, [SX_I32] = before_i32, [SX_I64] = before_i64},
};
