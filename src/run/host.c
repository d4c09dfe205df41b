// SPDX-License-Identifier: MIT
/* Kernels of values that are no plain tensors: sequences and optionals, by reference. All are late steps. */
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
  if (p < -n || p >= room)
    SX_FAIL(c->e, INVALID_ARGUMENT, "position %lld is outside of a sequence of %lld, expected %lld to %lld", (long long)p,
            (long long)n, (long long)-n, (long long)(room - 1));
  *out = p < 0 ? p + n : p;
  return SX_OK;
}
/* Input i as a value that outlives the step: what lies in a slab or is the caller's is copied. */
static sx_status own(const sx_call *c, uint32_t i, sx_rt_value **out) {
  sx_rt_value *v;
  SX_TRY(sx_late_take(c, i, &v));
  if (!sx_rt_is_tensor(v) || (c->late->value(c->late, i) == v && v->type.dtype != SX_STRING && !sx_rt_is_borrowed(v))) {
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
static sx_status run_construct(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *seq;
  SX_TRY(sx_rt_sequence_create((sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_TENSOR, .dtype = c->late->in[0].dtype},
                               &seq, c->e));
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < c->late->n_in && s == SX_OK; i++) s = insert(c, seq, i, i);
  return sx_late_give(c, 0, seq, s);
}
static sx_status run_empty(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *seq;
  uint8_t t = (uint8_t)sx_attr_int(sx_late_node(c), "dtype", SX_F32);
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
  return sx_late_give(c, 0, seq, insert(c, seq, 1, (uint32_t)at));
}
static sx_status run_erase(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *from = NULL, *seq = NULL;
  int64_t at;
  SX_TRY(sequence_in(c, &from));
  int64_t n = from->u.items.n;
  if (n == 0) SX_FAIL(c->e, FAIL, "nothing can be erased from an empty sequence");
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

/* Rows of `part` bytes at `offset` in rows of `whole` bytes, copied out or in. */
static void copy_part(char *whole, size_t whole_row, char *part, size_t part_row, size_t offset, int64_t rows,
                      bool into_whole) {
  for (int64_t r = 0; r < rows && part_row; r++) {
    char *w = whole + (size_t)r * whole_row + offset, *p = part + (size_t)r * part_row;
    memcpy(into_whole ? w : p, into_whole ? p : w, part_row);
  }
}
static sx_status axis_of(const sx_call *c, int rank, int *axis) {
  int64_t a = sx_attr_int(sx_late_node(c), "axis", 0);
  if (a < -rank || a >= rank)
    SX_FAIL(c->e, INVALID_ARGUMENT, "axis is %lld, expected %d to %d", (long long)a, -rank, rank - 1);
  *axis = (int)(a < 0 ? a + rank : a);
  return SX_OK;
}
static sx_status elem_size(const sx_call *c, sx_dtype t, size_t *size) {
  *size = sx_dtype_bits(t) / 8;
  if (!*size) SX_FAIL(c->e, NOT_IMPLEMENTED, "sequences of pieces of type %s", sx_dtype_name(t));
  return SX_OK;
}

/* The length of piece k along the axis of n elements: from input 1, a list of lengths or one for all, or 1. */
static int64_t piece(const sx_view *lengths, uint32_t k, int64_t rest) {
  if (!lengths) return 1;
  int64_t at = lengths->rank == 0 ? 0 : k;
  int64_t v =
      lengths->dtype == SX_I32 ? ((const int32_t *)lengths->constant)[at] : ((const int64_t *)lengths->constant)[at];
  return lengths->rank == 0 && v > rest ? rest : v;
}
static sx_status check_pieces(const sx_call *c, const sx_view *lengths, int64_t n) {
  int64_t sum = 0;
  if (!lengths) return SX_OK;
  if (lengths->rank > 1)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the lengths have rank %d, expected a scalar or a list", lengths->rank);
  for (int64_t k = 0; k < lengths->count; k++) {
    int64_t v = piece(lengths, (uint32_t)k, INT64_MAX);
    if (v < (lengths->rank == 0) || !sx_i64_add(sum, v, &sum))
      SX_FAIL(c->e, FAIL, "a piece has the length %lld", (long long)v);
  }
  if (lengths->rank == 1 && sum != n)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the pieces have %lld elements together, the axis has %lld", (long long)sum,
            (long long)n);
  return SX_OK;
}
static sx_status cut(const sx_call *c, sx_rt_value *seq, int axis, const sx_view *lengths) {
  const sx_view *x = &c->late->in[0];
  int64_t n = x->dims[axis], dims[SX_MAX_RANK], inner = sx_dims_count(x->dims, axis + 1, x->rank),
          outer = sx_dims_count(x->dims, 0, axis);
  bool keep = lengths || sx_attr_int(sx_late_node(c), "keepdims", 1);
  size_t elem;
  SX_TRY(elem_size(c, (sx_dtype)x->dtype, &elem));
  uint32_t k = 0;
  for (int64_t at = 0, len; lengths && lengths->rank ? k < lengths->count : at < n; at += len, k++) {
    sx_rt_value *v;
    int rank = 0;
    len = piece(lengths, k, n - at);
    for (int i = 0; i < x->rank; i++)
      if (i != axis || keep) dims[rank++] = i == axis ? len : x->dims[i];
    SX_TRY(sx_rt_tensor_create((sx_dtype)x->dtype, (uint32_t)rank, dims, NULL, &v, c->e));
    copy_part(c->in[0], (size_t)(n * inner) * elem, v->data, (size_t)(len * inner) * elem, (size_t)(at * inner) * elem,
              outer, false);
    sx_status s = x->dtype == SX_STRING ? sx_rt_strings_own(v, c->e) : SX_OK;
    if (s == SX_OK) s = sx_rt_sequence_insert(seq, seq->u.items.n, v, c->e);
    sx_rt_unref(v);
    SX_TRY(s);
  }
  return SX_OK;
}
static sx_status run_split(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0], *lengths = c->late->n_in > 1 && c->late->in[1].dtype ? &c->late->in[1] : NULL;
  int axis = 0;
  sx_rt_value *seq;
  SX_TRY(axis_of(c, x->rank, &axis));
  SX_TRY(check_pieces(c, lengths, x->dims[axis]));
  SX_TRY(sx_rt_sequence_create((sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_TENSOR, .dtype = x->dtype}, &seq, c->e));
  return sx_late_give(c, 0, seq, cut(c, seq, axis, lengths));
}

