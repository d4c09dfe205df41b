// SPDX-License-Identifier: MIT
/* The order of the steps: producers first, and what has sizes that are known before what needs a cut.
 *
 * A node is looked at when its last producer is done, and again only when a symbol is bound that it was found to lack: a graph of
 * thousands of cuts costs no more than its nodes and sizes. Of several that could go, the first in the graph's order does. */
#include "plan/plan_priv.h"

typedef SX_VEC(uint32_t) heap; /* of positions in the graph's order, the smallest at 0 */
typedef enum node_state { BLOCKED, KNOWN, ENOUGH, SHORT, DONE } node_state; /* ENOUGH: a cut before it, or it is late */
typedef struct watch {
  uint32_t pos, next; /* of the same symbol, from 1 */
} watch;
typedef struct orderer {
  sx_compile *c;
  uint32_t *blocked;      /* by position: producers that are not done */
  uint32_t *first, *user; /* by position: where its users begin in `user`, which has positions */
  uint8_t *state, *late;
  heap ready[DONE];         /* by state; entries whose state has changed are stale */
  SX_VEC(watch) watches;
  uint32_t *watched;        /* by symbol: the latest of its watches, from 1 */
  uint32_t *bound, n_bound; /* symbols, each in the moment it is bound */
} orderer;

/* Symbols bound by whom: the graph's inputs and captures, late nodes, or nobody (then the node that first has it is
 * computed from contents at a cut). */
static void mark_bound(orderer *o, const sx_fact *f) {
  for (int i = 0; i < f->rank && f->kind == SX_KIND_TENSOR; i++) {
    int64_t s = sx_dim_symbol_of(&o->c->g->model->dims, f->dims[i]);
    if (s >= 0 && !o->c->known[s]) o->c->known[s] = 1, o->bound[o->n_bound++] = (uint32_t)s;
  }
}

/* Whether d follows from known symbols; else *missing is one that it lacks, or -1. */
static bool dim_known(const sx_compile *c, sx_dim d, int64_t *missing) {
  const sx_poly *p = sx_dim_is_expr(d) ? &c->g->model->dims.polys.at[sx_dim_id(d)] : NULL;
  *missing = -1;
  for (uint32_t i = 0; p && i < p->n_symbols; i++)
    if (!c->known[p->symbols[i]]) return *missing = p->symbols[i], false;
  return p || sx_dim_is_const(d);
}
/* Whether every size of the node's results, and every element fact its inputs stand for, follows from known symbols. */
static bool node_known(const sx_compile *c, const sx_node *n, int64_t *missing) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (n->in[i].value == SX_NONE) continue;
    const sx_value *v = sx_value_at(c->g, n->in[i].value);
    for (uint32_t k = 0; v->kind == SX_VALUE_CONST && !v->fact.constant && k < v->fact.n_elems; k++)
      if (!dim_known(c, v->fact.elems[k], missing)) return false;
  }
  for (uint32_t o = 0; o < n->n_out; o++) {
    if (n->out[o] == SX_NONE) continue;
    const sx_fact *f = &sx_value_at(c->g, n->out[o])->fact;
    if (f->kind == SX_KIND_TENSOR && f->rank < 0) return *missing = -1, false;
    for (int k = 0; k < f->rank; k++)
      if (!dim_known(c, f->dims[k], missing)) return false;
  }
  return true;
}

/* Whether the inference of node n, on the contents of its inputs at a cut, makes every size known that it needs. It binds
 * the symbols of n's own results; a size that comes from another node, through an element fact, wants that node to run
 * first. */
