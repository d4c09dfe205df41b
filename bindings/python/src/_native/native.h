// SPDX-License-Identifier: MIT
/* What the files of the extension share. It is written on the C interface alone (onnxruntime_c_api.h, and sardonyx.h where the
 * library has it), which is looked up in a library that module.c opens once per process: everything here is valid after that.
 *
 * Errors: a function that returns an object or a pointer has set a Python exception when it returns NULL; one that returns int,
 * when it returns -1. Objects are used under the interpreter's lock (or are immutable after they are made); the lock is let go
 * while a model is loaded and run. */
#ifndef SARDONYX_NATIVE_H
#define SARDONYX_NATIVE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "onnxruntime_c_api.h"
#include "sardonyx.h"

extern const OrtApiBase *ort_base;
extern const OrtApi *ort;
extern OrtEnv *ort_env;
extern OrtAllocator *ort_allocator; /* the default one: frees the strings that the library hands out */
extern OrtMemoryInfo *ort_host;     /* plain memory of this process */
extern const SardonyxExtension *ort_extension; /* NULL with another library */

/* module.c ----------------------------------------------------------------------------------------------------------------- */
void *zeroed(size_t count, size_t size); /* for PyMem_Free; NULL without an exception. Python 3.9's limited API has no PyMem_Calloc */

/* errors.c ----------------------------------------------------------------------------------------------------------------- */
int errors_init(PyObject *module);
/* NULL is success; another status becomes the exception of its code and is released: -1. */
int raise_status(OrtStatus *status);
void raise_code(OrtErrorCode code, const char *format, ...);
/* A string of the library's default allocator becomes a str, and is freed. NULL gives None. */
PyObject *take_string(char *text);

/* watch.c ------------------------------------------------------------------------------------------------------------------ */
typedef OrtStatus *(*WatchedCall)(void *state); /* runs without the interpreter's lock, perhaps on another thread */
int watch_init(void);
bool watch_possible(void); /* whether watch() would see signals: on the main thread, outside of another watch() */
/* Makes a call with the interpreter's lock free. When a signal's handler raises meanwhile, stop(state) is called and must make
 * the call end soon: -1 with the handler's exception, whatever the call returns. */
int watch(WatchedCall call, void (*stop)(void *), void *state);

/* types.c ------------------------------------------------------------------------------------------------------------------ */
/* What an input takes: the kind, and the element type of the tensors in it (of a map: of its values). */
typedef struct IoType {
  enum ONNXType kind;
  ONNXTensorElementDataType element, key;
  enum ONNXType item; /* of a sequence: what it is made of */
  bool optional;      /* may be left out */
  bool exact;         /* no other element type; what is not said is for the library to refuse */
} IoType;
const char *element_name(ONNXTensorElementDataType type); /* "float", as in tensor(float) */
size_t element_bits(ONNXTensorElementDataType type);
PyObject *type_text(const OrtTypeInfo *info);             /* "seq(tensor(float))" */
PyObject *type_shape(const OrtTypeInfo *info);            /* list of int, str or None; [] for what has no shape */
int type_read(const OrtTypeInfo *info, IoType *out);

/* array.c ------------------------------------------------------------------------------------------------------------------ */
int array_init(void);
bool array_check(PyObject *object); /* whether it is a NumPy array */
/* A value over the memory of `object` where that is possible: then *owner is what must live as long, otherwise NULL.
 * `want` (may be NULL) decides what lists, dictionaries and raw bits become. */
OrtValue *value_from_object(PyObject *object, const IoType *want, PyObject **owner);
/* A NumPy array over the value's memory, a list, a dictionary, None, or a SparseTensor's value. The value is taken over, also
 * when it fails. */
PyObject *object_from_value(OrtValue *value);
/* The same for a value that `base` owns: an array keeps base. */
PyObject *object_of_value(const OrtValue *value, PyObject *base);
/* An array over memory that `base` keeps alive (its reference is taken). */
PyObject *array_over(void *data, ONNXTensorElementDataType type, const int64_t *dims, size_t rank, bool writable, PyObject *base);
ONNXTensorElementDataType element_of_dtype(PyObject *dtype); /* UNDEFINED, and an exception, for what ONNX has no type for */

/* value.c, dlpack.c, sparse.c ---------------------------------------------------------------------------------------------- */
typedef struct Value {
  PyObject_HEAD
  OrtValue *value;
  PyObject *owner; /* what lends the memory, or NULL */
} Value;
extern PyTypeObject *value_type;
int value_init(PyObject *module);
bool value_check(PyObject *object);
PyObject *value_wrap(OrtValue *value, PyObject *owner); /* takes both */
PyObject *value_copy(const OrtValue *value);            /* a tensor with memory of its own */
extern PyMethodDef dlpack_methods[]; /* of a module: from_dlpack */
PyObject *value_to_dlpack(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *value_from_dlpack(PyObject *capsule, bool is_bool);
bool dlpack_is_contiguous(PyObject *capsule); /* true for what is no capsule: value_from_dlpack() says so */
extern PyMethodDef sparse_methods[];
int dims_of(PyObject *sequence, int64_t *dims, size_t *rank); /* at most 64 */

/* session.c, options.c, binding.c, device.c, extra.c ------------------------------------------------------------------------ */
typedef struct Session {
  PyObject_HEAD
  OrtSession *session;
  atomic_int users, closed, released; /* runs and bindings in flight; the last of them releases a closed session */
  size_t n_in, n_out;
  char **in, **out; /* names */
  PyObject *in_names, *out_names; /* name to index, in order */
  IoType *types;    /* of the inputs */
  PyObject *kept;   /* what the session reads for as long as it lives: options, model bytes */
  size_t quick;     /* the main thread's: a run of so many elements is over before anyone could interrupt it */
} Session;
extern PyTypeObject *session_type;
int session_init(PyObject *module);
int session_enter(Session *s); /* -1 with an exception when it is closed */
void session_leave(Session *s);

typedef struct Options {
  PyObject_HEAD
  OrtSessionOptions *options;
  PyObject *kept; /* a list of what the options refer to */
} Options;
typedef struct RunOptions {
  PyObject_HEAD
  OrtRunOptions *options;
  PyObject *kept;
  char ends, training, fetches_only; /* what its attributes say; the C interface has no way to ask */
} RunOptions;
extern PyTypeObject *options_type, *run_options_type;
int options_init(PyObject *module);
int run_options_of(PyObject *object, RunOptions **out); /* None gives NULL */

int binding_init(PyObject *module);
OrtIoBinding *binding_of(PyObject *object);
extern PyMethodDef device_methods[], extra_methods[], quantize_methods[];
int keys_and_values(PyObject *dict, const char ***keys, const char ***values, size_t *n, PyObject **kept);
const OrtEpDevice *ep_device_of(PyObject *capsule);
PyTypeObject *add_type(PyObject *module, PyType_Spec *spec);
int truth_of(PyObject *value, const char *name); /* 0 or 1 of a bool, a number or None; -1 with TypeError */
PyObject *utf8(PyObject *text); /* str, bytes or path: new bytes */

#endif
