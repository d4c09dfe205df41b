// SPDX-License-Identifier: MIT
/* Models compiled ahead of time, without a provider that compiles: what is written, where, and what is refused. */
#include "abi.h"
#include "models.h"

static OrtEnv *env;
static OrtAllocator *a;
static const OrtCompileApi *c;
#define C(code, call)    check_code((code), c->ModelCompilationOptions_##call, __LINE__, #call)
#define COMPILE(code, o) check_code((code), c->CompileModel(env, o), __LINE__, "CompileModel")

static size_t written;
static OrtStatus *ORT_API_CALL count_bytes(void *state, const void *buffer, size_t n) {
  (void)buffer;
  *(size_t *)state += n;
  return NULL;
}
static OrtStatus *ORT_API_CALL refuse_bytes(void *state, const void *buffer, size_t n) {
  (void)state, (void)buffer, (void)n;
  return api->CreateStatus(ORT_FAIL, "no room");
}
/* Where memory is refused (tests/oom), a compilation is tried again and asks from the first one on. */
static int asked, attempts, failing;
static OrtStatus *ORT_API_CALL inside(void *state, const char *name, const OrtValue *v,
                                      const OrtExternalInitializerInfo *now, OrtExternalInitializerInfo **out) {
  (void)state;
  CHECK(v != NULL && now == NULL && (!strcmp(name, "w") || !strcmp(name, "c")));
  if (!strcmp(name, "w")) asked = 0, attempts++;
  asked++;
  *out = NULL;
  return NULL;
}

static OrtModelCompilationOptions *options(void) {
  OrtSessionOptions *so = NULL;
  OrtModelCompilationOptions *o = NULL;
  OK(CreateSessionOptions(&so));
  check_code(ORT_OK, c->CreateModelCompilationOptionsFromSessionOptions(env, so, &o), __LINE__, "options");
  api->ReleaseSessionOptions(so);
  return o;
}

static void loads(const void *data, size_t n) {
  OrtSession *s = NULL;
  size_t count = 0;
  OK(CreateSessionFromArray(env, data, n, NULL, &s));
  OK(SessionGetOutputCount(s, &count));
  CHECK(count == 2);
  api->ReleaseSession(s);
}

static int there(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f) fclose(f);
  return f != NULL;
}

