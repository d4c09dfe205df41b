// SPDX-License-Identifier: MIT
/* Claims of providers: taken while GetCapability runs, and sifted afterwards. A group can be had when no path leaves it and
 * comes back, and when all groups together leave an order in which everything can run. */
#include "abi/plugin/claims.h"

static OrtStatus *add_claim(OrtEpGraphSupportInfo *info, const OrtNode *const *nodes, size_t n, sx_claim c) {
  if (n > info->view->n_nodes)
    SX_API_FAIL(INVALID_ARGUMENT, "%zu nodes are claimed, the graph has %u", n, info->view->n_nodes);
  c.n = (uint32_t)n;
  if (!(c.nodes = SX_NEW_N(&info->arena, sx_nid, n + 1)) || !sx_vec_reserve(&info->claims, info->claims.n + 1))
    SX_API_NO_MEMORY();
  for (size_t i = 0; i < n; i++) {
    if (!nodes[i] || nodes[i]->editor || nodes[i]->graph != info->view)
      SX_API_FAIL(INVALID_ARGUMENT, "node %zu of the claim is no node of the graph that was shown", i);
    c.nodes[i] = nodes[i]->source;
  }
  info->claims.at[info->claims.n++] = c;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_EpGraphSupportInfo_AddNodesToFuse(OrtEpGraphSupportInfo *graph_support_info,
                                                                   const OrtNode *const *nodes, size_t num_nodes,
                                                                   const OrtNodeFusionOptions *node_fusion_options) {
  SX_API_NOT_NULL(graph_support_info);
  SX_API_NOT_NULL(nodes && num_nodes);
  bool drop = node_fusion_options && node_fusion_options->drop_constant_initializers;
  return add_claim(graph_support_info, nodes, num_nodes, (sx_claim){.fuse = true, .drop_constants = drop});
}

OrtStatus *ORT_API_CALL sx_epapi_EpGraphSupportInfo_AddSingleNode(OrtEpGraphSupportInfo *graph_support_info,
                                                                  const OrtNode *node) {
  SX_API_NOT_NULL(graph_support_info);
  SX_API_NOT_NULL(node);
  return add_claim(graph_support_info, &node, 1, (sx_claim){0});
}

OrtStatus *ORT_API_CALL sx_epapi_EpGraphSupportInfo_LookUpKernel(OrtEpGraphSupportInfo *graph_support_info,
                                                                 const OrtNode *node, const OrtKernelDef **out_kernel_def) {
  SX_API_NOT_NULL(graph_support_info);
  SX_API_NOT_NULL(node);
  SX_API_NOT_NULL(out_kernel_def);
  const sx_ep *p = graph_support_info->ep;
  const sx_ep_kernel *k = p->registry && !node->editor ? sx_ep_registry_find(p->registry, p->name, node) : NULL;
  *out_kernel_def = k ? k->def : NULL;
  return NULL;
}

/* ---- which claims can be had ---- */
/* group[n]: 1 + the claim that node n belongs to; position[n]: of the node in execution order. */
typedef struct claims {
  const sx_graph *g;
  OrtEpGraphSupportInfo *info;
  uint32_t *group, *position, *pending;
  uint8_t *mark;
} claims;

void sx_eps_note(struct sx_eps *x, sx_severity severity, const char *text) {
  if (!text || x->ready) return;
  for (uint32_t i = 0; i < x->notes.n; i++)
    if (!strcmp(x->notes.at[i], text)) return; /* the model was read twice */
  sx_log_at(&x->session->logger.log, severity, __FILE__, __LINE__, "%s", text);
  const char *kept = sx_arena_strdup(&x->arena, text, strlen(text));
  if (kept) (void)sx_vec_push(&x->notes, kept);
}

static void refuse(claims *c, sx_claim *k, const char *why) {
  const sx_node *n = sx_node_at(c->g, k->nodes[0]);
  k->refused = true;
  for (uint32_t i = 0; i < k->n; i++)
    if (c->group[k->nodes[i]] == (uint32_t)(k - c->info->claims.at) + 1) c->group[k->nodes[i]] = 0;
  struct sx_eps *x = c->info->ep->owner;
  sx_eps_note(
      x, SX_LOG_ERROR,
      sx_arena_printf(&x->now->arena,
                      "%s: GetCapability claims a group of %u nodes, from '%.*s' (%.*s) on, that cannot be had: %s. Others "
                      "run it",
                      c->info->ep->name, k->n, SX_FMT(n->name), SX_FMT(n->op_type), why));
}

static bool take(claims *c, sx_claim *k) {
  uint32_t me = (uint32_t)(k - c->info->claims.at) + 1, first = UINT32_MAX;
  for (uint32_t i = 0; i < k->n; i++) {
    const sx_node *n = sx_node_at(c->g, k->nodes[i]);
    if (n->custom || n->dead || c->group[k->nodes[i]]) return false;
    c->group[k->nodes[i]] = me;
    if (c->position[k->nodes[i]] < first) first = c->position[k->nodes[i]];
  }
  for (uint32_t i = 0, at = first; i < k->n; at++) /* into execution order */
    if (c->group[c->g->order.at[at]] == me) k->nodes[i++] = c->g->order.at[at];
  return true;
}

/* No path leaves the group and comes back: one walk from its first node to its last. */
static bool is_convex(claims *c, const sx_claim *k) {
  uint32_t me = (uint32_t)(k - c->info->claims.at) + 1;
  uint32_t first = c->position[k->nodes[0]], last = c->position[k->nodes[k->n - 1]];
  bool convex = true;
  for (uint32_t p = first; p <= last && convex; p++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[p]);
    bool mine = c->group[c->g->order.at[p]] == me, behind = false;
    for (uint32_t i = 0; i < n->n_in && !behind; i++) {
      sx_vid v = n->in[i].value;
      sx_nid from = v == SX_NONE ? SX_NONE : sx_value_at(c->g, v)->producer;
      if (from == SX_NONE || c->position[from] < first) continue;
      behind = mine ? c->mark[from] : c->mark[from] || c->group[from] == me;
    }
    c->mark[c->g->order.at[p]] = behind && !mine;
    convex = !(mine && behind);
  }
  for (uint32_t p = first; p <= last; p++) c->mark[c->g->order.at[p]] = 0;
  return convex;
}

