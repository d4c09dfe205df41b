// SPDX-License-Identifier: MIT
/* Sessions: from the caller's options to the runtime's, and what a session says of its inputs and outputs. */
#include <stdlib.h>
#include "abi/plugin/host.h"
#include "onnxruntime_session_options_config_keys.h"

static struct {
  sx_mutex lock;
  OrtSession *first;
} all;

static void list_add(OrtSession *s) {
  sx_mutex_lock(&all.lock);
  s->next = all.first;
  s->at = &all.first;
  if (s->next) s->next->at = &s->next;
  all.first = s;
  sx_mutex_unlock(&all.lock);
}

static void list_remove(OrtSession *s) {
  sx_mutex_lock(&all.lock);
  if (s->at && (*s->at = s->next)) s->next->at = s->at;
  sx_mutex_unlock(&all.lock);
}

void sx_ort_trim_all(void) {
  sx_mutex_lock(&all.lock);
  for (OrtSession *s = all.first; s; s = s->next) (void)sx_session_trim(s->s);
  sx_mutex_unlock(&all.lock);
}

static void drop_index(OrtSession *s);
static void *session_free(OrtSession *s) { /* what sx_env_unref gives */
  list_remove(s);
  sx_assignment_free(s->assignment);
  sx_profile_destroy(s->profile);
  sx_session_destroy(s->s);
  sx_custom_close(s->custom);
  sx_eps_close(s->eps);
  sx_pool_destroy(s->own_pool);
  drop_index(s);
  sx_editing_free(s->editing);
  sx_api_ReleaseSessionOptions(s->options);
  void *library = sx_env_unref(s->env);
  sx_free(s, sizeof *s);
  return library;
}

void ORT_API_CALL sx_api_ReleaseSession(OrtSession *input) {
  if (!input) return;
  sx_ort_join_async(input, true);
  if (input->profile) {
    const char *file;
    if (input->eps) sx_ep_profile_end(input->eps, input->profile);
    sx_api_ReleaseStatus(sx_profile_end(input->profile, &file)); /* written, as nobody asked for it */
  }
  sx_dl_let_go(session_free(input));
}

static void to_user(void *ctx, sx_severity severity, const char *category, const char *id, const char *where,
                    const char *message) {
  const OrtSessionOptions *o = ctx;
  o->user_log(o->user_log_param, (OrtLoggingLevel)severity, category, id, where, message);
}

static void make_logger(OrtSession *s) {
  const OrtSessionOptions *o = s->options;
  s->logger.log = *sx_env_logger(s->env);
  if (o->user_log_set) s->logger.log.fn = to_user, s->logger.log.ctx = (void *)o;
  if (o->log_severity >= 0) s->logger.log.least = (sx_severity)o->log_severity;
  if (o->log_id) s->logger.log.id = o->log_id;
  for (uint32_t i = 0; i < o->config.n; i++)
    if (!sx_ort_config_known(o->config.keys[i]))
      sx_log(&s->logger.log, WARNING, "there is no configuration entry '%.200s': it changes nothing", o->config.keys[i]);
}

static const char *config(const OrtSessionOptions *o, const char *key, const char *dflt) {
  const char *v = sx_kvp_get(&o->config, key);
  return v ? v : dflt;
}

static void *start_thread(void *options, void (*entry)(void *), void *arg) {
  const OrtSessionOptions *o = options;
  return (void *)o->thread_create(o->thread_options, entry, arg);
}

