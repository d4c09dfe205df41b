// SPDX-License-Identifier: MIT
/* Quantised sums, products and tables, a vector of lanes at a time. */
#include "ep/cpu/kernels/quant/qlinear.h"
#include "ep/cpu/vec.h"

typedef uint8_t u8s __attribute__((vector_size(SX_VL)));

/* SX_VL bytes, less the zero point, as floats. */
SX_INLINE vf load(const uint8_t *p, bool is_signed, vi zero) {
  return __builtin_convertvector((is_signed ? vi_load_s8(p) : vi_load_u8(p)) - zero, vf);
}
/* Rounded half to even within lo and hi: the sum with 1.5 * 2^23 holds the integer in its low bits. */
SX_INLINE void store(uint8_t *y, vf x, vf lo, vf hi, vi zero) {
  vi_store_bytes(y, (vi)(vf_min(hi, vf_max(lo, x)) + vf_set(12582912.0f)) + zero);
}

typedef struct lanes {
  vi za, zb, zy;
  vf sa, sb, lo, hi;
} lanes;
SX_INLINE void step(const bool product, const bool is_signed, const lanes *k, const uint8_t *a, const uint8_t *b,
                    uint8_t *y) {
  const vf x = load(a, is_signed, k->za), z = load(b, is_signed, k->zb);
  store(y, product ? x * z * k->sa : x * k->sa + z * k->sb, k->lo, k->hi, k->zy);
}
SX_INLINE void binary(const bool product, const bool is_signed, const sx_qbinary *q, const uint8_t *a, int a_step,
                      const uint8_t *b, int b_step, uint8_t *y, int64_t n) {
  const lanes k = {vi_set(q->a_zero),  vi_set(q->b_zero),  vi_set(q->y_zero - 0x4b400000),
                   vf_set(q->a_scale), vf_set(q->b_scale), vf_set(q->lo),
                   vf_set(q->hi)};
  uint8_t one_a[SX_VL], one_b[SX_VL], out[SX_VL]; /* a repeated element; the last elements */
  memset(one_a, *a, sizeof one_a), memset(one_b, *b, sizeof one_b);
  int64_t i = 0;
  for (; i + SX_VL <= n; i += SX_VL) step(product, is_signed, &k, a_step ? a + i : one_a, b_step ? b + i : one_b, y + i);
  if (i == n) return;
  if (a_step) memcpy(one_a, a + i, (size_t)(n - i));
  if (b_step) memcpy(one_b, b + i, (size_t)(n - i));
  step(product, is_signed, &k, one_a, one_b, out);
  memcpy(y + i, out, (size_t)(n - i));
}
#define BINARY(name, product)                                                                                   \
  static void name(const sx_qbinary *q, const uint8_t *a, int a_step, const uint8_t *b, int b_step, uint8_t *y, \
                   int64_t n) {                                                                                 \
    if (n <= 0) return;                                                                                         \
    if (q->is_signed)                                                                                           \
      binary(product, true, q, a, a_step, b, b_step, y, n);                                                     \
    else                                                                                                        \
      binary(product, false, q, a, a_step, b, b_step, y, n);                                                    \
  }
BINARY(add, false)
BINARY(mul, true)

/* A table of 256 bytes as 16 of 16, which a shuffle reads for each lane; where a byte belongs to another one it gives 0. */
static void lookup(const uint8_t *table, const uint8_t *x, uint8_t *y, int64_t n) {
  int64_t i = 0;
#if defined(__AVX512BW__)
#define BYTES(f) _mm512_##f
  typedef __m512i many;
#define SPREAD(t) _mm512_broadcast_i32x4(t)
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define OR(a, b) _mm512_or_si512(a, b)
#define XOR(a, b) _mm512_xor_si512(a, b)
#elif defined(__AVX2__)
#define BYTES(f) _mm256_##f
  typedef __m256i many;
#define SPREAD(t) _mm256_broadcastsi128_si256(t)
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define OR(a, b) _mm256_or_si256(a, b)
#define XOR(a, b) _mm256_xor_si256(a, b)
#endif
#ifdef BYTES
  for (; i + (int64_t)sizeof(many) <= n; i += (int64_t)sizeof(many)) {
    const many v = LOAD(x + i);
    many r = BYTES(set1_epi8)(0);
    SX_UNROLL(16) for (int k = 0; k < 16; k++) {
      const many t = SPREAD(_mm_loadu_si128((const __m128i *)(const void *)(table + 16 * k)));
      const many at = BYTES(adds_epu8)(XOR(v, BYTES(set1_epi8)((char)(16 * k))), BYTES(set1_epi8)(0x70)); /* others get bit 7 */
      r = OR(r, BYTES(shuffle_epi8)(t, at));
    }
    STORE(y + i, r);
  }
#undef BYTES
#undef SPREAD
#undef LOAD
#undef STORE
#undef OR
#undef XOR
#endif
  for (; i < n; i++) y[i] = table[x[i]];
}

