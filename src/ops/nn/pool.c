// SPDX-License-Identifier: MIT
/* Pooling: over windows, and over all spatial axes. */
#include "ops/nn/window.h"

static sx_status infer_pool(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  sx_window w;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank < 3) return SX_INFER_FAIL(c, "input 0 has rank %d, expected 3 or more (N, C, spatial axes)", x->rank);
  SX_TRY(sx_window_read_pool(c->n, x->rank - 2, &w, c->e));
  d[0] = x->dims[0], d[1] = x->dims[1];
  for (int i = 2; i < x->rank; i++) d[i] = sx_window_dim(&w, i - 2, x->dims[i], c->dims);
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  c->out[0].layout = x->layout, c->out[0].block = x->block;
  if (c->n->n_out > 1 && c->n->op == &sx_op_MaxPool) {
    SX_TRY(sx_infer_set(c, 1, SX_I64, x->rank, c->out[0].dims));
  }
  return SX_OK;
}
static sx_status infer_global_pool(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank < 2) return SX_INFER_FAIL(c, "input 0 has rank %d, expected 2 or more (N, C, spatial axes)", x->rank);
  for (int i = 0; i < x->rank; i++) d[i] = i < 2 ? x->dims[i] : 1;
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  c->out[0].layout = x->layout, c->out[0].block = x->block;
  return SX_OK;
}
/* In version 1 the exponent was a float. */
static sx_status exponent_to_int(sx_upgrade_ctx *c) {
  const float p = sx_attr_float(c->n, "p", 2);
  if (p != (float)(int32_t)p || p < 1)
    SX_FAIL(c->e, NOT_IMPLEMENTED, "attribute 'p' is %g: exponents are whole numbers of 1 and more here", (double)p);
  if (!sx_node_set_int(c->g, c->id, "p", (int64_t)p)) SX_NO_MEMORY(c->e);
  return SX_OK;
}

const sx_op sx_op_MaxPool = {.name = "MaxPool", .infer = infer_pool};
const sx_op sx_op_AveragePool = {.name = "AveragePool", .accuracy = SX_ACCUMULATE, .infer = infer_pool};
const sx_op sx_op_LpPool = {.name = "LpPool", .accuracy = SX_ACCUMULATE, .infer = infer_pool, .upgrades = {{2, exponent_to_int}}};
const sx_op sx_op_GlobalMaxPool = {.name = "GlobalMaxPool", .infer = infer_global_pool};
const sx_op sx_op_GlobalAveragePool = {.name = "GlobalAveragePool", .accuracy = SX_ACCUMULATE, .infer = infer_global_pool};
const sx_op sx_op_GlobalLpPool = {.name = "GlobalLpPool",
                                  .accuracy = SX_ACCUMULATE,
                                  .infer = infer_global_pool,
                                  .upgrades = {{2, exponent_to_int}}};
