// SPDX-License-Identifier: MIT
/* SessionOptions and RunOptions. Python's classes remember what was set (the C interface has few getters) and pass every
 * setting on at once, so that a bad one fails where it is made. */
#include "native.h"

PyTypeObject *options_type, *run_options_type;

static int done(OrtStatus *status) { return raise_status(status); }

/* One function per key: an integer or, below, text. */
#define INTEGERS(X)                                                                                                  \
  X("execution_mode", ort->SetSessionExecutionMode(o, (ExecutionMode)v))                                             \
  X("graph_optimization_level", ort->SetSessionGraphOptimizationLevel(o, (GraphOptimizationLevel)v))                 \
  X("intra_op_num_threads", ort->SetIntraOpNumThreads(o, v))                                                         \
  X("inter_op_num_threads", ort->SetInterOpNumThreads(o, v))                                                         \
  X("log_severity_level", ort->SetSessionLogSeverityLevel(o, v))                                                     \
  X("log_verbosity_level", ort->SetSessionLogVerbosityLevel(o, v))                                                   \
  X("enable_mem_pattern", v ? ort->EnableMemPattern(o) : ort->DisableMemPattern(o))                                  \
  X("enable_cpu_mem_arena", v ? ort->EnableCpuMemArena(o) : ort->DisableCpuMemArena(o))                              \
  X("use_deterministic_compute", ort->SetDeterministicCompute(o, v != 0))                                            \
  X("use_per_session_threads", v ? NULL : ort->DisablePerSessionThreads(o))                                          \
  X("disable_profiling", ort->DisableProfiling(o))                                                                   \
  X("load_cancellation", ort->SessionOptionsSetLoadCancellationFlag(o, v != 0))                                      \
  X("selection_policy", ort->SessionOptionsSetEpSelectionPolicy(o, (OrtExecutionProviderDevicePolicy)v))
#define TEXTS(X)                                                                                                     \
  X("logid", ort->SetSessionLogId(o, v))                                                                             \
  X("optimized_model_filepath", ort->SetOptimizedModelFilePath(o, v))                                                \
  X("enable_profiling", ort->EnableProfiling(o, v))                                                                  \
  X("custom_ops_library", ort->RegisterCustomOpsLibrary_V2(o, v))

static PyObject *set_int(Options *self, PyObject *args) {
  const char *key;
  int v;
  OrtSessionOptions *o = self->options;
  if (!PyArg_ParseTuple(args, "si:set_int", &key, &v)) return NULL;
#define X(NAME, CALL) \
  if (!strcmp(key, NAME)) return done(CALL) ? NULL : PyLong_FromLong(v);
  INTEGERS(X)
#undef X
  PyErr_Format(PyExc_KeyError, "no option %s", key);
  return NULL;
}

