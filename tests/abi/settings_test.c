// SPDX-License-Identifier: MIT
/* What sessions, runs and environments can be told, at work: sizes fixed beforehand, threads, denormals, profiles of one
 * run, packed weights shared, terminating, logging. */
#include "abi.h"
#include "models.h"
#ifndef _WIN32
#include <glob.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#endif

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static OrtEnv *env;
static OrtMemoryInfo *cpu;
static int ours;

static OrtSessionOptions *options(const char *key, const char *setting) {
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  if (key) OK(AddSessionConfigEntry(o, key, setting));
  return o;
}

/* Opens and releases the options. */
static OrtSession *open_with(OrtSessionOptions *o, const unsigned char *bytes, size_t size) {
  OrtSession *s = NULL;
  OK(CreateSessionFromArray(env, bytes, size, o, &s));
  api->ReleaseSessionOptions(o);
  return s;
}
#define OPEN(o, model) open_with(o, model, sizeof model)

static OrtValue *rows(float *data, int64_t n, int64_t columns) {
  OrtValue *v = NULL;
  int64_t dims[] = {n, columns};
  OK(CreateTensorWithDataAsOrtValue(cpu, data, (size_t)(n * columns) * sizeof *data, dims, 2, FLOAT, &v));
  return v;
}

/* y for x of n rows of 2; *out gets its first number. */
static OrtStatus *run(OrtSession *s, const OrtRunOptions *ro, float *data, int64_t n, float *out) {
  OrtValue *x = rows(data, n, 2), *y = NULL;
  const char *in = "x", *names = "y";
  const OrtValue *given = x;
  OrtStatus *failed = api->Run(s, ro, &in, &given, 1, &names, 1, &y);
  float *p = NULL;
  if (!failed) OK(GetTensorMutableData(y, (void **)&p));
  if (p && out) *out = p[0];
  api->ReleaseValue(x), api->ReleaseValue(y);
  return failed;
}
#define RUNS(code, ...) check_code(code, run(__VA_ARGS__), __LINE__, "run")

static int64_t first_dim(OrtSession *s) {
  OrtTypeInfo *t = NULL;
  const OrtTensorTypeAndShapeInfo *shape = NULL;
  int64_t dims[2] = {0};
  OK(SessionGetInputTypeInfo(s, 0, &t));
  OK(CastTypeInfoToTensorInfo(t, &shape));
  OK(GetDimensions(shape, dims, 2));
  api->ReleaseTypeInfo(t);
  return dims[0];
}

static void sizes_fixed(void) {
  float x[6] = {1, 2, 3, 4, 5, 6};
  for (int by_name = 0; by_name < 3; by_name++) {
    OrtSessionOptions *o = options(NULL, NULL);
    if (by_name == 0)
      OK(AddFreeDimensionOverride(o, "DATA_BATCH", 3));
    else
      OK(AddFreeDimensionOverrideByName(o, by_name == 1 ? "N" : "no such name", 3));
    OrtSession *s = OPEN(o, model_denoted);
    CHECK(first_dim(s) == (by_name == 2 ? -1 : 3));
    RUNS(ORT_OK, s, NULL, x, 3, NULL);
    RUNS(by_name == 2 ? ORT_OK : ORT_INVALID_ARGUMENT, s, NULL, x, 2, NULL);
    api->ReleaseSession(s);
  }
}

#ifndef _WIN32
/* Threads that are made and joined by the caller's functions. */
static int made, joined, told;
typedef struct thread {
  pthread_t id;
  OrtThreadWorkerFn fn;
  void *arg;
} thread;
static void *enter(void *p) {
  thread *t = (thread *)p;
  t->fn(t->arg);
  return NULL;
}
static OrtCustomThreadHandle create_thread(void *o, OrtThreadWorkerFn fn, void *arg) {
  thread *t = (thread *)malloc(sizeof *t);
  told += o == &told, made++;
  t->fn = fn, t->arg = arg;
  pthread_create(&t->id, NULL, enter, t);
  return (OrtCustomThreadHandle)t;
}
static OrtCustomThreadHandle create_none(void *o, OrtThreadWorkerFn fn, void *arg) {
  (void)o, (void)fn, (void)arg;
  return NULL;
}
static void join_thread(OrtCustomThreadHandle h) {
  thread *t = (thread *)(void *)h;
  pthread_join(t->id, NULL);
  free(t);
  joined++;
}

