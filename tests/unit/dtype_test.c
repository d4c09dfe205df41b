// SPDX-License-Identifier: MIT
/* The table of element types and the sizes of packed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/str.h"
#include "ir/dtype.h"

static void test_table(void **state) {
  for (int t = -1; t <= SX_DTYPE_COUNT; t++) {
    bool real = t > 0 && t < SX_DTYPE_COUNT;
    const char *name = sx_dtype_name((sx_dtype)t);
    assert_int_equal(sx_dtype_bits((sx_dtype)t) > 0, real);
    assert_int_equal(sx_dtype_parse(name, strlen(name)), real ? t : SX_UNDEFINED);
    assert_false(sx_dtype_is_float((sx_dtype)t) && sx_dtype_is_int((sx_dtype)t));
  }
  assert_int_equal(sx_dtype_parse("floats", 5), SX_F32);
  assert_int_equal(sx_dtype_parse("floa", 4), SX_UNDEFINED);
  assert_true(sx_dtype_is_float(SX_F8E8M0) && !sx_dtype_is_signed(SX_F8E8M0));
  assert_true(sx_dtype_is_int(SX_U2) && !sx_dtype_is_signed(SX_U2) && sx_dtype_is_signed(SX_I2));
  assert_false(sx_dtype_is_int(SX_BOOL) || sx_dtype_is_float(SX_C64) || sx_dtype_is_int(SX_STRING));
  assert_int_equal(sx_dtype_bits(SX_STRING), 128);
}

static void test_bytes(void **state) {
  size_t n;
  assert_true(sx_dtype_bytes(SX_I4, 0, &n) && n == 0);
  assert_true(sx_dtype_bytes(SX_I4, 3, &n) && n == 2);
  assert_true(sx_dtype_bytes(SX_U2, 5, &n) && n == 2);
  assert_true(sx_dtype_bytes(SX_F64, 5, &n) && n == 40);
  assert_true(sx_dtype_bytes(SX_F4E2M1, INT64_MAX, &n) && n == (size_t)1 << 62);
  assert_false(sx_dtype_bytes(SX_F32, INT64_MAX, &n));
  assert_false(sx_dtype_bytes(SX_F32, -1, &n));
  assert_false(sx_dtype_bytes(SX_UNDEFINED, 1, &n));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
