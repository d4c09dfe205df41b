// SPDX-License-Identifier: MIT
/* Views: what a provider sees of a model, walked through the interface, against the model's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "abi/graph.h"
#include "ir/text.h"
#include "onnx/export.h"
#include "onnx/proto_write.h"
#include "run/session.h"

/* ---- a model's bytes out of text ---- */
static void bytes_of(const char *text, sx_text *out) {
  sx_err e = {0};
  sx_model *m;
  sx_arena a = {0};
  sx_proto_model p;
  if (sx_graph_parse(sx_str_c(text), sx_op_find, &m, &e) != SX_OK) fail_msg("%s", e.msg);
  if (sx_infer_graph(m->graph, &e) != SX_OK || sx_export_prepare(m, &e) != SX_OK || sx_export(m, &a, &p, &e) != SX_OK)
    fail_msg("%s", e.msg);
  if (sx_proto_write_model(&p, out, &e) != SX_OK) fail_msg("%s", e.msg);
  sx_arena_free(&a);
  sx_model_destroy(m);
}

static OrtGraph *view_of(const sx_text *bytes) {
  sx_err e = {0};
  OrtGraph *g;
  sx_import_options o = {.bytes_live = true, .evaluate = sx_evaluate_node};
  if (sx_ort_graph_of_bytes(bytes->p, bytes->n, &o, &g, &e) != SX_OK) fail_msg("%s", e.msg);
  return g;
}

#define OK(call) assert_null(call)

static void put_value(const OrtValueInfo *v, sx_text *t) {
  const char *name = "_";
  const OrtTypeInfo *type = NULL;
  if (v) OK(sx_api_GetValueInfoName(v, &name));
  sx_text_add(t, "%s", name);
  if (!v) return;
  OK(sx_api_GetValueInfoTypeInfo(v, &type));
  if (!type || !type->tensor) return;
  sx_text_add(t, ":%d[", (int)type->tensor->type);
  for (uint32_t i = 0; i < type->tensor->rank; i++) {
    const char *s = i < type->tensor->named && type->tensor->names[i] ? type->tensor->names[i] : "";
    if (type->tensor->dims[i] >= 0)
      sx_text_add(t, "%s%lld", i ? "," : "", (long long)type->tensor->dims[i]);
    else
      sx_text_add(t, "%s%s", i ? "," : "", s);
  }
  sx_text_add(t, "]");
  bool outer = false, constant = false;
  OK(sx_api_ValueInfo_IsFromOuterScope(v, &outer));
  OK(sx_api_ValueInfo_IsConstantInitializer(v, &constant));
  sx_text_add(t, "%s%s", outer ? "^" : "", constant ? "=" : "");
}

static void put_values(const char *what, const OrtValueInfo *const *v, size_t n, sx_text *t) {
  sx_text_add(t, "%s(", what);
  for (size_t i = 0; i < n; i++) {
    if (i) sx_text_add(t, " ");
    put_value(v[i], t);
  }
  sx_text_add(t, ")");
}

static void put_graph(const OrtGraph *g, int depth, sx_text *t) {
  const OrtValueInfo *v[16];
  const OrtNode *nodes[16];
  size_t n;
  sx_text_add(t, "%*s", depth, "");
  OK(sx_api_Graph_GetNumInputs(g, &n));
  OK(sx_api_Graph_GetInputs(g, v, 16));
  put_values("in", v, n, t);
  OK(sx_api_Graph_GetNumOutputs(g, &n));
  OK(sx_api_Graph_GetOutputs(g, v, 16));
  put_values(" out", v, n, t);
  OK(sx_api_Graph_GetNumInitializers(g, &n));
  OK(sx_api_Graph_GetInitializers(g, v, 16));
  put_values(" const", v, n, t);
  sx_text_add(t, "\n");
  OK(sx_api_Graph_GetNumNodes(g, &n));
  OK(sx_api_Graph_GetNodes(g, nodes, 16));
  for (size_t i = 0; i < n; i++) {
    const char *op = NULL;
    int version = 0;
    size_t k;
    OK(sx_api_Node_GetOperatorType(nodes[i], &op));
    OK(sx_api_Node_GetSinceVersion(nodes[i], &version));
    sx_text_add(t, "%*s%s-%d", depth + 2, "", op, version);
    OK(sx_api_Node_GetNumInputs(nodes[i], &k));
    OK(sx_api_Node_GetInputs(nodes[i], v, 16));
    put_values("", v, k, t);
    OK(sx_api_Node_GetNumImplicitInputs(nodes[i], &k));
    OK(sx_api_Node_GetImplicitInputs(nodes[i], v, 16));
    if (k) put_values(" implicit", v, k, t);
    OK(sx_api_Node_GetNumOutputs(nodes[i], &k));
    OK(sx_api_Node_GetOutputs(nodes[i], v, 16));
    put_values(" ->", v, k, t);
    sx_text_add(t, "\n");
    const OrtGraph *bodies[4];
    const char *names[4];
    OK(sx_api_Node_GetNumSubgraphs(nodes[i], &k));
    OK(sx_api_Node_GetSubgraphs(nodes[i], bodies, 4, names));
    for (size_t b = 0; b < k; b++) {
      const OrtNode *parent = NULL;
      OK(sx_api_Graph_GetParentNode(bodies[b], &parent));
      assert_ptr_equal(parent, nodes[i]);
      sx_text_add(t, "%*s%s:\n", depth + 4, "", names[b]);
      put_graph(bodies[b], depth + 6, t);
    }
  }
}

