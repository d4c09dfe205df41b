// SPDX-License-Identifier: MIT
/* i64 and u64 GEMM, wrapping: the types for gemm_simd.inc. Rare, so compiled once, for any CPU. */
#define SX_ISA base
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef uint64_t T;
typedef uint64_t vul __attribute__((vector_size(SX_VBYTES)));
typedef vul V;
static inline V V_LOAD_N(const T *p, int n) {
  V v = {0};
  memcpy(&v, p, (size_t)n * sizeof *p);
  return v;
}
static inline void V_STORE_N(T *p, V v, int n) { memcpy(p, &v, (size_t)n * sizeof *p); }
static inline T V_SUM(V v) {
  T sum = 0;
  for (int i = 0; i < SX_VL / 2; i++) sum += v[i];
  return sum;
}
#define V_LOAD(p) V_LOAD_N(p, SX_VL / 2)
#define V_STORE(p, v) V_STORE_N(p, v, SX_VL / 2)
#define T_OF(x) ((T)(int64_t)(x))
#define V_SET(x) ((x) - (V){0})
#define V_MAX(a, b) ((void)(a), (b))
#define V_MIN(a, b) ((void)(a), (b))
#define TRANSPOSE(in, in_row, out, out_row) \
  sx_transpose_f64((const double *)(in), in_row, (double *)(out), out_row)
#define HEIGHTS FEW_ROWS
#define TABLE SX_ISA_NAME(sx_gemm_i64)
#define SLOWER 4
#include "ep/cpu/kernels/gemm/gemm_simd.inc"
