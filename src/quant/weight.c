// SPDX-License-Identifier: MIT
/* Weights to integers: the range of each channel gives its scale, each element the nearest code. Ranges always have zero in
 * them, so that zero is a code. */
#include <math.h>
#include "base/alloc.h"
#include "quant/weight.h"

sx_quant_grid sx_quant_grid_of(sx_dtype dtype, bool symmetric, bool reduce_range) {
  const int bits = (int)sx_dtype_bits(dtype), half = 1 << (bits - 1);
  sx_quant_grid q = {dtype, 0, 2 * half - 1, symmetric};
  if (sx_dtype_is_signed(dtype)) q.lo = symmetric && bits > 4 ? 1 - half : -half, q.hi = half - 1;
  if (reduce_range && bits == 8) { /* as ONNX Runtime's tool has it */
    q.hi = sx_dtype_is_signed(dtype) ? half / 2 : half - 1;
    q.lo = sx_dtype_is_signed(dtype) ? -half / 2 : 0;
  }
  return q;
}

void sx_quant_fit(const sx_quant_grid *q, double lo, double hi, double *scale, int *zero) {
  lo = fmin(lo, 0), hi = fmax(hi, 0);
  if (q->symmetric) hi = fmax(-lo, hi), lo = -hi;
  *scale = (double)(float)((hi - lo) / (q->hi - q->lo));
  const bool nothing = !(*scale >= 1.17549435e-38); /* all zeros, or a scale below the normal numbers */
  if (nothing) *scale = 1;
  *zero = q->symmetric ? (int)rint((q->lo + q->hi) / 2.0) : nothing ? 0 : (int)rint(q->lo - lo / *scale);
}

/* The elements of t as f32; *copy is to be freed, when there is one. */
static sx_status floats(const sx_tensor *t, const float **out, float **copy, sx_err *e) {
  const void *data;
  *copy = NULL;
  if (t->dtype == SX_F32) {
    SX_TRY(sx_tensor_data(t, &data, e));
    *out = data;
    return SX_OK;
  }
  float *x = sx_malloc((size_t)t->count * sizeof *x + 1);
  if (!x) SX_NO_MEMORY(e);
  for (int64_t i = 0; i < t->count; i++) {
    double v = 0;
    (void)sx_tensor_get_f64(t, i, &v);
    x[i] = (float)v;
  }
  *out = *copy = x;
  return SX_OK;
}

static void put_code(sx_tensor *t, int64_t i, int code) {
  uint8_t *p = t->data;
  switch (sx_dtype_bits((sx_dtype)t->dtype)) {
    case 32: ((int32_t *)t->data)[i] = code; break;
    case 16: ((uint16_t *)t->data)[i] = (uint16_t)code; break;
    case 8: p[i] = (uint8_t)code; break;
    case 4: p[i / 2] |= (uint8_t)((code & 15) << i % 2 * 4); break;
    case 2: p[i / 4] |= (uint8_t)((code & 3) << i % 4 * 2); break;
    default: break;
  }
}

/* One channel: runs of `inner` elements, `step` apart. */
typedef struct channel {
  const float *x;
  int64_t runs, inner, step;
} channel;

static void range_of(const channel *c, double *lo, double *hi) {
  float a = 0, b = 0;
  for (int64_t r = 0; r < c->runs; r++)
    for (int64_t i = 0; i < c->inner; i++) {
      const float v = c->x[r * c->step + i];
      a = v < a ? v : a, b = v > b ? v : b; /* NaN is neither */
    }
  *lo = a, *hi = b;
}

static void encode(const channel *c, const sx_quant_grid *q, float scale, int zero, sx_tensor *codes, int64_t at,
                   double *off, double *norm) {
  for (int64_t r = 0; r < c->runs; r++)
    for (int64_t i = 0; i < c->inner; i++) {
      const float v = c->x[r * c->step + i];
      const float k = isnan(v) ? (float)zero : fminf(fmaxf(rintf(v / scale) + (float)zero, (float)q->lo), (float)q->hi);
      const double d = (double)v - (double)(k - (float)zero) * (double)scale;
      put_code(codes, at + r * c->step + i, (int)k);
      *off += d * d, *norm += (double)v * v;
    }
}

static void release(sx_quant_weight *w) {
  sx_tensor_unref(w->codes), sx_tensor_unref(w->scale), sx_tensor_unref(w->zero);
  *w = (sx_quant_weight){0};
}

sx_status sx_quantize_weight(const sx_tensor *t, const sx_quant_grid *q, int axis, sx_quant_weight *out, sx_err *e) {
  const int64_t channels = axis < 0 ? 1 : t->dims[axis];
  int64_t inner = 1;
  for (int i = axis < 0 ? 0 : axis + 1; i < t->rank; i++) inner *= t->dims[i];
  const int64_t step = channels * inner, runs = step ? t->count / step : 0;
  const float *x = NULL;
  float *copy = NULL;
  double off = 0, norm = 0;
  *out = (sx_quant_weight){0};
  SX_TRY(floats(t, &x, &copy, e));
  sx_status s = sx_tensor_create(q->dtype, t->rank, t->dims, &out->codes, e);
  if (s == SX_OK) s = sx_tensor_create(SX_F32, axis >= 0, &channels, &out->scale, e);
  if (s == SX_OK) s = sx_tensor_create(q->dtype, axis >= 0 && (q->zeros || !q->symmetric), &channels, &out->zero, e);
  for (int64_t c = 0; s == SX_OK && c < channels; c++) {
    const channel ch = {x + c * inner, runs, inner, step};
    double lo, hi, scale;
    int zero;
    range_of(&ch, &lo, &hi);
    if (isinf(lo) || isinf(hi)) {
      s = sx_fail(e, SX_E_INVALID_ARGUMENT, SX_HERE, "a weight is infinite: it has no scale");
      break;
    }
    sx_quant_fit(q, lo, hi, &scale, &zero);
    if (q->least && scale < q->least[c]) {
      scale = q->least[c];
      if (!q->symmetric) zero = (int)rint(q->lo - lo / scale);
    }
    ((float *)out->scale->data)[c] = (float)scale;
    if (c < out->zero->count) put_code(out->zero, c, zero);
    encode(&ch, q, (float)scale, zero, out->codes, c * inner, &off, &norm);
  }
  out->error = norm > 0 ? sqrt(off / norm) : 0;
  if (copy) sx_free(copy, (size_t)t->count * sizeof *copy + 1);
  if (s != SX_OK) release(out);
  return s;
}

sx_status sx_quantize_on(const sx_tensor *t, const sx_quant_grid *q, const sx_tensor *scale, float factor,
                         sx_quant_weight *out, sx_err *e) {
  const void *given;
  *out = (sx_quant_weight){0};
  SX_TRY(sx_tensor_data(scale, &given, e));
  sx_status s = sx_tensor_create(q->dtype, t->rank, t->dims, &out->codes, e);
  if (s == SX_OK) s = sx_tensor_create(SX_F32, scale->rank, scale->dims, &out->scale, e);
  if (s != SX_OK) return release(out), s;
  float *to = out->scale->data;
  for (int64_t i = 0; i < scale->count; i++) to[i] = ((const float *)given)[i] * factor;
  for (int64_t i = 0; i < t->count; i++) {
    double v = 0;
    (void)sx_tensor_get_f64(t, i, &v);
    const double by = (double)to[scale->count > 1 ? i : 0], code = by > 0 ? rint(v / by) : 0;
    put_code(out->codes, i, isnan(code) ? 0 : (int)fmin(fmax(code, q->lo), q->hi));
  }
  return SX_OK;
}
