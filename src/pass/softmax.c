// SPDX-License-Identifier: MIT
/* A scale and an additive mask in front of a softmax over the last axis are part of it. */
#include "pass/pass.h"
#include <math.h>

/* x of k * x, with the factor taken into *scale; v itself when it is no such product. */
static sx_vid without_scale(const sx_graph *g, sx_vid v, double *scale) {
  const sx_node *n = sx_value_producer(g, v);
  double k;
  if (!n || !sx_pass_single_use(g, v) || (n->op != &sx_op_Mul && n->op != &sx_op_Div) ||
      !sx_pass_scalar(g, n->in[1].value, &k) || k == 0 || !isfinite(k))
    return v;
  if (!sx_pass_same_shape(&sx_value_at(g, n->in[0].value)->fact, &sx_value_at(g, v)->fact)) return v;
  *scale *= n->op == &sx_op_Div ? 1 / k : k;
  return n->in[0].value;
}

/* x and m broadcast to y with x as large as y and m with rows as long as y's. Sizes that are not known to differ are taken
 * to be equal in f32, where the kernel can do without. */
static bool fits(const sx_fact *f, const sx_fact *y, bool x) {
  if (f->kind != SX_KIND_TENSOR || f->dtype != y->dtype || f->rank < 1 || (x ? f->rank != y->rank : f->rank > y->rank))
    return false;
  for (int i = 0; i < f->rank; i++) {
    sx_dim d = f->dims[i], e = y->dims[i + y->rank - f->rank];
    if (d != e && (x || i == f->rank - 1 ? y->dtype != SX_F32 || d == 1 : d != 1 && y->dtype != SX_F32)) return false;
  }
  return true;
}

static sx_status fuse(sx_pass_ctx *c, const sx_node *n) {
  sx_graph *g = c->g;
  const sx_fact *y = &sx_value_at(g, n->out[0])->fact;
  int64_t axis = sx_attr_int(n, "axis", -1);
  if (y->kind != SX_KIND_TENSOR || y->rank < 1 || (axis != -1 && axis != y->rank - 1)) return SX_OK;
  sx_vid in[2] = {n->in[0].value, SX_NONE};
  double scale = 1;
  const sx_node *add = sx_pass_single_use(g, in[0]) ? sx_pass_producer(g, in[0], &sx_op_Add) : NULL;
  for (uint32_t side = 0; side < 2 && add; side++) {
    const sx_fact *x = &sx_value_at(g, add->in[side].value)->fact, *m = &sx_value_at(g, add->in[1 - side].value)->fact;
    bool both = sx_pass_same_shape(x, m); /* then the mask is the one that is not computed from a scaled product */
    double k = 1;
    if (!fits(x, y, true) || !fits(m, y, false) ||
        (both && !side && without_scale(g, add->in[1].value, &k) != add->in[1].value))
      continue;
    in[0] = add->in[side].value, in[1] = add->in[1 - side].value;
    break;
  }
  in[0] = without_scale(g, in[0], &scale);
  if (in[0] == n->in[0].value || !sx_pass_fits_float(y, scale)) return SX_OK;
  sx_patch p = sx_patch_begin(c);
  sx_vid v = sx_patch_node(&p, &sx_op_MaskedSoftmax, in, in[1] == SX_NONE ? 1 : 2);
  if (v == SX_NONE || (scale != 1 && !sx_node_set_float(g, sx_value_at(g, v)->producer, "scale", (float)scale)))
    SX_NO_MEMORY(c->e);
  sx_patch_swap(&p, n->out[0], v);
  return sx_patch_apply(&p, NULL);
}

sx_status sx_pass_softmax(sx_pass_ctx *c) {
  for (uint32_t i = 0; i < c->g->order.n; i++) {
    const sx_node *n = sx_node_at(c->g, c->g->order.at[i]);
    if (!n->dead && n->op == &sx_op_Softmax) SX_TRY(fuse(c, n));
  }
  return SX_OK;
}
