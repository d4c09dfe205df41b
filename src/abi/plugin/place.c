// SPDX-License-Identifier: MIT
/* Who takes which node. Each provider in turn is shown each graph (bodies before the graph around them) and says what it
 * wants; groups that can run as one are compiled and become one node of the source dialect each. The importer then goes on
 * with what is left. */
#include <stdlib.h>
#include "abi/editor.h"
#include "abi/plugin/claims.h"
#include "onnx/source.h"
#include "onnxruntime_session_options_config_keys.h"

/* ---- what becomes of a group ---- */
static OrtValueInfo *copy_info(struct sx_eps *x, const OrtValueInfo *from) {
  OrtValueInfo *i = SX_NEW(&x->now->arena, OrtValueInfo);
  if (!i) return NULL;
  *i = (OrtValueInfo){.flags = from->flags, .id = from->id};
  i->name = sx_arena_strdup(&x->now->arena, from->name, strlen(from->name));
  if (!i->name || !sx_vec_push(&x->now->infos, i)) return NULL; /* which frees the type */
  i->type = from->type ? sx_ort_type_copy(from->type) : NULL;
  return i->type || !from->type ? i : NULL;
}

static OrtValueInfo **copy_infos(struct sx_eps *x, OrtValueInfo *const *from, uint32_t n) {
  OrtValueInfo **to = SX_NEW_N(&x->now->arena, OrtValueInfo *, (size_t)n + 1);
  for (uint32_t i = 0; to && i < n; i++)
    if (!(to[i] = copy_info(x, from[i]))) return NULL;
  return to;
}

static sx_ep_node *node_create(struct sx_eps *x, sx_ep *p, OrtNode *const *members, uint32_t n_members, sx_err *e) {
  sx_ep_node *n = SX_NEW(&x->now->arena, sx_ep_node);
  OrtNode *v = n ? SX_NEW(&x->now->arena, OrtNode) : NULL;
  OrtNode *list = SX_NEW_N(&x->now->arena, OrtNode, (size_t)n_members + 1);
  bool ok = v && list && sx_vec_reserve(&x->now->nodes, x->now->nodes.n + 1);
  for (uint32_t i = 0; i < n_members && ok; i++) {
    list[i].name = sx_arena_strdup(&x->now->arena, members[i]->name, strlen(members[i]->name));
    list[i].domain = sx_arena_strdup(&x->now->arena, members[i]->domain, strlen(members[i]->domain));
    list[i].op_type = sx_arena_strdup(&x->now->arena, members[i]->op_type, strlen(members[i]->op_type));
    ok = list[i].name && list[i].domain && list[i].op_type;
  }
  if (!ok) {
    (void)sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    return NULL;
  }
  *n = (sx_ep_node){.ep = p, .view = v, .members = list, .n_members = n_members};
  x->now->nodes.at[x->now->nodes.n++] = n;
  v->ep_name = v->domain = p->name;
  v->since_version = 1;
  return n;
}

/* Operators and names of the graph, for the operator type of a fused node: the same graph has the same one, whatever its
 * weights are. */
static uint64_t hash_of(const sx_graph *g) {
  uint64_t h = 0;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    h = sx_hash(n->name.p, n->name.n, sx_hash(n->op_type.p, n->op_type.n, h));
  }
  return h;
}

static sx_status describe_group(struct sx_eps *x, sx_ep *p, const sx_claim *k, OrtGraph *group, uint64_t hash,
                                sx_ep_node **out, sx_err *e) {
  sx_ep_node *n = *out = node_create(x, p, group->nodes, group->n_nodes, e);
  if (!n) return SX_E_NO_MEMORY;
  OrtNode *v = n->view;
  uint32_t at = x->now->fused++, constants = k->drop_constants ? 0 : group->initializers.n;
  v->op_type = sx_arena_printf(&x->now->arena, "%s_%llu_%u", p->name, (unsigned long long)hash, at);
  v->name = v->op_type ? sx_arena_printf(&x->now->arena, "%s_%s_%u", p->name, v->op_type, at) : NULL;
  v->n_in = group->inputs.n + constants, v->n_out = group->outputs.n;
  OrtValueInfo **in = SX_NEW_N(&group->arena, OrtValueInfo *, (size_t)v->n_in + 1);
  if (!v->name || !in) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < group->inputs.n; i++) in[i] = group->inputs.at[i];
  for (uint32_t i = 0; i < constants; i++) in[group->inputs.n + i] = group->initializers.at[i];
  v->in = copy_infos(x, in, v->n_in), v->out = copy_infos(x, group->outputs.at, v->n_out);
  if (!v->in || !v->out) SX_NO_MEMORY(e);
  return SX_OK;
}

