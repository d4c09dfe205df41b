// SPDX-License-Identifier: MIT
/* A plugin provider from registration to release: the sample of examples/plugin_provider, hosted by the library under test. */
#include <string.h>
#include "abi.h"
#include "models.h"

static OrtEnv *env;
static const OrtEpDevice *sample;

static const OrtEpDevice *find_device(const char *name, size_t *n) {
  const OrtEpDevice *const *all = NULL;
  const OrtEpDevice *found = NULL;
  OK(GetEpDevices(env, &all, n));
  for (size_t i = 0; i < *n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), name)) found = all[i];
  return found;
}

static const char *metadata(const char *key) { return api->GetKeyValue(api->EpDevice_EpMetadata(sample), key); }

static void registration(void) {
  size_t before, after;
  CHECK(find_device("CPUExecutionProvider", &before) != NULL);
  CODE(ORT_FAIL, RegisterExecutionProviderLibrary(env, "none", ORT_TSTR("/no/such/library.so")));
  OK(RegisterExecutionProviderLibrary(env, "sample", ORT_TSTR_ON_MACRO(SX_SAMPLE_PROVIDER)));
  OrtStatus *twice = api->RegisterExecutionProviderLibrary(env, "sample", ORT_TSTR_ON_MACRO(SX_SAMPLE_PROVIDER));
  CHECK(twice != NULL);
  api->ReleaseStatus(twice);
  sample = find_device("SampleProvider", &after);
  CHECK(sample && after == before + 1);
  CHECK(!strcmp(api->EpDevice_EpVendor(sample), "sardonyx"));
  CHECK(metadata("version") && !strcmp(metadata("version"), "1.0.0"));
  CHECK(metadata("library_path") != NULL);
  CHECK(api->HardwareDevice_Type(api->EpDevice_Device(sample)) == OrtHardwareDeviceType_CPU);
}

static OrtSessionOptions *options(int with_sample) {
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  if (with_sample) OK(SessionOptionsAppendExecutionProvider_V2(o, env, &sample, 1, NULL, NULL, 0));
  OK(AddSessionConfigEntry(o, "session.record_ep_graph_assignment_info", "1"));
  return o;
}

static OrtSession *session(const OrtSessionOptions *o) {
  OrtSession *s = NULL;
  OK(CreateSessionFromArray(env, model_chain, sizeof model_chain, o, &s));
  return s;
}

static void run(OrtSession *s, float y[16], float z[16]) {
  const char *in[] = {"x"}, *out[] = {"y", "z"};
  int64_t dims[] = {1, 1, 4, 4};
  float x[16];
  OrtMemoryInfo *cpu = NULL;
  OrtValue *value = NULL, *result[2] = {NULL, NULL};
  void *data = NULL;
  for (int i = 0; i < 16; i++) x[i] = (float)(i - 7) / 3;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateTensorWithDataAsOrtValue(cpu, x, sizeof x, dims, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
  OK(Run(s, NULL, in, (const OrtValue *const *)&value, 1, out, 2, result));
  for (int i = 0; i < 2; i++) {
    OK(GetTensorMutableData(result[i], &data));
    memcpy(i ? z : y, data, 16 * sizeof(float));
    api->ReleaseValue(result[i]);
  }
  api->ReleaseValue(value);
  api->ReleaseMemoryInfo(cpu);
}

static void sessions(void) {
  OrtSessionOptions *plain = options(0), *with = options(1);
  OrtSession *a = session(plain), *b = session(with), *c = NULL;
  float ya[16], za[16], yb[16], zb[16];
  run(a, ya, za);
  run(b, yb, zb);
  for (int i = 0; i < 16; i++) CHECK(ya[i] == yb[i] && za[i] == zb[i]);
  CHECK(abi_nodes_of(a, "SampleProvider") == 0 && abi_nodes_of(a, "CPUExecutionProvider") > 0);
  CHECK(abi_nodes_of(b, "SampleProvider") == 6 && abi_nodes_of(b, "CPUExecutionProvider") == 1);
  OK(AddSessionConfigEntry(with, "session.disable_cpu_ep_fallback", "1"));
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_chain, sizeof model_chain, with, &c));
  CHECK(c == NULL);
  api->ReleaseSession(a);
  api->ReleaseSession(b);
  api->ReleaseSessionOptions(plain);
  api->ReleaseSessionOptions(with);
}

static OrtStatus *ORT_API_CALL choose(const OrtEpDevice **devices, size_t n, const OrtKeyValuePairs *model,
                                      const OrtKeyValuePairs *runtime, const OrtEpDevice **selected, size_t room,
                                      size_t *n_selected, void *state) {
  (void)model, (void)runtime;
  ++*(int *)state;
  *n_selected = 0;
  for (int wanted = 1; wanted >= 0; wanted--) /* the sample, then the CPU, which takes what is left */
    for (size_t i = 0; i < n; i++)
      if (*n_selected < room &&
          !strcmp(api->EpDevice_EpName(devices[i]), wanted ? "SampleProvider" : "CPUExecutionProvider"))
        selected[(*n_selected)++] = devices[i];
  return NULL;
}

static void selection(void) {
  int asked = 0;
  OrtSessionOptions *o = options(0);
  OK(SessionOptionsSetEpSelectionPolicyDelegate(o, choose, &asked));
  OrtSession *s = session(o);
  CHECK(asked >= 1 && abi_nodes_of(s, "SampleProvider") == 6);
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
}

/* A second runtime of the process gets a status, while the first one has the library. */
static OrtApi another_api;
static const OrtApi *ORT_API_CALL get_another(uint32_t version) { return (void)version, &another_api; }
static void another_runtime(void) {
  const OrtApiBase base = {get_another, NULL};
  OrtEpFactory *made[1] = {NULL};
  CreateEpApiFactoriesFn create = NULL;
  size_t n = 1;
  void *h = dlopen(SX_SAMPLE_PROVIDER, RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "CreateEpFactories") : NULL;
  memcpy(&create, &f, sizeof f);
  another_api = *api;
  OrtStatus *failed = create ? create("again", &base, NULL, made, 1, &n) : NULL;
  CHECK(failed && n == 0 && strstr(api->GetErrorMessage(failed), "another runtime"));
  api->ReleaseStatus(failed);
  if (h) dlclose(h);
}

int main(int argc, char **argv) {
  size_t n;
  if (!abi_load(argc, argv)) return 1;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "plugin", &env));
  registration();
  sessions();
  selection();
  another_runtime();
  OK(UnregisterExecutionProviderLibrary(env, "sample"));
  CHECK(find_device("SampleProvider", &n) == NULL);
  CODE(ORT_FAIL, UnregisterExecutionProviderLibrary(env, "sample"));
  api->ReleaseEnv(env);
  return abi_end("plugin");
}
