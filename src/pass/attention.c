// SPDX-License-Identifier: MIT
/* Softmax between two products over many keys is Attention, which never has all the scores in memory. Queries, keys, values
 * and the result are taken where they still have their heads side by side, so that the Transposes around them go, too. With
 * few keys the separate operators are as fast, and stay. */
#include "pass/pass.h"

enum { KEYS = 256 };

static bool has_perm(const sx_node *n, int64_t a, int64_t b, int64_t c) {
  const int64_t *p;
  return sx_attr_ints(n, "perm", &p) == 4 && p[0] == 0 && p[1] == a && p[2] == b && p[3] == c;
}
/* Are x (B, L, heads * D) and f (B, L, heads, D) the same elements? */
static bool is_folded(const sx_fact *x, const sx_fact *f) {
  return x->kind == SX_KIND_TENSOR && x->rank == 3 && f->rank == 4 && x->dims[0] == f->dims[0] &&
         x->dims[1] == f->dims[1] && sx_dim_is_const(x->dims[2]) && sx_dim_is_const(f->dims[2]) &&
         sx_dim_is_const(f->dims[3]) && f->dims[2] * f->dims[3] == x->dims[2];
}
/* v is t transposed by (0, a, b, c), t a Reshape of the value given back; SX_NONE: it is not. */
static sx_vid folded(const sx_graph *g, sx_vid v, int64_t a, int64_t b, int64_t c) {
  const sx_node *t = sx_pass_producer(g, v, &sx_op_Transpose);
  if (!t || !has_perm(t, a, b, c)) return SX_NONE;
  const sx_node *r = sx_pass_producer(g, t->in[0].value, &sx_op_Reshape);
  return r && is_folded(&sx_value_at(g, r->in[0].value)->fact, &sx_value_at(g, t->in[0].value)->fact) ? r->in[0].value
                                                                                                      : SX_NONE;
}
static const sx_node *only_user(const sx_graph *g, sx_vid v, const sx_op *op) {
  const sx_value *x = sx_value_at(g, v);
  const sx_node *n = sx_pass_single_use(g, v) ? sx_node_at(g, x->uses->node) : NULL;
  return n && n->op == op && x->uses->slot == 0 ? n : NULL;
}
static bool is_f32_rank4(const sx_graph *g, sx_vid v) {
  const sx_fact *f = &sx_value_at(g, v)->fact;
  return f->kind == SX_KIND_TENSOR && f->dtype == SX_F32 && f->rank == 4;
}

static sx_status fuse(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_vid probs = n->in[0].value;
  const sx_node *soft = sx_pass_single_use(g, probs) ? sx_value_producer(g, probs) : NULL;
  if (!soft || (soft->op != &sx_op_Softmax && soft->op != &sx_op_MaskedSoftmax)) return SX_OK;
  const sx_vid scores = soft->in[0].value, mask = sx_node_in(soft, 1);
  const sx_node *qk = sx_pass_single_use(g, scores) ? sx_pass_producer(g, scores, &sx_op_MatMul) : NULL;
  const int64_t axis = sx_attr_int(soft, "axis", -1);
  if (!qk || (axis != -1 && axis != 3) || !is_f32_rank4(g, scores) || !is_f32_rank4(g, probs)) return SX_OK;
  sx_vid q = qk->in[0].value, k = qk->in[1].value, v = n->in[1].value;
  if (!is_f32_rank4(g, q) || !is_f32_rank4(g, k) || !is_f32_rank4(g, v)) return SX_OK;
  const sx_fact *fq = &sx_value_at(g, q)->fact, *fk = &sx_value_at(g, k)->fact, *fv = &sx_value_at(g, v)->fact,
                *fm = mask == SX_NONE ? NULL : &sx_value_at(g, mask)->fact;
  const sx_dim heads = fq->dims[1], keys = fv->dims[2];
  /* One batch, the same heads: what MatMul would broadcast stays MatMul's. */
  if (!sx_dim_is_const(keys) || keys < KEYS || !sx_dim_is_const(heads) || fk->dims[3] != keys) return SX_OK;
  if (fk->dims[0] != fq->dims[0] || fv->dims[0] != fq->dims[0] || fk->dims[1] != heads || fv->dims[1] != heads ||
      fk->dims[2] != fq->dims[3])
    return SX_OK;
  if (fm && (fm->rank < 1 || fm->dims[fm->rank - 1] != keys)) return SX_OK;
  const sx_vid out = n->out[0], q3 = folded(g, q, 2, 1, 3), k3 = folded(g, k, 2, 3, 1), v3 = folded(g, v, 2, 1, 3);
  const sx_node *back = only_user(g, out, &sx_op_Transpose),
                *flat = back && has_perm(back, 2, 1, 3) ? only_user(g, back->out[0], &sx_op_Reshape) : NULL;
  const bool whole =
      q3 != SX_NONE && flat && is_folded(&sx_value_at(g, flat->out[0])->fact, &sx_value_at(g, back->out[0])->fact);
  sx_patch p = sx_patch_begin(c);
  if (k3 == SX_NONE) { /* keys as rows: the input of their transposition, or that undone */
    const sx_node *t = sx_pass_producer(g, k, &sx_op_Transpose);
    const int64_t perm[] = {0, 1, 3, 2};
    if (t && has_perm(t, 1, 3, 2))
      k = t->in[0].value;
    else if ((k = sx_patch_node(&p, &sx_op_Transpose, &k, 1)) == SX_NONE ||
             !sx_node_set_ints(g, sx_patch_last(&p), "perm", perm, 4))
      SX_NO_MEMORY(c->e);
  } else
    k = k3;
  const sx_vid in[4] = {whole ? q3 : q, k, v3 == SX_NONE ? v : v3, mask};
  const sx_vid y = sx_patch_node(&p, &sx_op_Attention, in, mask == SX_NONE ? 3 : 4);
  const sx_nid id = sx_patch_last(&p);
  if (y == SX_NONE || (whole && !sx_node_set_int(g, id, "q_num_heads", heads)) ||
      ((k3 != SX_NONE || v3 != SX_NONE) && !sx_node_set_int(g, id, "kv_num_heads", heads)) ||
      !sx_node_set_float(g, id, "scale", sx_attr_float(soft, "scale", 1)))
    SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, whole ? flat->out[0] : out, y);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_attention(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && n->op == &sx_op_MatMul) SX_TRY(fuse(c, n));
  }
  return SX_OK;
}
