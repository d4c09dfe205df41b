// SPDX-License-Identifier: MIT
/* Providers, their devices, memory infos, and the environment's settings. Handles that live as long as the environment are
 * capsules; everything else is read into dictionaries and tuples. */
#include "native.h"

const OrtEpDevice *ep_device_of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, "OrtEpDevice"); }

static PyObject *providers(PyObject *module, PyObject *unused) {
  char **names;
  int n;
  if (raise_status(ort->GetAvailableProviders(&names, &n))) return NULL;
  PyObject *list = PyList_New(n);
  for (int i = 0; list && i < n; i++)
    if (PyList_SetItem(list, i, PyUnicode_FromString(names[i]))) Py_CLEAR(list);
  if (raise_status(ort->ReleaseAvailableProviders(names, n))) Py_CLEAR(list);
  return list;
}

static PyObject *pairs(const OrtKeyValuePairs *p) {
  const char *const *keys = NULL, *const *values = NULL;
  size_t n = 0;
  PyObject *dict = PyDict_New();
  if (p) ort->GetKeyValuePairs(p, &keys, &values, &n);
  for (size_t i = 0; dict && i < n; i++) {
    PyObject *value = PyUnicode_FromString(values[i]);
    if (!value || PyDict_SetItemString(dict, keys[i], value)) Py_CLEAR(dict);
    Py_XDECREF(value);
  }
  return dict;
}

static PyObject *text(const char *t) { return PyUnicode_FromString(t ? t : ""); }

static PyObject *hardware(const OrtHardwareDevice *d) {
  if (!d) Py_RETURN_NONE;
  return Py_BuildValue("(iININ)", (int)ort->HardwareDevice_Type(d), (unsigned)ort->HardwareDevice_VendorId(d), text(ort->HardwareDevice_Vendor(d)),
                       (unsigned)ort->HardwareDevice_DeviceId(d), pairs(ort->HardwareDevice_Metadata(d)));
}

/* (name, device id, kind of memory, kind of allocator, device type, device's kind of memory, vendor) or None */
static PyObject *memory_info(const OrtMemoryInfo *m) {
  const char *name;
  int id;
  OrtMemType memory;
  OrtAllocatorType allocator;
  OrtMemoryInfoDeviceType device;
  if (!m) Py_RETURN_NONE;
  if (raise_status(ort->MemoryInfoGetName(m, &name)) || raise_status(ort->MemoryInfoGetId(m, &id)) || raise_status(ort->MemoryInfoGetMemType(m, &memory)) ||
      raise_status(ort->MemoryInfoGetType(m, &allocator)))
    return NULL;
  ort->MemoryInfoGetDeviceType(m, &device);
  return Py_BuildValue("(NiiiiiI)", text(name), id, (int)memory, (int)allocator, (int)device, (int)ort->MemoryInfoGetDeviceMemType(m),
                       (unsigned)ort->MemoryInfoGetVendorId(m));
}

/* (capsule, provider, vendor, metadata, options, hardware, memory, host memory) */
static PyObject *ep_device(const OrtEpDevice *d) {
  if (!d) Py_RETURN_NONE;
  return Py_BuildValue("(NNNNNNNN)", PyCapsule_New((void *)(uintptr_t)d, "OrtEpDevice", NULL), text(ort->EpDevice_EpName(d)),
                       text(ort->EpDevice_EpVendor(d)), pairs(ort->EpDevice_EpMetadata(d)), pairs(ort->EpDevice_EpOptions(d)),
                       hardware(ort->EpDevice_Device(d)), memory_info(ort->EpDevice_MemoryInfo(d, OrtDeviceMemoryType_DEFAULT)),
                       memory_info(ort->EpDevice_MemoryInfo(d, OrtDeviceMemoryType_HOST_ACCESSIBLE)));
}

static PyObject *ep_devices(PyObject *module, PyObject *unused) {
  const OrtEpDevice *const *devices;
  size_t n;
  if (raise_status(ort->GetEpDevices(ort_env, &devices, &n))) return NULL;
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = ep_device(devices[i]);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  return list;
}

static PyObject *hardware_devices(PyObject *module, PyObject *unused) {
  size_t n;
  if (raise_status(ort->GetNumHardwareDevices(ort_env, &n))) return NULL;
  const OrtHardwareDevice **devices = zeroed(n + 1, sizeof *devices);
  PyObject *list = devices && !raise_status(ort->GetHardwareDevices(ort_env, devices, n)) ? PyList_New((Py_ssize_t)n) : NULL;
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = hardware(devices[i]);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  PyMem_Free(devices);
  return list;
}

/* (session, 0 inputs or 1 outputs, 0 memory or 1 devices) */
static PyObject *session_places(PyObject *module, PyObject *args) {
  PyObject *object;
  int which, what;
  if (!PyArg_ParseTuple(args, "O!ii:session_places", session_type, &object, &which, &what)) return NULL;
  Session *s = (Session *)object;
  if (session_enter(s)) return NULL;
  size_t n = which ? s->n_out : s->n_in;
  const void **handles = zeroed(n + 1, sizeof *handles);
  const OrtMemoryInfo **memory = (const OrtMemoryInfo **)handles;
  const OrtEpDevice **devices = (const OrtEpDevice **)handles;
  OrtStatus *status = !handles ? NULL
                      : what   ? which ? ort->SessionGetEpDeviceForOutputs(s->session, devices, n) : ort->SessionGetEpDeviceForInputs(s->session, devices, n)
                      : which  ? ort->SessionGetMemoryInfoForOutputs(s->session, memory, n)
                               : ort->SessionGetMemoryInfoForInputs(s->session, memory, n);
  PyObject *list = !handles ? PyErr_NoMemory() : raise_status(status) ? NULL : PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = what ? ep_device(handles[i]) : memory_info(handles[i]);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  PyMem_Free(handles);
  session_leave(s);
  return list;
}

