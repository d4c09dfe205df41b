// SPDX-License-Identifier: MIT
/* com.microsoft's mixture of experts, said densely: every expert computes every token, and what was not chosen weighs
 * nothing. QMoE has the weights in 2, 4 or 8 bits, with a scale per row or per block of it. */
#include "ops/lower.h"
#include "ops/quant/quant.h"

enum { X, ROUTER, ROUTER_WEIGHTS = 14 };
/* The inputs of a layer. */
typedef struct part {
  uint32_t weight, bias, scale, zero;
} part;
static const part plain[3] = {{2, 3, 0, 0}, {4, 5, 0, 0}, {6, 7, 0, 0}},
                  quantised[3] = {{2, 4, 3, 11}, {5, 7, 6, 12}, {8, 10, 9, 13}};
static const part *parts(const sx_lower *l) { return l->c->n->op == &sx_op_QMoE ? quantised : plain; }

/* The weights (E, F, H) of a layer in the type of the tokens. */
static sx_vid weights(sx_lower *l, const part *p) {
  sx_vid w = sx_lower_in(l, p->weight), s, z;
  if (!p->scale) return w;
  const int64_t bits = sx_attr_int(l->c->n, "expert_weight_bits", 4), last[] = {2};
  int64_t block = sx_attr_int(l->c->n, "block_size", 0);
  if (!sx_lower_has(l, p->scale)) return SX_LOWER_FAIL(l, FAIL, "input %u, scales, is missing", p->scale), SX_NONE;
  const sx_fact *f = sx_lower_fact(l, w), *sf = sx_lower_fact(l, s = sx_lower_in(l, p->scale));
  if ((bits != 2 && bits != 4 && bits != 8) || f->rank != 3 || (sf->rank != 2 && sf->rank != 3) || f->dtype != SX_U8 ||
      !sx_dim_is_const(f->dims[2]))
    return SX_LOWER_FAIL(l, FAIL,
                         "experts of %lld bits with weights %s of rank %d and scales of rank %d: expected 2, 4 or 8 bits, "
                         "uint8, 3, and 2 or 3",
                         (long long)bits, sx_dtype_name((sx_dtype)f->dtype), f->rank, sf->rank),
           SX_NONE;
  const int64_t columns = f->dims[2] * (8 / bits);
  const sx_dim rows = f->dims[1];
  const bool by_row = block < 1 || sf->rank == 2 || sf->dims[2] == 1;
  if (by_row) block = columns > 0 ? columns : 1;
  if (sf->rank == 2) s = sx_lower_axes(l, &sx_op_Unsqueeze, s, last, 1);
  if (!sx_lower_has(l, p->zero))
    z = sx_lower_2(l, &sx_op_Expand, sx_lower_number(l, (double)(1 << (bits - 1)), SX_U8), sx_lower_shape(l, s));
  else if (by_row)
    z = sx_lower_axes(l, &sx_op_Unsqueeze, sx_nbits_unpacked(l, sx_lower_in(l, p->zero), bits, rows), last, 1);
  else
    z = sx_nbits_unpacked(l, sx_lower_in(l, p->zero), bits, sx_lower_fact(l, s)->dims[2]);
  const sx_attr attrs[2] = {{.name = SX_STR("axis"), .type = SX_ATTR_INT, .i = 2},
                            {.name = SX_STR("block_size"), .type = SX_ATTR_INT, .i = block}};
  w = sx_lower_node(l, &sx_op_DequantizeLinear, SX_LOWER_IN(sx_nbits_unpacked(l, w, bits, columns), s, z), attrs, 2);
  return sx_lower_cast(l, w, (sx_dtype)sx_lower_fact(l, sx_lower_in(l, X))->dtype);
}
/* x (1 or E, T, H) times the transposed weights (E, F, H), plus the bias (E, F). */
static sx_vid layer(sx_lower *l, sx_vid x, int which) {
  static const int64_t rows[] = {1};
  const int perm[] = {0, 2, 1};
  const part *p = &parts(l)[which];
  sx_vid y = sx_lower_2(l, &sx_op_MatMul, x, sx_lower_transpose(l, weights(l, p), perm));
  return sx_lower_has(l, p->bias)
             ? sx_lower_2(l, &sx_op_Add, y, sx_lower_axes(l, &sx_op_Unsqueeze, sx_lower_in(l, p->bias), rows, 1))
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
  if (sx_str_is(name, "gelu"))
    return sx_lower_node(l, &sx_op_Gelu, &h, 1,
                         &(sx_attr){.name = SX_STR("approximate"), .type = SX_ATTR_STRING, .s = SX_STR("tanh")}, 1);
  if (sx_str_is(name, "silu")) return sx_lower_1(l, &sx_op_Swish, h);
  if (sx_str_is(name, "identity")) return h;
  return SX_LOWER_FAIL(l, NOT_IMPLEMENTED,
                       "activation_type '%.*s' without swiglu_fusion: expected relu, gelu, silu, identity or swiglu",
                       SX_FMT(name)),
         SX_NONE;
}

