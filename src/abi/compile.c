// SPDX-License-Identifier: MIT
/* OrtCompileApi: a model made ready ahead of time. Providers put what they compiled into it; without one the result is the
 * model itself, rewritten up to the level that was asked for. Options are checked when they are set, their combination when
 * the model is compiled. */
#include "abi/editor.h"
#include "abi/plugin/host.h"
#include "onnx/proto_write.h"
#include "onnxruntime_session_options_config_keys.h"

enum { INPUT_NONE, INPUT_PATH, INPUT_BYTES, INPUT_MODEL };
enum { OUTPUT_NONE, OUTPUT_PATH, OUTPUT_BUFFER, OUTPUT_FUNCTION };

struct OrtModelCompilationOptions {
  OrtSessionOptions *session; /* a copy */
  int input, output;
  char *in_path, *out_path;
  const void *bytes; /* the caller's */
  size_t size;
  const OrtModel *model; /* the caller's */
  OrtAllocator *allocator;
  void **buffer;
  size_t *buffer_size;
  OrtWriteBufferFunc write;
  void *write_state;
  uint32_t flags;
  char *external; /* name of the file for large initializers; NULL: they stay */
  size_t external_least;
  OrtAllocator *external_allocator; /* not NULL: a buffer instead of a file */
  void **external_buffer;
  size_t *external_size;
  size_t align, align_least;
  OrtGetInitializerLocationFunc locate;
  void *locate_state;
  OrtWriteNamedBufferFunc write_named;
  void *write_named_state;
};

