// SPDX-License-Identifier: MIT
/* Runs: arguments become a Feed (names, values, and what lends them their memory), the library runs without the interpreter's
 * lock, results become objects. Small calls use no heap. */
#include "native.h"
#include "run.h"
#include <time.h>

enum { SMALL = 12 };

/* Arrays of both sides of a call; those of calls with few inputs and outputs are in the struct. */
typedef struct Feed {
  size_t n_in, n_out; /* places; n_in of them are there, of which `given` are filled */
  size_t given;
  const char **in_names, **out_names;
  OrtValue **in, **out;
  PyObject **owners; /* of inputs: what lends the memory, and bytes of names; two each */
  bool *lent;        /* the value is an OrtValue object's: not ours to release */
  PyObject *names;   /* bytes of output names that the model does not have */
  size_t elements;   /* of the inputs, a measure of how long the run takes */
  const char *small_names[2 * SMALL];
  OrtValue *small_values[2 * SMALL];
  PyObject *small_owners[2 * SMALL];
  bool small_lent[SMALL];
} Feed;

static int feed_begin(Feed *f, size_t n_in, size_t n_out) {
  memset(f, 0, sizeof *f);
  f->n_in = n_in, f->n_out = n_out;
  if (n_in <= SMALL && n_out <= SMALL) {
    f->in_names = f->small_names, f->out_names = f->small_names + SMALL;
    f->in = f->small_values, f->out = f->small_values + SMALL;
    f->owners = f->small_owners, f->lent = f->small_lent;
    return 0;
  }
  f->in_names = zeroed(n_in + n_out, sizeof *f->in_names), f->in = zeroed(n_in + n_out, sizeof *f->in);
  f->owners = zeroed(2 * n_in + 1, sizeof *f->owners), f->lent = zeroed(n_in + 1, sizeof *f->lent);
  if (!f->in_names || !f->in || !f->owners || !f->lent) {
    f->n_in = f->n_out = 0;
    PyErr_NoMemory();
    return -1;
  }
  f->out_names = f->in_names + n_in, f->out = f->in + n_in;
  return 0;
}

static void feed_end(Feed *f) {
  for (size_t i = 0; i < f->n_in; i++) {
    if (f->in[i] && !f->lent[i]) ort->ReleaseValue(f->in[i]);
    Py_XDECREF(f->owners[2 * i]), Py_XDECREF(f->owners[2 * i + 1]);
  }
  for (size_t i = 0; i < f->n_out; i++)
    if (f->out[i]) ort->ReleaseValue(f->out[i]);
  Py_XDECREF(f->names);
  if (f->in_names != f->small_names) {
    PyMem_Free(f->in_names), PyMem_Free(f->in);
    PyMem_Free(f->owners), PyMem_Free(f->lent);
  }
}

/* The index of a name of the model, or -1 without an exception. */
static Py_ssize_t index_of(PyObject *names, PyObject *name) {
  PyObject *index = PyDict_GetItemWithError(names, name);
  return index ? PyLong_AsSsize_t(index) : -1;
}

/* The elements of a tensor; a single integer in plain memory counts as what it is, since it may be how often a loop goes round.
 * What is no tensor counts as a large one. */
static size_t elements_of(const OrtValue *value, const IoType *want, bool host) {
  const int64_t *dims;
  size_t rank, n = 1;
  ONNXTensorElementDataType type;
  OrtStatus *status = want && want->kind != ONNX_TYPE_TENSOR ? NULL : ort->GetTensorElementTypeAndShapeDataReference(value, &type, &dims, &rank);
  if (status || (want && want->kind != ONNX_TYPE_TENSOR)) {
    if (status) ort->ReleaseStatus(status);
    return (size_t)1 << 20;
  }
  for (size_t i = 0; i < rank; i++) n *= (size_t)dims[i];
  const void *data = NULL;
  if (n != 1 || !host || (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 && type != ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32)) return n;
  if ((status = ort->GetTensorData(value, &data))) ort->ReleaseStatus(status);
  int64_t number = !data ? 0 : type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 ? *(const int64_t *)data : *(const int32_t *)data;
  return number > 1 ? (size_t)number : 1;
}

/* Fills the next place, or none for an optional input that is None. Runs the caller's code (__array__, __dlpack__): lists and
 * dictionaries that the caller can reach may be others afterwards. */
