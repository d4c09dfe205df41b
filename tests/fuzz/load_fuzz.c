// SPDX-License-Identifier: MIT
/* Fuzzes the way from bytes to results: import, passes, plan and a run on inputs made up from the declared types. Whatever the
 * bytes are, there is a status, no crash, and memory in proportion. */
#include "drive.h"
#include "fuzz/fuzz.h"

enum { LARGEST = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sx_err e = {0};
  if (size > LARGEST) return 0;
  fuzz_heap_begin();
  for (int level = 0; level < 100; level += 99) {
    sx_status s = drive_model(data, size, &(sx_session_options){.level = level}, 1, &e);
    if (s != SX_OK && !e.msg[0]) abort();
    fuzz_heap_check();
  }
  fuzz_heap_end();
  return 0;
}