/* With every group as one node, known by its first: is there an order in which all can run? pending[n]: of its producers,
 * those that have not had their turn. */
static sx_nid root_of(const claims *c, sx_nid n) { return c->group[n] ? c->info->claims.at[c->group[n] - 1].nodes[0] : n; }
static uint32_t count_edges(claims *c, sx_nid from, int step, sx_nid *queue, uint32_t tail) {
  const sx_node *n = sx_node_at(c->g, from);
  for (uint32_t o = 0; o < n->n_out; o++)
    for (const sx_use *u = n->out[o] == SX_NONE ? NULL : sx_value_at(c->g, n->out[o])->uses; u; u = u->next) {
      if (sx_node_at(c->g, u->node)->dead || root_of(c, u->node) == root_of(c, from)) continue;
      uint32_t *p = &c->pending[root_of(c, u->node)];
      if (step > 0)
        ++*p;
      else if (--*p == 0)
        queue[tail++] = root_of(c, u->node);
    }
  return tail;
}
static bool has_order(claims *c, sx_nid *queue) {
  uint32_t tail = 0, roots = 0;
  for (uint32_t i = 0; i < c->g->order.n; i++) c->pending[c->g->order.at[i]] = 0;
  for (uint32_t i = 0; i < c->g->order.n; i++) count_edges(c, c->g->order.at[i], 1, NULL, 0);
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    sx_nid n = c->g->order.at[i];
    if (root_of(c, n) != n) continue;
    roots++;
    if (!c->pending[n]) queue[tail++] = n;
  }
  for (uint32_t head = 0; head < tail; head++) {
    uint32_t k = c->group[queue[head]];
    const sx_claim *one = k ? &c->info->claims.at[k - 1] : NULL;
    for (uint32_t i = 0; i < (one ? one->n : 1); i++)
      tail = count_edges(c, one ? one->nodes[i] : queue[head], -1, queue, tail);
  }
  return tail == roots;
}

sx_status sx_claims_sift(OrtEpGraphSupportInfo *info, const sx_graph *g, sx_err *e) {
  size_t n = (size_t)g->nodes.n + 1;
  claims c = {.g = g,
              .info = info,
              .group = SX_NEW_N(&info->arena, uint32_t, n),
              .position = SX_NEW_N(&info->arena, uint32_t, n),
              .pending = SX_NEW_N(&info->arena, uint32_t, n),
              .mark = SX_NEW_N(&info->arena, uint8_t, n)};
  sx_nid *queue = SX_NEW_N(&info->arena, sx_nid, n);
  if (!c.group || !c.position || !c.pending || !c.mark || !queue) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < g->order.n; i++) c.position[g->order.at[i]] = i;
  for (uint32_t k = 0; k < info->claims.n; k++) {
    sx_claim *x = &info->claims.at[k];
    if (!take(&c, x))
      refuse(&c, x, "a node of it is taken already");
    else if (x->fuse && !is_convex(&c, x))
      refuse(&c, x, "a node outside of it lies between nodes of it (the group is not convex)");
  }
  if (has_order(&c, queue)) return SX_OK;
  /* Two groups that wait for each other: groups come in one after the other, as far as there is an order. */
  uint32_t *wanted = sx_arena_copy(&info->arena, c.group, n * sizeof *c.group);
  if (!wanted) SX_NO_MEMORY(e);
  memset(c.group, 0, n * sizeof *c.group);
  for (uint32_t k = 0; k < info->claims.n; k++) {
    sx_claim *x = &info->claims.at[k];
    if (x->refused) continue;
    for (uint32_t i = 0; i < x->n; i++) c.group[x->nodes[i]] = wanted[x->nodes[i]];
    if (x->n > 1 && !has_order(&c, queue)) refuse(&c, x, "it and another group each need a result of the other");
  }
  return SX_OK;
}
