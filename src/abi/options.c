// SPDX-License-Identifier: MIT
/* Session options: setters into one struct, which a session reads once, when it is made. */
#include "abi/handles.h"

#define MAX_CONFIG_KEY 1024

OrtStatus *ORT_API_CALL sx_api_CreateSessionOptions(OrtSessionOptions **options) {
  SX_API_NOT_NULL(options);
  OrtSessionOptions *o = *options = sx_calloc(1, sizeof *o);
  if (!o) SX_API_NO_MEMORY();
  o->level = ORT_ENABLE_ALL;
  o->mem_pattern = o->cpu_arena = o->per_session_threads = true;
  o->log_severity = -1;
  return NULL;
}

static void drop_named(sx_named_value *at, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) sx_text_drop(at[i].name), sx_rt_unref(at[i].value);
}

void ORT_API_CALL sx_api_ReleaseSessionOptions(OrtSessionOptions *input) {
  if (!input) return;
  sx_text_drop(input->log_id);
  sx_text_drop(input->profile_prefix);
  sx_text_drop(input->optimized_path);
  sx_kvp_clear(&input->config);
  for (uint32_t i = 0; i < input->free_dims.n; i++) sx_text_drop(input->free_dims.at[i].name);
  sx_vec_free(&input->free_dims);
  drop_named(input->initializers.at, input->initializers.n);
  sx_vec_free(&input->initializers);
  drop_named(input->external.at, input->external.n);
  sx_vec_free(&input->external);
  for (uint32_t i = 0; i < input->files.n; i++) sx_text_drop(input->files.at[i].name);
  sx_vec_free(&input->files);
  sx_vec_free(&input->domains);
  for (uint32_t i = 0; i < input->libraries.n; i++) sx_library_close(input->libraries.at[i]);
  sx_vec_free(&input->libraries);
  sx_vec_free(&input->providers);
  sx_free(input, sizeof *input);
}

static bool copy_text(char **to, const char *from) { return !from || (*to = sx_text_dup(from)); }

static bool copy_named(const sx_named_value *from, uint32_t n, sx_named_value *to, uint32_t *done) {
  for (; *done < n; ++*done) {
    to[*done] = (sx_named_value){sx_text_dup(from[*done].name), sx_rt_ref(from[*done].value)};
    if (!to[*done].name) return ++*done, false;
  }
  return true;
}

OrtSessionOptions *sx_ort_options_clone(const OrtSessionOptions *o) {
  OrtSessionOptions *c = NULL;
  OrtStatus *failed = sx_api_CreateSessionOptions(&c);
  if (failed) return sx_api_ReleaseStatus(failed), NULL;
  c->mode = o->mode, c->level = o->level, c->mem_pattern = o->mem_pattern, c->cpu_arena = o->cpu_arena;
  c->profiling = o->profiling, c->per_session_threads = o->per_session_threads, c->deterministic = o->deterministic;
  atomic_store(&c->cancel, atomic_load(&((OrtSessionOptions *)o)->cancel));
  c->intra = o->intra, c->inter = o->inter, c->log_severity = o->log_severity, c->log_verbosity = o->log_verbosity;
  c->user_log = o->user_log, c->user_log_param = o->user_log_param, c->user_log_set = o->user_log_set;
  c->thread_create = o->thread_create, c->thread_options = o->thread_options, c->thread_join = o->thread_join;
  c->selects = o->selects, c->policy = o->policy, c->delegate = o->delegate, c->delegate_state = o->delegate_state;
  c->weightless = o->weightless, c->weightless_size = o->weightless_size;
  c->read_named = o->read_named, c->read_named_state = o->read_named_state;
  c->write_named = o->write_named, c->write_named_state = o->write_named_state;
  bool ok = copy_text(&c->log_id, o->log_id) && copy_text(&c->profile_prefix, o->profile_prefix) &&
            copy_text(&c->optimized_path, o->optimized_path) && sx_kvp_copy(&o->config, &c->config) &&
            sx_vec_reserve(&c->free_dims, o->free_dims.n) && sx_vec_reserve(&c->initializers, o->initializers.n) &&
            sx_vec_reserve(&c->external, o->external.n) && sx_vec_reserve(&c->files, o->files.n) &&
            sx_vec_reserve(&c->domains, o->domains.n) && sx_vec_reserve(&c->libraries, o->libraries.n) &&
            sx_vec_reserve(&c->providers, o->providers.n) &&
            copy_named(o->initializers.at, o->initializers.n, c->initializers.at, &c->initializers.n) &&
            copy_named(o->external.at, o->external.n, c->external.at, &c->external.n);
  for (uint32_t i = 0; ok && i < o->free_dims.n; i++) {
    sx_dim_override d = o->free_dims.at[i];
    ok = (d.name = sx_text_dup(d.name)) != NULL;
    if (ok) c->free_dims.at[c->free_dims.n++] = d;
  }
  for (uint32_t i = 0; ok && i < o->files.n; i++) {
    sx_memory_file f = o->files.at[i];
    ok = (f.name = sx_text_dup(f.name)) != NULL;
    if (ok) c->files.at[c->files.n++] = f;
  }
  for (uint32_t i = 0; ok && i < o->domains.n; i++) c->domains.at[c->domains.n++] = o->domains.at[i];
  for (uint32_t i = 0; ok && i < o->libraries.n; i++)
    c->libraries.at[c->libraries.n++] = sx_library_again(o->libraries.at[i]);
  for (uint32_t i = 0; ok && i < o->providers.n; i++) c->providers.at[c->providers.n++] = o->providers.at[i];
  if (ok) return c;
  sx_api_ReleaseSessionOptions(c);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CloneSessionOptions(const OrtSessionOptions *in_options, OrtSessionOptions **out_options) {
  SX_API_NOT_NULL(in_options);
  SX_API_NOT_NULL(out_options);
  *out_options = sx_ort_options_clone(in_options);
  if (!*out_options) SX_API_NO_MEMORY();
  return NULL;
}

/* Setters that cannot fail but for a NULL. */
#define SETTER(name, params, assignment)         \
  OrtStatus *ORT_API_CALL sx_api_##name params { \
    SX_API_NOT_NULL(options);                    \
    assignment;                                  \
    return NULL;                                 \
  }
