// SPDX-License-Identifier: MIT
/* The operators of a model, as the list from which a smaller library is made: those that it is written in, and those that the
 * passes made of them. */
#include <stdlib.h>
#include "abi/explain.h"
#include "run/exec.h"

typedef struct item {
  int domain; /* sx_domain; SX_DOMAIN_COUNT: private */
  const char *name;
} item;
typedef struct found {
  SX_VEC(item) items;
  bool missing; /* only those that this library was not built with */
  bool failed;
} found;

static void add(found *f, item x) {
  for (uint32_t i = 0; i < f->items.n; i++)
    if (f->items.at[i].domain == x.domain && !strcmp(f->items.at[i].name, x.name)) return;
  if (!sx_vec_push(&f->items, x)) f->failed = true;
}

/* The nodes of a graph and its bodies: as written, without an sx_op yet, or as they are now. */
static void add_graph(found *f, const sx_graph *g) {
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    if (n->dead || n->custom) continue;
    sx_domain d;
    const sx_op *op = n->op ? n->op : sx_op_find(n->domain, n->op_type);
    const sx_schema *s = !op && sx_domain_find(n->domain, &d) ? sx_schema_latest(d, n->op_type) : NULL;
    if (op && !f->missing) add(f, (item){op->flags & SX_OP_PRIVATE ? SX_DOMAIN_COUNT : op->domain, op->name});
    if (s && f->missing) add(f, (item){s->domain, sx_schema_text(s->name)});
    for (uint32_t a = 0; a < n->n_attrs; a++)
      if (n->attrs[a].type == SX_ATTR_GRAPH) add_graph(f, n->attrs[a].g);
  }
}

static void add_plan(void *ctx, const sx_session *planned) {
  if (planned) add_graph(ctx, sx_session_model(planned)->graph);
}

static int order(const void *a, const void *b) {
  const item *x = a, *y = b;
  return x->domain != y->domain ? x->domain - y->domain : strcmp(x->name, y->name);
}

static void put(found *f, const sx_model *m, sx_text *t) {
  if (f->items.n) qsort(f->items.at, f->items.n, sizeof *f->items.at, order);
  for (uint32_t i = 0; i < f->items.n; i++) {
    const int d = f->items.at[i].domain;
    if (i && d == f->items.at[i - 1].domain) {
      sx_text_add(t, ",%s", f->items.at[i].name);
      continue;
    }
    const char *domain = d == SX_DOMAIN_ONNX ? "ai.onnx" : d == SX_DOMAIN_COUNT ? "sardonyx" : sx_domain_name((sx_domain)d);
    long long version = 1;
    sx_domain one;
    for (uint32_t k = 0; k < m->opsets.n; k++)
      if (sx_domain_find(m->opsets.at[k].domain, &one) && (int)one == d) version = m->opsets.at[k].version;
    sx_text_add(t, "%s%s;%lld;%s", i ? "\n" : "", domain, version, f->items.at[i].name);
  }
  if (f->items.n) sx_text_add(t, "\n");
}

void sx_report_missing(const void *data, size_t size, const sx_import_options *o, sx_text *t) {
  found f = {.missing = true};
  sx_err e;
  sx_model *m = NULL;
  if (sx_import_source(data, size, o, &m, &e) != SX_OK) return;
  add_graph(&f, m->graph);
  put(&f, m, t);
  t->failed |= f.failed;
  sx_vec_free(&f.items);
  sx_model_destroy(m);
}

OrtStatus *sx_report_operators(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                               const char *path, sx_text *t) {
  sx_session_options so = {0};
  sx_arena lists = {0};
  OrtSession *s = NULL;
  OrtStatus *failed = sx_ort_session_ask(env, options, path, &s, &so, &lists);
  if (!failed) {
    found f = {0};
    sx_err e = {0};
    sx_model *m = NULL;
    sx_session *made = NULL;
    sx_status st = sx_import_source(data, size, &so.import, &m, &e);
    if (st == SX_OK) {
      add_graph(&f, m->graph);
      st = sx_session_create_bytes(data, size, &so, &made, &e);
    }
    if (st == SX_OK) sx_session_planned(made, add_plan, &f);
    if (st == SX_OK && f.failed) st = SX_E_NO_MEMORY;
    if (st == SX_OK) put(&f, m, t);
    failed = sx_ort_status(st, &e);
    if (made) sx_session_destroy(made);
    if (m) sx_model_destroy(m);
    sx_vec_free(&f.items);
  }
  sx_arena_free(&lists);
  sx_api_ReleaseSession(s);
  return failed;
}
