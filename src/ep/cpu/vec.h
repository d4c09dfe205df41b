// SPDX-License-Identifier: MIT
/* One vector width per ISA level, over GNU vector extensions.
 *
 * A family's `<family>_simd.c` includes this and is compiled once per level of isa.def with -DSX_ISA=<level>; everything in
 * it is static but one table, SX_ISA_NAME(sx_<family>). Only this file and its other half, vec_convert.h, have per-ISA
 * conditions. Two types per element: a register type with natural alignment, and an under-aligned one used in loads and
 * stores only (a register array of the latter would live in memory). No load reads past `n` elements. */
#ifndef SX_VEC_H
#define SX_VEC_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef SX_ISA
#error "compile with -DSX_ISA=<level>"
#endif
#define SX_CAT_(a, b)       a##__##b
#define SX_CAT(a, b)        SX_CAT_(a, b)
#define SX_ISA_NAME(symbol) SX_CAT(symbol, SX_ISA) /* sx_gemm -> sx_gemm__avx2 */

#if defined(__AVX512F__)
#define SX_VBYTES 64
#elif defined(__AVX2__)
#define SX_VBYTES 32
#else
#define SX_VBYTES 16
#endif
#define SX_VL (SX_VBYTES / 4) /* 32-bit lanes */

#define SX_INLINE     static inline __attribute__((always_inline, unused))
#define SX_PRAGMA_(x) _Pragma(#x)
#define SX_UNROLL(n)  SX_PRAGMA_(GCC unroll n)
/* For loops whose trip count is an argument of an inlined function: a count makes clang unroll them before it knows. */
#ifdef __clang__
#define SX_UNROLL_FULL SX_PRAGMA_(clang loop unroll(full))
#else
#define SX_UNROLL_FULL SX_UNROLL(16)
#endif

typedef float vf __attribute__((vector_size(SX_VBYTES)));
typedef double vd __attribute__((vector_size(SX_VBYTES)));
typedef int32_t vi __attribute__((vector_size(SX_VBYTES)));
typedef uint32_t vu __attribute__((vector_size(SX_VBYTES)));
typedef int64_t vl __attribute__((vector_size(SX_VBYTES)));
typedef float vf_mem __attribute__((vector_size(SX_VBYTES), aligned(1), may_alias));
typedef double vd_mem __attribute__((vector_size(SX_VBYTES), aligned(1), may_alias));
typedef int32_t vi_mem __attribute__((vector_size(SX_VBYTES), aligned(1), may_alias));
typedef int64_t vl_mem __attribute__((vector_size(SX_VBYTES), aligned(1), may_alias));

typedef float vfh __attribute__((vector_size(SX_VBYTES / 2))); /* what a vd is converted from and to */
typedef float vfh_mem __attribute__((vector_size(SX_VBYTES / 2), aligned(1), may_alias));

SX_INLINE vf vf_load(const float *p) { return *(const vf_mem *)p; }
SX_INLINE void vf_store(float *p, vf v) { *(vf_mem *)p = v; }
SX_INLINE vd vd_load(const double *p) { return *(const vd_mem *)p; }
SX_INLINE void vd_store(double *p, vd v) { *(vd_mem *)p = v; }
SX_INLINE vi vi_load(const int32_t *p) { return *(const vi_mem *)p; }
SX_INLINE void vi_store(int32_t *p, vi v) { *(vi_mem *)p = v; }
SX_INLINE vf vf_set(float x) { return x - (vf){0}; }
SX_INLINE vd vd_set(double x) { return x - (vd){0}; }
SX_INLINE vi vi_set(int32_t x) { return x - (vi){0}; }

/* The first n lanes (0 <= n <= SX_VL) from memory, the rest 0. */
SX_INLINE vf vf_load_n(const float *p, int n) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  vf v = {0};
  memcpy(&v, p, (size_t)n * sizeof(float));
  return v;
#endif
}
SX_INLINE void vf_store_n(float *p, vf v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  memcpy(p, &v, (size_t)n * sizeof(float));
#endif
}

/* Lanes 0 <= i < n are set. */
SX_INLINE vi vi_below(int n) {
#if SX_VL == 16
  return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} < n;
#elif SX_VL == 8
  return (vi){0, 1, 2, 3, 4, 5, 6, 7} < n;
#else
  return (vi){0, 1, 2, 3} < n;
