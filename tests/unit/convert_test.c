// SPDX-License-Identifier: MIT
/* Conversions against the definition of each type: all codes of the narrow ones, nearest codes by search, exact double
 * roundings, packed integers, casts between all classes, quantisation; on every ISA level of this machine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ep/cpu/kernels/convert/convert.h"

static uint64_t seed = 11;
static uint64_t rnd(void) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return seed >> 20;
}

/* Value of a code: sign, exponent, `mantissa` bits, bias; the codes of infinity and NaN are told apart by the caller. */
static const struct format {
  sx_dtype t;
  int exponent, mantissa, bias;
  uint32_t largest;
  bool ieee, fnuz;
} formats[] = {
    {SX_F16, 5, 10, 15, 0x7bff, true, false},   {SX_BF16, 8, 7, 127, 0x7f7f, true, false},
    {SX_F8E4M3FN, 4, 3, 7, 0x7e, false, false}, {SX_F8E4M3FNUZ, 4, 3, 8, 0x7f, false, true},
    {SX_F8E5M2, 5, 2, 15, 0x7b, true, false},   {SX_F8E5M2FNUZ, 5, 2, 16, 0x7f, false, true},
    {SX_F4E2M1, 2, 1, 1, 0x7, false, false},    {SX_F6E2M3, 2, 3, 1, 0x1f, false, false},
    {SX_F6E3M2, 3, 2, 3, 0x1f, false, false},
};
/* No infinity, no NaN: what is none gives -0. */
static bool is_finite(const struct format *f) { return f->t == SX_F4E2M1 || f->t == SX_F6E2M3 || f->t == SX_F6E3M2; }
static double value_of(const struct format *f, uint32_t code) {
  const uint32_t sign_bit = 1u << (f->exponent + f->mantissa), magnitude = code & (sign_bit - 1);
  if (f->fnuz && code == sign_bit) return NAN;
  if (magnitude > f->largest)
    return f->ieee && magnitude == f->largest + 1 ? (code & sign_bit ? -INFINITY : INFINITY) : NAN;
  const int e = (int)(magnitude >> f->mantissa), m = (int)(magnitude & ((1u << f->mantissa) - 1));
  const double v = e ? ldexp(m + (1 << f->mantissa), e - f->bias - f->mantissa) : ldexp(m, 1 - f->bias - f->mantissa);
  return code & sign_bit ? -v : v;
}
static uint32_t code_of(const struct format *f, double x, bool saturate) {
  const uint32_t sign_bit = 1u << (f->exponent + f->mantissa), sign = signbit(x) ? sign_bit : 0;
  const double a = fabs(x);
  uint32_t lo = 0, hi = f->largest; /* magnitudes grow with the code */
  while (hi - lo > 1) {
    uint32_t mid = (lo + hi) / 2;
    if (value_of(f, mid) <= a)
      lo = mid;
    else
      hi = mid;
  }
  double below = value_of(f, lo), above = value_of(f, hi);
  uint32_t code = a - below < above - a ? lo : a - below > above - a ? hi : lo & 1 ? hi : lo;
  if (a >= above) { /* past the largest: by half a step it overflows */
    const double step = above - value_of(f, hi - 1);
    code = a < above + step / 2 || (a == above + step / 2 && !(hi & 1)) ? hi : 0xffffffffu;
    if (isinf(a)) code = 0xffffffffu;
  }
  if (code == 0xffffffffu) {
    if ((saturate && !(f->t == SX_F16 || f->t == SX_BF16)) || is_finite(f))
      code = f->largest;
    else if (f->ieee)
      code = f->largest + 1;
    else
      return f->fnuz ? sign_bit : (f->largest + 1) | sign;
  }
  return f->fnuz && code == 0 ? 0 : code | sign;
}
static uint32_t raw(sx_dtype t, const void *p, int64_t i) {
  const uint32_t bits = sx_dtype_bits(t);
  if (bits == 16) return ((const uint16_t *)p)[i];
  const uint8_t byte = ((const uint8_t *)p)[i * bits / 8];
  return bits == 8 ? byte : byte >> (i % (8 / bits) * bits) & ((1u << bits) - 1);
}

