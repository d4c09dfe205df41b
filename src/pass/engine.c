// SPDX-License-Identifier: MIT
/* Runs the passes of a level in the table's order, on the graph and on the bodies in it, and applies patches. */
#include "pass/pass.h"
#include "base/stop.h"

#define PASS(name, level, fn, what) sx_status fn(sx_pass_ctx *c);
#include "pass/passes.def"
#undef PASS
const sx_pass sx_passes[] = {
#define PASS(name, level, fn, what) {name, level, fn, what},
#include "pass/passes.def"
#undef PASS
    {NULL, 0, NULL, NULL}};

/* ONNX Runtime's names for what ours do, so that its configuration keys mean something here. */
static const struct {
  const char *theirs, *ours;
} aliases[] = {
#define ALIAS(theirs, ours) {theirs, ours},
#include "pass/aliases.def"
#undef ALIAS
    {NULL, NULL}};

static bool names(sx_str list, const char *pass) {
  for (size_t from = 0, i = 0; i <= list.n; i++) {
    if (i < list.n && list.p[i] != ';') continue;
    sx_str one = {list.p + from, i - from};
    from = i + 1;
    if (sx_str_is(one, pass)) return true;
    for (size_t k = 0; aliases[k].theirs; k++)
      if (sx_str_is(one, aliases[k].theirs) && !strcmp(aliases[k].ours, pass)) return true;
  }
  return false;
}

static sx_status run_graph(sx_pass_ctx *c, sx_graph *g) {
  for (uint32_t i = 0; i < g->nodes.n && sx_model_has_bodies(g->model); i++) { /* bodies first: what they capture may become less */
    const sx_node *n = sx_node_at(g, i);
    for (uint32_t k = 0; k < n->n_attrs && !n->dead; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH && n->op && n->op->flags & SX_OP_CONTROL && !n->attrs[k].g->broken)
        SX_TRY(run_graph(c, n->attrs[k].g));
  }
  c->g = g;
  SX_TRY(sx_stop_check(c->e));
  SX_TRY(sx_graph_sort(g, c->e));
  sx_status s = sx_passes[c->pass].run(c);
  if (s != SX_OK) {
    sx_err_context(c->e, "in pass '%s'", sx_passes[c->pass].name);
    return s;
  }
  sx_graph_sweep(g);
#ifndef NDEBUG
  SX_TRY(sx_graph_verify(g, c->e));
#endif
  return sx_graph_sort(g, c->e);
}

sx_status sx_passes_run(sx_pass_ctx *c) {
  sx_graph *top = c->g;
  for (c->pass = 0; sx_passes[c->pass].name; c->pass++) {
    const sx_pass *p = &sx_passes[c->pass];
    if (p->level > c->level || (c->disabled && names(sx_str_c(c->disabled), p->name))) continue;
    SX_TRY(run_graph(c, top));
  }
  c->g = top;
  return SX_OK;
}

sx_patch sx_patch_begin(sx_pass_ctx *c) { return (sx_patch){.c = c, .g = c->g, .first = c->g->nodes.n}; }
sx_nid sx_patch_last(const sx_patch *p) { return p->g->nodes.n - 1; }

sx_vid sx_patch_node(sx_patch *p, const sx_op *op, const sx_vid *in, uint32_t n_in) {
  sx_vid v = p->failed ? SX_NONE : sx_graph_emit(p->g, op, in, n_in);
  if (v == SX_NONE) p->failed = true;
  return v;
}

