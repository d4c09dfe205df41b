// SPDX-License-Identifier: MIT
/* Views: what providers see of a graph. One walk over the nodes makes values as they are met, a second one fills the lists of
 * consumers. A value that a body captures is one of the body's own under the name of the one around it. */
#include <stdlib.h>
#include "abi/plugin/host.h"
#include "onnx/source.h"

static char *text(OrtGraph *v, sx_str s) { return sx_arena_strdup(&v->arena, s.p ? s.p : "", s.n); }

/* The number in the graph around of what body `g` captures as `value`. */
static sx_vid captured(const sx_graph *g, const sx_value *value) {
  return sx_node_at(g->parent, g->owner)->in[g->capture_slots.at[value->index]].value;
}

static void *shown(const sx_view_ids *x, uint32_t id) {
  uint64_t p;
  if (id < x->n) return x->at[id];
  return sx_map_get(&x->few, id, &p) ? (void *)(uintptr_t)p : NULL;
}
static bool show(sx_view_ids *x, uint32_t id, void *p) {
  if (id >= x->n) return sx_map_put(&x->few, id, (uintptr_t)p);
  x->at[id] = p;
  return true;
}
static bool show_up_to(sx_arena *a, sx_view_ids *x, uint32_t n) {
  x->at = SX_NEW_N(a, void *, (size_t)n + 1);
  x->n = x->at ? n : 0;
  return x->at != NULL;
}
OrtValueInfo *sx_ort_view_value(const OrtGraph *v, sx_vid id) { return shown(&v->value_at, id); }
OrtNode *sx_ort_view_node(const OrtGraph *v, sx_nid id) { return shown(&v->node_at, id); }

/* A subset has the names of the view that it was taken from. */
static const char *name_of(OrtGraph *v, const sx_value *s, sx_vid id) {
  const OrtValueInfo *there = v->of ? sx_ort_view_value(v->of, id) : NULL;
  if (there) return there->name;
  return s->name.n ? text(v, s->name) : sx_arena_printf(&v->arena, "sardonyx/value_%u", v->root->fresh++);
}

static OrtValueInfo *value_of(OrtGraph *v, sx_vid id) {
  OrtValueInfo *i = sx_ort_view_value(v, id);
  if (i) return i;
  const sx_value *s = sx_value_at(v->source, id);
  i = SX_NEW(&v->arena, OrtValueInfo);
  if (!i || !show(&v->value_at, id, i) || !sx_vec_push(&v->infos, i)) return NULL;
  i->graph = v, i->id = id, i->name = "";
  if (s->kind == SX_VALUE_CAPTURE && v->outer) {
    const OrtValueInfo *o = value_of((OrtGraph *)v->outer, captured(v->source, s));
    if (!o) return NULL;
    i->name = o->name, i->outer = o, i->tensor = o->tensor;
    i->flags = (uint8_t)(SX_VI_OUTER | (o->flags & (SX_VI_CONSTANT | (o->tensor ? SX_VI_OPTIONAL : 0))));
    i->type = o->type ? sx_ort_type_copy(o->type) : NULL;
    if (o->type && !i->type) return NULL;
  } else {
    i->name = name_of(v, s, id);
    if (s->fact.kind != SX_KIND_UNKNOWN && !(i->type = sx_ort_type_of_fact(v->source->model, &s->fact))) return NULL;
    i->tensor = s->fact.constant;
    if (s->kind == SX_VALUE_CONST) i->flags |= SX_VI_CONSTANT;
    if (s->kind == SX_VALUE_INPUT) i->flags |= s->overridable ? SX_VI_OPTIONAL : SX_VI_REQUIRED;
  }
  return i->name ? i : NULL;
}

static sx_status node_values(OrtGraph *v, const sx_use *in, const sx_vid *out, uint32_t n, OrtValueInfo ***list, sx_err *e) {
  if (!(*list = SX_NEW_N(&v->arena, OrtValueInfo *, (size_t)n + 1))) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < n; i++) {
    sx_vid id = in ? in[i].value : out[i];
    if (id != SX_NONE && !((*list)[i] = value_of(v, id))) SX_NO_MEMORY(e);
  }
  return SX_OK;
}

static int row_version(const sx_node *n) {
  sx_domain d;
  if (!sx_domain_find(n->domain, &d)) return 1;
  int opset = n->since_version > 0 && n->since_version < sx_domain_latest(d) ? n->since_version : sx_domain_latest(d);
  const sx_schema *s = sx_schema_find(d, n->op_type, opset);
  return s ? s->since_version : 1;
}

