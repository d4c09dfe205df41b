// SPDX-License-Identifier: MIT
/* Reductions of f32 rows and columns. Four accumulators per row hide the latency of the addition. */
#include "ep/cpu/kernels/reduce/reduce_tables.h"
#include "ep/cpu/vmath.h"

#define ID(x) (x)
#define ABS(x) vf_abs(x)
#define SQUARE(x) ((x) * (x))
/* NaN of either stays. */
SX_INLINE vf max_nan(vf a, vf b) { return vf_pick_eq(a, a, vf_max(a, b), a); }
SX_INLINE vf min_nan(vf a, vf b) { return vf_pick_eq(a, a, vf_min(a, b), a); }

#define DEF_SUM(name, map)                                                                     \
  static double row_##name(const float *x, int64_t n) {                                        \
    vf s[4] = {{0}, {0}, {0}, {0}};                                                            \
    int64_t i = 0;                                                                             \
    for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)                                                 \
      SX_UNROLL(4) for (int k = 0; k < 4; k++) {                                               \
        vf v = vf_load(x + i + k * SX_VL);                                                     \
        s[k] += map(v);                                                                        \
      }                                                                                        \
    for (; i + SX_VL <= n; i += SX_VL) {                                                       \
      vf v = vf_load(x + i);                                                                   \
      s[0] += map(v);                                                                          \
    }                                                                                          \
    if (i < n) {                                                                               \
      vf v = vf_load_n(x + i, (int)(n - i));                                                   \
      s[1] += map(v);                                                                          \
    }                                                                                          \
    return vf_sum((s[0] + s[1]) + (s[2] + s[3]));                                              \
  }                                                                                            \
  static void col_##name(float *acc, const float *x, int64_t n) {                              \
    int64_t i = 0;                                                                             \
    for (; i + SX_VL <= n; i += SX_VL) {                                                       \
      vf v = vf_load(x + i);                                                                   \
      vf_store(acc + i, vf_load(acc + i) + map(v));                                            \
    }                                                                                          \
    if (i < n) {                                                                               \
      vf v = vf_load_n(x + i, (int)(n - i));                                                   \
      vf_store(acc + i, vf_load(acc + i) + map(v)); /* acc is padded */                        \
    }                                                                                          \
  }
DEF_SUM(sum, ID)
DEF_SUM(abs, ABS)
DEF_SUM(square, SQUARE)

#define DEF_EXTREME(name, pick, OP)                                                    \
  static float row_##name(const float *x, int64_t n) {                                 \
    int64_t i = 0;                                                                     \
    float r = x[0];                                                                    \
    if (n >= 4 * SX_VL) {                                                              \
      vf m[4];                                                                         \
      SX_UNROLL(4) for (int k = 0; k < 4; k++) m[k] = vf_load(x + k * SX_VL);          \
      for (i = 4 * SX_VL; i + 4 * SX_VL <= n; i += 4 * SX_VL)                          \
        SX_UNROLL(4) for (int k = 0; k < 4; k++) m[k] = pick(m[k], vf_load(x + i + k * SX_VL)); \
      vf t = pick(pick(m[0], m[1]), pick(m[2], m[3]));                                 \
      float lane[SX_VL];                                                               \
      vf_store(lane, t);                                                               \
      r = lane[0];                                                                     \
      for (int k = 1; k < SX_VL; k++) r = r OP lane[k] || r != r ? r : lane[k];        \
    }                                                                                  \
    for (; i < n; i++) r = r OP x[i] || r != r ? r : x[i];                             \
    return r;                                                                          \
  }                                                                                    \
  static void col_##name(float *acc, const float *x, int64_t n) {                      \
    int64_t i = 0;                                                                     \
    for (; i + SX_VL <= n; i += SX_VL) vf_store(acc + i, pick(vf_load(acc + i), vf_load(x + i)));             \
    if (i < n) vf_store(acc + i, pick(vf_load(acc + i), vf_load_n(x + i, (int)(n - i))));                     \
  }
DEF_EXTREME(max, max_nan, >)
DEF_EXTREME(min, min_nan, <)

static double row_exp_sum(const float *x, float max, int64_t n) {
  vf s[2] = {{0}, {0}}, m = vf_set(max);
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    s[0] += vm_exp_neg(vf_load(x + i) - m);
    s[1] += vm_exp_neg(vf_load(x + i + SX_VL) - m);
  }
  double r = 0;
  for (; i < n; i++) r += exp((double)x[i] - max);
  return r + vf_sum(s[0] + s[1]);
}
static void col_exp_sum(float *acc, const float *x, const float *max, int64_t n) {
  for (int64_t i = 0; i < n; i += SX_VL) { /* max is padded as well */
    vf v = n - i >= SX_VL ? vf_load(x + i) : vf_load_n(x + i, (int)(n - i));
    vf_store(acc + i, vf_load(acc + i) + vm_exp_neg(v - vf_load(max + i)));
  }
}

const sx_reduce_table SX_ISA_NAME(sx_reduce) = {
    .row_sum = {row_sum, row_abs, row_square},
    .col_sum = {col_sum, col_abs, col_square},
    .row_max = row_max, .row_min = row_min, .col_max = col_max, .col_min = col_min,
    .row_exp_sum = row_exp_sum, .col_exp_sum = col_exp_sum,
};
