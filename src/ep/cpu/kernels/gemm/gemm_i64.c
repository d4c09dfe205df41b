// SPDX-License-Identifier: MIT
/* i64 and u64 GEMM: the types for gemm_int.inc. */
#define SX_ISA base
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/vec.h"

typedef uint64_t T;
typedef uint64_t V __attribute__((vector_size(SX_VBYTES)));
#define TRANSPOSE(in, in_row, out, out_row) sx_transpose_f64((const double *)(in), in_row, (double *)(out), out_row)
#define TABLE SX_ISA_NAME(sx_gemm_i64)
#define SLOWER 4
#include "ep/cpu/kernels/gemm/gemm_int.inc"
