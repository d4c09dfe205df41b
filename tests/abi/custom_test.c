// SPDX-License-Identifier: MIT
/* Custom operators: structs of an old and of a new version, attributes, strings, variadic inputs, shape functions,
 * failures. */
#include <math.h>
#include "abi.h"
#include "models.h"

static int made, destroyed, fail_now;
typedef struct kernel {
  float factor;
  const OrtApi *api;
} kernel;

#define TRY(call)           \
  do {                      \
    OrtStatus *s_ = (call); \
    if (s_) return s_;      \
  } while (0)

/* ---- Scale: y = factor * x; the newest struct ---- */
static OrtStatusPtr ORT_API_CALL scale_create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info,
                                              void **out) {
  (void)op;
  kernel *k = (kernel *)calloc(1, sizeof *k);
  int64_t ints[3] = {0};
  char text[16], name[16];
  size_t n = 0, in = 0, outs = 0;
  k->api = a;
  TRY(a->KernelInfoGetAttribute_float(info, "factor", &k->factor));
  float unused;
  OrtStatus *none = a->KernelInfoGetAttribute_float(info, "no such attribute", &unused);
  CHECK(none != NULL);
  a->ReleaseStatus(none);
  TRY(a->KernelInfoGetAttributeArray_int64(info, "shape", NULL, &n));
  CHECK(n == 3);
  TRY(a->KernelInfoGetAttributeArray_int64(info, "shape", ints, &n));
  CHECK(ints[0] == 1 && ints[2] == 3);
  n = 0;
  TRY(a->KernelInfoGetAttribute_string(info, "label", NULL, &n));
  CHECK(n == 8);
  TRY(a->KernelInfoGetAttribute_string(info, "label", text, &n));
  CHECK(!strcmp(text, "a label"));
  n = sizeof name;
  TRY(a->KernelInfo_GetNodeName(info, name, &n));
  CHECK(!strcmp(name, "scale"));
  n = sizeof name;
  TRY(a->KernelInfo_GetInputName(info, 0, name, &n));
  CHECK(!strcmp(name, "x"));
  TRY(a->KernelInfo_GetInputCount(info, &in));
  TRY(a->KernelInfo_GetOutputCount(info, &outs));
  CHECK(in == 1 && outs == 1);
  OrtKernelInfo *copy = NULL;
  TRY(a->CopyKernelInfo(info, &copy));
  a->ReleaseKernelInfo(copy);
  const OrtLogger *logger = NULL;
  TRY(a->KernelInfo_GetLogger(info, &logger));
  TRY(a->Logger_LogMessage(logger, ORT_LOGGING_LEVEL_VERBOSE, "made", ORT_FILE, __LINE__, "scale_create"));
  made++;
  *out = k;
  return NULL;
}

typedef struct job {
  const float *x;
  float *y;
  float factor;
} job;
static void scale_one(void *data, size_t i) {
  job *j = (job *)data;
  j->y[i] = j->x[i] * j->factor;
}

static OrtStatusPtr ORT_API_CALL scale_compute(void *p, OrtKernelContext *context) {
  kernel *k = (kernel *)p;
  const OrtApi *a = k->api;
  if (fail_now) return a->CreateStatus(ORT_EP_FAIL, "asked to fail");
  size_t n = 0, rank = 0;
  const OrtValue *in = NULL;
  OrtValue *out = NULL;
  OrtTensorTypeAndShapeInfo *info = NULL;
  int64_t dims[8];
  TRY(a->KernelContext_GetInputCount(context, &n));
  CHECK(n == 1);
  TRY(a->KernelContext_GetInput(context, 0, &in));
  TRY(a->GetTensorTypeAndShape(in, &info));
  TRY(a->GetDimensionsCount(info, &rank));
  TRY(a->GetDimensions(info, dims, 8));
  TRY(a->GetTensorShapeElementCount(info, &n));
  a->ReleaseTensorTypeAndShapeInfo(info);
  TRY(a->KernelContext_GetOutput(context, 0, dims, rank, &out));
  job j = {NULL, NULL, k->factor};
  const void *x = NULL;
  TRY(a->GetTensorData(in, &x));
  TRY(a->GetTensorMutableData(out, (void **)&j.y));
  j.x = (const float *)x;
  return a->KernelContext_ParallelFor(context, scale_one, n, 0, &j);
}