static void to_memory(void) {
  OrtModelCompilationOptions *o = options();
  void *data = NULL;
  size_t n = 0;
  COMPILE(ORT_INVALID_ARGUMENT, o); /* no input */
  C(ORT_INVALID_ARGUMENT, SetInputModelPath(o, ORT_TSTR("")));
  C(ORT_OK, SetInputModelPath(o, ORT_TSTR("/no/such/model.onnx")));
  COMPILE(ORT_INVALID_ARGUMENT, o);
  C(ORT_INVALID_ARGUMENT, SetInputModelFromBuffer(o, NULL, 5));
  C(ORT_INVALID_ARGUMENT, SetInputModelFromBuffer(o, "x", 0));
  C(ORT_OK, SetInputModelFromBuffer(o, model_add, sizeof model_add));
  COMPILE(ORT_FAIL, o); /* no output */
  C(ORT_INVALID_ARGUMENT, SetOutputModelPath(o, ORT_TSTR("")));
  C(ORT_INVALID_ARGUMENT, SetOutputModelBuffer(o, a, NULL, &n));
  C(ORT_INVALID_ARGUMENT, SetOutputModelBuffer(o, a, &data, NULL));
  C(ORT_INVALID_ARGUMENT, SetOutputModelBuffer(o, NULL, &data, &n));
  C(ORT_INVALID_ARGUMENT, SetGraphOptimizationLevel(o, (GraphOptimizationLevel)7));
  C(ORT_OK, SetGraphOptimizationLevel(o, ORT_ENABLE_BASIC));
  C(ORT_OK, SetOutputModelBuffer(o, a, &data, &n));
  for (int again = 0; again < 2; again++) {
    data = NULL;
    COMPILE(ORT_OK, o);
    CHECK(data != NULL && n > 50);
    if (data) loads(data, n), a->Free(a, data);
  }
  C(ORT_OK, SetFlags(o, OrtCompileApiFlags_ERROR_IF_NO_NODES_COMPILED));
  data = NULL;
  COMPILE(ORT_FAIL, o);
  CHECK(data == NULL);
  C(ORT_OK, SetFlags(o, 0));
  C(ORT_INVALID_ARGUMENT, SetOutputModelWriteFunc(o, NULL, NULL));
  C(ORT_OK, SetOutputModelWriteFunc(o, count_bytes, &written));
  COMPILE(ORT_OK, o);
  CHECK(written > 50);
  C(ORT_OK, SetOutputModelWriteFunc(o, refuse_bytes, NULL));
  COMPILE(ORT_FAIL, o);
  C(ORT_OK, SetOutputModelBuffer(o, a, &data, &n));
  void *weights = NULL;
  size_t n_weights = 0;
  C(ORT_INVALID_ARGUMENT, SetOutputModelExternalInitializersAlignment(o, 3, 0));
  C(ORT_OK, SetOutputModelExternalInitializersAlignment(o, 64, 16));
  C(ORT_INVALID_ARGUMENT, SetOutputModelExternalInitializersBuffer(o, ORT_TSTR("w.bin"), 0, NULL, &weights, &n_weights));
  C(ORT_INVALID_ARGUMENT, SetOutputModelExternalInitializersBuffer(o, ORT_TSTR("/w.bin"), 0, a, &weights, &n_weights));
  C(ORT_INVALID_ARGUMENT, SetOutputModelExternalInitializersBuffer(o, ORT_TSTR(""), 0, a, &weights, &n_weights));
  C(ORT_OK, SetOutputModelExternalInitializersBuffer(o, ORT_TSTR("w.bin"), 0, a, &weights, &n_weights));
  COMPILE(ORT_OK, o);
  CHECK(weights != NULL && n_weights == 16); /* two vectors of two floats, too small to be aligned */
  if (weights) a->Free(a, weights);
  if (data) a->Free(a, data);
  weights = data = NULL, n_weights = 1;
  C(ORT_OK, SetOutputModelWriteFunc(o, refuse_bytes, NULL));
  COMPILE(ORT_FAIL, o);
  CHECK(weights == NULL && n_weights == 1); /* both results, or neither */
  C(ORT_OK, SetOutputModelBuffer(o, a, &data, &n));
  C(ORT_OK, SetOutputModelExternalInitializersBuffer(o, ORT_TSTR("w.bin"), 1 << 20, a, &weights, &n_weights));
  COMPILE(ORT_OK, o);
  CHECK(data != NULL && weights == NULL && n_weights == 0); /* all weights are smaller */
  if (data) loads(data, n), a->Free(a, data);
  C(ORT_INVALID_ARGUMENT, SetOutputModelGetInitializerLocationFunc(o, NULL, NULL));
  C(ORT_OK, SetOutputModelGetInitializerLocationFunc(o, inside, NULL));
  data = NULL;
  COMPILE(ORT_OK, o);
  CHECK(asked == 2 && (attempts == 1 || failing) && data != NULL);
  if (data) loads(data, n), a->Free(a, data);
  C(ORT_OK, SetInputModelFromBuffer(o, "garbage", 7));
  COMPILE(ORT_INVALID_PROTOBUF, o);
  c->ReleaseModelCompilationOptions(o);
}

