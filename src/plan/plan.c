// SPDX-License-Identifier: MIT
/* Compiling a graph to steps: kernels chosen, an order in which every size is known in time, buffers shared where bytes can
 * be, lifetimes. Nothing here depends on a concrete size. */
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

/* Symbols bound by whom: the graph's inputs and captures, late nodes, or nobody (then the node that first has it is
 * computed from contents at a cut). */
static void mark_bound(const sx_graph *g, const sx_fact *f, uint8_t *known) {
  for (int i = 0; i < f->rank && f->kind == SX_KIND_TENSOR; i++) {
    int64_t s = sx_dim_symbol_of(&g->model->dims, f->dims[i]);
    if (s >= 0) known[s] = 1;
  }
}

/* Whether every size of the node's results, and every element fact its inputs stand for, follows from known symbols. */
static bool node_known(const sx_compile *c, const sx_node *n) {
  const sx_dimtab *t = &c->g->model->dims;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (n->in[i].value == SX_NONE) continue;
    const sx_value *v = sx_value_at(c->g, n->in[i].value);
    for (uint32_t k = 0; v->kind == SX_VALUE_CONST && !v->fact.constant && k < v->fact.n_elems; k++)
      if (!sx_dim_is_known(t, v->fact.elems[k], c->known)) return false;
  }
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    const sx_fact *f = &sx_value_at(c->g, n->out[o])->fact;
    if (f->kind == SX_KIND_TENSOR && f->rank < 0) return false;
    for (int k = 0; k < f->rank; k++)
      if (!sx_dim_is_known(t, f->dims[k], c->known)) return false;
  }
  return true;
}

/* Whether the inference of node n, on the contents of its inputs at a cut, makes every size known that it needs. It binds
 * the symbols of n's own results; a size that comes from another node, through an element fact, wants that node to run
 * first. */
static bool cut_suffices(const sx_compile *c, const sx_node *n) {
  int64_t bound[2 * SX_MAX_RANK];
  int count = 0;
  for (uint32_t o = 0; o < n->n_out; o++) {
    const sx_fact *f = n->out[o] == SX_NONE ? NULL : &sx_value_at(c->g, n->out[o])->fact;
    for (int i = 0; f && i < f->rank && count < 2 * SX_MAX_RANK; i++) {
      int64_t s = sx_dim_symbol_of(&c->g->model->dims, f->dims[i]);
      if (s >= 0 && !c->known[s]) c->known[s] = 1, bound[count++] = s;
    }
  }
  bool known = node_known(c, n);
  while (count) c->known[bound[--count]] = 0;
  return known;
}

static sx_status push_segment(sx_compile *c, uint32_t at, sx_nid infer) {
  if (c->segs.n) {
    c->segs.at[c->segs.n - 1].end = at;
    if (c->segs.at[c->segs.n - 1].begin == at && c->segs.at[c->segs.n - 1].infer == SX_NONE) c->segs.n--; /* empty */
  }
  return sx_vec_push(&c->segs, ((sx_segment){.begin = at, .infer = infer}))
             ? SX_OK
             : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}

/* Whether the rank of an input or a wanted output is not known: left so by a custom operator before it. */
static bool rank_open(const sx_graph *g, const sx_node *n) {
  for (uint32_t i = 0; i < n->n_in + n->n_out; i++) {
    sx_vid v = i < n->n_in ? n->in[i].value : n->out[i - n->n_in];
    const sx_fact *f = v == SX_NONE ? NULL : &sx_value_at(g, v)->fact;
    if (f && f->rank < 0 && (f->kind == SX_KIND_TENSOR || f->kind == SX_KIND_UNKNOWN)) return true;
  }
  return false;
}