#endif
}
SX_INLINE vi vi_load_n(const int32_t *p, int n) { return (vi)vf_load_n((const float *)(const void *)p, n); }
SX_INLINE void vi_store_n(int32_t *p, vi v, int n) { vf_store_n((float *)(void *)p, (vf)v, n); }
SX_INLINE vd vd_load_n(const double *p, int n) {
#if defined(__AVX512F__)
  return (vd)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#else
  vd v = {0};
  memcpy(&v, p, (size_t)n * sizeof(double));
  return v;
#endif
}
SX_INLINE void vd_store_n(double *p, vd v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
#else
  memcpy(p, &v, (size_t)n * sizeof(double));
#endif
}

/* One vector from anywhere to an aligned place, past the caches where whole lines can go (SX_STREAMS); after the last one
 * sx_stream_end(), for other threads to see them. */
#if defined(__AVX512F__)
#define SX_STREAMS 1
SX_INLINE void sx_stream(void *to, const void *from) { _mm512_stream_si512(to, _mm512_loadu_si512(from)); }
SX_INLINE void sx_stream_end(void) { _mm_sfence(); }
#else
#define SX_STREAMS 0
SX_INLINE void sx_stream(void *to, const void *from) { memcpy(to, from, SX_VBYTES); }
SX_INLINE void sx_stream_end(void) {}
#endif

/* Lane-wise mask ? a : b; a mask lane is all ones or all zeros. */
SX_INLINE vf vf_select(vi mask, vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)b, (__m512)a);
#elif defined(__AVX2__)
  return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
  return (vf)(((vi)a & mask) | ((vi)b & ~mask));
