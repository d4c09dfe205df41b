// SPDX-License-Identifier: MIT
/* Whole models against stored answers (tools/make_golden.py computed them in float64): at every level, from scratch each
 * time, with one thread and with more, which must give the same bits. All sets of inputs go through one session, so that
 * sizes change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include "base/file.h"
#include "onnx/proto.h"
#include "run/session.h"

/* The case's data.json has the bounds of |found - expected| <= atol + rtol * |expected|, for `sardonyx test` too. The 8-bit
 * model has no value halfway between two steps, where either would be right: all its steps must be the expected ones. */
static struct golden {
  const char *name, *model;
  double rtol, atol;
} models[] = {
    {"digits", "examples/digits/digits.onnx"},
    {"transformer", "tests/model/cases/transformer/model.onnx"},
    {"voice", "tests/model/cases/voice/model.onnx"},
    {"quantized", "tests/model/cases/quantized/model.onnx"},
};
static const int levels[] = {0, 1, 2, 99};
enum { MAX_IO = 4, MAX_SETS = 8, MAX_THREADS = 3 };

/* A tensor of the set, or NULL where there is no such file. */
static sx_rt_value *load(const char *model, int set, const char *kind, uint32_t i) {
  char path[600];
  sx_mapping m;
  sx_err e = {0};
  sx_arena a = {0};
  sx_proto_tensor *t;
  sx_proto_tensor_info info;
  sx_rt_value *v = NULL;
  snprintf(path, sizeof path, "%s/tests/model/cases/%s/test_data_set_%d/%s_%u.pb", SX_SOURCE_DIR, model, set, kind, i);
  if (sx_map_file(path, &m, &e) != SX_OK) return NULL;
  if (sx_proto_parse_tensor(m.data, m.size, &a, &t, &e) != SX_OK || sx_proto_tensor_check(t, &info, &e) != SX_OK ||
      sx_rt_tensor_create(info.dtype, t->dims.n, t->dims.at, NULL, &v, &e) != SX_OK ||
      sx_proto_tensor_fill(t, &info, v->data, info.bytes, &e) != SX_OK)
    fail_msg("%s: %s", path, e.msg);
  sx_arena_free(&a);
  sx_unmap_file(&m);
  return v;
}

static void compare(const struct golden *g, const char *where, const sx_rt_value *found, const sx_rt_value *expected) {
  assert_int_equal(found->type.dtype, SX_F32);
  assert_int_equal(found->rank, expected->rank);
  assert_memory_equal(found->dims, expected->dims, found->rank * sizeof *found->dims);
  const float *x = found->data, *y = expected->data;
  for (int64_t i = 0; i < found->count; i++)
    if (!(fabs((double)x[i] - y[i]) <= g->atol + g->rtol * fabs(y[i])))
      fail_msg("%s, element %d: %.9g, expected %.9g", where, (int)i, x[i], y[i]);
}

/* Runs every set; `first` has the results of one thread, or gets them. */
static void run_sets(const struct golden *g, int level, int threads, sx_rt_value *(*first)[MAX_IO]) {
  sx_err e = {0};
  sx_pool *pool = NULL;
  sx_session *s;
  char path[600];
  snprintf(path, sizeof path, "%s/%s", SX_SOURCE_DIR, g->model);
  if (threads > 1) assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = (uint32_t)threads}, &pool, &e), SX_OK);
  if (sx_session_create_file(path, &(sx_session_options){.level = level, .pool = pool}, &s, &e) != SX_OK)
    fail_msg("%s: %s", g->name, e.msg);
  const sx_graph *graph = sx_session_model(s)->graph;
  int sets = 0;
  for (sx_rt_value *x; sets < MAX_SETS && (x = load(g->name, sets, "input", 0)); sets++) {
    sx_rt_value *in[MAX_IO] = {x}, *out[MAX_IO] = {0};
    for (uint32_t i = 1; i < graph->inputs.n; i++) assert_non_null(in[i] = load(g->name, sets, "input", i));
    if (sx_session_run(s, NULL, in, out, NULL, &e) != SX_OK)
      fail_msg("%s, level %d, set %d: %s", g->name, level, sets, e.msg);
    for (uint32_t i = 0; i < graph->outputs.n; i++) {
      char where[100];
      snprintf(where, sizeof where, "%s, level %d, %d threads, set %d, output %u", g->name, level, threads, sets, i);
      sx_rt_value *expected = load(g->name, sets, "output", i);
      assert_non_null(expected);
      compare(g, where, out[i], expected);
      sx_rt_unref(expected);
      if (!first[sets][i]) {
        first[sets][i] = out[i];
        continue;
      }
      if (memcmp(first[sets][i]->data, out[i]->data, out[i]->bytes))
        fail_msg("%s: not the bits that one thread gives", where);
      sx_rt_unref(out[i]);
    }
    for (uint32_t i = 0; i < graph->inputs.n; i++) sx_rt_unref(in[i]);
  }
  assert_true(sets > 0);
  sx_session_destroy(s);
  sx_pool_destroy(pool);
}

static void read_bounds(struct golden *g) {
  char path[600];
  snprintf(path, sizeof path, "%s/tests/model/cases/%s/data.json", SX_SOURCE_DIR, g->name);
  FILE *f = fopen(path, "r");
  if (!f || fscanf(f, "{\"rtol\": %lf, \"atol\": %lf}", &g->rtol, &g->atol) != 2) fail_msg("%s: no bounds", path);
  fclose(f);
}

static void answers(void **state) {
  struct golden *g = *state;
  read_bounds(g);
  for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
    sx_rt_value *first[MAX_SETS][MAX_IO] = {0};
    for (int threads = 1; threads <= MAX_THREADS; threads++) run_sets(g, levels[k], threads, first);
    for (int i = 0; i < MAX_SETS * MAX_IO; i++) sx_rt_unref(first[i / MAX_IO][i % MAX_IO]);
  }
}

int main(void) {
  struct CMUnitTest tests[sizeof models / sizeof *models];
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    tests[i] = (struct CMUnitTest){models[i].name, answers, NULL, NULL, (void *)&models[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
