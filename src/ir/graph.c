// SPDX-License-Identifier: MIT
/* Building and editing graphs: values, nodes, use lists. Facts and meaning are other people's business. */
#include "ir/graph.h"

sx_model *sx_model_create(void) {
  sx_model *m = sx_calloc(1, sizeof *m);
  if (!m) return NULL;
  m->graph = sx_graph_create(m, NULL, SX_NONE);
  if (!m->graph || !sx_vec_push(&m->origins, ((sx_origin){0, NULL}))) {
    sx_model_destroy(m);
    return NULL;
  }
  return m;
}

static void free_graph(sx_graph *g) {
  sx_vec_free(&g->values);
  sx_vec_free(&g->nodes);
  sx_vec_free(&g->inputs);
  sx_vec_free(&g->outputs);
  sx_vec_free(&g->output_names);
  sx_vec_free(&g->declared);
  sx_vec_free(&g->captures);
  sx_vec_free(&g->capture_slots);
  sx_vec_free(&g->order);
}

void sx_model_destroy(sx_model *m) {
  if (!m) return;
  if (m->placed) m->release_placed(m->placed);
  while (m->owned.n) {
    const sx_owned *o = &m->owned.at[--m->owned.n];
    o->release(o->p);
  }
  sx_vec_free(&m->owned);
  sx_map_free(&m->owned_by);
  for (sx_graph *g = m->graphs; g; g = g->next) free_graph(g);
  for (uint32_t i = 0; i < m->tensors.n; i++) sx_tensor_unref(m->tensors.at[i]);
  sx_vec_free(&m->tensors);
  for (uint32_t i = 0; i < m->mappings.n; i++) sx_unmap_file(&m->mappings.at[i]);
  sx_vec_free(&m->mappings);
  sx_vec_free(&m->external);
  sx_vec_free(&m->opsets);
  sx_vec_free(&m->metadata);
  sx_vec_free(&m->sources);
  sx_vec_free(&m->origins);
  sx_dimtab_free(&m->dims);
  sx_arena_free(&m->arena);
  sx_free(m, sizeof *m);
}

bool sx_model_own(sx_model *m, uint64_t key, void *p, void (*release)(void *p)) {
  sx_lock_take(&m->owning);
  const bool ok = sx_vec_reserve(&m->owned, m->owned.n + 1) && (!key || sx_map_put(&m->owned_by, key, m->owned.n));
  if (ok) m->owned.at[m->owned.n++] = (sx_owned){p, release};
  sx_lock_drop(&m->owning);
  return ok;
}
void *sx_model_owned(sx_model *m, uint64_t key) {
  uint64_t at;
  sx_lock_take(&m->owning);
  void *p = sx_map_get(&m->owned_by, key, &at) ? m->owned.at[at].p : NULL;
  sx_lock_drop(&m->owning);
  return p;
}

sx_status sx_model_status(const sx_model *m, sx_status s, sx_err *e) {
  if (s != SX_E_NO_MEMORY && (m->arena.failed || m->dims.arena.failed)) SX_NO_MEMORY(e);
  return s;
}

static sx_str domain_of(sx_str name) { return sx_str_is(name, "ai.onnx") ? (sx_str){"", 0} : name; }

int sx_model_opset(const sx_model *m, sx_str domain) {
  for (uint32_t i = 0; i < m->opsets.n; i++)
    if (sx_str_eq(domain_of(m->opsets.at[i].domain), domain_of(domain))) return (int)m->opsets.at[i].version;
  return 0;
}

int sx_model_add_opset(sx_model *m, sx_str domain) {
  const int version = sx_model_opset(m, domain);
  return version ? version : sx_vec_push(&m->opsets, ((sx_opset){domain, 1}));
}

sx_status sx_model_hold(sx_model *m, sx_tensor *t, sx_err *e) {
  if (sx_vec_push(&m->tensors, t)) return SX_OK;
  sx_tensor_unref(t);
  SX_NO_MEMORY(e);
}

