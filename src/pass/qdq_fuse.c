// SPDX-License-Identifier: MIT
/* An operator between DequantizeLinear and QuantizeLinear becomes the operator on integers: convolutions and products with
 * their Relu or Clip, sums and products of two tensors, means of images, any function of one tensor as a table of 256 entries. Products
 * whose result stays float multiply integers too. Scales and zero points are constant; what has others keeps its float
 * form. */
#include "ops/nn/activation.h"
#include "pass/qdq.h"
#include <math.h>

/* The operator in question, what follows it, and the border at the end. */
typedef struct site {
  const sx_node *n, *act; /* act: Relu or Clip between n and the border; may be NULL */
  sx_qdq y;
  sx_vid from; /* what the integer form replaces */
} site;

static bool constant_scale(const sx_graph *g, const sx_qdq *q, const sx_tensor **t, int64_t count) {
  *t = sx_value_const(g, q->scale);
  return *t && ((*t)->count == 1 || (*t)->count == count);
}
static double scale_at(const sx_tensor *t, int64_t i) {
  double s = 0;
  sx_tensor_get_f64(t, t->count == 1 ? 0 : i, &s);
  return s;
}

/* A float constant, or a dequantised one, as s32 in units of sx * w[k], k counted along the last axis of the bias. False:
 * the values are not constant, leave s32, or lose more than 1/32 of `step`, the scale of the result. *out SX_NONE with
 * true: there is no bias. */
static bool integer_bias(sx_pass_ctx *c, sx_vid v, double sx, const sx_tensor *w, int64_t channels, double step,
                         sx_vid *out) {
  sx_graph *g = c->g;
  *out = SX_NONE;
  if (v == SX_NONE) return true;
  const sx_node *d = sx_pass_producer(g, v, &sx_op_DequantizeLinear);
  const sx_tensor *b = sx_value_const(g, d ? d->in[0].value : v), *s = d ? sx_value_const(g, d->in[1].value) : NULL,
                  *z = d ? sx_value_const(g, sx_node_in(d, 2)) : NULL;
  sx_tensor *t;
  if (!b || (d && (!s || (sx_node_in(d, 2) != SX_NONE && !z) || sx_attr_int(d, "block_size", 0)))) return false;
  if ((b->count == 1 ? channels != 1 && w->count != 1 : b->count % channels != 0) ||
      (s && s->count != 1 && s->count != b->count) || (z && z->count != s->count))
    return false;
  if (sx_tensor_create(SX_I32, b->rank, b->dims, &t, NULL) != SX_OK) return false;
  if (sx_model_hold(g->model, t, NULL) != SX_OK) return false;
  for (int64_t i = 0; i < b->count; i++) {
    double x, zero = 0, unit = sx * scale_at(w, i % channels);
    if (!sx_tensor_get_f64(b, i, &x) || (z && !sx_tensor_get_f64(z, z->count == 1 ? 0 : i, &zero))) return false;
    if (d) x -= zero;
    const double own = s ? scale_at(s, i) : 1;
    const double exact =
        s && fabs(own - unit) <= 1e-5 * unit ? x : x * own / unit; /* as it lies where it has that scale already */
    x = rint(exact);
    if (!(fabs(x) < 2147483648.0) || fabs(x - exact) * unit > step / 32) return false;
    ((int32_t *)t->data)[i] = (int32_t)x;
  }
  return (*out = sx_graph_add_const(g, t, (sx_str){"", 0})) != SX_NONE;
}

static bool copy_attrs(sx_graph *g, sx_nid id, const sx_node *n) {
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (!sx_node_set_attr(g, id, &n->attrs[i])) return false;
  return true;
}
static sx_status finish(sx_pass_ctx *c, sx_patch *p, sx_vid y, const site *s, bool *done) {
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch_swap(p, s->from, y);
  return sx_patch_apply(p, done);
}

