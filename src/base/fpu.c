// SPDX-License-Identifier: MIT
/* The calling thread's treatment of denormal numbers. */
#include "base/cpu.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
bool sx_denormals_zero(bool on) {
  const unsigned bits = 0x8040, was = _mm_getcsr(); /* flush to zero, denormals are zero */
  _mm_setcsr(on ? was | bits : was & ~bits);
  return (was & bits) == bits;
}
#elif defined(__aarch64__)
bool sx_denormals_zero(bool on) {
  const uint64_t bit = 1u << 24;
  uint64_t was;
  __asm__ volatile("mrs %0, fpcr" : "=r"(was));
  __asm__ volatile("msr fpcr, %0" ::"r"(on ? was | bit : was & ~bit));
  return was & bit;
}
#else
bool sx_denormals_zero(bool on) { return false; }
#endif
