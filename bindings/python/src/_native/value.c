// SPDX-License-Identifier: MIT
/* OrtValue: a tensor, sequence, map, optional or sparse tensor of the library, and what lends it its memory. The class that
 * Python sees is derived from this one; use_value_class says which, so that results have it, too. */
#include "native.h"

PyTypeObject *value_type;
static PyTypeObject *derived; /* what value_wrap makes */

bool value_check(PyObject *object) { return PyObject_TypeCheck(object, value_type); }

PyObject *value_wrap(OrtValue *value, PyObject *owner) {
  Value *v = (Value *)PyType_GenericAlloc(derived ? derived : value_type, 0);
  if (!v) {
    ort->ReleaseValue(value);
    Py_XDECREF(owner);
    return NULL;
  }
  v->value = value, v->owner = owner;
  return (PyObject *)v;
}

static void value_dealloc(Value *v) {
  PyTypeObject *type = Py_TYPE(v);
  if (v->value) ort->ReleaseValue(v->value);
  Py_XDECREF(v->owner);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(v);
  Py_DECREF(type);
}

int dims_of(PyObject *sequence, int64_t *dims, size_t *rank) {
  Py_ssize_t n = PySequence_Size(sequence);
  if (n < 0) return -1;
  if (n > 64) {
    raise_code(ORT_INVALID_ARGUMENT, "a shape has %zd dimensions; at most 64 are possible", n);
    return -1;
  }
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject *item = PySequence_GetItem(sequence, i), *number = item ? PyNumber_Index(item) : NULL;
    dims[i] = number ? PyLong_AsLongLong(number) : -1;
    Py_XDECREF(item), Py_XDECREF(number);
    if (PyErr_Occurred()) return -1;
  }
  *rank = (size_t)n;
  return 0;
}

/* (array, element type or 0) */
static PyObject *from_object(PyObject *module, PyObject *args) {
  PyObject *object, *owner = NULL;
  int type = 0;
  if (!PyArg_ParseTuple(args, "O|i:from_object", &object, &type)) return NULL;
  IoType want = {.kind = ONNX_TYPE_TENSOR, .element = (ONNXTensorElementDataType)type};
  if (PyList_Check(object)) want.kind = ONNX_TYPE_SEQUENCE;
  OrtValue *value = value_from_object(object, type || PyList_Check(object) ? &want : NULL, &owner);
  return value ? value_wrap(value, owner) : NULL;
}

/* (shape, element type): memory of the library */
static PyObject *from_shape(PyObject *module, PyObject *args) {
  PyObject *shape;
  int type;
  int64_t dims[64];
  size_t rank;
  OrtValue *value;
  if (!PyArg_ParseTuple(args, "Oi:from_shape", &shape, &type) || dims_of(shape, dims, &rank) ||
      raise_status(ort->CreateTensorAsOrtValue(ort_allocator, dims, rank, (ONNXTensorElementDataType)type, &value)))
    return NULL;
  return value_wrap(value, NULL);
}

PyObject *value_copy(const OrtValue *value) {
  const int64_t *dims;
  size_t rank, bytes;
  const void *from;
  void *to;
  ONNXTensorElementDataType type;
  OrtValue *copy = NULL;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(value, &type, &dims, &rank)) ||
      raise_status(ort->CreateTensorAsOrtValue(ort_allocator, dims, rank, type, &copy)))
    return NULL;
  if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING &&
      (raise_status(ort->GetTensorSizeInBytes(value, &bytes)) || raise_status(ort->GetTensorData(value, &from)) ||
       raise_status(ort->GetTensorMutableData(copy, &to)))) {
    ort->ReleaseValue(copy);
    return NULL;
  }
  if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING && bytes) memcpy(to, from, bytes);
  return value_wrap(copy, NULL);
}

/* (pointer, shape, element type, owner): foreign memory */
static PyObject *from_pointer(PyObject *module, PyObject *args) {
  PyObject *shape, *owner;
  unsigned long long pointer;
  int type;
  int64_t dims[64];
  size_t rank, n = 1;
  OrtValue *value;
  if (!PyArg_ParseTuple(args, "KOiO:from_pointer", &pointer, &shape, &type, &owner) || dims_of(shape, dims, &rank)) return NULL;
  if (!element_bits((ONNXTensorElementDataType)type)) {
    raise_code(ORT_INVALID_ARGUMENT, "memory has no elements of type %d", type);
    return NULL;
  }
  for (size_t i = 0; i < rank; i++)
    if (dims[i] < 0 || (dims[i] && n > SIZE_MAX / 256 / (size_t)dims[i])) {
      raise_code(ORT_INVALID_ARGUMENT, "dimension %zu of a buffer is %lld", i, (long long)dims[i]);
      return NULL;
    } else
      n *= (size_t)dims[i];
  size_t bytes = (n * element_bits((ONNXTensorElementDataType)type) + 7) / 8;
  if (raise_status(ort->CreateTensorWithDataAsOrtValue(ort_host, (void *)(uintptr_t)pointer, bytes, dims, rank,
                                                       (ONNXTensorElementDataType)type, &value)))
    return NULL;
  Py_INCREF(owner);
  return value_wrap(value, owner);
}

