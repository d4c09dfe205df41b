// SPDX-License-Identifier: MIT
/* Shared by the planner's files. */
#ifndef SX_PLAN_PRIV_H
#define SX_PLAN_PRIV_H
#include "plan/plan.h"

typedef struct sx_compile {
  const sx_graph *g;
  const sx_plan_options *o;
  sx_plan *p;
  sx_arena tmp;
  uint8_t *known;             /* by symbol: bound before the step that is looked at */
  const uint8_t *outer_known; /* of a body: symbols bound around it */
  SX_VEC(sx_step) steps;
  SX_VEC(sx_segment) segs;
  sx_err *e;
} sx_compile;

/* order.c: fills steps and segs. */
sx_status sx_plan_order(sx_compile *c);
/* offers.c: which of the offers of each step's kernel is taken, 0: none. `granted` has n_steps zeros. */
sx_status sx_plan_grant(sx_compile *c, uint32_t *granted);
/* buffers.c: which values share memory, and from when to when. */
sx_status sx_plan_assign_buffers(sx_compile *c);
/* place.c: offsets of buffers with sizes and lifetimes, none overlapping in both. Gives the slab's size. */
typedef struct sx_block { size_t size, offset; uint32_t first, last; } sx_block;
size_t sx_place_blocks(sx_block *b, uint32_t n, sx_arena *tmp, bool *failed);
#endif
