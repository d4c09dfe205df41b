// SPDX-License-Identifier: MIT
/* Statuses become exceptions: a class per code, named as ONNX Runtime's Python module names them, with its way of writing the
 * code into the text, which programs look for. */
#include "native.h"
#include <stdarg.h>

static const struct {
  const char *name, *code;
} errors[] = {{NULL, "OK"},
              {"Fail", "FAIL"},
              {"InvalidArgument", "INVALID_ARGUMENT"},
              {"NoSuchFile", "NO_SUCHFILE"},
              {"NoModel", "NO_MODEL"},
              {"EngineError", "ENGINE_ERROR"},
              {"RuntimeException", "RUNTIME_EXCEPTION"},
              {"InvalidProtobuf", "INVALID_PROTOBUF"},
              {"ModelLoaded", "MODEL_LOADED"},
              {"NotImplemented", "NOT_IMPLEMENTED"},
              {"InvalidGraph", "INVALID_GRAPH"},
              {"EPFail", "EP_FAIL"},
              {"ModelLoadCanceled", "MODEL_LOAD_CANCELED"},
              {"ModelRequiresCompilation", "MODEL_REQUIRES_COMPILATION"},
              {"NotFound", "NOT_FOUND"},
              {"DeviceReset", "DEVICE_RESET"}};
enum { N_ERRORS = sizeof errors / sizeof *errors };
static PyObject *classes[N_ERRORS];

int errors_init(PyObject *module) {
  for (int i = 1; i < N_ERRORS; i++) {
    PyObject *name = PyUnicode_FromFormat("sardonyx.capi.onnxruntime_pybind11_state.%s", errors[i].name);
    PyObject *bytes = name ? PyUnicode_AsUTF8String(name) : NULL;
    if (bytes) classes[i] = PyErr_NewException(PyBytes_AsString(bytes), NULL, NULL);
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
