// SPDX-License-Identifier: MIT
/* What a long-lived process asks: environment and session are small, sessions made and released in great number leave nothing, many
 * threads do it at once while others cancel, also on one session and with allocators of the environment, a child of fork() runs on,
 * an environment may come and go, and no thread stays behind it. */
#include "abi.h"
#include "models.h"
#ifdef _WIN32
int main(void) { return 77; }
#else
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CYCLES = 10000, WARM = 1000, THREADS = 64, ROUNDS = 10, ROWS = 20000 };
static OrtEnv *env;
static OrtMemoryInfo *cpu;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* keeps what was freed */
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

static size_t resident(void) { /* bytes; 0 where that is not known */
  unsigned long all = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%lu %lu", &all, &pages) != 2) pages = 0;
  if (f) fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Makes a session, runs it, releases all; what the run gave. */
static OrtErrorCode cycle(const OrtRunOptions *ro, const OrtSessionOptions *o, float *first) {
  OrtSession *s = NULL;
  OrtValue *x = NULL, *y = NULL;
  float data[2] = {1, 2}, *p = NULL;
  int64_t dims[2] = {1, 2};
  const char *in = "x", *out = "y";
  OrtStatus *failed = api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &s);
  if (!failed)
    failed = api->CreateTensorWithDataAsOrtValue(cpu, data, sizeof data, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x);
  const OrtValue *given = x;
  if (!failed) failed = api->Run(s, ro, &in, &given, 1, &out, 1, &y);
  if (!failed) failed = api->GetTensorMutableData(y, (void **)&p);
  if (p) *first = p[0];
  OrtErrorCode code = failed ? api->GetErrorCode(failed) : ORT_OK;
  api->ReleaseStatus(failed), api->ReleaseValue(x), api->ReleaseValue(y), api->ReleaseSession(s);
  return code;
}

static void cycles(const OrtSessionOptions *o) {
  size_t before = 0;
  int bad = 0;
  for (int i = 0; i < CYCLES; i++) {
    float y = 0;
    bad += cycle(NULL, o, &y) != ORT_OK || y != 11;
    if (i == WARM) before = resident();
  }
  size_t after = resident();
  CHECK(!bad);
  if (SANITIZED) return;
  CHECK(after < before + (2u << 20));
  if (after >= before + (2u << 20)) printf("  %zu bytes more after %d sessions\n", after - before, CYCLES - WARM);
}

/* Threads of this process; 0 where that is not known. */
static int tasks(void) {
  DIR *d = opendir("/proc/self/task");
  int n = 0;
  for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
  if (d) closedir(d);
  return n;
}

/* A run of enough rows for several threads, on a session that others use, too. */
static OrtErrorCode run_wide(OrtSession *s, const OrtRunOptions *ro) {
  float *rows = (float *)malloc(sizeof *rows * 2 * ROWS), *p = NULL;
  const int64_t dims[2] = {ROWS, 2};
  const char *in = "x", *out = "y";
  OrtValue *x = NULL, *y = NULL;
  for (int i = 0; i < 2 * ROWS; i++) rows[i] = (float)i;
  OrtStatus *failed =
      api->CreateTensorWithDataAsOrtValue(cpu, rows, sizeof *rows * 2 * ROWS, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x);
  const OrtValue *given = x;
  if (!failed) failed = api->Run(s, ro, &in, &given, 1, &out, 1, &y);
  if (!failed) failed = api->GetTensorMutableData(y, (void **)&p);
  OrtErrorCode code = failed ? api->GetErrorCode(failed) : p[2 * ROWS - 2] == (float)(2 * ROWS - 2) + 10 ? ORT_OK : ORT_EP_FAIL;
  api->ReleaseStatus(failed), api->ReleaseValue(x), api->ReleaseValue(y), free(rows);
  return code;
}

/* The caller's part is done when the callback has been called. */
typedef struct later {
  atomic_int done, bad;
} later;
static void ORT_API_CALL called(void *user, OrtValue **outputs, size_t n, OrtStatusPtr status) {
  later *l = (later *)user;
  if (status) atomic_store(&l->bad, api->GetErrorCode(status) != ORT_FAIL);
  else if (n != 1 || !outputs[0]) atomic_store(&l->bad, 1);
  api->ReleaseStatus(status);
  atomic_store(&l->done, 1);
}
static int run_later(OrtSession *s, const OrtRunOptions *ro) {
  float data[2] = {1, 2};
  const int64_t dims[2] = {1, 2};
  const char *in = "x", *out = "y";
  OrtValue *x = NULL, *y = NULL;
  later l = {0};
  OrtStatus *failed = api->CreateTensorWithDataAsOrtValue(cpu, data, sizeof data, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x);
  const OrtValue *given = x;
  if (!failed) failed = api->RunAsync(s, ro, &in, &given, 1, &out, 1, &y, called, &l);
  while (!failed && !atomic_load(&l.done)) usleep(100);
  int bad = failed != NULL || atomic_load(&l.bad);
  api->ReleaseStatus(failed), api->ReleaseValue(x), api->ReleaseValue(y);
  return bad;
}

typedef struct shared {
  OrtRunOptions *stopped[THREADS];
  OrtSession *session;
  const OrtSessionOptions *options;
  int wrong[THREADS], next, later; /* later: asynchronous runs, which want a second thread */
  pthread_mutex_t lock;
} shared;

