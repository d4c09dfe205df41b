// SPDX-License-Identifier: MIT
/* The environment: one object for the process, counted. Sessions hold it too, so that a logger outlives its users whatever
 * the order of the releases. */
#include "abi/session.h"
#include "base/cpu.h"
#include "onnxruntime_env_config_keys.h"
#include "onnxruntime_ep_device_ep_metadata_keys.h"

static OrtEnv *current;
static sx_mutex busy; /* guards it, its count and the list of shared allocators; held for a few instructions, never while a
                         stranger's function runs */

static void to_user(void *ctx, sx_severity severity, const char *category, const char *id, const char *where,
                    const char *message) {
  const OrtEnv *env = ctx;
  env->user_log(env->user_log_param, (OrtLoggingLevel)severity, category, id, where, message);
}

static bool copy_threads(const OrtThreadingOptions *from, OrtThreadingOptions *to) {
  *to = *from;
  to->affinity = NULL;
  return !from->affinity || (to->affinity = sx_text_dup(from->affinity));
}

static void destroy(OrtEnv *env) {
  sx_env_close_plugins(env);
  for (uint32_t i = 0; i < env->shared.n; i++) sx_memory_unref(env->shared.at[i].memory);
  sx_vec_free(&env->shared);
  sx_pool_destroy(env->pool);
  sx_kvp_clear(&env->config);
  sx_kvp_clear(&env->cpu_ep.metadata);
  sx_text_drop(env->threads.affinity);
  sx_text_drop(env->log_id);
  sx_free(env, sizeof *env);
}

typedef struct env_options {
  OrtLoggingLevel level;
  const char *id;
  OrtLoggingFunction log;
  void *log_param;
  const OrtThreadingOptions *threads;
  const OrtKeyValuePairs *config;
} env_options;

static OrtEnv *make(const env_options *o) {
  OrtEnv *env = sx_calloc(1, sizeof *env);
  if (!env) return NULL;
  const sx_cpu *cpu = sx_cpu_info();
  env->refs = 1;
  env->log_id = sx_text_dup(o->id);
  env->user_log = o->log;
  env->user_log_param = o->log_param;
  env->logger.log = (sx_logger){o->log ? to_user : NULL, env, (sx_severity)o->level, env->log_id};
  env->threads.spin = true;
  env->global_pools = o->threads != NULL;
  const char *vendor = cpu->vendor_id == 0x1022   ? "AMD"
                       : cpu->vendor_id == 0x8086 ? "Intel"
                       : cpu->vendor[0]           ? cpu->vendor
                                                  : "unknown";
  env->cpu = (OrtHardwareDevice){OrtHardwareDeviceType_CPU, cpu->vendor_id, 0, vendor, {0}};
  env->cpu_ep = (OrtEpDevice){.name = "CPUExecutionProvider", .vendor = "Microsoft", .hardware = &env->cpu};
  if (!env->log_id || !sx_vec_push(&env->devices, &env->cpu_ep) || (o->threads && !copy_threads(o->threads, &env->threads)) ||
      (o->config && !sx_kvp_copy(o->config, &env->config)) ||
      !sx_kvp_set(&env->cpu_ep.metadata, kOrtEpDevice_EpMetadataKey_Version, SX_VERSION_TEXT)) {
    destroy(env);
    return NULL;
  }
  if (cpu->unknown_cap)
    sx_log(&env->logger.log, WARNING,
           "the environment variable SX_ISA is none of base, avx2 and avx512: it changes nothing");
  return env;
}

static OrtStatus *create(const env_options *o, OrtEnv **out) {
  sx_mutex_lock(&busy);
  OrtEnv *env = current;
  if (env) env->refs++;
  sx_mutex_unlock(&busy);
  if (!env) {
    OrtEnv *fresh = make(o);
    if (!fresh) SX_API_NO_MEMORY();
    fresh->library = sx_dl_hold();
    sx_mutex_lock(&busy);
    env = current;
    if (env)
      env->refs++; /* another thread was first */
    else
      env = current = fresh;
    sx_mutex_unlock(&busy);
    if (env != fresh) {
      sx_dl_let_go(fresh->library); /* the other one holds it, too */
      destroy(fresh);
    }
  }
  *out = env;
  return NULL;
}

