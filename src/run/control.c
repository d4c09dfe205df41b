// SPDX-License-Identifier: MIT
/* Running If, Loop, Scan and SequenceMap: bodies are executors of their own; values pass between iterations by reference.
 */
#include "run/control.h"

enum { SMALL = 24 };
/* Value lists of an iteration: on the stack when short. */
typedef struct list {
  sx_rt_value **at, *small[SMALL];
  uint32_t n;
} list;
static bool list_init(list *l, uint32_t n) {
  l->n = n;
  l->at = n <= SMALL ? l->small : sx_calloc(n, sizeof *l->at);
  for (uint32_t i = 0; l->at && i < n; i++) l->at[i] = NULL;
  return l->at != NULL;
}
static void list_free(list *l) {
  for (uint32_t i = 0; l->at && i < l->n; i++) sx_rt_unref(l->at[i]);
  if (l->at && l->at != l->small) sx_free(l->at, l->n * sizeof *l->at);
}

/* A single element of input i where the host reads it; *out NULL: the input is left out. */
static sx_status read_one(const sx_call *c, const sx_control_host *h, uint32_t i, const char *what, int64_t *out) {
  const sx_view *v = i < c->late->n_in ? &c->late->in[i] : NULL;
  sx_rt_value *away, *here;
  if (!v || !v->dtype || !c->in[i]) return SX_OK;
  if (v->count != 1) SX_FAIL(c->e, FAIL, "%s has %lld elements, expected one", what, (long long)v->count);
  if (!h) {
    *out = v->dtype == SX_BOOL ? *(const uint8_t *)v->constant : *(const int64_t *)v->constant;
    return SX_OK;
  }
  SX_TRY(sx_late_take(c, i, &away));
  sx_status s = h->to_host(h->ctx, away, &here, c->e);
  sx_rt_unref(away);
  SX_TRY(s);
  *out = v->dtype == SX_BOOL ? *(const uint8_t *)here->data : *(const int64_t *)here->data;
  sx_rt_unref(here);
  return SX_OK;
}

static sx_status run_if(const sx_call *c, const sx_control_host *h) {
  list out;
  int64_t go = 0;
  SX_TRY(read_one(c, h, 0, "the condition", &go));
  if (!list_init(&out, c->late->n_out)) SX_NO_MEMORY(c->e);
  sx_status s = sx_late_run_body(c, go ? "then_branch" : "else_branch", NULL, out.at);
  for (uint32_t o = 0; o < out.n && s == SX_OK; o++) {
    s = c->late->set_value(c->late, o, out.at[o], c->e);
    out.at[o] = NULL;
  }
  list_free(&out);
  return s;
}

/* Slices of one scan output, stacked when the loop has ended. */
typedef struct stack {
  SX_VEC(sx_rt_value *) at;
} stack;
static void stack_free(stack *s) {
  for (uint32_t i = 0; i < s->at.n; i++) sx_rt_unref(s->at.at[i]);
  sx_vec_free(&s->at);
}

/* outer x n x inner: slice k of the stacked axis, copied in or out. */
static void copy_slice(char *whole, char *slice, size_t elem, int64_t outer, int64_t n, int64_t inner, int64_t k,
                       bool into_whole) {
  size_t row = (size_t)inner * elem;
  for (int64_t o = 0; o < outer; o++) {
    char *w = whole + (size_t)(o * n + k) * row, *s = slice + (size_t)o * row;
    if (row) memcpy(into_whole ? w : s, into_whole ? s : w, row);
  }
}

