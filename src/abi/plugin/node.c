// SPDX-License-Identifier: MIT
/* Nodes that plugins have, as steps of the plan: a compiled group, a kernel of a registry, a copy between memories. All are
 * late: what they make is known when they have run. */
#include "abi/guard.h"
#include "abi/plugin/host.h"

OrtStatus *sx_ep_call(void (*fn)(void *arg), void *arg, OrtStatus **status) {
  sx_err e;
  sx_status s = sx_guarded(fn, arg, &e);
  return s == SX_OK ? *status : sx_ort_status(s, &e);
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  if (n->custom && n->provider == &sx_plugin_provider) return true;
  *reason = "no plugin has the node";
  return false;
}

typedef struct making {
  sx_ep_node *x;
  OrtKernelInfo *info;
  OrtStatus *status;
} making;
static void call_create(void *p) {
  making *m = p;
  sx_ep_node *x = m->x;
  OrtNodeComputeContext c = {x->view->name};
  m->status = x->info ? x->info->CreateState(x->info, &c, &x->state)
                      : x->kernel->create(x->kernel->create_state, m->info, &x->impl);
}

/* On failure, x->impl is what the provider made so far. */
static sx_status create_kernel(sx_ep_node *x, sx_build *b) {
  OrtKernelInfo *info = SX_NEW(&b->g->model->arena, OrtKernelInfo);
  if (!info) SX_NO_MEMORY(b->e);
  *info = (OrtKernelInfo){x->ep->owner->session, b->g, b->n};
  making m = {x, info, NULL};
  SX_TRY(sx_ort_take(sx_ep_call(call_create, &m, &m.status), b->e));
  if (!x->impl || !x->impl->Compute)
    SX_FAIL(b->e, EP_FAIL, "%s made no kernel with a Compute for %.*s", x->ep->name, SX_FMT(b->n->op_type));
  if (!sx_node_has_body(b->n)) return sx_ep_prepack(x, b);
  if (!sx_ep_is_control(x->impl))
    SX_FAIL(b->e, EP_FAIL, "%s made a kernel of its own for %.*s: it has to be one of Create%.*sKernel", x->ep->name,
            SX_FMT(b->n->op_type), SX_FMT(b->n->op_type));
  return SX_OK;
}

static sx_status create_in_turn(sx_ep_node *x, sx_build *b) {
  x->constant = x->to_device && sx_value_const(b->g, b->n->in[0].value);
  if (x->created || x->to_host || x->to_device) return SX_OK;
  if (x->info) {
    making m = {x, NULL, NULL};
    if (x->info->CreateState) SX_TRY(sx_ort_take(sx_ep_call(call_create, &m, &m.status), b->e));
    x->created = true;
    return SX_OK;
  }
  sx_status s = create_kernel(x, b);
  x->created = s == SX_OK;
  if (x->created) return SX_OK;
  if (x->impl && x->impl->Release) x->impl->Release(x->impl);
  x->impl = NULL; /* another attempt makes a new one */
  return s;
}

/* A provider hears of one node at a time; another run may be placing its own. */
static sx_status create_state(sx_build *b) {
  sx_ep_node *x = (sx_ep_node *)b->n->custom;
  sx_mutex *lock = &x->ep->owner->placing;
  b->state = x;
  sx_mutex_lock(lock);
  sx_status s = create_in_turn(x, b);
  sx_mutex_unlock(lock);
  return s;
}

sx_status sx_ep_copy_context(const sx_graph *g, const sx_node *copy, sx_status s, sx_err *e) {
  const sx_ep_node *x = sx_ep_node_of(copy);
  const sx_value *v = sx_value_at(g, x->to_device ? copy->out[0] : copy->in[0].value);
  const sx_nid other = !x->to_device ? v->producer : v->uses ? v->uses->node : SX_NONE;
  const sx_str name = sx_value_at(g, copy->in[0].value)->name;
  sx_text who = {0};
  if (s == SX_OK) return s;
  if (other != SX_NONE) sx_node_describe(g, sx_node_at(g, other), &who);
  sx_err_context(e, "copying '%.*s' %s the memory of %s%s%s", SX_FMT(name), x->to_device ? "to" : "from", x->ep->name,
                 other == SX_NONE ? "" : x->to_device ? " for " : ", made by ", who.failed || !who.n ? "" : who.p);
  sx_text_free(&who);
  return s;
}

