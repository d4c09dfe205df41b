// SPDX-License-Identifier: MIT
/* Sessions: from a file or bytes to something that runs. */
#include "run/session.h"

struct sx_session {
  sx_model *model;
  sx_exec *exec;
  struct sx_weights *weights;
  sx_pool *pool;
  uint32_t width;
  uint32_t *fired;
  uint32_t n_passes;
};

const sx_model *sx_session_model(const sx_session *s) { return s->model; }
const sx_exec *sx_session_exec(const sx_session *s) { return s->exec; }
const uint32_t *sx_session_fired(const sx_session *s) { return s->fired; }
size_t sx_session_weight_bytes(const sx_session *s) { return sx_weights_bytes(s->weights); }
size_t sx_session_trim(sx_session *s) { return sx_exec_trim(s->exec); }

void sx_session_destroy(sx_session *s) {
  if (!s) return;
  sx_exec_destroy(s->exec);
  sx_weights_destroy(s->weights);
  sx_model_destroy(s->model);
  sx_free(s->fired, (s->n_passes + 1) * sizeof *s->fired);
  sx_free(s, sizeof *s);
}

/* Own providers first, then control flow, then the CPU. */
enum { MAX_PROVIDERS = 16 };
static sx_status provider_list(const sx_session_options *o, const sx_provider **list, sx_err *e) {
  int n = 0;
  for (; o->providers && o->providers[n]; n++) {
    if (n >= MAX_PROVIDERS - 3) SX_FAIL(e, INVALID_ARGUMENT, "more than %d providers", MAX_PROVIDERS - 3);
    list[n] = o->providers[n];
  }
  list[n++] = &sx_control_provider;
  list[n++] = sx_cpu_provider();
  list[n] = NULL;
  return SX_OK;
}

/* After planning: bytes that the caller may free must not be pointed into, and what was packed or folded away is given back. */
static sx_status settle_tensors(sx_session *s, sx_err *e) {
  const sx_graph *g = s->model->graph;
  for (uint32_t i = 0; i < g->inputs.n; i++) { /* defaults are read by runs that do not give the input */
    const sx_value *v = sx_value_at(g, g->inputs.at[i]);
    if (v->overridable && v->fact.constant) v->fact.constant->pinned = true;
  }
  for (uint32_t i = 0; i < s->model->tensors.n; i++) {
    sx_tensor *t = s->model->tensors.at[i];
    if (t->owner == SX_OWN_CALLER && !t->caller_lives && !t->data && t->pinned) SX_TRY(sx_tensor_own(t, e));
    if (!t->pinned) sx_tensor_drop(t);
  }
  return SX_OK;
}

static sx_status cancelled(const sx_session_options *o, sx_err *e) {
  if (o->cancel && atomic_load(o->cancel)) SX_FAIL(e, MODEL_LOAD_CANCELED, "Session creation canceled by user");
  return SX_OK;
}

/* Fusion asks before it makes a node that only a kernel of ours understands. */
static uint32_t can_run(void *ctx, const sx_graph *g, sx_nid n) {
  const char *reason;
  const sx_kernel *k = sx_plan_choose(g, n, &(sx_plan_options){.providers = ctx}, &reason);
  return !k ? 0 : k->flags & SX_KERNEL_BLOCKED ? SX_RUNS_PLAIN | SX_RUNS_BLOCKED : SX_RUNS_PLAIN;
}

static sx_status finalise(sx_session *s, const sx_session_options *o, sx_err *e) {
  const sx_provider *providers[MAX_PROVIDERS];
  SX_TRY(provider_list(o, providers, e));
  while (sx_passes[s->n_passes].name) s->n_passes++;
  s->fired = sx_calloc(s->n_passes + 1, sizeof *s->fired);
  s->weights = sx_weights_create(o->pool);
  if (!s->fired || !s->weights) SX_NO_MEMORY(e);
  s->pool = o->pool;
  s->width = !o->pool ? 1 : o->width ? o->width : sx_pool_width(o->pool);
  SX_TRY(cancelled(o, e));
  sx_pass_ctx c = {.g = s->model->graph, .level = o->level, .log = o->log, .evaluate = sx_evaluate_node, .can_run = can_run, .can_run_ctx = providers, .channel_block = sx_cpu_provider()->channel_block, .disabled = o->disabled_passes, .fired = s->fired, .e = e};
  SX_TRY(sx_passes_run(&c));
  SX_TRY(cancelled(o, e));
  sx_exec_options x = {.plan = {.providers = providers, .weights = s->weights, .width = s->width, .level = o->level}};
  SX_TRY(sx_exec_create(s->model->graph, &x, &s->exec, e));
  return settle_tensors(s, e);
}

sx_status sx_session_create_model(sx_model *m, const sx_session_options *o, sx_session **out, sx_err *e) {
  sx_session *s = sx_calloc(1, sizeof *s);
  *out = NULL;
  if (!s) {
    sx_model_destroy(m);
    SX_NO_MEMORY(e);
  }
  s->model = m;
  sx_status st = finalise(s, o, e);
  if (st != SX_OK) sx_session_destroy(s);
  else *out = s;
  return st;
}

sx_status sx_session_create_bytes(const void *data, size_t size, const sx_session_options *o, sx_session **out, sx_err *e) {
  sx_model *m;
  *out = NULL;
  SX_TRY(sx_import(data, size, &o->import, &m, e));
  return sx_session_create_model(m, o, out, e);
}