static int feed_input(Feed *f, const Session *s, PyObject *name, PyObject *object) {
  const size_t i = f->given;
  Py_ssize_t index = index_of(s->in_names, name);
  const IoType *want = index >= 0 ? &s->types[index] : NULL;
  if (want && want->optional && object == Py_None) return 0;
  if (i == f->n_in) return raise_code(ORT_FAIL, "the input feed grew while it was read"), -1;
  if (index >= 0)
    f->in_names[i] = s->in[index];
  else if (PyErr_Occurred() || !(f->owners[2 * i + 1] = utf8(name)))
    return -1;
  else
    f->in_names[i] = PyBytes_AsString(f->owners[2 * i + 1]);
  if (value_check(object)) {
    Py_INCREF(object);
    f->owners[2 * i] = object, f->lent[i] = true, f->in[i] = ((Value *)object)->value;
  } else
    f->in[i] = value_from_object(object, want, &f->owners[2 * i]);
  if (f->in[i]) {
    f->elements += elements_of(f->in[i], want, !f->lent[i]);
    f->given++;
    return 0;
  }
  if (object == Py_None && want)
    raise_code(ORT_FAIL, "input %s is None; expected an array", s->in[index]);
  return -1;
}

static int feed_output(Feed *f, const Session *s, size_t i, PyObject *name) {
  Py_ssize_t index = index_of(s->out_names, name);
  if (index >= 0) {
    f->out_names[i] = s->out[index];
    return 0;
  }
  PyObject *bytes = PyErr_Occurred() ? NULL : utf8(name);
  if (!bytes || (!f->names && !(f->names = PyList_New(0))) || PyList_Append(f->names, bytes)) {
    Py_XDECREF(bytes);
    return -1;
  }
  f->out_names[i] = PyBytes_AsString(bytes);
  Py_DECREF(bytes);
  return 0;
}

static int missing_inputs(const Session *s, PyObject *feed) {
  PyObject *missing = PyList_New(0), *name, *index;
  Py_ssize_t at = 0;
  int failed = !missing;
  while (!failed && PyDict_Next(s->in_names, &at, &name, &index))
    if (!PyDict_Contains(feed, name) && !s->types[PyLong_AsSize_t(index)].optional) failed = PyList_Append(missing, name);
  if (!failed && PyList_Size(missing) > 0) {
    PyObject *given = PyDict_Keys(feed);
    if (given) PyErr_Format(PyExc_ValueError, "Required inputs (%R) are missing from input feed (%R).", missing, given);
    Py_XDECREF(given);
    failed = 1;
  }
  Py_XDECREF(missing);
  return failed ? -1 : 0;
}

/* Fills the feed from Python's arguments: `feed` is a dictionary of our own, `outputs` may be None. */
static int feed_fill(Feed *f, const Session *s, PyObject *outputs, PyObject *feed) {
  PyObject *name, *object, *names = NULL;
  Py_ssize_t at = 0, n_out = (Py_ssize_t)s->n_out;
  bool list = PyList_Check(outputs) || PyTuple_Check(outputs);
  int some = outputs == Py_None ? 0 : list ? 1 : PyObject_IsTrue(outputs);
  if (some < 0) return -1;
  if (some) {
    if (PyUnicode_Check(outputs)) {
      PyErr_SetString(PyExc_TypeError, "output_names is a str; expected a list of names or None");
      return -1;
    }
    if (!(names = PySequence_List(outputs))) return -1;
    n_out = PyList_Size(names);
    if (n_out == 0) {
      Py_CLEAR(names);
      n_out = (Py_ssize_t)s->n_out;
    }
  }
  int failed = feed_begin(f, (size_t)PyDict_Size(feed), (size_t)n_out);
  while (!failed && PyDict_Next(feed, &at, &name, &object)) failed = feed_input(f, s, name, object);
  for (Py_ssize_t i = 0; !failed && i < n_out; i++) {
    if (names)
      failed = feed_output(f, s, (size_t)i, PyList_GetItem(names, i));
    else
      f->out_names[i] = s->out[i];
  }
  Py_XDECREF(names);
  return failed ? -1 : 0;
}

/* A run as watch() makes it: from a feed, or from a binding. */
typedef struct Run {
  const OrtSession *session;
  OrtRunOptions *options;
  const Feed *feed;
  const OrtIoBinding *binding;
} Run;