static sx_status add_step(sx_compile *c, sx_nid id) {
  sx_node *n = sx_node_at(c->g, id);
  const char *reason;
  const sx_kernel *k = sx_plan_choose(c->g, id, c->o, &reason);
  bool open =
      (!k || !(k->flags & SX_KERNEL_LATE)) && n->op && !(n->op->flags & (SX_OP_CONTROL | SX_OP_HOST)) && rank_open(c->g, n);
  if (open) k = c->o->dynamic;
  if (!k) {
    const sx_fact *f = sx_node_in(n, 0) == SX_NONE ? NULL : &sx_value_at(c->g, n->in[0].value)->fact;
    sx_status why =
        open ? SX_E_NEEDS_SHAPES : SX_E_NOT_IMPLEMENTED; /* with the sizes of the inputs known, more may be known here */
    if (open) reason = "the rank of an input or output is not known";
    sx_fail(c->e, why, SX_HERE, "Could not find an implementation: %s (input 0 is %s)", reason,
            f ? sx_dtype_name(f->dtype) : "absent");
    return sx_node_context(c->g, n, why, c->e);
  }
  bool late = (k->flags & SX_KERNEL_LATE) != 0;
  sx_step s = {.kernel = k, .node = id, .n_in = n->n_in, .n_out = n->n_out};
  if (!late && !node_known(c, n)) {
    SX_TRY(push_segment(c, c->steps.n, id));
    for (uint32_t o = 0; o < n->n_out; o++)
      if (n->out[o] != SX_NONE) mark_bound(c->g, &sx_value_at(c->g, n->out[o])->fact, c->known);
    if (!node_known(c, n)) {
      sx_fail(c->e, SX_E_NEEDS_SHAPES, SX_HERE,
              "the sizes of its outputs cannot be computed before it runs, and kernel %s cannot find them while it runs",
              k->name);
      return sx_node_context(c->g, n, SX_E_NEEDS_SHAPES, c->e);
    }
  }
  if (!sx_vec_push(&c->steps, s)) SX_NO_MEMORY(c->e);
  if (late) {
    bool binds = !node_known(c, n);
    for (uint32_t o = 0; o < n->n_out; o++)
      if (n->out[o] != SX_NONE) mark_bound(c->g, &sx_value_at(c->g, n->out[o])->fact, c->known);
    if (binds) SX_TRY(push_segment(c, c->steps.n, SX_NONE));
  }
  return SX_OK;
}

/* The execution order: producers first, and steps whose sizes are known before those that need a cut. A node that is ready
 * but whose sizes are not known waits until nothing else can run. */
static sx_status order_steps(sx_compile *c) {
  const sx_graph *g = c->g;
  SX_TRY(push_segment(c, 0, SX_NONE));
  uint32_t left = g->order.n, from = 0;
  uint8_t *done = sx_arena_alloc(&c->tmp, g->nodes.n + 1);
  if (!done) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < g->values.n; i++)
    if (sx_value_at(g, i)->kind == SX_VALUE_INPUT || sx_value_at(g, i)->kind == SX_VALUE_CAPTURE)
      mark_bound(g, &sx_value_at(g, i)->fact, c->known);
  /* Symbols of the graphs around: a body's captured facts may be expressions over them; they are bound before the body
   * runs. */
  for (uint32_t i = 0; c->outer_known && i < g->model->dims.symbols.n; i++) c->known[i] |= c->outer_known[i];
  while (left) {
    sx_nid waiting = SX_NONE;
    bool progress = false, suffices = false; /* whether a cut before `waiting` is enough for it */
    for (uint32_t i = from; i < g->order.n; i++) {
      sx_nid id = g->order.at[i];
      if (done[id]) {
        if (i == from) from++;
        continue;
      }
      const sx_node *n = sx_node_at(g, id);
      bool ready = true;
      for (uint32_t k = 0; k < n->n_in && ready; k++) {
        const sx_node *p = sx_value_producer(g, n->in[k].value);
        ready = !p || done[sx_value_at(g, n->in[k].value)->producer];
      }
      if (!ready) continue;
      const char *reason;
      const sx_kernel *k = NULL;
      if (!node_known(c, n) && (!(k = sx_plan_choose(g, id, c->o, &reason)) || !(k->flags & SX_KERNEL_LATE))) {
        if (waiting == SX_NONE || (!suffices && cut_suffices(c, n))) waiting = id, suffices = cut_suffices(c, n);
        continue;
      }
      if (k && !suffices && !node_known(c, n)) { /* late: everything that can run before it should */
        waiting = id, suffices = true;
        continue;
      }
      if (k) continue;
      SX_TRY(add_step(c, id));
      done[id] = 1, left--, progress = true;
    }
    if (waiting != SX_NONE) {
      SX_TRY(add_step(c, waiting));
      done[waiting] = 1, left--, progress = true;
    }
    if (!progress) SX_FAIL(c->e, FAIL, "the plan cannot order the graph's nodes");
  }
  c->segs.at[c->segs.n - 1].end = c->steps.n;
  return SX_OK;
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
  SX_TRY(order_steps(c));
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