sx_graph *sx_graph_create(sx_model *m, sx_graph *parent, sx_nid owner) {
  sx_graph *g = SX_NEW(&m->arena, sx_graph);
  if (!g) return NULL;
  g->model = m, g->parent = parent, g->owner = owner;
  g->next = m->graphs, m->graphs = g;
  g->name = g->doc = (sx_str){"", 0};
  return g;
}

sx_vid sx_graph_add_value(sx_graph *g, sx_value_kind kind, sx_str name) {
  sx_value *v = SX_NEW(&g->model->arena, sx_value);
  if (!v || !sx_vec_push(&g->values, v)) return SX_NONE;
  v->name = name.p ? name : (sx_str){"", 0};
  v->kind = (uint8_t)kind;
  v->fact.rank = -1;
  v->producer = SX_NONE;
  return g->values.n - 1;
}

sx_vid sx_graph_add_const(sx_graph *g, sx_tensor *t, sx_str name) {
  sx_vid id = sx_graph_add_value(g, SX_VALUE_CONST, name);
  sx_dim *dims = SX_NEW_N(&g->model->arena, sx_dim, (size_t)t->rank + 1), *elems = NULL;
  if (id == SX_NONE || !dims) return SX_NONE;
  for (int32_t i = 0; i < t->rank; i++) dims[i] = t->dims[i];
  int64_t v;
  if (t->count <= SX_MAX_ELEMS && (sx_dtype_is_int(t->dtype) || t->dtype == SX_BOOL) && sx_dtype_bits(t->dtype) >= 8) {
    elems = SX_NEW_N(&g->model->arena, sx_dim, (size_t)t->count + 1);
    if (!elems) return SX_NONE;
    for (int64_t i = 0; i < t->count; i++)
      elems[i] = !sx_tensor_get_i64(t, i, &v) || (t->dtype == SX_U64 && v < 0) ? SX_DIM_UNKNOWN
                 : sx_dim_is_const(v)                                          ? v
                                      : SX_DIM_CONST_MIN; /* "to the end", in Slice and its kin: sx_dim_is_exact */
  }
  sx_value_at(g, id)->fact = (sx_fact){
      SX_KIND_TENSOR, t->dtype, (int8_t)t->rank, SX_PLAIN, 0, elems ? (uint32_t)t->count : 0, dims, elems, t, NULL};
  return id;
}

static void unlink_use(sx_graph *g, sx_use *u) {
  if (u->value == SX_NONE) return;
  sx_value *v = sx_value_at(g, u->value);
  g->sorted = g->swept = false;
  if (u->prev)
    u->prev->next = u->next;
  else
    v->uses = u->next;
  if (u->next) u->next->prev = u->prev;
  v->n_uses--;
  u->prev = u->next = NULL;
  u->value = SX_NONE;
}

static void link_use(sx_graph *g, sx_use *u, sx_vid id) {
  u->value = id;
  u->prev = NULL;
  if (id == SX_NONE) return;
  sx_value *v = sx_value_at(g, id);
  g->sorted = g->swept = false;
  u->next = v->uses;
  if (v->uses) v->uses->prev = u;
  v->uses = u;
  v->n_uses++;
}

sx_nid sx_graph_add_node(sx_graph *g, const struct sx_op *op, const sx_vid *in, uint32_t n_in, const sx_vid *out,
                         uint32_t n_out) {
  sx_arena *a = &g->model->arena;
  sx_node *n = SX_NEW(a, sx_node);
  sx_use *uses = SX_NEW_N(a, sx_use, (size_t)n_in + 1);
  sx_vid *outs = SX_NEW_N(a, sx_vid, (size_t)n_out + 1);
  if (!n || !uses || !outs || !sx_vec_push(&g->nodes, n)) return SX_NONE;
  sx_nid id = g->nodes.n - 1;
  n->op = op, n->place = id;
  n->name = n->op_type = n->domain = (sx_str){"", 0};
  n->in = uses, n->n_in = n->n_formal = n_in;
  n->out = outs, n->n_out = n_out;
  for (uint32_t i = 0; i < n_in; i++) {
    uses[i].node = id, uses[i].slot = i;
    link_use(g, &uses[i], in[i]);
  }
  for (uint32_t i = 0; i < n_out; i++) {
    outs[i] = out[i];
    if (out[i] == SX_NONE) continue;
    sx_value_at(g, out[i])->producer = id;
    sx_value_at(g, out[i])->index = i;
  }
  g->live++, g->sorted = g->swept = false;
  return id;
}