sx_status sx_session_create_file(const char *path, const sx_session_options *o, sx_session **out, sx_err *e) {
  sx_mapping map;
  sx_model *m;
  *out = NULL;
  SX_TRY(sx_map_file(path, &map, e));
  sx_import_options io = o->import;
  io.path = path, io.mapped = true, io.bytes_live = true, io.file = map.id;
  sx_status s = sx_import(map.data, map.size, &io, &m, e);
  if (s != SX_OK) {
    sx_unmap_file(&map);
    sx_err_context(e, "Load model from %s failed", path);
    return s;
  }
  if (!sx_vec_push(&m->mappings, map)) {
    sx_model_destroy(m);
    sx_unmap_file(&map);
    SX_NO_MEMORY(e);
  }
  m->path = sx_arena_strdup(&m->arena, path, strlen(path));
  s = sx_session_create_model(m, o, out, e);
  if (s == SX_OK) sx_mapping_release(&map, 0, map.size); /* what is still read comes back on demand */
  return s;
}

sx_status sx_session_run(sx_session *s, const sx_run_options *o, sx_rt_value *const *inputs, sx_rt_value **outputs, const bool *wanted, sx_err *e) {
  enum { SMALL = 32 };
  static const sx_run_options none = {0};
  if (!o) o = &none;
  sx_run_ctx r = {.pool = s->width > 1 ? s->pool : NULL, .terminate = o->terminate, .profile = o->profile, .output_source = o->output_source, .log = o->log};
  uint32_t n = s->model->graph->outputs.n;
  bool all = true;
  for (uint32_t i = 0; wanted && i < n; i++) all &= wanted[i];
  if (all) return sx_exec_run(s->exec, &r, NULL, inputs, outputs, e);
  sx_rt_value *small[SMALL], **out = n <= SMALL ? small : sx_calloc(n, sizeof *out);
  if (!out) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < n; i++) out[i] = wanted[i] ? outputs[i] : NULL;
  sx_status st = sx_exec_run(s->exec, &r, NULL, inputs, out, e);
  for (uint32_t i = 0; i < n; i++)
    if (wanted[i] && st == SX_OK) outputs[i] = out[i];
    else if (!wanted[i]) sx_rt_unref(out[i]);
  if (out != small) sx_free(out, n * sizeof *out);
  return st;
}

/* A model of one node whose inputs are constants. */
static sx_status one_node(sx_model *m, const sx_graph *g, const sx_node *n, sx_err *e) {
  sx_graph *t = m->graph;
  sx_vid ids[64];
  if (n->n_in + n->n_out > 64) SX_FAIL(e, NOT_IMPLEMENTED, "too many inputs to fold");
  for (uint32_t i = 0; i < n->n_in; i++) {
    ids[i] = SX_NONE;
    if (n->in[i].value == SX_NONE) continue;
    sx_tensor *x = sx_value_const(g, n->in[i].value);
    if (!x) SX_FAIL(e, INVALID_ARGUMENT, "input %u is not constant", i);
    SX_TRY(sx_model_hold(m, sx_tensor_ref(x), e));
    if ((ids[i] = sx_graph_add_const(t, x, (sx_str){"", 0})) == SX_NONE) SX_NO_MEMORY(e);
  }
  sx_vid *out = ids + n->n_in;
  for (uint32_t o = 0; o < n->n_out; o++) {
    out[o] = SX_NONE;
    if (n->out[o] == SX_NONE) continue;
    if ((out[o] = sx_graph_add_value(t, SX_VALUE_NODE, (sx_str){"", 0})) == SX_NONE || !sx_graph_add_output(t, out[o])) SX_NO_MEMORY(e);
  }
  sx_nid id = sx_graph_add_node(t, n->op, ids, n->n_in, out, n->n_out);
  if (id == SX_NONE) SX_NO_MEMORY(e);
  sx_node *x = sx_node_at(t, id);
  x->attrs = n->attrs, x->n_attrs = n->n_attrs;
  x->name = n->name, x->op_type = n->op_type, x->domain = n->domain, x->since_version = n->since_version;
  return sx_infer_node(t, id, e);
}

static sx_status tensor_of(const sx_rt_value *v, sx_tensor **out, sx_err *e) {
  if (!sx_rt_is_tensor(v)) SX_FAIL(e, NOT_IMPLEMENTED, "only tensors are folded");
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
  static const sx_provider *const none[] = {NULL};
  const sx_provider *list[] = {sx_cpu_provider(), none[0]};
  sx_model *m = sx_model_create();
  struct sx_weights *w = sx_weights_create(NULL);
  sx_exec *x = NULL;
  sx_exec_options o = {.plan = {.providers = list, .weights = w, .width = 1}};
  sx_rt_value *values[64] = {0};
  sx_status s = m && w ? one_node(m, g, n, e) : sx_fail(e, SX_E_NO_MEMORY, __FILE__, __LINE__, "out of memory");
  if (s == SX_OK) s = sx_exec_create(m->graph, &o, &x, e);
  if (s == SX_OK) s = sx_exec_run(x, &(sx_run_ctx){0}, NULL, NULL, values, e);
  for (uint32_t k = 0, i = 0; k < n->n_out; k++) {
    out[k] = NULL;
    if (n->out[k] == SX_NONE || !m || i >= m->graph->outputs.n) continue;
    if (s == SX_OK) s = tensor_of(values[i], &out[k], e);
    sx_rt_unref(values[i++]);
  }
  for (uint32_t k = 0; s != SX_OK && k < n->n_out; k++) {
    sx_tensor_unref(out[k]);
    out[k] = NULL;
  }
  sx_exec_destroy(x);
  sx_weights_destroy(w);
  sx_model_destroy(m);
  return s;
}
