// SPDX-License-Identifier: MIT
/* WebAssembly without threads: none starts, so nobody is waited for. */
#include "base/thread.h"

void sx_futex_wait(atomic_uint *word, uint32_t expected) {}
void sx_futex_wake(atomic_uint *word, uint32_t count) {}
bool sx_thread_start(sx_thread *t, void (*entry)(void *), void *arg) { return false; }
void sx_thread_join(sx_thread *t) {}
void sx_thread_yield(void) {}
void sx_thread_pin(const uint16_t *cpus, uint32_t n) {}
uint32_t sx_fork_generation(void) { return 0; }
