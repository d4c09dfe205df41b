// SPDX-License-Identifier: MIT
/* Running sums and products along one axis. Floats accumulate in f64 and integers in 64 bits, whatever the storage type. */
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
enum { SX_SCAN_COLS = 128 }; /* columns of one unit when inner > 1 */
int64_t sx_scan_units(const sx_scan *s);
void sx_scan_run(const sx_scan *s, const void *x, void *y, int64_t begin, int64_t end); /* x == y is allowed */
#endif
