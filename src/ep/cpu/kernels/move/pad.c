// SPDX-License-Identifier: MIT
/* One row of a padded tensor: a run of the source between two borders. Rows are short where images are padded, so that a call
 * of the C library for each part would be most of the time. */
#include <string.h>
#include "ep/cpu/kernels/move/move.h"

typedef uint64_t vec16 __attribute__((vector_size(16), aligned(1), may_alias));
static inline void copy_run(char *d, const char *s, size_t n) {
  if (n > 256 || n < 16) {
    memcpy(d, s, n);
    return;
  }
  for (size_t i = 0; i + 16 <= n; i += 16) *(vec16 *)(d + i) = *(const vec16 *)(s + i);
  *(vec16 *)(d + n - 16) = *(const vec16 *)(s + n - 16);
}
/* n bytes, a multiple of the value's size; pattern repeats the value. */
static inline void fill_run(char *d, const char *pattern, size_t n) {
  for (; n >= 16; n -= 16, d += 16) memcpy(d, pattern, 16);
  if (n & 8) memcpy(d, pattern, 8), d += 8;
  if (n & 4) memcpy(d, pattern, 4), d += 4;
  if (n & 2) memcpy(d, pattern, 2), d += 2;
  if (n & 1) *d = *pattern;
}
#define PICK(bytes)                                                                                                        \
  for (int64_t k = 0; k < n; k++) memcpy(y + k * (int64_t)(bytes), x + map[k] * (int64_t)(bytes), (bytes));                 \
  break
static inline void pick(char *y, const char *x, const int64_t *map, int64_t n, size_t block) {
  switch (block) {
    case 1: PICK(1);
    case 2: PICK(2);
    case 4: PICK(4);
    case 8: PICK(8);
    case 16: PICK(16);
    default: PICK(block);
  }
}

void sx_pad_row(const sx_pad_row_plan *p, const char *x, char *y) {
  const size_t lead = (size_t)p->lead * p->block, middle = (size_t)p->middle * p->block, tail = (size_t)p->tail * p->block;
  if (!x) {
    sx_move_fill(y, p->pattern, p->elem, (int64_t)((lead + middle + tail) / p->elem));
    return;
  }
  if (p->map)
    pick(y, x, p->map, p->lead, p->block);
  else if (lead > 256)
    sx_move_fill(y, p->pattern, p->elem, (int64_t)(lead / p->elem));
  else
    fill_run(y, p->pattern, lead);
  copy_run(y + lead, x + (size_t)p->first * p->block, middle);
  y += lead + middle;
  if (p->map)
    pick(y, x, p->map + p->lead + p->middle, p->tail, p->block);
  else if (tail > 256)
    sx_move_fill(y, p->pattern, p->elem, (int64_t)(tail / p->elem));
  else
    fill_run(y, p->pattern, tail);
}
