// SPDX-License-Identifier: MIT
/* The extension table of sardonyx.h. */
#include "sardonyx.h"
#include "abi/handles.h"

static OrtStatus *ORT_API_CALL explain(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  SX_API_FAIL(NOT_IMPLEMENTED, "Explain is not implemented");
}

static OrtStatus *ORT_API_CALL check(const OrtEnv *env, const ORTCHAR_T *path, int json, OrtAllocator *allocator, char **out,
                                     size_t *problems) {
  SX_API_FAIL(NOT_IMPLEMENTED, "Check is not implemented");
}

static OrtStatus *ORT_API_CALL check_array(const OrtEnv *env, const void *data, size_t size, int json, OrtAllocator *allocator,
                                           char **out, size_t *problems) {
  SX_API_FAIL(NOT_IMPLEMENTED, "CheckArray is not implemented");
}

static OrtStatus *ORT_API_CALL memory(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  SX_API_FAIL(NOT_IMPLEMENTED, "Memory is not implemented");
}

static OrtStatus *ORT_API_CALL trim(OrtSession *session) { SX_API_FAIL(NOT_IMPLEMENTED, "Trim is not implemented"); }

static uint64_t ORT_API_CALL allocations(void) { return 0; }

const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version) {
  static const SardonyxExtension table = {SARDONYX_EXTENSION_VERSION, explain, check, check_array, memory, trim, allocations};
  return version >= 1 && version <= SARDONYX_EXTENSION_VERSION ? &table : NULL;
}
