// SPDX-License-Identifier: MIT
/* Running sums and products along one axis. Floats accumulate in f64 (sums of f32 columns in
 * two f32) and integers in 64 bits, whatever the storage type. */
#ifndef SX_EP_CPU_SCAN_H
#define SX_EP_CPU_SCAN_H
#include "base/cpu.h"
#include "ir/dtype.h"

typedef struct sx_scan {
  sx_isa isa;
  sx_dtype type;
  uint32_t elem;
  int64_t outer, n, inner;   /* x[outer, n, inner], along n */
  bool product, exclusive, reverse;
} sx_scan;
enum { SX_SCAN_COLS = 1024 }; /* columns of one unit when inner > 1 */
int64_t sx_scan_units(const sx_scan *s);
void sx_scan_run(const sx_scan *s, const void *x, void *y, int64_t begin, int64_t end); /* x == y is allowed */
/* y[i] = start + i * delta for i in [first, first + n), in f64 or 64-bit integers, then to the type; start and delta are of it. */
void sx_range_run(sx_isa isa, sx_dtype type, void *y, const void *start, const void *delta, int64_t first, int64_t n);
#endif
