// SPDX-License-Identifier: MIT
/* com.microsoft's operators of hybrid language models: linear attention with heads that are shared, gates, rotation by three
 * positions, weights in tables of 16 numbers. All of it is said in standard operators. */
#include "ops/lower.h"
#include "ops/quant/quant.h"

#define MS(variable, text, fn)     \
  const sx_op sx_op_##variable = { \
      .name = text, .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .upgrades = {{SX_LOWER_ALWAYS, fn}}};

static sx_dtype type_of(const sx_lower *l, sx_vid v) { return (sx_dtype)sx_lower_fact(l, v)->dtype; }
static sx_vid in_f32(sx_lower *l, uint32_t i) { return sx_lower_cast(l, sx_lower_in(l, i), SX_F32); }

/* ndim 1 is the standard's. */
static sx_status open_causal_conv(sx_upgrade_ctx *c) {
  const int64_t ndim = sx_attr_int(c->n, "ndim", 1);
  if (ndim != 1) SX_FAIL(c->e, NOT_IMPLEMENTED, "ndim is %lld, expected 1", (long long)ndim);
  if (sx_attr_int(c->n, "state_window", 0)) SX_FAIL(c->e, NOT_IMPLEMENTED, "state_window");
  sx_lower l = {c, SX_OK};
  sx_vid out[2], in[4];
  for (uint32_t i = 0; i < 4; i++) in[i] = sx_lower_in(&l, i);
  const sx_attr act = {
      .name = SX_STR("activation"), .type = SX_ATTR_STRING, .s = sx_attr_str(c->n, "activation", "none")};
  sx_lower_nodes(&l, &sx_op_CausalConvWithState, in, 4, &act, 1, out, 2);
  return sx_lower_done(&l, out, 2);
}
MS(MsCausalConvWithState, "CausalConvWithState", open_causal_conv)

/* x (B, T, have * size) with each head as often as it takes to be `want`. */
static sx_vid repeated(sx_lower *l, sx_vid x, int64_t have, int64_t want) {
  if (have == want) return x;
  sx_dimtab *dims = &l->c->g->model->dims;
  const sx_fact *f = sx_lower_fact(l, x);
  if (have < 1 || want % have)
    return SX_LOWER_FAIL(l, FAIL, "%lld heads are no multiple of %lld", (long long)want, (long long)have), SX_NONE;
  const sx_dim size = sx_dim_div(dims, f->dims[2], have);
  const sx_dim apart[5] = {f->dims[0], f->dims[1], have, 1, size},
               joined[3] = {f->dims[0], f->dims[1], sx_dim_mul(dims, size, want)};
  const int64_t times[5] = {1, 1, 1, want / have, 1};
  x = sx_lower_2(l, &sx_op_Expand, sx_lower_reshape(l, x, apart, 5), sx_lower_ints(l, times, 5));
  return sx_lower_reshape(l, x, joined, 3);
}
/* (query, key, value, past_state?, decay?, beta?): there may be fewer heads of queries or of keys than of values. */
static sx_status open_linear_attention(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const int64_t hq = sx_attr_int(c->n, "q_num_heads", 0), hkv = sx_attr_int(c->n, "kv_num_heads", 0);
  const sx_str rule = sx_attr_str(c->n, "update_rule", "gated_delta");
  const bool all = sx_str_is(rule, "gated_delta"), gated = all || sx_str_is(rule, "gated"),
             delta = all || sx_str_is(rule, "delta");
  const sx_fact *q = sx_lower_fact(&l, sx_lower_in(&l, 0)), *k = sx_lower_fact(&l, sx_lower_in(&l, 1));
  if (sx_attr_int(c->n, "state_window", 0)) SX_FAIL(c->e, NOT_IMPLEMENTED, "state_window");
  if (q->rank != 3 || k->rank != 3)
    SX_FAIL(c->e, FAIL, "query and key have ranks %d and %d, expected 3", q->rank, k->rank);
  if (hq < 1 || hkv < 1 || !sx_dim_is_const(q->dims[2]) || !sx_dim_is_const(k->dims[2]) || q->dims[2] % hq ||
      q->dims[2] < hq || k->dims[2] % (q->dims[2] / hq))
    SX_FAIL(c->e, FAIL, "query and key do not fit each other and %lld query heads", (long long)hq);
  const int64_t size = q->dims[2] / hq, keys = k->dims[2] / size, most = hq > hkv ? hq : hkv;
  sx_vid in[6], out[2];
  for (uint32_t i = 0; i < 6; i++) in[i] = sx_lower_in(&l, i);
  in[0] = repeated(&l, in[0], hq, most), in[1] = repeated(&l, in[1], keys, hkv);
  if (!gated) in[4] = SX_LOWER_ABSENT;
  if (!delta) in[5] = SX_LOWER_ABSENT;
  const sx_attr attrs[4] = {
      {.name = SX_STR("q_num_heads"), .type = SX_ATTR_INT, .i = most},
      {.name = SX_STR("kv_num_heads"), .type = SX_ATTR_INT, .i = hkv},
      {.name = SX_STR("scale"), .type = SX_ATTR_FLOAT, .f = sx_attr_float(c->n, "scale", 0)},
      {.name = SX_STR("update_rule"), .type = SX_ATTR_STRING, .s = rule}};
  sx_lower_nodes(&l, &sx_op_LinearAttention, in, 6, attrs, 4, out, 2);
  return sx_lower_done(&l, out, 2);
}
MS(MsLinearAttention, "LinearAttention", open_linear_attention)

