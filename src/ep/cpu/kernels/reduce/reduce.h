// SPDX-License-Identifier: MIT
/* Reductions over any axes.
 *
 * sx_reduce_plan_init() merges dimensions and picks the loop: innermost reduced (rows), or innermost kept (columns, accumulated
 * side by side). Computed in f32, f64, i64 and u64; other storage types convert at the edge. Sums of f32 are taken over short
 * blocks in f32 and over blocks in f64, so the error does not grow with the length, and bits do not depend on how units are
 * split over threads. Few results of many elements are reduced in two phases, cut by shape. */
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
/* Dimensions and strides of one kind, outermost first. */
typedef struct sx_reduce_dims { uint32_t rank; int64_t dim[SX_REDUCE_RANK], stride[SX_REDUCE_RANK]; } sx_reduce_dims;
typedef struct sx_reduce_plan {
  sx_reduce_op op;
  sx_dtype type;             /* of the input; the output has the same, i64 for ArgMax and ArgMin */
  sx_isa isa;
  bool last_index;           /* ArgMax, ArgMin: of equal elements take the last */
  bool rows;                 /* the innermost dimension is reduced */
  bool turned;               /* rows: some at once are brought into columns, `gone` has their strides */
  sx_reduce_dims kept, gone; /* without the innermost dimension, which is `inner` long */
  int64_t inner;
  int64_t outputs, count;    /* results; elements per result */
  int64_t chunk;             /* rows: results per unit; else columns per unit */
  int64_t chunks, split;     /* chunks over all results; parts into which each reduction is cut */
  int64_t units[2];          /* of phase 0 and 1; phase 1 has 0 units when split is 1 */
  size_t shared_bytes;       /* partial results between the phases, 64-aligned */
  size_t scratch_bytes;      /* per worker, 64-aligned */
  double unit_ns;            /* of phase 0 */
} sx_reduce_plan;

/* axes: bit i = dimension i is reduced. Empty reductions give the neutral element (Max, Min: -inf and inf, or the type's
 * bounds; Mean: NaN for floats, 0 for integers). */
sx_status sx_reduce_plan_init(sx_reduce_plan *p, sx_reduce_op op, sx_dtype type, uint32_t rank, const int64_t *dim,
                              uint64_t axes, bool last_index, sx_isa isa, sx_err *e);
/* Units [begin, end) of a phase. x dense, y dense in the order of the kept dimensions. */
void sx_reduce_run(const sx_reduce_plan *p, int phase, const void *x, void *y, void *shared, int64_t begin, int64_t end,
                   void *scratch);
#endif