static int by_id(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}
/* The user's nodes that a group was made from, all at once: one by one the set would be copied as often as it grows. */
static uint32_t origin_of(sx_graph *g, const sx_claim *k) {
  sx_model *m = g->model;
  size_t total = 0;
  for (uint32_t i = 0; i < k->n; i++) total += m->origins.at[sx_node_at(g, k->nodes[i])->origin].n;
  uint32_t *ids = SX_NEW_N(&m->arena, uint32_t, total + 1), n = 0, unique = 0;
  if (!ids) return 0; /* provenance is for people: a lost entry is no failure */
  for (uint32_t i = 0; i < k->n; i++) {
    const sx_origin *o = &m->origins.at[sx_node_at(g, k->nodes[i])->origin];
    for (uint32_t j = 0; j < o->n; j++) ids[n++] = o->ids[j];
  }
  qsort(ids, n, sizeof *ids, by_id);
  for (uint32_t i = 0; i < n; i++)
    if (!unique || ids[unique - 1] != ids[i]) ids[unique++] = ids[i];
  return unique && sx_vec_push(&m->origins, ((sx_origin){unique, ids})) ? m->origins.n - 1 : 0;
}

/* The nodes of a group give way to one. */
static sx_status fuse(struct sx_eps *eps, sx_graph *g, const sx_claim *k, sx_ep_node *n, const OrtNode *context,
                      sx_err *e) {
  const OrtNode *v = n->view;
  sx_vid *ids = sx_malloc(((size_t)v->n_in + v->n_out + 1) * sizeof *ids);
  if (!ids) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < v->n_in + v->n_out; i++) ids[i] = i < v->n_in ? v->in[i]->id : v->out[i - v->n_in]->id;
  uint32_t origin = origin_of(g, k), place = sx_node_at(g, k->nodes[0])->place;
  for (uint32_t i = 0; i < k->n; i++) sx_graph_kill(g, k->nodes[i]);
  sx_nid id = sx_graph_add_node(g, NULL, ids, v->n_in, ids + v->n_in, v->n_out);
  sx_free(ids, ((size_t)v->n_in + v->n_out + 1) * sizeof *ids);
  if (id == SX_NONE) SX_NO_MEMORY(e);
  sx_node *x = sx_node_at(g, id);
  x->name = sx_str_c(v->name), x->op_type = sx_str_c(v->op_type), x->domain = sx_str_c(v->domain);
  x->since_version = 1, x->origin = origin, x->place = place;
  x->custom = n, x->provider = &sx_plugin_provider;
  return sx_ep_context_take(eps, g, id, context, e);
}

typedef struct compiling {
  sx_ep *p;
  OrtGraph *const *groups;
  const OrtNode **nodes;
  size_t n;
  OrtNodeComputeInfo **infos;
  OrtNode **contexts;
  OrtStatus *status;
} compiling;
static void call_compile(void *arg) {
  compiling *c = arg;
  c->status = c->p->ep->Compile(c->p->ep, (const OrtGraph **)c->groups, c->nodes, c->n, c->infos, c->contexts);
}

