// SPDX-License-Identifier: MIT
/* GroupQueryAttention and SparseAttention: the first phase writes the present cache (what was there, then the new keys, normalised and turned)
 * and prepares the queries; attention then reads the cache alone. A cache that is its own past is not copied. The
 * operators differ in the order of their inputs, in how they count keys, and in what is looked at. */
#include "ep/cpu/bind/attention.h"
#include "ep/cpu/kernels/attention/attention.h"
#include "ep/cpu/kernels/attention/rotary.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/ep.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"

/* What an input is for; the order is GroupQueryAttention's. */
enum {
  QUERY,
  KEY,
  VALUE,
  PAST_KEY,
  PAST_VALUE,
  SEQLENS,
  TOTAL,
  COSINE,
  SINE,
  POSITIONS,
  BIAS,
  HEAD_SINK,
  K_SCALE,
  V_SCALE,
  Q_NORM,
  K_NORM,
  BLOCK_STARTS,
  BLOCK_COLUMNS,
  ROLES,
  NONE = 255
};
static const uint8_t group_inputs[ROLES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, NONE, NONE};
static const uint8_t sparse_inputs[ROLES] = {0, 1, 2, 3, 4, 8, 7, 9, 10, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 5, 6};
typedef struct params {
  sx_attention a;
  const uint8_t *at; /* the input of each role */
  int64_t kv_columns, past, half,
      table_rows; /* of a token of KEY and VALUE; rows of the past cache; columns and rows of the tables */
  bool packed, turn, interleaved, positions, own_q;
  int64_t uncounted; /* of the new tokens in SEQLENS */
  float epsilon;
  bool q_norm, k_norm, own_kv[2];
  size_t lengths_at, q_at, kv_at[2]; /* in the step's scratch, behind what attention has */
} params;

static const uint8_t *inputs_of(const sx_node *n) {
  return n->op == &sx_op_SparseAttention ? sparse_inputs : group_inputs;
}
static const void *in(const sx_call *c, uint32_t role) { return c->in[((const params *)c->params)->at[role]]; }
static const sx_view *given(const sx_prep *p, uint32_t role) {
  const uint32_t i = inputs_of(p->n)[role];
  return sx_prep_has(p, i) ? &p->in[i] : NULL;
}
static bool wants(const sx_prep *p, uint32_t o) { return o < p->n_out && p->out[o].dtype; }

/* Keys that batch b has with the new ones, and without. A prompt starts an empty cache, and may be padded at its end. */
static sx_status lengths(const sx_call *c, int64_t b, int64_t *with, int64_t *before) {
  const params *q = c->params;
  const sx_attention *a = &q->a;
  *with = (int64_t)((const int32_t *)in(c, SEQLENS))[b] + q->uncounted;
  *before = ((const int32_t *)in(c, TOTAL))[0] == a->Lq ? 0 : *with - a->Lq;
  if (*with < 0 || *with > a->Lk || *before < 0 || *before + a->Lq > a->Lk)
    SX_FAIL(c->e, INVALID_ARGUMENT, "batch %lld has %lld keys: with %lld new tokens that does not fit a cache of %lld",
            (long long)b, (long long)*with, (long long)a->Lq, (long long)a->Lk);
  if (a->side && (*with > a->block_rows * a->side || *before + a->Lq > a->block_rows * a->side))
    SX_FAIL(c->e, INVALID_ARGUMENT, "batch %lld has %lld keys, the layouts have %lld rows of %lld", (long long)b,
            (long long)*with, (long long)a->block_rows, (long long)a->side);
  return SX_OK;
}
static char *present(const sx_call *c, int which) {
  const params *q = c->params;
  return q->own_kv[which] ? (char *)c->scratch + q->kv_at[which] : c->out[1 + which];
}

static void normalise(float *x, int64_t n, const float *weight, float epsilon) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  const float f = (float)(1 / sqrt(sum / (double)n + (double)epsilon));
  for (int64_t i = 0; i < n; i++) x[i] *= f * weight[i];
}

