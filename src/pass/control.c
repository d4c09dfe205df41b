// SPDX-License-Identifier: MIT
/* Control flow that is decided already: an If whose condition is known becomes the branch it takes (exporters guard
 * squeezes with conditions on sizes; the importer does it for what it knows, this pass for what folding found). And results
 * that nobody reads: optional outputs are given up, so that kernels need not make them, and a decode loop reads the logits
 * of the last token alone. */
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

/* The body of a decode loop that gives logits for all tokens of a prompt: the product with the vocabulary, often the
 * largest of all, is made for the last one. */
sx_status sx_pass_last_logits(sx_pass_ctx *c) {
  static const int64_t slice[] = {-1, INT64_MAX, 1, 1}; /* from, to, axis, step */
  sx_graph *g = c->g;
  const sx_op *owner = g->parent ? sx_node_at(g->parent, g->owner)->op : NULL;
  if (!owner || !(owner->flags & SX_OP_NAMED_BODIES) || !g->outputs.n || !sx_str_is(g->output_names.at[0], "logits"))
    return SX_OK;
  const sx_vid y = g->outputs.at[0];
  const sx_value *v = sx_value_at(g, y);
  const sx_node *n = sx_pass_producer(g, y, &sx_op_MatMul);
  if (!n || v->n_uses || v->output_uses != 1) return SX_OK;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *w = &sx_value_at(g, n->in[1].value)->fact;
  if (x->rank != 3 || w->rank != 2 || x->dims[1] == 1 || sx_pass_producer(g, n->in[0].value, &sx_op_Slice)) return SX_OK;
  sx_vid in[5] = {n->in[0].value}, last[2] = {SX_NONE, n->in[1].value};
  for (int i = 0; i < 4; i++)
    if ((in[i + 1] = sx_graph_const_i64(g, &slice[i], 1, false)) == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch p = sx_patch_begin(c);
  last[0] = sx_patch_node(&p, &sx_op_Slice, in, 5);
  sx_patch_swap(&p, y, sx_patch_node(&p, &sx_op_MatMul, last, 2));
  return sx_patch_apply(&p, NULL);
}
