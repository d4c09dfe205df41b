// SPDX-License-Identifier: MIT
/* Tensors, strings, sequences, maps, sparse tensors and what they say of themselves. */
#include "abi.h"

#define FLOAT ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
#define INT64 ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
#define STRING ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING
#define INT4 ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4

static OrtAllocator *a;
static OrtMemoryInfo *cpu;

static OrtValue *tensor(ONNXTensorElementDataType t, size_t rank, const int64_t *dims) {
  OrtValue *v = NULL;
  OK(CreateTensorAsOrtValue(a, dims, rank, t, &v));
  return v;
}

static void shape_is(OrtTensorTypeAndShapeInfo *s, ONNXTensorElementDataType type, size_t rank, const int64_t *dims) {
  ONNXTensorElementDataType t;
  size_t n = 99;
  int64_t got[8];
  OK(GetTensorElementType(s, &t));
  OK(GetDimensionsCount(s, &n));
  CHECK(t == type && n == rank);
  OK(GetDimensions(s, got, 8));
  CHECK(n != rank || !memcmp(got, dims, rank * sizeof *dims));
  api->ReleaseTensorTypeAndShapeInfo(s);
}

static void tensors(void) {
  int64_t d[] = {2, 3}, neg[] = {2, -1}, huge[] = {(int64_t)1 << 40, (int64_t)1 << 40}, zero[] = {0, 3};
  float f[6] = {0, 1, 2, 3, 4, 5};
  OrtValue *v = tensor(FLOAT, 2, d), *w = NULL;
  int yes = -1;
  size_t n = 0;
  void *p = NULL, *q = NULL;
  ONNXType kind;
  OK(IsTensor(v, &yes));
  OK(GetValueType(v, &kind));
  CHECK(yes == 1 && kind == ONNX_TYPE_TENSOR);
  OK(HasValue(v, &yes));
  CHECK(yes == 1);
  OK(IsSparseTensor(v, &yes));
  CHECK(yes == 0);
  OK(GetTensorSizeInBytes(v, &n));
  CHECK(n == 24);
  OrtTensorTypeAndShapeInfo *s = NULL;
  OK(GetTensorTypeAndShape(v, &s));
  shape_is(s, FLOAT, 2, d);
  const int64_t *ref = NULL;
  ONNXTensorElementDataType type;
  OK(GetTensorElementTypeAndShapeDataReference(v, &type, &ref, &n));
  CHECK(type == FLOAT && n == 2 && ref[1] == 3);
  int64_t at[] = {1, 2}, out[] = {2, 0};
  OK(GetTensorMutableData(v, &p));
  OK(TensorAt(v, at, 2, &q));
  CHECK((char *)q - (char *)p == 20);
  CODE(ORT_INVALID_ARGUMENT, TensorAt(v, out, 2, &q));
  CODE(ORT_INVALID_ARGUMENT, TensorAt(v, at, 1, &q));
  CODE(ORT_FAIL, GetValueCount(v, &n));
  CODE(ORT_FAIL, GetStringTensorDataLength(v, &n));
  const OrtMemoryInfo *info = NULL;
  int cmp = 9;
  OK(GetTensorMemoryInfo(v, &info));
  OK(CompareMemoryInfo(info, cpu, &cmp));
  CHECK(cmp == 0);
  api->ReleaseValue(v);

  CODE(ORT_FAIL, CreateTensorAsOrtValue(a, neg, 2, FLOAT, &w));
  CODE(ORT_FAIL, CreateTensorAsOrtValue(a, huge, 2, FLOAT, &w));
  CODE(ORT_NOT_IMPLEMENTED, CreateTensorAsOrtValue(a, d, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, &w));
  CODE(ORT_NOT_IMPLEMENTED, CreateTensorAsOrtValue(a, d, 2, (ONNXTensorElementDataType)99, &w));
  CODE(ORT_INVALID_ARGUMENT, CreateTensorWithDataAsOrtValue(cpu, f, 24, neg, 2, FLOAT, &w));
  CODE(ORT_INVALID_ARGUMENT, CreateTensorWithDataAsOrtValue(cpu, f, 23, d, 2, FLOAT, &w));
  CODE(ORT_INVALID_ARGUMENT, CreateTensorWithDataAsOrtValue(cpu, f, 2, d, 2, INT4, &w));
  CODE(ORT_FAIL, CreateTensorWithDataAsOrtValue(cpu, f, 24, huge, 2, FLOAT, &w));
  OK(CreateTensorWithDataAsOrtValue(cpu, f, 3, d, 2, INT4, &w));
  OK(GetTensorSizeInBytes(w, &n));
  CHECK(n == 3);
  CODE(ORT_INVALID_ARGUMENT, TensorAt(w, at, 2, &q));
  api->ReleaseValue(w);
  OK(CreateTensorWithDataAsOrtValue(cpu, f, 24, d, 2, FLOAT, &w));
  const void *data = NULL;
  OK(GetTensorData(w, &data));
  CHECK(data == f);
  api->ReleaseValue(w);
  void *mine = a->Alloc(a, 24);
  OK(CreateTensorWithDataAndDeleterAsOrtValue(a, mine, 24, d, 2, FLOAT, &w));
  api->ReleaseValue(w);
  w = tensor(FLOAT, 2, zero);
  OK(GetTensorSizeInBytes(w, &n));
  CHECK(n == 0);
  api->ReleaseValue(w);
  w = tensor(FLOAT, 0, NULL);
  OK(GetTensorSizeInBytes(w, &n));
  CHECK(n == 4);
  api->ReleaseValue(w);
}

