// SPDX-License-Identifier: MIT
/* Blocks of few bits. RTN rounds each element to the nearest code of the block's range. HQQ moves the zero point so that
 * the larger part of the elements is met well and few outliers are not (Badri and Shaji, "Half-Quadratic Quantization of
 * Large Machine Learning Models", 2023). */
#include "quant/blocks.h"
#include <float.h>
#include <math.h>

typedef struct span { /* a block's elements, and their range with 0 in it */
  const float *x;
  int64_t n;
  float lo, hi;
} span;

int sx_quant_code_of(const sx_quant_step *s, float x) {
  return (int)fminf(fmaxf(rintf(x / s->scale + s->zero), 0), (float)s->top);
}

/* The middle code is zero; the extreme of greater magnitude gets the code 0, which reaches one step further. */
static void symmetric(const span *b, sx_quant_step *s) {
  const float most = b->hi > -b->lo ? b->hi : b->lo, middle = (float)((s->top + 1) / 2);
  s->scale = fabsf(most) / middle >= FLT_MIN ? -most / middle : 1, s->zero = middle;
}

static void whole_range(const span *b, bool integer, sx_quant_step *s) {
  s->scale = b->hi / (float)s->top - b->lo / (float)s->top;
  if (!(s->scale >= FLT_MIN)) s->scale = 1; /* zeros, or numbers below the normal ones */
  s->zero = -b->lo / s->scale;
  if (integer) s->zero = fminf(fmaxf(rintf(s->zero), 0), (float)s->top);
}

static void half_quadratic(const span *b, sx_quant_step *s) {
  enum { STEPS = 20 };
  const float p = 0.7f;
  float beta = 10, least = INFINITY, best = s->zero;
  for (int step = 0; step < STEPS; step++, beta *= 1.01f) {
    float off = 0, sum = 0;
    for (int64_t i = 0; i < b->n; i++) {
      const float code = (float)sx_quant_code_of(s, b->x[i]), d = b->x[i] - (code - s->zero) * s->scale, a = fabsf(d);
      const float outlier = a > 0 ? copysignf(fmaxf(a - powf(a, p - 1) / beta, 0), d) : 0;
      off += a, sum += code - (b->x[i] - outlier) / s->scale;
    }
    if (!(off < least)) break;
    least = off, best = s->zero;
    if (!isfinite(sum)) break;
    s->zero = sum / (float)b->n;
  }
  s->zero = best;
}

/* A narrower range clips few elements and meets the others better: the one of 80 with the least error, in the power 2.4. */
static void least_error(const span *b, bool even, sx_quant_step *s) {
  enum { NARROWER = 80 };
  double least = INFINITY;
  sx_quant_step best = *s;
  for (int i = 0; i < NARROWER; i++) {
    const float part = 1 - (float)i / 100;
    const span narrow = {b->x, b->n, b->lo * part, b->hi * part};
    sx_quant_step t = *s;
    if (even)
      symmetric(&narrow, &t);
    else
      whole_range(&narrow, true, &t);
    double off = 0;
    for (int64_t k = 0; k < b->n && off < least; k++)
      off += (double)powf(fabsf(((float)sx_quant_code_of(&t, b->x[k]) - t.zero) * t.scale - b->x[k]), 2.4f);
    if (off < least) least = off, best = t;
  }
  *s = best;
}

sx_quant_step sx_quant_step_of(const float *x, int64_t n, const sx_quant_options *o) {
  sx_quant_step s = {.top = (1 << o->bits) - 1};
  span b = {x, n, 0, 0};
  for (int64_t i = 0; i < n; i++) b.lo = fminf(b.lo, x[i]), b.hi = fmaxf(b.hi, x[i]);
  if (o->symmetric_weights)
    symmetric(&b, &s);
  else
    whole_range(&b, o->method != SX_QUANT_HQQ, &s);
  if (o->method == SX_QUANT_HQQ) half_quadratic(&b, &s);
  if (o->least_error) least_error(&b, o->symmetric_weights, &s);
  return s;
}

static void put(uint8_t *p, int64_t i, int bits, int code) { p[i * bits / 8] |= (uint8_t)((unsigned)code << i * bits % 8); }

