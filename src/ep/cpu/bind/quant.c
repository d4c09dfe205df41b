// SPDX-License-Identifier: MIT
/* QuantizeLinear and DequantizeLinear over lines, runs of elements with one scale or with one each; DynamicQuantizeLinear
 * in two phases. Scales become f32 and zero points i32 once: with the instance when they are constant, else in a first
 * phase. */
#include "ep/cpu/bind/quant.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ops/quant/quant.h"

sx_status sx_quant_scale_prepare(sx_prep *p, int scale, int zero, sx_quant_scale *s) {
  const sx_view *vs = &p->in[scale], *vz = zero >= 0 && (uint32_t)zero < p->n_in && p->in[zero].dtype ? &p->in[zero] : NULL;
  *s = (sx_quant_scale){.isa = p->cpu->isa,
                        .n = vs->count,
                        .in_scale = scale,
                        .in_zero = vz ? zero : -1,
                        .scale_type = (sx_dtype)vs->dtype,
                        .zero_type = vz ? (sx_dtype)vz->dtype : SX_UNDEFINED};
  if (vz && vz->count != vs->count)
    SX_FAIL(p->e, FAIL, "the scale has %lld elements, the zero point %lld", (long long)vs->count, (long long)vz->count);
  if (vz && !sx_dtype_is_int((sx_dtype)vz->dtype)) s->in_zero = -1, vz = NULL; /* of the float kinds it is 0 here */
  if (vs->constant && (!vz || vz->constant)) {
    char *m = sx_arena_alloc(p->arena, (size_t)s->n * 8 + 1);
    if (!m) SX_NO_MEMORY(p->e);
    sx_quant_scale_load(s, vs->constant, vz ? vz->constant : NULL, m);
    s->constant = m;
    return SX_OK;
  }
  s->at = sx_round_up(p->scratch, SX_ALIGN);
  p->scratch = s->at + (size_t)s->n * 8;
  return SX_OK;
}
void sx_quant_scale_load(const sx_quant_scale *s, const void *scale, const void *zero, void *to) {
  sx_cast_run(s->isa, s->scale_type, SX_F32, 0, to, scale, 0, s->n);
  if (zero) sx_cast_run(s->isa, s->zero_type, SX_I32, 0, (int32_t *)to + s->n, zero, 0, s->n);
}
void sx_quant_scale_run(const sx_quant_scale *s, const sx_call *c) {
  if (!s->constant)
    sx_quant_scale_load(s, c->in[s->in_scale], s->in_zero < 0 ? NULL : c->in[s->in_zero], (char *)c->scratch + s->at);
}

enum { BLOCK = 512, LINE = 8192 };
typedef struct linear {
  sx_isa isa;
  sx_quant_scale s;
  sx_dtype x, y, precision; /* precision: F16 or BF16 when the division is rounded to it */
  uint32_t mode;
  /* Line l is number i = l % period of period o = l / period: `len` elements, the last of a period what is left of
   * period_elems. Its scale is number (o * per_period + i / group) * step. */
  int64_t lines, len, period, period_elems, per_period, group, step;
  int64_t each; /* so many elements of a line have one of their own; 0: all */
  int64_t per_unit;
} linear;

static void load(const linear *q, const void *x, int64_t at, int64_t n, float *to) {
  if (q->x == SX_F32)
    memcpy(to, (const float *)x + at, (size_t)n * sizeof *to);
  else
    sx_cast_run(q->isa, q->x, SX_F32, 0, to, (const char *)x + at * (int64_t)(sx_dtype_bits(q->x) / 8), 0, n);
}

/* Numbers of the precision that the division has. */
static void rounded(const linear *q, const float *x, int64_t n, float *to) {
  uint16_t half[BLOCK];
  sx_cast_run(q->isa, SX_F32, q->precision, 0, half, x, 0, n);
  sx_cast_run(q->isa, q->precision, SX_F32, 0, to, half, 0, n);
}

static void quantize_line(const linear *q, const void *x, void *y, int64_t at, int64_t n, const float *scale,
                          const int32_t *zero) {
  float v[BLOCK];
  static const float one = 1;
  const int64_t step = q->each ? BLOCK / q->each * q->each : BLOCK;
  for (int64_t i = 0; i < n; i += step) {
    const int64_t m = n - i < step ? n - i : step, k = q->each ? i / q->each : 0;
    const float *s = scale + k;
    const int32_t *z = zero ? zero + k : NULL;
    const float *from = q->x == SX_F32 ? (const float *)x + at + i : v;
    if (from == v) load(q, x, at + i, m, v);
    if (q->precision != SX_F32) {
      if (q->x != q->precision) rounded(q, from, m, v), from = v;
      for (int64_t j = 0; j < m; j++) v[j] = from[j] / s[q->each ? j : 0]; /* no blocks here */
      rounded(q, v, m, v);
      from = v, s = &one;
      if (!q->each || !z)
        sx_quantize_f32(q->isa, q->y, q->mode, y, from, 1, z ? *z : 0, at + i, m);
      else
        for (int64_t j = 0; j < m; j++) sx_quantize_f32(q->isa, q->y, q->mode, y, from + j, 1, z[j], at + i + j, 1);
    } else if (q->each)
      sx_quantize_f32_each(q->isa, q->y, q->mode, y, from, s, z, q->each, at + i, m);
    else
      sx_quantize_f32(q->isa, q->y, q->mode, y, from, *s, z ? *z : 0, at + i, m);
  }
}

