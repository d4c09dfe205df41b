// SPDX-License-Identifier: MIT
/* QLinearAdd and QLinearMul row by row over merged dimensions; QLinearGlobalAveragePool; Lookup. */
#include "ep/cpu/bind/quant.h"
#include "ep/cpu/kernels/elementwise/elementwise.h"
#include "ep/cpu/kernels/quant/qlinear.h"
#include <math.h>

enum { CHUNK = 16384 };
typedef struct binary {
  const sx_qlinear_table *t;
  sx_ew_space s;
  bool product;
  int64_t chunks, rows, len; /* of a row */
  sx_qbinary q;              /* scales and zero points in it when `ready` */
  bool ready;
  sx_quant_scale a, b, y;
} binary;

static void fill(sx_qbinary *q, bool product, const sx_quant_scale *a, const sx_quant_scale *b, const sx_quant_scale *y,
                 const void *scratch) {
  const int32_t *za = sx_quant_zeros(a, scratch), *zb = sx_quant_zeros(b, scratch), *zy = sx_quant_zeros(y, scratch);
  const float sa = *sx_quant_scales(a, scratch), sb = *sx_quant_scales(b, scratch), sy = *sx_quant_scales(y, scratch);
  q->a_zero = za ? *za : 0, q->b_zero = zb ? *zb : 0, q->y_zero = zy ? *zy : 0;
  q->a_scale = product ? sa * sb / sy : sa / sy, q->b_scale = sb / sy;
  sx_qbinary_range(q);
}

static sx_status run_setup(const sx_call *c, uint32_t begin, uint32_t end) {
  const binary *p = c->params;
  if (begin < end) sx_quant_scale_run(&p->a, c), sx_quant_scale_run(&p->b, c), sx_quant_scale_run(&p->y, c);
  return SX_OK;
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const binary *p = c->params;
  sx_qbinary late = p->q;
  if (!p->ready) fill(&late, p->product, &p->a, &p->b, &p->y, c->scratch);
  const int r = (int)p->s.rank - 1;
  for (int64_t u = begin; u < end; u++) {
    const int64_t at = u % p->chunks * CHUNK, n = p->len - at < CHUNK ? p->len - at : CHUNK;
    int64_t row = u / p->chunks, offset[3] = {0};
    for (int d = r - 1; d >= 0; row /= p->s.dim[d], d--)
      for (int k = 0; k < 3; k++) offset[k] += row % p->s.dim[d] * p->s.stride[k][d];
    const int64_t sa = r < 0 ? 1 : p->s.stride[0][r], sb = r < 0 ? 1 : p->s.stride[1][r];
    (p->product ? p->t->mul : p->t->add)(&late, (const uint8_t *)c->in[0] + offset[0] + at * sa, (int)sa,
                                         (const uint8_t *)c->in[3] + offset[1] + at * sb, (int)sb,
                                         (uint8_t *)c->out[0] + offset[2] + at, n);
  }
  return SX_OK;
}

static sx_status prepare_binary(sx_prep *p) {
  binary *q = SX_NEW(p->arena, binary);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *v[3] = {&p->in[0], &p->in[3], &p->out[0]};
  const int64_t flat[3] = {(int64_t)v[0]->size, (int64_t)v[1]->size, (int64_t)v[2]->size};
  sx_ew_shape shapes[3] = {{0}};
  /* Blocked operands have equal shapes, or are one element: the layout pass sees to it. */
  for (int k = 0; k < 3; k++)
    if (v[2]->layout == SX_BLOCKED)
      shapes[k] = (sx_ew_shape){.rank = 1, .dim = &flat[k]};
    else
      shapes[k] = (sx_ew_shape){.rank = (uint32_t)v[k]->rank, .dim = v[k]->dims};
  SX_TRY(sx_ew_space_init(&q->s, shapes[2].rank, shapes[2].dim, 2, 1, shapes, p->e));
  const uint32_t zero[3] = {2, 5, 7};
  sx_quant_scale *const s[3] = {&q->a, &q->b, &q->y};
  q->ready = true;
  for (int k = 0; k < 3; k++) {
    SX_TRY(sx_quant_scale_prepare(p, (int)zero[k] - 1, (int)zero[k], s[k]));
    if (s[k]->n != 1)
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements, expected one", zero[k] - 1, (long long)s[k]->n);
    q->ready &= s[k]->constant != NULL;
  }
  q->t = sx_qlinear(p->cpu->isa);
  q->product = p->n->op == &sx_op_QLinearMul;
  q->q.is_signed = v[0]->dtype == SX_I8;
  if (q->ready) fill(&q->q, q->product, &q->a, &q->b, &q->y, NULL);
  q->len = q->s.rank ? q->s.dim[q->s.rank - 1] : 1;
  q->chunks = (q->len + CHUNK - 1) / CHUNK;
  q->rows = 1;
  for (uint32_t d = 0; d + 1 < q->s.rank; d++) q->rows *= q->s.dim[d];
  p->params = q;
  if (!q->ready) SX_TRY(sx_prep_phase(p, run_setup, 1, 20, 0));
  return sx_prep_phase(p, run, v[2]->count ? q->rows * q->chunks : 0, (double)(q->len < CHUNK ? q->len : CHUNK) * 0.1 + 10,
                       0);
}

