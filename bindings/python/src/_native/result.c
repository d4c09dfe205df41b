// SPDX-License-Identifier: MIT
/* Values become what Python works with: arrays over the value's own memory, which a capsule owns; lists; dictionaries. */
#include "native.h"
#include "numpy_api.h"
#include "dtype.h"

static void release_capsule(PyObject *capsule) { ort->ReleaseValue(PyCapsule_GetPointer(capsule, "OrtValue")); }

PyObject *array_over(void *data, ONNXTensorElementDataType type, const int64_t *dims, size_t rank, bool writable, PyObject *base) {
  npy_intp shape[64];
  PyArray_Descr *descr = rank <= 64 ? dtype_of_element(type) : NULL;
  static char nothing[16]; /* an empty tensor may have no memory, and NumPy takes NULL as a wish for some */
  if (!descr) {
    if (!PyErr_Occurred()) raise_code(ORT_NOT_IMPLEMENTED, "a tensor with %zu dimensions", rank);
    Py_DECREF(base);
    return NULL;
  }
  for (size_t i = 0; i < rank; i++) shape[i] = (npy_intp)dims[i];
  PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr, (int)rank, shape, NULL, data ? data : nothing,
                                         writable ? NPY_ARRAY_CARRAY : NPY_ARRAY_CARRAY_RO, NULL);
  if (!array)
    Py_DECREF(base);
  else if (PyArray_SetBaseObject((PyArrayObject *)array, base))
    Py_CLEAR(array);
  return array;
}

static PyObject *strings(const OrtValue *value, const int64_t *dims, size_t rank) {
  npy_intp shape[64];
  size_t bytes, n = 1;
  if (raise_status(ort->GetStringTensorDataLength(value, &bytes))) return NULL;
  for (size_t i = 0; i < rank; i++) n *= (size_t)(shape[i] = (npy_intp)dims[i]);
  PyObject *array = PyArray_SimpleNew((int)rank, shape, NPY_OBJECT);
  char *text = PyMem_Malloc(bytes + 1);
  size_t *offsets = PyMem_Malloc((n + 1) * sizeof *offsets);
  int failed = !array || !text || !offsets;
  if (failed && !PyErr_Occurred()) PyErr_NoMemory();
  if (!failed && n) failed = raise_status(ort->GetStringTensorContent(value, text, bytes, offsets, n));
  PyObject **items = failed ? NULL : PyArray_DATA((PyArrayObject *)array);
  for (size_t i = 0; !failed && i < n; i++) {
    size_t end = i + 1 < n ? offsets[i + 1] : bytes;
    PyObject *item = PyUnicode_DecodeUTF8(text + offsets[i], (Py_ssize_t)(end - offsets[i]), "surrogateescape");
    if (!item) failed = 1;
    Py_XDECREF(items[i]);
    items[i] = item;
  }
  PyMem_Free(text), PyMem_Free(offsets);
  if (failed) Py_CLEAR(array);
  return array;
}

/* A byte per element, signed where the type is; ml_dtypes' own form. */
static PyObject *unpacked(const unsigned char *in, ONNXTensorElementDataType type, const int64_t *dims, size_t rank) {
  npy_intp shape[64];
  size_t n = 1, bits = element_bits(type), per = 8 / bits;
  bool is_signed = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4 || type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2;
  PyArray_Descr *descr = dtype_of_element(type);
  if (!descr) return NULL;
  for (size_t i = 0; i < rank; i++) n *= (size_t)(shape[i] = (npy_intp)dims[i]);
  PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr, (int)rank, shape, NULL, NULL, 0, NULL);
  if (!array) return NULL;
  unsigned char *out = PyArray_DATA((PyArrayObject *)array);
  for (size_t i = 0; i < n; i++) {
    int element = in[i / per] >> (i % per * bits) & ((1 << bits) - 1);
    out[i] = (unsigned char)(is_signed && element >> (bits - 1) ? element - (1 << bits) : element);
  }
  return array;
}

/* `base` owns the value; a new reference to it goes into the array, unless the elements had to be copied. */
static PyObject *tensor(const OrtValue *value, PyObject *base) {
  const int64_t *dims;
  size_t rank;
  ONNXTensorElementDataType type;
  const void *data;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(value, &type, &dims, &rank))) return NULL;
  if (rank > 64) {
    raise_code(ORT_NOT_IMPLEMENTED, "a tensor with %zu dimensions", rank);
    return NULL;
  }
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return strings(value, dims, rank);
  if (raise_status(ort->GetTensorData(value, &data))) return NULL;
  if (element_bits(type) < 8) return unpacked(data, type, dims, rank);
  Py_INCREF(base);
  return array_over((void *)(uintptr_t)data, type, dims, rank, true, base);
}

