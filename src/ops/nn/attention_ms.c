// SPDX-License-Identifier: MIT
/* com.microsoft's attention operators, said as the standard's Attention: packed inputs are taken apart, biases added, masks
 * of every shape become one that is added to the scores. */
#include "ops/lower.h"

#define MS(variable, text, fn)     \
  const sx_op sx_op_##variable = { \
      .name = text, .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, fn}}};

/* What Attention gets; SX_LOWER_ABSENT where there is nothing. */
typedef struct operands {
  sx_vid q, k, v, mask, bias, past_k, past_v;
} operands;

static sx_dim dim(const sx_lower *l, sx_vid v, int i) {
  const sx_fact *f = sx_lower_fact(l, v);
  return i < f->rank ? f->dims[i] : SX_DIM_UNKNOWN;
}
static sx_vid pick(sx_lower *l, sx_vid x, int64_t axis, int64_t index) {
  return sx_lower_node(l, &sx_op_Gather, SX_LOWER_IN(x, sx_lower_int(l, index)), SX_LOWER_INT("axis", axis));
}
static sx_vid slice(sx_lower *l, sx_vid x, int64_t from, int64_t to) {
  return sx_lower_3(l, &sx_op_Slice, x, sx_lower_ints(l, &from, 1), sx_lower_ints(l, &to, 1));
}
static sx_vid unsqueeze(sx_lower *l, sx_vid x, const int64_t *axes, uint32_t n) {
  return sx_lower_axes(l, &sx_op_Unsqueeze, x, axes, n);
}

/* The keys in all, past ones included: a scalar. */
static sx_vid total_keys(sx_lower *l, const operands *o) {
  const int axis = sx_lower_fact(l, o->k)->rank == 4 ? 2 : 1;
  sx_vid n = sx_lower_2(l, &sx_op_Gather, sx_lower_shape(l, o->k), sx_lower_int(l, axis));
  return o->past_k == SX_LOWER_ABSENT
             ? n
             : sx_lower_2(l, &sx_op_Add, n, sx_lower_2(l, &sx_op_Gather, sx_lower_shape(l, o->past_k), sx_lower_int(l, 2)));
}
/* mask: (B) or (3B + 2) lengths, (2B) ends and starts, (B, T), (B, S, T) or (B, 1, S, T) of numbers; what is no key gets
 * `filter` added. */
static sx_vid padding_mask(sx_lower *l, const operands *o, float filter) {
  static const int64_t middle[] = {1, 2}, head[] = {1}, ends[] = {1, 2, 3};
  const sx_fact *m = sx_lower_fact(l, o->mask);
  const sx_dtype t = (sx_dtype)sx_lower_fact(l, o->q)->dtype;
  sx_dimtab *dims = &l->c->g->model->dims;
  sx_vid seen;
  if (m->rank == 1) {
    const sx_dim b = dim(l, o->q, 0);
    const bool both = m->dims[0] != b && m->dims[0] == sx_dim_mul(dims, b, 2);
    if (!sx_dim_is_const(b) && m->dims[0] != b && !both)
      return SX_LOWER_FAIL(l, NOT_IMPLEMENTED, "a mask of rank 1 whose meaning the shapes do not tell"), SX_NONE;
    const sx_vid key =
        sx_lower_cast(l, sx_lower_3(l, &sx_op_Range, sx_lower_int(l, 0), total_keys(l, o), sx_lower_int(l, 1)), SX_I32);
    sx_vid end = o->mask, start = SX_NONE;
    if (m->dims[0] != b) {
      const sx_vid n = sx_lower_node(l, &sx_op_Reshape,
                                     SX_LOWER_IN(sx_lower_2(l, &sx_op_Gather, sx_lower_shape(l, o->q), sx_lower_int(l, 0)),
                                                 sx_lower_ints(l, &(int64_t){1}, 1)),
                                     NULL, 0);
      end = sx_lower_3(l, &sx_op_Slice, o->mask, sx_lower_ints(l, &(int64_t){0}, 1), n);
      if (both) start = sx_lower_3(l, &sx_op_Slice, o->mask, n, sx_lower_ints(l, &(int64_t){INT64_MAX}, 1));
    }
    seen = sx_lower_2(l, &sx_op_Less, key, unsqueeze(l, end, ends, 3));
    if (both)
      seen = sx_lower_2(l, &sx_op_And, seen, sx_lower_2(l, &sx_op_GreaterOrEqual, key, unsqueeze(l, start, ends, 3)));
  } else {
    seen = sx_lower_2(l, &sx_op_Greater, o->mask, sx_lower_number(l, 0, SX_I32));
    if (m->rank == 2)
      seen = unsqueeze(l, seen, middle, 2);
    else if (m->rank == 3)
      seen = unsqueeze(l, seen, head, 1);
    else if (m->rank != 4)
      return SX_LOWER_FAIL(l, FAIL, "the mask has rank %d, expected 1 to 4", m->rank), SX_NONE;
  }
  return sx_lower_3(l, &sx_op_Where, seen, sx_lower_number(l, 0, t), sx_lower_number(l, (double)filter, t));
}
/* The Attention node; out[0..2]: result, present keys and values. */
static void attention(sx_lower *l, operands *o, int64_t heads, bool causal, sx_vid *out) {
  sx_vid mask = o->bias;
  if (o->mask != SX_LOWER_ABSENT) {
    mask = padding_mask(l, o, sx_attr_float(l->c->n, "mask_filter_value", -10000.f));
    if (o->bias != SX_LOWER_ABSENT) mask = sx_lower_2(l, &sx_op_Add, mask, o->bias);
  }
  const float scale = sx_attr_float(l->c->n, "scale", 0);
  const sx_attr attrs[4] = {{.name = SX_STR("q_num_heads"), .type = SX_ATTR_INT, .i = heads},
                            {.name = SX_STR("kv_num_heads"), .type = SX_ATTR_INT, .i = heads},
                            {.name = SX_STR("is_causal"), .type = SX_ATTR_INT, .i = causal},
                            {.name = SX_STR("scale"), .type = SX_ATTR_FLOAT, .f = scale}};
  sx_lower_nodes(l, &sx_op_Attention, SX_LOWER_IN(o->q, o->k, o->v, mask, o->past_k, o->past_v), attrs, scale != 0 ? 4 : 3,
                 out, 3);
}