static sx_status compile(struct sx_eps *x, sx_ep *p, OrtGraph *const *groups, sx_ep_node *const *made, OrtNode **contexts,
                         size_t n, sx_err *e) {
  const char *never = sx_kvp_get(&x->session->options->config, kOrtSessionOptionsDisableModelCompile);
  for (size_t i = 0; never && !strcmp(never, "1") && i < n; i++)
    if (!(groups[i]->n_nodes == 1 && !strcmp(groups[i]->nodes[0]->op_type, "EPContext")))
      SX_FAIL(e, MODEL_REQUIRES_COMPILATION,
              "%s would have to compile '%s', and %s is set: load a compiled model (EPContext)", p->name,
              made[i]->view->name, kOrtSessionOptionsDisableModelCompile);
  SX_TRY(sx_ep_context_able(p, groups, n, e));
  if (!SX_EP_HAS(p->ep, 23, Compile)) SX_FAIL(e, EP_FAIL, "%s claims nodes to be compiled and has no Compile", p->name);
  const OrtNode **nodes = SX_NEW_N(&x->now->arena, const OrtNode *, n + 1);
  OrtNodeComputeInfo **infos = SX_NEW_N(&x->now->arena, OrtNodeComputeInfo *, n + 1);
  if (!nodes || !infos || !sx_vec_reserve(&x->now->compiled, x->now->compiled.n + 1)) SX_NO_MEMORY(e);
  for (size_t i = 0; i < n; i++) nodes[i] = made[i]->view;
  compiling c = {p, groups, nodes, n, infos, contexts, NULL};
  sx_status s = sx_ort_take(sx_ep_call(call_compile, &c, &c.status), e);
  if (s != SX_OK) {
    sx_err_context(e, "%s failed to compile", p->name);
    return s;
  }
  x->now->compiled.at[x->now->compiled.n++] = (sx_ep_compiled){p, infos, n};
  for (size_t i = 0; i < n; i++) {
    if (!infos[i] || !infos[i]->Compute)
      SX_FAIL(e, EP_FAIL, "%s made no OrtNodeComputeInfo with a Compute for '%s'", p->name, made[i]->view->name);
    made[i]->info = infos[i];
  }
  return SX_OK;
}

static sx_status compile_groups(struct sx_eps *x, sx_graph *g, OrtEpGraphSupportInfo *info, sx_err *e) {
  uint32_t n = 0, most = info->claims.n;
  OrtGraph **groups = SX_NEW_N(&info->arena, OrtGraph *, (size_t)most + 1);
  sx_ep_node **made = SX_NEW_N(&info->arena, sx_ep_node *, (size_t)most + 1);
  const sx_claim **of = SX_NEW_N(&info->arena, const sx_claim *, (size_t)most + 1);
  OrtNode **contexts = SX_NEW_N(&info->arena, OrtNode *, (size_t)most + 1);
  if (!groups || !made || !of || !contexts) SX_NO_MEMORY(e);
  uint64_t hash = hash_of(g);
  sx_status s = SX_OK;
  for (uint32_t k = 0; k < most && s == SX_OK; k++) {
    const sx_claim *c = &info->claims.at[k];
    if (!c->fuse || c->refused) continue;
    const OrtNode **nodes = SX_NEW_N(&info->arena, const OrtNode *, (size_t)c->n + 1);
    if (!nodes) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    for (uint32_t i = 0; s == SX_OK && i < c->n; i++) nodes[i] = sx_ort_view_node(info->view, c->nodes[i]);
    if (s == SX_OK) s = sx_ort_graph_subset(info->view, nodes, c->n, &groups[n], e);
    if (s == SX_OK) of[n] = c, n++;
    if (s == SX_OK) s = describe_group(x, info->ep, c, groups[n - 1], hash, &made[n - 1], e);
  }
  if (s == SX_OK && n) s = compile(x, info->ep, groups, made, contexts, n, e);
  for (uint32_t i = 0; i < n; i++) {
    if (s == SX_OK) s = fuse(x, g, of[i], made[i], contexts[i], e);
    sx_api_ReleaseNode(contexts[i]);
    sx_ort_graph_free(groups[i]);
  }
  return s;
}

/* Nodes with bodies that the library runs for a provider. A Scan of before version 9 becomes other nodes. */
static bool hostable(const OrtNode *v) {
  bool scan = !strcmp(v->op_type, "Scan") && v->since_version >= 9;
  return !*v->domain && (scan || !strcmp(v->op_type, "If") || !strcmp(v->op_type, "Loop"));
}

