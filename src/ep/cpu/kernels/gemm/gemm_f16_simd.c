// SPDX-License-Identifier: MIT
/* f16 GEMM: the types for gemm_simd.inc. Sums are f32. */
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef float T;
typedef uint16_t S;
typedef vf V;
#define NARROW 1
#define V_LOAD vf_load
#define V_STORE vf_store
#define V_LOAD_N vf_load_n
#define V_STORE_N vf_store_n
#define V_SET vf_set
#define V_MAX vf_max
#define V_MIN vf_min
#define V_SUM vf_sum
#define S_LOAD vf_load_f16
#define HEIGHTS FEW_ROWS
#define TABLE SX_ISA_NAME(sx_gemm_f16)

static inline vf S_LOAD_N(const S *p, int n) {
  S part[SX_VL] = {0};
  memcpy(part, p, (size_t)n * sizeof *p);
  return S_LOAD(part);
}
static inline void S_STORE_N(S *p, vf v, int n) {
  S part[SX_VL];
  vf_store_f16(part, v);
  memcpy(p, part, (size_t)n * sizeof *p);
}
static inline float S_ONE(S x) { return S_LOAD_N(&x, 1)[0]; }
#include "ep/cpu/kernels/gemm/gemm_simd.inc"
