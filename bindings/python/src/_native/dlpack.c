// SPDX-License-Identifier: MIT
/* DLPack, both ways, without copies. The structures are those of its specification, version 0 (unversioned capsules), which all
 * libraries read. */
#include "native.h"

typedef struct DLTensor {
  void *data;
  struct {
    int32_t type, id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor tensor;
  void *context;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

enum { CODE_INT = 0, CODE_UINT = 1, CODE_FLOAT = 2, CODE_BFLOAT = 4, CODE_COMPLEX = 5, CODE_BOOL = 6, DEVICE_CPU = 1 };
static const struct {
  uint8_t code, bits;
  ONNXTensorElementDataType type;
} types[] = {{CODE_FLOAT, 32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},    {CODE_FLOAT, 64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
             {CODE_FLOAT, 16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},  {CODE_BFLOAT, 16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
             {CODE_INT, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},        {CODE_INT, 16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
             {CODE_INT, 32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},      {CODE_INT, 64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
             {CODE_UINT, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},      {CODE_UINT, 16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
             {CODE_UINT, 32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},    {CODE_UINT, 64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
             {CODE_BOOL, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},       {CODE_COMPLEX, 64, ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX64},
             {CODE_COMPLEX, 128, ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX128},
             {10, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN},      {11, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FNUZ},
             {12, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2},        {13, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ},
             {14, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0}};
enum { N_TYPES = sizeof types / sizeof *types };

static void lent_delete(DLManagedTensor *m) {
  PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF((PyObject *)m->context);
  PyMem_Free(m);
  PyGILState_Release(state);
}

/* A capsule that nobody consumed. */
static void capsule_delete(PyObject *capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;
  DLManagedTensor *m = PyCapsule_GetPointer(capsule, "dltensor");
  if (m->deleter) m->deleter(m);
}

/* The arguments of the protocol (stream, max_version, dl_device, copy) make no difference in plain memory. */
PyObject *value_to_dlpack(PyObject *self, PyObject *args, PyObject *kwargs) {
  const int64_t *dims;
  size_t rank;
  const void *data;
  ONNXTensorElementDataType type;
  const OrtValue *value = ((Value *)self)->value;
  if (raise_status(ort->GetTensorElementTypeAndShapeDataReference(value, &type, &dims, &rank))) return NULL;
  int k = 0;
  while (k < N_TYPES && types[k].type != type) k++;
  if (k == N_TYPES) {
    PyErr_Format(PyExc_RuntimeError, "DLPack has no type for tensor(%s)", element_name(type));
    return NULL;
  }
  if (raise_status(ort->GetTensorData(value, &data))) return NULL;
  DLManagedTensor *m = zeroed(1, sizeof *m + rank * sizeof(int64_t));
  if (!m) return PyErr_NoMemory();
  m->tensor = (DLTensor){.data = (void *)(uintptr_t)data, .device = {DEVICE_CPU, 0}, .ndim = (int32_t)rank,
                         .dtype = {types[k].code, types[k].bits, 1}, .shape = (int64_t *)(m + 1)};
  if (rank) memcpy(m + 1, dims, rank * sizeof(int64_t));
  m->context = self, m->deleter = lent_delete;
  PyObject *capsule = PyCapsule_New(m, "dltensor", capsule_delete);
  if (capsule)
    Py_INCREF(self);
  else
    PyMem_Free(m);
  return capsule;
}

static bool contiguous(const DLTensor *t) {
  int64_t expected = 1;
  for (int32_t i = t->ndim; t->strides && i-- > 0;) {
    if (t->shape[i] == 0) return true;
    if (t->shape[i] != 1 && t->strides[i] != expected) return false;
    expected *= t->shape[i];
  }
  return true;
}

static void taken_delete(PyObject *capsule) {
  DLManagedTensor *m = PyCapsule_GetPointer(capsule, "sardonyx_dltensor");
  if (m && m->deleter) m->deleter(m);
}

PyObject *value_from_dlpack(PyObject *capsule, bool is_bool) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) {
    PyErr_Format(PyExc_TypeError, "expected a DLPack capsule named 'dltensor' that nobody has taken yet, or an object with __dlpack__, found %S",
                 (PyObject *)Py_TYPE(capsule));
    return NULL;
  }
  DLManagedTensor *m = PyCapsule_GetPointer(capsule, "dltensor");
  const DLTensor *t = &m->tensor;
  int k = 0;
  while (k < N_TYPES && (types[k].code != t->dtype.code || types[k].bits != t->dtype.bits)) k++;
  if (k == N_TYPES || t->dtype.lanes != 1 || t->device.type != DEVICE_CPU || !contiguous(t) || t->ndim > 64) {
    PyErr_Format(PyExc_RuntimeError, "a DLPack tensor (type code %d, %d bits, device %d, %s) cannot be taken; expected a contiguous one of "
                 "an ONNX type in plain memory", t->dtype.code, t->dtype.bits, t->device.type, contiguous(t) ? "contiguous" : "not contiguous");
    return NULL;
  }
  ONNXTensorElementDataType type = is_bool && types[k].type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL : types[k].type;
  size_t bytes = t->dtype.bits / 8u;
  for (int32_t i = 0; i < t->ndim; i++) bytes *= (size_t)t->shape[i];
  OrtValue *value;
  if (raise_status(ort->CreateTensorWithDataAsOrtValue(ort_host, (char *)t->data + t->byte_offset, bytes, t->shape, (size_t)t->ndim, type, &value)))
    return NULL;
  PyObject *owner = PyCapsule_New(m, "sardonyx_dltensor", taken_delete);
  if (!owner || PyCapsule_SetName(capsule, "used_dltensor")) {
    ort->ReleaseValue(value);
    Py_XDECREF(owner);
    return NULL;
  }
  return value_wrap(value, owner);
}

static PyObject *from_dlpack(PyObject *module, PyObject *args) {
  PyObject *capsule;
  int is_bool = 0;
  return PyArg_ParseTuple(args, "O|p:value_from_dlpack", &capsule, &is_bool) ? value_from_dlpack(capsule, is_bool) : NULL;
}

bool dlpack_is_contiguous(PyObject *capsule) {
  DLManagedTensor *m = PyCapsule_IsValid(capsule, "dltensor") ? PyCapsule_GetPointer(capsule, "dltensor") : NULL;
  return !m || contiguous(&m->tensor);
}

static PyObject *is_uint8(PyObject *module, PyObject *capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) {
    PyErr_Format(PyExc_TypeError, "expected a DLPack capsule, found %S", (PyObject *)Py_TYPE(capsule));
    return NULL;
  }
  DLManagedTensor *m = PyCapsule_GetPointer(capsule, "dltensor");
  return m ? PyBool_FromLong(m->tensor.dtype.code == CODE_UINT && m->tensor.dtype.bits == 8) : NULL;
}

PyMethodDef dlpack_methods[] = {{"value_from_dlpack", from_dlpack, METH_VARARGS, "value_from_dlpack(capsule, is_bool=False)"},
                                {"is_dlpack_uint8_tensor", is_uint8, METH_O, "is_dlpack_uint8_tensor(capsule)"},
                                {NULL, NULL, 0, NULL}};
