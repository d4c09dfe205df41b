// SPDX-License-Identifier: MIT
/* Long work asks whether to stop, often enough, and ends with a failure at whatever question the wish comes. How long a run goes on
 * after that is the time between two questions: their number for so many elements is what is tested, no clock is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/stop.h"
#include "drive.h"
#include "ir/text.h"

#define MILLION "1048576"
static const struct work {
  const char *graph;
  unsigned least; /* questions: one for each millisecond or less */
} works[] = {
    {"graph (x: float[" MILLION "]) -> (y) {\n y = NonZero(x)\n}", 6},
    {"graph (x: float[" MILLION "], k: bool[" MILLION "]) -> (y) {\n y = Compress(x, k)\n}", 6},
    {"graph (x: int64[262144]) -> (y, a, b, c) {\n y, a, b, c = Unique(x)\n}", 10},
    {"graph (x: float[65536, 4]) -> (y) {\n y = Unique(x) {axis = 0}\n}", 10},
    {"graph (x: float[" MILLION "]) -> (y, i) {\n k = const int64[1] {300000}\n y, i = TopK(x, k)\n}", 60},
    {"graph (x: float[" MILLION "]) -> (y) {\n k = const int64 {0}\n y = CumSum(x, k)\n}", 3},
    {"graph (x: float16[" MILLION "]) -> (y) {\n k = const int64 {0}\n y = CumSum(x, k)\n}", 3},
    {"graph (x: float[65536, 16]) -> (y) {\n k = const int64 {0}\n y = CumSum(x, k)\n}", 3},
    {"graph (x: float[" MILLION "]) -> (y) {\n y = Softmax(x) {axis = 0}\n}", 8},
    {"graph (x: float[" MILLION "]) -> (y) {\n y = LogSoftmax(x) {axis = 0}\n}", 8},
    {"graph (x: float[" MILLION "]) -> (y) {\n y = Hardmax(x) {axis = 0}\n}", 4},
    {"graph (x: float[65536, 16]) -> (y) {\n y = Softmax(x) {axis = 0}\n}", 8},
    {"graph (x: float[1, 1, " MILLION "]) -> (y) {\n s = const float[1] {1}\n y = InstanceNormalization(x, s, s)\n}", 6},
    {"graph (x: float[" MILLION "]) -> (y) {\n y = LpNormalization(x) {axis = 0}\n}", 4},
    {"graph (x: float[1, 524288, 2]) -> (y) {\n a = const int64 {1}\n y = DFT(x, _, a)\n}", 20},
    {"graph (x: float[1, 131071, 1]) -> (y) {\n a = const int64 {1}\n y = DFT(x, _, a)\n}", 10},
    {"graph (x: float[" MILLION "], i: int64[" MILLION "]) -> (y) {\n y = GatherElements(x, i)\n}", 8},
    {"graph (x: float[" MILLION "], i: int64[" MILLION "], u: float[" MILLION "]) -> (y) {\n"
     " y = ScatterElements(x, i, u) {reduction = \"add\"}\n}", 8},
    {"graph (x: float[" MILLION "], i: int64[" MILLION ", 1], u: float[" MILLION "]) -> (y) {\n y = ScatterND(x, i, u)\n}", 6},
    {"graph (x: float[1, 512, 512]) -> (y) {\n y = Det(x)\n}", 5},
    {"graph (x: float[100, 1, 8]) -> (y) {\n w = const float[1, 256, 8] {...}\n r = const float[1, 256, 64] {...}\n"
     " y, _, _ = LSTM(x, w, r) {hidden_size = 64}\n}", 100},
    {"graph (x: double[100, 8, 8]) -> (y) {\n w = const double[1, 192, 8] {...}\n r = const double[1, 192, 64] {...}\n"
     " y, _ = GRU(x, w, r) {hidden_size = 64}\n}", 8},
    {"graph (b: float[1, 4000, 4], s: float[1, 1, 4000]) -> (y) {\n m = const int64[1] {4000}\n t = const float[1] {0.5}\n"
     " y = NonMaxSuppression(b, s, m, t)\n}", 1},
    {"graph (x: string[10000], z: string[10000]) -> (y) {\n y = StringConcat(x, z)\n}", 9},
    {"graph (x: float[20000]) -> (y) {\n y = Cast(x) {to = 8}\n}", 9},
    {"graph (n: int64[]) -> (y) {\n c = const bool {1}\n m = const int64 {1000}\n"
     " y = Loop(m, c, n) {body = graph (i: int64[], g: bool[], v: int64[]) -> (g, w) {\n w = Add(v, i)\n}}\n}", 1000},
};