/* ConcatFromSequence: along an axis, or along a new one. */
static sx_status run_join(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *seq = NULL, *y;
  bool stack = sx_attr_int(sx_late_node(c), "new_axis", 0) != 0;
  int64_t dims[SX_MAX_RANK + 1], n = 0;
  int axis = 0;
  size_t elem;
  SX_TRY(sequence_in(c, &seq));
  if (!seq->u.items.n) SX_FAIL(c->e, FAIL, "the sequence is empty: there is nothing to join");
  const sx_rt_value *first = seq->u.items.at[0];
  int rank = (int)first->rank + stack;
  if (rank > SX_MAX_RANK)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the result would have rank %d, at most %d are supported", rank, SX_MAX_RANK);
  SX_TRY(axis_of(c, rank, &axis));
  for (uint32_t k = 0; k < seq->u.items.n; k++) {
    const sx_rt_value *v = seq->u.items.at[k];
    bool same = sx_rt_is_tensor(v) && v->rank == first->rank && v->type.dtype == first->type.dtype;
    for (int i = 0; i < (int)first->rank && same; i++) same = v->dims[i] == first->dims[i] || (i == axis && !stack);
    if (!same)
      SX_FAIL(c->e, FAIL,
              "element %u of the sequence differs from element 0 in its type or shape: they cannot be joined along axis %d",
              k, axis);
    if (!sx_i64_add(n, stack ? 1 : v->dims[axis], &n)) SX_NO_MEMORY(c->e);
  }
  for (int i = 0, k = 0; i < rank; i++) {
    dims[i] = i == axis ? n : first->dims[k];
    if (i != axis || !stack) k++;
  }
  SX_TRY(elem_size(c, (sx_dtype)first->type.dtype, &elem));
  SX_TRY(sx_rt_tensor_create((sx_dtype)first->type.dtype, (uint32_t)rank, dims, NULL, &y, c->e));
  size_t inner = (size_t)sx_dims_count(dims, axis + 1, rank) * elem, at = 0;
  int64_t outer = sx_dims_count(dims, 0, axis);
  for (uint32_t k = 0; k < seq->u.items.n && y->bytes; k++) {
    size_t row = (stack ? 1 : (size_t)seq->u.items.at[k]->dims[axis]) * inner;
    copy_part(y->data, (size_t)n * inner, seq->u.items.at[k]->data, row, at, outer, true);
    at += row;
  }
  return sx_late_give(c, 0, y, first->type.dtype == SX_STRING ? sx_rt_strings_own(y, c->e) : SX_OK);
}

