// SPDX-License-Identifier: MIT
/* com.microsoft's QLinear operators. QLinearAdd and QLinearMul have kernels; the others become what they mean,
 * DequantizeLinear, the float operator and QuantizeLinear, which the passes make one step of again. Lookup, private, is any
 * function of one 8-bit element: y[i] = table[x[i]], with the table as input 1, entry 0 that of x = 0 (u8) or x = -128
 * (s8). */
#include "ops/ops.h"

static sx_status infer_binary(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int ra, rb, rank = -1;
  const sx_fact *a = sx_infer_in(c, 0), *b = sx_infer_in(c, 3);
  ra = a->rank, rb = b->rank;
  if (ra >= 0 && rb >= 0) {
    rank = ra > rb ? ra : rb;
    for (int i = 0; i < rank; i++) {
      bool clash = false;
      sx_dim x = i < rank - ra ? 1 : a->dims[i - (rank - ra)], y = i < rank - rb ? 1 : b->dims[i - (rank - rb)];
      d[i] = sx_dim_broadcast(c->dims, x, y, &clash);
      if (clash)
        return SX_INFER_FAIL(c, "the inputs cannot be broadcast: dimension %d is %lld in input 0 and %lld in input 3", i,
                             (long long)x, (long long)y);
    }
  }
  SX_TRY(sx_infer_set(c, 0, a->dtype, rank, d));
  const sx_fact *like = a->layout == SX_BLOCKED ? a : b;
  c->out[0].layout = like->layout, c->out[0].block = like->block;
  return SX_OK;
}
const sx_op sx_op_QLinearAdd = {
    .name = "QLinearAdd", .domain = SX_DOMAIN_MS, .accuracy = SX_QUANTUM, .infer = infer_binary};
const sx_op sx_op_QLinearMul = {
    .name = "QLinearMul", .domain = SX_DOMAIN_MS, .accuracy = SX_QUANTUM, .infer = infer_binary};

