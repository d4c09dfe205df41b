// SPDX-License-Identifier: MIT
/* What a run is given becomes values: arrays lend their memory, strings and types below 8 bits are copied, lists and
 * dictionaries become what the input's type says. */
#define SARDONYX_IMPORTS_NUMPY
#include "native.h"
#include "numpy_api.h"
#include "dtype.h"

static int import_numpy(void) {
  import_array1(-1);
  return 0;
}
int array_init(void) { return import_numpy(); }
bool array_check(PyObject *object) { return PyArray_Check(object); }

/* What NumPy could not make an array of: its exception's words in a RuntimeError. */
static OrtValue *refused(PyObject *object) {
  PyObject *type, *why, *trace;
  PyErr_Fetch(&type, &why, &trace);
  if (type && (PyErr_GivenExceptionMatches(type, PyExc_ValueError) || PyErr_GivenExceptionMatches(type, PyExc_TypeError)))
    PyErr_Format(PyExc_RuntimeError, "Unable to handle object of type %S: %S", (PyObject *)Py_TYPE(object), why ? why : Py_None);
  else
    PyErr_Restore(type, why, trace), type = why = trace = NULL;
  Py_XDECREF(type), Py_XDECREF(why), Py_XDECREF(trace);
  return NULL;
}

static int fill_string(OrtValue *value, size_t i, PyObject *item) {
  char *buffer, *text;
  Py_ssize_t length;
  PyObject *bytes, *said = PyUnicode_Check(item) || PyBytes_Check(item) ? (Py_INCREF(item), item) : PyObject_Str(item);
  if (!said) return -1;
  bytes = PyUnicode_Check(said) ? PyUnicode_AsEncodedString(said, "utf-8", "surrogateescape") : (Py_INCREF(said), said);
  Py_DECREF(said);
  int failed = !bytes || PyBytes_AsStringAndSize(bytes, &text, &length) ||
               raise_status(ort->GetResizedStringTensorElementBuffer(value, i, (size_t)length, &buffer));
  if (!failed && length) memcpy(buffer, text, (size_t)length);
  Py_XDECREF(bytes);
  return failed ? -1 : 0;
}

static OrtValue *strings(PyArrayObject *array, const int64_t *dims, size_t rank) {
  PyObject *objects = PyArray_FromAny((PyObject *)array, PyArray_DescrFromType(NPY_OBJECT), 0, 0,
                                      NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST, NULL);
  OrtValue *value = NULL;
  if (!objects) return NULL;
  PyObject **items = PyArray_DATA((PyArrayObject *)objects);
  size_t n = (size_t)PyArray_SIZE((PyArrayObject *)objects);
  int failed = raise_status(ort->CreateTensorAsOrtValue(ort_allocator, dims, rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &value));
  for (size_t i = 0; !failed && i < n; i++) failed = items[i] ? fill_string(value, i, items[i]) : fill_string(value, i, Py_None);
  Py_DECREF(objects);
  if (!failed) return value;
  if (value) ort->ReleaseValue(value);
  return NULL;
}

/* ml_dtypes keeps an element of 4 or 2 bits in a byte; ONNX packs them, the first one lowest. */
static OrtValue *packed(PyArrayObject *array, ONNXTensorElementDataType type, const int64_t *dims, size_t rank) {
  OrtValue *value = NULL;
  void *data;
  size_t bits = element_bits(type), per = 8 / bits, n = (size_t)PyArray_SIZE(array);
  if (raise_status(ort->CreateTensorAsOrtValue(ort_allocator, dims, rank, type, &value))) return NULL;
  if (raise_status(ort->GetTensorMutableData(value, &data))) {
    ort->ReleaseValue(value);
    return NULL;
  }
  const unsigned char *in = PyArray_DATA(array);
  unsigned char *out = data;
  for (size_t i = 0; i < n; i++) {
    unsigned low = (unsigned)(i % per * bits), bit = (unsigned)((1u << bits) - 1) & in[i];
    out[i / per] = (unsigned char)(low ? out[i / per] | bit << low : bit);
  }
  return value;
}

