// SPDX-License-Identifier: MIT
/* What a Run costs over the bare plan: the same small model by the executor alone, by Run into given values, and by RunWithBinding, in
 * turns; the least of many batches each. And how often the last of them allocates. Built by hand:
 *   cc -O2 -Isrc -Iinclude bench/overhead.c build/libsardonyx.a -lm -lpthread -ldl -o overhead */
#include "../tests/abi/models.h"
#include "onnxruntime_c_api.h"
#include "run/session.h"
#include "sardonyx.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 2000, BATCHES = 200, WAYS = 3 };
static const OrtApi *api;
static struct {
  sx_session *plan;
  sx_rt_value *in[2], *out[2];
  OrtSession *session;
  OrtValue *x, *y, *z;
  OrtIoBinding *binding;
} all;

static void must(OrtStatus *s) {
  if (!s) return;
  printf("%s\n", api->GetErrorMessage(s));
  exit(1);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void bare(void) {
  sx_err e;
  if (sx_session_run(all.plan, NULL, all.in, all.out, NULL, &e) != SX_OK) printf("%s\n", e.msg), exit(1);
}
static void run(void) {
  const char *in = "x", *const out[] = {"y", "z"};
  const OrtValue *x = all.x;
  OrtValue *results[] = {all.y, all.z};
  must(api->Run(all.session, NULL, &in, &x, 1, out, 2, results));
}
static void bound(void) { must(api->RunWithBinding(all.session, NULL, all.binding)); }

static void open_all(void) {
  sx_err e;
  static float data[3][2] = {{1, 2}};
  const int64_t dims[2] = {1, 2};
  OrtEnv *env;
  OrtSessionOptions *o;
  OrtMemoryInfo *cpu;
  OrtValue **const values[] = {&all.x, &all.y, &all.z};
  must(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "overhead", &env));
  must(api->CreateSessionOptions(&o));
  must(api->SetIntraOpNumThreads(o, 1));
  must(api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &all.session));
  must(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  for (int i = 0; i < 3; i++)
    must(api->CreateTensorWithDataAsOrtValue(cpu, data[i], sizeof data[i], dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, values[i]));
  must(api->CreateIoBinding(all.session, &all.binding));
  must(api->BindInput(all.binding, "x", all.x));
  must(api->BindOutput(all.binding, "y", all.y));
  must(api->BindOutput(all.binding, "z", all.z));
  if (sx_session_create_bytes(model_add, sizeof model_add, &(sx_session_options){.level = 99}, &all.plan, &e) != SX_OK ||
      sx_rt_tensor_wrap(SX_F32, 2, dims, data[0], sizeof data[0], &sx_memory_cpu, NULL, NULL, &all.in[0], &e) != SX_OK ||
      sx_rt_tensor_wrap(SX_F32, 2, dims, data[1], sizeof data[1], &sx_memory_cpu, NULL, NULL, &all.out[0], &e) != SX_OK ||
      sx_rt_tensor_wrap(SX_F32, 2, dims, data[2], sizeof data[2], &sx_memory_cpu, NULL, NULL, &all.out[1], &e) != SX_OK)
    printf("%s\n", e.msg), exit(1);
}

int main(void) {
  void (*const ways[WAYS])(void) = {bare, run, bound};
  static const char *const names[WAYS] = {"the plan alone", "Run", "RunWithBinding"};
  double least[WAYS] = {1e9, 1e9, 1e9};
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  open_all();
  for (int b = 0; b < BATCHES; b++)
    for (int w = 0; w < WAYS; w++) {
      const double begin = now();
      for (int i = 0; i < BATCH; i++) ways[w]();
      const double ns = (now() - begin) / BATCH;
      if (ns < least[w]) least[w] = ns;
    }
  for (int w = 0; w < WAYS; w++) printf("%-16s%8.1f ns%8.1f ns more\n", names[w], least[w], least[w] - least[0]);
  const SardonyxExtension *x = SardonyxGetExtension(SARDONYX_EXTENSION_VERSION);
  const uint64_t before = x->Allocations();
  for (int i = 0; i < BATCH; i++) bound();
  printf("%llu allocations in %d runs with a binding\n", (unsigned long long)(x->Allocations() - before), BATCH);
  return 0;
}
