// SPDX-License-Identifier: MIT
/* Opening a library at run time: the program is bound to none, so any that answers OrtGetApiBase will do. */
#include "library.h"
#include "codes.h"
#include "os.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

char *library_error(library *lib, OrtStatus *status) {
  if (!status) return NULL;
  char *text = cli_text("%s: %s", code_name((int)lib->api->GetErrorCode(status)), lib->api->GetErrorMessage(status));
  lib->api->ReleaseStatus(status);
  return text;
}

bool library_ok(library *lib, OrtStatus *status) {
  char *text = library_error(lib, status);
  if (!text) return true;
  cli_fail(CLI_BROKEN, "%s", text);
  free(text);
  return false;
}

static void *open_default(char **path) {
  char *folder = os_program_folder();
  const char *const forms[] = {"%s/" OS_LIBRARY_NAME("sardonyx", ""), "%s/../lib/" OS_LIBRARY_NAME("sardonyx", ""),
                               OS_LIBRARY_NAME("sardonyx", ".1")};
  void *handle = NULL;
  const char *why = NULL;
  for (int i = 0; i < 3 && !handle; i++) {
    if (i < 2 && !folder) continue;
    free(*path);
    size_t size = strlen(forms[i]) + (folder ? strlen(folder) : 0);
    *path = cli_alloc(size);
    snprintf(*path, size, i < 2 ? forms[i] : "%s", i < 2 ? folder : forms[i]);
    if (i == 2 || os_is_file(*path)) handle = os_library_open(*path, &why);
    if (!handle && i < 2 && os_is_file(*path)) break;
  }
  free(folder);
  if (!handle) cli_fail(CLI_BROKEN, "cannot open the library: %s; --library FILE names one", why ? why : "not found");
  return handle;
}

library *library_open(const char *path) {
  library *lib = cli_alloc(sizeof *lib);
  const char *why = NULL;
  if (!path) path = getenv("SARDONYX_LIBRARY");
  if (path && *path) {
    lib->path = cli_copy(path, strlen(path));
    lib->handle = os_library_open(path, &why);
    if (!lib->handle) cli_fail(CLI_BROKEN, "cannot open the library: %s", why ? why : path);
  } else {
    lib->handle = open_default(&lib->path);
  }
  if (!lib->handle) return library_close(lib), NULL;
  const OrtApiBase *(ORT_API_CALL * get)(void) = os_library_symbol(lib->handle, "OrtGetApiBase");
  lib->base = get ? get() : NULL;
  lib->api = lib->base ? lib->base->GetApi(LIBRARY_API_VERSION) : NULL;
  if (!lib->api) {
    cli_fail(CLI_BROKEN, "%s: %s", lib->path,
             lib->base ? "its API is older than version 17" : "not a library with ONNX Runtime's C ABI");
    return library_close(lib), NULL;
  }
  const OrtApi *api = lib->api;
  if (library_ok(lib, api->CreateEnv(session_log_level(), "sardonyx", &lib->env)) &&
      library_ok(lib, api->DisableTelemetryEvents(lib->env)) &&
      library_ok(lib, api->GetAllocatorWithDefaultOptions(&lib->allocator)) &&
      library_ok(lib, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &lib->host))) {
    term_detail("library %s, version %s", lib->path, lib->base->GetVersionString());
    return lib;
  }
  library_close(lib);
  return NULL;
}

void library_close(library *lib) {
  if (!lib) return;
  if (lib->host) lib->api->ReleaseMemoryInfo(lib->host);
  if (lib->env) lib->api->ReleaseEnv(lib->env);
  free(lib->path), free(lib); /* the code stays mapped: its threads may still be on their way out */
}

const SardonyxExtension *library_extension(library *lib) {
  SardonyxGetExtensionFn get = os_library_symbol(lib->handle, "SardonyxGetExtension");
  return get ? get(1) : NULL; /* the least that is called; its `version` says what it has */
}

const SardonyxExtension *library_extension_or_fail(library *lib, const char *what) {
  const SardonyxExtension *x = library_extension(lib);
  if (!x)
    cli_fail(CLI_NO_EXTENSION, "'%s' needs Sardonyx's own library; %s (version %s) lacks its extension table", what,
             lib->path, lib->base->GetVersionString());
  return x;
}
