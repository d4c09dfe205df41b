// SPDX-License-Identifier: MIT
/* bf16 GEMM. */
#define HALF_LOAD vf_load_bf16
#define HALF_STORE vf_store_bf16
#define TABLE SX_ISA_NAME(sx_gemm_bf16)
#include "ep/cpu/kernels/gemm/gemm_half.inc"
