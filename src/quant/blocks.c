// SPDX-License-Identifier: MIT
/* Blocks of few bits. RTN rounds each element to the nearest code of its block's range. HQQ moves the zero point so that
 * the larger part of the elements is met well and few outliers are not (Badri and Shaji, "Half-Quadratic Quantization of
 * Large Machine Learning Models", 2023). */
#include "quant/blocks.h"
#include <float.h>
#include <math.h>
#include "base/alloc.h"

enum { MOST = 1024 }; /* elements of a block */
typedef struct block {
  float x[MOST], code[MOST];
  int n, top; /* codes are 0 .. top */
  float scale, zero;
} block;

static void range_of(const block *b, float *lo, float *hi) {
  *lo = *hi = 0;
  for (int i = 0; i < b->n; i++) *lo = fminf(*lo, b->x[i]), *hi = fmaxf(*hi, b->x[i]);
}

static void encode(block *b) {
  for (int i = 0; i < b->n; i++) b->code[i] = fminf(fmaxf(rintf(b->x[i] / b->scale + b->zero), 0), (float)b->top);
}

/* The middle code is zero; the extreme of greater magnitude gets the code 0, which reaches one step further. */
static void symmetric(block *b) {
  float lo, hi;
  range_of(b, &lo, &hi);
  const float most = hi > -lo ? hi : lo, middle = (float)((b->top + 1) / 2);
  b->scale = fabsf(most) / middle >= FLT_MIN ? -most / middle : 1, b->zero = middle;
}

static void whole_range(block *b, bool integer) {
  float lo, hi;
  range_of(b, &lo, &hi);
  b->scale = hi / (float)b->top - lo / (float)b->top;
  if (!(b->scale >= FLT_MIN)) b->scale = 1; /* zeros, or numbers below the normal ones */
  b->zero = -lo / b->scale;
  if (integer) b->zero = fminf(fmaxf(rintf(b->zero), 0), (float)b->top);
}

static void half_quadratic(block *b) {
  enum { STEPS = 20 };
  const float p = 0.7f;
  float beta = 10, least = INFINITY, best = b->zero;
  for (int step = 0; step < STEPS; step++, beta *= 1.01f) {
    float off = 0, sum = 0;
    encode(b);
    for (int i = 0; i < b->n; i++) {
      const float d = b->x[i] - (b->code[i] - b->zero) * b->scale, a = fabsf(d);
      const float outlier = a > 0 ? copysignf(fmaxf(a - powf(a, p - 1) / beta, 0), d) : 0;
      off += a, sum += b->code[i] - (b->x[i] - outlier) / b->scale;
    }
    if (!(off < least)) break;
    least = off, best = b->zero;
    if (!isfinite(sum)) break;
    b->zero = sum / (float)b->n;
  }
  b->zero = best;
}

static void put_code(uint8_t *p, int64_t i, int bits, unsigned code) { p[i * bits / 8] |= (uint8_t)(code << i * bits % 8); }

/* One row; returns false when an element is not finite. */
static bool row(const float *w, int64_t K, int64_t stride, const sx_quant_options *o, block *b, sx_quant_blocks *out,
                int64_t n, double *off, double *norm) {
  const int64_t blocks = out->scale->dims[1], blob = out->codes->dims[2];
  for (int64_t k = 0; k < blocks; k++) {
    const int64_t from = k * o->block;
    b->n = (int)(K - from < o->block ? K - from : o->block);
    for (int i = 0; i < b->n; i++) {
      b->x[i] = w[(from + i) * stride];
      if (!isfinite(b->x[i])) return false;
    }
    if (o->symmetric_weights)
      symmetric(b);
    else
      whole_range(b, o->method != SX_QUANT_HQQ);
    if (o->method == SX_QUANT_HQQ) half_quadratic(b);
    encode(b);
    uint8_t *to = (uint8_t *)out->codes->data + (n * blocks + k) * blob;
    const float none = fminf(fmaxf(rintf(b->zero), 0), (float)b->top); /* behind K */
    for (int i = 0; i < o->block; i++) put_code(to, i, o->bits, (unsigned)(i < b->n ? b->code[i] : none));
    for (int i = 0; i < b->n; i++) {
      const double d = (double)b->x[i] - (double)(b->code[i] - b->zero) * (double)b->scale;
      *off += d * d, *norm += (double)b->x[i] * (double)b->x[i];
    }
    ((float *)out->scale->data)[n * blocks + k] = b->scale;
    if (out->zero && out->zero->dtype == SX_F32)
      ((float *)out->zero->data)[n * blocks + k] = b->zero;
    else if (out->zero)
      put_code((uint8_t *)out->zero->data + n * out->zero->dims[1], k, o->bits, (unsigned)b->zero);
  }
  return true;
}

sx_status sx_quantize_blocks(const float *w, int64_t N, int64_t K, int64_t stride_n, int64_t stride_k,
                             const sx_quant_options *o, sx_quant_blocks *out, sx_err *e) {
  const int64_t blocks = (K + o->block - 1) / o->block, sizes[] = {N, blocks, o->block * o->bits / 8};
  const int64_t bytes[] = {N, (blocks * o->bits + 7) / 8};
  const bool real = o->method == SX_QUANT_HQQ;
  double off = 0, norm = 0;
  block *b = sx_malloc(sizeof *b);
  *out = (sx_quant_blocks){0};
  sx_status s =
      b ? sx_tensor_create(SX_U8, 3, sizes, &out->codes, e) : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = sx_tensor_create(SX_F32, 2, sizes, &out->scale, e);
  if (s == SX_OK && (real || !o->symmetric_weights))
    s = sx_tensor_create(real ? SX_F32 : SX_U8, 2, real ? sizes : bytes, &out->zero, e);
  if (b) b->top = (1 << o->bits) - 1;
  for (int64_t n = 0; n < N && s == SX_OK; n++)
    if (!row(w + n * stride_n, K, stride_k, o, b, out, n, &off, &norm))
      s = sx_fail(e, SX_E_INVALID_ARGUMENT, SX_HERE, "a weight is infinite or NaN: it has no scale");
  out->error = norm > 0 ? sqrt(off / norm) : 0;
  sx_free(b, sizeof *b);
  if (s == SX_OK) return s;
  sx_tensor_unref(out->codes), sx_tensor_unref(out->scale), sx_tensor_unref(out->zero);
  *out = (sx_quant_blocks){0};
  return s;
}
