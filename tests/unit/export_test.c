// SPDX-License-Identifier: MIT
/* Graphs written as ONNX and read again: text in, text out, and the operator set that was enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "ir/text.h"
#include "onnx/export.h"
#include "onnx/import.h"
#include "onnx/proto_write.h"
#include "run/session.h"

typedef struct written {
  sx_model *m;
  sx_arena a;
  sx_proto_model p;
  sx_text bytes;
} written;

static void write_text(const char *text, written *w) {
  sx_err e = {0};
  *w = (written){0};
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &w->m, &e) != SX_OK) fail_msg("%s", e.msg);
  if (sx_infer_graph(w->m->graph, &e) != SX_OK || sx_export_prepare(w->m, &e) != SX_OK ||
      sx_export(w->m, &w->a, &w->p, &e) != SX_OK)
    fail_msg("%s", e.msg);
  if (sx_proto_write_model(&w->p, &w->bytes, &e) != SX_OK) fail_msg("%s", e.msg);
}
static void drop(written *w) {
  sx_text_free(&w->bytes);
  sx_arena_free(&w->a);
  sx_model_destroy(w->m);
}

static void check(const char *text, int opset, const char *want) {
  written w;
  sx_model *back;
  sx_err e = {0};
  sx_text got = {0};
  sx_import_options o = {.bytes_live = true};
  write_text(text, &w);
  assert_int_equal(w.p.opset_import.at[0].version, opset);
  assert_true(w.p.ir_version >= 4);
  if (sx_import(w.bytes.p, w.bytes.n, &o, &back, &e) != SX_OK) fail_msg("%s", e.msg);
  sx_graph_print(back->graph, 8, &got);
  sx_text_put(&got, "", 1);
  assert_string_equal(got.p, want);
  sx_text_free(&got);
  sx_model_destroy(back);
  drop(&w);
}

static void test_lowest(void **state) {
  (void)state;
  check("graph (x: float[n, 4]) -> (y) {\n  y = Relu(x)\n}", 7,
        "graph (x: float[n, 4]) -> (y) {\n  y = Relu(x) : float[n, 4]\n}\n");
  check("graph (x: bfloat16[4]) -> (y) {\n  y = Relu(x)\n}", 13, /* the first row with this type */
        "graph (x: bfloat16[4]) -> (y) {\n  y = Relu(x) : bfloat16[4]\n}\n");
  check("graph (x: float[n, 4], a: int64[1]) -> (y) {\n  y = Unsqueeze(x, a)\n}", 13, /* axes are an input since then */
        "graph (x: float[n, 4], a: int64[1]) -> (y) {\n  y = Unsqueeze(x, a) : float[?4, ?5, ?6]\n}\n");
}

static void test_private(void **state) {
  (void)state;
  check(
      "graph (x: float[n, 2], r: float[n, 2]) -> (y) {\n  w = const float[2, 2] {1, 2, 3, 4}\n  y = sardonyx.Linear(x, w, "
      "_, r) {activation = \"Relu\"}\n}",
      7,
      "graph (x: float[n, 2], r: float[n, 2]) -> (y) {\n  w = const float[2, 2] {1.0, 2.0, 3.0, 4.0}\n  value_0 = "
      "MatMul(x, w) : float[n, 2]\n"
      "  value_1 = Add(value_0, r) : float[n, 2]\n  y = Relu(value_1) : float[n, 2]\n}\n");
}

/* An output that is an input, and one value that is two outputs. */
static void test_outputs(void **state) {
  (void)state;
  written w;
  write_text("graph (x: float[2]) -> (x, y, y) {\n  y = Relu(x)\n}", &w);
  const sx_proto_graph *g = w.p.graph;
  assert_int_equal(g->output.n, 3);
  assert_int_equal(g->node.n, 3);
  for (uint32_t i = 0; i < 3; i++)
    for (uint32_t k = 0; k < i; k++) assert_false(sx_str_eq(g->output.at[i].name, g->output.at[k].name));
  drop(&w);
}

/* Sizes that only shape facts hold become nodes; floor division and broadcasting too, and in bodies by capture. */
static void test_shapes(void **state) {
  (void)state;
  static const char *const text[] = {
      "graph (x: float[n, m]) -> (y) {\n  s = Shape(x)\n  k = const int64[1] {-1}\n  y = Reshape(x, k)\n}",
      "graph (x: float[n, 6]) -> (y) {\n  d = const int64[2] {-1, 4}\n  y = Reshape(x, d)\n}",
  };
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    written w;
    sx_err e = {0};
    *(&w) = (written){0};
    assert_int_equal(sx_graph_parse(sx_str_c(text[i]), sx_op_find, &w.m, &e), SX_OK);
    assert_int_equal(sx_infer_graph(w.m->graph, &e), SX_OK);
    sx_graph *g = w.m->graph;
    const sx_fact *f = &sx_value_at(g, g->outputs.at[0])->fact;
    sx_vid in[2] = {g->inputs.at[0], sx_graph_const_dims(g, f->dims, f->rank)}, v = sx_graph_emit(g, &sx_op_Reshape, in, 2);
    assert_true(v != SX_NONE && sx_graph_set_output(g, 0, v));
    assert_int_equal(sx_export_prepare(w.m, &e), SX_OK);
    if (sx_export(w.m, &w.a, &w.p, &e) != SX_OK) fail_msg("%s", e.msg);
    uint32_t shapes = 0;
    for (uint32_t k = 0; k < w.p.graph->node.n; k++) shapes += sx_str_is(w.p.graph->node.at[k].op_type, "Shape");
    assert_true(shapes > 0);
    drop(&w);
  }
}

