// SPDX-License-Identifier: MIT
/* f64 GEMM: the types for gemm_simd.inc. */
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef double T;
typedef vd V;
#define V_LOAD vd_load
#define V_STORE vd_store
#define V_LOAD_N vd_load_n
#define V_STORE_N vd_store_n
#define V_SET vd_set
#define V_MAX vd_max
#define V_MIN vd_min
#define V_SUM vd_sum
#define TRANSPOSE sx_transpose_f64 /* 16 bytes square */
#define HEIGHTS FEW_ROWS
#define TABLE SX_ISA_NAME(sx_gemm_f64)
#include "ep/cpu/kernels/gemm/gemm_simd.inc"
