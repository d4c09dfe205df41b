// SPDX-License-Identifier: MIT
/* Attention and what stands around it in language models: rotary embeddings, linear attention, causal convolution with a
 * state. Q, K and V of Attention may each be (B, L, heads * D) or (B, heads, L, D): the standard wants them alike, our own
 * rewrites do not. */
#include "ops/ops.h"

static sx_status heads_of(sx_infer *c, uint32_t input, const char *attr, sx_dim *heads, sx_dim *length, sx_dim *size) {
  const sx_fact *f = sx_infer_in(c, input);
  if (f->rank == 4) {
    *heads = f->dims[1], *length = f->dims[2], *size = f->dims[3];
    return SX_OK;
  }
  if (f->rank != 3) return SX_INFER_FAIL(c, "input %u has rank %d, expected 3 or 4", input, f->rank);
  const int64_t n = sx_attr_int(c->n, attr, 0);
  if (n < 1)
    return SX_INFER_FAIL(c, "attribute '%s' is %lld, expected the number of heads, because input %u has rank 3", attr,
                         (long long)n, input);
  if (sx_dim_is_const(f->dims[2]) && f->dims[2] % n)
    return SX_INFER_FAIL(c, "input %u has %lld columns, which do not divide into %lld heads", input, (long long)f->dims[2],
                         (long long)n);
  *heads = n, *length = f->dims[1], *size = sx_dim_div(c->dims, f->dims[2], n);
  return SX_OK;
}
static sx_status infer_attention(sx_infer *c) {
  const sx_fact *q = sx_infer_in(c, 0), *k = sx_infer_in(c, 1), *v = sx_infer_in(c, 2), *past = sx_infer_in(c, 4),
                *past_v = sx_infer_in(c, 5);
  const int types[4] = {q->dtype, k->dtype, v->dtype, q->dtype};
  sx_dim hq, lq, d, hkv, lk, dk, hv, lv, dv;
  if (q->rank < 0 || k->rank < 0 || v->rank < 0) {
    for (uint32_t o = 0; o < c->n->n_out && o < 4; o++) SX_TRY(sx_infer_set(c, o, types[o], -1, NULL));
    return SX_OK;
  }
  if (!past != !past_v) return SX_INFER_FAIL(c, "has only one of past_key and past_value");
  if (past && sx_infer_in(c, 6))
    return SX_INFER_FAIL(c, "has both past_key and nonpad_kv_seqlen, expected at most one of them");
  SX_TRY(heads_of(c, 0, "q_num_heads", &hq, &lq, &d));
  SX_TRY(heads_of(c, 1, "kv_num_heads", &hkv, &lk, &dk));
  SX_TRY(heads_of(c, 2, "kv_num_heads", &hv, &lv, &dv));
  if (sx_dim_is_const(hq) && sx_dim_is_const(hkv) && (hkv < 1 || hq % hkv))
    return SX_INFER_FAIL(c, "%lld query heads are no multiple of %lld key heads", (long long)hq, (long long)hkv);
  if (sx_dim_is_const(d) && sx_dim_is_const(dk) && d != dk)
    return SX_INFER_FAIL(c, "queries have %lld elements, keys have %lld", (long long)d, (long long)dk);
  if (past) {
    if (past->rank >= 0 && past->rank != 4) return SX_INFER_FAIL(c, "past_key has rank %d, expected 4", past->rank);
    lk = past->rank == 4 ? sx_dim_add(c->dims, past->dims[2], lk) : SX_DIM_UNKNOWN;
  }
  const sx_dim y3[3] = {q->dims[0], lq, sx_dim_mul(c->dims, hq, dv)}, y4[4] = {q->dims[0], hq, lq, dv};
  SX_TRY(sx_infer_set(c, 0, types[0], q->rank, q->rank == 3 ? y3 : y4));
  const sx_dim rest[3][4] = {{q->dims[0], hkv, lk, dk}, {q->dims[0], hkv, lk, dv}, {q->dims[0], hq, lq, lk}};
  for (uint32_t o = 1; o < c->n->n_out && o < 4; o++) SX_TRY(sx_infer_set(c, o, types[o], 4, rest[o - 1]));
  return SX_OK;
}
const sx_op sx_op_Attention = {
    .name = "Attention", .accuracy = SX_ACCUMULATE, .flags = SX_OP_CHECK_SIZES, .infer = infer_attention};

