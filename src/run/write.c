// SPDX-License-Identifier: MIT
/* Writing the optimised model: read anew, rewritten by the passes, said in ONNX again. No session is touched. */
#include "onnx/export.h"
#include "onnx/ort_model.h"
#include "onnx/proto_write.h"
#include "run/session_priv.h"

/* Large initializers go to a file beside the model's: what the caller asks for, or because protobuf ends at 2 GiB. */
static sx_status write_parts(void *ctx, const sx_model *m, sx_proto_model *p, sx_arena *a, sx_err *e) {
  enum { ALIGN = 4096, LEAST = 1024 };
  const sx_write_options *w = ctx;
  sx_text data = {0}, model = {0};
  const char *name = w->path + strlen(w->path), *file = w->ort ? NULL : w->external;
  uint64_t total = 0;
  for (uint32_t i = 0; i < m->tensors.n; i++) total += m->tensors.at[i]->size;
  while (name > w->path && name[-1] != '/' && name[-1] != '\\') name--;
  if (!file && !w->ort && total > INT32_MAX - (64u << 20)) file = sx_arena_printf(a, "%s.data", name);
  char *beside = sx_arena_printf(a, "%.*s%s", (int)(name - w->path), w->path, file ? file : "");
  if (!beside || (!w->external && !file && total > INT32_MAX)) SX_NO_MEMORY(e);
  sx_status s =
      file ? sx_proto_move_external(p, sx_str_c(file), w->external && w->external_least ? w->external_least : LEAST, ALIGN,
                                    a, &data, e)
           : SX_OK;
  if (s == SX_OK) s = w->ort ? sx_ort_model_write(p, a, &model, e) : sx_proto_write_model(p, &model, e);
  if (s == SX_OK && (data.failed || model.failed)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK && data.n) s = sx_write_file(beside, data.p, data.n, e);
  if (s == SX_OK) s = sx_write_file(w->path, model.p, model.n, e);
  sx_text_free(&data);
  sx_text_free(&model);
  return s;
}

/* The order of nodes in which graphs are written, in bodies too. */
static sx_status sort_all(sx_graph *g, sx_err *e) {
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    for (uint32_t k = 0; k < n->n_attrs && !n->dead; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH) SX_TRY(sort_all(n->attrs[k].g, e));
  }
  return sx_graph_sort(g, e);
}

sx_status sx_model_write(sx_model *m, const sx_write_options *w, sx_err *e) {
  sx_arena a = {0};
  sx_proto_model p;
  SX_TRY(sort_all(m->graph, e));
  sx_status s = w->ort ? sx_export_typed(m, &a, &p, e) : sx_export(m, &a, &p, e);
  if (s == SX_OK) s = write_parts((void *)w, m, &p, &a, e);
  sx_arena_free(&a);
  if (s != SX_OK) sx_err_context(e, "the model could not be written to %s", w->path);
  return s;
}

static sx_status rewrite_at(int level, bool typed, const void *data, size_t size, const sx_session_options *o,
                            sx_write_fn write, void *ctx, sx_err *e) {
  const sx_provider *providers[SX_MAX_PROVIDERS];
  sx_import_options io = o->import;
  sx_arena a = {0};
  sx_proto_model p;
  sx_model *m;
  io.evaluate = sx_evaluate_node;
  SX_TRY(sx_session_providers(o, providers, e));
  SX_TRY(sx_import(data, size, &io, &m, e));
  sx_status s = sx_session_passes(m, o, level, providers, NULL, e);
  if (s == SX_OK) s = sx_export_prepare(m, e);
  if (s == SX_OK) s = typed ? sx_export_typed(m, &a, &p, e) : sx_export(m, &a, &p, e);
  if (s == SX_OK) s = write(ctx, m, &p, &a, e);
  sx_arena_free(&a);
  sx_model_destroy(m);
  return s;
}

static sx_status rewrite(bool typed, const void *data, size_t size, const sx_session_options *o, sx_write_fn write,
                         void *ctx, sx_err *e) {
  int level = o->level > 2 ? 2 : o->level;
  sx_status s = rewrite_at(level, typed, data, size, o, write, ctx, e);
  if (s == SX_E_NOT_IMPLEMENTED && level > 0)
    s = rewrite_at(0, typed, data, size, o, write, ctx,
                   e); /* shapes that no tensor tells once the passes have been over it */
  return s;
}

sx_status sx_session_rewrite(const void *data, size_t size, const sx_session_options *o, sx_write_fn write, void *ctx,
                             sx_err *e) {
  return rewrite(false, data, size, o, write, ctx, e);
}

sx_status sx_session_write(const void *data, size_t size, const sx_session_options *o, const sx_write_options *w,
                           sx_err *e) {
  sx_status s = rewrite(w->ort, data, size, o, write_parts, (void *)w, e);
  if (s == SX_E_NO_SUCHFILE) s = SX_E_INVALID_ARGUMENT; /* the folder: it is not the model that is missing */
  if (s != SX_OK && e) e->code = s;
  if (s != SX_OK) sx_err_context(e, "the optimised model could not be written to %s", w->path);
  return s;
}