static sx_status stack_output(const sx_call *c, const sx_control_host *h, uint32_t o, const stack *s,
                              const sx_fact *body_fact, int axis, bool reverse, bool in_loop) {
  int64_t dims[SX_MAX_RANK + 1];
  const sx_rt_value *first = s->at.n ? s->at.at[0] : NULL;
  int rank = first ? (int)first->rank : body_fact->rank;
  sx_dtype t = first ? (sx_dtype)first->type.dtype : (sx_dtype)body_fact->dtype;
  if (rank < 0) rank = 0; /* no iteration, and nothing known of what one would have given */
  if (rank >= SX_MAX_RANK)
    SX_FAIL(c->e, INVALID_ARGUMENT, "output %u would have rank %d, at most %d are supported", o, rank + 1, SX_MAX_RANK);
  if (axis < 0 || axis > rank)
    SX_FAIL(c->e, INVALID_ARGUMENT, "output %u of the body has rank %d: it cannot be stacked along axis %d", o, rank, axis);
  for (int i = 0, k = 0; i <= rank; i++) {
    if (i == axis)
      dims[i] = s->at.n;
    else
      dims[i] = first ? first->dims[k] : sx_dim_is_const(body_fact->dims[k]) ? body_fact->dims[k] : 0, k++;
  }
  for (uint32_t i = 1; i < s->at.n; i++) {
    bool same = s->at.at[i]->rank == first->rank && s->at.at[i]->type.dtype == first->type.dtype;
    for (uint32_t k = 0; same && k < first->rank; k++) same = s->at.at[i]->dims[k] == first->dims[k];
    if (!same)
      SX_FAIL(c->e, INVALID_ARGUMENT,
              "output %u of the body changes its shape or type at iteration %u: the results cannot be stacked", o, i);
  }
  if (h && (first ? sx_away(first) : h->makes(h->ctx, o)))
    return sx_hosted_stack(c, h, o, s->at.at, s->at.n, t, dims, rank + 1, axis, reverse, in_loop);
  char *data = sx_late_output(c, o, t, rank + 1, dims);
  if (!data) return c->e && c->e->code ? c->e->code : SX_OK;
  int64_t outer = sx_dims_count(dims, 0, axis), inner = sx_dims_count(dims, axis + 1, rank + 1);
  size_t elem = sx_dtype_bits(t) / 8;
  if (elem == 0) SX_FAIL(c->e, NOT_IMPLEMENTED, "stacking elements of type %s", sx_dtype_name(t));
  double spent = 0;
  for (uint32_t i = 0; i < s->at.n && !sx_stop_spent(&spent, 20 + (double)outer * (4 + (double)inner)); i++)
    copy_slice(data, s->at.at[i]->data, elem, outer, s->at.n, inner, reverse ? s->at.n - 1 - i : i, true);
  return t == SX_STRING ? sx_late_own_strings(c, o) : SX_OK;
}

typedef struct loop {
  uint32_t states, scans;
  list in, out;
  stack *stacks;
} loop;

static sx_status loop_iterate(const sx_call *c, loop *l, int64_t trips, bool go) {
  for (int64_t i = 0; i < trips && go; i++) {
    *(int64_t *)l->in.at[0]->data = i;
    *(uint8_t *)l->in.at[1]->data = 1;
    SX_TRY(sx_late_run_body(c, "body", l->in.at, l->out.at));
    if (!sx_rt_is_tensor(l->out.at[0]) || l->out.at[0]->count != 1)
      SX_FAIL(c->e, INVALID_ARGUMENT, "the body's condition is no single value");
    go = *(const uint8_t *)l->out.at[0]->data != 0;
    sx_rt_unref(l->out.at[0]);
    l->out.at[0] = NULL;
    for (uint32_t k = 0; k < l->states; k++) {
      sx_rt_unref(l->in.at[k + 2]);
      l->in.at[k + 2] = l->out.at[k + 1];
      l->out.at[k + 1] = NULL;
    }
    for (uint32_t k = 0; k < l->scans; k++) {
      sx_rt_value *v = l->out.at[1 + l->states + k];
      if (!sx_rt_is_tensor(v)) SX_FAIL(c->e, INVALID_ARGUMENT, "scan output %u of the body is no tensor", k);
      if (!sx_vec_push(&l->stacks[k].at, v)) SX_NO_MEMORY(c->e);
      l->out.at[1 + l->states + k] = NULL;
    }
  }
  return SX_OK;
}

/* Does v lie in one of the node's first n inputs? */
static bool came_in(const sx_call *c, uint32_t n, const sx_rt_value *v) {
  bool is = false;
  for (uint32_t k = 0; k < n && sx_rt_is_tensor(v) && v->data; k++) {
    const sx_view *w = &c->late->in[k];
    const char *p = c->in[k], *at = v->data;
    is |= p && (at == p || (at > p && at < p + (size_t)w->count * (sx_dtype_bits((sx_dtype)w->dtype) / 8)));
  }
  return is;
}
/* A state as it came in is only borrowed: the node's output is a copy of it. */
static sx_status own_state(const sx_call *c, const sx_control_host *h, sx_rt_value *v, bool untouched, sx_rt_value **own) {
  if (sx_rt_is_tensor(v) && untouched)
    return h && sx_away(v) ? sx_hosted_clone(h, v, own, c->e) : sx_rt_tensor_clone(v, NULL, own, c->e);
  *own = sx_rt_ref(v);
  return SX_OK;
}