void ORT_API_CALL sx_compile_ReleaseModelCompilationOptions(OrtModelCompilationOptions *input) {
  if (!input) return;
  sx_api_ReleaseSessionOptions(input->session);
  sx_text_drop(input->in_path);
  sx_text_drop(input->out_path);
  sx_text_drop(input->external);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_compile_CreateModelCompilationOptionsFromSessionOptions(const OrtEnv *env,
                                                                                   const OrtSessionOptions *session_options,
                                                                                   OrtModelCompilationOptions **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(out);
  OrtModelCompilationOptions *o = sx_calloc(1, sizeof *o);
  if (!o || !(o->session = sx_ort_options_clone(session_options))) {
    sx_compile_ReleaseModelCompilationOptions(o);
    SX_API_NO_MEMORY();
  }
  o->session->level = ORT_DISABLE_ALL; /* nothing that providers have not seen; SetGraphOptimizationLevel asks for more */
  *out = o;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetInputModelPath(OrtModelCompilationOptions *o,
                                                                             const ORTCHAR_T *input_model_path) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(input_model_path);
  if (!*input_model_path) SX_API_FAIL(INVALID_ARGUMENT, "Invalid input model: path string is empty");
  OrtStatus *failed = sx_ort_path_set(&o->in_path, input_model_path);
  if (!failed) o->input = INPUT_PATH;
  return failed;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetInputModelFromBuffer(OrtModelCompilationOptions *o,
                                                                                   const void *input_model_data,
                                                                                   size_t input_model_data_size) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(input_model_data);
  if (!input_model_data_size) SX_API_FAIL(INVALID_ARGUMENT, "Invalid input model: data size is 0");
  o->input = INPUT_BYTES, o->bytes = input_model_data, o->size = input_model_data_size;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetInputModel(OrtModelCompilationOptions *o,
                                                                         const OrtModel *model) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(model);
  o->input = INPUT_MODEL, o->model = model;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelPath(OrtModelCompilationOptions *o,
                                                                              const ORTCHAR_T *output_model_path) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(output_model_path);
  if (!*output_model_path) SX_API_FAIL(INVALID_ARGUMENT, "Invalid output model path: path is empty");
  OrtStatus *failed = sx_ort_path_set(&o->out_path, output_model_path);
  if (!failed) o->output = OUTPUT_PATH;
  return failed;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelBuffer(OrtModelCompilationOptions *o,
                                                                                OrtAllocator *allocator,
                                                                                void **output_model_buffer_ptr,
                                                                                size_t *output_model_buffer_size_ptr) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(output_model_buffer_ptr);
  SX_API_NOT_NULL(output_model_buffer_size_ptr);
  SX_API_NOT_NULL(allocator);
  o->output = OUTPUT_BUFFER, o->allocator = allocator, o->buffer = output_model_buffer_ptr,
  o->buffer_size = output_model_buffer_size_ptr;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelWriteFunc(OrtModelCompilationOptions *o,
                                                                                   OrtWriteBufferFunc write_func,
                                                                                   void *state) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(write_func);
  o->output = OUTPUT_FUNCTION, o->write = write_func, o->write_state = state;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelExternalInitializersFile(
    OrtModelCompilationOptions *o, const ORTCHAR_T *external_initializers_file_path,
    size_t external_initializers_size_threshold) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(external_initializers_file_path);
  if (!*external_initializers_file_path) SX_API_FAIL(INVALID_ARGUMENT, "Invalid external initializer file: path is empty");
  OrtStatus *failed = sx_ort_path_set(&o->external, external_initializers_file_path);
  if (!failed) o->external_least = external_initializers_size_threshold, o->external_allocator = NULL, o->locate = NULL;
  return failed;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelExternalInitializersBuffer(
    OrtModelCompilationOptions *o, const ORTCHAR_T *logical_file_name, size_t size_threshold, OrtAllocator *allocator,
    void **buffer, size_t *buffer_size) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(buffer);
  SX_API_NOT_NULL(buffer_size);
  if (!logical_file_name || !*logical_file_name || *logical_file_name == '/' || *logical_file_name == '\\')
    SX_API_FAIL(INVALID_ARGUMENT, "External initializer logical file name must be a non-empty relative path");
  OrtStatus *failed = sx_ort_path_set(&o->external, logical_file_name);
  if (failed) return failed;
  o->external_least = size_threshold, o->locate = NULL;
  o->external_allocator = allocator, o->external_buffer = buffer, o->external_size = buffer_size;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelExternalInitializersAlignment(
    OrtModelCompilationOptions *o, size_t alignment, size_t size_threshold) {
  SX_API_NOT_NULL(o);
  if (alignment & (alignment - 1))
    SX_API_FAIL(INVALID_ARGUMENT, "External initializer alignment must be zero or a power of two, not %zu", alignment);
  o->align = alignment, o->align_least = size_threshold;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetOutputModelGetInitializerLocationFunc(
    OrtModelCompilationOptions *o, OrtGetInitializerLocationFunc get_initializer_location_func, void *state) {
  SX_API_NOT_NULL(o);
  SX_API_NOT_NULL(get_initializer_location_func);
  o->locate = get_initializer_location_func, o->locate_state = state;
  sx_text_drop(o->external); /* one way or the other */
  o->external = NULL;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetEpContextEmbedMode(OrtModelCompilationOptions *o,
                                                                                 bool embed_ep_context_in_model) {
  SX_API_NOT_NULL(o);
  return sx_ort_config_set(&o->session->config, kOrtSessionOptionEpContextEmbedMode, embed_ep_context_in_model ? "1" : "0");
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetEpContextBinaryInformation(OrtModelCompilationOptions *o,
                                                                                         const ORTCHAR_T *output_directory,
                                                                                         const ORTCHAR_T *model_name) {
  SX_API_NOT_NULL(o);
  if (!output_directory || !*output_directory) SX_API_FAIL(INVALID_ARGUMENT, "Invalid output directory: path is empty");
  if (!model_name || !*model_name) SX_API_FAIL(INVALID_ARGUMENT, "Invalid model name: string is empty");
  char *folder = NULL, *name = NULL;
  OrtStatus *failed = sx_ort_path_set(&folder, output_directory);
  if (!failed) failed = sx_ort_path_set(&name, model_name);
  sx_text path = {0};
  if (!failed) {
    size_t n = strlen(folder);
    bool ends = folder[n - 1] == '/' || folder[n - 1] == '\\';
    const char *last = folder + n;
    while (last > folder && last[-1] != '/' && last[-1] != '\\') last--;
    if (!ends && !strchr(last, '.'))
      failed = sx_ort_error(ORT_INVALID_ARGUMENT, "'%.200s' is not a directory: it has to end in a separator", folder);
    sx_text_add(&path, "%s%s%s", folder, ends ? "" : "/", name);
    if (!failed && path.failed) failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
    if (!failed) failed = sx_ort_config_set(&o->session->config, kOrtSessionOptionEpContextFilePath, path.p);
  }
  sx_text_free(&path);
  sx_text_drop(folder);
  sx_text_drop(name);
  return failed;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetFlags(OrtModelCompilationOptions *o, uint32_t flags) {
  SX_API_NOT_NULL(o);
  o->flags = flags;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetGraphOptimizationLevel(
    OrtModelCompilationOptions *o, GraphOptimizationLevel graph_optimization_level) {
  SX_API_NOT_NULL(o);
  int level = (int)graph_optimization_level;
  if ((level < 0 || level > 3) && level != 99)
    SX_API_FAIL(INVALID_ARGUMENT, "graph_optimization_level with value %d is invalid. Valid values are 0, 1, 2, 3 and 99",
                level);
  o->session->level = graph_optimization_level;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetWeightlessEnabled(OrtModelCompilationOptions *o,
                                                                                bool use_weightless) {
  SX_API_NOT_NULL(o);
  return sx_ort_config_set(&o->session->config, kOrtSessionOptionEpEnableWeightless, use_weightless ? "1" : "0");
}

OrtStatus *ORT_API_CALL sx_compile_ModelCompilationOptions_SetEpContextDataWriteFunc(OrtModelCompilationOptions *o,
                                                                                     OrtWriteNamedBufferFunc write_func,
                                                                                     void *state) {
  SX_API_NOT_NULL(o);
  o->write_named = write_func, o->write_named_state = write_func ? state : NULL;
  return NULL;
}

/* ---- compiling ---- */
typedef struct writer {
  const OrtModelCompilationOptions *o;
  const char *path; /* of the result; NULL: none */
  OrtSession *session;
} writer;

/* The text in a block of the caller's allocator; NULL where there is none. */
static sx_status into_buffer(OrtAllocator *a, const char *what, const sx_text *t, void **out, sx_err *e) {
  *out = t->n ? a->Alloc(a, t->n) : NULL;
  if (t->n && !*out) SX_FAIL(e, FAIL, "the allocator has no room for %zu bytes of the model's %s", t->n, what);
  if (t->n) memcpy(*out, t->p, t->n);
  return SX_OK;
}

/* Asks the caller where an initializer is to lie; what he places himself has its data nowhere in the model. */
static sx_status locate(const OrtModelCompilationOptions *o, sx_proto_tensor *t, sx_arena *a, sx_err *e) {
  if (!SX_PROTO_HAS(t, SX_TENSOR_RAW_DATA) && !t->raw_data.n) return SX_OK;
  OrtExternalInitializerInfo *info = NULL;
  sx_rt_value *v;
  char *name = sx_arena_strdup(a, t->name.p, t->name.n);
  if (!name) SX_NO_MEMORY(e);
  SX_TRY(sx_rt_tensor_wrap((sx_dtype)t->data_type, t->dims.n, t->dims.at, (void *)t->raw_data.p, t->raw_data.n,
                           &sx_memory_cpu, NULL, NULL, &v, e));
  sx_status s = sx_ort_take(o->locate(o->locate_state, name, (const OrtValue *)v, NULL, &info), e);
  sx_rt_unref(v);
  if (s != SX_OK || !info) return s;
  sx_proto_pair *pairs = SX_NEW_N(a, sx_proto_pair, 3);
  char *path = NULL, *offset = sx_arena_printf(a, "%lld", (long long)sx_api_ExternalInitializerInfo_GetFileOffset(info));
  char *length = sx_arena_printf(a, "%zu", sx_api_ExternalInitializerInfo_GetByteSize(info));
  s = sx_ort_take(sx_ort_path_set(&path, sx_api_ExternalInitializerInfo_GetFilePath(info)), e);
  const char *location = s == SX_OK ? sx_arena_strdup(a, path, strlen(path)) : NULL;
  sx_text_drop(path);
  sx_api_ReleaseExternalInitializerInfo(info);
  if (!pairs || !offset || !length || !location) SX_NO_MEMORY(e);
  pairs[0] = (sx_proto_pair){0, SX_STR("location"), sx_str_c(location)};
  pairs[1] = (sx_proto_pair){0, SX_STR("offset"), sx_str_c(offset)};
  pairs[2] = (sx_proto_pair){0, SX_STR("length"), sx_str_c(length)};
  t->external_data.at = pairs, t->external_data.n = 3, t->data_location = 1;
  t->raw_data = SX_STR(""), t->has &= ~(1u << SX_TENSOR_RAW_DATA);
  t->has |= 1u << SX_TENSOR_DATA_LOCATION;
  return SX_OK;
}

/* The weights of p that are to lie elsewhere go into `data`; *file: where that is written, NULL: into a buffer. */
static sx_status move_out(const writer *w, sx_proto_model *p, sx_arena *a, sx_text *data, char **file, sx_err *e) {
  const OrtModelCompilationOptions *o = w->o;
  size_t large = o->align_least > o->external_least ? o->align_least : o->external_least;
  if (o->align > 1) SX_TRY(sx_proto_move_external(p, sx_str_c(o->external), large, o->align, a, data, e));
  SX_TRY(sx_proto_move_external(p, sx_str_c(o->external), o->external_least, 1, a, data, e));
  if (data->failed) SX_NO_MEMORY(e);
  if (o->external_allocator) return SX_OK;
  size_t folder = w->path ? strlen(w->path) : 0;
  while (folder && w->path[folder - 1] != '/' && w->path[folder - 1] != '\\') folder--;
  *file = *o->external == '/' ? sx_arena_printf(a, "%s", o->external)
                              : sx_arena_printf(a, "%.*s%s", (int)folder, w->path ? w->path : "", o->external);
  if (!*file) SX_NO_MEMORY(e);
  return SX_OK;
}

static sx_status put_model(const writer *w, const sx_text *t, sx_err *e) {
  const OrtModelCompilationOptions *o = w->o;
  switch (o->output) {
    case OUTPUT_BUFFER:
      SX_TRY(into_buffer(o->allocator, "graph", t, o->buffer, e));
      *o->buffer_size = t->n;
      return SX_OK;
    case OUTPUT_FUNCTION: return sx_ort_take(o->write(o->write_state, t->p, t->n), e);
    default: return sx_write_file(w->path, t->p, t->n, e);
  }
}

/* Both results. The caller gets a buffer of weights only along with its model. */
static sx_status put(const writer *w, const sx_text *model, const sx_text *data, const char *file, sx_err *e) {
  const OrtModelCompilationOptions *o = w->o;
  OrtAllocator *a = o->external ? o->external_allocator : NULL;
  void *block = NULL;
  if (file) SX_TRY(sx_write_file(file, data->p, data->n, e));
  if (a) SX_TRY(into_buffer(a, "initializers", data, &block, e));
  sx_status s = put_model(w, model, e);
  if (s != SX_OK && block) a->Free(a, block);
  if (s == SX_OK && a) *o->external_buffer = block, *o->external_size = data->n;
  return s;
}

static sx_status write_model(void *ctx, const sx_model *m, sx_proto_model *p, sx_arena *a, sx_err *e) {
  const writer *w = ctx;
  SX_TRY(sx_ep_context_check(m, e));
  if (w->o->flags & OrtCompileApiFlags_ERROR_IF_NO_NODES_COMPILED && !(w->session->eps && w->session->eps->contexts))
    SX_FAIL(e, FAIL,
            "Unable to compile any nodes. Check that the session's execution providers support compilation and can execute "
            "the model");
  sx_text data = {0}, model = {0};
  char *file = NULL;
  sx_status s = SX_OK;
  for (uint32_t i = 0; w->o->locate && i < p->graph->initializer.n && s == SX_OK; i++)
    s = locate(w->o, &p->graph->initializer.at[i], a, e);
  if (s == SX_OK && w->o->external) s = move_out(w, p, a, &data, &file, e);
  if (s == SX_OK) s = sx_proto_write_model(p, &model, e);
  if (s == SX_OK && model.failed) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = put(w, &model, &data, file, e);
  sx_text_free(&data);
  sx_text_free(&model);
  return s;
}

static SX_OWN_FRAME OrtStatus *compile(const OrtEnv *env, writer *w, const sx_mapping *in, const char *near) {
  OrtSession **session = &w->session;
  sx_session_options so = {0};
  sx_arena lists = {0};
  sx_err e = {0};
  OrtStatus *failed = sx_ort_session_prepare(env, w->o->session, session);
  if (!failed) {
    OrtSessionOptions *o = (*session)->options;
    (*session)->compiling = true;
    o->write_named = w->o->write_named, o->write_named_state = w->o->write_named_state;
    failed = sx_ort_config_set(&o->config, kOrtSessionOptionEpContextEnable, "1");
    const char *named = sx_kvp_get(&o->config, kOrtSessionOptionEpContextFilePath);
    if (!failed && w->path && !named) failed = sx_ort_config_set(&o->config, kOrtSessionOptionEpContextFilePath, w->path);
  }
  if (!failed && w->o->input == INPUT_MODEL) failed = sx_editor_give(w->o->model, (*session)->options);
  if (!failed) failed = sx_eps_choose(*session, NULL, in->data, in->size);
  if (!failed) failed = sx_ort_session_options(*session, &so, &lists);
  if (!failed) {
    so.import.path = near, so.import.bytes_live = true;
    failed = sx_ort_status(sx_session_rewrite(in->data, in->size, &so, write_model, (void *)w, &e), &e);
  }
  sx_arena_free(&lists);
  return failed;
}

static OrtStatus *check(const OrtModelCompilationOptions *o) {
  if (o->input == INPUT_NONE)
    SX_API_FAIL(INVALID_ARGUMENT, "Input model to compile must be specified via file path, memory buffer, or OrtModel");
  if (o->input == INPUT_PATH && sx_path_look(o->in_path) == SX_PATH_NOTHING)
    SX_API_FAIL(INVALID_ARGUMENT, "Input model path does not exist: \"%s\"", o->in_path);
  if (o->input == INPUT_MODEL) {
    if (!o->model->graph) SX_API_FAIL(INVALID_ARGUMENT, "OrtModel has no graph. Call AddGraphToModel before compilation.");
    if (!sx_editor_count(o->model->graph, "outputs"))
      SX_API_FAIL(INVALID_ARGUMENT, "OrtModel graph must have at least one output defined.");
    if (!o->model->opsets.n) SX_API_FAIL(INVALID_ARGUMENT, "OrtModel must specify at least one opset domain/version.");
    if (o->output == OUTPUT_NONE)
      SX_API_FAIL(INVALID_ARGUMENT, "Unable to generate an output model path: no input path and no output is given");
  }
  if (o->input == INPUT_BYTES && o->output == OUTPUT_NONE)
    SX_API_FAIL(FAIL,
                "a model from bytes is compiled to a path, a buffer or a function: none is given "
                "(ModelCompilationOptions_SetOutputModelPath)");
  return NULL;
}

OrtStatus *ORT_API_CALL sx_compile_CompileModel(const OrtEnv *env, const OrtModelCompilationOptions *model_options) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model_options);
  const OrtModelCompilationOptions *o = model_options;
  OrtStatus *failed = check(o);
  char *path = NULL;
  if (!failed && o->output == OUTPUT_PATH) failed = sx_ort_text_set(&path, o->out_path);
  if (!failed && o->output == OUTPUT_NONE) { /* nobody says where it goes */
    sx_text t = {0};
    sx_ep_context_path(o->in_path, &t);
    failed = t.failed ? sx_ort_status(SX_E_NO_MEMORY, NULL) : sx_ort_text_set(&path, t.p);
    sx_text_free(&t);
  }
  if (!failed && path && o->flags & OrtCompileApiFlags_ERROR_IF_OUTPUT_FILE_EXISTS &&
      sx_path_look(path) != SX_PATH_NOTHING)
    failed =
        sx_ort_error(ORT_FAIL, "the file '%s' exists already: remove it, or do not set ERROR_IF_OUTPUT_FILE_EXISTS", path);
  sx_mapping in = {.data = o->bytes, .size = o->size};
  sx_text made = {0};
  sx_err e = {0};
  if (!failed && o->input == INPUT_PATH) failed = sx_ort_status(sx_map_file(o->in_path, &in, &e), &e);
  if (!failed && o->input == INPUT_MODEL) {
    failed = sx_editor_write(o->model, NULL, &made);
    in = (sx_mapping){.data = (const uint8_t *)made.p, .size = made.n};
  }
  writer w = {o, path, NULL};
  if (!failed) failed = compile(env, &w, &in, o->input == INPUT_PATH ? o->in_path : NULL);
  sx_api_ReleaseSession(w.session);
  if (o->input == INPUT_PATH && in.data != o->bytes) sx_unmap_file(&in);
  sx_text_free(&made);
  sx_text_drop(path);
  return failed;
}
