// SPDX-License-Identifier: MIT
/* Reductions over axes. Canonical form: axes is input 1; keepdims and noop_with_empty_axes are attributes. */
#include "ops/ops.h"

static sx_status axes_to_input(sx_upgrade_ctx *c) { return sx_upgrade_attr_to_input(c, "axes", 1, SX_I64); }

static sx_status infer_reduce(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *ax = sx_infer_in(c, 1);
  const sx_dim *axes;
  sx_dim d[SX_MAX_RANK];
  bool keep = sx_attr_int(c->n, "keepdims", 1) != 0, none = sx_attr_int(c->n, "noop_with_empty_axes", 0) != 0;
  int n = ax ? sx_infer_ints(c, 1, &axes) : 0, rank = 0, axis;
  uint32_t set = 0;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n < 0) {
    /* The axes are not known, but how many there are: the rank follows. */
    int64_t gone = ax->rank == 1 && sx_dim_is_const(ax->dims[0]) && ax->dims[0] > 0 ? ax->dims[0] : INT64_MAX;
    for (int i = 0; i < x->rank; i++) d[i] = SX_DIM_UNKNOWN;
    return sx_infer_set(c, 0, x->dtype, keep ? x->rank : gone <= x->rank ? x->rank - (int)gone : -1, d);
  }
  for (int i = 0; i < n; i++) {
    SX_TRY(sx_infer_axis(c, axes[i], x->rank, &axis));
    set |= 1u << axis;
  }
  if (n == 0 && !none) set = ~0u;
  for (int i = 0; i < x->rank; i++) {
    if (!(set >> i & 1))
      d[rank++] = x->dims[i];
    else if (keep)
      d[rank++] = 1;
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, rank, d));
  const sx_dim *e; /* products of shapes are common in exported graphs */
  int k = sx_infer_ints(c, 0, &e);
  if (k < 0 || x->rank != 1 || !(set & 1) || k == 0) return SX_OK;
  sx_dim r = e[0];
  const char *op = c->n->op->name;
  for (int i = 1; i < k && r != SX_DIM_UNKNOWN; i++)
    r = !sx_dim_is_exact(e[i]) || !sx_dim_is_exact(r) ? SX_DIM_UNKNOWN
        : !strcmp(op, "ReduceProd")                   ? sx_dim_mul(c->dims, r, e[i])
        : !strcmp(op, "ReduceSum")                    ? sx_dim_add(c->dims, r, e[i])
        : !strcmp(op, "ReduceMax")                    ? sx_dim_max(c->dims, r, e[i])
        : !strcmp(op, "ReduceMin")                    ? sx_dim_min(c->dims, r, e[i])
                                                      : SX_DIM_UNKNOWN;
  bool exact =
      !strcmp(op, "ReduceProd") || !strcmp(op, "ReduceSum") || !strcmp(op, "ReduceMax") || !strcmp(op, "ReduceMin");
  return exact ? sx_infer_elems(c, 0, 1, &r) : SX_OK;
}
#define REDUCE(N, acc, version) \
  const sx_op sx_op_##N = {     \
      .name = #N, .accuracy = (acc), .shape_inputs = 2, .infer = infer_reduce, .upgrades = {{version, axes_to_input}}};
REDUCE(ReduceL1, SX_ACCUMULATE, 18)
REDUCE(ReduceL2, SX_ACCUMULATE, 18)
REDUCE(ReduceLogSum, SX_ACCUMULATE, 18)
REDUCE(ReduceLogSumExp, SX_ACCUMULATE, 18)
REDUCE(ReduceMax, SX_EXACT, 18)
REDUCE(ReduceMean, SX_ACCUMULATE, 18)
REDUCE(ReduceMin, SX_EXACT, 18)
REDUCE(ReduceProd, SX_ACCUMULATE, 18)
REDUCE(ReduceSum, SX_ACCUMULATE, 13)
REDUCE(ReduceSumSquare, SX_ACCUMULATE, 18)

static sx_status infer_arg(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int axis, rank = 0;
  if (x->rank < 0) return sx_infer_set(c, 0, SX_I64, -1, NULL);
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), x->rank, &axis));
  for (int i = 0; i < x->rank; i++) {
    if (i != axis)
      d[rank++] = x->dims[i];
    else if (sx_attr_int(c->n, "keepdims", 1))
      d[rank++] = 1;
  }
  return sx_infer_set(c, 0, SX_I64, rank, d);
}
const sx_op sx_op_ArgMax = {.name = "ArgMax", .infer = infer_arg};
const sx_op sx_op_ArgMin = {.name = "ArgMin", .infer = infer_arg};
