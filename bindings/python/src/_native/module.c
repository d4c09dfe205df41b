// SPDX-License-Identifier: MIT
/* The module: it is imported without a library; open() loads one, once, and makes the environment. Python decides which. */
#include "native.h"

const OrtApiBase *ort_base;
const OrtApi *ort;
OrtEnv *ort_env;
OrtAllocator *ort_allocator;
OrtMemoryInfo *ort_host;
const SardonyxExtension *ort_extension;

#ifdef _WIN32
#include <windows.h>
static void *library_open(const char *path) { return LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH); }
static void *library_find(void *library, const char *name) { return (void *)GetProcAddress(library, name); }
static const char *library_error(void) { return "LoadLibrary failed"; }
#else
#include <dlfcn.h>
static void *library_open(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
static void *library_find(void *library, const char *name) { return dlsym(library, name); }
static const char *library_error(void) { return dlerror(); }
#endif

void *zeroed(size_t count, size_t size) {
  void *memory = count <= PY_SSIZE_T_MAX / size ? PyMem_Malloc(count * size) : NULL;
  return memory ? memset(memory, 0, count * size) : NULL;
}

PyObject *utf8(PyObject *text) {
  if (PyBytes_Check(text)) {
    Py_INCREF(text);
    return text;
  }
  if (PyUnicode_Check(text)) return PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
  PyObject *path = PyOS_FSPath(text), *bytes = path ? utf8(path) : NULL;
  Py_XDECREF(path);
  return bytes;
}

PyTypeObject *add_type(PyObject *module, PyType_Spec *spec) {
  PyObject *type = PyType_FromSpec(spec);
  if (!type) return NULL;
  Py_INCREF(type);
  if (!PyModule_AddObject(module, strrchr(spec->name, '.') + 1, type)) return (PyTypeObject *)type;
  Py_DECREF(type);
  return NULL;
}

/* (path, log level, threads within an operator or -1 for no shared pools, threads between operators) */
static PyObject *open_library(PyObject *module, PyObject *args) {
  PyObject *path;
  int level;
  if (!PyArg_ParseTuple(args, "Oi:open", &path, &level) || !(path = utf8(path))) return NULL;
  if (ort) {
    Py_DECREF(path);
    PyErr_SetString(PyExc_RuntimeError, "a library is open already; a process has one");
    return NULL;
  }
  void *library = library_open(PyBytes_AsString(path));
  const OrtApiBase *(ORT_API_CALL * get)(void) = NULL;
  if (library) *(void **)&get = library_find(library, "OrtGetApiBase");
  if (!get) PyErr_Format(PyExc_ImportError, "%s: %s", PyBytes_AsString(path), library ? "no OrtGetApiBase in it" : library_error());
  Py_DECREF(path);
  if (!get) return NULL;
  ort_base = get();
  const OrtApi *api = ort_base->GetApi(ORT_API_VERSION);
  if (!api) {
    PyErr_Format(PyExc_ImportError, "the library is version %s and does not have version %d of the interface", ort_base->GetVersionString(), ORT_API_VERSION);
    return NULL;
  }
  SardonyxGetExtensionFn extension;
  *(void **)&extension = library_find(library, "SardonyxGetExtension");
  ort = api, ort_extension = extension ? extension(SARDONYX_EXTENSION_VERSION) : NULL;
  if (raise_status(ort->CreateEnv((OrtLoggingLevel)level, "Default", &ort_env)) || raise_status(ort->GetAllocatorWithDefaultOptions(&ort_allocator)) ||
      raise_status(ort->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &ort_host))) {
    ort = NULL;
    return NULL;
  }
  if (raise_status(ort->SetLanguageProjection(ort_env, ORT_PROJECTION_PYTHON))) return NULL;
  Py_RETURN_NONE;
}

/* Shared pools are an environment's: this makes it anew, which works while there is no session. */
static PyObject *shared_threads(PyObject *module, PyObject *args) {
  int within, between, level;
  OrtThreadingOptions *o;
  OrtEnv *env = NULL;
  if (!PyArg_ParseTuple(args, "iii:shared_threads", &within, &between, &level) || raise_status(ort->CreateThreadingOptions(&o))) return NULL;
  int failed = raise_status(ort->SetGlobalIntraOpNumThreads(o, within)) || raise_status(ort->SetGlobalInterOpNumThreads(o, between));
  if (!failed) {
    ort->ReleaseEnv(ort_env);
    failed = raise_status(ort->CreateEnvWithGlobalThreadPools((OrtLoggingLevel)level, "Default", o, &env));
    if (!failed) ort_env = env;
  }
  ort->ReleaseThreadingOptions(o);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *version(PyObject *module, PyObject *unused) { return PyUnicode_FromString(ort_base->GetVersionString()); }
static PyObject *build_info(PyObject *module, PyObject *unused) { return PyUnicode_FromString(ort->GetBuildInfoString()); }
static PyObject *has_extension(PyObject *module, PyObject *unused) { return PyBool_FromLong(ort_extension != NULL); }

static PyMethodDef methods[] = {{"open", open_library, METH_VARARGS, "open(path, log_level)"},
                                {"shared_threads", shared_threads, METH_VARARGS, "shared_threads(within, between, log_level)"},
                                {"version", version, METH_NOARGS, "version()"},
                                {"build_info", build_info, METH_NOARGS, "build_info()"},
                                {"has_extension", has_extension, METH_NOARGS, "has_extension()"},
                                {NULL, NULL, 0, NULL}};

static int fill(PyObject *module) {
  return errors_init(module) || watch_init() || array_init() || value_init(module) || options_init(module) || session_init(module) || binding_init(module) ||
                 PyModule_AddFunctions(module, dlpack_methods) || PyModule_AddFunctions(module, sparse_methods) ||
                 PyModule_AddFunctions(module, device_methods) || PyModule_AddFunctions(module, extra_methods) ||
                 PyModule_AddFunctions(module, quantize_methods) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill},
#ifdef Py_GIL_DISABLED
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                                   {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "sardonyx._native", .m_doc = "The C interface, for sardonyx's own use.",
                                 .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
