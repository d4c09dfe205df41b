// SPDX-License-Identifier: MIT
/* What follows a convolution becomes part of it: batch normalisation and constant addends into weights and bias, a residual
 * addend and an activation into FusedConv's epilogue. */
#include "ops/nn/activation.h"
#include "pass/pass.h"
#include <math.h>

static sx_node *conv_of(const sx_graph *g, sx_vid v) {
  sx_node *n = sx_pass_producer(g, v, &sx_op_Conv);
  return n ? n : sx_pass_producer(g, v, &sx_op_FusedConv);
}

/* A new constant float tensor of a shape, to be filled. */
static sx_vid new_const(sx_pass_ctx *c, const sx_tensor *like, float **data) {
  sx_tensor *t;
  if (sx_tensor_create(SX_F32, like->rank, like->dims, &t, NULL) != SX_OK) return SX_NONE;
  if (sx_model_hold(c->g->model, t, NULL) != SX_OK) return SX_NONE;
  *data = t->data;
  return sx_graph_add_const(c->g, t, (sx_str){"", 0});
}

static const float *floats(const sx_graph *g, sx_vid v, int64_t count) {
  const sx_tensor *t = v == SX_NONE ? NULL : sx_value_const(g, v);
  const void *d;
  return t && t->dtype == SX_F32 && t->count == count && sx_tensor_data(t, &d, NULL) == SX_OK ? d : NULL;
}

/* A constant of shape (1, K, 1, ...), (K, 1, ...) or with one element that a convolution of `rank` adds per channel. */
static const float *per_channel(const sx_graph *g, sx_vid v, int rank, int64_t k, bool *scalar) {
  const sx_tensor *t = sx_value_const(g, v);
  const void *d;
  if (!t || t->dtype != SX_F32 || t->rank > rank || sx_tensor_data(t, &d, NULL) != SX_OK) return NULL;
  *scalar = t->count == 1;
  if (t->count != k && !*scalar) return NULL;
  for (int i = 0; i < t->rank && !*scalar; i++)
    if (t->dims[i] != (i + rank - t->rank == 1 ? k : 1)) return NULL;
  return d;
}

/* A convolution whose output channel k is multiplied by a[k] and then gains b[k]. The weights are multiplied where they are
 * packed. */
static sx_status rescale(sx_pass_ctx *c, sx_node *conv, const double *a, const double *b, sx_vid from) {
  sx_graph *g = c->g;
  sx_tensor *w = sx_value_const(g, conv->in[1].value), *scaled;
  int64_t k = w->dims[0];
  sx_vid old = sx_node_in(conv, 2);
  const float *bias = old == SX_NONE ? NULL : floats(g, old, k);
  float *bd = NULL;
  sx_tensor shape = {.rank = 1, .dims = &k};
  SX_TRY(sx_tensor_scale(w, a, &scaled, c->e));
  SX_TRY(sx_model_hold(g->model, scaled, c->e));
  sx_vid in[3] = {conv->in[0].value, sx_graph_add_const(g, scaled, (sx_str){"", 0}), new_const(c, &shape, &bd)};
  if (in[1] == SX_NONE || in[2] == SX_NONE) SX_NO_MEMORY(c->e);
  for (int64_t i = 0; i < k; i++) bd[i] = (float)((bias ? (double)bias[i] : 0) * a[i] + b[i]);
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, &sx_op_Conv, in, 3);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_node *n = sx_graph_emitted(g, y);
  n->attrs = conv->attrs, n->n_attrs = conv->n_attrs;
  sx_patch_swap(&p, from, y);
  return sx_patch_apply(&p, NULL);
}

/* The convolution that alone makes v and can be rescaled, with its number of output channels; or NULL. */
static sx_node *rescalable(const sx_graph *g, sx_vid v, int64_t *k) {
  sx_node *conv = sx_pass_producer(g, v, &sx_op_Conv);
  const sx_tensor *w = conv && sx_pass_single_use(g, v) ? sx_value_const(g, conv->in[1].value) : NULL;
  if (!w || w->dtype != SX_F32 || w->rank < 3) return NULL;
  *k = w->dims[0];
  return sx_node_in(conv, 2) == SX_NONE || floats(g, conv->in[2].value, *k) ? conv : NULL;
}

