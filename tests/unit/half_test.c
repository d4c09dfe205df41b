// SPDX-License-Identifier: MIT
/* Floats of 16 bits: every code widens to its value and narrows back; what lies between two codes goes to the nearer one,
 * and to the even one from the middle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/half.h"

typedef struct format {
  int exponent, mantissa; /* bits */
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
} format;
static const format formats[] = {{5, 10, sx_f16_widen, sx_f16_narrow}, {8, 7, sx_bf16_widen, sx_bf16_narrow}};

static double value_of(const format *f, unsigned h) {
  const int e = (int)(h >> f->mantissa) & ((1 << f->exponent) - 1), m = (int)h & ((1 << f->mantissa) - 1),
            bias = (1 << (f->exponent - 1)) - 1;
  const double part = (double)m / (1 << f->mantissa), x = e ? ldexp(1 + part, e - bias) : ldexp(part, 1 - bias);
  return h >> 15 ? -x : x;
}

static void test_codes(void **state) {
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
    const format *f = &formats[k];
    const unsigned infinity = ((1u << f->exponent) - 1) << f->mantissa;
    for (unsigned h = 0; h < 0x10000; h++) {
      const float x = f->widen((uint16_t)h);
      const unsigned m = h & 0x7fff;
      assert_int_equal(signbit(x) != 0, h >> 15);
      if (m > infinity) assert_true(isnan(x) && isnan(f->widen(f->narrow(x))));
      if (m > infinity) continue;
      assert_int_equal(f->narrow(x), h);
      if (m == infinity) {
        assert_true(isinf(x));
        continue;
      }
      assert_true((double)x == value_of(f, h));
      /* the middle between this code and the next, and its neighbours */
      const float middle = (float)((value_of(f, h) + value_of(f, h + 1)) / 2);
      assert_int_equal(f->narrow(middle), h % 2 ? h + 1 : h);
      assert_int_equal(f->narrow(nextafterf(middle, x)), h);
      assert_int_equal(f->narrow(nextafterf(middle, h >> 15 ? -INFINITY : INFINITY)), h + 1);
    }
    assert_int_equal(f->narrow(3.4e38f), infinity);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
