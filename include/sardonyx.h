// SPDX-License-Identifier: MIT
/* What ONNX Runtime's interface has no word for. SardonyxGetExtension is looked up by name in the library that gave
 * OrtGetApiBase; another library with that interface does not have it. Rules of ownership as in onnxruntime_c_api.h.
 * Reports are text for people or JSON, allocated with the caller's allocator and freed with it. */
#ifndef SARDONYX_H
#define SARDONYX_H
#include "onnxruntime_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SARDONYX_EXTENSION_VERSION 1

typedef struct SardonyxExtension {
  uint32_t version; /* of this table; members are only added, at the end */
  /* How a session runs its model, step by step: kernel, provider, source nodes, bytes, and why. `json`: 0 text for people,
   * 1 JSON. The string is allocated with `allocator`. */
  OrtStatusPtr(ORT_API_CALL *Explain)(const OrtSession *session, int json, OrtAllocator *allocator, char **out);
  /* Reads a model without making a session and lists every problem it finds, not the first alone: node, operator and
   * domain, what was expected, what was found. A model with problems is a success with *problems > 0; a failed status
   * means that the check itself could not be done. */
  OrtStatusPtr(ORT_API_CALL *Check)(const OrtEnv *env, const ORTCHAR_T *path, int json, OrtAllocator *allocator, char **out,
                                    size_t *problems);
  /* The same for a model in memory; external data has no folder and is a problem. */
  OrtStatusPtr(ORT_API_CALL *CheckArray)(const OrtEnv *env, const void *data, size_t size, int json,
                                         OrtAllocator *allocator, char **out, size_t *problems);
  /* Bytes by use: mapped, weights, packed, plans, slabs, scratch; of one session, or (NULL) of the process. */
  OrtStatusPtr(ORT_API_CALL *Memory)(const OrtSession *session, int json, OrtAllocator *allocator, char **out);
  /* Gives back what no run needs at the moment: slabs, plans and scratch of one session, or (NULL) of all. */
  OrtStatusPtr(ORT_API_CALL *Trim)(OrtSession *session);
  /* Allocations that the library has made so far in this process, ever growing. Two readings around a run count that run.
   */
  uint64_t(ORT_API_CALL *Allocations)(void);
} SardonyxExtension;

/* NULL for a version that is not known. */
ORT_EXPORT const SardonyxExtension *ORT_API_CALL SardonyxGetExtension(uint32_t version);
typedef const SardonyxExtension *(ORT_API_CALL *SardonyxGetExtensionFn)(uint32_t version);

#ifdef __cplusplus
}
#endif
#endif
