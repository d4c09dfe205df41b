// SPDX-License-Identifier: MIT
/* Operators that reorder or mask elements of a tensor: block shuffles, Trilu, ReverseSequence, Dropout, and running sums.
 */
#include "ops/move/content.h"

/* (N, C, H, W) with blocks of b x b between C and the plane. */
static sx_status infer_blocks(sx_infer *c, bool to_depth) {
  const sx_fact *x = sx_infer_in(c, 0);
  int64_t b = sx_attr_int(c->n, "blocksize", 0), bb;
  if (b <= 0 || !sx_i64_mul(b, b, &bb)) return SX_INFER_FAIL(c, "blocksize is %lld, expected at least 1", (long long)b);
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank != 4) return SX_INFER_MISFIT(c, "the input has rank %d, expected N, C, H, W", x->rank);
  sx_dim d[4] = {x->dims[0]};
  for (int i = 1; i < 4; i++) {
    int64_t by = i == 1 ? bb : b;
    bool divide = to_depth == (i > 1);
    if (divide && sx_dim_is_const(x->dims[i]) && x->dims[i] % by)
      return SX_INFER_MISFIT(c, "axis %d has %lld, which is no multiple of %lld", i, (long long)x->dims[i], (long long)by);
    d[i] = divide ? sx_dim_div(c->dims, x->dims[i], by) : sx_dim_mul(c->dims, x->dims[i], by);
  }
  return sx_infer_set(c, 0, x->dtype, 4, d);
}
static sx_status infer_space_to_depth(sx_infer *c) { return infer_blocks(c, true); }
static sx_status infer_depth_to_space(sx_infer *c) { return infer_blocks(c, false); }
const sx_op sx_op_SpaceToDepth = {.name = "SpaceToDepth", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_space_to_depth};
const sx_op sx_op_DepthToSpace = {.name = "DepthToSpace", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_depth_to_space};

static sx_status infer_trilu(sx_infer *c) {
  if (sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank < 2)
    return SX_INFER_MISFIT(c, "the input has rank %d, expected matrices", sx_infer_in(c, 0)->rank);
  SX_TRY(sx_infer_one(c, 1, "k"));
  return sx_infer_like(c, 0, 0);
}
const sx_op sx_op_Trilu = {.name = "Trilu", .infer = infer_trilu};

static sx_status infer_reverse_sequence(sx_infer *c) {
  int64_t b = sx_attr_int(c->n, "batch_axis", 1), t = sx_attr_int(c->n, "time_axis", 0);
  if ((b | t) & ~1 || b == t)
    return SX_INFER_FAIL(c, "batch_axis is %lld and time_axis %lld, expected 0 and 1 in some order", (long long)b,
                         (long long)t);
  if (sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank < 2)
    return SX_INFER_FAIL(c, "the input has rank %d, expected at least 2", sx_infer_in(c, 0)->rank);
  return sx_infer_like(c, 0, 0);
}
const sx_op sx_op_ReverseSequence = {.name = "ReverseSequence", .infer = infer_reverse_sequence};

static sx_status infer_scan(sx_infer *c) {
  if (sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank < 1)
    return SX_INFER_FAIL(c, "the input is a scalar, expected at least one axis");
  SX_TRY(sx_infer_one(c, 1, "axis"));
  int64_t at;
  int axis;
  if (sx_infer_has_rank(c, 0) && sx_infer_number(c, 1, 0, &at))
    SX_TRY(sx_infer_axis(c, at, sx_infer_in(c, 0)->rank, &axis));
  return sx_infer_like(c, 0, 0);
}
const sx_op sx_op_CumSum = {.name = "CumSum", .accuracy = SX_ACCUMULATE, .infer = infer_scan};
const sx_op sx_op_CumProd = {.name = "CumProd", .accuracy = SX_ACCUMULATE, .infer = infer_scan};

/* Dropout before 12 never trained here: no random numbers. The mask had the data's type before 10. */
static sx_status dropout_mask_type(sx_upgrade_ctx *c) {
  sx_vid old = sx_node_out(c->n, 1);
  int64_t to = sx_value_at(c->g, c->n->in[0].value)->fact.dtype;
  sx_node_remove_attr(c->n, "is_test");
  sx_node_remove_attr(c->n, "consumed_inputs");
  if (old == SX_NONE || (!sx_value_at(c->g, old)->n_uses && !sx_value_at(c->g, old)->output_uses)) return SX_OK;
  sx_vid mask = sx_graph_add_value(c->g, SX_VALUE_NODE, (sx_str){"", 0});
  sx_nid cast = mask == SX_NONE ? SX_NONE : sx_graph_add_node(c->g, &sx_op_Cast, &mask, 1, &old, 1);
  if (cast == SX_NONE || !sx_node_set_int(c->g, cast, "to", to)) SX_NO_MEMORY(c->e);
  sx_node_at(c->g, cast)->op_type = SX_STR("Cast"), sx_node_at(c->g, cast)->origin = c->n->origin;
  c->n->out[1] = mask;
  sx_value_at(c->g, mask)->producer = c->id, sx_value_at(c->g, mask)->index = 1;
  const sx_fact *x = &sx_value_at(c->g, c->n->in[0].value)->fact;
  sx_value_at(c->g, mask)->fact = (sx_fact){.kind = SX_KIND_TENSOR, .dtype = SX_BOOL, .rank = x->rank, .dims = x->dims};
  return sx_infer_node(c->g, cast, c->e);
}
static sx_status dropout_ratio_to_input(sx_upgrade_ctx *c) { return sx_upgrade_attr_to_input(c, "ratio", 1, SX_F32); }
static sx_status infer_dropout(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  SX_TRY(sx_infer_one(c, 1, "ratio"));
  SX_TRY(sx_infer_one(c, 2, "training_mode"));
  SX_TRY(sx_infer_like(c, 0, 0));
  return sx_infer_set(c, 1, SX_BOOL, x->rank, x->dims);
}
const sx_op sx_op_Dropout = {.name = "Dropout",
                             .accuracy = SX_RANDOM,
                             .flags = SX_OP_NONDETERMINISTIC | SX_OP_CHECK_SIZES,
                             .infer = infer_dropout,
                             .upgrades = {{10, dropout_mask_type}, {12, dropout_ratio_to_input}}};
