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

/* A dictionary of arrays by name, as values for as long as they are needed. */
enum { MOST_INPUTS = 256 };
typedef struct feed {
  PyObject *kept; /* what names and values point into */
  const char *names[MOST_INPUTS];
  OrtValue *values[MOST_INPUTS];
  bool lent[MOST_INPUTS];
  size_t n;
} feed;

static void feed_close(feed *f) {
  for (size_t i = 0; i < f->n; i++)
    if (!f->lent[i]) ort->ReleaseValue(f->values[i]);
  Py_XDECREF(f->kept);
}

/* 0 with an exception; feed_close then, too. None is no input at all. */
static int feed_open(feed *f, PyObject *arrays) {
  PyObject *name, *object;
  Py_ssize_t at = 0;
  f->n = 0, f->kept = PyList_New(0);
  if (!f->kept || arrays == Py_None) return f->kept != NULL;
  if (!PyDict_Check(arrays)) return PyErr_SetString(PyExc_TypeError, "a sample is a dictionary {input: array}"), 0;
  if (PyDict_Size(arrays) > MOST_INPUTS) {
    PyErr_Format(PyExc_ValueError, "a sample of %zd inputs; at most %d", PyDict_Size(arrays), (int)MOST_INPUTS);
    return 0;
  }
  while (PyDict_Next(arrays, &at, &name, &object)) {
    PyObject *text = utf8(name), *owner = NULL;
    int failed = !text || PyList_Append(f->kept, text);
    Py_XDECREF(text);
    if (failed) return 0;
    f->names[f->n] = PyBytes_AsString(text), f->lent[f->n] = value_check(object);
    f->values[f->n] = f->lent[f->n] ? ((Value *)object)->value : value_from_object(object, NULL, &owner);
    failed = !f->values[f->n] || (owner && PyList_Append(f->kept, owner));
    Py_XDECREF(owner);
    f->n += f->values[f->n] != NULL;
    if (failed) return 0;
  }
  return 1;
}

/* (model, session options, target, options as a dictionary of texts, a sample to time both models on, or None): report as JSON */
static PyObject *quantize(PyObject *module, PyObject *args) {
  PyObject *from, *session, *to, *options, *sample, *names[2] = {0};
  char *report = NULL;
  OrtKeyValuePairs *pairs = NULL;
  feed f;
  if (!PyArg_ParseTuple(args, "OO!OO!O:quantize", &from, options_type, &session, &to, &PyDict_Type, &options, &sample) ||
      !has_quantize(5))
    return NULL;
  int failed = !feed_open(&f, sample) || !(names[0] = utf8(from)) || !(names[1] = utf8(to)) || !(pairs = pairs_of(options));
  if (!failed) {
    OrtStatus *status;
    const char *path = PyBytes_AsString(names[0]), *target = PyBytes_AsString(names[1]);
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->QuantizeMeasured(ort_env, ((Options *)session)->options, path, target, pairs, f.names,
                                             (const OrtValue *const *)f.values, f.n, 1, ort_allocator, &report);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  if (pairs) ort->ReleaseKeyValuePairs(pairs);
  feed_close(&f);
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

/* (calibration, target, a sample to time both models on, or None): report as JSON */
static PyObject *quantize_calibrated(PyObject *module, PyObject *args) {
  PyObject *capsule, *to, *sample, *name = NULL;
  SardonyxCalibration *c;
  char *report = NULL;
  feed f;
  if (!PyArg_ParseTuple(args, "OOO:quantize_calibrated", &capsule, &to, &sample) || !(c = PyCapsule_GetPointer(capsule, CAPSULE)))
    return NULL;
  int failed = !feed_open(&f, sample) || !(name = utf8(to));
  if (!failed) {
    OrtStatus *status;
    const char *target = PyBytes_AsString(name);
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->QuantizeCalibrated(c, target, f.names, (const OrtValue *const *)f.values, f.n, 1, ort_allocator, &report);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  feed_close(&f);
  Py_XDECREF(name);
  return failed ? NULL : take_string(report);
}

/* (calibration, dictionary of arrays by name) */
static PyObject *calibrate(PyObject *module, PyObject *args) {
  PyObject *capsule, *arrays;
  SardonyxCalibration *c;
  feed f;
  if (!PyArg_ParseTuple(args, "OO!:calibrate", &capsule, &PyDict_Type, &arrays) || !(c = PyCapsule_GetPointer(capsule, CAPSULE)))
    return NULL;
  int failed = !feed_open(&f, arrays);
  if (!failed) {
    OrtStatus *status;
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->Calibrate(c, f.names, (const OrtValue *const *)f.values, f.n);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  }
  feed_close(&f);
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

PyMethodDef quantize_methods[] = {{"quantize", quantize, METH_VARARGS, "quantize(model, session_options, target, options, sample)"},
                                  {"calibration", calibration, METH_VARARGS, "calibration(model, session_options)"},
                                  {"calibrate", calibrate, METH_VARARGS, "calibrate(calibration, feed)"},
                                  {"weight_calibration", weight_calibration, METH_VARARGS, "weight_calibration(model, session_options, options)"},
                                  {"calibration_pass", calibration_pass, METH_O, "calibration_pass(calibration)"},
                                  {"quantize_calibrated", quantize_calibrated, METH_VARARGS, "quantize_calibrated(calibration, target, sample)"},
                                  {"ranges", ranges, METH_VARARGS, "ranges(calibration, method, percentile)"},
                                  {NULL, NULL, 0, NULL}};
