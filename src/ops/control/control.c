// SPDX-License-Identifier: MIT
/* If, Loop and Scan: what flows into their bodies and what comes out.
 *
 * A loop state whose shape changes from one iteration to the next gets symbols of its own in the body; they are bound from
 * the actual value at every iteration. A dimension that was born in a body means nothing outside of it: there it is
 * unknown. */
#include "ops/control/scan8.h"
#include "ops/host/types.h"

static sx_graph *body(const sx_infer *c, const char *name) { return sx_attr_graph(c->n, name); }

/* A dimension of the body as seen from outside. */
static sx_dim exported(const sx_infer *c, const sx_graph *b, sx_dim d) {
  uint32_t n = c->dims->symbols.n;
  if (!sx_dim_is_expr(d)) return d;
  uint8_t *used = sx_calloc(n + 1, 1);
  if (!used) return SX_DIM_UNKNOWN;
  sx_dim_symbols(c->dims, d, used);
  for (uint32_t i = b->first_symbol ? b->first_symbol - 1 : 0; i < n; i++)
    if (used[i]) d = SX_DIM_UNKNOWN;
  sx_free(used, n + 1);
  return d;
}

/* Output o takes the body's fact; `front`: one more leading dimension (n < 0: none). */
static sx_status set_output(sx_infer *c, uint32_t o, const sx_graph *b, const sx_fact *f, bool front, sx_dim size) {
  sx_dim d[SX_MAX_RANK + 1];
  int r = 0;
  if (f->kind != SX_KIND_TENSOR) {
    c->out[o] = *f;
    return SX_OK;
  }
  if (f->rank < 0 || f->rank >= SX_MAX_RANK) return sx_infer_set(c, o, f->dtype, -1, NULL);
  if (front) d[r++] = size;
  for (int i = 0; i < f->rank; i++) d[r++] = exported(c, b, f->dims[i]);
  return sx_infer_set(c, o, f->dtype, r, d);
}

static sx_status infer_if(sx_infer *c) {
  const sx_graph *t = body(c, "then_branch"), *e = body(c, "else_branch");
  if (!t || !e) return SX_INFER_FAIL(c, "lacks a branch");
  if (t->outputs.n != c->n->n_out || e->outputs.n != c->n->n_out)
    return SX_INFER_FAIL(c, "the node has %u outputs, then_branch gives %u and else_branch %u", c->n->n_out, t->outputs.n,
                         e->outputs.n);
  if (t->inputs.n || e->inputs.n)
    return SX_INFER_FAIL(c, "then_branch has %u inputs and else_branch %u: branches have none", t->inputs.n, e->inputs.n);
  const sx_dim *cond;
  if (sx_infer_ints(c, 0, &cond) == 1 && sx_dim_is_const(cond[0])) /* only one branch will run */
    *(cond[0] ? &e : &t) = cond[0] ? t : e;
  for (uint32_t o = 0; o < c->n->n_out && (t->broken || e->broken); o++) {
    const sx_graph *good = t->broken ? e : t;
    SX_TRY(set_output(c, o, good, &sx_value_at(good, good->outputs.at[o])->fact, false, 0));
  }
  if (t->broken || e->broken) return SX_OK;
  for (uint32_t o = 0; o < c->n->n_out; o++) {
    const sx_fact *a = &sx_value_at(t, t->outputs.at[o])->fact, *b = &sx_value_at(e, e->outputs.at[o])->fact;
    SX_TRY(set_output(c, o, t, a, false, 0));
    if (a->kind != SX_KIND_TENSOR || b->kind != SX_KIND_TENSOR) {
      if (a->kind == SX_KIND_TENSOR || a->kind == SX_KIND_UNKNOWN) c->out[o] = *b;
      if (a->kind == b->kind)
        SX_TRY(sx_infer_typed(c, o, sx_type_join(c, a->type, b->type)));
      else if (a->kind != SX_KIND_UNKNOWN && b->kind != SX_KIND_UNKNOWN)
        c->out[o] = (sx_fact){.rank = -1};
      continue;
    }
    if (a->dtype && b->dtype && a->dtype != b->dtype)
      return SX_INFER_FAIL(c, "output %u has type %s in then_branch and %s in else_branch", o,
                           sx_dtype_name((sx_dtype)a->dtype), sx_dtype_name((sx_dtype)b->dtype));
    if (a->rank != b->rank || a->rank < 0) {
      SX_TRY(sx_infer_set(c, o, a->dtype, -1, NULL));
      continue;
    }
    sx_dim *d = (sx_dim *)c->out[o].dims;
    for (int i = 0; i < a->rank; i++)
      if (a->dims[i] != b->dims[i]) d[i] = SX_DIM_UNKNOWN;
  }
  return SX_OK;
}
const sx_op sx_op_If = {.name = "If", .flags = SX_OP_CONTROL, .infer = infer_if};