static void ORT_API_CALL destroy(void *p) {
  destroyed++;
  free(p);
}

static OrtStatusPtr ORT_API_CALL scale_shape(const OrtCustomOp *op, OrtShapeInferContext *context) {
  (void)op;
  OrtTensorTypeAndShapeInfo *info = NULL;
  size_t n = 0;
  TRY(api->ShapeInferContext_GetInputCount(context, &n));
  CHECK(n == 1);
  TRY(api->ShapeInferContext_GetInputTypeShape(context, 0, &info));
  const OrtOpAttr *attr = NULL;
  float factor = 0;
  TRY(api->ShapeInferContext_GetAttribute(context, "factor", &attr));
  TRY(api->ReadOpAttr(attr, ORT_OP_ATTR_FLOAT, &factor, sizeof factor, &n));
  CHECK(factor == 2.5f && n == sizeof factor);
  return api->ShapeInferContext_SetOutputTypeShape(context, 0, info);
}

static const char *ORT_API_CALL scale_name(const OrtCustomOp *op) {
  (void)op;
  return "Scale";
}
static const char *ORT_API_CALL shout_name(const OrtCustomOp *op) {
  (void)op;
  return "Shout";
}
static const char *ORT_API_CALL join_name(const OrtCustomOp *op) {
  (void)op;
  return "Join";
}
static const char *ORT_API_CALL cpu(const OrtCustomOp *op) {
  (void)op;
  return NULL;
}
static ONNXTensorElementDataType ORT_API_CALL floats(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}
static ONNXTensorElementDataType ORT_API_CALL strings(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
}
static ONNXTensorElementDataType ORT_API_CALL any(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}
static size_t ORT_API_CALL one(const OrtCustomOp *op) {
  (void)op;
  return 1;
}
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL required(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return INPUT_OUTPUT_REQUIRED;
}
static OrtCustomOpInputOutputCharacteristic ORT_API_CALL variadic(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return INPUT_OUTPUT_VARIADIC;
}
static OrtMemType ORT_API_CALL in_memory(const OrtCustomOp *op, size_t i) {
  (void)op, (void)i;
  return OrtMemTypeDefault;
}
static int ORT_API_CALL arity(const OrtCustomOp *op) {
  (void)op;
  return 1;
}
static int ORT_API_CALL start(const OrtCustomOp *op) {
  (void)op;
  return 1;
}
static int ORT_API_CALL end(const OrtCustomOp *op) {
  (void)op;
  return 1000;
}
static size_t ORT_API_CALL no_pairs(int **in, int **out) {
  *in = *out = NULL;
  return 0;
}
static void ORT_API_CALL release_pairs(int *in, int *out) { (void)in, (void)out; }

/* ---- Shout: text in capitals; the struct of version 8, which ends early ---- */
static void *ORT_API_CALL old_create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info) {
  (void)op, (void)info;
  kernel *k = (kernel *)calloc(1, sizeof *k);
  k->api = a;
  made++;
  return k;
}

/* An operator of that age cannot say that it failed: it tries again. */
static int worked(const OrtApi *a, OrtStatus *s) {
  a->ReleaseStatus(s);
  return s == NULL;
}
#define MUST(call)                            \
  do {                                        \
    int ok_ = worked(a, (call));              \
    if (!ok_) ok_ = worked(a, (call));        \
    CHECK(ok_);                               \
  } while (0)
static void ORT_API_CALL shout(void *p, OrtKernelContext *context) {
  const OrtApi *a = ((kernel *)p)->api;
  const OrtValue *in = NULL;
  OrtValue *out = NULL;
  OrtTensorTypeAndShapeInfo *info = NULL;
  int64_t count = 0;
  size_t n = 0, len = 0;
  char text[64];
  MUST(a->KernelContext_GetInput(context, 0, &in));
  MUST(a->GetTensorTypeAndShape(in, &info));
  MUST(a->GetTensorShapeElementCount(info, &n));
  a->ReleaseTensorTypeAndShapeInfo(info);
  count = (int64_t)n;
  MUST(a->KernelContext_GetOutput(context, 0, &count, 1, &out));
  for (size_t i = 0; i < n; i++) {
    MUST(a->GetStringTensorElementLength(in, i, &len));
    CHECK(len < sizeof text);
    MUST(a->GetStringTensorElement(in, len, i, text));
    text[len] = 0;
    for (size_t c = 0; c < len; c++)
      if (text[c] >= 'a' && text[c] <= 'z') text[c] = (char)(text[c] - 32);
    MUST(a->FillStringTensorElement(out, text, i));
  }
}