static PyObject *set_text(Options *self, PyObject *args) {
  const char *key;
  PyObject *text;
  OrtSessionOptions *o = self->options;
  if (!PyArg_ParseTuple(args, "sO:set_text", &key, &text) || !(text = utf8(text))) return NULL;
  const char *v = PyBytes_AsString(text);
  int failed = -1;
  OrtStatus *status;
#define X(NAME, CALL)        \
  if (!strcmp(key, NAME)) {  \
    status = CALL;           \
    failed = done(status);   \
    goto out;                \
  }
  TEXTS(X)
#undef X
  PyErr_Format(PyExc_KeyError, "no option %s", key);
out:
  Py_DECREF(text);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *add_config(Options *self, PyObject *args) {
  const char *key, *value;
  if (!PyArg_ParseTuple(args, "ss:add_config", &key, &value) || done(ort->AddSessionConfigEntry(self->options, key, value))) return NULL;
  Py_RETURN_NONE;
}

static PyObject *add_dimension(Options *self, PyObject *args) {
  const char *name;
  long long size;
  int denotation;
  if (!PyArg_ParseTuple(args, "sLp:add_dimension", &name, &size, &denotation) ||
      done(denotation ? ort->AddFreeDimensionOverride(self->options, name, size) : ort->AddFreeDimensionOverrideByName(self->options, name, size)))
    return NULL;
  Py_RETURN_NONE;
}

static PyObject *add_initializer(Options *self, PyObject *args) {
  const char *name;
  PyObject *value;
  int external;
  if (!PyArg_ParseTuple(args, "sO!p:add_initializer", &name, value_type, &value, &external)) return NULL;
  const OrtValue *v = ((Value *)value)->value;
  if (done(external ? ort->AddExternalInitializers(self->options, &name, &v, 1) : ort->AddInitializer(self->options, name, v)) ||
      PyList_Append(self->kept, value))
    return NULL;
  Py_RETURN_NONE;
}

/* (name, bytes): an external data file in memory, which is kept */
static PyObject *add_file(Options *self, PyObject *args) {
  PyObject *name, *data;
  if (!PyArg_ParseTuple(args, "OO!:add_file", &name, &PyBytes_Type, &data) || !(name = utf8(name))) return NULL;
  const char *path = PyBytes_AsString(name);
  char *bytes = PyBytes_AsString(data);
  size_t size = (size_t)PyBytes_Size(data);
  int failed = done(ort->AddExternalInitializersFromFilesInMemory(self->options, &path, &bytes, &size, 1)) || PyList_Append(self->kept, data);
  Py_DECREF(name);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

int keys_and_values(PyObject *dict, const char ***keys, const char ***values, size_t *n, PyObject **kept) {
  PyObject *key, *value;
  Py_ssize_t at = 0;
  *keys = *values = NULL, *kept = NULL;
  if (!PyDict_Check(dict)) {
    PyErr_SetString(PyExc_TypeError, "options are a dictionary of str");
    return -1;
  }
  *n = (size_t)PyDict_Size(dict);
  *keys = zeroed(*n + 1, sizeof **keys), *values = zeroed(*n + 1, sizeof **values), *kept = PyList_New(0);
  int failed = !*keys || !*values || !*kept;
  for (size_t i = 0; !failed && PyDict_Next(dict, &at, &key, &value); i++) {
    PyObject *text = PyObject_Str(value), *k = utf8(key), *v = text ? utf8(text) : NULL;
    failed = !k || !v || PyList_Append(*kept, k) || PyList_Append(*kept, v);
    if (!failed) (*keys)[i] = PyBytes_AsString(k), (*values)[i] = PyBytes_AsString(v);
    Py_XDECREF(text), Py_XDECREF(k), Py_XDECREF(v);
  }
  if (!failed) return 0;
  PyMem_Free(*keys), PyMem_Free(*values);
  Py_XDECREF(*kept);
  if (!PyErr_Occurred()) PyErr_NoMemory();
  return -1;
}

/* (name, options) */
static PyObject *add_provider(Options *self, PyObject *args) {
  const char *name, **keys, **values;
  PyObject *dict, *kept;
  size_t n;
  if (!PyArg_ParseTuple(args, "sO:add_provider", &name, &dict) || keys_and_values(dict, &keys, &values, &n, &kept)) return NULL;
  int failed = done(ort->SessionOptionsAppendExecutionProvider(self->options, name, keys, values, n));
  PyMem_Free(keys), PyMem_Free(values), Py_DECREF(kept);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

/* (list of device capsules, options) */
static PyObject *add_devices(Options *self, PyObject *args) {
  PyObject *list, *dict, *kept;
  const char **keys, **values;
  size_t n;
  const OrtEpDevice *devices[64];
  if (!PyArg_ParseTuple(args, "O!O:add_devices", &PyList_Type, &list, &dict)) return NULL;
  Py_ssize_t count = PyList_Size(list);
  if (count > 64) {
    raise_code(ORT_INVALID_ARGUMENT, "%zd devices; at most 64 are possible", count);
    return NULL;
  }
  for (Py_ssize_t i = 0; i < count; i++)
    if (!(devices[i] = ep_device_of(PyList_GetItem(list, i)))) return NULL;
  if (keys_and_values(dict, &keys, &values, &n, &kept)) return NULL;
  int failed = done(ort->SessionOptionsAppendExecutionProvider_V2(self->options, ort_env, devices, (size_t)count, keys, values, n));
  PyMem_Free(keys), PyMem_Free(values), Py_DECREF(kept);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *options_clone(Options *self, PyObject *unused) {
  OrtSessionOptions *copy;
  if (done(ort->CloneSessionOptions(self->options, &copy))) return NULL;
  Options *o = (Options *)PyType_GenericAlloc(options_type, 0);
  if (!o) {
    ort->ReleaseSessionOptions(copy);
    return NULL;
  }
  o->options = copy;
  return (o->kept = PySequence_List(self->kept)) ? (PyObject *)o : (Py_DECREF(o), NULL);
}

static PyObject *options_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  Options *o = (Options *)PyType_GenericAlloc(type, 0);
  if (o && (!(o->kept = PyList_New(0)) || done(ort->CreateSessionOptions(&o->options)))) Py_CLEAR(o);
  return (PyObject *)o;
}

static void options_dealloc(Options *o) {
  PyTypeObject *type = Py_TYPE(o);
  if (o->options) ort->ReleaseSessionOptions(o->options);
  Py_XDECREF(o->kept);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(o);
  Py_DECREF(type);
}

static PyMethodDef options_methods[] = {{"set_int", (PyCFunction)set_int, METH_VARARGS, "set_int(key, value)"},
                                        {"set_text", (PyCFunction)set_text, METH_VARARGS, "set_text(key, value)"},
                                        {"add_config", (PyCFunction)add_config, METH_VARARGS, "add_config(key, value)"},
                                        {"add_dimension", (PyCFunction)add_dimension, METH_VARARGS, "add_dimension(name, size, denotation)"},
                                        {"add_initializer", (PyCFunction)add_initializer, METH_VARARGS, "add_initializer(name, value, external)"},
                                        {"add_file", (PyCFunction)add_file, METH_VARARGS, "add_file(name, bytes)"},
                                        {"add_provider", (PyCFunction)add_provider, METH_VARARGS, "add_provider(name, options)"},
                                        {"add_devices", (PyCFunction)add_devices, METH_VARARGS, "add_devices(devices, options)"},
                                        {"clone", (PyCFunction)options_clone, METH_NOARGS, "clone()"},
                                        {NULL, NULL, 0, NULL}};
static PyType_Slot options_slots[] = {{Py_tp_new, options_new}, {Py_tp_dealloc, options_dealloc}, {Py_tp_methods, options_methods}, {0, NULL}};
static PyType_Spec options_spec = {"sardonyx._native.Options", sizeof(Options), 0, Py_TPFLAGS_DEFAULT, options_slots};

/* Run options ---------------------------------------------------------------------------------------------------------------- */

int run_options_of(PyObject *object, RunOptions **out) {
  *out = NULL;
  if (object == Py_None) return 0;
  if (!PyObject_TypeCheck(object, run_options_type)) {
    PyErr_Format(PyExc_TypeError, "run_options is a %S; expected RunOptions or None", (PyObject *)Py_TYPE(object));
    return -1;
  }
  *out = (RunOptions *)object;
  return 0;
}

static PyObject *run_get_severity(RunOptions *r, void *unused) {
  int v;
  return done(ort->RunOptionsGetRunLogSeverityLevel(r->options, &v)) ? NULL : PyLong_FromLong(v);
}
static PyObject *run_get_verbosity(RunOptions *r, void *unused) {
  int v;
  return done(ort->RunOptionsGetRunLogVerbosityLevel(r->options, &v)) ? NULL : PyLong_FromLong(v);
}
static PyObject *run_get_logid(RunOptions *r, void *unused) {
  const char *v;
  return done(ort->RunOptionsGetRunTag(r->options, &v)) ? NULL : PyUnicode_FromString(v ? v : "");
}

static int int_of(PyObject *value, int *out) {
  long v = value ? PyLong_AsLong(value) : 0;
  if (!value) PyErr_SetString(PyExc_AttributeError, "cannot be deleted");
  *out = (int)v;
  return PyErr_Occurred() ? -1 : 0;
}
static int run_set_severity(RunOptions *r, PyObject *value, void *unused) {
  int v;
  return int_of(value, &v) || done(ort->RunOptionsSetRunLogSeverityLevel(r->options, v)) ? -1 : 0;
}
static int run_set_verbosity(RunOptions *r, PyObject *value, void *unused) {
  int v;
  return int_of(value, &v) || done(ort->RunOptionsSetRunLogVerbosityLevel(r->options, v)) ? -1 : 0;
}
static int run_set_logid(RunOptions *r, PyObject *value, void *unused) {
  PyObject *bytes = value ? utf8(value) : NULL;
  if (!value) PyErr_SetString(PyExc_AttributeError, "logid cannot be deleted");
  int failed = !bytes || done(ort->RunOptionsSetRunTag(r->options, PyBytes_AsString(bytes)));
  Py_XDECREF(bytes);
  return failed ? -1 : 0;
}

int truth_of(PyObject *value, const char *name) {
  if (!value)
    PyErr_Format(PyExc_AttributeError, "%s cannot be deleted", name);
  else if (value == Py_None || PyLong_Check(value) || PyFloat_Check(value)) /* a bool is an int */
    return PyObject_IsTrue(value);
  else
    PyErr_Format(PyExc_TypeError, "%s is a %S; expected True or False", name, (PyObject *)Py_TYPE(value));
  return -1;
}

static PyObject *run_get_truth(RunOptions *r, void *offset) { return PyBool_FromLong(*((char *)r + (uintptr_t)offset)); }
static int run_set_truth(RunOptions *r, PyObject *value, void *offset) {
  int yes = truth_of(value, "the setting");
  if (yes >= 0) *((char *)r + (uintptr_t)offset) = (char)yes;
  return yes < 0 ? -1 : 0;
}

static PyObject *run_get_terminate(RunOptions *r, void *unused) { return PyBool_FromLong(r->ends); }
static int run_set_terminate(RunOptions *r, PyObject *value, void *unused) {
  int yes = truth_of(value, "terminate");
  if (yes < 0 || done(yes ? ort->RunOptionsSetTerminate(r->options) : ort->RunOptionsUnsetTerminate(r->options))) return -1;
  r->ends = (char)yes;
  return 0;
}

static PyObject *run_add_config(RunOptions *r, PyObject *args) {
  const char *key, *value;
  if (!PyArg_ParseTuple(args, "ss:add_run_config_entry", &key, &value) || done(ort->AddRunConfigEntry(r->options, key, value))) return NULL;
  Py_RETURN_NONE;
}

static PyObject *run_get_config(RunOptions *r, PyObject *args) {
  const char *key;
  if (!PyArg_ParseTuple(args, "s:get_run_config_entry", &key)) return NULL;
  const char *value = ort->GetRunConfigEntry(r->options, key);
  if (value) return PyUnicode_FromString(value);
  PyErr_Format(PyExc_RuntimeError, "RunOptions does not have configuration with key: %s", key);
  return NULL;
}

static PyObject *run_profile(RunOptions *r, PyObject *prefix) {
  PyObject *bytes = prefix == Py_None ? NULL : utf8(prefix);
  if (prefix != Py_None && !bytes) return NULL;
  int failed = done(bytes ? ort->RunOptionsEnableProfiling(r->options, PyBytes_AsString(bytes)) : ort->RunOptionsDisableProfiling(r->options));
  Py_XDECREF(bytes);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *run_adapter(RunOptions *r, PyObject *capsule) {
  const OrtLoraAdapter *adapter = PyCapsule_GetPointer(capsule, "OrtLoraAdapter");
  if (!adapter || done(ort->RunOptionsAddActiveLoraAdapter(r->options, adapter)) || PyList_Append(r->kept, capsule)) return NULL;
  Py_RETURN_NONE;
}

static PyObject *run_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  RunOptions *r = (RunOptions *)PyType_GenericAlloc(type, 0);
  if (r && (!(r->kept = PyList_New(0)) || done(ort->CreateRunOptions(&r->options)))) Py_CLEAR(r);
  return (PyObject *)r;
}

static void run_dealloc(RunOptions *r) {
  PyTypeObject *type = Py_TYPE(r);
  if (r->options) ort->ReleaseRunOptions(r->options);
  Py_XDECREF(r->kept);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(r);
  Py_DECREF(type);
}

static PyMethodDef run_methods[] = {
    {"add_run_config_entry", (PyCFunction)run_add_config, METH_VARARGS, "add_run_config_entry($self, key, value, /)\n--\n\nSets a text option of the run."},
    {"get_run_config_entry", (PyCFunction)run_get_config, METH_VARARGS,
     "get_run_config_entry($self, key, /)\n--\n\nThe value of a text option.\n\n:raises RuntimeError: when it was not set"},
    {"_profile", (PyCFunction)run_profile, METH_O, "_profile(prefix)"},
    {"_add_adapter", (PyCFunction)run_adapter, METH_O, "_add_adapter(capsule)"},
    {NULL, NULL, 0, NULL}};
static PyGetSetDef run_getset[] = {
    {"log_severity_level", (getter)run_get_severity, (setter)run_set_severity, "0 verbose, 1 info, 2 warning, 3 error, 4 fatal", NULL},
    {"log_verbosity_level", (getter)run_get_verbosity, (setter)run_set_verbosity, "detail of verbose messages", NULL},
    {"logid", (getter)run_get_logid, (setter)run_set_logid, "a name for the run in log messages", NULL},
    {"terminate", (getter)run_get_terminate, (setter)run_set_terminate,
     "True ends the runs that use these options, which raise Fail; set it from another thread", NULL},
    {"only_execute_path_to_fetches", (getter)run_get_truth, (setter)run_set_truth, "what no fetch needs is never executed in any case",
     (void *)offsetof(RunOptions, fetches_only)},
    {"training_mode", (getter)run_get_truth, (setter)run_set_truth, "kept for programs that set it: a session runs for inference",
     (void *)offsetof(RunOptions, training)},
    {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot run_slots[] = {{Py_tp_new, run_new},         {Py_tp_dealloc, run_dealloc}, {Py_tp_methods, run_methods},
                                  {Py_tp_getset, run_getset}, {0, NULL}};
static PyType_Spec run_spec = {"sardonyx._native.RunOptions", sizeof(RunOptions), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, run_slots};

int options_init(PyObject *module) {
  options_type = add_type(module, &options_spec);
  run_options_type = options_type ? add_type(module, &run_spec) : NULL;
  return run_options_type ? 0 : -1;
}
