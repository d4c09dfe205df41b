// SPDX-License-Identifier: MIT
/* Reports about sessions and models: how a model runs and why, what is wrong with it, where the bytes are. Each report is
 * written once, as a walk over facts; the two forms, text and JSON, differ in how a fact is put. */
#include <inttypes.h>
#include "abi/explain.h"
#include "abi/plugin/host.h"
#include "run/exec.h"

static void put_dims(const sx_model *m, const sx_fact *f, sx_text *t) {
  if (f->kind != SX_KIND_TENSOR || f->rank < 0) {
    sx_text_add(t, "[?]");
    return;
  }
  sx_text_add(t, "[");
  for (int i = 0; i < f->rank; i++) {
    if (i) sx_text_add(t, ",");
    if (f->dims[i] == SX_DIM_UNKNOWN)
      sx_text_add(t, "?");
    else
      sx_dim_print(&m->dims, f->dims[i], t);
  }
  sx_text_add(t, "]");
}

static void put_json(sx_text *t, const char *key, sx_str value) {
  sx_text_add(t, "\"%s\":", key);
  sx_text_json(t, value);
}

/* Kernels that were asked before the one that has the node, and why they refused. */
typedef struct refusals {
  sx_text *t;
  bool json;
  int n;
} refusals;

static void refused(void *ctx, const sx_graph *g, sx_nid n, const sx_kernel *k, const char *reason) {
  refusals *r = ctx;
  if (r->json) {
    sx_text_add(r->t, "%s{", r->n ? "," : "");
    put_json(r->t, "kernel", sx_str_c(k->name));
    sx_text_add(r->t, ",");
    put_json(r->t, "reason", sx_str_c(reason));
    sx_text_add(r->t, "}");
  } else {
    sx_text_add(r->t, "%s%s: %s", r->n ? "; " : "  not ", k->name, reason);
  }
  r->n++;
}

static const sx_provider *const *providers_of(const OrtSession *s, const sx_provider **list) {
  int n = 0;
  if (s && s->eps) list[n++] = &sx_plugin_provider;
  if (s && s->custom) list[n++] = &sx_custom_provider;
  sx_own_providers(list + n);
  return list;
}

/* The user's nodes that a step was made from. */
static void put_sources(const sx_model *m, const sx_node *n, bool json, sx_text *t) {
  const sx_origin *o = n->origin < m->origins.n ? &m->origins.at[n->origin] : NULL;
  uint32_t count = o ? o->n : 0;
  for (uint32_t i = 0; i < count; i++) {
    const sx_source_node *s = &m->sources.at[o->ids[i]];
    if (json) {
      sx_text_add(t, "%s{\"index\":%u,", i ? "," : "", (unsigned)s->index);
      put_json(t, "name", s->name);
      sx_text_add(t, ",");
      put_json(t, "op_type", s->op_type);
      sx_text_add(t, ",");
      put_json(t, "domain", s->domain);
      sx_text_add(t, "}");
    } else if (i < 4) {
      sx_text_add(t, "%s%.*s%s%.*s", i ? " + " : "", SX_FMT(s->op_type), s->name.n ? " " : "", SX_FMT(s->name));
    }
  }
  if (!json && count > 4) sx_text_add(t, " and %u more", (unsigned)(count - 4));
  if (!json && !count) sx_text_add(t, "(added by the library)");
}

static size_t constant_bytes(const sx_graph *g, const sx_node *n) {
  size_t sum = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const sx_tensor *c = sx_value_const(g, sx_node_in(n, i));
    if (c) sum += sx_tensor_source_size(c);
  }
  return sum;
}

typedef struct report {
  const OrtSession *s;
  const sx_model *m;
  bool json;
  sx_text *t;
  uint32_t steps;
} report;

