// SPDX-License-Identifier: MIT
/* The features of an Arm CPU as Linux tells them: the kernel's hardware capabilities, and the implementer out of MIDR_EL1,
 * which it lets programs read when it says so. */
#include "base/os.h"
#ifdef __aarch64__
#include <string.h>
#include <sys/auxv.h>

void sx_cpu_probe_arm_linux(sx_cpu *c) {
  unsigned long one = getauxval(AT_HWCAP), two = getauxval(26 /* AT_HWCAP2 */);
  c->fp16 = (one & (1ul << 9)) && (one & (1ul << 10)); /* FPHP, ASIMDHP */
  c->dotprod = one & (1ul << 20);                      /* ASIMDDP */
  c->i8mm = two & (1ul << 13);
  c->bf16 = two & (1ul << 14);
  if (!(one & (1ul << 11))) return; /* CPUID: registers of identification can be read */
  uint64_t midr;
  __asm__("mrs %0, MIDR_EL1" : "=r"(midr));
  static const struct { uint8_t code; const char *name; } table[] = {
      {0x41, "ARM"},      {0x42, "Broadcom"}, {0x43, "Cavium"}, {0x46, "Fujitsu"}, {0x48, "HiSilicon"}, {0x4e, "NVIDIA"},
      {0x51, "Qualcomm"}, {0x53, "Samsung"},  {0x61, "Apple"},  {0x6d, "Microsoft"}, {0xc0, "Ampere"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == (midr >> 24 & 0xff)) memcpy(c->vendor, table[i].name, strlen(table[i].name) + 1);
}
#else
void sx_cpu_probe_arm_linux(sx_cpu *c) {}
#endif