/* Nodes by themselves are run by kernels of the provider's registry; without one the claim is refused. */
static void find_kernels(struct sx_eps *x, OrtEpGraphSupportInfo *info) {
  for (uint32_t k = 0; k < info->claims.n; k++) {
    sx_claim *c = &info->claims.at[k];
    if (c->fuse || c->refused) continue;
    const OrtNode *v = sx_ort_view_node(info->view, c->nodes[0]);
    bool able = !v->n_bodies || hostable(v);
    if (able && info->ep->registry) c->kernel = sx_ep_registry_find(info->ep->registry, info->ep->name, v);
    c->refused = !c->kernel;
    if (able && c->refused)
      sx_eps_note(x, SX_LOG_WARNING,
                  sx_arena_printf(&x->now->arena, "%s claims node '%s' (%s) and has no kernel for it: others run it",
                                  info->ep->name, v->name, v->op_type));
  }
}

static sx_status take_singles(struct sx_eps *x, sx_graph *g, OrtEpGraphSupportInfo *info, sx_err *e) {
  for (uint32_t k = 0; k < info->claims.n; k++) {
    const sx_claim *c = &info->claims.at[k];
    if (c->fuse || c->refused) continue;
    const OrtNode *v = sx_ort_view_node(info->view, c->nodes[0]);
    sx_node *node = sx_node_at(g, c->nodes[0]);
    sx_ep_node *n = node_create(x, info->ep, (OrtNode *const[]){(OrtNode *)v}, 1, e);
    if (!n) return SX_E_NO_MEMORY;
    n->kernel = c->kernel;
    node->custom = n, node->provider = &sx_plugin_provider;
  }
  return SX_OK;
}

typedef struct asking {
  OrtEpGraphSupportInfo *info;
  OrtStatus *status;
} asking;
static void call_capability(void *p) {
  asking *a = p;
  OrtEp *ep = a->info->ep->ep;
  a->status = ep->GetCapability(ep, a->info->view, a->info);
}

/* What the provider says of the graph that *info's view shows. */
static void ask(struct sx_eps *x, OrtEpGraphSupportInfo *info) {
  sx_err refused;
  sx_ep *p = info->ep;
  info->claims.n = 0;
  asking a = {info, NULL};
  if (sx_ort_take(sx_ep_call(call_capability, &a, &a.status), &refused) == SX_OK) return;
  info->claims.n = 0;
  sx_eps_note(x, SX_LOG_ERROR,
              sx_arena_printf(&x->now->arena, "%s: GetCapability failed, others run its nodes: %s", p->name, refused.msg));
}

/* Whether the provider claims node n and wants it channels-last. */
typedef struct wants {
  const OrtEpGraphSupportInfo *info;
  const uint8_t *claimed;
} wants;
static bool wants_last(void *ctx, sx_nid id) {
  const wants *w = ctx;
  sx_ep *p = w->info->ep;
  int should = -1;
  if (!w->claimed[id]) return false;
  const OrtNode *v = sx_ort_view_node(w->info->view, id);
  if (SX_EP_HAS(p->ep, 23, ShouldConvertDataLayoutForOp))
    sx_api_ReleaseStatus(p->ep->ShouldConvertDataLayoutForOp(p->ep, v->domain, v->op_type, OrtEpDataLayout_NHWC, &should));
  return should != 0;
}
static sx_status convert(OrtEpGraphSupportInfo *info, sx_graph *g, bool *changed, sx_err *e) {
  uint8_t *claimed = SX_NEW_N(&info->arena, uint8_t, (size_t)g->nodes.n + 1);
  if (!claimed) SX_NO_MEMORY(e);
  for (uint32_t k = 0; k < info->claims.n; k++)
    for (uint32_t i = 0; i < info->claims.at[k].n; i++) claimed[info->claims.at[k].nodes[i]] = 1;
  return sx_source_channels_last(g, wants_last, &(wants){info, claimed}, changed, e);
}

static sx_status offer(struct sx_eps *x, OrtGraph **view, OrtEpGraphSupportInfo *info, sx_graph *g, sx_err *e) {
  bool changed = false;
  sx_status s = SX_OK;
  info->view = *view;
  ask(x, info);
  if (info->ep->layout == OrtEpDataLayout_NHWC && info->claims.n) s = convert(info, g, &changed, e);
  if (s == SX_OK && changed) s = sx_ort_graph_renew(view, e);
  if (s == SX_OK && changed) info->view = *view, ask(x, info);
  if (s == SX_OK) s = sx_claims_sift(info, g, e);
  if (s == SX_OK) find_kernels(x, info);
  if (s == SX_OK) s = sx_ep_budget_sift(info, g, e);
  if (s == SX_OK) s = compile_groups(x, g, info, e);
  if (s == SX_OK) s = take_singles(x, g, info, e);
  if (s == SX_OK && changed) s = sx_source_channels_first(g, e);
  return s == SX_OK ? sx_graph_sort(g, e) : s;
}

