// SPDX-License-Identifier: MIT
/* Compiled models, adapters, the checks and counters of the library's own extension. */
#include "native.h"

static void adapter_release(PyObject *capsule) { ort->ReleaseLoraAdapter(PyCapsule_GetPointer(capsule, "OrtLoraAdapter")); }

static PyObject *load_adapter(PyObject *module, PyObject *path) {
  PyObject *bytes = utf8(path);
  OrtLoraAdapter *adapter = NULL;
  if (!bytes) return NULL;
  int failed = raise_status(ort->CreateLoraAdapter(PyBytes_AsString(bytes), NULL, &adapter));
  Py_DECREF(bytes);
  return failed ? NULL : PyCapsule_New(adapter, "OrtLoraAdapter", adapter_release);
}

/* (path or None, bytes or None, JSON, options of a session for a path, or None): (report, number of problems) */
static PyObject *check(PyObject *module, PyObject *args) {
  PyObject *path, *bytes, *options, *name = NULL;
  int json;
  char *report = NULL, *data = NULL;
  Py_ssize_t size = 0;
  size_t problems = 0;
  OrtStatus *status;
  if (!PyArg_ParseTuple(args, "OOpO:check", &path, &bytes, &json, &options)) return NULL;
  if (options != Py_None && !PyObject_TypeCheck(options, options_type))
    return PyErr_Format(PyExc_TypeError, "check: options of another type than a session's");
  if (!ort_extension) {
    raise_code(ORT_NOT_IMPLEMENTED, "the library has no such report: it is not Sardonyx's own");
    return NULL;
  }
  if (path != Py_None ? !(name = utf8(path)) : PyBytes_AsStringAndSize(bytes, &data, &size)) return NULL;
  const char *file = name ? PyBytes_AsString(name) : NULL;
  Py_BEGIN_ALLOW_THREADS
  status = file ? ort_extension->CheckFor(ort_env, options != Py_None ? ((Options *)options)->options : NULL, file, json, ort_allocator,
                                          &report, &problems)
                : ort_extension->CheckArray(ort_env, data, (size_t)size, json, ort_allocator, &report, &problems);
  Py_END_ALLOW_THREADS
  Py_XDECREF(name);
  if (raise_status(status)) return NULL;
  return Py_BuildValue("(Nn)", take_string(report), (Py_ssize_t)problems);
}

/* (path): the operators that a session of the model needs, a line per domain and operator set */
static PyObject *operators(PyObject *module, PyObject *path) {
  char *text = NULL;
  OrtStatus *status;
  if (!ort_extension) {
    raise_code(ORT_NOT_IMPLEMENTED, "the library has no such report: it is not Sardonyx's own");
    return NULL;
  }
  PyObject *name = utf8(path);
  if (!name) return NULL;
  const char *file = PyBytes_AsString(name);
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->Operators(ort_env, NULL, file, ort_allocator, &text);
  Py_END_ALLOW_THREADS
  Py_DECREF(name);
  return raise_status(status) ? NULL : take_string(text);
}

static PyObject *memory(PyObject *module, PyObject *args) {
  int json;
  char *report = NULL;
  if (!PyArg_ParseTuple(args, "p:memory", &json)) return NULL;
  if (!ort_extension) Py_RETURN_NONE;
  return raise_status(ort_extension->Memory(NULL, json, ort_allocator, &report)) ? NULL : take_string(report);
}

static PyObject *allocations(PyObject *module, PyObject *unused) {
  return PyLong_FromUnsignedLongLong(ort_extension ? ort_extension->Allocations() : 0);
}

/* The pending exception as a status: the type's name and its words. */
static OrtStatus *status_of_exception(const char *what) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyObject *name = type ? PyObject_GetAttrString(type, "__name__") : NULL;
  PyObject *text = PyUnicode_FromFormat("%s: %S: %S", what, name ? name : Py_None, value ? value : Py_None);
  PyObject *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
  OrtStatus *status = ort->CreateStatus(ORT_FAIL, bytes ? PyBytes_AsString(bytes) : what);
  PyErr_Clear();
  Py_XDECREF(name), Py_XDECREF(text), Py_XDECREF(bytes), Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(trace);
  return status;
}

