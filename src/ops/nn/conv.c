// SPDX-License-Identifier: MIT
/* Convolutions: Conv, ConvTranspose, and the private FusedConv: act(Conv(X, W, B) + residual), with inputs (X, W, B?,
 * residual?) and attributes of Conv, activation and activation_params. ToBlocked and FromBlocked change the layout of the
 * channels: the logical shape stays (ir/graph.h: sx_layout). */
#include "ops/lower.h"
#include "ops/nn/activation.h"
#include "ops/nn/window.h"

sx_status sx_infer_conv(sx_infer *c, uint32_t weight, int dtype) {
  const sx_fact *x = sx_infer_in(c, 0), *wt = sx_infer_in(c, weight);
  sx_dim d[SX_MAX_RANK];
  sx_window w;
  if (x->rank < 0 && wt->rank < 0) return sx_infer_set(c, 0, dtype, -1, NULL);
  int rank = x->rank >= 0 ? x->rank : wt->rank;
  if (rank < 3 || (wt->rank >= 0 && wt->rank != rank))
    return SX_INFER_FAIL(c, "input 0 has rank %d, the weight has rank %d: expected equal ranks of 3 or more", x->rank,
                         wt->rank);
  int64_t kernel[SX_MAX_RANK];
  bool known = wt->rank > 0;
  for (int i = 2; i < rank && known; i++) known = sx_dim_is_const(kernel[i - 2] = wt->dims[i]);
  if (!known && !sx_node_attr(c->n, "kernel_shape")) {
    for (int i = 0; i < rank; i++) d[i] = SX_DIM_UNKNOWN;
    return sx_infer_set(c, 0, dtype, rank, d);
  }
  SX_TRY(sx_window_read(c->n, rank - 2, known ? kernel : NULL, &w, c->e));
  int64_t group = sx_attr_int(c->n, "group", 1);
  if (group < 1) return SX_INFER_FAIL(c, "attribute 'group' is %lld", (long long)group);
  if (wt->rank > 0 && sx_dim_is_const(wt->dims[0]) && wt->dims[0] % group)
    return SX_INFER_FAIL(c, "the weight has %lld output channels, not a multiple of group %lld", (long long)wt->dims[0],
                         (long long)group);
  if (x->rank > 0 && wt->rank > 0 && sx_dim_is_const(x->dims[1]) && sx_dim_is_const(wt->dims[1]) &&
      x->dims[1] != wt->dims[1] * group)
    return SX_INFER_FAIL(c, "the input has %lld channels, the weight expects %lld (%lld per group, %lld groups)",
                         (long long)x->dims[1], (long long)(wt->dims[1] * group), (long long)wt->dims[1], (long long)group);
  const uint32_t bias = weight == 3                      ? 8
                        : c->n->op == &sx_op_DeformConv  ? 3
                        : dtype == SX_I32 || c->n->op == &sx_op_ConvIntegerToFloat ? UINT32_MAX
                                                         : 2;
  const sx_fact *b = bias == UINT32_MAX ? NULL : sx_infer_in(c, bias);
  if (b && b->rank >= 0 &&
      (b->rank != 1 ||
       (wt->rank > 0 && sx_dim_is_const(b->dims[0]) && sx_dim_is_const(wt->dims[0]) && b->dims[0] != wt->dims[0])))
    return SX_INFER_FAIL(c, "the bias has rank %d and %lld elements, expected rank 1 and %lld, one for each output channel",
                         b->rank, (long long)(b->rank > 0 ? b->dims[0] : 1), (long long)(wt->rank > 0 ? wt->dims[0] : 0));
  for (int i = 0; i < w.n && x->rank > 0; i++)
    if (sx_dim_is_const(x->dims[i + 2])) SX_TRY(sx_window_fits(&w, i, x->dims[i + 2], c->e));
  d[0] = x->rank > 0 ? x->dims[0] : SX_DIM_UNKNOWN;
  d[1] = wt->rank > 0 ? wt->dims[0] : SX_DIM_UNKNOWN;
  for (int i = 2; i < rank; i++) d[i] = x->rank > 0 ? sx_window_dim(&w, i - 2, x->dims[i], c->dims) : SX_DIM_UNKNOWN;
  SX_TRY(sx_infer_set(c, 0, dtype, rank, d));
  c->out[0].layout = x->layout, c->out[0].block = x->block;
  int64_t block = sx_attr_int(c->n, "blocked_out", 0); /* set by the layout pass on a stem: plain in, blocked out */
  if (block) c->out[0].layout = SX_BLOCKED, c->out[0].block = (uint8_t)block;
  return SX_OK;
}
static sx_status infer_conv(sx_infer *c) { return sx_infer_conv(c, 1, sx_infer_in(c, 0)->dtype); }
const sx_op sx_op_Conv = {.name = "Conv", .accuracy = SX_ACCUMULATE, .flags = SX_OP_CHECK_SIZES, .infer = infer_conv};

