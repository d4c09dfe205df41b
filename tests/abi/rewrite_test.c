// SPDX-License-Identifier: MIT
/* What a provider is shown is enough to write the model again: each model is run, written by a provider (plugins/writer_provider.c)
 * and run again, and the outputs are the same bits; then once more with the elements of its initializers in a file of their own. */
#include <string.h>
#include "abi.h"

static OrtEnv *env;
static OrtAllocator *a;
static const OrtEpDevice *writer;
static const char *const written = "abi_rewrite_test.onnx", *const again = "abi_rewrite_test_again.onnx",
                  *const data = "abi_rewrite_test.bin";

/* `free`: what a dimension is that the model leaves open; `number`: what each integer is. */
typedef struct model { const char *path; int64_t free, number; } model;
static const model models[] = {
    {"examples/digits/digits.onnx", 1, 1},
    {"tests/model/cases/quantized/model.onnx", 1, 1},
    {"tests/model/cases/voice/model.onnx", 256, 8000},
    {"tests/model/cases/transformer/model.onnx", 3, 1},
    {"tests/model/ort/formats.onnx", 2, 1},
    {"tests/clients/models/conv.onnx", 1, 1},
    {"tests/clients/models/loop.onnx", 2, 3},
    {"tests/clients/models/mixed.onnx", 2, 1},
    {"tests/clients/models/strings.onnx", 2, 1},
    {"tests/fuzz/corpus/load/control.onnx", 2, 1},
    {"tests/fuzz/corpus/load/lstm.onnx", 2, 1},
    {"tests/fuzz/corpus/load/quantized.onnx", 2, 1},
    {"tests/fuzz/corpus/load/strings.onnx", 2, 1},
    {"tests/fuzz/corpus/load/ml_label_encoder_4_text.onnx", 2, 1},
    {"tests/fuzz/corpus/load/ml_tree_classifier_none.onnx", 2, 1},
};
enum { MOST = 16 };
typedef struct values { size_t n; char *names[MOST]; OrtValue *at[MOST]; } values;

static void fill(OrtValue *v, ONNXTensorElementDataType type, size_t count, int64_t number) {
  void *p = NULL;
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    for (size_t i = 0; i < count; i++) OK(FillStringTensorElement(v, i & 1 ? "no" : "yes", i));
    return;
  }
  OK(GetTensorMutableData(v, &p));
  for (size_t i = 0; i < count; i++) switch (type) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: ((float *)p)[i] = (float)((i * 37 + 11) % 64) / 32 - 1; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE: ((double *)p)[i] = (double)((i * 37 + 11) % 64) / 32 - 1; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: ((int64_t *)p)[i] = number; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: ((int32_t *)p)[i] = (int32_t)number; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: ((bool *)p)[i] = number != 0; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8: ((uint8_t *)p)[i] = (uint8_t)number; break;
      default: CHECK(!"an element type that is made"); return;
    }
}
static void make_inputs(OrtSession *s, const model *m, values *in) {
  OK(SessionGetInputCount(s, &in->n));
  for (size_t i = 0; i < in->n && i < MOST; i++) {
    OrtTypeInfo *t = NULL;
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    int64_t dims[8] = {0};
    size_t rank = 0, count = 1;
    OK(SessionGetInputName(s, i, a, &in->names[i]));
    OK(SessionGetInputTypeInfo(s, i, &t));
    OK(CastTypeInfoToTensorInfo(t, &tensor));
    OK(GetTensorElementType(tensor, &type));
    OK(GetDimensionsCount(tensor, &rank));
    OK(GetDimensions(tensor, dims, rank));
    for (size_t k = 0; k < rank; k++) dims[k] = dims[k] < 0 ? m->free : dims[k], count *= (size_t)dims[k];
    OK(CreateTensorAsOrtValue(a, dims, rank, type, &in->at[i]));
    if (in->at[i]) fill(in->at[i], type, count, m->number);
    api->ReleaseTypeInfo(t);
  }
}
static void run(OrtSession *s, const values *in, values *out) {
  OK(SessionGetOutputCount(s, &out->n));
  for (size_t i = 0; i < out->n && i < MOST; i++) OK(SessionGetOutputName(s, i, a, &out->names[i]));
  OK(Run(s, NULL, (const char *const *)in->names, (const OrtValue *const *)in->at, in->n, (const char *const *)out->names, out->n,
         out->at));
}
static void release(values *x) {
  for (size_t i = 0; i < x->n; i++) {
    api->ReleaseValue(x->at[i]);
    if (x->names[i]) OK(AllocatorFree(a, x->names[i]));
  }
  *x = (values){0};
}

