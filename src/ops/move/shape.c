// SPDX-License-Identifier: MIT
/* Operators between shapes and contents: Shape and Size make numbers of dimensions, ConstantOfShape, Range and EyeLike
 * tensors of numbers. Their element facts are where shape programs begin. */
#include "ops/move/content.h"
#include <math.h>

static sx_status infer_shape(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim n = SX_DIM_UNKNOWN;
  if (x->rank < 0) return sx_infer_set(c, 0, SX_I64, 1, &n);
  int64_t from = sx_attr_int(c->n, "start", 0), to = sx_attr_int(c->n, "end", x->rank);
  from = from < 0 ? from + x->rank : from, to = to < 0 ? to + x->rank : to;
  from = from < 0 ? 0 : from > x->rank ? x->rank : from, to = to < from ? from : to > x->rank ? x->rank : to;
  n = to - from;
  SX_TRY(sx_infer_set(c, 0, SX_I64, 1, &n));
  return sx_infer_elems(c, 0, (uint32_t)n, x->dims + from);
}
const sx_op sx_op_Shape = {.name = "Shape", .flags = SX_OP_SHAPE_ONLY, .infer = infer_shape};

static sx_status infer_size(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  SX_TRY(sx_infer_set(c, 0, SX_I64, 0, NULL));
  if (x->rank < 0) return SX_OK;
  sx_dim n = sx_infer_product(c, x->dims, 0, x->rank);
  return sx_infer_elems(c, 0, 1, &n);
}
const sx_op sx_op_Size = {.name = "Size", .flags = SX_OP_SHAPE_ONLY, .infer = infer_size};

/* A shape that is an input's content; the rank may follow from the input's own shape. */
static sx_status content_dims(sx_infer *c, uint32_t i, sx_dim *d, int *rank) {
  int64_t n = sx_infer_count(c, i);
  *rank = -1;
  SX_TRY(sx_infer_list(c, i, "the shape"));
  if (n > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "input %u gives a shape of rank %lld, at most %d are supported", i, (long long)n, SX_MAX_RANK);
  if (n < 0) return SX_OK;
  *rank = (int)n;
  for (int k = 0; k < n; k++) d[k] = sx_infer_elem(c, i, k);
  return SX_OK;
}

static sx_status infer_constant_of_shape(sx_infer *c) {
  const sx_attr *a = sx_node_attr(c->n, "value");
  const sx_tensor *t = a ? a->t : NULL;
  sx_dim d[SX_MAX_RANK], e[SX_MAX_ELEMS];
  int rank;
  int64_t v = 0;
  if (t && t->count != 1) return SX_INFER_FAIL(c, "attribute 'value' has %lld elements, expected one", (long long)t->count);
  SX_TRY(content_dims(c, 0, d, &rank));
  SX_TRY(sx_infer_set(c, 0, t ? t->dtype : SX_F32, rank, d));
  if (!t || rank < 0 || rank > 1 || !(sx_dtype_is_int(t->dtype) || t->dtype == SX_BOOL) || !sx_tensor_get_i64(t, 0, &v) ||
      !sx_dim_is_const(v))
    return SX_OK;
  sx_dim n = rank ? d[0] : 1;
  if (!sx_dim_is_const(n) || n > SX_MAX_ELEMS) return SX_OK;
  for (int64_t i = 0; i < n; i++) e[i] = v;
  return sx_infer_elems(c, 0, (uint32_t)n, e);
}
const sx_op sx_op_ConstantOfShape = {.name = "ConstantOfShape", .shape_inputs = 1, .infer = infer_constant_of_shape};

/* A whole number behind a float input: its constant, or what was cast to it. */
static sx_dim whole_elem(const sx_infer *c, uint32_t i) {
  const sx_tensor *t = sx_infer_const(c, i);
  double f;
  if (t)
    return t->count == 1 && sx_tensor_get_f64(t, 0, &f) && f == floor(f) && fabs(f) < 1e9 ? (int64_t)f : SX_DIM_UNKNOWN;
  const sx_node *p = c->in ? NULL : sx_value_producer(c->g, sx_node_in(c->n, i));
  if (!p || p->op != &sx_op_Cast) return SX_DIM_UNKNOWN;
  const sx_value *v = sx_value_at(c->g, p->in[0].value);
  return v->fact.n_elems == 1 && v->fact.elems && !v->overridable ? v->fact.elems[0] : SX_DIM_UNKNOWN;
}