static sx_status fuse_conv(sx_pass_ctx *c, const site *s, bool *done) {
  sx_graph *g = c->g;
  sx_qdq x, w;
  const sx_tensor *ws;
  sx_vid bias;
  float params[2];
  uint32_t count = 0;
  const sx_fact *fw = &sx_value_at(g, s->n->in[1].value)->fact;
  if (!sx_qdq_source(g, s->n->in[0].value, &x) || !sx_qdq_source(g, s->n->in[1].value, &w) || !x.per_tensor ||
      !sx_qdq_bytes(&x) || !sx_qdq_bytes(&w) || !sx_qdq_bytes(&s->y))
    return SX_OK;
  if (fw->rank < 3 || !sx_dim_is_const(fw->dims[0]) || (!w.per_tensor && w.axis != 0) ||
      !constant_scale(g, &w, &ws, fw->dims[0]))
    return SX_OK;
  const char *act = s->act ? sx_activation_of(g, s->act, params, &count) : NULL;
  if (!integer_bias(c, sx_node_in(s->n, 2), x.s, ws, fw->dims[0], s->y.s, &bias)) return SX_OK;
  const sx_vid in[9] = {x.x, x.scale, sx_qdq_zero(g, &x), w.x, w.scale, w.zero, s->y.scale, sx_qdq_zero(g, &s->y), bias};
  if (in[2] == SX_NONE || in[7] == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, act ? &sx_op_QuantConv : &sx_op_QLinearConv, in, bias == SX_NONE ? 8 : 9);
  if (y == SX_NONE || !copy_attrs(g, sx_value_at(g, y)->producer, s->n) ||
      (act && !sx_activation_set(g, sx_value_at(g, y)->producer, act, params, count)))
    SX_NO_MEMORY(c->e);
  return finish(c, &p, y, s, done);
}

/* act(v) on values of the border's own scale: nothing where its range does that, else through a table. */
static bool range_does_it(const sx_graph *g, const site *s) {
  float params[2];
  uint32_t count;
  const char *act = s->act ? sx_activation_of(g, s->act, params, &count) : NULL;
  return !act || (!strcmp(act, "Relu") && s->y.z == sx_qdq_lowest(&s->y));
}