static void strings(void) {
  int64_t d[] = {2, 3};
  OrtValue *v = tensor(STRING, 2, d);
  const char *in[] = {"a", "bb", "", "dddd", "e", "f"};
  size_t n = 9, at[7] = {0};
  char buf[64];
  OK(GetStringTensorDataLength(v, &n));
  CHECK(n == 0);
  CODE(ORT_INVALID_ARGUMENT, FillStringTensor(v, in, 5));
  OK(FillStringTensor(v, in, 6));
  OK(GetStringTensorDataLength(v, &n));
  CHECK(n == 9);
  CODE(ORT_FAIL, GetStringTensorContent(v, buf, n - 1, at, 6));
  CODE(ORT_FAIL, GetStringTensorContent(v, buf, n, at, 5));
  OK(GetStringTensorContent(v, buf, n, at, 6));
  CHECK(!memcmp(buf, "abbddddef", 9) && at[0] == 0 && at[1] == 1 && at[2] == 3 && at[3] == 3 && at[4] == 7 && at[5] == 8);
  OK(GetStringTensorElementLength(v, 3, &n));
  CHECK(n == 4);
  CODE(ORT_INVALID_ARGUMENT, GetStringTensorElementLength(v, 6, &n));
  OK(GetStringTensorElement(v, 4, 3, buf));
  CHECK(!memcmp(buf, "dddd", 4));
  CODE(ORT_FAIL, GetStringTensorElement(v, 3, 3, buf));
  CODE(ORT_INVALID_ARGUMENT, GetStringTensorElement(v, 10, 9, buf));
  OK(FillStringTensorElement(v, "xyz", 2));
  CODE(ORT_INVALID_ARGUMENT, FillStringTensorElement(v, "xyz", 6));
  char *room = NULL;
  OK(GetResizedStringTensorElementBuffer(v, 1, 5, &room));
  memcpy(room, "hello", 5);
  CODE(ORT_INVALID_ARGUMENT, GetResizedStringTensorElementBuffer(v, 6, 5, &room));
  OK(GetStringTensorDataLength(v, &n));
  CHECK(n == 15);
  OK(GetStringTensorContent(v, buf, n, at, 6));
  CHECK(!memcmp(buf, "ahelloxyzddddef", 15));
  CODE(ORT_INVALID_ARGUMENT, GetTensorSizeInBytes(v, &n));
  for (int i = 0; i < 1000; i++) OK(FillStringTensorElement(v, "again and again", 0));
  api->ReleaseValue(v);
}

