// SPDX-License-Identifier: MIT
/* Exact 8-bit integer matrix multiplication: S[M,N] = sum over k of (A[M,K] - a_zero) (B[K,N] - b_zero), any mix of signs,
 * and what is made of S: itself as s32, requantised to 8 bits, or dequantised to f32.
 *
 * B is packed (once for weights, per run for activations) with its zero points and column sums; A is read where it lies or
 * converted in scratch. Sums wrap as 32-bit integers do and are the same on every table. Units as in gemm.h. */
#ifndef SX_IGEMM_H
#define SX_IGEMM_H
#include "ep/cpu/kernels/epilogue.h"
#include "ep/cpu/kernels/gemm/gemm.h"

/* What is stored, s being S + the s32 bias:
 *   S32  s
 *   U8, S8  saturate(round_half_even(f32(s) * scale) + out_zero)
 *   F32  f32(S) * scale, then the f32 epilogue */
typedef enum sx_igemm_out { SX_IGEMM_S32, SX_IGEMM_U8, SX_IGEMM_S8, SX_IGEMM_F32 } sx_igemm_out;

typedef struct sx_igemm_b {
  const void *b;
  int64_t K, N, b_k, b_n;   /* B(k,n) = b[k * b_k + n * b_n] */
  bool a_signed, b_signed;  /* of both operands: the packing absorbs the signs */
  const void *zero;         /* of B's type, zero[n * zero_col]; NULL: 0 */
  int64_t zero_col;
} sx_igemm_b;

/* Description, filled by the caller, then completed by sx_igemm_plan; read-only afterwards. */
typedef struct sx_igemm {
  int64_t M, N, K;
  int64_t a_row;            /* A(m,k) = a[m * a_row + k] */
  bool a_signed;
  int64_t a_zero_row;       /* a_zero[m * a_zero_row]: 0 for one zero point */
  sx_igemm_out out;
  int64_t c_row;
  int64_t scale_row, scale_col; /* scale[m * scale_row + n * scale_col], scale_col 0 or 1 */
  sx_epilogue epi;          /* F32: all of it; else the bias alone, of s32 */
  int batch_rank;
  int64_t batch[SX_GEMM_BATCH];
  int64_t a_batch[SX_GEMM_BATCH], c_batch[SX_GEMM_BATCH], res_batch[SX_GEMM_BATCH];
  int64_t b_batch[SX_GEMM_BATCH]; /* bytes between packed matrices */

  /* Completed by sx_igemm_plan. */
  int64_t units;
  size_t scratch;           /* bytes per worker, aligned to 64 */
  double unit_ns;
  int64_t row_blocks, col_blocks, panels, block_panels, a_copy_row; /* bytes of a copied row; 0: A is read in place */
} sx_igemm;

typedef struct sx_igemm_io {
  const void *a, *a_zero;   /* a_zero NULL: 0 */
  const void *b;            /* packed */
  const void *bias;         /* s32, of F32: f32 */
  const float *res, *scale;
  float a_scale;            /* multiplies every scale: the one that is known only when A is */
  int32_t out_zero;
  void *c;
} sx_igemm_io;

typedef struct sx_igemm_table {
  int lanes, mr, nr, step;  /* s32 per vector, largest tile, K steps in one instruction */
  int a_bytes;              /* 1: A may be read in place; 2: A is widened in scratch */
  double mac_per_ns;
  /* Packs panels [begin, end) into `packed`, the base of sx_igemm_packed_bytes bytes aligned to 64. */
  void (*pack_b)(const sx_igemm_b *b, int64_t begin, int64_t end, void *packed);
  void (*run)(const sx_igemm *g, const sx_igemm_io *io, int64_t begin, int64_t end, void *scratch);
} sx_igemm_table;

/* The best table this process may use; chosen once. */
const sx_igemm_table *sx_igemm_best(void);

int64_t sx_igemm_panels(const sx_igemm_table *t, int64_t N);
/* False when the size does not fit. */
bool sx_igemm_packed_bytes(const sx_igemm_table *t, int64_t K, int64_t N, size_t *bytes);
void sx_igemm_plan(const sx_igemm_table *t, sx_igemm *g);

/* The obviously right version; B unpacked, one matrix. The tile function is not called. */
void sx_igemm_ref(const sx_igemm *g, const sx_igemm_io *io, const sx_igemm_b *b);

extern const sx_igemm_table sx_igemm__base, sx_igemm__avx2, sx_igemm__avx512vnni,
    sx_igemm__avxvnni, sx_igemm__dotprod;
#endif
