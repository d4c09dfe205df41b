// SPDX-License-Identifier: MIT
/* Nodes that give back what they got, and nodes that are there twice. */
#include "pass/pass.h"

static bool is_identity_perm(const sx_node *n, int rank) {
  const int64_t *perm;
  uint32_t k = sx_attr_ints(n, "perm", &perm);
  if (!k) return rank <= 1;
  for (uint32_t i = 0; i < k; i++)
    if (perm[i] != i) return false;
  return true;
}

/* Whether a Dropout may drop something. */
static bool trains(const sx_graph *g, const sx_node *n) {
  const sx_vid mode = sx_node_in(n, 2);
  const sx_tensor *t = sx_value_const(g, mode);
  int64_t on = 1;
  return mode != SX_NONE && (!t || !sx_tensor_get_i64(t, 0, &on) || on);
}

/* The input that output 0 equals, or SX_NONE. */
static sx_vid same_as(const sx_graph *g, const sx_node *n) {
  sx_vid x = sx_node_in(n, 0);
  if (x == SX_NONE || n->n_out == 0 || n->out[0] == SX_NONE) return SX_NONE;
  const sx_fact *fx = &sx_value_at(g, x)->fact, *fy = &sx_value_at(g, n->out[0])->fact;
  const char *op = n->op->name;
  if (n->op == &sx_op_Identity) return x;
  if (fx->dtype != fy->dtype || !sx_pass_same_shape(fx, fy)) return SX_NONE;
  bool view = n->op->flags & SX_OP_VIEW || !strcmp(op, "Cast") || !strcmp(op, "Expand") || !strcmp(op, "Slice");
  if (!strcmp(op, "Slice")) { /* the whole extent, forwards: starts 0, steps 1 */
    for (uint32_t i = 1; i < 5; i += 3) {
      const sx_value *v = sx_node_in(n, i) == SX_NONE ? NULL : sx_value_at(g, n->in[i].value);
      for (uint32_t k = 0; v && k < v->fact.n_elems; k++) view &= v->fact.elems[k] == (i == 4);
      view &= !v || v->fact.n_elems > 0;
    }
  }
  if (view) return x;
  if (n->op == &sx_op_Transpose && is_identity_perm(n, fx->rank)) return x;
  if (!strcmp(op, "Concat") && n->n_in == 1) return x;
  if (n->op == &sx_op_Dropout && !trains(g, n)) return x;
  double k;
  if ((n->op == &sx_op_Mul || n->op == &sx_op_Div) && sx_pass_scalar(g, n->in[1].value, &k) && k == 1) return x;
  if (n->op == &sx_op_Sub && sx_pass_scalar(g, n->in[1].value, &k) && k == 0) return x;
  if (n->op == &sx_op_Pow && sx_pass_scalar(g, n->in[1].value, &k) && k == 1) return x;
  return SX_NONE;
}

sx_status sx_pass_identity(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_node *n = sx_node_at(g, g->order.at[i]);
    if (n->dead || !n->op || n->custom) continue;
    sx_vid x = same_as(g, n);
    if (x == SX_NONE) continue;
    bool second = false; /* a mask that somebody wants */
    for (uint32_t o = 1; o < n->n_out; o++)
      second |= n->out[o] != SX_NONE && (sx_value_at(g, n->out[o])->n_uses || sx_value_at(g, n->out[o])->output_uses);
    if (second) continue;
    sx_patch p = sx_patch_begin(c);
    sx_patch_swap(&p, n->out[0], x);
    SX_TRY(sx_patch_apply(&p, NULL));
  }
  return SX_OK;
}

static bool same_attr(const sx_attr *a, const sx_attr *b) {
  if (a->type != b->type || a->n != b->n || !sx_str_eq(a->name, b->name)) return false;
  switch (a->type) {
    case SX_ATTR_FLOAT: return !memcmp(&a->f, &b->f, sizeof a->f);
    case SX_ATTR_INT: return a->i == b->i;
    case SX_ATTR_STRING: return sx_str_eq(a->s, b->s);
    case SX_ATTR_FLOATS: return !memcmp(a->floats, b->floats, a->n * sizeof(float));
    case SX_ATTR_INTS: return !memcmp(a->ints, b->ints, a->n * sizeof(int64_t));
    default: return false;
  }
}
static bool same_node(const sx_node *a, const sx_node *b) {
  if (a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out || a->n_attrs != b->n_attrs) return false;
  for (uint32_t i = 0; i < a->n_in; i++)
    if (a->in[i].value != b->in[i].value) return false;
  for (uint32_t i = 0; i < a->n_attrs; i++)
    if (!same_attr(&a->attrs[i], &b->attrs[i])) return false;
  for (uint32_t o = 0; o < a->n_out; o++)
    if ((a->out[o] == SX_NONE) != (b->out[o] == SX_NONE)) return false;
  return true;
}
/* Sizes that only the run tells have a symbol per node that finds them, which the shape program may refer to: both stay. */
static bool same_sizes(const sx_graph *g, const sx_node *a, const sx_node *b) {
  for (uint32_t o = 0; o < a->n_out; o++) {
    if (a->out[o] == SX_NONE) continue;
    const sx_fact *x = &sx_value_at(g, a->out[o])->fact, *y = &sx_value_at(g, b->out[o])->fact;
    for (int i = 0; i < x->rank && x->rank == y->rank; i++)
      if (x->dims[i] != y->dims[i]) return false;
  }
  return true;
}
static uint64_t hash_node(const sx_node *n) {
  uint64_t h = sx_hash(&n->op, sizeof n->op, n->n_out);
  for (uint32_t i = 0; i < n->n_in; i++) h = sx_hash(&n->in[i].value, sizeof(sx_vid), h);
  return h;
}

sx_status sx_pass_cse(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  sx_map seen = {0};
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < g->order.n && s == SX_OK; i++) {
    sx_node *n = sx_node_at(g, g->order.at[i]);
    if (n->dead || !n->op || n->custom || !n->n_in || n->op->flags & (SX_OP_NONDETERMINISTIC | SX_OP_CONTROL | SX_OP_HOST))
      continue;
    uint64_t h = hash_node(n), other;
    sx_node *m = NULL;
    for (; sx_map_get(&seen, h, &other); h++) {
      m = sx_node_at(g, (sx_nid)other);
      if (!m->dead && same_node(m, n) && same_sizes(g, m, n)) break;
      m = NULL;
    }
    if (!m) {
      if (!sx_map_put(&seen, h, g->order.at[i])) s = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    } else if (n->n_out <= SX_MAX_SWAPS) {
      uint32_t origin = n->origin;
      bool applied;
      sx_patch p = sx_patch_begin(c);
      for (uint32_t o = 0; o < n->n_out; o++)
        if (n->out[o] != SX_NONE) sx_patch_swap(&p, n->out[o], m->out[o]);
      s = sx_patch_apply(&p, &applied);
      if (applied) m->origin = sx_origin_union(g->model, m->origin, origin);
    }
  }
  sx_map_free(&seen);
  return s;
}