void sx_quant_put_code(sx_quant_blocks *b, int64_t n, int64_t at, int code, const sx_quant_options *o) {
  put((uint8_t *)b->codes->data + n * b->codes->dims[1] * b->codes->dims[2], at, o->bits,
      code); /* blocks are whole bytes */
}

void sx_quant_put_step(sx_quant_blocks *b, int64_t n, int64_t k, const sx_quant_step *s, int64_t K,
                       const sx_quant_options *o) {
  const int64_t blocks = b->scale->dims[1];
  const int none = (int)fminf(fmaxf(rintf(s->zero), 0), (float)s->top);
  ((float *)b->scale->data)[n * blocks + k] = s->scale;
  if (b->zero && b->zero->dtype == SX_F32)
    ((float *)b->zero->data)[n * blocks + k] = s->zero;
  else if (b->zero)
    put((uint8_t *)b->zero->data + n * b->zero->dims[1], k, o->bits, (int)s->zero);
  for (int64_t i = K; i < (k + 1) * o->block; i++) sx_quant_put_code(b, n, i, none, o);
}

/* One row; returns false when an element is not finite. */
static bool row(const float *w, int64_t K, int64_t stride, const sx_quant_options *o, sx_quant_blocks *out, int64_t n,
                double *off, double *norm) {
  float x[SX_QUANT_MOST_BLOCK];
  for (int64_t k = 0, from = 0; from < K; k++, from += o->block) {
    const int64_t count = K - from < o->block ? K - from : o->block;
    for (int64_t i = 0; i < count; i++)
      if (!isfinite(x[i] = w[(from + i) * stride])) return false;
    const sx_quant_step s = sx_quant_step_of(x, count, o);
    sx_quant_put_step(out, n, k, &s, K, o);
    for (int64_t i = 0; i < count; i++) {
      const int code = sx_quant_code_of(&s, x[i]);
      const double d = (double)x[i] - (double)((float)code - s.zero) * (double)s.scale;
      sx_quant_put_code(out, n, from + i, code, o);
      *off += d * d, *norm += (double)x[i] * (double)x[i];
    }
  }
  return true;
}

sx_status sx_quant_blocks_create(int64_t N, int64_t K, const sx_quant_options *o, sx_quant_blocks *out, sx_err *e) {
  const int64_t blocks = (K + o->block - 1) / o->block, sizes[] = {N, blocks, o->block * o->bits / 8};
  const int64_t bytes[] = {N, (blocks * o->bits + 7) / 8};
  const bool real = o->method == SX_QUANT_HQQ;
  *out = (sx_quant_blocks){0};
  sx_status s = sx_tensor_create(SX_U8, 3, sizes, &out->codes, e);
  if (s == SX_OK) s = sx_tensor_create(SX_F32, 2, sizes, &out->scale, e);
  if (s == SX_OK && (real || !o->symmetric_weights))
    s = sx_tensor_create(real ? SX_F32 : SX_U8, 2, real ? sizes : bytes, &out->zero, e);
  if (s != SX_OK) sx_quant_blocks_drop(out);
  return s;
}

void sx_quant_blocks_drop(sx_quant_blocks *b) {
  sx_tensor_unref(b->codes), sx_tensor_unref(b->scale), sx_tensor_unref(b->zero);
  *b = (sx_quant_blocks){0};
}

sx_status sx_quantize_blocks(const float *w, int64_t N, int64_t K, int64_t stride_n, int64_t stride_k,
                             const sx_quant_options *o, sx_quant_blocks *out, sx_err *e) {
  double off = 0, norm = 0;
  SX_TRY(sx_quant_blocks_create(N, K, o, out, e));
  for (int64_t n = 0; n < N; n++) {
    if (row(w + n * stride_n, K, stride_k, o, out, n, &off, &norm)) continue;
    sx_quant_blocks_drop(out);
    SX_FAIL(e, INVALID_ARGUMENT, "a weight is infinite or NaN: it has no scale");
  }
  out->error = norm > 0 ? sqrt(off / norm) : 0;
  return SX_OK;
}
