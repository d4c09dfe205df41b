// SPDX-License-Identifier: MIT
/* Slots of OrtModelEditorApi that make sessions: from a description alone, or from a model that is described further.
 *
 * A session of the second kind is a graph in the source dialect until it is finalised: it has inputs and outputs to ask
 * for, and does not run. */
#include "abi/editor.h"
#include "onnx/import.h"

struct sx_editing {
  char *path;      /* of the model; NULL: it came as bytes */
  sx_mapping map;  /* the model as it is now: of the file, or a heap copy (not map.mapped) */
  sx_model *model; /* the same, for those who ask */
  sx_text bytes;   /* with what was applied; empty: nothing yet */
};

void sx_editing_free(struct sx_editing *x) {
  if (!x) return;
  sx_text_drop(x->path);
  sx_unmap_file(&x->map);
  sx_model_destroy(x->model);
  sx_text_free(&x->bytes);
  sx_free(x, sizeof *x);
}

OrtStatus *ORT_API_CALL sx_editor_CreateSessionFromModel(const OrtEnv *env, const OrtModel *model,
                                                         const OrtSessionOptions *options, OrtSession **out) {
  SX_API_NOT_NULL(out);
  *out = NULL;
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model);
  if (!model->graph) SX_API_FAIL(INVALID_ARGUMENT, "CreateSessionFromModel: the model has no graph (AddGraphToModel)");
  sx_text bytes = {0};
  OrtSession *s = NULL;
  OrtStatus *failed = sx_editor_write(model, NULL, &bytes);
  if (!failed) failed = sx_ort_session_prepare(env, options, &s);
  if (!failed) failed = sx_editor_give(model, s->options);
  if (!failed) failed = sx_ort_session_load(s, NULL, bytes.p, bytes.n, NULL, options ? &options->cancel : NULL);
  sx_text_free(&bytes);
  if (failed)
    sx_api_ReleaseSession(s);
  else
    *out = s;
  return failed;
}

/* The graph that is asked for until the session is finalised; on failure it stays the one that it was. */
static OrtStatus *reread(OrtSession *s, const void *data, size_t size) {
  struct sx_editing *x = s->editing;
  sx_model *m;
  sx_err e;
  sx_arena lists = {0};
  sx_import_options o = {.path = x->path, .bytes_live = true, .log = &s->logger.log};
  sx_status st = sx_ort_import_lists(s->options, &o, &lists) ? sx_import_source(data, size, &o, &m, &e)
                                                             : sx_fail(&e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  sx_arena_free(&lists);
  SX_API_TRY(st);
  s->graph = m->graph;
  OrtStatus *failed = sx_ort_session_index(s);
  sx_model *gone = failed ? m : x->model; /* whose bytes the caller takes away */
  if (failed && x->model) {
    s->graph = x->model->graph;
    sx_api_ReleaseStatus(sx_ort_session_index(s));
  }
  if (!failed) x->model = m;
  sx_model_destroy(gone);
  return failed;
}

static OrtStatus *create(const OrtEnv *env, const char *path, const void *data, size_t size,
                         const OrtSessionOptions *options, OrtSession **out) {
  OrtSession *s = NULL;
  sx_err e;
  OrtStatus *failed = sx_ort_session_prepare(env, options, &s);
  if (failed) return failed;
  struct sx_editing *x = s->editing = sx_calloc(1, sizeof *x);
  if (!x) failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
  if (!failed && path) {
    if (!(x->path = sx_text_dup(path)))
      failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
    else
      failed = sx_ort_status(sx_map_file(path, &x->map, &e), &e);
    data = x->map.data, size = x->map.size;
  } else if (!failed) { /* the caller's bytes may go */
    sx_text_put(&x->bytes, data, size);
    if (x->bytes.failed) failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
    data = x->bytes.p;
  }
  if (!failed) failed = reread(s, data, size);
  if (failed)
    sx_api_ReleaseSession(s);
  else
    *out = s;
  return failed;
}

OrtStatus *ORT_API_CALL sx_editor_CreateModelEditorSession(const OrtEnv *env, const ORTCHAR_T *model_path,
                                                           const OrtSessionOptions *options, OrtSession **out) {
  SX_API_NOT_NULL(out);
  *out = NULL;
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model_path);
  sx_path path;
  if (!sx_path_open(&path, model_path)) SX_API_NO_MEMORY();
  OrtStatus *s = create(env, path.p, NULL, 0, options, out);
  sx_path_close(&path);
  return s;
}

