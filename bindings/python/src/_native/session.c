// SPDX-License-Identifier: MIT
/* A session: opening it, closing it, and what it says of itself. run.c runs it. A session that is closed while runs are under
 * way is released by the last of them, so that closing is safe from any thread. */
#include "native.h"
#include "run.h"

PyTypeObject *session_type;

static void session_release(Session *s) {
  if (atomic_exchange(&s->released, 1)) return;
  if (s->session) ort->ReleaseSession(s->session);
  s->session = NULL;
}

int session_enter(Session *s) {
  atomic_fetch_add(&s->users, 1);
  if (s->session && !atomic_load(&s->closed)) return 0;
  session_leave(s);
  raise_code(ORT_INVALID_ARGUMENT, s->in ? "the session is closed" : "the session was never opened");
  return -1;
}

void session_leave(Session *s) {
  if (atomic_fetch_sub(&s->users, 1) == 1 && atomic_load(&s->closed)) session_release(s);
}

static void names_free(char **names, size_t n) {
  for (size_t i = 0; names && i < n; i++) ort_allocator->Free(ort_allocator, names[i]);
  PyMem_Free(names);
}

static void session_dealloc(Session *s) {
  PyTypeObject *type = Py_TYPE(s);
  OrtSession *session = atomic_exchange(&s->released, 1) ? NULL : s->session;
  if (session) {
    Py_BEGIN_ALLOW_THREADS
    ort->ReleaseSession(session);
    Py_END_ALLOW_THREADS
  }
  names_free(s->in, s->n_in), names_free(s->out, s->n_out);
  Py_XDECREF(s->in_names), Py_XDECREF(s->out_names), Py_XDECREF(s->kept);
  PyMem_Free(s->types);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(s);
  Py_DECREF(type);
}

typedef OrtStatusPtr(ORT_API_CALL *NameFn)(const OrtSession *, size_t, OrtAllocator *, char **);
typedef OrtStatusPtr(ORT_API_CALL *TypeFn)(const OrtSession *, size_t, OrtTypeInfo **);
typedef OrtStatusPtr(ORT_API_CALL *CountFn)(const OrtSession *, size_t *);

static PyObject *read_names(const OrtSession *session, CountFn count, NameFn name, size_t *n, char ***names) {
  PyObject *dict = PyDict_New();
  if (!dict || raise_status(count(session, n)) || !(*names = zeroed(*n + 1, sizeof **names))) goto fail;
  for (size_t i = 0; i < *n; i++) {
    PyObject *index = PyLong_FromSize_t(i);
    int failed = !index || raise_status(name(session, i, ort_allocator, &(*names)[i])) || PyDict_SetItemString(dict, (*names)[i], index);
    Py_XDECREF(index);
    if (failed) goto fail;
  }
  return dict;
fail:
  Py_XDECREF(dict);
  return NULL;
}

static int read_signature(Session *s) {
  s->in_names = read_names(s->session, ort->SessionGetInputCount, ort->SessionGetInputName, &s->n_in, &s->in);
  if (s->in_names) s->out_names = read_names(s->session, ort->SessionGetOutputCount, ort->SessionGetOutputName, &s->n_out, &s->out);
  if (!s->out_names || !(s->types = zeroed(s->n_in + 1, sizeof *s->types))) return -1;
  for (size_t i = 0; i < s->n_in; i++) {
    OrtTypeInfo *info;
    if (raise_status(ort->SessionGetInputTypeInfo(s->session, i, &info))) return -1;
    int failed = type_read(info, &s->types[i]);
    ort->ReleaseTypeInfo(info);
    if (failed) return -1;
  }
  return 0;
}

typedef struct Load {
  const char *file;
  const void *data;
  size_t size;
  OrtSessionOptions *options;
  OrtSession *session;
} Load;

static OrtStatus *load_call(void *state) {
  Load *l = state;
  return l->file ? ort->CreateSession(ort_env, l->file, l->options, &l->session)
                 : ort->CreateSessionFromArray(ort_env, l->data, l->size, l->options, &l->session);
}

static void load_stop(void *state) {
  OrtStatus *status = ort->SessionOptionsSetLoadCancellationFlag(((Load *)state)->options, true);
  if (status) ort->ReleaseStatus(status);
}

