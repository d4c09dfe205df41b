// SPDX-License-Identifier: MIT
/* Types of sequences and optionals: from facts, joined, and back. */
#include "ops/host/types.h"

const sx_type *sx_type_of(sx_infer *c, const sx_fact *f) {
  if (f && f->kind != SX_KIND_TENSOR && f->type) return f->type;
  sx_type *t = SX_NEW(c->arena, sx_type);
  sx_dim *d = f && f->rank > 0 ? SX_NEW_N(c->arena, sx_dim, (size_t)f->rank) : NULL;
  if (!t || (f && f->rank > 0 && !d)) return NULL;
  *t = (sx_type){.kind = f && f->kind ? (sx_kind)f->kind : SX_KIND_TENSOR,
                 .dtype = f ? f->dtype : 0,
                 .rank = f ? f->rank : -1,
                 .dims = d};
  for (int i = 0; i < t->rank; i++) d[i] = sx_dim_is_const(f->dims[i]) ? f->dims[i] : SX_DIM_UNKNOWN;
  return t;
}

bool sx_type_eq(const sx_type *a, const sx_type *b) {
  if (a == b) return true;
  if (!a || !b || a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dims[i] != b->dims[i]) return false;
  return sx_type_eq(a->item, b->item);
}

const sx_type *sx_type_join(sx_infer *c, const sx_type *a, const sx_type *b) {
  if (!a || !b || sx_type_eq(a, b)) return a ? a : b;
  if (a->kind != b->kind)
    return a->kind == SX_KIND_OPTIONAL || !b->kind ? a : b->kind == SX_KIND_OPTIONAL || !a->kind ? b : a;
  sx_type *t = SX_NEW(c->arena, sx_type);
  if (!t) return NULL;
  *t = *a;
  if (!t->dtype) t->dtype = b->dtype;
  if (a->item && b->item && !(t->item = sx_type_join(c, a->item, b->item))) return NULL;
  if (a->rank == SX_RANK_NONE)
    t->rank = b->rank, t->dims = b->dims;
  else if (a->rank != b->rank && b->rank != SX_RANK_NONE)
    t->rank = -1;
  else if (b->rank > 0) {
    sx_dim *d = sx_arena_copy(c->arena, a->dims, (size_t)a->rank * sizeof *d);
    if (!d) return NULL;
    for (int i = 0; i < a->rank; i++)
      if (d[i] != b->dims[i]) d[i] = SX_DIM_UNKNOWN;
    t->dims = d;
  }
  return t;
}

sx_status sx_infer_container(sx_infer *c, uint32_t o, sx_kind kind, const sx_type *item) {
  sx_type *t = SX_NEW(c->arena, sx_type);
  if (!t || !item) SX_NO_MEMORY(c->e);
  *t = (sx_type){.kind = kind, .rank = -1, .item = item};
  c->out[o] = (sx_fact){.kind = (uint8_t)kind, .rank = -1, .type = t};
  return SX_OK;
}

sx_status sx_infer_typed(sx_infer *c, uint32_t o, const sx_type *t) {
  if (!t || t->kind == SX_KIND_UNKNOWN) return SX_OK;
  if (t->kind != SX_KIND_TENSOR) {
    c->out[o] = (sx_fact){.kind = (uint8_t)t->kind, .rank = -1, .type = t};
    return SX_OK;
  }
  sx_dim d[SX_MAX_RANK];
  for (int i = 0; i < t->rank && i < SX_MAX_RANK; i++) d[i] = sx_dim_is_const(t->dims[i]) ? t->dims[i] : SX_DIM_UNKNOWN;
  return sx_infer_set(c, o, t->dtype, t->rank < 0 ? -1 : t->rank, d);
}