static PyObject *use_value_class(PyObject *module, PyObject *type) {
  Py_INCREF(type);
  derived = (PyTypeObject *)type;
  Py_RETURN_NONE;
}

static PyObject *value_numpy(Value *v, PyObject *unused) { return object_of_value(v->value, (PyObject *)v); }

static PyObject *value_shape(Value *v, PyObject *unused) {
  const int64_t *dims;
  size_t rank;
  ONNXTensorElementDataType type;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(v->value, &type, &dims, &rank))) return NULL;
  PyObject *list = PyList_New((Py_ssize_t)rank);
  for (size_t i = 0; list && i < rank; i++)
    if (PyList_SetItem(list, (Py_ssize_t)i, PyLong_FromLongLong(dims[i]))) Py_CLEAR(list);
  return list;
}

static PyObject *value_element_type(Value *v, PyObject *unused) {
  const int64_t *dims;
  size_t rank;
  ONNXTensorElementDataType type;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(v->value, &type, &dims, &rank))) return NULL;
  return PyLong_FromLong(type);
}

static PyObject *value_data_type(Value *v, PyObject *unused) {
  OrtTypeInfo *info;
  if (raise_status(ort->GetTypeInfo(v->value, &info))) return NULL;
  PyObject *text = type_text(info);
  ort->ReleaseTypeInfo(info);
  return text;
}

static PyObject *value_data_ptr(Value *v, PyObject *unused) {
  const void *data;
  return raise_status(ort->GetTensorData(v->value, &data)) ? NULL : PyLong_FromVoidPtr((void *)(uintptr_t)data);
}

static PyObject *value_bytes(Value *v, PyObject *unused) {
  size_t bytes;
  return raise_status(ort->GetTensorSizeInBytes(v->value, &bytes)) ? NULL : PyLong_FromSize_t(bytes);
}

static PyObject *value_has(Value *v, PyObject *unused) {
  int has;
  return raise_status(ort->HasValue(v->value, &has)) ? NULL : PyBool_FromLong(has);
}

static PyObject *is_kind(Value *v, enum ONNXType kind) {
  enum ONNXType found;
  return raise_status(ort->GetValueType(v->value, &found)) ? NULL : PyBool_FromLong(found == kind);
}
static PyObject *value_is_tensor(Value *v, PyObject *unused) { return is_kind(v, ONNX_TYPE_TENSOR); }
static PyObject *value_is_sparse(Value *v, PyObject *unused) { return is_kind(v, ONNX_TYPE_SPARSETENSOR); }
static PyObject *value_is_map(Value *v, PyObject *unused) { return is_kind(v, ONNX_TYPE_MAP); }

static PyObject *value_is_sequence(Value *v, PyObject *unused) {
  enum ONNXType kind;
  size_t n = 0;
  if (raise_status(ort->GetValueType(v->value, &kind))) return NULL;
  if (kind != ONNX_TYPE_SEQUENCE) Py_RETURN_FALSE;
  OrtValue *first = NULL;
  if (raise_status(ort->GetValueCount(v->value, &n))) return NULL;
  if (!n) Py_RETURN_TRUE;
  if (raise_status(ort->GetValue(v->value, 0, ort_allocator, &first)) || raise_status(ort->GetValueType(first, &kind))) return NULL;
  ort->ReleaseValue(first);
  return PyBool_FromLong(kind == ONNX_TYPE_TENSOR);
}

static PyObject *value_device(Value *v, PyObject *unused) {
  const OrtMemoryInfo *info;
  OrtMemoryInfoDeviceType type;
  static const char *const names[] = {"cpu", "gpu", "fpga", "npu"};
  enum ONNXType kind;
  if (raise_status(ort->GetValueType(v->value, &kind))) return NULL;
  if (kind != ONNX_TYPE_TENSOR && kind != ONNX_TYPE_SPARSETENSOR) return PyUnicode_FromString("cpu");
  if (raise_status(ort->GetTensorMemoryInfo(v->value, &info))) return NULL;
  ort->MemoryInfoGetDeviceType(info, &type);
  return PyUnicode_FromString((unsigned)type < 4 ? names[type] : "unknown");
}