static void dequantize_line(const linear *q, const void *x, void *y, int64_t at, int64_t n, const float *scale,
                            const int32_t *zero) {
  float v[BLOCK];
  const int64_t step = q->each ? BLOCK / q->each * q->each : BLOCK;
  for (int64_t i = 0; i < n; i += step) {
    const int64_t m = n - i < step ? n - i : step, k = q->each ? i / q->each : 0;
    float *to = q->y == SX_F32 ? (float *)y + at + i : v;
    if (q->each)
      sx_dequantize_f32_each(q->isa, q->x, to, x, scale + k, zero ? zero + k : NULL, q->each, at + i, m);
    else
      sx_dequantize_f32(q->isa, q->x, to, x, *scale, zero ? *zero : 0, at + i, m);
    if (to == v) sx_cast_run(q->isa, SX_F32, q->y, 0, (char *)y + (at + i) * (int64_t)(sx_dtype_bits(q->y) / 8), v, 0, m);
  }
}

static sx_status run_scales(const sx_call *c, uint32_t begin, uint32_t end) {
  const linear *q = c->params;
  if (begin < end) sx_quant_scale_run(&q->s, c);
  return SX_OK;
}

static void run_lines(const sx_call *c, uint32_t begin, uint32_t end,
                      void (*line)(const linear *, const void *, void *, int64_t, int64_t, const float *,
                                   const int32_t *)) {
  const linear *q = c->params;
  const float *scale = sx_quant_scales(&q->s, c->scratch);
  const int32_t *zero = sx_quant_zeros(&q->s, c->scratch);
  for (int64_t l = begin * q->per_unit, last = end * q->per_unit < q->lines ? end * q->per_unit : q->lines; l < last; l++) {
    const int64_t o = l / q->period, i = l % q->period, left = q->period_elems - i * q->len,
                  n = left < q->len ? left : q->len;
    const int64_t at = o * q->period_elems + i * q->len, k = (o * q->per_period + i / q->group) * q->step;
    line(q, c->in[0], c->out[0], at, n, scale + k, zero ? zero + k : NULL);
  }
}
static sx_status run_quantize(const sx_call *c, uint32_t begin, uint32_t end) {
  run_lines(c, begin, end, quantize_line);
  return SX_OK;
}
static sx_status run_dequantize(const sx_call *c, uint32_t begin, uint32_t end) {
  run_lines(c, begin, end, dequantize_line);
  return SX_OK;
}

/* Lines out of the scales' arrangement: the longest runs that have one scale, or whose scales lie side by side. */
static void lay_out(linear *q, const sx_quant_lines *v, int64_t count) {
  const int64_t axis = v->axis, inner = v->inner, blocks = v->blocked ? (axis + v->block - 1) / v->block : 0;
  q->group = 1;
  if (q->s.n == 1)
    q->period = (count + LINE - 1) / LINE, q->len = LINE, q->period_elems = count;
  else if (v->blocked && inner == 1 && v->block < BLOCK / 4 && axis <= LINE && q->precision == SX_F32)
    q->period = 1, q->per_period = blocks, q->len = q->period_elems = axis, q->step = 1, q->each = v->block;
  else if (v->blocked && inner == 1)
    q->period = q->per_period = blocks, q->len = v->block, q->period_elems = axis, q->step = 1;
  else if (inner == 1)
    q->period = 1, q->len = q->period_elems = axis, q->each = 1;
  else {
    q->period = axis, q->len = inner, q->period_elems = axis * inner, q->step = 1;
    if (v->blocked) q->per_period = blocks, q->group = v->block, q->step = inner, q->each = 1;
  }
  q->lines = count / q->period_elems * q->period;
}

/* Elements in memory: more than the shape's where a blocked layout pads its channels. */
static int64_t physical_count(const sx_view *v) {
  return v->layout == SX_BLOCKED ? (int64_t)(v->size / (sx_dtype_bits((sx_dtype)v->dtype) / 8)) : v->count;
}