static void small_floats(void **state) {
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
      const struct format *f = &formats[k];
      const uint32_t bits = sx_dtype_bits(f->t), codes = 2u << (f->exponent + f->mantissa);
      uint16_t *all = calloc(codes + 64, 2);
      float *wide = malloc(sizeof(float) * (codes + 3));
      for (uint32_t c = 0; c < codes; c++)
        if (bits == 16)
          all[c] = (uint16_t)c;
        else if (bits == 8)
          ((uint8_t *)all)[c] = (uint8_t)c;
        else
          ((uint8_t *)all)[c / 2] |= (uint8_t)(c << (c & 1) * 4);
      sx_convert_load(isa, f->t, wide, all, 1, codes - 1); /* an odd start */
      for (uint32_t c = 1; c < codes; c++) {
        double want = value_of(f, c);
        if (!(isnan(want) ? isnan(wide[c - 1]) : want == wide[c - 1] && !signbit(want) == !signbit(wide[c - 1])))
          fail_msg("%s on %s: code %x is %g, expected %g", sx_dtype_name(f->t), sx_isa_name(isa), c, wide[c - 1], want);
      }
      enum { N = 20011 };
      float *x = malloc(sizeof(float) * N);
      uint16_t *y = malloc(2 * N + 2);
      for (int mode = 0; mode < 2; mode++) {
        for (int i = 0; i < N; i++) {
          uint32_t u = (uint32_t)rnd();
          memcpy(&x[i], &u, 4);
          const uint32_t c = (uint32_t)rnd() % (f->largest + 1);
          const double a = value_of(f, c), b = value_of(f, c < f->largest ? c + 1 : c);
          if (i % 4 == 1) x[i] = (float)((a + b) / 2); /* ties and their neighbours */
          if (i % 4 == 2) x[i] = nextafterf((float)((a + b) / 2), rnd() & 1 ? INFINITY : -INFINITY);
          if (i % 4 == 3) x[i] = (float)-a;
        }
        const float specials[] = {NAN,     INFINITY, -INFINITY, 0,       -0.f,   65519.99f,
                                  65520.f, 464.f,    464.1f,    3.4e38f, 1e-45f, 3.3961e38f};
        memcpy(x, specials, sizeof specials);
        memset(y, 0, 2 * N + 2);
        sx_convert_store(isa, f->t, (uint32_t)mode, y, x, 0, N);
        for (int i = 0; i < N; i++) {
          const uint32_t got = raw(f->t, y, i);
          if (isnan(x[i])) {
            if (is_finite(f) ? got != f->largest + 1 : !isnan(value_of(f, got)))
              fail_msg("%s: NaN gives %x", sx_dtype_name(f->t), got);
            continue;
          }
          const uint32_t want = code_of(f, x[i], mode == 0);
          if (got != want)
            fail_msg("%s on %s, mode %d: %.9g gives %x, expected %x", sx_dtype_name(f->t), sx_isa_name(isa), mode, x[i],
                     got, want);
        }
      }
      free(all), free(wide), free(x), free(y);
    }
}

/* From f64 and i64 to a narrow float there is one rounding. */
static void rounded_once(void **state) {
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (size_t k = 0; k < 2; k++)
      for (int i = 0; i < 20000; i++) {
        const struct format *f = &formats[k];
        const uint32_t c = (uint32_t)rnd() % f->largest;
        double x = (value_of(f, c) + value_of(f, c + 1)) / 2;
        x *= 1 + ldexp((double)(rnd() % 5) - 2, -50 + (int)(rnd() % 20));
        uint16_t got;
        sx_cast_run(isa, SX_F64, f->t, 0, &got, &x, 0, 1);
        if (got != code_of(f, x, false)) fail_msg("%.17g gives %x, expected %x", x, got, code_of(f, x, false));
        int64_t n = (int64_t)((rnd() << 20 | rnd() % 1048576) >> rnd() % 63) + 1;
        if (i & 1) n = -n;
        if (i % 3 == 0 && f->t == SX_BF16) n = (n >> 44) * (1ll << 44) + (1ll << 43) + (int64_t)(rnd() % 3) - 1;
        sx_cast_run(isa, SX_I64, f->t, 0, &got, &n, 0, 1);
        /* the nearest of two neighbours, compared in long double: exact */
        const uint32_t near = code_of(f, (double)n, false);
        long double best = fabsl((long double)value_of(f, got) - n), other = fabsl((long double)value_of(f, near) - n);
        if (got != near && !(best < other)) fail_msg("%lld gives %x, not %x", (long long)n, got, near);
      }
}