OrtStatus *ORT_API_CALL sx_editor_CreateModelEditorSessionFromArray(const OrtEnv *env, const void *model_data,
                                                                    size_t model_data_length,
                                                                    const OrtSessionOptions *options, OrtSession **out) {
  SX_API_NOT_NULL(out);
  *out = NULL;
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model_data);
  return create(env, NULL, model_data, model_data_length, options, out);
}

OrtStatus *ORT_API_CALL sx_editor_SessionGetOpsetForDomain(const OrtSession *session, const char *domain, int *opset) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(domain);
  SX_API_NOT_NULL(opset);
  int version = sx_ort_opset(session->graph->model, sx_str_c(domain));
  if (!version) SX_API_FAIL(FAIL, "Domain not used by model: '%.200s'", domain);
  *opset = version;
  return NULL;
}

/* The bytes of the model as it is now. */
static void current(const struct sx_editing *x, const void **data, size_t *size) {
  *data = x->bytes.n ? (const void *)x->bytes.p : x->map.data;
  *size = x->bytes.n ? x->bytes.n : x->map.size;
}

OrtStatus *ORT_API_CALL sx_editor_ApplyModelToModelEditorSession(OrtSession *session, OrtModel *model) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(model);
  struct sx_editing *x = session->editing;
  if (!x)
    SX_API_FAIL(MODEL_LOADED,
                "This session has already been initialized: only one of CreateModelEditorSession that is not finalised "
                "takes a model");
  if (!model->graph)
    SX_API_FAIL(INVALID_ARGUMENT, "ApplyModelToModelEditorSession: the model has no graph (AddGraphToModel)");
  for (uint32_t i = 0; i < model->opsets.n; i++) {
    int now = sx_ort_opset(session->graph->model, model->opsets.at[i].domain);
    if (now && now != model->opsets.at[i].version)
      SX_API_FAIL(INVALID_ARGUMENT, "Domain version can not be changed for '%.*s'. Current version: %d",
                  SX_FMT(model->opsets.at[i].domain), now);
  }
  const void *data;
  size_t size;
  sx_arena a = {0};
  sx_proto_model *base;
  sx_text merged = {0};
  sx_err e;
  current(x, &data, &size);
  OrtStatus *failed = sx_ort_status(sx_model_parse(data, size, SX_FORMAT_SEEN, &a, &base, &e), &e);
  if (!failed) failed = sx_editor_write(model, base, &merged);
  sx_arena_free(&a);
  if (!failed) failed = sx_editor_give(model, session->options);
  if (!failed) failed = reread(session, merged.p, merged.n);
  if (failed) {
    sx_text_free(&merged);
    return failed;
  }
  sx_text_free(&x->bytes);
  x->bytes = merged;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_editor_FinalizeModelEditorSession(OrtSession *session, const OrtSessionOptions *options,
                                                             OrtPrepackedWeightsContainer *prepacked_weights_container) {
  SX_API_NOT_NULL(session);
  struct sx_editing *x = session->editing;
  if (!x) return NULL; /* ready already */
  const void *data;
  size_t size;
  current(x, &data, &size);
  session->prepacked = prepacked_weights_container;
  OrtStatus *failed =
      sx_ort_session_load(session, x->bytes.n ? NULL : x->path, data, size, x->path, options ? &options->cancel : NULL);
  if (failed) {
    session->graph = x->model->graph;
    return failed;
  }
  session->editing = NULL;
  sx_editing_free(x);
  return NULL;
}