static void check(const char *text, const char *want) {
  sx_text bytes = {0}, got = {0};
  bytes_of(text, &bytes);
  OrtGraph *g = view_of(&bytes);
  put_graph(g, 0, &got);
  sx_text_put(&got, "", 1);
  assert_string_equal(got.p, want);
  sx_text_free(&got);
  sx_api_ReleaseGraph(g);
  sx_text_free(&bytes);
}

/* Identity is gone, also where it made the graph's output; what has a known content is an initializer. */
static void test_clean(void **state) {
  (void)state;
  check(
      "graph (x: float[n, 4]) -> (y) {\n  a = Identity(x)\n  w = const float[4] {1, 2, 3, 4}\n  b = Add(a, w)\n  c = "
      "Relu(b)\n  y = Identity(c)\n}",
      "in(x:1[n,4]) out(y:1[n,4]) const(w:1[4]=)\n"
      "  Add-7(x:1[n,4] w:1[4]=) ->(b:1[n,4])\n"
      "  Relu-6(b:1[n,4]) ->(y:1[n,4])\n");
}

static void test_folded(void **state) {
  (void)state;
  check(
      "graph (x: float[2, 6]) -> (y) {\n  s = Shape(x)\n  two = const int64[1] {2}\n  d = Div(s, two)\n  y = Tile(x, d)\n}",
      "in(x:1[2,6]) out(y:1[2,18]) const(d:7[2]=)\n"
      "  Tile-6(x:1[2,6] d:7[2]=) ->(y:1[2,18])\n");
  check( /* large ones, too */
      "graph (x: float[20, 30]) -> (y) {\n  k = const int64[2] {20, 30}\n  w = ConstantOfShape(k)\n  v = Exp(w)\n  y = Add(x, "
      "v)\n}",
      "in(x:1[20,30]) out(y:1[20,30]) const(v:1[20,30]=)\n"
      "  Add-7(x:1[20,30] v:1[20,30]=) ->(y:1[20,30])\n");
  check( /* not what is quantised: its reader may want it so */
      "graph (x: float[2]) -> (y) {\n  q = const int8[2] {1, 2}\n  s = const float[] {0.5}\n  w = DequantizeLinear(q, s)\n  y = "
      "Add(x, w)\n}",
      "in(x:1[2]) out(y:1[2]) const(q:3[2]= s:1[]=)\n"
      "  DequantizeLinear-10(q:3[2]= s:1[]=) ->(w:1[2])\n"
      "  Add-7(x:1[2] w:1[2]) ->(y:1[2])\n");
}

static void test_body(void **state) {
  (void)state;
  check(
      "graph (x: float[n], c: bool[]) -> (y) {\n  k = const float[] {3}\n  a = Exp(x)\n  y = If(c) {then_branch = graph () "
      "-> (p) {\n    p = Mul(a, k)\n  }, else_branch = graph () -> (q) {\n    q = Neg(a)\n  }}\n}",
      "in(x:1[n] c:9[]) out(y:1[n]) const(k:1[]=)\n"
      "  Exp-6(x:1[n]) ->(a:1[n])\n"
      "  If-1(c:9[]) implicit(a:1[n] k:1[]=) ->(y:1[n])\n"
      "    then_branch:\n"
      "      in() out(p:1[n]) const()\n"
      "        Mul-7(a:1[n]^ k:1[]^=) ->(p:1[n])\n"
      "    else_branch:\n"
      "      in() out(q:1[n]) const()\n"
      "        Neg-6(a:1[n]^) ->(q:1[n])\n");
}

