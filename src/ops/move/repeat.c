// SPDX-License-Identifier: MIT
/* Operators that make more of a tensor: Expand, Tile, Pad, CenterCropPad. */
#include "ops/move/content.h"

static sx_status infer_expand(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int64_t n = sx_infer_count(c, 1);
  SX_TRY(sx_infer_list(c, 1, "the shape"));
  if (x->rank < 0 || n < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "the shape has %lld entries, at most %d are supported", (long long)n, SX_MAX_RANK);
  int rank = n > x->rank ? (int)n : x->rank;
  for (int i = 0; i < rank; i++) {
    int from = i - (rank - x->rank), at = i - (rank - (int)n);
    sx_dim a = from < 0 ? 1 : x->dims[from], b = at < 0 ? 1 : sx_infer_elem(c, 1, at);
    bool clash = false;
    if (sx_dim_is_const(b) && b < 0) return SX_INFER_FAIL(c, "element %d of the shape is %lld", at, (long long)b);
    d[i] = b == SX_DIM_UNKNOWN ? sx_dim_is_const(a) && a > 1 ? a : SX_DIM_UNKNOWN : sx_dim_broadcast(c->dims, a, b, &clash);
    if (clash) return SX_INFER_FAIL(c, "axis %d of size %lld cannot be expanded to %lld", from, (long long)a, (long long)b);
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, rank, d));
  int64_t from[SX_MAX_RANK], stride[SX_MAX_RANK];
  if (!sx_infer_strides(x, from)) return SX_OK;
  for (int i = 0; i < rank; i++)
    stride[i] = i < rank - x->rank || x->dims[i - (rank - x->rank)] == 1 ? 0 : from[i - (rank - x->rank)];
  return sx_infer_elems_at(c, 0, 0, 0, stride);
}
const sx_op sx_op_Expand = {.name = "Expand", .flags = SX_OP_QDQ_TRANSPARENT, .shape_inputs = 2, .infer = infer_expand};

