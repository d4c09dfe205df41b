// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide. */
#ifndef SX_SCAN_ROWS_H
#define SX_SCAN_ROWS_H
#include "ep/cpu/kernels/scan/scan.h"

/* total[i] += x[i]; y[i] = total[i] as it is then, or as it was before (exclusive). y may be x. */
typedef struct sx_scan_rows { void (*sum_f32)(const float *x, float *y, double *total, int64_t n, bool exclusive); } sx_scan_rows;
extern const sx_scan_rows sx_scan_rows__base, sx_scan_rows__avx2, sx_scan_rows__avx512;
#endif
