// SPDX-License-Identifier: MIT
/* Builds the graph from the messages: names and scopes, inputs, initializers, outputs, and the model around them. Its nodes
 * are made in import_node.c, which knows calls and attributes; here is what a graph is without them. */
#include "onnx/import_priv.h"

enum { IR_LATEST = 14 };

sx_status sx_import_told(sx_importer *im, sx_status s) {
  if (s == SX_OK || s == SX_E_NO_MEMORY || !im->o->problem) return s;
  im->o->problem(im->o->problem_ctx, im->e);
  return SX_OK;
}

sx_status sx_import_find(sx_importer *im, sx_scope *s, sx_str name, sx_vid *out) {
  *out = SX_NONE;
  if (sx_strmap_get(&s->names, name, out) || !s->outer) return SX_OK;
  sx_vid from;
  SX_TRY(sx_import_find(im, s->outer, name, &from));
  if (from == SX_NONE) return SX_OK;
  if ((*out = sx_graph_capture(s->g, from)) == SX_NONE || !sx_strmap_put(&s->names, name, *out)) SX_NO_MEMORY(im->e);
  return SX_OK;
}

sx_str sx_import_keep(sx_importer *im, sx_str s) {
  char *p = s.n ? sx_arena_strdup(&im->m->arena, s.p, s.n) : NULL;
  return p ? (sx_str){p, s.n} : (sx_str){"", 0};
}

sx_status sx_import_declare(sx_importer *im, sx_scope *s, sx_str name, sx_vid v, const char *what) {
  bool fresh;
  if (!name.n) return SX_OK;
  uint32_t *at = sx_strmap_at(&s->names, name, &fresh);
  if (!at) SX_NO_MEMORY(im->e);
  if (!fresh)
    return sx_import_told(
        im, sx_fail(im->e, SX_E_FAIL, __FILE__, __LINE__,
                    "the name '%.*s' is given twice, now to %s: names of a graph must be unique", SX_FMT(name), what));
  *at = v;
  return SX_OK;
}

sx_status sx_import_declare_unknown(sx_importer *im, sx_scope *s, sx_str name, sx_vid *v) {
  if ((*v = sx_graph_add_value(s->g, SX_VALUE_NODE, sx_import_keep(im, name))) == SX_NONE) SX_NO_MEMORY(im->e);
  return sx_import_declare(im, s, name, *v, "nothing");
}
/* A size that the caller gave for an input is believed in place of what the model says. */
static sx_status given_shape(sx_importer *im, sx_str name, sx_fact *f) {
  for (uint32_t k = 0; k < im->o->n_shapes; k++) {
    const sx_input_shape *shape = &im->o->shapes[k];
    if (!sx_str_eq(shape->name, name)) continue;
    f->rank = (int8_t)shape->rank;
    f->dims = sx_arena_copy(&im->m->arena, shape->dims, (size_t)shape->rank * sizeof(int64_t));
    if (!f->dims) SX_NO_MEMORY(im->e);
  }
  return SX_OK;
}

static sx_status import_inputs(sx_importer *im, const sx_proto_graph *p, sx_scope *s) {
  sx_graph *g = s->g;
  for (uint32_t i = 0; i < p->input.n; i++) {
    sx_vid v = sx_graph_add_value(g, SX_VALUE_INPUT, sx_import_keep(im, p->input.at[i].name));
    if (v == SX_NONE || !sx_vec_push(&g->inputs, v)) SX_NO_MEMORY(im->e);
    sx_value_at(g, v)->index = i;
    SX_TRY(sx_import_declare(im, s, p->input.at[i].name, v, "an input"));
    if (!s->outer && !p->input.at[i].type) SX_FAIL(im->e, FAIL, "input '%.*s' has no type", SX_FMT(p->input.at[i].name));
    SX_TRY(sx_import_fact(im, p->input.at[i].type, &sx_value_at(g, v)->fact));
    if (!g->parent) SX_TRY(given_shape(im, p->input.at[i].name, &sx_value_at(g, v)->fact));
  }
  return SX_OK;
}