/* Count of start, start + delta, ... before limit. */
static sx_status range_count(sx_infer *c, sx_dim *n) {
  const sx_tensor *t[3];
  double f[3];
  bool all = true, is_float = sx_dtype_is_float(sx_infer_in(c, 0)->dtype);
  *n = SX_DIM_UNKNOWN;
  for (uint32_t i = 0; i < 3 && is_float; i++)
    all &= (t[i] = sx_infer_const(c, i)) && t[i]->count == 1 && sx_tensor_get_f64(t[i], 0, &f[i]);
  if (is_float) {
    if (!all) {
      sx_dim from = whole_elem(c, 0), to = whole_elem(c, 1), by = whole_elem(c, 2);
      if (from == SX_DIM_UNKNOWN || to == SX_DIM_UNKNOWN || !sx_dim_is_const(by) || by <= 0) return SX_OK;
      *n = sx_dim_ceildiv(c->dims, sx_infer_at_least_0(c, sx_dim_sub(c->dims, to, from)), by);
      return SX_OK;
    }
    double k = ceil((f[1] - f[0]) / f[2]);
    if (f[2] == 0 || !(fabs(k) < 9e15)) return SX_INFER_MISFIT(c, "from %g to %g by %g is no finite range", f[0], f[1], f[2]);
    *n = k > 0 ? (int64_t)k : 0;
    return SX_OK;
  }
  int64_t delta;
  if (!sx_infer_number(c, 2, 0, &delta)) return SX_OK;
  if (delta == 0) return SX_INFER_MISFIT(c, "delta is 0");
  if (delta == INT64_MIN) delta++;
  sx_dim from = sx_infer_elem(c, 0, 0), to = sx_infer_elem(c, 1, 0),
         span = delta > 0 ? sx_dim_sub(c->dims, to, from) : sx_dim_sub(c->dims, from, to);
  if (span != SX_DIM_UNKNOWN) *n = sx_dim_ceildiv(c->dims, sx_infer_at_least_0(c, span), delta > 0 ? delta : -delta);
  return SX_OK;
}

static sx_status infer_range(sx_infer *c) {
  sx_dim n, e[SX_MAX_ELEMS];
  int64_t delta;
  for (uint32_t i = 0; i < 3; i++) SX_TRY(sx_infer_one(c, i, i == 0 ? "start" : i == 1 ? "limit" : "delta"));
  SX_TRY(range_count(c, &n));
  SX_TRY(sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, 1, &n));
  sx_dim from = sx_infer_elem(c, 0, 0);
  if (!sx_dim_is_const(n) || n > SX_MAX_ELEMS || from == SX_DIM_UNKNOWN || !sx_infer_number(c, 2, 0, &delta)) return SX_OK;
  for (int64_t i = 0; i < n; i++, from = sx_dim_add(c->dims, from, delta)) e[i] = from;
  return sx_infer_elems(c, 0, (uint32_t)n, e);
}
const sx_op sx_op_Range = {.name = "Range", .accuracy = SX_ROUNDED, .shape_inputs = 7, .infer = infer_range};

static sx_status infer_eye_like(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  int64_t dtype = sx_attr_int(c->n, "dtype", x->dtype);
  if (x->rank >= 0 && x->rank != 2) return SX_INFER_MISFIT(c, "the input has rank %d, expected a matrix", x->rank);
  if (dtype < 0 || dtype >= SX_DTYPE_COUNT || dtype == SX_STRING)
    return SX_INFER_FAIL(c, "attribute 'dtype' is %lld, which is no type of numbers", (long long)dtype);
  return sx_infer_set(c, 0, (int)dtype, x->rank, x->dims);
}
const sx_op sx_op_EyeLike = {.name = "EyeLike", .flags = SX_OP_SHAPE_ONLY, .infer = infer_eye_like};
