// SPDX-License-Identifier: MIT
/* Which provider runs which of the user's nodes: a group for each node that a plugin has, and one for each that is left to the
 * CPU, as in ONNX Runtime. */
#include "abi/plugin/host.h"
#include "onnxruntime_session_options_config_keys.h"

struct OrtEpAssignedNode {
  const char *name, *domain, *op_type;
};
struct OrtEpAssignedSubgraph {
  const char *ep;
  size_t n;
  const OrtEpAssignedNode **nodes;
};
struct sx_assignment {
  sx_arena arena;
  const sx_model *m;
  uint8_t *left; /* by source node: the CPU runs something of it */
  SX_VEC(const OrtEpAssignedSubgraph *) groups;
};

static const char *text(sx_arena *a, sx_str s) { return sx_arena_strdup(a, s.p ? s.p : "", s.n); }

static bool add_node(struct sx_assignment *x, OrtEpAssignedSubgraph *to, const char *name, const char *domain,
                     const char *op_type) {
  OrtEpAssignedNode *n = SX_NEW(&x->arena, OrtEpAssignedNode);
  if (!n) return false;
  *n = (OrtEpAssignedNode){name, domain, op_type};
  to->nodes[to->n++] = n;
  return name && domain && op_type;
}
static bool add_source(struct sx_assignment *x, OrtEpAssignedSubgraph *to, const sx_source_node *s) {
  return add_node(x, to, text(&x->arena, s->name), text(&x->arena, s->domain), text(&x->arena, s->op_type));
}

static OrtEpAssignedSubgraph *add_group(struct sx_assignment *x, const char *ep, size_t room) {
  OrtEpAssignedSubgraph *g = SX_NEW(&x->arena, OrtEpAssignedSubgraph);
  if (!g) return NULL;
  *g = (OrtEpAssignedSubgraph){.ep = sx_arena_strdup(&x->arena, ep, strlen(ep)),
                               .nodes = SX_NEW_N(&x->arena, const OrtEpAssignedNode *, room + 1)};
  return g->ep && g->nodes && sx_vec_push(&x->groups, g) ? g : NULL;
}

/* A group for every node that a plugin has; `left` are the user's nodes that the others were made from. */
static bool add_plugins(struct sx_assignment *x, const sx_graph *g) {
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    const sx_ep_node *p = n->dead ? NULL : sx_ep_node_of(n);
    const sx_origin *o = &x->m->origins.at[n->origin];
    OrtEpAssignedSubgraph *to = p && p->n_members ? add_group(x, p->ep->name, p->n_members) : NULL;
    if (n->dead) continue;
    if (p && p->n_members && !to) return false;
    for (uint32_t k = 0; to && k < p->n_members; k++)
      if (!add_node(x, to, p->members[k].name, p->members[k].domain, p->members[k].op_type)) return false;
    for (uint32_t k = 0; !p && k < o->n; k++) x->left[o->ids[k]] = 1;
    for (uint32_t k = 0; k < n->n_attrs; k++)
      if (n->attrs[k].type == SX_ATTR_GRAPH && !add_plugins(x, n->attrs[k].g)) return false;
  }
  return true;
}

static struct sx_assignment *make(const sx_model *m) {
  struct sx_assignment *x = sx_calloc(1, sizeof *x);
  if (!x) return NULL;
  x->m = m;
  bool ok = (x->left = SX_NEW_N(&x->arena, uint8_t, (size_t)m->sources.n + 1)) && add_plugins(x, m->graph);
  for (uint32_t i = 0; i < m->sources.n && ok; i++) {
    if (!x->left[i]) continue;
    OrtEpAssignedSubgraph *cpu = add_group(x, "CPUExecutionProvider", 1);
    ok = cpu && add_source(x, cpu, &m->sources.at[i]);
  }
  if (ok) return x;
  sx_assignment_free(x);
  return NULL;
}

void sx_assignment_free(struct sx_assignment *x) {
  if (!x) return;
  sx_vec_free(&x->groups);
  sx_arena_free(&x->arena);
  sx_free(x, sizeof *x);
}

OrtStatus *ORT_API_CALL sx_api_Session_GetEpGraphAssignmentInfo(const OrtSession *session,
                                                                const OrtEpAssignedSubgraph *const **ep_subgraphs,
                                                                size_t *num_ep_subgraphs) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(ep_subgraphs);
  SX_API_NOT_NULL(num_ep_subgraphs);
  if (session->editing) SX_API_FAIL(FAIL, "the session is one of the model editor and has to be finalised first");
  const char *on = sx_kvp_get(&session->options->config, kOrtSessionOptionsRecordEpGraphAssignmentInfo);
  if (!on || strcmp(on, "1") != 0)
    SX_API_FAIL(FAIL, "the session configuration entry session.record_ep_graph_assignment_info must be \"1\" for this");
  OrtSession *s = (OrtSession *)session;
  sx_mutex_lock(&s->async_lock);
  if (!s->assignment) s->assignment = make(sx_session_model(s->s));
  sx_mutex_unlock(&s->async_lock);
  if (!s->assignment) SX_API_NO_MEMORY();
  *ep_subgraphs = s->assignment->groups.at;
  *num_ep_subgraphs = s->assignment->groups.n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_EpAssignedSubgraph_GetEpName(const OrtEpAssignedSubgraph *ep_subgraph, const char **out) {
  SX_API_NOT_NULL(ep_subgraph);
  SX_API_NOT_NULL(out);
  *out = ep_subgraph->ep;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_EpAssignedSubgraph_GetNodes(const OrtEpAssignedSubgraph *ep_subgraph,
                                                           const OrtEpAssignedNode *const **ep_nodes,
                                                           size_t *num_ep_nodes) {
  SX_API_NOT_NULL(ep_subgraph);
  SX_API_NOT_NULL(ep_nodes);
  SX_API_NOT_NULL(num_ep_nodes);
  *ep_nodes = ep_subgraph->nodes;
  *num_ep_nodes = ep_subgraph->n;
  return NULL;
}

#define NODE_TEXT(name, member)                                                                              \
  OrtStatus *ORT_API_CALL sx_api_EpAssignedNode_##name(const OrtEpAssignedNode *ep_node, const char **out) { \
    SX_API_NOT_NULL(ep_node);                                                                                \
    SX_API_NOT_NULL(out);                                                                                    \
    *out = ep_node->member;                                                                                  \
    return NULL;                                                                                             \
  }
NODE_TEXT(GetName, name)
NODE_TEXT(GetDomain, domain)
NODE_TEXT(GetOperatorType, op_type)
