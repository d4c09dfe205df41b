// SPDX-License-Identifier: MIT
/* The text form of graphs: what is printed parses to a graph that prints the same; bad text is refused with the line's
 * number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "ir/text.h"
#include "ops/ops.h"

static char *print(const sx_graph *g, char *buf, size_t size) {
  sx_text t = {0};
  sx_err e;
  assert_int_equal(sx_graph_sort((sx_graph *)g, &e), SX_OK);
  sx_graph_print(g, 16, &t);
  assert_false(t.failed);
  assert_true(t.n < size);
  memcpy(buf, t.p, t.n);
  buf[t.n] = 0;
  sx_text_free(&t);
  return buf;
}

static const char *const texts[] = {
    "graph (x: float[n, 4], flag: bool[]) -> (y, x) {\n"
    "  w = const float[4, 2] {1.0, -2.5, 3.0, 4.0, 1e-05, 6.0, inf, nan}\n"
    "  big = const float[64, 64] {...}\n"
    "  k = const int64[2] {9223372036854775807, -1}\n"
    "  h = Gemm(x, w, big, k) : float[n, 2]\n"
    "  \"odd name, \\\"quoted\\\"\" = Gelu(h) {approximate = \"tanh\"} : float[n, 2]\n"
    "  y, _ = MaxPool(\"odd name, \\\"quoted\\\"\") {kernel_shape = [2, 3], scales = [1.0, 2.5]} : float[2*n + 1], _\n"
    "}\n",
    "graph (x: float[2], w: float[2]) -> (y) {\n"
    "  w = default float[2] {1.0, 2.0}\n"
    "  y = Add(x, w) : float[2]\n"
    "}\n",
    "graph (x: float[2]) -> (y) {\n"
    "  y = sardonyx.Elementwise(x) {body = graph (a: float[2]) -> (b) {\n"
    "    half = const float[] {0.5}\n"
    "    b = Mul(a, half) : float[2]\n"
    "  }} : float[2]\n"
    "}\n",
};

static void round_trip(void **state) {
  static char first[8192], second[8192];
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    sx_err e = {0};
    sx_model *m, *again;
    if (sx_graph_parse(sx_str_c(texts[i]), sx_op_find, &m, &e) != SX_OK) fail_msg("%s", e.msg);
    assert_int_equal(sx_graph_verify(m->graph, &e), SX_OK);
    assert_string_equal(print(m->graph, first, sizeof first), texts[i]);
    assert_int_equal(sx_graph_parse(sx_str_c(first), sx_op_find, &again, &e), SX_OK);
    assert_string_equal(print(again->graph, second, sizeof second), first);
    sx_model_destroy(m);
    sx_model_destroy(again);
  }
}

static void bad_text(void **state) {
  static const struct {
    const char *text, *says;
  } bad[] = {{"", "expected 'graph'"},
             {"graph", "expected '('"},
             {"graph (x: floot[2]) -> () {}", "no element type"},
             {"graph () -> (y) {\n  y = Relu(x)\n}", "line 2: 'x' is not known"},
             {"graph () -> () {\n\n  y = Relux()\n}", "line 3: there is no operator"},
             {"graph (x: float[1]) -> () {\n x = Relu(x) }", "defined twice"},
             {"graph () -> (a) { a = const float[2] {1, 2, 3} }", "more than the 2"},
             {"graph () -> () { a = const float[n] {1} }", "must be numbers"},
             {"graph () -> () {} x", "after the graph"},
             {"graph () -> () { a = default float[1] {1} }", "is no input"},
             {"graph () -> () { a = const float[1] {", "expected a number"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sx_err e = {0};
    sx_model *m = NULL;
    assert_int_equal(sx_graph_parse(sx_str_c(bad[i].text), sx_op_find, &m, &e), SX_E_INVALID_GRAPH);
    assert_null(m);
    if (!strstr(e.msg, bad[i].says)) fail_msg("'%s' lacks '%s'", e.msg, bad[i].says);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(bad_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
