// SPDX-License-Identifier: MIT
/* If with a condition that is known becomes the branch it takes. Exporters guard squeezes with conditions on ranks and static
 * sizes; with the guard in place the result's rank would be unknown. The importer does it for conditions that it knows; this pass for those
 * that folding found. */
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
