// SPDX-License-Identifier: MIT
/* Small things through the C interface, of each library that is named, in turns: to create a session of a small model, run it and
 * release it; and what memory an environment with such a session takes beyond the loaded library. Processor time, the least of
 * many batches. Built by hand:
 *   cc -O2 -Iinclude bench/cycle.c -ldl -o cycle && ./cycle build/libsardonyx.so.1 libonnxruntime.so.1 */
#include "../tests/abi/models.h"
#include "onnxruntime_c_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 50, BATCHES = 20, MOST = 4 };
typedef struct library {
  const OrtApi *api;
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtMemoryInfo *cpu;
  double least; /* microseconds */
} library;

static void must(const OrtApi *api, OrtStatus *s) {
  if (!s) return;
  printf("%s\n", api->GetErrorMessage(s));
  exit(1);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}
/* What no other process could share, in kB. */
static long memory(void) {
  char line[256];
  long kb = 0, all = 0;
  FILE *f = fopen("/proc/self/smaps_rollup", "r");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "Private_Dirty: %ld", &kb) == 1) all += kb;
  if (f) fclose(f);
  return all;
}

static library open_library(const char *file) {
  library l = {.least = 1e30};
  void *h = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  const OrtApiBase *(*base)(void) = NULL;
  if (h) *(void **)&base = dlsym(h, "OrtGetApiBase");
  if (!base) printf("%s\n", dlerror()), exit(1);
  l.api = base()->GetApi(ORT_API_VERSION);
  return l;
}
static void start(library *l) {
  must(l->api, l->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "cycle", &l->env));
  must(l->api, l->api->CreateSessionOptions(&l->options));
  must(l->api, l->api->SetIntraOpNumThreads(l->options, 1));
  must(l->api, l->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &l->cpu));
}
static OrtSession *session(const library *l) {
  OrtSession *s;
  must(l->api, l->api->CreateSessionFromArray(l->env, model_add, sizeof model_add, l->options, &s));
  return s;
}
static void cycle(const library *l) {
  static const char *const in[] = {"x"}, *const out[] = {"y", "z"};
  const int64_t dims[2] = {1, 2};
  float data[2] = {1, 2};
  OrtSession *s = session(l);
  OrtValue *x, *results[2] = {0};
  must(l->api, l->api->CreateTensorWithDataAsOrtValue(l->cpu, data, sizeof data, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
  must(l->api, l->api->Run(s, NULL, in, (const OrtValue *const *)&x, 1, out, 2, results));
  for (int i = 0; i < 2; i++) l->api->ReleaseValue(results[i]);
  l->api->ReleaseValue(x);
  l->api->ReleaseSession(s);
}
/* In a process of its own. */
static void weigh(const char *file) {
  fflush(stdout);
  const pid_t child = fork();
  if (child) {
    waitpid(child, NULL, 0);
    return;
  }
  library l = open_library(file);
  const long before = memory();
  start(&l);
  (void)session(&l);
  printf("%-40s environment and session %ld kB; the loaded library %ld kB\n", file, memory() - before, before);
  fflush(stdout);
  _exit(0);
}

int main(int argc, char **argv) {
  library l[MOST];
  int n = argc - 1 < MOST ? argc - 1 : MOST;
  for (int k = 0; k < n; k++) weigh(argv[k + 1]);
  for (int k = 0; k < n; k++) l[k] = open_library(argv[k + 1]), start(&l[k]);
  for (int b = 0; b < BATCHES; b++)
    for (int k = 0; k < n; k++) {
      const double begin = now();
      for (int i = 0; i < BATCH; i++) cycle(&l[k]);
      const double us = (now() - begin) / BATCH;
      if (us < l[k].least) l[k].least = us;
    }
  for (int k = 0; k < n; k++) printf("%-40s create, run, release %8.1f us, %.2f of the first\n", argv[k + 1], l[k].least, l[k].least / l[0].least);
  return 0;
}
