// SPDX-License-Identifier: MIT
/* Attention on the attention family: the present keys and values are written first, then used. */
#include "ep/cpu/bind/attention.h"
#include "ep/cpu/kernels/attention/attention.h"
#include "ep/ep.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"

enum { Q, K, V, MASK, PAST_K, PAST_V, LENGTH };
typedef struct part {
  int64_t heads, length, size, b, h, l;
} part; /* an operand's sizes, and strides in elements */
typedef struct join {
  bool on, keep, given; /* given: it is an output of the node */
  int64_t past, next, size;
  size_t row;
  part from;
  size_t scratch_at;
} join;
typedef struct params {
  sx_attention a;
  join kv[2]; /* present keys and values: made (on), and used instead of K and V (keep) */
  int64_t pairs;
} params;

static bool wants(const sx_prep *p, uint32_t o) { return o < p->n_out && p->out[o].dtype; }

static sx_status part_of(const sx_prep *p, uint32_t input, const char *heads, part *o) {
  const sx_view *v = &p->in[input];
  const int64_t n = v->rank == 4 ? v->dims[1] : sx_attr_int(p->n, heads, 0);
  if ((v->rank != 3 && v->rank != 4) || n < 1 || (v->rank == 3 && v->dims[2] % n))
    SX_FAIL(p->e, INVALID_ARGUMENT, "input %u does not divide into %lld heads", input, (long long)n);
  if (v->rank == 4)
    *o = (part){n, v->dims[2], v->dims[3], v->dims[1] * v->dims[2] * v->dims[3], v->dims[2] * v->dims[3], v->dims[3]};
  else
    *o = (part){n, v->dims[1], v->dims[2] / n, v->dims[1] * v->dims[2], v->dims[2] / n, v->dims[2]};
  return SX_OK;
}

/* One key head of present keys or values: the past, then what is new. */
static sx_status run_join(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  for (uint32_t u = begin; u < end; u++) {
    const join *j = &q->kv[u / q->pairs];
    const int64_t pair = u % q->pairs, which = u / q->pairs, b = pair / j->from.heads, h = pair % j->from.heads,
                  total = j->past + j->next;
    if (!j->on) continue;
    char *to =
        (j->given ? (char *)c->out[1 + which] : (char *)c->scratch + j->scratch_at) + (size_t)(pair * total) * j->row;
    if (j->past)
      memcpy(to, (const char *)c->in[PAST_K + which] + (size_t)(pair * j->past) * j->row, (size_t)j->past * j->row);
    to += (size_t)j->past * j->row;
    const char *from = (const char *)c->in[K + which] +
                       (size_t)(b * j->from.b + h * j->from.h) * (j->row / (size_t)(j->size ? j->size : 1));
    for (int64_t i = 0; i < j->next; i++, to += j->row)
      memcpy(to, from + (size_t)(i * j->from.l) * (j->row / (size_t)(j->size ? j->size : 1)), j->row);
  }
  return SX_OK;
}

static sx_attention_io io_of(const sx_call *c) {
  const params *q = c->params;
  sx_attention_io io = {.q = c->in[Q], .k = c->in[K], .v = c->in[V], .y = c->out[0], .shared = c->scratch};
  if (q->a.m_type) io.mask = c->in[MASK];
  if (q->kv[0].keep) io.k = q->kv[0].given ? c->out[1] : (char *)c->scratch + q->kv[0].scratch_at;
  if (q->kv[1].keep) io.v = q->kv[1].given ? c->out[2] : (char *)c->scratch + q->kv[1].scratch_at;
  if (q->a.scores != SX_SCORES_NONE) io.qk = c->out[3];
  if (q->a.has_length) io.length = c->in[LENGTH];
  return io;
}
SX_ATTENTION_PHASE(pack)
SX_ATTENTION_PHASE(run)
SX_ATTENTION_PHASE(merge)
static sx_status run_checked(const sx_call *c, uint32_t begin, uint32_t end) {
  const sx_attention *a = &((const params *)c->params)->a;
  const int64_t *length = a->has_length ? c->in[LENGTH] : NULL;
  for (int64_t b = 0; length && b < a->B; b++)
    if (length[b] < 0 || length[b] > a->Lk)
      SX_FAIL(c->e, FAIL, "nonpad_kv_seqlen[%lld] is %lld, expected 0 to %lld", (long long)b, (long long)length[b],
              (long long)a->Lk);
  return run_run(c, begin, end);
}

