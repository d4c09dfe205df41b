// SPDX-License-Identifier: MIT
/* A custom operator in a session that is planned anew for every shape: its kernels, and the constants that they hold, go with
 * the plans that are dropped. */
#include <pthread.h>
#include "abi.h"
#include "models.h"

static _Atomic int alive, most;
typedef struct kernel {
  const OrtValue *weights; /* the session's: read in every run */
} kernel;

#define TRY(call)           \
  do {                      \
    OrtStatus *s_ = (call); \
    if (s_) return s_;      \
  } while (0)

static OrtStatusPtr ORT_API_CALL create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info, void **out) {
  const OrtValue *again = NULL;
  int constant = 0;
  kernel *k = (kernel *)calloc(1, sizeof *k);
  (void)op;
  TRY(a->KernelInfoGetConstantInput_tensor(info, 0, &constant, &again));
  CHECK(!constant && !again);
  TRY(a->KernelInfoGetConstantInput_tensor(info, 1, &constant, &k->weights));
  TRY(a->KernelInfoGetConstantInput_tensor(info, 1, &constant, &again));
  CHECK(constant && k->weights == again);
  if (++alive > most) most = alive;
  *out = k;
  return NULL;
}
static void ORT_API_CALL destroy(void *p) {
  alive--;
  free(p);
}
static OrtStatusPtr ORT_API_CALL compute(void *p, OrtKernelContext *c) {
  const float *w = NULL, *x = NULL;
  const OrtValue *in = NULL;
  OrtValue *out = NULL;
  OrtTensorTypeAndShapeInfo *info = NULL;
  float *y = NULL;
  int64_t dims[8];
  size_t rank = 0, n = 0;
  TRY(api->GetTensorData(((kernel *)p)->weights, (const void **)&w));
  TRY(api->KernelContext_GetInput(c, 0, &in));
  TRY(api->GetTensorTypeAndShape(in, &info));
  TRY(api->GetDimensionsCount(info, &rank));
  TRY(api->GetDimensions(info, dims, 8));
  TRY(api->GetTensorShapeElementCount(info, &n));
  api->ReleaseTensorTypeAndShapeInfo(info);
  TRY(api->KernelContext_GetOutput(c, 0, dims, rank, &out));
  TRY(api->GetTensorData(in, (const void **)&x));
  TRY(api->GetTensorMutableData(out, (void **)&y));
  for (size_t i = 0; i < n; i++) y[i] = w[0] * x[i] + w[1];
  return NULL;
}
static const char *ORT_API_CALL name(const OrtCustomOp *op) { return (void)op, "Weigh"; }
static const char *ORT_API_CALL provider(const OrtCustomOp *op) { return (void)op, (const char *)NULL; }
static size_t ORT_API_CALL two(const OrtCustomOp *op) { return (void)op, 2; }
static size_t ORT_API_CALL one(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_API_CALL first(const OrtCustomOp *op) { return (void)op, 1; }
static ONNXTensorElementDataType ORT_API_CALL floats(const OrtCustomOp *op, size_t i) {
  return (void)op, (void)i, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL required(const OrtCustomOp *op, size_t i) {
  return (void)op, (void)i, INPUT_OUTPUT_REQUIRED;
}
static OrtMemType ORT_API_CALL on_cpu(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, OrtMemTypeDefault; }

static int run(OrtSession *s, int64_t rows, int64_t columns) {
  const char *in = "x", *out = "y";
  const int64_t dims[] = {rows, columns};
  OrtAllocator *a = NULL;
  OrtValue *x = NULL, *y = NULL;
  float *data = NULL;
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateTensorAsOrtValue(a, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
  OK(GetTensorMutableData(x, (void **)&data));
  for (int64_t i = 0; i < rows * columns; i++) data[i] = 1;
  OrtStatus *failed = api->Run(s, NULL, &in, (const OrtValue *const *)&x, 1, &out, 1, &y);
  if (failed) printf("%s\n", api->GetErrorMessage(failed));
  if (y) OK(GetTensorMutableData(y, (void **)&data));
  int ok = !failed;
  for (int64_t i = 0; i < rows * columns && ok; i++) {
    float far = data[i] - (3.0f / (float)columns + 4);
    ok = far < 1e-5f && far > -1e-5f;
  }
  api->ReleaseStatus(failed);
  api->ReleaseValue(x);
  api->ReleaseValue(y);
  return ok;
}
typedef struct job {
  OrtSession *s;
  int64_t rows;
} job;
static void *work(void *p) {
  const job *j = (const job *)p;
  for (int64_t n = 1; n <= 20; n++) CHECK(run(j->s, j->rows, n));
  return NULL;
}

int main(int argc, char **argv) {
  enum { THREADS = 4, KEPT = 8 };
  if (!abi_load(argc, argv)) return 2;
  OrtCustomOp op = {0};
  OrtEnv *env = NULL;
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OrtCustomOpDomain *d = NULL;
  pthread_t t[THREADS];
  job jobs[THREADS];
  op.version = ORT_API_VERSION;
  op.GetName = name, op.GetExecutionProviderType = provider;
  op.GetInputType = floats, op.GetInputTypeCount = two, op.GetOutputType = floats, op.GetOutputTypeCount = one;
  op.GetInputCharacteristic = op.GetOutputCharacteristic = required, op.GetInputMemoryType = on_cpu;
  op.GetVariadicInputMinArity = op.GetVariadicInputHomogeneity = first;
  op.GetVariadicOutputMinArity = op.GetVariadicOutputHomogeneity = first;
  op.CreateKernelV2 = create, op.KernelComputeV2 = compute, op.KernelDestroy = destroy;
  op.GetStartVersion = op.GetEndVersion = first;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "abi", &env));
  OK(CreateSessionOptions(&o));
  OK(CreateCustomOpDomain("my.ops", &d));
  OK(CustomOpDomain_Add(d, &op));
  OK(AddCustomOpDomain(o, d));
  OK(CreateSessionFromArray(env, model_weighed, sizeof model_weighed, o, &s));
  for (int64_t n = 1; n <= 30 && s; n++) CHECK(run(s, 2, n));
  for (int k = 0; k < THREADS && s; k++) {
    jobs[k].s = s, jobs[k].rows = k + 3;
    pthread_create(&t[k], NULL, work, &jobs[k]);
  }
  for (int k = 0; k < THREADS && s; k++) pthread_join(t[k], NULL);
  CHECK(alive >= 1 && most <= KEPT + THREADS);
  api->ReleaseSession(s);
  CHECK(alive == 0);
  api->ReleaseSessionOptions(o);
  api->ReleaseCustomOpDomain(d);
  api->ReleaseEnv(env);
  return abi_end("custom_variants");
}
