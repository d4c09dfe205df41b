// SPDX-License-Identifier: MIT
/* Running a plan: bind the inputs, find the instance, resolve pointers, do the steps. */
#include "run/exec_priv.h"

const sx_plan *sx_exec_plan(const sx_exec *x) { return x->plan; }

sx_exec *sx_exec_body(const sx_exec *x, sx_nid n, const char *attr) {
  uint32_t low = 0; /* they are made in the order of nodes */
  for (uint32_t high = x->bodies.n, mid; low < high;)
    if (x->bodies.at[mid = (low + high) / 2].node < n) low = mid + 1;
    else high = mid;
  for (; low < x->bodies.n && x->bodies.at[low].node == n; low++)
    if (!strcmp(x->bodies.at[low].attr, attr)) return x->bodies.at[low].x;
  return NULL;
}

static void free_frame(sx_exec *x, sx_frame *f) {
  for (uint32_t s = 0; s < x->plan->n_segments; s++) {
    sx_instance_unref(f->segs[s].inst);
    if (f->segs[s].slab) sx_free_aligned(f->segs[s].slab, f->segs[s].slab_size);
  }
  sx_arena_free(&f->scratch);
  if (f->bin) sx_bin_empty(f->bin);
  sx_free_aligned(f, f->bytes);
}

/* One block: the frame and its arrays. */
static sx_frame *new_frame(const sx_exec *x) {
  const sx_plan *p = x->plan;
  const sx_graph *g = p->graph;
  uint32_t most = 1;
  bool passing = p->n_late > 0; /* blocks come and go within a run */
  for (uint32_t o = 0; o < g->outputs.n; o++) passing |= sx_value_at(g, g->outputs.at[o])->fact.dtype == SX_STRING;
  for (uint32_t s = 0; s < p->n_steps; s++)
    if (p->steps[s].n_in + p->steps[s].n_out > most) most = p->steps[s].n_in + p->steps[s].n_out;
  size_t sizes[] = {sizeof(sx_frame),
                    g->model->dims.symbols.n * sizeof(int64_t),
                    p->n_segments * sizeof(sx_seg_state),
                    p->n_args * sizeof(void *),
                    p->n_buffers * sizeof(void *),
                    p->n_late * sizeof(void *),
                    g->outputs.n * sizeof(void *),
                    most * sizeof(sx_view),
                    passing ? sizeof(sx_bin) : 0};
  size_t at[9], total = 0;
  for (int i = 0; i < 9; i++) at[i] = total, total += sx_round_up(sizes[i] + 8, SX_ALIGN);
  char *b = sx_malloc_aligned(total);
  if (!b) return NULL;
  memset(b, 0, total);
  sx_frame *f = (sx_frame *)b;
  f->bytes = total, f->most_args = most;
  f->symbols = (int64_t *)(b + at[1]), f->segs = (sx_seg_state *)(b + at[2]), f->ptrs = (void **)(b + at[3]),
  f->ext = (void **)(b + at[4]);
  f->late = (sx_rt_value **)(b + at[5]), f->out = (sx_rt_value **)(b + at[6]), f->late_views = (sx_view *)(b + at[7]);
  f->bin = passing ? (sx_bin *)(b + at[8]) : NULL;
  return f;
}

size_t sx_exec_trim(sx_exec *x) {
  sx_lock_take(&x->lock);
  sx_frame *f = x->idle;
  x->idle = NULL;
  sx_lock_drop(&x->lock);
  size_t freed = 0;
  while (f) {
    sx_frame *next = f->next;
    freed += f->bytes + f->scratch.held + (f->bin ? f->bin->bytes : 0);
    for (uint32_t s = 0; s < x->plan->n_segments; s++) freed += f->segs[s].slab_size;
    free_frame(x, f);
    f = next;
  }
  for (uint32_t i = 0; i < x->bodies.n; i++) freed += sx_exec_trim(x->bodies.at[i].x);
  return freed;
}

