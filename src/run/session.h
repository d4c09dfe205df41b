// SPDX-License-Identifier: MIT
/* A session: a model loaded, rewritten, planned, ready to run from any number of threads.
 *
 * The two create functions read and canonicalise a model, run the passes and plan it. Where sizes decide too much, that is
 * done again for each set of sizes (by_shapes): such a session keeps the model's bytes. */
#ifndef SX_RUN_SESSION_H
#define SX_RUN_SESSION_H
#include "onnx/import.h"
#include "onnx/proto.h"
#include "pass/pass.h"
#include "run/exec.h"

typedef struct sx_session_options {
  sx_import_options import;    /* path, custom operators, free dimensions, logger; path and mapped are set by the session */
  int level;                   /* 0, 1, 2, 99 */
  const char *disabled_passes; /* names separated by semicolons, or NULL */
  sx_pool *pool;               /* NULL: one thread; must outlive the session */
  uint32_t width;              /* threads of one step; 0: the pool's */
  bool split;                  /* short steps are cut among threads, too: for tests */
  const sx_provider *const *providers; /* before the CPU's; NULL-terminated, or NULL */
  const sx_logger *log;
} sx_session_options;

typedef struct sx_session sx_session;

sx_status sx_session_create_file(const char *path, const sx_session_options *o, sx_session **out, sx_err *e);
/* The bytes may be freed after the call, unless o->import.bytes_live says that they stay. */
sx_status sx_session_create_bytes(const void *data, size_t size, const sx_session_options *o, sx_session **out, sx_err *e);
/* From a model that is built already (canonical); the session takes it over, also on failure. */
sx_status sx_session_create_model(sx_model *m, const sx_session_options *o, sx_session **out, sx_err *e);
typedef struct sx_write_options {
  const char *path;
  const char
      *external; /* name of a file in the same folder for large initializers; NULL: none, unless 2 GiB are not enough */
  size_t external_least; /* ... of at least so many bytes */
  bool ort;              /* in ORT format, which has no external data */
} sx_write_options;
/* The model as the passes of o->level leave it, at most 2 (blocked layouts are this machine's), as ONNX that other runtimes
 * read. Read anew from its bytes: a session's own graph stays as it is. */
sx_status sx_session_write(const void *data, size_t size, const sx_session_options *o, const sx_write_options *w,
                           sx_err *e);
/* A model in the source dialect, as it stands. */
sx_status sx_model_write(sx_model *m, const sx_write_options *w, sx_err *e);
/* The optimised model, handed to a function: the messages point into the model and the arena, and may be changed. */
typedef sx_status (*sx_write_fn)(void *ctx, const sx_model *m, sx_proto_model *p, sx_arena *a, sx_err *e);
sx_status sx_session_rewrite(const void *data, size_t size, const sx_session_options *o, sx_write_fn write, void *ctx,
                             sx_err *e);
void sx_session_destroy(sx_session *s); /* no run may be going on */

/* The model as it is now (optimised), for getters, explain and the writer. Inputs in the order of the file: graph->inputs;
 * those with a default (overridable) are among them. Output types as declared: graph->declared. */
const sx_model *sx_session_model(const sx_session *s);
/* Of a session that plans by signature there is no executor, and no count of passes: ask sx_session_planned. */
const sx_exec *sx_session_exec(const sx_session *s);
/* Calls fn with the session that has a plan: s itself, or the one made last for a signature, which stays alive meanwhile;
 * NULL when nothing has been run yet. */
void sx_session_planned(sx_session *s, void (*fn)(void *ctx, const sx_session *planned), void *ctx);
size_t sx_session_weight_bytes(const sx_session *s);
/* How often each pass fired; one count per row of sx_passes. */
const uint32_t *sx_session_fired(const sx_session *s);
size_t sx_session_trim(sx_session *s);

typedef struct sx_run_options {
  const sx_profile_hook *profile;
  const sx_rt_source *output_source;
  const sx_logger *log;
  const bool *on_device; /* by graph output: a provider may leave it in its own memory; NULL: none */
  void *caller;          /* passed on to late kernels (sx_run_ctx) */
} sx_run_options;
/* inputs by graph input index (NULL: not given), outputs by graph output index; wanted[i] false: not handed out (may be
 * NULL: all are). outputs[i] NULL on entry: made here, one reference to the caller. */
sx_status sx_session_run(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                         const bool *wanted, sx_err *e);

/* Runs one node on constants: what folding uses. */
sx_status sx_evaluate_node(void *ctx, const sx_graph *g, sx_nid n, sx_tensor **out, sx_err *e);
/* A late kernel for any node of tensors: plans and runs it for the shapes that it meets. What follows a custom operator
 * whose results have no known rank. */
extern const sx_kernel sx_dynamic_kernel;
#endif
