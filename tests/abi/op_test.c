// SPDX-License-Identifier: MIT
/* Built-in operators called from inside a custom one: made with the kernel, invoked in every run, with and without
 * attributes. */
#include "abi.h"
#include "models.h"

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
#define TRY(call)           \
  do {                      \
    OrtStatus *s_ = (call); \
    if (s_) return s_;      \
  } while (0)
static OrtMemoryInfo *cpu;
static int made, destroyed;
typedef struct kernel {
  OrtOp *add, *gemm, *top;
} kernel;

static OrtStatus *create_ops(const OrtApi *a, const OrtKernelInfo *info, kernel *k, OrtOpAttr *attrs[4], OrtOpAttr *of_top[3]) {
  const char *t[2] = {"T", "I"};
  ONNXTensorElementDataType f[2] = {FLOAT, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64};
  float alpha = 3, beta = 1;
  int64_t no = 0, one = 1, axis = -1;
  TRY(a->CreateOp(info, "Add", "", 14, t, f, 1, NULL, 0, 2, 1, &k->add));
  TRY(a->CreateOpAttr("alpha", &alpha, 1, ORT_OP_ATTR_FLOAT, &attrs[0])); /* ONNX Runtime wants them all, here */
  TRY(a->CreateOpAttr("beta", &beta, 1, ORT_OP_ATTR_FLOAT, &attrs[1]));
  TRY(a->CreateOpAttr("transA", &no, 1, ORT_OP_ATTR_INT, &attrs[2]));
  TRY(a->CreateOpAttr("transB", &no, 1, ORT_OP_ATTR_INT, &attrs[3]));
  TRY(a->CreateOp(info, "Gemm", "", 13, t, f, 1, (const OrtOpAttr *const *)attrs, 4, 3, 1, &k->gemm));
  TRY(a->CreateOpAttr("axis", &axis, 1, ORT_OP_ATTR_INT, &of_top[0]));
  TRY(a->CreateOpAttr("largest", &one, 1, ORT_OP_ATTR_INT, &of_top[1]));
  TRY(a->CreateOpAttr("sorted", &one, 1, ORT_OP_ATTR_INT, &of_top[2]));
  TRY(a->CreateOp(info, "TopK", "", 11, t, f, 2, (const OrtOpAttr *const *)of_top, 3, 2, 2, &k->top));
  OrtOp *none = NULL;
  OrtStatus *s = a->CreateOp(info, "NoSuchOperator", "", 14, t, f, 1, NULL, 0, 2, 1, &none);
  CHECK(s != NULL && none == NULL);
  a->ReleaseStatus(s);
  return NULL;
}
static void drop(kernel *k) {
  api->ReleaseOp(k->add), api->ReleaseOp(k->gemm), api->ReleaseOp(k->top);
  free(k);
}
static OrtStatusPtr ORT_API_CALL create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info, void **out) {
  kernel *k = (kernel *)calloc(1, sizeof *k);
  OrtOpAttr *attrs[4] = {NULL, NULL, NULL, NULL}, *of_top[3] = {NULL, NULL, NULL};
  (void)op;
  OrtStatus *failed = create_ops(a, info, k, attrs, of_top);
  for (int i = 0; i < 4; i++) a->ReleaseOpAttr(attrs[i]);
  for (int i = 0; i < 3; i++) a->ReleaseOpAttr(of_top[i]);
  if (failed) {
    drop(k);
    return failed;
  }
  made++;
  *out = k;
  return NULL;
}

static OrtStatus *over(void *data, size_t bytes, size_t rank, const int64_t *dims, ONNXTensorElementDataType type,
                       OrtValue **v) {
  return api->CreateTensorWithDataAsOrtValue(cpu, data, bytes, dims, rank, type, v);
}