static sx_status infer_lookup(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].dtype = sx_infer_in(c, 1)->dtype;
  return SX_OK;
}
/* As Gather: the table by x's bytes, counted from the type's lowest value. */
static sx_status lower_lookup(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  sx_vid x = n->in[0].value, in[2] = {x, SX_NONE};
  if ((in[0] = sx_graph_emit(g, &sx_op_Cast, &x, 1)) == SX_NONE ||
      !sx_node_set_int(g, sx_value_at(g, in[0])->producer, "to", SX_I32))
    SX_NO_MEMORY(e);
  if (sx_value_at(g, x)->fact.dtype == SX_I8) {
    int64_t low = 128;
    sx_vid shift = sx_graph_const_i64(g, &low, 1, true),
           shift32 = shift == SX_NONE ? shift : sx_graph_emit(g, &sx_op_Cast, &shift, 1);
    if (shift32 == SX_NONE || !sx_node_set_int(g, sx_value_at(g, shift32)->producer, "to", SX_I32)) SX_NO_MEMORY(e);
    in[1] = shift32;
    if ((in[0] = sx_graph_emit(g, &sx_op_Add, in, 2)) == SX_NONE) SX_NO_MEMORY(e);
  }
  sx_vid gather[2] = {n->in[1].value, in[0]}, y = sx_graph_emit(g, &sx_op_Gather, gather, 2);
  if (y == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_Lookup = {
    .name = "Lookup", .accuracy = SX_QUANTUM, .flags = SX_OP_PRIVATE, .infer = infer_lookup, .lower = lower_lookup};

/* One more node in front of c->n, its facts inferred; SX_NONE: out of memory or the failure in *s. */
static sx_vid step(sx_upgrade_ctx *c, const sx_op *op, const sx_vid *in, uint32_t n, sx_status *s) {
  sx_vid v = sx_graph_emit(c->g, op, in, n);
  if (v == SX_NONE) {
    *s = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    return v;
  }
  sx_node *x = sx_graph_emitted(c->g, v);
  x->origin = c->n->origin, x->name = c->n->name;
  *s = sx_infer_node(c->g, sx_value_at(c->g, v)->producer, c->e);
  return *s == SX_OK ? v : SX_NONE;
}
static sx_vid transposed(sx_upgrade_ctx *c, sx_vid x, bool to_last, sx_status *s) {
  int64_t perm[SX_MAX_RANK] = {0};
  int rank = sx_value_at(c->g, x)->fact.rank;
  for (int i = 1; i < rank; i++) perm[i] = to_last ? (i == rank - 1 ? 1 : i + 1) : i == 1 ? rank - 1 : i - 1;
  sx_vid y = sx_graph_emit(c->g, &sx_op_Transpose, &x, 1);
  if (y == SX_NONE || rank < 3 || !sx_node_set_ints(c->g, sx_value_at(c->g, y)->producer, "perm", perm, (uint32_t)rank)) {
    *s = sx_fail(c->e, SX_E_FAIL, SX_HERE, "channels_last needs an input of known rank, 3 or more");
    return SX_NONE;
  }
  sx_graph_emitted(c->g, y)->origin = c->n->origin;
  *s = sx_infer_node(c->g, sx_value_at(c->g, y)->producer, c->e);
  return *s == SX_OK ? y : SX_NONE;
}
static sx_status dequantized(sx_upgrade_ctx *c, uint32_t x, uint32_t scale, uint32_t zero, sx_vid *y) {
  sx_vid in[3] = {c->n->in[x].value, c->n->in[scale].value, sx_node_in(c->n, zero)};
  sx_status s = SX_OK;
  *y = step(c, &sx_op_DequantizeLinear, in, in[2] == SX_NONE ? 2 : 3, &s);
  return s;
}
/* The node itself becomes the QuantizeLinear of v. */
static sx_status quantize(sx_upgrade_ctx *c, sx_vid v, sx_vid scale, sx_vid zero, int dtype) {
  c->n->op = &sx_op_QuantizeLinear;
  c->n->op_type = SX_STR("QuantizeLinear"), c->n->domain = (sx_str){"", 0};
  c->n->attrs = NULL, c->n->n_attrs = 0;
  uint32_t n = zero == SX_NONE ? 2 : 3;
  if (!sx_graph_resize_inputs(c->g, c->id, n, n)) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, 0, v);
  sx_graph_set_input(c->g, c->id, 1, scale);
  if (n == 3)
    sx_graph_set_input(c->g, c->id, 2, zero);
  else if (!sx_node_set_int(c->g, c->id, "output_dtype", dtype))
    SX_NO_MEMORY(c->e);
  return SX_OK;
}

/* X, its scale and zero point, scale and zero point of Y: DequantizeLinear, `op` with the node's attributes,
 * QuantizeLinear. */
static sx_status sandwich(sx_upgrade_ctx *c, const sx_op *op, bool spatial) {
  sx_vid x, scale = c->n->in[3].value, zero = sx_node_in(c->n, 4);
  int dtype = sx_value_at(c->g, c->n->in[0].value)->fact.dtype;
  sx_status s = SX_OK;
  bool last = spatial && sx_attr_int(c->n, "channels_last", 0) != 0;
  SX_TRY(dequantized(c, 0, 1, 2, &x));
  if (last && (x = transposed(c, x, false, &s)) == SX_NONE) return s;
  sx_node_remove_attr(c->n, "channels_last");
  int64_t opset = sx_attr_int(c->n, "opset", 13);
  sx_node_remove_attr(c->n, "opset");
  sx_vid y = sx_graph_emit(c->g, op, &x, 1);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid id = sx_value_at(c->g, y)->producer;
  sx_node *n = sx_node_at(c->g, id);
  n->attrs = c->n->attrs, n->n_attrs = c->n->n_attrs, n->origin = c->n->origin, n->name = c->n->name;
  SX_TRY(sx_infer_node(c->g, id, c->e));
  if (last && (y = transposed(c, y, true, &s)) == SX_NONE) return s;
  SX_TRY(quantize(c, y, scale, zero, dtype));
  sx_upgrade_ctx inner = {c->g, id, n, (int)opset, c->e};
  if (op == &sx_op_Softmax && opset < 13) SX_TRY(sx_op_Softmax.upgrades[0].fn(&inner));
  return SX_OK;
}
#define SANDWICH(N, inner, spatial)                                                             \
  static sx_status open_##N(sx_upgrade_ctx *c) { return sandwich(c, &sx_op_##inner, spatial); } \
  const sx_op sx_op_##N = {.name = #N,                                                          \
                           .domain = SX_DOMAIN_MS,                                              \
                           .accuracy = SX_QUANTUM,                                              \
                           .infer = sx_infer_same,                                              \
                           .upgrades = {{INT32_MAX, open_##N}}};
SANDWICH(QLinearLeakyRelu, LeakyRelu, false)
SANDWICH(QLinearSigmoid, Sigmoid, false)
SANDWICH(QLinearSoftmax, Softmax, false)
SANDWICH(QLinearAveragePool, AveragePool, true)

/* Opened as well, but what the passes put together again has a kernel; channels come second there. */
static sx_status infer_mean(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  for (int i = 0; i < x->rank; i++) d[i] = i < 2 ? x->dims[i] : 1;
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  c->out[0].layout = x->layout, c->out[0].block = x->block;
  return SX_OK;
}
static sx_status open_mean(sx_upgrade_ctx *c) { return sandwich(c, &sx_op_GlobalAveragePool, true); }
const sx_op sx_op_QLinearGlobalAveragePool = {.name = "QLinearGlobalAveragePool",
                                              .domain = SX_DOMAIN_MS,
                                              .accuracy = SX_QUANTUM,
                                              .infer = infer_mean,
                                              .upgrades = {{INT32_MAX, open_mean}}};

/* Requantised: Q(DQ(x)). */
static sx_status requantized(sx_upgrade_ctx *c, uint32_t x, uint32_t scale, uint32_t zero, sx_vid to_scale, sx_vid to_zero,
                             sx_vid *y) {
  sx_status s = SX_OK;
  sx_vid in[3] = {SX_NONE, to_scale, to_zero};
  SX_TRY(dequantized(c, x, scale, zero, &in[0]));
  *y = step(c, &sx_op_QuantizeLinear, in, 3, &s);
  return s;
}
static sx_status open_concat(sx_upgrade_ctx *c) {
  uint32_t parts = (c->n->n_in - 2) / 3;
  sx_vid scale = c->n->in[0].value, zero = c->n->in[1].value, *v = SX_NEW_N(&c->g->model->arena, sx_vid, (size_t)parts + 1);
  if (!v) SX_NO_MEMORY(c->e);
  if ((c->n->n_in - 2) % 3) SX_FAIL(c->e, FAIL, "has %u inputs, expected 2 and three for every part", c->n->n_in);
  for (uint32_t i = 0; i < parts; i++) {
    const sx_vid x = c->n->in[2 + 3 * i].value;
    sx_status s = SX_OK;
    sx_vid in[3] = {x, scale, zero};
    if (sx_value_at(c->g, x)->fact.dtype == SX_F32) { /* parts may be floats */
      if ((v[i] = step(c, &sx_op_QuantizeLinear, in, 3, &s)) == SX_NONE) return s;
    } else
      SX_TRY(requantized(c, 2 + 3 * i, 3 + 3 * i, 4 + 3 * i, scale, zero, &v[i]));
  }
  c->n->op = &sx_op_Concat;
  c->n->op_type = SX_STR("Concat"), c->n->domain = (sx_str){"", 0};
  if (!sx_graph_resize_inputs(c->g, c->id, parts, parts)) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < parts; i++) sx_graph_set_input(c->g, c->id, i, v[i]);
  return SX_OK;
}
const sx_op sx_op_QLinearConcat = {.name = "QLinearConcat",
                                   .domain = SX_DOMAIN_MS,
                                   .accuracy = SX_QUANTUM,
                                   .infer = sx_infer_same,
                                   .upgrades = {{INT32_MAX, open_concat}}};

static sx_status open_where(sx_upgrade_ctx *c) {
  sx_vid in[3] = {c->n->in[0].value};
  SX_TRY(requantized(c, 1, 2, 3, c->n->in[7].value, c->n->in[8].value, &in[1]));
  SX_TRY(requantized(c, 4, 5, 6, c->n->in[7].value, c->n->in[8].value, &in[2]));
  c->n->op = &sx_op_Where;
  c->n->op_type = SX_STR("Where"), c->n->domain = (sx_str){"", 0};
  if (!sx_graph_resize_inputs(c->g, c->id, 3, 3)) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < 3; i++) sx_graph_set_input(c->g, c->id, i, in[i]);
  return SX_OK;
}
const sx_op sx_op_QLinearWhere = {.name = "QLinearWhere",
                                  .domain = SX_DOMAIN_MS,
                                  .accuracy = SX_QUANTUM,
                                  .infer = sx_infer_same,
                                  .upgrades = {{INT32_MAX, open_where}}};
