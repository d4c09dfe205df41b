// SPDX-License-Identifier: MIT
/* Maps, growing text with JSON, errors and log lines: all that handles text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/status.h"
#include "base/str.h"

static void test_strmap(void **state) {
  enum { N = 20000 };
  static char keys[N][12];
  sx_strmap m = {0};
  uint32_t v;
  assert_false(sx_strmap_get(&m, SX_STR("x"), &v));
  for (uint32_t i = 0; i < N; i++) {
    snprintf(keys[i], sizeof keys[i], "node_%u", i);
    assert_true(sx_strmap_put(&m, sx_str_c(keys[i]), i));
  }
  assert_true(sx_strmap_put(&m, sx_str_c(NULL), 77));
  assert_true(sx_strmap_put(&m, (sx_str){"a\0b", 3}, 78));
  assert_true(sx_strmap_put(&m, sx_str_c(keys[5]), 79));
  assert_int_equal(m.n, N + 2);
  for (uint32_t i = 0; i < N; i++) {
    char copy[12];
    memcpy(copy, keys[i], sizeof copy);
    assert_true(sx_strmap_get(&m, sx_str_c(copy), &v));
    assert_int_equal(v, i == 5 ? 79 : i);
  }
  assert_true(sx_strmap_get(&m, SX_STR(""), &v) && v == 77);
  assert_true(sx_strmap_get(&m, (sx_str){"a\0b", 3}, &v) && v == 78);
  assert_false(sx_strmap_get(&m, (sx_str){"a\0c", 3}, &v));
  sx_strmap_free(&m);
  assert_false(sx_strmap_get(&m, SX_STR(""), &v));
  assert_true(sx_strmap_reserve(&m, N));
  const uint32_t room = m.cap;
  for (uint32_t i = 0; i < 2 * N; i++) {
    bool fresh;
    uint32_t *at = sx_strmap_at(&m, sx_str_c(keys[i % N]), &fresh);
    assert_true(at && fresh == (i < N) && *at == (i < N ? 0 : i - N));
    *at = i;
  }
  assert_true(m.n == N && m.cap == room && sx_strmap_reserve(&m, 5) && m.cap == room);
  assert_false(sx_strmap_reserve(&m, (size_t)1 << 31));
  assert_true(m.n == N);
  sx_strmap_free(&m);
}

static void test_map(void **state) {
  sx_map m = {0};
  uint64_t v;
  for (uint64_t i = 0; i < 50000; i++) assert_true(sx_map_put(&m, i << 32, i));
  assert_true(sx_map_put(&m, UINT64_MAX, 5));
  for (uint64_t i = 0; i < 50000; i++) assert_true(sx_map_get(&m, i << 32, &v) && v == i);
  assert_true(sx_map_get(&m, UINT64_MAX, &v) && v == 5);
  assert_false(sx_map_get(&m, 1, &v));
  sx_map_free(&m);
}

static void test_hash(void **state) {
  char buf[80] = {0};
  sx_map seen = {0};
  for (size_t n = 0; n <= 64; n++)
    for (int at = -1; at < (int)n; at++) {
      memset(buf, 0, sizeof buf);
      if (at >= 0) buf[at] = 1;
      uint64_t h = sx_hash(buf, n, 1), v;
      assert_false(sx_map_get(&seen, h, &v));
      sx_map_put(&seen, h, 1);
      assert_true(h != sx_hash(buf, n, 2));
    }
  sx_map_free(&seen);
}

static void test_text(void **state) {
  sx_text t = {0};
  for (int i = 0; i < 1000; i++) sx_text_add(&t, "%d,", i);
  assert_int_equal(t.n, 3890);
  assert_int_equal(strlen(t.p), t.n);
  assert_memory_equal(t.p, "0,1,2,", 6);
  sx_text_free(&t);
  const char *raw = "a\"\\/\n\t\b\f\r\x01\x7f\xc3\xa9\xf0\x9f\x98\x80|\xc3|\xc0\x80|\xed\xa0\x80|\xf5\xff";
  sx_text_json(&t, sx_str_c(raw));
#define BAD "\xef\xbf\xbd"
  assert_string_equal(t.p, "\"a\\\"\\\\/\\n\\t\\b\\f\\r\\u0001\x7f\xc3\xa9\xf0\x9f\x98\x80|" BAD "|" BAD BAD "|" BAD BAD BAD
                           "|" BAD BAD "\"");
  sx_text_free(&t);
  sx_text_json(&t, (sx_str){"\0x", 2});
  assert_string_equal(t.p, "\"\\u0000x\"");
  sx_text_free(&t);
  sx_text_put(&t, "x", SIZE_MAX);
  assert_true(t.failed);
  sx_text_add(&t, "more");
  assert_true(t.failed && t.p == NULL);
  sx_text_free(&t);
}

static sx_status refuse(sx_err *e, int n) { SX_FAIL(e, INVALID_GRAPH, "expected %d, found %d", 3, n); }
static sx_status relay(sx_err *e, int n) {
  SX_TRY(refuse(e, n));
  return SX_OK;
}

static void test_status(void **state) {
  sx_err e = {0};
  assert_int_equal(relay(&e, 4), SX_E_INVALID_GRAPH);
  assert_string_equal(e.msg, "expected 3, found 4");
  assert_int_equal(e.code, SX_E_INVALID_GRAPH);
  sx_err_context(&e, "node \"%s\" (%s)", "n1", "Conv");
  assert_string_equal(e.msg, "node \"n1\" (Conv): expected 3, found 4");
  assert_int_equal(relay(NULL, 4), SX_E_INVALID_GRAPH);
  sx_err_context(NULL, "x");
  assert_string_equal(sx_status_name(SX_E_NO_MEMORY), "NO_MEMORY");
  assert_string_equal(sx_status_name((sx_status)1234), "UNKNOWN");
  static char big[6000];
  for (size_t i = 0; i + 1 < sizeof big; i += 2) memcpy(big + i, "\xc3\xa9", 2);
  big[sizeof big - 2] = 0;
  sx_fail(&e, SX_E_FAIL, "f", 1, "%s", big);
  assert_true(strlen(e.msg) < sizeof e.msg && strlen(e.msg) > sizeof e.msg - 8);
  assert_string_equal(e.msg + strlen(e.msg) - 5, "\xc3\xa9...");
  sx_err_context(&e, "%s", big);
  sx_err_context(&e, "front");
  assert_memory_equal(e.msg, "front: \xc3\xa9", 9);
  assert_string_equal(e.msg + strlen(e.msg) - 5, "\xc3\xa9...");
}

static void keep(void *ctx, sx_severity s, const char *category, const char *id, const char *where, const char *message) {
  snprintf(ctx, 100, "%d %s %.11s %s", (int)s, id, where, message);
}

static void test_log(void **state) {
  char line[100] = "";
  sx_logger l = {keep, line, SX_LOG_WARNING, "run1"};
  sx_log(&l, INFO, "no %d", 1);
  assert_string_equal(line, "");
  sx_log(&l, ERROR, "yes %d", 2);
  assert_string_equal(line, "3 run1 str_test.c: yes 2");
  sx_log((const sx_logger *)NULL, ERROR, "nobody");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_strmap), cmocka_unit_test(test_map),    cmocka_unit_test(test_hash),
                                     cmocka_unit_test(test_text),   cmocka_unit_test(test_status), cmocka_unit_test(test_log)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
