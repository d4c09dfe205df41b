// SPDX-License-Identifier: MIT
/* Models that the test device compiled (EPContext), written in every way and read again, and weights that its kernels
 * packed. */
#include "device_session.h"

static void contexts(void) {
  const OrtCompileApi *c = api->GetCompileApi();
  OrtModelCompilationOptions *m = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){"mode=compile"});
  OrtSession *cpu = OPEN(dense, NULL), *s = NULL;
  void *data = NULL;
  size_t size = 0;
  int64_t written = count->contexts_written, read = count->contexts_read;
  char *info = NULL;
  OK(AddSessionConfigEntry(o, "ep.context_enable", "1"));
#define C(call) check_code(ORT_OK, c->call, __LINE__, #call)
  C(CreateModelCompilationOptionsFromSessionOptions(env, o, &m));
  C(ModelCompilationOptions_SetInputModelFromBuffer(m, model_device_dense, sizeof model_device_dense));
  C(ModelCompilationOptions_SetOutputModelBuffer(m, allocator, &data, &size));
  C(ModelCompilationOptions_SetEpContextEmbedMode(m, true));
  C(CompileModel(env, m));
#undef C
  c->ReleaseModelCompilationOptions(m);
  api->ReleaseSessionOptions(o);
  CHECK(data && count->contexts_written == written + 1);
  OK(GetCompatibilityInfoFromModelBytes(data, size, "DeviceOne", allocator, &info));
  CHECK(info && !strcmp(info, "made by device 1"));
  if (info) allocator->Free(allocator, info);
  o = options_of((const char *const[DEVICES]){"mode=compile"});
  OK(AddSessionConfigEntry(o, "session.disable_model_compile", "1")); /* what is compiled already is no compiling */
  OK(CreateSessionFromArray(env, data, size, o, &s));
  CHECK(s && count->contexts_read == read + 1 && compare(cpu, s, 1));
  api->ReleaseSession(s);
  CODE(ORT_MODEL_REQUIRES_COMPILATION, CreateSessionFromArray(env, model_device_dense, sizeof model_device_dense, o, &s));
  api->ReleaseSessionOptions(o);
  api->ReleaseSession(cpu);
  allocator->Free(allocator, data);
}

/* The same into a file by a session's options, and piece by piece to a function. */
typedef struct Bytes {
  char at[1 << 16];
  size_t n;
} Bytes;
static OrtStatus *ORT_API_CALL take_bytes(void *state, const void *data, size_t n) {
  Bytes *b = state;
  if (b->n + n > sizeof b->at) return api->CreateStatus(ORT_FAIL, "no room");
  memcpy(b->at + b->n, data, n);
  b->n += n;
  return NULL;
}
static void contexts_elsewhere(void) {
  const OrtCompileApi *c = api->GetCompileApi();
  static const char *const file = "abi_device_context.onnx";
  static Bytes bytes;
  OrtModelCompilationOptions *m = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){"mode=compile"}),
                    *read = options_of((const char *const[DEVICES]){"mode=compile"});
  OrtSession *cpu = OPEN(mixed, NULL), *s = NULL;
  int64_t before = count->contexts_read;
#define C(call) check_code(ORT_OK, c->call, __LINE__, #call)
  C(CreateModelCompilationOptionsFromSessionOptions(env, o, &m));
  C(ModelCompilationOptions_SetInputModelFromBuffer(m, model_device_mixed, sizeof model_device_mixed));
  C(ModelCompilationOptions_SetOutputModelWriteFunc(m, take_bytes, &bytes));
  C(ModelCompilationOptions_SetEpContextEmbedMode(m, true));
  C(CompileModel(env, m));
#undef C
  c->ReleaseModelCompilationOptions(m);
  OK(CreateSessionFromArray(env, bytes.at, bytes.n, read, &s));
  CHECK(count->contexts_read == before + 3 && compare(cpu, s, 1));
  api->ReleaseSession(s), s = NULL;
  remove(file);
  OK(AddSessionConfigEntry(o, "ep.context_enable", "1"));
  OK(AddSessionConfigEntry(o, "ep.context_file_path", file));
  OK(CreateSessionFromArray(env, model_device_mixed, sizeof model_device_mixed, o, &s)); /* it runs, too */
  CHECK(compare(cpu, s, 2));
  api->ReleaseSession(s), s = NULL;
  OK(CreateSession(env, ORT_TSTR_ON_MACRO("abi_device_context.onnx"), read, &s));
  CHECK(count->contexts_read == before + 6 && compare(cpu, s, 3));
  api->ReleaseSession(s), s = NULL;
  remove(file);
  api->ReleaseSession(cpu);
  api->ReleaseSessionOptions(o);
  api->ReleaseSessionOptions(read);
}

