// SPDX-License-Identifier: MIT
/* Windows undone: Col2Im sums overlapping blocks into images, MaxUnpool puts maxima back where they were found. And
 * determinants. */
#ifndef SX_EP_CPU_SPREAD_H
#define SX_EP_CPU_SPREAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "ops/vision/col2im.h"

/* One plane: columns (block..., blocks...) summed into an image; type f32, f64, c64 or c128. */
void sx_col2im_plane(sx_isa isa, const sx_col2im *a, sx_dtype type, const void *cols, void *image);

/* Element i of x goes to place index[i] of a tensor of shape `inner`, which lies at the origin of y, of shape `outer`, zero
 * before. The number of the first index that is out of range, or that y has no place for; -1 when all fit. */
int64_t sx_max_unpool(const void *x, const int64_t *index, int64_t count, uint32_t elem, int rank, const int64_t *inner,
                      const int64_t *outer, void *y);

/* The determinant of an n x n matrix, rows sx_det_pitch(n) apart and zero behind the last column, which is overwritten:
 * elimination with the greatest pivot of each column. */
int64_t sx_det_pitch(int64_t n);
double sx_det(sx_isa isa, double *m, int64_t n);
#endif
