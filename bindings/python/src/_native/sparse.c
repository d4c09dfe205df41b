// SPDX-License-Identifier: MIT
/* Sparse tensors: made over the arrays that they are given, and read back as arrays over their own memory. An index is a pair
 * (format, array); the classes are Python's. */
#include "native.h"

/* (format 1, 2 or 4; dense shape; values; indices; second indices or None): a value over those arrays. The caller passes
 * contiguous arrays as (address, shape, element type) and, last, what keeps them. */
static PyObject *sparse_make(PyObject *module, PyObject *args) {
  PyObject *dense, *values_shape, *block_shape, *owner;
  unsigned long long values, first, second;
  int format, type;
  Py_ssize_t n_first, n_second;
  int64_t dims[64], value_dims[64], index_dims[64];
  size_t rank, value_rank, index_rank;
  OrtValue *v;
  if (!PyArg_ParseTuple(args, "iOKOiKnOKnO:sparse_make", &format, &dense, &values, &values_shape, &type, &first, &n_first, &block_shape,
                        &second, &n_second, &owner) ||
      dims_of(dense, dims, &rank) || dims_of(values_shape, value_dims, &value_rank) || dims_of(block_shape, index_dims, &index_rank) ||
      raise_status(ort->CreateSparseTensorWithValuesAsOrtValue(ort_host, (void *)(uintptr_t)values, dims, rank, value_dims, value_rank,
                                                               (ONNXTensorElementDataType)type, &v)))
    return NULL;
  OrtStatus *status;
  if (format == ORT_SPARSE_COO)
    status = ort->UseCooIndices(v, (int64_t *)(uintptr_t)first, (size_t)n_first);
  else if (format == ORT_SPARSE_CSRC)
    status = ort->UseCsrIndices(v, (int64_t *)(uintptr_t)first, (size_t)n_first, (int64_t *)(uintptr_t)second, (size_t)n_second);
  else
    status = ort->UseBlockSparseIndices(v, index_dims, index_rank, (int32_t *)(uintptr_t)first);
  if (raise_status(status)) {
    ort->ReleaseValue(v);
    return NULL;
  }
  Py_INCREF(owner);
  return value_wrap(v, owner);
}

static OrtValue *value_of(PyObject *object) {
  if (value_check(object)) return ((Value *)object)->value;
  PyErr_SetString(PyExc_TypeError, "expected an OrtValue");
  return NULL;
}

static PyObject *sparse_format(PyObject *module, PyObject *object) {
  OrtValue *v = value_of(object);
  enum OrtSparseFormat format;
  return !v || raise_status(ort->GetSparseTensorFormat(v, &format)) ? NULL : PyLong_FromLong(format);
}

static PyObject *array_of(OrtTensorTypeAndShapeInfo *info, const void *data, PyObject *base) {
  ONNXTensorElementDataType type;
  size_t rank;
  int64_t dims[64];
  PyObject *out = NULL;
  if (!raise_status(ort->GetTensorElementType(info, &type)) && !raise_status(ort->GetDimensionsCount(info, &rank)) && rank <= 64 &&
      !raise_status(ort->GetDimensions(info, dims, rank))) {
    Py_INCREF(base);
    out = array_over((void *)(uintptr_t)data, type, dims, rank, true, base);
  }
  ort->ReleaseTensorTypeAndShapeInfo(info);
  return out;
}

static PyObject *sparse_values(PyObject *module, PyObject *object) {
  OrtValue *v = value_of(object);
  OrtTensorTypeAndShapeInfo *info;
  const void *data;
  if (!v || raise_status(ort->GetSparseTensorValues(v, &data)) || raise_status(ort->GetSparseTensorValuesTypeAndShape(v, &info))) return NULL;
  return array_of(info, data, object);
}

static PyObject *sparse_indices(PyObject *module, PyObject *args) {
  PyObject *object;
  int which;
  OrtTensorTypeAndShapeInfo *info;
  const void *data;
  size_t n;
  OrtValue *v;
  if (!PyArg_ParseTuple(args, "Oi:sparse_indices", &object, &which) || !(v = value_of(object)) ||
      raise_status(ort->GetSparseTensorIndices(v, (enum OrtSparseIndicesFormat)which, &n, &data)) ||
      raise_status(ort->GetSparseTensorIndicesTypeShape(v, (enum OrtSparseIndicesFormat)which, &info)))
    return NULL;
  return array_of(info, data, object);
}

/* (dense shape, element type) */
static PyObject *sparse_describe(PyObject *module, PyObject *object) {
  OrtValue *v = value_of(object);
  OrtTypeInfo *info;
  if (!v || raise_status(ort->GetTypeInfo(v, &info))) return NULL;
  PyObject *shape = type_shape(info), *text = type_text(info);
  ort->ReleaseTypeInfo(info);
  return shape && text ? Py_BuildValue("(NN)", shape, text) : NULL;
}

PyMethodDef sparse_methods[] = {
    {"sparse_make", sparse_make, METH_VARARGS,
     "sparse_make(format, dense_shape, values, values_shape, type, first, n_first, block_shape, second, n_second, owner)"},
    {"sparse_format", sparse_format, METH_O, "sparse_format(value)"},
    {"sparse_values", sparse_values, METH_O, "sparse_values(value)"},
    {"sparse_indices", sparse_indices, METH_VARARGS, "sparse_indices(value, which)"},
    {"sparse_describe", sparse_describe, METH_O, "sparse_describe(value)"},
    {NULL, NULL, 0, NULL}};
