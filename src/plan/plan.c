// SPDX-License-Identifier: MIT
/* Compiling a graph to steps: kernels chosen, steps put in order, kernels created, buffers assigned. Nothing here depends on a
 * concrete size. */
#include "plan/plan_priv.h"

const sx_kernel *sx_plan_choose(const sx_graph *g, sx_nid id, const sx_plan_options *o, const char **reason) {
  const sx_node *n = sx_node_at(g, id);
  *reason = "no provider has a kernel for this operator";
  const sx_fact *f = sx_node_in(n, 0) == SX_NONE ? NULL : &sx_value_at(g, n->in[0].value)->fact;
  for (const sx_provider *const *p = o->providers; *p; p++)
    for (const sx_kernel *const *k = (*p)->kernels; *k; k++) {
      if ((*k)->op != n->op) continue;
      const char *why = NULL;
      if ((*k)->types && f && f->dtype && !((*k)->types >> f->dtype & 1))
        why = "the element type of input 0 is not supported";
      else if (!(*k)->claim || (*k)->claim(g, n, &why))
        return *k;
      *reason = why ? why : "refused";
      if (o->refused) o->refused(o->refused_ctx, g, id, *k, *reason);
    }
  return NULL;
}

static sx_status collect(sx_compile *c) {
  sx_plan *p = c->p;
  p->n_steps = c->steps.n;
  p->n_segments = c->segs.n;
  p->steps = sx_arena_copy(&p->arena, c->steps.at, (size_t)c->steps.n * sizeof *p->steps);
  p->segments = sx_arena_copy(&p->arena, c->segs.at, c->segs.n * sizeof *p->segments);
  if (!p->steps || !p->segments) SX_NO_MEMORY(c->e);
  for (uint32_t s = 0; s < p->n_steps; s++) {
    sx_step *x = &p->steps[s];
    x->args = p->n_args;
    p->n_args += x->n_in + x->n_out;
  }
  p->args = SX_NEW_N(&p->arena, uint32_t, (size_t)p->n_args + 1);
  p->arg_values = SX_NEW_N(&p->arena, sx_vid, (size_t)p->n_args + 1);
  if (!p->args || !p->arg_values) SX_NO_MEMORY(c->e);
  for (uint32_t s = 0; s < p->n_steps; s++) {
    const sx_node *n = sx_node_at(c->g, p->steps[s].node);
    sx_vid *v = p->arg_values + p->steps[s].args;
    for (uint32_t i = 0; i < n->n_in; i++) *v++ = n->in[i].value;
    for (uint32_t o = 0; o < n->n_out; o++) *v++ = n->out[o];
  }
  return SX_OK;
}

/* Symbols found, each once: used[i] is set for those in the list. */
typedef struct symbol_list {
  const sx_dimtab *t;
  uint8_t *used;
  uint32_t *at, n;
} symbol_list;
static void dim_symbols(symbol_list *l, sx_dim d) {
  const sx_poly *p = sx_dim_is_expr(d) ? &l->t->polys.at[sx_dim_id(d)] : NULL;
  for (uint32_t i = 0; p && i < p->n_symbols; i++)
    if (!l->used[p->symbols[i]]) l->used[p->symbols[i]] = 1, l->at[l->n++] = p->symbols[i];
}
static void fact_symbols(symbol_list *l, const sx_fact *f) {
  for (int i = 0; i < f->rank; i++) dim_symbols(l, f->dims[i]);
  for (uint32_t i = 0; i < f->n_elems; i++) dim_symbols(l, f->elems[i]);
}

