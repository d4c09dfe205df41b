// SPDX-License-Identifier: MIT
/* Tensors out of parts and parts of tensors: Concat, Split, Slice. Element facts of vectors pass through. */
#include "ops/move/content.h"
#include "ops/move/slice.h"

static sx_status concat_axis(sx_upgrade_ctx *c) {
  return sx_node_attr(c->n, "axis") || sx_node_set_int(c->g, c->id, "axis", 1)
             ? SX_OK
             : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}

static sx_status concat_elems(sx_infer *c, int axis) {
  const sx_fact *y = &c->out[0];
  sx_dim e[SX_MAX_ELEMS];
  int64_t stride[SX_MAX_RANK], at = 0, n;
  if (!sx_infer_strides(y, stride) || (y->rank && y->dims[0] * stride[0] > SX_MAX_ELEMS)) return SX_OK;
  n = y->rank ? y->dims[0] * stride[0] : 1;
  for (uint32_t i = 0; i < c->n->n_formal; i++) {
    int64_t k = sx_infer_count(c, i), own = k > 0 ? sx_infer_in(c, i)->dims[axis] * stride[axis] : 1,
            whole = y->dims[axis] * stride[axis];
    if (k < 0) return SX_OK;
    for (int64_t j = 0; j < k; j++) e[j / own * whole + at + j % own] = sx_infer_elem(c, i, j);
    if (k) at += own;
  }
  return sx_infer_elems(c, 0, (uint32_t)n, e);
}
static sx_status infer_concat(sx_infer *c) {
  int rank = -1, axis, dtype = sx_infer_in(c, 0)->dtype;
  sx_dim d[SX_MAX_RANK], sum = 0;
  for (uint32_t i = 0; i < c->n->n_formal; i++) {
    const sx_fact *x = sx_infer_in(c, i);
    if (x->rank < 0)
      sum = SX_DIM_UNKNOWN;
    else if (rank < 0) {
      rank = x->rank;
      for (int k = 0; k < rank; k++) d[k] = SX_DIM_UNKNOWN;
    } else if (x->rank != rank)
      return SX_INFER_FAIL(c, "input %u has rank %d, another one has rank %d", i, x->rank, rank);
  }
  if (rank < 0) return sx_infer_set(c, 0, dtype, -1, NULL);
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), rank, &axis));
  for (uint32_t i = 0; i < c->n->n_formal; i++) {
    const sx_fact *x = sx_infer_in(c, i);
    for (int k = 0; k < rank && x->rank >= 0; k++) {
      if (k == axis) continue;
      if (sx_dim_is_const(d[k]) && sx_dim_is_const(x->dims[k]) && d[k] != x->dims[k])
        return SX_INFER_FAIL(c, "input %u has %lld at axis %d, another one has %lld; only axis %d may differ", i,
                             (long long)x->dims[k], k, (long long)d[k], axis);
      if (d[k] == SX_DIM_UNKNOWN || sx_dim_is_const(x->dims[k])) d[k] = x->dims[k];
    }
    if (sum != SX_DIM_UNKNOWN) sum = sx_dim_add(c->dims, sum, x->dims[axis]);
  }
  d[axis] = sum;
  SX_TRY(sx_infer_set(c, 0, dtype, rank, d));
  return rank ? concat_elems(c, axis) : SX_OK;
}
const sx_op sx_op_Concat = {
    .name = "Concat", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_concat, .upgrades = {{4, concat_axis}}};