SETTER(DisableProfiling, (OrtSessionOptions * options), options->profiling = false)
SETTER(EnableMemPattern, (OrtSessionOptions * options), options->mem_pattern = true)
SETTER(DisableMemPattern, (OrtSessionOptions * options), options->mem_pattern = false)
SETTER(EnableCpuMemArena, (OrtSessionOptions * options), options->cpu_arena = true)
SETTER(DisableCpuMemArena, (OrtSessionOptions * options), options->cpu_arena = false)
SETTER(DisablePerSessionThreads, (OrtSessionOptions * options), options->per_session_threads = false)
SETTER(SetSessionLogVerbosityLevel, (OrtSessionOptions * options, int level), options->log_verbosity = level)
SETTER(SetSessionLogSeverityLevel, (OrtSessionOptions * options, int level), options->log_severity = level)
SETTER(SetIntraOpNumThreads, (OrtSessionOptions * options, int n), options->intra = n)
SETTER(SetInterOpNumThreads, (OrtSessionOptions * options, int n), options->inter = n)
SETTER(SetDeterministicCompute, (OrtSessionOptions * options, bool value), options->deterministic = value)
SETTER(SetUserLoggingFunction, (OrtSessionOptions * options, OrtLoggingFunction fn, void *param),
       (options->user_log = fn, options->user_log_param = param, options->user_log_set = fn != NULL))
SETTER(SessionOptionsSetCustomCreateThreadFn, (OrtSessionOptions * options, OrtCustomCreateThreadFn fn),
       options->thread_create = fn)
SETTER(SessionOptionsSetCustomThreadCreationOptions, (OrtSessionOptions * options, void *p), options->thread_options = p)
SETTER(SessionOptionsSetCustomJoinThreadFn, (OrtSessionOptions * options, OrtCustomJoinThreadFn fn),
       options->thread_join = fn)
SETTER(SessionOptionsSetLoadCancellationFlag, (OrtSessionOptions * options, bool cancel),
       atomic_store(&options->cancel, cancel))
SETTER(SessionOptionsSetEpSelectionPolicy, (OrtSessionOptions * options, OrtExecutionProviderDevicePolicy policy),
       (options->selects = true, options->policy = policy, options->delegate = NULL, options->delegate_state = NULL))
SETTER(SessionOptionsSetEpSelectionPolicyDelegate, (OrtSessionOptions * options, EpSelectionDelegate delegate, void *state),
       (options->selects = true, options->policy = OrtExecutionProviderDevicePolicy_DEFAULT, options->delegate = delegate,
        options->delegate_state = state))
SETTER(SessionOptionsSetEpContextDataReadFunc, (OrtSessionOptions * options, OrtReadNamedBufferFunc fn, void *state),
       (options->read_named = fn, options->read_named_state = fn ? state : NULL))