/* Tile-1 had one count and one axis, of the data's type: repeats = ones, scattered into at the axis. */
static sx_status tile_axis_to_repeats(sx_upgrade_ctx *c) {
  const sx_fact *x = &sx_value_at(c->g, c->n->in[0].value)->fact;
  int64_t ones[SX_MAX_RANK], one = 1;
  sx_vid v[2];
  if (x->rank < 0) SX_FAIL(c->e, FAIL, "version 1 needs an input of known rank");
  for (int i = 0; i < x->rank; i++) ones[i] = 1;
  sx_vid shape = sx_graph_const_i64(c->g, &one, 1, false), all = sx_graph_const_i64(c->g, ones, x->rank, false),
         repeats = SX_NONE;
  for (uint32_t i = 0; i < 2; i++) {
    SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &c->n->in[i + 1].value, 1, SX_I64, &v[i]));
    SX_TRY(sx_upgrade_emit(c, &sx_op_Reshape, (sx_vid[]){v[i], shape}, 2, 0, &v[i]));
  }
  SX_TRY(sx_upgrade_emit(c, &sx_op_ScatterElements, (sx_vid[]){all, v[1], v[0]}, 3, 0, &repeats));
  if (!sx_graph_resize_inputs(c->g, c->id, 2, 2)) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, 1, repeats);
  return SX_OK;
}
static sx_status infer_tile(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int64_t n = sx_infer_count(c, 1);
  if (n >= 0 && x->rank >= 0 && n != x->rank)
    return SX_INFER_MISFIT(c, "%lld repeats are given, the input has rank %d", (long long)n, x->rank);
  for (int i = 0; i < x->rank; i++) {
    sx_dim r = sx_infer_elem(c, 1, i);
    if (sx_dim_is_const(r) && r < 0) return SX_INFER_MISFIT(c, "axis %d is repeated %lld times", i, (long long)r);
    d[i] = r == SX_DIM_UNKNOWN ? r : sx_dim_mul(c->dims, x->dims[i], r);
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  const sx_dim *e;
  sx_dim r[SX_MAX_ELEMS];
  int k = x->rank > 1 ? -1 : sx_infer_ints(c, 0, &e);
  sx_dim count = x->rank == 1 ? d[0] : 1;
  if (k <= 0 || !sx_dim_is_const(count) || count > SX_MAX_ELEMS) return SX_OK;
  for (int64_t i = 0; i < count; i++) r[i] = e[i % k]; /* vectors; more dimensions are not met in shapes */
  return sx_infer_elems(c, 0, (uint32_t)count, r);
}
const sx_op sx_op_Tile = {.name = "Tile",
                          .flags = SX_OP_QDQ_TRANSPARENT,
                          .shape_inputs = 2,
                          .infer = infer_tile,
                          .upgrades = {{6, tile_axis_to_repeats}}};

static sx_status pads_to_inputs(sx_upgrade_ctx *c) {
  const sx_fact *x = &sx_value_at(c->g, c->n->in[0].value)->fact;
  SX_TRY(sx_upgrade_attr_to_input(c, c->n->since_version == 1 ? "paddings" : "pads", 1, SX_I64));
  float value = sx_attr_float(c->n, "value", 0);
  sx_node_remove_attr(c->n, "value");
  if (value == 0) return SX_OK;
  sx_vid v = sx_graph_const_f32(c->g, value);
  if (x->dtype != SX_F32) SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &v, 1, x->dtype, &v));
  if (v == SX_NONE || !sx_graph_resize_inputs(c->g, c->id, 3, 3)) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, 2, v);
  return SX_OK;
}
static sx_status infer_pad(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int64_t n = sx_infer_count(c, 1), k = sx_infer_in(c, 3) ? sx_infer_count(c, 3) : x->rank, at;
  uint32_t seen = 0;
  int axis;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n >= 0 && k >= 0 && n != 2 * k)
    return SX_INFER_FAIL(c, "%lld pads are given, expected %lld: a begin and an end for each axis", (long long)n,
                         (long long)(2 * k));
  for (int i = 0; i < x->rank; i++) d[i] = k < 0 ? SX_DIM_UNKNOWN : x->dims[i];
  for (int64_t i = 0; i < k; i++) {
    at = i;
    if (sx_infer_in(c, 3) && !sx_infer_number(c, 3, i, &at)) {
      for (int j = 0; j < x->rank; j++) d[j] = SX_DIM_UNKNOWN;
      break;
    }
    SX_TRY(sx_infer_axis(c, at, x->rank, &axis));
    if (seen >> axis & 1) return SX_INFER_MISFIT(c, "axis %d is given twice", axis);
    seen |= 1u << axis;
    sx_dim b = sx_infer_elem(c, 1, i), e = sx_infer_elem(c, 1, k + i);
    d[axis] = b == SX_DIM_UNKNOWN || e == SX_DIM_UNKNOWN ? SX_DIM_UNKNOWN
                                                         : sx_dim_add(c->dims, x->dims[axis], sx_dim_add(c->dims, b, e));
  }
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}
const sx_op sx_op_Pad = {
    .name = "Pad", .flags = 0, .shape_inputs = 0xa, .infer = infer_pad, .upgrades = {{11, pads_to_inputs}}};

/* CenterCropPad: the given sizes, for all axes or for some. */
static sx_status infer_center_crop_pad(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const int64_t *axes;
  sx_dim d[SX_MAX_RANK];
  uint32_t n = sx_attr_ints(c->n, "axes", &axes);
  int64_t given = sx_infer_count(c, 1);
  uint32_t seen = 0;
  int axis;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  int want = sx_node_attr(c->n, "axes") ? (int)n : x->rank;
  if (given >= 0 && given != want) return SX_INFER_FAIL(c, "%lld sizes are given for %d axes", (long long)given, want);
  for (int i = 0; i < x->rank; i++) d[i] = x->dims[i];
  for (int i = 0; i < want; i++) {
    SX_TRY(sx_infer_axis(c, n ? axes[i] : i, x->rank, &axis));
    if (seen >> axis & 1) return SX_INFER_MISFIT(c, "axis %d is given twice", axis);
    seen |= 1u << axis;
    d[axis] = sx_infer_elem(c, 1, i);
  }
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}
const sx_op sx_op_CenterCropPad = {.name = "CenterCropPad", .shape_inputs = 2, .infer = infer_center_crop_pad};
