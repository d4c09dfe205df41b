// SPDX-License-Identifier: MIT
/* The lock and the event, over waiting on a word. */
#include "base/thread.h"
#include <limits.h>

enum { FREE, HELD, CONTENDED };

bool sx_mutex_try(sx_mutex *m) {
  unsigned seen = FREE;
  return atomic_compare_exchange_strong_explicit(&m->state, &seen, HELD, memory_order_acquire, memory_order_relaxed);
}

void sx_mutex_lock(sx_mutex *m) {
  for (int i = 0; i < 64; i++) {
    if (sx_mutex_try(m)) return;
    sx_spin_pause();
  }
  while (atomic_exchange_explicit(&m->state, CONTENDED, memory_order_acquire) != FREE) sx_futex_wait(&m->state, CONTENDED);
}

void sx_mutex_unlock(sx_mutex *m) {
  if (atomic_exchange_explicit(&m->state, FREE, memory_order_release) == CONTENDED) sx_futex_wake(&m->state, 1);
}

uint32_t sx_event_prepare(sx_event *e) {
  atomic_fetch_add(&e->sleepers, 1);
  return atomic_load(&e->seq);
}

void sx_event_wait(sx_event *e, uint32_t seq) { sx_futex_wait(&e->seq, seq); }
void sx_event_cancel(sx_event *e) { atomic_fetch_sub(&e->sleepers, 1); }

void sx_event_notify(sx_event *e, uint32_t count) {
  if (atomic_load(&e->sleepers) <= 0) return;
  atomic_fetch_add(&e->seq, 1);
  sx_futex_wake(&e->seq, count > INT_MAX ? INT_MAX : count);
}
