// SPDX-License-Identifier: MIT
/* The pattern matcher on small graphs: exchanged operands at several depths, captures that must agree, constants, and
 * results that leave the pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "ir/text.h"
#include "pass/pass.h"

/* (x + 1) * (x + y) */
static const sx_pat pattern[] = {{&sx_op_Mul, 2, {SX_P_N(1), SX_P_N(2)}},
                                 {&sx_op_Add, 2, {SX_P_X(0), SX_P_K(1)}},
                                 {&sx_op_Add, 2, {SX_P_X(0), SX_P_X(1)}}};

static sx_model *parse(const char *body) {
  char text[1024];
  sx_err e = {0};
  sx_model *m;
  snprintf(text, sizeof text,
           "graph (x: float[2], y: float[2]) -> (r) {\n  one = const float[] {1}\n  two = const float[] {2}\n%s}\n", body);
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK)
    fail_msg("%s", e.msg);
  return m;
}
static sx_nid root(const sx_graph *g) { return sx_value_at(g, g->outputs.at[0])->producer; }
static bool matches(const char *body, sx_match *m) {
  sx_model *model = parse(body);
  bool yes = sx_match_at(model->graph, root(model->graph), pattern, 3, m);
  sx_model_destroy(model);
  return yes;
}

static void orders(void **state) {
  sx_match m;
  /* All exchanges; the last ones bind the wrong sum first and have to come back. */
  static const char *const yes[] = {
      "a = Add(x, one) b = Add(x, y) r = Mul(a, b)",   "a = Add(one, x) b = Add(y, x) r = Mul(b, a)",
      "a = Add(x, one) b = Add(x, one) r = Mul(a, b)", "a = Add(one, x) b = Add(one, x) r = Mul(b, a)",
      "a = Add(y, one) b = Add(x, y) r = Mul(a, b)",   "a = Add(one, one) b = Add(x, one) r = Mul(b, a)"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!matches(yes[i], &m)) fail_msg("does not match: %s", yes[i]);
}
static void captures(void **state) {
  sx_match m;
  assert_true(matches("a = Add(y, one) b = Add(x, y) r = Mul(b, a)", &m));
  assert_int_equal(m.capture[0], 1); /* y */
  assert_int_equal(m.capture[1], 0); /* x */
  assert_int_equal(m.capture[2], SX_NONE);
}
static void refusals(void **state) {
  sx_match m;
  static const char *const no[] = {
      "a = Add(x, two) b = Add(x, y) r = Mul(a, b)",                                  /* another number */
      "a = Add(x, one) b = Add(y, y) r = Mul(a, b)",                                  /* captures differ */
      "a = Sub(x, one) b = Add(x, y) r = Mul(a, b)", "a = Add(x, one) r = Mul(a, y)", /* other operators */
      "a = Add(x, one) b = Add(x, y) c = Relu(b) s = Mul(a, b) r = Add(s, c)"};       /* no product at the root */
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (matches(no[i], &m)) fail_msg("matches: %s", no[i]);
  sx_model *used =
      parse("a = Add(x, one) b = Add(x, y) s = Mul(a, b) c = Relu(b) r = Add(s, c)"); /* b leaves the pattern */
  const sx_graph *g = used->graph;
  assert_false(sx_match_at(g, sx_value_at(g, sx_node_at(g, root(g))->in[0].value)->producer, pattern, 3, &m));
  sx_model_destroy(used);
}

static void scalars(void **state) {
  sx_model *m = parse("k = const float[1, 1] {0.70710677} a = Mul(x, k) s = Sub(two, a) r = Add(s, one)");
  const sx_graph *g = m->graph;
  sx_vid x;
  double scale, shift;
  assert_true(sx_pass_affine(g, sx_node_at(g, root(g)), &x, &scale, &shift));
  assert_true(scale == 1 && shift == 1);
  assert_true(sx_pass_affine(g, sx_value_producer(g, x), &x, &scale, &shift));
  assert_true(scale == -1 && shift == 2);
  const sx_node *mul = sx_value_producer(g, x);
  assert_false(sx_pass_affine(g, mul, &x, &scale, &shift)); /* the constant has more axes than x */
  assert_true(sx_pass_is_near(g, mul->in[1].value, 0.7071));
  assert_false(sx_pass_is_near(g, mul->in[1].value, 0.72));
  sx_model_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(captures), cmocka_unit_test(refusals),
                                     cmocka_unit_test(scalars)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
