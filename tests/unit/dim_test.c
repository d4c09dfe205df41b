// SPDX-License-Identifier: MIT
/* Shape expressions at their edges: numbers that do not fit, floors of either sign, and expressions whose tree would be
 * exponentially large or thousands deep, which must cost what their parts cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "ir/dim.h"

/* With n for the first of at most two symbols. */
static int64_t value(const sx_dimtab *t, sx_dim d, int64_t n) {
  const int64_t symbols[2] = {n, SX_DIM_UNKNOWN};
  sx_arena a = {0};
  sx_dim_values values = {.t = t, .symbols = symbols, .arena = &a};
  const int64_t r = sx_dim_now(&values, d);
  assert_int_equal(sx_dim_now(&values, d), r); /* now from what it keeps */
  sx_arena_free(&a);
  return r;
}

static void extremes(void **state) {
  sx_dimtab t = {0};
  sx_dim n = sx_dim_symbol(&t, SX_STR("n")), low = sx_dim_mul(&t, sx_dim_mul(&t, n, -((int64_t)1 << 62)), 2);
  assert_true(sx_dim_is_expr(low)); /* its coefficient is the smallest number, which has no opposite */
  sx_dim q = sx_dim_div(&t, low, sx_dim_sub(&t, 0, n));
  assert_false(sx_dim_is_const(q));
  assert_int_equal(value(&t, sx_dim_div(&t, low, -1), 3), SX_DIM_UNKNOWN);
  assert_int_equal(sx_dim_mod(&t, SX_DIM_CONST_MIN, -1), 0);
  assert_int_equal(sx_dim_mod(&t, SX_DIM_CONST_MIN, ((int64_t)1 << 62) + 1), ((int64_t)1 << 32) + 2);
  assert_int_equal(sx_dim_mod(&t, -5, 3), 1);
  assert_int_equal(sx_dim_mod(&t, 5, -3), -1);
  assert_int_equal(sx_dim_mod(&t, SX_DIM_UNKNOWN, SX_DIM_UNKNOWN), SX_DIM_UNKNOWN);
  assert_int_equal(sx_dim_mod(&t, 6, 3), 0);
  sx_text text = {0};
  sx_dim_print(&t, low, &text);
  assert_int_equal(text.n, strlen("-9223372036854775808*n"));
  assert_memory_equal(text.p, "-9223372036854775808*n", text.n);
  sx_text_free(&text);
  sx_dimtab_free(&t);
}

static void ask_all(const sx_dimtab *t, sx_dim d, int sign) {
  uint8_t used[2] = {0}, none[2] = {0}, first[2] = {1, 0};
  assert_int_equal(sx_dim_sign(t, d), sign);
  sx_dim_symbols(t, d, used);
  assert_true(used[0] && !used[1]);
  assert_true(sx_dim_is_known(t, d, first) && !sx_dim_is_known(t, d, none));
  sx_text text = {0};
  sx_dim_print(t, d, &text);
  assert_true(text.n < 2048);
  sx_text_free(&text);
}
static void shared_parts(void **state) { /* 2^200 leaves */
  sx_dimtab t = {0};
  sx_dim d = sx_dim_symbol(&t, SX_STR("n"));
  sx_dim_symbol(&t, SX_STR("m"));
  for (int i = 0; i < 200; i++) d = sx_dim_max(&t, sx_dim_div(&t, d, 3), sx_dim_div(&t, d, 5));
  ask_all(&t, d, 1);
  assert_int_equal(value(&t, d, 1000), 0);
  sx_dimtab_free(&t);
}
static void deep(void **state) {
  sx_dimtab t = {0};
  sx_dim d = sx_dim_symbol(&t, SX_STR("n"));
  sx_dim_symbol(&t, SX_STR("m"));
  for (int i = 0; i < 200000; i++) d = sx_dim_div(&t, sx_dim_add(&t, d, 1), 3);
  ask_all(&t, d, 1);
  ask_all(&t, sx_dim_sub(&t, 0, d), -1);
  ask_all(&t, sx_dim_sub(&t, d, 1), 0);
  sx_dimtab_free(&t);
}
static void many_symbols(void **state) {
  sx_dimtab t = {0};
  sx_dim d = sx_dim_fresh(&t);
  for (int i = 1; i < 64; i++) d = sx_dim_max(&t, d, sx_dim_fresh(&t));
  assert_true(sx_dim_is_expr(d));
  uint8_t used[80] = {0};
  sx_dim_symbols(&t, d, used);
  for (int i = 0; i < 80; i++) assert_int_equal(used[i], i < 64);
  assert_int_equal(sx_dim_max(&t, d, sx_dim_fresh(&t)), SX_DIM_UNKNOWN);
  assert_true(sx_dim_is_expr(sx_dim_max(&t, 7, sx_dim_fresh(&t))));
  sx_dimtab_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(extremes), cmocka_unit_test(shared_parts), cmocka_unit_test(deep),
                                     cmocka_unit_test(many_symbols)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