void sx_graph_set_input(sx_graph *g, sx_nid n, uint32_t slot, sx_vid v) {
  sx_use *u = &sx_node_at(g, n)->in[slot];
  if (u->value == v) return;
  unlink_use(g, u);
  link_use(g, u, v);
}

bool sx_graph_resize_inputs(sx_graph *g, sx_nid id, uint32_t n_in, uint32_t n_formal) {
  sx_node *n = sx_node_at(g, id);
  sx_use *uses = SX_NEW_N(&g->model->arena, sx_use, (size_t)n_in + 1);
  if (!uses) return false;
  for (uint32_t i = 0; i < n_in; i++) {
    sx_vid v = i < n->n_in ? n->in[i].value : SX_NONE;
    uses[i].node = id, uses[i].slot = i, uses[i].value = SX_NONE;
    if (i < n->n_in) unlink_use(g, &n->in[i]);
    link_use(g, &uses[i], v);
  }
  for (uint32_t i = n_in; i < n->n_in; i++) unlink_use(g, &n->in[i]);
  n->in = uses, n->n_in = n_in, n->n_formal = n_formal;
  return true;
}

void sx_graph_replace_value(sx_graph *g, sx_vid from, sx_vid to) {
  if (from == to) return;
  sx_value *f = sx_value_at(g, from), *t = sx_value_at(g, to);
  sx_use *last = NULL;
  for (sx_use *u = f->uses; u; u = u->next) u->value = to, last = u;
  if (last) {
    g->sorted = g->swept = false;
    last->next = t->uses;
    if (t->uses) t->uses->prev = last;
    t->uses = f->uses;
    t->n_uses += f->n_uses;
    f->uses = NULL, f->n_uses = 0;
  }
  if (!f->output_uses) return;
  g->swept = false;
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (g->outputs.at[i] == from) g->outputs.at[i] = to;
  t->output_uses += f->output_uses;
  f->output_uses = 0;
}

bool sx_graph_add_output(sx_graph *g, sx_vid v) {
  if (!sx_vec_push(&g->outputs, v) || !sx_vec_push(&g->output_names, sx_value_at(g, v)->name)) return false;
  sx_value_at(g, v)->output_uses++;
  return true;
}

bool sx_graph_set_output(sx_graph *g, uint32_t i, sx_vid v) {
  if (i >= g->outputs.n) return false;
  sx_value_at(g, g->outputs.at[i])->output_uses--;
  g->swept = false;
  g->outputs.at[i] = v;
  sx_value_at(g, v)->output_uses++;
  return true;
}

sx_vid sx_graph_capture(sx_graph *g, sx_vid outer) {
  sx_graph *p = g->parent;
  sx_node *owner = sx_node_at(p, g->owner);
  for (uint32_t i = 0; i < g->captures.n; i++)
    if (owner->in[g->capture_slots.at[i]].value == outer) return g->captures.at[i];
  uint32_t slot = owner->n_formal; /* another body of the node may have it */
  while (slot < owner->n_in && owner->in[slot].value != outer) slot++;
  if (slot == owner->n_in) {
    if (!sx_graph_resize_inputs(p, g->owner, slot + 1, owner->n_formal)) return SX_NONE;
    sx_graph_set_input(p, g->owner, slot, outer);
  }
  sx_vid v = sx_graph_add_value(g, SX_VALUE_CAPTURE, sx_value_at(p, outer)->name);
  if (v == SX_NONE || !sx_vec_push(&g->captures, v)) return SX_NONE;
  if (!sx_vec_push(&g->capture_slots, slot)) {
    g->captures.n--;
    return SX_NONE;
  }
  sx_value_at(g, v)->index = g->captures.n - 1;
  sx_value_at(g, v)->fact = sx_value_at(p, outer)->fact;
  return v;
}

