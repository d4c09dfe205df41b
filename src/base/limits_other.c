// SPDX-License-Identifier: MIT
/* Cores, caches and memory of POSIX systems that are not Linux: what sysconf knows, and on Apple's what sysctl knows. */
#include <string.h>
#include <unistd.h>
#include "base/os.h"
#ifdef __APPLE__
#include <sys/sysctl.h>

static uint64_t number(const char *name) {
  unsigned char bytes[8] = {0};
  size_t n = sizeof bytes;
  uint64_t v = 0;
  if (sysctlbyname(name, bytes, &n, NULL, 0) != 0) return 0;
  memcpy(&v, bytes, sizeof v);
  return v;
}
#else
static uint64_t number(const char *name) { return 0; }
#endif

uint64_t sx_memory_available(void) {
  uint64_t bytes = number("hw.memsize");
  return bytes ? bytes : UINT64_MAX;
}

void sx_os_probe(sx_cpu *c) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t physical = number("hw.physicalcpu");
  c->cores = physical ? (uint32_t)physical : n > 0 ? (uint32_t)n : 1;
  if (!c->l1d) c->l1d = (uint32_t)number("hw.l1dcachesize");
  if (!c->l2) c->l2 = (uint32_t)number("hw.l2cachesize");
  c->dotprod = number("hw.optional.arm.FEAT_DotProd");
  c->i8mm = number("hw.optional.arm.FEAT_I8MM");
  c->bf16 = number("hw.optional.arm.FEAT_BF16");
  c->fp16 = number("hw.optional.arm.FEAT_FP16");
#if defined(__APPLE__) && defined(__aarch64__)
  memcpy(c->vendor, "Apple", 6);
#endif
  c->amx_int8 = c->amx_bf16 = false;
}