static PyObject *item_of(const OrtValue *value, int index) {
  OrtValue *item = NULL;
  return raise_status(ort->GetValue(value, index, ort_allocator, &item)) ? NULL : object_from_value(item);
}

/* Element i of the plain data of a map's values. */
static PyObject *scalar(const void *data, ONNXTensorElementDataType type, size_t i) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return PyFloat_FromDouble((double)((const float *)data)[i]);
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE: return PyFloat_FromDouble(((const double *)data)[i]);
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return PyLong_FromLongLong(((const int64_t *)data)[i]);
    default: return PyErr_Format(PyExc_RuntimeError, "a map's values have the type %s", element_name(type));
  }
}

static PyObject *zipped(PyObject *keys, const void *data, ONNXTensorElementDataType type) {
  PyObject *out = PyDict_New();
  Py_ssize_t n = PyList_Size(keys);
  for (Py_ssize_t i = 0; out && i < n; i++) {
    PyObject *item = scalar(data, type, (size_t)i);
    if (!item || PyDict_SetItem(out, PyList_GetItem(keys, i), item)) Py_CLEAR(out);
    Py_XDECREF(item);
  }
  return out;
}

/* Maps that share their keys, in one pass: a row each of a classifier's scores. NULL without an exception where there are
 * none such. */
static PyObject *shared_maps(const OrtValue *value, size_t n) {
  OrtValue *keys = NULL;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  PyObject *tensor, *names = NULL, *list = NULL;
  const void **rows = PyMem_Malloc((n + 1) * sizeof *rows);
  if (!rows) return PyErr_NoMemory();
  if (!raise_status(ort_extension->SequenceMaps(value, ort_allocator, &keys, &type, rows, n)) && keys &&
      (tensor = object_from_value(keys))) {
    names = PyObject_CallMethod(tensor, "tolist", NULL);
    Py_DECREF(tensor);
  }
  if (names) list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = zipped(names, rows[i], type);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  Py_XDECREF(names);
  PyMem_Free(rows);
  return list;
}

static PyObject *sequence(const OrtValue *value) {
  size_t n;
  if (raise_status(ort->GetValueCount(value, &n))) return NULL;
  PyObject *list = n && ort_extension ? shared_maps(value, n) : NULL;
  if (list || PyErr_Occurred()) return list;
  list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = item_of(value, (int)i);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  return list;
}

static PyObject *map(const OrtValue *value) {
  PyObject *keys = item_of(value, 0), *values = keys ? item_of(value, 1) : NULL, *out = values ? PyDict_New() : NULL;
  PyObject *k = out ? PyObject_CallMethod(keys, "tolist", NULL) : NULL, *v = k ? PyObject_CallMethod(values, "tolist", NULL) : NULL;
  Py_ssize_t n = v ? PyList_Size(v) : 0;
  int failed = !v;
  for (Py_ssize_t i = 0; !failed && i < n; i++) failed = PyDict_SetItem(out, PyList_GetItem(k, i), PyList_GetItem(v, i));
  if (failed) Py_CLEAR(out);
  Py_XDECREF(keys), Py_XDECREF(values), Py_XDECREF(k), Py_XDECREF(v);
  return out;
}

PyObject *object_of_value(const OrtValue *value, PyObject *base) {
  enum ONNXType kind;
  int has = 1;
  if (raise_status(ort->HasValue(value, &has))) return NULL;
  if (!has) Py_RETURN_NONE;
  if (raise_status(ort->GetValueType(value, &kind))) return NULL;
  switch (kind) {
    case ONNX_TYPE_TENSOR: return tensor(value, base);
    case ONNX_TYPE_SEQUENCE: return sequence(value);
    case ONNX_TYPE_MAP: return map(value);
    default: raise_code(ORT_NOT_IMPLEMENTED, "NumPy has no form for this value; a sparse tensor has as_sparse_tensor()"); return NULL;
  }
}

PyObject *object_from_value(OrtValue *value) {
  int sparse = 0, has = 1;
  if (!raise_status(ort->HasValue(value, &has)) && has && !raise_status(ort->IsSparseTensor(value, &sparse)) && sparse)
    return value_wrap(value, NULL);
  PyObject *capsule = PyErr_Occurred() ? NULL : PyCapsule_New(value, "OrtValue", release_capsule);
  if (!capsule) {
    ort->ReleaseValue(value);
    return NULL;
  }
  PyObject *out = object_of_value(value, capsule);
  Py_DECREF(capsule);
  return out;
}