/* ---- Join: all inputs one after the other; variadic, any type ---- */
static OrtStatusPtr ORT_API_CALL join_create(const OrtCustomOp *op, const OrtApi *a, const OrtKernelInfo *info,
                                             void **out) {
  *out = old_create(op, a, info);
  return NULL;
}

static OrtStatusPtr ORT_API_CALL join(void *p, OrtKernelContext *context) {
  const OrtApi *a = ((kernel *)p)->api;
  size_t n = 0, bytes = 0, total = 0;
  const OrtValue *in = NULL;
  OrtValue *out = NULL;
  char *to = NULL;
  TRY(a->KernelContext_GetInputCount(context, &n));
  CHECK(n == 3);
  for (size_t i = 0; i < n; i++) {
    TRY(a->KernelContext_GetInput(context, i, &in));
    TRY(a->GetTensorSizeInBytes(in, &bytes));
    total += bytes;
  }
  int64_t count = (int64_t)(total / sizeof(float));
  TRY(a->KernelContext_GetOutput(context, 0, &count, 1, &out));
  TRY(a->GetTensorMutableData(out, (void **)&to));
  for (size_t i = 0; i < n; i++) {
    const void *from = NULL;
    TRY(a->KernelContext_GetInput(context, i, &in));
    TRY(a->GetTensorSizeInBytes(in, &bytes));
    TRY(a->GetTensorData(in, &from));
    memcpy(to, from, bytes);
    to += bytes;
  }
  return NULL;
}

static OrtCustomOp op_scale, op_shout, op_join;
static void fill_in(void) {
  OrtCustomOp o = {0};
  o.version = ORT_API_VERSION;
  o.GetName = scale_name, o.GetExecutionProviderType = cpu;
  o.GetInputType = o.GetOutputType = floats, o.GetInputTypeCount = o.GetOutputTypeCount = one;
  o.KernelDestroy = destroy, o.CreateKernelV2 = scale_create, o.KernelComputeV2 = scale_compute,
  o.InferOutputShapeFn = scale_shape;
  o.GetInputCharacteristic = o.GetOutputCharacteristic = required, o.GetInputMemoryType = in_memory;
  o.GetVariadicInputMinArity = o.GetVariadicInputHomogeneity = o.GetVariadicOutputMinArity =
      o.GetVariadicOutputHomogeneity = arity;
  o.GetStartVersion = start, o.GetEndVersion = end;
  o.GetMayInplace = o.GetAliasMap = no_pairs, o.ReleaseMayInplace = o.ReleaseAliasMap = release_pairs;
  op_scale = o;
  o.GetName = join_name, o.GetInputType = o.GetOutputType = any, o.GetInputCharacteristic = variadic;
  o.CreateKernelV2 = join_create, o.KernelComputeV2 = join, o.InferOutputShapeFn = NULL;
  op_join = o;
  memset(&o, 0x5a, sizeof o); /* members that version 8 does not have must not be read */
  o.version = 8;
  o.CreateKernel = old_create, o.GetName = shout_name, o.GetExecutionProviderType = cpu;
  o.GetInputType = o.GetOutputType = strings, o.GetInputTypeCount = o.GetOutputTypeCount = one;
  o.KernelCompute = shout, o.KernelDestroy = destroy, o.GetInputCharacteristic = o.GetOutputCharacteristic = required;
  op_shout = o;
}

