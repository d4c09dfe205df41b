// SPDX-License-Identifier: MIT
/* The invariants of a graph, checked one by one. Runs after every pass in debug builds; linear. */
#include "ir/graph.h"

#define MUST(cond, ...) \
  if (!(cond)) SX_FAIL(e, INVALID_GRAPH, "graph verifier: " __VA_ARGS__)

static sx_status check_node(const sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  for (uint32_t i = 0; i < n->n_in; i++) {
    const sx_use *u = &n->in[i];
    MUST(u->node == id && u->slot == i, "input %u of node %u does not know its place", i, id);
    if (u->value == SX_NONE) continue;
    MUST(u->value < g->values.n, "input %u of node %u is value %u of %u", i, id, u->value, g->values.n);
    MUST(u->prev ? u->prev->next == u : sx_value_at(g, u->value)->uses == u, "a use list is broken at node %u", id);
    const sx_node *p = sx_value_producer(g, u->value);
    MUST(!p || !p->dead, "node %u reads a value of dead node %u", id, sx_value_at(g, u->value)->producer);
    MUST(p || sx_value_at(g, u->value)->kind != SX_VALUE_NODE, "node %u reads value %u, which nobody makes", id, u->value);
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (n->out[i] == SX_NONE) continue;
    const sx_value *v = sx_value_at(g, n->out[i]);
    MUST(v->producer == id && v->index == i, "value %u does not know its producer %u", n->out[i], id);
  }
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (n->attrs[i].type == SX_ATTR_GRAPH) {
      const sx_graph *b = n->attrs[i].g;
      MUST(b->parent == g && b->owner == id, "a body of node %u belongs to another", id);
      for (uint32_t k = 0; k < b->captures.n; k++)
        MUST(b->capture_slots.at[k] >= n->n_formal && b->capture_slots.at[k] < n->n_in, "capture %u of node %u has no slot", k, id);
      SX_TRY(sx_graph_verify(b, e));
    }
  return SX_OK;
}

sx_status sx_graph_verify(const sx_graph *g, sx_err *e) {
  uint32_t live = 0;
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    if (sx_node_at(g, i)->dead) continue;
    live++;
    SX_TRY(sx_node_context(g, sx_node_at(g, i), check_node(g, i, e), e));
  }
  MUST(live == g->live, "%u live nodes are counted as %u", live, g->live);
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    const sx_value *v = sx_value_at(g, g->outputs.at[i]);
    MUST(v->output_uses, "output %u does not know that it is one", i);
    MUST(v->kind != SX_VALUE_NODE || v->producer != SX_NONE, "output %u has no producer", i);
  }
  return SX_OK;
}
