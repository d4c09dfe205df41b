// SPDX-License-Identifier: MIT
/* All at once, by 64 threads: sessions on providers that are plugins, which another thread loads and unloads; adapters, packages,
 * compiling, quantising and calibrating; weights that sessions share, values in a device's memory; runs and loads that a neighbour
 * cancels; with threads of each session's own, then with those of the environment. What an answer may be is checked; whether
 * anything races ThreadSanitizer says. */
#include <string.h>
#include "abi.h"
#include "models.h"
#if defined(_WIN32)
int main(void) { return 77; }
#else
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sardonyx.h"

enum { THREADS = 64, ROUNDS = 3 };
#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static const char digits[] = SX_SOURCE_DIR "/examples/digits/digits.onnx";
static OrtEnv *env;
static OrtMemoryInfo *cpu;
static const SardonyxExtension *extension;
static const OrtEpDevice *sample, *device;
static OrtSession *common; /* of all threads */
static OrtPrepackedWeightsContainer *packed;
static OrtRunOptions *runs[THREADS];
static OrtSessionOptions *loads[THREADS]; /* a neighbour may cancel what is loaded with them */
static char folder[] = "/tmp/abi_crowd_XXXXXX";
static int global; /* the environment's threads */

static int worked(OrtStatus *s, OrtErrorCode or_this) { /* or was cancelled, which has this code */
  OrtErrorCode code = s ? api->GetErrorCode(s) : ORT_OK;
  if (code != ORT_OK && code != or_this) printf("code %d: %s\n", (int)code, api->GetErrorMessage(s));
  api->ReleaseStatus(s);
  return code == ORT_OK || code == or_this;
}
static OrtSessionOptions *options(int me) {
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  if (global) OK(DisablePerSessionThreads(o));
  else OK(SetIntraOpNumThreads(o, 1 + me % 2));
  return o;
}

/* One row through x + w and what else model_add has; what comes out first, or -1: it was cancelled. */
static int run(OrtSession *s, const OrtRunOptions *o, float expected) {
  float data[2] = {1, 2}, *y = NULL;
  const int64_t dims[2] = {1, 2};
  const char *in = "x", *out = "y";
  OrtValue *vx = NULL, *vy = NULL;
  int good = worked(api->CreateTensorWithDataAsOrtValue(cpu, data, sizeof data, dims, 2, FLOAT, &vx), ORT_OK);
  good &= worked(api->Run(s, o, &in, (const OrtValue *const *)&vx, 1, &out, 1, &vy), ORT_FAIL);
  if (vy) good &= worked(api->GetTensorMutableData(vy, (void **)&y), ORT_OK) && y[0] == expected;
  api->ReleaseValue(vx), api->ReleaseValue(vy);
  return good;
}
static int run_and_release(OrtSession *s, OrtSessionOptions *o, int me) {
  int good = s && run(s, runs[me], 11);
  api->ReleaseSession(s), api->ReleaseSessionOptions(o);
  return good;
}

