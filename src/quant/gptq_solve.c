// SPDX-License-Identifier: MIT
/* The linear algebra of GPTQ: sums of many errors are products of the library's own kernels, what is left are triangles of
 * a block. */
#include "quant/gptq_solve.h"
#include <math.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "ep/cpu/kernels/gemm/gemm.h"

static sx_status check_size(int64_t n, const char *what, sx_err *e) {
  if (n <= INT32_MAX) return SX_OK;
  SX_FAIL(e, INVALID_ARGUMENT, "a matrix of %lld %s: GPTQ takes at most %d", (long long)n, what, INT32_MAX);
}

/* K times K elements in bytes. */
static bool square(int64_t K, size_t element, size_t *bytes) {
  return sx_size_mul((size_t)K, (size_t)K, bytes) && sx_size_mul(*bytes, element, bytes);
}

sx_status sx_gptq_moments_create(int64_t K, sx_gptq_moments *m, sx_err *e) {
  size_t bytes;
  *m = (sx_gptq_moments){0};
  SX_TRY(check_size(K, "elements to sum", e));
  if (!square(K, sizeof *m->h, &bytes)) SX_NO_MEMORY(e);
  m->K = K, m->h = sx_malloc_aligned(bytes), m->perm = sx_calloc((size_t)K, sizeof *m->perm);
  if (m->h && m->perm) return memset(m->h, 0, bytes), SX_OK;
  sx_gptq_moments_drop(m);
  SX_NO_MEMORY(e);
}

void sx_gptq_moments_drop(sx_gptq_moments *m) {
  size_t bytes = 0;
  if (m->h && square(m->K, sizeof *m->h, &bytes)) sx_free_aligned(m->h, bytes);
  sx_free(m->perm, (size_t)m->K * sizeof *m->perm);
  *m = (sx_gptq_moments){0};
}

typedef struct product {
  const sx_gemm_table *t;
  const sx_gemm *g;
  const sx_gemm_io *io;
  char *scratch;
} product;

static sx_status run_product(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const product *p = ctx;
  p->t->run(p->g, p->io, begin, end, p->scratch + worker * p->g->scratch);
  return SX_OK;
}

static sx_status multiply(sx_pool *pool, const sx_gemm_table *t, sx_gemm *g, const sx_gemm_io *io, sx_err *e) {
  const uint32_t width = pool ? sx_pool_width(pool) : 1;
  size_t bytes;
  sx_gemm_plan(t, g);
  g->scratch = sx_round_up(g->scratch, 64);
  if (!sx_size_mul(g->scratch, width, &bytes)) SX_NO_MEMORY(e);
  product p = {t, g, io, sx_malloc_aligned(bytes + 1)};
  if (!p.scratch) SX_NO_MEMORY(e);
  const sx_status s = sx_pool_run(pool, width, (uint32_t)g->units, 1, run_product, &p, e);
  sx_free_aligned(p.scratch, bytes + 1);
  return s;
}

sx_status sx_gptq_add_rows(sx_gptq_moments *m, const float *x, int64_t rows, sx_pool *pool, sx_err *e) {
  sx_gemm g = {.M = m->K, .N = m->K, .K = rows, .a_row = 1, .a_k = m->K, .b_k = m->K, .b_n = 1, .c_row = m->K, .alpha = 1};
  g.epi.residual = true, g.epi.beta = 1, g.epi.res_row = m->K;
  return multiply(pool, sx_gemm_f32(), &g, &(sx_gemm_io){.a = x, .b = x, .res = m->h, .c = m->h}, e);
}

/* Rows [0, top) of the columns [from, to) of the factor, behind which it is finished: the triangle first, then the rows
 * above it. False: the matrix is not positive definite. */
