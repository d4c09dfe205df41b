// SPDX-License-Identifier: MIT
/* Emitting nodes in place of one, with sticky failure. */
#include "ops/lower.h"

static sx_vid no_memory(sx_lower *l) {
  SX_LOWER_FAIL(l, NO_MEMORY, "out of memory");
  return SX_NONE;
}

void sx_lower_nodes(sx_lower *l, const sx_op *op, const sx_vid *in, uint32_t n_in, const sx_attr *attrs, uint32_t n_attrs,
                    sx_vid *out, uint32_t n_out) {
  enum { MOST = 16 };
  sx_graph *g = l->c->g;
  sx_vid small[MOST], *v = n_in <= MOST ? small : SX_NEW_N(&g->model->arena, sx_vid, n_in);
  for (uint32_t o = 0; o < n_out; o++) out[o] = SX_NONE;
  if (!v) no_memory(l);
  while (n_in && in[n_in - 1] == SX_LOWER_ABSENT) n_in--;
  for (uint32_t i = 0; i < n_in && l->status == SX_OK; i++) {
    if (in[i] == SX_NONE) no_memory(l);
    v[i] = in[i] == SX_LOWER_ABSENT ? SX_NONE : in[i];
  }
  for (uint32_t o = 0; o < n_out && l->status == SX_OK; o++)
    if ((out[o] = sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE) no_memory(l);
  if (l->status != SX_OK) return;
  sx_nid id = sx_graph_add_node(g, op, v, n_in, out, n_out);
  if (id == SX_NONE) {
    no_memory(l);
    return;
  }
  sx_node *n = sx_node_at(g, id);
  n->op_type = sx_str_c(op->name), n->name = l->c->n->name, n->origin = l->c->n->origin;
  if (op->flags & SX_OP_PRIVATE) n->domain = SX_STR("sardonyx");
  for (uint32_t i = 0; i < n_attrs && l->status == SX_OK; i++) {
    sx_attr a = attrs[i];
    if (a.type == SX_ATTR_INTS && !(a.ints = sx_arena_copy(&g->model->arena, a.ints, a.n * sizeof *a.ints)))
      no_memory(l);
    else if (!sx_node_set_attr(g, id, &a))
      no_memory(l);
  }
  if (l->status == SX_OK) l->status = sx_infer_node(g, id, l->c->e);
  for (uint32_t o = 0; o < n_out && l->status != SX_OK; o++) out[o] = SX_NONE;
}
sx_vid sx_lower_node(sx_lower *l, const sx_op *op, const sx_vid *in, uint32_t n_in, const sx_attr *attrs,
                     uint32_t n_attrs) {
  sx_vid out;
  sx_lower_nodes(l, op, in, n_in, attrs, n_attrs, &out, 1);
  return out;
}

sx_vid sx_lower_in(const sx_lower *l, uint32_t i) {
  sx_vid v = sx_node_in(l->c->n, i);
  return v == SX_NONE ? SX_LOWER_ABSENT : v;
}
const sx_fact *sx_lower_fact(const sx_lower *l, sx_vid v) {
  static const sx_fact unknown = {.rank = -1};
  return v == SX_NONE || v == SX_LOWER_ABSENT ? &unknown : &sx_value_at(l->c->g, v)->fact;
}

sx_vid sx_lower_cast(sx_lower *l, sx_vid x, sx_dtype to) {
  return sx_lower_fact(l, x)->dtype == to ? x : sx_lower_node(l, &sx_op_Cast, &x, 1, SX_LOWER_INT("to", to));
}
sx_vid sx_lower_transpose(sx_lower *l, sx_vid x, const int *perm) {
  int64_t p[SX_MAX_RANK];
  int rank = sx_lower_fact(l, x)->rank;
  bool moves = false;
  for (int i = 0; i < rank; i++) p[i] = perm[i], moves |= perm[i] != i;
  return moves ? sx_lower_node(l, &sx_op_Transpose, &x, 1, SX_LOWER_INTS("perm", p, (uint32_t)rank)) : x;
}
sx_vid sx_lower_ints(sx_lower *l, const int64_t *v, int64_t n) {
  sx_vid c = sx_graph_const_i64(l->c->g, v, n, false);
  return c == SX_NONE ? no_memory(l) : c;
}
sx_vid sx_lower_int(sx_lower *l, int64_t v) {
  sx_vid c = sx_graph_const_i64(l->c->g, &v, 1, true);
  return c == SX_NONE ? no_memory(l) : c;
}
sx_vid sx_lower_number(sx_lower *l, double v, sx_dtype t) {
  if (t == SX_I64) return sx_lower_int(l, (int64_t)v);
  sx_tensor *x;
  sx_vid c = SX_NONE;
  if (sx_tensor_create(t == SX_F64 ? SX_F64 : SX_F32, 0, NULL, &x, NULL) != SX_OK) return no_memory(l);
  if (t == SX_F64)
    *(double *)x->data = v;
  else
    *(float *)x->data = (float)v;
  if (sx_model_hold(l->c->g->model, x, NULL) == SX_OK) c = sx_graph_add_const(l->c->g, x, (sx_str){"", 0});
  return c == SX_NONE ? no_memory(l) : sx_lower_cast(l, c, t);
}
sx_vid sx_lower_reshape(sx_lower *l, sx_vid x, const sx_dim *dims, int rank) {
  const sx_fact *f = sx_lower_fact(l, x);
  bool same = f->rank == rank;
  for (int i = 0; i < rank && same; i++) same = f->dims[i] == dims[i];
  if (same) return x;
  sx_vid shape = sx_graph_const_dims(l->c->g, dims, rank);
  if (shape == SX_NONE) return no_memory(l);
  return sx_lower_node(l, &sx_op_Reshape, SX_LOWER_IN(x, shape), SX_LOWER_INT("allowzero", 1));
}
sx_vid sx_lower_reduce(sx_lower *l, const sx_op *op, sx_vid x, const int64_t *axes, uint32_t n, bool keep) {
  return n ? sx_lower_node(l, op, SX_LOWER_IN(x, sx_lower_ints(l, axes, n)), SX_LOWER_INT("keepdims", keep)) : x;
}
sx_vid sx_lower_axes(sx_lower *l, const sx_op *op, sx_vid x, const int64_t *axes, uint32_t n) {
  return n ? sx_lower_2(l, op, x, sx_lower_ints(l, axes, n)) : x;
}
sx_vid sx_lower_shape(sx_lower *l, sx_vid x) { return sx_lower_1(l, &sx_op_Shape, x); }

sx_status sx_lower_done(sx_lower *l, const sx_vid *out, uint32_t n_out) {
  sx_graph *g = l->c->g;
  for (uint32_t o = 0; o < n_out && o < l->c->n->n_out; o++) {
    if (l->c->n->out[o] == SX_NONE) continue;
    if (out[o] == SX_NONE) no_memory(l);
    if (l->status != SX_OK) return l->status;
    sx_vid v = out[o];
    sx_value *old = sx_value_at(g, l->c->n->out[o]), *now = sx_value_at(g, v);
    if (old->fact.dtype && now->fact.dtype && old->fact.dtype != now->fact.dtype)
      return SX_LOWER_FAIL(l, FAIL, "output %u has type %s, but the model declares %s", o,
                           sx_dtype_name((sx_dtype)now->fact.dtype), sx_dtype_name((sx_dtype)old->fact.dtype));
    if (now->kind == SX_VALUE_NODE && !now->name.n) now->name = old->name, old->name = (sx_str){"", 0};
    sx_graph_replace_value(g, l->c->n->out[o], v);
  }
  if (l->status == SX_OK) sx_graph_kill(g, l->c->id);
  return l->status;
}