static sx_status split_to_input(sx_upgrade_ctx *c) {
  if (c->n->since_version == 1 && c->n->n_in > 1 && c->n->in[1].value != SX_NONE) { /* the sizes had the type of the data */
    sx_vid v;
    SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &c->n->in[1].value, 1, SX_I64, &v));
    sx_graph_set_input(c->g, c->id, 1, v);
  }
  return sx_upgrade_attr_to_input(c, "split", 1, SX_I64);
}
/* Without sizes the parts are equal, the last one what is left. */
static sx_dim part_size(sx_infer *c, sx_dim total, uint32_t o, uint32_t parts, bool sizes) {
  if (sizes) return sx_infer_elem(c, 1, o);
  sx_dim chunk = sx_dim_ceildiv(c->dims, total, parts);
  if (o + 1 < parts && !sx_dim_is_const(total)) return chunk; /* fewer whole parts than outputs fail at run time */
  if (o + 1 < parts) return chunk * o > total ? 0 : total - chunk * o < chunk ? total - chunk * o : chunk;
  if (sx_dim_mod(c->dims, total, parts) == 0) return chunk;
  return sx_infer_at_least_0(c, sx_dim_sub(c->dims, total, sx_dim_mul(c->dims, chunk, parts - 1)));
}
static sx_status infer_split(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK], at = 0;
  int64_t stride[SX_MAX_RANK];
  int axis;
  uint32_t parts = c->n->n_out;
  bool sizes = sx_infer_in(c, 1) != NULL;
  int64_t want = sx_attr_int(c->n, "num_outputs", parts), given = sizes ? sx_infer_count(c, 1) : parts;
  if (c->n->since_version >= 18 && sizes == (sx_node_attr(c->n, "num_outputs") != NULL))
    return SX_INFER_FAIL(c, "has %s, expected one of them",
                         sizes ? "both the input 'split' and the attribute 'num_outputs'"
                               : "neither the input 'split' nor the attribute 'num_outputs'");
  if (want != parts) return SX_INFER_FAIL(c, "num_outputs is %lld, but the node has %u outputs", (long long)want, parts);
  if (given >= 0 && given != parts) return SX_INFER_FAIL(c, "%lld sizes are given for %u outputs", (long long)given, parts);
  if (x->rank >= 0) SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", 0), x->rank, &axis));
  if (x->rank >= 0 && !sizes && sx_dim_is_const(x->dims[axis])) {
    const int64_t n = x->dims[axis];
    if (c->n->since_version < 18 && c->n->since_version && n % parts)
      return SX_INFER_FAIL(c, "axis %d has %lld, which does not divide into %u equal parts", axis, (long long)n, parts);
    if (n < parts && n)
      return SX_INFER_FAIL(c, "axis %d has %lld, which is too little for %u parts", axis, (long long)n, parts);
  }
  for (uint32_t o = 0; o < parts; o++) {
    if (x->rank >= 0) {
      memcpy(d, x->dims, (size_t)x->rank * sizeof *d);
      d[axis] = part_size(c, x->dims[axis], o, parts, sizes);
    }
    SX_TRY(sx_infer_set(c, o, x->dtype, x->rank, d));
    if (x->rank < 0) continue;
    if (sx_dim_is_const(at) && sx_infer_strides(x, stride)) SX_TRY(sx_infer_elems_at(c, o, 0, at * stride[axis], stride));
    at = d[axis] == SX_DIM_UNKNOWN || at == SX_DIM_UNKNOWN ? SX_DIM_UNKNOWN : sx_dim_add(c->dims, at, d[axis]);
  }
  if (x->rank >= 0 && sx_dim_is_const(at) && sx_dim_is_const(x->dims[axis]) && at != x->dims[axis])
    return SX_INFER_MISFIT(c, "the sizes sum to %lld, axis %d has %lld", (long long)at, axis, (long long)x->dims[axis]);
  return SX_OK;
}
const sx_op sx_op_Split = {.name = "Split",
                           .flags = SX_OP_QDQ_TRANSPARENT | SX_OP_CHECK_SIZES,
                           .shape_inputs = 2,
                           .infer = infer_split,
                           .upgrades = {{13, split_to_input}}};