/* A pool of the session's own when its options ask for what the shared one does not do; else a view of the shared one. */
static OrtStatus *choose_pool(OrtSession *s, sx_session_options *so) {
  const OrtSessionOptions *o = s->options;
  sx_err e;
  s->denormals_zero = strcmp(config(o, kOrtSessionOptionsConfigSetDenormalAsZero, "0"), "1") == 0;
  if (!o->per_session_threads) {
    if (!s->env->global_pools)
      SX_API_FAIL(FAIL,
                  "the session is to have no threads of its own, but the environment was made without "
                  "CreateEnvWithGlobalThreadPools");
    s->denormals_zero |= s->env->threads.denormals_zero;
    OrtStatus *failed = NULL;
    so->pool = sx_env_pool(s->env, &failed);
    so->width = s->env->threads.intra > 0 ? (uint32_t)s->env->threads.intra : 0;
    return failed;
  }
  if (o->intra == 1) return NULL;
  const char *affinity = sx_kvp_get(&o->config, kOrtSessionOptionsConfigIntraOpThreadAffinities);
  bool spin = strcmp(config(o, kOrtSessionOptionsConfigAllowIntraOpSpinning, "1"), "0") != 0;
  const char *spin_us = sx_kvp_get(&o->config, kOrtSessionOptionsConfigIntraOpSpinDurationUs);
  unsigned long us = spin_us ? strtoul(spin_us, NULL, 10) : 100;
  uint32_t cores = sx_cpu_info()->cores, want = o->intra > 0 ? (uint32_t)o->intra : 0;
  if (!affinity && spin && !spin_us && !s->denormals_zero && !o->thread_create && want <= cores && !s->env->global_pools) {
    OrtStatus *failed = NULL;
    so->pool = sx_env_pool(s->env, &failed);
    so->width = want;
    return failed;
  }
  if (o->thread_create && !o->thread_join)
    SX_API_FAIL(FAIL, "a custom function that creates threads needs one that joins them");
  sx_pool_options po = {.threads = want,
                        .spin_us = !spin         ? 0
                                   : us < 100000 ? (uint32_t)us
                                                 : 100000,
                        .denormals_zero = s->denormals_zero,
                        .affinity = affinity};
  if (o->thread_create) {
    po.thread_create = start_thread, po.hook_options = (void *)o;
    po.thread_join = (void (*)(void *))(void *)o->thread_join;
  }
  SX_API_TRY(sx_pool_create(&po, &s->own_pool, &e));
  so->pool = s->own_pool;
  return NULL;
}

static void drop_index(OrtSession *s) {
  sx_free(s->required, s->n_required * sizeof *s->required);
  sx_free(s->overridable, s->n_overridable * sizeof *s->overridable);
  s->required = s->overridable = NULL;
  s->n_required = s->n_overridable = 0;
  sx_strmap_free(&s->inputs);
  sx_strmap_free(&s->outputs);
}

/* Names of inputs and outputs, and which inputs must be given. */
static OrtStatus *make_index(OrtSession *s) {
  const sx_graph *g = s->graph;
  uint32_t n = g->inputs.n;
  drop_index(s);
  for (uint32_t i = 0; i < n; i++) s->n_overridable += sx_value_at(g, g->inputs.at[i])->overridable;
  s->n_required = n - s->n_overridable;
  s->required = sx_calloc(s->n_required, sizeof *s->required);
  s->overridable = sx_calloc(s->n_overridable, sizeof *s->overridable);
  if (!s->required || !s->overridable) SX_API_NO_MEMORY();
  for (uint32_t i = 0, r = 0, o = 0; i < n; i++) {
    const sx_value *v = sx_value_at(g, g->inputs.at[i]);
    if (v->overridable)
      s->overridable[o++] = i;
    else
      s->required[r++] = i;
    if (!sx_strmap_put(&s->inputs, v->name, i)) SX_API_NO_MEMORY();
  }
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (!sx_strmap_put(&s->outputs, g->output_names.at[i], i)) SX_API_NO_MEMORY();
  return NULL;
}
OrtStatus *sx_ort_session_index(OrtSession *s) {
  OrtStatus *failed = make_index(s);
  if (failed) drop_index(s);
  return failed;
}

/* What the importer gets in arrays: overridden dimensions, initializers and files in the caller's memory. In `a` until the
 * session is made. */
bool sx_ort_import_lists(const OrtSessionOptions *o, sx_import_options *im, sx_arena *a) {
  sx_free_dim *dims = SX_NEW_N(a, sx_free_dim, (size_t)o->free_dims.n + 1);
  uint32_t n = o->initializers.n + o->external.n;
  sx_import_value *values = SX_NEW_N(a, sx_import_value, (size_t)n + 1);
  sx_import_file *files = SX_NEW_N(a, sx_import_file, (size_t)o->files.n + 1);
  if (!dims || !values || !files) return false;
  for (uint32_t i = 0; i < o->free_dims.n; i++) {
    const sx_dim_override *d = &o->free_dims.at[i];
    dims[i] = (sx_free_dim){sx_str_c(d->name), d->by_denotation, d->value};
  }
  for (uint32_t i = 0; i < n; i++) {
    const sx_named_value *v = i < o->initializers.n ? &o->initializers.at[i] : &o->external.at[i - o->initializers.n];
    values[i] = (sx_import_value){sx_str_c(v->name), (sx_dtype)v->value->type.dtype, (int32_t)v->value->rank,
                                  v->value->dims, v->value->data};
  }
  for (uint32_t i = 0; i < o->files.n; i++)
    files[i] = (sx_import_file){sx_str_c(o->files.at[i].name), o->files.at[i].data, o->files.at[i].size};
  im->free_dims = dims, im->n_free_dims = o->free_dims.n;
  im->values = values, im->n_values = n;
  im->files = files, im->n_files = o->files.n;
  return true;
}