static void same(const OrtValue *x, const OrtValue *y) {
  enum ONNXType kind[2] = {ONNX_TYPE_UNKNOWN, ONNX_TYPE_UNKNOWN};
  size_t n[2] = {0, 0};
  const void *p[2] = {NULL, NULL};
  CHECK(x && y);
  if (!x || !y) return;
  OK(GetValueType(x, &kind[0]));
  OK(GetValueType(y, &kind[1]));
  CHECK(kind[0] == kind[1]);
  if (kind[0] != ONNX_TYPE_TENSOR || kind[1] != ONNX_TYPE_TENSOR) return;
  OrtTensorTypeAndShapeInfo *t = NULL;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  OK(GetTensorTypeAndShape(x, &t));
  OK(GetTensorElementType(t, &type));
  api->ReleaseTensorTypeAndShapeInfo(t);
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    OK(GetStringTensorDataLength(x, &n[0]));
    OK(GetStringTensorDataLength(y, &n[1]));
    CHECK(n[0] == n[1]);
    return;
  }
  OK(GetTensorSizeInBytes(x, &n[0]));
  OK(GetTensorSizeInBytes(y, &n[1]));
  OK(GetTensorData(x, &p[0]));
  OK(GetTensorData(y, &p[1]));
  CHECK(n[0] == n[1] && (!n[0] || memcmp(p[0], p[1], n[0]) == 0));
}

/* A session of the model in the file; `to`: it is also written there. */
static OrtSession *session(const char *path, const char *to, const char *data_to) {
  const char *keys[] = {"path", "data"}, *texts[] = {to, data_to};
  OrtSessionOptions *o = NULL;
  OrtSession *s = NULL;
  OK(CreateSessionOptions(&o));
  if (to) remove(to);
  if (to) OK(SessionOptionsAppendExecutionProvider_V2(o, env, &writer, 1, keys, texts, data_to ? 2 : 1));
  OK(CreateSession(env, path, o, &s));
  api->ReleaseSessionOptions(o);
  return s;
}
static void rewrite(const model *m) {
  char path[512];
  values in = {0}, out[4] = {{0}};
  const int before = failures;
  snprintf(path, sizeof path, "%s/%s", SX_SOURCE_DIR, m->path);
  remove(data);
  /* as it is; as it was written; that with its data elsewhere; and what is written of that */
  OrtSession *s[4] = {session(path, written, NULL), NULL, NULL, NULL};
  s[1] = session(written, again, data);
  s[2] = session(again, written, NULL);
  s[3] = session(written, NULL, NULL);
  if (s[0]) make_inputs(s[0], m, &in);
  for (int i = 0; i < 4 && s[0]; i++)
    if (s[i]) run(s[i], &in, &out[i]);
  for (size_t k = 0; k < out[0].n; k++)
    for (int i = 1; i < 4; i++) same(out[0].at[k], out[i].at[k]);
  if (failures != before) printf("so for %s\n", m->path);
  for (int i = 0; i < 4; i++) release(&out[i]), api->ReleaseSession(s[i]);
  release(&in);
}

int main(int argc, char **argv) {
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  if (!abi_load(argc, argv)) return 1;
  OK(CreateEnv(ORT_LOGGING_LEVEL_ERROR, "rewrite", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(RegisterExecutionProviderLibrary(env, "writer", ORT_TSTR_ON_MACRO(SX_WRITER_PROVIDER)));
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "Writer")) writer = all[i];
  CHECK(writer != NULL);
  for (size_t i = 0; writer && i < sizeof models / sizeof *models; i++) rewrite(&models[i]);
  remove(written), remove(again), remove(data);
  OK(UnregisterExecutionProviderLibrary(env, "writer"));
  api->ReleaseEnv(env);
  return abi_end("rewrite");
}
