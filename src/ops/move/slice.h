// SPDX-License-Identifier: MIT
/* The one reading of Slice's bounds. */
#ifndef SX_OPS_MOVE_SLICE_H
#define SX_OPS_MOVE_SLICE_H
#include <stdint.h>

/* First index and count of start:end:step (not 0) over an axis of N elements; bounds are clamped, negative ones count from the
 * end, and what lies beyond 32 bits means the end in its direction. Backwards from before the first element is from the first, as the
 * standard has it (and NumPy has not). */
static inline int64_t sx_slice_range(int64_t N, int64_t start, int64_t end, int64_t step, int64_t *first) {
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? N - 1 : N;
  if (end >= INT32_MAX) end = INT64_MAX;
  if (end <= INT32_MIN) end = INT64_MIN;
  start = start < -N ? 0 : start < 0 ? start + N : start;
  end = end < -N ? low : end < 0 ? end + N : end;
  start = start < high ? start : high;
  end = end < low ? low : end > high ? high : end;
  *first = start;
  int64_t span = step < 0 ? start - end : end - start;
  uint64_t by = step < 0 ? -(uint64_t)step : (uint64_t)step;
  return span <= 0 ? 0 : (int64_t)(((uint64_t)span - 1) / by + 1);
}
#endif
