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
typedef struct feed {
  PyObject *kept; /* what names and values point into */
  const char **names;
  OrtValue **values;
  bool *lent; /* the value is an OrtValue object's: not ours to release */
  size_t n;
} feed;

static void feed_close(feed *f) {
  for (size_t i = 0; i < f->n; i++)
    if (!f->lent[i]) ort->ReleaseValue(f->values[i]);
  PyMem_Free(f->names), PyMem_Free(f->values), PyMem_Free(f->lent);
  Py_XDECREF(f->kept);
}

static int feed_add(feed *f, PyObject *name, PyObject *object) {
  PyObject *text = utf8(name), *owner = NULL;
  int failed = !text || PyList_Append(f->kept, text);
  Py_XDECREF(text);
  if (failed) return 0;
  f->names[f->n] = PyBytes_AsString(text), f->lent[f->n] = value_check(object);
  f->values[f->n] = f->lent[f->n] ? ((Value *)object)->value : value_from_object(object, NULL, &owner);
  failed = !f->values[f->n] || (owner && PyList_Append(f->kept, owner));
  Py_XDECREF(owner);
  f->n += f->values[f->n] != NULL;
  return !failed;
}

/* 0 with an exception; feed_close then, too. None is no input at all. A copy of the dictionary is read: arrays are made by the
 * caller's code (__array__), which may change his own. */
static int feed_open(feed *f, PyObject *arrays) {
  PyObject *name, *object, *own = NULL;
  Py_ssize_t at = 0;
  *f = (feed){.kept = PyList_New(0)};
  if (!f->kept || arrays == Py_None) return f->kept != NULL;
  if (!PyDict_Check(arrays)) return PyErr_SetString(PyExc_TypeError, "a sample is a dictionary {input: array}"), 0;
  int failed = !(own = PyDict_Copy(arrays)) || PyList_Append(f->kept, own);
  Py_XDECREF(own);
  if (failed) return 0;
  size_t left = (size_t)PyDict_Size(own);
  f->names = zeroed(left + 1, sizeof *f->names), f->values = zeroed(left + 1, sizeof *f->values), f->lent = zeroed(left + 1, sizeof *f->lent);
  if (!f->names || !f->values || !f->lent) return PyErr_NoMemory(), 0;
  for (; left && PyDict_Next(own, &at, &name, &object); left--)
    if (!feed_add(f, name, object)) return 0;
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

/* A calibration belongs to one call at a time. */
static const char *const CAPSULE = "SardonyxCalibration";
typedef struct Held {
  SardonyxCalibration *c;
  atomic_flag busy;
} Held;

static void calibration_release(PyObject *capsule) {
  Held *held = PyCapsule_GetPointer(capsule, CAPSULE);
  ort_extension->ReleaseCalibration(held->c);
  PyMem_Free(held);
}

static PyObject *calibration_wrap(SardonyxCalibration *c) {
  Held *held = zeroed(1, sizeof *held);
  PyObject *capsule = NULL;
  if (held) {
    held->c = c;
    atomic_flag_clear(&held->busy);
    if ((capsule = PyCapsule_New(held, CAPSULE, calibration_release))) return capsule;
  } else
    PyErr_NoMemory();
  PyMem_Free(held);
  ort_extension->ReleaseCalibration(c);
  return NULL;
}

/* The calibration for a call, which calibration_leave ends; NULL with an exception while another call has it. */
static Held *calibration_enter(PyObject *capsule) {
  Held *held = PyCapsule_GetPointer(capsule, CAPSULE);
  if (!held || !atomic_flag_test_and_set(&held->busy)) return held;
  raise_code(ORT_FAIL, "the calibration is at work for another thread: it takes one call at a time");
  return NULL;
}

static void calibration_leave(Held *held) { atomic_flag_clear(&held->busy); }

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
  return raise_status(status) ? NULL : calibration_wrap(c);
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
  return raise_status(status) ? NULL : calibration_wrap(c);
}

/* (calibration): whether the samples are wanted once more */
static PyObject *calibration_pass(PyObject *module, PyObject *capsule) {
  Held *held = calibration_enter(capsule);
  OrtStatus *status;
  int more = 0;
  if (!held) return NULL;
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CalibrationPass(held->c, &more);
  Py_END_ALLOW_THREADS
  calibration_leave(held);
  return raise_status(status) ? NULL : PyBool_FromLong(more);
}

/* (calibration, target, a sample to time both models on, or None): report as JSON */
static PyObject *quantize_calibrated(PyObject *module, PyObject *args) {
  PyObject *capsule, *to, *sample, *name = NULL;
  Held *held = NULL;
  char *report = NULL;
  feed f;
  if (!PyArg_ParseTuple(args, "OOO:quantize_calibrated", &capsule, &to, &sample)) return NULL;
  int failed = !feed_open(&f, sample) || !(name = utf8(to)) || !(held = calibration_enter(capsule));
  if (!failed) {
    OrtStatus *status;
    const char *target = PyBytes_AsString(name);
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->QuantizeCalibrated(held->c, target, f.names, (const OrtValue *const *)f.values, f.n, 1, ort_allocator, &report);
    Py_END_ALLOW_THREADS
    calibration_leave(held);
    failed = raise_status(status);
  }
  feed_close(&f);
  Py_XDECREF(name);
  return failed ? NULL : take_string(report);
}

/* (calibration, dictionary of arrays by name) */
static PyObject *calibrate(PyObject *module, PyObject *args) {
  PyObject *capsule, *arrays;
  Held *held = NULL;
  feed f;
  if (!PyArg_ParseTuple(args, "OO!:calibrate", &capsule, &PyDict_Type, &arrays)) return NULL;
  int failed = !feed_open(&f, arrays) || !(held = calibration_enter(capsule));
  if (!failed) {
    OrtStatus *status;
    Py_BEGIN_ALLOW_THREADS
    status = ort_extension->Calibrate(held->c, f.names, (const OrtValue *const *)f.values, f.n);
    Py_END_ALLOW_THREADS
    calibration_leave(held);
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
  Held *held = calibration_enter(capsule);
  if (!held) return NULL;
  Py_BEGIN_ALLOW_THREADS
  status = ort_extension->CalibrationRanges(held->c, method, percentile, ort_allocator, &out);
  Py_END_ALLOW_THREADS
  calibration_leave(held);
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
