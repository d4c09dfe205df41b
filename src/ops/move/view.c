// SPDX-License-Identifier: MIT
/* Operators that give the same bytes another shape. Element facts pass through all of them. */
#include "ops/move/content.h"

static sx_status pass_elems(sx_infer *c) {
  const sx_dim *e;
  int n = sx_infer_ints(c, 0, &e);
  return n < 0 ? SX_OK : sx_infer_elems(c, 0, (uint32_t)n, e);
}
static sx_status infer_identity(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  return pass_elems(c);
}
static sx_status shape_attr_to_input(sx_upgrade_ctx *c) {
  sx_node_remove_attr(c->n, "consumed_inputs");
  return sx_upgrade_attr_to_input(c, "shape", 1, SX_I64);
}
static sx_status axes_to_input(sx_upgrade_ctx *c) { return sx_upgrade_attr_to_input(c, "axes", 1, SX_I64); }

/* Reshape: 0 copies a dimension (unless allowzero), -1 is what is left. */
static sx_status infer_reshape(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *s = sx_infer_in(c, 1);
  const sx_dim *want;
  sx_dim d[SX_MAX_RANK], rest = 1;
  int n = sx_infer_ints(c, 1, &want), minus = -1;
  bool allowzero = sx_attr_int(c->n, "allowzero", 0) != 0;
  SX_TRY(sx_infer_list(c, 1, "the new shape"));
  if (n < 0) { /* content unknown: the rank may follow from the shape's own shape */
    n = s->rank == 1 && sx_dim_is_const(s->dims[0]) && s->dims[0] <= SX_MAX_RANK ? (int)s->dims[0] : -1;
    for (int i = 0; i < n; i++) d[i] = SX_DIM_UNKNOWN;
    return sx_infer_set(c, 0, x->dtype, n, d);
  }
  if (n > SX_MAX_RANK) return SX_INFER_FAIL(c, "the new shape has rank %d, at most %d are supported", n, SX_MAX_RANK);
  bool all = x->rank >= 0;
  for (int i = 0; i < n; i++) {
    d[i] = want[i];
    if (want[i] == 0 && !allowzero) {
      if (x->rank >= 0 && i >= x->rank)
        return SX_INFER_FAIL(c, "element %d of the new shape is 0 (copy), but the input has rank %d", i, x->rank);
      d[i] = x->rank >= 0 ? x->dims[i] : SX_DIM_UNKNOWN;
    } else if (want[i] == -1) {
      if (minus >= 0) return SX_INFER_FAIL(c, "the new shape has two elements -1");
      minus = i;
      continue;
    } else if (sx_dim_is_const(want[i]) && want[i] < 0)
      return SX_INFER_FAIL(c, "element %d of the new shape is %lld", i, (long long)want[i]);
    all &= d[i] != SX_DIM_UNKNOWN;
    if (d[i] != SX_DIM_UNKNOWN) rest = sx_dim_mul(c->dims, rest, d[i]);
  }
  sx_dim total = x->rank >= 0 ? sx_infer_product(c, x->dims, 0, x->rank) : SX_DIM_UNKNOWN;
  if (minus >= 0) {
    d[minus] = !all ? SX_DIM_UNKNOWN : rest == 0 ? 0 : sx_dim_div(c->dims, total, rest);
    if (all && sx_dim_is_const(total) && sx_dim_is_const(rest) && rest && total % rest)
      return SX_INFER_FAIL(
          c, "%lld elements cannot be reshaped: the given dimensions multiply to %lld, which does not divide them",
          (long long)total, (long long)rest);
  } else if (all && sx_dim_is_const(total) && sx_dim_is_const(rest) && total != rest)
    return SX_INFER_FAIL(c, "the input has %lld elements, the new shape %lld", (long long)total, (long long)rest);
  SX_TRY(sx_infer_set(c, 0, x->dtype, n, d));
  return pass_elems(c);
}

static sx_status infer_flatten(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[2] = {SX_DIM_UNKNOWN, SX_DIM_UNKNOWN};
  if (x->rank >= 0) {
    int64_t axis = sx_attr_int(c->n, "axis", 1);
    if (axis < -x->rank || axis > x->rank)
      return SX_INFER_FAIL(c, "axis is %lld, expected %d to %d", (long long)axis, -x->rank, x->rank);
    if (axis < 0) axis += x->rank;
    d[0] = sx_infer_product(c, x->dims, 0, (int)axis);
    d[1] = sx_infer_product(c, x->dims, (int)axis, x->rank);
  }
  return sx_infer_set(c, 0, x->dtype, 2, d);
}

/* Axes of input 1 as a set over `rank`; *known false when their content is not. */
static sx_status axes_set(sx_infer *c, int rank, uint32_t *set, bool *known) {
  const sx_dim *a;
  int n = sx_infer_in(c, 1) ? sx_infer_ints(c, 1, &a) : 0, axis;
  *known = n >= 0;
  *set = 0;
  SX_TRY(sx_infer_list(c, 1, "axes"));
  for (int i = 0; i < n; i++) {
    if (!sx_dim_is_const(a[i])) {
      *known = false;
      return SX_OK;
    }
    SX_TRY(sx_infer_axis(c, a[i], rank, &axis));
    if (*set >> axis & 1) return SX_INFER_MISFIT(c, "axis %d is given twice", axis);
    *set |= 1u << axis;
  }
  return SX_OK;
}