/* One new token: its keys and values into the cache, its queries into scratch. */
static sx_status new_token(const sx_call *c, int64_t b, int64_t i, float *x) {
  const params *q = c->params;
  const sx_attention *a = &q->a;
  float *cosine = x + a->D, *sine = cosine + q->half, *weight = sine + q->half;
  int64_t with, before;
  SX_TRY(lengths(c, b, &with, &before));
  const int64_t token = b * a->Lq + i, group = a->Hq + a->Hkv;
  if (q->turn) {
    const int64_t at = q->positions ? ((const int64_t *)in(c, POSITIONS))[token] : before + i;
    if (at < 0 || at >= q->table_rows)
      SX_FAIL(c->e, INVALID_ARGUMENT, "position %lld is outside of the %lld rows of cos_cache", (long long)at,
              (long long)q->table_rows);
    sx_convert_load(a->isa, a->q_type, cosine, in(c, COSINE), at * q->half, q->half);
    sx_convert_load(a->isa, a->q_type, sine, in(c, SINE), at * q->half, q->half);
  }
  for (int64_t h = q->own_q ? 0 : a->Hq; h < group; h++) {
    const bool key = h >= a->Hq;
    const uint32_t norm = key ? K_NORM : Q_NORM;
    const int64_t kv = h - a->Hq;
    if (key && !q->packed)
      sx_convert_load(a->isa, a->q_type, x, in(c, KEY), token * q->kv_columns + kv * a->D, a->D);
    else
      sx_convert_load(a->isa, a->q_type, x, in(c, QUERY),
                      q->packed ? token * q->kv_columns + h * a->D : (token * a->Hq + h) * a->D, a->D);
    if (key ? q->k_norm : q->q_norm) {
      sx_convert_load(a->isa, a->q_type, weight, in(c, norm), 0, a->D);
      normalise(x, a->D, weight, q->epsilon);
    }
    if (q->turn) sx_rotary_row(a->isa, x, x, cosine, sine, q->half, a->D, q->interleaved);
    if (key)
      sx_convert_store(a->isa, a->k_type, 0, present(c, 0), x, ((b * a->Hkv + kv) * a->Lk + before + i) * a->D, a->D);
    else
      sx_convert_store(a->isa, a->q_type, 0, (char *)c->scratch + q->q_at, x, (token * a->Hq + h) * a->D, a->D);
  }
  for (int64_t h = 0; h < a->Hkv; h++) {
    sx_convert_load(a->isa, a->q_type, x, in(c, q->packed ? QUERY : VALUE),
                    token * q->kv_columns + ((q->packed ? group : 0) + h) * a->D, a->D);
    sx_convert_store(a->isa, a->v_type, 0, present(c, 1), x, ((b * a->Hkv + h) * a->Lk + before + i) * a->D, a->D);
  }
  return SX_OK;
}
static sx_status check_blocks(const sx_call *c) {
  const sx_attention *a = &((const params *)c->params)->a;
  for (int64_t layout = 0; layout < a->layouts; layout++) {
    const int32_t *start = (const int32_t *)in(c, BLOCK_STARTS) + layout * (a->block_rows + 1),
                  *column = (const int32_t *)in(c, BLOCK_COLUMNS) + layout * a->block_columns;
    for (int64_t i = 0; i < a->block_rows; i++)
      if (start[i] < 0 || start[i] > start[i + 1] || start[i + 1] > a->block_columns)
        SX_FAIL(c->e, INVALID_ARGUMENT, "block_row_indices: row %lld of layout %lld is [%d, %d) of %lld columns", (long long)i,
                (long long)layout, start[i], start[i + 1], (long long)a->block_columns);
    for (int32_t i = start[0]; i < start[a->block_rows]; i++)
      if (column[i] < 0 || column[i] >= a->block_rows)
        SX_FAIL(c->e, INVALID_ARGUMENT, "block_col_indices: column %d of layout %lld does not fit %lld blocks", column[i],
                (long long)layout, (long long)a->block_rows);
  }
  return SX_OK;
}
/* One key head of the cache: what the past has, and zeros behind the new tokens. */
static sx_status old_tokens(const sx_call *c, int64_t pair, int which) {
  const params *q = c->params;
  const sx_attention *a = &q->a;
  const size_t row = (size_t)a->D * (sx_dtype_bits(which ? a->v_type : a->k_type) / 8);
  int64_t with, before;
  SX_TRY(lengths(c, pair / a->Hkv, &with, &before));
  char *to = present(c, which);
  if (q->past && to == in(c, PAST_KEY + which)) return SX_OK;
  if (before > q->past)
    SX_FAIL(c->e, INVALID_ARGUMENT, "seqlens_k says that %lld tokens are past, the cache has %lld", (long long)before,
            (long long)q->past);
  to += (size_t)(pair * a->Lk) * row;
  if (before) memcpy(to, (const char *)in(c, PAST_KEY + which) + (size_t)(pair * q->past) * row, (size_t)before * row);
  memset(to + (size_t)(before + a->Lq) * row, 0, (size_t)(a->Lk - before - a->Lq) * row);
  return SX_OK;
}
static sx_status run_cache(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const sx_attention *a = &q->a;
  const int64_t tokens = a->B * a->Lq, pairs = a->B * a->Hkv;
  for (int64_t u = begin; u < end; u++) {
    if (u < tokens)
      SX_TRY(new_token(c, u / a->Lq, u % a->Lq, c->worker_scratch));
    else if (u < tokens + 2 * pairs)
      SX_TRY(old_tokens(c, (u - tokens) % pairs, u >= tokens + pairs));
    else {
      int64_t *t = (int64_t *)(void *)((char *)c->scratch + q->lengths_at);
      for (int64_t b = 0; b < a->B; b++) SX_TRY(lengths(c, b, &t[b], &t[a->B + b]));
      SX_TRY(check_blocks(c));
    }
  }
  return SX_OK;
}

