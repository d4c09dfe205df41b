// SPDX-License-Identifier: MIT
/* One way to say a thing, so that patterns need only one: constants stand on the right, squares are Pow, roots are Sqrt,
 * bounds are Clip, and a row of views or of Transposes is a single one. */
#include "pass/pass.h"
#include <math.h>

static sx_status swap_one(sx_pass_ctx *c, sx_patch *p, sx_vid from, sx_vid to) {
  if (to == SX_NONE) SX_NO_MEMORY(c->e);
  sx_patch_swap(p, from, to);
  return sx_patch_apply(p, NULL);
}

/* Max and Min with a number are Clip, and of two bounds the inner one holds. */
static sx_status bounds(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  double lo = -INFINITY, hi = INFINITY, k;
  const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
  sx_vid x = n->in[0].value;
  if (y->dtype != SX_F32) return SX_OK;
  if (n->op == &sx_op_Max || n->op == &sx_op_Min) {
    bool left = n->n_in == 2 && sx_pass_scalar(g, n->in[0].value, &k);
    if (n->n_in != 2 || (!left && !sx_pass_scalar(g, n->in[1].value, &k)) || k != k) return SX_OK;
    x = n->in[left ? 1 : 0].value;
    *(n->op == &sx_op_Max ? &lo : &hi) = k;
    if (!sx_pass_same_shape(&sx_value_at(g, x)->fact, y)) return SX_OK;
  } else if ((sx_node_in(n, 1) != SX_NONE && !sx_pass_scalar(g, n->in[1].value, &lo)) ||
             (sx_node_in(n, 2) != SX_NONE && !sx_pass_scalar(g, n->in[2].value, &hi)))
    return SX_OK;
  const sx_node *up = sx_value_producer(g, x);
  double first_lo = -INFINITY, first_hi = INFINITY;
  bool relu = up && up->op == &sx_op_Relu, clip = up && up->op == &sx_op_Clip;
  if (clip)
    clip = (sx_node_in(up, 1) == SX_NONE || sx_pass_scalar(g, up->in[1].value, &first_lo)) &&
           (sx_node_in(up, 2) == SX_NONE || sx_pass_scalar(g, up->in[2].value, &first_hi));
  if (relu) first_lo = 0;
  if (relu || clip) { /* min(max(min(max(x, a), b), lo), hi) */
    x = up->in[0].value;
    double a = fmin(fmax(first_lo, lo), hi);
    hi = fmin(fmax(first_hi, lo), hi), lo = a;
  } else if (n->op == &sx_op_Clip)
    return SX_OK;
  sx_vid in[3] = {x, lo > -INFINITY ? sx_graph_const_f32(g, (float)lo) : SX_NONE,
                  hi < INFINITY ? sx_graph_const_f32(g, (float)hi) : SX_NONE};
  sx_patch p = sx_patch_begin(c);
  return swap_one(c, &p, n->out[0], sx_patch_node(&p, &sx_op_Clip, in, in[2] != SX_NONE ? 3 : in[1] != SX_NONE ? 2 : 1));
}

static void constants_right(sx_graph *g, sx_nid id) {
  sx_node *n = sx_node_at(g, id);
  if (!(n->op->flags & SX_OP_COMMUTES) || n->n_in != 2) return;
  sx_vid a = n->in[0].value, b = n->in[1].value;
  if (!sx_value_const(g, a) || sx_value_const(g, b)) return;
  sx_graph_set_input(g, id, 0, b);
  sx_graph_set_input(g, id, 1, a);
}