static sx_status view_graph(OrtGraph *v, const sx_nid *nodes, uint32_t n, sx_err *e);
static OrtGraph *create(const sx_graph *source, const OrtGraph *outer) {
  OrtGraph *v = sx_calloc(1, sizeof *v);
  if (!v) return NULL;
  static const ORTCHAR_T nowhere[1];
  v->source = source, v->outer = outer;
  v->root = outer ? outer->root : v;
  v->path = outer ? outer->root->path : nowhere;
  return v;
}

static sx_status view_body(OrtGraph *v, OrtNode *x, const sx_attr *a, sx_err *e) {
  OrtGraph *b = create(a->g, v);
  if (!b) SX_NO_MEMORY(e);
  b->parent = x;
  x->body_names[x->n_bodies] = text(v, a->name);
  x->bodies[x->n_bodies++] = b;
  if (!x->body_names[x->n_bodies - 1]) SX_NO_MEMORY(e);
  return view_graph(b, a->g->order.at, a->g->order.n, e);
}

static sx_status view_node(OrtGraph *v, sx_nid id, OrtNode **out, sx_err *e) {
  const sx_node *n = sx_node_at(v->source, id);
  OrtNode *x = *out = SX_NEW(&v->arena, OrtNode);
  if (!x || !show(&v->node_at, id, x)) SX_NO_MEMORY(e);
  x->place = v->n_nodes;
  const OrtNode *there = v->of ? sx_ort_view_node(v->of, id) : NULL;
  if (there)
    x->name = there->name, x->op_type = there->op_type, x->domain = there->domain;
  else
    x->name = text(v, n->name), x->op_type = text(v, n->op_type), x->domain = text(v, n->domain);
  const sx_ep_node *taken = sx_ep_node_of(n);
  x->id = x->source = id, x->graph = v, x->ep_name = taken ? taken->ep->name : "", x->since_version = row_version(n);
  x->n_in = n->n_formal, x->n_implicit = n->n_in - n->n_formal, x->n_out = n->n_out;
  if (n->n_attrs) {
    x->attrs = SX_NEW_N(&v->arena, OrtOpAttr *, n->n_attrs);
    x->bodies = SX_NEW_N(&v->arena, OrtGraph *, n->n_attrs);
    x->body_names = SX_NEW_N(&v->arena, const char *, n->n_attrs);
  }
  if (!x->name || !x->op_type || !x->domain || v->arena.failed) SX_NO_MEMORY(e);
  SX_TRY(node_values(v, n->in, NULL, n->n_formal, &x->in, e));
  SX_TRY(node_values(v, n->in + n->n_formal, NULL, x->n_implicit, &x->implicit, e));
  SX_TRY(node_values(v, NULL, n->out, n->n_out, &x->out, e));
  for (uint32_t i = 0; i < n->n_out; i++)
    if (x->out[i]) x->out[i]->producer = x, x->out[i]->output = i;
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    if (!(x->attrs[x->n_attrs] = sx_ort_attr_of(&n->attrs[i]))) SX_NO_MEMORY(e);
    x->n_attrs++;
    if (n->attrs[i].type == SX_ATTR_GRAPH) SX_TRY(view_body(v, x, &n->attrs[i], e));
  }
  return SX_OK;
}

/* Counts, then fills: one list after the other lies in one block. */
static sx_status link_consumers(OrtGraph *v, sx_err *e) {
  size_t total = 0;
  for (int fill = 0; fill < 2; fill++) {
    for (uint32_t k = 0; k < v->n_nodes; k++) {
      const OrtNode *x = v->nodes[k];
      for (uint32_t i = 0; i < x->n_in + x->n_implicit; i++) {
        OrtValueInfo *u = i < x->n_in ? x->in[i] : x->implicit[i - x->n_in];
        if (!u) continue;
        if (fill) u->consumers[u->n_consumers] = (sx_consumer){x, i < x->n_in ? (int64_t)i : -1};
        u->n_consumers++, total++;
      }
    }
    if (fill) break;
    sx_consumer *all = SX_NEW_N(&v->arena, sx_consumer, total + 1);
    if (!all) SX_NO_MEMORY(e);
    for (uint32_t i = 0; i < v->infos.n; i++) {
      OrtValueInfo *u = v->infos.at[i];
      u->consumers = all, all += u->n_consumers, u->n_consumers = 0;
    }
  }
  return SX_OK;
}

static sx_status list_of(OrtGraph *v, const sx_vid *ids, uint32_t n, sx_value_list *out, sx_err *e) {
  out->n = n;
  return node_values(v, NULL, ids, n, &out->at, e);
}