/* (a, dt_bias, decay_scale, b?) -> decay_scale softplus(a + dt_bias), sigmoid(b) */
static sx_status open_gate(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_dtype t = type_of(&l, sx_lower_in(&l, 0));
  const bool beta = sx_node_out(c->n, 1) != SX_NONE;
  if (beta && !sx_lower_has(&l, 3)) SX_FAIL(c->e, FAIL, "the output beta needs the input b");
  sx_vid x = sx_lower_1(&l, &sx_op_Softplus, sx_lower_2(&l, &sx_op_Add, in_f32(&l, 0), sx_lower_in(&l, 1)));
  const sx_vid out[2] = {sx_lower_cast(&l, sx_lower_2(&l, &sx_op_Mul, x, sx_lower_in(&l, 2)), t),
                         beta ? sx_lower_cast(&l, sx_lower_1(&l, &sx_op_Sigmoid, in_f32(&l, 3)), t) : SX_NONE};
  return sx_lower_done(&l, out, 2);
}
MS(LinearAttentionGate, "LinearAttentionGate", open_gate)

/* (X, scale, gate): each stretch of X as long as scale is normalised; times gate sigmoid(gate). */
static sx_status open_gated_norm(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_fact *x = sx_lower_fact(&l, sx_lower_in(&l, 0)), *s = sx_lower_fact(&l, sx_lower_in(&l, 1));
  if (x->rank < 1 || x->rank >= SX_MAX_RANK || s->rank != 1)
    SX_FAIL(c->e, FAIL, "X and scale have ranks %d and %d, expected at least 1, and 1", x->rank, s->rank);
  sx_dimtab *d = &c->g->model->dims;
  sx_dim dims[SX_MAX_RANK];
  const int r = x->rank;
  for (int i = 0; i + 1 < r; i++) dims[i] = x->dims[i];
  dims[r - 1] = sx_dim_div(d, x->dims[r - 1], s->dims[0]), dims[r] = s->dims[0];
  sx_vid y = sx_lower_node(&l, &sx_op_RMSNormalization,
                           SX_LOWER_IN(sx_lower_reshape(&l, in_f32(&l, 0), dims, r + 1), in_f32(&l, 1)),
                           &(sx_attr){.name = SX_STR("epsilon"), .type = SX_ATTR_FLOAT,
                                      .f = sx_attr_float(c->n, "epsilon", 1e-5f)},
                           1);
  y = sx_lower_2(&l, &sx_op_Mul, sx_lower_reshape(&l, y, x->dims, r), sx_lower_1(&l, &sx_op_Swish, in_f32(&l, 2)));
  return sx_lower_end(&l, sx_lower_cast(&l, y, (sx_dtype)x->dtype));
}
MS(GatedRMSNorm, "GatedRMSNorm", open_gated_norm)

/* X + Y gate */
static sx_status open_gated_add(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid y = sx_lower_2(&l, &sx_op_Mul, sx_lower_in(&l, 1), sx_lower_in(&l, 2));
  return sx_lower_end(&l, sx_lower_2(&l, &sx_op_Add, sx_lower_in(&l, 0), y));
}
MS(GatedAdd, "GatedAdd", open_gated_add)