static bool triangle(double *a, int64_t K, int64_t from, int64_t to) {
  for (int64_t c = to; c-- > from;) {
    const double d = a[c * K + c];
    if (!(d > 0)) return false;
    a[c * K + c] = sqrt(d);
    for (int64_t r = from; r < c; r++) a[r * K + c] /= a[c * K + c];
    for (int64_t r = from; r < c; r++)
      for (int64_t k = r; k < c; k++) a[r * K + k] -= a[r * K + c] * a[k * K + c];
  }
  return true;
}
typedef struct panel {
  double *a;
  int64_t K, from, to;
} panel;
static sx_status above(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const panel *p = ctx;
  for (int64_t r = begin; r < end; r++) {
    double *x = p->a + r * p->K;
    for (int64_t c = p->to; c-- > p->from;) {
      const double *u = p->a + c * p->K;
      double v = x[c];
      for (int64_t k = c + 1; k < p->to; k++) v -= x[k] * u[k];
      x[c] = v / u[c];
    }
  }
  return SX_OK;
}

/* a, symmetric, becomes U with a = U U^T (its upper triangle; the lower one is left). */
static sx_status factor(double *a, int64_t K, sx_pool *pool, bool *positive, sx_err *e) {
  enum { PANEL = 64, GRAIN = 16 };
  *positive = true;
  for (int64_t to = K, from; to > 0 && *positive; to = from) {
    from = to > PANEL ? to - PANEL : 0;
    if (to < K) {
      sx_gemm g = {.M = to, .N = to - from, .K = K - to, .a_row = K, .a_k = 1, .b_k = 1, .b_n = K, .c_row = K, .alpha = -1};
      g.epi.residual = true, g.epi.beta = 1, g.epi.res_row = K;
      const sx_gemm_io io = {.a = a + to, .b = a + from * K + to, .res = a + from, .c = a + from};
      SX_TRY(multiply(pool, sx_gemm_f64(), &g, &io, e));
    }
    *positive = triangle(a, K, from, to);
    panel p = {a, K, from, to};
    if (*positive) SX_TRY(sx_pool_run(pool, pool ? sx_pool_width(pool) : 1, (uint32_t)from, GRAIN, above, &p, e));
  }
  return SX_OK;
}

typedef struct rank {
  float weight;
  int32_t at;
} rank;
static int heavier(const void *a, const void *b) {
  const rank *x = a, *y = b;
  return x->weight != y->weight ? (x->weight < y->weight ? 1 : -1) : (x->at > y->at) - (x->at < y->at);
}

/* Elements in the order in which they are rounded: as they stand, or those with the largest moments first. */
static sx_status order(sx_gptq_moments *m, bool by_weight, sx_err *e) {
  const size_t bytes = (size_t)m->K * sizeof(rank);
  rank *r = sx_malloc(bytes);
  if (!r) SX_NO_MEMORY(e);
  for (int64_t k = 0; k < m->K; k++) r[k] = (rank){m->h[k * m->K + k], (int32_t)k};
  if (by_weight) qsort(r, (size_t)m->K, sizeof *r, heavier);
  for (int64_t k = 0; k < m->K; k++) m->perm[k] = r[k].at;
  sx_free(r, bytes);
  return SX_OK;
}

