// SPDX-License-Identifier: MIT
/* Normalisations that exporters write as arithmetic become LayerNormalization and RMSNormalization; a residual addend in
 * front of one becomes SkipLayerNorm. Expects canonical forms: squares are Pow, 1 / x is Reciprocal. */
#include "pass/pass.h"

/* x - mean(x), over its standard deviation. Captures: x, axes, epsilon, axes. */
static const sx_pat layer_norm_div[] = {
    {&sx_op_Div, 2, {SX_P_N(1), SX_P_N(3)}},        {&sx_op_Sub, 2, {SX_P_X(0), SX_P_N(2)}},
    {&sx_op_ReduceMean, 2, {SX_P_X(0), SX_P_C(1)}}, {&sx_op_Sqrt, 1, {SX_P_N(4)}},
    {&sx_op_Add, 2, {SX_P_N(5), SX_P_C(2)}},        {&sx_op_ReduceMean, 2, {SX_P_N(6), SX_P_C(3)}},
    {&sx_op_Pow, 2, {SX_P_N(1), SX_P_K(2)}}};
static const sx_pat layer_norm_mul[] = {
    {&sx_op_Mul, 2, {SX_P_N(1), SX_P_N(7)}},        {&sx_op_Sub, 2, {SX_P_X(0), SX_P_N(2)}},
    {&sx_op_ReduceMean, 2, {SX_P_X(0), SX_P_C(1)}}, {&sx_op_Sqrt, 1, {SX_P_N(4)}},
    {&sx_op_Add, 2, {SX_P_N(5), SX_P_C(2)}},        {&sx_op_ReduceMean, 2, {SX_P_N(6), SX_P_C(3)}},
    {&sx_op_Pow, 2, {SX_P_N(1), SX_P_K(2)}},        {&sx_op_Reciprocal, 1, {SX_P_N(3)}}};
/* x over its root mean square. Captures: x, axes, epsilon. */
static const sx_pat rms_norm_div[] = {{&sx_op_Div, 2, {SX_P_X(0), SX_P_N(1)}},
                                      {&sx_op_Sqrt, 1, {SX_P_N(2)}},
                                      {&sx_op_Add, 2, {SX_P_N(3), SX_P_C(2)}},
                                      {&sx_op_ReduceMean, 2, {SX_P_N(4), SX_P_C(1)}},
                                      {&sx_op_Pow, 2, {SX_P_X(0), SX_P_K(2)}}};
static const sx_pat rms_norm_mul[] = {
    {&sx_op_Mul, 2, {SX_P_X(0), SX_P_N(5)}}, {&sx_op_Sqrt, 1, {SX_P_N(2)}},
    {&sx_op_Add, 2, {SX_P_N(3), SX_P_C(2)}}, {&sx_op_ReduceMean, 2, {SX_P_N(4), SX_P_C(1)}},
    {&sx_op_Pow, 2, {SX_P_X(0), SX_P_K(2)}}, {&sx_op_Reciprocal, 1, {SX_P_N(1)}}};
#define PATTERN(p, op) \
  { p, sizeof p / sizeof *p, op }
static const struct {
  const sx_pat *pat;
  uint32_t n;
  const sx_op *op;
} patterns[] = {PATTERN(layer_norm_div, &sx_op_LayerNormalization), PATTERN(layer_norm_mul, &sx_op_LayerNormalization),
                PATTERN(rms_norm_div, &sx_op_RMSNormalization), PATTERN(rms_norm_mul, &sx_op_RMSNormalization)};

/* The axes are the last k of `rank`: k, or 0. */
static int last_axes(const sx_graph *g, sx_vid v, int rank) {
  const sx_fact *f = &sx_value_at(g, v)->fact;
  uint32_t set = 0;
  for (uint32_t i = 0; i < f->n_elems; i++) {
    sx_dim a = f->elems[i];
    if (!sx_dim_is_const(a) || a < -rank || a >= rank) return 0;
    set |= 1u << (a < 0 ? a + rank : a);
  }
  for (int k = 1; k <= rank; k++)
    if (set == ((1u << rank) - 1) >> (rank - k) << (rank - k)) return k;
  return 0;
}