static sx_status run_loop(const sx_call *c, const sx_control_host *h) {
  const sx_node *n = sx_late_node(c);
  const sx_graph *b = sx_attr_graph(n, "body");
  loop l = {.states = n->n_formal > 2 ? n->n_formal - 2 : 0};
  l.scans = b->outputs.n - 1 - l.states;
  int64_t trips = INT64_MAX, go = 1;
  SX_TRY(read_one(c, h, 0, "the trip count", &trips));
  SX_TRY(read_one(c, h, 1, "the condition", &go));
  bool ok = list_init(&l.in, l.states + 2);
  ok = list_init(&l.out, b->outputs.n) && ok;
  l.stacks = sx_calloc(l.scans + 1, sizeof *l.stacks);
  sx_status s = ok && l.stacks ? SX_OK : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = sx_rt_tensor_create(SX_I64, 0, NULL, NULL, &l.in.at[0], c->e);
  if (s == SX_OK) s = sx_rt_tensor_create(SX_BOOL, 0, NULL, NULL, &l.in.at[1], c->e);
  for (uint32_t i = 0; i < l.states && s == SX_OK; i++) s = sx_late_take(c, i + 2, &l.in.at[i + 2]);
  if (s == SX_OK) s = loop_iterate(c, &l, trips, go != 0);
  for (uint32_t i = 0; i < l.states && s == SX_OK && i < n->n_out; i++) {
    sx_rt_value *v = l.in.at[i + 2], *own = NULL;
    s = own_state(c, h, v, came_in(c, n->n_formal, v), &own);
    if (s == SX_OK) s = c->late->set_value(c->late, i, own, c->e);
  }
  for (uint32_t k = 0; k < l.scans && s == SX_OK && l.states + k < n->n_out; k++)
    s = stack_output(c, h, l.states + k, &l.stacks[k], &sx_value_at(b, b->outputs.at[1 + l.states + k])->fact, 0, false, true);
  for (uint32_t k = 0; l.stacks && k < l.scans; k++) stack_free(&l.stacks[k]);
  sx_free(l.stacks, (l.scans + 1) * sizeof *l.stacks);
  list_free(&l.in);
  list_free(&l.out);
  return s;
}

static int64_t attr_at(const sx_node *n, const char *name, uint32_t i) {
  const int64_t *v;
  return i < sx_attr_ints(n, name, &v) ? v[i] : 0;
}

/* Slice k of scanned input i: the axis goes. */
static sx_status scan_slice(const sx_call *c, const sx_node *n, uint32_t states, uint32_t i, int64_t k,
                            sx_rt_value *away, sx_rt_value **out) {
  const sx_view *v = &c->late->in[states + i];
  int64_t axis = attr_at(n, "scan_input_axes", i), dims[SX_MAX_RANK];
  if (away) return sx_hosted_row(away, attr_at(n, "scan_input_directions", i) ? away->dims[0] - 1 - k : k, out, c->e);
  if (axis < 0) axis += v->rank;
  int r = 0;
  for (int d = 0; d < v->rank; d++)
    if (d != axis) dims[r++] = v->dims[d];
  if (attr_at(n, "scan_input_directions", i)) k = v->dims[axis] - 1 - k;
  size_t elem = sx_dtype_bits((sx_dtype)v->dtype) / 8;
  if (!elem) SX_FAIL(c->e, NOT_IMPLEMENTED, "scanning elements of type %s", sx_dtype_name((sx_dtype)v->dtype));
  int64_t outer = sx_dims_count(v->dims, 0, (int)axis), inner = sx_dims_count(v->dims, (int)axis + 1, v->rank);
  if (outer == 1)
    return sx_rt_tensor_wrap((sx_dtype)v->dtype, (uint32_t)r, dims, (char *)v->constant + (size_t)(k * inner) * elem,
                             (size_t)inner * elem, &sx_memory_cpu, NULL, NULL, out, c->e);
  SX_TRY(sx_rt_tensor_create((sx_dtype)v->dtype, (uint32_t)r, dims, NULL, out, c->e));
  copy_slice((char *)v->constant, (*out)->data, elem, outer, v->dims[axis], inner, k, false);
  return SX_OK;
}

static sx_status scan_steps(const sx_call *c, const sx_node *n, uint32_t states, uint32_t scans, int64_t *steps) {
  for (uint32_t i = 0; i < scans; i++) {
    const sx_view *v = &c->late->in[states + i];
    int64_t axis = attr_at(n, "scan_input_axes", i);
    if (axis < 0) axis += v->rank;
    if (v->rank < 1 || axis < 0 || axis >= v->rank)
      SX_FAIL(c->e, FAIL, "scanned input %u has rank %d, axis %lld", i, v->rank, (long long)axis);
    if (i && v->dims[axis] != *steps)
      SX_FAIL(c->e, FAIL, "scanned inputs have different lengths: %lld and %lld", (long long)*steps,
              (long long)v->dims[axis]);
    *steps = v->dims[axis];
  }
  return SX_OK;
}

