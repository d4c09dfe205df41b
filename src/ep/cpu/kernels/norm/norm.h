// SPDX-License-Identifier: MIT
/* Normalisations: per row (LayerNormalization, RMSNormalization, with residual and bias in front), per channel group
 * (InstanceNormalization, GroupNormalization, optionally SiLU), and the small ones (LRN, LpNormalization).
 *
 * Statistics are two-pass in f32 with four vector accumulators (f64 for f64); f16 and bf16 convert at the row's edge. Plain rows
 * and groups are the units, so bits do not depend on threads. BatchNormalization at inference is a MulAdd of the elementwise
 * machine and not here. */
#ifndef SX_EP_CPU_NORM_H
#define SX_EP_CPU_NORM_H
#include "base/cpu.h"
#include "ir/dtype.h"

/* rows x n. y = norm(x [+ skip] [+ bias]) * gamma [+ beta]. */
typedef struct sx_row_norm_args {
  sx_isa isa;
  sx_dtype type;            /* f32, f64, f16, bf16: all tensors but mean and inv_std */
  bool rms;                 /* no mean is subtracted */
  int64_t rows, n;
  float epsilon;
  const void *gamma, *beta; /* n each, or NULL */
  const void *skip, *bias;  /* skip: rows x n, or NULL; bias: n, or NULL */
  int64_t skip_rows;        /* skip repeats after so many rows; 0: rows */
  void *sum;                /* x + skip + bias is stored here, rows x n, or NULL */
  float *mean, *inv_std;    /* rows each, or NULL; they point to doubles for f64 */
  bool gamma_plus_one;      /* multiply by 1 + gamma */
} sx_row_norm_args;
size_t sx_row_norm_scratch_bytes(const sx_row_norm_args *a); /* per worker */
/* Units are rows. y may be x. */
void sx_row_norm_run(const sx_row_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);

/* x is (N, G, C/G, HW) dense, or (N, HW, C) when channels_last; gamma and beta have C elements. InstanceNorm: groups == C. */
typedef struct sx_group_norm_args {
  sx_isa isa;
  sx_dtype type;
  int64_t N, C, HW, groups;
  float epsilon;
  const void *gamma, *beta; /* C each, or NULL */
  bool silu, channels_last;
} sx_group_norm_args;
size_t sx_group_norm_scratch_bytes(const sx_group_norm_args *a);
/* Units are (n, group) pairs: N * groups. */
void sx_group_norm_run(const sx_group_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);

/* LRN over channels: x is (N, C, HW). A unit is one image by up to 256 of its HW positions; f32, f64, f16, bf16. */
typedef struct sx_lrn_args { sx_isa isa; sx_dtype type; int64_t N, C, HW, size; float alpha, beta, bias; } sx_lrn_args;
int64_t sx_lrn_units(const sx_lrn_args *a);
size_t sx_lrn_scratch_bytes(const sx_lrn_args *a);
void sx_lrn_run(const sx_lrn_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);

/* LpNormalization over the middle axis of (outer, n, inner): p 1 or 2; a zero norm gives 0. Units are outer. */
typedef struct sx_lp_norm_args { sx_isa isa; sx_dtype type; int64_t outer, n, inner; int p; } sx_lp_norm_args;
size_t sx_lp_norm_scratch_bytes(const sx_lp_norm_args *a);
void sx_lp_norm_run(const sx_lp_norm_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);
#endif
