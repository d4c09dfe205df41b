// SPDX-License-Identifier: MIT
/* Control flow that is decided already: an If whose condition is known becomes the branch it takes (exporters guard
 * squeezes with conditions on sizes; the importer does it for what it knows, this pass for what folding found). And results
 * that nobody reads: optional outputs are given up, so that kernels need not make them. */
#include "pass/pass.h"

sx_status sx_pass_inline_if(sx_pass_ctx *c) {
  enum { ROUNDS = 200 }; /* nested branches show their conditions one after the other */
  for (int round = 0; round < ROUNDS; round++) {
    bool changed = false;
    for (uint32_t i = 0, n = c->g->nodes.n; i < n; i++) {
      const sx_node *x = sx_node_at(c->g, i);
      sx_graph *branch = x->dead || x->op != &sx_op_If ? NULL : sx_if_branch(c->g, x);
      if (!branch) continue;
      SX_TRY(sx_graph_inline(c->g, i, branch, c->e));
      if (c->fired) c->fired[c->pass]++;
      changed = true;
    }
    if (!changed) return SX_OK;
    sx_graph_sweep(c->g);
    SX_TRY(sx_infer_graph(c->g, c->e));
  }
  return SX_OK;
}

sx_status sx_pass_unused_outputs(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_node *n = sx_node_at(g, g->order.at[i]);
    sx_domain d;
    const sx_schema *s = n->dead || !n->op || n->custom || n->n_out < 2 || !sx_domain_find(n->domain, &d)
                             ? NULL
                             : sx_schema_latest(d, n->op_type);
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