sx_nid sx_patch_nodes(sx_patch *p, const sx_op *op, const sx_vid *in, uint32_t n_in, sx_vid *out, uint32_t n_out) {
  for (uint32_t i = 0; i < n_out && !p->failed; i++)
    if ((out[i] = sx_graph_add_value(p->g, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE) p->failed = true;
  sx_nid id = p->failed ? SX_NONE : sx_graph_add_node(p->g, op, in, n_in, out, n_out);
  if (id == SX_NONE) {
    p->failed = true;
    return SX_NONE;
  }
  sx_node_at(p->g, id)->op_type = sx_str_c(op->name);
  if (op->flags & SX_OP_PRIVATE) sx_node_at(p->g, id)->domain = SX_STR("sardonyx");
  return id;
}

void sx_patch_swap(sx_patch *p, sx_vid from, sx_vid to) {
  if (from == SX_NONE || to == SX_NONE || p->n == SX_MAX_SWAPS) {
    p->failed = true;
    return;
  }
  p->swaps[p->n].from = from, p->swaps[p->n++].to = to;
}

static bool agree(const sx_fact *a, const sx_fact *b) {
  if (a->kind != b->kind || (a->dtype && b->dtype && a->dtype != b->dtype)) return false;
  if (a->rank < 0 || b->rank < 0) return true;
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (sx_dim_is_const(a->dims[i]) && sx_dim_is_const(b->dims[i]) && a->dims[i] != b->dims[i]) return false;
  return true;
}

/* A graph's output keeps a name and a step of its own: it becomes no input, no constant and no second name of another
 * output. */
static bool outputs_stay(const sx_patch *p) {
  for (uint32_t i = 0; i < p->n; i++) {
    const sx_value *from = sx_value_at(p->g, p->swaps[i].from), *to = sx_value_at(p->g, p->swaps[i].to);
    if (from->output_uses && (to->kind != SX_VALUE_NODE || to->output_uses)) return false;
    for (uint32_t k = 0; k < i && from->output_uses; k++)
      if (p->swaps[k].to == p->swaps[i].to && sx_value_at(p->g, p->swaps[k].from)->output_uses) return false;
  }
  return true;
}

/* The producer of `from` and what only it needed are dead now; their provenance is collected. */
typedef struct burial {
  SX_VEC(sx_nid) open;
  SX_VEC(uint32_t) origins;
} burial;
static bool bury(sx_graph *g, sx_nid id, uint32_t first, burial *b) {
  if (!sx_vec_push(&b->open, id)) return false;
  while (b->open.n) {
    sx_nid x = b->open.at[--b->open.n];
    sx_node *node = sx_node_at(g, x);
    bool wanted = node->dead || x >= first;
    for (uint32_t o = 0; o < node->n_out && !wanted; o++)
      wanted =
          node->out[o] != SX_NONE && (sx_value_at(g, node->out[o])->n_uses || sx_value_at(g, node->out[o])->output_uses);
    if (wanted) continue;
    if (!sx_vec_push(&b->origins, node->origin)) return false;
    for (uint32_t i = 0; i < node->n_in; i++)
      if (sx_value_producer(g, node->in[i].value) && !sx_vec_push(&b->open, sx_value_at(g, node->in[i].value)->producer))
        return false;
    sx_graph_kill(g, x);
  }
  return true;
}
/* Their union, by halves: sets of a long run would otherwise be copied once per member. */
static uint32_t unite(sx_model *m, uint32_t *sets, uint32_t n) {
  for (; n > 1; n = (n + 1) / 2)
    for (uint32_t i = 0; i < n; i += 2) sets[i / 2] = i + 1 < n ? sx_origin_union(m, sets[i], sets[i + 1]) : sets[i];
  return n ? sets[0] : 0;
}

sx_status sx_patch_apply(sx_patch *p, bool *applied) {
  sx_graph *g = p->g;
  if (applied) *applied = false;
  if (p->failed) SX_NO_MEMORY(p->c->e);
  uint32_t last = g->nodes.n;
  bool good = true;
  sx_err local = {0};
  for (uint32_t i = p->first; i < last && good; i++) good = sx_infer_node(g, i, &local) == SX_OK;
  if (local.code == SX_E_NO_MEMORY) SX_NO_MEMORY(p->c->e);
  for (uint32_t i = 0; i < p->n && good; i++)
    good = agree(&sx_value_at(g, p->swaps[i].from)->fact, &sx_value_at(g, p->swaps[i].to)->fact);
  bool possible = outputs_stay(p);
  for (uint32_t i = p->first; i < last && good && possible && p->c->can_run; i++)
    possible = p->c->can_run(p->c->can_run_ctx, g, i) != 0;
  if (!good)
    sx_log(p->c->log, WARNING, "pass '%s' proposed a change that contradicts known shapes; it was not made",
           sx_passes[p->c->pass].name);
  if (!good || !possible) {
    for (uint32_t i = last; i-- > p->first;) sx_graph_kill(g, i);
    return SX_OK;
  }
  burial b = {0};
  bool memory = true;
  uint32_t place = 0; /* of the last node that is replaced */
  for (uint32_t i = 0; i < p->n; i++) {
    sx_vid from = p->swaps[i].from, to = p->swaps[i].to;
    sx_value *f = sx_value_at(g, from), *t = sx_value_at(g, to);
    if (f->producer != SX_NONE && sx_node_at(g, f->producer)->place > place) place = sx_node_at(g, f->producer)->place;
    if (f->name.n && t->kind == SX_VALUE_NODE && (f->output_uses || (!t->name.n && t->producer >= p->first)))
      t->name = f->name, f->name = (sx_str){"", 0};
    if (t->fact.rank < 0 && f->fact.rank >= 0 && t->kind == SX_VALUE_NODE)
      t->fact.rank = f->fact.rank, t->fact.dims = f->fact.dims;
    sx_graph_replace_value(g, from, to);
    if (f->producer != SX_NONE) memory &= bury(g, f->producer, p->first, &b);
  }
  uint32_t origin = unite(g->model, b.origins.at, b.origins.n);
  sx_vec_free(&b.open);
  sx_vec_free(&b.origins);
  if (!memory) SX_NO_MEMORY(p->c->e);
  for (uint32_t i = p->first; i < last; i++) {
    sx_node *n = sx_node_at(g, i);
    n->origin = sx_origin_union(g->model, n->origin, origin);
    n->place = place;
    if (!n->name.n && g->model->origins.at[n->origin].n)
      n->name = g->model->sources.at[g->model->origins.at[n->origin].ids[0]].name;
  }
  if (p->c->fired) p->c->fired[p->c->pass]++;
  if (applied) *applied = true;
  return SX_OK;
}
