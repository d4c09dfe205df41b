// SPDX-License-Identifier: MIT
/* EPContext: what a provider compiled, as a node of a model that can be saved. The provider gives such a node for each of its
 * groups; ours takes its operator and attributes, and the model is written with it. */
#include "abi/editor.h"
#include "abi/plugin/host.h"
#include "onnx/export.h"
#include "onnx/proto_write.h"
#include "onnxruntime_ep_device_ep_metadata_keys.h"
#include "onnxruntime_session_options_config_keys.h"

static sx_str keep(sx_arena *a, sx_str s) {
  char *p = sx_arena_strdup(a, s.p ? s.p : "", s.n);
  return p ? (sx_str){p, s.n} : (sx_str){NULL, 0};
}

static sx_status take_attr(sx_graph *g, sx_nid id, const sx_proto_attr *p, sx_err *e) {
  sx_arena *a = &g->model->arena;
  sx_attr to = {.name = keep(a, p->name), .type = (sx_attr_type)p->type};
  switch (to.type) {
    case SX_ATTR_FLOAT: to.f = p->f; break;
    case SX_ATTR_INT: to.i = p->i; break;
    case SX_ATTR_STRING:
      to.s = keep(a, p->s);
      if (!to.s.p) SX_NO_MEMORY(e);
      break;
    case SX_ATTR_INTS:
      to.n = p->ints.n, to.ints = sx_arena_copy(a, p->ints.at, to.n * sizeof(int64_t));
      if (to.n && !to.ints) SX_NO_MEMORY(e);
      break;
    case SX_ATTR_FLOATS:
      to.n = p->floats.n, to.floats = sx_arena_copy(a, p->floats.at, to.n * sizeof(float));
      if (to.n && !to.floats) SX_NO_MEMORY(e);
      break;
    case SX_ATTR_STRINGS: {
      sx_str *t = SX_NEW_N(a, sx_str, (size_t)p->strings.n + 1);
      to.n = p->strings.n, to.strings = t;
      if (!t) SX_NO_MEMORY(e);
      for (uint32_t i = 0; i < to.n; i++)
        if (!(t[i] = keep(a, p->strings.at[i])).p) SX_NO_MEMORY(e);
      break;
    }
    default: SX_FAIL(e, EP_FAIL, "attribute '%.*s' of the EPContext node has type %d", SX_FMT(p->name), p->type);
  }
  if (!to.name.p || !sx_node_set_attr(g, id, &to)) SX_NO_MEMORY(e);
  return SX_OK;
}

sx_status sx_ep_context_take(struct sx_eps *x, sx_graph *g, sx_nid id, const OrtNode *context, sx_err *e) {
  if (!context) return SX_OK;
  if (!context->editor) SX_FAIL(e, EP_FAIL, "an EPContext node must be made by OrtModelEditorApi.CreateNode");
  const sx_proto_node *p = &context->made->proto;
  for (uint32_t i = 0; i < p->attribute.n; i++) SX_TRY(take_attr(g, id, &p->attribute.at[i], e));
  sx_node *n = sx_node_at(g, id);
  n->op_type = keep(&g->model->arena, p->op_type), n->domain = keep(&g->model->arena, p->domain);
  n->name = keep(&g->model->arena, p->name);
  if (!n->op_type.p || !n->domain.p || !n->name.p) SX_NO_MEMORY(e);
  x->contexts++;
  if (!sx_model_add_opset(g->model, SX_STR("com.microsoft"))) SX_NO_MEMORY(e);
  return SX_OK;
}

bool sx_ep_context_writes(const struct sx_eps *x) {
  const char *on = sx_kvp_get(&x->session->options->config, kOrtSessionOptionEpContextEnable);
  return x->session->compiling || (on && !strcmp(on, "1"));
}

