// SPDX-License-Identifier: MIT
/* What a provider claims while it looks at a graph: groups of nodes, and which of them it can have. Between claims.c, which
 * takes and sifts them, and place.c, which makes something of them. */
#ifndef SX_ABI_PLUGIN_CLAIMS_H
#define SX_ABI_PLUGIN_CLAIMS_H
#include "abi/plugin/host.h"

typedef struct sx_claim {
  uint32_t n;
  sx_nid *nodes; /* in execution order */
  bool fuse, drop_constants, refused;
  const sx_ep_kernel *kernel; /* of a node by itself: who runs it; NULL: not looked for yet */
} sx_claim;
struct OrtEpGraphSupportInfo {
  sx_ep *ep;
  const OrtGraph *view;
  sx_arena arena;
  SX_VEC(sx_claim) claims;
};

/* Marks the claims that cannot be had as refused, says why, and puts the nodes of the others into execution order. */
sx_status sx_claims_sift(OrtEpGraphSupportInfo *info, const sx_graph *g, sx_err *e);
/* Refuses the first claim that the device has no room for, and all after it. (budget.c) */
sx_status sx_ep_budget_sift(OrtEpGraphSupportInfo *info, const sx_graph *g, sx_err *e);
/* Told to the log now, and kept for those who ask how the session runs; once, and not of what is placed for a run. text NULL:
 * out of memory, nothing happens. */
void sx_eps_note(struct sx_eps *x, sx_severity severity, const char *text);
#endif