/* Without weights only if the provider says that it can; nobody asks one that does not compile. */
static void without_weights(void) {
  static const struct {
    const char *options;
    OrtErrorCode code;
  } cases[] = {{"mode=compile", ORT_EP_FAIL},
               {"mode=compile;fail=weightless", ORT_NOT_IMPLEMENTED},
               {"mode=compile;weightless=1", ORT_OK},
               {"mode=compile;weightless=2", ORT_OK},
               {"", ORT_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of((const char *const[DEVICES]){cases[i].options});
    OrtSession *s = NULL, *cpu = OPEN(dense, NULL);
    OK(AddSessionConfigEntry(o, "ep.enable_weightless", "1"));
    CODE(cases[i].code, CreateSessionFromArray(env, model_device_dense, sizeof model_device_dense, o, &s));
    CHECK(!s || compare(cpu, s, 1)); /* without a model being written */
    api->ReleaseSession(s);
    api->ReleaseSession(cpu);
    api->ReleaseSessionOptions(o);
  }
}

/* Compiles `dense` with these options into *data. */
static void compile_dense(OrtSessionOptions *o, void **data, size_t *size, OrtErrorCode code,
                          OrtWriteNamedBufferFunc write, void *state) {
  const OrtCompileApi *c = api->GetCompileApi();
  OrtModelCompilationOptions *m = NULL;
#define C(expected, call) check_code(expected, c->call, __LINE__, #call)
  C(ORT_OK, CreateModelCompilationOptionsFromSessionOptions(env, o, &m));
  C(ORT_OK, ModelCompilationOptions_SetInputModelFromBuffer(m, model_device_dense, sizeof model_device_dense));
  C(ORT_OK, ModelCompilationOptions_SetOutputModelBuffer(m, allocator, data, size));
  if (write) C(ORT_OK, ModelCompilationOptions_SetEpContextDataWriteFunc(m, write, state));
  C(code, CompileModel(env, m));
#undef C
  c->ReleaseModelCompilationOptions(m);
}
static int has_bytes(const void *in, size_t n, const void *what, size_t size) {
  for (size_t i = 0; i + size <= n; i++)
    if (!memcmp((const char *)in + i, what, size)) return 1;
  return 0;
}

/* A compiled model without its weights: they are inputs of the compiled node, which the session gives it; or the provider finds
 * them in the source model, which whoever opens the compiled one has to show. */
static void read_without_weights(void) {
  static const float weights[] = {1, -2, 3, -4, 5, -6, 7, -8};
  OrtSession *cpu = OPEN(dense, NULL);
  size_t sizes[3] = {0};
  for (int mode = 0; mode < 3; mode++) {
    static const char *const how[] = {"mode=compile", "mode=compile;weightless=1", "mode=compile;weightless=2"};
    OrtSessionOptions *o = options_of((const char *const[DEVICES]){how[mode]}),
                      *bare = options_of((const char *const[DEVICES]){"mode=compile"});
    OrtSession *s = NULL;
    void *data = NULL;
    int64_t read = count->contexts_read;
    if (mode) OK(AddSessionConfigEntry(o, "ep.enable_weightless", "1"));
    OK(SessionOptionsSetWeightlessSourceModelBuffer(o, model_device_dense, sizeof model_device_dense));
    compile_dense(o, &data, &sizes[mode], ORT_OK, NULL, NULL);
    CHECK(has_bytes(data, sizes[mode], weights, sizeof weights) == (mode < 2)); /* 1: as the model's initializer */
    CODE(mode == 2 ? ORT_EP_FAIL : ORT_OK, CreateSessionFromArray(env, data, sizes[mode], bare, &s));
    CHECK(mode == 2 ? !s : s && compare(cpu, s, 2));
    api->ReleaseSession(s);
    s = NULL;
    OK(SessionOptionsSetWeightlessSourceModelBuffer(bare, model_device_dense, sizeof model_device_dense));
    OK(CreateSessionFromArray(env, data, sizes[mode], bare, &s));
    CHECK(s && compare(cpu, s, 3) && count->contexts_read == read + (mode == 2 ? 1 : 2));
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
    api->ReleaseSessionOptions(bare);
    allocator->Free(allocator, data);
  }
  api->ReleaseSession(cpu);
}

/* ---- data that lie apart, under a name ---- */
typedef struct Named {
  char name[100], *data;
  size_t size;
} Named;
static OrtStatus *ORT_API_CALL write_named(void *state, const char *name, const void *data, size_t size) {
  Named *n = state;
  snprintf(n->name, sizeof n->name, "%s", name);
  n->data = realloc(n->data, size), n->size = size;
  memcpy(n->data, data, size);
  return NULL;
}
static OrtStatus *ORT_API_CALL read_named(void *state, const char *name, OrtAllocator *a, void **data, size_t *size) {
  const Named *n = state;
  if (!n->data || strcmp(name, n->name) != 0) return api->CreateStatus(ORT_NO_SUCHFILE, "no such data");
  *data = a->Alloc(a, n->size), *size = n->size;
  memcpy(*data, n->data, n->size);
  return NULL;
}

/* Functions for named data are refused where the provider would not call them, before it compiles. */
static void named_data(void) {
  static const struct {
    const char *options;
    OrtErrorCode write, read;
  } cases[] = {{"mode=compile;data=3", ORT_OK, ORT_OK},
               {"mode=compile;data=2", ORT_OK, ORT_FAIL},
               {"mode=compile;data=1", ORT_FAIL, ORT_OK},
               {"mode=compile;data=4", ORT_FAIL, ORT_FAIL},
               {"mode=compile;data=3;fail=data", ORT_EP_FAIL, ORT_EP_FAIL},
               {"mode=compile;data=3;fail=data31", ORT_FAIL, ORT_FAIL}};
  OrtSession *cpu = OPEN(dense, NULL);
  Named named = {{0}, NULL, 0};
  void *apart = NULL;
  size_t size = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of((const char *const[DEVICES]){cases[i].options});
    OrtSession *s = NULL;
    void *data = NULL;
    size_t n = 0;
    compile_dense(o, &data, &n, cases[i].write, write_named, &named);
    CHECK((data != NULL) == (cases[i].write == ORT_OK));
    if (!apart)
      apart = data, size = n;
    else if (data)
      allocator->Free(allocator, data);
    CODE(cases[i].read == ORT_OK ? ORT_EP_FAIL : ORT_OK,
         CreateSessionFromArray(env, cases[i].read == ORT_OK ? apart : (const void *)model_device_dense,
                                cases[i].read == ORT_OK ? size : sizeof model_device_dense, o, &s)); /* no function: nobody asks */
    api->ReleaseSession(s);
    s = NULL;
    OK(SessionOptionsSetEpContextDataReadFunc(o, read_named, &named));
    CODE(cases[i].read, CreateSessionFromArray(env, apart, size, o, &s));
    CHECK(cases[i].read == ORT_OK ? compare(cpu, s, 1) : !s);
    api->ReleaseSession(s);
    s = NULL;
    OK(CreateSessionFromArray(env, model_device_dense, sizeof model_device_dense, o, &s)); /* nothing is apart in it */
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
  }
  allocator->Free(allocator, apart);
  free(named.data);
  api->ReleaseSession(cpu);
}

/* What kernels pack of equal weights is kept once. */
static void packed_weights(void) {
  OrtPrepackedWeightsContainer *c = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){""});
  OrtSession *s[2] = {NULL, NULL}, *cpu = OPEN(dense, NULL);
  int64_t at[2] = {0, 1}, shared = count->shared;
  OK(CreatePrepackedWeightsContainer(&c));
  for (int i = 0; i < 2; i++) {
    OK(CreateSessionFromArrayWithPrepackedWeightsContainer(env, model_device_dense, sizeof model_device_dense, o, c,
                                                           &s[i]));
    at[i] = count->shared_at;
    CHECK(s[i] && compare(cpu, s[i], i));
  }
  CHECK(at[0] == at[1] && count->shared == shared + 2);
  for (int i = 0; i < 2; i++) api->ReleaseSession(s[i]);
  api->ReleasePrepackedWeightsContainer(c);
  api->ReleaseSessionOptions(o);
  api->ReleaseSession(cpu);
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  contexts();
  contexts_elsewhere();
  without_weights();
  read_without_weights();
  named_data();
  packed_weights();
  return close_device("device_context");
}