static void sequences(void) {
  int64_t d[] = {2};
  OrtValue *f = tensor(FLOAT, 1, d), *s = tensor(STRING, 1, d), *seq = NULL, *e = NULL, *none = NULL;
  OrtValue *two[] = {f, f}, *mixed[] = {f, s};
  float *data;
  OK(GetTensorMutableData(f, (void **)&data));
  data[0] = 1, data[1] = 2;
  OK(CreateValue((const OrtValue *const *)two, 2, ONNX_TYPE_SEQUENCE, &seq));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)mixed, 2, ONNX_TYPE_SEQUENCE, &none));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)two, 0, ONNX_TYPE_SEQUENCE, &none));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)two, 2, ONNX_TYPE_TENSOR, &none));
  api->ReleaseValue(f);
  size_t n = 0;
  ONNXType kind;
  OK(GetValueCount(seq, &n));
  OK(GetValueType(seq, &kind));
  CHECK(n == 2 && kind == ONNX_TYPE_SEQUENCE);
  CODE(ORT_FAIL, GetValue(seq, 2, a, &none));
  CODE(ORT_FAIL, GetValue(seq, -1, a, &none));
  OK(GetValue(seq, 0, a, &e));
  OK(GetTensorMutableData(e, (void **)&data));
  CHECK(data[0] == 1 && data[1] == 2);
  data[0] = 7; /* a copy: the sequence keeps its own */
  api->ReleaseValue(e);
  OK(GetValue(seq, 0, a, &e));
  OK(GetTensorMutableData(e, (void **)&data));
  CHECK(data[0] == 1);
  api->ReleaseValue(e);
  OrtTypeInfo *t = NULL, *element = NULL;
  const OrtSequenceTypeInfo *st = NULL;
  const OrtTensorTypeAndShapeInfo *et = NULL;
  ONNXTensorElementDataType type;
  OK(GetTypeInfo(seq, &t));
  OK(CastTypeInfoToTensorInfo(t, &et));
  CHECK(et == NULL);
  OK(CastTypeInfoToSequenceTypeInfo(t, &st));
  OK(GetSequenceElementType(st, &element));
  OK(CastTypeInfoToTensorInfo(element, &et));
  OK(GetTensorElementType(et, &type));
  CHECK(type == FLOAT && !api->TensorTypeAndShape_HasShape(et));
  api->ReleaseTypeInfo(element);
  api->ReleaseTypeInfo(t);
  api->ReleaseValue(seq);
  OrtValue *strs[] = {s, s};
  OK(CreateValue((const OrtValue *const *)strs, 2, ONNX_TYPE_SEQUENCE, &seq));
  OK(GetValue(seq, 1, a, &e));
  OK(GetStringTensorDataLength(e, &n));
  CHECK(n == 0);
  api->ReleaseValue(e);
  api->ReleaseValue(seq);
  api->ReleaseValue(s);
}

static void maps(void) {
  int64_t three[] = {3}, two[] = {2}, flat[] = {1, 3}, *k;
  float *x;
  OrtValue *keys = tensor(INT64, 1, three), *values = tensor(FLOAT, 1, three), *map = NULL, *e = NULL, *none = NULL;
  OrtValue *wide = tensor(FLOAT, 2, flat), *fewer = tensor(INT64, 1, two);
  OK(GetTensorMutableData(keys, (void **)&k));
  OK(GetTensorMutableData(values, (void **)&x));
  k[0] = 7, k[1] = 3, k[2] = 7, x[0] = 70, x[1] = 30, x[2] = 71;
  OrtValue *in[] = {keys, values}, *swapped[] = {values, keys}, *bad[] = {keys, wide}, *uneven[] = {fewer, values};
  OK(CreateValue((const OrtValue *const *)in, 2, ONNX_TYPE_MAP, &map));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)in, 1, ONNX_TYPE_MAP, &none));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)swapped, 2, ONNX_TYPE_MAP, &none));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)bad, 2, ONNX_TYPE_MAP, &none));
  CODE(ORT_FAIL, CreateValue((const OrtValue *const *)uneven, 2, ONNX_TYPE_MAP, &none));
  size_t n = 0;
  OK(GetValueCount(map, &n));
  CHECK(n == 2);
  OK(GetValue(map, 0, a, &e));
  OK(GetTensorMutableData(e, (void **)&k));
  OK(GetTensorSizeInBytes(e, &n));
  CHECK(n == 16 && k[0] == 3 && k[1] == 7);
  api->ReleaseValue(e);
  OK(GetValue(map, 1, a, &e));
  OK(GetTensorMutableData(e, (void **)&x));
  CHECK(x[0] == 30 && x[1] == 70);
  api->ReleaseValue(e);
  CODE(ORT_FAIL, GetValue(map, 2, a, &none));
  OrtTypeInfo *t = NULL, *vt = NULL;
  const OrtMapTypeInfo *mt = NULL;
  ONNXTensorElementDataType type;
  OK(GetTypeInfo(map, &t));
  OK(CastTypeInfoToMapTypeInfo(t, &mt));
  OK(GetMapKeyType(mt, &type));
  CHECK(type == INT64);
  OK(GetMapValueType(mt, &vt));
  api->ReleaseTypeInfo(vt);
  api->ReleaseTypeInfo(t);
  OrtValue *pair[] = {map, map}, *seq = NULL;
  OK(CreateValue((const OrtValue *const *)pair, 2, ONNX_TYPE_SEQUENCE, &seq));
  OK(GetValue(seq, 1, a, &e));
  OK(GetValueCount(e, &n));
  CHECK(n == 2);
  api->ReleaseValue(e);
  api->ReleaseValue(seq);
  OrtValue *all[] = {keys, values, map, wide, fewer};
  for (size_t i = 0; i < 5; i++) api->ReleaseValue(all[i]);
  CODE(ORT_FAIL, CreateOpaqueValue("a", "b", &n, sizeof n, &none));
}

