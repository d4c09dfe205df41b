// SPDX-License-Identifier: MIT
/* com.microsoft's mixture of experts: every token's k experts are chosen first, and ExpertMatMul multiplies each row by the
 * weights of its own. QMoE has the weights in 2, 4 or 8 bits, with a scale per row or per block of it. */
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

/* The operands of ExpertMatMul: rows of X, or a row per token that all its experts read (spread), weights (E, N, K), the
 * experts (T, k) of each token. bits 0: weights are floats; else uint8, with scales (E, N) or (E, N, blocks). */
enum { ROWS, WEIGHT, EXPERTS, BIAS, SCALE, ZERO };
typedef struct product {
  sx_vid in[6];
  int64_t bits, block; /* block: of a row that has one scale, the row */
  bool spread;
} product;

/* The weights as floats of the type of X. */
static sx_vid weights(sx_lower *l, const product *p) {
  const int64_t last[] = {2};
  sx_vid w = p->in[WEIGHT], s = p->in[SCALE], z = p->in[ZERO];
  if (!p->bits) return w;
  const sx_fact *f = sx_lower_fact(l, w);
  const sx_dim rows = f->dims[1];
  const int64_t columns = f->dims[2] * (8 / p->bits);
  if (sx_lower_fact(l, s)->rank == 2) s = sx_lower_axes(l, &sx_op_Unsqueeze, s, last, 1);
  if (z == SX_LOWER_ABSENT)
    z = sx_lower_2(l, &sx_op_Expand, sx_lower_number(l, (double)(1 << (p->bits - 1)), SX_U8), sx_lower_shape(l, s));
  else if (sx_lower_fact(l, z)->rank == 2)
    z = sx_lower_axes(l, &sx_op_Unsqueeze, sx_nbits_unpacked(l, z, p->bits, rows), last, 1);
  else
    z = sx_nbits_unpacked(l, z, p->bits, sx_lower_fact(l, s)->dims[2]);
  const sx_attr attrs[2] = {{.name = SX_STR("axis"), .type = SX_ATTR_INT, .i = 2},
                            {.name = SX_STR("block_size"), .type = SX_ATTR_INT, .i = p->block}};
  w = sx_lower_node(l, &sx_op_DequantizeLinear, SX_LOWER_IN(sx_nbits_unpacked(l, w, p->bits, columns), s, z), attrs, 2);
  return sx_lower_cast(l, w, (sx_dtype)sx_lower_fact(l, p->in[ROWS])->dtype);
}
/* The product in standard operators: every expert computes every row, and what was chosen is picked. */
static sx_vid dense(sx_lower *l, const product *p) {
  static const int64_t front[] = {0}, one[] = {-1};
  const int swap[] = {0, 2, 1}, rows_first[] = {1, 0, 2};
  const sx_fact *e = sx_lower_fact(l, p->in[EXPERTS]), *x = sx_lower_fact(l, p->in[ROWS]),
                *w = sx_lower_fact(l, p->in[WEIGHT]);
  if (l->status != SX_OK) return SX_NONE;
  if (e->rank != 2 || x->rank != 2 || w->rank != 3)
    return SX_LOWER_FAIL(l, FAIL, "experts, rows and weights have ranks %d, %d and %d, expected 2, 2 and 3", e->rank, x->rank,
                         w->rank),
           SX_NONE;
  const sx_dim pairs[3] = {x->dims[0], p->spread ? e->dims[1] : 1, 1},
               rows[2] = {sx_dim_mul(&l->c->g->model->dims, pairs[0], pairs[1]), w->dims[1]};
  const sx_vid flat = sx_lower_reshape(l, p->in[EXPERTS], one, 1);
  sx_vid y = sx_lower_2(l, &sx_op_MatMul, sx_lower_axes(l, &sx_op_Unsqueeze, p->in[ROWS], front, 1),
                        sx_lower_transpose(l, weights(l, p), swap));
  y = sx_lower_node(l, &sx_op_GatherND,
                    SX_LOWER_IN(sx_lower_transpose(l, y, rows_first), sx_lower_reshape(l, p->in[EXPERTS], pairs, 3)),
                    SX_LOWER_INT("batch_dims", 1));
  y = sx_lower_reshape(l, y, rows, 2);
  return p->in[BIAS] == SX_LOWER_ABSENT
             ? y
             : sx_lower_2(l, &sx_op_Add, y, sx_lower_node(l, &sx_op_Gather, SX_LOWER_IN(p->in[BIAS], flat), NULL, 0));
}
static bool constant(const sx_lower *l, sx_vid v) { return v == SX_LOWER_ABSENT || sx_value_const(l->c->g, v); }
/* One layer; the kernel wants weights that do not change, and blocks that fit its own. */
static sx_vid layer(sx_lower *l, sx_vid x, sx_vid experts, int which, bool spread) {
  const part *at = &parts(l)[which];
  product p = {.in = {x, sx_lower_in(l, at->weight), experts, sx_lower_in(l, at->bias), SX_LOWER_ABSENT, SX_LOWER_ABSENT},
               .spread = spread};
  const sx_tensor *given = sx_value_const(l->c->g, sx_node_in(l->c->n, at->weight));
  bool fits = given && given->count;
  if (at->scale) {
    p.in[SCALE] = sx_lower_in(l, at->scale), p.in[ZERO] = sx_lower_in(l, at->zero);
    p.bits = sx_attr_int(l->c->n, "expert_weight_bits", 4), p.block = sx_attr_int(l->c->n, "block_size", 0);
    if (p.in[SCALE] == SX_LOWER_ABSENT) return SX_LOWER_FAIL(l, FAIL, "input %u, scales, is missing", at->scale), SX_NONE;
    const sx_fact *f = sx_lower_fact(l, p.in[WEIGHT]), *sf = sx_lower_fact(l, p.in[SCALE]);
    if ((p.bits != 2 && p.bits != 4 && p.bits != 8) || f->rank != 3 || (sf->rank != 2 && sf->rank != 3) ||
        f->dtype != SX_U8 || !sx_dim_is_const(f->dims[2]))
      return SX_LOWER_FAIL(l, FAIL,
                           "experts of %lld bits with weights %s of rank %d and scales of rank %d: expected 2, 4 or 8 bits, "
                           "uint8, 3, and 2 or 3",
                           (long long)p.bits, sx_dtype_name((sx_dtype)f->dtype), f->rank, sf->rank),
             SX_NONE;
    const int64_t columns = f->dims[2] * (8 / p.bits);
    if (p.block < 1 || sf->rank == 2 || sf->dims[2] == 1) p.block = columns > 0 ? columns : 1;
    fits &= constant(l, p.in[SCALE]) && constant(l, p.in[ZERO]) && p.block % 16 == 0 && columns % p.block == 0 &&
            p.block <= 1 << 20;
  }
  if (!fits) return dense(l, &p);
  const sx_attr attrs[3] = {{.name = SX_STR("spread"), .type = SX_ATTR_INT, .i = spread},
                            {.name = SX_STR("bits"), .type = SX_ATTR_INT, .i = p.bits},
                            {.name = SX_STR("block_size"), .type = SX_ATTR_INT, .i = p.block}};
  return sx_lower_node(l, &sx_op_ExpertMatMul, p.in, 6, attrs, 3);
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
  if (f->rank != 2 || !sx_dim_is_const(f->dims[1]) || f->dims[1] % 2)
    return SX_LOWER_FAIL(l, FAIL, "swiglu needs an even number of columns"), SX_NONE;
  const int64_t half = f->dims[1] / 2, axis = 1, begin[2] = {0, fusion == 1 ? 1 : half},
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

/* top[1]: the k experts of every token, (T, k); top[0]: their weights. MoE takes the softmax over all; QMoE over the chosen
 * ones, or what `router_weights` says of them. */
static void route(sx_lower *l, sx_vid top[2]) {
  static const int64_t experts[] = {1};
  const bool q = l->c->n->op == &sx_op_QMoE, given = q && sx_lower_has(l, ROUTER_WEIGHTS);
  const int64_t k = sx_attr_int(l->c->n, "k", 1);
  sx_vid in = sx_lower_in(l, ROUTER);
  if (!q) in = sx_lower_node(l, &sx_op_Softmax, &in, 1, SX_LOWER_INT("axis", 1));
  sx_lower_nodes(l, &sx_op_TopK, SX_LOWER_IN(in, sx_lower_ints(l, &k, 1)), SX_LOWER_INT("axis", 1), top, 2);
  if (given)
    top[0] = sx_lower_node(l, &sx_op_GatherElements, SX_LOWER_IN(sx_lower_in(l, ROUTER_WEIGHTS), top[1]),
                           SX_LOWER_INT("axis", 1));
  else if (q)
    top[0] = sx_lower_node(l, &sx_op_Softmax, &top[0], 1, SX_LOWER_INT("axis", 1));
  if ((given || !q) && sx_attr_int(l->c->n, "normalize_routing_weights", 0))
    top[0] = sx_lower_2(l, &sx_op_Div, top[0], sx_lower_reduce(l, &sx_op_ReduceSum, top[0], experts, 1, true));
}

static sx_status open_moe(sx_upgrade_ctx *c) {
  static const int64_t chosen[] = {1}, last[] = {2};
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
  const int64_t k = sx_attr_int(c->n, "k", 1);
  if (k < 1) SX_FAIL(c->e, FAIL, "k is %lld, expected at least 1", (long long)k);
  if (sx_dim_is_const(w->dims[0]) && sx_dim_is_const(router->dims[1]) && w->dims[0] != router->dims[1])
    SX_FAIL(c->e, FAIL, "there are weights of %lld experts, router_probs has %lld", (long long)w->dims[0],
            (long long)router->dims[1]);
  const sx_dim T = router->dims[0], flat[2] = {T, x->dims[x->rank - 1]};
  const sx_vid tokens = sx_lower_reshape(&l, sx_lower_in(&l, X), flat, 2);
  sx_vid top[2];
  route(&l, top);
  sx_vid h = layer(&l, tokens, top[1], 0, true);
  h = sx_str_is(name, "swiglu") && fusion ? swiglu(&l, h, fusion)
                                          : activated(&l, h, sx_str_is(name, "swiglu") ? SX_STR("silu") : name);
  if (sx_lower_has(&l, parts(&l)[2].weight)) h = sx_lower_2(&l, &sx_op_Mul, h, layer(&l, tokens, top[1], 2, true));
  sx_vid y = layer(&l, h, top[1], 1, false);
  const sx_dim by_expert[3] = {T, k, sx_lower_fact(&l, y)->rank == 2 ? sx_lower_fact(&l, y)->dims[1] : 1};
  y = sx_lower_2(&l, &sx_op_Mul, sx_lower_reshape(&l, y, by_expert, 3), sx_lower_axes(&l, &sx_op_Unsqueeze, top[0], last, 1));
  y = sx_lower_reduce(&l, &sx_op_ReduceSum, y, chosen, 1, false);
  return sx_lower_end(&l, x->rank == 2 ? y : sx_lower_reshape(&l, y, x->dims, x->rank));
}
const sx_op sx_op_MoE = {
    .name = "MoE", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_moe}}};
