// SPDX-License-Identifier: MIT
/* ExpertMatMul: each row times the weights of its own expert, which are constant and packed once. The rows are put in order
 * of their experts, so that each expert has one product over all its rows, and results are put back. Units are column blocks
 * of an expert: what nobody chose costs nothing. */
#include "base/alloc.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/kernels/nbits/nbits.h"
#include "ep/ep.h"
#include <stdio.h>

enum { ROWS, WEIGHT, EXPERTS, BIAS, SCALE, ZERO };
enum { CHUNK = 96, UNIT_BYTES = 1 << 17 }; /* rows of one call of GEMM; weights of a unit */
typedef struct experts { /* session state; t or n */
  const sx_gemm_table *t;
  const sx_nbits_table *n;
  sx_nbits s;
  const void *packed;
  int64_t E, N, K, panels;
  size_t matrix; /* bytes of an expert's packed weights */
} experts;
typedef struct params {
  const experts *w;
  sx_isa isa;
  sx_dtype type; /* of rows, bias and result */
  int64_t pairs, k, per_unit;
  size_t order_at, start_at, x_at, y_at; /* in the step's scratch */
  int64_t row_bytes;
  bool spread, bias;
} params;

typedef struct pack_ctx {
  const experts *w;
  sx_nbits_weights from;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *c = ctx;
  const experts *w = c->w;
  const sx_nbits *s = &w->s;
  for (int64_t u = begin, next; u < end; u = next) { /* a unit: one panel of one expert */
    const int64_t e = u / w->panels, p = u % w->panels, scales = s->N * s->blocks;
    next = (e + 1) * w->panels < end ? (e + 1) * w->panels : end;
    void *to = (char *)dst + (size_t)e * w->matrix;
    if (w->t) {
      w->t->pack_b((const char *)src + (size_t)(e * w->K * w->N * w->t->elem), 1, w->K, w->K, w->N, p, p + next - u, to);
      continue;
    }
    sx_nbits_weights from = {.q = (const uint8_t *)src + e * s->N * (s->K * s->bits / 8),
                             .scale = c->from.scale + e * scales,
                             .zero_f32 = c->from.zero_f32 ? c->from.zero_f32 + e * scales : NULL};
    sx_nbits_pack(w->n, s, &from, to, p, p + next - u);
  }
  return SX_OK;
}