/* The rows of a cache (positions, half) for position_ids (3, B, S); column k from position `owner[k]`: (B, S, half). */
static sx_vid mixed(sx_lower *l, sx_vid cache, sx_vid ids, sx_vid owner) {
  static const int64_t front[] = {0};
  const float scale = sx_attr_float(l->c->n, "scale", 1);
  sx_vid all = sx_lower_2(l, &sx_op_Gather, cache, ids);
  sx_vid one = sx_lower_node(l, &sx_op_Slice,
                             SX_LOWER_IN(sx_lower_shape(l, all), sx_lower_ints(l, (const int64_t[]){1}, 1),
                                         sx_lower_ints(l, (const int64_t[]){4}, 1)),
                             NULL, 0);
  sx_vid at = sx_lower_axes(l, &sx_op_Unsqueeze, sx_lower_2(l, &sx_op_Expand, owner, one), front, 1);
  all = sx_lower_node(l, &sx_op_GatherElements, SX_LOWER_IN(all, at), SX_LOWER_INT("axis", 0));
  all = sx_lower_axes(l, &sx_op_Squeeze, all, front, 1);
  return scale == 1 ? all : sx_lower_2(l, &sx_op_Mul, all, sx_lower_number(l, (double)scale, type_of(l, all)));
}
/* (input, position_ids, cos_cache, sin_cache): positions in time, height and width, each with the columns of its section. */
static sx_status open_mrotary(sx_upgrade_ctx *c) {
  enum { MOST = 256 };
  sx_lower l = {c, SX_OK};
  const int64_t *section, layout = sx_attr_int(c->n, "mrope_layout", 0);
  const uint32_t n = sx_attr_ints(c->n, "mrope_section", &section);
  const sx_fact *x = sx_lower_fact(&l, sx_lower_in(&l, 0)), *cos = sx_lower_fact(&l, sx_lower_in(&l, 2)),
                *ids = sx_lower_fact(&l, sx_lower_in(&l, 1));
  if (ids->rank != 3 || cos->rank != 2 || !sx_dim_is_const(cos->dims[1]) || cos->dims[1] < 1 || cos->dims[1] > MOST)
    SX_FAIL(c->e, FAIL, "position_ids and cos_cache have ranks %d and %d, expected 3 and 2, and 1 to %d columns", ids->rank,
            cos->rank, MOST);
  const int64_t half = cos->dims[1];
  if (n != 3 || section[0] < 0 || section[1] < 0 || section[2] < 0 || section[0] > half || section[1] > half ||
      section[0] + section[1] + section[2] != half || layout < 0 || layout > 1)
    SX_FAIL(c->e, FAIL, "mrope_section and mrope_layout: expected three sizes that make %lld, and 0 or 1",
            (long long)half);
  int64_t owner[MOST] = {0};
  for (int64_t k = 0; k < half && !layout; k++) owner[k] = k < section[0] ? 0 : k < section[0] + section[1] ? 1 : 2;
  for (int64_t stream = 1; stream < 3 && layout; stream++)
    for (int64_t k = stream; k < section[stream] * 3 && k < half; k += 3) owner[k] = stream;
  int64_t heads = sx_attr_int(c->n, "num_heads", 0);
  if (!heads && x->rank == 3 && sx_dim_is_const(x->dims[2])) heads = x->dims[2] / (2 * half);
  const sx_vid columns = sx_lower_ints(&l, owner, half), at = sx_lower_in(&l, 1);
  const sx_attr attrs[3] = {
      {.name = SX_STR("interleaved"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "interleaved", 0)},
      {.name = SX_STR("num_heads"), .type = SX_ATTR_INT, .i = heads},
      {.name = SX_STR("rotary_embedding_dim"), .type = SX_ATTR_INT, .i = sx_attr_int(c->n, "rotary_embedding_dim", 0)}};
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_RotaryEmbedding,
                                        SX_LOWER_IN(sx_lower_in(&l, 0), mixed(&l, sx_lower_in(&l, 2), at, columns),
                                                    mixed(&l, sx_lower_in(&l, 3), at, columns)),
                                        attrs, 3));
}
MS(MRotaryEmbedding, "MRotaryEmbedding", open_mrotary)