static void casts(void **state) {
  static const struct {
    sx_dtype from;
    double x;
    sx_dtype to;
    uint64_t bits;
  } rows[] = {
      {SX_F32, 300.7, SX_U8, 44},
      {SX_F32, -1.5, SX_U8, 255},
      {SX_F32, -1.5, SX_I8, 0xff},
      {SX_F32, 2.9, SX_I64, 2},
      {SX_F32, -2.9, SX_I32, 0xfffffffe},
      {SX_F64, 1e10, SX_U32, 0x540be400},
      {SX_F64, 1.5e19, SX_U64, 15000000000000000000ull},
      {SX_F32, 0.25, SX_BOOL, 1},
      {SX_F32, NAN, SX_BOOL, 1},
      {SX_F32, -0.0, SX_BOOL, 0},
      {SX_I64, -1, SX_U32, 0xffffffff},
      {SX_I64, -1, SX_U64, ~0ull},
      {SX_U8, 200, SX_I8, 0xc8},
      {SX_I32, -3, SX_I64, ~2ull},
      {SX_BOOL, 1, SX_F32, 0x3f800000},
      {SX_F16, 1.5, SX_F64, 0x3ff8000000000000ull},
      {SX_I8, -4, SX_F16, 0xc400},
      {SX_F32, 6.9, SX_U4, 6},
      {SX_F32, -3.2, SX_I4, 0xd},
      {SX_F32, 3.7, SX_U2, 3},
      {SX_I32, -2, SX_I2, 2},
      {SX_F32, 1.5, SX_F8E8M0, 128},
      {SX_U64, 5, SX_F32, 0x40a00000},
  };
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      uint64_t from = 0, to = 0;
      sx_cast_run(SX_ISA_BASE, SX_F64, rows[i].from, 0, &from, &rows[i].x, 0, 1);
      sx_cast_run(isa, rows[i].from, rows[i].to, 0, &to, &from, 0, 1);
      const uint32_t bits = sx_dtype_bits(rows[i].to);
      const uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
      if ((to & mask) != rows[i].bits) fail_msg("row %zu: %llx", i, (unsigned long long)(to & mask));
    }
  const float x[] = {1, 1.1f, 1.5f, 1.6f, 3, 0x1p-127f, 0x1p-128f, 0x1.8p-127f, 3e38f, INFINITY, NAN};
  const uint8_t want[3][11] = {{127, 127, 128, 128, 129, 0, 0, 1, 254, 255, 255},
                               {127, 128, 128, 128, 129, 1, 1, 1, 254, 255, 255},
                               {127, 127, 127, 127, 128, 0, 0, 0, 254, 255, 255}};
  const uint32_t modes[] = {0, SX_CAST_E8M0_UP, SX_CAST_E8M0_DOWN};
  for (int m = 0; m < 3; m++) {
    uint8_t y[11];
    sx_convert_store(SX_ISA_BASE, SX_F8E8M0, modes[m], y, x, 0, 11);
    assert_memory_equal(y, want[m], 11);
  }
}

static void packed(void **state) {
  static const sx_dtype types[] = {SX_I4, SX_U4, SX_I2, SX_U2};
  for (int k = 0; k < 4; k++) {
    int32_t x[33], y[33];
    uint8_t bytes[20];
    memset(bytes, 0xa5, sizeof bytes);
    const int bits = (int)sx_dtype_bits(types[k]), lo = sx_dtype_is_signed(types[k]) ? -(1 << (bits - 1)) : 0;
    for (int i = 0; i < 33; i++) x[i] = lo + i % (1 << bits);
    sx_convert_store(SX_ISA_BASE, types[k], 0, bytes, x, 3, 30);
    sx_convert_load(SX_ISA_BASE, types[k], y, bytes, 3, 30);
    assert_memory_equal(x, y, 30 * sizeof *x);
    assert_int_equal(bytes[0] & ((1 << bits) - 1), 0xa5 & ((1 << bits) - 1)); /* a neighbour stays */
  }
}

