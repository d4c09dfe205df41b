// SPDX-License-Identifier: MIT
/* Conversions by table: packed types here, everything else in convert_simd.c and convert_any.c; casts and quantisation in
 * blocks that stay in the first-level cache. */
#include "ep/cpu/kernels/convert/convert.h"
#include <string.h>
#include "base/stop.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/convert/convert_tables.h"

SX_ISA_DECLARE(sx_convert_table, sx_convert);
SX_ISA_DECLARE(sx_cast_table, sx_cast);
enum { BLOCK = 128, ASK = 1 << 18 }; /* ASK: elements between two questions whether to go on */

static bool is_packed(sx_dtype t) { return sx_dtype_bits(t) < 8; }
static bool is_native(sx_dtype t) { return t == sx_ew_class_type(sx_ew_class_of(t)); }
float sx_convert_from_f4(uint32_t code);
uint8_t sx_convert_to_f4(float x);

static void load_packed(sx_dtype t, void *dst, const uint8_t *src, int64_t first, int64_t n) {
  const uint32_t bits = sx_dtype_bits(t), per = 8 / bits, mask = (1u << bits) - 1,
                 sign = sx_dtype_is_signed(t) ? 1u << (bits - 1) : 0;
  for (int64_t i = 0; i < n; i++) {
    uint64_t k = (uint64_t)(first + i);
    uint32_t v = (uint32_t)(src[k / per] >> (k % per * bits)) & mask;
    if (t == SX_F4E2M1)
      ((float *)dst)[i] = sx_convert_from_f4(v);
    else
      ((int32_t *)dst)[i] = (int32_t)(v ^ sign) - (int32_t)sign;
  }
}
static void store_packed(sx_dtype t, uint8_t *dst, const void *src, int64_t first, int64_t n) {
  const uint32_t bits = sx_dtype_bits(t), per = 8 / bits, mask = (1u << bits) - 1;
  for (int64_t i = 0; i < n; i++) {
    uint64_t k = (uint64_t)(first + i);
    uint32_t v = t == SX_F4E2M1 ? sx_convert_to_f4(((const float *)src)[i]) : (uint32_t)((const int32_t *)src)[i] & mask;
    uint32_t shift = (uint32_t)(k % per) * bits;
    uint32_t rest = shift ? dst[k / per] & ~(mask << shift) : 0; /* a byte begins with zeros: those stay behind the last element */
    dst[k / per] = (uint8_t)(rest | v << shift);
  }
}

void sx_convert_load(sx_isa isa, sx_dtype type, void *dst, const void *src, int64_t first, int64_t n) {
  if (is_packed(type)) {
    load_packed(type, dst, src, first, n);
    return;
  }
  const size_t bytes = sx_dtype_bits(type) / 8;
  const char *s = (const char *)src + (size_t)first * bytes;
  sx_load_fn fn = SX_ISA_PICK(sx_convert, isa)->load[type];
  if (!fn) fn = sx_convert_any.load[type];
  const size_t wide = sx_ew_class_bytes(sx_ew_class_of(type));
  SX_STOP_PARTS(a, b, n, ASK)
    if (fn)
      fn((char *)dst + (size_t)a * wide, s + (size_t)a * bytes, b - a);
    else
      memmove((char *)dst + (size_t)a * bytes, s + (size_t)a * bytes, (size_t)(b - a) * bytes);
}
void sx_convert_store(sx_isa isa, sx_dtype type, uint32_t mode, void *dst, const void *src, int64_t first, int64_t n) {
  if (is_packed(type)) {
    store_packed(type, dst, src, first, n);
    return;
  }
  const size_t bytes = sx_dtype_bits(type) / 8;
  char *d = (char *)dst + (size_t)first * bytes;
  sx_store_fn fn = SX_ISA_PICK(sx_convert, isa)->store[type];
  if (!fn) fn = sx_convert_any.store[type];
  const size_t wide = sx_ew_class_bytes(sx_ew_class_of(type));
  SX_STOP_PARTS(a, b, n, ASK)
    if (fn)
      fn(d + (size_t)a * bytes, (const char *)src + (size_t)a * wide, b - a, mode);
    else
      memmove(d + (size_t)a * bytes, (const char *)src + (size_t)a * bytes, (size_t)(b - a) * bytes);
}
void sx_convert_cast(sx_isa isa, sx_ew_class from, sx_dtype to, void *dst, const void *src, int64_t n) {
  const sx_ew_class cls = sx_ew_class_of(to);
  sx_load_fn fn = cls == SX_EW_F32 && to != SX_F32 ? sx_convert_any.odd[from] : NULL;
  if (!fn) fn = SX_ISA_PICK(sx_convert, isa)->cast[from][cls];
  if (!fn) fn = sx_convert_any.cast[from][cls];
  if (fn)
    fn(dst, src, n);
  else
    memmove(dst, src, (size_t)n * sx_ew_class_bytes(cls));
}