/* (query, key?, value?, bias?, key_padding_mask?, attention_bias?, past_key?, past_value?, ...), in the order of `at`. */
enum { BIAS, MASK, ADDED, PAST_K, PAST_V, PAST_LENGTH, INDIRECTION };
static sx_status open_heads(sx_upgrade_ctx *c, const uint32_t *at) {
  sx_lower l = {c, SX_OK};
  const int64_t heads = sx_attr_int(c->n, "num_heads", 0);
  operands o = {sx_lower_in(&l, 0),         sx_lower_in(&l, 1),         sx_lower_in(&l, 2),
                sx_lower_in(&l, at[MASK]),  sx_lower_in(&l, at[ADDED]), sx_lower_in(&l, at[PAST_K]),
                sx_lower_in(&l, at[PAST_V])};
  sx_vid out[3], bias = sx_lower_in(&l, at[BIAS]);
  if (heads < 1) SX_FAIL(c->e, INVALID_GRAPH, "num_heads is %lld", (long long)heads);
  if (sx_lower_has(&l, at[PAST_LENGTH]) || sx_lower_has(&l, at[INDIRECTION]))
    SX_FAIL(c->e, NOT_IMPLEMENTED, "a cache shared by past and present (past_sequence_length, cache_indirection)");
  if (sx_node_out(c->n, 3) != SX_NONE) SX_FAIL(c->e, NOT_IMPLEMENTED, "the output qk");
  const int rq = sx_lower_fact(&l, o.q)->rank, rk = sx_lower_fact(&l, o.k)->rank;
  const sx_vid packed = rq == 5 ? o.q : rk == 5 ? o.k : SX_NONE;
  if (packed != SX_NONE) { /* (B, L, heads, 2 or 3, size) */
    const sx_fact *f = sx_lower_fact(&l, packed);
    const sx_dim flat[3] = {f->dims[0], f->dims[1], sx_dim_mul(&c->g->model->dims, f->dims[2], f->dims[4])};
    const int64_t first = rq == 5 ? 1 : 0;
    if (rq == 5) o.q = sx_lower_reshape(&l, pick(&l, packed, 3, 0), flat, 3);
    o.k = sx_lower_reshape(&l, pick(&l, packed, 3, first), flat, 3);
    o.v = sx_lower_reshape(&l, pick(&l, packed, 3, first + 1), flat, 3);
  } else if (rq != 3 || (rk != 3 && rk != 4) || o.v == SX_LOWER_ABSENT)
    SX_FAIL(c->e, FAIL,
            "query has rank %d, key rank %d: expected 3 and 3 or 4 with value, 5 alone, or 3 and 5 without value", rq, rk);
  if (bias != SX_LOWER_ABSENT) {
    const sx_dim d = dim(&l, o.q, 2), whole = dim(&l, bias, 0);
    if (!sx_dim_is_const(d) || !sx_dim_is_const(whole))
      SX_FAIL(c->e, NOT_IMPLEMENTED, "a bias for a query of unknown width");
    o.q = sx_lower_2(&l, &sx_op_Add, o.q, slice(&l, bias, 0, d));
    if (sx_lower_fact(&l, o.k)->rank == 3) {
      o.k = sx_lower_2(&l, &sx_op_Add, o.k, slice(&l, bias, d, 2 * d));
      o.v = sx_lower_2(&l, &sx_op_Add, o.v, slice(&l, bias, 2 * d, whole));
    }
  }
  attention(&l, &o, heads, sx_attr_int(c->n, "unidirectional", 0) != 0, out);
  return sx_lower_done(&l, out, 3);
}
static sx_status open_multi_head(sx_upgrade_ctx *c) { return open_heads(c, (const uint32_t[]){3, 4, 5, 6, 7, 8, 9}); }
static sx_status open_decoder(sx_upgrade_ctx *c) { return open_heads(c, (const uint32_t[]){10, 3, 4, 5, 6, 7, 9}); }
MS(MultiHeadAttention, "MultiHeadAttention", open_multi_head)
MS(DecoderMaskedMultiHeadAttention, "DecoderMaskedMultiHeadAttention", open_decoder)