/* open(path, None, options) or open(None, bytes, options) */
static PyObject *session_open(Session *s, PyObject *args) {
  PyObject *path, *bytes, *options, *name = NULL;
  char *data = NULL;
  Py_ssize_t size = 0;
  if (!PyArg_ParseTuple(args, "OOO!:open", &path, &bytes, options_type, &options)) return NULL;
  if (s->session) {
    raise_code(ORT_FAIL, "the session is open already");
    return NULL;
  }
  if (path != Py_None ? !(name = utf8(path)) : PyBytes_AsStringAndSize(bytes, &data, &size)) return NULL;
  Load load = {.file = name ? PyBytes_AsString(name) : NULL, .data = data, .size = (size_t)size, .options = ((Options *)options)->options};
  if (load.file && strlen(load.file) != (size_t)PyBytes_Size(name)) {
    Py_DECREF(name);
    raise_code(ORT_NO_SUCHFILE, "the path has a zero byte: no file can be called so");
    return NULL;
  }
  int failed = watch(load_call, load_stop, &load);
  Py_XDECREF(name);
  if (failed) {
    if (load.session) ort->ReleaseSession(load.session); /* it was ready when it was interrupted */
    return NULL;
  }
  s->session = load.session;
  s->kept = Py_BuildValue("(OO)", options, bytes);
  return !s->kept || read_signature(s) ? NULL : PyLong_FromLong(0);
}

static PyObject *session_close(Session *s, PyObject *unused) {
  atomic_fetch_add(&s->users, 1);
  atomic_store(&s->closed, 1);
  session_leave(s);
  Py_RETURN_NONE;
}

/* [(name, type, shape)] of inputs (0), outputs (1), initializers that may be given as inputs (2) */
static PyObject *session_signature(Session *s, PyObject *args) {
  int which;
  size_t n;
  PyObject *list = NULL;
  if (!PyArg_ParseTuple(args, "i:signature", &which) || session_enter(s)) return NULL;
  CountFn count = which == 0 ? ort->SessionGetInputCount : which == 1 ? ort->SessionGetOutputCount : ort->SessionGetOverridableInitializerCount;
  NameFn name = which == 0 ? ort->SessionGetInputName : which == 1 ? ort->SessionGetOutputName : ort->SessionGetOverridableInitializerName;
  TypeFn type = which == 0 ? ort->SessionGetInputTypeInfo : which == 1 ? ort->SessionGetOutputTypeInfo : ort->SessionGetOverridableInitializerTypeInfo;
  if (!raise_status(count(s->session, &n))) list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    char *text;
    OrtTypeInfo *info;
    PyObject *item = NULL;
    if (!raise_status(name(s->session, i, ort_allocator, &text)) && !raise_status(type(s->session, i, &info))) {
      PyObject *parts[3] = {take_string(text), type_text(info), type_shape(info)};
      ort->ReleaseTypeInfo(info);
      if (parts[0] && parts[1] && parts[2]) item = PyTuple_Pack(3, parts[0], parts[1], parts[2]);
      for (int k = 0; k < 3; k++) Py_XDECREF(parts[k]);
    }
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item)) Py_CLEAR(list);
  }
  session_leave(s);
  return list;
}

static int put_string(PyObject *dict, const char *key, OrtStatus *status, char **text) {
  PyObject *value = raise_status(status) ? NULL : take_string(*text);
  int failed = !value || PyDict_SetItemString(dict, key, value);
  Py_XDECREF(value);
  return failed;
}

static PyObject *custom_map(const OrtModelMetadata *m) {
  char **keys = NULL;
  int64_t n = 0;
  PyObject *dict = PyDict_New();
  if (!dict || raise_status(ort->ModelMetadataGetCustomMetadataMapKeys(m, ort_allocator, &keys, &n))) {
    Py_XDECREF(dict);
    return NULL;
  }
  int failed = 0;
  for (int64_t i = 0; i < n; i++) {
    char *value = NULL;
    if (!failed) failed = put_string(dict, keys[i], ort->ModelMetadataLookupCustomMetadataMap(m, ort_allocator, keys[i], &value), &value);
    ort_allocator->Free(ort_allocator, keys[i]);
  }
  if (keys) ort_allocator->Free(ort_allocator, keys);
  if (failed) Py_CLEAR(dict);
  return dict;
}