/* The mask, right-aligned to (B, Hq, Lq, Lk). Its keys may be fewer: the rest is masked. */
static sx_status mask_strides(const sx_prep *p, sx_attention *a) {
  const sx_view *m = &p->in[MASK];
  const int64_t want[4] = {a->B, a->Hq, a->Lq, a->Lk};
  int64_t stride[4] = {0}, s = 1;
  if (m->rank < 1 || m->rank > 4) SX_FAIL(p->e, INVALID_ARGUMENT, "attn_mask has rank %d, expected 1 to 4", m->rank);
  for (int i = 3, k = m->rank; k-- > 0; s *= m->dims[k], i--) {
    if (i < 3 && m->dims[k] != 1 && m->dims[k] != want[i])
      SX_FAIL(p->e, FAIL, "attn_mask has %lld at axis %d, expected 1 or %lld", (long long)m->dims[k], k,
              (long long)want[i]);
    if (i == 3 && m->dims[k] > want[i])
      SX_FAIL(p->e, FAIL, "attn_mask has %lld keys, expected at most %lld", (long long)m->dims[k], (long long)want[i]);
    stride[i] = i < 3 && m->dims[k] == 1 ? 0 : s;
  }
  a->m_type = (sx_dtype)m->dtype, a->m_len = m->dims[m->rank - 1];
  a->m_b = stride[0], a->m_h = stride[1], a->m_q = stride[2], a->m_k = 1;
  return SX_OK;
}