static sx_status arithmetic(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
  sx_vid a = sx_node_in(n, 0), b = sx_node_in(n, 1), in[2] = {a, SX_NONE};
  double k;
  if (!sx_dtype_is_float((sx_dtype)y->dtype)) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  if (n->op == &sx_op_Mul && a == b) {
    if ((in[1] = sx_graph_const_f32(g, 2)) == SX_NONE) SX_NO_MEMORY(c->e);
    return swap_one(c, &p, n->out[0], sx_patch_node(&p, &sx_op_Pow, in, 2));
  }
  if (n->op == &sx_op_Div && sx_pass_scalar(g, a, &k) && k == 1 && sx_pass_same_shape(&sx_value_at(g, b)->fact, y))
    return swap_one(c, &p, n->out[0], sx_patch_node(&p, &sx_op_Reciprocal, &b, 1));
  if (n->op == &sx_op_Pow && sx_pass_scalar(g, b, &k) && (k == 0.5 || k == -0.5) &&
      sx_pass_same_shape(&sx_value_at(g, a)->fact, y)) {
    sx_vid v = sx_patch_node(&p, &sx_op_Sqrt, &a, 1);
    if (k < 0 && v != SX_NONE) v = sx_patch_node(&p, &sx_op_Reciprocal, &v, 1);
    return swap_one(c, &p, n->out[0], v);
  }
  return SX_OK;
}

/* The shape of a view follows from its input's and from constants. */
static bool shape_is_known(const sx_graph *g, const sx_node *n) {
  const sx_fact *f = &sx_value_at(g, n->out[0])->fact;
  for (uint32_t i = 1; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE &&
        (sx_value_at(g, n->in[i].value)->kind != SX_VALUE_CONST || !sx_value_at(g, n->in[i].value)->fact.elems))
      return false;
  for (int i = 0; i < f->rank; i++)
    if (f->dims[i] == SX_DIM_UNKNOWN) return false;
  return f->kind == SX_KIND_TENSOR && f->rank >= 0;
}

static sx_status reshape_to(sx_pass_ctx *c, sx_patch *p, sx_vid x, sx_vid from) {
  sx_graph *g = c->g;
  const sx_fact *f = &sx_value_at(g, from)->fact;
  sx_vid in[2] = {x, sx_graph_const_dims(g, f->dims, f->rank)};
  if (in[1] == SX_NONE) SX_NO_MEMORY(c->e);
  sx_vid v = sx_patch_node(p, &sx_op_Reshape, in, 2);
  if (v == SX_NONE || !sx_node_set_int(g, sx_value_at(g, v)->producer, "allowzero", 1))
    SX_NO_MEMORY(c->e); /* a size may turn out 0 */
  return swap_one(c, p, from, v);
}

static sx_status merge_views(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_node *up = sx_value_producer(g, n->in[0].value);
  if (!up || !up->op || !(up->op->flags & SX_OP_VIEW) || up->out[0] != n->in[0].value || !shape_is_known(g, n) ||
      !shape_is_known(g, up))
    return SX_OK;
  sx_patch p = sx_patch_begin(c);
  return reshape_to(c, &p, up->in[0].value, n->out[0]);
}

static uint32_t read_perm(const sx_node *n, int rank, int64_t *perm) {
  const int64_t *v;
  uint32_t k = sx_attr_ints(n, "perm", &v);
  for (int i = 0; i < rank; i++) perm[i] = k ? v[i] : rank - 1 - i;
  return (uint32_t)rank;
}

static sx_status merge_transposes(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  int64_t perm[SX_MAX_RANK], first[SX_MAX_RANK], r[SX_MAX_RANK], last = -1;
  const sx_fact *f = &sx_value_at(g, n->in[0].value)->fact;
  if (f->kind != SX_KIND_TENSOR || f->rank < 1) return SX_OK;
  uint32_t k = read_perm(n, f->rank, perm);
  sx_patch p = sx_patch_begin(c);
  const sx_node *up = sx_pass_producer(g, n->in[0].value, &sx_op_Transpose);
  if (up) {
    read_perm(up, f->rank, first);
    for (uint32_t i = 0; i < k; i++) r[i] = first[perm[i]];
    sx_vid v = sx_patch_node(&p, &sx_op_Transpose, &up->in[0].value, 1);
    if (v == SX_NONE || !sx_node_set_ints(g, sx_value_at(g, v)->producer, "perm", r, k)) SX_NO_MEMORY(c->e);
    return swap_one(c, &p, n->out[0], v);
  }
  for (uint32_t i = 0; i < k; i++) { /* only axes of size 1 move: a view */
    if (f->dims[perm[i]] == 1) continue;
    if (perm[i] < last) return SX_OK;
    last = perm[i];
  }
  return reshape_to(c, &p, n->in[0].value, n->out[0]);
}