SX_INLINE vi bytes(const uint8_t *x, bool is_signed) { return is_signed ? vi_load_s8(x) : vi_load_u8(x); }
SX_INLINE int32_t total(const uint8_t *x, int64_t n, const bool is_signed) {
  vi s[4] = {{0}};
  int64_t i = 0;
  for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)
    SX_UNROLL(4) for (int k = 0; k < 4; k++) s[k] += bytes(x + i + k * SX_VL, is_signed);
  for (; i + SX_VL <= n; i += SX_VL) s[0] += bytes(x + i, is_signed);
  s[0] += s[1] + (s[2] + s[3]);
  int32_t sum = 0;
  for (int k = 0; k < SX_VL; k++) sum += s[0][k];
  for (; i < n; i++) sum += is_signed ? (int8_t)x[i] : x[i];
  return sum;
}
static int32_t sum(const uint8_t *x, int64_t n, bool is_signed) { return is_signed ? total(x, n, true) : total(x, n, false); }
static void sums(const uint8_t *x, int64_t n, bool is_signed, int32_t *y) {
  vi s = {0};
  for (int64_t i = 0; i < n; i++) s += bytes(x + i * SX_VL, is_signed);
  vi_store(y, s);
}

/* log2(VL) rounds of interleaving rows i and i + VL / 2 transpose a square of bytes. */
SX_INLINE void transpose(u8s r[SX_VL]) {
  SX_UNROLL(4) for (int round = SX_VL; round > 1; round /= 2) {
    u8s t[SX_VL];
    SX_UNROLL(16) for (int i = 0; i < SX_VL / 2; i++) {
      t[2 * i] = SX_SHUFFLE(u8s, r[i], r[i + SX_VL / 2], SX_ZIP_LO);
      t[2 * i + 1] = SX_SHUFFLE(u8s, r[i], r[i + SX_VL / 2], SX_ZIP_HI);
    }
    SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) r[i] = t[i];
  }
}
static void to_blocked(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    const int rows = channels - c < SX_VL ? (int)(channels - c) : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      const int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      u8s r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        r[i] = (u8s){0};
        if (i < rows && n == SX_VL)
          memcpy(&r[i], x + i * pixels + p, SX_VL);
        else if (i < rows)
          memcpy(&r[i], x + i * pixels + p, (size_t)n);
      }
      transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) if (i < n) memcpy(y + (p + i) * SX_VL, &r[i], SX_VL);
    }
  }
}
static void to_plain(const uint8_t *x, uint8_t *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    const int rows = channels - c < SX_VL ? (int)(channels - c) : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      const int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      u8s r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        r[i] = (u8s){0};
        if (i < n) memcpy(&r[i], x + (p + i) * SX_VL, SX_VL);
      }
      transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) {
        if (i < rows && n == SX_VL)
          memcpy(y + i * pixels + p, &r[i], SX_VL);
        else if (i < rows)
          memcpy(y + i * pixels + p, &r[i], (size_t)n);
      }
    }
  }
}

extern const sx_qlinear_table SX_ISA_NAME(sx_qlinear);
const sx_qlinear_table SX_ISA_NAME(sx_qlinear) = {
    .add = add, .mul = mul, .lookup = lookup, .sum = sum, .sums = sums, .lanes = SX_VL, .to_blocked = to_blocked, .to_plain = to_plain};