OrtStatus *ORT_API_CALL sx_api_SetSessionExecutionMode(OrtSessionOptions *options, ExecutionMode execution_mode) {
  SX_API_NOT_NULL(options);
  if (execution_mode != ORT_SEQUENTIAL && execution_mode != ORT_PARALLEL)
    SX_API_FAIL(INVALID_ARGUMENT, "SetSessionExecutionMode: %d is not an execution mode", (int)execution_mode);
  options->mode = execution_mode;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetSessionExecutionMode(const OrtSessionOptions *options, ExecutionMode *out) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(out);
  *out = options->mode;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetMemPatternEnabled(const OrtSessionOptions *options, int *out) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(out);
  *out = options->mem_pattern;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetSessionGraphOptimizationLevel(OrtSessionOptions *options,
                                                                GraphOptimizationLevel graph_optimization_level) {
  SX_API_NOT_NULL(options);
  switch (graph_optimization_level) {
    case ORT_DISABLE_ALL:
    case ORT_ENABLE_BASIC:
    case ORT_ENABLE_EXTENDED:
    case ORT_ENABLE_LAYOUT:
    case ORT_ENABLE_ALL: options->level = graph_optimization_level; return NULL;
  }
  SX_API_FAIL(INVALID_ARGUMENT, "SetSessionGraphOptimizationLevel: %d is not a level", (int)graph_optimization_level);
}

OrtStatus *ORT_API_CALL sx_api_EnableProfiling(OrtSessionOptions *options, const ORTCHAR_T *profile_file_prefix) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(profile_file_prefix);
  OrtStatus *s = sx_ort_path_set(&options->profile_prefix, profile_file_prefix);
  if (!s) options->profiling = true;
  return s;
}

OrtStatus *ORT_API_CALL sx_api_SetSessionLogId(OrtSessionOptions *options, const char *logid) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(logid);
  return sx_ort_text_set(&options->log_id, logid);
}

OrtStatus *ORT_API_CALL sx_api_SetOptimizedModelFilePath(OrtSessionOptions *options,
                                                         const ORTCHAR_T *optimized_model_filepath) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(optimized_model_filepath);
  return sx_ort_path_set(&options->optimized_path, optimized_model_filepath);
}

static OrtStatus *add_free_dim(OrtSessionOptions *options, const char *name, bool by_denotation, int64_t value) {
  sx_dim_override d = {sx_text_dup(name), by_denotation, value};
  if (d.name && sx_vec_push(&options->free_dims, d)) return NULL;
  sx_text_drop(d.name);
  SX_API_NO_MEMORY();
}

OrtStatus *ORT_API_CALL sx_api_AddFreeDimensionOverride(OrtSessionOptions *options, const char *dim_denotation,
                                                        int64_t dim_value) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(dim_denotation);
  return add_free_dim(options, dim_denotation, true, dim_value);
}

OrtStatus *ORT_API_CALL sx_api_AddFreeDimensionOverrideByName(OrtSessionOptions *options, const char *dim_name,
                                                              int64_t dim_value) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(dim_name);
  return add_free_dim(options, dim_name, false, dim_value);
}

OrtStatus *sx_ort_config_set(OrtKeyValuePairs *config, const char *key, const char *value) {
  size_t n = strlen(key);
  if (n < 1 || n > MAX_CONFIG_KEY)
    SX_API_FAIL(INVALID_ARGUMENT, "a configuration key has 1 to %d bytes, this one has %zu", MAX_CONFIG_KEY, n);
  if (!sx_kvp_set(config, key, value)) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AddSessionConfigEntry(OrtSessionOptions *options, const char *config_key,
                                                     const char *config_value) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(config_key);
  SX_API_NOT_NULL(config_value);
  return sx_ort_config_set(&options->config, config_key, config_value);
}

OrtStatus *ORT_API_CALL sx_api_HasSessionConfigEntry(const OrtSessionOptions *options, const char *config_key, int *out) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(config_key);
  SX_API_NOT_NULL(out);
  *out = sx_kvp_get(&options->config, config_key) != NULL;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_GetSessionConfigEntry(const OrtSessionOptions *options, const char *config_key,
                                                     char *config_value, size_t *size) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(config_key);
  SX_API_NOT_NULL(size);
  const char *value = sx_kvp_get(&options->config, config_key);
  if (!value) SX_API_FAIL(INVALID_ARGUMENT, "the session options have no entry '%.200s'", config_key);
  return sx_ort_text_copy("the configuration entry", sx_str_c(value), config_value, size);
}

OrtStatus *ORT_API_CALL sx_api_GetSessionOptionsConfigEntries(const OrtSessionOptions *options, OrtKeyValuePairs **out) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(out);
  *out = sx_kvp_create();
  if (*out && sx_kvp_copy(&options->config, *out)) return NULL;
  sx_api_ReleaseKeyValuePairs(*out);
  *out = NULL;
  SX_API_NO_MEMORY();
}

