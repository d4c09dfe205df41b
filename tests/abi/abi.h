// SPDX-License-Identifier: MIT
/* What the ABI tests share: they are strangers' programs, which know the public header and a library's path, so each of them
 * runs over any library with this interface and must pass on ONNX Runtime's own as well. */
#ifndef ABI_TEST_H
#define ABI_TEST_H
#include <stdio.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include "onnxruntime_c_api.h"

static const OrtApiBase *base;
static const OrtApi *api;
static _Atomic int failures, checks; /* of any thread */

#define CHECK(cond)                                                       \
  do {                                                                    \
    checks++;                                                             \
    if (!(cond)) {                                                        \
      failures++;                                                         \
      printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);         \
    }                                                                     \
  } while (0)

/* The call gives this code. */
static inline void check_code(OrtErrorCode code, OrtStatus *s, int line, const char *text);
#define CODE(code, call) check_code((code), api->call, __LINE__, #call)
#define OK(call) CODE(ORT_OK, call)
static inline void check_code(OrtErrorCode code, OrtStatus *s, int line, const char *text) {
  OrtErrorCode got = s ? api->GetErrorCode(s) : ORT_OK;
  checks++;
  if (got != code) {
    failures++;
    printf("line %d: %s: code %d, expected %d%s%s\n", line, text, (int)got, (int)code, s ? ": " : "",
           s ? api->GetErrorMessage(s) : "");
  }
  if (s) {
    if (!api->GetErrorMessage(s)[0]) {
      failures++;
      printf("line %d: %s: a status without a message\n", line, text);
    }
    api->ReleaseStatus(s);
  }
}

static inline const OrtApiBase *abi_base(const char *path) {
#ifdef _WIN32
  HMODULE h = LoadLibraryA(path);
  void *f = h ? (void *)GetProcAddress(h, "OrtGetApiBase") : NULL;
#else
  void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "OrtGetApiBase") : NULL;
#endif
  if (!f) return NULL;
  const OrtApiBase *(ORT_API_CALL * get)(void);
  memcpy(&get, &f, sizeof get);
  return get();
}

static inline int abi_load(int argc, char **argv) {
  if (argc < 2) {
    printf("usage: %s LIBRARY\n", argv[0]);
    return 0;
  }
  base = abi_base(argv[1]);
  api = base ? base->GetApi(ORT_API_VERSION) : NULL;
  if (!api) printf("%s: no library with API version %d\n", argv[1], ORT_API_VERSION);
  return api != NULL;
}

/* How many nodes the providers got whose names begin so; the session records it. */
static inline size_t abi_nodes_of(OrtSession *s, const char *provider) {
  const OrtEpAssignedSubgraph *const *groups = NULL;
  size_t n = 0, total = 0;
  OK(Session_GetEpGraphAssignmentInfo(s, &groups, &n));
  for (size_t i = 0; i < n; i++) {
    const OrtEpAssignedNode *const *nodes = NULL;
    const char *name = NULL;
    size_t count = 0;
    OK(EpAssignedSubgraph_GetEpName(groups[i], &name));
    OK(EpAssignedSubgraph_GetNodes(groups[i], &nodes, &count));
    if (!strncmp(name, provider, strlen(provider))) total += count;
  }
  return total;
}

/* A tensor for input i of a session, to be filled; open sizes are `open`. Texts are filled already. */
static inline OrtStatus *abi_input(OrtSession *s, size_t i, int64_t open, OrtAllocator *a, OrtValue **value,
                                   ONNXTensorElementDataType *element, size_t *count) {
  OrtTypeInfo *type = NULL;
  const OrtTensorTypeAndShapeInfo *tensor = NULL;
  int64_t dims[8];
  size_t rank = 0;
  OrtStatus *failed = api->SessionGetInputTypeInfo(s, i, &type);
  if (!failed) failed = api->CastTypeInfoToTensorInfo(type, &tensor);
  if (!failed) failed = api->GetTensorElementType(tensor, element);
  if (!failed) failed = api->GetDimensionsCount(tensor, &rank);
  if (!failed) failed = api->GetDimensions(tensor, dims, rank);
  *count = 1;
  for (size_t d = 0; d < rank && !failed; d++) *count *= (size_t)(dims[d] = dims[d] < 0 ? open : dims[d]);
  api->ReleaseTypeInfo(type);
  if (!failed) failed = api->CreateTensorAsOrtValue(a, dims, rank, *element, value);
  for (size_t k = 0; !failed && k < *count && *element == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING; k++)
    failed = api->FillStringTensorElement(*value, k % 2 ? "two" : "one", k);
  return failed;
}

static int abi_end(const char *name) {
  printf("%s: %d checks, %d failed\n", name, checks, failures);
  return failures != 0;
}
#endif