/* An input with a default: the caller may override it from IR 4 on; before that every initializer had to be listed. */
static sx_status add_default(sx_importer *im, sx_scope *s, sx_str name, sx_vid input, sx_tensor *x, sx_vid constant) {
  sx_graph *g = s->g;
  sx_value *in = sx_value_at(g, input);
  if (im->m->ir_version >= 4) {
    in->fact.constant = x;
    in->overridable = true;
    return SX_OK;
  }
  for (uint32_t k = 0; k < g->inputs.n; k++)
    if (g->inputs.at[k] == input)
      memmove(&g->inputs.at[k], &g->inputs.at[k + 1], (--g->inputs.n - k) * sizeof *g->inputs.at);
  if (!sx_strmap_put(&s->names, name, constant)) SX_NO_MEMORY(im->e);
  return SX_OK;
}

/* Exactly one of `t` and `sparse` is given. */
static sx_status import_initializer(sx_importer *im, const sx_proto_tensor *t, const sx_proto_sparse *sparse, sx_scope *s) {
  sx_graph *g = s->g;
  sx_tensor *x = NULL;
  sx_vid old;
  if (sparse) t = sparse->values;
  sx_str name = t ? t->name : (sx_str){"", 0};
  if (t) SX_TRY(sx_import_pay(im, s, sx_import_tensor_cost(t)));
  sx_status made = !sparse && !g->parent ? sx_import_given(im, t, &x) : SX_OK;
  if (made == SX_OK && !x) made = sparse ? sx_import_sparse(im, sparse, &x) : sx_import_tensor(im, t, &x);
  if (made != SX_OK) {
    sx_err_context(im->e, "initializer '%.*s'", SX_FMT(name));
    SX_TRY(sx_import_told(im, made));
    return sx_strmap_get(&s->names, name, &old) ? SX_OK : sx_import_declare_unknown(im, s, name, &old);
  }
  sx_vid v = sx_graph_add_const(g, x, sx_import_keep(im, name));
  if (v == SX_NONE) SX_NO_MEMORY(im->e);
  if (!sx_strmap_get(&s->names, name, &old)) return sx_import_declare(im, s, name, v, "an initializer");
  sx_value_kind kind = sx_value_at(g, old)->kind;
  if (kind == SX_VALUE_INPUT) return add_default(im, s, name, old, x, v);
  if (!name.n || kind != SX_VALUE_CONST) return sx_import_declare(im, s, name, v, "an initializer");
  sx_log(im->o->log, WARNING, "initializer '%.*s' is given twice, the later one is used", SX_FMT(name));
  sx_value_at(g, old)->name = (sx_str){"", 0};
  if (!sx_strmap_put(&s->names, name, v)) SX_NO_MEMORY(im->e);
  return SX_OK;
}

/* Of a declared type in between only the element type is believed, unless nodes may be placed that nobody here can infer.
 */
static sx_fact believed(const sx_importer *im, const sx_fact *f) {
  return im->o->place ? *f : (sx_fact){.kind = f->kind, .dtype = f->dtype, .rank = -1, .type = f->type};
}

static sx_status import_outputs(sx_importer *im, const sx_proto_graph *p, sx_scope *s) {
  sx_graph *g = s->g;
  for (uint32_t i = 0; i < p->output.n; i++) {
    sx_vid v;
    sx_fact f;
    SX_TRY(sx_import_find(im, s, p->output.at[i].name, &v));
    if (v == SX_NONE) {
      SX_TRY(sx_import_told(im, sx_fail(im->e, SX_E_FAIL, __FILE__, __LINE__,
                                        "output '%.*s' is made by no node of the graph", SX_FMT(p->output.at[i].name))));
      continue;
    }
    SX_TRY(sx_import_fact(im, p->output.at[i].type, &f));
    if (!sx_graph_add_output(g, v) || !sx_vec_push(&g->declared, f)) SX_NO_MEMORY(im->e);
    sx_value *value = sx_value_at(g, v);
    if (value->kind == SX_VALUE_NODE && value->fact.kind == SX_KIND_UNKNOWN) value->fact = believed(im, &f);
  }
  return SX_OK;
}

