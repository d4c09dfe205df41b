// SPDX-License-Identifier: MIT
/* A lock for critical sections of a few hundred nanoseconds: list and cache look-ups, never work. Zero-initialised is free. */
#ifndef SX_BASE_LOCK_H
#define SX_BASE_LOCK_H
#include <stdatomic.h>
typedef struct sx_lock { atomic_int held; } sx_lock;
static inline void sx_lock_take(sx_lock *l) {
  while (atomic_exchange_explicit(&l->held, 1, memory_order_acquire))
    while (atomic_load_explicit(&l->held, memory_order_relaxed)) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
}
static inline void sx_lock_drop(sx_lock *l) { atomic_store_explicit(&l->held, 0, memory_order_release); }
#endif