/* (A, B, absmax): B is N rows of K numbers out of a table, two in a byte, the first in the high bits; blocks of all that,
 * rows or not, have a factor. */
static sx_status open_bnb4(sx_upgrade_ctx *c) {
  static const float tables[2][16] = {
      {0, 5.208333333e-03f, 0.66666667f, 1, 0.33333333f, 0.5f, 0.16666667f, 0.25f, -0.0f, -5.208333333e-03f, -0.66666667f,
       -1, -0.33333333f, -0.5f, -0.16666667f, -0.25f},
      {-1, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
       -0.09105003625154495f, 0, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
       0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1}};
  sx_lower l = {c, SX_OK};
  const int64_t K = sx_attr_int(c->n, "K", 0), N = sx_attr_int(c->n, "N", 0), block = sx_attr_int(c->n, "block_size", 0),
                kind = sx_attr_int(c->n, "quant_type", -1);
  int64_t numbers, bytes;
  if (K < 1 || N < 1 || block < 2 || block % 2 || kind < 0 || kind > 1 || !sx_i64_mul(K, N, &numbers))
    SX_FAIL(c->e, FAIL, "K %lld, N %lld, block_size %lld, quant_type %lld", (long long)K, (long long)N,
            (long long)block, (long long)kind);
  if (!sx_attr_int(c->n, "transB", 1)) SX_FAIL(c->e, NOT_IMPLEMENTED, "transB is 0");
  const int64_t blocks = (numbers - 1) / block + 1, zero = 0, four = 4, last[] = {1}, sixteen = 16;
  bytes = (numbers - 1) / 2 + 1;
  const sx_dim packed[1] = {bytes}, flat[1] = {2 * bytes}, apart[2] = {blocks, block}, factors[2] = {blocks, 1},
               padded[1] = {blocks * block}, matrix[2] = {N, K};
  const sx_attr right = {.name = SX_STR("direction"), .type = SX_ATTR_STRING, .s = SX_STR("RIGHT")};
  sx_vid b = sx_lower_reshape(&l, sx_lower_in(&l, 1), packed, 1);
  sx_vid half[2] = {sx_lower_node(&l, &sx_op_BitShift, SX_LOWER_IN(b, sx_lower_number(&l, (double)four, SX_U8)), &right, 1),
                    sx_lower_2(&l, &sx_op_BitwiseAnd, b, sx_lower_number(&l, 15, SX_U8))};
  for (int i = 0; i < 2; i++) half[i] = sx_lower_axes(&l, &sx_op_Unsqueeze, half[i], last, 1);
  b = sx_lower_reshape(&l, sx_lower_node(&l, &sx_op_Concat, half, 2, SX_LOWER_INT("axis", 1)), flat, 1);
  sx_vid entries[16];
  for (int i = 0; i < sixteen; i++)
    entries[i] = sx_lower_axes(&l, &sx_op_Unsqueeze, sx_lower_number(&l, (double)tables[kind][i], SX_F32), &zero, 1);
  sx_vid w = sx_lower_2(&l, &sx_op_Gather, sx_lower_node(&l, &sx_op_Concat, entries, 16, SX_LOWER_INT("axis", 0)),
                        sx_lower_cast(&l, b, SX_I32));
  const int64_t pads[2] = {0, blocks * block - 2 * bytes};
  if (pads[1]) w = sx_lower_2(&l, &sx_op_Pad, w, sx_lower_ints(&l, pads, 2));
  w = sx_lower_2(&l, &sx_op_Mul, sx_lower_reshape(&l, w, apart, 2), sx_lower_reshape(&l, in_f32(&l, 2), factors, 2));
  w = sx_lower_reshape(&l, w, padded, 1);
  if (blocks * block != numbers)
    w = sx_lower_3(&l, &sx_op_Slice, w, sx_lower_ints(&l, &zero, 1), sx_lower_ints(&l, &numbers, 1));
  w = sx_lower_cast(&l, sx_lower_reshape(&l, w, matrix, 2), type_of(&l, sx_lower_in(&l, 0)));
  const int swap[] = {1, 0};
  return sx_lower_end(&l, sx_lower_2(&l, &sx_op_MatMul, sx_lower_in(&l, 0), sx_lower_transpose(&l, w, swap)));
}
MS(MatMulBnb4, "MatMulBnb4", open_bnb4)
