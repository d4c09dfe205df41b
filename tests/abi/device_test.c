// SPDX-License-Identifier: MIT
/* Providers with memory of their own: every model of device_models.h runs on the CPU and on the test device in many ways, and
 * gives the same numbers; nothing of the device is left over. What the device is says plugins/device.h. */
#include "device_models.h"
#include "device_values.h"
#include "plugins/device.h"

static OrtEnv *env;
static const OrtEpDevice *device[DEVICES];
static Counters *count;
static void *(*reach)(void *);

#define MODEL(name) {#name, model_device_##name, sizeof model_device_##name}
static const struct {
  const char *name;
  const void *data;
  size_t size;
} models[] = {MODEL(chain), MODEL(mixed), MODEL(dense), MODEL(shapes), MODEL(conv), MODEL(branches), MODEL(loop), MODEL(while), MODEL(untouched),
              MODEL(scan), MODEL(columns), MODEL(nested), MODEL(sequences), MODEL(collect), MODEL(words), MODEL(integers)};
enum { N_MODELS = sizeof models / sizeof *models };

#define FLAT "Add,Sub,Mul,Less,Relu,MatMul,Identity,Reshape,Shape"
/* Options of the two providers, "key=value;key=value"; NULL: it is not asked for. */
static const struct {
  const char *name, *options[DEVICES];
} modes[] = {{"kernels", {""}},
             {"some kernels", {"ops=Add,Mul"}},
             {"no control flow", {"ops=" FLAT}},
             {"no arithmetic", {"ops=If,Loop,Scan,Identity"}},
             {"compiled", {"mode=compile"}},
             {"compiled in part", {"mode=compile;ops=Mul,Relu"}},
             {"channels last", {"layout=nhwc"}},
             {"streams", {"streams=1"}},
             {"streams, in part", {"streams=1;ops=Add,Less,Loop,Scan,If"}},
             {"compiled, streams", {"streams=1;mode=compile"}},
             {"one at a time", {"serial=1"}},
             {"two", {"ops=Add,Less,Reshape,Loop", ""}},
             {"two, compiled", {"mode=compile;ops=Mul,Sub", "mode=compile"}},
             {"two with streams", {"streams=1;ops=Mul,If,Scan,Relu", "streams=1"}},
             {"the second", {NULL, ""}}};
enum { N_MODES = sizeof modes / sizeof *modes };

static void append(OrtSessionOptions *o, const OrtEpDevice *d, const char *options) {
  const char *keys[8], *values[8];
  char text[200];
  size_t n = 0;
  strcpy(text, options);
  for (char *p = strtok(text, ";"); p; p = strtok(NULL, ";"), n++) {
    char *equal = strchr(p, '=');
    *equal = 0;
    keys[n] = p, values[n] = equal + 1;
  }
  OK(SessionOptionsAppendExecutionProvider_V2(o, env, &d, 1, keys, values, n));
}
static OrtSessionOptions *options_of(const char *const options[DEVICES]) {
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  for (int k = 0; options && k < DEVICES; k++)
    if (options[k]) append(o, device[k], options[k]);
  OK(AddSessionConfigEntry(o, "session.record_ep_graph_assignment_info", "1"));
  return o;
}
static OrtSession *open_session(const void *data, size_t size, const char *const options[DEVICES]) {
  OrtSession *s = NULL;
  OrtSessionOptions *o = options_of(options);
  OK(CreateSessionFromArray(env, data, size, o, &s));
  api->ReleaseSessionOptions(o);
  return s;
}

static size_t taken(OrtSession *s) {
  const OrtEpAssignedSubgraph *const *groups = NULL;
  size_t n = 0, total = 0;
  OK(Session_GetEpGraphAssignmentInfo(s, &groups, &n));
  for (size_t i = 0; i < n; i++) {
    const OrtEpAssignedNode *const *nodes = NULL;
    const char *name = NULL;
    size_t k = 0;
    OK(EpAssignedSubgraph_GetEpName(groups[i], &name));
    OK(EpAssignedSubgraph_GetNodes(groups[i], &nodes, &k));
    if (!strncmp(name, "Device", 6)) total += k;
  }
  return total;
}