static sx_status slice_to_inputs(sx_upgrade_ctx *c) {
  static const char *const names[] = {"starts", "ends", "axes"};
  for (uint32_t i = 0; i < 3; i++) SX_TRY(sx_upgrade_attr_to_input(c, names[i], i + 1, SX_I64));
  return SX_OK;
}
/* A bound of a slice of step 1 as an expression: clamped to [0, N]. */
static sx_dim slice_bound(sx_infer *c, uint32_t input, int64_t k, sx_dim N) {
  int64_t v;
  if (sx_infer_number(c, input, k, &v)) {
    if (v >= INT32_MAX) return N;
    if (v <= INT32_MIN) return 0;
    return v >= 0 ? v == 0 ? 0 : sx_dim_min(c->dims, v, N) : sx_infer_at_least_0(c, sx_dim_add(c->dims, N, v));
  }
  sx_dim e = sx_infer_elem(c, input, k);
  return sx_dim_sign(c->dims, e) > 0 ? sx_dim_min(c->dims, e, N)
                                     : SX_DIM_UNKNOWN; /* a sign that may change needs the run */
}
/* Size of the sliced axis. *first, *step: numbers when the return is true, for element facts. */
static sx_dim sliced(sx_infer *c, int64_t k, sx_dim N, int64_t *first, int64_t *step, bool *numbers) {
  int64_t s, e;
  *step = 1, *numbers = false;
  if (sx_infer_in(c, 4) && !sx_infer_number(c, 4, k, step)) return SX_DIM_UNKNOWN;
  bool ns = sx_infer_number(c, 1, k, &s), ne = sx_infer_number(c, 2, k, &e);
  if (*step == 0) return SX_DIM_UNKNOWN;
  if (ns && ne && sx_dim_is_const(N)) {
    *numbers = true;
    return sx_slice_range(N, s, e, *step, first);
  }
  if (*step < 0)
    return ns && ne && (s == -1 || s >= INT32_MAX) && e <= INT32_MIN && *step != INT64_MIN
               ? sx_dim_ceildiv(c->dims, N, -*step)
               : SX_DIM_UNKNOWN;
  sx_dim from = slice_bound(c, 1, k, N), to = slice_bound(c, 2, k, N);
  if (from == SX_DIM_UNKNOWN || to == SX_DIM_UNKNOWN) return SX_DIM_UNKNOWN;
  if (to == N && ns && s < 0 && s > INT32_MIN)
    return sx_dim_ceildiv(c->dims, sx_dim_min(c->dims, -s, N), *step); /* the last -s */
  return sx_dim_ceildiv(c->dims, sx_infer_at_least_0(c, sx_dim_sub(c->dims, to, from)), *step);
}
static sx_status infer_slice(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int64_t n = sx_infer_count(c, 1), m = sx_infer_count(c, 2), first = 0, step = 1, at, base = 0, stride[SX_MAX_RANK];
  bool numbers = false, all = n >= 0;
  uint32_t seen = 0;
  int axis;
  static const char *const lists[] = {"starts", "ends", "axes", "steps"};
  for (uint32_t i = 0; i < 4; i++) SX_TRY(sx_infer_list(c, i + 1, lists[i]));
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n >= 0 && m >= 0 && n != m)
    return SX_INFER_FAIL(c, "%lld starts but %lld ends are given", (long long)n, (long long)m);
  if (n > x->rank) return SX_INFER_MISFIT(c, "%lld axes are sliced, the input has rank %d", (long long)n, x->rank);
  for (uint32_t i = 3; i < 5; i++) {
    int64_t k = sx_infer_in(c, i) ? sx_infer_count(c, i) : n;
    if (n >= 0 && k >= 0 && k != n)
      return SX_INFER_FAIL(c, "%lld starts but %lld %s are given", (long long)n, (long long)k, i == 3 ? "axes" : "steps");
  }
  for (int i = 0; i < x->rank; i++) d[i] = n < 0 ? SX_DIM_UNKNOWN : x->dims[i];
  all &= sx_infer_strides(x, stride);
  for (int64_t k = 0; k < n; k++) {
    at = k;
    if (sx_infer_in(c, 3) && !sx_infer_number(c, 3, k, &at)) { /* any axis may be cut */
      for (int i = 0; i < x->rank; i++) d[i] = SX_DIM_UNKNOWN;
      all = false;
      break;
    }
    SX_TRY(sx_infer_axis(c, at, x->rank, &axis));
    if (seen >> axis & 1) return SX_INFER_MISFIT(c, "axis %d is given twice", axis);
    seen |= 1u << axis;
    if (sx_infer_in(c, 4) && sx_infer_number(c, 4, k, &step) && step == 0)
      return SX_INFER_MISFIT(c, "the step of axis %d is 0", axis);
    d[axis] = sliced(c, k, x->dims[axis], &first, &step, &numbers);
    all &= numbers;
    all &= step >= INT32_MIN && step <= INT32_MAX;
    if (all) base += first * stride[axis], stride[axis] *= step;
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  return all ? sx_infer_elems_at(c, 0, 0, base, stride) : SX_OK;
}
const sx_op sx_op_Slice = {.name = "Slice",
                           .flags = SX_OP_QDQ_TRANSPARENT,
                           .shape_inputs = 0x1e,
                           .infer = infer_slice,
                           .upgrades = {{10, slice_to_inputs}}};