/* The node that alone reads v, and the other operand it has; of an operator that commutes. */
static const sx_node *next_with(const sx_graph *g, sx_vid v, const sx_op *op, sx_vid *other) {
  if (!sx_pass_single_use(g, v)) return NULL;
  const sx_use *u = sx_value_at(g, v)->uses;
  const sx_node *n = sx_node_at(g, u->node);
  if (n->op != op || n->n_in > 2) return NULL;
  *other = n->n_in == 2 ? n->in[1 - u->slot].value : SX_NONE;
  return n;
}

/* A parameter of the normalised part: exactly its shape, but for ones in front. */
static bool is_parameter(const sx_graph *g, sx_vid v, const sx_fact *x, int k) {
  const sx_fact *f = &sx_value_at(g, v)->fact;
  if (f->kind != SX_KIND_TENSOR || f->rank < k || f->rank > x->rank) return false;
  for (int i = 0; i < f->rank - k; i++)
    if (f->dims[i] != 1) return false;
  for (int i = 0; i < k; i++)
    if (f->dims[f->rank - k + i] != x->dims[x->rank - k + i]) return false;
  return true;
}

static sx_vid ones(sx_pass_ctx *c, const sx_fact *x, int k, sx_dtype t) {
  int64_t dims[SX_MAX_RANK];
  sx_tensor *w;
  for (int i = 0; i < k; i++) dims[i] = x->dims[x->rank - k + i];
  if (sx_tensor_create(t, k, dims, &w, NULL) != SX_OK || sx_model_hold(c->g->model, w, NULL) != SX_OK) return SX_NONE;
  for (int64_t i = 0; i < w->count; i++) {
    if (t == SX_F64)
      ((double *)w->data)[i] = 1;
    else if (t == SX_F32)
      ((float *)w->data)[i] = 1;
    else
      ((uint16_t *)w->data)[i] = t == SX_F16 ? 0x3c00 : 0x3f80;
  }
  return sx_graph_add_const(c->g, w, (sx_str){"", 0});
}

/* A parameter as the operator wants it: without the ones in front. */
static sx_vid parameter(sx_patch *p, sx_vid v, int k) {
  const sx_fact *f = &sx_value_at(p->g, v)->fact;
  if (f->rank == k) return v;
  sx_vid in[2] = {v, sx_graph_const_dims(p->g, f->dims + f->rank - k, k)};
  return in[1] == SX_NONE ? SX_NONE : sx_patch_node(p, &sx_op_Reshape, in, 2);
}

static sx_status make_norm(sx_pass_ctx *c, const sx_op *op, sx_vid x, sx_vid y, int k, double epsilon) {
  sx_graph *g = c->g;
  const sx_fact *f = &sx_value_at(g, x)->fact;
  sx_vid in[3] = {x, SX_NONE, SX_NONE}, other = SX_NONE;
  if (!sx_pass_fits_float(f, epsilon)) return SX_OK;
  /* Halves computed in f32: from a Cast to a Cast is what the operator does by itself. */
  const sx_node *wide = sx_pass_producer(g, x, &sx_op_Cast), *narrow = next_with(g, y, &sx_op_Cast, &other);
  if (wide && narrow) {
    uint8_t t = sx_value_at(g, wide->in[0].value)->fact.dtype;
    if (f->dtype == SX_F32 && (t == SX_F16 || t == SX_BF16) && sx_value_at(g, narrow->out[0])->fact.dtype == t)
      in[0] = wide->in[0].value, y = narrow->out[0];
  }
  const sx_node *mul = next_with(g, y, &sx_op_Mul, &other);
  if (mul && is_parameter(g, other, f, k)) in[1] = other, y = mul->out[0];
  const sx_node *add = in[1] != SX_NONE && op == &sx_op_LayerNormalization ? next_with(g, y, &sx_op_Add, &other) : NULL;
  if (add && is_parameter(g, other, f, k)) in[2] = other, y = add->out[0];
  for (int i = 0; i < k && in[1] == SX_NONE; i++)
    if (!sx_dim_is_const(f->dims[f->rank - k + i])) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  in[1] = in[1] == SX_NONE ? ones(c, f, k, (sx_dtype)sx_value_at(g, in[0])->fact.dtype) : parameter(&p, in[1], k);
  if (in[2] != SX_NONE) in[2] = parameter(&p, in[2], k);
  sx_vid v = in[1] == SX_NONE || (add && in[2] == SX_NONE && y == add->out[0])
                 ? SX_NONE
                 : sx_patch_node(&p, op, in, in[2] == SX_NONE ? 2 : 3);
  if (v == SX_NONE) SX_NO_MEMORY(c->e);
  sx_nid id = sx_value_at(g, v)->producer;
  if (!sx_node_set_int(g, id, "axis", -k) || !sx_node_set_float(g, id, "epsilon", (float)epsilon)) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, y, v);
  return sx_patch_apply(&p, NULL);
}

