// SPDX-License-Identifier: MIT
/* Constants on a grid of integers: value = (code - zero point) * scale. */
#ifndef SX_QUANT_WEIGHT_H
#define SX_QUANT_WEIGHT_H
#include "ir/tensor.h"

/* The codes that may be used, and whether zero lies in their middle. */
typedef struct sx_quant_grid {
  sx_dtype dtype;
  int lo, hi;
  bool symmetric;
  bool zeros; /* a zero point for every scale, also where they are all the same */
  const double *least; /* no scale is smaller than its channel's here; NULL: any */
} sx_quant_grid;
sx_quant_grid sx_quant_grid_of(sx_dtype dtype, bool symmetric, bool reduce_range);
/* Scale and zero point for values from lo to hi, 0 among them. */
void sx_quant_fit(const sx_quant_grid *q, double lo, double hi, double *scale, int *zero);

typedef struct sx_quant_weight {
  sx_tensor *codes, *scale,
      *zero;    /* one reference each; a scale per channel or a scalar; so is zero, a scalar if symmetric */
  double error; /* root mean square of the difference over that of the weight */
} sx_quant_weight;
/* A tensor of floats of rank >= 1 on the grid, with one scale for each index of `axis`; axis -1: one for all. */
sx_status sx_quantize_weight(const sx_tensor *t, const sx_quant_grid *q, int axis, sx_quant_weight *out, sx_err *e);
/* The same on scales that are given, times `factor`: one, or one for each element of a list. There is no zero point. */
sx_status sx_quantize_on(const sx_tensor *t, const sx_quant_grid *q, const sx_tensor *scale, float factor,
                         sx_quant_weight *out, sx_err *e);
#endif