sx_status sx_import_graph(sx_importer *im, const sx_proto_graph *p, sx_scope *s) {
  sx_graph *g = s->g;
  g->name = sx_import_keep(im, p->name), g->doc = sx_import_keep(im, p->doc_string);
  SX_TRY(import_inputs(im, p, s));
  for (uint32_t i = 0; i < p->initializer.n; i++) SX_TRY(import_initializer(im, &p->initializer.at[i], NULL, s));
  for (uint32_t i = 0; i < p->sparse_initializer.n; i++)
    SX_TRY(import_initializer(im, NULL, &p->sparse_initializer.at[i], s));
  SX_TRY(sx_import_nodes(im, s, &p->node));
  for (uint32_t i = 0; i < p->value_info.n; i++) {
    sx_vid v;
    sx_fact f;
    if (!sx_strmap_get(&s->names, p->value_info.at[i].name, &v) || v == SX_NONE || sx_value_at(g, v)->kind != SX_VALUE_NODE)
      continue;
    SX_TRY(sx_import_fact(im, p->value_info.at[i].type, &f));
    sx_value_at(g, v)->fact = believed(im, &f);
  }
  return import_outputs(im, p, s);
}

/* A newer model loads if all of its operators are known, with one warning. */
static sx_status warn_newer(sx_importer *im) {
  const sx_model *m = im->m;
  const char *what = "";
  if (m->ir_version > IR_LATEST)
    what = sx_arena_printf(&im->arena, "IR version %lld (known: %d)", (long long)m->ir_version, IR_LATEST);
  for (uint32_t i = 0; i < m->opsets.n && what; i++) {
    sx_domain d;
    const sx_opset *o = &m->opsets.at[i];
    if (!sx_domain_find(o->domain, &d) || o->version <= sx_domain_latest(d)) continue;
    what = sx_arena_printf(&im->arena, "%s%soperator set %s %lld (known: %d)", what, *what ? ", " : "",
                           *sx_domain_name(d) ? sx_domain_name(d) : "ai.onnx", (long long)o->version, sx_domain_latest(d));
  }
  if (!what) SX_NO_MEMORY(im->e);
  if (*what)
    sx_log(im->o->log, WARNING,
           "the model is newer than what is known here: %s; its operators are taken as the newest known version has them",
           what);
  return SX_OK;
}

static sx_status read_header(sx_importer *im) {
  const sx_proto_model *p = im->proto;
  sx_model *m = im->m;
  if (!p->graph) SX_FAIL(im->e, INVALID_ARGUMENT, "the model has no graph");
  m->ir_version = p->ir_version, m->model_version = SX_PROTO_HAS(p, 5) ? p->model_version : INT64_MAX;
  if (p->ir_version < 3 && p->ir_version != 0 && SX_PROTO_HAS(p, 1)) {
    if (p->ir_version < 1) SX_FAIL(im->e, INVALID_GRAPH, "ir_version is %lld: no such version", (long long)p->ir_version);
  }
  if (!SX_PROTO_HAS(p, 1)) SX_FAIL(im->e, FAIL, "the model has no ir_version: not an ONNX model, or cut short");
  m->producer = sx_import_keep(im, p->producer_name), m->producer_version = sx_import_keep(im, p->producer_version);
  m->domain = sx_import_keep(im, p->domain), m->doc = sx_import_keep(im, p->doc_string);
  for (uint32_t i = 0; i < p->opset_import.n; i++)
    if (!sx_vec_push(&m->opsets,
                     ((sx_opset){sx_import_keep(im, p->opset_import.at[i].domain), p->opset_import.at[i].version})))
      SX_NO_MEMORY(im->e);
  if (!p->opset_import.n && !sx_vec_push(&m->opsets, ((sx_opset){{"", 0}, 1}))) SX_NO_MEMORY(im->e);
  SX_TRY(warn_newer(im));
  for (uint32_t i = 0; i < p->metadata_props.n; i++)
    if (!sx_vec_push(&m->metadata, ((sx_kv){sx_import_keep(im, p->metadata_props.at[i].key),
                                            sx_import_keep(im, p->metadata_props.at[i].value)})))
      SX_NO_MEMORY(im->e);
  return SX_OK;
}