void sx_exec_destroy(sx_exec *x) {
  if (!x) return;
  if (x->plan) sx_exec_trim(x);
  for (uint32_t i = 0; i < x->bodies.n; i++) sx_exec_destroy(x->bodies.at[i].x);
  sx_vec_free(&x->bodies);
  sx_plan_destroy(x->plan);
  sx_free(x, sizeof *x);
}

static void known_below(const sx_graph *g, uint8_t *known) {
  for (; g; g = g->parent)
    for (uint32_t v = 0; v < g->values.n; v++) {
      const sx_fact *f = &sx_value_at(g, v)->fact;
      for (int i = 0; f->kind == SX_KIND_TENSOR && i < f->rank; i++) {
        int64_t s = sx_dim_symbol_of(&g->model->dims, f->dims[i]);
        if (s >= 0) known[s] = 1;
      }
    }
}

static sx_status create_bodies(sx_exec *x, const sx_graph *g, const sx_exec_options *o, sx_err *e) {
  size_t n = g->model->dims.symbols.n + 1;
  uint8_t *known = NULL;
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < g->nodes.n && s == SX_OK; i++) {
    const sx_node *node = sx_node_at(g, i);
    for (uint32_t k = 0; k < node->n_attrs && !node->dead && s == SX_OK; k++) {
      if (node->attrs[k].type != SX_ATTR_GRAPH || node->attrs[k].g->broken ||
          (node->op && !(node->op->flags & SX_OP_CONTROL)))
        continue;
      if (!known) {
        if (!(known = sx_calloc(n, 1))) SX_NO_MEMORY(e);
        known_below(g, known);
      }
      sx_exec_options b = *o;
      b.outer_known = known;
      sx_body y = {i, node->attrs[k].name.p, NULL};
      s = sx_exec_create(node->attrs[k].g, &b, &y.x, e);
      if (s == SX_OK && !sx_vec_push(&x->bodies, y)) {
        sx_exec_destroy(y.x);
        s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
      }
    }
  }
  sx_free(known, n);
  return s;
}

static sx_status find_output_args(sx_exec *x, sx_err *e) {
  sx_plan *p = x->plan;
  const sx_graph *g = p->graph;
  x->output_arg = SX_NEW_N(&p->arena, uint32_t, (size_t)g->outputs.n + 1);
  if (!x->output_arg) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < g->outputs.n; i++) {
    uint32_t b = p->value_buffer[g->outputs.at[i]];
    x->output_arg[i] = SX_NONE;
    if (p->buffers[b].kind != SX_BUF_OUTPUT || p->buffers[b].index != i) continue;
    for (uint32_t s = 0; s < p->n_steps && x->output_arg[i] == SX_NONE; s++)
      for (uint32_t o = 0; o < p->steps[s].n_out; o++)
        if (p->arg_values[p->steps[s].args + p->steps[s].n_in + o] == g->outputs.at[i])
          x->output_arg[i] = p->steps[s].args + p->steps[s].n_in + o;
  }
  return SX_OK;
}

sx_status sx_exec_create(const sx_graph *g, const sx_exec_options *o, sx_exec **out, sx_err *e) {
  sx_exec *x = sx_calloc(1, sizeof *x);
  *out = NULL;
  if (!x) SX_NO_MEMORY(e);
  sx_status s = sx_plan_create(g, &o->plan, o->outer_known, &x->plan, e);
  if (s == SX_OK) s = find_output_args(x, e);
  if (s == SX_OK) s = create_bodies(x, g, o, e);
  if (s != SX_OK)
    sx_exec_destroy(x);
  else
    *out = x;
  return s;
}

