// SPDX-License-Identifier: MIT
/* Channels last in the source dialect: which nodes move, which Transpose are left, and that the graph still computes the
 * same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "ir/text.h"
#include "onnx/export.h"
#include "onnx/import.h"
#include "onnx/proto_write.h"
#include "onnx/source.h"
#include "run/session.h"

static const char net[] =
    "graph (x: float[2, 3, 6, 5]) -> (y, z) {\n"
    "  k = const float[4, 3, 3, 3] {fill}\n  l = const float[4, 4, 1, 1] {fill}\n"
    "  add = const float[1, 4, 1, 1] {0.5, -1, 2, 0.25}\n  one = const float[4] {1, 2, 3, 4}\n"
    "  mean = const float[4] {0.1, 0.2, 0.3, 0.4}\n  scales = const float[4] {1, 1, 2, 2}\n"
    "  a = Conv(x, k) {pads = [1, 1, 1, 1]}\n  b = Relu(a)\n  c = Add(b, add)\n"
    "  d = BatchNormalization(c, one, mean, mean, one)\n  e = Conv(d, l)\n  f = Concat(e, d) {axis = 1}\n"
    "  g = Resize(f, _, scales) {mode = \"nearest\"}\n  y = AveragePool(g) {kernel_shape = [2, 2]}\n"
    "  z = ReduceSum(f)\n}";

/* The text with numbers in place of "fill". */
static void numbers(sx_text *t, const char *text) {
  static const int counts[] = {4 * 3 * 3 * 3, 4 * 4};
  int which = 0;
  for (const char *p = text; *p;) {
    if (strncmp(p, "fill", 4) != 0) {
      sx_text_put(t, p++, 1);
      continue;
    }
    for (int i = 0; i < counts[which]; i++) sx_text_add(t, "%s%d", i ? ", " : "", (i * 7 + which) % 11 - 5);
    which++, p += 4;
  }
}

static void to_bytes(const char *text, sx_text *bytes) {
  sx_text filled = {0};
  sx_model *m;
  sx_err e = {0};
  sx_arena a = {0};
  sx_proto_model p;
  numbers(&filled, text);
  if (sx_graph_parse((sx_str){filled.p, filled.n}, sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK ||
      sx_export_prepare(m, &e) != SX_OK || sx_export(m, &a, &p, &e) != SX_OK ||
      sx_proto_write_model(&p, bytes, &e) != SX_OK)
    fail_msg("%s", e.msg);
  sx_arena_free(&a);
  sx_model_destroy(m);
  sx_text_free(&filled);
}

static bool all(void *ctx, sx_nid n) { return (void)ctx, (void)n, true; }

static uint32_t count(const sx_graph *g, const char *op, const char *domain) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *x = sx_node_at(g, g->order.at[i]);
    n += (!op || sx_str_is(x->op_type, op)) && (!domain || sx_str_is(x->domain, domain));
  }
  return n;
}

/* What the moved nodes read, said absolutely: the way back undoes whatever the way there did, right or wrong. */
static void check_moved(const sx_graph *g) {
  static const int64_t sizes[] = {2, 6, 5, 3}, channels_last[] = {1, 2, 2, 1};
  bool first = true;
  for (uint32_t i = 0; i < g->order.n; i++) {
    const sx_node *n = sx_node_at(g, g->order.at[i]);
    if (!sx_str_is(n->domain, "com.ms.internal.nhwc")) continue;
    if (first) assert_memory_equal(sx_value_at(g, n->in[0].value)->fact.dims, sizes, sizeof sizes);
    first = false;
    if (!sx_str_is(n->op_type, "Resize")) continue;
    for (int k = 0; k < 4; k++) {
      double scale = 0;
      assert_true(sx_tensor_get_f64(sx_value_const(g, n->in[2].value), k, &scale));
      assert_int_equal((int)scale, channels_last[k]);
    }
  }
}

static sx_status rewrite(void *ctx, sx_model *m, const void *data, size_t size, const sx_import_options *o, sx_err *e) {
  sx_import_options plain = *o;
  sx_model *canonical;
  bool changed;
  plain.place = NULL;
  SX_TRY(sx_import(data, size, &plain, &canonical, e));
  sx_status s = sx_source_take_facts(m->graph, canonical->graph, e);
  sx_model_destroy(canonical);
  SX_TRY(s);
  SX_TRY(sx_source_defaults(m->graph, e));
  SX_TRY(sx_source_clean(m->graph, e));
  SX_TRY(sx_source_channels_last(m->graph, all, NULL, &changed, e));
  assert_true(changed);
  assert_int_equal(count(m->graph, NULL, "com.ms.internal.nhwc"), 5);
  assert_int_equal(count(m->graph, "Transpose", ""), *(int *)ctx);
  check_moved(m->graph);
  SX_TRY(sx_source_channels_first(m->graph, e));
  assert_int_equal(count(m->graph, NULL, "com.ms.internal.nhwc"), 0);
  for (uint32_t i = 0; i < m->graph->values.n; i++) { /* the importer infers them again */
    sx_value *v = sx_value_at(m->graph, i);
    if (v->kind == SX_VALUE_NODE) v->fact = (sx_fact){.kind = v->fact.kind, .dtype = v->fact.dtype, .rank = -1};
  }
  return SX_OK;
}

static void run(sx_session *s, sx_rt_value **out) {
  static float x[2 * 3 * 6 * 5];
  sx_err e = {0};
  sx_rt_value *in;
  const int64_t dims[] = {2, 3, 6, 5};
  for (int i = 0; i < 180; i++) x[i] = (float)((i * 37) % 23) / 8 - 1;
  assert_int_equal(sx_rt_tensor_wrap(SX_F32, 4, dims, x, sizeof x, &sx_memory_cpu, NULL, NULL, &in, &e), SX_OK);
  const bool wanted[] = {true, true};
  if (sx_session_run(s, &(sx_run_options){0}, &in, out, wanted, &e) != SX_OK) fail_msg("%s", e.msg);
  sx_rt_unref(in);
}

static void test_net(void **state) {
  (void)state;
  sx_text bytes = {0};
  sx_err e = {0};
  sx_session *plain, *moved;
  sx_rt_value *a[2] = {NULL, NULL}, *b[2] = {NULL, NULL};
  int transposes = 3; /* before the first Conv, behind the pool, behind the sum's input */
  to_bytes(net, &bytes);
  sx_session_options o = {.level = 99, .import.bytes_live = true};
  if (sx_session_create_bytes(bytes.p, bytes.n, &o, &plain, &e) != SX_OK) fail_msg("%s", e.msg);
  o.import.place = rewrite, o.import.place_ctx = &transposes;
  if (sx_session_create_bytes(bytes.p, bytes.n, &o, &moved, &e) != SX_OK) fail_msg("%s", e.msg);
  run(plain, a);
  run(moved, b);
  for (int k = 0; k < 2; k++) {
    assert_int_equal(a[k]->count, b[k]->count);
    for (int64_t i = 0; i < a[k]->count; i++) {
      float want = ((float *)a[k]->data)[i], got = ((float *)b[k]->data)[i];
      if (!(fabsf(want - got) <= 1e-4f * (1 + fabsf(want))))
        fail_msg("output %d [%d]: %g, expected %g", k, (int)i, got, want);
    }
    sx_rt_unref(a[k]);
    sx_rt_unref(b[k]);
  }
  sx_session_destroy(plain);
  sx_session_destroy(moved);
  sx_text_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_net)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