/* Raw bits for a type that NumPy has no name for. */
static bool is_raw(ONNXTensorElementDataType want, ONNXTensorElementDataType have) {
  bool extended = want == ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 || want == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E8M0 ||
                  (want >= ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN && want <= ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ);
  return extended && have == (element_bits(want) == 16 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16 : ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8);
}

static OrtValue *tensor_from_array(PyObject *object, const IoType *want, PyObject **owner) {
  PyArray_Descr *descr = NULL;
  OrtValue *value = NULL;
  int64_t dims[64];
  if ((PyUnicode_Check(object) || PyBytes_Check(object)) && want && want->element != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    PyErr_Format(PyExc_RuntimeError, "Input must be an array, found %S; expected tensor(%s)", (PyObject *)Py_TYPE(object), element_name(want->element));
    return NULL;
  }
  if (!PyArray_Check(object) && want && want->element && !(descr = dtype_of_element(want->element))) return NULL;
  PyArrayObject *array = (PyArrayObject *)PyArray_CheckFromAny(object, descr, 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED |
                                                               (descr ? NPY_ARRAY_FORCECAST : 0), NULL);
  if (!array) return refused(object);
  size_t rank = (size_t)PyArray_NDIM(array);
  ONNXTensorElementDataType type = element_of_dtype((PyObject *)PyArray_DESCR(array));
  for (size_t i = 0; i < rank; i++) dims[i] = PyArray_DIM(array, (int)i);
  if (want && is_raw(want->element, type)) type = want->element;
  if (want && want->exact && want->element && type && type != want->element)
    PyErr_Format(PyExc_RuntimeError, "an element of a sequence is tensor(%s); expected tensor(%s)", element_name(type), element_name(want->element));
  else if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING)
    value = strings(array, dims, rank);
  else if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED && element_bits(type) < 8)
    value = packed(array, type, dims, rank);
  else if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED &&
           !raise_status(ort->CreateTensorWithDataAsOrtValue(ort_host, PyArray_DATA(array), (size_t)PyArray_NBYTES(array), dims,
                                                             rank, type, &value))) {
    *owner = (PyObject *)array;
    return value;
  }
  Py_DECREF(array);
  return value;
}

/* CreateValue copies or refers to its parts; their owners stay with the whole. */
static OrtValue *composite(PyObject **parts, size_t n, const IoType *wants, enum ONNXType kind, PyObject **owner) {
  OrtValue *value = NULL, **values = zeroed(n + 1, sizeof *values);
  bool *ours = zeroed(n + 1, sizeof *ours);
  PyObject *owners = PyList_New(0);
  int failed = !values || !ours || !owners;
  for (size_t i = 0; !failed && i < n; i++) {
    PyObject *part = NULL;
    if (value_check(parts[i])) {
      values[i] = ((Value *)parts[i])->value;
      failed = PyList_Append(owners, parts[i]);
      continue;
    }
    ours[i] = true;
    failed = !(values[i] = value_from_object(parts[i], &wants[kind == ONNX_TYPE_MAP ? i : 0], &part)) || (part && PyList_Append(owners, part));
    Py_XDECREF(part);
  }
  if (!failed && raise_status(ort->CreateValue((const OrtValue *const *)values, n, kind, &value))) value = NULL;
  for (size_t i = 0; values && ours && i < n; i++)
    if (ours[i] && values[i]) ort->ReleaseValue(values[i]);
  PyMem_Free(values), PyMem_Free(ours);
  if (value)
    *owner = owners;
  else
    Py_XDECREF(owners);
  return value;
}

