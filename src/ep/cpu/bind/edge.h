// SPDX-License-Identifier: MIT
/* Kernels that compute in one float type, and tensors of any: what has another type is converted into scratch by a phase in
 * front, and out of it by one behind. What has the type already is read and written where it lies. */
#ifndef SX_EP_CPU_BIND_EDGE_H
#define SX_EP_CPU_BIND_EDGE_H
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/ep.h"

enum { SX_EDGE_MAX = 6 };
typedef struct sx_edge_side {
  uint8_t type;
  bool converts;
  int64_t count;
  size_t at;
} sx_edge_side;
/* The first member of the params of who uses it. */
typedef struct sx_edge {
  sx_isa isa;
  sx_dtype wide;
  sx_edge_side in[SX_EDGE_MAX], out[SX_EDGE_MAX];
} sx_edge;

/* f64 for f64 and integers of 32 bits or more, f32 for the rest. */
sx_dtype sx_edge_wide(sx_dtype t);
/* sx_kernel.claim: input 0 has a type that converts. */
bool sx_edge_claim(const sx_graph *g, const sx_node *n, const char **reason);
/* p->params points to *e. Bit i of `in`: input i is computed on; bit o of `out`: so is output o. Adds to p->scratch, and
 * the phase in front when one is needed. */
sx_status sx_edge_begin(sx_prep *p, sx_edge *e, sx_dtype wide, uint32_t in, uint32_t out);
sx_status sx_edge_end(sx_prep *p, const sx_edge *e);
/* More scratch of the step, behind what is there; *at: its place. */
sx_status sx_edge_scratch(sx_prep *p, int64_t count, size_t elem, size_t *at);
static inline const void *sx_edge_in(const sx_edge *e, const sx_call *c, uint32_t i) {
  return e->in[i].converts ? (char *)c->scratch + e->in[i].at : c->in[i];
}
static inline void *sx_edge_out(const sx_edge *e, const sx_call *c, uint32_t o) {
  return e->out[o].converts ? (char *)c->scratch + e->out[o].at : c->out[o];
}

/* Element k of an integer input whose content is known; dflt when it is absent or not known. */
int64_t sx_prep_int(const sx_prep *p, uint32_t i, int64_t k, int64_t dflt);
#endif
