// SPDX-License-Identifier: MIT
/* Waiting on a word where the system has no call for it: a few mutexes with condition variables, chosen by address. A wake
 * reaches all who share the word's bucket, and they look again. */
#include <pthread.h>
#include "base/thread.h"

static struct bucket { pthread_mutex_t lock; pthread_cond_t changed; } buckets[8] = {
#define B {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER}
    B, B, B, B, B, B, B, B
#undef B
};

static struct bucket *bucket_of(atomic_uint *word) { return &buckets[(uintptr_t)word / 64 % 8]; }

void sx_futex_wait(atomic_uint *word, uint32_t expected) {
  struct bucket *b = bucket_of(word);
  pthread_mutex_lock(&b->lock);
  if (atomic_load(word) == expected) pthread_cond_wait(&b->changed, &b->lock);
  pthread_mutex_unlock(&b->lock);
}

void sx_futex_wake(atomic_uint *word, uint32_t count) {
  struct bucket *b = bucket_of(word);
  pthread_mutex_lock(&b->lock);
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
}

void sx_thread_pin(const uint16_t *cpus, uint32_t n) {}
