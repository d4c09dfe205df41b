// SPDX-License-Identifier: MIT
/* Attributes of nodes, and how a node is named to people. */
#include "ir/graph.h"

const sx_attr *sx_node_attr(const sx_node *n, const char *name) {
  size_t len = strlen(name);
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (n->attrs[i].name.n == len && !memcmp(n->attrs[i].name.p, name, len)) return &n->attrs[i];
  return NULL;
}
static const sx_attr *typed(const sx_node *n, const char *name, sx_attr_type t) {
  const sx_attr *a = sx_node_attr(n, name);
  return a && a->type == t ? a : NULL;
}
int64_t sx_attr_int(const sx_node *n, const char *name, int64_t dflt) {
  const sx_attr *a = typed(n, name, SX_ATTR_INT);
  return a ? a->i : dflt;
}
float sx_attr_float(const sx_node *n, const char *name, float dflt) {
  const sx_attr *a = typed(n, name, SX_ATTR_FLOAT);
  return a ? a->f : dflt;
}
sx_str sx_attr_str(const sx_node *n, const char *name, const char *dflt) {
  const sx_attr *a = typed(n, name, SX_ATTR_STRING);
  return a ? a->s : sx_str_c(dflt);
}
uint32_t sx_attr_ints(const sx_node *n, const char *name, const int64_t **values) {
  const sx_attr *a = typed(n, name, SX_ATTR_INTS);
  *values = a ? a->ints : NULL;
  return a ? a->n : 0;
}
uint32_t sx_attr_floats(const sx_node *n, const char *name, const float **values) {
  const sx_attr *a = typed(n, name, SX_ATTR_FLOATS);
  *values = a ? a->floats : NULL;
  return a ? a->n : 0;
}
sx_graph *sx_attr_graph(const sx_node *n, const char *name) {
  const sx_attr *a = typed(n, name, SX_ATTR_GRAPH);
  return a ? a->g : NULL;
}
bool sx_node_has_body(const sx_node *n) {
  bool has = false;
  for (uint32_t k = 0; k < n->n_attrs && !has; k++) has = n->attrs[k].type == SX_ATTR_GRAPH;
  return has;
}

bool sx_node_set_attr(sx_graph *g, sx_nid id, const sx_attr *a) {
  sx_node *n = sx_node_at(g, id);
  sx_attr *own = SX_NEW_N(&g->model->arena, sx_attr, (size_t)n->n_attrs + 1); /* nodes made after others share their list */
  uint32_t i = 0;
  if (!own) return false;
  if (n->n_attrs) memcpy(own, n->attrs, n->n_attrs * sizeof *own);
  while (i < n->n_attrs && !sx_str_eq(own[i].name, a->name)) i++;
  own[i] = *a;
  if (i == n->n_attrs) n->n_attrs++;
  n->attrs = own;
  return true;
}
bool sx_node_set_int(sx_graph *g, sx_nid n, const char *name, int64_t v) {
  return sx_node_set_attr(g, n, &(sx_attr){.name = sx_str_c(name), .type = SX_ATTR_INT, .i = v});
}
bool sx_node_set_float(sx_graph *g, sx_nid n, const char *name, float v) {
  return sx_node_set_attr(g, n, &(sx_attr){.name = sx_str_c(name), .type = SX_ATTR_FLOAT, .f = v});
}
bool sx_node_set_ints(sx_graph *g, sx_nid n, const char *name, const int64_t *v, uint32_t count) {
  int64_t *copy = SX_NEW_N(&g->model->arena, int64_t, (size_t)count + 1);
  if (!copy) return false;
  if (count) memcpy(copy, v, count * sizeof *v);
  return sx_node_set_attr(g, n, &(sx_attr){.name = sx_str_c(name), .type = SX_ATTR_INTS, .n = count, .ints = copy});
}
bool sx_node_set_str(sx_graph *g, sx_nid n, const char *name, sx_str v) {
  char *copy = sx_arena_strdup(&g->model->arena, v.p, v.n);
  return copy && sx_node_set_attr(g, n, &(sx_attr){.name = sx_str_c(name), .type = SX_ATTR_STRING, .s = {copy, v.n}});
}
void sx_node_remove_attr(sx_node *n, const char *name) {
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (sx_str_is(n->attrs[i].name, name)) {
      memmove(&n->attrs[i], &n->attrs[i + 1], (--n->n_attrs - i) * sizeof n->attrs[0]);
      return;
    }
}

void sx_node_describe(const sx_graph *g, const sx_node *n, sx_text *out) {
  sx_str name = n->name, type = n->op_type, domain = n->domain;
  const sx_origin *o = &g->model->origins.at[n->origin];
  if (!name.n && o->n) {
    const sx_source_node *s = &g->model->sources.at[o->ids[0]];
    name = s->name, type = s->op_type, domain = s->domain;
    if (!name.n) sx_text_add(out, "node #%u (%.*s", s->index, SX_FMT(type));
  }
  if (name.n) sx_text_add(out, "node '%.*s' (%.*s", SX_FMT(name), SX_FMT(type));
  else if (!o->n) sx_text_add(out, "node (%.*s", SX_FMT(type));
  if (domain.n) sx_text_add(out, ", domain '%.*s'", SX_FMT(domain));
  if (n->since_version) sx_text_add(out, ", version %d", n->since_version);
  sx_text_add(out, ")");
  if (o->n > 1) sx_text_add(out, " and %u more", o->n - 1);
}

/* What a message says first when it is of one that an upgrade made, which has no version: the node's name or number, and its type. */
static void drop_maker(sx_err *e, const sx_text *node) {
  const char *type = strstr(node->p, " ("), *end = type ? strstr(e->msg, "): ") : NULL;
  const size_t named = type ? (size_t)(type - node->p) + 2 : 0;
  if (!end || strncmp(e->msg, node->p, named)) return;
  const char *version = strstr(e->msg + named, ", version ");
  if (!version || version > end) memmove(e->msg, end + 3, strlen(end + 3) + 1);
}
sx_status sx_node_context(const sx_graph *g, const sx_node *n, sx_status s, sx_err *e) {
  if (s == SX_OK || !e) return s;
  sx_text t = {0};
  sx_node_describe(g, n, &t);
  const bool there = !t.failed && t.n && !strncmp(e->msg, t.p, t.n); /* what binds a body has said it already */
  if (!t.failed && t.n && !there) {
    drop_maker(e, &t);
    sx_err_context(e, "%.*s", (int)(t.n > 700 ? 700 : t.n), t.p);
  }
  sx_text_free(&t);
  return s;
}