sx_status sx_import_source(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e) {
  sx_importer im = {.bytes = data, .size = size, .o = o, .e = e, .external = {.base = o->path}};
  *out = NULL;
  if (o->folder && !(im.external.base = sx_arena_printf(&im.arena, "%s/", o->folder))) SX_NO_MEMORY(e);
  sx_status s = sx_model_parse(data, size, o->format, &im.arena, &im.proto, e);
  if (s == SX_E_INVALID_PROTOBUF) sx_err_context(e, "Protobuf parsing failed");
  if (s == SX_OK && !(im.m = sx_model_create())) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = read_header(&im);
  for (uint32_t i = 0; i < o->n_files && s == SX_OK; i++)
    s = sx_external_add(&im.external, o->files[i].location, o->files[i].data, o->files[i].size, e);
  if (s == SX_OK) {
    sx_scope top = {.g = im.m->graph};
    s = sx_import_graph(&im, im.proto->graph, &top);
    sx_strmap_free(&top.names);
  }
  for (uint32_t i = 0; i < o->n_free_dims && i < 64 && s == SX_OK; i++)
    if (!(im.free_dims_used >> i & 1))
      sx_log(o->log, WARNING, "no dimension of the model is called '%.*s': its override (%lld) changes nothing",
             SX_FMT(o->free_dims[i].name), (long long)o->free_dims[i].value);
  if (im.m) s = sx_model_status(im.m, s, e);
  for (uint32_t i = 0; i < im.external.files.n && s == SX_OK;
       i++) { /* the model unmaps what it took over, also on failure */
    if (!im.external.files.at[i].owned) continue;
    if (!sx_vec_push(&im.m->mappings, im.external.files.at[i].map))
      s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    else
      im.external.files.at[i].owned = false;
  }
  sx_external_free(&im.external);
  sx_arena_free(&im.arena);
  if (s != SX_OK)
    sx_model_destroy(im.m);
  else
    *out = im.m;
  if (s != SX_OK) (void)sx_import_told(&im, s);
  return s;
}

/* Where the model leaves a size of an output open that inference knows as a number, it is told as that number. */
static bool refine_outputs(sx_model *m) {
  sx_graph *g = m->graph;
  for (uint32_t i = 0; i < g->declared.n && i < g->outputs.n; i++) {
    sx_fact *d = &g->declared.at[i];
    const sx_fact *f = &sx_value_at(g, g->outputs.at[i])->fact;
    if (d->kind != SX_KIND_TENSOR || f->kind != SX_KIND_TENSOR || d->rank < 1 || d->rank != f->rank) continue;
    sx_dim *dims = SX_NEW_N(&m->arena, sx_dim, (size_t)d->rank);
    if (!dims) return false;
    for (int k = 0; k < d->rank; k++)
      dims[k] = !sx_dim_is_const(d->dims[k]) && sx_dim_is_const(f->dims[k]) ? f->dims[k] : d->dims[k];
    d->dims = dims;
  }
  return true;
}

sx_status sx_import(const void *data, size_t size, const sx_import_options *o, sx_model **out, sx_err *e) {
  SX_TRY(sx_import_source(data, size, o, out, e));
  sx_status s = o->place ? o->place(o->place_ctx, *out, data, size, o, e) : SX_OK;
  s = sx_model_status(*out, s, e);
  if (s == SX_OK) s = sx_model_status(*out, sx_canonicalise(*out, o, e), e);
  if (s == SX_OK && !refine_outputs(*out)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) return s;
  sx_model_destroy(*out);
  *out = NULL;
  return s;
}