static sx_attention_io io_of(const sx_call *c) {
  const params *q = c->params;
  const int64_t *t = (const int64_t *)(const void *)((const char *)c->scratch + q->lengths_at);
  return (sx_attention_io){.q = q->own_q ? (const char *)c->scratch + q->q_at : in(c, QUERY),
                           .k = present(c, 0),
                           .v = present(c, 1),
                           .mask = q->a.m_type ? in(c, BIAS) : NULL,
                           .sink = q->a.sink == SX_SINK_HEAD ? in(c, HEAD_SINK) : NULL,
                           .length = t,
                           .offset = t + q->a.B,
                           .block_start = q->a.side ? in(c, BLOCK_STARTS) : NULL,
                           .block_column = q->a.side ? in(c, BLOCK_COLUMNS) : NULL,
                           .y = c->out[0],
                           .shared = c->scratch};
}
SX_ATTENTION_PHASE(pack)
SX_ATTENTION_PHASE(run)
SX_ATTENTION_PHASE(merge)

static sx_status check(sx_prep *p, params *q) {
  const sx_attention *a = &q->a;
  if (given(p, SEQLENS)->count != a->B || given(p, TOTAL)->count != 1)
    SX_FAIL(p->e, INVALID_ARGUMENT, "seqlens_k has %lld elements and total_sequence_length %lld, expected %lld and 1",
            (long long)given(p, SEQLENS)->count, (long long)given(p, TOTAL)->count, (long long)a->B);
  for (uint32_t i = KEY; i <= VALUE && !q->packed; i++)
    if (!given(p, i) || given(p, i)->rank != 3 || given(p, i)->count != a->B * a->Lq * a->Hkv * a->D)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u does not fit the query: expected (%lld, %lld, %lld)", i, (long long)a->B,
              (long long)a->Lq, (long long)(a->Hkv * a->D));
  for (uint32_t i = PAST_KEY; i <= PAST_VALUE; i++) {
    const sx_view *v = given(p, i);
    if (!v != !given(p, PAST_KEY) || (v && (v->rank != 4 || v->dims[0] != a->B || v->dims[1] != a->Hkv ||
                                                        v->dims[2] != q->past || v->dims[3] != a->D)))
      SX_FAIL(p->e, INVALID_ARGUMENT,
              "input %u does not fit the query: expected (%lld, %lld, length, %lld), and equal lengths of keys and values",
              i, (long long)a->B, (long long)a->Hkv, (long long)a->D);
  }
  if (q->turn) {
    if (!given(p, COSINE) || !given(p, SINE) || given(p, COSINE)->rank != 2 || given(p, SINE)->count != given(p, COSINE)->count)
      SX_FAIL(p->e, INVALID_ARGUMENT, "do_rotary needs cos_cache and sin_cache, two equal matrices");
    q->table_rows = given(p, COSINE)->dims[0], q->half = given(p, COSINE)->dims[1];
    if (2 * q->half > a->D)
      SX_FAIL(p->e, INVALID_ARGUMENT, "cos_cache has %lld columns, a head has %lld", (long long)q->half, (long long)a->D);
    if (q->positions && given(p, POSITIONS)->count != a->B * a->Lq)
      SX_FAIL(p->e, INVALID_ARGUMENT, "position_ids has %lld elements, expected %lld", (long long)given(p, POSITIONS)->count,
              (long long)(a->B * a->Lq));
  }
  for (uint32_t i = Q_NORM; i <= K_NORM; i++)
    if (given(p, i) && given(p, i)->count != a->D)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected %lld", i, (long long)given(p, i)->count,
              (long long)a->D);
  if (given(p, HEAD_SINK) && given(p, HEAD_SINK)->count != a->Hq)
    SX_FAIL(p->e, INVALID_ARGUMENT, "head_sink has %lld elements, expected %lld", (long long)given(p, HEAD_SINK)->count,
            (long long)a->Hq);
  return SX_OK;
}
static sx_status bias(sx_prep *p, sx_attention *a) {
  const sx_view *m = given(p, BIAS);
  if (m->rank != 4 || (m->dims[0] != 1 && m->dims[0] != a->B) || (m->dims[1] != 1 && m->dims[1] != a->Hq) ||
      m->dims[2] != a->Lq)
    SX_FAIL(p->e, INVALID_ARGUMENT, "attention_bias does not fit: expected (%lld or 1, %lld or 1, %lld, total length)",
            (long long)a->B, (long long)a->Hq, (long long)a->Lq);
  a->m_type = (sx_dtype)m->dtype, a->m_len = m->dims[3], a->m_k = 1, a->m_q = m->dims[3];
  a->m_h = m->dims[1] == 1 ? 0 : m->dims[2] * m->dims[3];
  a->m_b = m->dims[0] == 1 ? 0 : m->dims[1] * m->dims[2] * m->dims[3];
  return SX_OK;
}
static sx_status blocks(sx_prep *p, sx_attention *a) {
  const sx_view *start = given(p, BLOCK_STARTS), *column = given(p, BLOCK_COLUMNS);
  a->side = sx_attr_int(p->n, "sparse_block_size", 1);
  if (start->rank != 2 || column->rank != 2 || start->dims[0] < 1 || start->dims[1] < 2 ||
      start->dims[0] != column->dims[0] || a->Hq % start->dims[0])
    SX_FAIL(p->e, INVALID_ARGUMENT,
            "block_row_indices and block_col_indices do not fit: expected (layouts, blocks + 1) and (layouts, columns), and "
            "layouts that divide %lld heads",
            (long long)a->Hq);
  if (a->side > INT32_MAX || start->dims[1] > INT32_MAX)
    SX_FAIL(p->e, INVALID_ARGUMENT, "sparse_block_size is %lld: not more than %d expected", (long long)a->side, INT32_MAX);
  a->layouts = start->dims[0], a->block_rows = start->dims[1] - 1, a->block_columns = column->dims[1];
  return SX_OK;
}
static size_t take(sx_prep *p, int64_t n, size_t elem) { /* sizes of tensors that exist, or of the cache: checked with it */
  const size_t at = p->scratch;
  p->scratch += sx_round_up((size_t)n * elem, SX_ALIGN);
  return at;
}