/* Parts of a compiled model on their way to a Python function. */
static OrtStatus *write_part(void *state, const void *buffer, size_t size) {
  PyGILState_STATE gil = PyGILState_Ensure();
  PyObject *done = PyObject_CallFunction(state, "y#", (const char *)buffer, (Py_ssize_t)size);
  OrtStatus *status = done ? NULL : status_of_exception("the function that writes the model");
  Py_XDECREF(done);
  PyGILState_Release(gil);
  return status;
}

/* The object's (path, offset, bytes); None leaves *out NULL. */
static int location_of(PyObject *object, OrtExternalInitializerInfo **out) {
  long long offset = 0;
  Py_ssize_t bytes = 0;
  PyObject *path = NULL, *name = NULL;
  if (object == Py_None) return 0;
  int failed = !PyArg_ParseTuple(object, "OLn;the location of an initializer", &path, &offset, &bytes) || !(name = utf8(path)) ||
               raise_status(ort->CreateExternalInitializerInfo(PyBytes_AsString(name), offset, (size_t)bytes, out));
  Py_XDECREF(name);
  return failed;
}

/* A Python function of (name, value, (path, offset, bytes) or None) decides where an initializer is stored; the value is the library's,
 * and so is handed over as a copy. */
static OrtStatus *choose_location(void *state, const char *name, const OrtValue *value, const OrtExternalInitializerInfo *now,
                                  OrtExternalInitializerInfo **out) {
  PyGILState_STATE gil = PyGILState_Ensure();
  PyObject *copy = value_copy(value), *place = NULL, *chosen = NULL;
  *out = NULL;
  if (now)
    place = Py_BuildValue("(sLn)", ort->ExternalInitializerInfo_GetFilePath(now), (long long)ort->ExternalInitializerInfo_GetFileOffset(now),
                          (Py_ssize_t)ort->ExternalInitializerInfo_GetByteSize(now));
  if (copy && !PyErr_Occurred()) chosen = PyObject_CallFunction(state, "sOO", name, copy, place ? place : Py_None);
  int failed = !chosen || location_of(chosen, out);
  Py_XDECREF(copy), Py_XDECREF(place), Py_XDECREF(chosen);
  OrtStatus *status = failed ? status_of_exception("the function that places initializers") : NULL;
  PyGILState_Release(gil);
  return status;
}

/* (options, path or None, bytes or None, settings, target: path, function or None for bytes). settings: embed, external file or
 * None, its threshold, flags, optimisation level or -1, a function for choose_location or None. */
