// SPDX-License-Identifier: MIT
/* A library that stands in front of another (SHIM_LIBRARY) and dies in CreateSession for models under a folder whose name
 * starts with "crash", and never returns for "hang": what `sardonyx test` must survive. */
#include "onnxruntime_c_api.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static OrtApi api;
static const OrtApi *inner;

static OrtStatusPtr ORT_API_CALL create_session(const OrtEnv *env, const ORTCHAR_T *path, const OrtSessionOptions *options,
                                                OrtSession **out) {
  if (strstr(path, "/crash")) abort();
  while (strstr(path, "/hang")) pause();
  return inner->CreateSession(env, path, options, out);
}

static const OrtApiBase *base;
static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
  if (!(inner = base->GetApi(version))) return NULL;
  api = *inner;
  api.CreateSession = create_session;
  return &api;
}

static const char *ORT_API_CALL version_string(void) { return base->GetVersionString(); }

ORT_EXPORT const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) {
  static const OrtApiBase shim = {get_api, version_string};
  void *library = dlopen(getenv("SHIM_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
  const OrtApiBase *(ORT_API_CALL * get)(void) = library ? dlsym(library, "OrtGetApiBase") : NULL;
  base = get ? get() : NULL;
  return base ? &shim : NULL;
}