sx_status sx_exec_bind_dims(const sx_graph *g, sx_vid v, const char *what, int rank, const int64_t *dims, int64_t *symbols,
                            sx_err *e) {
  const sx_value *x = sx_value_at(g, v);
  const sx_fact *f = &x->fact;
  if (f->rank < 0) return SX_OK;
  if (f->rank != rank)
    SX_FAIL(e, INVALID_ARGUMENT,
            "Invalid rank for %s: %.*s Got: %d Expected: %d Please fix either the inputs/outputs or the model.", what,
            SX_FMT(x->name), rank, f->rank);
  for (int i = 0; i < rank; i++) {
    int64_t s = sx_dim_symbol_of(&g->model->dims, f->dims[i]);
    if (s >= 0 && symbols[s] == SX_DIM_UNKNOWN) symbols[s] = dims[i];
    int64_t want = s >= 0 ? symbols[s] : sx_dim_is_const(f->dims[i]) ? f->dims[i] : dims[i];
    if (want == dims[i]) continue;
    sx_str name = s >= 0 ? g->model->dims.atoms.at[g->model->dims.symbols.at[s]].name : (sx_str){"", 0};
    if (name.n)
      SX_FAIL(e, INVALID_ARGUMENT,
              "Got invalid dimensions for %s: %.*s: index %d is %lld, but dimension '%.*s' is %lld elsewhere", what,
              SX_FMT(x->name), i, (long long)dims[i], SX_FMT(name), (long long)want);
    SX_FAIL(e, INVALID_ARGUMENT,
            "Got invalid dimensions for %s: %.*s for the following indices index: %d Got: %lld Expected: %lld Please fix "
            "either the inputs/outputs or the model.",
            what, SX_FMT(x->name), i, (long long)dims[i], (long long)want);
  }
  return SX_OK;
}

/* The caller's inputs against the graph's facts; symbols from their sizes. */
static sx_status bind_inputs(const sx_plan *p, sx_frame *f, sx_rt_value *const *in, sx_err *e) {
  const sx_graph *g = p->graph;
  uint32_t n = g->inputs.n + g->captures.n;
  f->in = in;
  for (uint32_t i = 0; i < n; i++) {
    sx_vid id = i < g->inputs.n ? g->inputs.at[i] : g->captures.at[i - g->inputs.n];
    const sx_value *v = sx_value_at(g, id);
    uint32_t b = p->value_buffer[id];
    if (!in[i]) {
      if (!v->overridable && i < g->inputs.n && v->fact.kind != SX_KIND_OPTIONAL)
        SX_FAIL(e, INVALID_ARGUMENT, "Missing Input: %.*s", SX_FMT(v->name));
      if (!v->overridable) continue;
      const void *d;
      SX_TRY(sx_tensor_data(v->fact.constant, &d, e));
      SX_TRY(sx_exec_bind_dims(g, id, "input", v->fact.constant->rank, v->fact.constant->dims, f->symbols, e));
      if (b != SX_NONE) f->ext[b] = (void *)d;
      continue;
    }
    if (v->fact.kind == SX_KIND_TENSOR && v->fact.dtype) {
      if (!sx_rt_is_tensor(in[i]))
        SX_FAIL(e, INVALID_ARGUMENT, "Unexpected input: '%.*s' is no tensor, expected tensor(%s)", SX_FMT(v->name),
                sx_dtype_name((sx_dtype)v->fact.dtype));
      if (in[i]->type.dtype != v->fact.dtype)
        SX_FAIL(e, INVALID_ARGUMENT,
                "Unexpected input data type. Actual: (tensor(%s)) , expected: (tensor(%s)) for input '%.*s'",
                sx_dtype_name((sx_dtype)in[i]->type.dtype), sx_dtype_name((sx_dtype)v->fact.dtype), SX_FMT(v->name));
      SX_TRY(sx_exec_bind_dims(g, id, "input", (int)in[i]->rank, in[i]->dims, f->symbols, e));
    } else if (v->fact.kind != SX_KIND_TENSOR && v->fact.type)
      SX_TRY(sx_rt_fits(in[i], v->fact.type, v->name, e));
    if (b != SX_NONE) f->ext[b] = in[i]->data;
  }
  return SX_OK;
}

