// SPDX-License-Identifier: MIT
/* Threads of POSIX systems, and the count of forks. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include "base/alloc.h"
#include "base/thread.h"

enum { STACK = 2 << 20 }; /* custom operators run here too, and some systems' default is small */

typedef struct start { pthread_t id; void (*entry)(void *); void *arg; } start;

static void *trampoline(void *arg) {
  start *s = arg;
  s->entry(s->arg);
  return NULL;
}

bool sx_thread_start(sx_thread *t, void (*entry)(void *), void *arg) {
  if (sx_fault()) return false;
  start *s = sx_malloc(sizeof *s);
  if (!s) return false;
  *s = (start){.entry = entry, .arg = arg};
  pthread_attr_t attr;
  sigset_t all, was;
  sigfillset(&all);
  bool ok = pthread_attr_init(&attr) == 0;
  if (ok) {
    pthread_attr_setstacksize(&attr, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    ok = pthread_create(&s->id, &attr, trampoline, s) == 0;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    pthread_attr_destroy(&attr);
  }
  if (!ok) sx_free(s, sizeof *s);
  t->handle = ok ? s : NULL;
  return ok;
}

void sx_thread_join(sx_thread *t) {
  start *s = t->handle;
  if (!s) return;
  pthread_join(s->id, NULL);
  sx_free(s, sizeof *s);
  t->handle = NULL;
}

void sx_thread_yield(void) { sched_yield(); }

static atomic_uint generation;
static void forked(void) { atomic_fetch_add(&generation, 1); }
static void watch_forks(void) { pthread_atfork(NULL, NULL, forked); }

uint32_t sx_fork_generation(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  return atomic_load_explicit(&generation, memory_order_relaxed);
}
