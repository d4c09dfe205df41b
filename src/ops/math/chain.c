// SPDX-License-Identifier: MIT
/* Elementwise: a private operator that holds a run of elementwise operators as a body of standard nodes. One output; inputs
 * broadcast as NumPy's do. The CPU compiles the body to one tile program; the lowering puts the nodes back. */
#include "ops/ops.h"

static sx_status infer_chain(sx_infer *c) {
  sx_graph *b = sx_attr_graph(c->n, "body");
  if (!b || b->outputs.n != 1 || b->inputs.n != c->n->n_in) return SX_INFER_FAIL(c, "a malformed body");
  for (uint32_t i = 0; i < b->inputs.n; i++) {
    sx_fact *f = &sx_value_at(b, b->inputs.at[i])->fact;
    *f = *sx_infer_in(c, i);
    f->constant = NULL, f->elems = NULL, f->n_elems = 0, f->layout = SX_PLAIN, f->block = 0;
  }
  SX_TRY(sx_infer_graph(b, c->e));
  const sx_fact *f = &sx_value_at(b, b->outputs.at[0])->fact;
  return sx_infer_set(c, 0, f->dtype, f->rank, f->dims);
}

static sx_status lower_chain(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  const sx_graph *b = sx_attr_graph(n, "body");
  sx_vid *map = SX_NEW_N(&g->model->arena, sx_vid, (size_t)b->values.n + 1), in[64];
  if (!map) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < b->values.n; i++) {
    const sx_value *v = sx_value_at(b, i);
    map[i] = v->kind == SX_VALUE_INPUT   ? n->in[v->index].value
             : v->kind == SX_VALUE_CONST ? sx_graph_add_const(g, v->fact.constant, v->name)
                                         : SX_NONE;
  }
  for (uint32_t k = 0; k < b->order.n; k++) {
    const sx_node *x = sx_node_at(b, b->order.at[k]);
    if (x->n_in > 64) SX_FAIL(e, FAIL, "a body's node has %u inputs", x->n_in);
    for (uint32_t i = 0; i < x->n_in; i++) in[i] = x->in[i].value == SX_NONE ? SX_NONE : map[x->in[i].value];
    sx_vid v = sx_graph_emit(g, x->op, in, x->n_in);
    if (v == SX_NONE) SX_NO_MEMORY(e);
    sx_node *y = sx_graph_emitted(g, v);
    y->attrs = x->attrs, y->n_attrs = x->n_attrs, y->name = x->name, y->origin = x->origin;
    SX_TRY(sx_infer_node(g, sx_value_at(g, v)->producer, e));
    map[x->out[0]] = v;
  }
  sx_graph_replace_value(g, n->out[0], map[b->outputs.at[0]]);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_Elementwise = {.name = "Elementwise",
                                 .accuracy = SX_ULP,
                                 .ulp = 16,
                                 .flags = SX_OP_PRIVATE,
                                 .infer = infer_chain,
                                 .lower = lower_chain};