static void to_files(void) {
  const char *file = "abi_compile_test.onnx", *made = "abi_compile_test_ctx.onnx", *weights = "abi_compile_test.bin";
  OrtModelCompilationOptions *o = options();
  FILE *f = fopen(file, "wb");
  CHECK(f && fwrite(model_add, 1, sizeof model_add, f) == sizeof model_add);
  if (f) fclose(f);
  C(ORT_OK, SetInputModelPath(o, ORT_TSTR("abi_compile_test.onnx")));
  COMPILE(ORT_OK, o);
  CHECK(there(made)); /* beside the model, under a name of its own */
  COMPILE(ORT_OK, o);
  C(ORT_OK, SetOutputModelPath(o, ORT_TSTR("abi_compile_test_ctx.onnx")));
  C(ORT_OK, SetFlags(o, OrtCompileApiFlags_ERROR_IF_OUTPUT_FILE_EXISTS));
  COMPILE(ORT_FAIL, o);
  C(ORT_OK, SetFlags(o, 0));
  C(ORT_INVALID_ARGUMENT, SetOutputModelExternalInitializersFile(o, ORT_TSTR(""), 0));
  C(ORT_OK, SetOutputModelExternalInitializersFile(o, ORT_TSTR("abi_compile_test.bin"), 0));
  COMPILE(ORT_OK, o);
  CHECK(there(weights));
  OrtSession *s = NULL;
  OK(CreateSession(env, ORT_TSTR("abi_compile_test_ctx.onnx"), NULL, &s));
  api->ReleaseSession(s);
  C(ORT_OK, SetEpContextEmbedMode(o, true));
  C(ORT_OK, SetEpContextBinaryInformation(o, ORT_TSTR("./"), ORT_TSTR("m")));
  C(ORT_INVALID_ARGUMENT, SetEpContextBinaryInformation(o, ORT_TSTR(""), ORT_TSTR("m")));
  C(ORT_INVALID_ARGUMENT, SetEpContextBinaryInformation(o, ORT_TSTR("x"), ORT_TSTR("")));
  C(ORT_INVALID_ARGUMENT, SetEpContextBinaryInformation(o, ORT_TSTR("x"), ORT_TSTR("m"))); /* no directory */
  C(ORT_OK, SetWeightlessEnabled(o, true));
  C(ORT_OK, SetEpContextDataWriteFunc(o, NULL, NULL));
  C(ORT_INVALID_ARGUMENT, SetInputModel(o, NULL));
  OrtModel *m = NULL;
  const char *domain = "";
  int opset = 17;
  check_code(ORT_OK, api->GetModelEditorApi()->CreateModel(&domain, &opset, 1, &m), __LINE__, "CreateModel");
  C(ORT_OK, SetInputModel(o, m));
  COMPILE(ORT_INVALID_ARGUMENT, o); /* no graph */
  api->ReleaseModel(m);
  c->ReleaseModelCompilationOptions(o);
  c->ReleaseModelCompilationOptions(NULL);
  check_code(ORT_INVALID_ARGUMENT, c->CreateModelCompilationOptionsFromSessionOptions(env, NULL, &o), __LINE__,
             "no options");
  remove(file), remove(made), remove(weights);
}

/* What a provider left in a model. */
static void compatibility(void) {
  char *text = (char *)1;
  OK(GetCompatibilityInfoFromModelBytes(model_invoke, sizeof model_invoke, "SomeProvider", a, &text));
  CHECK(text && !strcmp(text, "version 7"));
  if (text) a->Free(a, text);
  text = (char *)1;
  OK(GetCompatibilityInfoFromModelBytes(model_invoke, sizeof model_invoke, "Other", a, &text));
  CHECK(text == NULL);
  CODE(ORT_INVALID_GRAPH, GetCompatibilityInfoFromModelBytes("garbage", 7, "Other", a, &text));
  CODE(ORT_INVALID_ARGUMENT, GetCompatibilityInfoFromModelBytes(model_invoke, 0, "Other", a, &text));
  CODE(ORT_INVALID_ARGUMENT, GetCompatibilityInfoFromModelBytes(model_invoke, sizeof model_invoke, "", a, &text));
  CODE(ORT_NO_SUCHFILE, GetCompatibilityInfoFromModel(ORT_TSTR("/no/such/model.onnx"), "Other", a, &text));
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  failing = strstr(argv[1], "failing") != NULL;
  c = api->GetCompileApi();
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "compile", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  to_memory();
  to_files();
  compatibility();
  api->ReleaseEnv(env);
  return abi_end("compile");
}