static void threads(void) {
  float x[2] = {1, 2}, y = 0;
  made = joined = told = 0;
  OrtSessionOptions *o = options(NULL, NULL);
  OK(SetIntraOpNumThreads(o, 3));
  OK(SessionOptionsSetCustomCreateThreadFn(o, create_thread));
  OK(SessionOptionsSetCustomThreadCreationOptions(o, &told));
  OK(SessionOptionsSetCustomJoinThreadFn(o, join_thread));
  OrtSession *s = OPEN(o, model_add);
  CHECK(made == 2 && told == 2 && joined == 0);
  RUNS(ORT_OK, s, NULL, x, 1, &y);
  CHECK(y == 11);
  api->ReleaseSession(s);
  CHECK(joined == 2);

  o = options(NULL, NULL); /* a function that makes threads and none that joins them */
  OK(SessionOptionsSetCustomCreateThreadFn(o, create_thread));
  OK(SetIntraOpNumThreads(o, 3));
  OrtStatus *failed = api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &s);
  CHECK(failed != NULL);
  api->ReleaseStatus(failed);
  api->ReleaseSessionOptions(o);

  o = options(NULL, NULL); /* a function that makes none */
  OK(SessionOptionsSetCustomCreateThreadFn(o, create_none));
  OK(SessionOptionsSetCustomJoinThreadFn(o, join_thread));
  OK(SetIntraOpNumThreads(o, 3));
  failed = api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &s);
  CHECK(failed != NULL);
  api->ReleaseStatus(failed);
  api->ReleaseSessionOptions(o);

  static const struct {
    const char *text;
    int good;
  } affinities[] = {{"1", 1}, {"1-1", 1}, {"a", 0}, {"1;1;1", 0}, {"0", 0}, {"2-1", 0}};
  for (size_t i = 0; i < sizeof affinities / sizeof *affinities; i++) {
    s = NULL;
    o = options("session.intra_op_thread_affinities", affinities[i].text);
    OK(SetIntraOpNumThreads(o, 2));
    failed = api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &s);
    int good = failed == NULL;
    CHECK(good == affinities[i].good);
    if (good != affinities[i].good) printf("  affinity %s\n", affinities[i].text);
    api->ReleaseStatus(failed), api->ReleaseSession(s), api->ReleaseSessionOptions(o);
  }
  static const char *const spins[][2] = {{"session.intra_op.allow_spinning", "0"},
                                         {"session.intra_op.allow_spinning", "1"},
                                         {"session.intra_op.spin_duration_us", "1000"},
                                         {"session.force_spinning_stop", "1"},
                                         {"session.dynamic_block_base", "4"}};
  for (size_t i = 0; i < sizeof spins / sizeof *spins; i++) {
    o = options(spins[i][0], spins[i][1]);
    OK(SetIntraOpNumThreads(o, 2));
    s = OPEN(o, model_add);
    RUNS(ORT_OK, s, NULL, x, 1, &y);
    CHECK(y == 11);
    api->ReleaseSession(s);
  }
}

/* The pools of an environment: made with the caller's functions, shared by sessions that want none of their own. */
static void shared_threads(void) {
  OrtThreadingOptions *t = NULL;
  OrtSession *s = NULL;
  float x[2] = {1, 2}, y = 0;
  made = joined = told = 0;
  OK(CreateThreadingOptions(&t));
  OK(SetGlobalIntraOpNumThreads(t, 2));
  OK(SetGlobalInterOpNumThreads(t, 1));
  OK(SetGlobalSpinControl(t, 0));
  CODE(ORT_INVALID_ARGUMENT, SetGlobalSpinControl(t, 2));
  OK(SetGlobalDenormalAsZero(t));
  OK(SetGlobalCustomCreateThreadFn(t, create_thread));
  OK(SetGlobalCustomThreadCreationOptions(t, &told));
  OK(SetGlobalCustomJoinThreadFn(t, join_thread));
  OK(CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_WARNING, "pools", t, &env));
  api->ReleaseThreadingOptions(t);
  for (int i = 0; i < 2; i++) {
    OrtSessionOptions *o = options(NULL, NULL);
    OK(DisablePerSessionThreads(o));
    s = OPEN(o, model_add);
    RUNS(ORT_OK, s, NULL, x, 1, &y);
    CHECK(y == 11);
    api->ReleaseSession(s);
  }
  CHECK(made == 1 && told == made);

  api->ReleaseEnv(env);
  CHECK(joined == made);
  env = NULL;
}