static bool overlaps(const sx_plan *p, const sx_frame *f, const sx_rt_value *out) {
  uint32_t n = p->graph->inputs.n + p->graph->captures.n;
  for (uint32_t i = 0; i < n; i++) {
    const sx_rt_value *v = f->in[i];
    if (sx_rt_is_tensor(v) && v->bytes && out->bytes && (char *)v->data < (char *)out->data + out->bytes &&
        (char *)out->data < (char *)v->data + v->bytes)
      return true;
  }
  return false;
}

/* Memory for an output whose size is known now: the caller's, or new. One that overlaps an input is written aside first. */
static sx_status open_output(const sx_plan *p, sx_frame *f, const sx_run_ctx *r, uint32_t i, const sx_view *v,
                             sx_rt_value *given, sx_err *e) {
  sx_str name = p->graph->output_names.at[i];
  bool usable = given != NULL;
  if (given) {
    bool same = sx_rt_is_tensor(given) && given->type.dtype == v->dtype && (int)given->rank == v->rank;
    for (int d = 0; same && d < v->rank; d++) same = given->dims[d] == v->dims[d];
    if (!same)
      SX_FAIL(e, INVALID_ARGUMENT,
              "the value given for output '%.*s' does not have the type and shape that the model gives for these inputs "
              "(%s of rank %d)",
              SX_FMT(name), sx_dtype_name((sx_dtype)v->dtype), v->rank);
    usable = !overlaps(p, f, given);
  }
  if (usable)
    f->out[i] = sx_rt_ref(given);
  else {
    const sx_status s =
        sx_rt_tensor_create((sx_dtype)v->dtype, (uint32_t)v->rank, v->dims, given ? NULL : r->output_source, &f->out[i], e);
    const sx_node *n = sx_value_producer(p->graph, p->graph->outputs.at[i]);
    if (s != SX_OK) return n ? sx_node_context(p->graph, n, s, e) : s;
  }
  f->ext[p->value_buffer[p->graph->outputs.at[i]]] = f->out[i]->data;
  return SX_OK;
}

/* Where argument `at` lies; `base` is the first of the segment. */
static void *address(const sx_plan *p, const sx_frame *f, uint32_t segment, uint32_t base, uint32_t at) {
  const sx_buffer *q = &p->buffers[p->args[at]];
  const sx_seg_state *s = &f->segs[segment];
  if (q->kind == SX_BUF_CONST) return (void *)q->data;
  if (q->kind == SX_BUF_ELEMS) return (void *)s->inst->views[at - base].constant;
  if (q->kind == SX_BUF_SLAB && q->segment == segment) return (char *)s->slab + s->inst->offsets[q->place];
  return f->ext[p->args[at]];
}

static sx_status open_segment(sx_exec *x, sx_frame *f, const sx_run_ctx *r, uint32_t k, sx_rt_value **given, sx_err *e) {
  sx_plan *p = x->plan;
  sx_segment *s = &p->segments[k];
  sx_seg_state *st = &f->segs[k];
  bool fresh = !st->inst;
  for (uint32_t i = 0; !fresh && i < s->n_keys; i++) fresh = st->inst->key[i] != f->symbols[s->keys[i]];
  if (fresh) {
    sx_instance *inst;
    SX_TRY(sx_plan_instance(p, k, f->symbols, &inst, e));
    sx_instance_unref(st->inst);
    st->inst = inst;
    if (inst->slab > st->slab_size) {
      if (st->slab) sx_free_aligned(st->slab, st->slab_size);
      size_t want = sx_round_up(inst->slab, 4096);
      st->slab = sx_malloc_aligned(want);
      st->slab_size = st->slab ? want : 0;
      if (!st->slab) {
        sx_instance_unref(st->inst);
        st->inst = NULL;
        SX_FAIL(e, NO_MEMORY, "out of memory: %zu bytes for the intermediate results", want);
      }
    }
  }
  uint32_t base = s->begin < s->end ? p->steps[s->begin].args : 0;
  uint32_t last =
      s->begin < s->end ? p->steps[s->end - 1].args + p->steps[s->end - 1].n_in + p->steps[s->end - 1].n_out : 0;
  for (uint32_t i = 0; i < p->graph->outputs.n; i++)
    if (x->output_arg[i] != SX_NONE && x->output_arg[i] >= base && x->output_arg[i] < last) {
      sx_status o = open_output(p, f, r, i, &st->inst->views[x->output_arg[i] - base], given[i], e);
      if (o != SX_OK) {
        if (fresh) sx_instance_unref(st->inst), st->inst = NULL; /* its pointers are not resolved yet */
        return o;
      }
    }
  if (fresh) {
    for (uint32_t a = base; a < last; a++)
      f->ptrs[a] = p->args[a] == SX_NONE ? NULL : address(p, f, k, base, a);
    for (uint32_t b = 0; b < s->n_slabs; b++)
      if (p->buffers[s->slabs[b]].exported) f->ext[s->slabs[b]] = (char *)st->slab + st->inst->offsets[b];
  } else
    for (uint32_t i = 0; i < s->n_patch; i++) f->ptrs[s->patch[i]] = address(p, f, k, base, s->patch[i]);
  return SX_OK;
}

