// SPDX-License-Identifier: MIT
/* Which provider runs which of the user's nodes. The CPU has them all, in one group. */
#include "abi/session.h"

struct OrtEpAssignedNode {
  const char *name, *domain, *op_type;
};
struct OrtEpAssignedSubgraph {
  const char *ep;
  sx_arena arena;
  size_t n;
  const OrtEpAssignedNode **nodes;
  const OrtEpAssignedSubgraph *self; /* the list of one that is handed out */
};

static const char *text(sx_arena *a, sx_str s) { return sx_arena_strdup(a, s.p ? s.p : "", s.n); }

static OrtEpAssignedSubgraph *make(const sx_model *m) {
  OrtEpAssignedSubgraph *g = sx_calloc(1, sizeof *g);
  if (!g) return NULL;
  g->ep = "CPUExecutionProvider";
  g->self = g;
  g->nodes = SX_NEW_N(&g->arena, const OrtEpAssignedNode *, (size_t)m->sources.n + 1);
  for (uint32_t i = 0; g->nodes && i < m->sources.n; i++) {
    const sx_source_node *s = &m->sources.at[i];
    OrtEpAssignedNode *n = SX_NEW(&g->arena, OrtEpAssignedNode);
    if (n)
      n->name = text(&g->arena, s->name), n->domain = text(&g->arena, s->domain), n->op_type = text(&g->arena, s->op_type);
    if (!n || !n->name || !n->domain || !n->op_type) break;
    g->nodes[g->n++] = n;
  }
  if (g->nodes && g->n == m->sources.n) return g;
  sx_assignment_free(g);
  return NULL;
}

void sx_assignment_free(OrtEpAssignedSubgraph *g) {
  if (!g) return;
  sx_arena_free(&g->arena);
  sx_free(g, sizeof *g);
}

OrtStatus *ORT_API_CALL sx_api_Session_GetEpGraphAssignmentInfo(const OrtSession *session,
                                                                const OrtEpAssignedSubgraph *const **ep_subgraphs,
                                                                size_t *num_ep_subgraphs) {
  SX_API_NOT_NULL(session);
  SX_API_NOT_NULL(ep_subgraphs);
  SX_API_NOT_NULL(num_ep_subgraphs);
  if (session->editing) SX_API_FAIL(FAIL, "the session is one of the model editor and has to be finalised first");
  const char *on = sx_kvp_get(&session->options->config, "session.record_ep_graph_assignment_info");
  if (!on || strcmp(on, "1") != 0)
    SX_API_FAIL(FAIL, "the session configuration entry session.record_ep_graph_assignment_info must be \"1\" for this");
  OrtSession *s = (OrtSession *)session;
  sx_mutex_lock(&s->async_lock);
  if (!s->assignment) s->assignment = make(sx_session_model(s->s));
  sx_mutex_unlock(&s->async_lock);
  if (!s->assignment) SX_API_NO_MEMORY();
  *ep_subgraphs = &s->assignment->self;
  *num_ep_subgraphs = 1;
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
