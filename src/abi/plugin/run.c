// SPDX-License-Identifier: MIT
/* Runs of a session with providers: each provider is told and lends a stream, outputs are written where the caller has room
 * for them on a device, and a provider that has captured what a run does repeats it.
 *
 * A captured graph knows addresses. ONNX Runtime repeats it whatever it is given; here it is repeated when the inputs and
 * outputs of the run lie in the provider's memory exactly where they lay when it was captured, and every other run is a
 * plain one. */
#include <stdlib.h>
#include "abi/plugin/host.h"
#include "onnxruntime_run_options_config_keys.h"

static const OrtRunOptions plain_run = {.log_severity = -1};

/* The first n providers hear that the run is over. */
static OrtStatus *end(sx_ep_run *r, uint32_t n, OrtStatus *failed) {
  struct sx_eps *x = r->x;
  const OrtRunOptions *o = r->o;
  const char *lazy = sx_kvp_get(&o->config, kOrtRunOptionsConfigDisableSynchronizeExecutionProviders);
  bool sync = failed || !lazy || strcmp(lazy, "1") != 0;
  for (uint32_t i = 0; i < n; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    OrtStatus *s[2] = {sx_ep_stream_close(x->list.at[i], o->stream, r->streams[i], sync), NULL};
    if (SX_EP_HAS(ep, 23, OnRunEnd)) s[1] = ep->OnRunEnd(ep, o, sync);
    for (int k = 0; k < 2; k++) { /* the first one counts */
      if (failed)
        sx_api_ReleaseStatus(s[k]);
      else
        failed = s[k];
    }
  }
  if (x->any_serial) sx_mutex_unlock(&x->serial);
  return failed;
}

static OrtStatus *begin(sx_ep_run *r) {
  struct sx_eps *x = r->x;
  if (x->any_serial) sx_mutex_lock(&x->serial);
  for (uint32_t i = 0; i < x->list.n; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    OrtStatus *failed = SX_EP_HAS(ep, 23, OnRunStart) ? ep->OnRunStart(ep, r->o) : NULL;
    if (failed) return end(r, i, failed);
    failed = sx_ep_stream_open(x->list.at[i], r->o->stream, &r->streams[i]);
    if (failed) return end(r, i + 1, failed);
  }
  return NULL;
}

/* Inputs that lie in a provider's memory and have other readers, too, for the host: new references of all in `here`. */
static OrtStatus *bring_inputs(sx_ep_run *r, sx_rt_value *const *inputs, sx_rt_value **here) {
  const OrtSession *s = r->x->session;
  sx_err e;
  for (uint32_t i = 0; i < s->graph->inputs.n; i++) {
    sx_rt_value *v = inputs[i];
    bool readable = !sx_rt_is_tensor(v) || sx_memory_is_host(v->memory) || sx_eps_reads(s, i, v->memory);
    if (readable)
      here[i] = sx_rt_ref(v);
    else
      SX_API_TRY(sx_ep_copy(NULL, sx_eps_with_memory(r->x, v->memory), v, false, &here[i], &e));
  }
  return NULL;
}

/* Outputs that the caller gave in a provider's memory are written there, by the node that makes them or by a copy. When a
 * provider fails after the work is done, what was made is given back: outputs are as they were. */
static OrtStatus *run_once(sx_ep_run *r, sx_run_options *ro, sx_rt_value *const *inputs, sx_rt_value **outputs,
                           const bool *wanted) {
  OrtSession *s = r->x->session;
  uint32_t n = s->graph->outputs.n, n_in = s->graph->inputs.n;
  OrtStatus *failed = begin(r);
  if (failed) return failed;
  sx_rt_value **here = sx_calloc((size_t)n_in + 1, sizeof *here);
  failed = here ? bring_inputs(r, inputs, here) : sx_ort_status(SX_E_NO_MEMORY, NULL);
  for (uint32_t i = 0; i < n; i++)
    if (r->given[i]) outputs[i] = NULL;
  if (!failed) failed = sx_ort_run_plain(s, r->o, ro, here, outputs, wanted);
  for (uint32_t i = 0; here && i < n_in; i++) sx_rt_unref(here[i]);
  sx_free(here, ((size_t)n_in + 1) * sizeof *here);
  for (uint32_t i = 0; i < n && !failed; i++) /* by the run's streams: behind what made it */
    if (r->given[i] && outputs[i] && outputs[i] != r->given[i])
      failed = sx_eps_copy_into(r->x, r->streams, outputs[i], r->given[i]);
  failed = end(r, r->x->list.n, failed);
  for (uint32_t i = 0; i < n; i++) {
    if (!r->given[i] && (!failed || outputs[i] == r->kept[i])) continue;
    sx_rt_unref(outputs[i]);
    outputs[i] = r->given[i] ? r->given[i] : r->kept[i];
  }
  return failed;
}

