// SPDX-License-Identifier: MIT
/* Facts and clean-up of the source dialect. The clean-up is a walk that makes known values constants and unlinks nodes that
 * do nothing, a sweep, and a copy of each DequantizeLinear for every reader beyond the first. */
#include <stdlib.h>
#include "onnx/source.h"
#include "ops/schema.h"

static bool is(const sx_node *n, const char *op) { return !n->domain.n && sx_str_is(n->op_type, op); }

/* A dimension of the canonical model in the source's table: a symbol of the same name; an expression is one under its text.
 */
static sx_dim dim_to(sx_dimtab *to, const sx_dimtab *from, sx_dim d, sx_arena *a) {
  if (sx_dim_is_const(d)) return d;
  if (!sx_dim_is_expr(d)) return sx_dim_fresh(to);
  int64_t symbol = sx_dim_symbol_of(from, d);
  if (symbol >= 0) {
    sx_str name = from->atoms.at[from->symbols.at[symbol]].name;
    char *copy = name.n ? sx_arena_strdup(a, name.p, name.n) : NULL;
    return copy ? sx_dim_symbol(to, (sx_str){copy, name.n}) : sx_dim_fresh(to);
  }
  sx_text t = {0};
  sx_dim_print(from, d, &t);
  char *copy = t.failed ? NULL : sx_arena_strdup(a, t.p, t.n);
  sx_dim out = copy ? sx_dim_symbol(to, (sx_str){copy, t.n}) : sx_dim_fresh(to);
  sx_text_free(&t);
  return out;
}

static sx_status dims_to(sx_model *to, const sx_model *from, const sx_dim *dims, int rank, const sx_dim **out, sx_err *e) {
  sx_dim *d = SX_NEW_N(&to->arena, sx_dim, (size_t)(rank > 0 ? rank : 0) + 1);
  if (!d) SX_NO_MEMORY(e);
  for (int i = 0; i < rank; i++)
    if ((d[i] = dim_to(&to->dims, &from->dims, dims[i], &to->arena)) == SX_DIM_UNKNOWN) SX_NO_MEMORY(e);
  *out = d;
  return SX_OK;
}

static sx_status type_to(sx_model *to, const sx_model *from, const sx_type *t, const sx_type **out, sx_err *e) {
  sx_type *x = t ? SX_NEW(&to->arena, sx_type) : NULL;
  *out = x;
  if (!t) return SX_OK;
  if (!x) SX_NO_MEMORY(e);
  *x = *t;
  SX_TRY(dims_to(to, from, t->dims, t->rank, &x->dims, e));
  return type_to(to, from, t->item, &x->item, e);
}

sx_status sx_source_take_facts(sx_graph *g, const sx_graph *canonical, sx_err *e) {
  sx_model *m = g->model;
  const sx_model *from = canonical->model;
  for (uint32_t i = 0; i < g->values.n && i < canonical->values.n; i++) {
    sx_value *v = sx_value_at(g, i);
    const sx_fact *f = &sx_value_at(canonical, i)->fact;
    if (v->fact.constant || f->kind == SX_KIND_UNKNOWN) continue;
    if (f->kind == SX_KIND_TENSOR && f->rank < 0 && v->fact.rank >= 0) continue; /* the file says more */
    v->fact = (sx_fact){.kind = f->kind, .dtype = f->dtype, .rank = f->rank};
    SX_TRY(dims_to(m, from, f->dims, f->rank, &v->fact.dims, e));
    SX_TRY(type_to(m, from, f->type, &v->fact.type, e));
    if (!f->constant || v->kind != SX_VALUE_NODE || f->constant->owner != SX_OWN_SELF)
      continue; /* bytes of a file go with their model */
    SX_TRY(sx_model_hold(m, sx_tensor_ref(f->constant), e));
    v->fact.constant = f->constant;
  }
  for (uint32_t k = 0; k < g->nodes.n && k < canonical->nodes.n; k++) {
    const sx_node *n = sx_node_at(g, k), *c = sx_node_at(canonical, k);
    for (uint32_t i = 0; i < n->n_attrs; i++) {
      sx_graph *body = n->attrs[i].type == SX_ATTR_GRAPH ? sx_attr_graph(c, n->attrs[i].name.p) : NULL;
      if (body) SX_TRY(sx_source_take_facts(n->attrs[i].g, body, e));
    }
  }
  return SX_OK;
}

