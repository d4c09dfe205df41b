// SPDX-License-Identifier: MIT
/* What packed weights take: large convolutions get as many Winograd forms as their budget has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "ir/text.h"
#include "ops/ops.h"
#include "run/session.h"

enum { CHANNELS = 384, CONVS = 8 };

static sx_session *session(int level) {
  char text[4096];
  int n = snprintf(text, sizeof text, "graph (x0: float[1, %d, 8, 8]) -> (x%d) {\n", CHANNELS, CONVS);
  for (int i = 0; i < CONVS; i++)
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "w%d = const float[%d, %d, 3, 3] {...}\nx%d = Conv(x%d, w%d) {pads = [1, 1, 1, 1]}\n", i, CHANNELS,
                  CHANNELS, i + 1, i, i);
  snprintf(text + n, sizeof text - (size_t)n, "}\n");
  sx_model *m;
  sx_session *s;
  sx_err e = {0};
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK)
    fail_msg("%s", e.msg);
  if (sx_session_create_model(m, &(sx_session_options){.level = level}, &s, &e) != SX_OK) fail_msg("%s", e.msg);
  return s;
}

static void budget(void **state) {
  const size_t plain = (size_t)CONVS * CHANNELS * CHANNELS * 9 * 4;
  sx_session *basic = session(1), *all = session(99);
  assert_int_equal(sx_session_weight_bytes(basic), plain);
  size_t bytes = sx_session_weight_bytes(all);
  assert_true(bytes > plain + plain / 8);
  assert_true(bytes <= plain + plain / 4);
  sx_session_destroy(basic), sx_session_destroy(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(budget)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
