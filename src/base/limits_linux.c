// SPDX-License-Identifier: MIT
/* What Linux grants this process: cores and memory.
 *
 * Containers limit through control groups, of version 1 or 2 or both, and a limit counts at every level from the process's
 * group up to the root that is mounted here. Everything is read from /proc and /sys and missing files mean no limit. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/os.h"

/* Reads the front of a small file as text; false when it cannot be read. */
static bool read_text(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  size_t n = 0;
  ssize_t got = 1;
  while (got > 0 && n < size - 1) {
    got = read(fd, text + n, size - 1 - n);
    if (got > 0) n += (size_t)got;
  }
  close(fd);
  text[n] = 0;
  return n > 0;
}

/* ---- control groups ---- */

typedef struct group {
  char dir[512];    /* folder of the process's group */
  size_t root;      /* length of the part that is the mount point */
  bool v2;
} group;

/* Is `word` in a list separated by commas? */
static bool has_word(const char *list, size_t n, const char *word) {
  size_t w = strlen(word);
  for (const char *p = list; p + w <= list + n; p++)
    if (memcmp(p, word, w) == 0 && (p == list || p[-1] == ',') && (p + w == list + n || p[w] == ',')) return true;
  return false;
}

/* The process's path in the hierarchy: lines of "id:controllers:path"; version 2 has id 0 and no controllers. */
static __attribute__((noinline)) bool group_path(bool v2, const char *controller, char *path, size_t size) {
  char text[3072];
  if (!read_text("/proc/self/cgroup", text, sizeof text)) return false;
  for (char *line = text, *end; *line; line = end + (*end != 0)) {
    end = line + strcspn(line, "\n");
    char *list = memchr(line, ':', (size_t)(end - line));
    char *at = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
    if (!at) continue;
    size_t n = (size_t)(end - at - 1);
    bool match = v2 ? strncmp(line, "0::", 3) == 0 : has_word(list + 1, (size_t)(at - list - 1), controller);
    if (!match || n >= size) continue;
    memcpy(path, at + 1, n);
    path[n] = 0;
    return true;
  }
  return false;
}

/* One line of mountinfo: "id parent dev root point options ... - type source superoptions". */
static bool parse_mount(char *line, bool v2, const char *controller, const char *path, group *g) {
  char root[256], point[256], type[32], super[256];
  char *dash = strstr(line, " - ");
  if (!dash || sscanf(line, "%*s %*s %*s %255s %255s", root, point) != 2) return false;
  if (sscanf(dash + 3, "%31s %*s %255s", type, super) != 2) return false;
  if (strcmp(type, v2 ? "cgroup2" : "cgroup") != 0) return false;
  if (!v2 && !has_word(super, strlen(super), controller)) return false;
  size_t r = strcmp(root, "/") == 0 ? 0 : strlen(root);
  /* Outside the mounted part (another namespace): the mount point itself is all that we see. */
  const char *rest = strncmp(path, root, r) == 0 && (path[r] == '/' || !path[r]) ? path + r : "";
  if (strncmp(rest, "/..", 3) == 0 || strcmp(rest, "/") == 0) rest = "";
  int n = snprintf(g->dir, sizeof g->dir, "%s%s", point, rest);
  g->root = strlen(point);
  g->v2 = v2;
  return n > 0 && (size_t)n < sizeof g->dir;
}

static __attribute__((noinline)) bool find_group(bool v2, const char *controller, group *g) {
  char path[512], line[1024];
  if (!group_path(v2, controller, path, sizeof path)) return false;
  FILE *f = fopen("/proc/self/mountinfo", "re");
  if (!f) return false;
  bool found = false;
  while (!found && fgets(line, sizeof line, f)) found = parse_mount(line, v2, controller, path, g);
  fclose(f);
  return found;
}

/* Goes one level up; false at the mount point. */
static bool group_up(group *g) {
  size_t n = strlen(g->dir);
  while (n > g->root && g->dir[n - 1] != '/') n--;
  if (n <= g->root) return false;
  g->dir[n - 1] = 0;
  return true;
}

static bool group_read(const group *g, const char *file, char *text, size_t size) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", g->dir, file);
  return read_text(path, text, size);
}

/* A file with one number; UINT64_MAX when absent or "max". */
static uint64_t group_number(const group *g, const char *file) {
  char text[64];
  if (!group_read(g, file, text, sizeof text) || text[0] < '0' || text[0] > '9') return UINT64_MAX;
  return strtoull(text, NULL, 10);
}

