// SPDX-License-Identifier: MIT
/* com.microsoft's mixture of experts, said densely: every expert computes every token, and what was not chosen weighs
 * nothing. */
#include "ops/lower.h"

enum { X, ROUTER, W1, B1, W2, B2, W3, B3 };

/* x (1 or E, T, H) times the transposed weights (E, F, H), plus the bias (E, F). */
static sx_vid layer(sx_lower *l, sx_vid x, uint32_t weight, uint32_t bias) {
  static const int64_t rows[] = {1};
  const int perm[] = {0, 2, 1};
  sx_vid y = sx_lower_2(l, &sx_op_MatMul, x, sx_lower_transpose(l, sx_lower_in(l, weight), perm));
  return sx_lower_has(l, bias)
             ? sx_lower_2(l, &sx_op_Add, y, sx_lower_axes(l, &sx_op_Unsqueeze, sx_lower_in(l, bias), rows, 1))
             : y;
}
static sx_vid number(sx_lower *l, double v, sx_vid like) {
  return sx_lower_number(l, v, (sx_dtype)sx_lower_fact(l, like)->dtype);
}

/* Gate and linear half of the columns, either alternating (1) or one after the other (2). */
static sx_vid swiglu(sx_lower *l, sx_vid h, int64_t fusion) {
  const sx_node *n = l->c->n;
  const sx_fact *f = sx_lower_fact(l, h);
  const float limit = sx_attr_float(n, "swiglu_limit", 0), alpha = sx_attr_float(n, "activation_alpha", 1),
              beta = sx_attr_float(n, "activation_beta", 0);
  if (f->rank != 3 || !sx_dim_is_const(f->dims[2]) || f->dims[2] % 2)
    return SX_LOWER_FAIL(l, FAIL, "swiglu needs an even number of columns"), SX_NONE;
  const int64_t half = f->dims[2] / 2, axis = 2, begin[2] = {0, fusion == 1 ? 1 : half},
                end[2] = {fusion == 1 ? 2 * half : half, 2 * half}, step = fusion == 1 ? 2 : 1;
  sx_vid part[2];
  for (int i = 0; i < 2; i++)
    part[i] = sx_lower_node(l, &sx_op_Slice,
                            SX_LOWER_IN(h, sx_lower_ints(l, &begin[i], 1), sx_lower_ints(l, &end[i], 1),
                                        sx_lower_ints(l, &axis, 1), sx_lower_ints(l, &step, 1)),
                            NULL, 0);
  if (limit > 0) {
    part[0] = sx_lower_2(l, &sx_op_Min, part[0], number(l, (double)limit, h));
    part[1] = sx_lower_3(l, &sx_op_Clip, part[1], number(l, -(double)limit, h), number(l, (double)limit, h));
  }
  if (beta != 0) part[1] = sx_lower_2(l, &sx_op_Add, part[1], number(l, (double)beta, h));
  return sx_lower_2(l, &sx_op_Mul,
                    sx_lower_node(l, &sx_op_Swish, &part[0], 1,
                                  &(sx_attr){.name = SX_STR("alpha"), .type = SX_ATTR_FLOAT, .f = alpha}, 1),
                    part[1]);
}
static sx_vid activated(sx_lower *l, sx_vid h, sx_str name) {
  if (sx_str_is(name, "relu")) return sx_lower_1(l, &sx_op_Relu, h);
  if (sx_str_is(name, "gelu")) return sx_lower_1(l, &sx_op_Gelu, h);
  if (sx_str_is(name, "silu")) return sx_lower_1(l, &sx_op_Swish, h);
  if (sx_str_is(name, "identity")) return h;
  return SX_LOWER_FAIL(l, NOT_IMPLEMENTED,
                       "activation_type '%.*s' without swiglu_fusion: expected relu, gelu, silu, identity or swiglu",
                       SX_FMT(name)),
         SX_NONE;
}

static sx_status open_moe(sx_upgrade_ctx *c) {
  static const int64_t front[] = {0}, last[] = {2}, experts_axis[] = {1};
  sx_lower l = {c, SX_OK};
  const sx_fact *x = sx_lower_fact(&l, sx_lower_in(&l, X)), *router = sx_lower_fact(&l, sx_lower_in(&l, ROUTER)),
                *w = sx_lower_fact(&l, sx_lower_in(&l, W1));
  const sx_str name = sx_attr_str(c->n, "activation_type", "relu");
  const int64_t k = sx_attr_int(c->n, "k", 1), fusion = sx_attr_int(c->n, "swiglu_fusion", 0);
  if ((x->rank != 2 && x->rank != 3) || router->rank != 2 || w->rank != 3)
    SX_FAIL(c->e, FAIL, "input, router_probs and weights have ranks %d, %d and %d, expected 2 or 3, 2, 3", x->rank,
            router->rank, w->rank);
  if (sx_attr_int(c->n, "use_sparse_mixer", 0)) SX_FAIL(c->e, NOT_IMPLEMENTED, "use_sparse_mixer");
  const sx_dim flat[3] = {1, router->dims[0], x->dims[x->rank - 1]};
  const sx_vid in = sx_lower_in(&l, X), tokens = sx_lower_reshape(&l, in, flat, 3);
  /* The weight of every expert for every token: (E, T, 1). */
  sx_vid prob = sx_lower_node(&l, &sx_op_Softmax, SX_LOWER_IN(sx_lower_in(&l, ROUTER)), SX_LOWER_INT("axis", 1)), top[2];
  sx_lower_nodes(&l, &sx_op_TopK, SX_LOWER_IN(prob, sx_lower_ints(&l, &k, 1)), SX_LOWER_INT("axis", 1), top, 2);
  if (sx_attr_int(c->n, "normalize_routing_weights", 0))
    top[0] = sx_lower_2(&l, &sx_op_Div, top[0], sx_lower_reduce(&l, &sx_op_ReduceSum, top[0], experts_axis, 1, true));
  sx_vid weight = sx_lower_node(&l, &sx_op_ScatterElements,
                                SX_LOWER_IN(sx_lower_2(&l, &sx_op_Mul, prob, number(&l, 0, prob)), top[1], top[0]),
                                SX_LOWER_INT("axis", 1));
  weight = sx_lower_axes(&l, &sx_op_Unsqueeze, sx_lower_transpose(&l, weight, (const int[]){1, 0}), last, 1);
  sx_vid h = layer(&l, tokens, W1, B1);
  h = sx_str_is(name, "swiglu") && fusion ? swiglu(&l, h, fusion)
                                          : activated(&l, h, sx_str_is(name, "swiglu") ? SX_STR("silu") : name);
  if (sx_lower_has(&l, W3)) h = sx_lower_2(&l, &sx_op_Mul, h, layer(&l, tokens, W3, B3));
  sx_vid y =
      sx_lower_reduce(&l, &sx_op_ReduceSum, sx_lower_2(&l, &sx_op_Mul, layer(&l, h, W2, B2), weight), front, 1, false);
  return sx_lower_end(&l, x->rank == 2 ? y : sx_lower_reshape(&l, y, x->dims, x->rank));
}
const sx_op sx_op_MoE = {
    .name = "MoE", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_moe}}};