static bool keeps_dims(const sx_graph *g, const sx_match *m) {
  for (uint32_t i = 0; i < SX_MATCH_NODES; i++)
    if (m->nodes[i] != SX_NONE && sx_node_at(g, m->nodes[i])->op == &sx_op_ReduceMean &&
        !sx_attr_int(sx_node_at(g, m->nodes[i]), "keepdims", 1))
      return false;
  return true;
}

sx_status sx_pass_norm(sx_pass_ctx *c) {
  sx_graph *g = c->g;
  for (uint32_t i = 0; i < g->order.n; i++) {
    sx_nid id = g->order.at[i];
    const sx_node *n = sx_node_at(g, id);
    if (n->dead || (n->op != &sx_op_Div && n->op != &sx_op_Mul)) continue;
    for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
      sx_match m;
      double epsilon;
      if (!sx_match_at(g, id, patterns[k].pat, patterns[k].n, &m) || !keeps_dims(g, &m) ||
          !sx_pass_scalar(g, m.capture[2], &epsilon))
        continue;
      const sx_fact *x = &sx_value_at(g, m.capture[0])->fact;
      int axes = x->kind == SX_KIND_TENSOR && x->rank > 0 ? last_axes(g, m.capture[1], x->rank) : 0;
      if (!axes || !sx_dtype_is_float((sx_dtype)x->dtype) ||
          (m.capture[3] != SX_NONE && last_axes(g, m.capture[3], x->rank) != axes))
        continue;
      SX_TRY(make_norm(c, patterns[k].op, m.capture[0], n->out[0], axes, epsilon));
      break;
    }
  }
  return SX_OK;
}

/* LayerNormalization of a sum: the sum is made on the way, and stored only where somebody else reads it. */
static sx_status fuse_skip(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_node *add = sx_pass_producer(g, n->in[0].value, &sx_op_Add);
  if (!add || sx_node_out(n, 1) != SX_NONE || sx_node_out(n, 2) != SX_NONE) return SX_OK;
  const sx_fact *y = &sx_value_at(g, add->out[0])->fact, *a = &sx_value_at(g, add->in[0].value)->fact,
                *b = &sx_value_at(g, add->in[1].value)->fact;
  const sx_fact *w = &sx_value_at(g, n->in[1].value)->fact;
  int64_t axis = sx_attr_int(n, "axis", -1);
  if (!sx_pass_same_shape(a, y) || !sx_pass_same_shape(b, y) || (axis != -1 && axis != y->rank - 1) || w->rank != 1)
    return SX_OK;
  sx_vid in[4] = {add->in[0].value, add->in[1].value, n->in[1].value, sx_node_in(n, 2)}, out[2];
  bool wanted = !sx_pass_single_use(g, add->out[0]);
  sx_patch p = sx_patch_begin(c);
  sx_nid id = sx_patch_nodes(&p, &sx_op_SkipLayerNorm, in, in[3] == SX_NONE ? 3 : 4, out, wanted ? 2 : 1);
  if (id == SX_NONE || !sx_node_set_float(g, id, "epsilon", sx_attr_float(n, "epsilon", 1e-5f))) SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, n->out[0], out[0]);
  if (wanted) sx_patch_swap(&p, add->out[0], out[1]);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_skip_norm(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && n->op == &sx_op_LayerNormalization && n->n_in >= 2) SX_TRY(fuse_skip(c, n));
  }
  return SX_OK;
}
