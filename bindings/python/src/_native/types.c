// SPDX-License-Identifier: MIT
/* Types of inputs and outputs: as text ("seq(tensor(float))"), as a shape, and as what converts an argument. */
#include "native.h"

static const struct {
  const char *name;
  unsigned char bits;
} elements[] = {{"undefined", 0},    {"float", 32},         {"uint8", 8},         {"int8", 8},          {"uint16", 16},
                {"int16", 16},       {"int32", 32},         {"int64", 64},        {"string", 0},        {"bool", 8},
                {"float16", 16},     {"double", 64},        {"uint32", 32},       {"uint64", 64},       {"complex64", 64},
                {"complex128", 128}, {"bfloat16", 16},      {"float8e4m3fn", 8},  {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
                {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},          {"float4e2m1", 4},    {"uint2", 2},
                {"int2", 2},         {"float8e8m0", 8},     {"float6e2m3", 8},     {"float6e3m2", 8}};
enum { N_ELEMENTS = sizeof elements / sizeof *elements };

const char *element_name(ONNXTensorElementDataType type) {
  return (unsigned)type < N_ELEMENTS ? elements[type].name : "undefined";
}

size_t element_bits(ONNXTensorElementDataType type) { return (unsigned)type < N_ELEMENTS ? elements[type].bits : 0; }

static int tensor_info(const OrtTypeInfo *info, const OrtTensorTypeAndShapeInfo **tensor) {
  return raise_status(ort->CastTypeInfoToTensorInfo(info, tensor));
}

/* The contained type of a sequence, of a map's values or of an optional: a new object, but for the optional's. */
static int contained(const OrtTypeInfo *info, enum ONNXType kind, OrtTypeInfo **out, ONNXTensorElementDataType *key) {
  const OrtSequenceTypeInfo *sequence;
  const OrtMapTypeInfo *map;
  const OrtOptionalTypeInfo *optional;
  *key = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  if (kind == ONNX_TYPE_SEQUENCE)
    return raise_status(ort->CastTypeInfoToSequenceTypeInfo(info, &sequence)) ||
                   raise_status(ort->GetSequenceElementType(sequence, out)) ? -1 : 0;
  if (kind == ONNX_TYPE_MAP)
    return raise_status(ort->CastTypeInfoToMapTypeInfo(info, &map)) || raise_status(ort->GetMapKeyType(map, key)) ||
                   raise_status(ort->GetMapValueType(map, out)) ? -1 : 0;
  return raise_status(ort->CastTypeInfoToOptionalTypeInfo(info, &optional)) ||
                 raise_status(ort->GetOptionalContainedTypeInfo(optional, out)) ? -1 : 0;
}

PyObject *type_text(const OrtTypeInfo *info) {
  enum ONNXType kind;
  ONNXTensorElementDataType element;
  const OrtTensorTypeAndShapeInfo *tensor;
  OrtTypeInfo *inner = NULL;
  if (raise_status(ort->GetOnnxTypeFromTypeInfo(info, &kind))) return NULL;
  switch (kind) {
    case ONNX_TYPE_TENSOR:
    case ONNX_TYPE_SPARSETENSOR:
      if (tensor_info(info, &tensor) || raise_status(ort->GetTensorElementType(tensor, &element))) return NULL;
      return PyUnicode_FromFormat(kind == ONNX_TYPE_TENSOR ? "tensor(%s)" : "sparse_tensor(%s)", element_name(element));
    case ONNX_TYPE_SEQUENCE:
    case ONNX_TYPE_MAP:
    case ONNX_TYPE_OPTIONAL: break;
    default: return PyUnicode_FromString("opaque()");
  }
  if (contained(info, kind, &inner, &element)) return NULL;
  PyObject *text = type_text(inner), *out = NULL;
  ort->ReleaseTypeInfo(inner);
  if (text && kind == ONNX_TYPE_MAP)
    out = PyUnicode_FromFormat("map(%s,%U)", element_name(element), text);
  else if (text)
    out = PyUnicode_FromFormat(kind == ONNX_TYPE_SEQUENCE ? "seq(%U)" : "optional(%U)", text);
  Py_XDECREF(text);
  return out;
}

static PyObject *dimension(int64_t size, const char *symbol) {
  if (size >= 0) return PyLong_FromLongLong(size);
  if (symbol && *symbol) return PyUnicode_FromString(symbol);
  Py_RETURN_NONE;
}

PyObject *type_shape(const OrtTypeInfo *info) {
  enum ONNXType kind;
  const OrtTensorTypeAndShapeInfo *tensor;
  size_t rank;
  if (raise_status(ort->GetOnnxTypeFromTypeInfo(info, &kind))) return NULL;
  if (kind != ONNX_TYPE_TENSOR && kind != ONNX_TYPE_SPARSETENSOR) return PyList_New(0);
  if (tensor_info(info, &tensor) || raise_status(ort->GetDimensionsCount(tensor, &rank))) return NULL;
  int64_t *dims = zeroed(rank + 1, sizeof *dims);
  const char **symbols = zeroed(rank + 1, sizeof *symbols);
  PyObject *list = NULL;
  if (!dims || !symbols)
    PyErr_NoMemory();
  else if (!raise_status(ort->GetDimensions(tensor, dims, rank)) &&
           !raise_status(ort->GetSymbolicDimensions(tensor, symbols, rank)))
    list = PyList_New((Py_ssize_t)rank);
  for (size_t i = 0; list && i < rank; i++) {
    PyObject *d = dimension(dims[i], symbols[i]);
    if (!d || PyList_SetItem(list, (Py_ssize_t)i, d)) Py_CLEAR(list);
  }
  PyMem_Free(dims), PyMem_Free(symbols);
  return list;
}

int type_read(const OrtTypeInfo *info, IoType *out) {
  const OrtTensorTypeAndShapeInfo *tensor;
  OrtTypeInfo *inner = NULL;
  ONNXTensorElementDataType key;
  IoType item = {0};
  if (raise_status(ort->GetOnnxTypeFromTypeInfo(info, &out->kind))) return -1;
  if (out->kind == ONNX_TYPE_TENSOR || out->kind == ONNX_TYPE_SPARSETENSOR)
    return tensor_info(info, &tensor) || raise_status(ort->GetTensorElementType(tensor, &out->element)) ? -1 : 0;
  if (out->kind != ONNX_TYPE_SEQUENCE && out->kind != ONNX_TYPE_MAP && out->kind != ONNX_TYPE_OPTIONAL) return 0;
  if (contained(info, out->kind, &inner, &key)) return -1;
  int failed = type_read(inner, &item);
  ort->ReleaseTypeInfo(inner);
  if (failed) return -1;
  if (out->kind == ONNX_TYPE_OPTIONAL) {
    *out = item, out->optional = true;
    return 0;
  }
  out->item = item.kind, out->element = item.element, out->key = out->kind == ONNX_TYPE_MAP ? key : item.key;
  return 0;
}