/* Shows a provider the bodies of a graph, and then the graph. One view of the model serves for all, because what is taken in a
 * body changes nothing around it; *stale: something was taken, so that who looks from further out needs a new view. */
static sx_status offer_all(struct sx_eps *x, sx_ep *p, OrtGraph **view, bool *stale, sx_err *e) {
  sx_graph *g = (sx_graph *)(*view)->source; /* the model is the session's, which is the one to change it */
  bool below = false;
  for (uint32_t i = 0; i < (*view)->n_nodes; i++) {
    const OrtNode *n = (*view)->nodes[i];
    for (uint32_t k = 0; k < n->n_bodies && !sx_node_at(g, n->source)->custom; k++)
      SX_TRY(offer_all(x, p, &n->bodies[k], &below, e));
  }
  if (below) SX_TRY(sx_ort_graph_renew(view, e));
  OrtEpGraphSupportInfo info = {.ep = p};
  sx_status s = offer(x, view, &info, g, e);
  *stale |= below || info.claims.n > 0;
  sx_vec_free(&info.claims);
  sx_arena_free(&info.arena);
  return s;
}

/* To each provider in turn. */
static sx_status offer_model(struct sx_eps *x, sx_graph *g, sx_err *e) {
  OrtGraph *view = NULL;
  bool stale = false;
  sx_status s = x->list.n ? sx_ort_graph_view(g, false, &view, e) : SX_OK;
  for (uint32_t i = 0; i < x->list.n && s == SX_OK; i++) {
    sx_ep *p = x->list.at[i];
    if (!SX_EP_HAS(p->ep, 23, GetCapability)) continue;
    if (stale) s = sx_ort_graph_renew(&view, e);
    stale = false;
    if (s == SX_OK) s = offer_all(x, p, &view, &stale, e);
  }
  sx_ort_graph_free(view);
  return s;
}

/* Facts of what the importer will see again: it finds them itself. Those of plugins' results stay. */
static void forget(sx_graph *g) {
  for (uint32_t i = 0; i < g->values.n; i++) {
    sx_value *v = sx_value_at(g, i);
    const sx_node *n = sx_value_producer(g, i);
    if (v->kind == SX_VALUE_CAPTURE)
      v->fact = (sx_fact){0};
    else if (v->kind == SX_VALUE_NODE && !(n && sx_ep_node_of(n) && !sx_node_has_body(n)))
      v->fact = (sx_fact){.kind = v->fact.kind, .dtype = v->fact.dtype, .rank = -1, .type = v->fact.type};
  }
  for (uint32_t i = 0; i < g->nodes.n; i++)
    for (uint32_t k = 0; k < sx_node_at(g, i)->n_attrs && !sx_node_at(g, i)->dead; k++)
      if (sx_node_at(g, i)->attrs[k].type == SX_ATTR_GRAPH) forget(sx_node_at(g, i)->attrs[k].g);
}

static sx_status check_fallback(const struct sx_eps *x, const sx_graph *g, sx_err *e) {
  const char *off = sx_kvp_get(&x->session->options->config, kOrtSessionOptionsDisableCPUEPFallback);
  if (!off || strcmp(off, "1") != 0) return SX_OK;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!sx_ep_node_of(n))
      SX_FAIL(e, FAIL,
              "This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been "
              "explicitly disabled by the user: '%.*s' (%.*s) is the first",
              SX_FMT(n->name), SX_FMT(n->op_type));
  }
  return SX_OK;
}