static void put_step(report *r, const sx_exec *x, uint32_t k, int depth) {
  const sx_plan *p = sx_exec_plan(x);
  const sx_step *s = &p->steps[k];
  const sx_node *n = sx_node_at(p->graph, s->node);
  const sx_provider *list[SX_OWN_PROVIDERS + 3];
  const char *reason;
  sx_text why = {0};
  refusals f = {&why, r->json, 0};
  sx_plan_options po = {.providers = providers_of(r->s, list), .refused = refused, .refused_ctx = &f};
  if (s->kernel->op == n->op) (void)sx_plan_choose(p->graph, s->node, &po, &reason);
  const sx_fact *out = sx_node_out(n, 0) == SX_NONE ? NULL : &sx_value_at(p->graph, n->out[0])->fact;
  const sx_ep_node *plugin = sx_ep_node_of(n);
  const char *provider = plugin ? plugin->ep->name : "CPUExecutionProvider";
  const char *work = s->nothing ? "view" : s->copy || (plugin && !plugin->view) ? "copy" : "";
  if (r->json) {
    sx_text_add(r->t, "%s\n{\"step\":%u,\"depth\":%d,", r->steps ? "," : "", (unsigned)r->steps, depth);
    put_json(r->t, "name", n->name);
    sx_text_add(r->t, ",");
    put_json(r->t, "op_type", n->op ? sx_str_c(n->op->name) : n->op_type);
    sx_text_add(r->t, ",");
    put_json(r->t, "kernel", sx_str_c(s->kernel->name));
    sx_text_add(r->t, ",");
    put_json(r->t, "provider", sx_str_c(provider));
    sx_text_add(r->t, ",\"kind\":\"%s\"",
                s->kernel->flags & SX_KERNEL_LATE ? "late"
                : *work                           ? work
                                                  : "step");
    if (out) {
      sx_text_add(r->t, ",\"type\":\"%s\",\"layout\":\"%s\",", sx_dtype_name((sx_dtype)out->dtype),
                  out->layout == SX_BLOCKED ? "blocked" : "plain");
      sx_text shape = {0};
      put_dims(r->m, out, &shape);
      put_json(r->t, "shape", (sx_str){shape.p ? shape.p : "", shape.n});
      sx_text_free(&shape);
    }
    sx_text_add(r->t, ",\"constant_bytes\":%zu,\"from\":[", constant_bytes(p->graph, n));
    put_sources(r->m, n, true, r->t);
    sx_text_add(r->t, "],\"refused\":[");
    sx_text_put(r->t, why.p ? why.p : "", why.n);
    sx_text_add(r->t, "]}");
  } else {
    sx_text_add(r->t, "%4u %*s%-22s ", (unsigned)r->steps, depth * 2, "", plugin ? provider : s->kernel->name);
    sx_text shape = {0};
    if (out) {
      sx_text_add(&shape, "%s", sx_dtype_name((sx_dtype)out->dtype));
      put_dims(r->m, out, &shape);
      if (out->layout == SX_BLOCKED) sx_text_add(&shape, " blocked %d", out->block);
    }
    sx_text_add(r->t, "%-30.*s ", (int)(shape.n > 60 ? 60 : shape.n), shape.p ? shape.p : "");
    size_t bytes = constant_bytes(p->graph, n);
    if (bytes)
      sx_text_add(r->t, "%10zu  ", bytes);
    else
      sx_text_add(r->t, "%10s  ", "");
    if (*work) sx_text_add(r->t, "(%s) ", work);
    put_sources(r->m, n, false, r->t);
    sx_text_put(r->t, why.p ? why.p : "", why.n);
    sx_text_add(r->t, "\n");
    sx_text_free(&shape);
  }
  sx_text_free(&why);
  r->steps++;
}

static void put_steps(report *r, const sx_exec *x, int depth) {
  const sx_plan *p = sx_exec_plan(x);
  for (uint32_t k = 0; k < p->n_steps; k++) {
    put_step(r, x, k, depth);
    const sx_node *n = sx_node_at(p->graph, p->steps[k].node);
    for (uint32_t a = 0; a < n->n_attrs && depth < 64; a++) {
      if (n->attrs[a].type != SX_ATTR_GRAPH) continue;
      sx_exec *body = sx_exec_body(x, p->steps[k].node, n->attrs[a].name.p);
      if (body) put_steps(r, body, depth + 1);
    }
  }
}

/* What providers claimed and did not get. */
static void put_notes(const OrtSession *s, bool json, sx_text *t) {
  for (uint32_t i = 0; s->eps && i < s->eps->notes.n; i++) {
    if (json) {
      sx_text_add(t, "%s", i ? "," : "");
      sx_text_json(t, sx_str_c(s->eps->notes.at[i]));
    } else {
      sx_text_add(t, "  %s\n", s->eps->notes.at[i]);
    }
  }
}

