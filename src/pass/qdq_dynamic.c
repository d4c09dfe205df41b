// SPDX-License-Identifier: MIT
/* Dynamic quantisation: MatMulInteger, Cast and the multiplication by both scales become MatMulIntegerToFloat; a bias and
 * an activation behind it go along (QuantLinear). ConvInteger, Cast and so on become ConvIntegerToFloat likewise. */
#include "ops/nn/activation.h"
#include "pass/qdq.h"

/* Has a constant as many elements as channels, standing along axis 1 of a result of this rank? */
static bool along_channels(const sx_tensor *t, int rank, int64_t channels) {
  const int axis = t->rank - (rank - 1);
  return t->count == channels && axis >= 0 && axis < t->rank && t->dims[axis] == channels;
}

/* The scale of the left side (one element, whatever made it) and the constant one of the right side, out of their product:
 * of the last axis of a product, or of the channels of a convolution of this rank (0: it is none). */
static bool scales(const sx_graph *g, sx_vid v, int64_t columns, int rank, sx_vid *left, sx_vid *right) {
  const sx_node *m = sx_pass_producer(g, v, &sx_op_Mul);
  for (uint32_t i = 0; m && i < 2; i++) {
    const sx_fact *f = &sx_value_at(g, m->in[i].value)->fact;
    const sx_tensor *t = sx_value_const(g, m->in[1 - i].value);
    bool one = f->dtype == SX_F32 && (f->rank == 0 || (f->rank == 1 && f->dims[0] == 1));
    if (!one || !t || t->dtype != SX_F32) continue;
    if (rank ? t->count != 1 && !along_channels(t, rank, columns) : t->rank > 1 || (t->count != 1 && t->count != columns))
      continue;
    *left = m->in[i].value, *right = m->in[1 - i].value;
    return true;
  }
  return false;
}

static sx_status fuse_scales(sx_pass_ctx *c, const sx_node *mul) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < 2; i++) {
    const sx_vid v = mul->in[i].value;
    const sx_node *cast = sx_pass_producer(g, v, &sx_op_Cast),
                  *n = cast ? sx_pass_producer(g, cast->in[0].value, &sx_op_MatMulInteger) : NULL;
    const sx_fact *b = n ? &sx_value_at(g, n->in[1].value)->fact : NULL;
    sx_vid left, right;
    if (!n || sx_value_at(g, v)->fact.dtype != SX_F32 || !sx_pass_single_use(g, v) || !sx_pass_single_use(g, n->out[0]))
      continue;
    if (b->rank < 2 || !sx_dim_is_const(b->dims[b->rank - 1]) ||
        !scales(g, mul->in[1 - i].value, b->dims[b->rank - 1], 0, &left, &right))
      continue;
    const sx_vid in[6] = {n->in[0].value, n->in[1].value, left, right, sx_node_in(n, 2), sx_node_in(n, 3)};
    sx_patch p = sx_patch_begin(c);
    sx_vid y = sx_patch_node(&p, &sx_op_MatMulIntegerToFloat, in, 6);
    if (y == SX_NONE) SX_NO_MEMORY(c->e);
    sx_patch_swap(&p, mul->out[0], y);
    return sx_patch_apply(&p, NULL);
  }
  return SX_OK;
}

/* The same of a convolution. */
static sx_status fuse_conv(sx_pass_ctx *c, const sx_node *mul) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < 2; i++) {
    const sx_vid v = mul->in[i].value;
    const sx_node *cast = sx_pass_producer(g, v, &sx_op_Cast),
                  *n = cast ? sx_pass_producer(g, cast->in[0].value, &sx_op_ConvInteger) : NULL;
    const sx_fact *y = &sx_value_at(g, mul->out[0])->fact;
    sx_vid left, right;
    if (!n || sx_value_at(g, v)->fact.dtype != SX_F32 || !sx_pass_single_use(g, v) || !sx_pass_single_use(g, n->out[0]) ||
        y->rank < 3 || !sx_dim_is_const(y->dims[1]) || !sx_pass_same_shape(&sx_value_at(g, v)->fact, y) ||
        !scales(g, mul->in[1 - i].value, y->dims[1], y->rank, &left, &right))
      continue;
    const sx_vid in[6] = {n->in[0].value, n->in[1].value, left, right, sx_node_in(n, 2), sx_node_in(n, 3)};
    sx_patch p = sx_patch_begin(c);
    const sx_vid made = sx_patch_node(&p, &sx_op_ConvIntegerToFloat, in, 6);
    if (made == SX_NONE) SX_NO_MEMORY(c->e);
    for (uint32_t k = 0; k < n->n_attrs; k++)
      if (!sx_node_set_attr(g, sx_value_at(g, made)->producer, &n->attrs[k])) SX_NO_MEMORY(c->e);
    sx_patch_swap(&p, mul->out[0], made);
    return sx_patch_apply(&p, NULL);
  }
  return SX_OK;
}

