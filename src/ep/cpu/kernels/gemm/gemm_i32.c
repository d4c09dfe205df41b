// SPDX-License-Identifier: MIT
/* i32 and u32 GEMM, wrapping: the types for gemm_simd.inc. Rare, so compiled once, for any CPU. */
#define SX_ISA base
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef uint32_t T;
typedef vu V;
static inline V V_LOAD_N(const T *p, int n) {
  V v = {0};
  memcpy(&v, p, (size_t)n * sizeof *p);
  return v;
}
static inline void V_STORE_N(T *p, V v, int n) { memcpy(p, &v, (size_t)n * sizeof *p); }
static inline T V_SUM(V v) {
  T sum = 0;
  for (int i = 0; i < SX_VL; i++) sum += v[i];
  return sum;
}
#define V_LOAD(p) V_LOAD_N(p, SX_VL)
#define V_STORE(p, v) V_STORE_N(p, v, SX_VL)
#define T_OF(x) ((T)(int64_t)(x))
#define V_SET(x) ((x) - (V){0})
#define V_MAX(a, b) ((void)(a), (b))
#define V_MIN(a, b) ((void)(a), (b))
#define TRANSPOSE(in, in_row, out, out_row) \
  sx_transpose_f32((const float *)(in), in_row, (float *)(out), out_row)
#define HEIGHTS FEW_ROWS
#define TABLE SX_ISA_NAME(sx_gemm_i32)
#define SLOWER 2
#include "ep/cpu/kernels/gemm/gemm_simd.inc"