/* A wish that comes with question number `at`, counted from 1; 0: never. */
typedef struct counted {
  sx_stop stop;
  atomic_uint asked;
  unsigned at;
} counted;
static bool count(sx_stop *s) {
  counted *c = (counted *)s;
  return atomic_fetch_add_explicit(&c->asked, 1, memory_order_relaxed) + 1 == c->at;
}
static counted counted_for(sx_status code, unsigned at) {
  return (counted){.stop = {.code = code, .message = "stopped", .ask = count}, .at = at};
}

static sx_session *session_of(const char *graph) {
  sx_model *m;
  sx_session *s;
  sx_err e = {0};
  if (sx_graph_parse((sx_str){graph, strlen(graph)}, sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK ||
      sx_session_create_model(m, &(sx_session_options){0}, &s, &e) != SX_OK)
    fail_msg("%s\n%s", graph, e.msg);
  return s;
}

/* One run; how often it asked, and its status. */
static unsigned ask(sx_session *s, const drive_io *io, unsigned at, sx_status *st, sx_err *e) {
  sx_rt_value *out[DRIVE_MAX] = {0};
  counted c = counted_for(SX_E_FAIL, at);
  sx_stop *before = sx_stop_enter(&c.stop);
  *st = sx_session_run(s, NULL, io->in, out, NULL, e);
  sx_stop_enter(before);
  for (int i = 0; i < DRIVE_MAX; i++) sx_rt_unref(out[i]);
  return atomic_load(&c.asked);
}

static void each(void **state) {
  int bad = 0;
  (void)state;
  for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
    sx_session *s = session_of(works[i].graph);
    drive_io io = {0};
    sx_err e = {0};
    sx_status st;
    if (drive_inputs(sx_session_model(s)->graph, &io, &e) != SX_OK) fail_msg("%s\n%s", works[i].graph, e.msg);
    ask(s, &io, 0, &st, &e); /* the first run prepares */
    const unsigned n = ask(s, &io, 0, &st, &e);
    if (st != SX_OK) fail_msg("%s\n%s", works[i].graph, e.msg);
    if (n < works[i].least) {
      print_error("%s\nasks %u times, expected %u\n", works[i].graph, n, works[i].least);
      bad++;
    }
    for (unsigned k = 1; k <= n; k += n / 7 + 1) {
      ask(s, &io, k, &st, &e);
      if (st != SX_E_FAIL || strcmp(e.msg + strlen(e.msg) - 7, "stopped") != 0)
        fail_msg("%s\nstopped at question %u of %u: %s, %s", works[i].graph, k, n, sx_status_name(st), e.msg);
    }
    ask(s, &io, 0, &st, &e); /* and nothing is broken for the next */
    assert_int_equal(st, SX_OK);
    drive_release(&io);
    sx_session_destroy(s);
  }
  assert_int_equal(bad, 0);
}

/* A load that is cancelled at any of its questions. */
static void load(void **state) {
  static const char file[] = SX_SOURCE_DIR "/tests/fuzz/corpus/load/conv.onnx";
  unsigned all = 0;
  (void)state;
  for (unsigned at = 0; at <= all; at++) {
    sx_session *s = NULL;
    sx_err e = {0};
    counted c = counted_for(SX_E_MODEL_LOAD_CANCELED, at);
    sx_stop *before = sx_stop_enter(&c.stop);
    const sx_status st = sx_session_create_file(file, &(sx_session_options){.level = 99}, &s, &e);
    sx_stop_enter(before);
    if (st != (at ? SX_E_MODEL_LOAD_CANCELED : SX_OK)) fail_msg("at question %u of %u: %s, %s", at, all, sx_status_name(st), e.msg);
    if (!at) all = atomic_load(&c.asked);
    sx_session_destroy(s);
  }
  assert_true(all > 20); /* passes, nodes, weights */
}

/* On every thread of a pool, and in work that nobody may stop. */
static sx_status range(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  (void)worker, (void)e;
  atomic_fetch_add((atomic_uint *)ctx, end - begin);
  return SX_OK;
}
static void pool(void **state) {
  sx_pool *p;
  sx_err e = {0};
  atomic_uint done = 0;
  (void)state;
  assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = 3}, &p, &e), SX_OK);
  assert_int_equal(sx_pool_run(p, 3, 1000, 10, range, &done, &e), SX_OK);
  assert_int_equal(done, 1000);
  counted c = counted_for(SX_E_FAIL, 20);
  assert_null(sx_stop_enter(&c.stop));
  for (uint32_t width = 1; width <= 3; width += 2) {
    atomic_store(&done, 0), atomic_store(&c.asked, 0), atomic_store(&c.stop.seen, false);
    assert_int_equal(sx_pool_run(p, width, 1000, 10, range, &done, &e), SX_E_FAIL);
    assert_true(done < 250); /* 19 ranges, and what others had begun */
  }
  assert_ptr_equal(sx_stop_enter(NULL), &c.stop);
  sx_pool_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each), cmocka_unit_test(load), cmocka_unit_test(pool)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
