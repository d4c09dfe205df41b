// SPDX-License-Identifier: MIT
/* f32 GEMM: the types for gemm_simd.inc. */
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef float T;
typedef vf V;
#define V_LOAD vf_load
#define V_STORE vf_store
#define V_LOAD_N vf_load_n
#define V_STORE_N vf_store_n
#define V_SET vf_set
#define V_MAX vf_max
#define V_MIN vf_min
#define V_SUM vf_sum
#define V_SUM4 vf_sum4
#define TRANSPOSE sx_transpose_f32 /* 16 bytes square */
#define TABLE SX_ISA_NAME(sx_gemm_f32)
#include "ep/cpu/kernels/gemm/gemm_simd.inc"