static const uint8_t cast_kind[SX_DTYPE_COUNT] = {[SX_F32] = SX_CAST_F32, [SX_F64] = SX_CAST_F64, [SX_I8] = SX_CAST_I8,
                                                  [SX_U8] = SX_CAST_U8, [SX_I32] = SX_CAST_I32, [SX_I64] = SX_CAST_I64,
                                                  [SX_BOOL] = SX_CAST_B8, [SX_F16] = SX_CAST_F16, [SX_BF16] = SX_CAST_BF16};
/* To f32, from there to the type. */
static void cast_by_f32(void *d, const void *a, const void *b, const void *c, const void *params, int64_t n) {
  const sx_ew_params *q = params;
  const sx_dtype from = (sx_dtype)q->imm[0].i, to = (sx_dtype)q->to;
  const sx_ew_fn *in = SX_ISA_PICK(sx_cast, (sx_isa)q->isa)->fn[cast_kind[from]];
  const sx_ew_fn first = in[SX_CAST_ODD] ? in[SX_CAST_ODD] : in[SX_CAST_F32];
  const sx_ew_fn second = SX_ISA_PICK(sx_cast, (sx_isa)q->isa)->fn[SX_CAST_F32][cast_kind[to]];
  const int64_t x = sx_dtype_bits(from) / 8, y = sx_dtype_bits(to) / 8;
  float values[4 * BLOCK];
  for (int64_t i = 0; i < n; i += 4 * BLOCK) {
    const int64_t m = n - i < 4 * BLOCK ? n - i : 4 * BLOCK;
    first(values, (const char *)a + i * x, b, c, params, m);
    second((char *)d + i * y, values, b, c, params, m);
  }
}
sx_ew_fn sx_ew_cast_pair(sx_isa isa, sx_dtype from, sx_dtype to) {
  const uint8_t x = cast_kind[from], y = cast_kind[to];
  const sx_ew_fn fn = SX_ISA_PICK(sx_cast, isa)->fn[x][y];
  return fn || !x || !y || x == SX_CAST_F64 ? fn : cast_by_f32;
}

void sx_cast_run(sx_isa isa, sx_dtype from, sx_dtype to, uint32_t mode, void *dst, const void *src, int64_t first,
                 int64_t n) {
  double loaded[BLOCK], cast[BLOCK]; /* any class */
  const sx_ew_class a = sx_ew_class_of(from);
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    sx_convert_load(isa, from, loaded, src, first + i, m);
    sx_convert_cast(isa, a, to, cast, loaded, m);
    sx_convert_store(isa, to, mode, dst, cast, first + i, m);
  }
}
void sx_ew_cast_step(void *d, const void *a, const void *b, const void *c, const void *params, int64_t n) {
  const sx_ew_params *q = params;
  const sx_dtype to = (sx_dtype)q->to;
  const sx_ew_class cls = sx_ew_class_of(to);
  const uint32_t in = sx_ew_class_bytes((sx_ew_class)q->cls), out = sx_ew_class_bytes(cls);
  double narrow[BLOCK], cast[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    char *dst = (char *)d + i * out;
    sx_convert_cast((sx_isa)q->isa, (sx_ew_class)q->cls, to, cast, (const char *)a + i * in, m);
    if (is_native(to)) {
      memcpy(dst, cast, (size_t)m * out);
    } else {
      memset(narrow, 0, sizeof narrow);
      sx_convert_store((sx_isa)q->isa, to, q->mode, narrow, cast, 0, m);
      sx_convert_load((sx_isa)q->isa, to, dst, narrow, 0, m);
    }
  }
}

