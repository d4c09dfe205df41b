// SPDX-License-Identifier: MIT
/* Dropout: a copy and a mask of ones; in training mode elements fall. With a seed by a generator that NumPy's users know
 * (MT19937, 53 bits per draw), so that it gives the numbers the standard's examples show; else by a counted stream, other
 * ones in each run. */
#include "ep/cpu/bind/move.h"
#include "ep/cpu/bind/random.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/random/random.h"

typedef struct mt {
  uint32_t s[624];
  int at;
} mt;
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

enum { CHUNK = 1024 };
typedef struct params {
  sx_isa isa;
  sx_dtype type, ratio_type;
  uint32_t elem;
  int64_t count;
  bool seeded, has_ratio, has_training, has_mask;
  uint32_t seed;
} params;

/* Elements [at, at + n), n <= CHUNK; u: their draws, or NULL where all stay. */
static void chunk(const params *q, const sx_call *c, int64_t at, int64_t n, const double *u, double ratio) {
  const char *x = (const char *)c->in[0] + at * q->elem;
  char *y = c->out[0] ? (char *)c->out[0] + at * q->elem : NULL;
  bool *mask = q->has_mask ? (bool *)c->out[1] + at : NULL;
  double v[CHUNK / 4];
  if (!u) {
    if (mask) memset(mask, 1, (size_t)n);
    if (y && y != x) memcpy(y, x, (size_t)n * q->elem);
    return;
  }
  for (int64_t k = 0; k < n; k += CHUNK / 4) {
    int64_t m = n - k < CHUNK / 4 ? n - k : CHUNK / 4;
    sx_cast_run(q->isa, q->type, SX_F64, 0, v, x + k * q->elem, 0, m);
    for (int64_t i = 0; i < m; i++) {
      bool keep = u[k + i] >= ratio;
      v[i] = keep ? v[i] / (1 - ratio) : 0;
      if (mask) mask[k + i] = keep;
    }
    if (y) sx_cast_run(q->isa, SX_F64, q->type, SX_CAST_SATURATE, y + k * q->elem, v, 0, m);
  }
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  double ratio = 0.5, *u = c->worker_scratch;
  bool training = q->has_training && *(const uint8_t *)c->in[2];
  if (training && q->has_ratio) sx_cast_run(q->isa, q->ratio_type, SX_F64, 0, &ratio, c->in[1], 0, 1);
  if (training && !(ratio >= 0 && ratio <= 1)) SX_FAIL(c->e, FAIL, "ratio is %g, expected 0 up to 1", ratio);
  mt *m = q->seeded ? c->scratch : NULL;
  if (m && begin < end)
    mt_seed(m, q->seed),
        begin = 0, end = (uint32_t)((q->count + CHUNK - 1) / CHUNK); /* one unit: its numbers come one after the other */
  for (int64_t k = begin; k < end; k++) {
    int64_t at = k * CHUNK, n = q->count - at < CHUNK ? q->count - at : CHUNK;
    bool draw = training && ratio > 0;
    for (int64_t i = 0; draw && m && i < n; i++) u[i] = mt_uniform(m);
    if (draw && !m) sx_random_uniform_f64(q->isa, sx_random_key(c), at, n, u);
    chunk(q, c, at, n, draw ? u : NULL, ratio);
  }
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (params){.isa = p->cpu->isa,
                .type = (sx_dtype)p->in[0].dtype,
                .elem = sx_elem_bytes(p->in[0].dtype),
                .count = p->in[0].count,
                .seeded = sx_node_attr(p->n, "seed") != NULL,
                .has_ratio = p->n_in > 1 && p->in[1].dtype && p->in[1].count == 1,
                .has_training = p->n_in > 2 && p->in[2].dtype && p->in[2].count == 1};
  if (q->has_ratio) q->ratio_type = (sx_dtype)p->in[1].dtype;
  q->has_mask = p->n_out > 1 && p->out[1].dtype;
  q->seed = (uint32_t)sx_attr_int(p->n, "seed", 0);
  p->params = q;
  if (!q->count) return SX_OK;
  int64_t chunks = (q->count + CHUNK - 1) / CHUNK;
  if (q->seeded)
    p->scratch = sizeof(mt);
  else
    SX_TRY(sx_random_key_phase(p));
  return sx_prep_phase(p, run, q->seeded ? 1 : chunks, q->seeded ? (double)q->count : CHUNK, CHUNK * sizeof(double));
}
const sx_kernel sx_cpu_Dropout = {
    .op = &sx_op_Dropout, .name = "dropout", .flags = SX_KERNEL_INPLACE0, .create = sx_random_create, .prepare = prepare};
