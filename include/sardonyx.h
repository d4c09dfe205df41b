// SPDX-License-Identifier: MIT
/* What ONNX Runtime's interface has no word for. SardonyxGetExtension is looked up by name in the library that gave
 * OrtGetApiBase; another library with that interface does not have it. Rules of ownership as in onnxruntime_c_api.h. */
#ifndef SARDONYX_H
#define SARDONYX_H
#include "onnxruntime_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SARDONYX_EXTENSION_VERSION 1

typedef struct SardonyxExtension {
  uint32_t version; /* of this table; members are only added, at the end */
  /* How a session runs its model, step by step: kernel, provider, source nodes, bytes, and why. `json`: 0 text for people, 1
   * JSON. The string is allocated with `allocator`. */
  OrtStatusPtr(ORT_API_CALL *Explain)(const OrtSession *session, int json, OrtAllocator *allocator, char **out);
} SardonyxExtension;

/* NULL for a version that is not known. */
ORT_EXPORT const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version);
typedef const SardonyxExtension *(ORT_API_CALL *SardonyxGetExtensionFn)(uint32_t version);

#ifdef __cplusplus
}
#endif
#endif
