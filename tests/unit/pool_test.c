// SPDX-License-Identifier: MIT
/* The pool under what a session does to it: every unit once, ids that are unique, errors, nesting, many callers, gangs,
 * hooks, refused threads, forks. The worker count is larger than the machine's on purpose. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/thread.h"

static sx_pool *make(uint32_t threads) {
  sx_pool *p = NULL;
  assert_int_equal(sx_pool_create(&(sx_pool_options){.threads = threads, .spin_us = 100}, &p, NULL), SX_OK);
  return p;
}

typedef struct tally {
  unsigned char *hits;       /* per unit */
  atomic_uint inside[64];    /* per worker id: calls going on */
  atomic_uint clashes, most; /* most: highest id + 1 */
  uint32_t width, fail_at;
  sx_pool *nested;
} tally;

static sx_status count(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  tally *t = ctx;
  if (worker >= t->width || atomic_fetch_add(&t->inside[worker], 1)) atomic_fetch_add(&t->clashes, 1);
  for (uint32_t i = begin; i < end; i++) {
    t->hits[i]++;
    if (i == t->fail_at) SX_FAIL(e, INVALID_GRAPH, "unit %u", i);
  }
  unsigned most = atomic_load(&t->most);
  while (most <= worker && !atomic_compare_exchange_weak(&t->most, &most, worker + 1)) {}
  atomic_fetch_sub(&t->inside[worker], 1);
  return SX_OK;
}

static void check_run(sx_pool *p, uint32_t width, uint32_t units, uint32_t grain) {
  tally t = {.width = width ? width : 1, .fail_at = UINT32_MAX};
  t.hits = calloc(units + 1, 1);
  assert_int_equal(sx_pool_run(p, width, units, grain, count, &t, NULL), SX_OK);
  for (uint32_t i = 0; i < units; i++) assert_int_equal(t.hits[i], 1);
  assert_int_equal(t.hits[units], 0);
  assert_int_equal(t.clashes, 0);
  free(t.hits);
}

static void test_units(void **state) {
  for (uint32_t threads = 1; threads <= 5; threads += 2) {
    sx_pool *p = make(threads);
    assert_int_equal(sx_pool_width(p), threads);
    for (uint32_t width = 0; width <= 6; width += 2)
      for (uint32_t units = 0; units < 300; units = units * 2 + 1)
        for (uint32_t grain = 0; grain < 40; grain = grain * 3 + 1) check_run(p, width, units, grain);
    sx_pool_destroy(p);
  }
  check_run(NULL, 4, 10, 1);
  sx_pool_destroy(NULL);
}

static sx_status touch(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  atomic_fetch_add((atomic_ullong *)ctx, (uint64_t)end - begin);
  return SX_OK;
}

static void test_many_units(void **state) {
  sx_pool *p = make(3);
  atomic_ullong sum = 0;
  assert_int_equal(sx_pool_run(p, 3, UINT32_MAX, 1u << 20, touch, &sum, NULL), SX_OK);
  assert_int_equal(sum, UINT32_MAX);
  sx_pool_destroy(p);
}

static void test_failure(void **state) {
  sx_pool *p = make(4);
  for (uint32_t i = 0; i < 500; i++) {
    unsigned char hits[101] = {0};
    tally t = {.hits = hits, .width = 4, .fail_at = i % 100};
    sx_err e = {0};
    assert_int_equal(sx_pool_run(p, 4, 100, 1, count, &t, i % 2 ? &e : NULL), SX_E_INVALID_GRAPH);
    char want[20];
    snprintf(want, sizeof want, "unit %u", i % 100);
    if (i % 2) assert_string_equal(e.msg, want);
    check_run(p, 4, 50, 1);
  }
  sx_pool_destroy(p);
}

static sx_status nest(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  tally *t = ctx;
  for (uint32_t i = begin; i < end; i++) {
    atomic_ullong sum = 0;
    SX_TRY(sx_pool_run(t->nested, 4, 20, 3, touch, &sum, e));
    if (sum != 20) SX_FAIL(e, FAIL, "lost units");
    t->hits[i]++;
  }
  return SX_OK;
}

static void test_nested(void **state) {
  sx_pool *p = make(4);
  for (int k = 0; k < 100; k++) {
    unsigned char hits[40] = {0};
    tally t = {.hits = hits, .nested = p};
    assert_int_equal(sx_pool_run(p, 4, 40, 1, nest, &t, NULL), SX_OK);
    for (int i = 0; i < 40; i++) assert_int_equal(hits[i], 1);
  }
  sx_pool_destroy(p);
}

