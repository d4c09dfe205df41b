// SPDX-License-Identifier: MIT
/* The extension table of sardonyx.h. */
#include "sardonyx.h"
#include "abi/handles.h"

static OrtStatus *ORT_API_CALL explain(const OrtSession *session, int json, OrtAllocator *allocator, char **out) {
  SX_API_FAIL(NOT_IMPLEMENTED, "Explain is not implemented");
}

const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version) {
  static const SardonyxExtension table = {SARDONYX_EXTENSION_VERSION, explain};
  return version >= 1 && version <= SARDONYX_EXTENSION_VERSION ? &table : NULL;
}