/* The integers that a quantised type holds; false for the float kinds. */
static bool int_range(sx_dtype t, int32_t *lo, int32_t *hi) {
  if (!sx_dtype_is_int(t)) return false;
  const uint32_t bits = sx_dtype_bits(t);
  *lo = sx_dtype_is_signed(t) ? -(1 << (bits - 1)) : 0;
  *hi = *lo + (int32_t)((1u << bits) - 1);
  return true;
}
/* Element i has scale and zero point i / each; each = 0: number 0. */
static void quantize(sx_isa isa, sx_dtype type, uint32_t mode, void *y, const float *x, const float *scale, int64_t each,
                     const int32_t *zero_point, int64_t first, int64_t n) {
  int32_t q[BLOCK], lo = 0, hi = 0;
  const bool ints = int_range(type, &lo, &hi), cols = each == 1;
  if (type == SX_U8 || type == SX_I8) {
    SX_ISA_PICK(sx_convert, isa)->quantize8((char *)y + first, x, scale, zero_point, each, lo, n);
    return;
  }
  if (each > 1) {
    for (int64_t i = 0, k = 0; i < n; i += each, k++)
      quantize(isa, type, mode, y, x + i, scale + k, 0, zero_point ? zero_point + k : NULL, first + i, each < n - i ? each : n - i);
    return;
  }
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    const float *s = cols ? scale + i : scale;
    if (!ints) {
      float v[BLOCK];
      for (int64_t k = 0; k < m; k++) v[k] = x[i + k] / s[cols ? k : 0];
      sx_convert_store(isa, type, mode, y, v, first + i, m);
      continue;
    }
    /* zero points of a row may differ: round first, within what f32 holds exactly, then shift and clamp in integers */
    if (zero_point && cols) {
      SX_ISA_PICK(sx_convert, isa)->quantize(q, x + i, s, true, -8388608.f, 8388607.f, m);
      for (int64_t k = 0; k < m; k++) {
        int32_t v = q[k] + zero_point[i + k];
        q[k] = v < lo ? lo : v > hi ? hi : v;
      }
    } else {
      const int32_t z = zero_point ? *zero_point : 0;
      SX_ISA_PICK(sx_convert, isa)->quantize(q, x + i, s, cols, (float)(lo - z), (float)(hi - z), m);
      for (int64_t k = 0; k < m; k++) q[k] += z;
    }
    sx_convert_store(isa, type, mode, y, q, first + i, m);
  }
}
void sx_quantize_f32(sx_isa isa, sx_dtype type, uint32_t mode, void *y, const float *x, float scale, int32_t zero_point,
                     int64_t first, int64_t n) {
  quantize(isa, type, mode, y, x, &scale, 0, &zero_point, first, n);
}
void sx_quantize_f32_each(sx_isa isa, sx_dtype type, uint32_t mode, void *y, const float *x, const float *scale,
                          const int32_t *zero_point, int64_t each, int64_t first, int64_t n) {
  quantize(isa, type, mode, y, x, scale, each, zero_point, first, n);
}

static void dequantize(sx_isa isa, sx_dtype type, float *y, const void *x, const float *scale, int64_t each,
                       const int32_t *zero_point, int64_t first, int64_t n) {
  const sx_convert_table *t = SX_ISA_PICK(sx_convert, isa);
  if (type == SX_U8 || type == SX_I8 || type == SX_I32) {
    const char *from = (const char *)x + first * (int64_t)(sx_dtype_bits(type) / 8);
    t->dequantize[type == SX_U8 ? 0 : type == SX_I8 ? 1 : 2](y, from, scale, zero_point, each, n);
    return;
  }
  if (each > 1) {
    for (int64_t i = 0, k = 0; i < n; i += each, k++)
      dequantize(isa, type, y + i, x, scale + k, 0, zero_point ? zero_point + k : NULL, first + i, each < n - i ? each : n - i);
    return;
  }
  int32_t q[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    if (sx_ew_class_of(type) == SX_EW_F32) {
      sx_convert_load(isa, type, y + i, x, first + i, m);
      for (int64_t k = 0; k < m; k++) y[i + k] *= scale[each ? i + k : 0];
      continue;
    }
    sx_convert_load(isa, type, q, x, first + i, m);
    t->dequantize[2](y + i, q, each ? scale + i : scale, zero_point && each ? zero_point + i : zero_point, each, m);
  }
}
void sx_dequantize_f32(sx_isa isa, sx_dtype type, float *y, const void *x, float scale, int32_t zero_point, int64_t first,
                       int64_t n) {
  dequantize(isa, type, y, x, &scale, 0, &zero_point, first, n);
}
void sx_dequantize_f32_each(sx_isa isa, sx_dtype type, float *y, const void *x, const float *scale, const int32_t *zero_point,
                            int64_t each, int64_t first, int64_t n) {
  dequantize(isa, type, y, x, scale, each, zero_point, first, n);
}

void sx_minmax_f32(sx_isa isa, const float *x, int64_t n, float *lo, float *hi) {
  SX_ISA_PICK(sx_convert, isa)->minmax(x, n, lo, hi);
}
void sx_dynamic_params_u8(float lo, float hi, float *scale, uint8_t *zero_point) {
  lo = lo < 0 ? lo : 0, hi = hi > 0 ? hi : 0;
  *scale = hi == lo ? 1.f : (hi - lo) / 255.f;
  float z = __builtin_rintf((0.f - lo) / *scale);
  *zero_point = (uint8_t)(z < 0 ? 0 : z > 255 ? 255 : z);
}
