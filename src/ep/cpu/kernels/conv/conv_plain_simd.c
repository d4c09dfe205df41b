// SPDX-License-Identifier: MIT
/* Tiles and the input gather of the plain form: pixels are the lanes, weights are read as scalars. */
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define WIDE 1
#else
#define WIDE 0
#endif

SX_INLINE vf clip(const sx_conv_store *s, vf v) { /* in this order NaN passes */
  return vf_min(vf_set(s->hi), vf_max(vf_set(s->lo), v));
}

/* Finished sums to the output. */
__attribute__((noinline)) static void finish(const sx_conv_gemm_tile *t, int mr, int nv) {
  for (int i = 0; i < mr; i++)
    for (int j = 0; j < nv; j++) {
      int n = t->cols - j * SX_VL < SX_VL ? t->cols - j * SX_VL : SX_VL;
      int64_t at = i * t->y_ld + j * SX_VL;
      vf v = vf_load(t->acc + (i * nv + j) * SX_VL);
      if (n <= 0) continue;
      if (t->out.residual) v += t->out.beta * (n == SX_VL ? vf_load(t->out.residual + at) : vf_load_n(t->out.residual + at, n));
      if (t->out.clip) v = clip(&t->out, v);
      if (n == SX_VL) vf_store(t->out.y + at, v);
      else vf_store_n(t->out.y + at, v, n);
    }
}

#define NV 1
#include "ep/cpu/kernels/conv/conv_gemm_tiles.inc"
#define NV 2
#include "ep/cpu/kernels/conv/conv_gemm_tiles.inc"
#if WIDE
#define NV 3
#include "ep/cpu/kernels/conv/conv_gemm_tiles.inc"
#define NV 4
#include "ep/cpu/kernels/conv/conv_gemm_tiles.inc"
#endif

static void classify(const int32_t *off, int64_t ld, int64_t taps, int64_t cols, uint8_t *kind) {
  for (int64_t t = 0; t < taps; t++, off += ld)
    for (int64_t v = 0; v < cols; v += SX_VL) {
      int n = cols - v < SX_VL ? (int)(cols - v) : SX_VL, inside = 0, next = 1;
      for (int i = 0; i < n; i++) inside += off[v + i] >= 0;
      for (int i = 1; i < n; i++) next += off[v + i] == off[v] + i;
      *kind++ = inside == 0 ? 2 : inside == n && next == n ? 1 : 0;
    }
}

static void fill(const float *x, const int32_t *off, int64_t ld, const uint8_t *kind, int64_t taps, int64_t cols, float *b) {
  for (int64_t t = 0; t < taps; t++, off += ld)
    for (int64_t v = 0; v < cols; v += SX_VL, b += SX_VL, kind++) {
      int n = cols - v < SX_VL ? (int)(cols - v) : SX_VL;
      if (*kind == 2) {
        vf_store(b, (vf){0});
      } else if (*kind == 1) {
        vf_store(b, n == SX_VL ? vf_load(x + off[v]) : vf_load_n(x + off[v], n));
      } else {
        for (int i = 0; i < n; i++) b[i] = off[v + i] < 0 ? 0 : x[off[v + i]];
        for (int i = n; i < SX_VL; i++) b[i] = 0;
      }
    }
}

static void copy(const float *x, int64_t step, int64_t rows, int64_t n, float *b) {
  for (int64_t r = 0; r < rows; r++, x += step) {
    int64_t i = 0;
    for (; i + SX_VL <= n; i += SX_VL, b += SX_VL) vf_store(b, vf_load(x + i));
    if (i < n) vf_store(b, vf_load_n(x + i, (int)(n - i))), b += SX_VL;
  }
}
static void spread(float *sums, int64_t step, const float *products, int64_t ld, int64_t channels, int64_t taps,
                   const sx_conv_reach *reach) {
  for (int64_t k = 0; k < channels; k++, sums += step)
    for (int64_t t = 0; t < taps; t++, products += ld) {
      float *to = sums + reach[t].at;
      int64_t i = reach[t].from;
      for (; i + SX_VL <= reach[t].to; i += SX_VL) vf_store(to + i, vf_load(to + i) + vf_load(products + i));
      const int rest = (int)(reach[t].to - i);
      if (rest > 0) vf_store_n(to + i, vf_load_n(to + i, rest) + vf_load_n(products + i, rest), rest);
    }
}
static void weave(const sx_conv_store *out, const float *sums, int64_t stride, int64_t step, int64_t n) {
  float *y = out->y;
  const float *add = out->residual; /* may be y */
  if (add) {
    for (int64_t p = 0; p < stride; p++)
      for (int64_t u = p, j = p * step; u < n; u += stride, j++) y[u] = sums[j] + out->beta * add[u];
  } else if (stride == 2) {
    SX_IVDEP for (int64_t j = 0; j < n / 2; j++) y[2 * j] = sums[j], y[2 * j + 1] = sums[step + j];
    if (n % 2) y[n - 1] = sums[n / 2];
  } else {
    for (int64_t p = 0; p < stride; p++)
      SX_IVDEP for (int64_t u = p, j = p * step; u < n; u += stride, j++) y[u] = sums[j];
  }
  for (int64_t u = 0; u < n && out->clip; u += SX_VL) {
    const int m = n - u < SX_VL ? (int)(n - u) : SX_VL;
    vf_store_n(y + u, clip(out, vf_load_n(y + u, m)), m);
  }
}

#define TILES(nv) {0, gemm__##nv##__1, gemm__##nv##__2, gemm__##nv##__3, gemm__##nv##__4, gemm__##nv##__5, gemm__##nv##__6}
extern const sx_conv_plain SX_ISA_NAME(sx_conv_plain);
const sx_conv_plain SX_ISA_NAME(sx_conv_plain) = {
    .fill = fill, .classify = classify, .copy = copy, .spread = spread, .weave = weave, .mr = 6,
#if WIDE
    .nv = 4, .tile = {{0}, TILES(1), TILES(2), TILES(3), TILES(4)},
#else
    .nv = 2, .tile = {{0}, TILES(1), TILES(2)},
#endif
};