#endif
}
/* As the instructions do: when either is NaN the result is b. */
SX_INLINE vf vf_max(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return vf_select(a > b, a, b);
#endif
}
SX_INLINE vf vf_min(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return vf_select(a < b, a, b);
#endif
}
SX_INLINE vd vd_max(vd a, vd b) {
#if defined(__AVX512F__)
  return (vd)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
  return (vd)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  const vl m = a > b;
  return (vd)(((vl)a & m) | ((vl)b & ~m));
#endif
}
SX_INLINE vd vd_min(vd a, vd b) {
#if defined(__AVX512F__)
  return (vd)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
  return (vd)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  const vl m = a < b;
  return (vd)(((vl)a & m) | ((vl)b & ~m));
#endif
}
/* Per 32-bit lane: the products of the two signed 16-bit halves, summed. */
SX_INLINE vi vi_madd16(vi a, vi b) {
#if defined(__AVX512F__)
  return (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  return (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}
/* out[j][i] = in[i][j], 4 x 4 floats and 2 x 2 doubles; in has any alignment. */
#if defined(__clang__) || __GNUC__ >= 12
#define SX_SHUFFLE(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SX_SHUFFLE(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif
SX_INLINE void sx_transpose_f32(const float *in, int64_t in_row, float *out, int64_t out_row) {
  typedef int32_t v4 __attribute__((vector_size(16)));
  typedef int32_t v4_mem __attribute__((vector_size(16), aligned(1), may_alias));
  const v4 a = *(const v4_mem *)in, b = *(const v4_mem *)(in + in_row), c = *(const v4_mem *)(in + 2 * in_row),
           d = *(const v4_mem *)(in + 3 * in_row);
  const v4 ab0 = SX_SHUFFLE(v4, a, b, 0, 4, 1, 5), ab1 = SX_SHUFFLE(v4, a, b, 2, 6, 3, 7);
  const v4 cd0 = SX_SHUFFLE(v4, c, d, 0, 4, 1, 5), cd1 = SX_SHUFFLE(v4, c, d, 2, 6, 3, 7);
  *(v4_mem *)out = SX_SHUFFLE(v4, ab0, cd0, 0, 1, 4, 5);
  *(v4_mem *)(out + out_row) = SX_SHUFFLE(v4, ab0, cd0, 2, 3, 6, 7);
  *(v4_mem *)(out + 2 * out_row) = SX_SHUFFLE(v4, ab1, cd1, 0, 1, 4, 5);
  *(v4_mem *)(out + 3 * out_row) = SX_SHUFFLE(v4, ab1, cd1, 2, 3, 6, 7);
}
SX_INLINE void sx_transpose_f64(const double *in, int64_t in_row, double *out, int64_t out_row) {
  typedef double any __attribute__((aligned(1), may_alias));
  const any *p = (const any *)in;
  const double a = p[0], b = p[1], c = p[in_row], d = p[in_row + 1];
  out[0] = a, out[1] = c, out[out_row] = b, out[out_row + 1] = d;
}

SX_INLINE vf vf_abs(vf a) { return (vf)((vi)a & vi_set(0x7fffffff)); }
SX_INLINE float vf_sum(vf v) { /* pairwise, a fixed order per width */
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
  const __m256 h = (__m256)v;
#endif
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
#else
  float t[SX_VL];
  memcpy(t, &v, sizeof t);
  SX_UNROLL(8) for (int w = SX_VL / 2; w; w /= 2) for (int i = 0; i < w; i++) t[i] += t[i + w];
  return t[0];
#endif
}
/* The sums of four vectors, side by side: a tree per vector, another one than vf_sum's. */
SX_INLINE void vf_sum4(float *to, vf a, vf b, vf c, vf d) {
  typedef float v4 __attribute__((vector_size(16)));
  typedef int32_t v4i __attribute__((vector_size(16), unused));
  typedef float v4_mem __attribute__((vector_size(16), aligned(1), may_alias));
#if defined(__AVX512F__)
#define SX_FOLD(v)                                                                          \
  (v4) _mm_add_ps(_mm512_castps512_ps128((__m512)v) + _mm512_extractf32x4_ps((__m512)v, 1), \
                  _mm512_extractf32x4_ps((__m512)v, 2) + _mm512_extractf32x4_ps((__m512)v, 3))
#elif defined(__AVX2__)
#define SX_FOLD(v) (v4) _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1))
#else
#define SX_FOLD(v) v
#endif
  const v4 x = SX_FOLD(a), y = SX_FOLD(b), z = SX_FOLD(c), w = SX_FOLD(d);
#undef SX_FOLD
  const v4 xy = SX_SHUFFLE(v4i, x, y, 0, 4, 1, 5) + SX_SHUFFLE(v4i, x, y, 2, 6, 3, 7); /* x02 y02 x13 y13 */
  const v4 zw = SX_SHUFFLE(v4i, z, w, 0, 4, 1, 5) + SX_SHUFFLE(v4i, z, w, 2, 6, 3, 7);
  *(v4_mem *)to = SX_SHUFFLE(v4i, xy, zw, 0, 1, 4, 5) + SX_SHUFFLE(v4i, xy, zw, 2, 3, 6, 7);
}
SX_INLINE double vd_sum(vd v) {
  double t[SX_VL / 2];
  memcpy(t, &v, sizeof t);
  SX_UNROLL(8) for (int w = SX_VL / 4; w; w /= 2) for (int i = 0; i < w; i++) t[i] += t[i + w];
  return t[0];
}
SX_INLINE float vf_hmax(vf v) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const __m256 h = _mm256_max_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
  const __m256 h = (__m256)v;
#endif
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
#else
  float t[SX_VL];
  memcpy(t, &v, sizeof t);
  SX_UNROLL(8) for (int w = SX_VL / 2; w; w /= 2) for (int i = 0; i < w; i++) t[i] = t[i] > t[i + w] ? t[i] : t[i + w];
  return t[0];
#endif
}
/* Lane i of the result is lane index[i] of x. */
SX_INLINE vf vf_permute(vf x, vi index) {
#if defined(__AVX512F__)
  return (vf)_mm512_permutexvar_ps((__m512i)index, (__m512)x);
#elif defined(__AVX2__)
  return (vf)_mm256_permutevar8x32_ps((__m256)x, (__m256i)index);
#else
  vf y;
  for (int i = 0; i < SX_VL; i++) y[i] = x[index[i]];
  return y;
#endif
}
/* The lower (upper) halves of a and b, interleaved: a0 b0 a1 b1 ... */
#if SX_VL == 16
#define SX_ZIP_LO 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SX_ZIP_HI 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif SX_VL == 8
#define SX_ZIP_LO 0, 8, 1, 9, 2, 10, 3, 11
#define SX_ZIP_HI 4, 12, 5, 13, 6, 14, 7, 15
#else
#define SX_ZIP_LO 0, 4, 1, 5
#define SX_ZIP_HI 2, 6, 3, 7
#endif
#if defined(__clang__)
SX_INLINE vf vf_zip_lo(vf a, vf b) { return __builtin_shufflevector(a, b, SX_ZIP_LO); }
SX_INLINE vf vf_zip_hi(vf a, vf b) { return __builtin_shufflevector(a, b, SX_ZIP_HI); }
#else
SX_INLINE vf vf_zip_lo(vf a, vf b) { return __builtin_shuffle(a, b, (vi){SX_ZIP_LO}); }
SX_INLINE vf vf_zip_hi(vf a, vf b) { return __builtin_shuffle(a, b, (vi){SX_ZIP_HI}); }
#endif
/* p[index[i]] in lane i. */
SX_INLINE vf vf_gather(const float *p, vi index) {
#if defined(__AVX512F__)
  return (vf)_mm512_i32gather_ps((__m512i)index, p, 4);
#elif defined(__AVX2__)
  return (vf)_mm256_i32gather_ps(p, (__m256i)index, 4);
#else
  vf v;
  for (int i = 0; i < SX_VL; i++) v[i] = p[index[i]];
  return v;
#endif
}
/* Every other lane of a and then of b. */
#if SX_VL == 16
#define SX_EVENS 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#elif SX_VL == 8
#define SX_EVENS 0, 2, 4, 6, 8, 10, 12, 14
#else
#define SX_EVENS 0, 2, 4, 6
#endif
#if defined(__clang__)
SX_INLINE vf vf_evens(vf a, vf b) { return __builtin_shufflevector(a, b, SX_EVENS); }
#else
SX_INLINE vf vf_evens(vf a, vf b) { return __builtin_shuffle(a, b, (vi){SX_EVENS}); }
#endif
SX_INLINE vf vf_odds(vf a, vf b) {
  return vf_evens((vf)((vl)a >> 32), (vf)((vl)b >> 32)); /* the odd lanes in place of the even ones */
}
/* log2(VL) rounds of interleaving rows i and i + VL / 2 transpose a square. */
SX_INLINE void vf_transpose(vf r[SX_VL]) {
  SX_UNROLL(4) for (int round = SX_VL; round > 1; round /= 2) {
    vf t[SX_VL];
    SX_UNROLL(16) for (int i = 0; i < SX_VL / 2; i++) {
      t[2 * i] = vf_zip_lo(r[i], r[i + SX_VL / 2]);
      t[2 * i + 1] = vf_zip_hi(r[i], r[i + SX_VL / 2]);
    }
    SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) r[i] = t[i];
  }
}