static const sx_tensor *const_of(const sx_build *b, uint32_t i) { return sx_value_const(b->g, sx_node_in(b->n, i)); }
/* Scales, and zero points (E, N) or (E, N, blocks) whose last axis is packed, as floats. */
static sx_status read_scales(sx_build *b, const experts *w, sx_arena *tmp, sx_nbits_weights *out) {
  const sx_nbits *s = &w->s;
  const sx_tensor *scale = const_of(b, SCALE), *zero = const_of(b, ZERO);
  const int64_t n = w->E * s->N * s->blocks, line = zero && zero->rank == 2 ? s->N : s->blocks,
                line_bytes = (line * s->bits + 7) / 8;
  const void *from;
  float *f = SX_NEW_N(tmp, float, (size_t)n + 1), *z = zero ? SX_NEW_N(tmp, float, (size_t)n + 1) : NULL;
  if (!f || (zero && !z)) SX_NO_MEMORY(b->e);
  if (scale->count != n || (zero && zero->count != n / line * line_bytes))
    SX_FAIL(b->e, INVALID_ARGUMENT, "%lld scales and %lld bytes of zero points: expected %lld and %lld",
            (long long)scale->count, zero ? (long long)zero->count : 0, (long long)n, (long long)(n / line * line_bytes));
  SX_TRY(sx_tensor_data(scale, &from, b->e));
  sx_cast_run(b->cpu->isa, (sx_dtype)scale->dtype, SX_F32, 0, f, from, 0, n);
  out->scale = f, out->zero_f32 = z;
  if (!zero) return SX_OK;
  SX_TRY(sx_tensor_data(zero, &from, b->e));
  for (int64_t i = 0; i < n; i++) {
    const int64_t bit = i % line * s->bits;
    z[i] = (float)(((const uint8_t *)from)[i / line * line_bytes + bit / 8] >> bit % 8 & ((1 << s->bits) - 1));
  }
  return SX_OK;
}
static sx_status pack_nbits(sx_build *b, experts *w, sx_arena *tmp, pack_ctx *c, char *name, size_t room) {
  const int64_t bits = sx_attr_int(b->n, "bits", 0), block = sx_attr_int(b->n, "block_size", 0);
  w->n = sx_nbits_table_for(b->cpu, false);
  w->K = w->K * 8 / bits;
  w->s = (sx_nbits){.K = w->K, .N = w->N, .block = block, .blocks = w->K / block, .bits = (int)bits};
  SX_TRY(read_scales(b, w, tmp, &c->from));
  const size_t n = (size_t)(w->E * w->N * w->s.blocks) * sizeof(float);
  uint64_t h = sx_hash(c->from.scale, n, 0);
  if (c->from.zero_f32) h = sx_hash(c->from.zero_f32, n, h);
  if (!sx_nbits_packed_bytes(w->n, &w->s, &w->matrix)) SX_FAIL(b->e, FAIL, "the weights do not fit memory");
  w->panels = sx_nbits_panels(w->n, w->N);
  snprintf(name, room, "experts%d/%d %lldx%lld %lld %llx", w->s.bits, w->n->lanes, (long long)w->K, (long long)w->N,
           (long long)block, (unsigned long long)h);
  return SX_OK;
}
static sx_status create(sx_build *b) {
  const sx_tensor *t = const_of(b, WEIGHT);
  experts *w = SX_NEW(b->arena, experts);
  sx_arena tmp = {0};
  pack_ctx c = {.w = w};
  char name[80];
  size_t total;
  if (!w) SX_NO_MEMORY(b->e);
  w->E = t->dims[0], w->N = t->dims[1], w->K = t->dims[2];
  b->state = w, b->unused_inputs = 1u << WEIGHT;
  sx_status s = SX_OK;
  const bool narrow = t->stored != t->dtype && !t->factors;
  if (sx_attr_int(b->n, "bits", 0)) {
    s = pack_nbits(b, w, &tmp, &c, name, sizeof name);
  } else {
    const sx_dtype type = (sx_dtype)(narrow ? t->stored : t->dtype);
    w->t = type == SX_F16 ? sx_gemm_f16() : type == SX_BF16 ? sx_gemm_bf16() : sx_gemm_f32();
    w->panels = sx_gemm_panels(w->t, w->N);
    if (!sx_gemm_packed_bytes(w->t, w->K, w->N, &w->matrix)) s = sx_fail(b->e, SX_E_FAIL, SX_HERE, "the weights do not fit memory");
    snprintf(name, sizeof name, "experts%d %lldx%lld", w->t->elem, (long long)w->K, (long long)w->N);
  }
  if (s == SX_OK && (!sx_size_mul(w->matrix, (size_t)w->E, &total) || w->E * w->panels > UINT32_MAX))
    s = sx_fail(b->e, SX_E_FAIL, SX_HERE, "the weights of %lld experts do not fit memory", (long long)w->E);
  if (s == SX_OK)
    s = (narrow ? sx_weights_pack_scaled : sx_weights_pack)(b, t, name, total, (uint32_t)(w->E * w->panels), pack, &c,
                                                            &w->packed);
  sx_arena_free(&tmp);
  return s;
}