void sx_graph_kill(sx_graph *g, sx_nid id) {
  sx_node *n = sx_node_at(g, id);
  if (n->dead) return;
  for (uint32_t i = 0; i < n->n_in; i++) unlink_use(g, &n->in[i]);
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] != SX_NONE && sx_value_at(g, n->out[i])->producer == id) sx_value_at(g, n->out[i])->producer = SX_NONE;
  n->dead = true;
  g->live--, g->sorted = g->swept = false;
}

static bool wanted(const sx_graph *g, const sx_node *n) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (n->out[i] == SX_NONE) continue;
    const sx_value *v = sx_value_at(g, n->out[i]);
    if (v->n_uses || v->output_uses) return true;
  }
  return n->n_out == 0;
}

/* Symbols that constants made of sizes refer to, in g and its bodies. */
static void mark_needed(const sx_graph *g, uint8_t *needed) {
  for (uint32_t i = 0; i < g->values.n; i++) {
    const sx_value *v = sx_value_at(g, i);
    for (uint32_t k = 0;
         v->kind == SX_VALUE_CONST && !v->fact.constant && (v->n_uses || v->output_uses) && k < v->fact.n_elems; k++)
      sx_dim_symbols(&g->model->dims, v->fact.elems[k], needed);
  }
  for (uint32_t i = 0; i < g->nodes.n && sx_model_has_bodies(g->model); i++)
    for (uint32_t k = 0; !sx_node_at(g, i)->dead && k < sx_node_at(g, i)->n_attrs; k++)
      if (sx_node_at(g, i)->attrs[k].type == SX_ATTR_GRAPH) mark_needed(sx_node_at(g, i)->attrs[k].g, needed);
}

static bool has_dim(const sx_fact *f, sx_dim d) {
  for (int i = 0; f->kind == SX_KIND_TENSOR && i < f->rank; i++)
    if (f->dims[i] == d) return true;
  return false;
}

/* Whether a size is found here while running, and needed: it is no input's, and of the node's own inputs none has it. */
static bool finds_size(const sx_graph *g, const sx_node *n, const uint8_t *needed) {
  for (uint32_t o = 0; o < n->n_out; o++) {
    const sx_fact *f = n->out[o] == SX_NONE ? NULL : &sx_value_at(g, n->out[o])->fact;
    for (int i = 0; f && f->kind == SX_KIND_TENSOR && i < f->rank; i++) {
      int64_t s = sx_dim_symbol_of(&g->model->dims, f->dims[i]);
      bool own = s >= 0 && needed[s] && (!g->parent || !g->first_symbol || (uint64_t)s + 1 >= g->first_symbol);
      for (uint32_t k = 0; own && k < g->inputs.n; k++) own = !has_dim(&sx_value_at(g, g->inputs.at[k])->fact, f->dims[i]);
      for (uint32_t k = 0; own && k < n->n_in; k++)
        own = n->in[k].value == SX_NONE || !has_dim(&sx_value_at(g, n->in[k].value)->fact, f->dims[i]);
      if (own) return true;
    }
  }
  return false;
}

uint32_t sx_graph_sweep(sx_graph *g) {
  uint32_t removed = 0;
  if (g->swept) return 0;
  size_t symbols = (size_t)g->model->dims.symbols.n + 1;
  uint8_t *needed = sx_calloc(symbols, 1);
  if (!needed) return 0; /* what is dead stays, and does no harm */
  mark_needed(g, needed);
  /* Backwards: in a sorted list one pass does nearly all; a chain against the order is followed at once. */
  for (uint32_t i = g->nodes.n; i-- > 0;) {
    sx_nid id = i;
    while (id != SX_NONE && !sx_node_at(g, id)->dead && !wanted(g, sx_node_at(g, id)) &&
           !finds_size(g, sx_node_at(g, id), needed)) {
      sx_node *n = sx_node_at(g, id);
      sx_nid next = SX_NONE;
      for (uint32_t k = 0; k < n->n_in; k++) {
        sx_node *p = sx_value_producer(g, n->in[k].value);
        if (p && sx_value_at(g, n->in[k].value)->producer > i) next = sx_value_at(g, n->in[k].value)->producer;
      }
      sx_graph_kill(g, id);
      removed++;
      id = next;
    }
  }
  sx_free(needed, symbols);
  g->swept = removed == 0;
  if (g->parent) g->parent->swept = false; /* a size that only this body refers to */
  return removed;
}