OrtStatus *sx_ort_session_options(OrtSession *s, sx_session_options *so, sx_arena *lists) {
  const OrtSessionOptions *o = s->options;
  if (!sx_ort_import_lists(o, &so->import, lists)) SX_API_NO_MEMORY();
  so->import.bytes_live = strcmp(config(o, kOrtSessionOptionsConfigUseORTModelBytesDirectly, "0"), "1") == 0;
  const char *format = config(o, kOrtSessionOptionsConfigLoadModelFormat, "");
  so->import.format = !*format ? SX_FORMAT_SEEN : strcmp(format, "ORT") == 0 ? SX_FORMAT_ORT : SX_FORMAT_ONNX;
  so->import.folder = sx_kvp_get(&o->config, kOrtSessionOptionsModelExternalInitializersFileFolderPath);
  so->import.log = so->log = &s->logger.log;
  so->level = (int)o->level;
  static const sx_provider *const with_custom[] = {&sx_plugin_provider, &sx_custom_provider, NULL};
  OrtStatus *no_eps = s->eps ? NULL : sx_eps_open(s, &s->eps); /* adds their custom operators to the options */
  if (no_eps) return no_eps;
  if (s->eps) so->import.place = sx_eps_place, so->import.place_ctx = s->eps, so->providers = with_custom;
  if (o->domains.n) {
    OrtStatus *failed = sx_custom_open(s, &s->custom);
    if (failed) return failed;
    so->import.custom = sx_custom_find, so->import.custom_infer = sx_custom_infer, so->import.custom_ctx = s->custom;
    so->providers = with_custom;
  }
  so->split = strcmp(config(o, "sardonyx.split_steps", "0"), "1") == 0;
  so->disabled_passes = sx_kvp_get(&o->config, kOrtSessionOptionsDisableSpecifiedOptimizers);
  OrtStatus *failed = choose_pool(s, so);
  s->pool = so->pool;
  return failed;
}

/* Session options' optimized_model_filepath. */
static SX_OWN_FRAME OrtStatus *write_optimised(const OrtSessionOptions *o, const sx_session_options *so, const char *path,
                                               const void *data, size_t size) {
  const char *least = config(o, kOrtSessionOptionsOptimizedModelExternalInitializersMinSizeInBytes, "1024");
  sx_write_options w = {.path = o->optimized_path,
                        .external = sx_kvp_get(&o->config, kOrtSessionOptionsOptimizedModelExternalInitializersFileName),
                        .external_least = (size_t)strtoull(least, NULL, 10)};
  size_t n = strlen(w.path);
  const char *format = config(o, kOrtSessionOptionsConfigSaveModelFormat, "");
  w.ort = *format ? !strcmp(format, "ORT") : n > 4 && !strcmp(w.path + n - 4, ".ort");
  sx_mapping map = {.data = data, .size = size};
  sx_session_options with = *so;
  sx_err e;
  sx_status st = path ? sx_map_file(path, &map, &e) : SX_OK;
  if (st == SX_OK) {
    with.import.path = path ? path : so->import.path, with.import.bytes_live = true;
    with.import.place = NULL; /* what a provider compiled cannot be written so: EPContext is for that */
    st = sx_session_write(map.data, map.size, &with, &w, &e);
    if (path) sx_unmap_file(&map);
  }
  return sx_ort_status(st, &e);
}

OrtStatus *sx_ort_session_prepare(const OrtEnv *env, const OrtSessionOptions *options, OrtSession **out) {
  static const OrtSessionOptions defaults = {
      .level = ORT_ENABLE_ALL, .mem_pattern = true, .cpu_arena = true, .per_session_threads = true, .log_severity = -1};
  if (options && (options->log_severity < -1 || options->log_severity > ORT_LOGGING_LEVEL_FATAL))
    SX_API_FAIL(FAIL, "Invalid session log severity level. Not a valid severity value: %d", options->log_severity);
  OrtSession *s = sx_calloc(1, sizeof *s);
  if (!s) SX_API_NO_MEMORY();
  s->env = sx_env_ref((OrtEnv *)env);
  s->options = sx_ort_options_clone(options ? options : &defaults);
  if (!s->options) {
    (void)session_free(s);
    SX_API_NO_MEMORY();
  }
  make_logger(s);
  *out = s;
  return NULL;
}

OrtStatus *sx_ort_session_ask(const OrtEnv *env, const OrtSessionOptions *options, const char *path, OrtSession **out,
                              sx_session_options *so, sx_arena *lists) {
  OrtStatus *failed = sx_ort_session_prepare(env, options, out);
  if (!failed) failed = sx_ort_session_options(*out, so, lists);
  so->import.path = path, so->import.bytes_live = true;
  return failed;
}