/* The default of a schema row (its text form: ops/schema.h) as an attribute of a node. */
static sx_status set_default(sx_graph *g, sx_nid id, const sx_schema_attr *r, sx_err *e) {
  sx_arena *m = &g->model->arena;
  const char *text = sx_schema_text(r->dflt), *name = sx_schema_text(r->name);
  sx_attr a = {.name = sx_str_c(name), .type = (sx_attr_type)r->type};
  uint32_t n = *text && strcmp(text, "[]") != 0;
  for (const char *p = text; n && *p; p++) n += *p == ',';
  float *floats = SX_NEW_N(m, float, (size_t)n + 1);
  int64_t *ints = SX_NEW_N(m, int64_t, (size_t)n + 1);
  if (!floats || !ints) SX_NO_MEMORY(e);
  const char *at = text;
  for (uint32_t i = 0; i < n && a.type != SX_ATTR_STRING && a.type != SX_ATTR_STRINGS; i++) {
    floats[i] = strtof(at, NULL), ints[i] = strtoll(at, NULL, 10);
    at = strchr(at, ',');
    at = at ? at + 1 : "";
  }
  switch (a.type) {
    case SX_ATTR_FLOAT: a.f = floats[0]; break;
    case SX_ATTR_INT: a.i = ints[0]; break;
    case SX_ATTR_STRING: a.s = sx_str_c(text); break;
    case SX_ATTR_FLOATS: a.floats = floats, a.n = n; break;
    case SX_ATTR_INTS: a.ints = ints, a.n = n; break;
    default: return SX_OK;
  }
  if (!sx_node_set_attr(g, id, &a)) SX_NO_MEMORY(e);
  return SX_OK;
}

sx_status sx_source_defaults(sx_graph *g, sx_err *e) {
  for (uint32_t k = 0; k < g->nodes.n; k++) {
    const sx_node *n = sx_node_at(g, k);
    sx_domain d;
    if (n->dead || !sx_domain_find(n->domain, &d)) continue;
    int opset = n->since_version > 0 && n->since_version < sx_domain_latest(d) ? n->since_version : sx_domain_latest(d);
    const sx_schema *s = sx_schema_find(d, n->op_type, opset);
    for (uint32_t i = 0; s && i < s->n_attrs; i++) {
      const sx_schema_attr *r = sx_schema_attr_at(s, i);
      if (r->has_default && !sx_node_attr(n, sx_schema_text(r->name))) SX_TRY(set_default(g, k, r, e));
    }
    for (uint32_t i = 0; i < n->n_attrs; i++)
      if (n->attrs[i].type == SX_ATTR_GRAPH) SX_TRY(sx_source_defaults(n->attrs[i].g, e));
  }
  return SX_OK;
}

/* What is known to be constant becomes an initializer: nobody has to compute it. */
static sx_status fold(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  for (uint32_t i = 0; i < n->n_out && !is(n, "DequantizeLinear"); i++) { /* whose reader may want it quantised */
    sx_vid v = n->out[i];
    sx_tensor *t = sx_value_const(g, v);
    if (!t || sx_value_at(g, v)->output_uses || !sx_value_at(g, v)->n_uses) continue;
    sx_vid k = sx_graph_add_const(g, t, (sx_str){"", 0});
    if (k == SX_NONE) SX_NO_MEMORY(e);
    sx_str name = sx_value_at(g, v)->name;
    sx_graph_replace_value(g, v, k);
    sx_value_at(g, v)->name = (sx_str){"", 0}, sx_value_at(g, k)->name = name;
  }
  return SX_OK;
}

