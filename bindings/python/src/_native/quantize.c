// SPDX-License-Identifier: MIT
/* Quantisation and calibration of the library's own extension. */
#include "native.h"

static int has_quantize(uint32_t version) {
  if (ort_extension && ort_extension->version >= version) return 1;
  raise_code(ORT_NOT_IMPLEMENTED, "the library cannot quantise: it is not Sardonyx's own, or too old");
  return 0;
}

/* A dictionary of texts as pairs; NULL with an exception. */
static OrtKeyValuePairs *pairs_of(PyObject *options) {
  OrtKeyValuePairs *pairs = NULL;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  ort->CreateKeyValuePairs(&pairs);
  if (!pairs) return (OrtKeyValuePairs *)PyErr_NoMemory();
  while (PyDict_Next(options, &at, &key, &value)) {
    PyObject *k = utf8(key), *v = k ? utf8(value) : NULL;
    if (v) ort->AddKeyValuePair(pairs, PyBytes_AsString(k), PyBytes_AsString(v));
    Py_XDECREF(k), Py_XDECREF(v);
    if (v) continue;
    ort->ReleaseKeyValuePairs(pairs);
    return NULL;
  }
  return pairs;
}

/* (model, target, options as a dictionary of texts, JSON): report */
static PyObject *quantize(PyObject *module, PyObject *args) {
  PyObject *from, *to, *options, *names[2] = {0};
  int json;
  char *report = NULL;
  OrtKeyValuePairs *pairs = NULL;
  if (!PyArg_ParseTuple(args, "OOO!p:quantize", &from, &to, &PyDict_Type, &options, &json) || !has_quantize(4)) return NULL;
  int failed = !(names[0] = utf8(from)) || !(names[1] = utf8(to)) || !(pairs = pairs_of(options));
  if (!failed) {
    OrtStatus *status;
    const char *path = PyBytes_AsString(names[0]), *target = PyBytes_AsString(names[1]);
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->Quantize(ort_env, path, target, pairs, json, ort_allocator, &report);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  if (pairs) ort->ReleaseKeyValuePairs(pairs);
  Py_XDECREF(names[0]), Py_XDECREF(names[1]);
  return failed ? NULL : take_string(report);
}

static const char *const CAPSULE = "SardonyxCalibration";
static void calibration_release(PyObject *capsule) {
  ort_extension->ReleaseCalibration(PyCapsule_GetPointer(capsule, CAPSULE));
}

/* (model, session options): a calibration */
static PyObject *calibration(PyObject *module, PyObject *args) {
  PyObject *path, *options, *name;
  SardonyxCalibration *c = NULL;
  OrtStatus *status;
  if (!PyArg_ParseTuple(args, "OO!:calibration", &path, options_type, &options) || !has_quantize(4) || !(name = utf8(path))) return NULL;
  const char *file = PyBytes_AsString(name);
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CreateCalibration(ort_env, ((Options *)options)->options, file, &c);
  Py_END_ALLOW_THREADS
  Py_DECREF(name);
  return raise_status(status) ? NULL : PyCapsule_New(c, CAPSULE, calibration_release);
}

/* (model, session options, options as a dictionary of texts): a calibration of weights */
static PyObject *weight_calibration(PyObject *module, PyObject *args) {
  PyObject *path, *options, *settings, *name;
  SardonyxCalibration *c = NULL;
  OrtKeyValuePairs *pairs;
  OrtStatus *status;
  if (!PyArg_ParseTuple(args, "OO!O!:weight_calibration", &path, options_type, &options, &PyDict_Type, &settings) ||
      !has_quantize(5) || !(pairs = pairs_of(settings)))
    return NULL;
  if (!(name = utf8(path))) return ort->ReleaseKeyValuePairs(pairs), NULL;
  const char *file = PyBytes_AsString(name);
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CreateWeightCalibration(ort_env, ((Options *)options)->options, file, pairs, &c);
  Py_END_ALLOW_THREADS
  Py_DECREF(name);
  ort->ReleaseKeyValuePairs(pairs);
  return raise_status(status) ? NULL : PyCapsule_New(c, CAPSULE, calibration_release);
}

/* (calibration): whether the samples are wanted once more */
static PyObject *calibration_pass(PyObject *module, PyObject *capsule) {
  SardonyxCalibration *c = PyCapsule_GetPointer(capsule, CAPSULE);
  OrtStatus *status;
  int more = 0;
  if (!c) return NULL;
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CalibrationPass(c, &more);
  Py_END_ALLOW_THREADS
  return raise_status(status) ? NULL : PyBool_FromLong(more);
}

/* (calibration, target, JSON): report */
static PyObject *quantize_calibrated(PyObject *module, PyObject *args) {
  PyObject *capsule, *to, *name;
  SardonyxCalibration *c;
  int json;
  char *report = NULL;
  OrtStatus *status;
  if (!PyArg_ParseTuple(args, "OOp:quantize_calibrated", &capsule, &to, &json) || !(c = PyCapsule_GetPointer(capsule, CAPSULE)) ||
      !(name = utf8(to)))
    return NULL;
  const char *target = PyBytes_AsString(name);
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->QuantizeCalibrated(c, target, json, ort_allocator, &report);
  Py_END_ALLOW_THREADS
  Py_DECREF(name);
  return raise_status(status) ? NULL : take_string(report);
}

/* (calibration, dictionary of arrays by name) */
static PyObject *calibrate(PyObject *module, PyObject *args) {
  enum { MOST = 256 };
  PyObject *capsule, *feed, *name, *object, *kept = PyList_New(0);
  SardonyxCalibration *c;
  const char *names[MOST];
  OrtValue *values[MOST];
  bool lent[MOST];
  size_t n = 0;
  Py_ssize_t at = 0;
  int failed = !kept || !PyArg_ParseTuple(args, "OO!:calibrate", &capsule, &PyDict_Type, &feed) ||
               !(c = PyCapsule_GetPointer(capsule, CAPSULE));
  if (!failed && PyDict_Size(feed) > MOST) {
    PyErr_Format(PyExc_ValueError, "a sample of %zd inputs; at most %d", PyDict_Size(feed), (int)MOST);
    failed = 1;
  }
  while (!failed && PyDict_Next(feed, &at, &name, &object)) {
    PyObject *text = utf8(name), *owner = NULL;
    failed = !text || PyList_Append(kept, text);
    Py_XDECREF(text);
    if (failed) break;
    names[n] = PyBytes_AsString(text), lent[n] = value_check(object);
    values[n] = lent[n] ? ((Value *)object)->value : value_from_object(object, NULL, &owner);
    failed = !values[n] || (owner && PyList_Append(kept, owner));
    Py_XDECREF(owner);
    n += values[n] != NULL;
  }
  if (!failed) {
    OrtStatus *status;
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->Calibrate(c, names, (const OrtValue *const *)values, n);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  for (size_t i = 0; i < n; i++)
    if (!lent[i]) ort->ReleaseValue(values[i]);
  Py_XDECREF(kept);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

/* (calibration, method, percentile): JSON */
static PyObject *ranges(PyObject *module, PyObject *args) {
  PyObject *capsule;
  const char *method;
  double percentile;
  char *out = NULL;
  OrtStatus *status;
  if (!PyArg_ParseTuple(args, "Osd:ranges", &capsule, &method, &percentile)) return NULL;
  SardonyxCalibration *c = PyCapsule_GetPointer(capsule, CAPSULE);
  if (!c) return NULL;
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CalibrationRanges(c, method, percentile, ort_allocator, &out);
  Py_END_ALLOW_THREADS
  return raise_status(status) ? NULL : take_string(out);
}

PyMethodDef quantize_methods[] = {{"quantize", quantize, METH_VARARGS, "quantize(model, target, options, json)"},
                                  {"calibration", calibration, METH_VARARGS, "calibration(model, session_options)"},
                                  {"calibrate", calibrate, METH_VARARGS, "calibrate(calibration, feed)"},
                                  {"weight_calibration", weight_calibration, METH_VARARGS, "weight_calibration(model, session_options, options)"},
                                  {"calibration_pass", calibration_pass, METH_O, "calibration_pass(calibration)"},
                                  {"quantize_calibrated", quantize_calibrated, METH_VARARGS, "quantize_calibrated(calibration, target, json)"},
                                  {"ranges", ranges, METH_VARARGS, "ranges(calibration, method, percentile)"},
                                  {NULL, NULL, 0, NULL}};
