// SPDX-License-Identifier: MIT
/* RandomNormal, RandomUniform and their Likes, Bernoulli, Multinomial: chunks of a counted stream, converted on store. */
#include "ep/cpu/bind/random.h"
#include "base/file.h"
#include "base/stop.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/random/random.h"
#include <stdatomic.h>
#include <string.h>

typedef struct source {
  uint64_t seed;
  atomic_uint_fast64_t *runs;
} source;

static uint64_t mix(uint64_t x) { /* the finaliser of splitmix64 */
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}
sx_status sx_random_create(sx_build *b) {
  static atomic_uint_fast64_t sources; /* tells apart nodes made in one tick of the clock */
  const sx_attr *a = sx_node_attr(b->n, "seed");
  source *s = SX_NEW(b->arena, source);
  atomic_uint_fast64_t *runs = SX_NEW(b->arena, atomic_uint_fast64_t);
  if (!s || !runs) SX_NO_MEMORY(b->e);
  float f = sx_attr_float(b->n, "seed", 0);
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  s->seed =
      a ? bits : mix(sx_wall_us() ^ mix(sx_now_ns()) ^ (uint64_t)(uintptr_t)s) + mix(atomic_fetch_add(&sources, 1) + 1);
  s->runs = runs;
  b->state = s;
  return SX_OK;
}
static sx_status run_key(const sx_call *c, uint32_t begin, uint32_t end) {
  const source *s = c->state;
  if (begin < end) *(uint64_t *)c->scratch = mix(s->seed * 0x9e3779b97f4a7c15ull + atomic_fetch_add(s->runs, 1));
  return SX_OK;
}
sx_status sx_random_key_phase(sx_prep *p) {
  p->scratch += SX_ALIGN;
  return sx_prep_phase(p, run_key, 1, 20, 0);
}

enum { CHUNK = 1024, SAMPLE_NS = 60 };
typedef struct params {
  sx_isa isa;
  sx_dtype in, out, wide; /* wide: f32 or f64, in which numbers are drawn */
  int bits;               /* random bits of an f32 that the output type keeps below 1 */
  bool normal;
  int64_t count, classes, samples;
  double scale, shift;
} params;

static void uniform(const params *q, uint64_t key, int64_t at, int64_t n, void *v) {
  if (q->wide == SX_F64)
    sx_random_uniform_f64(q->isa, key, at, n, v);
  else
    sx_random_uniform_f32(q->isa, key, q->bits, at, n, v);
}
static sx_status run_draw(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  uint64_t key = sx_random_key(c);
  for (int64_t u = begin; u < end; u++) {
    int64_t at = u * CHUNK, n = q->count - at < CHUNK ? q->count - at : CHUNK;
    double *d = c->worker_scratch;
    float *f = c->worker_scratch;
    if (!q->normal)
      uniform(q, key, at, n, d);
    else if (q->wide == SX_F64)
      sx_random_normal_f64(q->isa, key, at, n, d);
    else
      sx_random_normal_f32(q->isa, key, at, n, f);
    const float scale = (float)q->scale, shift = (float)q->shift;
    for (int64_t i = 0; i < n && q->wide == SX_F64; i++) d[i] = d[i] * q->scale + q->shift;
    for (int64_t i = 0; i < n && q->wide == SX_F32; i++) f[i] = f[i] * scale + shift;
    sx_cast_run(q->isa, q->wide, q->out, SX_CAST_SATURATE, (char *)c->out[0] + at * (int64_t)(sx_dtype_bits(q->out) / 8), d,
                0, n);
  }
  return SX_OK;
}
static sx_status run_bernoulli(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  uint64_t key = sx_random_key(c);
  double *v = c->worker_scratch, *p = v + CHUNK;
  for (int64_t u = begin; u < end; u++) {
    int64_t at = u * CHUNK, n = q->count - at < CHUNK ? q->count - at : CHUNK;
    sx_random_uniform_f64(q->isa, key, at, n, v);
    sx_cast_run(q->isa, q->in, SX_F64, 0, p, (const char *)c->in[0] + at * (int64_t)(sx_dtype_bits(q->in) / 8), 0, n);
    for (int64_t i = 0; i < n; i++) v[i] = v[i] < p[i];
    sx_cast_run(q->isa, SX_F64, q->out, SX_CAST_SATURATE, (char *)c->out[0] + at * (int64_t)(sx_dtype_bits(q->out) / 8), v,
                0, n);
  }
  return SX_OK;
}
static sx_status run_multinomial(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  uint64_t key = sx_random_key(c);
  double *x = c->worker_scratch, *sum = x + q->classes, two[2], spent = 0;
  for (int64_t b = begin; b < end; b++) {
    sx_cast_run(q->isa, q->in, SX_F64, 0, x, (const char *)c->in[0] + b * q->classes * (int64_t)(sx_dtype_bits(q->in) / 8),
                0, q->classes);
    const bool some = sx_random_classes(x, q->classes, sum);
    SX_TRY(sx_stop_settle(c->e));
    if (!some)
      SX_FAIL(c->e, INVALID_ARGUMENT, "row %lld has no class with a probability", (long long)b);
    for (int64_t s = 0; s < q->samples && !sx_stop_spent(&spent, SAMPLE_NS); s++) {
      int64_t at = b * q->samples + s, even = at & ~(int64_t)1;
      sx_random_uniform_f64(q->isa, key, even, 2, two);
      int64_t class = sx_random_class(sum, q->classes, two[at - even]);
      if (q->out == SX_I64)
        ((int64_t *)c->out[0])[at] = class;
      else
        ((int32_t *)c->out[0])[at] = (int32_t) class;
    }
  }
  return SX_OK;
}

