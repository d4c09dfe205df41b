// SPDX-License-Identifier: MIT
/* Runs: names to numbers, the checks at the door, and the asynchronous form. */
#include "abi/lora.h"
#include "abi/plugin/host.h"
#include "base/cpu.h"
#include "base/thread.h"

OrtStatus *sx_ort_find_input(const OrtSession *s, const char *name, uint32_t *index) {
  if (!name) SX_API_FAIL(INVALID_ARGUMENT, "an input's name is NULL");
  if (!sx_strmap_get(&s->inputs, sx_str_c(name), index)) SX_API_FAIL(INVALID_ARGUMENT, "Invalid input name: %.200s", name);
  return NULL;
}

OrtStatus *sx_ort_find_output(const OrtSession *s, const char *name, uint32_t *index) {
  if (!name || !*name) SX_API_FAIL(INVALID_ARGUMENT, "an output's name is NULL or empty");
  if (!sx_strmap_get(&s->outputs, sx_str_c(name), index)) SX_API_FAIL(INVALID_ARGUMENT, "Invalid output name:%.200s", name);
  return NULL;
}

OrtStatus *sx_ort_check_input(const OrtSession *s, uint32_t index, const char *name, const sx_rt_value *v) {
  if (!v) SX_API_FAIL(INVALID_ARGUMENT, "NULL input supplied for input %.200s", name);
  if (!sx_rt_is_tensor(v)) return NULL;
  if (!sx_memory_is_host(v->memory) && !(s->eps && sx_eps_with_memory(s->eps, v->memory)))
    SX_API_FAIL(INVALID_ARGUMENT, "input %.200s lies on '%s', which this session cannot read", name, v->memory->name);
  if (v->bytes && !v->data && sx_memory_is_host(v->memory)) SX_API_FAIL(INVALID_ARGUMENT, "input %.200s has no data", name);
  return NULL;
}

/* A run that is profiled, into the session's profile or into one of its own, or both. */
static OrtStatus *run_profiled(OrtSession *s, const OrtRunOptions *o, sx_run_options *ro, sx_rt_value *const *inputs,
                               sx_rt_value **outputs, const bool *wanted) {
  sx_err e;
  sx_profile *p = s->profile;
  if (o && o->profiling) {
    OrtStatus *failed = sx_profile_create(o->profile_prefix, &p);
    if (failed) return failed;
    sx_profile_share(p, s->profile);
  }
  uint64_t begin = sx_now_ns();
  sx_profile_hook hook = sx_profile_steps(p);
  ro->profile = &hook;
  sx_status st = sx_session_run(s->s, ro, inputs, outputs, wanted, &e);
  uint64_t end = sx_now_ns();
  sx_profile_event(p, "Session", "SequentialExecutor::Execute", begin, end, NULL);
  sx_profile_event(p, "Session", "model_run", begin, end, NULL);
  OrtStatus *failed = sx_ort_status(st, &e);
  if (p != s->profile) {
    const char *file;
    OrtStatus *unwritten = sx_profile_end(p, &file);
    if (unwritten) sx_log(&s->logger.log, WARNING, "the profile of the run is lost: %s", unwritten->message);
    sx_api_ReleaseStatus(unwritten);
    sx_profile_destroy(p);
  }
  return failed;
}

OrtStatus *sx_ort_run_plain(OrtSession *s, const OrtRunOptions *o, sx_run_options *ro, sx_rt_value *const *inputs,
                            sx_rt_value **outputs, const bool *wanted) {
  OrtStatus *failed;
  bool was = s->denormals_zero ? sx_denormals_zero(true) : false;
  if (s->profile || (o && o->profiling)) {
    failed = run_profiled(s, o, ro, inputs, outputs, wanted);
  } else {
    sx_err e;
    failed = sx_ort_status(sx_session_run(s->s, ro, inputs, outputs, wanted, &e), &e);
  }
  if (s->denormals_zero) sx_denormals_zero(was);
  return failed;
}

