// SPDX-License-Identifier: MIT
/* A library with ONNX Runtime's C ABI, a session in it, and values on their way in and out. More than one library can be
 * open at once. Failures are recorded with cli_fail (CLI_BROKEN) unless said otherwise. */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H
#include "cli.h"
#include "sardonyx.h"
#include "value.h"

/* The oldest API that has all the program calls; ONNX Runtime 1.17 and later. */
enum { LIBRARY_API_VERSION = 17 };

typedef struct library {
  char *path;
  void *handle;
  const OrtApiBase *base;
  const OrtApi *api;
  OrtEnv *env;
  OrtAllocator *allocator; /* the default one */
  OrtMemoryInfo *host;
  bool plugins; /* those of the command line are registered */
} library;

/* Opens --library, else SARDONYX_LIBRARY, else libsardonyx beside the program, in ../lib, or where the system looks. */
library *library_open(const char *path);
void library_close(library *lib);
/* True for success; records and releases a failed status. */
bool library_ok(library *lib, OrtStatus *status);
/* The status's "CODE: message" as fresh text, released; NULL for success. */
char *library_error(library *lib, OrtStatus *status);
/* Sardonyx's extension table, or NULL; the second form records a failure with CLI_NO_EXTENSION. */
const SardonyxExtension *library_extension(library *lib);
const SardonyxExtension *library_extension_or_fail(library *lib, const char *what);

typedef struct session_io {
  char *name;
  ONNXType type; /* what is inside, for an optional */
  bool optional;
  const dtype *element; /* of a tensor, or of a sequence's tensors where known; else NULL */
  size_t rank;
  int64_t *dims;  /* -1 where not fixed */
  char **symbols; /* "" where unnamed */
  char *text;     /* "float32[batch,3]" */
} session_io;

typedef struct session {
  library *lib;
  OrtSession *handle;
  session_io *inputs, *outputs, *initializers; /* initializers: those a caller may override */
  size_t num_inputs, num_outputs, num_initializers;
  double load_seconds;
  bool profiled;
} session;

/* What --threads, --level, --config and so on ask for; one set for the process. */
extern const cli_option session_options[];
OrtLoggingLevel session_log_level(void); /* of --log */
OrtSessionOptions *session_options_make(library *lib); /* NULL: a failure is recorded */
session *session_open(library *lib, const char *model);
/* The same without --profile and --optimized-model, and at another level of optimisation, or with other threads that share even
 * the shortest step. */
session *session_open_level(library *lib, const char *model, int level);
session *session_open_threads(library *lib, const char *model, int threads);
/* Turns profiling off and moves the trace to where --profile wants it, releases everything. False when that fails. */
bool session_close(session *s);
const session_io *session_input(const session *s, const char *name); /* also an overridable initializer; NULL: none */

/* The OrtValue borrows a tensor's numbers: v must outlive it. NULL with a recorded failure. A value of kind NONE gives
 * a NULL OrtValue: test *ok. */
OrtValue *library_value(library *lib, const value *v, bool *ok);
/* A copy. NULL with a recorded failure. */
value *value_from_library(library *lib, const OrtValue *v);

/* Runs with values in the order of names; outputs: all of the session's, fresh, named. False with a recorded failure. */
bool session_run(session *s, size_t count, const char *const *names, value *const *in, value **out);
#endif