static sx_status lower_fused_conv(sx_graph *g, sx_nid id, sx_err *e) {
  sx_node *n = sx_node_at(g, id);
  sx_vid in[3] = {n->in[0].value, n->in[1].value, sx_node_in(n, 2)},
         y = sx_graph_emit(g, &sx_op_Conv, in, in[2] == SX_NONE ? 2 : 3);
  if (y == SX_NONE) SX_NO_MEMORY(e);
  sx_node *conv = sx_graph_emitted(g, y);
  conv->name = n->name, conv->origin = n->origin;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (!sx_activation_attr(n->attrs[i].name) && !sx_node_set_attr(g, sx_value_at(g, y)->producer, &n->attrs[i]))
      SX_NO_MEMORY(e);
  if (sx_node_in(n, 3) != SX_NONE) {
    sx_vid add[2] = {y, n->in[3].value};
    if ((y = sx_graph_emit(g, &sx_op_Add, add, 2)) == SX_NONE) SX_NO_MEMORY(e);
  }
  if ((y = sx_activation_lower(g, n, y)) == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_FusedConv = {.name = "FusedConv",
                               .accuracy = SX_ACCUMULATE,
                               .flags = SX_OP_PRIVATE | SX_OP_CHECK_SIZES,
                               .infer = infer_conv,
                               .lower = lower_fused_conv};

static sx_status infer_conv_transpose(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *wt = sx_infer_in(c, 1);
  sx_dim d[SX_MAX_RANK];
  int64_t kernel[SX_MAX_RANK];
  const int64_t *extra, *shape;
  sx_window w;
  if (x->rank < 0 || wt->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank < 3 || x->rank != wt->rank)
    return SX_INFER_FAIL(c, "input 0 has rank %d, the weight has rank %d: expected equal ranks of 3 or more", x->rank,
                         wt->rank);
  for (int i = 2; i < wt->rank; i++)
    if (!sx_dim_is_const(kernel[i - 2] = wt->dims[i])) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  SX_TRY(sx_window_read(c->n, x->rank - 2, kernel, &w, c->e));
  int64_t group = sx_attr_int(c->n, "group", 1);
  if (group < 1) return SX_INFER_FAIL(c, "attribute 'group' is %lld", (long long)group);
  if (sx_dim_is_const(x->dims[1]) && sx_dim_is_const(wt->dims[0]) && (x->dims[1] != wt->dims[0] || x->dims[1] % group))
    return SX_INFER_MISFIT(c, "the input has %lld channels, the weight expects %lld in %lld groups", (long long)x->dims[1],
                         (long long)wt->dims[0], (long long)group);
  uint32_t n_extra = sx_attr_ints(c->n, "output_padding", &extra), n_shape = sx_attr_ints(c->n, "output_shape", &shape);
  if ((n_extra && (int)n_extra != w.n) || (n_shape && (int)n_shape != w.n && (int)n_shape != w.n + 2))
    return SX_INFER_MISFIT(c, "%s has %u entries, expected %d",
                         n_extra && (int)n_extra != w.n ? "output_padding" : "output_shape",
                         n_extra && (int)n_extra != w.n ? n_extra : n_shape, w.n);
  for (int i = 0; i < w.n && n_extra; i++)
    if (extra[i] >= w.stride[i] && extra[i] >= w.dilation[i])
      return SX_INFER_MISFIT(c, "output_padding[%d] is %lld, expected less than the stride %lld or the dilation %lld", i,
                           (long long)extra[i], (long long)w.stride[i], (long long)w.dilation[i]);
  d[0] = x->dims[0];
  d[1] = sx_dim_mul(c->dims, wt->dims[1], group);
  for (int i = 0; i < w.n; i++) {
    int64_t pads = w.same ? 0 : w.pad[i] + w.pad[i + w.n], more = n_extra ? extra[i] : 0;
    sx_dim in = x->dims[i + 2], steps = sx_dim_mul(c->dims, sx_dim_sub(c->dims, in, 1), w.stride[i]);
    if (n_shape)
      d[i + 2] = shape[i + (int)n_shape - w.n];
    else if (w.same)
      d[i + 2] = sx_dim_mul(c->dims, in, w.stride[i]);
    else
      d[i + 2] = sx_dim_add(c->dims, steps, (w.kernel[i] - 1) * w.dilation[i] + 1 - pads + more);
  }
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}
/* Whether a constant of f32, f16 or bf16 has an infinity or NaN: all bits of the exponent. */
static bool has_infinite(const sx_tensor *t) {
  const uint32_t exponent = t->dtype == SX_F32 ? 0x7f800000 : t->dtype == SX_BF16 ? 0x7f80 : 0x7c00;
  const size_t size = sx_dtype_bits((sx_dtype)t->dtype) / 8;
  for (int64_t i = 0; i < t->count; i++) {
    uint32_t v = 0;
    memcpy(&v, (const char *)t->bytes + (size_t)i * size, size); /* the low bytes */
    if ((v & exponent) == exponent) return true;
  }
  return false;
}
/* The fast kernels multiply what lies around the input, zeros, by all weights: with an infinite one they would give NaN where
 * it does not reach. That of f64 goes from the inputs to where they reach. */
static sx_status infinite_weights(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_tensor *w = sx_value_const(c->g, sx_node_in(c->n, 1));
  if (!w || (w->dtype != SX_F32 && w->dtype != SX_F16 && w->dtype != SX_BF16) || !has_infinite(w)) return SX_OK;
  sx_vid in[3] = {SX_LOWER_ABSENT, SX_LOWER_ABSENT, SX_LOWER_ABSENT};
  for (uint32_t i = 0; i < 3; i++)
    if (sx_lower_has(&l, i)) in[i] = sx_lower_cast(&l, sx_lower_in(&l, i), SX_F64);
  const sx_vid y = sx_lower_node(&l, &sx_op_ConvTranspose, in, 3, c->n->attrs, c->n->n_attrs);
  return sx_lower_end(&l, sx_lower_cast(&l, y, (sx_dtype)w->dtype));
}
const sx_op sx_op_ConvTranspose = {.name = "ConvTranspose",
                                   .accuracy = SX_ACCUMULATE,
                                   .flags = SX_OP_CHECK_SIZES,
                                   .infer = infer_conv_transpose,
                                   .upgrades = {{SX_LOWER_ALWAYS, infinite_weights}}};

static sx_status infer_to_blocked(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].layout = SX_BLOCKED;
  c->out[0].block = (uint8_t)sx_attr_int(c->n, "block", 0);
  return SX_OK;
}
static sx_status infer_from_blocked(sx_infer *c) {
  SX_TRY(sx_infer_like(c, 0, 0));
  c->out[0].layout = SX_PLAIN, c->out[0].block = 0;
  return SX_OK;
}
static sx_status lower_layout(sx_graph *g, sx_nid id, sx_err *e) {
  (void)e;
  sx_graph_replace_value(g, sx_node_at(g, id)->out[0], sx_node_at(g, id)->in[0].value);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_ToBlocked = {
    .name = "ToBlocked", .flags = SX_OP_PRIVATE, .infer = infer_to_blocked, .lower = lower_layout};
const sx_op sx_op_FromBlocked = {
    .name = "FromBlocked", .flags = SX_OP_PRIVATE, .infer = infer_from_blocked, .lower = lower_layout};
