// SPDX-License-Identifier: MIT
/* One node by itself: a model of it is made with its inputs as constants, planned and run. Folding computes so, and nodes
 * whose ranks only the run tells. */
#include "run/exec.h"
#include "run/session.h"

enum { MOST = 64 }; /* inputs and outputs */

/* in[i] NULL: absent. The model takes references. */
static sx_status one_node(sx_model *m, const sx_node *n, sx_tensor *const *in, sx_err *e) {
  sx_graph *t = m->graph;
  sx_vid ids[MOST];
  for (uint32_t i = 0; i < n->n_in; i++) {
    ids[i] = SX_NONE;
    if (!in[i]) continue;
    SX_TRY(sx_model_hold(m, sx_tensor_ref(in[i]), e));
    if ((ids[i] = sx_graph_add_const(t, in[i], (sx_str){"", 0})) == SX_NONE) SX_NO_MEMORY(e);
  }
  sx_vid *out = ids + n->n_in;
  for (uint32_t o = 0; o < n->n_out; o++) {
    out[o] = SX_NONE;
    if (n->out[o] == SX_NONE) continue;
    if ((out[o] = sx_graph_add_value(t, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE || !sx_graph_add_output(t, out[o]))
      SX_NO_MEMORY(e);
  }
  sx_nid id = sx_graph_add_node(t, n->op, ids, n->n_in, out, n->n_out);
  if (id == SX_NONE) SX_NO_MEMORY(e);
  sx_node *x = sx_node_at(t, id);
  x->attrs = n->attrs, x->n_attrs = n->n_attrs;
  x->name = n->name, x->op_type = n->op_type, x->domain = n->domain, x->since_version = n->since_version;
  /* One that stayed as it was written, because an upgrade wants to know ranks: now they are known. */
  return n->op ? sx_infer_node(t, id, e) : sx_canonicalise(m, &(sx_import_options){0}, e);
}

/* values[k] are the wanted outputs in order; on failure all are NULL. */
static sx_status run_one(const sx_node *n, sx_tensor *const *in, sx_rt_value **values, sx_err *e) {
  const sx_provider *list[SX_OWN_PROVIDERS + 1];
  sx_own_providers(list);
  sx_model *m = sx_model_create();
  struct sx_weights *w = sx_weights_create(NULL);
  sx_exec *x = NULL;
  sx_exec_options o = {.plan = {.providers = list, .weights = w, .width = 1}};
  sx_status s = m && w ? one_node(m, n, in, e) : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = sx_exec_create(m->graph, &o, &x, e);
  if (s == SX_OK) s = sx_exec_run(x, &(sx_run_ctx){0}, NULL, NULL, values, e);
  sx_exec_destroy(x);
  sx_weights_destroy(w);
  sx_model_destroy(m);
  return s;
}

static sx_status tensor_of(const sx_rt_value *v, sx_tensor **out, sx_err *e) {
  if (!sx_rt_is_tensor(v)) SX_FAIL(e, NOT_IMPLEMENTED, "a value that is no tensor, where only tensors are evaluated");
  SX_TRY(sx_tensor_create((sx_dtype)v->type.dtype, (int32_t)v->rank, v->dims, out, e));
  if (v->bytes) memcpy((*out)->data, v->data, v->bytes);
  if (v->type.dtype != SX_STRING) return SX_OK;
  (*out)->owner = SX_OWN_CALLER;
  sx_status s = sx_tensor_own(*out, e);
  if (s != SX_OK) sx_tensor_unref(*out);
  return s;
}

sx_status sx_evaluate_node(void *ctx, const sx_graph *g, sx_nid id, sx_tensor **out, sx_err *e) {
  (void)ctx;
  const sx_node *n = sx_node_at(g, id);
  sx_tensor *in[MOST];
  sx_rt_value *values[MOST] = {0};
  if (n->n_in + n->n_out > MOST) SX_FAIL(e, NOT_IMPLEMENTED, "too many inputs to fold");
  for (uint32_t i = 0; i < n->n_in; i++) {
    in[i] = n->in[i].value == SX_NONE ? NULL : sx_value_const(g, n->in[i].value);
    if (!in[i] && n->in[i].value != SX_NONE) SX_FAIL(e, INVALID_ARGUMENT, "input %u is not constant", i);
  }
  sx_status s = run_one(n, in, values, e);
  for (uint32_t k = 0, i = 0; k < n->n_out; k++) {
    out[k] = NULL;
    if (n->out[k] == SX_NONE) continue;
    if (s == SX_OK) s = tensor_of(values[i], &out[k], e);
    sx_rt_unref(values[i++]);
  }
  for (uint32_t k = 0; s != SX_OK && k < n->n_out; k++) {
    sx_tensor_unref(out[k]);
    out[k] = NULL;
  }
  return s;
}

/* Numbers are read where they lie, text is copied. */
static sx_status borrow(const sx_rt_value *v, sx_tensor **out, sx_err *e) {
  if (!sx_rt_is_tensor(v) || v->type.dtype == SX_STRING) return tensor_of(v, out, e);
  SX_TRY(sx_tensor_wrap((sx_dtype)v->type.dtype, (int32_t)v->rank, v->dims, v->data, SX_OWN_CALLER, out, e));
  (*out)->caller_lives = true;
  return SX_OK;
}

static sx_status run_dynamic(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_late_ctx *l = sx_late_of(c);
  const sx_plan *p = sx_exec_plan(l->x);
  const sx_node *n = sx_node_at(p->graph, p->steps[l->step].node);
  sx_tensor *in[MOST] = {0};
  sx_rt_value *held[MOST] = {0}, *values[MOST] = {0};
  if (n->n_in + n->n_out > MOST)
    SX_FAIL(c->e, NOT_IMPLEMENTED, "more than %d inputs and outputs, and a rank that only the run tells", MOST);
  sx_status s = SX_OK;
  for (uint32_t i = 0; i < n->n_in && s == SX_OK; i++) {
    if (sx_node_in(n, i) == SX_NONE) continue;
    s = sx_late_take(c, i, &held[i]);
    if (s == SX_OK) s = borrow(held[i], &in[i], c->e);
  }
  if (s == SX_OK) s = run_one(n, in, values, c->e);
  for (uint32_t k = 0, i = 0; k < n->n_out; k++) {
    if (n->out[k] == SX_NONE) continue;
    if (s == SX_OK)
      s = c->late->set_value(c->late, k, values[i], c->e);
    else
      sx_rt_unref(values[i]);
    i++;
  }
  for (uint32_t i = 0; i < n->n_in; i++) {
    sx_tensor_unref(in[i]);
    sx_rt_unref(held[i]);
  }
  return s;
}

static sx_status prepare_dynamic(sx_prep *p) {
  p->n_phases = 1;
  p->phases[0] = (sx_phase){.run = run_dynamic, .units = 1, .unit_ns = 10000};
  return SX_OK;
}
const sx_kernel sx_dynamic_kernel = {.name = "dynamic", .flags = SX_KERNEL_LATE, .prepare = prepare_dynamic};