static int by_number(const void *a, const void *b) {
  sx_vid x = (*(OrtValueInfo *const *)a)->id, y = (*(OrtValueInfo *const *)b)->id;
  return x < y ? -1 : x > y;
}
/* Initializers: constants in use, and defaults of inputs; as they stand in the file. */
static sx_status list_initializers(OrtGraph *v, sx_err *e) {
  if (!(v->initializers.at = SX_NEW_N(&v->arena, OrtValueInfo *, (size_t)v->infos.n + 1))) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < v->infos.n; i++) {
    OrtValueInfo *x = v->infos.at[i];
    const sx_value *s = sx_value_at(v->source, x->id);
    if (s->fact.constant && (s->kind == SX_VALUE_CONST || s->overridable)) v->initializers.at[v->initializers.n++] = x;
  }
  qsort(v->initializers.at, v->initializers.n, sizeof *v->initializers.at, by_number);
  return SX_OK;
}

static sx_status view_nodes(OrtGraph *v, const sx_nid *nodes, uint32_t n, sx_err *e) {
  if (!(v->nodes = SX_NEW_N(&v->arena, OrtNode *, (size_t)n + 1))) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < n; i++) {
    if (sx_node_at(v->source, nodes[i])->dead) continue;
    SX_TRY(view_node(v, nodes[i], &v->nodes[v->n_nodes], e));
    v->n_nodes++;
  }
  SX_TRY(list_initializers(v, e));
  return link_consumers(v, e);
}

static sx_status view_graph(OrtGraph *v, const sx_nid *nodes, uint32_t n, sx_err *e) {
  const sx_graph *g = v->source;
  if (!show_up_to(&v->arena, &v->value_at, g->values.n) || !show_up_to(&v->arena, &v->node_at, g->nodes.n)) SX_NO_MEMORY(e);
  SX_TRY(list_of(v, g->inputs.at, g->inputs.n, &v->inputs, e));
  SX_TRY(list_of(v, g->outputs.at, g->outputs.n, &v->outputs, e));
  for (uint32_t i = 0; i < g->outputs.n; i++) v->outputs.at[i]->flags |= SX_VI_OUTPUT;
  return view_nodes(v, nodes, n, e);
}

void sx_ort_graph_free(OrtGraph *v) {
  if (!v) return;
  for (uint32_t i = 0; i < v->infos.n; i++) {
    sx_api_ReleaseTypeInfo(v->infos.at[i]->type);
    sx_rt_unref(v->infos.at[i]->value);
  }
  for (uint32_t k = 0; v->nodes && v->nodes[k]; k++) { /* one that is not finished, too */
    OrtNode *x = v->nodes[k];
    for (uint32_t i = 0; x && i < x->n_attrs; i++) sx_api_ReleaseOpAttr(x->attrs[i]);
    for (uint32_t i = 0; x && i < x->n_bodies; i++) sx_ort_graph_free(x->bodies[i]);
  }
  sx_map_free(&v->value_at.few);
  sx_map_free(&v->node_at.few);
  sx_vec_free(&v->infos);
  sx_model_destroy(v->owned);
  sx_arena_free(&v->arena);
  sx_free(v, sizeof *v);
}

static sx_status view_whole(OrtGraph *v, sx_err *e) {
  const sx_graph *g = v->source;
  SX_TRY(view_graph(v, g->order.at, g->order.n, e));
  if (v->outer || !g->model->path) return SX_OK;
  v->path = sx_path_native(&v->arena, g->model->path); /* kept as UTF-8, and handed out as the platform has paths */
  if (!v->path) SX_NO_MEMORY(e);
  return SX_OK;
}

sx_status sx_ort_graph_view(const sx_graph *source, bool own, OrtGraph **out, sx_err *e) {
  OrtGraph *v = create(source, NULL);
  *out = NULL;
  if (!v) SX_NO_MEMORY(e);
  sx_status s = view_whole(v, e);
  if (s != SX_OK) {
    sx_ort_graph_free(v);
    return s;
  }
  if (own) v->owned = source->model;
  *out = v;
  return SX_OK;
}

sx_status sx_ort_graph_renew(OrtGraph **view, sx_err *e) {
  OrtGraph *old = *view, *v = create(old->source, old->outer);
  if (!v) SX_NO_MEMORY(e);
  v->parent = old->parent;
  sx_status s = view_whole(v, e);
  if (s == SX_OK) *view = v;
  sx_ort_graph_free(s == SX_OK ? old : v);
  return s;
}

/* Is `id` read by a node of the graph that is not in the view? */
static bool read_outside(const OrtGraph *v, sx_vid id) {
  for (const sx_use *u = sx_value_at(v->source, id)->uses; u; u = u->next)
    if (!sx_ort_view_node(v, u->node) && !sx_node_at(v->source, u->node)->dead) return true;
  return false;
}