static void *work(void *arg) {
  shared *all = (shared *)arg;
  pthread_mutex_lock(&all->lock);
  int me = all->next++;
  pthread_mutex_unlock(&all->lock);
  for (int i = 0; i < ROUNDS; i++) {
    float y = 0;
    OrtRunOptions *mine = all->stopped[me], *neighbour = all->stopped[(me + 1) % THREADS];
    OrtErrorCode code = cycle(mine, all->options, &y);
    all->wrong[me] += !(code == ORT_FAIL || (code == ORT_OK && y == 11));
    OrtStatus *s = i % 3 ? api->RunOptionsUnsetTerminate(mine) : api->RunOptionsSetTerminate(neighbour);
    api->ReleaseStatus(s);
    OrtEnv *again = NULL;
    code = run_wide(all->session, mine);
    all->wrong[me] += code != ORT_OK && code != ORT_FAIL;
    all->wrong[me] += all->later && i % 4 == 0 && run_later(all->session, mine);
    OrtAllocator *heap = NULL; /* of the environment: one, whoever asks */
    s = api->CreateAllocator(all->session, cpu, &heap);
    void *p = NULL;
    if (!s) s = api->AllocatorAlloc(heap, 1000, &p);
    if (!s) s = api->AllocatorFree(heap, p);
    all->wrong[me] += s != NULL;
    api->ReleaseStatus(s), api->ReleaseAllocator(heap);
    s = i % 2 ? api->CreateAndRegisterAllocator(env, cpu, NULL) : api->UnregisterAllocator(env, cpu);
    api->ReleaseStatus(s); /* another may have been first */
    s = api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "again", &again);
    all->wrong[me] += s != NULL || again != env;
    api->ReleaseStatus(s), api->ReleaseEnv(again);
  }
  return NULL;
}

static void many_threads(const OrtSessionOptions *o, int later) {
  shared all = {.options = o, .later = later, .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) OK(CreateRunOptions(&all.stopped[i]));
  OK(CreateSessionFromArray(env, model_add, sizeof model_add, o, &all.session));
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, &all);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) {
    CHECK(all.wrong[i] == 0);
    api->ReleaseRunOptions(all.stopped[i]);
  }
  api->ReleaseSession(all.session);
}

/* What environment, session and a run take, in pages of this process; a library that loads costs its own. */
static void footprint(int ours) {
  OrtMemoryInfo *none = NULL;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &none)); /* what the first call of all takes is the loader's */
  api->ReleaseMemoryInfo(none);
  const size_t before = resident();
  OrtSession *s = NULL;
  OrtSessionOptions *o = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "small", &env));
  OK(CreateSessionOptions(&o));
  OK(CreateSessionFromArray(env, model_add, sizeof model_add, o, &s));
  const size_t after = resident();
  if (ours && !SANITIZED && !getenv("SX_EMULATED")) CHECK(after < before + (3u << 20));
  if (ours && !SANITIZED && after >= before + (3u << 20)) printf("  environment and session take %zu bytes\n", after - before);
  api->ReleaseSession(s), api->ReleaseSessionOptions(o), api->ReleaseEnv(env);
}

/* A child has none of the parent's threads, and all of its sessions. */
static void forked(const OrtSessionOptions *o) {
  float y = 0;
  CHECK(cycle(NULL, o, &y) == ORT_OK);
  pid_t child = fork();
  if (child == 0) {
    alarm(30);
    _exit(cycle(NULL, o, &y) != ORT_OK || y != 11);
  }
  int how = -1;
  CHECK(waitpid(child, &how, 0) == child && how == 0);
}

/* Sessions on a plugin provider: as many come and go, and a child has them, too. */
static void with_plugin(void) {
  const OrtEpDevice *const *all = NULL;
  const OrtEpDevice *sample = NULL;
  OrtSessionOptions *o = NULL;
  size_t n = 0;
  OK(RegisterExecutionProviderLibrary(env, "sample", ORT_TSTR_ON_MACRO(SX_SAMPLE_PROVIDER)));
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "SampleProvider")) sample = all[i];
  OK(CreateSessionOptions(&o));
  OK(SetIntraOpNumThreads(o, 1));
  OK(SessionOptionsAppendExecutionProvider_V2(o, env, &sample, 1, NULL, NULL, 0));
  cycles(o);
  forked(o);
  api->ReleaseSessionOptions(o);
  OK(UnregisterExecutionProviderLibrary(env, "sample"));
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  int ours = strstr(api->GetBuildInfoString(), "sardonyx") != NULL;
  OrtSessionOptions *one = NULL, *two = NULL;
  footprint(ours);
  for (int i = 0; i < 3; i++) { /* the last release ends it, and it may be made anew */
    OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "endurance", &env));
    if (i < 2) api->ReleaseEnv(env);
  }
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateSessionOptions(&one));
  OK(SetIntraOpNumThreads(one, 1));
  OK(CreateSessionOptions(&two));
  OK(SetIntraOpNumThreads(two, 2));
  if (ours) cycles(one); /* theirs takes long */
  forked(ours ? two : one);
  if (ours) with_plugin();
  many_threads(one, 0);
  many_threads(two, 1);
  const int with = tasks();
  api->ReleaseSessionOptions(one), api->ReleaseSessionOptions(two), api->ReleaseMemoryInfo(cpu), api->ReleaseEnv(env);
  const int without = tasks();
  if (ours && !SANITIZED && !getenv("SX_EMULATED")) CHECK(without <= 1); /* a sanitizer, an emulator may have one of their own */
  if (without > 1) printf("  %d threads, %d without an environment\n", with, without);
  return abi_end("endurance");
}
#endif