static sx_status scan_iterate(const sx_call *c, const sx_node *n, loop *l, uint32_t scans_in, int64_t steps,
                              sx_rt_value *const *away) {
  for (int64_t k = 0; k < steps; k++) {
    for (uint32_t i = 0; i < scans_in; i++) {
      sx_rt_unref(l->in.at[l->states + i]);
      l->in.at[l->states + i] = NULL;
      SX_TRY(scan_slice(c, n, l->states, i, k, away[i], &l->in.at[l->states + i]));
    }
    SX_TRY(sx_late_run_body(c, "body", l->in.at, l->out.at));
    for (uint32_t i = 0; i < l->states; i++) {
      sx_rt_unref(l->in.at[i]);
      l->in.at[i] = l->out.at[i];
      l->out.at[i] = NULL;
    }
    for (uint32_t i = 0; i < l->scans; i++) {
      if (!sx_rt_is_tensor(l->out.at[l->states + i]))
        SX_FAIL(c->e, INVALID_ARGUMENT, "scan output %u of the body is no tensor", i);
      if (!sx_vec_push(&l->stacks[i].at, l->out.at[l->states + i])) SX_NO_MEMORY(c->e);
      l->out.at[l->states + i] = NULL;
    }
  }
  return SX_OK;
}

static sx_status run_scan(const sx_call *c, const sx_control_host *h) {
  const sx_node *n = sx_late_node(c);
  const sx_graph *b = sx_attr_graph(n, "body");
  uint32_t scans_in = (uint32_t)sx_attr_int(n, "num_scan_inputs", 0);
  loop l = {.states = n->n_formal - scans_in};
  l.scans = b->outputs.n - l.states;
  int64_t steps = 0;
  SX_TRY(scan_steps(c, n, l.states, scans_in, &steps));
  bool ok = list_init(&l.in, n->n_formal);
  ok = list_init(&l.out, b->outputs.n) && ok;
  list away; /* scanned inputs that do not lie with the host */
  ok = list_init(&away, scans_in) && ok;
  l.stacks = sx_calloc(l.scans + 1, sizeof *l.stacks);
  sx_status s = ok && l.stacks ? SX_OK : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (uint32_t i = 0; i < l.states && s == SX_OK; i++) s = sx_late_take(c, i, &l.in.at[i]);
  for (uint32_t i = 0; i < scans_in && s == SX_OK; i++) {
    int64_t axis = attr_at(n, "scan_input_axes", i);
    s = sx_hosted_front(c, h, l.states + i, (int)(axis < 0 ? axis + c->late->in[l.states + i].rank : axis), &away.at[i]);
  }
  if (s == SX_OK) s = scan_iterate(c, n, &l, scans_in, steps, away.at);
  for (uint32_t i = 0; i < l.states && s == SX_OK; i++) {
    sx_rt_value *own = NULL;
    s = own_state(c, h, l.in.at[i], !steps || came_in(c, n->n_formal, l.in.at[i]), &own);
    if (s == SX_OK) s = c->late->set_value(c->late, i, own, c->e);
  }
  for (uint32_t k = 0; k < l.scans && s == SX_OK; k++) {
    const sx_fact *f = &sx_value_at(b, b->outputs.at[l.states + k])->fact;
    int64_t axis = attr_at(n, "scan_output_axes", k);
    int rank = l.stacks[k].at.n ? (int)l.stacks[k].at.at[0]->rank : f->rank;
    s = stack_output(c, h, l.states + k, &l.stacks[k], f, (int)(axis < 0 ? axis + rank + 1 : axis),
                     attr_at(n, "scan_output_directions", k) != 0, false);
  }
  for (uint32_t k = 0; l.stacks && k < l.scans; k++) stack_free(&l.stacks[k]);
  sx_free(l.stacks, (l.scans + 1) * sizeof *l.stacks);
  list_free(&away);
  list_free(&l.in);
  list_free(&l.out);
  return s;
}