static sx_status run_copy(sx_ep_node *x, const sx_call *c) {
  sx_rt_value *in = NULL, *out = NULL;
  sx_mutex *lock = &x->ep->owner->copies;
  if (x->constant) {
    sx_mutex_lock(lock);
    out = sx_rt_ref(x->cached);
    sx_mutex_unlock(lock);
    if (out) return c->late->set_value(c->late, 0, out, c->e);
  }
  SX_TRY(sx_late_take(c, 0, &in));
  const bool *on_device = sx_late_of(c)->r->on_device;
  if (x->output != SX_NONE && on_device && on_device[x->output]) return c->late->set_value(c->late, 0, in, c->e);
  sx_status s = sx_ep_copy(c, x->ep, in, x->to_device, &out, c->e);
  sx_rt_unref(in);
  if (s != SX_OK) return sx_ep_copy_context(sx_exec_plan(sx_late_of(c)->x)->graph, sx_late_node(c), s, c->e);
  if (x->constant) {
    sx_mutex_lock(lock);
    if (!x->cached) x->cached = sx_rt_ref(out);
    sx_mutex_unlock(lock);
  }
  return c->late->set_value(c->late, 0, out, c->e);
}

/* Foreign code behind a guard: an exception becomes a status. */
typedef struct foreign {
  sx_ep_node *x;
  OrtKernelContext *context;
  OrtStatus *status;
} foreign;
static void call_compute(void *p) {
  foreign *f = p;
  f->status = f->x->info ? f->x->info->Compute(f->x->info, f->x->state, f->context)
                         : f->x->impl->Compute(f->x->impl, f->context);
}

/* The call, between two words to the provider's profiler. */
static sx_status watched(sx_ep_node *x, const sx_node *n, foreign *f, sx_err *e) {
  static _Atomic uint64_t count;
  sx_mutex *lock = &x->ep->owner->events; /* profiling may end meanwhile */
  OrtEpProfilerImpl *p = NULL;
  uint64_t id = 0, begin = 0;
  if (atomic_load_explicit(&x->ep->profiler, memory_order_relaxed)) {
    sx_mutex_lock(lock);
    p = x->ep->profiler;
    if (p && (!p->StartEvent || !p->StopEvent)) p = NULL;
    id = atomic_fetch_add(&count, 1), begin = sx_now_ns();
    if (p) sx_api_ReleaseStatus(p->StartEvent(p, id));
    sx_mutex_unlock(lock);
  }
  sx_status s = sx_ort_take(sx_ep_call(call_compute, f, &f->status), e);
  if (!p) return s;
  OrtProfilingEvent *event = NULL;
  int64_t at = (int64_t)(begin - sx_profile_start_ns(x->ep->owner->session->profile)) / 1000;
  sx_api_ReleaseStatus(sx_epapi_CreateProfilingEvent(OrtProfilingEventCategory_NODE, 0, 0, n->name.p ? n->name.p : "", at,
                                                     (int64_t)(sx_now_ns() - begin) / 1000, NULL, NULL, 0, &event));
  sx_mutex_lock(lock);
  if (event && x->ep->profiler == p) sx_api_ReleaseStatus(p->StopEvent(p, id, event));
  sx_mutex_unlock(lock);
  sx_epapi_ReleaseProfilingEvent(event);
  return s;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_ep_node *x = (sx_ep_node *)c->state;
  if (x->to_host || x->to_device) return run_copy(x, c);
  if (sx_node_has_body(sx_late_node(c))) return sx_ep_run_control(x, c);
  enum { SMALL = 16 };
  const sx_late_ctx *l = sx_late_of(c);
  const sx_node *n = sx_late_node(c);
  uint32_t n_in = n->n_in, n_out = n->n_out, total = n_in + n_out;
  sx_rt_value *few[2 * SMALL] = {0};
  sx_rt_value **at = total <= 2 * SMALL ? few : sx_calloc(total, sizeof *at);
  if (!at) SX_NO_MEMORY(c->e);
  OrtKernelContext k = {.session = x->ep->owner->session,
                        .call = c,
                        .graph = sx_exec_plan(l->x)->graph,
                        .node = n,
                        .plugin = x,
                        .n_in = n_in,
                        .n_out = n_out,
                        .in = at,
                        .out = at + n_in};
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < n_in && s == SX_OK; i++)
    if (sx_node_in(n, i) != SX_NONE) s = sx_late_take(c, i, &k.in[i]);
  foreign f = {x, &k, NULL};
  if (s == SX_OK) s = watched(x, n, &f, c->e);
  s = sx_kernel_context_finish(c, &k, s);
  if (at != few) sx_free(at, total * sizeof *at);
  return s;
}

static sx_status prepare(sx_prep *p) { return sx_prep_phase(p, run, 1, 1000, 0); }

#define KERNEL(Op) \
  {.op = Op, .name = "plugin", .flags = SX_KERNEL_LATE, .claim = claim, .create = create_state, .prepare = prepare}
static const sx_kernel rows[] = {KERNEL(NULL), KERNEL(&sx_op_If), KERNEL(&sx_op_Loop), KERNEL(&sx_op_Scan)};
static const sx_kernel *const kernels[] = {&rows[0], &rows[1], &rows[2], &rows[3], NULL};
const sx_provider sx_plugin_provider = {"plugin", kernels, 0};