sx_status sx_gptq_factor(sx_gptq_moments *m, const sx_quant_options *o, sx_pool *pool, sx_err *e) {
  const int64_t K = m->K;
  size_t bytes;
  double mean = 0, damping = o->damping;
  bool done = false;
  if (!square(K, sizeof(double), &bytes)) SX_NO_MEMORY(e);
  double *a = sx_malloc_aligned(bytes);
  if (!a) SX_NO_MEMORY(e);
  sx_status s = order(m, o->heavy_first, e);
  for (int64_t k = 0; k < K; k++) mean += (double)m->h[k * K + k] / (double)K;
  if (!(mean > 0)) mean = 1; /* nothing but zeros: every element counts alike */
  for (int tries = 0; s == SX_OK && !done; tries++, damping = damping > 0 ? 10 * damping : 1e-6) {
    for (int64_t i = 0; i < K; i++)
      for (int64_t j = 0; j < K; j++) a[i * K + j] = (double)m->h[(int64_t)m->perm[i] * K + m->perm[j]];
    for (int64_t i = 0; i < K; i++) a[i * K + i] += damping * mean + (a[i * K + i] == 0 ? mean : 0);
    s = factor(a, K, pool, &done, e);
    if (s == SX_OK && !done && tries == 12) s = sx_fail(e, SX_E_FAIL, SX_HERE, "the sums over its samples are too large for floats: the numbers are beyond what can be squared and added up");
  }
  for (int64_t i = 0; i < K && s == SX_OK; i++)
    for (int64_t j = i; j < K; j++) m->h[i * K + j] = (float)a[i * K + j];
  sx_free_aligned(a, bytes);
  return s;
}

/* A matrix that is being rounded: rows [from, from + count) of the order. */
typedef struct solving {
  const sx_gptq_moments *m;
  const float *w;
  int64_t N, stride_n, stride_k;
  const sx_quant_options *o;
  sx_quant_blocks *out;
  sx_quant_step *steps; /* [N, blocks] */
  float *errors;        /* [K, N], in the order */
  float *before;        /* [block, N]: what the errors of rows before `from` add to these rows' terms */
  double *off;          /* [N] */
  int64_t from, count, blocks;
  bool fixed; /* steps are there already */
} solving;

/* The step of the rows, from the weights as they would be best after the errors that were made before. */
static void find_step(const solving *p, int64_t n) {
  const int64_t K = p->m->K, count = p->count;
  float term[SX_QUANT_MOST_BLOCK], x[SX_QUANT_MOST_BLOCK];
  for (int64_t j = 0; j < count; j++) term[j] = p->before[j * p->N + n];
  for (int64_t j = 0; j < count; j++) {
    const float *u = p->m->h + (p->from + j) * K + p->from, error = -term[j] / u[j];
    for (int64_t k = j + 1; k < count; k++) term[k] += u[k] * error;
    x[j] = p->w[n * p->stride_n + p->m->perm[p->from + j] * p->stride_k] - error;
  }
  p->steps[n * p->blocks + p->from / p->o->block] = sx_quant_step_of(x, count, p->o);
}

static void round_rows(const solving *p, int64_t n) {
  const int64_t K = p->m->K;
  float term[SX_QUANT_MOST_BLOCK];
  for (int64_t j = 0; j < p->count; j++) term[j] = p->before[j * p->N + n];
  for (int64_t j = 0; j < p->count; j++) {
    const float *u = p->m->h + (p->from + j) * K + p->from;
    const int64_t at = p->m->perm[p->from + j];
    const float w = p->w[n * p->stride_n + at * p->stride_k];
    const sx_quant_step *s = &p->steps[n * p->blocks + at / p->o->block];
    const int code = sx_quant_code_of(s, w + term[j] / u[j]);
    const float error = w - ((float)code - s->zero) * s->scale;
    sx_quant_put_code(p->out, n, at, code, p->o);
    p->errors[(p->from + j) * p->N + n] = error, p->off[n] += (double)error * (double)error;
    for (int64_t k = j + 1; k < p->count; k++) term[k] += u[k] * error;
  }
}

static sx_status run_channels(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  for (int64_t n = begin; n < end; n++) {
    if (!((const solving *)ctx)->fixed) find_step(ctx, n);
    round_rows(ctx, n);
  }
  return SX_OK;
}

