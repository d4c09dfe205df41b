// SPDX-License-Identifier: MIT
/* A library that is closed leaves nothing: no mapping, no thread, no heap, no open file, however often it comes and goes, with a plugin
 * provider in it or without. While an environment or a session lives the library stays, though its user has closed it, and goes with
 * the last of them. (The library of the other tests is never closed.) */
#include <string.h>
#include "abi.h"
#include "models.h"
#if !defined(__linux__) || !defined(__GLIBC__)
int main(void) { return 77; }
#else
#include <dirent.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

enum { CYCLES = 1000, WARM = 120 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* has threads and files of its own, and a heap that is not the system's */
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif
static char library[PATH_MAX], provider[PATH_MAX];

static int mapped(const char *path) { /* regions of that file in this process */
  char line[PATH_MAX + 200];
  int n = 0;
  FILE *f = fopen("/proc/self/maps", "r");
  while (f && fgets(line, sizeof line, f)) n += strstr(line, path) != NULL;
  if (f) fclose(f);
  return n;
}
static int entries(const char *of) { /* "task": threads; "fd": open files */
  char path[64];
  snprintf(path, sizeof path, "/proc/self/%s", of);
  DIR *d = opendir(path);
  int n = 0;
  for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
  if (d) closedir(d);
  return n;
}

typedef struct life {
  void *handle;
  OrtEnv *env;
  OrtSession *session;
  OrtMemoryInfo *cpu;
} life;
static void run(life *l) {
  float data[2] = {1, 2}, *p = NULL;
  const int64_t dims[2] = {1, 2};
  const char *in = "x", *out = "y";
  OrtValue *x = NULL, *y = NULL;
  OK(CreateTensorWithDataAsOrtValue(l->cpu, data, sizeof data, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
  const OrtValue *given = x;
  OK(Run(l->session, NULL, &in, &given, 1, &out, 1, &y));
  if (y) OK(GetTensorMutableData(y, (void **)&p));
  CHECK(p && p[0] == 11);
  api->ReleaseValue(x), api->ReleaseValue(y);
}
static life begin(int with_provider) {
  life l = {0};
  OrtSessionOptions *o = NULL;
  l.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void *f = l.handle ? dlsym(l.handle, "OrtGetApiBase") : NULL;
  const OrtApiBase *(ORT_API_CALL * get)(void);
  memcpy(&get, &f, sizeof get);
  base = f ? get() : NULL;
  api = base ? base->GetApi(ORT_API_VERSION) : NULL;
  if (!api) {
    printf("%s: %s\n", library, l.handle ? "no such API version" : dlerror());
    exit(2);
  }
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "unload", &l.env));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &l.cpu));
  OK(CreateSessionOptions(&o));
  OK(SetIntraOpNumThreads(o, 2));
  if (with_provider) OK(RegisterExecutionProviderLibrary(l.env, "sample", provider));
  OK(CreateSessionFromArray(l.env, model_add, sizeof model_add, o, &l.session));
  api->ReleaseSessionOptions(o);
  return l;
}

static void come_and_go(int ours) {
  size_t heap = 0;
  int files = 0;
  const int cycles = ours && !SANITIZED ? CYCLES : WARM / 4;
  for (int i = 0; i < cycles; i++) {
    life l = begin(i % 2);
    run(&l);
    api->ReleaseMemoryInfo(l.cpu), api->ReleaseSession(l.session);
    if (i % 2) OK(UnregisterExecutionProviderLibrary(l.env, "sample"));
    api->ReleaseEnv(l.env);
    CHECK(dlclose(l.handle) == 0);
    if (i > 0 && i != WARM && i != cycles - 1) continue;
    if (ours && !SANITIZED) CHECK(mapped(library) == 0 && mapped(provider) == 0);
    if (ours && !SANITIZED && !getenv("SX_EMULATED")) CHECK(entries("task") == 1);
    if (i == WARM) heap = mallinfo2().uordblks, files = entries("fd");
  }
  if (SANITIZED || !ours) return;
  CHECK(entries("fd") == files);
  if (getenv("SX_EMULATED")) return;
  const size_t after = mallinfo2().uordblks;
  CHECK(after <= heap);
  if (after > heap) printf("  %zu bytes of heap after %d lives, %zu after %d\n", heap, WARM, after, cycles);
}

/* Closed too early: environment first, then session, or the other way round. */
static void closed_while_alive(int session_last) {
  life l = begin(0);
  CHECK(dlclose(l.handle) == 0);
  CHECK(mapped(library) > 0);
  run(&l);
  api->ReleaseMemoryInfo(l.cpu);
  if (session_last) api->ReleaseEnv(l.env);
  CHECK(mapped(library) > 0);
  api->ReleaseSession(l.session);
  if (!session_last) api->ReleaseEnv(l.env);
  if (!SANITIZED) CHECK(mapped(library) == 0);
}

int main(int argc, char **argv) {
  if (!getenv("GLIBC_TUNABLES") && !SANITIZED && !getenv("SX_EMULATED")) { /* or the heap counts blocks that it keeps for a thread */
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1", 1);
    execv("/proc/self/exe", argv);
  }
  if (argc < 2 || !realpath(argv[1], library) || !realpath(SX_SAMPLE_PROVIDER, provider)) {
    printf("usage: %s LIBRARY\n", argv[0]);
    return 2;
  }
  life l = begin(0);
  const int ours = strstr(api->GetBuildInfoString(), "sardonyx") != NULL;
  api->ReleaseMemoryInfo(l.cpu), api->ReleaseSession(l.session), api->ReleaseEnv(l.env);
  dlclose(l.handle);
  come_and_go(ours);
  if (ours && !SANITIZED) closed_while_alive(0), closed_while_alive(1);
  return abi_end("unload");
}
#endif
