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

/* A vector of p times f in double, rounded once. */
SX_INLINE vf scaled(const char *p, double f) {
  const vfh_mem *h = (const vfh_mem *)p;
  vfh out[2];
  SX_UNROLL(2) for (int i = 0; i < 2; i++) out[i] = __builtin_convertvector(__builtin_convertvector(h[i], vd) * f, vfh);
  vf v;
  memcpy(&v, out, sizeof v);
  return v;
}

/* A square with missing rows or columns. */
static void ragged(const sx_conv_rows *r, const char *from, int m, vf v[SX_VL]) {
  for (int i = 0; i < SX_VL; i++) {
    float part[SX_VL] = {0};
    if (i < r->rows) memcpy(part, from + i * r->step * 4, (size_t)m * 4);
    v[i] = r->factors && i < r->rows ? scaled((const char *)part, r->factors[i]) : vf_load(part);
  }
}

static void lay(const sx_conv_rows *r, int64_t n, int64_t taps, float *to, int64_t tap_step, int64_t channel_step) {
  const char *from = r->w; /* at any address: read by vectors and memcpy only */
  int64_t tap = 0;
  for (int64_t j = 0; j < n; j += SX_VL, from += SX_VBYTES) {
    const int m = n - j < SX_VL ? (int)(n - j) : SX_VL;
    const int64_t step = r->step * 4;
    vf v[SX_VL];
    if (m < SX_VL || r->rows < SX_VL) ragged(r, from, m, v);
    else if (r->factors) SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) v[i] = scaled(from + i * step, r->factors[i]);
    else SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) v[i] = vf_load((const float *)(from + i * step));
    vf_transpose(v);
    for (int i = 0; i < m; i++) {
      vf_store(to + tap * tap_step, v[i]);
      if (++tap == taps) tap = 0, to += channel_step;
    }
  }
}

extern const sx_reorder SX_ISA_NAME(sx_reorder);
const sx_reorder SX_ISA_NAME(sx_reorder) = {.to_blocked = to_blocked, .to_plain = to_plain, .lay = lay};
