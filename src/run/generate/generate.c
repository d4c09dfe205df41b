// SPDX-License-Identifier: MIT
/* The decode loop, and its four kernels. */
#include "run/generate/generate.h"

sx_dtype sx_gen_wants(const sx_gen *g, uint32_t o) {
  const sx_vid v = sx_node_out(g->n, o);
  if (v == SX_NONE) return SX_UNDEFINED;
  const uint8_t t = sx_value_at(sx_exec_plan(sx_late_of(g->c)->x)->graph, v)->fact.dtype;
  return t ? (sx_dtype)t : SX_F32;
}

sx_status sx_gen_give(sx_gen *g, uint32_t o, int rank, const int64_t *dims, const float *values) {
  const sx_dtype t = sx_gen_wants(g, o);
  if (!t) return SX_OK;
  void *out = sx_late_output(g->c, o, t, rank, dims);
  if (!out) return g->c->e && g->c->e->code ? g->c->e->code : SX_OK;
  sx_cpu_cast(SX_F32, t, out, values, sx_dims_count(dims, 0, rank));
  return SX_OK;
}

/* What was chosen is appended: each row goes on from the row that it came from. */
static void append(sx_gen *g) {
  for (int64_t r = 0; r < g->rows; r++) {
    int32_t *to = g->spare + r * g->most;
    memcpy(to, sx_gen_row(g, g->from[r]), (size_t)g->length * sizeof *to);
    to[g->length] = g->next[r];
  }
  int32_t *t = g->tokens;
  g->tokens = g->spare, g->spare = t;
  g->length++;
}

static sx_status loop(sx_gen *g) {
  bool done = false;
  SX_TRY(sx_gen_read(g));
  SX_TRY(sx_gen_prompt(g));
  while (!done) {
    if (g->logits) {
      g->step++;
      SX_TRY(sx_gen_score(g));
      SX_TRY(g->search->choose(g, &done));
      append(g);
      done |= g->length == g->most;
    }
    if (!done) SX_TRY(sx_gen_step(g));
  }
  return g->search->finish(g);
}

static sx_status generate(const sx_call *c, const sx_gen_search *search) {
  sx_gen g = {.c = c, .n = sx_late_node(c), .search = search};
  g.model = sx_gen_model_of(g.n);
  const sx_status s = loop(&g);
  sx_gen_drop(&g);
  sx_arena_free(&g.arena);
  return s;
}

#define KERNEL(N, search)                                                    \
  static sx_status run_##N(const sx_call *c, uint32_t begin, uint32_t end) { \
    (void)begin, (void)end;                                                  \
    return generate(c, &search);                                             \
  }                                                                          \
  SX_LATE_KERNEL(, sx_run_##N, N, "generate", run_##N, NULL)
KERNEL(BeamSearch, sx_gen_beams);
KERNEL(WhisperBeamSearch, sx_gen_beams);
KERNEL(GreedySearch, sx_gen_greedy);
KERNEL(Sampling, sx_gen_sampling);
