// SPDX-License-Identifier: MIT
/* Element facts of small integer tensors against what the operators compute: division and remainder of either sign, numbers
 * that their type does not hold, and the largest ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "ir/text.h"
#include "ops/ops.h"

/* What is known of the first element of the graph's output where n has that value; SX_DIM_UNKNOWN: nothing, or it does not
 * fit. */
static int64_t known(const char *body, int64_t n) {
  char text[1024];
  sx_err e = {0};
  sx_model *m;
  snprintf(text, sizeof text, "graph (x: float[n]) -> (y) {\n%s}\n", body);
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK)
    fail_msg("%s", e.msg);
  const sx_fact *f = &sx_value_at(m->graph, m->graph->outputs.at[0])->fact;
  const sx_dimtab *t = &m->dims;
  int64_t symbols[16];
  sx_arena a = {0};
  sx_dim_values values = {.t = t, .symbols = symbols, .arena = &a};
  assert_true(t->symbols.n <= 16);
  for (int i = 0; i < 16; i++) symbols[i] = n;
  const int64_t r = f->elems ? sx_dim_now(&values, f->elems[0]) : SX_DIM_UNKNOWN;
  sx_arena_free(&a);
  sx_model_destroy(m);
  return r;
}

static void signs(void **state) {
  for (int64_t n = 0; n < 12; n++) {
    char s[512];
    for (int64_t k = 0; k < 12; k += 5) {
      snprintf(s, sizeof s,
               " s = Shape(x)\n k = const int64[1] {%d}\n three = const int64[1] {3}\n d = Sub(s, k)\n y = Div(d, three)\n",
               (int)k);
      assert_int_equal(known(s, n), (n - k) / 3);
      snprintf(s, sizeof s,
               " s = Shape(x)\n k = const int64[1] {%d}\n three = const int64[1] {3}\n d = Sub(s, k)\n y = Mod(d, three)\n",
               (int)k);
      assert_int_equal(known(s, n), ((n - k) % 3 + 3) % 3);
      snprintf(s, sizeof s,
               " s = Shape(x)\n k = const int64[1] {%d}\n three = const int64[1] {3}\n d = Sub(s, k)\n y = Mod(d, three) "
               "{fmod = 1}\n",
               (int)k);
      assert_int_equal(known(s, n), (n - k) % 3);
    }
    assert_int_equal(known(" s = Shape(x)\n three = const int64[1] {3}\n six = const int64[1] {6}\n a = Mul(s, three)\n b "
                           "= Sub(a, six)\n y = Div(b, three)\n",
                           n),
                     n - 2);
  }
  assert_int_equal(known(" a = const int64[1] {-7}\n b = const int64[1] {3}\n y = Mod(a, b) {fmod = 1}\n", 0), -1);
  assert_int_equal(known(" a = const int64[1] {-7}\n b = const int64[1] {3}\n y = Div(a, b)\n", 0), -2);
}

static void types(void **state) {
  const char *wraps = " s = Shape(x)\n c = Cast(s) {to = 6}\n k = const int32[1] {65536}\n d = Mul(c, k)\n y = Mul(d, k)\n";
  assert_int_equal(known(wraps, 0), 0);
  assert_int_equal(known(wraps, 3), SX_DIM_UNKNOWN);
  assert_int_equal(known(" s = Shape(x)\n c = Cast(s) {to = 6}\n k = const int32[1] {5}\n y = Mul(c, k)\n", 7), 35);
  assert_int_equal(known(" a = const int32[1] {2147483647}\n y = Add(a, a)\n", 0), SX_DIM_UNKNOWN);
  assert_int_equal(known(" a = const int64[1] {2147483648}\n y = Cast(a) {to = 6}\n", 0), SX_DIM_UNKNOWN);
  assert_int_equal(known(" a = const uint8[1] {200}\n b = const uint8[1] {55}\n y = Add(a, b)\n", 0), 255);
  assert_int_equal(known(" a = const uint8[1] {200}\n b = const uint8[1] {56}\n y = Add(a, b)\n", 0), SX_DIM_UNKNOWN);
  assert_int_equal(known(" a = const uint8[1] {1}\n b = const uint8[1] {2}\n y = Sub(a, b)\n", 0), SX_DIM_UNKNOWN);
  assert_int_equal(known(" a = const int64[1] {-9223372036854775808}\n b = const int64[1] {1}\n y = Add(a, b)\n", 0),
                   SX_DIM_UNKNOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(signs), cmocka_unit_test(types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