typedef struct unit_job {
  const sx_call *call;
  sx_run_fn run;
  char *scratch;
  size_t stride;
} unit_job;
static sx_status run_units(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const unit_job *j = ctx;
  sx_call c = *j->call;
  c.worker = worker, c.worker_scratch = j->scratch ? j->scratch + worker * j->stride : NULL, c.e = e;
  return j->run(&c, begin, end);
}

#define LONG_NS 5e5f /* of a phase on one thread that is cut, too, where somebody may stop the run */
static sx_status run_phases(const sx_run_ctx *r, const sx_ready *y, sx_call *c, char *slab, const sx_stop *stop) {
  char *worker_scratch = y->worker_scratch == SIZE_MAX ? NULL : slab + y->worker_scratch;
  c->scratch = y->scratch == SIZE_MAX ? NULL : slab + y->scratch;
  for (uint32_t k = 0; k < y->n_phases; k++) {
    const sx_phase *ph = &y->phases[k];
    c->phase = k;
    c->worker_scratch = worker_scratch;
    if ((y->threads[k] <= 1 || !r->pool) && (float)ph->units * ph->unit_ns < LONG_NS) {
      SX_TRY(ph->run(c, 0, ph->units));
      if (stop) SX_TRY(sx_stop_settle(c->e));
      continue;
    }
    unit_job j = {c, ph->run, worker_scratch, sx_round_up(ph->worker_scratch, SX_ALIGN)};
    SX_TRY(sx_pool_run(r->pool, y->threads[k], ph->units, y->grain[k], run_units, &j, c->e));
  }
  return SX_OK;
}

/* A step whose preparation needs contents: prepared now, run here. */
static sx_status run_deferred(const sx_plan *p, const sx_step *s, const sx_view *views, sx_arena *a, sx_call *c) {
  sx_view *v = SX_NEW_N(a, sx_view, (size_t)s->n_in + s->n_out + 1);
  if (!v) SX_NO_MEMORY(c->e);
  memcpy(v, views, (s->n_in + s->n_out) * sizeof *v);
  for (uint32_t i = 0; i < s->n_in; i++) v[i].constant = c->in[i];
  sx_prep q = sx_step_prep(p, s, v, v + s->n_in, a, c->e);
  sx_status t = s->kernel->prepare(&q);
  size_t worker = 0;
  for (uint32_t k = 0; k < q.n_phases; k++)
    if (q.phases[k].worker_scratch > worker) worker = q.phases[k].worker_scratch;
  if (t == SX_OK && !(c->scratch = sx_arena_aligned(a, q.scratch + 1, SX_ALIGN)))
    t = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (t == SX_OK && !(c->worker_scratch = sx_arena_aligned(a, worker + 1, SX_ALIGN)))
    t = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  c->params = q.params;
  for (uint32_t k = 0; k < q.n_phases && t == SX_OK; k++) {
    c->phase = k;
    unit_job j = {c, q.phases[k].run, c->worker_scratch, 0};
    t = sx_pool_run(NULL, 1, q.phases[k].units, sx_stop_grain(q.phases[k].unit_ns), run_units, &j, c->e);
  }
  sx_arena_reset(a);
  return t;
}

