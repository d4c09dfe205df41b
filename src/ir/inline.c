// SPDX-License-Identifier: MIT
/* A body's nodes moved into the graph around it: how an If with a known condition disappears, and an operator that runs a
 * body once. */
#include "ir/graph.h"

static sx_status map_values(sx_graph *g, const sx_node *n, const sx_graph *b, const sx_vid *in, sx_vid *map, sx_err *e) {
  for (uint32_t i = 0; i < b->values.n; i++) {
    const sx_value *v = sx_value_at(b, i);
    if (v->kind == SX_VALUE_INPUT && in && v->index < b->inputs.n && b->inputs.at[v->index] == i) {
      map[i] = in[v->index];
      continue;
    }
    if (v->kind == SX_VALUE_CAPTURE) {
      map[i] = n->in[b->capture_slots.at[v->index]].value;
      continue;
    }
    if ((map[i] = sx_graph_add_value(g, (sx_value_kind)v->kind, in ? (sx_str){"", 0} : v->name)) == SX_NONE)
      SX_NO_MEMORY(e);
    sx_value_at(g, map[i])->fact = v->fact;
  }
  return SX_OK;
}

static sx_status move_node(sx_graph *g, sx_node *x, const sx_vid *map, uint32_t place, sx_err *e) {
  size_t bytes = ((size_t)x->n_in + x->n_out + 1) * sizeof(sx_vid);
  sx_vid *ids = sx_malloc(bytes);
  if (!ids) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < x->n_in; i++) ids[i] = x->in[i].value == SX_NONE ? SX_NONE : map[x->in[i].value];
  for (uint32_t o = 0; o < x->n_out; o++) ids[x->n_in + o] = x->out[o] == SX_NONE ? SX_NONE : map[x->out[o]];
  sx_nid id = sx_graph_add_node(g, x->op, ids, x->n_in, ids + x->n_in, x->n_out);
  sx_free(ids, bytes);
  if (id == SX_NONE) SX_NO_MEMORY(e);
  sx_node *y = sx_node_at(g, id);
  y->custom = x->custom, y->provider = x->provider, y->name = x->name, y->op_type = x->op_type, y->domain = x->domain,
  y->since_version = x->since_version;
  y->origin = x->origin, y->place = place, y->n_formal = x->n_formal;
  y->attrs = x->attrs, y->n_attrs = x->n_attrs;
  for (uint32_t k = 0; k < y->n_attrs; k++)
    if (y->attrs[k].type == SX_ATTR_GRAPH) y->attrs[k].g->parent = g, y->attrs[k].g->owner = id;
  x->n_attrs = 0; /* the bodies have moved */
  return SX_OK;
}

sx_status sx_graph_inline_body(sx_graph *g, sx_nid id, sx_graph *b, const sx_vid *in, sx_vid *out, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  SX_TRY(sx_graph_sort(b, e));
  size_t bytes = ((size_t)b->values.n + 1) * sizeof(sx_vid);
  sx_vid *map = sx_malloc(bytes);
  if (!map) SX_NO_MEMORY(e);
  sx_status s = map_values(g, n, b, in, map, e);
  for (uint32_t i = 0; i < b->order.n && s == SX_OK; i++) s = move_node(g, sx_node_at(b, b->order.at[i]), map, n->place, e);
  for (uint32_t o = 0; o < b->outputs.n && s == SX_OK; o++) out[o] = map[b->outputs.at[o]];
  sx_free(map, bytes);
  return s;
}
sx_status sx_graph_inline(sx_graph *g, sx_nid id, sx_graph *b, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  size_t bytes = ((size_t)b->outputs.n + 1) * sizeof(sx_vid);
  sx_vid *out = sx_malloc(bytes);
  if (!out) SX_NO_MEMORY(e);
  sx_status s = sx_graph_inline_body(g, id, b, NULL, out, e);
  for (uint32_t o = 0; o < n->n_out && s == SX_OK; o++)
    if (n->out[o] != SX_NONE) sx_graph_replace_value(g, n->out[o], out[o]);
  sx_free(out, bytes);
  if (s == SX_OK) sx_graph_kill(g, id);
  return s;
}
