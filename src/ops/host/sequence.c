// SPDX-License-Identifier: MIT
/* Sequences, and strings joined: values that are no plain tensors, or whose elements are. Kernels: run/host.c. */
#include "ops/ops.h"

static sx_status set_sequence(sx_infer *c, const sx_fact *item) {
  sx_type *t = SX_NEW(c->arena, sx_type), *i = SX_NEW(c->arena, sx_type);
  if (!t || !i) SX_NO_MEMORY(c->e);
  *i = (sx_type){.kind = SX_KIND_TENSOR, .dtype = item ? item->dtype : 0, .rank = -1};
  *t = (sx_type){.kind = SX_KIND_SEQUENCE, .rank = -1, .item = i};
  c->out[0] = (sx_fact){.kind = SX_KIND_SEQUENCE, .rank = -1, .type = t};
  return SX_OK;
}
static sx_dtype item_type(const sx_fact *f) { return f && f->type && f->type->item ? (sx_dtype)f->type->item->dtype : SX_UNDEFINED; }

static sx_status infer_construct(sx_infer *c) { return set_sequence(c, sx_infer_in(c, 0)); }
static sx_status infer_empty(sx_infer *c) {
  sx_fact f = {.dtype = (uint8_t)sx_attr_int(c->n, "dtype", SX_F32)};
  return set_sequence(c, &f);
}
static sx_status infer_like_sequence(sx_infer *c) { return sx_infer_like(c, 0, 0); }
static sx_status infer_at(sx_infer *c) { return sx_infer_set(c, 0, item_type(sx_infer_in(c, 0)), -1, NULL); }
static sx_status infer_length(sx_infer *c) { return sx_infer_set(c, 0, SX_I64, 0, NULL); }

#define SEQUENCE(N, hook) const sx_op sx_op_##N = {.name = #N, .flags = SX_OP_HOST, .infer = hook};
SEQUENCE(SequenceAt, infer_at)
SEQUENCE(SequenceConstruct, infer_construct)
SEQUENCE(SequenceEmpty, infer_empty)
SEQUENCE(SequenceErase, infer_like_sequence)
SEQUENCE(SequenceInsert, infer_like_sequence)
SEQUENCE(SequenceLength, infer_length)

static sx_status infer_string_concat(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int rank;
  SX_TRY(sx_infer_broadcast_dims(c, 0, 2, d, &rank));
  return sx_infer_set(c, 0, SX_STRING, rank, d);
}
const sx_op sx_op_StringConcat = {.name = "StringConcat", .flags = SX_OP_HOST, .infer = infer_string_concat};
