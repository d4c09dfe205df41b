// SPDX-License-Identifier: MIT
/* Softmax and its kin, and normalisations. Private: MaskedSoftmax(x, mask?) = softmax(scale * x + mask) over the last axis;
 * SkipLayerNorm(x, skip, gamma, beta?, bias?) -> (normalised, x + skip + bias?). */
#include "ops/lower.h"
#include "ops/move/content.h"

static sx_status infer_softmax(sx_infer *c) {
  int axis;
  const sx_fact *x = sx_infer_in(c, 0);
  if (x->rank > 0) SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -1), x->rank, &axis));
  return sx_infer_like(c, 0, 0);
}
/* Before opset 13 the input was taken as a matrix split at `axis` (default 1): Flatten, softmax over rows, the shape back.
 */
static sx_status softmax_2d(sx_upgrade_ctx *c) {
  const sx_fact *x = &sx_value_at(c->g, c->n->in[0].value)->fact;
  int64_t axis = sx_attr_int(c->n, "axis", 1);
  if (x->rank < 0) SX_FAIL(c->e, FAIL, "needs an input of known rank in this operator version");
  if (axis < -x->rank || axis > x->rank)
    SX_FAIL(c->e, FAIL, "axis is %lld, expected %d to %d", (long long)axis, -x->rank, x->rank);
  if (axis < 0) axis += x->rank;
  if (!sx_node_set_int(c->g, c->id, "axis", axis == x->rank ? axis - 1 : axis)) SX_NO_MEMORY(c->e);
  if (axis == x->rank - 1) return SX_OK;
  bool ones = true; /* trailing dimensions of 1 change nothing */
  for (int i = (int)axis + 1; i < x->rank; i++) ones &= x->dims[i] == 1;
  if (ones && axis < x->rank) return SX_OK;
  sx_vid in = c->n->in[0].value, shape = sx_graph_const_dims(c->g, x->dims, x->rank),
         flat = sx_graph_emit(c->g, &sx_op_Flatten, &in, 1);
  if (shape == SX_NONE || flat == SX_NONE || !sx_node_set_int(c->g, sx_value_at(c->g, flat)->producer, "axis", axis))
    SX_NO_MEMORY(c->e);
  SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, flat)->producer, c->e));
  sx_vid soft = sx_graph_emit(c->g, c->n->op, &flat, 1);
  if (soft == SX_NONE || !sx_node_set_int(c->g, sx_value_at(c->g, soft)->producer, "axis", 1)) SX_NO_MEMORY(c->e);
  SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, soft)->producer, c->e));
  sx_vid back_in[2] = {soft, shape}, back = sx_graph_emit(c->g, &sx_op_Reshape, back_in, 2);
  if (back == SX_NONE) SX_NO_MEMORY(c->e);
  SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, back)->producer, c->e));
  for (sx_vid v = flat; v <= back; v++)
    if (sx_graph_emitted(c->g, v))
      sx_graph_emitted(c->g, v)->origin = c->n->origin, sx_graph_emitted(c->g, v)->name = c->n->name;
  sx_value *old = sx_value_at(c->g, c->n->out[0]), *now = sx_value_at(c->g, back);
  now->name = old->name;
  old->name = (sx_str){"", 0};
  sx_graph_replace_value(c->g, c->n->out[0], back);
  sx_graph_kill(c->g, c->id);
  return SX_OK;
}
#define SOFTMAX(N) \
  const sx_op sx_op_##N = {.name = #N, .accuracy = SX_ACCUMULATE, .infer = infer_softmax, .upgrades = {{13, softmax_2d}}};
SOFTMAX(Softmax)
SOFTMAX(LogSoftmax)
SOFTMAX(Hardmax)

