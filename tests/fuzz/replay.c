// SPDX-License-Identifier: MIT
/* The main of a fuzz target where there is no libFuzzer: runs the files and folders it is given, and each file again with some
 * bytes changed. FUZZ_CHANGES (500) says how often, FUZZ_SEED which changes. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
