// SPDX-License-Identifier: MIT
/* Runs on the test device: bound values, streams, captured graphs, threads, options, profiles, failures, and what may be
 * asked of a library and its devices. */
#include <pthread.h>
#include "device_session.h"

static OrtSession *cpu_chain;

/* The chain: x in, y and z out. */
typedef struct Chain {
  Values in, out;      /* of the CPU */
  OrtValue *x, *y, *z; /* on the device */
} Chain;
static Chain chain_open(int seed) {
  Chain c;
  name_values(cpu_chain, &c.in, &c.out);
  c.in.at[0] = make_input(cpu_chain, 0, seed);
  OK(Run(cpu_chain, NULL, (const char *const *)c.in.names, (const OrtValue *const *)c.in.at, 1,
         (const char *const *)c.out.names, 2, c.out.at));
  c.x = on_device(c.in.at[0], 1);
  c.y = on_device(c.out.at[0], 0);
  c.z = on_device(c.out.at[1], 0);
  return c;
}
static void chain_close(Chain *c) {
  drop_values(&c->in);
  drop_values(&c->out);
  api->ReleaseValue(c->x);
  api->ReleaseValue(c->y);
  api->ReleaseValue(c->z);
}
static OrtIoBinding *bind(OrtSession *s, const Chain *c) {
  OrtIoBinding *b = NULL;
  OK(CreateIoBinding(s, &b));
  OK(BindInput(b, "x", c->x));
  OK(BindOutput(b, "y", c->y));
  OK(BindOutput(b, "z", c->z));
  return b;
}

static void bound_values(void) {
  OrtSession *s = OPEN(chain, "streams=1");
  Chain c = chain_open(0);
  OrtIoBinding *b = bind(s, &c);
  OrtValue **made = NULL;
  size_t n = 0;
  int64_t in = count->to_device, out = count->to_host, within = count->within;
  OK(RunWithBinding(s, NULL, b));
  OK(RunWithBinding(s, NULL, b));
  CHECK(count->to_device == in);                           /* the constants were copied with the session */
  CHECK(count->to_host == out && count->within == within); /* outputs were written in place */
  CHECK(same_there(c.out.at[0], c.y) && same_there(c.out.at[1], c.z));
  api->ClearBoundOutputs(b);
  OK(BindOutputToDevice(b, "z", api->EpDevice_MemoryInfo(device[0], OrtDeviceMemoryType_DEFAULT)));
  OK(BindOutputToDevice(b, "y", api->EpDevice_MemoryInfo(device[0], OrtDeviceMemoryType_DEFAULT)));
  OK(RunWithBinding(s, NULL, b));
  OK(SynchronizeBoundOutputs(b));
  OK(GetBoundOutputValues(b, allocator, &made, &n));
  CHECK(n == 2 && same_there(c.out.at[1], made[0]) && same_there(c.out.at[0], made[1]));
  for (size_t i = 0; i < n; i++) api->ReleaseValue(made[i]);
  allocator->Free(allocator, made);
  api->ReleaseIoBinding(b);
  /* An input on the device that the CPU reads as well, and an output of the CPU's. */
  OrtSession *mixed = OPEN(chain, "ops=Add");
  b = bind(mixed, &c);
  OK(RunWithBinding(mixed, NULL, b));
  CHECK(same_there(c.out.at[0], c.y) && same_there(c.out.at[1], c.z));
  api->ReleaseIoBinding(b);
  api->ReleaseSession(mixed);
  api->ReleaseSession(s);
  chain_close(&c);
}

