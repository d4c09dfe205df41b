// SPDX-License-Identifier: MIT
/* Extremes and where they stand, of elements as they lie in memory. Integers are plain loops; a row of floats is reduced by
 * vectors, since the order that NaN asks for keeps the compiler from it. */
#include "ep/cpu/kernels/reduce/reduce_tables.h"
#include "ep/cpu/vec.h"

#define NEVER(x) 0
#define IS_NAN(x) ((x) != (x))
enum { FIND = 64 };

/* Column `acc` keeps what it has against equals; NAN_(x): x is NaN. */
#define DEF_COLUMNS(t, T, name, OP, NAN_)                                                                           \
  static void col_##name##_##t(void *acc_, const void *x_, int64_t n) {                                             \
    T *restrict acc = acc_;                                                                                         \
    const T *restrict x = x_;                                                                                       \
    for (int64_t i = 0; i < n; i++) acc[i] = ((x[i] OP acc[i]) | NAN_(x[i])) ? x[i] : acc[i];                       \
  }                                                                                                                 \
  static void arg_##name##_##t(void *acc_, int32_t *restrict index, const void *x_, int64_t n, int32_t at, bool last) { \
    T *restrict acc = acc_;                                                                                         \
    const T *restrict x = x_;                                                                                       \
    if (last) {                                                                                                     \
      for (int64_t i = 0; i < n; i++) {                                                                             \
        const bool better = (x[i] OP##= acc[i]) | NAN_(x[i]);                                                       \
        acc[i] = better ? x[i] : acc[i], index[i] = better ? at : index[i];                                         \
      }                                                                                                             \
      return;                                                                                                       \
    }                                                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                                               \
      const bool better = (x[i] OP acc[i]) | (NAN_(x[i]) & !NAN_(acc[i]));                                          \
      acc[i] = better ? x[i] : acc[i], index[i] = better ? at : index[i];                                           \
    }                                                                                                               \
  }
#define DEF_FIND(t, T, NAN_)                                                                                        \
  static int64_t find_##t(const void *x_, int64_t n, const void *value, bool last) {                                \
    const T *x = x_, v = *(const T *)value;                                                                         \
    const bool nan = NAN_(v);                                                                                       \
    int64_t from = 0;                                                                                               \
    if (last) {                                                                                                     \
      while (n-- > 1 && !(x[n] == v || (nan && NAN_(x[n])))) {}                                                     \
      return n;                                                                                                     \
    }                                                                                                               \
    for (; from + FIND <= n; from += FIND) {                                                                        \
      int any = 0;                                                                                                  \
      for (int k = 0; k < FIND; k++) any |= (x[from + k] == v) | NAN_(x[from + k]);                                 \
      if (any) break;                                                                                               \
    }                                                                                                               \
    while (from + 1 < n && !(x[from] == v || (nan && NAN_(x[from])))) from++;                                       \
    return from;                                                                                                    \
  }
#define DEF_INT_ROW(t, T, name, OP)                                   \
  SX_INLINE T row_##name##_##t(const T *x, int64_t n) {               \
    T r = x[0];                                                       \
    for (int64_t i = 0; i < n; i++) r = x[i] OP r ? x[i] : r;         \
    return r;                                                         \
  }
/* With a > b ? a : b, as the instructions do: b when either is NaN. So a NaN of x stays where b == b is asked first. The last
 * vector overlaps the one before. */
