// SPDX-License-Identifier: MIT
/* What stands around a matrix product becomes part of it: Linear takes Transposes of its operands and of its result as
 * strides, a scale as alpha, and bias, residual and activation as its epilogue. */
#include "ops/nn/activation.h"
#include "pass/pass.h"
#include <math.h>

typedef int64_t perm[SX_MAX_RANK];
/* MatMul, Gemm and Linear in one form. A perm with rank 0 is the identity. */
typedef struct linear {
  const sx_node *n;
  sx_vid in[4]; /* A, B, bias, residual */
  int rank_a, rank_b, rank_y;
  uint32_t k_a, k_b, k_y; /* entries of the perms that are there */
  perm a, b, y;
  int64_t select_a[2], select_b[2]; /* axis and index; axis -1: none */
  double alpha;
  double scale, shift; /* behind the activation */
  const char *act;     /* a new one */
  float act_params[2];
  uint32_t n_act;
} linear;

static uint32_t read_perm(const sx_node *n, const char *name, perm p) {
  const int64_t *v;
  uint32_t k = sx_attr_ints(n, name, &v);
  for (uint32_t i = 0; i < k && i < SX_MAX_RANK; i++) p[i] = v[i];
  return k;
}

/* False when the node is no product that Linear can say. */
static bool read_linear(const sx_graph *g, const sx_node *n, linear *l) {
  if (!n || n->n_in < 2 || (n->op != &sx_op_MatMul && n->op != &sx_op_Gemm && n->op != &sx_op_Linear)) return false;
  *l = (linear){
      .n = n, .alpha = n->op == &sx_op_MatMul ? 1 : sx_attr_float(n, "alpha", 1), .select_a = {-1, 0}, .select_b = {-1, 0}};
  for (uint32_t i = 0; i < 4; i++) l->in[i] = sx_node_in(n, i);
  l->rank_a = sx_value_at(g, l->in[0])->fact.rank, l->rank_b = sx_value_at(g, l->in[1])->fact.rank;
  l->rank_y = sx_value_at(g, n->out[0])->fact.rank;
  if (l->rank_a < 2 || l->rank_b < 2 || l->rank_y < 2) return false;
  if (n->op == &sx_op_Gemm) {
    if (l->in[2] != SX_NONE && sx_attr_float(n, "beta", 1) != 1) return false;
    if (sx_attr_int(n, "transA", 0)) l->k_a = 2, l->a[0] = 1;
    if (sx_attr_int(n, "transB", 0)) l->k_b = 2, l->b[0] = 1;
  } else if (n->op == &sx_op_Linear) {
    l->k_a = read_perm(n, "perm_a", l->a);
    l->k_b = read_perm(n, "perm_b", l->b);
    l->k_y = read_perm(n, "perm_y", l->y);
    const int64_t *s;
    if (sx_attr_ints(n, "select_a", &s) == 2) l->select_a[0] = s[0], l->select_a[1] = s[1];
    if (sx_attr_ints(n, "select_b", &s) == 2) l->select_b[0] = s[0], l->select_b[1] = s[1];
  }
  l->scale = sx_attr_float(n, "activation_scale", 1), l->shift = sx_attr_float(n, "activation_shift", 0);
  return true;
}

static bool has_activation(const linear *l) {
  return sx_attr_str(l->n, "activation", "").n || sx_node_attr(l->n, "activation_scale");
}

