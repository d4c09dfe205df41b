// SPDX-License-Identifier: MIT
/* Inside the random family: what is compiled per ISA level. */
#ifndef SX_EP_CPU_RANDOM_TABLES_H
#define SX_EP_CPU_RANDOM_TABLES_H
#include <stdint.h>

typedef struct sx_random_table {
  /* Blocks [counter, counter + n) of the stream, four words each, one behind the other. */
  void (*blocks)(uint64_t key, uint64_t counter, int n, uint32_t *out);
  /* n numbers from a word each, of which the upper `bits` count (1 to 24 are exact); from two words each. */
  void (*uniform_f32)(const uint32_t *w, int bits, int n, float *y);
  void (*uniform_f64)(const uint32_t *w, int n, double *y);
} sx_random_table;
#endif