const sx_op sx_op_QMoE = {
    .name = "QMoE", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, open_moe}}};

static sx_status infer_product(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, ROWS), *w = sx_infer_in(c, WEIGHT), *e = sx_infer_in(c, EXPERTS);
  const int64_t bits = sx_attr_int(c->n, "bits", 0);
  if (x->rank != 2 || w->rank != 3 || e->rank != 2)
    return SX_INFER_FAIL(c, "rows, weights and experts have ranks %d, %d and %d, expected 2, 3 and 2", x->rank, w->rank,
                         e->rank);
  const sx_dim K = bits ? sx_dim_mul(c->dims, w->dims[2], 8 / bits) : w->dims[2];
  if (sx_dim_is_const(K) && sx_dim_is_const(x->dims[1]) && K != x->dims[1])
    return SX_INFER_FAIL(c, "rows have %lld columns, the weights of experts %lld", (long long)x->dims[1], (long long)K);
  const sx_dim rows = sx_attr_int(c->n, "spread", 0) ? sx_dim_mul(c->dims, x->dims[0], e->dims[1]) : x->dims[0];
  return sx_infer_set(c, 0, x->dtype, 2, (sx_dim[]){rows, w->dims[1]});
}
static sx_status lower_product(sx_graph *g, sx_nid id, sx_err *e) {
  sx_upgrade_ctx c = {.g = g, .id = id, .n = sx_node_at(g, id), .e = e};
  sx_lower l = {&c, SX_OK};
  product p = {.bits = sx_attr_int(c.n, "bits", 0),
               .block = sx_attr_int(c.n, "block_size", 1),
               .spread = sx_attr_int(c.n, "spread", 0) != 0};
  for (uint32_t i = 0; i < 6; i++) p.in[i] = sx_lower_in(&l, i);
  return sx_lower_end(&l, dense(&l, &p));
}
const sx_op sx_op_ExpertMatMul = {.name = "ExpertMatMul",
                                  .accuracy = SX_ACCUMULATE,
                                  .flags = SX_OP_PRIVATE,
                                  .infer = infer_product,
                                  .lower = lower_product};
