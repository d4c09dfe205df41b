// SPDX-License-Identifier: MIT
/* Inputs made up for any model, and outputs compared with those of another session. */
#ifndef DEVICE_VALUES_H
#define DEVICE_VALUES_H
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"

enum { MOST = 8 };
static OrtAllocator *allocator; /* the host's */

/* Input i of a session: `seed` decides the numbers; sizes that the model leaves open are 3. */
static OrtValue *make_input(OrtSession *s, size_t i, int seed) {
  ONNXTensorElementDataType element;
  OrtValue *value = NULL;
  size_t count = 0;
  void *data = NULL;
  check_code(ORT_OK, abi_input(s, i, 3, allocator, &value, &element, &count), __LINE__, "input");
  if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return value;
  OK(GetTensorMutableData(value, &data));
  for (size_t k = 0; k < count; k++) {
    if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
      ((float *)data)[k] = (float)((k * 7 + (size_t)seed * 5 + i * 3) % 13) / 8 - 0.5f + (count > 1 ? 0 : (float)i * 5);
    if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) ((int64_t *)data)[k] = (int64_t)(k + (size_t)(seed + 2) % 3);
    if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL) ((bool *)data)[k] = seed % 2 == 0;
  }
  return value;
}

static size_t tensor_count(const OrtValue *v, ONNXTensorElementDataType *type, int64_t dims[8], size_t *rank) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  size_t count = 0;
  OK(GetTensorTypeAndShape(v, &info));
  OK(GetTensorElementType(info, type));
  OK(GetDimensionsCount(info, rank));
  OK(GetDimensions(info, dims, *rank));
  OK(GetTensorShapeElementCount(info, &count));
  api->ReleaseTensorTypeAndShapeInfo(info);
  return count;
}

static int same_texts(const OrtValue *a, const OrtValue *b, size_t n) {
  char x[2][200] = {{0}};
  size_t offsets[16];
  for (int k = 0; k < 2; k++) OK(GetStringTensorContent(k ? b : a, x[k], sizeof x[k] - 1, offsets, n));
  return !strcmp(x[0], x[1]);
}

/* Equal but for what rounding in another order does. */
static int same(const OrtValue *a, const OrtValue *b) {
  enum ONNXType kind[2];
  int equal = 1;
  OK(GetValueType(a, &kind[0]));
  OK(GetValueType(b, &kind[1]));
  if (kind[0] != kind[1]) return 0;
  if (kind[0] == ONNX_TYPE_SEQUENCE) {
    size_t n[2] = {0, 0};
    OK(GetValueCount(a, &n[0]));
    OK(GetValueCount(b, &n[1]));
    for (size_t i = 0; i < n[0] && n[0] == n[1]; i++) {
      OrtValue *x = NULL, *y = NULL;
      OK(GetValue(a, (int)i, allocator, &x));
      OK(GetValue(b, (int)i, allocator, &y));
      equal &= same(x, y);
      api->ReleaseValue(x);
      api->ReleaseValue(y);
    }
    return equal && n[0] == n[1];
  }
  ONNXTensorElementDataType type[2];
  int64_t dims[2][8];
  size_t rank[2], count = tensor_count(a, &type[0], dims[0], &rank[0]);
  void *data[2] = {NULL, NULL};
  if (tensor_count(b, &type[1], dims[1], &rank[1]) != count || type[0] != type[1] || rank[0] != rank[1] ||
      memcmp(dims[0], dims[1], rank[0] * sizeof *dims[0]) != 0)
    return 0;
  if (type[0] == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return same_texts(a, b, count);
  OK(GetTensorMutableData((OrtValue *)a, &data[0]));
  OK(GetTensorMutableData((OrtValue *)b, &data[1]));
  for (size_t i = 0; i < count && equal; i++) {
    if (type[0] == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
      float x = ((float *)data[0])[i], y = ((float *)data[1])[i];
      equal = x == y || fabsf(x - y) <= 1e-5f * (1 + fabsf(x)) || (isnan(x) && isnan(y));
    } else if (type[0] == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64)
      equal = ((int64_t *)data[0])[i] == ((int64_t *)data[1])[i];
    else
      equal = ((bool *)data[0])[i] == ((bool *)data[1])[i];
  }
  return equal;
}

/* A session's inputs or outputs by name, and what they hold. */
typedef struct Values {
  size_t n;
  char *names[MOST];
  OrtValue *at[MOST];
} Values;
static void name_values(OrtSession *s, Values *in, Values *out) {
  memset(in, 0, sizeof *in);
  memset(out, 0, sizeof *out);
  OK(SessionGetInputCount(s, &in->n));
  OK(SessionGetOutputCount(s, &out->n));
  for (size_t i = 0; i < in->n; i++) OK(SessionGetInputName(s, i, allocator, &in->names[i]));
  for (size_t i = 0; i < out->n; i++) OK(SessionGetOutputName(s, i, allocator, &out->names[i]));
}
static void drop_values(Values *v) {
  for (size_t i = 0; i < v->n; i++) {
    allocator->Free(allocator, v->names[i]);
    api->ReleaseValue(v->at[i]);
    v->at[i] = NULL;
  }
}
#endif
