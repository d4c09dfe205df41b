// SPDX-License-Identifier: MIT
/* i32 and u32 GEMM: the types for gemm_int.inc. */
#define SX_ISA base
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef uint32_t T;
typedef vu V;
#define TRANSPOSE(in, in_row, out, out_row) sx_transpose_f32((const float *)(in), in_row, (float *)(out), out_row)
#define TABLE SX_ISA_NAME(sx_gemm_i32)
#define SLOWER 2
#include "ep/cpu/kernels/gemm/gemm_int.inc"
