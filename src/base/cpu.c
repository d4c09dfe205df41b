// SPDX-License-Identifier: MIT
/* Probes the CPU once and applies the caller's cap. The first caller probes; others who come at the same time wait the few
 * microseconds that it takes. */
#include "base/cpu.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/os.h"

const char *sx_isa_name(sx_isa isa) {
  static const char *const names[] = {"base", "avx2", "avx512"};
  return (unsigned)isa < sizeof names / sizeof *names ? names[isa] : "unknown";
}

static uint32_t vendor_id(const char *vendor) {
  static const struct { const char *name; uint32_t id; } table[] = {
      {"GenuineIntel", 0x8086}, {"AuthenticAMD", 0x1022}, {"HygonGenuine", 0x1d94}, {"CentaurHauls", 0x1106},
      {"  Shanghai  ", 0x1d17}, {"ARM", 0x13b5},          {"Apple", 0x106b},        {"Qualcomm", 0x17cb},
      {"Ampere", 0x1def},       {"NVIDIA", 0x10de},       {"HiSilicon", 0x19e5},    {"Fujitsu", 0x10cf},
      {"Samsung", 0x144d},      {"Broadcom", 0x14e4},     {"Cavium", 0x177d},       {"Microsoft", 0x1414}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(vendor, table[i].name) == 0) return table[i].id;
  return 0;
}

/* The best level that kernels were compiled for. */
#if defined(SX_HAVE_avx512)
#define BUILT SX_ISA_AVX512
#elif defined(SX_HAVE_avx2)
#define BUILT SX_ISA_AVX2
#else
#define BUILT SX_ISA_BASE
#endif

static void cap(sx_cpu *c) {
  const char *text = getenv("SX_ISA");
  if (c->isa > BUILT) c->isa = BUILT;
  c->unknown_cap = text && *text;
  for (sx_isa isa = SX_ISA_BASE; text && isa <= SX_ISA_AVX512; isa++)
    if (strcmp(text, sx_isa_name(isa)) == 0) {
      c->unknown_cap = false;
      if (isa < c->isa) c->isa = isa;
      if (isa == SX_ISA_BASE) c->dotprod = c->i8mm = c->bf16 = c->fp16 = false;
    }
  if (c->isa < SX_ISA_AVX512) c->avx512_vnni = c->avx512_bf16 = c->amx_int8 = c->amx_bf16 = false;
  if (c->isa < SX_ISA_AVX2) c->avx_vnni = false;
}

const sx_cpu *sx_cpu_info(void) {
  enum { UNKNOWN, PROBING, READY };
  static sx_cpu info;
  static atomic_int state;
  int seen = atomic_load_explicit(&state, memory_order_acquire);
  if (seen == READY) return &info;
  if (seen == UNKNOWN && atomic_compare_exchange_strong(&state, &seen, PROBING)) {
    sx_cpu_probe_x86(&info);
    sx_os_probe(&info);
    cap(&info);
    info.vendor_id = vendor_id(info.vendor);
    if (info.l1d == 0) info.l1d = 32u << 10;
    if (info.l2 == 0) info.l2 = 512u << 10;
    if (info.cores == 0) info.cores = 1;
    atomic_store_explicit(&state, READY, memory_order_release);
    return &info;
  }
  while (atomic_load_explicit(&state, memory_order_acquire) != READY) {}
  return &info;
}
