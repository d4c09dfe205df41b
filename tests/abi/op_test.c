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

static OrtStatusPtr ORT_API_CALL create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info, void **out) {
  (void)op;
  kernel *k = (kernel *)calloc(1, sizeof *k);
  const char *t[2] = {"T", "I"};
  ONNXTensorElementDataType f[2] = {FLOAT, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64};
  float alpha = 3, beta = 1;
  int64_t no = 0, one = 1, axis = -1;
  OrtOpAttr *attrs[4] = {NULL, NULL, NULL, NULL};
  TRY(a->CreateOp(info, "Add", "", 14, t, f, 1, NULL, 0, 2, 1, &k->add));
  TRY(a->CreateOpAttr("alpha", &alpha, 1, ORT_OP_ATTR_FLOAT, &attrs[0])); /* ONNX Runtime wants them all, here */
  TRY(a->CreateOpAttr("beta", &beta, 1, ORT_OP_ATTR_FLOAT, &attrs[1]));
  TRY(a->CreateOpAttr("transA", &no, 1, ORT_OP_ATTR_INT, &attrs[2]));
  TRY(a->CreateOpAttr("transB", &no, 1, ORT_OP_ATTR_INT, &attrs[3]));
  TRY(a->CreateOp(info, "Gemm", "", 13, t, f, 1, (const OrtOpAttr *const *)attrs, 4, 3, 1, &k->gemm));
  for (int i = 0; i < 4; i++) a->ReleaseOpAttr(attrs[i]);
  TRY(a->CreateOpAttr("axis", &axis, 1, ORT_OP_ATTR_INT, &attrs[0]));
  TRY(a->CreateOpAttr("largest", &one, 1, ORT_OP_ATTR_INT, &attrs[1]));
  TRY(a->CreateOpAttr("sorted", &one, 1, ORT_OP_ATTR_INT, &attrs[2]));
  TRY(a->CreateOp(info, "TopK", "", 11, t, f, 2, (const OrtOpAttr *const *)attrs, 3, 2, 2, &k->top));
  for (int i = 0; i < 3; i++) a->ReleaseOpAttr(attrs[i]);
  OrtOp *none = NULL;
  OrtStatus *s = a->CreateOp(info, "NoSuchOperator", "", 14, t, f, 1, NULL, 0, 2, 1, &none);
  CHECK(s != NULL && none == NULL);
  a->ReleaseStatus(s);
  made++;
  *out = k;
  return NULL;
}

static OrtStatus *over(void *data, size_t bytes, size_t rank, const int64_t *dims, ONNXTensorElementDataType type,
                       OrtValue **v) {
  return api->CreateTensorWithDataAsOrtValue(cpu, data, bytes, dims, rank, type, v);
}

static OrtStatus *use(kernel *k, OrtKernelContext *c, const OrtValue *x, OrtValue *y) {
  const OrtValue *two[2] = {x, x};
  OrtValue *const out[1] = {y};
  TRY(api->InvokeOp(c, k->add, two, 2, out, 1));
  OrtStatus *s = api->InvokeOp(c, k->add, two, 1, out, 1); /* created for two inputs */
  CHECK(s != NULL);
  api->ReleaseStatus(s);

  float a[4] = {1, 2, 3, 4}, b[4] = {1, 0, 0, 1}, bias[2] = {10, 20}, r[4] = {0};
  int64_t square[2] = {2, 2}, row[1] = {2}, count = 1, index[1] = {9}, one[1] = {1};
  OrtValue *in[3] = {NULL, NULL, NULL}, *res = NULL;
  TRY(over(a, sizeof a, 2, square, FLOAT, &in[0]));
  TRY(over(b, sizeof b, 2, square, FLOAT, &in[1]));
  TRY(over(bias, sizeof bias, 1, row, FLOAT, &in[2]));
  TRY(over(r, sizeof r, 2, square, FLOAT, &res));
  OrtValue *const gemm_out[1] = {res};
  TRY(api->InvokeOp(c, k->gemm, (const OrtValue *const *)in, 3, gemm_out, 1));
  CHECK(r[0] == 13 && r[1] == 26 && r[2] == 19 && r[3] == 32);
  for (int i = 0; i < 3; i++) api->ReleaseValue(in[i]);
  api->ReleaseValue(res);

  float best[1] = {0};
  OrtValue *top[2] = {NULL, NULL}, *found[2] = {NULL, NULL};
  int64_t four[1] = {4};
  TRY(over(a, sizeof a, 1, four, FLOAT, &top[0]));
  TRY(over(&count, sizeof count, 1, one, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &top[1]));
  TRY(over(best, sizeof best, 1, one, FLOAT, &found[0]));
  TRY(over(index, sizeof index, 1, one, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &found[1]));
  TRY(api->InvokeOp(c, k->top, (const OrtValue *const *)top, 2, found, 2));
  CHECK(best[0] == 4 && index[0] == 3);
  for (int i = 0; i < 2; i++) api->ReleaseValue(top[i]), api->ReleaseValue(found[i]);
  return NULL;
}

static OrtStatusPtr ORT_API_CALL compute(void *state, OrtKernelContext *c) {
  const OrtValue *x = NULL;
  OrtValue *y = NULL;
  OrtTensorTypeAndShapeInfo *s = NULL;
  int64_t n = 0;
  TRY(api->KernelContext_GetInput(c, 0, &x));
  TRY(api->GetTensorTypeAndShape(x, &s));
  TRY(api->GetDimensions(s, &n, 1));
  api->ReleaseTensorTypeAndShapeInfo(s);
  TRY(api->KernelContext_GetOutput(c, 0, &n, 1, &y));
  return use((kernel *)state, c, x, y);
}

static void ORT_API_CALL destroy(void *state) {
  kernel *k = (kernel *)state;
  api->ReleaseOp(k->add), api->ReleaseOp(k->gemm), api->ReleaseOp(k->top);
  free(k);
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