/* The Linear that l describes takes the place of `from`. */
static sx_status write_linear(sx_pass_ctx *c, const linear *l, sx_vid from, sx_patch *p) {
  sx_graph *g = c->g;
  sx_vid y = sx_patch_node(p, &sx_op_Linear, l->in, l->in[3] != SX_NONE ? 4 : l->in[2] != SX_NONE ? 3 : 2);
  if (y == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid id = sx_value_at(g, y)->producer;
  bool ok = true;
  for (uint32_t i = 0; i < l->n->n_attrs && l->n->op == &sx_op_Linear; i++) ok &= sx_node_set_attr(g, id, &l->n->attrs[i]);
  if (l->k_a) ok &= sx_node_set_ints(g, id, "perm_a", l->a, l->k_a);
  if (l->k_b) ok &= sx_node_set_ints(g, id, "perm_b", l->b, l->k_b);
  if (l->k_y) ok &= sx_node_set_ints(g, id, "perm_y", l->y, l->k_y);
  if (l->select_a[0] >= 0) ok &= sx_node_set_ints(g, id, "select_a", l->select_a, 2);
  if (l->select_b[0] >= 0) ok &= sx_node_set_ints(g, id, "select_b", l->select_b, 2);
  if (l->alpha != 1) ok &= sx_node_set_float(g, id, "alpha", (float)l->alpha);
  if (l->act) ok &= sx_activation_set(g, id, l->act, l->act_params, l->n_act);
  if (l->scale != 1 || l->shift != 0)
    ok &= sx_node_set_float(g, id, "activation_scale", (float)l->scale) &&
          sx_node_set_float(g, id, "activation_shift", (float)l->shift);
  if (!ok) SX_NO_MEMORY(c->e);
  sx_patch_swap(p, from, y);
  return SX_OK;
}
static sx_status replace(sx_pass_ctx *c, const linear *l, sx_vid from) {
  sx_patch p = sx_patch_begin(c);
  SX_TRY(write_linear(c, l, from, &p));
  return sx_patch_apply(&p, NULL);
}

/* The product whose result only this use reads. */
static bool product_of(const sx_graph *g, sx_vid v, linear *l) {
  return v != SX_NONE && sx_pass_single_use(g, v) && read_linear(g, sx_value_producer(g, v), l);
}

/* inner: what the operand was permuted by already; outer: the permutation in front of it. */
static uint32_t compose(uint32_t k, perm own, const perm before, int rank) {
  perm r;
  for (int i = 0; i < rank; i++) r[i] = before[k ? own[i] : i];
  memcpy(own, r, sizeof r);
  return (uint32_t)rank;
}

static bool read_transpose(const sx_graph *g, const sx_node *t, perm p) {
  int rank = sx_value_at(g, t->in[0].value)->fact.rank;
  if (rank < 2) return false;
  uint32_t k = read_perm(t, "perm", p);
  for (int i = 0; i < rank && !k; i++) p[i] = rank - 1 - i;
  return !k || (int)k == rank;
}

/* A factor that the scale can take over exactly enough. */
static bool scale_of(const sx_graph *g, const sx_node *n, sx_vid *x, double *factor) {
  double shift;
  return sx_pass_affine(g, n, x, factor, &shift) && shift == 0 && (n->op == &sx_op_Mul || n->op == &sx_op_Div) &&
         sx_pass_fits_float(&sx_value_at(g, *x)->fact, *factor);
}

/* Above operand i: a scale, maybe behind views and Transposes, and the Transpose that stands there last. */
static bool sink_scale(const sx_graph *g, linear *l, uint32_t i, sx_vid *from, sx_vid *to) {
  sx_vid v = l->in[i];
  double k;
  for (int depth = 0; depth < 4 && sx_pass_single_use(g, v); depth++) {
    const sx_node *n = sx_value_producer(g, v);
    if (!n || !n->op) return false;
    if (scale_of(g, n, to, &k)) {
      *from = v;
      l->alpha *= k;
      return true;
    }
    if (n->out[0] != v || !(n->op == &sx_op_Transpose || n->op == &sx_op_Reshape || n->op == &sx_op_Unsqueeze))
      return false;
    v = n->in[0].value;
  }
  return false;
}

/* A Transpose of the operand becomes its perm; one slice of the tensor behind it becomes its select. */
static bool sink_layout(const sx_graph *g, sx_vid *in, perm p, uint32_t *k, int64_t select[2]) {
  perm before;
  bool changed = false;
  const sx_node *n = sx_pass_producer(g, *in, &sx_op_Transpose);
  if (n && select[0] < 0 && !sx_value_const(g, *in) && read_transpose(g, n, before)) {
    *k = compose(*k, p, before, sx_value_at(g, *in)->fact.rank);
    *in = n->in[0].value;
    changed = true;
  }
  if (!(n = sx_pass_producer(g, *in, &sx_op_Gather)) || select[0] >= 0 || sx_value_const(g, *in)) return changed;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact, *i = &sx_value_at(g, n->in[1].value)->fact;
  int64_t axis = sx_attr_int(n, "axis", 0);
  if (x->kind != SX_KIND_TENSOR || x->rank < 3 || i->rank != 0 || i->n_elems != 1 || !sx_dim_is_const(i->elems[0]) ||
      sx_value_at(g, n->in[1].value)->overridable)
    return changed;
  if (axis < 0) axis += x->rank;
  sx_dim index = i->elems[0], size = x->dims[axis];
  if (!sx_dim_is_const(size) || index < -size || index >= size) return changed;
  for (int d = 0; d < x->rank - 1; d++) {
    int64_t a = *k ? p[d] : d;
    p[d] = a + (a >= axis);
  }
  *k = (uint32_t)x->rank - 1;
  select[0] = axis, select[1] = index < 0 ? index + size : index;
  *in = n->in[0].value;
  return true;
}

static sx_status fuse_operands(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  linear l;
  bool changed = false;
  if (!read_linear(g, n, &l)) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  for (uint32_t i = 0; i < 2 && !has_activation(&l); i++) {
    sx_vid from, to;
    if (!sink_scale(g, &l, i, &from, &to)) continue;
    changed = true;
    if (from == l.in[i])
      l.in[i] = to;
    else
      sx_patch_swap(&p, from, to);
  }
  for (uint32_t i = 0; i < 2; i++)
    changed |= i ? sink_layout(g, &l.in[1], l.b, &l.k_b, l.select_b) : sink_layout(g, &l.in[0], l.a, &l.k_a, l.select_a);
  if (!changed) return SX_OK;
  SX_TRY(write_linear(c, &l, n->out[0], &p));
  return sx_patch_apply(&p, NULL);
}

/* (1, ..., 1, N) or a scalar: added to every row. */
static bool is_bias(const sx_fact *f, const sx_fact *y) {
  if (f->kind != SX_KIND_TENSOR || f->rank < 0 || f->rank > y->rank) return false;
  for (int i = 0; i + 1 < f->rank; i++)
    if (f->dims[i] != 1) return false;
  return f->rank == 0 || f->dims[f->rank - 1] == 1 || f->dims[f->rank - 1] == y->dims[y->rank - 1];
}
/* A matrix of the result's shape, or one for the whole batch. */
static bool is_residual(const sx_fact *f, const sx_fact *y) {
  if (f->kind != SX_KIND_TENSOR || f->rank < 2 || f->rank > y->rank) return false;
  for (int i = 0; i < f->rank; i++) {
    sx_dim d = y->dims[i + y->rank - f->rank];
    if (f->dims[i] != d && (i >= f->rank - 2 || f->dims[i] != 1)) return false;
  }
  return true;
}

static sx_status fuse_add(sx_pass_ctx *c, const sx_node *add) {
  sx_graph *g = c->g;
  const sx_fact *y = &sx_value_at(g, add->out[0])->fact;
  for (uint32_t side = 0; side < 2; side++) {
    sx_vid v = add->in[side].value, other = add->in[1 - side].value;
    linear l;
    if (!product_of(g, v, &l) || has_activation(&l) || !sx_pass_same_shape(&sx_value_at(g, v)->fact, y)) continue;
    const sx_fact *o = &sx_value_at(g, other)->fact;
    if (l.in[2] == SX_NONE && l.in[3] == SX_NONE && is_bias(o, y))
      l.in[2] = other;
    else if (l.in[3] == SX_NONE && !l.k_y && is_residual(o, y))
      l.in[3] = other;
    else
      continue;
    return replace(c, &l, add->out[0]);
  }
  return SX_OK;
}

static sx_status fuse_scale(sx_pass_ctx *c, const sx_node *n) {
  linear l;
  sx_vid x;
  double k, shift;
  if (scale_of(c->g, n, &x, &k) && product_of(c->g, x, &l) && !has_activation(&l) && l.in[2] == SX_NONE &&
      l.in[3] == SX_NONE) {
    l.alpha *= k;
    return replace(c, &l, n->out[0]);
  }
  if (!sx_pass_affine(c->g, n, &x, &k, &shift) || sx_value_at(c->g, x)->fact.dtype != SX_F32 || !product_of(c->g, x, &l))
    return SX_OK;
  l.scale *= k, l.shift = l.shift * k + shift;
  return replace(c, &l, n->out[0]);
}

static sx_status fuse_activation(sx_pass_ctx *c, const sx_node *n) {
  linear l;
  if (!product_of(c->g, n->in[0].value, &l) || has_activation(&l)) return SX_OK;
  l.act = sx_activation_of(c->g, n, l.act_params, &l.n_act);
  return l.act && sx_value_at(c->g, n->out[0])->fact.dtype == SX_F32 ? replace(c, &l, n->out[0]) : SX_OK;
}

/* Rows of the result stay rows in memory: only then can the kernel write them in their final place. */
static sx_status fuse_transpose(sx_pass_ctx *c, const sx_node *t) {
  linear l;
  perm p, r;
  if (!product_of(c->g, t->in[0].value, &l) || !read_transpose(c->g, t, p) || p[l.rank_y - 1] != l.rank_y - 1) return SX_OK;
  for (int i = 0; i < l.rank_y; i++) r[i] = l.k_y ? l.y[p[i]] : p[i];
  memcpy(l.y, r, sizeof r);
  l.k_y = (uint32_t)l.rank_y;
  return replace(c, &l, t->out[0]);
}

sx_status sx_pass_linear(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (n->dead || !n->op || n->custom) continue;
    if (n->op == &sx_op_MatMul || n->op == &sx_op_Gemm || n->op == &sx_op_Linear)
      SX_TRY(fuse_operands(c, n));
    else if (n->op == &sx_op_Add || n->op == &sx_op_Mul || n->op == &sx_op_Div || n->op == &sx_op_Sub) {
      if (n->op == &sx_op_Add) SX_TRY(fuse_add(c, n));
      if (!n->dead) SX_TRY(fuse_scale(c, n));
    } else if (n->op->flags & SX_OP_ELEMENTWISE && n->n_in)
      SX_TRY(fuse_activation(c, n));
    else if (n->op == &sx_op_Transpose)
      SX_TRY(fuse_transpose(c, n));
  }
  return SX_OK;
}