static int64_t *at_of(const sx_call *c, size_t at) { return (int64_t *)(void *)((char *)c->scratch + at); }
/* order: the pairs (token, choice) by expert; start: where an expert's begin. */
static sx_status run_sort(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t *e = c->in[EXPERTS], E = q->w->E;
  int64_t *order = at_of(c, q->order_at), *start = at_of(c, q->start_at);
  (void)begin, (void)end;
  for (int64_t i = 0; i <= E + 1; i++) start[i] = 0;
  for (int64_t i = 0; i < q->pairs; i++) {
    if (e[i] < 0 || e[i] >= E)
      SX_FAIL(c->e, INVALID_ARGUMENT, "expert %lld is chosen of %lld", (long long)e[i], (long long)E);
    start[e[i] + 2]++;
  }
  for (int64_t i = 0; i < E; i++) start[i + 2] += start[i + 1];
  for (int64_t i = 0; i < q->pairs; i++) order[start[e[i] + 1]++] = i; /* start[e + 1] ends where e + 1 begins */
  return SX_OK;
}
static sx_status run_gather(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t *order = at_of(c, q->order_at), K = q->w->K;
  for (int64_t r = begin; r < end; r++) {
    const int64_t row = q->spread ? order[r] / q->k : order[r];
    char *to = (char *)c->scratch + q->x_at + (size_t)(r * q->row_bytes);
    sx_convert_load(q->isa, q->type, q->w->t ? to : c->worker_scratch, c->in[ROWS], row * K, K);
    if (!q->w->t) q->w->n->rows(&q->w->s, c->worker_scratch, to);
  }
  return SX_OK;
}
static sx_gemm gemm_of(const experts *w, int64_t rows, int64_t columns) {
  sx_gemm g = {.M = rows, .N = columns, .K = w->K, .a_row = w->K, .a_k = 1, .b_packed = true, .c_row = w->N, .alpha = 1};
  g.wide = w->t->elem != (int)sizeof(float);
  sx_gemm_plan(w->t, &g);
  return g;
}
static sx_status run_product(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const experts *w = q->w;
  const int64_t *start = at_of(c, q->start_at);
  for (int64_t u = begin; u < end; u++) { /* experts side by side: neighbours share the work of few of them */
    const int64_t e = u % w->E, p0 = u / w->E * q->per_unit, p1 = p0 + q->per_unit < w->panels ? p0 + q->per_unit : w->panels;
    const char *packed = (const char *)w->packed + (size_t)e * w->matrix;
    float *y = (float *)(void *)((char *)c->scratch + q->y_at);
    if (!w->t && start[e] < start[e + 1])
      w->n->run(&w->s, packed, (char *)c->scratch + q->x_at + (size_t)(start[e] * q->row_bytes), start[e + 1] - start[e],
                NULL, y + start[e] * w->N, p0, p1);
    for (int64_t r = start[e], n; w->t && r < start[e + 1]; r += n) {
      const int64_t n0 = p0 * w->t->nr, n1 = p1 * w->t->nr < w->N ? p1 * w->t->nr : w->N;
      n = start[e + 1] - r < CHUNK ? start[e + 1] - r : CHUNK;
      const sx_gemm g = gemm_of(w, n, n1 - n0);
      const sx_gemm_io io = {.a = (char *)c->scratch + q->x_at + (size_t)(r * q->row_bytes),
                             .b = packed + (size_t)(n0 * w->K * w->t->elem),
                             .c = y + r * w->N + n0};
      w->t->run(&g, &io, 0, g.units, c->worker_scratch);
    }
  }
  return SX_OK;
}
static sx_status run_scatter(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t *order = at_of(c, q->order_at), *e = c->in[EXPERTS], N = q->w->N;
  for (int64_t r = begin; r < end; r++) {
    float *y = (float *)(void *)((char *)c->scratch + q->y_at) + r * N, *bias = c->worker_scratch;
    if (q->bias) {
      sx_convert_load(q->isa, q->type, bias, c->in[BIAS], e[order[r]] * N, N);
      for (int64_t j = 0; j < N; j++) y[j] += bias[j];
    }
    sx_convert_store(q->isa, q->type, 0, c->out[0], y, order[r] * N, N);
  }
  return SX_OK;
}