static PyObject *register_library(PyObject *module, PyObject *args) {
  const char *name;
  PyObject *path;
  if (!PyArg_ParseTuple(args, "sO:register_execution_provider_library", &name, &path) || !(path = utf8(path))) return NULL;
  int failed = raise_status(ort->RegisterExecutionProviderLibrary(ort_env, name, PyBytes_AsString(path)));
  Py_DECREF(path);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *unregister_library(PyObject *module, PyObject *args) {
  const char *name;
  if (!PyArg_ParseTuple(args, "s:unregister_execution_provider_library", &name) ||
      raise_status(ort->UnregisterExecutionProviderLibrary(ort_env, name)))
    return NULL;
  Py_RETURN_NONE;
}

static PyObject *set_log_level(PyObject *module, PyObject *args) {
  int level;
  if (!PyArg_ParseTuple(args, "i:set_log_level", &level) || raise_status(ort->UpdateEnvWithCustomLogLevel(ort_env, (OrtLoggingLevel)level))) return NULL;
  Py_RETURN_NONE;
}

static PyObject *telemetry(PyObject *module, PyObject *args) {
  int on;
  if (!PyArg_ParseTuple(args, "p:telemetry", &on) || raise_status(on ? ort->EnableTelemetryEvents(ort_env) : ort->DisableTelemetryEvents(ort_env)))
    return NULL;
  Py_RETURN_NONE;
}

/* (name, allocator kind, id, memory kind, arena settings or None, provider or None) */
static PyObject *register_allocator(PyObject *module, PyObject *args) {
  const char *name, *provider, *key;
  int kind, id, memory;
  PyObject *settings, *k, *v;
  const char *keys[16];
  size_t values[16], n = 0;
  Py_ssize_t at = 0;
  OrtMemoryInfo *info = NULL;
  OrtArenaCfg *arena = NULL;
  if (!PyArg_ParseTuple(args, "siiiOz:register_allocator", &name, &kind, &id, &memory, &settings, &provider)) return NULL;
  PyObject *kept = PyList_New(0);
  int failed = !kept;
  while (!failed && PyDict_Check(settings) && n < 16 && PyDict_Next(settings, &at, &k, &v)) {
    PyObject *bytes = utf8(k);
    failed = !bytes || PyList_Append(kept, bytes) || !(key = PyBytes_AsString(bytes));
    Py_XDECREF(bytes);
    if (!failed) keys[n] = key, values[n++] = (size_t)PyLong_AsLongLong(v);
    failed = failed || PyErr_Occurred() != NULL;
  }
  failed = failed || raise_status(ort->CreateMemoryInfo(name, (OrtAllocatorType)kind, id, (OrtMemType)memory, &info)) ||
           raise_status(ort->CreateArenaCfgV2(keys, values, n, &arena)) ||
           raise_status(provider ? ort->CreateAndRegisterAllocatorV2(ort_env, provider, info, arena, NULL, NULL, 0)
                                 : ort->CreateAndRegisterAllocator(ort_env, info, arena));
  if (arena) ort->ReleaseArenaCfg(arena);
  if (info) ort->ReleaseMemoryInfo(info);
  Py_XDECREF(kept);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

/* ([sources], [destinations]) */
static PyObject *copy_tensors(PyObject *module, PyObject *args) {
  PyObject *from, *to;
  if (!PyArg_ParseTuple(args, "O!O!:copy_tensors", &PyList_Type, &from, &PyList_Type, &to)) return NULL;
  Py_ssize_t n = PyList_Size(from);
  if (PyList_Size(to) != n) {
    raise_code(ORT_INVALID_ARGUMENT, "%zd sources and %zd destinations", n, PyList_Size(to));
    return NULL;
  }
  const OrtValue **sources = zeroed((size_t)n + 1, sizeof *sources);
  OrtValue **targets = zeroed((size_t)n + 1, sizeof *targets);
  int failed = !sources || !targets;
  for (Py_ssize_t i = 0; !failed && i < n; i++) {
    PyObject *a = PyList_GetItem(from, i), *b = PyList_GetItem(to, i);
    if ((failed = !value_check(a) || !value_check(b)))
      PyErr_SetString(PyExc_TypeError, "copy_tensors takes lists of OrtValue");
    else
      sources[i] = ((Value *)a)->value, targets[i] = ((Value *)b)->value;
  }
  if (!failed) failed = raise_status(ort->CopyTensors(ort_env, sources, targets, NULL, (size_t)n));
  PyMem_Free(sources), PyMem_Free(targets);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

PyMethodDef device_methods[] = {{"providers", providers, METH_NOARGS, "providers()"},
                                {"ep_devices", ep_devices, METH_NOARGS, "ep_devices()"},
                                {"hardware_devices", hardware_devices, METH_NOARGS, "hardware_devices()"},
                                {"session_places", session_places, METH_VARARGS, "session_places(session, which, what)"},
                                {"register_library", register_library, METH_VARARGS, "register_library(name, path)"},
                                {"unregister_library", unregister_library, METH_VARARGS, "unregister_library(name)"},
                                {"set_log_level", set_log_level, METH_VARARGS, "set_log_level(level)"},
                                {"telemetry", telemetry, METH_VARARGS, "telemetry(on)"},
                                {"register_allocator", register_allocator, METH_VARARGS, "register_allocator(name, kind, id, memory, arena, provider)"},
                                {"copy_tensors", copy_tensors, METH_VARARGS, "copy_tensors(sources, destinations)"},
                                {NULL, NULL, 0, NULL}};
