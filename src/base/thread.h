// SPDX-License-Identifier: MIT
/* Threads, locks and waiting on a word, the same on every platform. thread_linux.c, thread_other.c and thread_win.c have the
 * waiting, thread_unix.c and thread_win.c the threads; WebAssembly without threads has neither (thread_wasi.c). */
#ifndef SX_BASE_THREAD_H
#define SX_BASE_THREAD_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A lock of one word; zero is unlocked. Not recursive. Callbacks of strangers are never called with one held. */
typedef struct sx_mutex { atomic_uint state; } sx_mutex;
void sx_mutex_lock(sx_mutex *m);
bool sx_mutex_try(sx_mutex *m);
void sx_mutex_unlock(sx_mutex *m);

/* Waiting for a condition without a lock. The waiter: s = prepare(); when the condition still does not hold, wait(s); then
 * cancel() in either case, and look again. The notifier: make it true (sequentially consistent), notify(). A notify that
 * nobody waits for costs one load. Wakes may be spurious. */
typedef struct sx_event { atomic_uint seq; atomic_int sleepers; } sx_event;
uint32_t sx_event_prepare(sx_event *e);
void sx_event_wait(sx_event *e, uint32_t seq);
void sx_event_cancel(sx_event *e);
void sx_event_notify(sx_event *e, uint32_t count);

/* Sleeps while *word == expected; may return early. Wakes up to `count` sleepers. */
void sx_futex_wait(atomic_uint *word, uint32_t expected);
void sx_futex_wake(atomic_uint *word, uint32_t count);

typedef struct sx_thread { void *handle; } sx_thread;
/* False when the system (or sx_fault) refuses. Signals are blocked in the thread. */
bool sx_thread_start(sx_thread *t, void (*entry)(void *), void *arg);
void sx_thread_join(sx_thread *t);
void sx_thread_yield(void);
/* Binds the calling thread to these CPUs, numbered from 0; a system that refuses is left alone. */
void sx_thread_pin(const uint16_t *cpus, uint32_t n);
/* Counts the forks on the way from the first process that used the library to this one. */
uint32_t sx_fork_generation(void);

static inline void sx_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory"); /* yield is a no-op on most cores */
#endif
}
#endif