/* Inputs that are inputs of the whole come first and in its order, as a fused node's do. */
static sx_status boundary(OrtGraph *v, sx_err *e) {
  const sx_graph *g = v->source;
  v->inputs.at = SX_NEW_N(&v->arena, OrtValueInfo *, (size_t)v->infos.n + 1);
  v->outputs.at = SX_NEW_N(&v->arena, OrtValueInfo *, (size_t)v->infos.n + 1);
  if (!v->inputs.at || !v->outputs.at) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    OrtValueInfo *x = sx_ort_view_value(v, g->inputs.at[i]);
    if (x && !x->listed) x->listed = true, v->inputs.at[v->inputs.n++] = x;
  }
  for (uint32_t k = 0; k < v->n_nodes; k++) {
    OrtNode *x = v->nodes[k];
    for (uint32_t i = 0; i < x->n_in + x->n_implicit; i++) {
      OrtValueInfo *u = i < x->n_in ? x->in[i] : x->implicit[i - x->n_in];
      if (u && !u->producer && !(u->flags & SX_VI_CONSTANT) && !u->listed) u->listed = true, v->inputs.at[v->inputs.n++] = u;
    }
    for (uint32_t i = 0; i < x->n_out; i++) {
      OrtValueInfo *o = x->out[i];
      if (!o || (!sx_value_at(g, o->id)->output_uses && !read_outside(v, o->id))) continue;
      o->flags |= SX_VI_OUTPUT;
      v->outputs.at[v->outputs.n++] = o;
    }
  }
  for (uint32_t i = 0; i < v->inputs.n; i++)
    if (!(v->inputs.at[i]->flags & (SX_VI_OPTIONAL | SX_VI_OUTER))) v->inputs.at[i]->flags |= SX_VI_REQUIRED;
  return SX_OK;
}

static int by_place(const void *a, const void *b) {
  uint32_t x = (*(const OrtNode *const *)a)->place, y = (*(const OrtNode *const *)b)->place;
  return x < y ? -1 : x > y;
}

sx_status sx_ort_graph_subset(const OrtGraph *of, const OrtNode *const *nodes, size_t n, OrtGraph **out, sx_err *e) {
  *out = NULL;
  if (n > of->n_nodes) SX_FAIL(e, INVALID_ARGUMENT, "%zu nodes are given, the graph has %u", n, of->n_nodes);
  OrtGraph *v = create(of->source, of->outer);
  const OrtNode **list = sx_malloc((n + 1) * sizeof *list);
  sx_nid *ids = sx_malloc((n + 1) * sizeof *ids);
  sx_status s = v && list && ids ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  uint32_t count = 0;
  for (size_t i = 0; i < n && s == SX_OK; i++) {
    if (!nodes[i] || nodes[i]->editor || sx_ort_view_node(of, nodes[i]->source) == NULL)
      s = sx_fail(e, SX_E_INVALID_ARGUMENT, SX_HERE, "node %zu of the list is no node of the graph", i);
    else
      list[i] = sx_ort_view_node(of, nodes[i]->source);
  }
  if (s == SX_OK) { /* in the order of the graph, each once */
    qsort(list, n, sizeof *list, by_place);
    for (size_t i = 0; i < n; i++)
      if (!i || list[i] != list[i - 1]) ids[count++] = list[i]->source;
    v->of = of, v->parent = of->parent, v->path = of->path;
    v->root = v; /* locks and names of its own */
    v->fresh = of->root->fresh;
    s = view_nodes(v, ids, count, e);
    if (s == SX_OK) s = boundary(v, e);
  }
  sx_free(list, (n + 1) * sizeof *list);
  sx_free(ids, (n + 1) * sizeof *ids);
  if (s != SX_OK) sx_ort_graph_free(v);
  else *out = v;
  return s;
}

sx_status sx_ort_graph_of_bytes(const void *data, size_t size, const sx_import_options *o, OrtGraph **out, sx_err *e) {
  sx_model *source, *canonical;
  *out = NULL;
  sx_import_options whole = *o;
  whole.fold = true;
  SX_TRY(sx_import_source(data, size, o, &source, e));
  sx_status s = sx_import(data, size, &whole, &canonical, e);
  if (s == SX_OK) {
    s = sx_source_take_facts(source->graph, canonical->graph, e);
    sx_model_destroy(canonical);
  }
  if (s == SX_OK && o->path && !(source->path = sx_arena_strdup(&source->arena, o->path, strlen(o->path))))
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = sx_source_clean(source->graph, e);
  s = sx_model_status(source, s, e);
  if (s == SX_OK) s = sx_ort_graph_view(source->graph, true, out, e);
  if (s != SX_OK) sx_model_destroy(source);
  return s;
}