static void denormals(void) {
  for (int zero = 0; zero < 2; zero++)
    for (int n = 1; n < 3; n++) {
      float x[4] = {-1e-39f, -1e-39f, -1e-39f, -1e-39f}, z = 1;
      OrtSessionOptions *o = options("session.set_denormal_as_zero", zero ? "1" : "0");
      OK(SetIntraOpNumThreads(o, n));
      OrtSession *s = OPEN(o, model_add);
      OrtValue *vx = rows(x, 2, 2), *vw = NULL, *vz = NULL;
      float w[2] = {0, 0}, *p = NULL;
      int64_t two = 2;
      OK(CreateTensorWithDataAsOrtValue(cpu, w, sizeof w, &two, 1, FLOAT, &vw));
      const char *in[] = {"x", "w"}, *out = "y";
      const OrtValue *given[] = {vx, vw};
      OK(Run(s, NULL, in, given, 2, &out, 1, &vz));
      OK(GetTensorMutableData(vz, (void **)&p));
      z = p[0];
      if (ours) CHECK(zero ? z == 0 : z == -1e-39f); /* theirs: the first session says it for the process */
      api->ReleaseValue(vx), api->ReleaseValue(vw), api->ReleaseValue(vz), api->ReleaseSession(s);
      volatile float tiny = 1e-39f; /* the caller's mode is its own again */
      if (ours) CHECK(tiny * 1.0f != 0);
    }
}

static size_t files(const char *pattern, int take) {
  glob_t g;
  size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
  for (size_t i = 0; take && i < n; i++) remove(g.gl_pathv[i]);
  if (n) globfree(&g);
  return n;
}

static void one_run_profiled(void) {
  float x[2] = {1, 2};
  OrtSession *s = OPEN(options(NULL, NULL), model_add);
  OrtRunOptions *r = NULL;
  OK(CreateRunOptions(&r));
  OK(RunOptionsEnableProfiling(r, "abi_settings_run"));
  OK(RunOptionsSetRunTag(r, "tagged"));
  files("abi_settings_run*.json", 1);
  RUNS(ORT_OK, s, r, x, 1, NULL);
  CHECK(files("abi_settings_run*.json", 1) > 0); /* also one of each attempt that failed, out of memory */
  OK(RunOptionsDisableProfiling(r));
  OK(AddRunConfigEntry(r, "memory.enable_memory_arena_shrinkage", "cpu:0"));
  RUNS(ORT_OK, s, r, x, 1, NULL);
  CHECK(files("abi_settings_run*.json", 1) == 0);
  static const char *const lists[] = {"gpu:0;cpu:0", "cpu:0;foo:0", " cpu:0", ":0", "cpu:0x", "cpu:-1", "cpu: 0", "cpu:1", ";",
                                      "cpu:+0", "cpu:99999999999", "cuda:0", /* from here on right ones */
                                      "cpu:0;cpu:5", "cpu:", "cpu:00", "cpu;;cpu", "cpu:0;gpu:0", "cpu:0:1", "cpu", ""};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    OK(AddRunConfigEntry(r, "memory.enable_memory_arena_shrinkage", lists[i]));
    RUNS(i < 12 ? ORT_INVALID_ARGUMENT : ORT_OK, s, r, x, 1, NULL);
  }
  for (int severity = -2; severity < 7; severity++) {
    OK(RunOptionsSetRunLogSeverityLevel(r, severity));
    RUNS(severity < -1 || severity > 4 ? ORT_FAIL : ORT_OK, s, r, x, 1, NULL);
  }
  api->ReleaseRunOptions(r), api->ReleaseSession(s);
}

static void *stop_later(void *run_options) {
  struct timespec t = {0, 30000000};
  nanosleep(&t, NULL);
  api->ReleaseStatus(api->RunOptionsSetTerminate((OrtRunOptions *)run_options));
  return NULL;
}

