// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide. */
#ifndef SX_EP_CPU_SORT_TABLES_H
#define SX_EP_CPU_SORT_TABLES_H
#include "ep/cpu/kernels/sort/sort.h"

enum { SX_SORT_CHUNK = 64 };
/* The key of an f32's bits, without a branch: signs are hard to foresee. */
static inline uint64_t sx_sort_key_f32(uint32_t v) {
  const uint32_t size = v & 0x7fffffffu, minus = (uint32_t)((int32_t)v >> 31), key = 0x80000000u + (size ^ minus) - minus;
  return size > 0x7f800000u ? 1ull << 32 : (uint64_t)key;
}
static inline uint64_t sx_sort_key_f64(uint64_t v) {
  const uint64_t size = v & INT64_MAX, minus = (uint64_t)((int64_t)v >> 63), key = (1ull << 63) + (size ^ minus) - minus;
  return size > 0x7ff0000000000000 ? UINT64_MAX : key;
}
typedef struct sx_sort_table {
  void (*keys[SX_DTYPE_COUNT])(uint64_t *keys, const void *x, int64_t n); /* of aligned ones; NULL: not for this type */
  /* flags[i] = 1 where element i of SX_SORT_CHUNK aligned ones is larger (smaller) than the bound, or unordered, else 0; whether
   * any is. NULL: not for this type. */
  bool (*before[SX_DTYPE_COUNT])(uint8_t *flags, const void *x, const void *bound, bool smallest);
} sx_sort_table;
#endif