static int compare(OrtSession *a, OrtSession *b, int seed) {
  Values in, x, y;
  int ok = 1;
  name_values(a, &in, &x);
  memset(&y, 0, sizeof y);
  for (size_t i = 0; i < in.n; i++) in.at[i] = make_input(a, i, seed);
  OK(Run(a, NULL, (const char *const *)in.names, (const OrtValue *const *)in.at, in.n, (const char *const *)x.names, x.n, x.at));
  OrtStatus *failed = api->Run(b, NULL, (const char *const *)in.names, (const OrtValue *const *)in.at, in.n,
                               (const char *const *)x.names, x.n, y.at);
  if (failed) printf("%s\n", api->GetErrorMessage(failed));
  for (size_t i = 0; i < x.n && !failed; i++) {
    int equal = same(x.at[i], y.at[i]);
    if (!equal) printf("output %s differs\n", x.names[i]);
    ok &= equal;
    api->ReleaseValue(y.at[i]);
  }
  ok &= !failed;
  api->ReleaseStatus(failed);
  drop_values(&in);
  drop_values(&x);
  return ok;
}

/* Every model in every way; or one, and in one. */
static void all_ways(const char *only_model, const char *only_mode) {
  for (int m = 0; m < N_MODELS; m++) {
    if (only_model && strcmp(only_model, models[m].name) != 0) continue;
    OrtSession *cpu = open_session(models[m].data, models[m].size, NULL);
    size_t most = 0;
    for (int k = 0; k < N_MODES; k++) {
      if (only_mode && strcmp(only_mode, modes[k].name) != 0) continue;
      OrtSession *s = open_session(models[m].data, models[m].size, modes[k].options);
      if (!s) printf("%s, %s\n", models[m].name, modes[k].name);
      for (int seed = 0; seed < 4 && s; seed++) {
        int ok = compare(cpu, s, seed);
        CHECK(ok);
        if (!ok) printf("... %s, %s, inputs %d\n", models[m].name, modes[k].name, seed);
      }
      if (s && taken(s) > most) most = taken(s);
      api->ReleaseSession(s);
    }
    CHECK(most > 0 || only_mode);
    api->ReleaseSession(cpu);
  }
  if (!only_model) CHECK(count->concats > 0 && count->transposes > 0 && count->within > 0);
}

/* Nothing that sessions made is there any more; the shared allocators go with the library. */
static void nothing_left(void) {
  CHECK(count->blocks == 0 && count->bytes == 0);
  CHECK(count->providers == 0 && count->kernels == 0 && count->states == 0 && count->groups == 0);
  CHECK(count->streams == 0 && count->notifications == 0 && count->helpers == 0 && count->profilers == 0);
  CHECK(count->runs_begun == count->runs_ended);
}

static void open_library(const char *name) {
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  OK(RegisterExecutionProviderLibrary(env, name, ORT_TSTR_ON_MACRO(SX_DEVICE_PROVIDER)));
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < DEVICES; k++)
      if (!strcmp(api->EpDevice_EpName(all[i]), k ? "DeviceTwo" : "DeviceOne") &&
          api->HardwareDevice_Type(api->EpDevice_Device(all[i])) == OrtHardwareDeviceType_CPU)
        device[k] = all[i];
  CHECK(device[0] && device[1]);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 1;
  void *h = dlopen(SX_DEVICE_PROVIDER, RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "device_counters") : NULL;
  Counters *(*counters_of)(void);
  memcpy(&counters_of, &f, sizeof f);
  f = h ? dlsym(h, "device_reach") : NULL;
  memcpy(&reach, &f, sizeof f);
  if (!f) return 1;
  count = counters_of();
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "device", &env));
  OK(GetAllocatorWithDefaultOptions(&allocator));
  open_library("device");
  all_ways(argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
  nothing_left();
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  CHECK(count->allocators == 0 && count->transfers == 0);
  api->ReleaseEnv(env);
  return abi_end("device");
}