/* Queries, keys and values side by side in x (B, S, sum); past (2, B, heads, P, size). */
static sx_status open_joined(sx_lower *l, sx_vid x, sx_vid mask, sx_vid past, sx_vid bias) {
  static const int64_t front[] = {0};
  const sx_upgrade_ctx *c = l->c;
  const int64_t heads = sx_attr_int(c->n, "num_heads", 0), *sizes;
  const sx_dim columns = dim(l, x, 2);
  int64_t equal[3] = {columns / 3, columns / 3, columns / 3};
  sx_vid part[3] = {SX_NONE, SX_NONE, SX_NONE}, out[3];
  if (heads < 1 || !sx_dim_is_const(columns))
    SX_FAIL(c->e, FAIL, "num_heads is %lld, and the weights must have a known width", (long long)heads);
  if (sx_attr_int(c->n, "do_rotary", 0)) SX_FAIL(c->e, NOT_IMPLEMENTED, "do_rotary");
  const uint32_t given = sx_attr_ints(c->n, "qkv_hidden_sizes", &sizes);
  if (given && given != 3) SX_FAIL(c->e, FAIL, "attribute 'qkv_hidden_sizes' has %u entries, expected 3", given);
  if (!given) sizes = equal;
  sx_lower_nodes(l, &sx_op_Split, SX_LOWER_IN(x, sx_lower_ints(l, sizes, 3)), SX_LOWER_INT("axis", 2), part, 3);
  operands o = {part[0], part[1], part[2], mask, bias, SX_LOWER_ABSENT, SX_LOWER_ABSENT};
  if (past != SX_LOWER_ABSENT) o.past_k = pick(l, past, 0, 0), o.past_v = pick(l, past, 0, 1);
  attention(l, &o, heads, sx_attr_int(c->n, "unidirectional", 0) != 0, out);
  if (sx_node_out(c->n, 1) != SX_NONE)
    out[1] = sx_lower_node(l, &sx_op_Concat, SX_LOWER_IN(unsqueeze(l, out[1], front, 1), unsqueeze(l, out[2], front, 1)),
                           SX_LOWER_INT("axis", 0));
  return sx_lower_done(l, out, 2);
}
/* (input, weights, bias?, mask_index?, past?, attention_bias?, past_sequence_length?) */
static sx_status open_attention(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  if (sx_lower_has(&l, 6)) SX_FAIL(c->e, NOT_IMPLEMENTED, "a cache shared by past and present (past_sequence_length)");
  sx_vid x = sx_lower_2(&l, &sx_op_MatMul, sx_lower_in(&l, 0), sx_lower_in(&l, 1));
  if (sx_lower_has(&l, 2)) x = sx_lower_2(&l, &sx_op_Add, x, sx_lower_in(&l, 2));
  return open_joined(&l, x, sx_lower_in(&l, 3), sx_lower_in(&l, 4), sx_lower_in(&l, 5));
}
MS(MsAttention, "Attention", open_attention)
/* (input, weight, bias, input_scale, weight_scale, mask_index?, input_zero_point?, weight_zero_point?, past?) */
static sx_status open_quantised(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x = sx_lower_node(&l, &sx_op_MatMulIntegerToFloat,
                           SX_LOWER_IN(sx_lower_in(&l, 0), sx_lower_in(&l, 1), sx_lower_in(&l, 3), sx_lower_in(&l, 4),
                                       sx_lower_in(&l, 6), sx_lower_in(&l, 7), sx_lower_in(&l, 2)),
                           NULL, 0);
  return open_joined(&l, x, sx_lower_in(&l, 5), sx_lower_in(&l, 8), SX_LOWER_ABSENT);
}
MS(QAttention, "QAttention", open_quantised)

/* (input, position_ids, cos_cache, sin_cache) */
static sx_status open_rotary(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_attr attrs[3] = {
      {.name = SX_STR("interleaved"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "interleaved", 0)},
      {.name = SX_STR("num_heads"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "num_heads", 0)},
      {.name = SX_STR("rotary_embedding_dim"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "rotary_embedding_dim", 0)}};
  return sx_lower_end(
      &l,
      sx_lower_node(&l, &sx_op_RotaryEmbedding,
                    SX_LOWER_IN(sx_lower_in(&l, 0), sx_lower_in(&l, 2), sx_lower_in(&l, 3), sx_lower_in(&l, 1)), attrs, 3));
}
MS(MsRotaryEmbedding, "RotaryEmbedding", open_rotary)