/* The source dialect is written as it was read: old forms, their version, their names. */
static void test_source(void **state) {
  (void)state;
  written w, second = {0};
  sx_err e = {0};
  sx_import_options o = {.bytes_live = true};
  write_text("graph (x: float[2, 3]) -> (y) {\n  h = Relu(x)\n  y = Neg(h)\n}", &w);
  if (sx_import_source(w.bytes.p, w.bytes.n, &o, &second.m, &e) != SX_OK) fail_msg("%s", e.msg);
  const sx_node *n = sx_node_at(second.m->graph, 0);
  assert_null(n->op);
  assert_true(sx_str_is(n->op_type, "Relu") && n->since_version == 7);
  assert_int_equal(sx_graph_sort(second.m->graph, &e), SX_OK);
  assert_int_equal(sx_export(second.m, &second.a, &second.p, &e), SX_OK);
  assert_int_equal(sx_proto_write_model(&second.p, &second.bytes, &e), SX_OK);
  assert_int_equal(second.bytes.n, w.bytes.n);
  assert_memory_equal(second.bytes.p, w.bytes.p, w.bytes.n);
  assert_int_equal(sx_canonicalise(second.m, &o, &e), SX_OK);
  assert_ptr_equal(n->op, &sx_op_Relu);
  drop(&second);
  drop(&w);
}

static void rewrite_file(const char *path, written *w, sx_model **back) {
  static uint8_t bytes[4096];
  sx_err e = {0};
  sx_import_options o = {.bytes_live = true};
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  const size_t n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  *w = (written){0};
  if (sx_import(bytes, n, &o, &w->m, &e) != SX_OK || sx_export_prepare(w->m, &e) != SX_OK ||
      sx_export(w->m, &w->a, &w->p, &e) != SX_OK || sx_proto_write_model(&w->p, &w->bytes, &e) != SX_OK ||
      sx_import(w->bytes.p, w->bytes.n, &o, back, &e) != SX_OK)
    fail_msg("%s", e.msg);
}

/* Two bodies of decode loops have inputs of the same names, which say what they are. */
static void test_named_bodies(void **state) {
  (void)state;
  written w;
  sx_model *back;
  rewrite_file(SX_SOURCE_DIR "/tests/fuzz/corpus/load/generate.onnx", &w, &back);
  for (uint32_t i = 0; i < 2; i++) {
    const sx_graph *b = sx_attr_graph(sx_node_at(back->graph, i), "decoder");
    assert_true(sx_str_is(sx_value_at(b, b->inputs.at[0])->name, "input_ids"));
    assert_true(sx_str_is(b->output_names.at[0], "logits"));
  }
  sx_model_destroy(back);
  drop(&w);
}

/* The newest row of the operator says only that it is deprecated. */
static void test_deprecated(void **state) {
  (void)state;
  written w;
  sx_model *back;
  rewrite_file(SX_SOURCE_DIR "/tests/fuzz/corpus/load/ml_tree_classifier_none.onnx", &w, &back);
  assert_ptr_equal(sx_node_at(back->graph, 0)->op, &sx_op_TreeEnsembleClassifier);
  sx_model_destroy(back);
  drop(&w);
}

static sx_status weights(void *ctx, const sx_model *m, sx_proto_model *p, sx_arena *a, sx_err *e) {
  size_t *bytes = ctx;
  for (uint32_t i = 0; i < m->tensors.n; i++) *bytes += m->tensors.at[i]->size;
  for (uint32_t i = 0; i < p->graph->node.n; i++)
    bytes[1] += sx_str_is(p->graph->node.at[i].op_type, "DequantizeLinear");
  return SX_OK;
}
/* The optimised model as a file keeps weights of 8 and 16 bits, however they are said. */
static void test_small_weights(void **state) {
  (void)state;
  sx_text text = {0};
  sx_err e = {0};
  written w;
  sx_text_add(&text, "graph (x: float[n, 64]) -> (y) {\n  s = const float[64] {1");
  for (int i = 1; i < 64; i++) sx_text_add(&text, ", 1");
  for (int half = 0; half < 2; half++) {
    sx_text_add(&text, "}\n  w%d = const %s[64, 64] {1", half, half ? "float16" : "int8");
    for (int i = 1; i < 64 * 64; i++) sx_text_add(&text, ", 1");
  }
  sx_text_add(&text, "}\n  d = DequantizeLinear(w0, s) {axis = 1}\n  a = MatMul(x, d)\n  i = Cast(w0) {to = 1}\n  f = Mul(i, s)\n"
                     "  b = MatMul(x, f)\n  h = Cast(w1) {to = 1}\n  c = MatMul(x, h)\n  ab = Add(a, b)\n  y = Add(ab, c)\n}");
  sx_text_put(&text, "", 1);
  write_text(text.p, &w);
  for (int level = 0; level <= 2; level++) {
    size_t bytes[2] = {0};
    sx_session_options o = {.level = level};
    if (sx_session_rewrite(w.bytes.p, w.bytes.n, &o, weights, bytes, &e) != SX_OK) fail_msg("%s", e.msg);
    assert_true(bytes[0] < 3 * 64 * 64 + 1024);
    assert_int_equal(bytes[1], 1);
  }
  drop(&w);
  sx_text_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lowest), cmocka_unit_test(test_private),
                                     cmocka_unit_test(test_outputs), cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_source), cmocka_unit_test(test_named_bodies),
                                     cmocka_unit_test(test_deprecated), cmocka_unit_test(test_small_weights)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