/* Steps from the weights as they are, of block k: of each channel, or one for all. */
static sx_status fixed_steps(const solving *p, sx_err *e) {
  const int64_t most = p->o->share_steps ? p->N * p->o->block : p->o->block;
  float *x = sx_malloc((size_t)most * sizeof *x);
  if (!x) SX_NO_MEMORY(e);
  for (int64_t k = 0; k < p->blocks; k++) {
    const int64_t from = k * p->o->block, end = from + p->o->block < p->m->K ? from + p->o->block : p->m->K;
    int64_t count = 0;
    for (int64_t n = 0; n < p->N; n++) {
      for (int64_t i = from; i < end; i++) x[count++] = p->w[n * p->stride_n + i * p->stride_k];
      if (p->o->share_steps) continue;
      p->steps[n * p->blocks + k] = sx_quant_step_of(x, count, p->o), count = 0;
    }
    if (!p->o->share_steps) continue;
    const sx_quant_step s = sx_quant_step_of(x, count, p->o);
    for (int64_t n = 0; n < p->N; n++) p->steps[n * p->blocks + k] = s;
  }
  sx_free(x, (size_t)most * sizeof *x);
  return SX_OK;
}

static sx_status round_all(solving *p, sx_pool *pool, sx_err *e) {
  const int64_t K = p->m->K, N = p->N;
  if (p->fixed) SX_TRY(fixed_steps(p, e));
  for (p->from = 0; p->from < K; p->from += p->o->block) {
    p->count = K - p->from < p->o->block ? K - p->from : p->o->block;
    sx_gemm g = {.M = p->count, .N = N, .K = p->from, .a_row = 1, .a_k = K, .b_k = N, .b_n = 1, .c_row = N, .alpha = 1};
    if (p->from)
      SX_TRY(multiply(pool, sx_gemm_f32(), &g, &(sx_gemm_io){.a = p->m->h + p->from, .b = p->errors, .c = p->before}, e));
    SX_TRY(sx_pool_run(pool, pool ? sx_pool_width(pool) : 1, (uint32_t)N, 16, run_channels, p, e));
  }
  for (int64_t n = 0; n < N; n++)
    for (int64_t k = 0; k < p->blocks; k++) sx_quant_put_step(p->out, n, k, &p->steps[n * p->blocks + k], K, p->o);
  return SX_OK;
}

sx_status sx_gptq_solve(const sx_gptq_moments *m, const float *w, int64_t N, int64_t stride_n, int64_t stride_k,
                        const sx_quant_options *o, sx_pool *pool, sx_quant_blocks *out, sx_err *e) {
  const int64_t K = m->K, blocks = (K + o->block - 1) / o->block;
  double off = 0, norm = 0;
  sx_arena a = {0};
  *out = (sx_quant_blocks){0};
  SX_TRY(check_size(N, "channels", e));
  for (int64_t n = 0; n < N; n++)
    for (int64_t k = 0; k < K; k++) norm += (double)w[n * stride_n + k * stride_k] * (double)w[n * stride_n + k * stride_k];
  if (!isfinite(norm)) SX_FAIL(e, INVALID_ARGUMENT, "a weight is infinite or NaN: it has no scale");
  SX_TRY(sx_quant_blocks_create(N, K, o, out, e));
  solving p = {.m = m, .w = w, .N = N, .stride_n = stride_n, .stride_k = stride_k, .o = o, .out = out, .blocks = blocks};
  p.fixed = o->heavy_first || o->share_steps;
  p.steps = sx_arena_array(&a, (size_t)(N * blocks), sizeof *p.steps);
  p.errors = sx_arena_array(&a, (size_t)(N * K), sizeof *p.errors);
  p.before = sx_arena_array(&a, (size_t)(N * o->block), sizeof *p.before);
  p.off = sx_arena_array(&a, (size_t)N, sizeof *p.off);
  sx_status s = p.steps && p.errors && p.before && p.off ? round_all(&p, pool, e)
                                                         : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  for (int64_t n = 0; n < N && s == SX_OK; n++) off += p.off[n];
  out->error = norm > 0 ? sqrt(off / norm) : 0;
  sx_arena_free(&a);
  if (s != SX_OK) sx_quant_blocks_drop(out);
  return s;
}