/* The C interface has no call for a sequence without elements: a model of one node, SequenceEmpty, gives it. */
static OrtValue *empty_sequence(ONNXTensorElementDataType element) {
  unsigned char model[] =
      "\x08\x08\x3a\x34\x0a\x20\x12\x01s\x22\x0dSequenceEmpty" /* ir_version, graph, node, its output, its operator */
      "\x2a\x0c\x0a\x05""dtype\x18?\xa0\x01\x02\x12\x01""e"      /* attribute dtype; name of the graph */
      "\x62\x0d\x0a\x01s\x12\x08\x22\x06\x0a\x04\x0a\x02\x08?\x42\x02\x10\x11"; /* output s, a sequence of tensors; opset 17 */
  OrtSessionOptions *options = NULL;
  OrtSession *session = NULL;
  OrtValue *out = NULL;
  const char *name = "s";
  for (size_t i = 0; i < sizeof model - 1; i++)
    if (model[i] == '?') model[i] = (unsigned char)(element ? element : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  int failed = raise_status(ort->CreateSessionOptions(&options)) ||
               raise_status(ort->CreateSessionFromArray(ort_env, model, sizeof model - 1, options, &session)) ||
               raise_status(ort->Run(session, NULL, NULL, NULL, 0, &name, 1, &out));
  if (options) ort->ReleaseSessionOptions(options);
  if (session) ort->ReleaseSession(session);
  return failed ? NULL : out;
}

static OrtValue *sequence(PyObject *object, const IoType *want, PyObject **owner) {
  IoType item = {.kind = want->item ? want->item : ONNX_TYPE_TENSOR, .element = want->element, .key = want->key, .exact = true};
  Py_ssize_t n = PySequence_Size(object);
  if (n < 0) return NULL;
  if (n == 0 && item.kind == ONNX_TYPE_TENSOR) return empty_sequence(want->element);
  PyObject *list = PySequence_List(object), **parts = zeroed((size_t)n + 1, sizeof *parts);
  OrtValue *value = NULL;
  if (list && parts) {
    for (Py_ssize_t i = 0; i < n; i++) parts[i] = PyList_GetItem(list, i);
    value = composite(parts, (size_t)n, &item, ONNX_TYPE_SEQUENCE, owner);
  }
  Py_XDECREF(list), PyMem_Free(parts);
  return value;
}

static OrtValue *map(PyObject *object, const IoType *want, PyObject **owner) {
  IoType wants[2] = {{.kind = ONNX_TYPE_TENSOR, .element = want->key}, {.kind = ONNX_TYPE_TENSOR, .element = want->element}};
  PyObject *parts[2] = {PyMapping_Keys(object), PyMapping_Values(object)};
  OrtValue *value = parts[0] && parts[1] ? composite(parts, 2, wants, ONNX_TYPE_MAP, owner) : NULL;
  Py_XDECREF(parts[0]), Py_XDECREF(parts[1]);
  return value;
}

static OrtValue *from_strided(PyObject *object, const IoType *want, PyObject **owner) {
  PyObject *numpy = PyImport_ImportModule("numpy");
  PyObject *array = numpy ? PyObject_CallMethod(numpy, "from_dlpack", "O", object) : NULL;
  OrtValue *value = array ? tensor_from_array(array, want, owner) : NULL;
  Py_XDECREF(numpy), Py_XDECREF(array);
  return value;
}

OrtValue *value_from_object(PyObject *object, const IoType *want, PyObject **owner) {
  *owner = NULL;
  if (want && want->kind == ONNX_TYPE_SEQUENCE && (PyList_Check(object) || PyTuple_Check(object))) return sequence(object, want, owner);
  if (PyDict_Check(object)) {
    IoType plain = {.element = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, .key = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64};
    return map(object, want && want->kind == ONNX_TYPE_MAP ? want : &plain, owner);
  }
  if (object == Py_None) {
    PyErr_SetString(PyExc_RuntimeError, "None is no tensor: leave it out, or give an array");
    return NULL;
  }
  if (!PyArray_Check(object) && !PyArray_IsAnyScalar(object) && PyObject_HasAttrString(object, "__dlpack__")) {
    PyObject *capsule = PyObject_CallMethod(object, "__dlpack__", NULL);
    if (capsule && !dlpack_is_contiguous(capsule)) { /* NumPy copies it */
      Py_DECREF(capsule);
      return from_strided(object, want, owner);
    }
    PyObject *lent = capsule ? value_from_dlpack(capsule, false) : NULL;
    Py_XDECREF(capsule);
    if (!lent) return NULL;
    OrtValue *value = ((Value *)lent)->value; /* taken out of its object, which goes on owning the memory */
    ((Value *)lent)->value = NULL;
    *owner = lent;
    return value;
  }
  return tensor_from_array(object, want, owner);
}
