// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide. */
#ifndef SX_EP_CPU_SORT_TABLES_H
#define SX_EP_CPU_SORT_TABLES_H
#include "ep/cpu/kernels/sort/sort.h"

enum { SX_SORT_CHUNK = 64 };
typedef struct sx_sort_table {
  /* flags[i] = 1 where element i of SX_SORT_CHUNK aligned ones is larger (smaller) than the bound, or unordered, else 0; whether
   * any is. NULL: not for this type. */
  bool (*before[SX_DTYPE_COUNT])(uint8_t *flags, const void *x, const void *bound, bool smallest);
} sx_sort_table;
#endif
