// SPDX-License-Identifier: MIT
/* Run options. The terminate flag is the one member that another thread may set during a run. */
#include "abi/session.h"
#include "onnxruntime_run_options_config_keys.h"
#include <stdlib.h>

OrtStatus *ORT_API_CALL sx_api_CreateRunOptions(OrtRunOptions **out) {
  SX_API_NOT_NULL(out);
  *out = sx_calloc(1, sizeof **out);
  if (!*out) SX_API_NO_MEMORY();
  (*out)->log_severity = -1;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseRunOptions(OrtRunOptions *input) {
  if (!input) return;
  sx_text_drop(input->tag);
  sx_text_drop(input->profile_prefix);
  sx_kvp_clear(&input->config);
  sx_vec_free(&input->adapters);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsSetRunLogVerbosityLevel(OrtRunOptions *options, int log_verbosity_level) {
  SX_API_NOT_NULL(options);
  options->log_verbosity = log_verbosity_level;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsSetRunLogSeverityLevel(OrtRunOptions *options, int log_severity_level) {
  SX_API_NOT_NULL(options);
  options->log_severity = log_severity_level;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsGetRunLogVerbosityLevel(const OrtRunOptions *options, int *log_verbosity_level) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(log_verbosity_level);
  *log_verbosity_level = options->log_verbosity;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsGetRunLogSeverityLevel(const OrtRunOptions *options, int *log_severity_level) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(log_severity_level);
  *log_severity_level = options->log_severity;
  return NULL;
}

/* "cpu:0;cpu": the memory of sessions is an arena of the CPU. As in ONNX Runtime, what follows one that is there need only be a
 * device. */
static OrtStatus *check_shrinkage(const char *list, const OrtSession *s, bool *shrink) {
  for (const char *p = list; *p; p += *p == ';') {
    const char *begin = p, *end = p + strcspn(p, ";"), *colon = p + strcspn(p, ":;");
    const char *id = colon + (*colon == ':'), *id_end = id + strcspn(id, ":;");
    const bool cpu = colon - begin == 3 && !memcmp(begin, "cpu", 3), gpu = colon - begin == 3 && !memcmp(begin, "gpu", 3);
    char *stop;
    if (!cpu && !gpu && begin < end)
      SX_API_FAIL(INVALID_ARGUMENT, "Unsupported device specified in the memory arena shrink list: %.*s", (int)(colon - begin), begin);
    const long number = strtol(id, &stop, 10);
    if (id < id_end && (stop != id_end || !strchr("-0123456789", *id) || number != (int)number))
      SX_API_FAIL(INVALID_ARGUMENT, "Unsupported device id in the memory arena shrink list: %.*s", (int)(id_end - id), id);
    *shrink |= cpu && (id == id_end || !number) && s->options->cpu_arena;
    if (!*shrink && !(gpu && s->eps))
      SX_API_FAIL(INVALID_ARGUMENT,
                  "Did not find an arena based allocator registered for device-id combination in the memory arena shrink list: %.*s",
                  (int)(end - begin), begin);
    p = end;
  }
  return NULL;
}

OrtStatus *sx_ort_run_options_check(const OrtRunOptions *o, const OrtSession *s, bool *shrink) {
  if (o->log_severity < -1 || o->log_severity > ORT_LOGGING_LEVEL_FATAL)
    SX_API_FAIL(FAIL, "Invalid run log severity level. Not a valid severity value: %d", o->log_severity);
  const char *list = o->config.n ? sx_kvp_get(&o->config, kOrtRunOptionsConfigEnableMemoryArenaShrinkage) : NULL;
  return list ? check_shrinkage(list, s, shrink) : NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsSetRunTag(OrtRunOptions *options, const char *run_tag) {
  SX_API_NOT_NULL(options);
  return run_tag ? sx_ort_text_set(&options->tag, run_tag) : NULL; /* NULL leaves the tag, as in ONNX Runtime */
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsGetRunTag(const OrtRunOptions *options, const char **run_tag) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(run_tag);
  *run_tag = options->tag ? options->tag : "";
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsSetTerminate(OrtRunOptions *options) {
  SX_API_NOT_NULL(options);
  atomic_store(&options->terminate, true);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsUnsetTerminate(OrtRunOptions *options) {
  SX_API_NOT_NULL(options);
  atomic_store(&options->terminate, false);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_AddRunConfigEntry(OrtRunOptions *options, const char *config_key, const char *config_value) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(config_key);
  SX_API_NOT_NULL(config_value);
  return sx_ort_config_set(&options->config, config_key, config_value);
}

const char *ORT_API_CALL sx_api_GetRunConfigEntry(const OrtRunOptions *options, const char *config_key) {
  return options && config_key ? sx_kvp_get(&options->config, config_key) : NULL;
}

void ORT_API_CALL sx_api_RunOptionsSetSyncStream(OrtRunOptions *options, OrtSyncStream *sync_stream) {
  if (options) options->stream = sync_stream;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsEnableProfiling(OrtRunOptions *options, const ORTCHAR_T *profile_file_prefix) {
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(profile_file_prefix);
  OrtStatus *s = sx_ort_path_set(&options->profile_prefix, profile_file_prefix);
  if (!s) options->profiling = true;
  return s;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsDisableProfiling(OrtRunOptions *options) {
  SX_API_NOT_NULL(options);
  options->profiling = false;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_RunOptionsAddActiveLoraAdapter(OrtRunOptions *options, const OrtLoraAdapter *adapter) {
  SX_API_NOT_NULL(options);
  if (adapter && !sx_vec_push(&options->adapters, adapter)) SX_API_NO_MEMORY();
  return NULL;
}
