// SPDX-License-Identifier: MIT
/* Reductions over any axes.
 *
 * The caller gives the tensor as alternating groups; sx_reduce_plan() merges dimensions and picks the loop: reduced innermost
 * (rows), or kept innermost (columns of vectors are accumulated). Compute classes are f32, f64, i32, i64 and u64; other storage
 * types convert at the edge. Sums are in f32 with fixed blocking (128 elements per lane group, pairwise above), so the error
 * grows with log n and bits do not depend on units. A tensor that gives few results and many elements is reduced in two
 * phases, split by shape. */
#ifndef SX_EP_CPU_REDUCE_H
#define SX_EP_CPU_REDUCE_H
#include "base/cpu.h"
#include "base/status.h"
#include "ir/dtype.h"

typedef enum sx_reduce_op {
  SX_REDUCE_SUM, SX_REDUCE_MEAN, SX_REDUCE_MAX, SX_REDUCE_MIN, SX_REDUCE_PROD, SX_REDUCE_L1, SX_REDUCE_L2,
  SX_REDUCE_LOGSUM, SX_REDUCE_LOGSUMEXP, SX_REDUCE_SUMSQUARE, SX_REDUCE_ARGMAX, SX_REDUCE_ARGMIN, SX_REDUCE_OP_COUNT
} sx_reduce_op;

#define SX_REDUCE_RANK 8
typedef struct sx_reduce_plan {
  sx_reduce_op op;
  sx_dtype type;         /* of the input; the output has the same, i64 for ArgMax and ArgMin */
  sx_isa isa;
  bool last_index;       /* ArgMax, ArgMin: of equal elements take the last */
  uint32_t rank;         /* merged; reduced[i] alternates */
  int64_t dim[SX_REDUCE_RANK], stride[SX_REDUCE_RANK];
  bool reduced[SX_REDUCE_RANK];
  int64_t outputs, count; /* results; elements per result */
  int64_t units[2];      /* of phase 0 and 1; phase 1 has 0 units when one phase does it */
  int64_t split;         /* parts per result in phase 0 */
  int64_t inner;         /* results side by side in memory per unit step, 1 when rows are reduced */
  size_t shared_bytes;   /* partial results between the phases, 64-aligned */
  size_t scratch_bytes;  /* per worker */
  double unit_ns;
} sx_reduce_plan;

/* axes: bit i = dimension i is reduced. Empty reductions give the neutral element (Max, Min: -inf and inf, or the type's
 * bounds; Mean: NaN for floats, 0 for integers). */
sx_status sx_reduce_plan_init(sx_reduce_plan *p, sx_reduce_op op, sx_dtype type, uint32_t rank, const int64_t *dim,
                              uint64_t axes, bool last_index, sx_isa isa, sx_err *e);
/* Units [begin, end) of a phase. x dense, y dense in the order of the kept dimensions. */
void sx_reduce_run(const sx_reduce_plan *p, int phase, const void *x, void *y, void *shared, int64_t begin, int64_t end,
                   void *scratch);
#endif
