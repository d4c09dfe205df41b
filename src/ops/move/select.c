// SPDX-License-Identifier: MIT
/* Operators that choose elements: TopK, and those whose result's size depends on the data: NonZero, Compress, Unique,
 * NonMaxSuppression. */
#include "ops/move/content.h"

static sx_status topk_k_to_input(sx_upgrade_ctx *c) {
  const sx_attr *a = sx_node_attr(c->n, "k");
  if (!a) return SX_OK;
  sx_vid v = sx_graph_const_i64(c->g, &a->i, 1, false);
  if (v == SX_NONE || !sx_graph_resize_inputs(c->g, c->id, 2, 2)) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, 1, v);
  sx_node_remove_attr(c->n, "k");
  return SX_OK;
}
static sx_status infer_topk(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK], k = sx_infer_elem(c, 1, 0);
  int axis;
  SX_TRY(sx_infer_one(c, 1, "k"));
  if (x->rank >= 0) {
    SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -1), x->rank, &axis));
    memcpy(d, x->dims, (size_t)x->rank * sizeof *d);
    if (sx_dim_is_const(k) && sx_dim_is_const(d[axis]) && (k < 0 || k > d[axis]))
      return SX_INFER_FAIL(c, "k is %lld, axis %d has %lld", (long long)k, axis, (long long)d[axis]);
    d[axis] = k;
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  return sx_infer_set(c, 1, SX_I64, x->rank, d);
}
const sx_op sx_op_TopK = {.name = "TopK", .shape_inputs = 2, .infer = infer_topk, .upgrades = {{10, topk_k_to_input}}};

static sx_status infer_nonzero(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[2] = {x->rank < 0 ? SX_DIM_UNKNOWN : x->rank, SX_DIM_UNKNOWN};
  return sx_infer_set(c, 0, SX_I64, 2, d);
}
const sx_op sx_op_NonZero = {.name = "NonZero", .infer = infer_nonzero};

/* Dimensions of x with one unknown at the axis; flattened without an axis. */
static sx_status infer_some(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const sx_attr *a = sx_node_attr(c->n, "axis");
  sx_dim d[SX_MAX_RANK] = {SX_DIM_UNKNOWN};
  int axis, rank = a ? x->rank : 1;
  if (a && rank >= 0) {
    SX_TRY(sx_infer_axis(c, a->i, rank, &axis));
    memcpy(d, x->dims, (size_t)rank * sizeof *d);
    d[axis] = SX_DIM_UNKNOWN;
  }
  return sx_infer_set(c, 0, x->dtype, rank, d);
}
const sx_op sx_op_Compress = {.name = "Compress", .infer = infer_some};

static sx_status infer_unique(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const sx_attr *a = sx_node_attr(c->n, "axis");
  sx_dim n = sx_infer_fresh(c), all = SX_DIM_UNKNOWN;
  int axis;
  SX_TRY(infer_some(c));
  if (x->rank >= 0) {
    if (a) SX_TRY(sx_infer_axis(c, a->i, x->rank, &axis));
    all = a ? x->dims[axis] : sx_infer_product(c, x->dims, 0, x->rank);
    if (a) ((sx_dim *)c->out[0].dims)[axis] = n;
  }
  if (!a) ((sx_dim *)c->out[0].dims)[0] = n;
  SX_TRY(sx_infer_set(c, 1, SX_I64, 1, &n));
  SX_TRY(sx_infer_set(c, 2, SX_I64, 1, &all));
  return sx_infer_set(c, 3, SX_I64, 1, &n);
}
const sx_op sx_op_Unique = {.name = "Unique", .infer = infer_unique};

static sx_status infer_nms(sx_infer *c) {
  sx_dim d[2] = {SX_DIM_UNKNOWN, 3};
  for (uint32_t i = 0; i < 2; i++)
    if (sx_infer_has_rank(c, i) && sx_infer_in(c, i)->rank != 3)
      return SX_INFER_FAIL(c, "input %u has rank %d, expected 3", i, sx_infer_in(c, i)->rank);
  return sx_infer_set(c, 0, SX_I64, 2, d);
}
const sx_op sx_op_NonMaxSuppression = {.name = "NonMaxSuppression", .infer = infer_nms};
