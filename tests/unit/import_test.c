// SPDX-License-Identifier: MIT
/* Models of every IR version, of versions to come, and with operators of domains that nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "ir/text.h"
#include "onnx/export.h"
#include "onnx/import.h"
#include "onnx/proto_write.h"
#include "drive.h"

static int warnings;
static void count(void *ctx, sx_severity severity, const char *category, const char *id, const char *where,
                  const char *message) {
  (void)ctx, (void)category, (void)id, (void)where, (void)message;
  warnings += severity >= SX_LOG_WARNING;
}
static const sx_logger logger = {.fn = count, .least = SX_LOG_WARNING};

/* The text as a serialized model of these versions; domain: of its last node, NULL as it is. */
static void serialize(const char *text, int64_t ir, int64_t opset, const char *domain, sx_text *bytes) {
  sx_err e = {0};
  sx_model *m;
  sx_arena a = {0};
  sx_proto_model p;
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK ||
      sx_export_prepare(m, &e) != SX_OK || sx_export(m, &a, &p, &e) != SX_OK)
    fail_msg("%s", e.msg);
  p.ir_version = ir;
  if (opset) p.opset_import.at[0].version = opset;
  if (domain) p.graph->node.at[p.graph->node.n - 1].domain = sx_str_c(domain);
  *bytes = (sx_text){0};
  if (sx_proto_write_model(&p, bytes, &e) != SX_OK) fail_msg("%s", e.msg);
  sx_arena_free(&a);
  sx_model_destroy(m);
}

static const char *const relu = "graph (x: float[n, 4]) -> (y) {\n  y = Relu(x)\n}";

static int warnings_of(const char *text, int64_t ir, int64_t opset) {
  sx_text bytes;
  sx_err e = {0};
  const sx_session_options o = {.import = {.bytes_live = true, .log = &logger}, .level = 99, .log = &logger};
  serialize(text, ir, opset, NULL, &bytes);
  warnings = 0;
  if (drive_model(bytes.p, bytes.n, &o, 2, &e) != SX_OK) fail_msg("IR version %d: %s", (int)ir, e.msg);
  sx_text_free(&bytes);
  return warnings;
}

static void test_ir_versions(void **state) {
  (void)state;
  for (int ir = 3; ir <= 14; ir++) assert_int_equal(warnings_of(relu, ir, 0), 0);
}

/* One warning, whatever is newer than this library, also where sessions plan for each set of sizes anew. */
static void test_newer(void **state) {
  (void)state;
  const char *by_shapes = "graph (x: float[n, m]) -> (y) {\n  s = Squeeze(x)\n  y = Relu(s)\n}";
  assert_int_equal(warnings_of(relu, 15, 0), 1);
  assert_int_equal(warnings_of(relu, 99, 0), 1);
  assert_int_equal(warnings_of(by_shapes, 10, 0), 0);
  assert_int_equal(warnings_of(by_shapes, 99, 0), 1);
  assert_int_equal(warnings_of(relu, 10, 1000), 1);
  assert_int_equal(warnings_of(relu, 99, 1000), 1);
}

static void test_unknown_domain(void **state) {
  (void)state;
  static const char *const says[] = {"'Relu'", "'my.own'", "ai.onnx.ml", "com.microsoft", "CustomOpDomain_Add",
                                     "RegisterCustomOpsLibrary"};
  sx_text bytes;
  sx_err e = {0};
  sx_model *m;
  serialize(relu, 10, 0, "my.own", &bytes);
  assert_int_not_equal(sx_import(bytes.p, bytes.n, &(sx_import_options){.bytes_live = true}, &m, &e), SX_OK);
  for (size_t i = 0; i < sizeof says / sizeof *says; i++)
    if (!strstr(e.msg, says[i])) fail_msg("'%s' says nothing of %s", e.msg, says[i]);
  sx_text_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ir_versions),
      cmocka_unit_test(test_newer),
      cmocka_unit_test(test_unknown_domain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