/* x with its last axes joined so that the last one has `size`, when they multiply to it and two or more are left in front.
 */
static sx_vid join_last(sx_patch *p, sx_vid x, sx_dim size) {
  sx_dim dims[SX_MAX_RANK], product = 1;
  const sx_fact *f = &sx_value_at(p->g, x)->fact;
  int k = f->rank;
  while (k > 2 && (product != size || k == f->rank)) product = sx_dim_mul(&p->g->model->dims, product, f->dims[--k]);
  if (product != size || k < 2) return SX_NONE;
  if (k == f->rank - 1) return x;
  for (int i = 0; i < k; i++) dims[i] = f->dims[i];
  dims[k] = size;
  sx_vid in[2] = {x, sx_graph_const_dims(p->g, dims, k + 1)},
         v = in[1] == SX_NONE ? SX_NONE : sx_patch_node(p, &sx_op_Reshape, in, 2);
  return v != SX_NONE && sx_node_set_int(p->g, sx_value_at(p->g, v)->producer, "allowzero", 1) ? v : SX_NONE;
}

/* Gemm over rows that were folded together: the product of the unfolded tensor, and the fold behind it, where it meets the
 * view that undoes it. */
static sx_status unfold_gemm(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_node *up = sx_value_producer(g, n->in[0].value);
  if (!up || !up->op || !(up->op->flags & SX_OP_VIEW) || up->out[0] != n->in[0].value || sx_attr_int(n, "transA", 0) ||
      sx_attr_float(n, "beta", 1) != 1)
    return SX_OK;
  const sx_fact *x = &sx_value_at(g, up->in[0].value)->fact, *a = &sx_value_at(g, n->in[0].value)->fact;
  const sx_fact *bias = sx_node_in(n, 2) == SX_NONE ? NULL : &sx_value_at(g, n->in[2].value)->fact;
  if (x->kind != SX_KIND_TENSOR || x->rank < 3 || a->rank != 2 || (bias && bias->rank > 1) || !shape_is_known(g, up))
    return SX_OK;
  sx_patch p = sx_patch_begin(c);
  sx_vid in[3] = {join_last(&p, up->in[0].value, a->dims[1]), n->in[1].value, sx_node_in(n, 2)};
  if (in[0] == SX_NONE) return SX_OK;
  sx_vid v = sx_patch_node(&p, &sx_op_Linear, in, bias ? 3 : 2);
  if (v == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid id = sx_value_at(g, v)->producer;
  float alpha = sx_attr_float(n, "alpha", 1);
  if (alpha != 1 && !sx_node_set_float(g, id, "alpha", alpha)) SX_NO_MEMORY(c->e);
  if (sx_attr_int(n, "transB", 0) && !sx_node_set_ints(g, id, "perm_b", (int64_t[]){1, 0}, 2)) SX_NO_MEMORY(c->e);
  return reshape_to(c, &p, v, n->out[0]);
}

static bool is_slice(const sx_graph *g, const sx_node *n, int rank, int64_t *axis) {
  *axis = sx_attr_int(n, "axis", 0);
  if (*axis < 0) *axis += rank;
  const sx_tensor *i = n->op == &sx_op_Gather ? sx_value_const(g, n->in[1].value) : NULL;
  return i && i->rank == 0;
}
/* Slices of a transposed tensor are transposed slices: what the heads of attention read from one tensor of queries, keys
 * and values. */
static sx_status slice_before_transpose(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  int64_t perm[SX_MAX_RANK], r[SX_MAX_RANK], axis, other;
  const sx_node *t = sx_pass_producer(g, n->in[0].value, &sx_op_Transpose);
  if (!t || sx_value_at(g, t->out[0])->output_uses) return SX_OK;
  const sx_fact *x = &sx_value_at(g, t->in[0].value)->fact;
  if (x->kind != SX_KIND_TENSOR || x->rank < 2 || !is_slice(g, n, x->rank, &axis)) return SX_OK;
  for (const sx_use *u = sx_value_at(g, t->out[0])->uses; u; u = u->next)
    if (u->slot != 0 || !is_slice(g, sx_node_at(g, u->node), x->rank, &other) || other != axis) return SX_OK;
  read_perm(t, x->rank, perm);
  uint32_t k = 0;
  for (int i = 0; i < x->rank; i++)
    if (i != axis) r[k++] = perm[i] - (perm[i] > perm[axis]);
  sx_patch p = sx_patch_begin(c);
  sx_vid in[2] = {t->in[0].value, n->in[1].value}, v = sx_patch_node(&p, &sx_op_Gather, in, 2);
  if (v == SX_NONE || !sx_node_set_int(g, sx_value_at(g, v)->producer, "axis", perm[axis])) SX_NO_MEMORY(c->e);
  v = sx_patch_node(&p, &sx_op_Transpose, &v, 1);
  if (v == SX_NONE || !sx_node_set_ints(g, sx_value_at(g, v)->producer, "perm", r, k)) SX_NO_MEMORY(c->e);
  return swap_one(c, &p, n->out[0], v);
}

sx_status sx_pass_canon(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_nid id = g->order.at[i];
    const sx_node *n = sx_node_at(g, id);
    if (n->dead || !n->op || n->custom || !n->n_in || !n->n_out || n->out[0] == SX_NONE) continue;
    constants_right(g, id);
    if (n->op->flags & SX_OP_VIEW)
      SX_TRY(merge_views(c, n));
    else if (n->op == &sx_op_Transpose)
      SX_TRY(merge_transposes(c, n));
    else if (n->op == &sx_op_Gather)
      SX_TRY(slice_before_transpose(c, n));
    else if (n->op == &sx_op_Gemm)
      SX_TRY(unfold_gemm(c, n));
    else if (n->op == &sx_op_Max || n->op == &sx_op_Min || n->op == &sx_op_Clip)
      SX_TRY(bounds(c, n));
    else if (n->op->flags & SX_OP_ELEMENTWISE)
      SX_TRY(arithmetic(c, n));
  }
  return SX_OK;
}

/* The mean of whole planes is a pool, which convolution nets have in their own layout. */
static sx_status plane_mean(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact,
                *axes = sx_node_in(n, 1) == SX_NONE ? NULL : &sx_value_at(g, n->in[1].value)->fact;
  uint32_t set = 0;
  if (x->kind != SX_KIND_TENSOR || x->rank < 4 || x->rank > 5 || !axes || !sx_value_const(g, n->in[1].value)) return SX_OK;
  for (uint32_t i = 0; i < axes->n_elems; i++)
    set |= 1u << (axes->elems[i] < 0 ? axes->elems[i] + x->rank : axes->elems[i]);
  if (set != (1u << x->rank) - 4) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  sx_vid v = sx_patch_node(&p, &sx_op_GlobalAveragePool, &n->in[0].value, 1);
  if (v == SX_NONE) SX_NO_MEMORY(c->e);
  return sx_attr_int(n, "keepdims", 1) ? swap_one(c, &p, n->out[0], v) : reshape_to(c, &p, v, n->out[0]);
}
sx_status sx_pass_plane_mean(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && n->op == &sx_op_ReduceMean) SX_TRY(plane_mean(c, n));
  }
  return SX_OK;
}
