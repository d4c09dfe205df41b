// SPDX-License-Identifier: MIT
/* Statuses become exceptions: a class per code, named as ONNX Runtime's Python module names them, with its way of writing the
 * code into the text, which programs look for. */
#include "native.h"
#include <stdarg.h>

static const struct {
  const char *name, *code, *doc;
} errors[] = {{NULL, "OK", NULL},
              {"Fail", "FAIL", "What has no other class: a run that was ended, a file that cannot be written."},
              {"InvalidArgument", "INVALID_ARGUMENT", "A name, a type, a shape or an option that is not what the model or the function takes."},
              {"NoSuchFile", "NO_SUCHFILE", "A model or data file that is not there."},
              {"NoModel", "NO_MODEL", "A session or compiler that was given no model."},
              {"EngineError", "ENGINE_ERROR", "A provider's own engine failed."},
              {"RuntimeException", "RUNTIME_EXCEPTION", "An operator failed while the model ran."},
              {"InvalidProtobuf", "INVALID_PROTOBUF", "Bytes that are not a model."},
              {"ModelLoaded", "MODEL_LOADED", "A session that has a model already."},
              {"NotImplemented", "NOT_IMPLEMENTED", "An operator, a type or a function that the library does not have."},
              {"InvalidGraph", "INVALID_GRAPH", "A model that the standard does not allow."},
              {"EPFail", "EP_FAIL", "A provider that cannot be had, or that failed."},
              {"ModelLoadCanceled", "MODEL_LOAD_CANCELED", "Loading was ended by set_load_cancellation_flag."},
              {"ModelRequiresCompilation", "MODEL_REQUIRES_COMPILATION", "A model that its provider must compile first."},
              {"NotFound", "NOT_FOUND", "What was asked for by name is not there."},
              {"DeviceReset", "DEVICE_RESET", "A device was reset while it was in use."}};
enum { N_ERRORS = sizeof errors / sizeof *errors };
static PyObject *classes[N_ERRORS];

int errors_init(PyObject *module) {
  for (int i = 1; i < N_ERRORS; i++) {
    PyObject *name = PyUnicode_FromFormat("sardonyx.capi.onnxruntime_pybind11_state.%s", errors[i].name);
    PyObject *bytes = name ? PyUnicode_AsUTF8String(name) : NULL;
    if (bytes) classes[i] = PyErr_NewExceptionWithDoc(PyBytes_AsString(bytes), errors[i].doc, NULL, NULL);
    Py_XDECREF(name), Py_XDECREF(bytes);
    if (!classes[i]) return -1;
    Py_INCREF(classes[i]);
    if (PyModule_AddObject(module, errors[i].name, classes[i])) return -1;
  }
  return 0;
}

static void raise_text(int code, const char *text) {
  int i = code > 0 && code < N_ERRORS ? code : 1;
  PyObject *message = PyUnicode_FromFormat("[ONNXRuntimeError] : %d : %s : %s", code, errors[i].code, text);
  if (message) PyErr_SetObject(classes[i], message);
  Py_XDECREF(message);
}

int raise_status(OrtStatus *status) {
  if (!status) return 0;
  if (!PyErr_Occurred()) raise_text((int)ort->GetErrorCode(status), ort->GetErrorMessage(status)); /* a callback's comes first */
  ort->ReleaseStatus(status);
  return -1;
}

void raise_code(OrtErrorCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  PyObject *text = PyUnicode_FromFormatV(format, arguments), *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
  va_end(arguments);
  if (bytes) raise_text((int)code, PyBytes_AsString(bytes));
  Py_XDECREF(text), Py_XDECREF(bytes);
}

PyObject *take_string(char *text) {
  if (!text) Py_RETURN_NONE;
  PyObject *out = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
  ort_allocator->Free(ort_allocator, text);
  return out;
}