#if defined(__FMA__) || defined(__aarch64__)
#define SX_FMA 1 /* a * b + c is rounded once */
#else
#define SX_FMA 0
#endif
/* Are vector arguments passed in registers, so that a call in tail position is a jump? */
#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(_WIN32)
#define SX_VECTOR_CALLS 1
#else
#define SX_VECTOR_CALLS 0
#endif
#if defined(__clang__)
#define SX_IVDEP SX_PRAGMA_(clang loop vectorize(assume_safety))
#else
#define SX_IVDEP SX_PRAGMA_(GCC ivdep)
#endif

/* a > b ? x : y, a >= b ? x : y, a == b ? x : y as one compare and one blend; false when a or b is NaN. */
#if defined(__AVX512F__)
#define SX_VF_PICK(name, op, cmp)                                                                         \
  SX_INLINE vf name(vf a, vf b, vf x, vf y) {                                                             \
    return (vf)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)a, (__m512)b, cmp), (__m512)y, (__m512)x); \
  }
#elif defined(__AVX2__)
#define SX_VF_PICK(name, op, cmp)                                                                \
  SX_INLINE vf name(vf a, vf b, vf x, vf y) {                                                    \
    return (vf)_mm256_blendv_ps((__m256)y, (__m256)x, _mm256_cmp_ps((__m256)a, (__m256)b, cmp)); \
  }
#else
#define SX_VF_PICK(name, op, cmp) \
  SX_INLINE vf name(vf a, vf b, vf x, vf y) { return vf_select(a op b, x, y); }
#endif
SX_VF_PICK(vf_pick_gt, >, _CMP_GT_OQ)
SX_VF_PICK(vf_pick_ge, >=, _CMP_GE_OQ)
SX_VF_PICK(vf_pick_eq, ==, _CMP_EQ_OQ)
#undef SX_VF_PICK