sx_status sx_ep_context_describe(struct sx_eps *x, sx_model *m, sx_err *e) {
  OrtGraph *view = NULL;
  sx_status s = sx_ep_context_writes(x) ? sx_ort_graph_view(m->graph, false, &view, e) : SX_OK;
  for (uint32_t i = 0; i < x->list.n && view && s == SX_OK; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    const char *text = SX_EP_HAS(ep, 23, GetCompiledModelCompatibilityInfo) ? ep->GetCompiledModelCompatibilityInfo(ep, view) : NULL;
    if (!text || !*text) continue;
    const char *key = sx_arena_printf(&m->arena, "%s%s", kOrtModelMetadata_EpCompatibilityInfoPrefix, x->list.at[i]->name);
    const char *value = sx_arena_strdup(&m->arena, text, strlen(text));
    uint32_t at = 0;
    while (key && at < m->metadata.n && !sx_str_is(m->metadata.at[at].key, key)) at++;
    bool ok = key && value && (at < m->metadata.n || sx_vec_push(&m->metadata, ((sx_kv){sx_str_c(key), {0}})));
    if (ok) m->metadata.at[at].value = sx_str_c(value);
    if (!ok) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  sx_ort_graph_free(view);
  return s;
}

/* Every node that a provider compiled can be written. */
static sx_status check_nodes(const sx_graph *g, sx_err *e) {
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    const sx_ep_node *p = sx_ep_node_of(n);
    if (p && p->info && !sx_str_is(n->op_type, "EPContext"))
      SX_FAIL(e, FAIL, "%s gives no EPContext node for what it compiled ('%s'): such a model cannot be written", p->ep->name,
              p->view->name);
    for (uint32_t k = 0; k < n->n_attrs; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH) SX_TRY(check_nodes(n->attrs[k].g, e));
  }
  return SX_OK;
}

sx_status sx_ep_context_check(const sx_model *m, sx_err *e) { return check_nodes(m->graph, e); }

void sx_ep_context_path(const char *model, sx_text *out) {
  size_t n = strlen(model), stem = n;
  while (stem && model[stem - 1] != '.' && model[stem - 1] != '/' && model[stem - 1] != '\\') stem--;
  sx_text_add(out, "%.*s_ctx.onnx", (int)(stem && model[stem - 1] == '.' ? stem - 1 : n), model);
}

/* Beside the model, unless the options name a file; NULL: there is no path, or no memory. */
static char *context_path(const struct sx_eps *x, const char *model, sx_arena *a) {
  const char *given = sx_kvp_get(&x->session->options->config, kOrtSessionOptionEpContextFilePath);
  if (given && *given) return sx_arena_strdup(a, given, strlen(given));
  if (!model) return NULL;
  sx_text t = {0};
  sx_ep_context_path(model, &t);
  char *path = t.failed ? NULL : sx_arena_strdup(a, t.p, t.n);
  a->failed |= t.failed;
  sx_text_free(&t);
  return path;
}

sx_status sx_ep_context_keep(struct sx_eps *x, sx_model *m, const char *model, sx_err *e) {
  if (x->ready || x->session->compiling || !sx_ep_context_writes(x) || !x->contexts) return SX_OK;
  SX_TRY(sx_ep_context_check(m, e));
  sx_arena a = {0};
  sx_proto_model p;
  char *path = context_path(x, model, &x->arena);
  sx_status s = path             ? SX_OK
                : x->arena.failed ? sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory")
                     : sx_fail(e, SX_E_INVALID_ARGUMENT, SX_HERE,
                               "a model from memory has no path: %s must say where its context model goes", kOrtSessionOptionEpContextFilePath);
  if (s == SX_OK && sx_path_look(path) != SX_PATH_NOTHING)
    s = sx_fail(e, SX_E_FAIL, SX_HERE, "the context model '%s' exists already: remove it, or load it instead", path);
  if (s == SX_OK) s = sx_export(m, &a, &p, e);
  sx_text_free(&x->context); /* a model may be read twice before its session stands */
  if (s == SX_OK) s = sx_proto_write_model(&p, &x->context, e);
  if (s == SX_OK && x->context.failed) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) x->context_path = path;
  sx_arena_free(&a);
  return s;
}

OrtStatus *sx_ep_context_write(struct sx_eps *x) {
  sx_err e = {0};
  if (!x->context_path) return NULL;
  sx_status s = sx_write_file(x->context_path, x->context.p, x->context.n, &e);
  sx_text_free(&x->context);
  x->context_path = NULL;
  return sx_ort_status(s, &e);
}