static sx_status infer_masked_softmax(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int rank;
  SX_TRY(sx_infer_broadcast_dims(c, 0, c->n->n_in, d, &rank));
  return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, rank, d);
}
static sx_status lower_masked_softmax(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  sx_vid v = n->in[0].value, in[2];
  float scale = sx_attr_float(n, "scale", 1);
  if (scale != 1) {
    in[0] = v, in[1] = sx_graph_const_like(g, v, scale);
    if (in[1] == SX_NONE || (v = sx_graph_emit(g, &sx_op_Mul, in, 2)) == SX_NONE) SX_NO_MEMORY(e);
  }
  if (sx_node_in(n, 1) != SX_NONE) {
    in[0] = v, in[1] = n->in[1].value;
    if ((v = sx_graph_emit(g, &sx_op_Add, in, 2)) == SX_NONE) SX_NO_MEMORY(e);
  }
  if ((v = sx_graph_emit(g, &sx_op_Softmax, &v, 1)) == SX_NONE ||
      !sx_node_set_int(g, sx_value_at(g, v)->producer, "axis", -1))
    SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], v);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_MaskedSoftmax = {.name = "MaskedSoftmax",
                                   .accuracy = SX_ACCUMULATE,
                                   .flags = SX_OP_PRIVATE,
                                   .infer = infer_masked_softmax,
                                   .lower = lower_masked_softmax};

/* BatchNormalization(X, scale, B, mean, var); training mode has running statistics as outputs 1 and 2. */
static sx_status infer_batch_norm(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  const sx_fact *m = sx_infer_in(c, 3);
  for (uint32_t i = 1; i < 5; i++)
    if (sx_infer_has_rank(c, i) && sx_infer_in(c, i)->rank != 1)
      return SX_INFER_MISFIT(c, "input %u has rank %d, expected 1", i, sx_infer_in(c, i)->rank);
  if (!sx_attr_int(c->n, "training_mode", 0) && c->n->n_out > 1)
    return SX_INFER_FAIL(c, "has %u outputs, expected 1 without training_mode", c->n->n_out);
  for (uint32_t o = 1; o < c->n->n_out && o < 3; o++) SX_TRY(sx_infer_set(c, o, m->dtype, m->rank, m->dims));
  return SX_OK;
}
static sx_status batch_norm_old(sx_upgrade_ctx *c) {
  sx_node_remove_attr(c->n, "consumed_inputs");
  sx_node_remove_attr(c->n, "is_test");
  sx_node_remove_attr(c->n, "spatial");
  return SX_OK;
}
/* Before 14 whoever asked for the running statistics was training. */
static sx_status batch_norm_training(sx_upgrade_ctx *c) {
  bool training = false;
  for (uint32_t o = 1; o < c->n->n_out; o++) {
    const sx_value *v = c->n->out[o] == SX_NONE ? NULL : sx_value_at(c->g, c->n->out[o]);
    if (!v || (!v->n_uses && !v->output_uses)) continue;
    if (o > 2) SX_FAIL(c->e, NOT_IMPLEMENTED, "output %u, the batch's own statistics, is not given since version 14", o);
    training = true;
  }
  if (c->n->n_out > 3) c->n->n_out = 3;
  return !training || sx_node_set_int(c->g, c->id, "training_mode", 1)
             ? SX_OK
             : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
const sx_op sx_op_BatchNormalization = {.name = "BatchNormalization",
                                        .accuracy = SX_ULP,
                                        .flags = SX_OP_CHECK_SIZES,
                                        .ulp = 8,
                                        .infer = infer_batch_norm,
                                        .upgrades = {{9, batch_norm_old}, {14, batch_norm_training}}};

/* Outputs: Y, and per row mean and 1 / standard deviation. */
static sx_status infer_layer_norm(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int axis;
  SX_TRY(sx_infer_like(c, 0, 0));
  if (x->rank < 0) return SX_OK;
  SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -1), x->rank, &axis));
  for (int i = 0; i < x->rank; i++) d[i] = i < axis ? x->dims[i] : 1;
  for (uint32_t o = 1; o < c->n->n_out; o++)
    SX_TRY(sx_infer_set(c, o, (int)sx_attr_int(c->n, "stash_type", 1), x->rank, d));
  return SX_OK;
}
/* The result has the scale's type, and statistics the type that stash_type says: where those are not what the kernels give
 * (one type for all, statistics of f32, or f64 in f64), between Casts. */
