// SPDX-License-Identifier: MIT
/* If with a condition that is known becomes the branch it takes. Exporters guard squeezes with conditions on ranks and static
 * sizes; with the guard in place the result's rank would be unknown. Runs at every level, before anything else. */
#include "pass/pass.h"

/* 1 or 0 when the condition is known, -1 otherwise. */
static int known_condition(const sx_graph *g, const sx_node *n) {
  const sx_value *v = sx_value_at(g, n->in[0].value);
  int64_t x;
  if (v->overridable) return -1;
  if (v->fact.constant && v->fact.constant->count == 1 && sx_tensor_get_i64(v->fact.constant, 0, &x)) return x != 0;
  return v->fact.n_elems == 1 && sx_dim_is_const(v->fact.elems[0]) ? v->fact.elems[0] != 0 : -1;
}

static sx_status map_values(sx_pass_ctx *c, const sx_node *n, const sx_graph *b, sx_vid *map) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < b->values.n; i++) {
    const sx_value *v = sx_value_at(b, i);
    if (v->kind == SX_VALUE_CAPTURE) {
      map[i] = n->in[b->capture_slots.at[v->index]].value;
      continue;
    }
    if ((map[i] = sx_graph_add_value(g, (sx_value_kind)v->kind, v->name)) == SX_NONE) SX_NO_MEMORY(c->e);
    sx_value_at(g, map[i])->fact = v->fact;
  }
  return SX_OK;
}

static sx_status move_node(sx_pass_ctx *c, sx_node *x, const sx_vid *map) {
  sx_graph *g = c->g;
  size_t bytes = ((size_t)x->n_in + x->n_out + 1) * sizeof(sx_vid);
  sx_vid *ids = sx_malloc(bytes);
  if (!ids) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < x->n_in; i++) ids[i] = x->in[i].value == SX_NONE ? SX_NONE : map[x->in[i].value];
  for (uint32_t o = 0; o < x->n_out; o++) ids[x->n_in + o] = x->out[o] == SX_NONE ? SX_NONE : map[x->out[o]];
  sx_nid id = sx_graph_add_node(g, x->op, ids, x->n_in, ids + x->n_in, x->n_out);
  sx_free(ids, bytes);
  if (id == SX_NONE) SX_NO_MEMORY(c->e);
  sx_node *y = sx_node_at(g, id);
  y->custom = x->custom, y->name = x->name, y->op_type = x->op_type, y->domain = x->domain, y->since_version = x->since_version;
  y->origin = x->origin, y->n_formal = x->n_formal;
  y->attrs = x->attrs, y->n_attrs = x->n_attrs;
  for (uint32_t k = 0; k < y->n_attrs; k++)
    if (y->attrs[k].type == SX_ATTR_GRAPH) y->attrs[k].g->parent = g, y->attrs[k].g->owner = id;
  x->n_attrs = 0; /* the bodies have moved */
  return SX_OK;
}

static sx_status take_branch(sx_pass_ctx *c, sx_nid id, bool taken) {
  sx_graph *g = c->g;
  const sx_node *n = sx_node_at(g, id);
  sx_graph *b = sx_attr_graph(n, taken ? "then_branch" : "else_branch");
  if (!b) return SX_OK;
  SX_TRY(sx_graph_sort(b, c->e));
  size_t bytes = ((size_t)b->values.n + 1) * sizeof(sx_vid);
  sx_vid *map = sx_malloc(bytes);
  if (!map) SX_NO_MEMORY(c->e);
  sx_status s = map_values(c, n, b, map);
  for (uint32_t i = 0; i < b->order.n && s == SX_OK; i++) s = move_node(c, sx_node_at(b, b->order.at[i]), map);
  for (uint32_t o = 0; o < n->n_out && s == SX_OK; o++)
    if (n->out[o] != SX_NONE) sx_graph_replace_value(g, n->out[o], map[b->outputs.at[o]]);
  sx_free(map, bytes);
  if (s == SX_OK) sx_graph_kill(g, id);
  if (c->fired) c->fired[c->pass]++;
  return s;
}

sx_status sx_pass_inline_if(sx_pass_ctx *c) {
  enum { ROUNDS = 200 }; /* nested branches show their conditions one after the other */
  for (int round = 0; round < ROUNDS; round++) {
    bool changed = false;
    for (uint32_t i = 0, n = c->g->nodes.n; i < n; i++) {
      const sx_node *x = sx_node_at(c->g, i);
      int taken = x->dead || x->op != &sx_op_If ? -1 : known_condition(c->g, x);
      if (taken < 0) continue;
      SX_TRY(take_branch(c, i, taken != 0));
      changed = true;
    }
    if (!changed) return SX_OK;
    sx_graph_sweep(c->g);
    SX_TRY(sx_infer_graph(c->g, c->e));
  }
  return SX_OK;
}
