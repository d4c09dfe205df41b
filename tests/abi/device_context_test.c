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
  api->ReleaseSession(s);
  remove(file);
  OK(AddSessionConfigEntry(o, "ep.context_enable", "1"));
  OK(AddSessionConfigEntry(o, "ep.context_file_path", file));
  OK(CreateSessionFromArray(env, model_device_mixed, sizeof model_device_mixed, o, &s)); /* it runs, too */
  CHECK(compare(cpu, s, 2));
  api->ReleaseSession(s);
  OK(CreateSession(env, ORT_TSTR_ON_MACRO("abi_device_context.onnx"), read, &s));
  CHECK(count->contexts_read == before + 6 && compare(cpu, s, 3));
  api->ReleaseSession(s);
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
               {"mode=compile;weightless=1", ORT_OK},
               {"mode=compile;weightless=2", ORT_OK},
               {"", ORT_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of((const char *const[DEVICES]){cases[i].options});
    OrtSession *s = NULL;
    OK(AddSessionConfigEntry(o, "ep.enable_weightless", "1"));
    CODE(cases[i].code, CreateSessionFromArray(env, model_device_dense, sizeof model_device_dense, o, &s));
    api->ReleaseSession(s);
    api->ReleaseSessionOptions(o);
  }
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
  packed_weights();
  return close_device("device_context");
}
