// SPDX-License-Identifier: MIT
/* Sessions on the test device that are planned while they run, once for each rank that an input has: in several threads, with
 * nothing kept of those that were dropped, and written as a context model once. And values that bodies and kernels hand on. */
#include <pthread.h>
#include "device_session.h"

/* Runs `ranks` on ones of this shape. */
static int run_shape(OrtSession *s, int64_t rows, int64_t columns) {
  const char *in = "x", *out = "y";
  const int64_t dims[] = {rows, columns};
  OrtValue *x = NULL, *y = NULL;
  float *data = NULL;
  OK(CreateTensorAsOrtValue(allocator, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
  OK(GetTensorMutableData(x, (void **)&data));
  for (int64_t i = 0; i < rows * columns; i++) data[i] = 1;
  OrtStatus *failed = api->Run(s, NULL, &in, (const OrtValue *const *)&x, 1, &out, 1, &y);
  if (failed) printf("%s\n", api->GetErrorMessage(failed));
  int ok = !failed;
  if (ok) OK(GetTensorMutableData(y, (void **)&data));
  for (int64_t i = 0; i < rows * columns && ok; i++) ok = fabsf(data[i] - 2.0f / (float)columns) < 1e-5f;
  api->ReleaseStatus(failed);
  api->ReleaseValue(x);
  api->ReleaseValue(y);
  return ok;
}

typedef struct Job {
  OrtSession *s;
  int64_t rows;
} Job;
static void *work(void *p) {
  const Job *j = p;
  int good = 0;
  for (int64_t n = 1; n <= 20; n++) good += run_shape(j->s, j->rows, n);
  return (void *)(intptr_t)good;
}
static void many_shapes(const char *options) {
  enum { N = 4 };
  pthread_t t[N];
  Job jobs[N];
  OrtSession *s = OPEN(ranks, options);
  CHECK(s != NULL);
  if (!s) return;
  CHECK(run_shape(s, 2, 3) && run_shape(s, 2, 3));
  const int64_t each = count->kernels + count->states;
  CHECK(each > 0);
  for (int64_t n = 4; n < 30; n++) CHECK(run_shape(s, 2, n));
  CHECK(count->kernels + count->states <= 8 * each); /* as many as are kept */
  for (int k = 0; k < N; k++) {
    jobs[k] = (Job){s, k + 3};
    pthread_create(&t[k], NULL, work, &jobs[k]);
  }
  for (int k = 0; k < N; k++) {
    void *good = NULL;
    pthread_join(t[k], &good);
    CHECK((intptr_t)good == 20);
  }
  CHECK(count->kernels + count->states <= 8 * each);
  api->ReleaseSession(s);
  CHECK(count->kernels == 0 && count->states == 0 && count->groups == 0);
}

/* Read twice before it stands, and then for every shape: written once. */
static void context_once(void) {
  static const char *const file = "abi_device_variants.onnx";
  OrtSession *s = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){"mode=compile"});
  remove(file);
  OK(AddSessionConfigEntry(o, "ep.context_enable", "1"));
  OK(AddSessionConfigEntry(o, "ep.context_file_path", file));
  OK(CreateSessionFromArray(env, model_device_ranks, sizeof model_device_ranks, o, &s));
  CHECK(s && run_shape(s, 2, 3) && run_shape(s, 2, 4));
  api->ReleaseSession(s);
  s = NULL;
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_device_ranks, sizeof model_device_ranks, o, &s)); /* it is there */
  api->ReleaseSessionOptions(o);
  o = options_of((const char *const[DEVICES]){"mode=compile"});
  OK(CreateSession(env, ORT_TSTR_ON_MACRO("abi_device_variants.onnx"), o, &s));
  CHECK(s && run_shape(s, 2, 3) && run_shape(s, 2, 4) && run_shape(s, 3, 1));
  api->ReleaseSession(s);
  api->ReleaseSessionOptions(o);
  CHECK(!remove(file));
}

/* A body makes the output: it is copied to where the caller wants it, behind the work of the run, also where the caller waits
 * for that. */