static sx_status fuse_binary(sx_pass_ctx *c, const site *s, bool *done) {
  sx_graph *g = c->g;
  sx_qdq a, b;
  if (!sx_qdq_source(g, s->n->in[0].value, &a) || !sx_qdq_source(g, s->n->in[1].value, &b) || !a.per_tensor ||
      !b.per_tensor || !range_does_it(g, s))
    return SX_OK;
  if (!sx_qdq_bytes(&a) || a.dtype != b.dtype || a.dtype != s->y.dtype) return SX_OK;
  const sx_vid in[8] = {
      a.x, a.scale, sx_qdq_zero(g, &a), b.x, b.scale, sx_qdq_zero(g, &b), s->y.scale, sx_qdq_zero(g, &s->y)};
  if (in[2] == SX_NONE || in[5] == SX_NONE || in[7] == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch p = sx_patch_begin(c);
  sx_vid y = sx_patch_node(&p, s->n->op == &sx_op_Mul ? &sx_op_QLinearMul : &sx_op_QLinearAdd, in, 8);
  return finish(c, &p, y, s, done);
}

static sx_status fuse_mean(sx_pass_ctx *c, const site *s, bool *done) {
  sx_qdq x;
  if (!sx_qdq_source(c->g, s->n->in[0].value, &x) || !x.per_tensor || !sx_qdq_bytes(&x) || x.dtype != s->y.dtype ||
      !range_does_it(c->g, s))
    return SX_OK;
  const sx_vid in[5] = {x.x, x.scale, sx_qdq_zero(c->g, &x), s->y.scale, sx_qdq_zero(c->g, &s->y)};
  if (in[2] == SX_NONE || in[4] == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch p = sx_patch_begin(c);
  return finish(c, &p, sx_patch_node(&p, &sx_op_QLinearGlobalAveragePool, in, 5), s, done);
}

/* MatMul and Gemm; s->y.n NULL: the result stays float. */
static sx_status fuse_product(sx_pass_ctx *c, const site *s, bool *done) {
  sx_graph *g = c->g;
  sx_qdq a, b;
  const sx_tensor *ws;
  const bool gemm = s->n->op == &sx_op_Gemm, to_float = !s->y.n, trans_b = gemm && sx_attr_int(s->n, "transB", 0) != 0;
  sx_vid bias = SX_NONE;
  if (!sx_qdq_source(g, s->n->in[0].value, &a) || !sx_qdq_source(g, s->n->in[1].value, &b) || !a.per_tensor ||
      !sx_qdq_bytes(&a) || !sx_qdq_bytes(&b) || (!to_float && !sx_qdq_bytes(&s->y)) || !range_does_it(g, s))
    return SX_OK;
  const sx_fact *fb = &sx_value_at(g, b.x)->fact, *fa = &sx_value_at(g, a.x)->fact;
  const int cols = trans_b ? 0 : fb->rank - 1;
  if (fa->rank < 1 || fb->rank < 2 || !sx_dim_is_const(fb->dims[cols]) || (!b.per_tensor && b.axis != cols) ||
      !constant_scale(g, &b, &ws, fb->dims[cols]))
    return SX_OK;
  if (gemm && (sx_attr_int(s->n, "transA", 0) || sx_attr_float(s->n, "beta", 1) != 1 ||
               !integer_bias(c, sx_node_in(s->n, 2), a.s * sx_attr_float(s->n, "alpha", 1), ws, fb->dims[cols],
                             to_float ? INFINITY : s->y.s, &bias)))
    return SX_OK;
  if (bias != SX_NONE && sx_value_at(g, bias)->fact.rank > 0 &&
      sx_value_at(g, bias)->fact.dims[sx_value_at(g, bias)->fact.rank - 1] == 1 && fb->dims[cols] != 1 && ws->count > 1)
    return SX_OK;
  const sx_vid za = sx_qdq_zero(g, &a), zy = to_float ? SX_NONE : sx_qdq_zero(g, &s->y);
  if (za == SX_NONE || (!to_float && zy == SX_NONE)) SX_NO_MEMORY(c->e);
  sx_patch p = sx_patch_begin(c);
  sx_vid y;
  if (gemm) {
    const sx_vid in[9] = {a.x, a.scale, za, b.x, b.scale, b.zero, bias, to_float ? SX_NONE : s->y.scale, zy};
    y = sx_patch_node(&p, &sx_op_QGemm, in, !to_float ? 9 : bias != SX_NONE ? 7 : 6);
    if (y == SX_NONE || !copy_attrs(g, sx_value_at(g, y)->producer, s->n)) SX_NO_MEMORY(c->e);
    sx_node_remove_attr(sx_graph_emitted(g, y), "beta");
  } else if (to_float) {
    const sx_vid in[6] = {a.x, b.x, a.scale, b.scale, za, b.zero};
    y = sx_patch_node(&p, &sx_op_MatMulIntegerToFloat, in, 6);
  } else {
    const sx_vid in[8] = {a.x, a.scale, za, b.x, b.scale, b.zero, s->y.scale, zy};
    y = sx_patch_node(&p, &sx_op_QLinearMatMul, in, 8);
  }
  return finish(c, &p, y, s, done);
}

/* All values of an 8-bit type, lowest first. */
static sx_vid all_bytes(sx_graph *g, sx_dtype t) {
  const int64_t n = 256;
  sx_tensor *x;
  if (sx_tensor_create(t, 1, &n, &x, NULL) != SX_OK || sx_model_hold(g->model, x, NULL) != SX_OK) return SX_NONE;
  for (int i = 0; i < 256; i++) ((uint8_t *)x->data)[i] = (uint8_t)(t == SX_I8 ? i - 128 : i);
  return sx_graph_add_const(g, x, (sx_str){"", 0});
}

/* Elementwise nodes from the border up to a DequantizeLinear, each a function of one tensor; the nodes are repeated on all
 * values that there are, and folding makes a constant of them. */
static sx_status fuse_function(sx_pass_ctx *c, const site *s, sx_vid v, bool *done) {
  enum { MAX_STEPS = 16, MAX_IN = 8 };
  sx_graph *g = c->g;
  const sx_node *steps[MAX_STEPS];
  uint32_t slot[MAX_STEPS], n = 0;
  sx_qdq x;
  if (!sx_qdq_bytes(&s->y) || !s->y.per_tensor) return SX_OK;
  while (!sx_qdq_source(g, v, &x)) {
    const sx_node *f = sx_value_producer(g, v);
    if (!f || n == MAX_STEPS || !f->op || !(f->op->flags & SX_OP_ELEMENTWISE) || f->n_in > MAX_IN || f->n_out != 1 ||
        !sx_pass_single_use(g, v))
      return SX_OK;
    uint32_t variable = SX_NONE;
    for (uint32_t i = 0; i < f->n_in; i++) {
      const sx_vid in = f->in[i].value;
      if (in == SX_NONE || (sx_value_const(g, in) && sx_value_const(g, in)->count == 1)) continue;
      if (variable != SX_NONE || !sx_pass_same_shape(&sx_value_at(g, in)->fact, &sx_value_at(g, v)->fact)) {
        if (variable == SX_NONE || f->in[variable].value != in) return SX_OK;
      } else
        variable = i;
    }
    if (variable == SX_NONE) return SX_OK;
    steps[n] = f, slot[n++] = variable;
    v = f->in[variable].value;
  }
  if (!x.per_tensor || !sx_qdq_bytes(&x)) return SX_OK;
  if (n == 0 && sx_qdq_same(&x, &s->y)) { /* nothing happens between the borders */
    sx_patch p = sx_patch_begin(c);
    return finish(c, &p, x.x, s, done);
  }
  sx_patch p = sx_patch_begin(c);
  sx_vid in[MAX_IN] = {all_bytes(g, x.dtype), x.scale, x.zero},
         t = in[0] == SX_NONE ? SX_NONE : sx_patch_node(&p, &sx_op_DequantizeLinear, in, x.zero == SX_NONE ? 2 : 3);
  while (n-- > 0 && t != SX_NONE) {
    for (uint32_t i = 0; i < steps[n]->n_in; i++)
      in[i] = steps[n]->in[i].value != SX_NONE && steps[n]->in[i].value == steps[n]->in[slot[n]].value
                  ? t
                  : steps[n]->in[i].value;
    t = sx_patch_node(&p, steps[n]->op, in, steps[n]->n_in);
    if (t != SX_NONE && !copy_attrs(g, sx_value_at(g, t)->producer, steps[n])) t = SX_NONE;
  }
  in[0] = t, in[1] = s->y.scale, in[2] = s->y.zero;
  t = t == SX_NONE ? t : sx_patch_node(&p, &sx_op_QuantizeLinear, in, s->y.zero == SX_NONE ? 2 : 3);
  if (t == SX_NONE || !copy_attrs(g, sx_value_at(g, t)->producer, s->y.n)) SX_NO_MEMORY(c->e);
  in[0] = x.x, in[1] = t;
  return finish(c, &p, sx_patch_node(&p, &sx_op_Lookup, in, 2), s, done);
}

static sx_status fuse_core(sx_pass_ctx *c, const site *s, bool *done) {
  if (s->n->op == &sx_op_Conv) return fuse_conv(c, s, done);
  if (s->n->op == &sx_op_MatMul || s->n->op == &sx_op_Gemm) return fuse_product(c, s, done);
  if (s->n->op == &sx_op_GlobalAveragePool) return fuse_mean(c, s, done);
  if (s->n->op == &sx_op_Add || s->n->op == &sx_op_Mul) return fuse_binary(c, s, done);
  return SX_OK;
}

static sx_status visit_sink(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  site s = {.from = n->out[0]};
  bool done = false;
  if (!sx_qdq_sink(g, n, &s.y) || !s.y.per_tensor) return SX_OK;
  const sx_vid v = n->in[0].value;
  s.n = sx_value_producer(g, v);
  if (!s.n || !s.n->op) return SX_OK;
  if (sx_pass_single_use(g, v)) SX_TRY(fuse_core(c, &s, &done));
  if (!done && sx_pass_single_use(g, v) && (s.n->op == &sx_op_Relu || s.n->op == &sx_op_Clip) &&
      sx_pass_single_use(g, s.n->in[0].value)) {
    float params[2];
    uint32_t count;
    s.act = s.n;
    s.n = sx_value_producer(g, s.act->in[0].value);
    if (s.n && s.n->op && sx_activation_of(g, s.act, params, &count)) SX_TRY(fuse_core(c, &s, &done));
    s.act = NULL;
  }
  return done ? SX_OK : fuse_function(c, &s, v, &done);
}

sx_status sx_pass_qdq_fuse(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!n->dead && n->op == &sx_op_QuantizeLinear) SX_TRY(visit_sink(c, n));
  }
  for (uint32_t i = 0; i < g->order.n; i++) { /* products whose result stays float */
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    bool done;
    if (!n->dead && (n->op == &sx_op_MatMul || n->op == &sx_op_Gemm))
      SX_TRY(fuse_product(c, &(site){.n = n, .from = n->out[0]}, &done));
  }
  return SX_OK;
}
