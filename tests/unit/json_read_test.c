// SPDX-License-Identifier: MIT
/* The JSON reader: what it gives, what it refuses and where, and every prefix of a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/json_read.h"

static const sx_json *parse(sx_arena *a, const char *s) {
  const sx_json *v = NULL;
  return sx_json_read(a, sx_str_c(s), &v, NULL) == SX_OK ? v : NULL;
}

static void test_values(void **state) {
  sx_arena a = {0};
  const sx_json *v =
      parse(&a, "\xef\xbb\xbf {\"a\": [1, -2.5e3, true, false, null], \"b\":{}, \"\":\"x\\u0041\\ud83d\\ude00\\n\"} ");
  assert_non_null(v);
  assert_int_equal(v->n, 3);
  const sx_json *list = sx_json_get(v, "a"), *i = list->first;
  assert_int_equal(list->n, 5);
  int64_t n = 0;
  assert_true(sx_json_int(i, &n) && n == 1);
  i = i->next;
  assert_false(sx_json_int(i, &n));
  assert_string_equal(i->text.p, "-2.5e3");
  assert_int_equal(i->next->kind, SX_JSON_TRUE);
  assert_int_equal(i->next->next->kind, SX_JSON_FALSE);
  assert_int_equal(i->next->next->next->kind, SX_JSON_NULL);
  assert_null(i->next->next->next->next);
  assert_int_equal(sx_json_get(v, "b")->kind, SX_JSON_OBJECT);
  assert_string_equal(sx_json_get(v, "")->text.p, "xA\xf0\x9f\x98\x80\n");
  assert_null(sx_json_get(v, "c"));
  assert_null(sx_json_get(list, "a"));
  assert_null(sx_json_get(NULL, "a"));
  assert_int_equal(parse(&a, "\"a\\u0000b\"")->text.n, 3);
  assert_true(sx_json_int(parse(&a, "-9223372036854775808"), &n) && n == INT64_MIN);
  assert_false(sx_json_int(parse(&a, "9223372036854775808"), &n));
  sx_arena_free(&a);
}

static void test_same_name(void **state) {
  sx_arena a = {0};
  const sx_json *v = parse(&a, "{\"a\":1,\"b\":2,\"a\":3,\"b\":4,\"c\":5}");
  int64_t n;
  assert_int_equal(v->n, 3);
  assert_true(sx_str_is(v->first->key, "a") && sx_json_int(v->first, &n) && n == 3);
  assert_true(sx_str_is(v->first->next->key, "b") && sx_json_int(v->first->next, &n) && n == 4);
  assert_null(v->first->next->next->next);
  sx_arena_free(&a);
}

static void test_refusals(void **state) {
  static const char *const bad[] = {"",
                                    " ",
                                    "{",
                                    "[1,]",
                                    "{\"a\":1,}",
                                    "{\"a\"}",
                                    "{a:1}",
                                    "[1 2]",
                                    "01",
                                    "1.",
                                    "1e",
                                    "-",
                                    "+1",
                                    ".5",
                                    "1e999",
                                    "tru",
                                    "nul",
                                    "\"",
                                    "\"\\x\"",
                                    "\"\\u12g4\"",
                                    "\"\\ud83d\"",
                                    "\"\\ude00\"",
                                    "\"\\ud83d\\u0041\"",
                                    "\"\x01\"",
                                    "\"\xff\"",
                                    "\"\xc0\x80\"",
                                    "\"\xed\xa0\x80\"",
                                    "[]x",
                                    "// x\n1",
                                    "]",
                                    "[}",
                                    "NaN",
                                    "\"\\"};
  sx_arena a = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (parse(&a, bad[i])) fail_msg("accepted: %s", bad[i]);
  const sx_json *v;
  sx_err e;
  assert_int_equal(sx_json_read(&a, SX_STR("{\n  \"a\": x}"), &v, &e), SX_E_FAIL);
  assert_non_null(strstr(e.msg, "line 2, column 8: expected a value, found 'x'"));
  sx_arena_free(&a);
}

/* A NUL is a byte like any other, and what lies behind the end is not read. */
static void test_every_cut(void **state) {
  static const char text[] =
      "{\"k\\u00e9\\ud83d\\ude00\": [1.5e-3, true, {\"x\": null}], \"\xc3\xa9\": \"y\\\\\", \"z\": -0}";
  sx_arena a = {0};
  const sx_json *v;
  for (size_t n = 0; n < sizeof text - 1; n++) {
    char *cut = sx_malloc(n); /* its own block: a sanitizer sees a step behind it */
    memcpy(cut, text, n);
    assert_int_equal(sx_json_read(&a, (sx_str){cut, n}, &v, NULL), SX_E_FAIL);
    sx_free(cut, n);
  }
  assert_int_equal(sx_json_read(&a, SX_STR(text), &v, NULL), SX_OK);
  assert_int_equal(sx_json_read(&a, (sx_str){"1\0", 2}, &v, NULL), SX_E_FAIL);
  sx_arena_free(&a);
}

static void test_deep(void **state) {
  enum { N = 1000000 };
  sx_arena a = {0};
  char *s = sx_malloc(2 * N);
  memset(s, '[', N);
  memset(s + N, ']', N);
  const sx_json *v;
  assert_int_equal(sx_json_read(&a, (sx_str){s, N}, &v, NULL), SX_E_FAIL);
  assert_int_equal(sx_json_read(&a, (sx_str){s, 2 * N}, &v, NULL), SX_OK);
  sx_free(s, 2 * N);
  sx_arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_same_name),
                                     cmocka_unit_test(test_refusals), cmocka_unit_test(test_every_cut),
                                     cmocka_unit_test(test_deep)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