static PyObject *compile(PyObject *module, PyObject *args) {
  PyObject *options, *path, *bytes, *external, *target, *place, *names[3] = {0};
  int embed, level, failed;
  Py_ssize_t threshold, size = 0;
  unsigned flags;
  char *data = NULL;
  void *out = NULL;
  size_t out_size = 0;
  OrtModelCompilationOptions *o = NULL;
  const OrtCompileApi *api = ort->GetCompileApi();
  if (!PyArg_ParseTuple(args, "O!OO(pOnIiO)O:compile", options_type, &options, &path, &bytes, &embed, &external, &threshold, &flags, &level, &place, &target))
    return NULL;
  if (!api) {
    raise_code(ORT_NOT_IMPLEMENTED, "the library cannot compile models");
    return NULL;
  }
  bool to_function = PyCallable_Check(target), to_path = !to_function && target != Py_None;
  failed = raise_status(api->CreateModelCompilationOptionsFromSessionOptions(ort_env, ((Options *)options)->options, &o));
  if (!failed && path != Py_None)
    failed = !(names[0] = utf8(path)) || raise_status(api->ModelCompilationOptions_SetInputModelPath(o, PyBytes_AsString(names[0])));
  else if (!failed)
    failed = PyBytes_AsStringAndSize(bytes, &data, &size) || raise_status(api->ModelCompilationOptions_SetInputModelFromBuffer(o, data, (size_t)size));
  if (!failed && external != Py_None)
    failed = !(names[1] = utf8(external)) || raise_status(api->ModelCompilationOptions_SetOutputModelExternalInitializersFile(
                                                 o, PyBytes_AsString(names[1]), (size_t)threshold));
  if (!failed && place != Py_None)
    failed = raise_status(api->ModelCompilationOptions_SetOutputModelGetInitializerLocationFunc(o, choose_location, place));
  failed = failed || raise_status(api->ModelCompilationOptions_SetEpContextEmbedMode(o, embed)) ||
           (flags && raise_status(api->ModelCompilationOptions_SetFlags(o, flags))) ||
           (level >= 0 && raise_status(api->ModelCompilationOptions_SetGraphOptimizationLevel(o, (GraphOptimizationLevel)level)));
  if (!failed && to_path)
    failed = !(names[2] = utf8(target)) || raise_status(api->ModelCompilationOptions_SetOutputModelPath(o, PyBytes_AsString(names[2])));
  else if (!failed && to_function)
    failed = raise_status(api->ModelCompilationOptions_SetOutputModelWriteFunc(o, write_part, target));
  else if (!failed)
    failed = raise_status(api->ModelCompilationOptions_SetOutputModelBuffer(o, ort_allocator, &out, &out_size));
  if (!failed) {
    OrtStatus *status;
    Py_BEGIN_ALLOW_THREADS
    status = api->CompileModel(ort_env, o);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  if (o) api->ReleaseModelCompilationOptions(o);
  for (int i = 0; i < 3; i++) Py_XDECREF(names[i]);
  PyObject *result = failed ? NULL : PyBytes_FromStringAndSize(out, (Py_ssize_t)out_size);
  if (out) ort_allocator->Free(ort_allocator, out);
  return result;
}

/* ([devices], what a compiled model says of itself): a number */
static PyObject *compatibility_here(PyObject *module, PyObject *args) {
  PyObject *list;
  const char *info;
  const OrtEpDevice *devices[64];
  OrtCompiledModelCompatibility found;
  if (!PyArg_ParseTuple(args, "O!s:compatibility_here", &PyList_Type, &list, &info)) return NULL;
  Py_ssize_t n = PyList_Size(list);
  if (n > 64) return PyErr_Format(PyExc_RuntimeError, "%zd devices; at most 64 are possible", n);
  for (Py_ssize_t i = 0; i < n; i++)
    if (!(devices[i] = ep_device_of(PyList_GetItem(list, i)))) return NULL;
  return raise_status(ort->GetModelCompatibilityForEpDevices(devices, (size_t)n, info, &found)) ? NULL : PyLong_FromLong((long)found);
}

/* (path or None, bytes or None, provider): text or None */
static PyObject *compatibility(PyObject *module, PyObject *args) {
  PyObject *path, *bytes, *name = NULL;
  const char *provider;
  char *data = NULL, *out = NULL;
  Py_ssize_t size = 0;
  if (!PyArg_ParseTuple(args, "OOs:compatibility", &path, &bytes, &provider)) return NULL;
  if (path != Py_None ? !(name = utf8(path)) : PyBytes_AsStringAndSize(bytes, &data, &size)) return NULL;
  OrtStatus *status = name ? ort->GetCompatibilityInfoFromModel(PyBytes_AsString(name), provider, ort_allocator, &out)
                           : ort->GetCompatibilityInfoFromModelBytes(data, (size_t)size, provider, ort_allocator, &out);
  Py_XDECREF(name);
  return raise_status(status) ? NULL : take_string(out);
}

PyMethodDef extra_methods[] = {{"load_adapter", load_adapter, METH_O, "load_adapter(path)"},
                               {"check", check, METH_VARARGS, "check(path, bytes, json, options)"},
                               {"operators", operators, METH_O, "operators(path)"},
                               {"memory", memory, METH_VARARGS, "memory(json)"},
                               {"allocations", allocations, METH_NOARGS, "allocations()"},
                               {"compile", compile, METH_VARARGS, "compile(options, path, bytes, settings, target)"},
                               {"compatibility_here", compatibility_here, METH_VARARGS, "compatibility_here(devices, info)"},
                               {"compatibility", compatibility, METH_VARARGS, "compatibility(path, bytes, provider)"},
                               {NULL, NULL, 0, NULL}};
