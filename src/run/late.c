// SPDX-License-Identifier: MIT
/* Late steps: what makes its outputs while it runs. The executor lends it views of its inputs, memory for its outputs, and
 * the bodies of control flow. */
#include "run/exec_priv.h"

static void *late_output(const sx_late *l, uint32_t o, sx_dtype t, int rank, const int64_t *dims, sx_err *e) {
  const sx_late_ctx *c = (const sx_late_ctx *)l;
  const sx_plan *p = c->x->plan;
  const sx_step *s = &p->steps[c->step];
  uint32_t b = p->args[s->args + s->n_in + o];
  if (b == SX_NONE) { /* nobody wants it: no failure */
    if (e) e->code = SX_OK;
    return NULL;
  }
  sx_rt_value **v = &c->f->late[p->buffers[b].index];
  sx_rt_unref(*v);
  *v = NULL;
  if (sx_rt_tensor_create(t, (uint32_t)rank, dims, NULL, v, e) != SX_OK) return NULL;
  return (*v)->data ? (*v)->data : (void *)(*v)->dims;
}
static sx_rt_value *late_value(const sx_late *l, uint32_t i) {
  const sx_late_ctx *c = (const sx_late_ctx *)l;
  const sx_plan *p = c->x->plan;
  uint32_t b = p->args[p->steps[c->step].args + i];
  if (b == SX_NONE) return NULL;
  const sx_buffer *q = &p->buffers[b];
  return q->kind == SX_BUF_LATE ? c->f->late[q->index] : q->kind == SX_BUF_INPUT ? c->f->in[q->index] : NULL;
}
static sx_status late_set(const sx_late *l, uint32_t o, sx_rt_value *v, sx_err *e) {
  const sx_late_ctx *c = (const sx_late_ctx *)l;
  const sx_plan *p = c->x->plan;
  const sx_step *s = &p->steps[c->step];
  uint32_t b = p->args[s->args + s->n_in + o];
  if (b == SX_NONE) {
    sx_rt_unref(v);
    return SX_OK;
  }
  sx_rt_unref(c->f->late[p->buffers[b].index]);
  c->f->late[p->buffers[b].index] = v;
  return SX_OK;
}

/* A shape that the plan does not know: a tensor that comes as a value brings it along. */
static sx_status late_shape(const sx_late_ctx *l, uint32_t i, sx_view *w, sx_err *e) {
  const sx_plan *p = l->x->plan;
  uint32_t at = p->steps[l->step].args + i, b = p->args[at];
  const sx_rt_value *v = late_value(&l->base, i);
  if (b == SX_NONE || (v && !sx_rt_is_tensor(v))) return SX_OK;
  if (!v || p->buffers[b].value != p->arg_values[at]) {
    if (sx_value_at(p->graph, p->arg_values[at])->fact.kind != SX_KIND_TENSOR) return SX_OK;
    SX_FAIL(e, NOT_IMPLEMENTED, "the rank of input %u is not known when the step runs", i);
  }
  if (v->rank > SX_MAX_RANK)
    SX_FAIL(e, INVALID_ARGUMENT, "input %u has rank %u, at most %d are supported", i, v->rank, SX_MAX_RANK);
  w->dtype = v->type.dtype, w->rank = (int8_t)v->rank, w->dims = v->dims, w->count = v->count, w->size = v->bytes;
  return SX_OK;
}

sx_status sx_exec_run_late(sx_exec *x, sx_frame *f, const sx_run_ctx *r, uint32_t step, const sx_view *views, sx_call *c) {
  const sx_plan *p = x->plan;
  const sx_step *s = &p->steps[step];
  for (uint32_t i = 0; i < s->n_in; i++) {
    f->late_views[i] = views[i];
    f->late_views[i].constant = f->ptrs[s->args + i];
  }
  sx_late_ctx l = {{late_output, f->late_views, s->n_in, s->n_out, late_value, late_set}, x, f, r, step};
  for (uint32_t i = 0; i < s->n_in; i++)
    if (f->late_views[i].rank < 0) SX_TRY(late_shape(&l, i, &f->late_views[i], c->e));
  c->late = &l.base;
  sx_prep q = sx_step_prep(p, s, f->late_views, views + s->n_in, NULL, c->e);
  SX_TRY(s->kernel->prepare(&q));
  c->params = q.params;
  SX_TRY(q.phases[0].run(c, 0, 1));
  SX_TRY(sx_stop_settle(c->e));
  for (uint32_t o = 0; o < s->n_out; o++) {
    uint32_t at = s->args + s->n_in + o, b = p->args[at];
    if (b == SX_NONE) continue;
    sx_rt_value *v = f->late[p->buffers[b].index];
    sx_vid id = p->arg_values[at];
    if (!v) SX_FAIL(c->e, RUNTIME_EXCEPTION, "kernel %s made no output %u", s->kernel->name, o);
    f->ext[b] = sx_rt_is_tensor(v) ? v->data : NULL;
    if (!sx_rt_is_tensor(v)) continue;
    if (sx_value_at(p->graph, id)->fact.dtype && sx_value_at(p->graph, id)->fact.dtype != v->type.dtype)
      SX_FAIL(c->e, RUNTIME_EXCEPTION, "output %u has type %s, expected %s", o, sx_dtype_name((sx_dtype)v->type.dtype),
              sx_dtype_name((sx_dtype)sx_value_at(p->graph, id)->fact.dtype));
    SX_TRY(sx_exec_bind_dims(p->graph, id, "output", (int)v->rank, v->dims, f->symbols, c->e));
  }
  return SX_OK;
}

