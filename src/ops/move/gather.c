// SPDX-License-Identifier: MIT
/* Indexed reads and writes: Gather and Scatter in their forms, OneHot, TensorScatter. */
#include "ops/move/content.h"

static sx_status infer_gather(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *i = sx_infer_in(c, 1);
  const sx_dim *e;
  sx_dim d[SX_MAX_RANK], r[SX_MAX_ELEMS];
  int axis;
  if (x->rank < 0 || i->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), x->rank, &axis));
  int rank = x->rank - 1 + i->rank;
  if (rank > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "the result would have rank %d, at most %d are supported", rank, SX_MAX_RANK);
  for (int k = 0; k < rank; k++)
    d[k] = k < axis ? x->dims[k] : k < axis + i->rank ? i->dims[k - axis] : x->dims[k - i->rank + 1];
  SX_TRY(sx_infer_set(c, 0, x->dtype, rank, d));
  /* Element facts, where everything is small: outer, index, inner. */
  int n = sx_infer_ints(c, 0, &e);
  int64_t total = sx_infer_count(c, 0), m = sx_infer_count(c, 1), inner = 1, size = n < 0 ? 0 : x->dims[axis], at;
  if (n < 0 || total != n || m < 0 || n == 0) return SX_OK;
  for (int k = axis + 1; k < x->rank; k++) inner *= x->dims[k];
  if (m > SX_MAX_ELEMS || n / size * m > SX_MAX_ELEMS) return SX_OK;
  for (int64_t k = 0; k < m; k++) {
    bool known = sx_infer_number(c, 1, k, &at);
    if (known && (at < -size || at >= size))
      return SX_INFER_FAIL(c, "index %lld lies outside [%lld, %lld)", (long long)at, (long long)-size, (long long)size);
    for (int64_t o = 0; o < n / (size * inner); o++)
      for (int64_t j = 0; j < inner; j++)
        r[(o * m + k) * inner + j] = known ? e[(o * size + (at < 0 ? at + size : at)) * inner + j] : SX_DIM_UNKNOWN;
  }
  return sx_infer_elems(c, 0, (uint32_t)(n / size * m), r);
}
const sx_op sx_op_Gather = {.name = "Gather", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_gather};

static sx_status infer_gather_elements(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *i = sx_infer_in(c, 1);
  int axis, rank = x->rank >= 0 ? x->rank : i->rank;
  if (x->rank >= 0 && i->rank >= 0 && x->rank != i->rank)
    return SX_INFER_MISFIT(c, "the indices have rank %d, the data %d; expected the same", i->rank, x->rank);
  if (rank >= 0) SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), rank, &axis));
  return sx_infer_set(c, 0, x->dtype, i->rank, i->dims);
}
const sx_op sx_op_GatherElements = {.name = "GatherElements", .infer = infer_gather_elements};

static sx_status infer_gather_nd(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *i = sx_infer_in(c, 1);
  int64_t batch = sx_attr_int(c->n, "batch_dims", 0);
  sx_dim d[2 * SX_MAX_RANK];
  if (x->rank < 0 || i->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (i->rank < 1 || x->rank < 1) return SX_INFER_MISFIT(c, "data and indices need at least one dimension");
  if (batch < 0 || batch >= i->rank || batch >= x->rank)
    return SX_INFER_MISFIT(c, "batch_dims is %lld for data of rank %d and indices of rank %d", (long long)batch, x->rank,
                         i->rank);
  sx_dim tuple = i->dims[i->rank - 1];
  if (!sx_dim_is_const(tuple)) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (tuple < 0 || tuple > x->rank - batch)
    return SX_INFER_MISFIT(c, "the indices are tuples of %lld, the data has %lld dimensions after the batch",
                         (long long)tuple, (long long)(x->rank - batch));
  int rank = i->rank - 1;
  memcpy(d, i->dims, (size_t)rank * sizeof *d);
  for (int64_t k = batch + tuple; k < x->rank; k++) d[rank++] = x->dims[k];
  return sx_infer_set(c, 0, x->dtype, rank, d);
}
const sx_op sx_op_GatherND = {.name = "GatherND", .infer = infer_gather_nd};

static sx_status infer_scatter_elements(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *i = sx_infer_in(c, 1), *u = sx_infer_in(c, 2);
  const sx_dim *e, *v;
  sx_dim r[SX_MAX_ELEMS];
  int axis, rank = x->rank >= 0 ? x->rank : i->rank;
  if (x->rank >= 0 && i->rank >= 0 && x->rank != i->rank)
    return SX_INFER_MISFIT(c, "the indices have rank %d, the data %d; expected the same", i->rank, x->rank);
  if (rank >= 0) SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), rank, &axis));
  if (i->rank >= 0 && u->rank >= 0 && i->rank != u->rank)
    return SX_INFER_MISFIT(c, "the updates have rank %d, the indices %d; expected the same", u->rank, i->rank);
  for (int k = 0; k < i->rank && u->rank == i->rank; k++)
    if (sx_dim_is_const(i->dims[k]) && sx_dim_is_const(u->dims[k]) && i->dims[k] != u->dims[k])
      return SX_INFER_MISFIT(c, "indices and updates differ at axis %d: %lld and %lld", k, (long long)i->dims[k],
                           (long long)u->dims[k]);
  SX_TRY(sx_infer_like(c, 0, 0));
  int n = x->rank == 1 && sx_str_is(sx_attr_str(c->n, "reduction", "none"), "none") ? sx_infer_ints(c, 0, &e) : -1,
      m = n < 0 ? -1 : sx_infer_ints(c, 2, &v);
  if (m < 0) return SX_OK;
  memcpy(r, e, (size_t)n * sizeof *r);
  for (int64_t k = 0, at; k < m; k++) {
    if (!sx_infer_number(c, 1, k, &at) || at < -n || at >= n) return SX_OK;
    r[at < 0 ? at + n : at] = v[k];
  }
  return sx_infer_elems(c, 0, (uint32_t)n, r);
}
const sx_op sx_op_ScatterElements = {.name = "ScatterElements", .accuracy = SX_ROUNDED, .infer = infer_scatter_elements};

