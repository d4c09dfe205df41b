// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide. Pointers are aligned to their element. */
#ifndef SX_SCAN_ROWS_H
#define SX_SCAN_ROWS_H
#include "ep/cpu/kernels/scan/scan.h"

typedef enum sx_scan_kind { SX_SCAN_F32, SX_SCAN_F64, SX_SCAN_I32, SX_SCAN_I64, SX_SCAN_KINDS } sx_scan_kind;
/* y may be x. Totals are zero before the first row and mean nothing to others; 8 bytes per column are enough. */
typedef struct sx_scan_sum {
  void (*along)(const void *x, void *y, void *total, int64_t n, int64_t step, bool exclusive); /* elements `step` apart: 1 or -1 */
  /* `rows` rows of n elements, `stride` apart (below zero: backwards) */
  void (*across)(const void *x, void *y, void *total, int64_t rows, int64_t stride, int64_t n, bool exclusive);
} sx_scan_sum;
typedef struct sx_scan_rows {
  sx_scan_sum sum[SX_SCAN_KINDS];
  void (*range_f32)(void *y, double from, double step, int64_t first, int n);
  void (*range_f64)(void *y, double from, double step, int64_t first, int n);
  void (*range_i64)(void *y, uint64_t from, uint64_t step, int n); /* from: the first one */
} sx_scan_rows;
#endif
