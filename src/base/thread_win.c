// SPDX-License-Identifier: MIT
/* Threads, waiting on a word and binding to CPUs on Windows, which does not fork. */
#define _WIN32_WINNT 0x0602
#include <windows.h>
#include "base/alloc.h"
#include "base/thread.h"

void sx_futex_wait(atomic_uint *word, uint32_t expected) { WaitOnAddress((void *)word, &expected, sizeof expected, INFINITE); }

void sx_futex_wake(atomic_uint *word, uint32_t count) {
  if (count > 1) WakeByAddressAll((void *)word);
  else WakeByAddressSingle((void *)word);
}

typedef struct start { HANDLE thread; void (*entry)(void *); void *arg; } start;

static DWORD WINAPI trampoline(void *arg) {
  start *s = arg;
  s->entry(s->arg);
  return 0;
}

bool sx_thread_start(sx_thread *t, void (*entry)(void *), void *arg) {
  start *s = sx_fault() ? NULL : sx_malloc(sizeof *s);
  t->handle = s;
  if (!s) return false;
  *s = (start){.entry = entry, .arg = arg};
  s->thread = CreateThread(NULL, 2u << 20, trampoline, s, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (s->thread) return true;
  sx_free(s, sizeof *s);
  t->handle = NULL;
  return false;
}

void sx_thread_join(sx_thread *t) {
  start *s = t->handle;
  if (!s) return;
  WaitForSingleObject(s->thread, INFINITE);
  CloseHandle(s->thread);
  sx_free(s, sizeof *s);
  t->handle = NULL;
}

void sx_thread_yield(void) { SwitchToThread(); }

/* A thread lives in one group of 64 CPUs: that of the first. */
void sx_thread_pin(const uint16_t *cpus, uint32_t n) {
  GROUP_AFFINITY to = {.Group = n ? cpus[0] / 64 : 0};
  for (uint32_t i = 0; i < n; i++)
    if (cpus[i] / 64 == to.Group) to.Mask |= (KAFFINITY)1 << cpus[i] % 64;
  if (n) SetThreadGroupAffinity(GetCurrentThread(), &to, NULL);
}

uint32_t sx_fork_generation(void) { return 0; }