/* (X, cos, sin, position_ids?). Positions may also be one number, that of the first row: com.microsoft has that. */
const sx_op sx_op_RotaryEmbedding = {.name = "RotaryEmbedding", .accuracy = SX_ULP, .ulp = 8, .infer = sx_infer_same};

static sx_status infer_linear_attention(sx_infer *c) {
  const sx_fact *q = sx_infer_in(c, 0), *k = sx_infer_in(c, 1), *v = sx_infer_in(c, 2), *past = sx_infer_in(c, 3);
  const int64_t hq = sx_attr_int(c->n, "q_num_heads", 0), hkv = sx_attr_int(c->n, "kv_num_heads", 0);
  const int state = past ? past->dtype : q->dtype;
  if (hq < 1 || hkv < 1 || hq % hkv)
    return SX_INFER_FAIL(c, "q_num_heads is %lld and kv_num_heads %lld, expected a multiple", (long long)hq,
                         (long long)hkv);
  if (q->rank < 0 || k->rank < 0 || v->rank < 0) {
    SX_TRY(sx_infer_set(c, 0, q->dtype, 3, (sx_dim[]){SX_DIM_UNKNOWN, SX_DIM_UNKNOWN, SX_DIM_UNKNOWN}));
    return sx_infer_set(c, 1, state, -1, NULL);
  }
  if (q->rank != 3 || k->rank != 3 || v->rank != 3)
    return SX_INFER_FAIL(c, "query, key and value have ranks %d, %d and %d, expected 3", q->rank, k->rank, v->rank);
  const sx_dim dk = sx_dim_div(c->dims, k->dims[2], hkv), dv = sx_dim_div(c->dims, v->dims[2], hkv);
  SX_TRY(sx_infer_set(c, 0, q->dtype, 3, (sx_dim[]){q->dims[0], q->dims[1], sx_dim_mul(c->dims, dv, hq)}));
  return c->n->n_out > 1 ? sx_infer_set(c, 1, state, 4, (sx_dim[]){q->dims[0], hkv, dk, dv}) : SX_OK;
}
const sx_op sx_op_LinearAttention = {
    .name = "LinearAttention", .accuracy = SX_ACCUMULATE, .flags = SX_OP_CHECK_SIZES, .infer = infer_linear_attention};

static sx_status infer_causal_conv(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *w = sx_infer_in(c, 1);
  SX_TRY(sx_infer_like(c, 0, 0));
  if (c->n->n_out < 2) return SX_OK;
  if (x->rank < 0 || w->rank < 0) return sx_infer_set(c, 1, x->dtype, -1, NULL);
  if (x->rank != 3 || w->rank != 3)
    return SX_INFER_FAIL(c, "input and weight have ranks %d and %d, expected 3", x->rank, w->rank);
  return sx_infer_set(c, 1, x->dtype, 3, (sx_dim[]){x->dims[0], x->dims[1], sx_dim_sub(c->dims, w->dims[2], 1)});
}
const sx_op sx_op_CausalConvWithState = {
    .name = "CausalConvWithState", .accuracy = SX_ACCUMULATE, .infer = infer_causal_conv};

/* Swish(A) * B. */
static sx_status open_swiglu(sx_upgrade_ctx *c) {
  sx_vid a = c->n->in[0].value, s = sx_graph_emit(c->g, &sx_op_Swish, &a, 1);
  if (s == SX_NONE || !sx_node_set_float(c->g, sx_value_at(c->g, s)->producer, "alpha", sx_attr_float(c->n, "alpha", 1)))
    SX_NO_MEMORY(c->e);
  sx_graph_emitted(c->g, s)->origin = c->n->origin, sx_graph_emitted(c->g, s)->name = c->n->name;
  SX_TRY(sx_infer_node(c->g, sx_value_at(c->g, s)->producer, c->e));
  c->n->op = &sx_op_Mul, c->n->op_type = SX_STR("Mul");
  sx_node_remove_attr(c->n, "alpha");
  sx_graph_set_input(c->g, c->id, 0, s);
  return SX_OK;
}
const sx_op sx_op_SwiGLU = {
    .name = "SwiGLU", .accuracy = SX_ULP, .ulp = 8, .infer = sx_infer_same, .upgrades = {{INT32_MAX, open_swiglu}}};