/* A provider that records what runs do has to have all of the model, or all but what computes shapes. */
static sx_status check_capture(struct sx_eps *x, sx_graph *g, sx_err *e) {
  static const char *const refused = "This session cannot use the graph capture feature as requested by the user as";
  sx_ep *p = NULL;
  for (uint32_t i = 0; i < x->list.n && !p; i++) {
    OrtEp *ep = x->list.at[i]->ep;
    if (!SX_EP_HAS(ep, 26, IsGraphCaptureEnabled) || !ep->IsGraphCaptureEnabled(ep)) continue;
    if (SX_EP_HAS(ep, 26, IsGraphCaptured) && SX_EP_HAS(ep, 26, ReplayGraph))
      p = x->list.at[i];
    else
      sx_eps_note(x, SX_LOG_WARNING,
                  sx_arena_printf(&x->now->arena, "%s captures graphs and lacks IsGraphCaptured or ReplayGraph: none is replayed",
                                  x->list.at[i]->name));
  }
  if (!x->ready) x->capturing = p; /* it does not depend on the model */
  if (!p) return SX_OK;
  bool shapes = SX_EP_HAS(p->ep, 26, GetGraphCaptureNodeAssignmentPolicy) &&
                p->ep->GetGraphCaptureNodeAssignmentPolicy(p->ep) == OrtGraphCaptureNodeAssignmentPolicy_ALLOW_CPU_FOR_SHAPES;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    const sx_ep_node *has = sx_ep_node_of(n);
    if (sx_node_has_body(n)) SX_FAIL(e, FAIL, "%s the model has control flow nodes which can't be supported by %s", refused, p->name);
    if (has ? has->ep != p : !shapes || !sx_eps_is_apart(g, n, p))
      SX_FAIL(e, FAIL, "%s all %sgraph nodes have not been %s %s: '%.*s' (%.*s) is the first that has not", refused,
              shapes ? "compute " : "the ", shapes ? "partitioned to the" : "assigned to", p->name, SX_FMT(n->name),
              SX_FMT(n->op_type));
  }
  return SX_OK;
}

static void not_yet(void *ctx, const sx_err *e) {}

static sx_status place(struct sx_eps *x, sx_model *m, const void *data, size_t size, const sx_import_options *o, sx_err *e) {
  sx_model *canonical;
  sx_import_options plain = *o;
  sx_err quiet = {0};
  plain.place = NULL, plain.log = NULL, plain.fold = x->session->options->level != ORT_DISABLE_ALL;
  plain.problem = not_yet; /* an operator that only a provider knows: facts are as far as they are known */
  SX_TRY(sx_import_source(data, size, &plain, &canonical, e));
  sx_status s = sx_canonicalise(canonical, &plain, &quiet);
  s = s == SX_E_NO_MEMORY ? sx_fail(e, s, SX_HERE, "out of memory") : sx_source_take_facts(m->graph, canonical->graph, e);
  sx_model_destroy(canonical);
  SX_TRY(s);
  if (o->path && !m->path && !(m->path = sx_arena_strdup(&m->arena, o->path, strlen(o->path)))) SX_NO_MEMORY(e);
  SX_TRY(sx_source_defaults(m->graph, e));
  if (x->session->options->level != ORT_DISABLE_ALL)
    SX_TRY(sx_source_clean(m->graph, e));
  else
    SX_TRY(sx_graph_sort(m->graph, e));
  SX_TRY(sx_ep_context_describe(x, m, e));
  SX_TRY(offer_model(x, m->graph, e));
  SX_TRY(check_fallback(x, m->graph, e));
  SX_TRY(check_capture(x, m->graph, e));
  SX_TRY(sx_ep_context_keep(x, m, o->path, e));
  if (!x->session->compiling) SX_TRY(sx_eps_add_copies(x, m->graph, e)); /* a model that is only written has no memories */
  forget(m->graph);
  return SX_OK;
}

sx_status sx_eps_place(void *ctx, sx_model *m, const void *data, size_t size, const sx_import_options *o, sx_err *e) {
  struct sx_eps *x = ctx;
  sx_ep_placed *now = sx_calloc(1, sizeof *now);
  if (!now) SX_NO_MEMORY(e);
  m->placed = now, m->release_placed = sx_ep_placed_free;
  sx_mutex_lock(&x->placing);
  x->now = now;
  for (uint32_t i = 0; i < x->list.n; i++) sx_ep_budget_reset(x->list.at[i]);
  sx_status s = place(x, m, data, size, o, e);
  x->now = NULL;
  sx_mutex_unlock(&x->placing);
  return s;
}