static PyObject *session_metadata(Session *s, PyObject *unused) {
  OrtModelMetadata *m;
  char *t;
  int64_t version = 0;
  if (session_enter(s)) return NULL;
  int failed = raise_status(ort->SessionGetModelMetadata(s->session, &m));
  session_leave(s);
  PyObject *d = failed ? NULL : PyDict_New(), *map = NULL, *number = NULL;
  if (!d) return NULL;
  failed = put_string(d, "producer_name", ort->ModelMetadataGetProducerName(m, ort_allocator, &t), &t) ||
           put_string(d, "graph_name", ort->ModelMetadataGetGraphName(m, ort_allocator, &t), &t) ||
           put_string(d, "domain", ort->ModelMetadataGetDomain(m, ort_allocator, &t), &t) ||
           put_string(d, "description", ort->ModelMetadataGetDescription(m, ort_allocator, &t), &t) ||
           put_string(d, "graph_description", ort->ModelMetadataGetGraphDescription(m, ort_allocator, &t), &t) ||
           raise_status(ort->ModelMetadataGetVersion(m, &version)) || !(number = PyLong_FromLongLong(version)) ||
           PyDict_SetItemString(d, "version", number) || !(map = custom_map(m)) || PyDict_SetItemString(d, "custom_metadata_map", map);
  ort->ReleaseModelMetadata(m);
  Py_XDECREF(map), Py_XDECREF(number);
  if (failed) Py_CLEAR(d);
  return d;
}

static PyObject *session_end_profiling(Session *s, PyObject *unused) {
  char *name = NULL;
  if (session_enter(s)) return NULL;
  int failed = raise_status(ort->SessionEndProfiling(s->session, ort_allocator, &name));
  session_leave(s);
  return failed ? NULL : take_string(name);
}

static PyObject *session_profiling_start(Session *s, PyObject *unused) {
  uint64_t ns = 0;
  if (session_enter(s)) return NULL;
  int failed = raise_status(ort->SessionGetProfilingStartTimeNs(s->session, &ns));
  session_leave(s);
  return failed ? NULL : PyLong_FromUnsignedLongLong(ns);
}

