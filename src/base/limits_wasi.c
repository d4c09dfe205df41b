// SPDX-License-Identifier: MIT
/* One core, and what is left of WebAssembly's four gigabytes. */
#include "base/os.h"

uint64_t sx_memory_available(void) {
  return ((uint64_t)4 << 30) - (uint64_t)__builtin_wasm_memory_size(0) * 65536;
}

void sx_os_probe(sx_cpu *c) { c->cores = 1; }