/* ---- what a thread does ---- */
static int on_provider(int me, const OrtEpDevice *d, const char *key, const char *value) {
  OrtSessionOptions *o = options(me);
  OrtSession *s = NULL;
  int good = worked(api->SessionOptionsAppendExecutionProvider_V2(o, env, &d, 1, &key, &value, key != NULL), ORT_OK);
  good &= worked(api->CreateSessionFromArray(env, model_add, sizeof model_add, o, &s), ORT_OK);
  return run_and_release(s, o, me) && good;
}
static int on_sample(int me) { return on_provider(me, sample, NULL, NULL); }
static int on_device(int me) { return on_provider(me, device, NULL, NULL); }
static int in_groups(int me) { return on_provider(me, device, "mode", "compile"); }
static int with_streams(int me) { return on_provider(me, device, "streams", "1"); }
static int come_and_go(int me) { /* the name decides what that provider does wrong: nothing */
  (void)me;
  int good = worked(api->RegisterExecutionProviderLibrary(env, "nothing", ORT_TSTR_ON_MACRO(SX_BAD_PROVIDER)), ORT_FAIL);
  return worked(api->UnregisterExecutionProviderLibrary(env, "nothing"), ORT_FAIL) && good;
}
static int adapter(int me) {
  OrtLoraAdapter *a = NULL;
  OrtRunOptions *o = NULL;
  (void)me;
  int good = worked(api->CreateLoraAdapterFromArray(model_adapter, sizeof model_adapter, NULL, &a), ORT_OK);
  good &= worked(api->CreateRunOptions(&o), ORT_OK) && worked(api->RunOptionsAddActiveLoraAdapter(o, a), ORT_OK);
  good &= run(common, o, 101);
  api->ReleaseRunOptions(o), api->ReleaseLoraAdapter(a);
  return good;
}
static int packaged(int me) {
  const OrtModelPackageApi *p = api->GetModelPackageApi();
  OrtModelPackageContext *c = NULL;
  OrtModelPackageOptions *choice = NULL;
  OrtModelPackageComponentContext *x = NULL;
  OrtSessionOptions *o = options(me);
  OrtSession *s = NULL;
  int good = worked(p->CreateModelPackageContext(folder, &c), ORT_OK) &&
             worked(p->CreateModelPackageOptionsFromSessionOptions(env, o, &choice), ORT_OK) &&
             worked(p->SelectComponent(c, "first", choice, &x), ORT_OK) &&
             worked(p->CreateSession(env, x, NULL, &s), ORT_OK);
  p->ReleaseModelPackageContext(c), p->ReleaseModelPackageOptions(choice), p->ReleaseModelPackageComponentContext(x);
  return run_and_release(s, o, me) && good;
}
static int compiled(int me) {
  const OrtCompileApi *c = api->GetCompileApi();
  OrtSessionOptions *o = options(me);
  OrtModelCompilationOptions *m = NULL;
  OrtAllocator *heap = NULL;
  OrtSession *s = NULL;
  void *bytes = NULL;
  size_t n = 0;
  int good = worked(api->GetAllocatorWithDefaultOptions(&heap), ORT_OK) &&
             worked(c->CreateModelCompilationOptionsFromSessionOptions(env, o, &m), ORT_OK) &&
             worked(c->ModelCompilationOptions_SetInputModelFromBuffer(m, model_add, sizeof model_add), ORT_OK) &&
             worked(c->ModelCompilationOptions_SetOutputModelBuffer(m, heap, &bytes, &n), ORT_OK) &&
             worked(c->CompileModel(env, m), ORT_OK) && worked(api->CreateSessionFromArray(env, bytes, n, o, &s), ORT_OK);
  c->ReleaseModelCompilationOptions(m);
  good &= run_and_release(s, o, me);
  if (bytes) heap->Free(heap, bytes);
  return good;
}
static int quantised(int me) {
  char to[64];
  OrtKeyValuePairs *how = NULL;
  OrtAllocator *heap = NULL;
  char *report = NULL;
  if (!extension) return 1;
  snprintf(to, sizeof to, "%s/%d.onnx", folder, me);
  api->CreateKeyValuePairs(&how), api->AddKeyValuePair(how, "mode", "dynamic");
  int good = worked(api->GetAllocatorWithDefaultOptions(&heap), ORT_OK) &&
             worked(extension->Quantize(env, digits, to, how, 1, heap, &report), ORT_OK);
  if (report) heap->Free(heap, report);
  api->ReleaseKeyValuePairs(how);
  return good & (remove(to) == 0);
}
static int calibrated(int me) {
  static float picture[64];
  static const int64_t dims[4] = {1, 1, 8, 8};
  const char *in = "image";
  SardonyxCalibration *c = NULL;
  OrtSessionOptions *o = options(me);
  OrtAllocator *heap = NULL;
  OrtValue *x = NULL;
  char *ranges = NULL;
  int good = 1;
  if (extension) {
    good = worked(api->GetAllocatorWithDefaultOptions(&heap), ORT_OK) &&
           worked(api->CreateTensorWithDataAsOrtValue(cpu, picture, sizeof picture, dims, 4, FLOAT, &x), ORT_OK) &&
           worked(extension->CreateCalibration(env, o, digits, &c), ORT_OK) &&
           worked(extension->Calibrate(c, &in, (const OrtValue *const *)&x, 1), ORT_OK) &&
           worked(extension->CalibrationRanges(c, "minmax", 100, heap, &ranges), ORT_OK);
    if (ranges) heap->Free(heap, ranges);
    extension->ReleaseCalibration(c);
  }
  api->ReleaseValue(x), api->ReleaseSessionOptions(o);
  return good;
}
static int shared_weights(int me) {
  OrtSessionOptions *o = options(me);
  OrtSession *s = NULL;
  int good = worked(api->CreateSessionWithPrepackedWeightsContainer(env, digits, o, packed, &s), ORT_OK);
  api->ReleaseSession(s), api->ReleaseSessionOptions(o);
  return good;
}
static int cancelled(int me) {
  OrtSession *s = NULL;
  const int next = (me + 1) % THREADS;
  int good = worked(api->SessionOptionsSetLoadCancellationFlag(loads[next], me % 2), ORT_OK);
  good &= worked(me % 3 ? api->RunOptionsUnsetTerminate(runs[me]) : api->RunOptionsSetTerminate(runs[next]), ORT_OK);
  good &= worked(api->CreateSession(env, digits, loads[me], &s), ORT_MODEL_LOAD_CANCELED);
  api->ReleaseSession(s);
  return good & run(common, runs[me], 11);
}
static int there_and_back(int me) { /* values in the device's memory, by the allocator that all share */
  float out[4] = {(float)me, 1, 2, 3}, in[4] = {0};
  const int64_t four = 4;
  OrtAllocator *there = NULL;
  OrtValue *from = NULL, *on = NULL, *to = NULL;
  int good = worked(api->GetSharedAllocator(env, api->EpDevice_MemoryInfo(device, OrtDeviceMemoryType_DEFAULT), &there), ORT_OK) &&
             worked(api->CreateTensorAsOrtValue(there, &four, 1, FLOAT, &on), ORT_OK) &&
             worked(api->CreateTensorWithDataAsOrtValue(cpu, out, sizeof out, &four, 1, FLOAT, &from), ORT_OK) &&
             worked(api->CreateTensorWithDataAsOrtValue(cpu, in, sizeof in, &four, 1, FLOAT, &to), ORT_OK) &&
             worked(api->CopyTensors(env, (const OrtValue *const *)&from, &on, NULL, 1), ORT_OK) &&
             worked(api->CopyTensors(env, (const OrtValue *const *)&on, &to, NULL, 1), ORT_OK) && !memcmp(in, out, sizeof in);
  api->ReleaseValue(from), api->ReleaseValue(on), api->ReleaseValue(to);
  return good;
}