static PyObject *session_set_ep_dynamic_options(Session *s, PyObject *options) {
  const char **keys, **values;
  size_t n;
  PyObject *kept;
  if (keys_and_values(options, &keys, &values, &n, &kept)) return NULL;
  int failed = session_enter(s);
  if (!failed) failed = raise_status(ort->SetEpDynamicOptions(s->session, keys, values, n)), session_leave(s);
  PyMem_Free(keys), PyMem_Free(values), Py_DECREF(kept);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *session_release_captured_graph(Session *s, PyObject *args) {
  int id = 0;
  if (!PyArg_ParseTuple(args, "|i:release_captured_graph", &id) || session_enter(s)) return NULL;
  int failed = raise_status(ort->SessionReleaseCapturedGraph(s->session, id));
  session_leave(s);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *text_of(const char *text) { return text ? PyUnicode_FromString(text) : PyUnicode_FromString(""); }

/* [(provider, [(name, domain, operator)])] */
static PyObject *session_assignment(Session *s, PyObject *unused) {
  const OrtEpAssignedSubgraph *const *parts;
  size_t n, n_nodes;
  if (session_enter(s)) return NULL;
  PyObject *list = raise_status(ort->Session_GetEpGraphAssignmentInfo(s->session, &parts, &n)) ? NULL : PyList_New(0);
  for (size_t i = 0; list && i < n; i++) {
    const OrtEpAssignedNode *const *nodes;
    const char *ep, *name, *domain, *op;
    PyObject *rows = PyList_New(0), *item;
    int failed = !rows || raise_status(ort->EpAssignedSubgraph_GetEpName(parts[i], &ep)) ||
                 raise_status(ort->EpAssignedSubgraph_GetNodes(parts[i], &nodes, &n_nodes));
    for (size_t k = 0; !failed && k < n_nodes; k++) {
      failed = raise_status(ort->EpAssignedNode_GetName(nodes[k], &name)) || raise_status(ort->EpAssignedNode_GetDomain(nodes[k], &domain)) ||
               raise_status(ort->EpAssignedNode_GetOperatorType(nodes[k], &op));
      item = failed ? NULL : Py_BuildValue("(NNN)", text_of(name), text_of(domain), text_of(op));
      failed = !item || PyList_Append(rows, item);
      Py_XDECREF(item);
    }
    item = failed ? NULL : Py_BuildValue("(NN)", text_of(ep), rows);
    if (failed) Py_XDECREF(rows);
    if (!item || PyList_Append(list, item)) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  session_leave(s);
  return list;
}

/* Reports of the library's own extension: 0 how it runs, 1 memory; text or JSON. */
static PyObject *session_report(Session *s, PyObject *args) {
  int which, json;
  char *text = NULL;
  if (!PyArg_ParseTuple(args, "ip:report", &which, &json)) return NULL;
  if (!ort_extension) {
    raise_code(ORT_NOT_IMPLEMENTED, "the library has no such report: it is not Sardonyx's own");
    return NULL;
  }
  if (session_enter(s)) return NULL;
  int failed = raise_status(which == 0 ? ort_extension->Explain(s->session, json, ort_allocator, &text)
                                       : ort_extension->Memory(s->session, json, ort_allocator, &text));
  session_leave(s);
  return failed ? NULL : take_string(text);
}

static PyObject *session_trim(Session *s, PyObject *unused) {
  if (session_enter(s)) return NULL;
  int failed = ort_extension ? raise_status(ort_extension->Trim(s->session)) : 0;
  session_leave(s);
  if (failed) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run", (PyCFunction)(void (*)(void))session_run, METH_VARARGS | METH_KEYWORDS,
     "run($self, output_names, input_feed, run_options=None)\n--\n\n"
     "Runs the model and returns a list with a result per output name.\n\n"
     ":param output_names: names of the wanted outputs, or None for all of them in the model's order\n"
     ":param input_feed: a dictionary from input name to a NumPy array (lent, not copied, when it is contiguous and of native byte "
     "order), an OrtValue, anything with __dlpack__, a list for a sequence, a dictionary for a map\n"
     ":param run_options: a RunOptions, or None\n"
     ":raises ValueError: when an input is missing\n"
     ":raises InvalidArgument: when a name, a type or a shape is not the model's\n\n"
     "An array that is returned owns its memory. The interpreter's lock is free while the model runs, and any number of threads may "
     "run one session."},
    {"_run_values", (PyCFunction)(void (*)(void))session_run_values, METH_VARARGS, "_run_values(outputs, feed, run_options)"},
    {"_run_into", (PyCFunction)(void (*)(void))session_run_into, METH_VARARGS, "_run_into(options, feeds, values, fetches, values)"},
    {"_run_binding", (PyCFunction)(void (*)(void))session_run_binding, METH_VARARGS, "_run_binding(binding, run_options)"},
    {"_missing_inputs", (PyCFunction)session_missing_inputs, METH_O, "_missing_inputs(feed)"},
    {"_open", (PyCFunction)session_open, METH_VARARGS, "_open(path, bytes, options)"},
    {"_close", (PyCFunction)session_close, METH_NOARGS, "_close()"},
    {"_signature", (PyCFunction)session_signature, METH_VARARGS, "_signature(which)"},
    {"_metadata", (PyCFunction)session_metadata, METH_NOARGS, "_metadata()"},
    {"_end_profiling", (PyCFunction)session_end_profiling, METH_NOARGS, "_end_profiling()"},
    {"_profiling_start", (PyCFunction)session_profiling_start, METH_NOARGS, "_profiling_start()"},
    {"_set_ep_dynamic_options", (PyCFunction)session_set_ep_dynamic_options, METH_O, "_set_ep_dynamic_options(options)"},
    {"_release_captured_graph", (PyCFunction)session_release_captured_graph, METH_VARARGS, "_release_captured_graph(id)"},
    {"_assignment", (PyCFunction)session_assignment, METH_NOARGS, "_assignment()"},
    {"_report", (PyCFunction)session_report, METH_VARARGS, "_report(which, json)"},
    {"_trim", (PyCFunction)session_trim, METH_NOARGS, "_trim()"},
    {NULL, NULL, 0, NULL}};
static PyType_Slot slots[] = {{Py_tp_dealloc, session_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"sardonyx._native.Session", sizeof(Session), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

int session_init(PyObject *module) {
  session_type = add_type(module, &spec);
  return session_type ? 0 : -1;
}