static int lie(OrtSession *s, const char *const *inputs, const char *const *outputs) {
  const OrtMemoryInfo *info[2][MOST];
  const OrtEpDevice *of[2][MOST];
  size_t n[2];
  int ok = 1;
  OK(SessionGetInputCount(s, &n[0]));
  OK(SessionGetOutputCount(s, &n[1]));
  OK(SessionGetMemoryInfoForInputs(s, info[0], n[0]));
  OK(SessionGetMemoryInfoForOutputs(s, info[1], n[1]));
  OK(SessionGetEpDeviceForInputs(s, of[0], n[0]));
  OK(SessionGetEpDeviceForOutputs(s, of[1], n[1]));
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; i < n[k]; i++) {
      const char *name = NULL, *want = (k ? outputs : inputs)[i];
      OK(MemoryInfoGetName(info[k][i], &name));
      ok &= !strcmp(name, want);
      ok &= !strcmp(api->EpDevice_EpName(of[k][i]), strcmp(want, "Cpu") ? want : "CPUExecutionProvider");
    }
  return ok;
}
#define LIE(name, options, ...)                  \
  do {                                           \
    const char *const ends[][3] = {__VA_ARGS__}; \
    OrtSession *s_ = OPEN(name, options);        \
    CHECK(lie(s_, ends[0], ends[1]));            \
    api->ReleaseSession(s_);                     \
  } while (0)
static void ends(void) {
  LIE(chain, "", {"DeviceOne"}, {"DeviceOne", "DeviceOne"});
  LIE(chain, "ops=Add", {"Cpu"}, {"Cpu", "Cpu"});
  LIE(mixed, "", {"DeviceOne"}, {"Cpu", "DeviceOne"});
  LIE(branches, "ops=Add,Sub", {"Cpu", "DeviceOne"}, {"DeviceOne", "Cpu"});
  LIE(nested, "ops=Add", {"Cpu", "Cpu", "DeviceOne"}, {"Cpu"});
  LIE(chain, "mode=compile", {"DeviceOne"}, {"DeviceOne", "DeviceOne"});
}

static void add_to(OrtValue *x, float d) { /* in place, where it lies */
  void *data = NULL;
  OK(GetTensorMutableData(x, &data));
  for (int i = 0; i < 16; i++) ((float *)reach(data))[i] += d;
}
static OrtRunOptions *run_options(const char *key, const char *value) {
  OrtRunOptions *o = NULL;
  OK(CreateRunOptions(&o));
  OK(AddRunConfigEntry(o, key, value));
  return o;
}

/* Recorded by the first call, replayed when everything lies where it lay. */
static void captured_graphs(void) {
  OrtSession *s = OPEN(chain, "capture=1");
  Chain c = chain_open(1), other = chain_open(2);
  OrtIoBinding *b = bind(s, &c), *elsewhere = bind(s, &other);
  int64_t begun = count->runs_begun, replays = count->replays;
  OK(RunWithBinding(s, NULL, b));
  CHECK(count->captures == 1 && count->runs_begun == begun + 2);
  CHECK(same_there(c.out.at[0], c.y) && same_there(c.out.at[1], c.z));
  add_to(c.x, 0.25f);
  OK(RunWithBinding(s, NULL, b));
  CHECK(count->replays == replays + 1 && count->runs_begun == begun + 2);
  OrtValue *x = to_host(c.x), *y[2] = {NULL, NULL};
  OK(Run(cpu_chain, NULL, (const char *const *)c.in.names, (const OrtValue *const *)&x, 1, (const char *const *)c.out.names,
         2, y));
  CHECK(same_there(y[0], c.y) && same_there(y[1], c.z) && !same(y[0], c.out.at[0]));
  for (int i = 0; i < 2; i++) api->ReleaseValue(y[i]);
  api->ReleaseValue(x);
  OK(RunWithBinding(s, NULL, elsewhere)); /* other addresses: a run of its own */
  CHECK(count->replays == replays + 1 && count->runs_begun == begun + 3 && same_there(other.out.at[0], other.y));
  CHECK(compare(cpu_chain, s, 3) && count->replays == replays + 1); /* so is one with values of the host */
  OrtRunOptions *never = run_options("gpu_graph_id", "-1"), *bad = run_options("gpu_graph_id", "one");
  OK(RunWithBinding(s, never, b));
  CHECK(count->replays == replays + 1);
  CODE(ORT_INVALID_ARGUMENT, RunWithBinding(s, bad, b));
  OK(SessionReleaseCapturedGraph(s, 0));
  CHECK(count->released_captures == 1);
  OK(RunWithBinding(s, NULL, elsewhere));
  CHECK(count->captures == 2 && same_there(other.out.at[1], other.z));
  OK(RunWithBinding(s, NULL, elsewhere));
  CHECK(count->replays == replays + 2);
  api->ReleaseRunOptions(never);
  api->ReleaseRunOptions(bad);
  api->ReleaseIoBinding(b);
  api->ReleaseIoBinding(elsewhere);
  chain_close(&c);
  chain_close(&other);
  api->ReleaseSession(s);
  const char *const capture[DEVICES] = {"capture=1"};
  OrtSessionOptions *o = options_of(capture); /* all of the model, and no control flow */
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_device_mixed, sizeof model_device_mixed, o, &s));
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_device_branches, sizeof model_device_branches, o, &s));
  api->ReleaseSessionOptions(o);
}

