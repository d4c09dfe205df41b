// SPDX-License-Identifier: MIT
/* Running sums of f32 columns: the common case of a scan across rows, without a conversion pass. */
#include "ep/cpu/kernels/scan/scan_rows.h"
#include "ep/cpu/vec.h"

static void sum_f32(const float *x, float *y, double *restrict total, int64_t n, bool exclusive) {
  if (exclusive)
    for (int64_t i = 0; i < n; i++) {
      double before = total[i];
      total[i] = before + (double)x[i];
      y[i] = (float)before;
    }
  else
    for (int64_t i = 0; i < n; i++) y[i] = (float)(total[i] += (double)x[i]);
}
const sx_scan_rows SX_ISA_NAME(sx_scan_rows) = {sum_f32};