typedef struct explained {
  const OrtSession *s;
  bool json;
  sx_text *t;
} explained;

/* A session that waits for the sizes of its inputs has no plan before its first run: planned is NULL then. */
static void put_plan(void *ctx, const sx_session *planned) {
  const explained *e = ctx;
  sx_text *t = e->t;
  const sx_model *m = sx_session_model(planned ? planned : e->s->s);
  const uint32_t *fired = planned ? sx_session_fired(planned) : NULL;
  const sx_exec *x = planned ? sx_session_exec(planned) : NULL;
  report r = {e->s, m, e->json, t, 0};
  unsigned width = x ? sx_exec_plan(x)->width : 1;
  size_t packed = planned ? sx_session_weight_bytes(planned) : 0;
  if (e->json) {
    sx_text_add(t, "{\"nodes\":%u,\"threads\":%u,\"isa\":\"%s\",\"packed_bytes\":%zu,\"planned\":%s,\"passes\":[",
                (unsigned)m->sources.n, width, sx_isa_name(sx_cpu_info()->isa), packed, x ? "true" : "false");
    for (uint32_t i = 0, n = 0; fired && sx_passes[i].name; i++)
      if (fired[i])
        sx_text_add(t, "%s{\"name\":\"%s\",\"fired\":%u}", n++ ? "," : "", sx_passes[i].name, (unsigned)fired[i]);
    sx_text_add(t, "],\"steps\":[");
    if (x) put_steps(&r, x, 0);
    sx_text_add(t, "\n],\"providers\":[");
    put_notes(e->s, true, t);
    sx_text_add(t, "]}\n");
    return;
  }
  sx_text_add(t, "%u nodes of the model, %u thread%s, %s kernels, %zu bytes of packed weights\n", (unsigned)m->sources.n,
              width, width == 1 ? "" : "s", sx_isa_name(sx_cpu_info()->isa), packed);
  if (!x) {
    sx_text_add(t, "The plan depends on the sizes of the inputs: it is made by the first run with each of them.\n");
    return;
  }
  for (uint32_t i = 0; sx_passes[i].name; i++)
    if (fired[i])
      sx_text_add(t, "pass %-24s fired %u time%s\n", sx_passes[i].name, (unsigned)fired[i], fired[i] == 1 ? "" : "s");
  sx_text_add(
      t, "step kernel                 output                          constants  from (%s)\n",
      e->s->eps ? "a provider's name instead of a kernel's: it runs there" : "all on CPUExecutionProvider");
  put_steps(&r, x, 0);
  put_notes(e->s, false, t);
}

void sx_report_explain(const OrtSession *s, bool json, sx_text *t) {
  sx_session_planned(s->s, put_plan, &(explained){s, json, t});
}

/* ---- check ---- */
typedef struct problems {
  sx_text *t;
  bool json;
  size_t n;
} problems;

static void put_problem(void *ctx, const sx_err *e) {
  problems *p = ctx;
  if (p->json) {
    sx_text_add(p->t, "%s\n{\"code\":\"%s\",", p->n ? "," : "", sx_status_name(e->code));
    put_json(p->t, "message", sx_str_c(e->msg));
    sx_text_add(p->t, "}");
  } else {
    sx_text_add(p->t, "%s: %s\n", sx_status_name(e->code), e->msg);
  }
  p->n++;
}

/* Nodes that no kernel takes as they stand. */
static SX_OWN_FRAME void check_kernels(const OrtSession *s, const sx_graph *g, problems *p, int depth) {
  const sx_provider *list[SX_OWN_PROVIDERS + 3];
  sx_plan_options po = {.providers = providers_of(s, list)};
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    const char *reason = NULL;
    if (n->dead) continue;
    if (!sx_plan_choose(g, i, &po, &reason)) {
      sx_err e;
      sx_fail(&e, SX_E_NOT_IMPLEMENTED, SX_HERE, "no kernel takes it: %s", reason ? reason : "unknown reason");
      sx_node_context(g, n, SX_E_NOT_IMPLEMENTED, &e);
      put_problem(p, &e);
    }
    for (uint32_t a = 0; a < n->n_attrs && depth < 64; a++)
      if (n->attrs[a].type == SX_ATTR_GRAPH) check_kernels(s, n->attrs[a].g, p, depth + 1);
  }
}

