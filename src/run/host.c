// SPDX-License-Identifier: MIT
/* Kernels of values that are no plain tensors: sequences by reference, strings with text of their own. All are late steps. */
#include "run/exec.h"

static sx_status give(const sx_call *c, sx_rt_value *v) { return c->late->set_value(c->late, 0, v, c->e); }

static sx_status sequence_in(const sx_call *c, sx_rt_value **out) {
  sx_rt_value *v = c->late->value(c->late, 0);
  if (!v || v->type.kind != SX_RT_SEQUENCE) SX_FAIL(c->e, INVALID_ARGUMENT, "input 0 is no sequence");
  *out = v;
  return SX_OK;
}
/* The position in input i, negative from the end; `room` positions are allowed. Absent: `dflt`. */
static sx_status position(const sx_call *c, uint32_t i, int64_t n, int64_t room, int64_t dflt, int64_t *out) {
  const sx_view *v = i < c->late->n_in ? &c->late->in[i] : NULL;
  *out = dflt;
  if (!v || !v->dtype || !c->in[i]) return SX_OK;
  if (v->count != 1) SX_FAIL(c->e, INVALID_ARGUMENT, "the position has %lld elements, expected one", (long long)v->count);
  int64_t p = v->dtype == SX_I32 ? *(const int32_t *)v->constant : *(const int64_t *)v->constant;
  if (p < -n || p >= room) SX_FAIL(c->e, INVALID_ARGUMENT, "position %lld is outside of a sequence of %lld, expected %lld to %lld", (long long)p, (long long)n, (long long)-n, (long long)(room - 1));
  *out = p < 0 ? p + n : p;
  return SX_OK;
}
/* Input i as a value that outlives the step: what lies in a slab is copied. */
static sx_status own(const sx_call *c, uint32_t i, sx_rt_value **out) {
  sx_rt_value *v;
  SX_TRY(sx_late_take(c, i, &v));
  if (!sx_rt_is_tensor(v) || c->late->value(c->late, i) == v) {
    *out = v;
    return SX_OK;
  }
  sx_status s = sx_rt_tensor_clone(v, NULL, out, c->e);
  sx_rt_unref(v);
  return s;
}
static sx_status insert(const sx_call *c, sx_rt_value *seq, uint32_t input, uint32_t at) {
  sx_rt_value *item;
  SX_TRY(own(c, input, &item));
  sx_status s = sx_rt_sequence_insert(seq, at, item, c->e);
  sx_rt_unref(item);
  return s;
}
static sx_status finish(const sx_call *c, sx_rt_value *seq, sx_status s) {
  if (s == SX_OK) return give(c, seq);
  sx_rt_unref(seq);
  return s;
}

static sx_status run_construct(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *seq;
  SX_TRY(sx_rt_sequence_create((sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_TENSOR, .dtype = c->late->in[0].dtype}, &seq, c->e));
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < c->late->n_in && s == SX_OK; i++) s = insert(c, seq, i, i);
  return finish(c, seq, s);
}
static sx_status run_empty(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_late_ctx *l = sx_late_of(c);
  const sx_plan *p = sx_exec_plan(l->x);
  sx_rt_value *seq;
  uint8_t t = (uint8_t)sx_attr_int(sx_node_at(p->graph, p->steps[l->step].node), "dtype", SX_F32);
  SX_TRY(sx_rt_sequence_create((sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_TENSOR, .dtype = t}, &seq, c->e));
  return give(c, seq);
}
static sx_status run_insert(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *from = NULL, *seq = NULL;
  int64_t at;
  SX_TRY(sequence_in(c, &from));
  int64_t n = from->u.items.n;
  SX_TRY(position(c, 2, n, n + 1, n, &at));
  SX_TRY(sx_rt_sequence_copy(from, &seq, c->e));
  return finish(c, seq, insert(c, seq, 1, (uint32_t)at));
}
static sx_status run_erase(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *from = NULL, *seq = NULL;
  int64_t at;
  SX_TRY(sequence_in(c, &from));
  int64_t n = from->u.items.n;
  if (n == 0) SX_FAIL(c->e, INVALID_ARGUMENT, "nothing can be erased from an empty sequence");
  SX_TRY(position(c, 1, n, n, n - 1, &at));
  SX_TRY(sx_rt_sequence_copy(from, &seq, c->e));
  sx_rt_sequence_remove(seq, (uint32_t)at);
  return give(c, seq);
}
static sx_status run_at(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *from = NULL;
  int64_t at;
  SX_TRY(sequence_in(c, &from));
  if (from->u.items.n == 0) SX_FAIL(c->e, INVALID_ARGUMENT, "the sequence is empty");
  SX_TRY(position(c, 1, from->u.items.n, from->u.items.n, 0, &at));
  return give(c, sx_rt_ref(from->u.items.at[at]));
}
static sx_status run_length(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *from = NULL;
  SX_TRY(sequence_in(c, &from));
  int64_t *n = sx_late_output(c, 0, SX_I64, 0, NULL);
  if (!n) SX_NO_MEMORY(c->e);
  *n = from->u.items.n;
  return SX_OK;
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
  return finish(c, v, s);
}

#define KERNEL(N, run)                                                                          \
  static sx_status prepare_##N(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }           \
  static const sx_kernel kernel_##N = {.op = &sx_op_##N, .name = "host", .flags = SX_KERNEL_LATE, .prepare = prepare_##N};
KERNEL(SequenceAt, run_at)
KERNEL(SequenceConstruct, run_construct)
KERNEL(SequenceEmpty, run_empty)
KERNEL(SequenceErase, run_erase)
KERNEL(SequenceInsert, run_insert)
KERNEL(SequenceLength, run_length)
KERNEL(StringConcat, run_string_concat)
static const sx_kernel *const kernels[] = {&kernel_SequenceAt, &kernel_SequenceConstruct, &kernel_SequenceEmpty, &kernel_SequenceErase, &kernel_SequenceInsert, &kernel_SequenceLength, &kernel_StringConcat, &sx_host_CastMap, &sx_host_DictVectorizer, &sx_host_ZipMap, NULL};
const sx_provider sx_host_provider = {"CPUExecutionProvider", kernels, 0};
