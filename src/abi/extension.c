// SPDX-License-Identifier: MIT
/* The extension table of sardonyx.h. */
#include "sardonyx.h"
#include "abi/calibrate.h"
#include "abi/explain.h"
#include "abi/quantize.h"

OrtStatus *sx_report_deliver(OrtStatus *failed, sx_text *t, OrtAllocator *allocator, char **out) {
  if (!failed)
    failed =
        t->failed ? sx_ort_status(SX_E_NO_MEMORY, NULL) : sx_ort_text_out(allocator, (sx_str){t->p ? t->p : "", t->n}, out);
  sx_text_free(t);
  return failed;
}

#define REQUIRE(what, cond) \
  if (!(cond)) SX_API_FAIL(INVALID_ARGUMENT, what ": an argument is NULL")

static OrtStatus *ORT_API_CALL explain(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  REQUIRE("Explain", session && allocator && out);
  sx_text t = {0};
  sx_report_explain(session, json != 0, &t);
  return sx_report_deliver(NULL, &t, allocator, out);
}

static OrtStatus *check_bytes(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                              const char *path, int json, OrtAllocator *allocator, char **out, size_t *problems) {
  sx_text t = {0};
  OrtStatus *failed = sx_report_check(env, options, data, size, path, json != 0, &t, problems);
  return sx_report_deliver(failed, &t, allocator, out);
}

/* A model file for as long as a report is made of it. */
typedef struct model_file {
  sx_path path;
  sx_mapping m;
  const void *data;
} model_file;
static OrtStatus *open_model(model_file *f, const ORTCHAR_T *path) {
  sx_err e;
  if (!sx_path_open(&f->path, path)) SX_API_NO_MEMORY();
  OrtStatus *s = sx_ort_status(sx_map_file(f->path.p, &f->m, &e), &e);
  f->data = f->m.data ? f->m.data : (const uint8_t *)"";
  if (s) sx_path_close(&f->path);
  return s;
}
static void close_model(model_file *f) {
  sx_unmap_file(&f->m);
  sx_path_close(&f->path);
}

static OrtStatus *ORT_API_CALL check_for(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path,
                                         int json, OrtAllocator *allocator, char **out, size_t *problems) {
  REQUIRE("Check", env && path && allocator && out && problems);
  model_file f = {0};
  OrtStatus *s = open_model(&f, path);
  if (s) return s;
  s = check_bytes(env, options, f.data, f.m.size, f.path.p, json, allocator, out, problems);
  close_model(&f);
  return s;
}

static OrtStatus *ORT_API_CALL operators(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path,
                                         OrtAllocator *allocator, char **out) {
  REQUIRE("Operators", env && path && allocator && out);
  model_file f = {0};
  sx_text t = {0};
  OrtStatus *s = open_model(&f, path);
  if (s) return s;
  s = sx_report_operators(env, options, f.data, f.m.size, f.path.p, &t);
  close_model(&f);
  return sx_report_deliver(s, &t, allocator, out);
}

static OrtStatus *ORT_API_CALL check(const OrtEnv *env, const ORTCHAR_T *path, int json, OrtAllocator *allocator,
                                     char **out, size_t *problems) {
  return check_for(env, NULL, path, json, allocator, out, problems);
}

static OrtStatus *ORT_API_CALL check_array(const OrtEnv *env, const void *data, size_t size, int json,
                                           OrtAllocator *allocator, char **out, size_t *problems) {
  REQUIRE("CheckArray", env && data && allocator && out && problems);
  return check_bytes(env, NULL, data, size, NULL, json, allocator, out, problems);
}

static OrtStatus *ORT_API_CALL memory(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  REQUIRE("Memory", allocator && out);
  sx_text t = {0};
  sx_report_memory(session, json != 0, &t);
  return sx_report_deliver(NULL, &t, allocator, out);
}

static OrtStatus *ORT_API_CALL trim(OrtSession *session) {
  if (session)
    (void)sx_session_trim(session->s);
  else
    sx_ort_trim_all();
  return NULL;
}

static uint64_t ORT_API_CALL allocations(void) { return sx_allocations(); }

static OrtStatus *ORT_API_CALL sequence_maps(const OrtValue *sequence, OrtAllocator *allocator, OrtValue **keys,
                                             ONNXTensorElementDataType *type, const void **rows, size_t count) {
  REQUIRE("SequenceMaps", sequence && allocator && keys && type && (rows || !count));
  const sx_rt_value *v = (const sx_rt_value *)sequence;
  bool maps = v->type.kind == SX_RT_SEQUENCE && v->type.elem == SX_RT_MAP && v->type.dtype != SX_STRING && v->u.items.n;
  *keys = NULL;
  if (!maps) return NULL;
  if (count != v->u.items.n)
    SX_API_FAIL(INVALID_ARGUMENT, "SequenceMaps: room for %zu maps, the sequence has %u", count, v->u.items.n);
  for (size_t i = 0; i < count; i++) {
    const sx_rt_value *map = v->u.items.at[i];
    if (map->u.map.keys != v->u.items.at[0]->u.map.keys) return NULL;
    rows[i] = map->u.map.values->data;
  }
  *type = (ONNXTensorElementDataType)v->type.dtype;
  return sx_api_GetValue((const OrtValue *)v->u.items.at[0], 0, allocator, keys);
}

const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version) {
  static const SardonyxExtension table = {SARDONYX_EXTENSION_VERSION,
                                          explain,
                                          check,
                                          check_array,
                                          memory,
                                          trim,
                                          allocations,
                                          check_for,
                                          operators,
                                          sx_quantize_Quantize,
                                          sx_calibration_CreateCalibration,
                                          sx_calibration_Calibrate,
                                          sx_calibration_CalibrationRanges,
                                          sx_calibration_ReleaseCalibration,
                                          sx_calibration_CreateWeightCalibration,
                                          sx_calibration_CalibrationPass,
                                          sx_calibration_QuantizeCalibrated,
                                          sx_quantize_QuantizeMeasured,
                                          sequence_maps};
  return version >= 1 && version <= SARDONYX_EXTENSION_VERSION ? &table : NULL;
}
