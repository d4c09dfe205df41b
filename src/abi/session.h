// SPDX-License-Identifier: MIT
/* What is behind an OrtSession, for the files that create, ask, run and bind it. */
#ifndef SX_ABI_SESSION_H
#define SX_ABI_SESSION_H
#include "abi/handles.h"
#include "base/thread.h"
#include "run/session.h"

typedef struct sx_profile sx_profile;
struct OrtSession {
  sx_session *s;
  const sx_graph *graph;      /* of the model as the session has it */
  OrtEnv *env;                /* held */
  OrtSessionOptions *options; /* a copy */
  OrtLogger logger;
  sx_pool *pool;     /* that runs use; NULL: none */
  sx_pool *own_pool; /* when it is the session's own */
  bool denormals_zero; /* on the thread that runs, too */
  struct sx_custom_ops *custom;
  struct sx_eps *eps; /* providers of plugins; NULL: none */
  OrtPrepackedWeightsContainer *prepacked; /* the caller's, for their kernels; NULL: none */
  bool compiling;     /* for OrtCompileApi: it is never run */
  uint32_t n_required, n_overridable;
  uint32_t *required, *overridable;  /* graph input numbers, in order */
  sx_strmap inputs, outputs;         /* name -> graph input or output number */
  struct OrtSession *next, **at;     /* in the list of all */
  struct sx_editing *editing;        /* of the model editor: not finalised yet; NULL: ready to run */
  sx_profile *profile;               /* NULL: not profiling */
  struct sx_assignment *assignment; /* made when first asked for */
  sx_mutex async_lock;               /* also of `assignment` */
  struct sx_async *async;            /* runs of RunAsync */
};

/* A session that is not loaded yet: environment, options and logger. Given back with sx_api_ReleaseSession. */
OrtStatus *sx_ort_session_prepare(const OrtEnv *env, const OrtSessionOptions *options, OrtSession **out);
/* Loads it from a path, or (path NULL) from bytes; external data of bytes lie beside the file `near` (NULL: none). */
OrtStatus *sx_ort_session_load(OrtSession *s, const char *path, const void *data, size_t size, const char *near,
                               const _Atomic bool *cancel);
/* The runtime's options; `lists` is the arena of what they point to. Once for a session. */
OrtStatus *sx_ort_session_options(OrtSession *s, sx_session_options *so, sx_arena *lists);
/* Both, for a question about a model that lies at `path` (may be NULL) and whose bytes live on. *out is given back by the
 * caller, after a failure too. */
OrtStatus *sx_ort_session_ask(const OrtEnv *env, const OrtSessionOptions *options, const char *path, OrtSession **out,
                              sx_session_options *so, sx_arena *lists);
/* Names of inputs and outputs of s->graph, whatever there was before. */
OrtStatus *sx_ort_session_index(OrtSession *s);
/* Fills the arrays of the importer's options from a session's; false: out of memory. */
bool sx_ort_import_lists(const OrtSessionOptions *o, sx_import_options *im, sx_arena *a);
/* What a session of the model editor has until it is finalised. */
void sx_editing_free(struct sx_editing *x);

/* Type of a value of a model as a client sees it; NULL when out of memory. */
OrtTypeInfo *sx_ort_type_of_fact(const sx_model *m, const sx_fact *f);
OrtTensorTypeAndShapeInfo *sx_ort_shape_of_fact(const sx_model *m, const sx_fact *f); /* of a tensor */
/* A stranger's status as one of ours; released. */
sx_status sx_ort_take(OrtStatus *s, sx_err *e);

/* Refuses options that no run has; *shrink: the session's memory is to be given back after this one. */
OrtStatus *sx_ort_run_options_check(const OrtRunOptions *o, const OrtSession *s, bool *shrink);
/* A run whose names have been looked up. inputs by graph input, outputs by graph output; wanted says which are asked for,
 * on_device (may be NULL) which of them a provider may leave in its own memory. */
OrtStatus *sx_ort_run(OrtSession *s, const OrtRunOptions *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                      const bool *wanted, const bool *on_device);
/* The run itself, in the session's mode of denormal numbers; providers have been told. */
OrtStatus *sx_ort_run_plain(OrtSession *s, const OrtRunOptions *o, sx_run_options *ro, sx_rt_value *const *inputs,
                            sx_rt_value **outputs, const bool *wanted);
OrtStatus *sx_ort_find_input(const OrtSession *s, const char *name, uint32_t *index);
OrtStatus *sx_ort_find_output(const OrtSession *s, const char *name, uint32_t *index);
void sx_assignment_free(struct sx_assignment *x);
/* Joins the runs of RunAsync that have ended, or all. */
void sx_ort_join_async(OrtSession *s, bool all);
/* Gives back what idle runs hold, of all sessions. */
void sx_ort_trim_all(void);
/* Is this value fit to be an input? */
OrtStatus *sx_ort_check_input(const OrtSession *s, uint32_t index, const char *name, const sx_rt_value *v);

/* The process's pool as this environment has it: made at the first call. NULL with *failed set. */
sx_pool *sx_env_pool(OrtEnv *env, OrtStatus **failed);

/* Profiles in Chrome's trace format. `prefix` as the caller gave it; begin_ns of sx_now_ns. */
OrtStatus *sx_profile_create(const char *prefix, sx_profile **out);
void sx_profile_event(sx_profile *p, const char *category, const char *name, uint64_t begin_ns, uint64_t end_ns,
                      const char *args);
/* What p is told, `also` is told as well. */
void sx_profile_share(sx_profile *p, sx_profile *also);
sx_profile_hook sx_profile_steps(sx_profile *p);
uint64_t sx_profile_start_ns(const sx_profile *p);
/* Writes the file and gives its name, which belongs to the profile. */
OrtStatus *sx_profile_end(sx_profile *p, const char **file);
void sx_profile_destroy(sx_profile *p);
#endif