sx_graph *sx_if_branch(const sx_graph *g, const sx_node *n) {
  const sx_value *v = sx_value_at(g, n->in[0].value);
  int64_t x = 0;
  bool known = false;
  if (v->overridable) return NULL;
  if (v->fact.constant && v->fact.constant->count == 1)
    known = sx_tensor_get_i64(v->fact.constant, 0, &x);
  else if (v->fact.n_elems == 1 && sx_dim_is_const(v->fact.elems[0]))
    known = true, x = v->fact.elems[0];
  return known ? sx_attr_graph(n, x ? "then_branch" : "else_branch") : NULL;
}

static void scalar(sx_graph *b, uint32_t i, sx_dtype t) {
  static const sx_dim none[1] = {0};
  sx_fact *f = &sx_value_at(b, b->inputs.at[i])->fact;
  *f = (sx_fact){.kind = SX_KIND_TENSOR, .dtype = (uint8_t)t, .rank = 0, .dims = none};
}

/* Joins fact `from` into the state's fact `to`: a dimension that differs becomes a symbol of the body. *changed when so. */
static sx_status widen(sx_infer *c, sx_fact *to, const sx_fact *from, bool *changed) {
  if (to->kind != SX_KIND_TENSOR && to->kind == from->kind && !sx_type_eq(to->type, from->type)) {
    const sx_type *t = sx_type_join(c, to->type, from->type);
    if (!t) SX_NO_MEMORY(c->e);
    *changed |= !sx_type_eq(t, to->type);
    to->type = t;
  }
  if (to->kind != SX_KIND_TENSOR || from->kind != SX_KIND_TENSOR || to->rank < 0) return SX_OK;
  if (from->rank != to->rank) {
    *changed = true;
    to->rank = -1;
    return SX_OK;
  }
  for (int i = 0; i < to->rank; i++) {
    if (to->dims[i] == from->dims[i]) continue;
    sx_dim *d = sx_arena_copy(c->arena, to->dims, (size_t)to->rank * sizeof *d);
    if (!d) SX_NO_MEMORY(c->e);
    bool own = sx_dim_symbol_of(c->dims, d[i]) >= 0 && exported(c, body(c, "body"), d[i]) == SX_DIM_UNKNOWN;
    if (own) continue; /* a symbol of the body's already: bound anew at every iteration */
    d[i] = sx_dim_fresh(c->dims);
    if (d[i] == SX_DIM_UNKNOWN) SX_NO_MEMORY(c->e);
    to->dims = d;
    *changed = true;
  }
  return SX_OK;
}

/* Loop(M?, cond?, v_initial...): body (iteration, cond, v...) -> (cond, v..., scan...). */
static sx_status bind_loop(sx_infer *c) {
  sx_graph *b = body(c, "body");
  uint32_t states = c->n->n_formal > 2 ? c->n->n_formal - 2 : 0;
  if (!b || b->inputs.n != states + 2 || b->outputs.n < states + 1 || c->n->n_out > b->outputs.n - 1)
    return SX_INFER_FAIL(
        c, "the node has %u states and %u outputs; its body has %u inputs and %u outputs: expected %u and at least %u",
        states, c->n->n_out, b ? b->inputs.n : 0, b ? b->outputs.n : 0, states + 2, c->n->n_out + 1);
  scalar(b, 0, SX_I64);
  scalar(b, 1, SX_BOOL);
  for (uint32_t i = 0; i < states; i++) {
    sx_fact *f = &sx_value_at(b, b->inputs.at[i + 2])->fact, old = *f;
    const sx_fact *init = sx_infer_in(c, i + 2);
    if (!init) return SX_INFER_FAIL(c, "state %u has no initial value", i);
    *f = *init;
    f->constant = NULL, f->elems = NULL, f->n_elems = 0;
    if (f->kind == SX_KIND_TENSOR && !f->dtype) f->dtype = old.dtype;
    if (f->kind != SX_KIND_TENSOR && f->kind == old.kind && !(f->type = sx_type_join(c, f->type, old.type)))
      SX_NO_MEMORY(c->e);
    /* What was widened before stays so. */
    if (old.kind == SX_KIND_TENSOR && old.rank == f->rank && f->rank > 0) {
      sx_dim *d = sx_arena_copy(c->arena, f->dims, (size_t)f->rank * sizeof *d);
      if (!d) SX_NO_MEMORY(c->e);
      for (int k = 0; k < f->rank; k++)
        if (sx_dim_symbol_of(c->dims, old.dims[k]) >= 0 && old.dims[k] != d[k] &&
            exported(c, b, old.dims[k]) == SX_DIM_UNKNOWN)
          d[k] = old.dims[k];
      f->dims = d;
    }
  }
  return SX_OK;
}

