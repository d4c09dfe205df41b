// SPDX-License-Identifier: MIT
/* Threads and sessions: eight threads run one session, others make and destroy sessions of the same model beside them, one pool
 * serves all; every answer is the one that a single thread gets. Meant to be run under ThreadSanitizer as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include "base/file.h"
#include "drive.h"

enum { THREADS = 8, RUNS = 25 };
static const char *const names[] = {"mlp", "conv", "control", "shapes", "lstm", "nonzero", "quantized", "strings"};

typedef struct shared {
  char path[512];
  sx_pool *pool;
  sx_session *s;
  const sx_rt_value *const *expected;
  atomic_int failures;
} shared;

static bool same(const sx_rt_value *x, const sx_rt_value *y) {
  if (x->rank != y->rank || x->count != y->count || x->type.dtype != y->type.dtype) return false;
  if (x->type.dtype != SX_STRING) return !x->bytes || !memcmp(x->data, y->data, x->bytes);
  for (int64_t i = 0; i < x->count; i++)
    if (!sx_str_eq(((const sx_str *)x->data)[i], ((const sx_str *)y->data)[i])) return false;
  return true;
}

static sx_status run_once(sx_session *s, drive_io *io, const sx_rt_value *const *expected, sx_err *e) {
  uint32_t n = sx_session_model(s)->graph->outputs.n;
  SX_TRY(sx_session_run(s, NULL, io->in, io->out, NULL, e));
  for (uint32_t i = 0; i < n; i++) {
    bool equal = !expected || same(io->out[i], expected[i]);
    sx_rt_unref(io->out[i]);
    io->out[i] = NULL;
    if (!equal) SX_FAIL(e, FAIL, "output %u differs", i);
  }
  return SX_OK;
}

static sx_status work(shared *x, bool own, sx_err *e) {
  drive_io io = {0};
  sx_status st = SX_OK;
  for (int i = 0; i < (own ? RUNS / 4 : RUNS) && st == SX_OK; i++) {
    sx_session *s = x->s;
    if (own) SX_TRY(sx_session_create_file(x->path, &(sx_session_options){.level = 99, .pool = x->pool}, &s, e));
    if (!io.in[0]) st = drive_inputs(sx_session_model(s)->graph, &io, e);
    if (st == SX_OK) st = run_once(s, &io, x->expected, e);
    if (own) sx_session_destroy(s);
    else if (i % 8 == 7) sx_session_trim(s);
  }
  drive_release(&io);
  return st;
}

typedef struct member { shared *x; bool own; } member;
static void *thread_main(void *arg) {
  member *m = arg;
  sx_err e = {0};
  if (work(m->x, m->own, &e) != SX_OK) {
    fprintf(stderr, "%s: %s\n", m->x->path, e.msg);
    atomic_fetch_add(&m->x->failures, 1);
  }
  return NULL;
}

static void together(void **state) {
  (void)state;
  sx_err e = {0};
  sx_pool *pool;
  assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = 3}, &pool, &e), SX_OK);
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    shared x = {.pool = pool};
    drive_io first = {0};
    pthread_t threads[THREADS];
    member members[THREADS];
    snprintf(x.path, sizeof x.path, "%s/tests/fuzz/corpus/load/%s.onnx", SX_SOURCE_DIR, names[k]);
    if (sx_session_create_file(x.path, &(sx_session_options){.level = 99, .pool = pool}, &x.s, &e) != SX_OK) fail_msg("%s", e.msg);
    assert_int_equal(drive_inputs(sx_session_model(x.s)->graph, &first, &e), SX_OK);
    if (sx_session_run(x.s, NULL, first.in, first.out, NULL, &e) != SX_OK) fail_msg("%s", e.msg);
    x.expected = (const sx_rt_value *const *)first.out;
    for (int i = 0; i < THREADS; i++) {
      members[i] = (member){&x, i % 4 == 3};
      assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&x.failures), 0);
    drive_release(&first);
    sx_session_destroy(x.s);
  }
  sx_pool_destroy(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(together)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