#define DEF_FLOAT_ROW(t, T, V, L, name, OP, load, pick, nan_of)                             \
  SX_INLINE T row_##name##_##t(const T *x, int64_t n) {                                     \
    if (n < L) {                                                                            \
      T r = x[0];                                                                           \
      for (int64_t i = 0; i < n; i++) r = r OP x[i] || r != r ? r : x[i];                   \
      return r;                                                                             \
    }                                                                                       \
    V m[4] = {load(x)};                                                                     \
    int64_t i = L;                                                                          \
    if (n >= 4 * L) {                                                                       \
      SX_UNROLL(4) for (int k = 1; k < 4; k++) m[k] = load(x + k * L);                      \
      for (i = 4 * L; i + 4 * L <= n; i += 4 * L)                                           \
        SX_UNROLL(4) for (int k = 0; k < 4; k++) m[k] = pick(m[k], load(x + i + k * L));    \
      m[0] = pick(pick(m[0], m[1]), pick(m[2], m[3]));                                      \
    }                                                                                       \
    for (; i + L <= n; i += L) m[0] = pick(m[0], load(x + i));                              \
    if (i < n) m[0] = pick(m[0], load(x + n - L));                                          \
    if (nan_of(m[0])) return (T)NAN_VALUE;                                                  \
    T lane[L];                                                                              \
    memcpy(lane, &m[0], sizeof lane);                                                       \
    SX_UNROLL(8) for (int w = L / 2; w; w /= 2)                                             \
      for (int k = 0; k < w; k++) lane[k] = lane[k] OP lane[k + w] ? lane[k] : lane[k + w]; \
    return lane[0];                                                                         \
  }
#define DEF_ROWS(t, T, name)                                                                    \
  static void rows_##name##_##t(void *best, const void *x, int64_t rows, int64_t n) {           \
    for (int64_t r = 0; r < rows; r++) ((T *)best)[r] = row_##name##_##t((const T *)x + r * n, n); \
  }
#define NAN_VALUE __builtin_nan("")
SX_INLINE vf max_f32(vf a, vf b) { return vf_pick_eq(a, a, vf_max(a, b), a); }
SX_INLINE vf min_f32(vf a, vf b) { return vf_pick_eq(a, a, vf_min(a, b), a); }
SX_INLINE vd keep_nan(vd a, vd r) {
  const vl m = a == a;
  return (vd)(((vl)r & m) | ((vl)a & ~m));
}
SX_INLINE vd max_f64(vd a, vd b) { return keep_nan(a, vd_max(a, b)); }
SX_INLINE vd min_f64(vd a, vd b) { return keep_nan(a, vd_min(a, b)); }
SX_INLINE bool nan_f32(vf a) { return vi_any(a != a); }
SX_INLINE bool nan_f64(vd a) { return vi_any((vi)(a != a)); }
DEF_FLOAT_ROW(F32, float, vf, SX_VL, max, >, vf_load, max_f32, nan_f32)
DEF_FLOAT_ROW(F32, float, vf, SX_VL, min, <, vf_load, min_f32, nan_f32)
DEF_FLOAT_ROW(F64, double, vd, (SX_VL / 2), max, >, vd_load, max_f64, nan_f64)
DEF_FLOAT_ROW(F64, double, vd, (SX_VL / 2), min, <, vd_load, min_f64, nan_f64)

#define INTS(X) X(I8, int8_t) X(U8, uint8_t) X(I32, int32_t) X(I64, int64_t)
#define DEF(t, T) DEF_INT_ROW(t, T, max, >) DEF_INT_ROW(t, T, min, <) DEF_ROWS(t, T, max) DEF_ROWS(t, T, min) DEF_COLUMNS(t, T, max, >, NEVER) DEF_COLUMNS(t, T, min, <, NEVER) DEF_FIND(t, T, NEVER)
INTS(DEF)
#undef DEF
#define DEF(t, T) DEF_ROWS(t, T, max) DEF_ROWS(t, T, min) DEF_COLUMNS(t, T, max, >, IS_NAN) DEF_COLUMNS(t, T, min, <, IS_NAN) DEF_FIND(t, T, IS_NAN)
DEF(F32, float)
DEF(F64, double)
#undef DEF

const sx_reduce_natives SX_ISA_NAME(sx_reduce_native) = {{
#define ROW(t, T) \
  [SX_REDUCE_##t] = {{rows_max_##t, rows_min_##t}, {col_max_##t, col_min_##t}, find_##t, {arg_max_##t, arg_min_##t}},
    INTS(ROW) ROW(F32, ) ROW(F64, )
#undef ROW
}};
