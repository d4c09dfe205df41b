// SPDX-License-Identifier: MIT
/* A binding: inputs and outputs kept ready for repeated runs. It counts as a user of its session and keeps what it refers to. */
#include "native.h"

typedef struct Binding {
  PyObject_HEAD
  OrtIoBinding *binding;
  Session *session;
  PyObject *inputs, *outputs; /* name to value */
} Binding;
static PyTypeObject *binding_type;

OrtIoBinding *binding_of(PyObject *object) {
  if (PyObject_TypeCheck(object, binding_type)) return ((Binding *)object)->binding;
  PyErr_Format(PyExc_TypeError, "expected a binding, found %S", (PyObject *)Py_TYPE(object));
  return NULL;
}

static PyObject *binding_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  PyObject *session;
  if (!PyArg_ParseTuple(args, "O!:Binding", session_type, &session) || session_enter((Session *)session)) return NULL;
  Binding *b = (Binding *)PyType_GenericAlloc(type, 0);
  if (!b) {
    session_leave((Session *)session);
    return NULL;
  }
  Py_INCREF(session);
  b->session = (Session *)session;
  b->inputs = PyDict_New(), b->outputs = PyDict_New();
  if (!b->inputs || !b->outputs || raise_status(ort->CreateIoBinding(b->session->session, &b->binding))) Py_CLEAR(b);
  return (PyObject *)b;
}

static void binding_dealloc(Binding *b) {
  PyTypeObject *type = Py_TYPE(b);
  if (b->binding) ort->ReleaseIoBinding(b->binding);
  Py_XDECREF(b->inputs), Py_XDECREF(b->outputs);
  if (b->session) session_leave(b->session);
  Py_XDECREF(b->session);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(b);
  Py_DECREF(type);
}

static PyObject *bind_input(Binding *b, PyObject *args) {
  const char *name;
  PyObject *value;
  if (!PyArg_ParseTuple(args, "sO!:bind_input", &name, value_type, &value) || raise_status(ort->BindInput(b->binding, name, ((Value *)value)->value)) ||
      PyDict_SetItemString(b->inputs, name, value))
    return NULL;
  Py_RETURN_NONE;
}

/* A value, or None for memory of the library's own. */
static PyObject *bind_output(Binding *b, PyObject *args) {
  const char *name;
  PyObject *value;
  if (!PyArg_ParseTuple(args, "sO:bind_output", &name, &value)) return NULL;
  OrtStatus *status = value_check(value) ? ort->BindOutput(b->binding, name, ((Value *)value)->value) : ort->BindOutputToDevice(b->binding, name, ort_host);
  if (raise_status(status) || PyDict_SetItemString(b->outputs, name, value)) return NULL;
  Py_RETURN_NONE;
}

static PyObject *outputs(Binding *b, PyObject *unused) {
  OrtValue **values = NULL;
  size_t n = 0;
  if (raise_status(ort->GetBoundOutputValues(b->binding, ort_allocator, &values, &n))) return NULL;
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; i < n; i++) {
    if (!list) {
      ort->ReleaseValue(values[i]);
      continue;
    }
    PyObject *item = value_wrap(values[i], b->outputs ? (Py_INCREF(b->outputs), b->outputs) : NULL);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  if (values) ort_allocator->Free(ort_allocator, values);
  return list;
}

static PyObject *clear_inputs(Binding *b, PyObject *unused) {
  ort->ClearBoundInputs(b->binding);
  PyDict_Clear(b->inputs);
  Py_RETURN_NONE;
}

/* Results that were handed out keep the old dictionary. */
static PyObject *clear_outputs(Binding *b, PyObject *unused) {
  PyObject *fresh = PyDict_New();
  if (!fresh) return NULL;
  ort->ClearBoundOutputs(b->binding);
  Py_DECREF(b->outputs);
  b->outputs = fresh;
  Py_RETURN_NONE;
}

static PyObject *synchronize_inputs(Binding *b, PyObject *unused) {
  if (raise_status(ort->SynchronizeBoundInputs(b->binding))) return NULL;
  Py_RETURN_NONE;
}
static PyObject *synchronize_outputs(Binding *b, PyObject *unused) {
  if (raise_status(ort->SynchronizeBoundOutputs(b->binding))) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"bind_input", (PyCFunction)bind_input, METH_VARARGS, "bind_input(name, value)"},
                                {"bind_output", (PyCFunction)bind_output, METH_VARARGS, "bind_output(name, value or None)"},
                                {"outputs", (PyCFunction)outputs, METH_NOARGS, "outputs()"},
                                {"clear_inputs", (PyCFunction)clear_inputs, METH_NOARGS, "clear_inputs()"},
                                {"clear_outputs", (PyCFunction)clear_outputs, METH_NOARGS, "clear_outputs()"},
                                {"synchronize_inputs", (PyCFunction)synchronize_inputs, METH_NOARGS, "synchronize_inputs()"},
                                {"synchronize_outputs", (PyCFunction)synchronize_outputs, METH_NOARGS, "synchronize_outputs()"},
                                {NULL, NULL, 0, NULL}};
static PyType_Slot slots[] = {{Py_tp_new, binding_new}, {Py_tp_dealloc, binding_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"sardonyx._native.Binding", sizeof(Binding), 0, Py_TPFLAGS_DEFAULT, slots};

int binding_init(PyObject *module) {
  binding_type = add_type(module, &spec);
  return binding_type ? 0 : -1;
}
