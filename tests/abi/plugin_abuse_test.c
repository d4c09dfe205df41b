// SPDX-License-Identifier: MIT
/* Providers that fail in each of their callbacks, claim what cannot be, or lie: a status or a log line, and the process
 * goes on. ONNX Runtime survives only some of these, so that this one is for this library alone. */
#include <math.h>
#include <string.h>
#include "abi.h"
#include "models.h"
#include "sardonyx.h"

typedef enum Outcome { REGISTRATION, NO_DEVICE, SESSION, RUN, FINE } Outcome; /* where it ends; FINE: it runs */
static const struct {
  const char *wrong;
  Outcome ends;
  const char *explained; /* by Explain, in the session's report; NULL: nothing */
} cases[] = {{"factories-fail", REGISTRATION},
             {"factories-none", NO_DEVICE},
             {"factories-too-many", REGISTRATION},
             {"factory-null", REGISTRATION},
             {"factory-null-name", REGISTRATION},
             {"factory-bad-version", REGISTRATION},
             {"factory-no-devices", REGISTRATION},
             {"factory-no-create", REGISTRATION},
             {"transfer-fails", REGISTRATION},
             {"devices-fail", REGISTRATION},
             {"devices-too-many", REGISTRATION},
             {"devices-null", FINE},
             {"devices-none", NO_DEVICE},
             {"ep-fails", SESSION},
             {"ep-null", SESSION},
             {"ep-version-0", SESSION},
             {"ep-version-22", FINE}, /* too old for anything: the CPU has it all */
             {"ep-from-the-future", FINE},
             {"ep-no-name", SESSION},
             {"ep-null-name", SESSION},
             {"layout-fails", SESSION},
             {"layout-garbage", FINE},
             {"capability-fails", FINE, "BadProvider: GetCapability failed, others run its nodes"},
             {"capability-singles", FINE},
             {"capability-twice", FINE, "that cannot be had: a node of it is taken already"},
             {"capability-not-convex", FINE, "lies between nodes of it (the group is not convex)"},
             {"capability-null-node", FINE},
             {"capability-empty", FINE},
             {"capability-too-many", FINE},
             {"compile-missing", SESSION},
             {"compile-fails", SESSION},
             {"compile-null", SESSION},
             {"compile-no-compute", SESSION},
             {"state-fails", SESSION},
             {"ready-fails", SESSION},
             {"run-start-fails", RUN},
             {"run-end-fails", RUN},
             {"compute-fails", RUN},
             {"compute-bad-input", RUN},
             {"compute-bad-output", RUN},
             {"compute-no-output", RUN},
             {"compute-wrong-shape", RUN},
             {"compute-negative-shape", RUN},
             {"compute-huge-shape", RUN},
             {"factory-null-vendor", REGISTRATION},
             {"factories-twice", FINE},
             {"devices-twice", REGISTRATION},
             {"devices-of-another", REGISTRATION},
             {"allocator-fails", REGISTRATION},
             {"allocator-null", SESSION},
             {"allocator-no-info", REGISTRATION},
             {"allocator-null-info", REGISTRATION},
             {"allocator-other-info", FINE},
             {"allocator-no-alloc", REGISTRATION},
             {"allocator-no-free", REGISTRATION},
             {"allocator-no-memory", RUN},
             {"transfer-null", RUN},
             {"transfer-empty", RUN},
             {"transfer-refuses", FINE},
             {"copy-fails", RUN},
             {"stream-fails", RUN},
             {"stream-null", RUN},
             {"stream-empty", FINE},
             {"stream-no-notification", RUN},
             {"stream-flush-fails", RUN},
             {"domains-fail", SESSION},
             {"domains-null", FINE},
             {"domains-too-many", SESSION},
             {"registry-fails", SESSION},
             {"registry-null", FINE},
             {"kernel-fails", SESSION},
             {"kernel-null", SESSION},
             {"kernel-no-create", SESSION},
             {"kernel-no-compute", SESSION},
             {"kernel-compute-fails", RUN},
             {"kernel-no-output", RUN},
             {"profiler-fails", SESSION},
             {"profiler-null", FINE},
             {"profiler-empty", SESSION},
             {"profiler-start-fails", SESSION},
             {"profiler-end-fails", FINE},
             {"concurrent-fails", SESSION},
             {"memory-device-fails", SESSION},
             {"memory-device-unknown", SESSION},
             {"capture-lies", SESSION},
             {"capture-replay-fails", SESSION},
             {"convert-fails", FINE},
             {"convert-garbage", FINE},
             {"ep-throws", SESSION},
             {"capability-throws", FINE},
             {"compile-throws", SESSION},
             {"state-throws", SESSION},
             {"compute-throws", RUN},
             {"kernel-throws", SESSION},
             {"nothing", FINE, "BadProvider"}};

static OrtEnv *env;

static int failed(OrtStatus *s) { /* and says something */
  int yes = s != NULL;
  if (s) CHECK(api->GetErrorMessage(s)[0] != 0);
  api->ReleaseStatus(s);
  return yes;
}

typedef struct Numbers {
  float of[2][16]; /* y and z */
} Numbers;