/* The weight of every expert for every token, (T, E): of the k largest, the others are 0. MoE takes the softmax over all;
 * QMoE over the chosen ones, or what `router_weights` says of them. */
static sx_vid routed(sx_lower *l) {
  static const int64_t experts[] = {1};
  const bool q = l->c->n->op == &sx_op_QMoE, given = q && sx_lower_has(l, ROUTER_WEIGHTS);
  const int64_t k = sx_attr_int(l->c->n, "k", 1);
  sx_vid in = sx_lower_in(l, ROUTER), top[2];
  if (!q) in = sx_lower_node(l, &sx_op_Softmax, &in, 1, SX_LOWER_INT("axis", 1));
  sx_lower_nodes(l, &sx_op_TopK, SX_LOWER_IN(in, sx_lower_ints(l, &k, 1)), SX_LOWER_INT("axis", 1), top, 2);
  if (given)
    top[0] = sx_lower_node(l, &sx_op_GatherElements, SX_LOWER_IN(sx_lower_in(l, ROUTER_WEIGHTS), top[1]),
                           SX_LOWER_INT("axis", 1));
  else if (q)
    top[0] = sx_lower_node(l, &sx_op_Softmax, &top[0], 1, SX_LOWER_INT("axis", 1));
  if ((given || !q) && sx_attr_int(l->c->n, "normalize_routing_weights", 0))
    top[0] = sx_lower_2(l, &sx_op_Div, top[0], sx_lower_reduce(l, &sx_op_ReduceSum, top[0], experts, 1, true));
  sx_vid zeros = sx_lower_2(l, &sx_op_Expand, number(l, 0, in), sx_lower_shape(l, in));
  return sx_lower_node(l, &sx_op_ScatterElements, SX_LOWER_IN(zeros, top[1], top[0]), SX_LOWER_INT("axis", 1));
}

static sx_status open_moe(sx_upgrade_ctx *c) {
  static const int64_t front[] = {0}, last[] = {2};
  sx_lower l = {c, SX_OK};
  const sx_fact *x = sx_lower_fact(&l, sx_lower_in(&l, X)), *router = sx_lower_fact(&l, sx_lower_in(&l, ROUTER)),
                *w = sx_lower_fact(&l, sx_lower_in(&l, 2));
  const sx_str name = sx_attr_str(c->n, "activation_type", "relu"), kind = sx_attr_str(c->n, "quant_type", "int");
  const int64_t fusion = sx_attr_int(c->n, "swiglu_fusion", 0);
  if ((x->rank != 2 && x->rank != 3) || router->rank != 2 || w->rank != 3)
    SX_FAIL(c->e, FAIL, "input, router_probs and weights have ranks %d, %d and %d, expected 2 or 3, 2, 3", x->rank,
            router->rank, w->rank);
  if (sx_attr_int(c->n, "use_sparse_mixer", 0)) SX_FAIL(c->e, NOT_IMPLEMENTED, "use_sparse_mixer");
  if (!sx_str_is(kind, "int"))
    SX_FAIL(c->e, NOT_IMPLEMENTED, "quant_type '%.*s': expected 'int', weights in uint8", SX_FMT(kind));
  const sx_dim flat[3] = {1, router->dims[0], x->dims[x->rank - 1]};
  const sx_vid tokens = sx_lower_reshape(&l, sx_lower_in(&l, X), flat, 3);
  sx_vid weight = sx_lower_axes(&l, &sx_op_Unsqueeze, sx_lower_transpose(&l, routed(&l), (const int[]){1, 0}), last, 1);
  sx_vid h = layer(&l, tokens, 0);
  h = sx_str_is(name, "swiglu") && fusion ? swiglu(&l, h, fusion)
                                          : activated(&l, h, sx_str_is(name, "swiglu") ? SX_STR("silu") : name);
  if (sx_lower_has(&l, parts(&l)[2].weight)) h = sx_lower_2(&l, &sx_op_Mul, h, layer(&l, tokens, 2));
  sx_vid y = sx_lower_reduce(&l, &sx_op_ReduceSum, sx_lower_2(&l, &sx_op_Mul, layer(&l, h, 1), weight), front, 1, false);
  return sx_lower_end(&l, x->rank == 2 ? y : sx_lower_reshape(&l, y, x->dims, x->rank));
}
const sx_op sx_op_MoE = {
    .name = "MoE", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_moe}}};
const sx_op sx_op_QMoE = {
    .name = "QMoE", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_moe}}};