static void test_quantized(void **state) {
  (void)state;
  check(
      "graph (x: uint8[n]) -> (y, z) {\n  s = const float[] {0.5}\n  d = DequantizeLinear(x, s)\n  y = Relu(d)\n  z = "
      "Neg(d)\n}",
      "in(x:2[n]) out(y:1[n] z:1[n]) const(s:1[]=)\n"
      "  DequantizeLinear-10(x:2[n] s:1[]=) ->(d:1[n])\n"
      "  DequantizeLinear-10(x:2[n] s:1[]=) ->(sardonyx/value_0:1[n])\n"
      "  Relu-6(sardonyx/value_0:1[n]) ->(y:1[n])\n"
      "  Neg-6(d:1[n]) ->(z:1[n])\n");
}

/* Two nodes of four: what comes from outside, what goes outside, and who reads it. */
static void test_subset(void **state) {
  (void)state;
  sx_text bytes = {0}, got = {0};
  bytes_of(
      "graph (x: float[n], r: float[n]) -> (y) {\n  w = const float[1] {2}\n  a = Exp(x)\n  b = Mul(a, w)\n  c = Add(b, "
      "r)\n  y = Sub(b, c)\n}",
      &bytes);
  OrtGraph *g = view_of(&bytes), *part, *no;
  const OrtNode *nodes[4], *some[2], *none = NULL;
  OK(sx_api_Graph_GetNodes(g, nodes, 4));
  some[0] = nodes[2], some[1] = nodes[1];
  OK(sx_api_Graph_GetGraphView(g, some, 2, &part));
  put_graph(part, 0, &got);
  sx_text_put(&got, "", 1);
  assert_string_equal(got.p,
                      "in(r:1[n] a:1[n]) out(b:1[n] c:1[n]) const(w:1[1]=)\n"
                      "  Mul-7(a:1[n] w:1[1]=) ->(b:1[n])\n"
                      "  Add-7(b:1[n] r:1[n]) ->(c:1[n])\n");
  OrtStatus *s = sx_api_Graph_GetGraphView(part, nodes, 1, &no);
  assert_non_null(s);
  sx_api_ReleaseStatus(s);
  s = sx_api_Graph_GetGraphView(g, &none, 1, &no);
  assert_non_null(s);
  sx_api_ReleaseStatus(s);
  sx_api_ReleaseGraph(part);
  sx_api_ReleaseGraph(g);
  sx_text_free(&got);
  sx_text_free(&bytes);
}

static void test_uses(void **state) {
  (void)state;
  sx_text bytes = {0};
  bytes_of("graph (x: float[n]) -> (y) {\n  w = const float[1] {2}\n  a = Mul(x, w)\n  y = Add(a, a)\n}", &bytes);
  OrtGraph *g = view_of(&bytes);
  const OrtNode *nodes[2], *who[2], *producer;
  const OrtValueInfo *in[2], *a;
  const OrtOpAttr *attr;
  int64_t slots[2];
  size_t n, index;
  OK(sx_api_Graph_GetNodes(g, nodes, 2));
  OK(sx_api_Node_GetOutputs(nodes[0], &a, 1));
  OK(sx_api_ValueInfo_GetValueNumConsumers(a, &n));
  assert_int_equal(n, 2);
  OK(sx_api_ValueInfo_GetValueConsumers(a, who, slots, 2));
  assert_true(who[0] == nodes[1] && who[1] == nodes[1] && slots[0] == 0 && slots[1] == 1);
  OK(sx_api_ValueInfo_GetValueProducer(a, &producer, &index));
  assert_true(producer == nodes[0] && index == 0);
  OK(sx_api_Node_GetInputs(nodes[0], in, 2));
  OK(sx_api_ValueInfo_GetValueProducer(in[0], &producer, &index));
  assert_null(producer);
  const OrtValue *v = NULL, *again = NULL;
  OK(sx_api_ValueInfo_GetInitializerValue(in[1], &v));
  OK(sx_api_ValueInfo_GetInitializerValue(in[1], &again));
  assert_ptr_equal(v, again);
  assert_true(*(const float *)((const sx_rt_value *)v)->data == 2);
  OK(sx_api_ValueInfo_GetInitializerValue(in[0], &v));
  assert_null(v);
  OrtStatus *s = sx_api_Node_GetAttributeByName(nodes[0], "none", &attr);
  assert_int_equal(sx_api_GetErrorCode(s), ORT_NOT_FOUND);
  sx_api_ReleaseStatus(s);
  s = sx_api_Node_GetInputs(nodes[0], in, 1); /* too little room */
  assert_int_equal(sx_api_GetErrorCode(s), ORT_INVALID_ARGUMENT);
  sx_api_ReleaseStatus(s);
  sx_api_ReleaseGraph(g);
  sx_text_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_clean),  cmocka_unit_test(test_folded),
                                     cmocka_unit_test(test_body),   cmocka_unit_test(test_quantized),
                                     cmocka_unit_test(test_subset), cmocka_unit_test(test_uses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
