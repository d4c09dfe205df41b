// SPDX-License-Identifier: MIT
/* Faster forms of steps that need more memory than their constants have: a session has a budget for what they take more, and
 * spends it where a byte gains most. */
#include "plan/plan_priv.h"

/* A quarter of the constants' bytes; small models may take this much. */
enum { BUDGET_LEAST = 8 << 20, BUDGET_SHARE = 4 };

static size_t constant_bytes(const sx_graph *g) {
  size_t total = 0;
  for (uint32_t v = 0; v < g->values.n; v++) {
    const sx_value *x = sx_value_at(g, v);
    if (x->n_uses && x->fact.constant) total += sx_tensor_source_size(x->fact.constant);
  }
  return total;
}

sx_status sx_plan_grant(sx_compile *c, uint32_t *granted) {
  const uint32_t n = c->p->n_steps;
  sx_offer(*offers)[SX_MAX_OFFERS] = sx_arena_array(&c->tmp, n + 1, sizeof *offers);
  uint32_t *count = SX_NEW_N(&c->tmp, uint32_t, (size_t)n + 1);
  size_t left = constant_bytes(c->g) / BUDGET_SHARE;
  if (!offers || !count) SX_NO_MEMORY(c->e);
  if (left < BUDGET_LEAST) left = BUDGET_LEAST;
  for (uint32_t s = 0; s < n; s++) {
    const sx_step *x = &c->p->steps[s];
    sx_build b = {.g = c->g, .n = sx_node_at(c->g, x->node), .cpu = c->p->cpu, .level = c->o->level};
    if (x->kernel->offers) count[s] = x->kernel->offers(&b, offers[s]);
  }
  for (;;) { /* the best step forward of all, until none fits */
    uint32_t step = n, level = 0;
    size_t cost = 0;
    double best = 0;
    for (uint32_t s = 0; s < n; s++) {
      const sx_offer now = granted[s] ? offers[s][granted[s] - 1] : (sx_offer){0};
      for (uint32_t k = granted[s]; k < count[s]; k++) {
        size_t more = offers[s][k].bytes > now.bytes ? offers[s][k].bytes - now.bytes : 0;
        double rate = (offers[s][k].gain_ns - now.gain_ns) / ((double)more + 1);
        if (more <= left && rate > best) best = rate, step = s, level = k + 1, cost = more;
      }
    }
    if (step == n) return SX_OK;
    granted[step] = level, left -= cost;
  }
}