static void *caller(void *arg) {
  sx_pool *p = arg;
  for (uint32_t i = 0; i < 300; i++) {
    sx_pool_enter(p);
    unsigned char hits[200] = {0};
    tally t = {.hits = hits, .width = 3, .fail_at = UINT32_MAX};
    if (sx_pool_run(p, 3, 1 + i % 199, 1 + i % 7, count, &t, NULL) || t.clashes) return "bad";
    for (uint32_t k = 0; k < 1 + i % 199; k++)
      if (hits[k] != 1) return "lost";
    sx_pool_leave(p);
    if (i % 50 == 0) usleep(300);
  }
  return NULL;
}

static void test_callers(void **state) {
  sx_pool *p = make(4);
  pthread_t threads[12]; /* more than there are slots */
  for (int i = 0; i < 12; i++) pthread_create(&threads[i], NULL, caller, p);
  for (int i = 0; i < 12; i++) {
    void *bad;
    pthread_join(threads[i], &bad);
    assert_null(bad);
  }
  sx_pool_destroy(p);
}

typedef struct gang { atomic_uint members, sum; uint32_t at[16][64]; uint32_t steps, fail; atomic_bool wrong; } gang;

/* Each step writes its own cell and, behind the barrier, reads everybody's. */
static sx_status march(void *ctx, uint32_t worker, uint32_t workers, sx_barrier *b, sx_err *e) {
  gang *g = ctx;
  atomic_store(&g->members, workers);
  atomic_fetch_add(&g->sum, 1);
  for (uint32_t k = 0; k < g->steps; k++) {
    g->at[worker][0] = k + 1;
    sx_barrier_wait(b);
    for (uint32_t i = 0; i < workers; i++)
      if (!g->fail && g->at[i][0] != k + 1) atomic_store(&g->wrong, true);
    sx_barrier_wait(b);
    if (g->fail && worker == workers - 1 && k == g->steps / 2) SX_FAIL(e, FAIL, "member %u", worker);
  }
  return SX_OK;
}

static void test_gang(void **state) {
  sx_pool *p = make(4);
  uint32_t most = 0;
  for (uint32_t i = 0; i < 60 || (most < 2 && i < 5000); i++) { /* on a busy machine helpers come late */
    gang g = {.steps = 20, .fail = i % 3 == 2};
    sx_pool_enter(p);
    assert_int_equal(sx_pool_gang(p, 1 + i % 5, march, &g, NULL), g.fail ? SX_E_FAIL : SX_OK);
    sx_pool_leave(p);
    assert_false(g.wrong);
    assert_int_equal(g.sum, g.members);
    assert_in_range(g.members, 1, 1 + i % 5);
    if (g.members > most) most = g.members;
    check_run(p, 4, 30, 1);
  }
  assert_true(most >= 2);
  gang alone = {.steps = 5};
  assert_int_equal(sx_pool_gang(NULL, 4, march, &alone, NULL), SX_OK);
  assert_int_equal(alone.sum, 1);
  sx_pool_destroy(p);
}

static uint32_t starts_left;
static bool refuse(void *ctx) { return starts_left == 0 || !starts_left--; }

static void test_refused_threads(void **state) {
  sx_allocator a = *sx_heap();
  a.fault = refuse;
  sx_heap_set(&a);
  for (uint32_t n = 0; n < 4; n++) {
    starts_left = UINT32_MAX; /* creating asks too, for its memory */
    sx_pool *p = make(4);
    starts_left = n;
    for (int i = 0; i < 20; i++) check_run(p, 4, 100, 1);
    gang g = {.steps = 5};
    assert_int_equal(sx_pool_gang(p, 4, march, &g, NULL), SX_OK);
    assert_true(g.members <= n + 1);
    sx_pool_destroy(p);
  }
  sx_heap_set(NULL);
}

typedef struct hook { pthread_t id; void (*entry)(void *); void *arg; } hook;
static atomic_int hooked;
static void *hook_main(void *h) {
  ((hook *)h)->entry(((hook *)h)->arg);
  return NULL;
}
static void *hook_create(void *options, void (*entry)(void *), void *arg) {
  hook *h = malloc(sizeof *h);
  *h = (hook){.entry = entry, .arg = arg};
  pthread_create(&h->id, NULL, hook_main, h);
  atomic_fetch_add((atomic_int *)options, 1);
  return h;
}
static void hook_join(void *handle) {
  pthread_join(((hook *)handle)->id, NULL);
  free(handle);
  atomic_fetch_sub(&hooked, 1);
}