/* A view of a value has its data and other dimensions: only what is the same tensor may pass as the value. */
static bool is_whole(const sx_rt_value *v, const sx_view *w) {
  return v->data == w->constant && v->type.dtype == w->dtype && v->rank == (uint32_t)w->rank &&
         !memcmp(v->dims, w->dims, v->rank * sizeof *v->dims);
}

sx_status sx_late_take(const sx_call *c, uint32_t i, sx_rt_value **out) {
  const sx_late_ctx *l = sx_late_of(c);
  sx_rt_value *v = l->base.value(&l->base, i);
  const sx_view *w = &l->base.in[i];
  if (v && (!sx_rt_is_tensor(v) || is_whole(v, w))) {
    *out = sx_rt_ref(v);
    return SX_OK;
  }
  if (!v && w->dtype == SX_UNDEFINED && !w->constant)
    return sx_rt_none_create((sx_rt_type){0}, out, c->e); /* an optional left out */
  return sx_rt_tensor_wrap((sx_dtype)w->dtype, (uint32_t)w->rank, w->dims, (void *)w->constant, w->size, &sx_memory_cpu,
                           NULL, NULL, out, c->e);
}

const sx_node *sx_late_node(const sx_call *c) {
  const sx_late_ctx *l = sx_late_of(c);
  const sx_plan *p = l->x->plan;
  return sx_node_at(p->graph, p->steps[l->step].node);
}

sx_status sx_late_give(const sx_call *c, uint32_t o, sx_rt_value *v, sx_status s) {
  if (s == SX_OK) return c->late->set_value(c->late, o, v, c->e);
  sx_rt_unref(v);
  return s;
}

sx_status sx_late_own_strings(const sx_call *c, uint32_t o) {
  const sx_late_ctx *l = sx_late_of(c);
  const sx_step *s = &l->x->plan->steps[l->step];
  uint32_t b = l->x->plan->args[s->args + s->n_in + o];
  return b == SX_NONE ? SX_OK : sx_rt_strings_own(l->f->late[l->x->plan->buffers[b].index], c->e);
}

sx_status sx_late_run_body(const sx_call *c, const char *attr, sx_rt_value *const *formal, sx_rt_value **outputs) {
  enum { MAX_DEPTH = 256, SMALL = 32 };
  const sx_late_ctx *l = sx_late_of(c);
  const sx_step *st = &l->x->plan->steps[l->step];
  sx_exec *b = sx_exec_body(l->x, st->node, attr);
  if (!b) {
    const sx_graph *g = sx_attr_graph(sx_node_at(l->x->plan->graph, st->node), attr);
    SX_FAIL(c->e, INVALID_ARGUMENT, "'%s' cannot run for these inputs: %s", attr,
            g && g->broken ? g->broken : "there is no such body");
  }
  SX_TRY(sx_stop_check(c->e)); /* a body may have no step that would */
  if (l->r->depth >= MAX_DEPTH) SX_FAIL(c->e, FAIL, "bodies are nested more than %d deep", MAX_DEPTH);
  const sx_graph *g = b->plan->graph;
  uint32_t n = g->inputs.n + g->captures.n;
  sx_rt_value *small[SMALL], **in = n <= SMALL ? small : sx_calloc(n, sizeof *in);
  if (!in) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n; i++) in[i] = i < g->inputs.n ? formal[i] : NULL;
  sx_status s = SX_OK;
  for (uint32_t i = g->inputs.n; i < n && s == SX_OK; i++)
    s = sx_late_take(c, g->capture_slots.at[i - g->inputs.n], &in[i]);
  sx_run_ctx r = *l->r;
  r.depth++;
  r.output_source = NULL, r.on_device = NULL;
  if (s == SX_OK) s = sx_exec_run(b, &r, l->f->symbols, in, outputs, c->e);
  for (uint32_t i = g->inputs.n; i < n; i++) sx_rt_unref(in[i]);
  if (in != small) sx_free(in, n * sizeof *in);
  return s;
}