#define SX_TERMINATED "Exiting due to terminate flag being set to true."
OrtStatus *sx_ort_run(OrtSession *s, const OrtRunOptions *o, sx_rt_value *const *inputs, sx_rt_value **outputs,
                      const bool *wanted, const bool *on_device) {
  sx_run_options ro = {.on_device = on_device, .log = &s->logger.log};
  if (s->editing)
    SX_API_FAIL(
        FAIL, "the session is one of the model editor and has to be finalised (FinalizeModelEditorSession) before it runs");
  if (o && atomic_load_explicit(&o->terminate, memory_order_relaxed)) SX_API_FAIL(FAIL, SX_TERMINATED);
  bool shrink = false;
  OrtStatus *refused = o ? sx_ort_run_options_check(o, s, &shrink) : NULL;
  if (refused) return refused;
  sx_stop stop = {o ? &o->terminate : NULL, SX_E_FAIL, SX_TERMINATED, false, NULL}, *before = sx_stop_enter(o ? &stop : NULL);
  OrtStatus *failed =
      s->eps ? sx_eps_run(s->eps, o, &ro, inputs, outputs, wanted) : sx_ort_run_plain(s, o, &ro, inputs, outputs, wanted);
  sx_stop_enter(before);
  if (shrink) (void)sx_session_trim(s->s);
  return failed;
}

/* The arrays of a run, on the stack as long as they are short. */
enum { SMALL = 32 };
typedef struct slots {
  sx_rt_value *small_in[SMALL], *small_out[SMALL];
  bool small_wanted[SMALL];
  sx_rt_value **in, **out;
  bool *wanted;
} slots;

static bool slots_open(slots *a, uint32_t n_in, uint32_t n_out) {
  a->in = n_in <= SMALL ? a->small_in : sx_calloc(n_in, sizeof *a->in);
  a->out = n_out <= SMALL ? a->small_out : sx_calloc(n_out, sizeof *a->out);
  a->wanted = n_out <= SMALL ? a->small_wanted : sx_calloc(n_out, sizeof *a->wanted);
  if (!a->in || !a->out || !a->wanted) return false;
  if (a->in == a->small_in) memset(a->in, 0, n_in * sizeof *a->in);
  if (a->out == a->small_out) memset(a->out, 0, n_out * sizeof *a->out), memset(a->wanted, 0, n_out);
  return true;
}

static void slots_close(slots *a, uint32_t n_in, uint32_t n_out) {
  if (a->in != a->small_in) sx_free(a->in, n_in * sizeof *a->in);
  if (a->out != a->small_out) sx_free(a->out, n_out * sizeof *a->out);
  if (a->wanted != a->small_wanted) sx_free(a->wanted, n_out * sizeof *a->wanted);
}

/* Parameters of the active adapters are inputs like those that the caller gives. */
static OrtStatus *adapters(const OrtSession *s, const OrtRunOptions *o, slots *a) {
  for (uint32_t i = 0; o && i < o->adapters.n; i++) {
    const OrtLoraAdapter *x = o->adapters.at[i];
    for (uint32_t k = 0; k < x->values.n; k++) {
      uint32_t at;
      OrtStatus *failed = sx_ort_find_input(s, x->values.at[k].name, &at);
      if (failed) return failed;
      a->in[at] = x->values.at[k].value;
    }
  }
  return NULL;
}