/* Identity, and Dropout that is not told to train: its input goes on. */
static bool does_nothing(const sx_graph *g, const sx_node *n) {
  if (is(n, "Identity")) return n->n_in == 1 && n->n_out == 1;
  if (!is(n, "Dropout") || n->n_in < 1 || n->n_out < 1) return false;
  if (n->since_version < 7 && !sx_attr_int(n, "is_test", 0)) return false;
  sx_vid mask = sx_node_out(n, 1);
  if (mask != SX_NONE && (sx_value_at(g, mask)->n_uses || sx_value_at(g, mask)->output_uses)) return false;
  sx_vid training = sx_node_in(n, 2);
  const sx_tensor *t = sx_value_const(g, training);
  int64_t on;
  return training == SX_NONE || (t && sx_tensor_get_i64(t, 0, &on) && !on);
}

static void bypass(sx_graph *g, sx_nid id) {
  sx_node *n = sx_node_at(g, id);
  sx_vid in = n->in[0].value, out = n->out[0];
  sx_value *i = sx_value_at(g, in), *o = sx_value_at(g, out);
  if (in == SX_NONE) return;
  if (o->output_uses) { /* an output keeps its name: whoever makes the input makes it under that one */
    if (i->kind != SX_VALUE_NODE || i->output_uses) return;
    i->name = o->name, o->name = (sx_str){"", 0};
  }
  sx_graph_replace_value(g, out, in);
  sx_graph_kill(g, id);
}

static sx_status unique_dequantize(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  if (!is(n, "DequantizeLinear") || n->n_out != 1 || n->n_in > 3) return SX_OK;
  sx_vid in[3], out = n->out[0];
  uint32_t n_in = n->n_in;
  for (uint32_t i = 0; i < n_in; i++) in[i] = n->in[i].value;
  bool keep_first = sx_value_at(g, out)->output_uses == 0;
  for (sx_use *u = sx_value_at(g, out)->uses, *next; u; u = next) {
    next = u->next;
    if (keep_first) { /* the node itself serves the first reader, or the graph's output */
      keep_first = false;
      continue;
    }
    sx_vid v = sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0});
    sx_nid copy = v == SX_NONE ? SX_NONE : sx_graph_add_node(g, NULL, in, n_in, &v, 1);
    if (copy == SX_NONE) SX_NO_MEMORY(e);
    sx_node *c = sx_node_at(g, copy);
    n = sx_node_at(g, id);
    c->op_type = n->op_type, c->domain = n->domain, c->since_version = n->since_version, c->origin = n->origin;
    c->attrs = n->attrs, c->n_attrs = n->n_attrs, c->place = n->place;
    sx_value_at(g, v)->fact = sx_value_at(g, out)->fact;
    sx_graph_set_input(g, u->node, u->slot, v);
  }
  return SX_OK;
}

sx_status sx_source_clean(sx_graph *g, sx_err *e) {
  SX_TRY(sx_graph_sort(g, e));
  for (uint32_t k = 0; k < g->order.n; k++) {
    sx_nid id = g->order.at[k];
    if (does_nothing(g, sx_node_at(g, id))) bypass(g, id);
    const sx_node *n = sx_node_at(g, id);
    if (n->dead) continue;
    SX_TRY(fold(g, id, e));
    for (uint32_t i = 0; i < n->n_attrs; i++)
      if (n->attrs[i].type == SX_ATTR_GRAPH) SX_TRY(sx_source_clean(n->attrs[i].g, e));
  }
  sx_graph_sweep(g);
  for (uint32_t k = 0, n = g->nodes.n; k < n; k++)
    if (!sx_node_at(g, k)->dead) SX_TRY(unique_dequantize(g, k, e));
  return sx_graph_sort(g, e);
}