static sx_status fuse_batch_norm(sx_pass_ctx *c, sx_node *bn) {
  sx_graph *g = c->g;
  int64_t k;
  sx_node *conv = rescalable(g, bn->in[0].value, &k);
  if (!conv || sx_attr_int(bn, "training_mode", 0) || sx_node_out(bn, 1) != SX_NONE) return SX_OK;
  const float *scale = floats(g, bn->in[1].value, k), *shift = floats(g, bn->in[2].value, k),
              *mean = floats(g, bn->in[3].value, k), *var = floats(g, bn->in[4].value, k);
  if (!scale || !shift || !mean || !var) return SX_OK;
  double *a = SX_NEW_N(&g->model->arena, double, 2 * (size_t)k + 1), eps = sx_attr_float(bn, "epsilon", 1e-5f);
  if (!a) SX_NO_MEMORY(c->e);
  double *b = a + k;
  for (int64_t i = 0; i < k; i++) {
    a[i] = scale[i] / sqrt((double)var[i] + eps);
    b[i] = shift[i] - mean[i] * a[i];
  }
  return rescale(c, conv, a, b, bn->out[0]);
}

/* A factor per channel, or one for all. */
static sx_status fuse_factor(sx_pass_ctx *c, sx_node *n) {
  sx_graph *g = c->g;
  int64_t k;
  bool scalar, div = n->op == &sx_op_Div;
  for (uint32_t side = 0; side < (div ? 1u : 2u); side++) {
    sx_node *conv = rescalable(g, n->in[side].value, &k);
    const sx_fact *f = &sx_value_at(g, n->in[side].value)->fact;
    const float *d = conv && f->kind == SX_KIND_TENSOR && f->rank >= 3
                         ? per_channel(g, n->in[1 - side].value, f->rank, k, &scalar)
                         : NULL;
    if (!d) continue;
    double *a = SX_NEW_N(&g->model->arena, double, 2 * (size_t)k + 1); /* the second half is zero: nothing is added */
    if (!a) SX_NO_MEMORY(c->e);
    bool finite = true;
    for (int64_t i = 0; i < k && finite; i++) {
      a[i] = div ? 1.0 / d[scalar ? 0 : i] : d[scalar ? 0 : i];
      finite = isfinite(a[i]);
    }
    if (finite) return rescale(c, conv, a, a + k, n->out[0]);
  }
  return SX_OK;
}

/* Batch normalisation with no convolution before it: x * a + b, which joins the elementwise chain around it. */
static sx_status spread_batch_norm(sx_pass_ctx *c, sx_node *n) {
  sx_graph *g = c->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact;
  if (x->kind != SX_KIND_TENSOR || x->dtype != SX_F32 || x->rank < 2 || !sx_dim_is_const(x->dims[1]) ||
      sx_attr_int(n, "training_mode", 0) || sx_node_out(n, 1) != SX_NONE)
    return SX_OK;
  int64_t k = x->dims[1], dims[SX_MAX_RANK] = {k};
  const float *scale = floats(g, n->in[1].value, k), *shift = floats(g, n->in[2].value, k),
              *mean = floats(g, n->in[3].value, k), *var = floats(g, n->in[4].value, k);
  if (!scale || !shift || !mean || !var) return SX_OK;
  for (int i = 1; i < x->rank - 1; i++) dims[i] = 1;
  sx_tensor shape = {.rank = x->rank - 1, .dims = dims};
  float *a = NULL, *b = NULL;
  sx_vid in[2] = {n->in[0].value, new_const(c, &shape, &a)}, sum[2] = {SX_NONE, new_const(c, &shape, &b)};
  if (in[1] == SX_NONE || sum[1] == SX_NONE) SX_NO_MEMORY(c->e);
  double eps = sx_attr_float(n, "epsilon", 1e-5f);
  for (int64_t i = 0; i < k; i++) {
    double f = scale[i] / sqrt((double)var[i] + eps);
    a[i] = (float)f, b[i] = (float)(shift[i] - mean[i] * f);
  }
  sx_patch p = sx_patch_begin(c);
  sum[0] = sx_patch_node(&p, &sx_op_Mul, in, 2);
  sx_vid y = sx_patch_node(&p, &sx_op_Add, sum, 2);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, n->out[0], y);
  return sx_patch_apply(&p, NULL);
}
sx_status sx_pass_batch_norm(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && n->op == &sx_op_BatchNormalization && n->n_in >= 5) SX_TRY(spread_batch_norm(c, n));
  }
  return SX_OK;
}