/* Symbols that the shapes of a segment's arguments refer to, and the contents of what they are views of. */
static sx_status segment_keys(sx_compile *c, symbol_list *l, sx_segment *s) {
  l->n = 0;
  for (uint32_t k = s->begin; k < s->end; k++) {
    const sx_step *x = &c->p->steps[k];
    for (uint32_t a = 0; a < x->n_in + x->n_out; a++) {
      sx_vid v = c->p->arg_values[x->args + a];
      if (v == SX_NONE) continue;
      if (x->kernel->flags & SX_KERNEL_LATE && a >= x->n_in) continue;
      fact_symbols(l, &sx_value_at(c->g, v)->fact);
      uint32_t b = c->p->args[x->args + a];
      if (b != SX_NONE && c->p->buffers[b].kind == SX_BUF_ELEMS)
        fact_symbols(l, &sx_value_at(c->g, c->p->buffers[b].value)->fact);
    }
  }
  s->n_keys = l->n;
  s->keys = sx_arena_copy(&c->p->arena, l->at, l->n * sizeof *l->at);
  for (uint32_t i = 0; i < l->n; i++) l->used[l->at[i]] = 0;
  if (!s->keys) SX_NO_MEMORY(c->e);
  return SX_OK;
}

static sx_status create_states(sx_compile *c) {
  uint32_t *granted = SX_NEW_N(&c->tmp, uint32_t, (size_t)c->p->n_steps + 1);
  if (!granted) SX_NO_MEMORY(c->e);
  SX_TRY(sx_plan_grant(c, granted));
  for (uint32_t s = 0; s < c->p->n_steps; s++) {
    sx_step *x = &c->p->steps[s];
    if (!x->kernel->create) continue;
    SX_TRY(sx_stop_check(c->e));
    sx_build b = {.granted = granted[s],
                  .g = c->g,
                  .n = sx_node_at(c->g, x->node),
                  .cpu = c->p->cpu,
                  .arena = &c->p->arena,
                  .weights = c->o->weights,
                  .level = c->o->level,
                  .e = c->e};
    SX_TRY(sx_node_context(c->g, b.n, x->kernel->create(&b), c->e));
    x->state = b.state;
    x->unused = b.unused_inputs;
  }
  return SX_OK;
}

static sx_status compile_plan(sx_compile *c) {
  const sx_dimtab *t = &c->g->model->dims;
  c->known = sx_arena_alloc(&c->tmp, t->symbols.n + 1);
  if (!c->known) SX_NO_MEMORY(c->e);
  SX_TRY(sx_graph_sort((sx_graph *)c->g, c->e));
  SX_TRY(sx_plan_order(c));
  SX_TRY(collect(c));
  SX_TRY(create_states(c)); /* first: what is packed needs no buffer */
  SX_TRY(sx_plan_assign_buffers(c));
  symbol_list l = {t, SX_NEW_N(&c->tmp, uint8_t, (size_t)t->symbols.n + 1), SX_NEW_N(&c->tmp, uint32_t, (size_t)t->symbols.n + 1), 0};
  if (!l.used || !l.at) SX_NO_MEMORY(c->e);
  for (uint32_t s = 0; s < c->p->n_segments; s++) SX_TRY(segment_keys(c, &l, &c->p->segments[s]));
  return SX_OK;
}

sx_status sx_plan_create(const sx_graph *g, const sx_plan_options *o, const uint8_t *outer_known, sx_plan **out,
                         sx_err *e) {
  sx_plan *p = sx_calloc(1, sizeof *p);
  *out = NULL;
  if (!p) SX_NO_MEMORY(e);
  p->graph = g, p->cpu = sx_cpu_info(), p->width = o->width ? o->width : 1, p->split = o->split;
  sx_compile c = {.g = g, .o = o, .p = p, .outer_known = outer_known, .e = e};
  sx_status s = compile_plan(&c);
  sx_vec_free(&c.steps);
  sx_vec_free(&c.segs);
  sx_arena_free(&c.tmp);
  if (s != SX_OK)
    sx_plan_destroy(p);
  else
    *out = p;
  return s;
}

void sx_plan_destroy(sx_plan *p) {
  if (!p) return;
  for (uint32_t s = 0; p->segments && s < p->n_segments; s++)
    for (size_t k = 0; k < sizeof p->segments[s].cache / sizeof *p->segments[s].cache; k++)
      sx_instance_unref(p->segments[s].cache[k]);
  sx_arena_free(&p->arena);
  sx_free(p, sizeof *p);
}