static void attributes(void) {
  OrtOpAttr *attr = NULL;
  int64_t in[] = {1, 2, 3}, out[3] = {0};
  float f = 1.5f, g = 0;
  size_t n = 0;
  char text[8] = {0};
  OK(CreateOpAttr("ints", in, 3, ORT_OP_ATTR_INTS, &attr));
  CODE(ORT_INVALID_ARGUMENT, ReadOpAttr(attr, ORT_OP_ATTR_INTS, out, 8, &n));
  CHECK(n == sizeof in);
  OK(ReadOpAttr(attr, ORT_OP_ATTR_INTS, out, sizeof out, &n));
  CHECK(n == sizeof in && !memcmp(in, out, sizeof in));
  api->ReleaseOpAttr(attr);
  OK(CreateOpAttr("f", &f, 1, ORT_OP_ATTR_FLOAT, &attr));
  OK(ReadOpAttr(attr, ORT_OP_ATTR_FLOAT, &g, sizeof g, &n));
  CHECK(g == f && n == sizeof g);
  OrtOpAttrType type;
  const char *name = NULL;
  OK(OpAttr_GetType(attr, &type));
  OK(OpAttr_GetName(attr, &name));
  CHECK(type == ORT_OP_ATTR_FLOAT && !strcmp(name, "f"));
  api->ReleaseOpAttr(attr);
  OK(CreateOpAttr("s", "text", 4, ORT_OP_ATTR_STRING, &attr));
  OK(ReadOpAttr(attr, ORT_OP_ATTR_STRING, text, sizeof text, &n));
  CHECK(!memcmp(text, "text", 4));
  api->ReleaseOpAttr(attr);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OrtEnv *env = NULL;
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OrtCustomOpDomain *d = NULL;
  OrtAllocator *a = NULL;
  OrtMemoryInfo *host = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "abi", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &host));
  fill_in();
  attributes();
  CODE(ORT_FAIL, CreateSessionFromArray(env, model_custom, sizeof model_custom, NULL, &s));
  OK(CreateSessionOptions(&o));
  OK(CreateCustomOpDomain("my.ops", &d));
  OK(CustomOpDomain_Add(d, &op_scale));
  OK(CustomOpDomain_Add(d, &op_shout));
  OK(CustomOpDomain_Add(d, &op_join));
  OK(AddCustomOpDomain(o, d));
  OK(CreateSessionFromArray(env, model_custom, sizeof model_custom, o, &s));
  if (!s) return abi_end("custom");
  CHECK(made == 3);
  float x[3] = {1, 2, 3};
  int64_t three[] = {3}, two[] = {2};
  OrtValue *vx = NULL, *vs = NULL, *out[5] = {NULL, NULL, NULL, NULL, NULL};
  OK(CreateTensorWithDataAsOrtValue(host, x, sizeof x, three, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &vx));
  OK(CreateTensorAsOrtValue(a, two, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &vs));
  const char *text[] = {"hello", "a text that is longer than some"}, *in_names[] = {"x", "s"},
             *out_names[] = {"y", "t", "j", "k", "n"};
  const OrtValue *in[] = {vx, vs};
  OK(FillStringTensor(vs, text, 2));
  for (int again = 0; again < 2; again++) {
    OK(Run(s, NULL, in_names, in, 2, out_names, 5, out));
    float *y = NULL, *j = NULL;
    char buf[64];
    size_t n = 0, at[2];
    OK(GetTensorMutableData(out[0], (void **)&y));
    CHECK(y[0] == 3.5f && y[2] == 10.5f);
    OK(GetStringTensorDataLength(out[1], &n));
    OK(GetStringTensorContent(out[1], buf, sizeof buf, at, 2));
    CHECK(n == 36 && !memcmp(buf, "HELLOA TEXT THAT IS LONGER THAN SOME", 36));
    OK(GetTensorSizeInBytes(out[2], &n));
    OK(GetTensorMutableData(out[2], (void **)&j));
    CHECK(n == 36 && j[0] == 1 && j[3] == 2.5f && j[8] == 10.5f);
    int64_t *size = NULL;
    OK(GetTensorMutableData(out[3], (void **)&j));
    OK(GetTensorMutableData(out[4], (void **)&size));
    CHECK(j[8] == -10.5f && size[0] == 9);
    for (int i = 0; i < 5; i++) api->ReleaseValue(out[i]), out[i] = NULL;
  }
  fail_now = 1;
  OrtStatus *failed = api->Run(s, NULL, in_names, in, 2, out_names, 3, out);
  CHECK(failed && strstr(api->GetErrorMessage(failed), "asked to fail"));
  api->ReleaseStatus(failed);
  CHECK(!out[0] && !out[1] && !out[2]);
  api->ReleaseValue(vx);
  api->ReleaseValue(vs);
  api->ReleaseSession(s);
  CHECK(destroyed == 3);
  api->ReleaseSessionOptions(o);
  api->ReleaseCustomOpDomain(d);
  api->ReleaseMemoryInfo(host);
  api->ReleaseEnv(env);
  return abi_end("custom");
}