static uint64_t level_cpus(const group *g) {
  uint64_t quota = UINT64_MAX, period = UINT64_MAX;
  if (g->v2) {
    char text[64];
    unsigned long long q, p;
    if (group_read(g, "cpu.max", text, sizeof text) && sscanf(text, "%llu %llu", &q, &p) == 2) quota = q, period = p;
  } else {
    quota = group_number(g, "cpu.cfs_quota_us");
    period = group_number(g, "cpu.cfs_period_us");
  }
  if (quota == UINT64_MAX || period == UINT64_MAX || period == 0) return UINT64_MAX;
  return quota / period + (quota % period != 0);
}

/* What the level still grants: file pages that are charged to it can be dropped, so they count as free. */
static __attribute__((noinline)) uint64_t level_memory(const group *g) {
  uint64_t limit = group_number(g, g->v2 ? "memory.max" : "memory.limit_in_bytes");
  uint64_t used = group_number(g, g->v2 ? "memory.current" : "memory.usage_in_bytes");
  if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
  char text[3072];
  uint64_t file = 0;
  if (group_read(g, "memory.stat", text, sizeof text)) {
    static const char *const keys[] = {"\ninactive_file ", "\nactive_file "};
    for (int i = 0; i < 2; i++) {
      const char *p = strstr(text, keys[i]);
      if (p) file += strtoull(p + strlen(keys[i]), NULL, 10);
    }
  }
  used = used > file ? used - file : 0;
  return limit > used ? limit - used : 0;
}

static uint64_t group_least(const char *controller, uint64_t (*level)(const group *)) {
  uint64_t least = UINT64_MAX;
  for (int v2 = 0; v2 < 2; v2++) {
    group g;
    if (!find_group(v2, controller, &g)) continue;
    do {
      uint64_t here = level(&g);
      if (here < least) least = here;
    } while (group_up(&g));
  }
  return least;
}

uint64_t sx_memory_available(void) {
  char text[1024];
  uint64_t machine = UINT64_MAX;
  const char *p = read_text("/proc/meminfo", text, sizeof text) ? strstr(text, "MemAvailable:") : NULL;
  if (p) machine = strtoull(p + 13, NULL, 10) * 1024;
  uint64_t groups = group_least("memory", level_memory);
  return groups < machine ? groups : machine;
}

/* ---- cores ---- */

enum { MASK_WORDS = 128, WORD_BITS = 8 * sizeof(unsigned long) };

/* Physical cores among the allowed CPUs: each counts with the first allowed one of its hardware threads. */
static uint32_t allowed_cores(void) {
  unsigned long mask[MASK_WORDS] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  if (bytes <= 0) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
  }
  uint32_t cores = 0;
  for (uint32_t i = 0; i < MASK_WORDS * WORD_BITS; i++) {
    if (!(mask[i / WORD_BITS] >> i % WORD_BITS & 1)) continue;
    char path[96], text[64];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", i);
    uint32_t first = i;
    if (read_text(path, text, sizeof text)) { /* "3", "0-1" or "0,64": sorted, so a lower allowed one was counted before */
      char *end = text;
      unsigned long lo = strtoul(text, &end, 10);
      if (end != text && lo < i && mask[lo / WORD_BITS] >> lo % WORD_BITS & 1) first = (uint32_t)lo;
    }
    cores += first == i;
  }
  return cores ? cores : 1;
}

static uint32_t cache_size(const char *text) {
  char *end;
  unsigned long n = strtoul(text, &end, 10);
  return (uint32_t)(*end == 'K' ? n << 10 : *end == 'M' ? n << 20 : n);
}

static void sysfs_caches(sx_cpu *c) {
  for (int i = 0; i < 8; i++) {
    char path[96], level[16], type[32], size[32];
    static const char *const files[] = {"level", "type", "size"};
    char *const texts[] = {level, type, size};
    bool ok = true;
    for (int k = 0; k < 3 && ok; k++) {
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", i, files[k]);
      ok = read_text(path, texts[k], 16);
    }
    if (!ok) break;
    uint32_t *to = level[0] == '1' ? &c->l1d : level[0] == '2' ? &c->l2 : level[0] == '3' ? &c->l3 : NULL;
    if (to && *to == 0 && type[0] != 'I') *to = cache_size(size);
  }
}


void sx_os_probe(sx_cpu *c) {
  sx_cpu_probe_arm_linux(c);
  if (!c->l1d || !c->l2) sysfs_caches(c);
  uint64_t quota = group_least("cpu", level_cpus);
  c->cores = allowed_cores();
  if (quota < c->cores) c->cores = quota ? (uint32_t)quota : 1;
#ifdef __x86_64__
  if (c->amx_int8 || c->amx_bf16) { /* ARCH_REQ_XCOMP_PERM for the tile data */
    bool granted = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
    c->amx_int8 &= granted;
    c->amx_bf16 &= granted;
  }
#endif
}
