// SPDX-License-Identifier: MIT
/* What the tests of the device provider (plugins/device.h) share: the library, sessions with it, and runs that are compared
 * with those of the CPU. */
#ifndef DEVICE_SESSION_H
#define DEVICE_SESSION_H
#include "device_models.h"
#include "device_values.h"
#include "plugins/device.h"

static OrtEnv *env;
static const OrtEpDevice *device[DEVICES]; /* on the CPU */
static Counters *count;
static void *(*reach)(void *);

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

static inline size_t taken(OrtSession *s) { return abi_nodes_of(s, "Device"); }

#define OPEN(name, options) \
  open_session(model_device_##name, sizeof model_device_##name, (const char *const[DEVICES]){options})

static int compare(OrtSession *a, OrtSession *b, int seed) {
  Values in, x, y;
  int ok = 1;
  name_values(a, &in, &x);
  memset(&y, 0, sizeof y);
  for (size_t i = 0; i < in.n; i++) in.at[i] = make_input(a, i, seed);
  OK(Run(a, NULL, (const char *const *)in.names, (const OrtValue *const *)in.at, in.n, (const char *const *)x.names, x.n,
         x.at));
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

/* A tensor like `v` on the device; filled, or not. */
static inline OrtValue *on_device(const OrtValue *v, int filled) {
  OrtAllocator *a = NULL;
  OrtValue *d = NULL;
  int64_t dims[8];
  size_t rank = 0;
  ONNXTensorElementDataType type;
  tensor_count(v, &type, dims, &rank);
  OK(GetSharedAllocator(env, api->EpDevice_MemoryInfo(device[0], OrtDeviceMemoryType_DEFAULT), &a));
  OK(CreateTensorAsOrtValue(a, dims, rank, type, &d));
  if (filled) OK(CopyTensors(env, &v, &d, NULL, 1));
  return d;
}
static inline OrtValue *to_host(const OrtValue *v) {
  OrtValue *h = NULL;
  int64_t dims[8];
  size_t rank = 0;
  ONNXTensorElementDataType type;
  tensor_count(v, &type, dims, &rank);
  OK(CreateTensorAsOrtValue(allocator, dims, rank, type, &h));
  OK(CopyTensors(env, &v, &h, NULL, 1));
  return h;
}
static inline int same_there(const OrtValue *host, const OrtValue *there) {
  OrtValue *h = to_host(there);
  int equal = same(host, h);
  api->ReleaseValue(h);
  return equal;
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

/* Environment and library; 0: the test cannot be. */
static int open_device(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 0;
  void *h = dlopen(SX_DEVICE_PROVIDER, RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "device_counters") : NULL;
  Counters *(*counters_of)(void);
  memcpy(&counters_of, &f, sizeof f);
  f = h ? dlsym(h, "device_reach") : NULL;
  memcpy(&reach, &f, sizeof f);
  if (!f) return 0;
  count = counters_of();
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "device", &env));
  OK(GetAllocatorWithDefaultOptions(&allocator));
  open_library("device");
  return 1;
}
static int close_device(const char *name) {
  nothing_left();
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  CHECK(count->allocators == 0 && count->transfers == 0);
  api->ReleaseEnv(env);
  return abi_end(name);
}
#endif