static const sx_node *product_of(const sx_graph *g, sx_vid v) {
  const sx_node *n = sx_pass_producer(g, v, &sx_op_MatMulIntegerToFloat);
  if (!n) n = sx_pass_producer(g, v, &sx_op_QuantLinear);
  if (!n) n = sx_pass_producer(g, v, &sx_op_ConvIntegerToFloat);
  return n && sx_pass_single_use(g, v) && !sx_attr_str(n, "activation", "").n ? n : NULL;
}

/* Constant v as a vector of n elements; SX_NONE when it is none. */
static sx_vid vector(sx_pass_ctx *c, sx_vid v, int64_t n) {
  const sx_tensor *t = sx_value_const(c->g, v);
  const void *data;
  sx_tensor *flat;
  if (!t || t->dtype != SX_F32 || t->count != n || t->rank < 1 || t->dims[t->rank - 1] != n) return SX_NONE;
  if (t->rank == 1) return v;
  if (sx_tensor_data(t, &data, NULL) != SX_OK || sx_tensor_create(SX_F32, 1, &n, &flat, NULL) != SX_OK) return SX_NONE;
  memcpy(flat->data, data, t->size);
  return sx_model_hold(c->g->model, flat, NULL) == SX_OK ? sx_graph_add_const(c->g, flat, (sx_str){"", 0}) : SX_NONE;
}

static sx_status extend(sx_pass_ctx *c, const sx_node *n, const sx_op *op, sx_vid bias, const sx_node *act, sx_vid from) {
  float params[2];
  uint32_t count;
  const char *name = act ? sx_activation_of(c->g, act, params, &count) : NULL;
  sx_vid in[7];
  for (uint32_t i = 0; i < 7; i++) in[i] = sx_node_in(n, i);
  if (bias != SX_NONE) in[6] = bias;
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, op, in, in[6] == SX_NONE ? 6 : 7);
  for (uint32_t i = 0; y != SX_NONE && i < n->n_attrs; i++)
    if (!sx_node_set_attr(c->g, sx_value_at(c->g, y)->producer, &n->attrs[i])) SX_NO_MEMORY(c->e);
  if (y == SX_NONE || (name && !sx_activation_set(c->g, sx_value_at(c->g, y)->producer, name, params, count)))
    SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, from, y);
  return sx_patch_apply(&p, NULL);
}

static sx_status fuse_tail(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  float params[2];
  uint32_t count;
  if (n->op == &sx_op_Add) {
    for (uint32_t i = 0; i < 2; i++) {
      const sx_node *m = product_of(g, n->in[i].value);
      const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
      const bool conv = m && m->op == &sx_op_ConvIntegerToFloat;
      const int axis = conv ? 1 : y->rank - 1;
      if (!m || sx_node_in(m, 6) != SX_NONE || y->rank <= axis || axis < 0 || !sx_dim_is_const(y->dims[axis]) ||
          !sx_pass_same_shape(&sx_value_at(g, m->out[0])->fact, y))
        continue;
      const sx_tensor *t = sx_value_const(g, n->in[1 - i].value);
      sx_vid bias = !conv ? vector(c, n->in[1 - i].value, y->dims[axis])
                    : t && t->dtype == SX_F32 && along_channels(t, y->rank, y->dims[1]) ? n->in[1 - i].value
                                                                                        : SX_NONE;
      if (bias != SX_NONE) return extend(c, m, m->op, bias, NULL, n->out[0]);
    }
    return SX_OK;
  }
  const sx_node *m = n->n_in ? product_of(g, n->in[0].value) : NULL;
  if (!m || !sx_activation_of(g, n, params, &count)) return SX_OK;
  const bool conv = m->op == &sx_op_ConvIntegerToFloat;
  if (conv && n->op != &sx_op_Relu && n->op != &sx_op_Clip) return SX_OK;
  return extend(c, m, conv ? m->op : &sx_op_QuantLinear, SX_NONE, n, n->out[0]);
}

sx_status sx_pass_dynamic_quant(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (n->dead || !n->op || !(n->op->flags & SX_OP_ELEMENTWISE)) continue;
    if (n->op == &sx_op_Mul) SX_TRY(fuse_scales(c, n));
    if (n->op == &sx_op_Mul && !n->dead) SX_TRY(fuse_conv(c, n));
    if (!n->dead) SX_TRY(fuse_tail(c, n));
  }
  return SX_OK;
}