/* ---- captured graphs ---- */
static OrtStatus *annotation(const OrtRunOptions *o, int *id) {
  const char *text = sx_kvp_get(&o->config, kOrtRunOptionsConfigCudaGraphAnnotation);
  char *stop = NULL;
  long v = text && *text ? strtol(text, &stop, 10) : 0;
  if (stop && (*stop || v < INT32_MIN || v > INT32_MAX))
    SX_API_FAIL(INVALID_ARGUMENT, "Failed to parse the cuda graph annotation id: %.60s", text);
  *id = (int)v;
  return NULL;
}

typedef SX_VEC(uint64_t) words;
static bool add_place(words *w, const sx_ep *p, const sx_rt_value *v) {
  if (!p->memory || !sx_rt_is_tensor(v) || !sx_memory_eq(v->memory, p->memory)) return false;
  bool ok = sx_vec_push(w, (uint64_t)(uintptr_t)v->data) && sx_vec_push(w, (uint64_t)v->rank);
  for (uint32_t i = 0; i < v->rank && ok; i++) ok = sx_vec_push(w, (uint64_t)v->dims[i]);
  return ok;
}
/* Where the run's inputs and outputs lie, as words; false: not all of them in the provider's memory. */
static bool places(const sx_ep_run *r, const sx_ep *p, sx_rt_value *const *inputs, const bool *wanted, words *w) {
  const sx_graph *g = r->x->session->graph;
  for (uint32_t i = 0; i < g->inputs.n; i++)
    if (!(inputs[i] ? add_place(w, p, inputs[i]) : sx_vec_push(w, (uint64_t)0))) return false;
  for (uint32_t i = 0; i < g->outputs.n; i++)
    if (!(wanted && !wanted[i] ? sx_vec_push(w, (uint64_t)0) : add_place(w, p, r->given[i]))) return false;
  return true;
}

/* What a run of this id captured, if one was; -1. Under the lock. */
static int64_t find_captured(const sx_ep *p, int id) {
  for (uint32_t i = 0; i < p->captured.n; i++)
    if (p->captured.at[i].id == id) return i;
  return -1;
}
static bool lies_as_captured(sx_ep *p, int id, const words *w) {
  sx_mutex_lock(&p->owner->copies);
  int64_t k = find_captured(p, id);
  const sx_ep_captured *c = k < 0 ? NULL : &p->captured.at[k];
  bool same = c && c->n == w->n && !memcmp(c->words, w->at, w->n * sizeof *w->at);
  sx_mutex_unlock(&p->owner->copies);
  return same;
}
static void keep_captured(sx_ep *p, int id, const words *w) {
  sx_mutex_lock(&p->owner->copies);
  if (find_captured(p, id) < 0) {
    sx_ep_captured c = {id, w->n, sx_malloc((w->n + 1) * sizeof *c.words)};
    if (c.words) memcpy(c.words, w->at, w->n * sizeof *c.words);
    if (c.words && !sx_vec_push(&p->captured, c)) sx_free(c.words, (c.n + 1) * sizeof *c.words);
  }
  sx_mutex_unlock(&p->owner->copies);
}
void sx_ep_forget_captured(sx_ep *p, const int *id) {
  sx_mutex_lock(&p->owner->copies);
  for (uint32_t i = p->captured.n; i-- > 0;) {
    if (id && p->captured.at[i].id != *id) continue;
    sx_free(p->captured.at[i].words, (p->captured.at[i].n + 1) * sizeof *p->captured.at[i].words);
    p->captured.at[i] = p->captured.at[--p->captured.n];
  }
  sx_mutex_unlock(&p->owner->copies);
}