static OrtStatus *run_call(void *state) {
  const Run *r = state;
  const Feed *f = r->feed;
  if (r->binding) return ort->RunWithBinding((OrtSession *)(uintptr_t)r->session, r->options, r->binding);
  return ort->Run((OrtSession *)(uintptr_t)r->session, r->options, f->in_names, (const OrtValue *const *)f->in, f->given, f->out_names, f->n_out, f->out);
}

static void run_stop(void *state) {
  OrtStatus *status = ort->RunOptionsSetTerminate(((const Run *)state)->options);
  if (status) ort->ReleaseStatus(status);
}

static int64_t now_us(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum { QUICK_US = 5000 };

/* A run is watched unless one of half its size or more has shown that there is no time to interrupt it: starting a thread takes
 * ten times as long as a small run. */
static int run_watched(Session *s, Run *r, RunOptions *given, size_t elements) {
  OrtRunOptions *own = NULL;
  r->options = given ? given->options : NULL;
  bool main = watch_possible();
  int64_t began = main ? now_us() : 0;
  int failed;
  if (!main || elements / 2 < s->quick) {
    OrtStatus *status;
    Py_BEGIN_ALLOW_THREADS
    status = run_call(r);
    Py_END_ALLOW_THREADS
    failed = raise_status(status);
  } else {
    if (!given && raise_status(ort->CreateRunOptions(&own))) return -1;
    if (own) r->options = own;
    failed = watch(run_call, run_stop, r);
    if (own) ort->ReleaseRunOptions(own);
    if (failed && given && !given->ends) { /* as it was before run_stop */
      OrtStatus *status = ort->RunOptionsUnsetTerminate(given->options);
      if (status) ort->ReleaseStatus(status);
    }
  }
  if (!main) return failed;
  if (now_us() - began > QUICK_US)
    s->quick = 0;
  else if (elements >= s->quick)
    s->quick = elements + 1;
  return failed;
}

static int feed_run(Feed *f, Session *s, RunOptions *options) {
  return run_watched(s, &(Run){.session = s->session, .feed = f}, options, f->elements);
}

static PyObject *results(Feed *f, bool wrapped) {
  PyObject *list = PyList_New((Py_ssize_t)f->n_out);
  for (size_t i = 0; list && i < f->n_out; i++) {
    OrtValue *value = f->out[i];
    f->out[i] = NULL; /* taken over by what follows */
    PyObject *item = wrapped ? value_wrap(value, NULL) : object_from_value(value);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  return list;
}

PyObject *session_missing_inputs(Session *s, PyObject *feed) {
  PyObject *keys = PyObject_CallMethod(feed, "keys", NULL), *names = keys ? PySequence_List(keys) : NULL, *given = names ? PyDict_New() : NULL;
  int failed = !given;
  for (Py_ssize_t i = 0; !failed && i < PyList_Size(names); i++) failed = PyDict_SetItem(given, PyList_GetItem(names, i), Py_None);
  failed = failed || (s->in_names && missing_inputs(s, given));
  Py_XDECREF(keys), Py_XDECREF(names), Py_XDECREF(given);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *run(Session *s, PyObject *outputs, PyObject *feed, PyObject *run_options, bool wrapped) {
  Feed f = {0};
  RunOptions *options;
  PyObject *copy = NULL, *out = NULL;
  if (run_options_of(run_options, &options)) return NULL;
  if (PyDict_Check(feed)) { /* a copy: the caller's own may change while inputs are read */
    if (!(copy = PyDict_Copy(feed))) return NULL;
  } else {
    PyObject *keys = PyObject_CallMethod(feed, "keys", NULL); /* the exception that onnxruntime raises for what is no mapping */
    if (!keys) return NULL;
    Py_DECREF(keys);
    if (!(copy = PyDict_New()) || PyDict_Update(copy, feed)) goto done;
  }
  if (session_enter(s)) goto done;
  if ((s->n_in && missing_inputs(s, copy)) || feed_fill(&f, s, outputs, copy) || feed_run(&f, s, options))
    ;
  else
    out = results(&f, wrapped);
  feed_end(&f);
  session_leave(s);
done:
  Py_XDECREF(copy);
  return out;
}

PyObject *session_run(Session *s, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"output_names", "input_feed", "run_options", NULL};
  PyObject *outputs, *feed, *options = Py_None;
  return PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:run", names, &outputs, &feed, &options) ? run(s, outputs, feed, options, false) : NULL;
}

PyObject *session_run_values(Session *s, PyObject *args) {
  PyObject *outputs, *feed, *options;
  return PyArg_ParseTuple(args, "OOO:_run_values", &outputs, &feed, &options) ? run(s, outputs, feed, options, true) : NULL;
}

/* Copies of four lists, which feed_input() cannot change; NULL with an exception. */
static PyObject *copies_of(PyObject *const lists[4]) {
  PyObject *all = PyList_New(4);
  for (Py_ssize_t i = 0; all && i < 4; i++) {
    PyObject *copy = PyList_GetSlice(lists[i], 0, PyList_Size(lists[i]));
    if (!copy || PyList_SetItem(all, i, copy)) Py_CLEAR(all);
  }
  return all;
}

/* The values that the caller gave for outputs, by place, and new ones where he gave none. */
static PyObject *results_into(Feed *f, PyObject *given) {
  PyObject *list = PyList_New((Py_ssize_t)f->n_out);
  for (size_t i = 0; list && i < f->n_out; i++) {
    PyObject *item = PyList_GetItem(given, (Py_ssize_t)i);
    if (f->out[i])
      item = value_wrap(f->out[i], NULL), f->out[i] = NULL;
    else
      Py_INCREF(item);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  return list;
}

/* (run options, input names, input values, output names, output values or None): a list of the outputs' values */
PyObject *session_run_into(Session *s, PyObject *args) {
  PyObject *run_options, *lists[4], *all, *list = NULL;
  RunOptions *options;
  Feed f = {0};
  if (!PyArg_ParseTuple(args, "OO!O!O!O!:_run_into", &run_options, &PyList_Type, &lists[0], &PyList_Type, &lists[1], &PyList_Type, &lists[2],
                        &PyList_Type, &lists[3]) || run_options_of(run_options, &options) || !(all = copies_of(lists)))
    return NULL;
  for (Py_ssize_t i = 0; i < 4; i++) lists[i] = PyList_GetItem(all, i);
  Py_ssize_t n_in = PyList_Size(lists[0]), n_out = PyList_Size(lists[2]);
  int failed = 0;
  if (PyList_Size(lists[1]) != n_in || PyList_Size(lists[3]) != n_out) {
    raise_code(ORT_INVALID_ARGUMENT, "%zd input names with %zd values, %zd output names with %zd values", n_in, PyList_Size(lists[1]), n_out,
               PyList_Size(lists[3]));
    failed = 1;
  }
  if (failed || session_enter(s)) {
    Py_DECREF(all);
    return NULL;
  }
  failed = feed_begin(&f, (size_t)n_in, (size_t)n_out);
  for (Py_ssize_t i = 0; !failed && i < n_in; i++) failed = feed_input(&f, s, PyList_GetItem(lists[0], i), PyList_GetItem(lists[1], i));
  for (Py_ssize_t i = 0; !failed && i < n_out; i++) failed = feed_output(&f, s, (size_t)i, PyList_GetItem(lists[2], i));
  if (!failed) {
    for (Py_ssize_t i = 0; i < n_out; i++)
      if (value_check(PyList_GetItem(lists[3], i))) f.out[i] = ((Value *)PyList_GetItem(lists[3], i))->value;
    failed = feed_run(&f, s, options);
    for (Py_ssize_t i = 0; i < n_out; i++)
      if (value_check(PyList_GetItem(lists[3], i))) f.out[i] = NULL; /* the caller's */
  }
  if (!failed) list = results_into(&f, lists[3]);
  feed_end(&f);
  session_leave(s);
  Py_DECREF(all);
  return list;
}

PyObject *session_run_binding(Session *s, PyObject *args) {
  PyObject *object, *run_options;
  RunOptions *options;
  if (!PyArg_ParseTuple(args, "OO:_run_binding", &object, &run_options) || run_options_of(run_options, &options)) return NULL;
  OrtIoBinding *binding = binding_of(object);
  if (!binding || session_enter(s)) return NULL;
  int failed = run_watched(s, &(Run){.session = s->session, .binding = binding}, options, 0);
  session_leave(s);
  if (failed) return NULL;
  Py_RETURN_NONE;
}