static void quantisation(void **state) {
  static const sx_dtype types[] = {SX_U8, SX_I8, SX_U16, SX_I16, SX_U4, SX_I4, SX_U2, SX_I2};
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int k = 0; k < 8; k++)
      for (int n = 1; n < 300; n += 37) {
        const int bits = (int)sx_dtype_bits(types[k]), lo = sx_dtype_is_signed(types[k]) ? -(1 << (bits - 1)) : 0,
                  hi = lo + (1 << bits) - 1;
        float x[300], scale[300], back[300];
        int32_t zero[300];
        uint16_t y[300] = {0};
        for (int i = 0; i < n; i++) {
          x[i] = ((float)(rnd() % 2001) - 1000) / 16; /* ties at scale 0.125 and 0.25 */
          scale[i] = i % 3 ? 0.25f : 0.1f + (float)(rnd() % 1000) * 1.7e-4f;
          if (i % 5 == 4) x[i] = ((float)(int)(rnd() % 200) - 99.5f) * scale[i]; /* near a tie, whatever the scale */
          zero[i] = lo + (int)(rnd() % (uint64_t)(1 << bits));
        }
        if (n > 2) x[1] = INFINITY, x[2] = -INFINITY;
        for (int each = 0; each < 40; each += each < 3 ? 1 : 13) {
          if (each)
            sx_quantize_f32_each(isa, types[k], 0, y, x, scale, zero, each, 0, n);
          else
            sx_quantize_f32(isa, types[k], 0, y, x, scale[0], zero[0], 0, n);
          for (int i = 0; i < n; i++) {
            const int at = each ? i / each : 0;
            double q = rint((double)(x[i] / scale[at])) + zero[at];
            q = q < lo ? lo : q > hi ? hi : q;
            int32_t got;
            sx_convert_load(SX_ISA_BASE, types[k], &got, y, i, 1);
            if (got != (int32_t)q)
              fail_msg("%s on %s: %g gives %d, expected %g", sx_dtype_name(types[k]), sx_isa_name(isa), x[i], got, q);
          }
          if (each)
            sx_dequantize_f32_each(isa, types[k], back, y, scale, zero, each, 0, n);
          else
            sx_dequantize_f32(isa, types[k], back, y, scale[0], zero[0], 0, n);
          for (int i = 0; i < n; i++) {
            int32_t q;
            sx_convert_load(SX_ISA_BASE, types[k], &q, y, i, 1);
            assert_true(back[i] == (float)(q - zero[each ? i / each : 0]) * scale[each ? i / each : 0]);
          }
        }
      }
}
static void dynamic(void **state) {
  for (sx_isa isa = SX_ISA_BASE; isa <= sx_cpu_info()->isa; isa++)
    for (int n = 0; n < 200; n++) {
      float x[200], lo, hi, scale, least = 0, most = 0;
      for (int i = 0; i < n; i++) {
        x[i] = (float)(rnd() % 1000) - 300;
        least = x[i] < least ? x[i] : least, most = x[i] > most ? x[i] : most;
      }
      uint8_t zero;
      sx_minmax_f32(isa, x, n, &lo, &hi);
      assert_true(lo == least && hi == most);
      sx_dynamic_params_u8(lo, hi, &scale, &zero);
      if (hi > lo) {
        assert_true(scale == (hi - lo) / 255.f);
        assert_int_equal(zero, (int)rint((double)(-lo / scale)));
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_floats), cmocka_unit_test(rounded_once),
                                     cmocka_unit_test(casts),        cmocka_unit_test(packed),
                                     cmocka_unit_test(quantisation), cmocka_unit_test(dynamic)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