static void streams(void) {
  OrtSession *s = OPEN(chain, "streams=1");
  Chain c = chain_open(4);
  OrtIoBinding *b = bind(s, &c);
  OrtSyncStream *mine = NULL;
  OrtRunOptions *o = NULL, *lazy = run_options("disable_synchronize_execution_providers", "1");
  int64_t made = count->streams, ended = count->stream_runs_ended, flushes = count->flushes;
  for (int i = 0; i < 3; i++) OK(RunWithBinding(s, NULL, b));
  CHECK(count->streams == made + 1 && count->stream_runs_ended == ended + 3 && count->flushes == flushes + 3);
  OK(RunWithBinding(s, lazy, b));
  CHECK(count->stream_runs_ended == ended + 3 && count->flushes == flushes + 3); /* the next run that waits will */
  OK(CreateSyncStreamForEpDevice(device[0], NULL, &mine));
  CHECK(api->SyncStream_GetHandle(mine) != NULL);
  CODE(ORT_INVALID_ARGUMENT, CreateSyncStreamForEpDevice(NULL, NULL, &mine));
  OK(CreateRunOptions(&o));
  api->RunOptionsSetSyncStream(o, mine);
  OK(RunWithBinding(s, o, b));
  CHECK(same_there(c.out.at[0], c.y) && count->streams == made + 2);
  api->ReleaseRunOptions(o);
  api->ReleaseRunOptions(lazy);
  api->ReleaseSyncStream(mine);
  api->ReleaseIoBinding(b);
  api->ReleaseSession(s);
  CHECK(count->streams == made);
  chain_close(&c);
}

/* ---- threads ---- */
typedef struct Job {
  OrtSession *cpu, *there;
  int seed;
} Job;
static void *work(void *p) {
  const Job *j = p;
  int good = 0;
  for (int i = 0; i < 8; i++) good += compare(j->cpu, j->there, j->seed + i);
  return (void *)(intptr_t)good;
}
static void threads(void) {
  static const char *const options[] = {"streams=1", "serial=1", "mode=compile;streams=1", "ops=Add,Mul,If,Loop"};
  enum { N = sizeof options / sizeof *options };
  pthread_t t[2 * N];
  Job jobs[2 * N];
  OrtSession *cpu = OPEN(nested, NULL), *s[N];
  for (int k = 0; k < N; k++) s[k] = OPEN(nested, options[k]);
  for (int k = 0; k < 2 * N; k++) {
    jobs[k] = (Job){cpu, s[k % N], k};
    pthread_create(&t[k], NULL, work, &jobs[k]);
  }
  for (int k = 0; k < 2 * N; k++) {
    void *good = NULL;
    pthread_join(t[k], &good);
    CHECK((intptr_t)good == 8);
  }
  for (int k = 0; k < N; k++) api->ReleaseSession(s[k]);
  api->ReleaseSession(cpu);
}

