// SPDX-License-Identifier: MIT
/* Lanes from and to elements of another width: bytes, 16 bits, doubles. The other half of vec.h, which includes it: most of
 * these are sequences of their own at each level, where vec.h's are one instruction. */
#ifndef SX_VEC_CONVERT_H
#define SX_VEC_CONVERT_H

/* SX_VBYTES / 2 signed bytes as 16-bit lanes. */
SX_INLINE vi vi_widen8(const int8_t *p) {
#if defined(__AVX512F__)
  return (vi)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif defined(__AVX2__)
  return (vi)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
#else
  typedef int8_t half __attribute__((vector_size(SX_VBYTES / 2)));
  typedef int16_t wide __attribute__((vector_size(SX_VBYTES)));
  half h;
  memcpy(&h, p, sizeof h);
  return (vi) __builtin_convertvector(h, wide);
#endif
}
/* SX_VL bytes as lanes: compilers make a convertvector of it that goes element by element. */
SX_INLINE vi vi_load_s8(const void *p) {
#if defined(__AVX512F__)
  return (vi)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif defined(__AVX2__)
  return (vi)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
  typedef int8_t bytes __attribute__((vector_size(SX_VL)));
  bytes b;
  memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b, vi);
#endif
}
SX_INLINE vi vi_load_u8(const void *p) {
#if defined(__AVX512F__)
  return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif defined(__AVX2__)
  return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
  typedef uint8_t bytes __attribute__((vector_size(SX_VL)));
  bytes b;
  memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b, vi);
#endif
}
/* The same of 16 bits, as floats. */
SX_INLINE vf vf_load_i16(const uint16_t *p) {
#if defined(__AVX512F__)
  return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)));
#elif defined(__AVX2__)
  return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)));
#else
  typedef int16_t v16 __attribute__((vector_size(SX_VBYTES / 2)));
  v16 h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(__builtin_convertvector(h, vi), vf);
#endif
}
/* The low byte of each lane. */
SX_INLINE void vi_store_bytes(void *p, vi v) {
#if defined(__AVX512F__)
  _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
#elif defined(__AVX2__)
  const __m256i low = _mm256_shuffle_epi8((__m256i)v, _mm256_set1_epi32(0x0c080400));
  const __m128i pair = _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storel_epi64((__m128i *)p, pair);
#else
  typedef int8_t bytes __attribute__((vector_size(SX_VL)));
  const bytes b = __builtin_convertvector(v, bytes);
  memcpy(p, &b, sizeof b);
#endif
}
/* Lower or upper half of the lanes as doubles, and back. */
typedef float vf_half __attribute__((vector_size(SX_VBYTES / 2)));
SX_INLINE vd vd_from_half(vf v, int upper) {
#if defined(__AVX512F__)
  return (vd)_mm512_cvtps_pd(upper ? _mm512_extractf32x8_ps((__m512)v, 1) : _mm512_castps512_ps256((__m512)v));
#elif defined(__AVX2__)
  return (vd)_mm256_cvtps_pd(upper ? _mm256_extractf128_ps((__m256)v, 1) : _mm256_castps256_ps128((__m256)v));
#else
  vf_half h;
  memcpy(&h, (const char *)&v + (upper ? SX_VBYTES / 2 : 0), sizeof h);
  return __builtin_convertvector(h, vd);
#endif
}
SX_INLINE vf vf_from_halves(vd lower, vd upper) {
#if defined(__AVX512F__)
  return (vf)_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)lower)), _mm512_cvtpd_ps((__m512d)upper),
                                1);
#elif defined(__AVX2__)
  return (vf)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps((__m256d)lower)), _mm256_cvtpd_ps((__m256d)upper),
                                  1);
#else
  vf_half h[2] = {__builtin_convertvector(lower, vf_half), __builtin_convertvector(upper, vf_half)};
  vf v;
  memcpy(&v, h, sizeof v);
  return v;
#endif
}

/* Half precision and bfloat16, SX_VL elements: widening is exact, narrowing rounds to nearest even and keeps NaN. */
typedef uint16_t vh __attribute__((vector_size(SX_VBYTES / 2)));
SX_INLINE vf vf_load_bf16(const uint16_t *p) {
  vh h;
  memcpy(&h, p, sizeof h);
#if defined(__AVX512F__)
  return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
#elif defined(__AVX2__)
  return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)h), 16);
#else
  return (vf)(__builtin_convertvector(h, vu) << 16);
#endif
}
SX_INLINE void vu_store_low16(uint16_t *p, vu v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16((__m512i)v));
#elif defined(__AVX2__)
  __m256i b = _mm256_shuffle_epi8((__m256i)v, _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0,
                                                               1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1));
  _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(b, 8)));
#else
  vh h = __builtin_convertvector(v, vh);
  memcpy(p, &h, sizeof h);
#endif
}
SX_INLINE void vf_store_bf16(uint16_t *p, vf v) {
  vu u = (vu)v, r = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  vu_store_low16(p, (vu)vf_select(v == v, (vf)r, (vf)((u >> 16) | 0x40u)));
}
SX_INLINE vf vf_load_f16(const uint16_t *p) {
  vh h;
  memcpy(&h, p, sizeof h);
#if defined(__AVX512F__)
  return (vf)_mm512_cvtph_ps((__m256i)h);
#elif defined(__F16C__)
  return (vf)_mm256_cvtph_ps((__m128i)h);
#elif defined(__aarch64__)
  return (vf)vcvt_f32_f16((float16x4_t)h);
#else
  vu u = __builtin_convertvector(h, vu), sign = (u & 0x8000u) << 16, m = u & 0x7fffu;
  vf small = __builtin_convertvector((vi)m, vf) * 5.9604644775390625e-8f; /* 2^-24 */
  vf normal = (vf)((m << 13) + 0x38000000u), special = (vf)((m << 13) + 0x70000000u);
  return (vf)((vu)vf_select((vi)m < 0x400, small, vf_select((vi)m >= 0x7c00, special, normal)) | sign);
#endif
}
SX_INLINE void vf_store_f16(uint16_t *p, vf v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph((__m512)v, 0));
#elif defined(__F16C__)
  _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph((__m256)v, 0));
#elif defined(__aarch64__)
  const float16x4_t h = vcvt_f16_f32((float32x4_t)v);
  memcpy(p, &h, sizeof h);
#else
  vu u = (vu)v, a = u & 0x7fffffffu, sign = (u >> 16) & 0x8000u;
  vu normal = (a + 0xfffu + ((a >> 13) & 1u) - 0x38000000u) >> 13;
  vu small = (vu)((vf)a + 0.5f) - 0x3f000000u; /* the last bit of 0.5 is 2^-24 */
  vu large = (vu)vf_select((vi)a > 0x7f800000, (vf)(((a >> 13) & 0x3ffu) | 0x7e00u), (vf)(a * 0u + 0x7c00u));
  vf r = vf_select((vi)a < 0x38800000, (vf)small, vf_select((vi)a >= 0x477ff000, (vf)large, (vf)normal));
  vu_store_low16(p, (vu)r | sign);
#endif
}
#endif