/* A tensor whose bytes the caller keeps: what may replace an initializer without a copy. */
static OrtStatus *check_initializer(const char *name, const OrtValue *val) {
  const sx_rt_value *v = (const sx_rt_value *)val;
  if (!name) SX_API_FAIL(INVALID_ARGUMENT, "the initializer's name is NULL");
  if (!v) SX_API_FAIL(INVALID_ARGUMENT, "the value for the initializer '%.100s' is NULL", name);
  if (!sx_rt_is_tensor(v)) SX_API_FAIL(INVALID_ARGUMENT, "the value for the initializer '%.100s' is not a tensor", name);
  if (!sx_rt_is_borrowed(v))
    SX_API_FAIL(INVALID_ARGUMENT, "the value for the initializer '%.100s' must be over memory of the caller's", name);
  return NULL;
}

static bool has_named(const sx_named_value *at, uint32_t n, const char *name) {
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(at[i].name, name) == 0) return true;
  return false;
}

OrtStatus *ORT_API_CALL sx_api_AddInitializer(OrtSessionOptions *options, const char *name, const OrtValue *val) {
  SX_API_NOT_NULL(options);
  OrtStatus *bad = check_initializer(name, val);
  if (bad) return bad;
  if (has_named(options->initializers.at, options->initializers.n, name))
    SX_API_FAIL(INVALID_ARGUMENT, "a value for the initializer '%.100s' has been added already", name);
  sx_named_value n = {sx_text_dup(name), (sx_rt_value *)val};
  if (!n.name || !sx_vec_push(&options->initializers, n)) {
    sx_text_drop(n.name);
    SX_API_NO_MEMORY();
  }
  sx_rt_ref(n.value);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AddExternalInitializers(OrtSessionOptions *options, const char *const *initializer_names,
                                                       const OrtValue *const *initializers, size_t num_initializers) {
  SX_API_NOT_NULL(options);
  if (num_initializers) SX_API_NOT_NULL(initializer_names && initializers);
  for (size_t i = 0; i < num_initializers; i++) {
    OrtStatus *bad = check_initializer(initializer_names[i], initializers[i]);
    if (bad) return bad;
    if (has_named(options->external.at, options->external.n, initializer_names[i]))
      SX_API_FAIL(INVALID_ARGUMENT, "a value for the initializer '%.100s' has been added already", initializer_names[i]);
  }
  const uint32_t before = options->external.n;
  for (size_t i = 0; i < num_initializers; i++) {
    sx_named_value n = {sx_text_dup(initializer_names[i]), (sx_rt_value *)initializers[i]};
    if (!n.name || !sx_vec_push(&options->external, n)) {
      sx_text_drop(n.name);
      drop_named(options->external.at + before, options->external.n - before);
      options->external.n = before;
      SX_API_NO_MEMORY();
    }
    sx_rt_ref(n.value);
  }
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AddExternalInitializersFromFilesInMemory(
    OrtSessionOptions *options, const ORTCHAR_T *const *external_initializer_file_names,
    char *const *external_initializer_file_buffer_array, const size_t *external_initializer_file_lengths,
    size_t num_external_initializer_files) {
  SX_API_NOT_NULL(options);
  const uint32_t before = options->files.n;
  for (size_t i = 0; i < num_external_initializer_files; i++) {
    SX_API_NOT_NULL(external_initializer_file_names && external_initializer_file_buffer_array &&
                    external_initializer_file_lengths);
    if (!external_initializer_file_names[i] || !external_initializer_file_buffer_array[i])
      SX_API_FAIL(INVALID_ARGUMENT, "external file %zu has a NULL name or buffer", i);
    sx_memory_file f = {NULL, external_initializer_file_buffer_array[i], external_initializer_file_lengths[i]};
    OrtStatus *s = sx_ort_path_set(&f.name, external_initializer_file_names[i]);
    for (uint32_t k = 0; k < options->files.n && !s; k++)
      if (strcmp(options->files.at[k].name, f.name) == 0)
        s = sx_ort_error(ORT_INVALID_ARGUMENT, "the external file '%.200s' has been added already", f.name);
    if (!s && sx_vec_push(&options->files, f)) continue;
    sx_text_drop(f.name);
    while (options->files.n > before) sx_text_drop(options->files.at[--options->files.n].name);
    return s ? s : sx_ort_status(SX_E_NO_MEMORY, NULL);
  }
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SessionOptionsSetWeightlessSourceModelBuffer(OrtSessionOptions *options,
                                                                            const void *source_model_data,
                                                                            size_t source_model_data_length) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(source_model_data);
  if (!source_model_data_length) SX_API_FAIL(INVALID_ARGUMENT, "the source model has no bytes");
  options->weightless = source_model_data;
  options->weightless_size = source_model_data_length;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_SessionOptionsGetWeightlessSourceModelBuffer(const OrtSessionOptions *session_options,
                                                                              const void **source_model_data,
                                                                              size_t *source_model_data_length) {
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(source_model_data);
  SX_API_NOT_NULL(source_model_data_length);
  *source_model_data = session_options->weightless;
  *source_model_data_length = session_options->weightless_size;
  return NULL;
}