static sx_status infer_loop(sx_infer *c) {
  sx_graph *b = body(c, "body");
  uint32_t states = c->n->n_formal > 2 ? c->n->n_formal - 2 : 0;
  for (int round = 0; round < SX_MAX_RANK; round++) {
    bool changed = false;
    for (uint32_t i = 0; i < states; i++)
      SX_TRY(widen(c, &sx_value_at(b, b->inputs.at[i + 2])->fact, &sx_value_at(b, b->outputs.at[i + 1])->fact, &changed));
    if (!changed) break;
    SX_TRY(sx_infer_graph(b, c->e));
  }
  for (uint32_t o = 0; o < c->n->n_out; o++) {
    if (o < states)
      SX_TRY(set_output(c, o, b, &sx_value_at(b, b->inputs.at[o + 2])->fact, false, 0));
    else
      SX_TRY(set_output(c, o, b, &sx_value_at(b, b->outputs.at[o + 1])->fact, true, SX_DIM_UNKNOWN));
  }
  return SX_OK;
}
const sx_op sx_op_Loop = {.name = "Loop", .flags = SX_OP_CONTROL, .bind = bind_loop, .infer = infer_loop};

/* Scan(states..., scanned...): body (states..., slices...) -> (states..., slices...). */
static sx_status scan_axis(sx_infer *c, const char *attr, uint32_t i, int rank, int *axis) {
  const int64_t *v;
  uint32_t n = sx_attr_ints(c->n, attr, &v);
  *axis = 0;
  return i < n ? sx_infer_axis(c, v[i], rank, axis) : SX_OK;
}
static sx_status bind_scan(sx_infer *c) {
  sx_graph *b = body(c, "body");
  int64_t scans = sx_attr_int(c->n, "num_scan_inputs", 0), states = scans < 1 ? -1 : (int64_t)c->n->n_formal - scans;
  if (!b || states < 0 || b->inputs.n != c->n->n_formal || b->outputs.n != c->n->n_out || (int64_t)b->outputs.n < states)
    return SX_INFER_FAIL(c, "%u inputs with num_scan_inputs %lld do not fit a body of %u inputs and %u outputs",
                         c->n->n_formal, (long long)scans, b ? b->inputs.n : 0, b ? b->outputs.n : 0);
  static const char *const lists[] = {"scan_input_axes", "scan_input_directions", "scan_output_axes",
                                      "scan_output_directions"};
  for (int i = 0; i < 4; i++) {
    const int64_t *v, want = i < 2 ? scans : (int64_t)b->outputs.n - states, n = sx_attr_ints(c->n, lists[i], &v);
    if (n && n != want)
      return SX_INFER_FAIL(c, "attribute '%s' has %lld entries, expected %lld", lists[i], (long long)n, (long long)want);
  }
  for (uint32_t i = 0; i < c->n->n_formal; i++) {
    sx_fact *f = &sx_value_at(b, b->inputs.at[i])->fact;
    const sx_fact *x = sx_infer_in(c, i);
    if (!x) return SX_INFER_FAIL(c, "input %u is absent", i);
    *f = *x;
    f->constant = NULL, f->elems = NULL, f->n_elems = 0;
    if (i < states || x->rank < 1) continue;
    int axis, r = 0;
    SX_TRY(scan_axis(c, "scan_input_axes", i - (uint32_t)states, x->rank, &axis));
    sx_dim *d = SX_NEW_N(c->arena, sx_dim, (size_t)x->rank);
    if (!d) SX_NO_MEMORY(c->e);
    for (int k = 0; k < x->rank; k++)
      if (k != axis) d[r++] = x->dims[k];
    f->dims = d, f->rank = (int8_t)r;
  }
  return SX_OK;
}
static sx_status infer_scan(sx_infer *c) {
  sx_graph *b = body(c, "body");
  uint32_t states = c->n->n_formal - (uint32_t)sx_attr_int(c->n, "num_scan_inputs", 0);
  const sx_fact *first = sx_infer_in(c, states);
  sx_dim steps = SX_DIM_UNKNOWN;
  int axis;
  if (first->rank > 0) {
    SX_TRY(scan_axis(c, "scan_input_axes", 0, first->rank, &axis));
    steps = first->dims[axis];
  }
  for (int round = 0; round < SX_MAX_RANK; round++) {
    bool changed = false;
    for (uint32_t i = 0; i < states; i++)
      SX_TRY(widen(c, &sx_value_at(b, b->inputs.at[i])->fact, &sx_value_at(b, b->outputs.at[i])->fact, &changed));
    if (!changed) break;
    SX_TRY(sx_infer_graph(b, c->e));
  }
  for (uint32_t o = 0; o < c->n->n_out; o++) {
    const sx_fact *f = &sx_value_at(b, o < states ? b->inputs.at[o] : b->outputs.at[o])->fact;
    SX_TRY(set_output(c, o, b, f, o >= states, steps));
    if (o < states || f->rank < 0) continue;
    SX_TRY(scan_axis(c, "scan_output_axes", o - states, f->rank + 1, &axis));
    sx_dim *d = (sx_dim *)c->out[o].dims;
    for (int k = 0; k < axis; k++) d[k] = d[k + 1];
    d[axis] = steps;
  }
  return SX_OK;
}
const sx_op sx_op_Scan = {
    .name = "Scan", .flags = SX_OP_CONTROL, .bind = bind_scan, .infer = infer_scan, .upgrades = {{9, sx_scan_batch}}};