/* Copies an array or another value of the same type and size into the memory of this one. */
static PyObject *value_update(Value *v, PyObject *source) {
  PyObject *owner = NULL;
  const void *from;
  void *to;
  size_t bytes, room;
  const int64_t *dims;
  ONNXTensorElementDataType type, other_type;
  size_t rank;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(v->value, &type, &dims, &rank))) return NULL;
  IoType want = {.kind = ONNX_TYPE_TENSOR, .element = type};
  if (!value_check(source) && !array_check(source)) {
    PyErr_Format(PyExc_TypeError, "update_inplace: data is a %S; expected a NumPy array or an OrtValue", (PyObject *)Py_TYPE(source));
    return NULL;
  }
  OrtValue *other = value_check(source) ? ((Value *)source)->value : value_from_object(source, &want, &owner);
  if (!other) return NULL;
  int failed = raise_status(ort->GetTensorElementTypeAndShapeDataReference(other, &other_type, &dims, &rank)) ||
               raise_status(ort->GetTensorSizeInBytes(other, &bytes)) || raise_status(ort->GetTensorSizeInBytes(v->value, &room)) ||
               raise_status(ort->GetTensorData(other, &from)) || raise_status(ort->GetTensorMutableData(v->value, &to));
  if (!failed && (bytes != room || type != other_type)) {
    PyErr_Format(PyExc_RuntimeError, "update_inplace: the source is %zu bytes of tensor(%s); expected %zu bytes of tensor(%s)", bytes,
                 element_name(other_type), room, element_name(type));
    failed = 1;
  }
  if (!failed && bytes) memmove(to, from, bytes);
  if (!value_check(source)) ort->ReleaseValue(other);
  Py_XDECREF(owner);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"numpy", (PyCFunction)value_numpy, METH_NOARGS,
     "numpy($self)\n--\n\nThe value as NumPy array over the same memory; strings and types below 8 bits are copied. A sequence gives a "
     "list, a map a dict, an empty optional None."},
    {"shape", (PyCFunction)value_shape, METH_NOARGS, "shape($self)\n--\n\nThe dimensions, a list of int."},
    {"element_type", (PyCFunction)value_element_type, METH_NOARGS, "element_type($self)\n--\n\nThe number of the type in onnx.TensorProto.DataType."},
    {"data_type", (PyCFunction)value_data_type, METH_NOARGS, "data_type($self)\n--\n\nThe type as text, 'tensor(float)' for one."},
    {"data_ptr", (PyCFunction)value_data_ptr, METH_NOARGS, "data_ptr($self)\n--\n\nThe address of the first element."},
    {"tensor_size_in_bytes", (PyCFunction)value_bytes, METH_NOARGS, "tensor_size_in_bytes($self)\n--\n\nBytes of the tensor's data."},
    {"has_value", (PyCFunction)value_has, METH_NOARGS, "has_value($self)\n--\n\nFalse for an optional that holds nothing."},
    {"is_tensor", (PyCFunction)value_is_tensor, METH_NOARGS, "is_tensor($self)\n--\n\nTrue for a dense tensor."},
    {"is_sparse_tensor", (PyCFunction)value_is_sparse, METH_NOARGS, "is_sparse_tensor($self)\n--\n\nTrue for a sparse tensor."},
    {"is_tensor_sequence", (PyCFunction)value_is_sequence, METH_NOARGS, "is_tensor_sequence($self)\n--\n\nTrue for a sequence of tensors."},
    {"is_map", (PyCFunction)value_is_map, METH_NOARGS, "is_map($self)\n--\n\nTrue for a map."},
    {"device_name", (PyCFunction)value_device, METH_NOARGS, "device_name($self)\n--\n\nWhere the data lies: 'cpu' for one."},
    {"update_inplace", (PyCFunction)value_update, METH_O,
     "update_inplace($self, data, /)\n--\n\nCopies an array, or another OrtValue, of the same type and size into this value's memory."},
    {"__dlpack__", (PyCFunction)(void (*)(void))value_to_dlpack, METH_VARARGS | METH_KEYWORDS,
     "__dlpack__($self, *, stream=None, **kwargs)\n--\n\nA DLPack capsule over the same memory."},
    {"to_dlpack", (PyCFunction)(void (*)(void))value_to_dlpack, METH_VARARGS | METH_KEYWORDS, "to_dlpack($self)\n--\n\nA DLPack capsule."},
    {NULL, NULL, 0, NULL}};
/* Without a value an object would be of no use, and a danger. */
static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  PyErr_SetString(PyExc_TypeError, "an OrtValue is made by OrtValue.ortvalue_from_numpy and its kin");
  return NULL;
}

static PyType_Slot slots[] = {{Py_tp_new, value_new}, {Py_tp_dealloc, value_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"sardonyx._native.Value", sizeof(Value), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
static PyMethodDef functions[] = {
    {"value_from_object", from_object, METH_VARARGS, "value_from_object(object, element_type=0)"},
    {"value_from_shape", from_shape, METH_VARARGS, "value_from_shape(shape, element_type)"},
    {"value_from_pointer", from_pointer, METH_VARARGS, "value_from_pointer(pointer, shape, element_type, owner)"},
    {"use_value_class", use_value_class, METH_O, "use_value_class(type)"},
    {NULL, NULL, 0, NULL}};

int value_init(PyObject *module) {
  value_type = add_type(module, &spec);
  return value_type ? PyModule_AddFunctions(module, functions) : -1;
}