/* Profiling ends while runs tell the provider of their nodes. */
static void end_of_profile(void) {
  enum { N = 3 };
  pthread_t t[N];
  OrtSession *cpu = OPEN(nested, NULL), *s = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){""});
  char *file = NULL;
  OK(EnableProfiling(o, ORT_TSTR("abi_device_ended")));
  OK(CreateSessionFromArray(env, model_device_nested, sizeof model_device_nested, o, &s));
  Job j = {cpu, s, 1};
  for (int k = 0; k < N; k++) pthread_create(&t[k], NULL, work, &j);
  OK(SessionEndProfiling(s, allocator, &file));
  for (int k = 0; k < N; k++) {
    void *good = NULL;
    pthread_join(t[k], &good);
    CHECK((intptr_t)good == 8);
  }
  CHECK(count->profilers == 0 && !remove(file));
  allocator->Free(allocator, file);
  api->ReleaseSession(s);
  api->ReleaseSession(cpu);
  api->ReleaseSessionOptions(o);
}

/* ---- options, profiles, custom operators ---- */
static void told(void) {
  const char *key = "power", *value = "low", *refused = "refuse";
  OrtSession *s = OPEN(chain, "");
  int64_t n = count->dynamic_options, begun = count->profile_starts, ended = count->profile_ends;
  OK(SetEpDynamicOptions(s, &key, &value, 1));
  CHECK(count->dynamic_options == n + 1);
  CODE(ORT_EP_FAIL, SetEpDynamicOptions(s, &refused, &value, 1));
  api->ReleaseSession(s);
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){""});
  char *file = NULL;
  OK(EnableProfiling(o, ORT_TSTR("abi_device_profile")));
  OK(CreateSessionFromArray(env, model_device_chain, sizeof model_device_chain, o, &s));
  CHECK(count->profile_starts == begun + 1 && compare(cpu_chain, s, 0));
  OK(SessionEndProfiling(s, allocator, &file));
  CHECK(count->profile_ends == ended + 1 && count->profile_events > 0);
  static char text[1 << 16];
  FILE *f = fopen(file, "rb");
  if (f) text[fread(text, 1, sizeof text - 1, f)] = 0, fclose(f);
  CHECK(strstr(text, "device_work") != NULL);
  remove(file);
  allocator->Free(allocator, file);
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
}

static void channels_last(void) {
  OrtSession *s = OPEN(conv, "layout=nhwc"), *first = OPEN(conv, "");
  CHECK(taken(s) == 4 && taken(first) == 2); /* convolutions with their channels first are nobody's but the CPU's */
  api->ReleaseSession(s);
  api->ReleaseSession(first);
}

static void own_operator(void) {
  OrtSession *none = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){"ops=Add"}); /* it is not taken, and nobody else can */
  CODE(ORT_NOT_IMPLEMENTED, CreateSessionFromArray(env, model_device_triple, sizeof model_device_triple, o, &none));
  api->ReleaseSessionOptions(o);
  static const char *const ways[] = {"", "mode=compile"};
  for (int k = 0; k < 2; k++) {
    OrtSession *s = OPEN(triple, ways[k]);
    OrtValue *x = s ? make_input(s, 0, 1) : NULL, *y = NULL;
    const char *in = "x", *out = "y";
    float *a = NULL, *b = NULL;
    CHECK(s != NULL);
    if (!s) continue;
    OK(Run(s, NULL, &in, (const OrtValue *const *)&x, 1, &out, 1, &y));
    OK(GetTensorMutableData(x, (void **)&a));
    OK(GetTensorMutableData(y, (void **)&b));
    for (int i = 0; i < 16 && b; i++) CHECK(b[i] == -6 * a[i]);
    CHECK(taken(s) >= 2);
    api->ReleaseValue(x);
    api->ReleaseValue(y);
    api->ReleaseSession(s);
  }
}