/* Scatter is ScatterElements under its first name. */
static sx_status rename_scatter(sx_upgrade_ctx *c) {
  c->n->op = &sx_op_ScatterElements;
  c->n->op_type = SX_STR("ScatterElements");
  return SX_OK;
}
const sx_op sx_op_Scatter = {.name = "Scatter", .infer = infer_scatter_elements, .upgrades = {{INT32_MAX, rename_scatter}}};

static sx_status infer_scatter_nd(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *i = sx_infer_in(c, 1);
  if (x->rank >= 0 && i->rank >= 1 && sx_dim_is_const(i->dims[i->rank - 1]) && i->dims[i->rank - 1] > x->rank)
    return SX_INFER_MISFIT(c, "the indices are tuples of %lld, the data has rank %d", (long long)i->dims[i->rank - 1],
                         x->rank);
  if (i->rank == 0) return SX_INFER_MISFIT(c, "the indices need at least one dimension");
  return sx_infer_like(c, 0, 0);
}
const sx_op sx_op_ScatterND = {.name = "ScatterND", .accuracy = SX_ROUNDED, .infer = infer_scatter_nd};

static sx_status infer_one_hot(sx_infer *c) {
  const sx_fact *i = sx_infer_in(c, 0), *v = sx_infer_in(c, 2);
  const sx_tensor *t = sx_infer_const(c, 1);
  sx_dim d[SX_MAX_RANK], depth = sx_infer_elem(c, 1, 0);
  double f;
  int axis;
  SX_TRY(sx_infer_one(c, 1, "depth"));
  if (sx_infer_count(c, 2) >= 0 && sx_infer_count(c, 2) != 2)
    return SX_INFER_MISFIT(c, "values has %lld elements, expected 2: for off and for on", (long long)sx_infer_count(c, 2));
  if (i->rank < 0) return sx_infer_set(c, 0, v->dtype, -1, NULL);
  if (i->rank + 1 > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "the result would have rank %d, at most %d are supported", i->rank + 1, SX_MAX_RANK);
  if (depth == SX_DIM_UNKNOWN && t && t->count == 1 && sx_tensor_get_f64(t, 0, &f))
    depth = f >= 0 && f < 9e15 ? (int64_t)f : -1;
  if (sx_dim_is_const(depth) && depth < 0) return SX_INFER_MISFIT(c, "depth is %lld, expected 0 or more", (long long)depth);
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -1), i->rank + 1, &axis));
  for (int k = 0; k <= i->rank; k++) d[k] = k < axis ? i->dims[k] : k == axis ? depth : i->dims[k - 1];
  return sx_infer_set(c, 0, v->dtype, i->rank + 1, d);
}
const sx_op sx_op_OneHot = {.name = "OneHot", .shape_inputs = 2, .infer = infer_one_hot};

static sx_status infer_tensor_scatter(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *u = sx_infer_in(c, 1);
  int axis;
  if (x->rank >= 0 && u->rank >= 0 && x->rank != u->rank)
    return SX_INFER_FAIL(c, "the update has rank %d, the cache %d; expected the same", u->rank, x->rank);
  if (x->rank >= 0) {
    SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -2), x->rank, &axis));
    if (axis == 0) return SX_INFER_FAIL(c, "axis is 0, which is the batch");
  }
  return sx_infer_like(c, 0, 0);
}
const sx_op sx_op_TensorScatter = {.name = "TensorScatter", .infer = infer_tensor_scatter};