static sx_status prepare(sx_prep *p, bool quantize) {
  linear *q = SX_NEW(p->arena, linear);
  sx_quant_lines v;
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  if (!sx_quant_view(p->n, x->rank, x->dims, p->in[1].rank, p->in[1].dims, &v))
    SX_FAIL(p->e, INVALID_ARGUMENT, "the scale of %lld elements does not fit the input", (long long)p->in[1].count);
  SX_TRY(sx_quant_scale_prepare(p, 1, 2, &q->s));
  q->isa = p->cpu->isa, q->x = (sx_dtype)x->dtype, q->y = (sx_dtype)p->out[0].dtype;
  int64_t precision = sx_attr_int(p->n, "precision", 0);
  if (!precision) precision = p->in[1].dtype; /* the scale's, and f32 where that is none to compute in */
  q->precision = precision == SX_F16 || precision == SX_BF16 ? (sx_dtype)precision : SX_F32;
  q->mode = sx_attr_int(p->n, "saturate", 1) ? SX_CAST_SATURATE : SX_CAST_NOSAT;
  p->params = q;
  if (!x->count) return SX_OK;
  lay_out(q, &v, physical_count(x));
  if (!q->s.constant) SX_TRY(sx_prep_phase(p, run_scales, 1, (double)q->s.n, 0));
  q->per_unit = LINE / q->len > 1 ? LINE / q->len : 1;
  /* Elements that share a byte are one unit's. */
  if (sx_dtype_bits(q->y) < 8) q->per_unit = q->lines;
  return sx_prep_phase(p, quantize ? run_quantize : run_dequantize, (q->lines + q->per_unit - 1) / q->per_unit,
                       (double)(q->per_unit * q->len) * 0.3, 0);
}
static sx_status prepare_quantize(sx_prep *p) { return prepare(p, true); }
static sx_status prepare_dequantize(sx_prep *p) { return prepare(p, false); }
const sx_kernel sx_cpu_QuantizeLinear = {
    .op = &sx_op_QuantizeLinear, .name = "quantize", .flags = SX_KERNEL_BLOCKED, .prepare = prepare_quantize};
const sx_kernel sx_cpu_DequantizeLinear = {
    .op = &sx_op_DequantizeLinear, .name = "dequantize", .flags = SX_KERNEL_BLOCKED, .prepare = prepare_dequantize};

/* DynamicQuantizeLinear: the extremes of chunks, then the chunks themselves. */
typedef struct dynamic {
  sx_isa isa;
  int64_t count, chunk, chunks;
} dynamic;
static sx_status run_extremes(const sx_call *c, uint32_t begin, uint32_t end) {
  const dynamic *q = c->params;
  float *m = c->scratch;
  for (int64_t u = begin; u < end; u++) {
    const int64_t n = q->count - u * q->chunk < q->chunk ? q->count - u * q->chunk : q->chunk;
    sx_minmax_f32(q->isa, (const float *)c->in[0] + u * q->chunk, n, &m[2 * u], &m[2 * u + 1]);
  }
  return SX_OK;
}
static sx_status run_dynamic(const sx_call *c, uint32_t begin, uint32_t end) {
  const dynamic *q = c->params;
  const float *m = c->scratch;
  float lo = 0, hi = 0, scale;
  uint8_t zero;
  for (int64_t u = 0; u < q->chunks; u++) lo = m[2 * u] < lo ? m[2 * u] : lo, hi = m[2 * u + 1] > hi ? m[2 * u + 1] : hi;
  sx_dynamic_params_u8(lo, hi, &scale, &zero);
  if (begin == 0 && c->out[1]) *(float *)c->out[1] = scale;
  if (begin == 0 && c->out[2]) *(uint8_t *)c->out[2] = zero;
  for (int64_t u = begin; c->out[0] && u < end; u++) {
    const int64_t at = u * q->chunk, n = q->count - at < q->chunk ? q->count - at : q->chunk;
    if (n > 0)
      sx_quantize_f32(q->isa, SX_U8, SX_CAST_SATURATE, c->out[0], (const float *)c->in[0] + at, scale, zero, at, n);
  }
  return SX_OK;
}
static sx_status prepare_dynamic(sx_prep *p) {
  enum { CHUNKS = 64 };
  dynamic *q = SX_NEW(p->arena, dynamic);
  if (!q) SX_NO_MEMORY(p->e);
  q->isa = p->cpu->isa, q->count = physical_count(&p->in[0]);
  q->chunk = (q->count + CHUNKS - 1) / CHUNKS > LINE ? (q->count + CHUNKS - 1) / CHUNKS : LINE;
  q->chunks = q->count ? (q->count + q->chunk - 1) / q->chunk : 0;
  p->params = q;
  p->scratch = 2 * CHUNKS * sizeof(float);
  SX_TRY(sx_prep_phase(p, run_extremes, q->chunks, (double)q->chunk * 0.05, 0));
  return sx_prep_phase(p, run_dynamic, q->chunks ? q->chunks : 1, (double)q->chunk * 0.3, 0);
}
const sx_kernel sx_cpu_DynamicQuantizeLinear = {.op = &sx_op_DynamicQuantizeLinear,
                                                .name = "quantize_dynamic",
                                                .flags = SX_KERNEL_BLOCKED,
                                                .types = 1u << SX_F32,
                                                .prepare = prepare_dynamic};