static sx_status run_steps(sx_exec *x, sx_frame *f, const sx_run_ctx *r, uint32_t k, sx_err *e) {
  const sx_plan *p = x->plan;
  const sx_segment *s = &p->segments[k];
  sx_seg_state *st = &f->segs[k];
  uint32_t base = s->begin < s->end ? p->steps[s->begin].args : 0;
  const sx_stop *stop = sx_stop_of_thread();
  for (uint32_t i = s->begin; i < s->end; i++) {
    const sx_step *q = &p->steps[i];
    if (q->nothing) continue;
    if (stop) SX_TRY(sx_stop_check(e));
    const sx_ready *y = &st->inst->steps[i - s->begin];
    sx_call c = {
        .state = q->state, .params = y->params, .in = f->ptrs + q->args, .out = f->ptrs + q->args + q->n_in, .e = e};
    uint64_t begin = r->profile ? sx_now_ns() : 0;
    sx_status t;
    if (q->kernel->flags & SX_KERNEL_LATE) {
      t = sx_exec_run_late(x, f, r, i, &st->inst->views[q->args - base], &c);
      for (uint32_t o = 0; t == SX_OK && o < q->n_out; o++) { /* steps of this segment that follow read the new pointers */
        const uint32_t b = p->args[q->args + q->n_in + o];
        const sx_buffer *made = b == SX_NONE ? NULL : &p->buffers[b];
        for (uint32_t m = 0; made && m < made->n_patch; m++) f->ptrs[s->patch[made->place + m]] = f->ext[b];
      }
    } else
      t = y->deferred ? run_deferred(p, q, &st->inst->views[q->args - base], &f->scratch, &c)
                      : run_phases(r, y, &c, st->slab, stop);
    if (t != SX_OK) {
      sx_err_context(e, "Non-zero status code returned while running");
      return sx_node_context(p->graph, sx_node_at(p->graph, q->node), t, e);
    }
    if (r->profile) r->profile->step(r->profile->ctx, x, i, begin, sx_now_ns(), st->inst, k);
  }
  return SX_OK;
}

/* Outputs that no step wrote in place. */
static sx_status finish_outputs(sx_exec *x, sx_frame *f, const sx_run_ctx *r, sx_rt_value **given, sx_err *e) {
  const sx_plan *p = x->plan;
  const sx_graph *g = p->graph;
  for (uint32_t i = 0; i < p->n_copies; i++) {
    uint32_t o = p->copies[i].output, b = p->copies[i].buffer;
    sx_vid v = g->outputs.at[o];
    const sx_buffer *q = &p->buffers[b];
    sx_rt_value *whole = q->kind == SX_BUF_LATE ? f->late[q->index] : q->kind == SX_BUF_INPUT ? f->in[q->index] : NULL;
    bool away = sx_rt_is_tensor(whole) && !sx_memory_is_host(whole->memory); /* a provider's, passed through a body */
    bool handed = whole && !given[o] && (!sx_rt_is_tensor(whole) || away || (q->kind == SX_BUF_LATE && q->value == v));
    if (whole && !sx_rt_is_tensor(whole) && given[o])
      SX_FAIL(e, INVALID_ARGUMENT, "output '%.*s' is no tensor: it cannot be written into a given value",
              SX_FMT(sx_value_at(g, v)->name));
    if (handed) {
      f->out[o] = sx_rt_ref(whole);
      continue;
    }
    sx_view w = {.dtype = sx_value_at(g, v)->fact.dtype, .rank = sx_value_at(g, v)->fact.rank};
    int64_t *d = NULL;
    sx_status s = SX_OK;
    if (whole && sx_rt_is_tensor(whole) && (q->value == v || sx_value_at(g, v)->fact.kind != SX_KIND_TENSOR))
      w.dtype = whole->type.dtype, w.rank = (int8_t)whole->rank, w.dims = whole->dims;
    else
      s = sx_dims_now(g, f, &sx_value_at(g, v)->fact, &f->scratch, &d, e), w.dims = d;
    void *src = sx_buffer_now(p, f, b);
    if (s == SX_OK) s = open_output(p, f, r, o, &w, given[o], e);
    if (s == SX_OK && f->out[o]->bytes && src)
      memcpy(f->out[o]->data, src, f->out[o]->bytes);
    else if (s == SX_OK && f->out[o]->bytes)
      s = sx_write_elems(g, f, sx_value_at(g, v)->fact.elems ? v : q->value, f->out[o], &f->scratch, e);
    sx_arena_reset(&f->scratch);
    SX_TRY(s);
  }
  for (uint32_t o = 0; o < g->outputs.n; o++) {
    if (f->out[o] && sx_rt_is_tensor(f->out[o]) && f->out[o]->type.dtype == SX_STRING &&
        (given[o] || sx_rt_is_unique(f->out[o])))
      SX_TRY(sx_rt_strings_own(f->out[o], e));
    if (given[o] && f->out[o] != given[o] && f->out[o]->bytes) memcpy(given[o]->data, f->out[o]->data, given[o]->bytes);
  }
  for (uint32_t o = 0; o < g->outputs.n;
       o++) /* last: the others may have borrowed the text of a value that is handed out */
    if (f->out[o] && !given[o] && sx_rt_is_tensor(f->out[o]) && f->out[o]->type.dtype == SX_STRING &&
        !sx_rt_is_unique(f->out[o]))
      SX_TRY(sx_rt_strings_own(f->out[o], e));
  return SX_OK;
}