static sx_status norm_of_types(sx_upgrade_ctx *c) {
  const sx_vid *given = c->n->out;
  sx_lower l = {c, SX_OK};
  const sx_dtype x = (sx_dtype)sx_lower_fact(&l, sx_lower_in(&l, 0))->dtype,
                 scale = (sx_dtype)sx_lower_fact(&l, sx_lower_in(&l, 1))->dtype;
  const sx_dtype stash = (sx_dtype)sx_attr_int(c->n, "stash_type", SX_F32), wide = x == scale ? x
                                                                                   : x == SX_F64 || scale == SX_F64
                                                                                       ? SX_F64
                                                                                       : SX_F32;
  const sx_dtype own = wide == SX_F64 ? SX_F64 : SX_F32;
  bool statistics = false;
  for (uint32_t o = 1; o < c->n->n_out; o++) statistics |= given[o] != SX_NONE;
  if (!x || !scale || c->n->n_out > 3 || (x == scale && (!statistics || stash == own))) return SX_OK;
  sx_vid in[3] = {SX_LOWER_ABSENT, SX_LOWER_ABSENT, SX_LOWER_ABSENT}, out[3];
  for (uint32_t i = 0; i < 3; i++)
    if (sx_lower_has(&l, i)) in[i] = sx_lower_cast(&l, sx_lower_in(&l, i), wide);
  const sx_attr attrs[] = {{.name = SX_STR("axis"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "axis", -1)},
                           {.name = SX_STR("epsilon"), .type = SX_ATTR_FLOAT, .f = sx_attr_float(c->n, "epsilon", 1e-5f)},
                           {.name = SX_STR("stash_type"), .type = SX_ATTR_INT, .i = own}};
  const uint32_t n_out = c->n->n_out;
  sx_lower_nodes(&l, c->n->op, in, 3, attrs, 3, out, n_out);
  for (uint32_t o = 0; o < n_out; o++) out[o] = sx_lower_cast(&l, out[o], o ? stash : scale);
  return sx_lower_done(&l, out, n_out);
}
const sx_op sx_op_LayerNormalization = {.name = "LayerNormalization",
                                        .accuracy = SX_ACCUMULATE,
                                        .infer = infer_layer_norm,
                                        .upgrades = {{INT16_MAX, norm_of_types}}};
const sx_op sx_op_RMSNormalization = {.name = "RMSNormalization",
                                      .accuracy = SX_ACCUMULATE,
                                      .infer = infer_layer_norm,
                                      .upgrades = {{INT16_MAX, norm_of_types}}};
const sx_op sx_op_InstanceNormalization = {
    .name = "InstanceNormalization", .accuracy = SX_ACCUMULATE, .infer = sx_infer_same};
/* Before 21 there was one scale and one bias per group: each channel of the group gets it. */
static sx_status group_norm_per_group(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_fact *x = sx_lower_fact(&l, sx_lower_in(&l, 0));
  const sx_dim groups = sx_attr_int(c->n, "num_groups", 1);
  if (x->rank < 0) SX_FAIL(c->e, FAIL, "needs an input of known rank in this operator version");
  if (x->rank < 2 || groups < 1) return SX_OK;
  const sx_dim each[2] = {groups, sx_dim_div(&c->g->model->dims, x->dims[1], groups)}, all = x->dims[1];
  for (uint32_t i = 1; i < 3 && l.status == SX_OK; i++) {
    const sx_vid v = sx_lower_reshape(&l, sx_lower_in(&l, i), (sx_dim[]){groups, 1}, 2);
    const sx_vid wide = sx_lower_2(&l, &sx_op_Expand, v, sx_graph_const_dims(c->g, each, 2));
    const sx_vid flat = sx_lower_reshape(&l, wide, &all, 1);
    if (l.status == SX_OK) sx_graph_set_input(c->g, c->id, i, flat);
  }
  return l.status;
}
const sx_op sx_op_GroupNormalization = {.name = "GroupNormalization",
                                        .accuracy = SX_ACCUMULATE,
                                        .infer = sx_infer_same,
                                        .upgrades = {{21, group_norm_per_group}}};