/* The epilogue order is bias, residual, activation: what is there already decides what can still be added. */
static bool has_activation(const sx_node *n) {
  return sx_attr_str(n, "activation", "").n || sx_node_attr(n, "activation_scale");
}

static sx_status refuse(sx_pass_ctx *c, sx_node *conv, sx_vid bias, sx_vid residual, const char *act, const float *params,
                        uint32_t n_params, sx_vid from) {
  sx_graph *g = c->g;
  sx_vid in[4] = {conv->in[0].value, conv->in[1].value, bias, residual};
  sx_patch p = sx_patch_begin(c);
  const sx_op *op = residual != SX_NONE || act ? &sx_op_FusedConv : conv->op;
  sx_vid y = sx_patch_node(&p, op, in, residual != SX_NONE ? 4 : bias != SX_NONE ? 3 : 2);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_node *n = sx_graph_emitted(g, y);
  n->attrs = conv->attrs, n->n_attrs = conv->n_attrs;
  sx_nid id = sx_value_at(g, y)->producer;
  if (act && !sx_activation_set(g, id, act, params, n_params)) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, from, y);
  return sx_patch_apply(&p, NULL);
}

static sx_status fuse_add(sx_pass_ctx *c, sx_node *add, bool residuals) {
  sx_graph *g = c->g;
  for (uint32_t side = 0; side < 2; side++) {
    sx_vid v = add->in[side].value, other = add->in[1 - side].value;
    sx_node *conv = conv_of(g, v);
    if (!conv || !sx_pass_single_use(g, v) || has_activation(conv)) continue;
    const sx_fact *f = &sx_value_at(g, v)->fact, *o = &sx_value_at(g, other)->fact, *y = &sx_value_at(g, add->out[0])->fact;
    bool scalar, plain = sx_node_in(conv, 3) == SX_NONE;
    if (f->dtype != SX_F32 || f->rank < 2 || !sx_dim_is_const(f->dims[1])) continue;
    const float *d = plain ? per_channel(g, other, f->rank, f->dims[1], &scalar) : NULL;
    if (d) {
      float *bd;
      int64_t k = f->dims[1];
      sx_tensor shape = {.rank = 1, .dims = &k};
      sx_vid b = sx_node_in(conv, 2);
      const float *old = b == SX_NONE ? NULL : floats(g, b, k);
      if (b != SX_NONE && !old) continue;
      if ((b = new_const(c, &shape, &bd)) == SX_NONE) SX_NO_MEMORY(c->e);
      for (int64_t i = 0; i < k; i++) bd[i] = (old ? old[i] : 0) + d[scalar ? 0 : i];
      return refuse(c, conv, b, SX_NONE, NULL, NULL, 0, add->out[0]);
    }
    /* A residual must be there before the convolution runs: any value that does not depend on it, of the same shape. */
    bool same =
        residuals && plain && sx_pass_same_shape(o, f) && y->rank == f->rank && !sx_value_const(g, other) && other != v;
    if (same) return refuse(c, conv, sx_node_in(conv, 2), other, NULL, NULL, 0, add->out[0]);
  }
  return SX_OK;
}

