// SPDX-License-Identifier: MIT
/* The extension table of sardonyx.h. */
#include "sardonyx.h"
#include "abi/explain.h"

/* Hands a finished text to the caller. */
static OrtStatus *deliver(sx_text *t, OrtAllocator *allocator, char **out) {
  OrtStatus *s =
      t->failed ? sx_ort_status(SX_E_NO_MEMORY, NULL) : sx_ort_text_out(allocator, (sx_str){t->p ? t->p : "", t->n}, out);
  sx_text_free(t);
  return s;
}

#define REQUIRE(what, cond) \
  if (!(cond)) SX_API_FAIL(INVALID_ARGUMENT, what ": an argument is NULL")

static OrtStatus *ORT_API_CALL explain(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  REQUIRE("Explain", session && allocator && out);
  sx_text t = {0};
  sx_report_explain(session, json != 0, &t);
  return deliver(&t, allocator, out);
}

static OrtStatus *check_bytes(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                              const char *path, int json, OrtAllocator *allocator, char **out, size_t *problems) {
  sx_text t = {0};
  OrtStatus *failed = sx_report_check(env, options, data, size, path, json != 0, &t, problems);
  if (!failed) return deliver(&t, allocator, out);
  sx_text_free(&t);
  return failed;
}

static OrtStatus *ORT_API_CALL check_for(const OrtEnv *env, const OrtSessionOptions *options, const ORTCHAR_T *path,
                                         int json, OrtAllocator *allocator, char **out, size_t *problems) {
  REQUIRE("Check", env && path && allocator && out && problems);
  sx_err e;
  sx_mapping m;
  sx_path file;
  if (!sx_path_open(&file, path)) SX_API_NO_MEMORY();
  OrtStatus *s = sx_ort_status(sx_map_file(file.p, &m, &e), &e);
  if (!s) {
    s = check_bytes(env, options, m.data ? m.data : (const uint8_t *)"", m.size, file.p, json, allocator, out, problems);
    sx_unmap_file(&m);
  }
  sx_path_close(&file);
  return s;
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
  return deliver(&t, allocator, out);
}

static OrtStatus *ORT_API_CALL trim(OrtSession *session) {
  if (session)
    (void)sx_session_trim(session->s);
  else
    sx_ort_trim_all();
  return NULL;
}

static uint64_t ORT_API_CALL allocations(void) { return sx_allocations(); }

const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version) {
  static const SardonyxExtension table = {
      SARDONYX_EXTENSION_VERSION, explain, check, check_array, memory, trim, allocations, check_for};
  return version >= 1 && version <= SARDONYX_EXTENSION_VERSION ? &table : NULL;
}