/* Is any lane of a mask set? */
SX_INLINE bool vi_any(vi mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#else
  uint64_t q[SX_VBYTES / 8];
  memcpy(q, &mask, sizeof q);
  return (q[0] | q[1]) != 0;
#endif
}
/* The first lane of a mask that is set; SX_VL when none is. */
SX_INLINE int vi_first(vi mask) {
#if defined(__AVX512F__)
  return __builtin_ctz((uint32_t)_mm512_movepi32_mask((__m512i)mask) | 1u << SX_VL);
#elif defined(__AVX2__)
  return __builtin_ctz((uint32_t)_mm256_movemask_ps((__m256)mask) | 1u << SX_VL);
#else
  int i = 0;
  while (i < SX_VL && !mask[i]) i++;
  return i;
#endif
}
/* Rounding to integral values; NaN, infinities and -0 pass. `mode`: 0 half to even, 1 down, 2 up, 3 to zero. */
#if defined(__AVX512F__)
#define SX_VF_ROUND(name, mode, scalar) \
  SX_INLINE vf name(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, mode); }
#elif defined(__AVX2__)
#define SX_VF_ROUND(name, mode, scalar) \
  SX_INLINE vf name(vf a) { return (vf)_mm256_round_ps((__m256)a, mode | 8); }
#else
#define SX_VF_ROUND(name, mode, scalar)                  \
  SX_INLINE vf name(vf a) {                              \
    for (int i = 0; i < SX_VL; i++) a[i] = scalar(a[i]); \
    return a;                                            \
  }
#endif
SX_VF_ROUND(vf_round, 0, __builtin_rintf)
SX_VF_ROUND(vf_floor, 1, __builtin_floorf)
SX_VF_ROUND(vf_ceil, 2, __builtin_ceilf)
SX_VF_ROUND(vf_trunc, 3, __builtin_truncf)
#undef SX_VF_ROUND
/* a * b + c rounded once, whatever the optimiser does; only where SX_FMA. */
SX_INLINE vf vf_fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__) && defined(__AVX2__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  for (int i = 0; i < SX_VL; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#endif
}
SX_INLINE vf vf_sqrt(vf a) {
#if defined(__AVX512F__)
  return (vf)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)a);
#else
  for (int i = 0; i < SX_VL; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}
/* The magnitude of one with the sign bit of the other. */
SX_INLINE vf vf_copysign(vf magnitude, vf sign) {
  return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & (int32_t)0x80000000u));
}
SX_INLINE vd vd_clamp(vd v, double lo, double hi) { /* NaN gives lo */
#if defined(__AVX512F__)
  return (vd)_mm512_min_pd(_mm512_max_pd((__m512d)v, _mm512_set1_pd(lo)), _mm512_set1_pd(hi));
#elif defined(__AVX2__)
  return (vd)_mm256_min_pd(_mm256_max_pd((__m256d)v, _mm256_set1_pd(lo)), _mm256_set1_pd(hi));
#else
  vl m = v > lo;
  v = (vd)((m & (vl)v) | (~m & (vl)vd_set(lo)));
  m = v < hi;
  return (vd)((m & (vl)v) | (~m & (vl)vd_set(hi)));
#endif
}
/* p * 2^n, rounded once; p in [0.5, 2], integral n in [-300, 300] as the float n + 1.5 * 2^23, whose low bits are n. */
SX_INLINE vf vf_ldexp(vf p, vf n) {
  const vf t = n - 12582912.f;
#if defined(__AVX512F__)
  return (vf)_mm512_scalef_ps((__m512)p, (__m512)t);
#else
  vf r = (vf)((vu)p + ((vu)n << 23));
  if (__builtin_expect(vi_any(~(vf_abs(t) <= 125.f)), 0)) {
    vi k = __builtin_convertvector(t, vi), h = k >> 1;
    r = p * (vf)((vu)(h + 127) << 23) * (vf)((vu)(k - h + 127) << 23);
  }
  return r;
#endif
}

/* Exponents out of positive floats and in, in one instruction each: where the level has them. */
#if defined(__AVX512F__)
#define SX_GETEXP 1
SX_INLINE vf vf_exponent(vf x) { return (vf)_mm512_getexp_ps((__m512)x); }               /* floor(log2(x)) */
SX_INLINE vf vf_scale(vf x, vf t) { return (vf)_mm512_scalef_ps((__m512)x, (__m512)t); } /* x * 2^floor(t) */
#else
#define SX_GETEXP 0
#endif

#include "ep/cpu/vec_convert.h"
#endif
