// SPDX-License-Identifier: MIT
/* The model editor: models out of descriptions, who owns what, models that are described further. */
#include "abi.h"
#include "models.h"

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
static OrtEnv *env;
static OrtAllocator *a;
static OrtMemoryInfo *cpu;
static const OrtModelEditorApi *ed;
#define ED(code, call) check_code((code), ed->call, __LINE__, #call)

static OrtValueInfo *value(const char *name, ONNXTensorElementDataType type, size_t rank, const int64_t *dims,
                           const char **names) {
  OrtTensorTypeAndShapeInfo *s = NULL;
  OrtTypeInfo *t = NULL;
  OrtValueInfo *v = NULL;
  OK(CreateTensorTypeAndShapeInfo(&s));
  OK(SetTensorElementType(s, type));
  OK(SetDimensions(s, dims, rank));
  if (names) OK(SetSymbolicDimensions(s, names, rank));
  ED(ORT_OK, CreateTensorTypeInfo(s, &t));
  ED(ORT_OK, CreateValueInfo(name, t, &v));
  api->ReleaseTensorTypeAndShapeInfo(s);
  api->ReleaseTypeInfo(t);
  return v;
}

static OrtNode *node(const char *op, const char *domain, const char *name, const char *in0, const char *in1,
                     const char *out, OrtOpAttr **attrs, size_t n) {
  const char *in[2] = {in0, in1};
  OrtNode *x = NULL;
  ED(ORT_OK, CreateNode(op, domain, name, in, in1 ? 2 : 1, &out, 1, attrs, n, &x));
  return x;
}

static OrtValue *copied(const float *data, size_t n, size_t rank, const int64_t *dims) {
  OrtValue *v = NULL;
  float *p = NULL;
  OK(CreateTensorAsOrtValue(a, dims, rank, FLOAT, &v));
  OK(GetTensorMutableData(v, (void **)&p));
  memcpy(p, data, n * sizeof *p);
  return v;
}

static OrtModel *model_of(OrtGraph *g, int opset) {
  const char *domain = "";
  OrtModel *m = NULL;
  ED(ORT_OK, CreateModel(&domain, &opset, 1, &m));
  ED(ORT_OK, AddGraphToModel(m, g));
  return m;
}

static void run(OrtSession *s, const char *in_name, const float *in, size_t n, size_t rank, const int64_t *dims,
                const char *out_name, const float *want, size_t n_want) {
  OrtValue *x = NULL, *y = NULL;
  float *p = NULL;
  size_t count = 0;
  OrtTensorTypeAndShapeInfo *t = NULL;
  OK(CreateTensorWithDataAsOrtValue(cpu, (void *)in, n * sizeof *in, dims, rank, FLOAT, &x));
  OK(Run(s, NULL, &in_name, (const OrtValue *const *)&x, 1, &out_name, 1, &y));
  if (y) {
    OK(GetTensorTypeAndShape(y, &t));
    OK(GetTensorShapeElementCount(t, &count));
    OK(GetTensorMutableData(y, (void **)&p));
    CHECK(count == n_want);
    for (size_t i = 0; i < n_want && i < count; i++) CHECK(p[i] == want[i]);
    api->ReleaseTensorTypeAndShapeInfo(t);
  }
  api->ReleaseValue(x);
  api->ReleaseValue(y);
}