static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = given(p, QUERY);
  q->at = inputs_of(p->n), q->uncounted = q->at == group_inputs;
  sx_attention *a = &q->a;
  const int64_t heads = sx_attr_int(p->n, "num_heads", 1), kv = sx_attr_int(p->n, "kv_num_heads", 1),
                window = sx_attr_int(p->n, "local_window_size", -1);
  q->packed = !given(p, KEY);
  const int64_t parts = q->packed ? heads + 2 * kv : heads;
  if (x->rank != 3 || x->dims[2] % parts || x->dims[2] == 0)
    SX_FAIL(p->e, INVALID_ARGUMENT, "query does not divide into %lld heads", (long long)parts);
  const int64_t D = x->dims[2] / parts, L = x->dims[1];
  q->past = given(p, PAST_KEY) && given(p, PAST_KEY)->rank == 4 ? given(p, PAST_KEY)->dims[2] : 0;
  q->turn = sx_attr_int(p->n, "do_rotary", 0) != 0, q->interleaved = sx_attr_int(p->n, "rotary_interleaved", 0) != 0,
  q->positions = given(p, POSITIONS);
  q->q_norm = given(p, Q_NORM), q->k_norm = given(p, K_NORM), q->own_q = q->turn || q->q_norm;
  q->epsilon = sx_attr_float(p->n, "qk_norm_epsilon", 1e-6f), q->kv_columns = q->packed ? x->dims[2] : kv * D;
  const sx_dtype cache = (sx_dtype)(given(p, PAST_KEY) ? given(p, PAST_KEY)->dtype : x->dtype);
  const float scale = sx_attr_float(p->n, "scale", 0);
  *a = (sx_attention){.isa = p->cpu->isa,
                      .q_type = (sx_dtype)x->dtype,
                      .k_type = cache,
                      .v_type = cache,
                      .B = x->dims[0],
                      .Hq = heads,
                      .Hkv = kv,
                      .Lq = L,
                      .D = D,
                      .Dv = D,
                      .q_b = L * heads * D,
                      .q_h = D,
                      .q_l = heads * D,
                      .y_b = L * heads * D,
                      .y_h = D,
                      .y_l = heads * D,
                      .scale = scale != 0 ? (double)scale : 1 / sqrt((double)D),
                      .softcap = sx_attr_float(p->n, "softcap", 0),
                      .causal = sx_attr_int(p->n, "causal", 1) != 0,
                      .has_length = true,
                      .left = window > 0 ? window - 1 : -1,
                      .right = -1,
                      .sink = given(p, HEAD_SINK)                             ? SX_SINK_HEAD
                              : sx_attr_int(p->n, "smooth_softmax", -1) > 0 ? SX_SINK_ZERO
                                                                            : SX_SINK_NONE,
                      .scores = SX_SCORES_NONE};
  if (q->packed && !q->own_q) a->q_l = x->dims[2], a->q_b = L * x->dims[2];
  if (wants(p, 1) || wants(p, 2))
    a->Lk = p->out[wants(p, 1) ? 1 : 2].dims[2];
  else if (given(p, TOTAL)->elems || given(p, TOTAL)->constant) {
    const int64_t total = given(p, TOTAL)->elems ? given(p, TOTAL)->elems[0] : *(const int32_t *)given(p, TOTAL)->constant;
    a->Lk = total > q->past ? total : q->past;
  } else
    SX_FAIL(p->e, NOT_IMPLEMENTED,
            "total_sequence_length is not known, and present_key and present_value are not asked for");
  a->k_l = a->v_l = D, a->k_h = a->v_h = a->Lk * D, a->k_b = a->v_b = kv * a->k_h;
  SX_TRY(check(p, q));
  if (given(p, BIAS)) SX_TRY(bias(p, a));
  if (given(p, BLOCK_STARTS)) SX_TRY(blocks(p, a));
  if (!sx_attention_plan(a)) SX_FAIL(p->e, FAIL, "the memory for %lld keys does not fit", (long long)a->Lk);
  p->scratch = sx_round_up(a->shared, SX_ALIGN);
  q->lengths_at = take(p, 2 * a->B, sizeof(int64_t));
  if (q->own_q) q->q_at = take(p, x->dims[0] * L * heads * D, sx_dtype_bits(a->q_type) / 8);
  for (int i = 0; i < 2; i++)
    if ((q->own_kv[i] = !wants(p, 1 + (uint32_t)i))) q->kv_at[i] = take(p, a->B * a->k_b, sx_dtype_bits(cache) / 8);
  p->params = q;
  SX_TRY(sx_prep_phase(p, run_cache, a->B * L + 2 * a->B * kv + 1,
                       50 + (double)(D * parts) * 0.4 + (double)(a->Lk * D) * 0.1,
                       (size_t)(2 * D + 2 * q->half) * sizeof(float)));
  if (a->pack_units) SX_TRY(sx_prep_phase(p, run_pack, a->pack_units, a->pack_ns, a->scratch));
  if (a->units) SX_TRY(sx_prep_phase(p, run_run, a->units, a->unit_ns, a->scratch));
  return a->merge_units ? sx_prep_phase(p, run_merge, a->merge_units, a->merge_ns, a->scratch) : SX_OK;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_vid past = sx_node_in(n, PAST_KEY);
  const int t = past == SX_NONE ? SX_F32 : sx_value_at(g, past)->fact.dtype;
  *reason = "a quantised cache, and output_qk, are not supported";
  return (t == SX_F32 || t == SX_F16 || t == SX_BF16) && sx_node_out(n, 3) == SX_NONE;
}
#define FLOATS (1u << SX_F32 | 1u << SX_F16 | 1u << SX_BF16)
const sx_kernel sx_cpu_GroupQueryAttention = {
    .op = &sx_op_GroupQueryAttention, .name = "group_attention", .types = FLOATS, .claim = claim, .prepare = prepare};
const sx_kernel sx_cpu_SparseAttention = {
    .op = &sx_op_SparseAttention, .name = "sparse_attention", .types = FLOATS, .prepare = prepare};