static bool cut_suffices(const sx_compile *c, const sx_node *n, int64_t *missing) {
  int64_t bound[2 * SX_MAX_RANK];
  int count = 0;
  for (uint32_t o = 0; o < n->n_out; o++) {
    const sx_fact *f = n->out[o] == SX_NONE ? NULL : &sx_value_at(c->g, n->out[o])->fact;
    for (int i = 0; f && i < f->rank && count < 2 * SX_MAX_RANK; i++) {
      int64_t s = sx_dim_symbol_of(&c->g->model->dims, f->dims[i]);
      if (s >= 0 && !c->known[s]) c->known[s] = 1, bound[count++] = s;
    }
  }
  const bool known = node_known(c, n, missing);
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

static sx_status add_step(orderer *o, sx_nid id) {
  sx_compile *c = o->c;
  int64_t missing;
  sx_node *n = sx_node_at(c->g, id);
  const char *reason;
  const sx_kernel *k = sx_plan_choose(c->g, id, c->o, &reason);
  const bool ours = n->op ? !(n->op->flags & (SX_OP_CONTROL | SX_OP_HOST)) : !n->custom; /* no op: as it was written */
  const bool open = (!k || !(k->flags & SX_KERNEL_LATE)) && ours && rank_open(c->g, n);
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
  if (!late && !node_known(c, n, &missing)) {
    SX_TRY(push_segment(c, c->steps.n, id));
    for (uint32_t i = 0; i < n->n_out; i++)
      if (n->out[i] != SX_NONE) mark_bound(o, &sx_value_at(c->g, n->out[i])->fact);
    if (!node_known(c, n, &missing)) {
      sx_fail(c->e, SX_E_NEEDS_SHAPES, SX_HERE,
              "the sizes of its outputs cannot be computed before it runs, and kernel %s cannot find them while it runs",
              k->name);
      return sx_node_context(c->g, n, SX_E_NEEDS_SHAPES, c->e);
    }
  }
  if (!sx_vec_push(&c->steps, s)) SX_NO_MEMORY(c->e);
  if (late) {
    bool binds = !node_known(c, n, &missing);
    for (uint32_t i = 0; i < n->n_out; i++)
      if (n->out[i] != SX_NONE) mark_bound(o, &sx_value_at(c->g, n->out[i])->fact);
    if (binds) SX_TRY(push_segment(c, c->steps.n, SX_NONE));
  }
  return SX_OK;
}

static bool heap_push(heap *h, uint32_t v) {
  if (!sx_vec_push(h, v)) return false;
  uint32_t i = h->n - 1;
  for (uint32_t up; i && h->at[up = (i - 1) / 2] > v; i = up) h->at[i] = h->at[up];
  h->at[i] = v;
  return true;
}
static uint32_t heap_pop(heap *h) {
  const uint32_t top = h->at[0], v = h->at[--h->n];
  uint32_t i = 0;
  for (uint32_t c; (c = 2 * i + 1) < h->n; i = c) {
    if (c + 1 < h->n && h->at[c + 1] < h->at[c]) c++;
    if (h->at[c] >= v) break;
    h->at[i] = h->at[c];
  }
  h->at[i] = v;
  return top;
}
/* The first node in that state, or SX_NONE. */
static uint32_t take(orderer *o, node_state s) {
  while (o->ready[s].n) {
    const uint32_t pos = heap_pop(&o->ready[s]);
    if (o->state[pos] == s) return pos;
  }
  return SX_NONE;
}

static bool look_again(orderer *o, uint32_t pos, int64_t symbol) {
  if (symbol < 0) return true;
  if (!sx_vec_push(&o->watches, ((watch){pos, o->watched[symbol]}))) return false;
  o->watched[symbol] = o->watches.n;
  return true;
}
/* A node whose producers are done goes where it belongs. */
static bool classify(orderer *o, uint32_t pos) {
  const sx_compile *c = o->c;
  const sx_nid id = c->g->order.at[pos];
  const sx_node *n = sx_node_at(c->g, id);
  const char *reason;
  int64_t lacks = -1, lacks_cut = -1;
  node_state s = KNOWN;
  if (!node_known(c, n, &lacks)) {
    if (o->state[pos] == BLOCKED) {
      const sx_kernel *k = sx_plan_choose(c->g, id, c->o, &reason);
      o->late[pos] = k && k->flags & SX_KERNEL_LATE;
    }
    s = o->late[pos] || cut_suffices(c, n, &lacks_cut) ? ENOUGH : SHORT;
    if (!look_again(o, pos, lacks) || (s == SHORT && lacks_cut != lacks && !look_again(o, pos, lacks_cut))) return false;
  }
  if (o->state[pos] == s) return true;
  o->state[pos] = (uint8_t)s;
  return heap_push(&o->ready[s], pos);
}

/* Users of each node, and how many producers each has. */
static sx_status link_nodes(orderer *o, sx_arena *a) {
  const sx_graph *g = o->c->g;
  const uint32_t n = g->order.n;
  uint32_t *position = SX_NEW_N(a, uint32_t, (size_t)g->nodes.n + 1), edges = 0;
  o->blocked = SX_NEW_N(a, uint32_t, (size_t)n + 1), o->first = SX_NEW_N(a, uint32_t, (size_t)n + 2);
  if (!position || !o->blocked || !o->first) SX_NO_MEMORY(o->c->e);
  for (uint32_t i = 0; i < n; i++) position[g->order.at[i]] = i;
  for (int fill = 0; fill < 2; fill++) {
    for (uint32_t i = 0; i < n; i++) {
      const sx_node *x = sx_node_at(g, g->order.at[i]);
      for (uint32_t k = 0; k < x->n_in; k++) {
        if (!sx_value_producer(g, x->in[k].value)) continue;
        const uint32_t from = position[sx_value_at(g, x->in[k].value)->producer];
        if (fill) o->user[--o->first[from]] = i;
        else o->first[from]++, o->blocked[i]++, edges++;
      }
    }
    if (fill) break;
    if (!(o->user = SX_NEW_N(a, uint32_t, (size_t)edges + 1))) SX_NO_MEMORY(o->c->e);
    for (uint32_t i = 0; i < n; i++) o->first[i + 1] += o->first[i]; /* ends; filling moves them to the beginnings */
  }
  o->first[n] = edges;
  return SX_OK;
}

static sx_status done(orderer *o, uint32_t pos) {
  bool ok = true;
  SX_TRY(add_step(o, o->c->g->order.at[pos]));
  o->state[pos] = DONE;
  for (uint32_t i = o->first[pos]; i < o->first[pos + 1] && ok; i++)
    if (--o->blocked[o->user[i]] == 0) ok = classify(o, o->user[i]);
  while (o->n_bound && ok) {
    const uint32_t symbol = o->bound[--o->n_bound];
    uint32_t w = o->watched[symbol];
    for (o->watched[symbol] = 0; w && ok;) {
      const watch x = o->watches.at[w - 1];
      w = x.next;
      if (o->state[x.pos] != DONE) ok = classify(o, x.pos);
    }
  }
  return ok ? SX_OK : sx_fail(o->c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}

static sx_status order_all(orderer *o) {
  sx_compile *c = o->c;
  const sx_graph *g = c->g;
  const uint32_t n = g->order.n, symbols = g->model->dims.symbols.n;
  o->state = SX_NEW_N(&c->tmp, uint8_t, (size_t)n + 1), o->late = SX_NEW_N(&c->tmp, uint8_t, (size_t)n + 1);
  o->watched = SX_NEW_N(&c->tmp, uint32_t, (size_t)symbols + 1), o->bound = SX_NEW_N(&c->tmp, uint32_t, (size_t)symbols + 1);
  if (!o->state || !o->late || !o->watched || !o->bound) SX_NO_MEMORY(c->e);
  SX_TRY(link_nodes(o, &c->tmp));
  SX_TRY(push_segment(c, 0, SX_NONE));
  for (uint32_t i = 0; i < g->values.n; i++)
    if (sx_value_at(g, i)->kind == SX_VALUE_INPUT || sx_value_at(g, i)->kind == SX_VALUE_CAPTURE)
      mark_bound(o, &sx_value_at(g, i)->fact);
  /* Symbols of the graphs around: a body's captured facts may be expressions over them; they are bound before the body
   * runs. */
  for (uint32_t i = 0; c->outer_known && i < symbols; i++) c->known[i] |= c->outer_known[i];
  o->n_bound = 0; /* nobody waits yet */
  for (uint32_t i = 0; i < n; i++)
    if (!o->blocked[i] && !classify(o, i)) SX_NO_MEMORY(c->e);
  for (uint32_t left = n; left; left--) {
    uint32_t pos = take(o, KNOWN);
    if (pos == SX_NONE) pos = take(o, ENOUGH);
    if (pos == SX_NONE) pos = take(o, SHORT);
    if (pos == SX_NONE) SX_FAIL(c->e, FAIL, "the plan cannot order the graph's nodes");
    SX_TRY(done(o, pos));
    if (left % 1024 == 0) SX_TRY(sx_stop_check(c->e));
  }
  c->segs.at[c->segs.n - 1].end = c->steps.n;
  return SX_OK;
}

sx_status sx_plan_order(sx_compile *c) {
  orderer o = {.c = c};
  const sx_status s = order_all(&o);
  for (int i = 0; i < DONE; i++) sx_vec_free(&o.ready[i]);
  sx_vec_free(&o.watches);
  return s;
}