static OrtStatus *replay(sx_ep *p, int id) {
  struct sx_eps *x = p->owner;
  if (x->any_serial) sx_mutex_lock(&x->serial);
  OrtStatus *failed = p->ep->ReplayGraph(p->ep, id);
  if (!failed && SX_EP_HAS(p->ep, 25, Sync)) failed = p->ep->Sync(p->ep);
  if (x->any_serial) sx_mutex_unlock(&x->serial);
  return failed;
}

/* Of a session whose provider captures: as many runs as that takes. */
static OrtStatus *run_capturing(sx_ep_run *r, sx_ep *p, sx_run_options *ro, sx_rt_value *const *inputs,
                                sx_rt_value **outputs, const bool *wanted) {
  enum { MOST = 8 }; /* runs before a capture that never comes is told */
  int id = 0;
  words w = {0};
  OrtStatus *failed = annotation(r->o, &id);
  bool fixed = !failed && id != -1 && places(r, p, inputs, wanted, &w), done = false;
  if (fixed && p->ep->IsGraphCaptured(p->ep, id) && lies_as_captured(p, id, &w)) failed = replay(p, id), done = true;
  for (int k = 0; !failed && !done; k++) {
    bool before = p->ep->IsGraphCaptured(p->ep, id);
    if (k == MOST)
      failed =
          sx_ort_error(ORT_FAIL,
                       "Graph capture did not complete after %d runs. The execution provider may not support ORT-managed "
                       "graph capture/replay.",
                       MOST);
    if (!failed) failed = run_once(r, ro, inputs, outputs, wanted);
    bool after = !failed && p->ep->IsGraphCaptured(p->ep, id);
    if (!before && after && fixed) keep_captured(p, id, &w);
    done = !fixed || after; /* another run for memory, or for the capture itself */
  }
  sx_vec_free(&w);
  return failed;
}

OrtStatus *sx_eps_run(struct sx_eps *x, const OrtRunOptions *o, sx_run_options *ro, sx_rt_value *const *inputs,
                      sx_rt_value **outputs, const bool *wanted) {
  uint32_t n = x->session->graph->outputs.n;
  sx_ep_run r = {.x = x, .o = o ? o : &plain_run};
  bool *there = sx_calloc((size_t)n + 1, sizeof *there);
  r.given = sx_calloc((size_t)n + 1, sizeof *r.given);
  r.kept = sx_calloc((size_t)n + 1, sizeof *r.kept);
  r.streams = sx_calloc((size_t)x->list.n + 1, sizeof *r.streams);
  OrtStatus *failed = there && r.given && r.kept && r.streams ? NULL : sx_ort_status(SX_E_NO_MEMORY, NULL);
  for (uint32_t i = 0; i < n && !failed; i++) {
    bool device = sx_rt_is_tensor(outputs[i]) && !sx_memory_is_host(outputs[i]->memory);
    there[i] = device || (ro->on_device && ro->on_device[i]);
    r.kept[i] = outputs[i], r.given[i] = device ? outputs[i] : NULL;
  }
  ro->on_device = there, ro->caller = &r;
  if (!failed && x->capturing)
    failed = run_capturing(&r, x->capturing, ro, inputs, outputs, wanted);
  else if (!failed)
    failed = run_once(&r, ro, inputs, outputs, wanted);
  sx_free(there, ((size_t)n + 1) * sizeof *there);
  sx_free(r.given, ((size_t)n + 1) * sizeof *r.given);
  sx_free(r.kept, ((size_t)n + 1) * sizeof *r.kept);
  sx_free(r.streams, ((size_t)x->list.n + 1) * sizeof *r.streams);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_SessionReleaseCapturedGraph(OrtSession *session, int graph_annotation_id) {
  SX_API_NOT_NULL(session);
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; session->eps && i < session->eps->list.n && !failed; i++) {
    sx_ep *p = session->eps->list.at[i];
    sx_ep_forget_captured(p, &graph_annotation_id);
    if (SX_EP_HAS(p->ep, 27, ReleaseCapturedGraph)) failed = p->ep->ReleaseCapturedGraph(p->ep, graph_annotation_id);
  }
  return failed; /* nothing is captured on the CPU */
}
