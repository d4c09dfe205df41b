// SPDX-License-Identifier: MIT
/* Files and clocks of POSIX systems. */
#include "base/file.h"
#include <time.h>

static uint64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t sx_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t sx_wall_us(void) { return clock_ns(CLOCK_REALTIME) / 1000; }