static void infos(void) {
  OrtTensorTypeAndShapeInfo *s = NULL;
  int64_t d[] = {2, -1}, bad[] = {-5}, four[] = {4}, huge[] = {(int64_t)1 << 40, (int64_t)1 << 40}, got[2] = {9, 9};
  const char *names[] = {"a", "b"}, *out[2] = {NULL, NULL};
  size_t n = 9;
  OK(CreateTensorTypeAndShapeInfo(&s));
  CHECK(!api->TensorTypeAndShape_HasShape(s));
  OK(GetTensorShapeElementCount(s, &n));
  CHECK(n == 0);
  OK(SetTensorElementType(s, INT64));
  OK(SetDimensions(s, d, 2));
  OK(SetSymbolicDimensions(s, names, 2));
  CHECK(api->TensorTypeAndShape_HasShape(s));
  OK(GetSymbolicDimensions(s, out, 2));
  CHECK(!strcmp(out[0], "a") && !strcmp(out[1], "b"));
  OK(GetDimensions(s, got, 1));
  CHECK(got[0] == 2 && got[1] == 9);
  CODE(ORT_FAIL, GetTensorShapeElementCount(s, &n));
  CODE(ORT_INVALID_ARGUMENT, SetDimensions(s, bad, 1));
  OK(SetDimensions(s, huge, 2));
  CODE(ORT_FAIL, GetTensorShapeElementCount(s, &n));
  api->ReleaseTensorTypeAndShapeInfo(s);
  OrtValue *v = tensor(FLOAT, 1, four);
  OrtTypeInfo *t = NULL;
  const char *denotation = NULL;
  OK(GetTypeInfo(v, &t));
  OK(GetDenotationFromTypeInfo(t, &denotation, &n));
  CHECK(n == 0 && !strcmp(denotation, ""));
  const OrtTensorTypeAndShapeInfo *part = NULL;
  OK(CastTypeInfoToTensorInfo(t, &part));
  OK(GetSymbolicDimensions(part, out, 1));
  CHECK(out[0] && !out[0][0]);
  api->ReleaseTypeInfo(t);
  api->ReleaseValue(v);
}

static OrtValue *sparse(const int64_t *dense) {
  OrtValue *v = NULL;
  OK(CreateSparseTensorAsOrtValue(a, dense, 2, FLOAT, &v));
  return v;
}

