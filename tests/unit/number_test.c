// SPDX-License-Identifier: MIT
/* Numbers as text are the same in every locale that the machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/number.h"

static void reads(const char *s, double want, size_t used) {
  char *end;
  assert_true(sx_number_read(s, false, &end) == want);
  assert_int_equal(end - s, used);
}
static void everywhere(void **state) {
  static const char *const locales[] = {"C", "C.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF.UTF-8", "fa_IR.UTF-8"};
  for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
    if (!setlocale(LC_NUMERIC, locales[i])) continue;
    reads("1.5", 1.5, 3);
    reads("-2.25e1x", -22.5, 7);
    reads("1,5", 1, 1);
    reads("x", 0, 0);
    reads("", 0, 0);
    reads("12", 12, 2);
    reads("inf", 1.0 / 0.0, 3);
    reads("1.2.3", 1.2, 3);
    char s[32], *end;
    assert_true(sx_number_read("0.1", true, &end) == (double)0.1f);
    snprintf(s, sizeof s, "%.3f", 1234.5);
    assert_int_equal(sx_number_point(s), 8);
    assert_string_equal(s, "1234.500");
    snprintf(s, sizeof s, "%d", 12);
    assert_int_equal(sx_number_point(s), 2);
  }
  setlocale(LC_NUMERIC, "C");
}
int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(everywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