/* What an optional holds, NULL: nothing. */
static sx_rt_value *held(const sx_call *c) {
  sx_rt_value *v = c->late->n_in ? c->late->value(c->late, 0) : NULL;
  return v && v->type.kind == SX_RT_NONE ? NULL : v;
}
static sx_status run_optional(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *v;
  const sx_attr *a = sx_node_attr(sx_late_node(c), "type");
  if (c->late->n_in && sx_node_in(sx_late_node(c), 0) != SX_NONE)
    SX_TRY(own(c, 0, &v));
  else
    SX_TRY(sx_rt_none_create(a && a->type_proto ? sx_rt_type_of(a->type_proto) : (sx_rt_type){0}, &v, c->e));
  return give(c, v);
}
static sx_status run_get(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_rt_value *v;
  if (!held(c)) SX_FAIL(c->e, INVALID_ARGUMENT, "the optional holds nothing");
  SX_TRY(own(c, 0, &v));
  return give(c, v);
}
static sx_status run_has(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  sx_vid in = sx_node_in(sx_late_node(c), 0);
  const sx_plan *p = sx_exec_plan(sx_late_of(c)->x);
  uint8_t *has = sx_late_output(c, 0, SX_BOOL, 0, NULL);
  if (!has) SX_NO_MEMORY(c->e);
  *has = in != SX_NONE && (sx_value_at(p->graph, in)->fact.kind == SX_KIND_TENSOR || held(c));
  return SX_OK;
}

#define KERNEL(N, run) SX_LATE_KERNEL(static, kernel_##N, N, "host", run, NULL);
KERNEL(ConcatFromSequence, run_join)
KERNEL(Optional, run_optional)
KERNEL(OptionalGetElement, run_get)
KERNEL(OptionalHasElement, run_has)
KERNEL(SequenceAt, run_at)
KERNEL(SequenceConstruct, run_construct)
KERNEL(SequenceEmpty, run_empty)
KERNEL(SequenceErase, run_erase)
KERNEL(SequenceInsert, run_insert)
KERNEL(SequenceLength, run_length)
KERNEL(SplitToSequence, run_split)
static const sx_kernel *const kernels[] = {&kernel_ConcatFromSequence, &kernel_Optional,        &kernel_OptionalGetElement,
                                           &kernel_OptionalHasElement, &kernel_SequenceAt,      &kernel_SequenceConstruct,
                                           &kernel_SequenceEmpty,      &kernel_SequenceErase,   &kernel_SequenceInsert,
                                           &kernel_SequenceLength,     &kernel_SplitToSequence, &sx_host_CastMap,
                                           &sx_host_DictVectorizer,    &sx_host_ZipMap,         NULL};
const sx_provider sx_host_provider = {"CPUExecutionProvider", kernels, 0};