static void sparse_tensors(void) {
  int64_t dense[] = {3, 4}, three[] = {3}, linear[] = {0, 5, 11}, outside[] = {0, 5, 12}, pairs[] = {0, 0, 1, 1, 2, 3};
  int64_t inner[] = {0, 1, 3}, outer[] = {0, 1, 2, 3}, two_by_three[] = {3, 2};
  float x[] = {1, 2, 3};
  OrtValue *v = sparse(dense);
  enum OrtSparseFormat format;
  OrtTensorTypeAndShapeInfo *s = NULL;
  const void *p = NULL;
  size_t n = 0;
  int yes = 0;
  OK(IsSparseTensor(v, &yes));
  OK(GetSparseTensorFormat(v, &format));
  CHECK(yes == 1 && format == ORT_SPARSE_UNDEFINED);
  CODE(ORT_FAIL, GetSparseTensorValues(v, &p));
  CODE(ORT_INVALID_ARGUMENT, FillSparseTensorCoo(v, cpu, three, 1, x, linear, 2));
  CODE(ORT_INVALID_ARGUMENT, FillSparseTensorCoo(v, cpu, three, 1, x, outside, 3));
  OK(FillSparseTensorCoo(v, cpu, three, 1, x, linear, 3));
  CODE(ORT_FAIL, FillSparseTensorCoo(v, cpu, three, 1, x, linear, 3));
  OK(GetSparseTensorFormat(v, &format));
  CHECK(format == ORT_SPARSE_COO);
  OK(GetTensorTypeAndShape(v, &s));
  shape_is(s, FLOAT, 2, dense);
  OK(GetSparseTensorValuesTypeAndShape(v, &s));
  shape_is(s, FLOAT, 1, three);
  OK(GetSparseTensorValues(v, &p));
  CHECK(p != x && !memcmp(p, x, sizeof x));
  OK(GetSparseTensorIndices(v, ORT_SPARSE_COO_INDICES, &n, &p));
  CHECK(n == 3 && !memcmp(p, linear, sizeof linear));
  CODE(ORT_FAIL, GetSparseTensorIndices(v, ORT_SPARSE_CSR_INNER_INDICES, &n, &p));
  api->ReleaseValue(v);
  v = sparse(dense);
  OK(FillSparseTensorCoo(v, cpu, three, 1, x, pairs, 6));
  OK(GetSparseTensorIndicesTypeShape(v, ORT_SPARSE_COO_INDICES, &s));
  shape_is(s, INT64, 2, two_by_three);
  api->ReleaseValue(v);
  v = sparse(dense);
  CODE(ORT_INVALID_ARGUMENT, FillSparseTensorCsr(v, cpu, three, 1, x, inner, 2, outer, 4));
  CODE(ORT_INVALID_ARGUMENT, FillSparseTensorCsr(v, cpu, three, 1, x, inner, 3, outer, 100));
  OK(FillSparseTensorCsr(v, cpu, three, 1, x, inner, 3, outer, 4));
  OK(GetSparseTensorIndices(v, ORT_SPARSE_CSR_OUTER_INDICES, &n, &p));
  CHECK(n == 4 && !memcmp(p, outer, sizeof outer));
  api->ReleaseValue(v);
  int64_t blocks[] = {2, 1, 2}, block_shape[] = {2, 2}, wrong[] = {2, 3};
  int32_t block_at[] = {0, 1, 0, 1};
  float y[] = {1, 2, 3, 4};
  v = sparse(dense);
  CODE(ORT_FAIL, FillSparseTensorBlockSparse(v, cpu, blocks, 3, y, wrong, 2, block_at));
  OK(FillSparseTensorBlockSparse(v, cpu, blocks, 3, y, block_shape, 2, block_at));
  OrtValue *deep = NULL;
  int64_t deep_dims[] = {2, 2, 4};
  int32_t far_away[] = {0, 1, 0, 7};
  OK(CreateSparseTensorAsOrtValue(a, deep_dims, 3, FLOAT, &deep));
  CODE(ORT_INVALID_ARGUMENT, FillSparseTensorBlockSparse(deep, cpu, blocks, 3, y, block_shape, 2, far_away));
  OK(FillSparseTensorBlockSparse(deep, cpu, blocks, 3, y, block_shape, 2, block_at));
  api->ReleaseValue(deep);
  OK(GetSparseTensorIndices(v, ORT_SPARSE_BLOCK_SPARSE_INDICES, &n, &p));
  CHECK(n == 4);
  api->ReleaseValue(v);
  v = NULL;
  OK(CreateSparseTensorWithValuesAsOrtValue(cpu, x, dense, 2, three, 1, FLOAT, &v));
  OK(UseCooIndices(v, linear, 3));
  OK(GetSparseTensorValues(v, &p));
  CHECK(p == x);
  CODE(ORT_FAIL, UseCooIndices(v, linear, 3));
  api->ReleaseValue(v);
  CODE(ORT_INVALID_ARGUMENT, CreateSparseTensorWithValuesAsOrtValue(cpu, x, dense, 2, three, 1, STRING, &v));
  v = NULL;
  const char *text[] = {"a", "bb", "c"};
  OK(CreateSparseTensorAsOrtValue(a, dense, 2, STRING, &v));
  OK(FillSparseTensorCoo(v, cpu, three, 1, text, linear, 3));
  OK(GetStringTensorDataLength(v, &n));
  CHECK(n == 4);
  CODE(ORT_INVALID_ARGUMENT, GetSparseTensorValues(v, &p));
  api->ReleaseValue(v);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 2;
  OrtEnv *env = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "abi", &env));
  OK(GetAllocatorWithDefaultOptions(&a));
  OK(CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &cpu));
  tensors();
  strings();
  sequences();
  maps();
  infos();
  sparse_tensors();
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  return abi_end("value");
}