static void late_outputs(void) {
  OrtSession *cpu = OPEN(either, NULL), *s = OPEN(either, "streams=1");
  for (int lazy = 0; lazy < 2; lazy++) {
    Values in, out;
    OrtIoBinding *b = NULL;
    OrtRunOptions *o = NULL;
    OrtSyncStream *mine = NULL;
    name_values(cpu, &in, &out);
    for (size_t i = 0; i < 2; i++) in.at[i] = make_input(cpu, i, lazy);
    OK(Run(cpu, NULL, (const char *const *)in.names, (const OrtValue *const *)in.at, 2, (const char *const *)out.names, 1,
           out.at));
    OrtValue *x = on_device(in.at[1], 1), *y = on_device(out.at[0], 0);
    OK(CreateIoBinding(s, &b));
    OK(BindInput(b, "n", in.at[0]));
    OK(BindInput(b, "x", x));
    OK(BindOutput(b, "y", y));
    OK(CreateRunOptions(&o));
    if (lazy) OK(AddRunConfigEntry(o, "disable_synchronize_execution_providers", "1"));
    if (lazy) OK(CreateSyncStreamForEpDevice(device[0], NULL, &mine));
    if (lazy) api->RunOptionsSetSyncStream(o, mine);
    OK(RunWithBinding(s, o, b));
    api->ReleaseSyncStream(mine); /* when all of its work is done */
    CHECK(same_there(out.at[0], y));
    api->ReleaseRunOptions(o);
    api->ReleaseIoBinding(b);
    api->ReleaseValue(x);
    api->ReleaseValue(y);
    drop_values(&in);
    drop_values(&out);
  }
  api->ReleaseSession(s);
  api->ReleaseSession(cpu);
}

/* What goes through a body is not the caller's own value. */
static void passed_through(void) {
  OrtSession *s = OPEN(passed, "");
  OrtIoBinding *b = NULL;
  OrtValue *x[2], **made = NULL;
  size_t n = 0;
  OK(CreateIoBinding(s, &b));
  for (size_t i = 0; i < 2; i++) {
    OrtValue *h = make_input(s, i, 1);
    x[i] = on_device(h, 1);
    OK(BindInput(b, i ? "x" : "s", x[i]));
    OK(BindOutputToDevice(b, i ? "l" : "f", api->EpDevice_MemoryInfo(device[0], OrtDeviceMemoryType_DEFAULT)));
    api->ReleaseValue(h);
  }
  OK(RunWithBinding(s, NULL, b));
  OK(GetBoundOutputValues(b, allocator, &made, &n));
  for (size_t i = 0; i < n; i++) {
    char *out = NULL, *in = NULL;
    OK(GetTensorMutableData(made[i], (void **)&out));
    for (size_t k = 0; k < 2; k++) {
      OK(GetTensorMutableData(x[k], (void **)&in));
      CHECK(out < in || out >= in + (k ? 3 : 1) * 4 * sizeof(float));
    }
    api->ReleaseValue(made[i]);
  }
  CHECK(n == 2);
  allocator->Free(allocator, made);
  for (size_t i = 0; i < 2; i++) api->ReleaseValue(x[i]);
  api->ReleaseIoBinding(b);
  api->ReleaseSession(s);
}

/* Without any optimisation shapes stay computed, though what they are is known: no weight to be packed. */
static void computed_shape(void) {
  OrtSession *cpu = OPEN(again, NULL), *s = NULL;
  OrtSessionOptions *o = options_of((const char *const[DEVICES]){""});
  OK(SetSessionGraphOptimizationLevel(o, ORT_DISABLE_ALL));
  OK(CreateSessionFromArray(env, model_device_again, sizeof model_device_again, o, &s));
  CHECK(s && compare(cpu, s, 1));
  api->ReleaseSession(s);
  api->ReleaseSession(cpu);
  api->ReleaseSessionOptions(o);
}

int main(int argc, char **argv) {
  if (!open_device(argc, argv)) return 1;
  many_shapes("");
  many_shapes("mode=compile");
  many_shapes("streams=1");
  context_once();
  late_outputs();
  passed_through();
  computed_shape();
  return close_device("device_variants");
}