static const struct {
  const char *name;
  int (*does)(int me);
} tasks[] = {{"sample provider", on_sample}, {"device", on_device},          {"groups", in_groups},
             {"streams", with_streams},      {"come and go", come_and_go},   {"adapter", adapter},
             {"package", packaged},          {"compile", compiled},          {"quantise", quantised},
             {"calibrate", calibrated},      {"shared weights", shared_weights}, {"cancel", cancelled},
             {"copies", there_and_back}};
enum { TASKS = sizeof tasks / sizeof *tasks };

static void *work(void *arg) {
  const int me = (int)(intptr_t)arg;
  for (int i = 0; i < ROUNDS * TASKS; i++) {
    const int k = (me + i) % TASKS;
    const int good = tasks[k].does(me);
    CHECK(good);
    if (!good) printf("thread %d: %s\n", me, tasks[k].name);
  }
  return NULL;
}

static const OrtEpDevice *find(const char *name) {
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), name)) return all[i];
  CHECK(!"there is such a device");
  return NULL;
}
static void put(const char *name, const void *data, size_t n) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (!data) {
    CHECK(n ? mkdir(path, 0777) == 0 : remove(path) == 0);
    return;
  }
  FILE *f = fopen(path, "wb");
  CHECK(f && fwrite(data, 1, n, f) == n);
  if (f) fclose(f);
}
static void package_of(int there) {
  static const char manifest[] =
      "{\"schema_version\":\"1.0\",\"package_name\":\"p\",\"components\":{\"first\":{\"variants\":{\"cpu\":{\"variant_directory\":\"cpu\","
      "\"ep\":\"CPUExecutionProvider\",\"executor_info\":{\"ort\":{\"model_file\":\"model.onnx\"}}}}}}}";
  if (there) {
    CHECK(mkdtemp(folder) != NULL);
    put("cpu", NULL, 1);
  }
  put("cpu/model.onnx", there ? model_add : NULL, there ? sizeof model_add : 0);
  put("manifest.json", there ? manifest : NULL, there ? sizeof manifest - 1 : 0);
  if (there) return;
  put("cpu", NULL, 0);
  CHECK(remove(folder) == 0);
}

static void crowd(void) {
  pthread_t t[THREADS];
  OK(RegisterExecutionProviderLibrary(env, "sample", ORT_TSTR_ON_MACRO(SX_SAMPLE_PROVIDER)));
  OK(RegisterExecutionProviderLibrary(env, "device", ORT_TSTR_ON_MACRO(SX_DEVICE_PROVIDER)));
  sample = find("SampleProvider"), device = find("DeviceOne");
  OrtSessionOptions *o = options(1);
  OK(CreateSessionFromArray(env, model_add, sizeof model_add, o, &common));
  api->ReleaseSessionOptions(o);
  OK(CreatePrepackedWeightsContainer(&packed));
  for (int i = 0; i < THREADS; i++) OK(CreateRunOptions(&runs[i])), loads[i] = options(i);
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)(intptr_t)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) api->ReleaseRunOptions(runs[i]), api->ReleaseSessionOptions(loads[i]);
  api->ReleaseSession(common);
  api->ReleasePrepackedWeightsContainer(packed);
  OK(UnregisterExecutionProviderLibrary(env, "sample"));
  OK(UnregisterExecutionProviderLibrary(env, "device"));
  api->ReleaseEnv(env);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  if (!strstr(api->GetBuildInfoString(), "sardonyx")) return 77; /* the device is one that no other library survives */
  void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *f = h ? dlsym(h, "SardonyxGetExtension") : NULL;
  SardonyxGetExtensionFn get;
  memcpy(&get, &f, sizeof get);
  extension = f ? get(SARDONYX_EXTENSION_VERSION) : NULL;
  OrtThreadingOptions *threads = NULL;
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  package_of(1);
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "crowd", &env));
  crowd();
  OK(CreateThreadingOptions(&threads));
  OK(SetGlobalIntraOpNumThreads(threads, 3));
  OK(CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_FATAL, "crowd", threads, &env));
  api->ReleaseThreadingOptions(threads);
  global = 1;
  crowd();
  package_of(0);
  api->ReleaseMemoryInfo(cpu);
  return abi_end("crowd");
}
#endif