OrtStatus *sx_ort_session_load(OrtSession *s, const char *path, const void *data, size_t size, const char *near,
                               const _Atomic bool *cancel) {
  uint64_t begin = sx_now_ns();
  sx_err e;
  sx_session_options so = {0};
  sx_arena lists = {0};
  OrtStatus *failed = sx_eps_choose(s, path, data, size);
  if (!failed) failed = sx_ort_session_options(s, &so, &lists);
  so.import.path = near;
  if (!failed && s->options->profiling) failed = sx_profile_create(s->options->profile_prefix, &s->profile);
  if (!failed) {
    sx_stop stop = {cancel, SX_E_MODEL_LOAD_CANCELED, "Session creation canceled by user", false, NULL}, *before = sx_stop_enter(&stop);
    sx_status st =
        path ? sx_session_create_file(path, &so, &s->s, &e) : sx_session_create_bytes(data, size, &so, &s->s, &e);
    sx_stop_enter(before);
    failed = sx_ort_status(st, &e);
  }
  if (!failed && s->options->optimized_path) failed = write_optimised(s->options, &so, path, data, size);
  sx_arena_free(&lists);
  if (failed) return failed;
  s->graph = sx_session_model(s->s)->graph;
  if ((failed = sx_ort_session_index(s)) != NULL) return failed;
  if (s->eps && (failed = sx_eps_ready(s->eps)) != NULL) return failed;
  if (s->profile) {
    uint64_t now = sx_now_ns();
    sx_profile_event(s->profile, "Session", path ? "model_loading_uri" : "model_loading_array", begin, now, NULL);
    sx_profile_event(s->profile, "Session", "session_initialization", begin, now, NULL);
  }
  list_add(s);
  return NULL;
}

