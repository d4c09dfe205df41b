// SPDX-License-Identifier: MIT
/* Dropout: a copy and a mask of ones; in training mode elements fall by a generator that NumPy's seeded users know (MT19937, 53
 * bits per draw), so that a seed gives the numbers the standard's examples show. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/convert/convert.h"

typedef struct mt { uint32_t s[624]; int at; } mt;
static void mt_seed(mt *m, uint32_t seed) {
  m->s[0] = seed, m->at = 624;
  for (uint32_t i = 1; i < 624; i++) m->s[i] = 1812433253u * (m->s[i - 1] ^ m->s[i - 1] >> 30) + i;
}
static uint32_t mt_next(mt *m) {
  if (m->at == 624) {
    for (int i = 0; i < 624; i++) {
      uint32_t y = (m->s[i] & 0x80000000u) | (m->s[(i + 1) % 624] & 0x7fffffffu);
      m->s[i] = m->s[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    m->at = 0;
  }
  uint32_t y = m->s[m->at++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}
static double mt_uniform(mt *m) {
  uint32_t a = mt_next(m) >> 5, b = mt_next(m) >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

typedef struct params { sx_isa isa; sx_dtype type, ratio_type; uint32_t elem; int64_t count; bool has_ratio, has_training, has_mask; uint32_t seed; } params;
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  double ratio = 0.5;
  bool *mask = q->has_mask ? c->out[1] : NULL, training = q->has_training && *(const uint8_t *)c->in[2];
  if (begin >= end) return SX_OK;
  if (training && q->has_ratio) sx_cast_run(q->isa, q->ratio_type, SX_F64, 0, &ratio, c->in[1], 0, 1);
  if (!training || ratio == 0) {
    if (c->out[0] && c->out[0] != c->in[0]) memcpy(c->out[0], c->in[0], (size_t)q->count * q->elem);
    if (mask) memset(mask, 1, (size_t)q->count);
    return SX_OK;
  }
  if (!(ratio > 0 && ratio <= 1)) SX_FAIL(c->e, INVALID_ARGUMENT, "ratio is %g, expected 0 up to 1", ratio);
  enum { CHUNK = 256 };
  double v[CHUNK];
  mt *m = c->scratch;
  mt_seed(m, q->seed);
  for (int64_t at = 0; at < q->count; at += CHUNK) {
    int64_t n = q->count - at < CHUNK ? q->count - at : CHUNK;
    sx_cast_run(q->isa, q->type, SX_F64, 0, v, (const char *)c->in[0] + at * q->elem, 0, n);
    for (int64_t i = 0; i < n; i++) {
      bool keep = mt_uniform(m) >= ratio;
      v[i] = keep ? v[i] / (1 - ratio) : 0;
      if (mask) mask[at + i] = keep;
    }
    if (c->out[0]) sx_cast_run(q->isa, SX_F64, q->type, SX_CAST_SATURATE, (char *)c->out[0] + at * q->elem, v, 0, n);
  }
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (params){.isa = p->cpu->isa, .type = (sx_dtype)p->in[0].dtype, .elem = sx_elem_bytes(p->in[0].dtype), .count = p->in[0].count,
                .has_ratio = p->n_in > 1 && p->in[1].dtype && p->in[1].count == 1, .has_training = p->n_in > 2 && p->in[2].dtype && p->in[2].count == 1};
  if (q->has_ratio) q->ratio_type = (sx_dtype)p->in[1].dtype;
  q->has_mask = p->n_out > 1 && p->out[1].dtype;
  q->seed = (uint32_t)sx_attr_int(p->n, "seed", 0);
  p->params = q;
  p->scratch = sizeof(mt);
  return sx_prep_phase(p, run, 1, (double)q->count, 0);
}
const sx_kernel sx_cpu_Dropout = {.op = &sx_op_Dropout, .name = "dropout", .flags = SX_KERNEL_INPLACE0, .prepare = prepare};
