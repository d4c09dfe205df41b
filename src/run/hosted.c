// SPDX-License-Identifier: MIT
/* Control flow over values that a provider holds. Rows of a tensor are views of its bytes, so an axis that is not the first
 * one is brought to the front, and back: for that the provider is asked, as for every byte that moves. */
#include "run/control.h"

/* order[i]: which axis of the input becomes axis i, when axis `from` goes to place `to`. */
static void permutation(int rank, int from, int to, size_t *order) {
  for (int i = 0, k = 0; i < rank; i++) {
    if (i == to) {
      order[i] = (size_t)from;
      continue;
    }
    if (k == from) k++;
    order[i] = (size_t)k++;
  }
}

/* A copy of v with axis `from` at `to`; drops v. */
static sx_status move_axis(const sx_control_host *h, sx_rt_value *v, int from, int to, sx_rt_value **out, sx_err *e) {
  size_t order[SX_MAX_RANK];
  int64_t dims[SX_MAX_RANK];
  permutation((int)v->rank, from, to, order);
  for (uint32_t i = 0; i < v->rank; i++) dims[i] = v->dims[order[i]];
  *out = NULL;
  sx_status s = h->make(h->ctx, (sx_dtype)v->type.dtype, v->rank, dims, out, e);
  if (s == SX_OK && v->bytes) s = h->transpose(h->ctx, order, v, *out, e);
  sx_rt_unref(v);
  if (s != SX_OK) sx_rt_unref(*out), *out = NULL;
  return s;
}

sx_status sx_hosted_front(const sx_call *c, const sx_control_host *h, uint32_t i, int axis, sx_rt_value **out) {
  sx_rt_value *v;
  *out = NULL;
  if (!h) return SX_OK;
  SX_TRY(sx_late_take(c, i, &v));
  if (!sx_away(v)) {
    sx_rt_unref(v);
    return SX_OK;
  }
  if (axis) return move_axis(h, v, axis, 0, out, c->e);
  *out = v;
  return SX_OK;
}

static void let_go(void *whole, void *data, size_t bytes) {
  (void)data, (void)bytes;
  sx_rt_unref(whole);
}
sx_status sx_hosted_row(sx_rt_value *whole, int64_t k, sx_rt_value **out, sx_err *e) {
  size_t row = whole->dims[0] ? whole->bytes / (size_t)whole->dims[0] : 0;
  SX_TRY(sx_rt_tensor_wrap((sx_dtype)whole->type.dtype, whole->rank - 1, whole->dims + 1,
                           (char *)whole->data + (size_t)k * row, row, whole->memory, let_go, whole, out, e));
  sx_rt_ref(whole);
  return SX_OK;
}

/* The parts one behind the other, into the rows of `whole`. */
static sx_status fill(const sx_control_host *h, sx_rt_value *const *parts, uint32_t n, sx_rt_value *whole, bool reverse,
                      sx_err *e) {
  for (uint32_t i = 0; i < n && whole->bytes; i++) {
    sx_rt_value *row;
    SX_TRY(sx_hosted_row(whole, reverse ? n - 1 - i : i, &row, e));
    sx_status s = h->copy(h->ctx, parts[i], row, e);
    sx_rt_unref(row);
    SX_TRY(s);
  }
  return SX_OK;
}

sx_status sx_hosted_stack(const sx_call *c, const sx_control_host *h, uint32_t o, sx_rt_value *const *parts, uint32_t n,
                          sx_dtype t, const int64_t *dims, int rank, int axis, bool reverse, bool in_loop) {
  int64_t first[SX_MAX_RANK + 1];
  sx_rt_value *whole;
  first[0] = dims[axis];
  for (int i = 0, k = 1; i < rank; i++)
    if (i != axis) first[k++] = dims[i];
  SX_TRY(h->make(h->ctx, t, (uint32_t)rank, first, &whole, c->e));
  sx_status s =
      in_loop && n && whole->bytes ? h->concat(h->ctx, parts, n, whole, c->e) : fill(h, parts, n, whole, reverse, c->e);
  if (s != SX_OK) {
    sx_rt_unref(whole);
    return s;
  }
  if (axis) SX_TRY(move_axis(h, whole, 0, axis, &whole, c->e));
  return c->late->set_value(c->late, o, whole, c->e);
}

sx_status sx_hosted_clone(const sx_control_host *h, sx_rt_value *v, sx_rt_value **out, sx_err *e) {
  SX_TRY(h->make(h->ctx, (sx_dtype)v->type.dtype, v->rank, v->dims, out, e));
  sx_status s = v->bytes ? h->copy(h->ctx, v, *out, e) : SX_OK;
  if (s != SX_OK) sx_rt_unref(*out), *out = NULL;
  return s;
}
