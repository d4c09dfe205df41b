// SPDX-License-Identifier: MIT
/* Contents of inputs as inference meets them: numbers, expressions, or unknown. */
#ifndef SX_OPS_MOVE_CONTENT_H
#define SX_OPS_MOVE_CONTENT_H
#include "ops/ops.h"

/* The constant behind input i, or NULL: absent, not constant, or only a default. */
static inline const sx_tensor *sx_infer_const(const sx_infer *c, uint32_t i) {
  const sx_fact *f = sx_infer_in(c, i);
  return f && (c->in || !sx_value_at(c->g, sx_node_in(c->n, i))->overridable) ? f->constant : NULL;
}
/* Element k of an integer input when it is a number; also one too large to be a dimension. */
static inline bool sx_infer_number(const sx_infer *c, uint32_t i, int64_t k, int64_t *v) {
  const sx_dim *e;
  int n = sx_infer_ints(c, i, &e);
  if (k < n && sx_dim_is_const(e[k])) return *v = e[k], true;
  const sx_tensor *t = sx_infer_const(c, i);
  return t && k < t->count && sx_tensor_get_i64(t, k, v);
}
/* The element as an expression; SX_DIM_UNKNOWN when nothing is known. */
static inline sx_dim sx_infer_elem(const sx_infer *c, uint32_t i, int64_t k) {
  const sx_dim *e;
  int n = sx_infer_ints(c, i, &e);
  return k < n ? e[k] : SX_DIM_UNKNOWN;
}
/* Number of elements of input i as its shape tells, -1 when unknown. */
static inline int64_t sx_infer_count(const sx_infer *c, uint32_t i) {
  const sx_fact *f = sx_infer_in(c, i);
  int64_t n = 1;
  if (!f || f->rank < 0) return -1;
  for (int k = 0; k < f->rank; k++)
    if (!sx_dim_is_const(f->dims[k]) || !sx_i64_mul(n, f->dims[k], &n)) return -1;
  return n;
}
/* Input i is a list: a vector, or one number without dimensions. */
static inline sx_status sx_infer_list(sx_infer *c, uint32_t i, const char *what) {
  if (sx_infer_has_rank(c, i) && sx_infer_in(c, i)->rank > 1)
    return SX_INFER_FAIL(c, "%s has rank %d, expected a list of rank 1", what, sx_infer_in(c, i)->rank);
  return SX_OK;
}
/* Input i, where it is there, is one number. */
static inline sx_status sx_infer_one(sx_infer *c, uint32_t i, const char *what) {
  const int64_t n = sx_infer_in(c, i) ? sx_infer_count(c, i) : 1;
  if (n >= 0 && n != 1) return SX_INFER_FAIL(c, "%s has %lld elements, expected 1", what, (long long)n);
  return SX_OK;
}
/* max(d, 0), without the maximum where the expression tells. */
static inline sx_dim sx_infer_at_least_0(sx_infer *c, sx_dim d) {
  return sx_dim_sign(c->dims, d) > 0 ? d : sx_dim_max(c->dims, d, 0);
}
/* Element facts of output 0, whose element at a place is element base + sum(place * stride) of input i; dimensions that are
 * no numbers, or too many elements, give none. The shape must be set. */
static inline sx_status sx_infer_elems_at(sx_infer *c, uint32_t o, uint32_t i, int64_t base, const int64_t *stride) {
  const sx_dim *e;
  sx_dim r[SX_MAX_ELEMS];
  const sx_fact *y = o < c->n->n_out ? &c->out[o] : NULL;
  int have = y ? sx_infer_ints(c, i, &e) : -1;
  int64_t n = 1;
  if (have < 0) return SX_OK;
  for (int k = 0; k < y->rank; k++)
    if (!sx_dim_is_const(y->dims[k]) || !sx_i64_mul(n, y->dims[k], &n)) return SX_OK;
  if (n > SX_MAX_ELEMS) return SX_OK;
  for (int64_t j = 0; j < n; j++) {
    int64_t at = base, rest = j;
    for (int k = y->rank; k-- > 0; rest /= y->dims[k]) at += rest % y->dims[k] * stride[k];
    r[j] = at >= 0 && at < have ? e[at] : SX_DIM_UNKNOWN;
  }
  return sx_infer_elems(c, o, (uint32_t)n, r);
}
/* Row-major strides of dims; false when they are no numbers. */
static inline bool sx_infer_strides(const sx_fact *f, int64_t *stride) {
  int64_t s = 1;
  for (int k = f->rank; k-- > 0;) {
    stride[k] = s;
    if (!sx_dim_is_const(f->dims[k]) || !sx_i64_mul(s, f->dims[k], &s)) return false;
  }
  return true;
}
/* A node before the one being upgraded, on in[]; `to` != 0: its attribute. *out: its output, facts inferred. */
static inline sx_status sx_upgrade_emit(sx_upgrade_ctx *c, const sx_op *op, const sx_vid *in, uint32_t n, int64_t to,
                                        sx_vid *out) {
  for (uint32_t i = 0; i < n; i++)
    if (in[i] == SX_NONE) SX_NO_MEMORY(c->e);
  if ((*out = sx_graph_emit(c->g, op, in, n)) == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid id = sx_value_at(c->g, *out)->producer;
  sx_node_at(c->g, id)->origin = c->n->origin;
  if (to && !sx_node_set_int(c->g, id, "to", to)) SX_NO_MEMORY(c->e);
  return sx_infer_node(c->g, id, c->e);
}
/* v, made by such nodes, takes the place and the name of output y; the node being upgraded is gone. */
static inline sx_status sx_upgrade_replace(sx_upgrade_ctx *c, sx_vid y, sx_vid v) {
  sx_value_at(c->g, v)->name = sx_value_at(c->g, y)->name;
  sx_value_at(c->g, y)->name = (sx_str){"", 0};
  sx_graph_replace_value(c->g, y, v);
  sx_graph_kill(c->g, c->id);
  return SX_OK;
}
#endif
