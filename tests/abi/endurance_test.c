// SPDX-License-Identifier: MIT
/* What a long-lived process asks: sessions made and released in great number leave nothing, many threads do it at once
 * while others cancel, a child of fork() runs on, and an environment may come and go. */
#include "abi.h"
#include "models.h"
#ifdef _WIN32
int main(void) { return 77; }
#else
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CYCLES = 10000, WARM = 1000, THREADS = 16, ROUNDS = 40 };
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

typedef struct shared {
  OrtRunOptions *stopped[THREADS];
  const OrtSessionOptions *options;
  int wrong[THREADS], next;
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
    s = api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "again", &again);
    all->wrong[me] += s != NULL || again != env;
    api->ReleaseStatus(s), api->ReleaseEnv(again);
  }
  return NULL;
}

static void many_threads(const OrtSessionOptions *o) {
  shared all = {.options = o, .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) OK(CreateRunOptions(&all.stopped[i]));
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, &all);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) {
    CHECK(all.wrong[i] == 0);
    api->ReleaseRunOptions(all.stopped[i]);
  }
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

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  int ours = strstr(api->GetBuildInfoString(), "sardonyx") != NULL;
  OrtSessionOptions *one = NULL, *two = NULL;
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
  many_threads(one);
  many_threads(two);
  api->ReleaseSessionOptions(one), api->ReleaseSessionOptions(two), api->ReleaseMemoryInfo(cpu), api->ReleaseEnv(env);
  return abi_end("endurance");
}
#endif
