// SPDX-License-Identifier: MIT
/* Waiting on a word and binding to CPUs, by Linux's system calls. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/thread.h"

void sx_futex_wait(atomic_uint *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void sx_futex_wake(atomic_uint *word, uint32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void sx_thread_pin(const uint16_t *cpus, uint32_t n) {
  enum { WORDS = 128, BITS = 8 * sizeof(unsigned long) };
  unsigned long mask[WORDS] = {0};
  for (uint32_t i = 0; i < n; i++)
    if (cpus[i] < WORDS * BITS) mask[cpus[i] / BITS] |= 1ul << cpus[i] % BITS;
  syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
}
