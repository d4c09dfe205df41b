// SPDX-License-Identifier: MIT
/* Control flow that is decided already: the branch of an If with a constant condition moves into the graph around it. And results
 * that nobody reads: optional outputs are given up, so that kernels need not make them. */
#include "pass/pass.h"

/* The body's value as one of g's. */
static sx_vid moved(sx_graph *g, const sx_graph *b, const sx_node *owner, const sx_vid *map, sx_vid v) {
  if (v == SX_NONE) return SX_NONE;
  const sx_value *x = sx_value_at(b, v);
  return x->kind == SX_VALUE_CAPTURE ? owner->in[b->capture_slots.at[x->index]].value : map[v];
}

static bool move_constants(sx_graph *g, const sx_graph *b, sx_vid *map) {
  for (uint32_t i = 0; i < b->values.n; i++) {
    const sx_value *x = sx_value_at(b, i);
    if (x->kind != SX_VALUE_CONST) continue;
    if ((map[i] = sx_graph_add_value(g, SX_VALUE_CONST, x->name)) == SX_NONE) return false;
    sx_value_at(g, map[i])->fact = x->fact;
  }
  return true;
}

static bool move_node(sx_graph *g, const sx_graph *b, const sx_node *owner, sx_vid *map, const sx_node *n) {
  sx_vid *in = SX_NEW_N(&g->model->arena, sx_vid, (size_t)n->n_in + n->n_out + 1), *out = in + n->n_in;
  if (!in) return false;
  for (uint32_t i = 0; i < n->n_in; i++) in[i] = moved(g, b, owner, map, n->in[i].value);
  for (uint32_t o = 0; o < n->n_out; o++) {
    out[o] = SX_NONE;
    if (n->out[o] == SX_NONE) continue;
    if ((out[o] = sx_graph_add_value(g, SX_VALUE_NODE, sx_value_at(b, n->out[o])->name)) == SX_NONE) return false;
    sx_value_at(g, out[o])->fact = sx_value_at(b, n->out[o])->fact;
    map[n->out[o]] = out[o];
  }
  sx_nid id = sx_graph_add_node(g, n->op, in, n->n_in, out, n->n_out);
  if (id == SX_NONE) return false;
  sx_node *x = sx_node_at(g, id);
  x->custom = n->custom, x->name = n->name, x->op_type = n->op_type, x->domain = n->domain, x->since_version = n->since_version;
  x->n_formal = n->n_formal, x->attrs = n->attrs, x->n_attrs = n->n_attrs, x->origin = n->origin, x->provider = n->provider;
  for (uint32_t k = 0; k < x->n_attrs; k++)
    if (x->attrs[k].type == SX_ATTR_GRAPH) x->attrs[k].g->parent = g, x->attrs[k].g->owner = id;
  return true;
}

static sx_status inline_branch(sx_pass_ctx *c, sx_nid id, const sx_graph *b) {
  sx_graph *g = c->g;
  const sx_node *n = sx_node_at(g, id);
  sx_vid *map = SX_NEW_N(&g->model->arena, sx_vid, (size_t)b->values.n + 1);
  bool ok = map && move_constants(g, b, map);
  for (uint32_t i = 0; i < b->order.n && ok; i++)
    if (!sx_node_at(b, b->order.at[i])->dead) ok = move_node(g, b, n, map, sx_node_at(b, b->order.at[i]));
  for (uint32_t o = 0; o < n->n_out && ok; o++) {
    if (n->out[o] == SX_NONE) continue;
    sx_vid to = moved(g, b, n, map, b->outputs.at[o]);
    const sx_value *from = sx_value_at(g, n->out[o]), *t = sx_value_at(g, to);
    if (from->output_uses && (t->kind != SX_VALUE_NODE || t->output_uses)) { /* an output is a value of its own */
      if ((to = sx_graph_emit(g, &sx_op_Identity, &to, 1)) == SX_NONE) SX_NO_MEMORY(c->e);
      SX_TRY(sx_infer_node(g, sx_value_at(g, to)->producer, c->e));
    }
    sx_graph_replace_value(g, n->out[o], to);
  }
  if (!ok) SX_NO_MEMORY(c->e);
  sx_graph_kill(g, id);
  if (c->fired) c->fired[c->pass]++;
  return SX_OK;
}

sx_status sx_pass_inline_if(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  bool any = false;
  for (uint32_t i = 0; i < g->nodes.n; i++) { /* what is moved in is looked at in its turn */
    const sx_node *n = sx_node_at(g, i);
    if (n->dead || n->op != &sx_op_If) continue;
    const sx_value *v = sx_value_at(g, n->in[0].value);
    if (v->overridable || v->fact.n_elems != 1 || !sx_dim_is_const(v->fact.elems[0])) continue;
    sx_graph *b = sx_attr_graph(n, v->fact.elems[0] ? "then_branch" : "else_branch");
    if (!b || b->outputs.n != n->n_out) continue;
    SX_TRY(sx_graph_sort(b, c->e));
    SX_TRY(inline_branch(c, i, b));
    any = true;
  }
  if (!any) return SX_OK;
  sx_graph_sweep(g);
  return sx_infer_graph(g, c->e);
}

sx_status sx_pass_unused_outputs(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_node *n = sx_node_at(g, g->order.at[i]);
    sx_domain d;
    const sx_schema *s = n->dead || !n->op || n->custom || n->n_out < 2 || !sx_domain_find(n->domain, &d) ? NULL : sx_schema_latest(d, n->op_type);
    for (uint32_t o = 1; o < n->n_out && s; o++) {
      const sx_schema_param *p = sx_schema_output(s, o);
      if (n->out[o] == SX_NONE || !p || !(p->flags & SX_PARAM_OPTIONAL)) continue;
      sx_value *v = sx_value_at(g, n->out[o]);
      if (v->n_uses || v->output_uses) continue;
      v->producer = SX_NONE, n->out[o] = SX_NONE;
      if (c->fired) c->fired[c->pass]++;
    }
    while (n->n_out > 1 && n->out[n->n_out - 1] == SX_NONE && s) n->n_out--;
  }
  return SX_OK;
}