/* A provider that does not do one thing: a status, and nothing is left. */
static void failures_of(void) {
  static const struct {
    const char *options;
    int at_session;   /* else when it runs */
    const char *says; /* NULL: anything */
  } cases[] = {{"fail=alloc", 1, "'small' to the memory of DeviceOne for node #0 (Mul, version 17)"},
               {"fail=copy", 1, "'small' to the memory of DeviceOne for node #0 (Mul, version 17)"},
               {"streams=1;fail=stream", 0},
               {"streams=1;fail=notification", 0},
               {"fail=kernel", 1},
               {"streams=1;fail=wait", 0, "'x' to the memory of DeviceOne for node #0 (Mul, version 17)"},
               {"streams=1;fail=flush", 0},
               {"streams=1;fail=end", 0},
               {"fail=compute", 0},
               {"fail=prepack", 1},
               {"fail=concat", 0},
               {"fail=control", 1},
               {"fail=helper", 1},
               {"fail=control;ops=Add", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    OrtSessionOptions *o = options_of((const char *const[DEVICES]){cases[i].options});
    OrtSession *s = NULL, *cpu = OPEN(loop, NULL);
    OrtStatus *failed = api->CreateSessionFromArray(env, model_device_loop, sizeof model_device_loop, o, &s);
    Values in, out;
    int right = cases[i].at_session == 1 ? failed && !s : s != NULL;
    if (failed && cases[i].says) right &= strstr(api->GetErrorMessage(failed), cases[i].says) != NULL;
    api->ReleaseStatus(failed);
    if (s && cases[i].at_session == 0) {
      name_values(s, &in, &out);
      for (size_t k = 0; k < in.n; k++) in.at[k] = make_input(s, k, 0);
      for (int k = 0; k < 2; k++) {
        failed = api->Run(s, NULL, (const char *const *)in.names, (const OrtValue *const *)in.at, in.n,
                          (const char *const *)out.names, out.n, out.at);
        right &= failed && !out.at[0] && strstr(api->GetErrorMessage(failed), cases[i].says ? cases[i].says : "device");
        api->ReleaseStatus(failed);
      }
      drop_values(&in);
      drop_values(&out);
    } else if (s)
      right &= compare(cpu, s, 0);
    CHECK(right);
    if (!right) printf("... %s\n", cases[i].options);
    api->ReleaseSession(s);
    api->ReleaseSession(cpu);
    api->ReleaseSessionOptions(o);
    CHECK(count->providers == 0 && count->kernels == 0 && count->streams == 0 && count->notifications == 0 &&
          count->helpers == 0);
  }
}

/* ---- what may be asked ---- */
static void questions(void) {
  OrtCompiledModelCompatibility fits;
  OrtDeviceEpIncompatibilityDetails *d = NULL;
  const char *notes = NULL;
  int32_t code = 0;
  const OrtEpDevice *const *all = NULL;
  size_t n = 0, virtuals = 0;
  OK(GetModelCompatibilityForEpDevices(device, 1, "made by device 1", &fits));
  CHECK(fits == OrtCompiledModelCompatibility_EP_SUPPORTED_OPTIMAL);
  OK(GetModelCompatibilityForEpDevices(device, 1, "by another", &fits));
  CHECK(fits == OrtCompiledModelCompatibility_EP_UNSUPPORTED);
  OK(GetHardwareDeviceEpIncompatibilityDetails(env, "DeviceOne", api->EpDevice_Device(device[0]), &d));
  OK(DeviceEpIncompatibilityDetails_GetNotes(d, &notes));
  OK(DeviceEpIncompatibilityDetails_GetErrorCode(d, &code));
  CHECK(notes && !strcmp(notes, "too slow") && code == 42);
  api->ReleaseDeviceEpIncompatibilityDetails(d);
  CHECK(!strcmp(api->GetKeyValue(api->EpDevice_EpMetadata(device[0]), "version"), "2.1.0"));
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  OK(RegisterExecutionProviderLibrary(env, "device.virtual", ORT_TSTR_ON_MACRO(SX_DEVICE_PROVIDER)));
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    virtuals += api->HardwareDevice_Type(api->EpDevice_Device(all[i])) == OrtHardwareDeviceType_NPU;
  CHECK(virtuals == DEVICES);
  OK(UnregisterExecutionProviderLibrary(env, "device.virtual"));
  open_library("device");
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  cpu_chain = OPEN(chain, NULL);
  bound_values();
  ends();
  captured_graphs();
  streams();
  threads();
  end_of_profile();
  told();
  channels_last();
  own_operator();
  api->ReleaseSession(cpu_chain);
  nothing_left();
  failures_of();
  questions();
  return close_device("device_runs");
}
