// SPDX-License-Identifier: MIT
/* CPUID. A feature counts only when the system saves its registers (XGETBV), and a level only when every extension is there
 * that its kernel files are compiled with (src/ep/cpu/isa.def). This file is compiled for the plainest x86-64. */
#include "base/os.h"
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <string.h>

typedef struct regs { uint32_t a, b, c, d; } regs;

static regs leaf(uint32_t number, uint32_t sub) {
  regs r = {0, 0, 0, 0};
  __get_cpuid_count(number, sub, &r.a, &r.b, &r.c, &r.d);
  return r;
}

static uint64_t saved_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static bool all(uint32_t word, uint32_t bits) { return (word & bits) == bits; }
#define B(n) (1u << (n))

static void features(sx_cpu *c) {
  regs one = leaf(1, 0), seven = leaf(7, 0), next = seven.a >= 1 ? leaf(7, 1) : (regs){0, 0, 0, 0};
  uint64_t saved = all(one.c, B(27)) ? saved_state() : 0;
  bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6, tiles = (saved & 0x60000) == 0x60000;
  /* FMA, SSE4.2, MOVBE aside, POPCNT, AVX, F16C; BMI1, AVX2, BMI2. */
  bool avx2 = ymm && all(one.c, B(12) | B(20) | B(23) | B(28) | B(29)) && all(seven.b, B(3) | B(5) | B(8));
  /* F, DQ, BW, VL. */
  bool avx512 = avx2 && zmm && all(seven.b, B(16) | B(17) | B(30) | B(31));
  c->isa = avx512 ? SX_ISA_AVX512 : avx2 ? SX_ISA_AVX2 : SX_ISA_BASE;
  c->avx512_vnni = avx512 && all(seven.c, B(11));
  c->avx512_bf16 = avx512 && all(next.a, B(5));
  c->avx_vnni = avx2 && all(next.a, B(4));
  c->amx_int8 = tiles && all(seven.d, B(24) | B(25));
  c->amx_bf16 = tiles && all(seven.d, B(24) | B(22));
}

/* Leaf 4 and AMD's 0x8000001d have the same form: ways, partitions, line and sets, each less one. */
static void caches(sx_cpu *c, uint32_t number) {
  for (uint32_t i = 0; i < 16; i++) {
    regs r = leaf(number, i);
    uint32_t type = r.a & 31, level = r.a >> 5 & 7;
    if (type == 0) break;
    if (type == 2) continue; /* instructions */
    uint64_t size = ((uint64_t)(r.b >> 22) + 1) * ((r.b >> 12 & 1023) + 1) * ((r.b & 4095) + 1) * ((uint64_t)r.c + 1);
    uint32_t bytes = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    if (level == 1) c->l1d = bytes;
    if (level == 2) c->l2 = bytes;
    if (level == 3) c->l3 = bytes;
  }
}

static void names(sx_cpu *c) {
  regs r = leaf(0, 0);
  memcpy(c->vendor, &r.b, 4);
  memcpy(c->vendor + 4, &r.d, 4);
  memcpy(c->vendor + 8, &r.c, 4);
  if (leaf(0x80000000u, 0).a < 0x80000004u) return;
  char text[49] = {0};
  for (uint32_t i = 0; i < 3; i++) {
    r = leaf(0x80000002u + i, 0);
    memcpy(text + 16 * i, &r, 16);
  }
  const char *start = text;
  while (*start == ' ') start++;
  size_t n = strlen(start);
  while (n > 0 && start[n - 1] == ' ') n--;
  memcpy(c->brand, start, n);
}

void sx_cpu_probe_x86(sx_cpu *c) {
  names(c);
  features(c);
  bool amd = strcmp(c->vendor, "AuthenticAMD") == 0 || strcmp(c->vendor, "HygonGenuine") == 0;
  caches(c, amd ? 0x8000001du : 4);
}
#else
void sx_cpu_probe_x86(sx_cpu *c) {}
#endif