OrtEnv *sx_env_ref(OrtEnv *env) {
  if (!env) return NULL;
  sx_mutex_lock(&busy);
  env->refs++;
  sx_mutex_unlock(&busy);
  return env;
}

void *sx_env_unref(OrtEnv *env) {
  if (!env) return NULL;
  sx_mutex_lock(&busy);
  bool last = env == current && --env->refs == 0;
  if (last) current = NULL;
  sx_mutex_unlock(&busy);
  if (!last) return NULL;
  void *library = env->library;
  destroy(env);
  return library;
}

void ORT_API_CALL sx_api_ReleaseEnv(OrtEnv *input) { sx_dl_let_go(sx_env_unref(input)); }

static OrtCustomCreateThreadFn create_of(const OrtEnv *env) {
  return env->threads.create && env->threads.join ? env->threads.create : NULL;
}

static void *start_thread(void *options, void (*entry)(void *), void *arg) {
  const OrtEnv *env = options;
  return (void *)env->threads.create(env->threads.create_options, entry, arg);
}

sx_pool *sx_env_pool(OrtEnv *env, OrtStatus **failed) {
  static sx_mutex making;
  sx_err e;
  sx_status st = SX_OK;
  sx_mutex_lock(&making);
  if (!env->pool) {
    const OrtThreadingOptions *t = &env->threads;
    sx_pool_options o = {.threads = t->intra > 0 ? (uint32_t)t->intra : 0,
                         .spin_us = t->spin ? 100 : 0,
                         .denormals_zero = t->denormals_zero,
                         .affinity = t->affinity};
    if (create_of(env)) {
      o.thread_create = start_thread, o.hook_options = env;
      o.thread_join = (void (*)(void *))(void *)t->join;
    }
    st = sx_pool_create(&o, &env->pool, &e);
  }
  sx_mutex_unlock(&making);
  *failed = sx_ort_status(st, &e);
  return env->pool;
}

const sx_logger *sx_env_logger(const OrtEnv *env) {
  static const sx_logger quiet = {.least = SX_LOG_WARNING, .id = ""};
  return env ? &env->logger.log : &quiet;
}