/* v: three inputs and the output of Gemm, two and two of TopK; the caller releases them. */
static OrtStatus *use(kernel *k, OrtKernelContext *c, const OrtValue *x, OrtValue *y, OrtValue *v[8]) {
  const OrtValue *two[2] = {x, x};
  OrtValue *const out[1] = {y};
  TRY(api->InvokeOp(c, k->add, two, 2, out, 1));
  OrtStatus *s = api->InvokeOp(c, k->add, two, 1, out, 1); /* created for two inputs */
  CHECK(s != NULL);
  api->ReleaseStatus(s);

  float a[4] = {1, 2, 3, 4}, b[4] = {1, 0, 0, 1}, bias[2] = {10, 20}, r[4] = {0};
  int64_t square[2] = {2, 2}, row[1] = {2}, count = 1, index[1] = {9}, one[1] = {1};
  TRY(over(a, sizeof a, 2, square, FLOAT, &v[0]));
  TRY(over(b, sizeof b, 2, square, FLOAT, &v[1]));
  TRY(over(bias, sizeof bias, 1, row, FLOAT, &v[2]));
  TRY(over(r, sizeof r, 2, square, FLOAT, &v[3]));
  TRY(api->InvokeOp(c, k->gemm, (const OrtValue *const *)v, 3, v + 3, 1));
  CHECK(r[0] == 13 && r[1] == 26 && r[2] == 19 && r[3] == 32);

  float best[1] = {0};
  int64_t four[1] = {4};
  TRY(over(a, sizeof a, 1, four, FLOAT, &v[4]));
  TRY(over(&count, sizeof count, 1, one, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &v[5]));
  TRY(over(best, sizeof best, 1, one, FLOAT, &v[6]));
  TRY(over(index, sizeof index, 1, one, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &v[7]));
  TRY(api->InvokeOp(c, k->top, (const OrtValue *const *)v + 4, 2, v + 6, 2));
  CHECK(best[0] == 4 && index[0] == 3);
  return NULL;
}

static OrtStatusPtr ORT_API_CALL compute(void *state, OrtKernelContext *c) {
  const OrtValue *x = NULL;
  OrtValue *y = NULL;
  OrtTensorTypeAndShapeInfo *s = NULL;
  OrtValue *v[8] = {NULL};
  int64_t n = 0;
  TRY(api->KernelContext_GetInput(c, 0, &x));
  TRY(api->GetTensorTypeAndShape(x, &s));
  OrtStatus *failed = api->GetDimensions(s, &n, 1);
  api->ReleaseTensorTypeAndShapeInfo(s);
  TRY(failed);
  TRY(api->KernelContext_GetOutput(c, 0, &n, 1, &y));
  failed = use((kernel *)state, c, x, y, v);
  for (int i = 0; i < 8; i++) api->ReleaseValue(v[i]);
  return failed;
}

static void ORT_API_CALL destroy(void *state) {
  drop((kernel *)state);
  destroyed++;
}
static const char *ORT_API_CALL name(const OrtCustomOp *op) { return (void)op, "Scale"; }
static const char *ORT_API_CALL provider(const OrtCustomOp *op) { return (void)op, NULL; }
static ONNXTensorElementDataType ORT_API_CALL type(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, FLOAT; }
static size_t ORT_API_CALL one(const OrtCustomOp *op) { return (void)op, 1; }
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL required(const OrtCustomOp *op, size_t i) {
  return (void)op, (void)i, INPUT_OUTPUT_REQUIRED;
}
static OrtMemType ORT_API_CALL memory(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, OrtMemTypeDefault; }
static int ORT_API_CALL start(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_API_CALL end(const OrtCustomOp *op) { return (void)op, 1000; }

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  static OrtCustomOp op;
  op.version = ORT_API_VERSION;
  op.GetName = name, op.GetExecutionProviderType = provider, op.GetInputType = type, op.GetOutputType = type;
  op.GetInputTypeCount = op.GetOutputTypeCount = one, op.KernelDestroy = destroy;
  op.GetInputCharacteristic = op.GetOutputCharacteristic = required, op.GetInputMemoryType = memory;
  op.CreateKernelV2 = create, op.KernelComputeV2 = compute, op.GetStartVersion = start, op.GetEndVersion = end;
  OrtEnv *env = NULL;
  OrtSessionOptions *o = NULL;
  OrtCustomOpDomain *domain = NULL;
  OrtSession *s = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "op", &env));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  OK(CreateSessionOptions(&o));
  OK(CreateCustomOpDomain("my.ops", &domain));
  OK(CustomOpDomain_Add(domain, &op));
  OK(AddCustomOpDomain(o, domain));
  OK(CreateSessionFromArray(env, model_invoke, sizeof model_invoke, o, &s));
  CHECK(made == 1);
  for (int64_t n = 1; n < 40; n += 13) {
    float data[40], *got = NULL;
    for (int i = 0; i < n; i++) data[i] = (float)i;
    OrtValue *x = NULL, *y = NULL;
    const char *in = "x", *out = "y";
    OK(CreateTensorWithDataAsOrtValue(cpu, data, (size_t)n * sizeof *data, &n, 1, FLOAT, &x));
    OK(Run(s, NULL, &in, (const OrtValue *const *)&x, 1, &out, 1, &y));
    if (y) {
      OK(GetTensorMutableData(y, (void **)&got));
      for (int i = 0; i < n; i++) CHECK(got[i] == 2 * data[i]);
    }
    api->ReleaseValue(x), api->ReleaseValue(y);
  }
  api->ReleaseSession(s);
  CHECK(destroyed == 1);
  api->ReleaseSessionOptions(o);
  api->ReleaseCustomOpDomain(domain);
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("op");
}
