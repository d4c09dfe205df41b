// SPDX-License-Identifier: MIT
/* Between the plain and the blocked layout, and weights into their packings: squares of lanes by lanes, transposed in registers. */
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

static void to_blocked(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    int64_t rows = channels - c < SX_VL ? channels - c : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      vf r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        r[i] = i >= rows ? (vf){0} : n == SX_VL ? vf_load(x + i * pixels + p) : vf_load_n(x + i * pixels + p, n);
      vf_transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        if (i < n) vf_store(y + (p + i) * SX_VL, r[i]);
    }
  }
}

static void to_plain(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    int64_t rows = channels - c < SX_VL ? channels - c : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      vf r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) r[i] = i < n ? vf_load(x + (p + i) * SX_VL) : (vf){0};
      vf_transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        if (i < rows) {
          if (n == SX_VL) vf_store(y + i * pixels + p, r[i]);
          else vf_store_n(y + i * pixels + p, r[i], n);
        }
    }
  }
}

SX_INLINE vf load(uint8_t type, const char *p) {
  return type == SX_F16    ? vf_load_f16((const uint16_t *)(const void *)p)
         : type == SX_BF16 ? vf_load_bf16((const uint16_t *)(const void *)p)
                           : vf_load((const float *)(const void *)p);
}

/* v times f in double, rounded once. */
SX_INLINE vf scaled(vf v, double f) {
  vfh h[2];
  memcpy(h, &v, sizeof v);
  SX_UNROLL(2) for (int i = 0; i < 2; i++) h[i] = __builtin_convertvector(__builtin_convertvector(h[i], vd) * f, vfh);
  memcpy(&v, h, sizeof v);
  return v;
}

/* A square, maybe with missing rows or columns. */
static void square(const sx_conv_rows *r, const char *from, int m, vf v[SX_VL]) {
  const int64_t size = r->type == SX_F32 ? 4 : 2;
  for (int i = 0; i < SX_VL; i++) {
    char part[SX_VBYTES] = {0};
    const char *row = part;
    if (m == SX_VL && i < r->rows)
      row = from + i * r->step * size;
    else if (i < r->rows)
      memcpy(part, from + i * r->step * size, (size_t)(m * size));
    v[i] = load(r->type, row);
    if (r->factors && i < r->rows) v[i] = scaled(v[i], r->factors[i]);
  }
}

static void lay(const sx_conv_rows *r, int64_t n, int64_t taps, void *out, int64_t tap_step, int64_t channel_step) {
  const int64_t size = r->type == SX_F32 ? 4 : 2;
  const char *from = r->w; /* at any address: read by vectors and memcpy only */
  float *to = out;
  uint16_t *narrow = out;
  int64_t tap = 0, at = 0; /* at: of the channel */
  for (int64_t j = 0; j < n; j += SX_VL, from += SX_VL * size) {
    const int m = n - j < SX_VL ? (int)(n - j) : SX_VL;
    vf v[SX_VL];
    if (m < SX_VL || r->rows < SX_VL || r->factors || r->type != SX_F32)
      square(r, from, m, v);
    else
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) v[i] = vf_load((const float *)(const void *)(from + i * r->step * 4));
    vf_transpose(v);
    for (int i = 0; i < m; i++) {
      if (r->to == SX_F16) vf_store_f16(narrow + at + tap * tap_step, v[i]);
      else if (r->to == SX_BF16) vf_store_bf16(narrow + at + tap * tap_step, v[i]);
      else vf_store(to + at + tap * tap_step, v[i]);
      if (++tap == taps) tap = 0, at += channel_step;
    }
  }
}

#define WIDEN(name, LOAD)                                                                                      \
  static void widen_##name(const uint16_t *from, const float *scale, int64_t rows, int64_t width, float *to) { \
    for (int64_t i = 0; i < rows; i++, from += width, to += width)                                             \
      for (int64_t j = 0; j < width; j += SX_VL)                                                               \
        vf_store(to + j, scale ? LOAD(from + j) * vf_load(scale + j) : LOAD(from + j));                        \
  }
WIDEN(f16, vf_load_f16)
WIDEN(bf16, vf_load_bf16)
WIDEN(i16, vf_load_i16)
static void widen(uint8_t type, const void *from, const float *scale, int64_t rows, int64_t width, float *to) {
  (type == SX_F16 ? widen_f16 : type == SX_BF16 ? widen_bf16 : widen_i16)(from, scale, rows, width, to);
}

extern const sx_reorder SX_ISA_NAME(sx_reorder);
const sx_reorder SX_ISA_NAME(sx_reorder) = {.to_blocked = to_blocked, .to_plain = to_plain, .lay = lay, .widen = widen};