static sx_status join_of(sx_prep *p, int which, const part *x, join *j) {
  const uint32_t past = PAST_K + (uint32_t)which;
  const bool given = sx_prep_has(p, past);
  size_t bytes;
  *j = (join){.on = given || wants(p, 1 + (uint32_t)which), .keep = given, .next = x->length, .size = x->size, .from = *x};
  j->given = wants(p, 1 + (uint32_t)which);
  j->row = (size_t)x->size * (sx_dtype_bits((sx_dtype)p->in[K + which].dtype) / 8);
  if (!given) return SX_OK;
  const sx_view *v = &p->in[past];
  if (v->rank != 4 || v->dims[0] != p->in[K].dims[0] || v->dims[1] != x->heads || v->dims[3] != x->size ||
      v->dtype != p->in[K + which].dtype)
    SX_FAIL(p->e, FAIL, "input %u does not fit input %d: expected (%lld, %lld, length, %lld)", past, K + which,
            (long long)p->in[K].dims[0], (long long)x->heads, (long long)x->size);
  j->past = v->dims[2];
  if (j->given) return SX_OK;
  if (!sx_size_mul(j->row, (size_t)(j->past + j->next), &bytes) ||
      !sx_size_mul(bytes, (size_t)(x->heads * v->dims[0]), &bytes))
    SX_FAIL(p->e, FAIL, "the present keys do not fit memory");
  j->scratch_at = p->scratch;
  p->scratch += sx_round_up(bytes, SX_ALIGN);
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  part x = {0}, k = {0}, v = {0};
  if (!q) SX_NO_MEMORY(p->e);
  sx_attention *a = &q->a;
  SX_TRY(part_of(p, Q, "q_num_heads", &x));
  SX_TRY(part_of(p, K, "kv_num_heads", &k));
  SX_TRY(part_of(p, V, "kv_num_heads", &v));
  const int64_t B = p->in[Q].dims[0], past = sx_prep_has(p, PAST_K) && p->in[PAST_K].rank == 4 ? p->in[PAST_K].dims[2] : 0;
  if (x.heads % k.heads || k.heads != v.heads || k.length != v.length || x.size != k.size || p->in[K].dims[0] != B ||
      p->in[V].dims[0] != B)
    SX_FAIL(p->e, FAIL,
            "Q, K and V do not fit: %lld, %lld and %lld heads, %lld and %lld elements of queries and keys, %lld keys and "
            "%lld values",
            (long long)x.heads, (long long)k.heads, (long long)v.heads, (long long)x.size, (long long)k.size,
            (long long)k.length, (long long)v.length);
  *a = (sx_attention){
      .isa = p->cpu->isa,
      .q_type = (sx_dtype)p->in[Q].dtype,
      .k_type = (sx_dtype)p->in[K].dtype,
      .v_type = (sx_dtype)p->in[V].dtype,
      .B = B,
      .Hq = x.heads,
      .Hkv = k.heads,
      .Lq = x.length,
      .Lk = past + k.length,
      .D = x.size,
      .Dv = v.size,
      .q_b = x.b,
      .q_h = x.h,
      .q_l = x.l,
      .k_b = k.b,
      .k_h = k.h,
      .k_l = k.l,
      .v_b = v.b,
      .v_h = v.h,
      .v_l = v.l,
      .scale = sx_node_attr(p->n, "scale") ? (double)sx_attr_float(p->n, "scale", 0) : 1 / sqrt((double)x.size),
      .softcap = sx_attr_float(p->n, "softcap", 0),
      .causal = sx_attr_int(p->n, "is_causal", 0) != 0,
      .left = sx_attr_int(p->n, "left_window_size", -1),
      .right = sx_attr_int(p->n, "right_window_size", -1),
      .offset = past,
      .has_length = sx_prep_has(p, LENGTH),
      .from_length = sx_prep_has(p, LENGTH),
      .scores = wants(p, 3) ? (sx_attention_scores)sx_attr_int(p->n, "qk_matmul_output_mode", 0) : SX_SCORES_NONE};
  a->y_b = x.heads * x.length * v.size;
  a->y_h = p->in[Q].rank == 4 ? x.length * v.size : v.size, a->y_l = p->in[Q].rank == 4 ? v.size : x.heads * v.size;
  q->pairs = B * k.heads;
  SX_TRY(join_of(p, 0, &k, &q->kv[0]));
  SX_TRY(join_of(p, 1, &v, &q->kv[1]));
  if (q->kv[0].past != q->kv[1].past)
    SX_FAIL(p->e, FAIL, "past_key has %lld rows, past_value %lld", (long long)q->kv[0].past, (long long)q->kv[1].past);
  if (past)
    a->k_l = k.size, a->k_h = a->Lk * k.size, a->k_b = a->k_h * k.heads, a->v_l = v.size, a->v_h = a->Lk * v.size,
    a->v_b = a->v_h * v.heads;
  else
    q->kv[0].keep = q->kv[1].keep = false;
  if (sx_prep_has(p, MASK)) SX_TRY(mask_strides(p, a));
  if (sx_prep_has(p, LENGTH) && p->in[LENGTH].count != B)
    SX_FAIL(p->e, FAIL, "nonpad_kv_seqlen has %lld elements, expected %lld", (long long)p->in[LENGTH].count, (long long)B);
  const size_t before = p->scratch;
  if (!sx_attention_plan(a)) SX_FAIL(p->e, FAIL, "the memory for %lld keys does not fit", (long long)a->Lk);
  for (int i = 0; i < 2; i++) q->kv[i].scratch_at += sx_round_up(a->shared, SX_ALIGN);
  p->scratch = before + sx_round_up(a->shared, SX_ALIGN);
  p->params = q;
  if (q->kv[0].on || q->kv[1].on)
    SX_TRY(sx_prep_phase(p, run_join, 2 * q->pairs, (double)(a->Lk * (a->D + a->Dv)) * 0.1 + 20, 0));
  if (a->pack_units) SX_TRY(sx_prep_phase(p, run_pack, a->pack_units, a->pack_ns, a->scratch));
  if (a->units) SX_TRY(sx_prep_phase(p, run_checked, a->units, a->unit_ns, a->scratch));
  return a->merge_units ? sx_prep_phase(p, run_merge, a->merge_units, a->merge_ns, a->scratch) : SX_OK;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "Q, K, V must be f32, f64, f16 or bf16, and qk_matmul_output_mode from 0 to 3";
  const int64_t mode = sx_attr_int(n, "qk_matmul_output_mode", 0);
  for (uint32_t i = Q; i <= V; i++) {
    const int t = sx_value_at(g, n->in[i].value)->fact.dtype;
    if (t != SX_F32 && t != SX_F64 && t != SX_F16 && t != SX_BF16) return false;
  }
  return mode >= 0 && mode <= 3;
}
const sx_kernel sx_cpu_Attention = {.op = &sx_op_Attention, .name = "attention", .claim = claim, .prepare = prepare};