/* y = Gemm(x, w, alpha) with w over the caller's memory, z = Reshape(y, shape) with a copied small one. */
static void whole_model(void) {
  static float w[64];
  for (int i = 0; i < 64; i++) w[i] = (float)(i % 3);
  int64_t in_dims[2] = {-1, 4}, out_dims[2] = {-1, 8}, w_dims[2] = {4, 16}, two[1] = {2}, shape_in[2] = {-1, 8};
  const char *names[2] = {"N", ""};
  OrtGraph *g = NULL;
  ED(ORT_OK, CreateGraph(&g));
  OrtValueInfo *in = value("x", FLOAT, 2, in_dims, names), *out = value("z", FLOAT, 2, out_dims, NULL);
  ED(ORT_OK, SetGraphInputs(g, &in, 1));
  ED(ORT_OK, SetGraphOutputs(g, &out, 1));
  CHECK(in == NULL && out == NULL);
  float alpha = 2;
  OrtOpAttr *attr[1] = {NULL};
  OK(CreateOpAttr("alpha", &alpha, 1, ORT_OP_ATTR_FLOAT, &attr[0]));
  OrtNode *gemm = node("Gemm", "", "gemm", "x", "w", "y", attr, 1),
          *reshape = node("Reshape", "ai.onnx", "reshape", "y", "shape", "z", NULL, 0);
  CHECK(attr[0] == NULL);
  size_t id = 99, n = 99;
  const char *text = NULL;
  int since = 0;
  ED(ORT_OK, AddNodeToGraph(g, gemm));
  ED(ORT_OK, AddNodeToGraph(g, reshape));
  OK(Node_GetId(reshape, &id));
  CHECK(id == 1);
  OK(Node_GetName(gemm, &text));
  CHECK(!strcmp(text, "gemm"));
  OK(Node_GetOperatorType(gemm, &text));
  CHECK(!strcmp(text, "Gemm"));
  OK(Node_GetNumInputs(gemm, &n));
  CHECK(n == 2);
  OK(Node_GetNumAttributes(gemm, &n));
  CHECK(n == 1);
  CODE(ORT_NOT_IMPLEMENTED, Node_GetSinceVersion(gemm, &since));
  CODE(ORT_NOT_IMPLEMENTED, Graph_GetNumOperatorSets(g, &n));
  OrtValue *wv = NULL, *sv = NULL;
  int64_t *sp = NULL;
  OK(CreateTensorWithDataAsOrtValue(cpu, w, sizeof w, w_dims, 2, FLOAT, &wv));
  OK(CreateTensorAsOrtValue(a, two, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &sv));
  OK(GetTensorMutableData(sv, (void **)&sp));
  memcpy(sp, shape_in, sizeof shape_in);
  ED(ORT_INVALID_ARGUMENT, AddInitializerToGraph(g, "", wv, true));
  ED(ORT_INVALID_ARGUMENT, AddInitializerToGraph(g, "shape", sv, true)); /* small ones cannot be external */
  ED(ORT_OK, AddInitializerToGraph(g, "w", wv, true));
  ED(ORT_OK, AddInitializerToGraph(g, "shape", sv, false));
  OK(Graph_GetNumNodes(g, &n));
  CHECK(n == 2);
  OK(Graph_GetNumInitializers(g, &n));
  CHECK(n == 2);
  OrtModel *m = model_of(g, 18);
  OrtSession *s = NULL;
  ED(ORT_OK, CreateSessionFromModel(env, m, NULL, &s));
  api->ReleaseModel(m); /* the session has what it needs, but for w's bytes */
  OK(SessionGetInputCount(s, &n));
  CHECK(n == 1);
  int opset = 0;
  ED(ORT_OK, SessionGetOpsetForDomain(s, "", &opset));
  CHECK(opset == 18);
  ED(ORT_FAIL, SessionGetOpsetForDomain(s, "no.such.domain", &opset));
  float x[4] = {1, 2, 3, 4}, want[16];
  for (int j = 0; j < 16; j++) {
    want[j] = 0;
    for (int k = 0; k < 4; k++) want[j] += 2 * x[k] * w[k * 16 + j];
  }
  int64_t x_dims[2] = {1, 4};
  run(s, "x", x, 4, 2, x_dims, "z", want, 16);
  api->ReleaseSession(s);
}

static void refused(void) {
  int64_t dims[1] = {2};
  OrtTypeInfo *t = NULL, *seq = NULL;
  OrtTensorTypeAndShapeInfo *s = NULL;
  OrtValueInfo *v = NULL;
  OK(CreateTensorTypeAndShapeInfo(&s));
  OK(SetDimensions(s, dims, 1));
  ED(ORT_OK, CreateTensorTypeInfo(s, &t));
  ED(ORT_OK, CreateSequenceTypeInfo(t, &seq));
  ED(ORT_INVALID_ARGUMENT, CreateValueInfo("", t, &v));
  ED(ORT_INVALID_ARGUMENT, CreateValueInfo(NULL, t, &v));
  ED(ORT_INVALID_ARGUMENT, CreateValueInfo("v", NULL, &v));
  ED(ORT_FAIL, CreateValueInfo("v", seq, &v));
  ONNXType kind;
  OK(GetOnnxTypeFromTypeInfo(seq, &kind));
  CHECK(kind == ONNX_TYPE_SEQUENCE);
  api->ReleaseTypeInfo(seq);
  ED(ORT_OK, CreateOptionalTypeInfo(t, &seq));
  api->ReleaseTypeInfo(seq);
  ED(ORT_OK, CreateMapTypeInfo(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, t, &seq));
  OK(GetOnnxTypeFromTypeInfo(seq, &kind));
  CHECK(kind == ONNX_TYPE_MAP);
  api->ReleaseTypeInfo(seq);
  ED(ORT_OK, CreateSparseTensorTypeInfo(s, &seq));
  OK(GetOnnxTypeFromTypeInfo(seq, &kind));
  CHECK(kind == ONNX_TYPE_SPARSETENSOR);
  api->ReleaseTypeInfo(seq);
  api->ReleaseTensorTypeAndShapeInfo(s);
  api->ReleaseTypeInfo(t);
  OrtGraph *g = NULL;
  ED(ORT_OK, CreateGraph(&g));
  v = value("v", FLOAT, 1, dims, NULL);
  OrtValueInfo *twice[2] = {v, NULL};
  ED(ORT_INVALID_ARGUMENT, SetGraphInputs(g, twice, 2));
  CHECK(twice[0] == v); /* still the caller's */
  ED(ORT_INVALID_ARGUMENT, SetGraphInputs(NULL, twice, 1));
  ED(ORT_INVALID_ARGUMENT, AddNodeToGraph(g, NULL));
  ED(ORT_INVALID_ARGUMENT, AddGraphToModel(NULL, g));
  ED(ORT_INVALID_ARGUMENT, AddInitializerToGraph(g, "w", NULL, false));
  const char *name = NULL;
  bool flag = true;
  const OrtTypeInfo *type = NULL;
  OK(GetValueInfoName(v, &name));
  CHECK(!strcmp(name, "v"));
  OK(GetValueInfoTypeInfo(v, &type));
  CHECK(type != NULL);
  CODE(ORT_NOT_IMPLEMENTED, ValueInfo_IsGraphOutput(v, &flag));
  api->ReleaseValueInfo(v);
  OrtNode *x = node("NoSuchOperator", "", "bad", "v", NULL, "y", NULL, 0);
  ED(ORT_OK, AddNodeToGraph(g, x));
  OrtValueInfo *in = value("v", FLOAT, 1, dims, NULL), *out = value("y", FLOAT, 1, dims, NULL);
  ED(ORT_OK, SetGraphInputs(g, &in, 1));
  ED(ORT_OK, SetGraphOutputs(g, &out, 1));
  OrtModel *m = model_of(g, 18);
  OrtSession *session = (OrtSession *)1;
  OrtStatus *st = ed->CreateSessionFromModel(env, m, NULL, &session);
  CHECK(st != NULL && session == NULL);
  api->ReleaseStatus(st);
  api->ReleaseModel(m);
}