static int run_fails(OrtSession *s, Numbers *got) {
  const char *in[] = {"x"}, *out[] = {"y", "z"};
  int64_t dims[] = {1, 1, 4, 4};
  float x[16];
  OrtMemoryInfo *cpu = NULL;
  OrtValue *value = NULL, *result[2] = {NULL, NULL};
  for (int i = 0; i < 16; i++) x[i] = (float)(i * 7 % 16) / 4 - 1;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateTensorWithDataAsOrtValue(cpu, x, sizeof x, dims, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
  int yes = failed(api->Run(s, NULL, in, (const OrtValue *const *)&value, 1, out, 2, result));
  for (int i = 0; i < 2; i++) {
    void *data = NULL;
    if (!yes) OK(GetTensorMutableData(result[i], &data));
    if (data) memcpy(got->of[i], data, sizeof got->of[i]);
    api->ReleaseValue(result[i]);
  }
  api->ReleaseValue(value);
  api->ReleaseMemoryInfo(cpu);
  return yes;
}

/* What the CPU makes of a model alone. */
static Numbers expected_of(const void *model, size_t size) {
  Numbers n = {{{0}}};
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OK(CreateSessionOptions(&o));
  OK(CreateSessionFromArray(env, model, size, o, &s));
  CHECK(!run_fails(s, &n));
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
  return n;
}
static int same(const Numbers *a, const Numbers *b) {
  for (int i = 0; i < 32; i++)
    if (!(fabsf(a->of[i / 16][i % 16] - b->of[i / 16][i % 16]) <= 1e-5f * (1 + fabsf(b->of[i / 16][i % 16])))) return 0;
  return 1;
}

/* Who has which node, and what was refused and why, in the report about a session. */
static const SardonyxExtension *extension;
static int explains(OrtSession *s, const char *what) {
  OrtAllocator *a = NULL;
  char *text = NULL;
  int found = 0;
  OK(GetAllocatorWithDefaultOptions(&a));
  for (int json = 0; json < 2 && extension; json++) {
    check_code(ORT_OK, extension->Explain(s, json, a, &text), __LINE__, "Explain");
    found += text && strstr(text, what);
    if (text) a->Free(a, text);
  }
  return found == 2;
}

static Outcome host(const char *wrong, const void *model, size_t size, const Numbers *expected, const char *explained) {
  const OrtEpDevice *const *all = NULL;
  const OrtEpDevice *mine = NULL;
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  size_t n = 0;
  Outcome end = FINE;
  Numbers got = {{{0}}};
  if (failed(api->RegisterExecutionProviderLibrary(env, wrong, ORT_TSTR_ON_MACRO(SX_BAD_PROVIDER)))) return REGISTRATION;
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "BadProvider")) mine = all[i];
  OK(CreateSessionOptions(&o));
  if (!strncmp(wrong, "profiler-", 9)) OK(EnableProfiling(o, ORT_TSTR("abi_plugin_abuse")));
  if (!mine)
    end = NO_DEVICE;
  else if (failed(api->SessionOptionsAppendExecutionProvider_V2(o, env, &mine, 1, NULL, NULL, 0)) ||
           failed(api->CreateSessionFromArray(env, model, size, o, &s)))
    end = SESSION;
  else if (run_fails(s, &got))
    end = RUN;
  else if (!same(&got, expected)) {
    failures++;
    printf("%s: other numbers than the CPU's\n", wrong);
  }
  if (s && explained) CHECK(explains(s, explained));
  if (s) failed(api->UnregisterExecutionProviderLibrary(env, wrong)); /* refused while the session lives */
  if (s && !strncmp(wrong, "profiler-", 9)) {
    OrtAllocator *heap = NULL;
    char *file = NULL;
    OK(GetAllocatorWithDefaultOptions(&heap));
    OK(SessionEndProfiling(s, heap, &file));
    CHECK(file && remove(file) == 0);
    if (file) heap->Free(heap, file);
  }
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
  OK(UnregisterExecutionProviderLibrary(env, wrong));
  return end;
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 1;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "abuse", &env));
  SardonyxGetExtensionFn get = NULL;
  void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "SardonyxGetExtension") : NULL;
  memcpy(&get, &f, sizeof get);
  CHECK((extension = get ? get(1) : NULL) != NULL);
  const Numbers chain = expected_of(model_chain, sizeof model_chain),
                branch = expected_of(model_branch, sizeof model_branch), both = expected_of(model_both, sizeof model_both);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Outcome end = host(cases[i].wrong, model_chain, sizeof model_chain, &chain, cases[i].explained);
    checks++;
    if (end == cases[i].ends) continue;
    failures++;
    printf("%s: ends at %d, expected %d\n", cases[i].wrong, end, cases[i].ends);
  }
  CHECK(host("nothing", model_branch, sizeof model_branch, &branch, NULL) ==
        FINE); /* a node that it took stays its own when the body moves */
  CHECK(host("capture-no-memory", model_both, sizeof model_both, &both, NULL) == FINE); /* there is no place to capture */
  OrtStatus *bridge = api->RegisterExecutionProviderLibrary(env, "bridge", ORT_TSTR_ON_MACRO(SX_BRIDGE_PROVIDER));
  CHECK(bridge && api->GetErrorCode(bridge) == ORT_FAIL && strstr(api->GetErrorMessage(bridge), "provider bridge") &&
        strstr(api->GetErrorMessage(bridge), "use the plugin build"));
  api->ReleaseStatus(bridge);
  api->ReleaseEnv(env);
  return abi_end("plugin_abuse");
}