/* Zeros put around the planes before a convolution are its own padding. */
static sx_status fuse_pad(sx_pass_ctx *c, const sx_node *conv) {
  sx_graph *g = c->g;
  const sx_node *pad = sx_pass_producer(g, conv->in[0].value, &sx_op_Pad);
  sx_str mode = pad ? sx_attr_str(pad, "mode", "constant") : (sx_str){"", 0},
         autos = sx_attr_str(conv, "auto_pad", "NOTSET");
  double value = 0;
  if (!pad || !sx_str_is(mode, "constant") || !(sx_str_is(autos, "NOTSET") || sx_str_is(autos, "VALID") || !autos.n))
    return SX_OK;
  const sx_fact *x = &sx_value_at(g, pad->in[0].value)->fact, *f = &sx_value_at(g, pad->in[1].value)->fact;
  const sx_fact *axes = sx_node_in(pad, 3) == SX_NONE ? NULL : &sx_value_at(g, pad->in[3].value)->fact;
  uint32_t n = f->n_elems / 2, spatial = (uint32_t)x->rank - 2;
  if (x->kind != SX_KIND_TENSOR || x->rank < 3 || (axes ? axes->n_elems != n || n == 0 : n != (uint32_t)x->rank))
    return SX_OK;
  if (sx_node_in(pad, 2) != SX_NONE && (!sx_pass_scalar(g, pad->in[2].value, &value) || value != 0)) return SX_OK;
  const int64_t *old;
  int64_t pads[2 * SX_MAX_RANK] = {0};
  uint32_t k = sx_str_is(autos, "VALID") ? 0 : sx_attr_ints(conv, "pads", &old);
  for (uint32_t i = 0; i < k && i < 2 * spatial; i++) pads[i] = old[i];
  for (uint32_t i = 0; i < n; i++) {
    sx_dim a = axes ? axes->elems[i] : i, lo = f->elems[i], hi = f->elems[i + n];
    if (!sx_dim_is_const(a) || !sx_dim_is_const(lo) || !sx_dim_is_const(hi) || lo < 0 || hi < 0 || a < -x->rank ||
        a >= x->rank)
      return SX_OK;
    if (a < 0) a += x->rank;
    if (a < 2 && (lo || hi)) return SX_OK;
    if (a >= 2) pads[a - 2] += lo, pads[a - 2 + spatial] += hi;
  }
  sx_vid in[4];
  for (uint32_t i = 0; i < 4; i++) in[i] = i ? sx_node_in(conv, i) : pad->in[0].value;
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, conv->op, in, conv->n_in);
  bool ok = y != SX_NONE;
  sx_nid id = ok ? sx_value_at(g, y)->producer : SX_NONE;
  for (uint32_t i = 0; i < conv->n_attrs && ok; i++)
    ok = sx_str_is(conv->attrs[i].name, "auto_pad") || sx_node_set_attr(g, id, &conv->attrs[i]);
  if (!ok || !sx_node_set_ints(g, id, "pads", pads, 2 * spatial)) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, conv->out[0], y);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_conv_batch_norm(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (n->dead) continue;
    if (n->op == &sx_op_Conv)
      SX_TRY(fuse_pad(c, n));
    else if (n->op == &sx_op_BatchNormalization && n->n_in >= 5)
      SX_TRY(fuse_batch_norm(c, n));
    else if (n->op == &sx_op_Mul || n->op == &sx_op_Div)
      SX_TRY(fuse_factor(c, n));
    else if (n->op == &sx_op_Add)
      SX_TRY(fuse_add(c, n, false));
  }
  return SX_OK;
}

static sx_status fuse_activation(sx_pass_ctx *c, sx_node *n) {
  sx_graph *g = c->g;
  float params[2];
  uint32_t count;
  sx_node *conv = n->n_in ? conv_of(g, n->in[0].value) : NULL;
  if (!conv || !sx_pass_single_use(g, conv->out[0]) || has_activation(conv) ||
      sx_value_at(g, conv->out[0])->fact.dtype != SX_F32)
    return SX_OK;
  const char *act = sx_activation_of(g, n, params, &count);
  return act ? refuse(c, conv, sx_node_in(conv, 2), sx_node_in(conv, 3), act, params, count, n->out[0]) : SX_OK;
}

/* A factor and an addend behind the activation: numbers that hold for all channels. */
static sx_status fuse_affine(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  sx_vid x, in[4];
  double scale, shift;
  if (!sx_pass_affine(g, n, &x, &scale, &shift)) return SX_OK;
  const sx_node *conv = conv_of(g, x);
  if (!conv || !sx_pass_single_use(g, x) || !has_activation(conv) || sx_value_at(g, x)->fact.dtype != SX_F32) return SX_OK;
  for (uint32_t i = 0; i < 4; i++) in[i] = sx_node_in(conv, i);
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, &sx_op_FusedConv, in, conv->n_in);
  bool ok = y != SX_NONE;
  sx_nid id = ok ? sx_value_at(g, y)->producer : SX_NONE;
  for (uint32_t i = 0; i < conv->n_attrs && ok; i++) ok = sx_node_set_attr(g, id, &conv->attrs[i]);
  ok = ok && sx_node_set_float(g, id, "activation_scale", (float)(sx_attr_float(conv, "activation_scale", 1) * scale)) &&
       sx_node_set_float(g, id, "activation_shift", (float)(sx_attr_float(conv, "activation_shift", 0) * scale + shift));
  if (!ok) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, n->out[0], y);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_conv_epilogue(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (n->dead || !n->op || !(n->op->flags & SX_OP_ELEMENTWISE)) continue;
    if (n->op == &sx_op_Add)
      SX_TRY(fuse_add(c, n, true));
    else
      SX_TRY(fuse_activation(c, n));
    if (!n->dead) SX_TRY(fuse_affine(c, n));
  }
  return SX_OK;
}