OrtStatus *ORT_API_CALL sx_api_CreateEnv(OrtLoggingLevel log_severity_level, const char *logid, OrtEnv **out) {
  return sx_api_CreateEnvWithCustomLoggerAndGlobalThreadPools(NULL, NULL, log_severity_level, logid, NULL, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateEnvWithCustomLogger(OrtLoggingFunction logging_function, void *logger_param,
                                                         OrtLoggingLevel log_severity_level, const char *logid,
                                                         OrtEnv **out) {
  return sx_api_CreateEnvWithCustomLoggerAndGlobalThreadPools(logging_function, logger_param, log_severity_level, logid,
                                                              NULL, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateEnvWithGlobalThreadPools(OrtLoggingLevel log_severity_level, const char *logid,
                                                              const OrtThreadingOptions *tp_options, OrtEnv **out) {
  SX_API_NOT_NULL(tp_options);
  return sx_api_CreateEnvWithCustomLoggerAndGlobalThreadPools(NULL, NULL, log_severity_level, logid, tp_options, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateEnvWithCustomLoggerAndGlobalThreadPools(
    OrtLoggingFunction logging_function, void *logger_param, OrtLoggingLevel log_severity_level, const char *logid,
    const struct OrtThreadingOptions *tp_options, OrtEnv **out) {
  SX_API_NOT_NULL(out);
  env_options o = {log_severity_level, logid ? logid : "", logging_function, logger_param, tp_options, NULL};
  return create(&o, out);
}

OrtStatus *ORT_API_CALL sx_api_CreateEnvWithOptions(const OrtEnvCreationOptions *options, OrtEnv **out) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(out);
  if (options->version < 24)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateEnvWithOptions: the options' version is %u, ORT_API_VERSION is due",
                options->version);
  if (options->logging_severity_level < ORT_LOGGING_LEVEL_VERBOSE ||
      options->logging_severity_level > ORT_LOGGING_LEVEL_FATAL)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateEnvWithOptions: %d is not a severity level", options->logging_severity_level);
  SX_API_NOT_NULL(options->log_id);
  env_options o = {(OrtLoggingLevel)options->logging_severity_level,
                   options->log_id,
                   options->custom_logging_function,
                   options->custom_logging_param,
                   options->threading_options,
                   options->config_entries};
  return create(&o, out);
}

OrtStatus *ORT_API_CALL sx_api_EnableTelemetryEvents(const OrtEnv *env) { return NULL; }
OrtStatus *ORT_API_CALL sx_api_DisableTelemetryEvents(const OrtEnv *env) { return NULL; }
OrtStatus *ORT_API_CALL sx_api_SetLanguageProjection(const OrtEnv *ort_env, OrtLanguageProjection projection) {
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_UpdateEnvWithCustomLogLevel(OrtEnv *ort_env, OrtLoggingLevel log_severity_level) {
  SX_API_NOT_NULL(ort_env);
  sx_log_set_least(&ort_env->logger.log, (sx_severity)log_severity_level);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_SetPerSessionThreadPoolCallbacks(OrtEnv *env, const OrtThreadPoolCallbacksConfig *config) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(config);
  if (config->version < 25)
    SX_API_FAIL(INVALID_ARGUMENT, "SetPerSessionThreadPoolCallbacks: the version is %u, ORT_API_VERSION is due",
                config->version);
  sx_mutex_lock(&busy);
  env->callbacks = *config;
  sx_mutex_unlock(&busy);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_GetEnvConfigEntries(OrtKeyValuePairs **config_entries) {
  SX_API_NOT_NULL(config_entries);
  *config_entries = sx_kvp_create();
  if (!*config_entries) SX_API_NO_MEMORY();
  sx_mutex_lock(&busy);
  const OrtEnv *env = current; /* which goes only when nobody holds the lock */
  bool ok = !env || sx_kvp_copy(&env->config, *config_entries);
  if (ok && env && atomic_load(&env->virtual_libraries)) ok = sx_kvp_set(*config_entries, kOrtEnvAllowVirtualDevices, "1");
  sx_mutex_unlock(&busy);
  if (ok) return NULL;
  sx_api_ReleaseKeyValuePairs(*config_entries);
  *config_entries = NULL;
  SX_API_NO_MEMORY();
}

OrtStatus *ORT_API_CALL sx_api_Logger_LogMessage(const OrtLogger *logger, OrtLoggingLevel log_severity_level,
                                                 const char *message, const ORTCHAR_T *file_path, int line_number,
                                                 const char *func_name) {
  SX_API_NOT_NULL(logger);
  SX_API_NOT_NULL(message);
  sx_path file;
  if (!sx_path_open(&file, file_path)) SX_API_NO_MEMORY();
  if (sx_log_wants(&logger->log, (sx_severity)log_severity_level))
    sx_log_at(&logger->log, (sx_severity)log_severity_level, file.p ? file.p : "", line_number, "%s", message);
  sx_path_close(&file);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Logger_GetLoggingSeverityLevel(const OrtLogger *logger, OrtLoggingLevel *out) {
  SX_API_NOT_NULL(logger);
  SX_API_NOT_NULL(out);
  *out = (OrtLoggingLevel)sx_log_least(&logger->log);
  return NULL;
}

/* Allocators that sessions share. ONNX Runtime has one CPU allocator in there from the start, and so have we. */
static sx_shared_allocator *shared_for(OrtEnv *env, const sx_memory *memory) { /* busy is held */
  for (uint32_t i = 0; i < env->shared.n; i++)
    if (sx_memory_eq(env->shared.at[i].memory, memory)) return &env->shared.at[i];
  return NULL;
}
static OrtStatus *share(OrtEnv *env, const sx_memory *memory, OrtAllocator *allocator) {
  sx_mutex_lock(&busy);
  sx_shared_allocator *there = shared_for(env, memory);
  bool ok = there || sx_vec_push(&env->shared, ((sx_shared_allocator){memory, allocator}));
  if (there)
    there->allocator = allocator;
  else if (ok)
    sx_memory_ref(memory);
  sx_mutex_unlock(&busy);
  if (!ok) SX_API_NO_MEMORY();
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateAndRegisterAllocator(OrtEnv *env, const OrtMemoryInfo *mem_info,
                                                          const OrtArenaCfg *arena_cfg) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(mem_info);
  if (sx_memory_of(mem_info)->device_type != OrtMemoryInfoDeviceType_CPU)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateAndRegisterAllocator: only CPU allocators can be made here");
  return share(env, sx_memory_of(mem_info), &sx_default_allocator);
}

OrtStatus *ORT_API_CALL sx_api_CreateAndRegisterAllocatorV2(OrtEnv *env, const char *provider_type,
                                                            const OrtMemoryInfo *mem_info, const OrtArenaCfg *arena_cfg,
                                                            const char *const *provider_options_keys,
                                                            const char *const *provider_options_values, size_t num_keys) {
  SX_API_NOT_NULL(provider_type);
  if (strcmp(provider_type, "CPUExecutionProvider") != 0)
    SX_API_FAIL(FAIL, "CreateAndRegisterAllocatorV2: the provider '%.100s' is not in this build", provider_type);
  return sx_api_CreateAndRegisterAllocator(env, mem_info, arena_cfg);
}

OrtStatus *ORT_API_CALL sx_api_RegisterAllocator(OrtEnv *env, OrtAllocator *allocator) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(allocator);
  const OrtMemoryInfo *info = allocator->Info ? allocator->Info(allocator) : NULL;
  if (!info) SX_API_FAIL(INVALID_ARGUMENT, "RegisterAllocator: the allocator has no memory info");
  if (!allocator->Alloc || !allocator->Free) SX_API_FAIL(INVALID_ARGUMENT, "RegisterAllocator: the allocator has no Alloc or no Free");
  return share(env, sx_memory_of(info), allocator);
}

bool sx_env_unshare(OrtEnv *env, const sx_memory *m, const OrtAllocator *only) {
  sx_mutex_lock(&busy);
  sx_shared_allocator *there = m ? shared_for(env, m) : NULL;
  for (uint32_t i = 0; i < env->shared.n && only; i++)
    if (env->shared.at[i].allocator == only) there = &env->shared.at[i];
  const sx_memory *memory = there ? there->memory : NULL;
  if (there) *there = env->shared.at[--env->shared.n];
  sx_mutex_unlock(&busy);
  sx_memory_unref(memory);
  return memory != NULL;
}
OrtStatus *ORT_API_CALL sx_api_UnregisterAllocator(OrtEnv *env, const OrtMemoryInfo *mem_info) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(mem_info);
  if (sx_env_unshare(env, sx_memory_of(mem_info), NULL)) return NULL;
  SX_API_FAIL(INVALID_ARGUMENT, "UnregisterAllocator: no allocator is registered for this memory");
}

OrtStatus *ORT_API_CALL sx_api_GetSharedAllocator(OrtEnv *env, const OrtMemoryInfo *mem_info, OrtAllocator **allocator) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(mem_info);
  SX_API_NOT_NULL(allocator);
  sx_mutex_lock(&busy);
  const sx_shared_allocator *there = shared_for(env, sx_memory_of(mem_info));
  *allocator = there ? there->allocator : NULL;
  sx_mutex_unlock(&busy);
  if (!*allocator && sx_memory_of(mem_info)->device_type == OrtMemoryInfoDeviceType_CPU) *allocator = &sx_default_allocator;
  return NULL;
}
