// SPDX-License-Identifier: MIT
/* What fuzz targets share: a heap with a limit, which knows whether everything was given back. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"

enum { FUZZ_HEAP_LIMIT = 512 << 20 };
static _Atomic size_t fuzz_held;

static inline void *fuzz_take(void *ctx, size_t size, size_t align) {
  (void)ctx;
  void *p = NULL;
  if (size > FUZZ_HEAP_LIMIT - fuzz_held || posix_memalign(&p, align < 16 ? 16 : align, size)) return NULL;
  fuzz_held += size;
  return p;
}
static inline void fuzz_give_back(void *ctx, void *p, size_t size, size_t align) {
  (void)ctx, (void)align;
  fuzz_held -= size;
  free(p);
}
static const sx_allocator fuzz_heap = {.alloc = fuzz_take, .free = fuzz_give_back};

static inline void fuzz_heap_begin(void) { sx_heap_set(&fuzz_heap); }
static inline void fuzz_heap_check(void) {
  if (!fuzz_held) return;
  fprintf(stderr, "%zu bytes were not given back\n", (size_t)fuzz_held);
  abort();
}
static inline void fuzz_heap_end(void) {
  fuzz_heap_check();
  sx_heap_set(NULL);
}
#endif
