// SPDX-License-Identifier: MIT
/* The CPU probe: plausible everywhere, the cap, and never more cores than the system shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/cpu.h"
#include "base/file.h"

static void test_probe(void **state) {
  const sx_cpu *c = sx_cpu_info();
  assert_ptr_equal(c, sx_cpu_info());
  assert_in_range(c->cores, 1, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
  assert_true(c->l1d >= 8u << 10 && c->l1d <= 1u << 20);
  assert_true(c->l2 >= c->l1d);
  print_message("%s, %s, vendor %04x, %u cores, L1 %u L2 %u L3 %u, %s%s%s%s%s%s, %.1f GB left\n", c->brand, c->vendor,
                c->vendor_id, c->cores, c->l1d, c->l2, c->l3, sx_isa_name(c->isa), c->avx512_vnni ? " vnni" : "",
                c->avx512_bf16 ? " bf16" : "", c->avx_vnni ? " avx_vnni" : "", c->amx_int8 ? " amx" : "",
                c->dotprod ? " dotprod" : "", (double)sx_memory_available() / 1e9);
#if defined(__x86_64__) && defined(__GNUC__)
  if (!getenv("SX_ISA")) {
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    assert_int_equal(c->isa, avx512 ? SX_ISA_AVX512 : avx2 ? SX_ISA_AVX2 : SX_ISA_BASE);
  }
#endif
  assert_true(sx_memory_available() > 1u << 20);
}

static char self[4096];

/* Runs this program again under a cap; it exits with the level it found. */
static void test_cap(void **state) {
  if (getenv("SX_EMULATED")) skip(); /* it starts itself again, which an emulated program cannot */
  const char *names[] = {"base", "avx2", "avx512", "nonsense"};
  for (int i = 0; i < 4; i++) {
    char cmd[5000];
    snprintf(cmd, sizeof cmd, "SX_ISA=%s '%s' level", names[i], self);
    int level = system(cmd) >> 8;
    assert_int_equal(level, i < (int)sx_cpu_info()->isa ? i : (int)sx_cpu_info()->isa);
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "level") == 0) {
    const sx_cpu *c = sx_cpu_info();
    return c->isa < SX_ISA_AVX512 && (c->avx512_vnni || c->amx_int8) ? 99 : (int)c->isa;
  }
  snprintf(self, sizeof self, "%s", argv[0]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_probe), cmocka_unit_test(test_cap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