/* SequenceMap: the body on the k-th elements of all sequences, its results appended to new ones. */
static sx_status map_iterate(const sx_call *c, list *in, list *out, sx_rt_value **results, uint32_t length) {
  for (uint32_t k = 0; k < length; k++) {
    for (uint32_t i = 0; i < in->n; i++) {
      sx_rt_value *v = c->late->value(c->late, i);
      sx_rt_unref(in->at[i]);
      in->at[i] = NULL;
      if (v && v->type.kind == SX_RT_SEQUENCE)
        in->at[i] = sx_rt_ref(v->u.items.at[k]);
      else
        SX_TRY(sx_late_take(c, i, &in->at[i]));
    }
    SX_TRY(sx_late_run_body(c, "body", in->at, out->at));
    for (uint32_t o = 0; o < out->n; o++) {
      sx_rt_value *own = NULL;
      if (!sx_rt_is_tensor(out->at[o])) SX_FAIL(c->e, INVALID_ARGUMENT, "output %u of the body is no tensor", o);
      if (sx_rt_is_borrowed(out->at[o]))
        SX_TRY(sx_rt_tensor_clone(out->at[o], NULL, &own, c->e));
      else
        own = sx_rt_ref(out->at[o]);
      results[o]->type.dtype = own->type.dtype;
      sx_status s = sx_rt_sequence_insert(results[o], k, own, c->e);
      sx_rt_unref(own);
      SX_TRY(s);
      sx_rt_unref(out->at[o]);
      out->at[o] = NULL;
    }
  }
  return SX_OK;
}
static sx_status run_map(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_node *n = sx_late_node(c);
  const sx_graph *b = sx_attr_graph(n, "body");
  const sx_rt_value *first = c->late->value(c->late, 0);
  if (!first || first->type.kind != SX_RT_SEQUENCE) SX_FAIL(c->e, INVALID_ARGUMENT, "input 0 is no sequence");
  for (uint32_t i = 1; i < n->n_formal; i++) {
    const sx_rt_value *v = c->late->value(c->late, i);
    if (v && v->type.kind == SX_RT_SEQUENCE && v->u.items.n != first->u.items.n)
      SX_FAIL(c->e, INVALID_ARGUMENT, "input 0 has %u elements, input %u has %u: sequences must have the same length",
              first->u.items.n, i, v->u.items.n);
  }
  list in, out, results;
  bool ok = list_init(&in, n->n_formal);
  ok = list_init(&out, n->n_out) && ok;
  ok = list_init(&results, n->n_out) && ok;
  sx_status s = ok ? SX_OK : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (uint32_t o = 0; o < n->n_out && s == SX_OK; o++)
    s = sx_rt_sequence_create(
        (sx_rt_type){.kind = SX_RT_SEQUENCE, .elem = SX_RT_TENSOR, .dtype = sx_value_at(b, b->outputs.at[o])->fact.dtype},
        &results.at[o], c->e);
  if (s == SX_OK) s = map_iterate(c, &in, &out, results.at, first->u.items.n);
  for (uint32_t o = 0; o < n->n_out && s == SX_OK; o++) {
    s = c->late->set_value(c->late, o, results.at[o], c->e);
    results.at[o] = NULL;
  }
  list_free(&in);
  list_free(&out);
  list_free(&results);
  return s;
}

sx_status sx_control_run(const sx_call *c, const sx_control_host *h) {
  const sx_op *op = sx_late_node(c)->op;
  return op == &sx_op_If ? run_if(c, h) : op == &sx_op_Loop ? run_loop(c, h) : run_scan(c, h);
}
static sx_status run_here(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  return sx_control_run(c, NULL);
}
static sx_status prepare_here(sx_prep *p) { return sx_prep_phase(p, run_here, 1, 0, 0); }
static const sx_kernel kernel_if = {.op = &sx_op_If, .name = "if", .flags = SX_KERNEL_LATE, .prepare = prepare_here};
static const sx_kernel kernel_loop = {.op = &sx_op_Loop, .name = "loop", .flags = SX_KERNEL_LATE, .prepare = prepare_here};
static const sx_kernel kernel_scan = {.op = &sx_op_Scan, .name = "scan", .flags = SX_KERNEL_LATE, .prepare = prepare_here};
static sx_status prepare_map(sx_prep *p) { return sx_prep_phase(p, run_map, 1, 0, 0); }
static const sx_kernel kernel_map = {
    .op = &sx_op_SequenceMap, .name = "sequence_map", .flags = SX_KERNEL_LATE, .prepare = prepare_map};
static const sx_kernel *const kernels[] = {&kernel_if, &kernel_loop, &kernel_scan, &kernel_map, NULL};
const sx_provider sx_control_provider = {"CPUExecutionProvider", kernels, 0};