/* A model of the two paths: add.onnx (z = -((x + w) * c)) gets one more node at its end. */
static void more_of_a_model(void) {
  OrtSession *s = NULL;
  size_t n = 0;
  int opset = 0;
  char *name = NULL;
  float x[2] = {1, 2}, want[2] = {22, 44}, scale[2] = {2, 2};
  int64_t x_dims[2] = {1, 2}, w_dims[1] = {2}, y_dims[2] = {-1, 2};
  ED(ORT_OK, CreateModelEditorSessionFromArray(env, model_add, sizeof model_add, NULL, &s));
  OK(SessionGetInputCount(s, &n));
  CHECK(n == 1);
  ED(ORT_OK, SessionGetOpsetForDomain(s, "", &opset));
  CHECK(opset == 17);
  OrtGraph *g = NULL;
  ED(ORT_OK, CreateGraph(&g));
  OrtNode *more = node("Mul", "", "more", "y", "scale", "twice", NULL, 0);
  ED(ORT_OK, AddNodeToGraph(g, more));
  OrtValue *v = copied(scale, 2, 1, w_dims);
  ED(ORT_OK, AddInitializerToGraph(g, "scale", v, false));
  OrtValueInfo *out = value("twice", FLOAT, 2, y_dims, NULL);
  ED(ORT_OK, SetGraphOutputs(g, &out, 1));
  OrtModel *wrong, *m = NULL;
  const char *domain = "";
  int seventeen = 17;
  ED(ORT_OK, CreateModel(&domain, &seventeen, 1, &m));
  ED(ORT_OK, AddGraphToModel(m, g));
  OrtGraph *second = NULL;
  ED(ORT_OK, CreateGraph(&second));
  wrong = model_of(second, 18);
  ED(ORT_INVALID_ARGUMENT, ApplyModelToModelEditorSession(s, wrong)); /* another operator set */
  api->ReleaseModel(wrong);
  ED(ORT_OK, ApplyModelToModelEditorSession(s, m));
  const char *in = "x", *twice = "twice";
  OrtValue *early = NULL, *xv = copied(x, 2, 2, x_dims);
  CODE(ORT_FAIL, Run(s, NULL, &in, (const OrtValue *const *)&xv, 1, &twice, 1, &early));
  api->ReleaseValue(xv);
  OrtSessionOptions *o = NULL;
  OK(CreateSessionOptions(&o));
  ED(ORT_OK, FinalizeModelEditorSession(s, o, NULL));
  ED(ORT_OK, FinalizeModelEditorSession(s, o, NULL)); /* says nothing new */
  ED(ORT_MODEL_LOADED, ApplyModelToModelEditorSession(s, m));
  api->ReleaseModel(m);
  api->ReleaseSessionOptions(o);
  ED(ORT_OK, SessionGetOpsetForDomain(s, "ai.onnx.ml", &opset));
  CHECK(opset == 5);
  ED(ORT_OK, SessionGetOpsetForDomain(s, "com.ms.internal.nhwc", &opset));
  CHECK(opset == 17);
  ED(ORT_FAIL, SessionGetOpsetForDomain(s, "ai.onnx", &opset));
  OK(SessionGetOutputCount(s, &n));
  CHECK(n == 1);
  OK(SessionGetOutputName(s, 0, a, &name));
  CHECK(name && !strcmp(name, "twice"));
  if (name) a->Free(a, name);
  run(s, "x", x, 2, 2, x_dims, "twice", want, 2); /* (x + w) * c * scale with w = 10, 20 and c = 1 */
  api->ReleaseSession(s);
  ED(ORT_OK, CreateModelEditorSessionFromArray(env, model_add, sizeof model_add, NULL, &s));
  api->ReleaseSession(s); /* never finalised */
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  ed = api->GetModelEditorApi();
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "editor", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  whole_model();
  refused();
  more_of_a_model();
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("editor");
}