static sx_status infer_lrn(sx_infer *c) {
  const int64_t size = sx_attr_int(c->n, "size", 0);
  if (size < 1) return SX_INFER_FAIL(c, "attribute 'size' is %lld, expected at least 1 channel", (long long)size);
  return sx_infer_same(c);
}
const sx_op sx_op_LRN = {.name = "LRN", .accuracy = SX_ACCUMULATE, .infer = infer_lrn};
static sx_status infer_lp_norm(sx_infer *c) {
  int axis, rank = sx_infer_in(c, 0)->rank;
  if (rank > 0)
    SX_TRY(sx_infer_axis(c, sx_attr_int(c->n, "axis", -1), rank, &axis)); /* a scalar is its own norm along any axis */
  return sx_infer_same(c);
}
const sx_op sx_op_LpNormalization = {.name = "LpNormalization", .accuracy = SX_ACCUMULATE, .infer = infer_lp_norm};

/* (x - mean) / (standard deviation + 1e-9) over `axes`: in smaller operators. The mean is taken off before squaring, which
 * the standard's formula E[x^2] - E[x]^2 does not do, and loses digits; and types of 16 bits compute in f32. */
static sx_status mean_variance(sx_upgrade_ctx *c) {
  const int64_t *a;
  uint32_t n = sx_attr_ints(c->n, "axes", &a);
  sx_vid x = c->n->in[0].value, y = c->n->out[0], mean = SX_NONE, d = SX_NONE, square = SX_NONE, variance = SX_NONE,
         deviation = SX_NONE, safe = SX_NONE;
  sx_vid axes = n ? sx_graph_const_i64(c->g, a, n, false) : sx_graph_const_i64(c->g, (int64_t[]){0, 2, 3}, 3, false),
         eps = sx_graph_const_f32(c->g, 1e-9f), out = SX_NONE;
  const int given = sx_value_at(c->g, x)->fact.dtype, type = given == SX_F16 || given == SX_BF16 ? SX_F32 : given;
  if (type != given) SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &x, 1, type, &x));
  SX_TRY(sx_upgrade_emit(c, &sx_op_ReduceMean, (sx_vid[]){x, axes}, 2, 0, &mean));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Sub, (sx_vid[]){x, mean}, 2, 0, &d));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Mul, (sx_vid[]){d, d}, 2, 0, &square));
  SX_TRY(sx_upgrade_emit(c, &sx_op_ReduceMean, (sx_vid[]){square, axes}, 2, 0, &variance));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Sqrt, &variance, 1, 0, &deviation));
  if (type != SX_F32) SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &eps, 1, type, &eps));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Add, (sx_vid[]){deviation, eps}, 2, 0, &safe));
  SX_TRY(sx_upgrade_emit(c, &sx_op_Div, (sx_vid[]){d, safe}, 2, 0, &out));
  if (type != given) SX_TRY(sx_upgrade_emit(c, &sx_op_Cast, &out, 1, given, &out));
  return sx_upgrade_replace(c, y, out);
}
const sx_op sx_op_MeanVarianceNormalization = {.name = "MeanVarianceNormalization",
                                               .accuracy = SX_ACCUMULATE,
                                               .infer = sx_infer_same,
                                               .upgrades = {{INT16_MAX, mean_variance}}};

static sx_status infer_skip_norm(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  return sx_infer_like(c, 1, 0);
}
static sx_status lower_skip_norm(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  sx_vid v = n->in[0].value, in[3];
  const uint32_t addends[] = {1, 4};
  for (int i = 0; i < 2; i++) {
    if (sx_node_in(n, addends[i]) == SX_NONE) continue;
    in[0] = v, in[1] = n->in[addends[i]].value;
    if ((v = sx_graph_emit(g, &sx_op_Add, in, 2)) == SX_NONE) SX_NO_MEMORY(e);
  }
  in[0] = v, in[1] = n->in[2].value, in[2] = sx_node_in(n, 3);
  sx_vid y = sx_graph_emit(g, &sx_op_LayerNormalization, in, in[2] == SX_NONE ? 2 : 3);
  if (y == SX_NONE || !sx_node_set_float(g, sx_value_at(g, y)->producer, "epsilon", sx_attr_float(n, "epsilon", 1e-5f)))
    SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  if (sx_node_out(n, 1) != SX_NONE) sx_graph_replace_value(g, n->out[1], v);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_SkipLayerNorm = {.name = "SkipLayerNorm",
                                   .accuracy = SX_ACCUMULATE,
                                   .flags = SX_OP_PRIVATE,
                                   .infer = infer_skip_norm,
                                   .lower = lower_skip_norm};
