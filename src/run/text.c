// SPDX-License-Identifier: MIT
/* Kernels that make strings: all are late steps, and the text lies in the value that they make. */
#include "run/exec.h"

static sx_status finish(const sx_call *c, uint32_t o, sx_rt_value *v, sx_status s) {
  if (s == SX_OK) return c->late->set_value(c->late, o, v, c->e);
  sx_rt_unref(v);
  return s;
}

/* Element i of the result in an operand that is broadcast to it. */
static int64_t source(const sx_view *v, int rank, const int64_t *dims, int64_t i) {
  int64_t at = 0, step = 1;
  for (int d = rank - 1; d >= 0; d--) {
    int64_t k = i % dims[d];
    i /= dims[d];
    int own_axis = d - (rank - v->rank);
    if (own_axis < 0) continue;
    if (v->dims[own_axis] != 1) at += k * step;
    step *= v->dims[own_axis];
  }
  return at;
}
static sx_status run_string_concat(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *a = &c->late->in[0], *b = &c->late->in[1];
  int64_t dims[SX_MAX_RANK];
  int rank = a->rank > b->rank ? a->rank : b->rank;
  for (int d = 0; d < rank; d++) {
    int64_t x = d < rank - a->rank ? 1 : a->dims[d - (rank - a->rank)], y = d < rank - b->rank ? 1 : b->dims[d - (rank - b->rank)];
    if (x != y && x != 1 && y != 1) SX_FAIL(c->e, INVALID_ARGUMENT, "axis %d has %lld and %lld elements: they cannot be broadcast", d, (long long)x, (long long)y);
    dims[d] = x == 1 ? y : x;
  }
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)rank, dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < v->count && s == SX_OK; i++) {
    sx_str x = ((const sx_str *)c->in[0])[source(a, rank, dims, i)], y = ((const sx_str *)c->in[1])[source(b, rank, dims, i)];
    char *to;
    s = sx_rt_string_room(v, i, x.n + y.n, &to, c->e);
    if (s == SX_OK && x.n) memcpy(to, x.p, x.n);
    if (s == SX_OK && y.n) memcpy(to + x.n, y.p, y.n);
  }
  return finish(c, 0, v, s);
}

#define KERNEL(N, run)                                                                          \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }           \
  static const sx_kernel kernel_##N = {.op = &sx_op_##N, .name = "text", .flags = SX_KERNEL_LATE, .prepare = prepare_##N};
KERNEL(StringConcat, run_string_concat)
static const sx_kernel *const kernels[] = {&kernel_StringConcat, NULL};
const sx_provider sx_text_provider = {"CPUExecutionProvider", kernels, 0};