static sx_status base(sx_prep *p, params **q) {
  const sx_view *y = &p->out[0];
  if (!(*q = SX_NEW(p->arena, params))) SX_NO_MEMORY(p->e);
  sx_dtype t = (sx_dtype)y->dtype;
  **q = (params){.isa = p->cpu->isa,
                 .in = p->n_in ? (sx_dtype)p->in[0].dtype : SX_F32,
                 .out = t,
                 .wide = t == SX_F64 ? SX_F64 : SX_F32,
                 .bits = t == SX_F16    ? 11
                         : t == SX_BF16 ? 8
                                        : 24,
                 .count = y->count};
  p->params = *q;
  return y->count ? sx_random_key_phase(p) : SX_OK;
}
static sx_status chunks(sx_prep *p, const params *q, sx_run_fn run, double ns) {
  return q->count ? sx_prep_phase(p, run, (q->count + CHUNK - 1) / CHUNK, CHUNK * ns, 2 * CHUNK * sizeof(double)) : SX_OK;
}
static sx_status prepare_normal(sx_prep *p) {
  params *q;
  SX_TRY(base(p, &q));
  q->normal = true, q->scale = sx_attr_float(p->n, "scale", 1), q->shift = sx_attr_float(p->n, "mean", 0);
  return chunks(p, q, run_draw, 15);
}
static sx_status prepare_uniform(sx_prep *p) {
  params *q;
  SX_TRY(base(p, &q));
  double low = sx_attr_float(p->n, "low", 0);
  q->shift = low, q->scale = sx_attr_float(p->n, "high", 1) - low;
  return chunks(p, q, run_draw, 5);
}
static sx_status prepare_bernoulli(sx_prep *p) {
  params *q;
  SX_TRY(base(p, &q));
  return chunks(p, q, run_bernoulli, 8);
}
static sx_status prepare_multinomial(sx_prep *p) {
  params *q;
  SX_TRY(base(p, &q));
  q->classes = p->in[0].dims[1], q->samples = p->out[0].dims[1];
  if (!q->count) return SX_OK;
  if (q->classes < 1) SX_FAIL(p->e, INVALID_ARGUMENT, "there are no classes to draw from");
  return sx_prep_phase(p, run_multinomial, p->in[0].dims[0], (double)q->classes * 10 + (double)q->samples * SAMPLE_NS,
                       (size_t)q->classes * 2 * sizeof(double));
}
static bool claim_floats(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "only floats are drawn";
  sx_dtype t = (sx_dtype)sx_value_at(g, n->out[0])->fact.dtype;
  return sx_dtype_is_float(t) && sx_dtype_bits(t) >= 16;
}
static bool claim_numbers(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "the results must be numbers of 8 bits or more";
  sx_dtype t = (sx_dtype)sx_value_at(g, n->out[0])->fact.dtype;
  return sx_ew_class_of(t) != SX_EW_CLASSES && sx_dtype_bits(t) >= 8;
}
static bool claim_indices(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "the results must be int32 or int64";
  sx_dtype t = (sx_dtype)sx_value_at(g, n->out[0])->fact.dtype;
  return t == SX_I32 || t == SX_I64;
}
#define ROW(N, fn, ok) \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "random", .claim = ok, .create = sx_random_create, .prepare = fn};
ROW(RandomNormal, prepare_normal, claim_floats)
ROW(RandomNormalLike, prepare_normal, claim_floats)
ROW(RandomUniform, prepare_uniform, claim_floats)
ROW(RandomUniformLike, prepare_uniform, claim_floats)
ROW(Bernoulli, prepare_bernoulli, claim_numbers)
ROW(Multinomial, prepare_multinomial, claim_indices)