static void terminated(void) {
  OrtSession *s = OPEN(options(NULL, NULL), model_endless);
  OrtRunOptions *r = NULL;
  OrtValue *n = NULL, *y = NULL;
  int64_t count = INT64_MAX / 2;
  OK(CreateRunOptions(&r));
  OK(CreateTensorWithDataAsOrtValue(cpu, &count, sizeof count, NULL, 0, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &n));
  const char *in = "n", *out = "y";
  const OrtValue *given = n;
  pthread_t t;
  pthread_create(&t, NULL, stop_later, r);
  OrtStatus *failed = api->Run(s, r, &in, &given, 1, &out, 1, &y);
  pthread_join(t, NULL);
  CHECK(failed && api->GetErrorCode(failed) == ORT_FAIL && !y);
  api->ReleaseStatus(failed);
  OK(RunOptionsUnsetTerminate(r)); /* the session lives on */
  count = 5;
  OK(Run(s, r, &in, &given, 1, &out, 1, &y));
  float *p = NULL;
  OK(GetTensorMutableData(y, (void **)&p));
  CHECK(p && *p == 5);
  api->ReleaseValue(n), api->ReleaseValue(y), api->ReleaseRunOptions(r), api->ReleaseSession(s);
}
#endif

/* What the options say the bytes are, they must be. */
static void model_format(void) {
  OrtSession *s = NULL;
  OrtSessionOptions *o = options("session.load_model_format", "ORT");
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
  api->ReleaseSessionOptions(o);
  api->ReleaseSession(OPEN(options("session.load_model_format", "ONNX"), model_add));
}

static void packed_shared(void) {
  OrtPrepackedWeightsContainer *c = NULL;
  OrtSession *s[2] = {NULL, NULL};
  float x[2] = {1, 2}, y[2] = {0};
  OK(CreatePrepackedWeightsContainer(&c));
  FILE *f = fopen("abi_settings.onnx", "wb");
  CHECK(f && fwrite(model_add, sizeof model_add, 1, f) == 1);
  if (f) fclose(f);
  OrtSessionOptions *o = options(NULL, NULL);
  OK(CreateSessionWithPrepackedWeightsContainer(env, ORT_TSTR("abi_settings.onnx"), o, c, &s[0]));
  OK(CreateSessionFromArrayWithPrepackedWeightsContainer(env, model_add, sizeof model_add, o, c, &s[1]));
  for (int i = 0; i < 2; i++) RUNS(ORT_OK, s[i], NULL, x, 1, &y[i]);
  CHECK(y[0] == 11 && y[1] == 11);
  api->ReleaseSession(s[0]);
  RUNS(ORT_OK, s[1], NULL, x, 1, &y[0]);
  api->ReleaseSession(s[1]), api->ReleasePrepackedWeightsContainer(c), api->ReleaseSessionOptions(o);
  remove("abi_settings.onnx");
}

static int heard, wrong_param;
static void ORT_API_CALL hear(void *param, OrtLoggingLevel severity, const char *category, const char *id,
                              const char *where, const char *message) {
  wrong_param += param != &heard;
  heard += severity >= ORT_LOGGING_LEVEL_WARNING && category && id && where && message && !strcmp(id, "session's name");
}

/* The session's own function hears what its run reports, under the session's name. */
static void logging(void) {
  OrtSessionOptions *o = options("session.no_such_entry", "1");
  OK(SetUserLoggingFunction(o, hear, &heard));
  OK(SetSessionLogId(o, "session's name"));
  OK(SetSessionLogSeverityLevel(o, ORT_LOGGING_LEVEL_WARNING));
  OrtSession *s = OPEN(o, model_add);
  CHECK(heard > 0 && !wrong_param);
  api->ReleaseSession(s);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  ours = strstr(api->GetBuildInfoString(), "sardonyx") != NULL;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
#ifndef _WIN32
  shared_threads();
#endif
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "settings", &env));
  OrtSessionOptions *o = options(NULL, NULL); /* no pools to share */
  OK(DisablePerSessionThreads(o));
  OrtSession *s = NULL;
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
  api->ReleaseSessionOptions(o);
  sizes_fixed();
  model_format();
  packed_shared();
  logging();
#ifndef _WIN32
  threads();
  denormals();
  one_run_profiled();
  terminated();
#endif
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("settings");
}