static OrtStatus *fill(const OrtSession *s, slots *a, const char *const *input_names, const OrtValue *const *inputs,
                       size_t input_len, const char *const *output_names, size_t output_names_len, OrtValue **outputs) {
  for (size_t i = 0; i < input_len; i++) {
    uint32_t k;
    sx_rt_value *v = (sx_rt_value *)inputs[i];
    OrtStatus *failed = sx_ort_find_input(s, input_names[i], &k);
    if (!failed) failed = sx_ort_check_input(s, k, input_names[i], v);
    if (failed) return failed;
    a->in[k] = v;
  }
  for (size_t i = 0; i < output_names_len; i++) {
    uint32_t k;
    OrtStatus *failed = sx_ort_find_output(s, output_names[i], &k);
    if (failed) return failed;
    a->wanted[k] = true;
    if (outputs[i]) a->out[k] = (sx_rt_value *)outputs[i];
  }
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_Run(OrtSession *session, const OrtRunOptions *run_options, const char *const *input_names,
                                   const OrtValue *const *inputs, size_t input_len, const char *const *output_names,
                                   size_t output_names_len, OrtValue **outputs) {
  SX_API_NOT_NULL(session);
  if (input_len) SX_API_NOT_NULL(input_names && inputs);
  if (!output_names_len) SX_API_FAIL(INVALID_ARGUMENT, "At least one output should be requested.");
  SX_API_NOT_NULL(output_names && outputs);
  uint32_t n_in = session->graph->inputs.n, n_out = session->graph->outputs.n;
  slots a;
  OrtStatus *failed = slots_open(&a, n_in, n_out)
                          ? fill(session, &a, input_names, inputs, input_len, output_names, output_names_len, outputs)
                          : sx_ort_status(SX_E_NO_MEMORY, NULL);
  if (!failed) failed = adapters(session, run_options, &a);
  if (!failed) failed = sx_ort_run(session, run_options, a.in, a.out, a.wanted, NULL);
  for (size_t i = 0; !failed && i < output_names_len; i++) {
    uint32_t k = 0;
    bool shared = false; /* asked for twice, or given under the same name */
    if (outputs[i]) continue;
    (void)sx_strmap_get(&session->outputs, sx_str_c(output_names[i]), &k);
    for (size_t j = 0; j < output_names_len && !shared; j++) shared = outputs[j] == (OrtValue *)a.out[k];
    outputs[i] = (OrtValue *)(shared ? sx_rt_ref(a.out[k]) : a.out[k]);
  }
  slots_close(&a, n_in, n_out);
  return failed;
}

/* RunAsync: a thread per call in flight, so that no run waits for a pool that waits for it. Ended ones are joined by the
 * next call and by the release of the session. */
struct sx_async {
  struct sx_async *next;
  sx_thread thread;
  atomic_bool done;
  OrtSession *session;
  const OrtRunOptions *options;
  const char *const *input_names, *const *output_names;
  const OrtValue *const *inputs;
  size_t n_in, n_out;
  OrtValue **outputs;
  RunAsyncCallbackFn callback;
  void *user_data;
};

static void async_main(void *arg) {
  struct sx_async *a = arg;
  OrtStatus *s =
      sx_api_Run(a->session, a->options, a->input_names, a->inputs, a->n_in, a->output_names, a->n_out, a->outputs);
  a->callback(a->user_data, s ? NULL : a->outputs, s ? 0 : a->n_out, s);
  atomic_store(&a->done, true);
}

void sx_ort_join_async(OrtSession *s, bool all) {
  sx_mutex_lock(&s->async_lock);
  struct sx_async **p = &s->async, *ended = NULL;
  while (*p) {
    struct sx_async *a = *p;
    if (all || atomic_load(&a->done))
      *p = a->next, a->next = ended, ended = a;
    else
      p = &a->next;
  }
  sx_mutex_unlock(&s->async_lock);
  while (ended) {
    struct sx_async *next = ended->next;
    sx_thread_join(&ended->thread);
    sx_free(ended, sizeof *ended);
    ended = next;
  }
}

OrtStatus *ORT_API_CALL sx_api_RunAsync(OrtSession *session, const OrtRunOptions *run_options,
                                        const char *const *input_names, const OrtValue *const *input, size_t input_len,
                                        const char *const *output_names, size_t output_names_len, OrtValue **output,
                                        RunAsyncCallbackFn run_async_callback, void *user_data) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(run_async_callback);
  if (session->options->intra == 1) SX_API_FAIL(INVALID_ARGUMENT, "RunAsync needs a session with more than one thread");
  sx_ort_join_async(session, false);
  struct sx_async *a = sx_calloc(1, sizeof *a);
  if (!a) SX_API_NO_MEMORY();
  a->session = session, a->options = run_options, a->callback = run_async_callback, a->user_data = user_data;
  a->input_names = input_names, a->inputs = input, a->n_in = input_len;
  a->output_names = output_names, a->outputs = output, a->n_out = output_names_len;
  sx_mutex_lock(&session->async_lock);
  bool started = sx_thread_start(&a->thread, async_main, a);
  if (started) a->next = session->async, session->async = a;
  sx_mutex_unlock(&session->async_lock);
  if (started) return NULL;
  sx_free(a, sizeof *a);
  SX_API_FAIL(FAIL, "RunAsync: the system gives no thread");
}
