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

static const OrtApiBase *abi_base(const char *path) {
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

static int abi_load(int argc, char **argv) {
  if (argc < 2) {
    printf("usage: %s LIBRARY\n", argv[0]);
    return 0;
  }
  base = abi_base(argv[1]);
  api = base ? base->GetApi(ORT_API_VERSION) : NULL;
  if (!api) printf("%s: no library with API version %d\n", argv[1], ORT_API_VERSION);
  return api != NULL;
}

static int abi_end(const char *name) {
  printf("%s: %d checks, %d failed\n", name, checks, failures);
  return failures != 0;
}
#endif