/* Kahn's algorithm with a heap of ready nodes by place and id, so that the order is the file's where the file is sorted. */
static void heap_push(uint64_t *h, uint32_t *n, uint64_t x) {
  uint32_t i = (*n)++;
  for (; i && h[(i - 1) / 2] > x; i = (i - 1) / 2) h[i] = h[(i - 1) / 2];
  h[i] = x;
}
static sx_nid heap_pop(uint64_t *h, uint32_t *n) {
  uint64_t top = h[0], x = h[--*n];
  uint32_t i = 0;
  for (uint32_t c = 1; c < *n; c = 2 * i + 1) {
    if (c + 1 < *n && h[c + 1] < h[c]) c++;
    if (h[c] >= x) break;
    h[i] = h[c], i = c;
  }
  h[i] = x;
  return (sx_nid)top;
}
static uint64_t heap_key(const sx_graph *g, sx_nid id) { return (uint64_t)sx_node_at(g, id)->place << 32 | id; }

sx_status sx_graph_sort(sx_graph *g, sx_err *e) {
  if (g->sorted) return SX_OK;
  size_t n = g->nodes.n, bytes = (n + 1) * (sizeof(uint64_t) + sizeof(uint32_t));
  uint64_t *heap = sx_malloc(bytes);
  uint32_t *waiting, ready = 0;
  if (!heap || !sx_vec_reserve(&g->order, g->live + 1)) {
    sx_free(heap, bytes);
    SX_NO_MEMORY(e);
  }
  waiting = (uint32_t *)(heap + n + 1);
  g->order.n = 0;
  for (uint32_t i = 0; i < n; i++) {
    const sx_node *x = sx_node_at(g, i);
    waiting[i] = 0;
    if (x->dead) continue;
    for (uint32_t k = 0; k < x->n_in; k++) waiting[i] += sx_value_producer(g, x->in[k].value) != NULL;
    if (!waiting[i]) heap_push(heap, &ready, heap_key(g, i));
  }
  while (ready) {
    sx_nid id = heap_pop(heap, &ready);
    const sx_node *x = sx_node_at(g, id);
    g->order.at[g->order.n++] = id;
    for (uint32_t o = 0; o < x->n_out; o++) {
      if (x->out[o] == SX_NONE || sx_value_at(g, x->out[o])->producer != id) continue;
      for (const sx_use *u = sx_value_at(g, x->out[o])->uses; u; u = u->next)
        if (--waiting[u->node] == 0) heap_push(heap, &ready, heap_key(g, u->node));
    }
  }
  sx_nid stuck = SX_NONE;
  for (uint32_t i = 0; i < n && stuck == SX_NONE; i++)
    if (!sx_node_at(g, i)->dead && waiting[i]) stuck = i;
  sx_free(heap, bytes);
  g->sorted = g->order.n == g->live;
  if (g->sorted) return SX_OK;
  sx_status s = sx_fail(e, SX_E_FAIL, SX_HERE, "this node is part of a cycle: the graph must be acyclic");
  return sx_node_context(g, sx_node_at(g, stuck), s, e);
}

uint32_t sx_origin_union(sx_model *m, uint32_t a, uint32_t b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  sx_origin x = m->origins.at[a], y = m->origins.at[b];
  uint32_t *ids = SX_NEW_N(&m->arena, uint32_t, (size_t)x.n + y.n), n = 0;
  if (!ids) return a; /* provenance is for people: a lost entry is no failure */
  for (uint32_t i = 0, j = 0; i < x.n || j < y.n;) {
    uint32_t v = j == y.n || (i < x.n && x.ids[i] <= y.ids[j]) ? x.ids[i++] : y.ids[j++];
    if (!n || ids[n - 1] != v) ids[n++] = v;
  }
  if (n == x.n) return a;
  if (n == y.n) return b;
  return sx_vec_push(&m->origins, ((sx_origin){n, ids})) ? m->origins.n - 1 : a;
}
