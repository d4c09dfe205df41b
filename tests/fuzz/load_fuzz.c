// SPDX-License-Identifier: MIT
/* Fuzzes the way from bytes to results: import, passes, plan and a run on inputs made up from the declared types. Whatever the
 * bytes are, there is a status, no crash, and memory in proportion.
 *
 * With clang: -DSX_FUZZ=ON. Without, a main that runs the files and folders it is given, and each of them with some bytes changed. */
#include "drive.h"

enum { LARGEST = 1 << 16, HEAP_LIMIT = 512 << 20 };
static _Atomic size_t held;
static void *take(void *ctx, size_t size, size_t align) {
  (void)ctx;
  void *p = NULL;
  if (size > HEAP_LIMIT - held || posix_memalign(&p, align < 16 ? 16 : align, size)) return NULL;
  held += size;
  return p;
}
static void give_back(void *ctx, void *p, size_t size, size_t align) {
  (void)ctx, (void)align;
  held -= size;
  free(p);
}
static const sx_allocator limited = {.alloc = take, .free = give_back};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sx_err e = {0};
  if (size > LARGEST) return 0;
  sx_heap_set(&limited);
  for (int level = 0; level < 100; level += 99) {
    sx_status s = drive_model(data, size, &(sx_session_options){.level = level}, 1, &e);
    if (s != SX_OK && !e.msg[0]) abort();
    if (held) abort();
  }
  sx_heap_set(NULL);
  return 0;
}

#ifndef SX_FUZZER
#include <dirent.h>
#include "base/file.h"
static uint32_t seed = 1;
static uint32_t number(const char *name, uint32_t dflt) { return getenv(name) ? (uint32_t)atoi(getenv(name)) : dflt; }
static uint32_t chance(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)seed * below) >> 32);
}
static void change(uint8_t *p, size_t size) {
  static const uint8_t edges[] = {0, 1, 2, 3, 7, 8, 16, 64, 127, 128, 255};
  uint8_t *at = p + chance((uint32_t)size);
  switch (chance(4)) {
    case 0: *at ^= (uint8_t)(1u << chance(8)); break;
    case 1: *at = (uint8_t)chance(256); break;
    case 2: *at = edges[chance(sizeof edges)]; break;
    default: *at = p[chance((uint32_t)size)];
  }
}
/* FUZZ_CHANGES and FUZZ_SEED: how many variants of each file, and which. */
static int run_file(const char *path) {
  sx_mapping m;
  sx_err e;
  uint32_t changes = number("FUZZ_CHANGES", 500);
  if (sx_map_file(path, &m, &e) != SX_OK) {
    fprintf(stderr, "%s\n", e.msg);
    return 1;
  }
  (void)LLVMFuzzerTestOneInput(m.data, m.size);
  seed = number("FUZZ_SEED", 1);
  for (uint32_t k = 0; k < changes && m.size; k++) {
    uint8_t *copy = malloc(m.size);
    memcpy(copy, m.data, m.size);
    for (uint32_t i = 0; i <= k % 4; i++) change(copy, m.size);
    (void)LLVMFuzzerTestOneInput(copy, m.size);
    free(copy);
  }
  sx_unmap_file(&m);
  return 0;
}
int main(int argc, char **argv) {
  int failed = 0, n = 0;
  for (int i = 1; i < argc; i++) {
    DIR *d = opendir(argv[i]);
    if (!d) failed += run_file(argv[i]), n++;
    for (struct dirent *f; d && (f = readdir(d));) {
      char path[4096];
      if (f->d_name[0] == '.') continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], f->d_name);
      failed += run_file(path), n++;
    }
    if (d) closedir(d);
  }
  printf("%d inputs, %d could not be read\n", n, failed);
  return failed || n == 0;
}
#endif
