// SPDX-License-Identifier: MIT
/* Control groups on paper: the Linux file is compiled here with its opens led into a folder of made-up /proc and /sys
 * files. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sx_limits_XXXXXX";
static int fake_open(const char *path, int flags) {
  char at[1200];
  snprintf(at, sizeof at, "%s%s", root, path);
  return open(at, flags);
}
static FILE *fake_fopen(const char *path, const char *mode) {
  char at[1200];
  snprintf(at, sizeof at, "%s%s", root, path);
  return fopen(at, mode);
}
#define open  fake_open
#define fopen fake_fopen
#include "base/limits_linux.c"
#undef open
#undef fopen

/* Writes a file below the root, with its folders. */
static void put(const char *path, const char *text) {
  char at[1200];
  snprintf(at, sizeof at, "%s%s", root, path);
  for (char *c = at + strlen(root) + 1; *c; c++)
    if (*c == '/') *c = 0, mkdir(at, 0755), *c = '/';
  FILE *f = fopen(at, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void clear(void) {
  char cmd[100];
  snprintf(cmd, sizeof cmd, "rm -rf '%s'/*", root);
  assert_int_equal(system(cmd), 0);
}

static uint64_t cpus(void) { return group_least("cpu", level_cpus); }

static void test_nothing_readable(void **state) {
  clear();
  assert_true(cpus() == UINT64_MAX);
  assert_true(sx_memory_available() == UINT64_MAX);
  sx_cpu c = {0};
  sx_os_probe(&c);
  assert_true(c.cores >= 1);
}

static void test_version_2(void **state) {
  clear();
  put("/proc/self/cgroup", "0::/a/b\n");
  put("/proc/self/mountinfo",
      "30 23 0:26 / /sys rw - sysfs sysfs rw\n31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n");
  put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  put("/sys/fs/cgroup/a/b/memory.max", "1000000\n");
  put("/sys/fs/cgroup/a/b/memory.current", "700000\n");
  put("/sys/fs/cgroup/a/b/memory.stat", "anon 500000\nfile 200000\ninactive_file 100000\nactive_file 50000\n");
  put("/sys/fs/cgroup/a/memory.max", "max\n");
  put("/proc/meminfo", "MemTotal: 8 kB\nMemFree:  7 kB\nMemAvailable:    600000 kB\n");
  assert_int_equal(cpus(), 2);
  assert_int_equal(sx_memory_available(), 450000);
  put("/proc/meminfo", "MemTotal: 8 kB\nMemFree:  7 kB\nMemAvailable:    60 kB\n");
  assert_int_equal(sx_memory_available(), 60 * 1024);
  put("/sys/fs/cgroup/a/b/cpu.max", "10000 100000\n");
  assert_int_equal(cpus(), 1);
  sx_cpu c = {0};
  sx_os_probe(&c);
  assert_int_equal(c.cores, 1);
  put("/sys/fs/cgroup/a/b/memory.current", "5000000\n");
  assert_int_equal(sx_memory_available(), 0);
}

static void test_version_1(void **state) {
  clear();
  put("/proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n");
  put("/proc/self/mountinfo",
      "40 23 0:29 /docker/x /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
      "41 23 0:29 /docker/x /sys/fs/cgroup/memory ro shared:9 master:1 - cgroup cgroup rw,memory\n");
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
  put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
  assert_true(cpus() == UINT64_MAX);
  assert_int_equal(sx_memory_available(), 1500000);
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
  assert_int_equal(cpus(), 3);
}

/* A group that another namespace owns, and lines that are not what they should be. */
static void test_odd(void **state) {
  clear();
  put("/proc/self/cgroup", "0::/../other\n");
  put("/proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  assert_int_equal(cpus(), 2);
  put("/sys/fs/cgroup/cpu.max", "200000 0\n");
  assert_true(cpus() == UINT64_MAX);
  put("/sys/fs/cgroup/cpu.max", "");
  assert_true(cpus() == UINT64_MAX);
  put("/proc/self/cgroup", "nonsense\n:\n::\n0:\n");
  put("/proc/self/mountinfo", "x\n - \n1 2 3 - cgroup2\n");
  assert_true(cpus() == UINT64_MAX);
}

/* Hardware threads of one core count once. */
static void test_siblings(void **state) {
  clear();
  put("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
  put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
  uint32_t joined = allowed_cores();
  clear();
  uint32_t apart = allowed_cores();
  assert_in_range(joined, 1, apart);
  assert_int_equal(sysconf(_SC_NPROCESSORS_ONLN) >= 2 && apart >= 2 ? apart - joined : 1, 1);
  put("/sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
  put("/sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
  put("/sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
  put("/sys/devices/system/cpu/cpu0/cache/index1/level", "2\n");
  put("/sys/devices/system/cpu/cpu0/cache/index1/type", "Unified\n");
  put("/sys/devices/system/cpu/cpu0/cache/index1/size", "2M\n");
  sx_cpu c = {0};
  sysfs_caches(&c);
  assert_int_equal(c.l1d, 48 << 10);
  assert_int_equal(c.l2, 2 << 20);
}

static int setup(void **state) { return mkdtemp(root) ? 0 : -1; }
static int teardown(void **state) {
  clear();
  return rmdir(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_readable), cmocka_unit_test(test_version_2),
                                     cmocka_unit_test(test_version_1), cmocka_unit_test(test_odd),
                                     cmocka_unit_test(test_siblings)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