/* From a path, or (path NULL) from bytes. The caller sets the flag that cancels on its own options. */
static OrtStatus *create(const OrtEnv *env, const char *path, const void *data, size_t size,
                         const OrtSessionOptions *options, OrtPrepackedWeightsContainer *prepacked, OrtSession **out) {
  OrtSession *s = NULL;
  OrtStatus *failed = sx_ort_session_prepare(env, options, &s);
  if (failed) return failed;
  s->prepacked = prepacked;
  failed = sx_ort_session_load(s, path, data, size, NULL, options ? &options->cancel : NULL);
  if (failed)
    (void)session_free(s);
  else
    *out = s;
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_CreateSessionWithPrepackedWeightsContainer(
    const OrtEnv *env, const ORTCHAR_T *model_path, const OrtSessionOptions *options,
    OrtPrepackedWeightsContainer *prepacked_weights_container, OrtSession **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model_path);
  SX_API_NOT_NULL(out);
  sx_path path;
  if (!sx_path_open(&path, model_path)) SX_API_NO_MEMORY();
  OrtStatus *s = create(env, path.p, NULL, 0, options, prepacked_weights_container, out);
  sx_path_close(&path);
  return s;
}
OrtStatus *ORT_API_CALL sx_api_CreateSession(const OrtEnv *env, const ORTCHAR_T *model_path,
                                             const OrtSessionOptions *options, OrtSession **out) {
  return sx_api_CreateSessionWithPrepackedWeightsContainer(env, model_path, options, NULL, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateSessionFromArrayWithPrepackedWeightsContainer(
    const OrtEnv *env, const void *model_data, size_t model_data_length, const OrtSessionOptions *options,
    OrtPrepackedWeightsContainer *prepacked_weights_container, OrtSession **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(model_data);
  SX_API_NOT_NULL(out);
  if (!model_data_length) SX_API_FAIL(INVALID_ARGUMENT, "CreateSessionFromArray: the model has no bytes");
  return create(env, NULL, model_data, model_data_length, options, prepacked_weights_container, out);
}
OrtStatus *ORT_API_CALL sx_api_CreateSessionFromArray(const OrtEnv *env, const void *model_data, size_t model_data_length,
                                                      const OrtSessionOptions *options, OrtSession **out) {
  return sx_api_CreateSessionFromArrayWithPrepackedWeightsContainer(env, model_data, model_data_length, options, NULL, out);
}

/* What a session has: the inputs to be given, the outputs, the initializers that may be replaced. */
typedef enum part { INPUT, OUTPUT, OVERRIDABLE } part;

static OrtStatus *count(const OrtSession *s, part p, size_t *out) {
  *out = p == INPUT ? s->n_required : p == OUTPUT ? s->graph->outputs.n : s->n_overridable;
  return NULL;
}

static OrtStatus *find(const OrtSession *s, part p, size_t index, const sx_value **v, const sx_fact **fact) {
  size_t n;
  count(s, p, &n);
  if (index >= n) SX_API_FAIL(FAIL, "index %zu is out of bounds, there are %zu", index, n);
  const sx_graph *g = s->graph;
  uint32_t i = p == INPUT ? s->required[index] : p == OVERRIDABLE ? s->overridable[index] : (uint32_t)index;
  *v = sx_value_at(g, p == OUTPUT ? g->outputs.at[i] : g->inputs.at[i]);
  *fact = &(*v)->fact;
  if (p == OUTPUT && i < g->declared.n) { /* as the model states it, unless it leaves the shape open */
    const sx_fact *d = &g->declared.at[i];
    if (d->kind == SX_KIND_TENSOR ? d->rank >= 0 || (*fact)->kind != SX_KIND_TENSOR : d->kind != SX_KIND_UNKNOWN) *fact = d;
  }
  return NULL;
}

static OrtStatus *name_of(const OrtSession *s, part p, size_t index, OrtAllocator *a, char **out) {
  const sx_value *v = NULL;
  const sx_fact *fact = NULL;
  OrtStatus *failed = find(s, p, index, &v, &fact);
  return failed ? failed : sx_ort_text_out(a, p == OUTPUT ? s->graph->output_names.at[index] : v->name, out);
}

static OrtStatus *type_of(const OrtSession *s, part p, size_t index, OrtTypeInfo **out) {
  const sx_value *v = NULL;
  const sx_fact *fact = NULL;
  OrtStatus *failed = find(s, p, index, &v, &fact);
  if (failed) return failed;
  *out = sx_ort_type_of_fact(s->graph->model, fact);
  if (!*out) SX_API_NO_MEMORY();
  return NULL;
}

#define GETTERS(Part, p)                                                                                                  \
  OrtStatus *ORT_API_CALL sx_api_SessionGet##Part##Count(const OrtSession *session, size_t *out) {                        \
    SX_API_NOT_NULL(session);                                                                                             \
    SX_API_NOT_NULL(out);                                                                                                 \
    return count(session, p, out);                                                                                        \
  }                                                                                                                       \
  OrtStatus *ORT_API_CALL sx_api_SessionGet##Part##TypeInfo(const OrtSession *session, size_t index, OrtTypeInfo **out) { \
    SX_API_NOT_NULL(session);                                                                                             \
    SX_API_NOT_NULL(out);                                                                                                 \
    return type_of(session, p, index, out);                                                                               \
  }                                                                                                                       \
  OrtStatus *ORT_API_CALL sx_api_SessionGet##Part##Name(const OrtSession *session, size_t index, OrtAllocator *allocator, \
                                                        char **value) {                                                   \
    SX_API_NOT_NULL(session);                                                                                             \
    SX_API_NOT_NULL(allocator);                                                                                           \
    SX_API_NOT_NULL(value);                                                                                               \
    return name_of(session, p, index, allocator, value);                                                                  \
  }
GETTERS(Input, INPUT)
GETTERS(Output, OUTPUT)
GETTERS(OverridableInitializer, OVERRIDABLE)

OrtStatus *ORT_API_CALL sx_api_CreateAllocator(const OrtSession *session, const OrtMemoryInfo *mem_info,
                                               OrtAllocator **out) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(mem_info);
  SX_API_NOT_NULL(out);
  OrtAllocator *device = session->eps ? sx_eps_allocator(session->eps, sx_memory_of(mem_info)) : NULL;
  if (device) {
    *out = device;
    return NULL;
  }
  if (!sx_memory_is_host(sx_memory_of(mem_info)))
    SX_API_FAIL(INVALID_ARGUMENT, "CreateAllocator: the session has no allocator for '%s'", sx_memory_of(mem_info)->name);
  *out = &sx_default_allocator;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SessionGetProfilingStartTimeNs(const OrtSession *session, uint64_t *out) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(out);
  *out = session->profile ? sx_profile_start_ns(session->profile) : 0;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SessionEndProfiling(OrtSession *session, OrtAllocator *allocator, char **out) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(allocator);
  SX_API_NOT_NULL(out);
  const char *file = "";
  if (session->profile) {
    if (session->eps) sx_ep_profile_end(session->eps, session->profile);
    OrtStatus *failed = sx_profile_end(session->profile, &file);
    if (failed) return failed;
  } else {
    sx_log(&session->logger.log, ERROR, "Could not write a profile because no profiler is running");
  }
  return sx_ort_text_out(allocator, sx_str_c(file), out);
}