typedef struct lookup {
  const sx_qlinear_table *t;
  int64_t count;
  bool is_signed;
} lookup;
static sx_status run_lookup(const sx_call *c, uint32_t begin, uint32_t end) {
  const lookup *q = c->params;
  const int64_t from = begin * (int64_t)CHUNK, to = end * (int64_t)CHUNK < q->count ? end * (int64_t)CHUNK : q->count;
  uint8_t table[256];
  for (int i = 0; i < 256; i++) table[i] = ((const uint8_t *)c->in[1])[q->is_signed ? i ^ 128 : i];
  q->t->lookup(table, (const uint8_t *)c->in[0] + from, (uint8_t *)c->out[0] + from, to - from);
  return SX_OK;
}
static sx_status prepare_lookup(sx_prep *p) {
  lookup *q = SX_NEW(p->arena, lookup);
  if (!q) SX_NO_MEMORY(p->e);
  if (p->in[1].count != 256)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the table has %lld entries, expected 256", (long long)p->in[1].count);
  *q = (lookup){sx_qlinear(p->cpu->isa), (int64_t)p->in[0].size, p->in[0].dtype == SX_I8};
  p->params = q;
  return sx_prep_phase(p, run_lookup, (q->count + CHUNK - 1) / CHUNK, CHUNK * 0.3, 0);
}

/* QLinearGlobalAveragePool: a unit is a channel, or a block of them, of one image. */
typedef struct mean {
  const sx_qlinear_table *t;
  bool is_signed, blocked;
  int64_t channels, pixels;
  sx_quant_scale x, y;
} mean;
static uint8_t mean_of(const mean *q, double sum, const void *scratch) {
  const int32_t *zx = sx_quant_zeros(&q->x, scratch), *zy = sx_quant_zeros(&q->y, scratch);
  const double scale = (double)*sx_quant_scales(&q->x, scratch) / (double)*sx_quant_scales(&q->y, scratch);
  const double v = rint((sum / (double)q->pixels - (zx ? *zx : 0)) * scale) + (zy ? *zy : 0), lo = q->is_signed ? -128 : 0;
  return (uint8_t)(int)(v > lo ? v < lo + 255 ? v : lo + 255 : lo);
}
static sx_status run_mean(const sx_call *c, uint32_t begin, uint32_t end) {
  enum { MOST = 1 << 20, LANES = 16 };
  const mean *q = c->params;
  const int64_t width = q->blocked ? q->t->lanes : 1;
  for (int64_t u = begin; u < end; u++) {
    const uint8_t *x = (const uint8_t *)c->in[0] + u * q->pixels * width;
    double sum[LANES] = {0};
    for (int64_t p = 0; p < q->pixels; p += MOST) {
      const int64_t n = q->pixels - p < MOST ? q->pixels - p : MOST;
      int32_t part[LANES];
      if (q->blocked)
        q->t->sums(x + p * width, n, q->is_signed, part);
      else
        part[0] = q->t->sum(x + p, n, q->is_signed);
      for (int64_t i = 0; i < width; i++) sum[i] += part[i];
    }
    for (int64_t i = 0; i < width; i++) ((uint8_t *)c->out[0])[u * width + i] = mean_of(q, sum[i], c->scratch);
  }
  return SX_OK;
}
static sx_status run_mean_setup(const sx_call *c, uint32_t begin, uint32_t end) {
  const mean *q = c->params;
  if (begin < end) sx_quant_scale_run(&q->x, c), sx_quant_scale_run(&q->y, c);
  return SX_OK;
}
static sx_status prepare_mean(sx_prep *p) {
  mean *q = SX_NEW(p->arena, mean);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  SX_TRY(sx_quant_scale_prepare(p, 1, 2, &q->x));
  SX_TRY(sx_quant_scale_prepare(p, 3, 4, &q->y));
  if (q->x.n != 1 || q->y.n != 1) SX_FAIL(p->e, INVALID_ARGUMENT, "expected one scale for the input and one for the result");
  q->t = sx_qlinear(p->cpu->isa);
  q->is_signed = x->dtype == SX_I8, q->blocked = x->layout == SX_BLOCKED;
  q->pixels = sx_dims_count(x->dims, 2, x->rank);
  q->channels = q->blocked ? (x->dims[1] + q->t->lanes - 1) / q->t->lanes : x->dims[1];
  p->params = q;
  if (!q->x.constant || !q->y.constant) SX_TRY(sx_prep_phase(p, run_mean_setup, 1, 20, 0));
  return sx_prep_phase(p, run_mean, x->dims[0] * q->channels, (double)(q->pixels * (q->blocked ? q->t->lanes : 1)) * 0.03 + 20, 0);
}

#define BYTES (1u << SX_U8 | 1u << SX_I8)
#define ROW(N)                   \
  const sx_kernel sx_cpu_##N = { \
      .op = &sx_op_##N, .name = "qlinear", .types = BYTES, .flags = SX_KERNEL_BLOCKED, .prepare = prepare_binary};
ROW(QLinearAdd)
ROW(QLinearMul)
const sx_kernel sx_cpu_QLinearGlobalAveragePool = {.op = &sx_op_QLinearGlobalAveragePool,
                                                   .name = "qmean",
                                                   .types = BYTES,
                                                   .flags = SX_KERNEL_BLOCKED,
                                                   .prepare = prepare_mean};
const sx_kernel sx_cpu_Lookup = {.op = &sx_op_Lookup,
                                                 .name = "lookup",
                                                 .types = BYTES,
                                                 .flags = SX_KERNEL_BLOCKED | SX_KERNEL_INPLACE0,
                                                 .prepare = prepare_lookup};
