// SPDX-License-Identifier: MIT
/* Models and inputs that are wrong: the code is ONNX Runtime's (bad_models.h was written beside it), and our message names
 * the node, the operator, what was expected and what was found. Nothing may crash or leave a session behind. */
#include <stdlib.h>
#include <unistd.h>
#include "abi.h"
#include "bad_models.h"

static OrtEnv *env;
static OrtSessionOptions *options;
static int ours; /* messages are checked in our own library only */

static void expect(const char *name, OrtStatus *s, int code, const char *const *says) {
  int got = s ? (int)api->GetErrorCode(s) : 0;
  const char *text = s ? api->GetErrorMessage(s) : "";
  checks++;
  if (got != code) {
    failures++;
    printf("%s: code %d, expected %d: %s\n", name, got, code, text);
  }
  for (int i = 0; ours && says && code && i < 6 && says[i]; i++) {
    checks++;
    if (strstr(text, says[i])) continue;
    failures++;
    printf("%s: the message does not say '%s': %s\n", name, says[i], text);
  }
  if (s) api->ReleaseStatus(s);
}

static void write_file(const char *path, const void *data, size_t size) {
  FILE *f = fopen(path, "wb");
  CHECK(f && (!size || fwrite(data, 1, size, f) == size));
  if (f) fclose(f);
}

static void models(const char *folder) {
  char path[600];
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  for (size_t i = 0; i < sizeof bad_models / sizeof *bad_models; i++) {
    const bad_model *m = &bad_models[i];
    int code = ours ? m->ours : m->code;
    OrtSession *s = NULL;
    if (code < 0) continue;
    write_file(path, m->bytes, m->size);
    expect(m->name, api->CreateSession(env, path, options, &s), code, m->says);
    CHECK((s != NULL) == (code == 0));
    if (s) api->ReleaseSession(s);
  }
}

static void files(const char *folder) {
  char path[600];
  OrtSession *s = NULL;
  snprintf(path, sizeof path, "%s/none.onnx", folder);
  expect("no file", api->CreateSession(env, path, options, &s), ORT_NO_SUCHFILE, (const char *const[6]){"none.onnx"});
  snprintf(path, sizeof path, "%s/empty.onnx", folder);
  write_file(path, "", 0);
  expect("empty file", api->CreateSession(env, path, options, &s), ORT_INVALID_ARGUMENT, NULL);
  expect("a folder", api->CreateSession(env, folder, options, &s), ours ? ORT_NO_SUCHFILE : ORT_INVALID_ARGUMENT, NULL);
  CHECK(s == NULL);
}

/* Cut short at every byte, and with every byte changed: the latter may load, but must not crash. */
static void cuts(void) {
  const bad_model *good = &bad_models[0];
  unsigned char copy[sizeof bad_0];
  for (unsigned n = 1; n <= good->size; n++) {
    char name[40];
    OrtSession *s = NULL;
    unsigned char *exact = (unsigned char *)malloc(n); /* so that a read past the end is seen */
    snprintf(name, sizeof name, "%u of %u bytes", n, good->size);
    memcpy(exact, good->bytes, n);
    expect(name, api->CreateSessionFromArray(env, exact, n, options, &s), cut_codes[n - 1], NULL);
    if (s) api->ReleaseSession(s);
    free(exact);
  }
  for (unsigned i = 0; ours && i < 8 * good->size; i++) {
    OrtSession *s = NULL;
    memcpy(copy, good->bytes, sizeof copy);
    copy[i / 8] ^= (unsigned char)(1u << i % 8);
    OrtStatus *t = api->CreateSessionFromArray(env, copy, sizeof copy, options, &s);
    CHECK((t != NULL) != (s != NULL));
    if (t) api->ReleaseStatus(t);
    if (s) api->ReleaseSession(s);
  }
}

static OrtValue *tensor(OrtAllocator *a, ONNXTensorElementDataType type, size_t rank, int64_t d0, int64_t d1) {
  OrtValue *v = NULL;
  int64_t d[] = {d0, d1, 1};
  OK(CreateTensorAsOrtValue(a, d, rank, type, &v));
  return v;
}

static void inputs(void) {
  OrtSession *s = NULL;
  OrtAllocator *a = NULL;
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateSessionFromArray(env, bad_0, sizeof bad_0, options, &s));
  if (!s) return;
  const ONNXTensorElementDataType f = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  OrtValue *right = tensor(a, f, 2, 3, 2), *rank = tensor(a, f, 1, 6, 0), *dim = tensor(a, f, 2, 2, 3),
           *f64 = tensor(a, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, 2, 3, 2);
  const struct {
    const char *name, *in[2];
    const OrtValue *v[2];
    size_t n;
    const char *out;
    int code;
    const char *says[6];
  } runs[] = {
      {"right", {"x"}, {right}, 1, "y", ORT_OK, {NULL}},
      {"missing input", {"x"}, {right}, 0, "y", ours ? ORT_INVALID_ARGUMENT : ORT_FAIL, {"x"}}, /* theirs depends on the
                                                                                                   kernel */
      {"unknown input", {"q"}, {right}, 1, "y", ORT_INVALID_ARGUMENT, {"q"}},
      {"extra input", {"x", "q"}, {right, right}, 2, "y", ORT_INVALID_ARGUMENT, {"q"}},
      {"wrong rank", {"x"}, {rank}, 1, "y", ORT_INVALID_ARGUMENT, {"x", "1", "2"}},
      {"wrong dimension", {"x"}, {dim}, 1, "y", ORT_INVALID_ARGUMENT, {"x", "index: 1", "Got: 3", "Expected: 2"}},
      {"wrong type", {"x"}, {f64}, 1, "y", ORT_INVALID_ARGUMENT, {"x", "double", "float"}},
      {"unknown output", {"x"}, {right}, 1, "q", ORT_INVALID_ARGUMENT, {"q"}},
      {"no output name", {"x"}, {right}, 1, "", ORT_INVALID_ARGUMENT, {NULL}},
  };
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    OrtValue *y = NULL;
    const char *out[] = {runs[i].out};
    expect(runs[i].name, api->Run(s, NULL, runs[i].in, runs[i].v, runs[i].n, out, 1, &y), runs[i].code, runs[i].says);
    CHECK((y != NULL) == (runs[i].code == 0));
    if (y) api->ReleaseValue(y);
  }
  OrtValue *all[] = {right, rank, dim, f64};
  for (int i = 0; i < 4; i++) api->ReleaseValue(all[i]);
  api->ReleaseSession(s);
}

int main(int argc, char **argv) {
  char folder[] = "/tmp/bad_input_XXXXXX";
  if (!abi_load(argc, argv) || !mkdtemp(folder)) return 1;
  ours = strstr(argv[1], "sardonyx") != NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "bad", &env));
  OK(CreateSessionOptions(&options));
  models(folder);
  files(folder);
  cuts();
  inputs();
  api->ReleaseSessionOptions(options);
  api->ReleaseEnv(env);
  static const char *const made[] = {"model.onnx", "empty.onnx"};
  for (int i = 0; i < 2; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, made[i]);
    remove(path);
  }
  remove(folder);
  return abi_end("bad_input_test");
}