static size_t product_scratch(const experts *w, int64_t rows, int64_t columns) {
  size_t most = 0;
  for (int64_t m = 1; m <= rows && m <= CHUNK; m++)
    for (int64_t last = 0; last < 2; last++) {
      const size_t n = gemm_of(w, m, last ? (w->N - 1) % columns + 1 : columns).scratch;
      most = n > most ? n : most;
    }
  return most;
}
static bool place(size_t *at, size_t *end, int64_t n, int64_t bytes) {
  size_t size;
  *at = *end;
  return sx_size_mul((size_t)n, (size_t)bytes, &size) && sx_size_add(*end, sx_round_up(size, SX_ALIGN), end);
}
static sx_status prepare(sx_prep *p) {
  const experts *w = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  p->params = q;
  const sx_view *x = &p->in[ROWS], *e = &p->in[EXPERTS];
  *q = (params){.w = w, .isa = p->cpu->isa, .type = (sx_dtype)x->dtype, .pairs = e->count, .k = e->dims[1]};
  q->spread = sx_attr_int(p->n, "spread", 0) != 0, q->bias = sx_prep_has(p, BIAS);
  if (x->dims[1] != w->K || (q->spread ? x->dims[0] != e->dims[0] : x->dims[0] != q->pairs))
    SX_FAIL(p->e, INVALID_ARGUMENT, "rows (%lld, %lld) do not fit the experts of %lld tokens and their %lld columns",
            (long long)x->dims[0], (long long)x->dims[1], (long long)e->dims[0], (long long)w->K);
  if (q->bias && p->in[BIAS].count != w->E * w->N)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the bias has %lld elements, expected %lld", (long long)p->in[BIAS].count,
            (long long)(w->E * w->N));
  if (!p->out[0].count) return SX_OK;
  q->row_bytes = w->t ? w->K * (int64_t)sizeof(float) : w->n->row_bytes(&w->s);
  const int64_t lanes = w->t ? w->t->nr : w->n->lanes,
                panel = (int64_t)(w->matrix / (size_t)w->panels); /* bytes */
  q->per_unit = panel < UNIT_BYTES ? UNIT_BYTES / (panel + 1) : 1;
  if (q->per_unit > w->panels) q->per_unit = w->panels;
  if (q->per_unit < 1) q->per_unit = 1;
  const double blocks = (double)((w->panels + q->per_unit - 1) / q->per_unit);
  if (!place(&q->order_at, &p->scratch, q->pairs, 8) || !place(&q->start_at, &p->scratch, w->E + 2, 8) ||
      !place(&q->x_at, &p->scratch, q->pairs, q->row_bytes) || !place(&q->y_at, &p->scratch, q->pairs, w->N * 4))
    SX_FAIL(p->e, FAIL, "scratch memory overflows");
  SX_TRY(sx_prep_phase(p, run_sort, 1, (double)q->pairs * 2, 0));
  SX_TRY(sx_prep_phase(p, run_gather, q->pairs, (double)w->K * 0.2, w->t ? 0 : (size_t)w->K * sizeof(float)));
  SX_TRY(sx_prep_phase(p, run_product, (int64_t)blocks * w->E,
                       (double)q->pairs * (double)w->K * (double)w->N / blocks / (double)w->E * 0.03,
                       w->t ? product_scratch(w, q->pairs, q->per_unit * lanes) : 0));
  return sx_prep_phase(p, run_scatter, q->pairs, (double)w->N * 0.2, q->bias ? (size_t)w->N * sizeof(float) : 0);
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "weights, scales and zero points must be constant, and the weights not empty";
  for (uint32_t i = WEIGHT; i <= ZERO; i++)
    if (i != EXPERTS && i != BIAS && sx_node_in(n, i) != SX_NONE && !sx_value_const(g, n->in[i].value)) return false;
  return sx_value_const(g, n->in[WEIGHT].value)->count > 0;
}
const sx_kernel sx_cpu_ExpertMatMul = {.op = &sx_op_ExpertMatMul,
                                       .name = "experts",
                                       .types = 1u << SX_F32 | 1u << SX_F16 | 1u << SX_BF16,
                                       .claim = claim,
                                       .create = create,
                                       .prepare = prepare};
