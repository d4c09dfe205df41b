// SPDX-License-Identifier: MIT
/* f16 GEMM. */
#define HALF_LOAD vf_load_f16
#define HALF_STORE vf_store_f16
#define TABLE SX_ISA_NAME(sx_gemm_f16)
#include "ep/cpu/kernels/gemm/gemm_half.inc"