static sx_frame *take_frame(sx_exec *x) {
  sx_lock_take(&x->lock);
  sx_frame *f = x->idle;
  if (f) x->idle = f->next;
  sx_lock_drop(&x->lock);
  return f ? f : new_frame(x);
}

sx_status sx_exec_run(sx_exec *x, const sx_run_ctx *r, const int64_t *symbols, sx_rt_value *const *inputs,
                      sx_rt_value **outputs, sx_err *e) {
  const sx_plan *p = x->plan;
  const sx_graph *g = p->graph;
  uint32_t n_sym = g->model->dims.symbols.n;
  sx_frame *f = take_frame(x);
  if (!f) SX_NO_MEMORY(e);
  if (symbols)
    memcpy(f->symbols, symbols, n_sym * sizeof *symbols);
  else
    for (uint32_t i = 0; i < n_sym; i++) f->symbols[i] = SX_DIM_UNKNOWN;
  sx_bin *around = f->bin ? sx_bin_enter(f->bin) : NULL;
  bool parallel = r->pool && p->width > 1;
  if (parallel) sx_pool_enter(r->pool);
  sx_status s = bind_inputs(p, f, inputs, e);
  for (uint32_t k = 0; k < p->n_segments && s == SX_OK; k++) {
    if (p->segments[k].infer != SX_NONE) s = sx_infer_now(x, f, p->segments[k].infer, e);
    if (s == SX_OK) s = open_segment(x, f, r, k, outputs, e);
    if (s == SX_OK) s = run_steps(x, f, r, k, e);
  }
  if (s == SX_OK) s = finish_outputs(x, f, r, outputs, e);
  if (parallel) sx_pool_leave(r->pool);
  for (uint32_t o = 0; o < g->outputs.n; o++) {
    if (s == SX_OK && !outputs[o])
      outputs[o] = f->out[o];
    else
      sx_rt_unref(f->out[o]);
    f->out[o] = NULL;
  }
  for (uint32_t i = 0; i < p->n_late; i++) {
    sx_rt_unref(f->late[i]);
    f->late[i] = NULL;
  }
  if (f->bin) sx_bin_enter(around);
  sx_lock_take(&x->lock);
  f->next = x->idle;
  x->idle = f;
  sx_lock_drop(&x->lock);
  return s;
}
