// SPDX-License-Identifier: MIT
/* ai.onnx.preview's FlexAttention. Without bodies it is Attention; with them scores and probabilities are made, and the
 * bodies' nodes stand between the operators that make them. */
#include "ops/lower.h"
#include <math.h>

static sx_vid body(sx_lower *l, const char *name, sx_vid x) {
  sx_graph *b = sx_attr_graph(l->c->n, name);
  sx_vid y = SX_NONE;
  if (!b || l->status != SX_OK) return x;
  if (b->inputs.n != 1 || b->outputs.n != 1)
    return SX_LOWER_FAIL(l, INVALID_GRAPH, "%s has %u inputs and %u outputs, expected one of each", name, b->inputs.n,
                         b->outputs.n),
           SX_NONE;
  l->status = sx_graph_inline_body(l->c->g, l->c->id, b, &x, &y, l->c->e);
  if (l->status == SX_OK) { /* what follows asks for type and shape; the nodes themselves are looked at later */
    const sx_fact *in = sx_lower_fact(l, x);
    sx_fact *out = &sx_value_at(l->c->g, y)->fact;
    out->kind = in->kind, out->dtype = in->dtype, out->rank = in->rank, out->dims = in->dims;
  }
  return y;
}
static sx_vid times(sx_lower *l, sx_vid x, double k) {
  return sx_lower_2(l, &sx_op_Mul, x, sx_lower_number(l, k, (sx_dtype)sx_lower_fact(l, x)->dtype));
}

static sx_status open(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid q = sx_lower_in(&l, 0), k = sx_lower_in(&l, 1), v = sx_lower_in(&l, 2);
  const sx_fact *fq = sx_lower_fact(&l, q), *fk = sx_lower_fact(&l, k), *fv = sx_lower_fact(&l, v);
  const sx_dtype type = (sx_dtype)fq->dtype,
                 wide = (sx_dtype)sx_attr_int(c->n, "softmax_precision", type == SX_F64 ? SX_F64 : SX_F32);
  const sx_attr *given = sx_node_attr(c->n, "scale");
  if (fq->rank != 4 || fk->rank != 4 || fv->rank != 4)
    SX_FAIL(c->e, FAIL, "Q, K and V have ranks %d, %d and %d, expected 4", fq->rank, fk->rank, fv->rank);
  if (!sx_attr_graph(c->n, "score_mod") && !sx_attr_graph(c->n, "prob_mod"))
    return sx_lower_end(
        &l, sx_lower_node(&l, &sx_op_Attention, SX_LOWER_IN(q, k, v),
                          given ? &(sx_attr){.name = SX_STR("scale"), .type = SX_ATTR_FLOAT, .f = given->f} : NULL,
                          given != NULL));
  const sx_dim heads = fq->dims[1], kv = fk->dims[1];
  if (!sx_dim_is_const(fq->dims[3]) || !sx_dim_is_const(heads) || !sx_dim_is_const(kv) || kv < 1 || heads % kv)
    SX_FAIL(c->e, NOT_IMPLEMENTED,
            "numbers of heads and elements must be known, and those of queries a multiple of those of keys");
  const double root = sqrt(given ? (double)given->f : 1 / sqrt((double)fq->dims[3]));
  const sx_dim scores_dims[4] = {fq->dims[0], heads, fq->dims[2], fk->dims[2]},
               y_dims[4] = {fq->dims[0], heads, fq->dims[2], fv->dims[3]};
  if (heads != kv) { /* the heads that share keys become an axis over which these are broadcast */
    const sx_dim split[5] = {fq->dims[0], kv, heads / kv, fq->dims[2], fq->dims[3]},
                 scores[5] = {fq->dims[0], kv, heads / kv, fq->dims[2], fk->dims[2]};
    const int64_t axis[] = {2};
    q = sx_lower_reshape(&l, q, split, 5), k = sx_lower_axes(&l, &sx_op_Unsqueeze, k, axis, 1),
    v = sx_lower_axes(&l, &sx_op_Unsqueeze, v, axis, 1);
    sx_vid s = sx_lower_2(&l, &sx_op_MatMul, times(&l, q, root),
                          sx_lower_transpose(&l, times(&l, k, root), (const int[]){0, 1, 2, 4, 3}));
    s = body(&l, "score_mod", sx_lower_reshape(&l, sx_lower_cast(&l, s, wide), scores_dims, 4));
    s = body(&l, "prob_mod", sx_lower_node(&l, &sx_op_Softmax, &s, 1, SX_LOWER_INT("axis", -1)));
    s = sx_lower_2(&l, &sx_op_MatMul, sx_lower_reshape(&l, s, scores, 5), sx_lower_cast(&l, v, wide));
    return sx_lower_end(&l, sx_lower_reshape(&l, sx_lower_cast(&l, s, type), y_dims, 4));
  }
  sx_vid s = sx_lower_2(&l, &sx_op_MatMul, times(&l, q, root),
                        sx_lower_transpose(&l, times(&l, k, root), (const int[]){0, 1, 3, 2}));
  s = body(&l, "score_mod", sx_lower_cast(&l, s, wide));
  s = body(&l, "prob_mod", sx_lower_node(&l, &sx_op_Softmax, &s, 1, SX_LOWER_INT("axis", -1)));
  return sx_lower_end(&l, sx_lower_cast(&l, sx_lower_2(&l, &sx_op_MatMul, s, sx_lower_cast(&l, v, wide)), type));
}
const sx_op sx_op_FlexAttention = {
    .name = "FlexAttention", .domain = SX_DOMAIN_PREVIEW, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open}}};