/* A model that reads well: a session is made of it. Where that fails, the nodes without a kernel say more than the first
 * error. */
static SX_OWN_FRAME sx_status check_plan(const OrtSession *s, const sx_session_options *so, const void *data, size_t size, problems *p) {
  sx_session *x;
  sx_model *m;
  sx_err e = {0}, ignored;
  sx_status st = sx_session_create_bytes(data, size, so, &x, &e);
  if (st == SX_OK) sx_session_destroy(x);
  if (st == SX_OK || st == SX_E_NO_MEMORY) return st;
  if (st == SX_E_NOT_IMPLEMENTED && sx_import(data, size, &so->import, &m, &ignored) == SX_OK) {
    check_kernels(s, m->graph, p, 0);
    sx_model_destroy(m);
  }
  if (!p->n) put_problem(p, &e);
  return SX_OK;
}

OrtStatus *sx_report_check(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                           const char *path, bool json, sx_text *t, size_t *count) {
  problems p = {t, json, 0};
  sx_session_options so = {0};
  sx_arena lists = {0};
  OrtSession *s = NULL;
  OrtStatus *failed = sx_ort_session_ask(env, options, path, &s, &so, &lists);
  if (!failed) {
    sx_err e = {0};
    sx_model *m = NULL;
    sx_import_options o = so.import;
    o.problem = put_problem, o.problem_ctx = &p, o.evaluate = sx_evaluate_node;
    if (json) sx_text_add(t, "{\"problems\":[");
    sx_status st = sx_import(data, size, &o, &m, &e);
    if (st == SX_OK) sx_model_destroy(m);
    if (st != SX_OK && !p.n) put_problem(&p, &e);
    if (st == SX_OK && !p.n) st = check_plan(s, &so, data, size, &p);
    if (st == SX_E_NO_MEMORY) failed = sx_ort_status(st, &e);
    sx_text missing = {0};
    if (p.n && sx_ops_reduced) sx_report_missing(data, size, &so.import, &missing);
    const sx_str lines = {missing.p ? missing.p : "", missing.n};
    if (json) {
      sx_text_add(t, "%s],", p.n ? "\n" : "");
      put_json(t, "missing", lines);
      sx_text_add(t, "}\n");
    } else if (!p.n)
      sx_text_add(t, "no problems\n");
    else
      sx_text_add(t, "%zu problem%s\n%s%.*s", p.n, p.n == 1 ? "" : "s",
                  lines.n ? "Operators that this build of the library lacks (docs/REDUCED.md):\n" : "", SX_FMT(lines));
    t->failed |= missing.failed;
    sx_text_free(&missing);
    *count = p.n;
  }
  sx_arena_free(&lists);
  sx_api_ReleaseSession(s);
  return failed;
}

static void take_packed(void *bytes, const sx_session *planned) {
  *(size_t *)bytes = planned ? sx_session_weight_bytes(planned) : 0;
}

void sx_report_memory(const OrtSession *s, bool json, sx_text *t) {
  size_t mapped = 0, constants = 0, packed = 0;
  if (s) {
    const sx_model *m = sx_session_model(s->s);
    for (uint32_t i = 0; i < m->mappings.n; i++) mapped += m->mappings.at[i].size;
    for (uint32_t i = 0; i < m->tensors.n; i++)
      if (m->tensors.at[i]->data) constants += m->tensors.at[i]->size;
    sx_session_planned(s->s, take_packed, &packed);
  }
  uint64_t left = sx_memory_available();
  if (json) {
    sx_text_add(t,
                "{\"mapped\":%zu,\"constants\":%zu,\"packed\":%zu,\"allocations\":%" PRIu64 ",\"available\":%" PRIu64 "}\n",
                mapped, constants, packed, sx_allocations(), left);
    return;
  }
  if (s)
    sx_text_add(t, "mapped files      %12zu\nconstants in heap %12zu\npacked weights    %12zu\n", mapped, constants,
                packed);
  sx_text_add(t, "allocations       %12" PRIu64 "\nmemory left       %12" PRIu64 "\n", sx_allocations(), left);
}