static void test_hooks(void **state) {
  sx_pool *p;
  sx_pool_options o = {.threads = 3, .thread_create = hook_create, .thread_join = hook_join, .hook_options = &hooked};
  assert_int_equal(sx_pool_create(&o, &p, NULL), SX_OK);
  assert_int_equal(hooked, 2);
  for (int i = 0; i < 50; i++) check_run(p, 3, 100, 1);
  assert_int_equal(hooked, 2);
  sx_pool_destroy(p);
  assert_int_equal(hooked, 0);
}

static atomic_int pinned, flushing;
static sx_status look(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  if (worker == 0) return usleep(200), SX_OK;
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  if (CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set)) atomic_fetch_add(&pinned, 1);
  volatile double tiny = 1e-308, tenth = 0.1;
  if (tiny * tenth == 0) atomic_fetch_add(&flushing, 1);
  return SX_OK;
}

static void test_affinity(void **state) {
  sx_pool *p;
  sx_err e;
  sx_pool_options o = {.threads = 2, .affinity = "1", .denormals_zero = true};
  assert_int_equal(sx_pool_create(&o, &p, &e), SX_OK);
  for (int i = 0; i < 500 && pinned == 0; i++) sx_pool_run(p, 2, 20, 1, look, NULL, NULL);
  assert_true(pinned > 0);
  if (sx_denormals_zero(true) || sx_denormals_zero(false)) assert_true(flushing > 0);
  sx_pool_destroy(p);
  const char *good[] = {"", "1,2;3-4", "1-3,7;2"};
  const char *bad[] = {"1", "1;2;3", "1;", "0;1", "3-1;2", "a;b", "1;2x", "1,;2", "99999;1", "1-99999999999999;1"};
  o.threads = 3;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    o.affinity = good[i];
    assert_int_equal(sx_pool_create(&o, &p, &e), SX_OK);
    sx_pool_destroy(p);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    o.affinity = bad[i];
    assert_int_equal(sx_pool_create(&o, &p, &e), SX_E_FAIL);
  }
}

static void test_idle_costs_nothing(void **state) {
  sx_pool *p = make(4);
  for (int i = 0; i < 100; i++) check_run(p, 4, 100, 1);
  usleep(5000);
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  usleep(100000);
  getrusage(RUSAGE_SELF, &after);
  long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec - before.ru_utime.tv_usec;
  assert_true(us < 3000);
  sx_pool_destroy(p);
}

#if defined(__SANITIZE_THREAD__)
#define NO_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_FORK 1
#endif
#endif

static void test_fork(void **state) {
#ifdef NO_FORK
  skip(); /* the sanitizer itself does not outlive a fork of many threads */
#endif
  if (getenv("SX_EMULATED")) skip(); /* neither does qemu */
  sx_pool *p = make(4);
  pthread_t busy;
  pthread_create(&busy, NULL, caller, p); /* so that some children are born in the middle of a run */
  for (int i = 0; i < 20; i++) {
    usleep(500);
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      atomic_ullong sum = 0;
      for (int k = 0; k < 50; k++)
        if (sx_pool_run(p, 4, 100, 1, touch, &sum, NULL)) _exit(1);
      bool ok = sum == 5000;
      sx_pool_destroy(p);
      _exit(ok ? 0 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
  }
  pthread_join(busy, NULL);
  check_run(p, 4, 100, 1);
  sx_pool_destroy(p);
}

static sx_mutex lock;
static long guarded;
static sx_status guard(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  sx_mutex_lock(&lock);
  guarded++;
  sx_mutex_unlock(&lock);
  return SX_OK;
}

static void test_mutex(void **state) {
  sx_pool *p = make(4);
  assert_int_equal(sx_pool_run(p, 4, 20000, 1, guard, NULL, NULL), SX_OK);
  assert_int_equal(guarded, 20000);
  assert_true(sx_mutex_try(&lock));
  assert_false(sx_mutex_try(&lock));
  sx_mutex_unlock(&lock);
  sx_pool_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_units),    cmocka_unit_test(test_many_units),      cmocka_unit_test(test_failure),
      cmocka_unit_test(test_nested),   cmocka_unit_test(test_callers),         cmocka_unit_test(test_gang),
      cmocka_unit_test(test_hooks),    cmocka_unit_test(test_refused_threads), cmocka_unit_test(test_affinity),
      cmocka_unit_test(test_idle_costs_nothing), cmocka_unit_test(test_fork),  cmocka_unit_test(test_mutex)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