/* The axes are not known, but how many there are: the rank follows. */
static sx_status unknown_dims(sx_infer *c, int rank, int sign) {
  const sx_fact *ax = sx_infer_in(c, 1);
  sx_dim d[SX_MAX_RANK];
  int64_t n = ax && ax->rank == 0 ? 1 : ax && ax->rank == 1 && sx_dim_is_const(ax->dims[0]) ? ax->dims[0] : INT32_MAX;
  if (n > SX_MAX_RANK || rank + sign * n < 0 || rank + sign * n > SX_MAX_RANK)
    return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, -1, NULL);
  rank += sign * (int)n;
  for (int i = 0; i < rank; i++) d[i] = SX_DIM_UNKNOWN;
  return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, rank, d);
}

static sx_status infer_squeeze(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  uint32_t set = 0;
  bool known;
  int n = 0;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  SX_TRY(axes_set(c, x->rank, &set, &known));
  for (int i = 0; i < x->rank && known && !sx_infer_in(c, 1);
       i++) { /* every dimension that is 1: with one unknown the rank is open */
    if (!sx_dim_is_const(x->dims[i])) return sx_infer_set(c, 0, x->dtype, -1, NULL);
    set |= (x->dims[i] == 1 ? 1u : 0) << i;
  }
  for (int i = 0; i < x->rank; i++) {
    if (!(set >> i & 1))
      d[n++] = x->dims[i];
    else if (sx_dim_is_const(x->dims[i]) && x->dims[i] != 1)
      return SX_INFER_FAIL(c, "axis %d has size %lld, only 1 can be squeezed", i, (long long)x->dims[i]);
  }
  if (!known) return unknown_dims(c, x->rank, -1);
  SX_TRY(sx_infer_set(c, 0, x->dtype, n, d));
  return pass_elems(c);
}

static sx_status infer_unsqueeze(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const sx_dim *a;
  sx_dim d[SX_MAX_RANK];
  uint32_t set;
  bool known;
  int n = sx_infer_ints(c, 1, &a);
  if (n < 0 && x->rank >= 0) return unknown_dims(c, x->rank, 1);
  if (x->rank < 0 || n < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank + n > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "the result would have rank %d, at most %d are supported", x->rank + n, SX_MAX_RANK);
  SX_TRY(axes_set(c, x->rank + n, &set, &known));
  for (int i = 0, k = 0; i < x->rank + n; i++) d[i] = set >> i & 1 ? 1 : x->dims[k++];
  SX_TRY(sx_infer_set(c, 0, x->dtype, known ? x->rank + n : -1, d));
  return known ? pass_elems(c) : SX_OK;
}

static sx_status infer_bit_cast(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  int64_t to = sx_attr_int(c->n, "to", 0);
  if (to <= 0 || to >= SX_DTYPE_COUNT || to == SX_STRING)
    return SX_INFER_FAIL(c, "attribute 'to' is %lld, which is no element type with bits", (long long)to);
  if (x->dtype && sx_dtype_bits((sx_dtype)to) != sx_dtype_bits((sx_dtype)x->dtype))
    return SX_INFER_FAIL(c, "%s has %u bits, %s has %u; they must have the same", sx_dtype_name((sx_dtype)x->dtype),
                         sx_dtype_bits((sx_dtype)x->dtype), sx_dtype_name((sx_dtype)to), sx_dtype_bits((sx_dtype)to));
  return sx_infer_set(c, 0, (int)to, x->rank, x->dims);
}
const sx_op sx_op_BitCast = {.name = "BitCast", .flags = SX_OP_VIEW, .infer = infer_bit_cast};
const sx_op sx_op_Identity = {.name = "Identity", .flags = SX_OP_VIEW, .infer = infer_identity};
const sx_op sx_op_Reshape = {.name = "Reshape",
                             .flags = SX_OP_VIEW | SX_OP_QDQ_TRANSPARENT,
                             .shape_inputs = 2,
                             .infer = infer_reshape,
                             .upgrades = {{5, shape_attr_to_input}}};
const sx_op sx_op_Flatten = {.name = "Flatten", .flags = SX_OP_VIEW | SX_OP_QDQ_TRANSPARENT, .infer = infer_flatten};
const sx_op sx_op_Squeeze = {.name = "Squeeze",
                             .flags = SX_OP_VIEW | SX_OP_QDQ_TRANSPARENT,
                             .shape_inputs = 2,
                             .infer = infer_squeeze,
                             .upgrades = {{13, axes_to_input}}};
const sx_op sx_op_Unsqueeze = {.name = "Unsqueeze",
                               .flags = SX_OP_VIEW | SX_OP_QDQ_TRANSPARENT,
                               .shape_inputs = 2,
                               .infer = infer_unsqueeze,
                               .upgrades = {{13, axes_to_input}}};
