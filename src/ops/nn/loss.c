// SPDX-License-Identifier: MIT
/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, said in other operators while the model is read: the scores of the
 * target classes are gathered, weighted, and reduced. What is to be ignored gathers class 0, and is made 0 afterwards. */
#include "ops/lower.h"

/* Sizes of scores, targets and weights, as far as they are numbers. */
static bool fits(sx_lower *l, const sx_fact *x, const sx_fact *target) {
  const sx_fact *w = sx_lower_has(l, 2) ? sx_lower_fact(l, sx_lower_in(l, 2)) : NULL;
  if (x->rank < 0) return true;
  if (x->rank < 2 || (target->rank >= 0 && target->rank != x->rank - 1))
    return SX_LOWER_FAIL(l, FAIL, "the scores have rank %d, the targets %d: expected one less", x->rank, target->rank),
           false;
  for (int i = 0; i < target->rank; i++)
    if (sx_dim_is_const(target->dims[i]) && sx_dim_is_const(x->dims[i + (i > 0)]) &&
        target->dims[i] != x->dims[i + (i > 0)])
      return SX_LOWER_FAIL(l, FAIL, "the targets have %lld at axis %d, the scores %lld", (long long)target->dims[i], i,
                           (long long)x->dims[i + (i > 0)]),
             false;
  if (w && w->rank == 1 && sx_dim_is_const(w->dims[0]) && sx_dim_is_const(x->dims[1]) && w->dims[0] != x->dims[1])
    return SX_LOWER_FAIL(l, FAIL, "there are weights of %lld classes, the scores have %lld", (long long)w->dims[0],
                         (long long)x->dims[1]),
           false;
  return true;
}

/* The loss of log probabilities x (N, C, d...) for the classes in input 1 (N, d...), weights of classes in input 2. */
static sx_vid loss_of(sx_lower *l, sx_vid x) {
  const int64_t class_axis[] = {1};
  if (x == SX_NONE || !fits(l, sx_lower_fact(l, x), sx_lower_fact(l, sx_lower_in(l, 1)))) return SX_NONE;
  sx_dtype t = (sx_dtype)sx_lower_fact(l, x)->dtype;
  const sx_attr *ignore = sx_node_attr(l->c->n, "ignore_index");
  sx_str reduction = sx_attr_str(l->c->n, "reduction", "mean");
  bool mean = sx_str_is(reduction, "mean"), sum = sx_str_is(reduction, "sum"), weighted = sx_lower_has(l, 2);
  if (!mean && !sum && !sx_str_is(reduction, "none"))
    return SX_LOWER_FAIL(l, INVALID_GRAPH, "reduction is '%.*s', expected 'none', 'sum' or 'mean'", SX_FMT(reduction)),
           SX_NONE;
  sx_vid target = sx_lower_cast(l, sx_lower_in(l, 1), SX_I64), zero = sx_lower_number(l, 0, t), ignored = SX_NONE,
         weight = SX_NONE;
  if (ignore) {
    ignored = sx_lower_2(l, &sx_op_Equal, target, sx_lower_int(l, ignore->i));
    target = sx_lower_3(l, &sx_op_Where, ignored, sx_lower_int(l, 0), target);
  }
  sx_vid at = sx_lower_axes(l, &sx_op_Unsqueeze, target, class_axis, 1);
  sx_vid y = sx_lower_node(l, &sx_op_GatherElements, SX_LOWER_IN(x, at), SX_LOWER_INT("axis", 1));
  y = sx_lower_1(l, &sx_op_Neg, sx_lower_axes(l, &sx_op_Squeeze, y, class_axis, 1));
  if (weighted) {
    weight = sx_lower_2(l, &sx_op_Gather, sx_lower_in(l, 2), target);
    y = sx_lower_2(l, &sx_op_Mul, y, weight);
  }
  if (ignore) {
    y = sx_lower_3(l, &sx_op_Where, ignored, zero, y);
    weight = sx_lower_3(l, &sx_op_Where, ignored, zero, weighted ? weight : sx_lower_number(l, 1, t));
  }
  if (!mean && !sum) return y;
  if (mean && !weighted && !ignore) return sx_lower_node(l, &sx_op_ReduceMean, &y, 1, SX_LOWER_INT("keepdims", 0));
  y = sx_lower_node(l, &sx_op_ReduceSum, &y, 1, SX_LOWER_INT("keepdims", 0));
  if (sum) return y;
  return sx_lower_2(l, &sx_op_Div, y, sx_lower_node(l, &sx_op_ReduceSum, &weight, 1, SX_LOWER_INT("keepdims", 0)));
}

static sx_status lower_nll(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  return sx_lower_end(&l, loss_of(&l, sx_lower_in(&l, 0)));
}
static sx_status lower_cross_entropy(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x = sx_lower_in(&l, 0), out[2] = {SX_NONE, sx_lower_node(&l, &sx_op_LogSoftmax, &x, 1, SX_LOWER_INT("axis", 1))};
  out[0] = loss_of(&l, out[1]);
  return sx_lower_done(&l, out, 2);
}
const sx_op sx_op_NegativeLogLikelihoodLoss = {
    .name = "NegativeLogLikelihoodLoss", .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, lower_nll}}};
const sx_op sx_op_SoftmaxCrossEntropyLoss = {
    .name = "SoftmaxCrossEntropyLoss", .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, lower_cross_entropy}}};
