// SPDX-License-Identifier: MIT
/* What the proxy exports: the library that SX_TRACED names, with our functions in front of its tables. */
static const OrtApiBase *real_base;
static void *real_library;

static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
  const OrtApi *a = real_base->GetApi(version);
  begin("GetApi"), put_number(version), line_end_of_arguments(), begin_results(), put_word(a ? "made" : "nothing"), end();
  return a ? &my_api : NULL;
}
static const char *ORT_API_CALL get_version(void) { return real_base->GetVersionString(); }

static void load(void) {
  const char *path = getenv("SX_TRACED"), *to = getenv("SX_TRACE");
  real_library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  void *f = real_library ? dlsym(real_library, "OrtGetApiBase") : NULL;
  if (!f) {
    fprintf(stderr, "proxy: SX_TRACED names no library: %s\n", real_library ? path : dlerror());
    abort();
  }
  const OrtApiBase *(ORT_API_CALL * get)(void);
  memcpy(&get, &f, sizeof get);
  real_base = get();
  real_api = real_base->GetApi(ORT_API_VERSION);
  if (!real_api) fprintf(stderr, "proxy: %s has no API version %d\n", path, ORT_API_VERSION), abort();
  real_editor = real_api->GetModelEditorApi();
  real_compile = real_api->GetCompileApi();
  fill_tables();
  trace_file = to ? fopen(to, "w") : NULL;
}

ORT_EXPORT const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) {
  static const OrtApiBase base = {get_api, get_version};
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return &base;
}

ORT_EXPORT OrtStatus *ORT_API_CALL OrtSessionOptionsAppendExecutionProvider_CPU(OrtSessionOptions *options, int use_arena) {
  OrtGetApiBase();
  OrtStatus *(ORT_API_CALL * f)(OrtSessionOptions *, int);
  void *p = dlsym(real_library, "OrtSessionOptionsAppendExecutionProvider_CPU");
  memcpy(&f, &p, sizeof f);
  return f(options, use_arena);
}
