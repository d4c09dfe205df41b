// SPDX-License-Identifier: MIT
/* Regions of images, brought to one size: RoiAlign, MaxRoiPool, CropAndResize. f32 and f64: the type is that of all
 * operands. */
#ifndef SX_EP_CPU_ROIS_H
#define SX_EP_CPU_ROIS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "ir/dtype.h"

typedef enum sx_rois_kind { SX_ROIS_ALIGN, SX_ROIS_POOL, SX_ROIS_CROP } sx_rois_kind;
/* x (N, C, H, W), of which a plane has less than 2^31 elements, y (regions, C, oH, oW). */
typedef struct sx_rois {
  sx_isa isa;
  sx_rois_kind kind;
  sx_dtype type;
  int64_t N, C, H, W, oH, oW;
  double scale, shift, extrapolation; /* shift: what is taken off the scaled corners */
  int64_t sampling;                   /* samples per bin and axis; 0: as many as pixels */
  bool max, force_one, nearest;       /* force_one: regions have at least one pixel */
} sx_rois;
/* The parts that a region is done in, any order: some bins in some channels. */
int64_t sx_rois_parts(const sx_rois *a);
double sx_rois_part_ns(const sx_rois *a);
size_t sx_rois_scratch_bytes(const sx_rois *a);
/* x: the region's image; y: the region's result. roi: (x1, y1, x2, y2) in pixels, for SX_ROIS_POOL with a number before that
 * is not looked at, and for SX_ROIS_CROP (y1, x1, y2, x2) in 0 to 1. False when RoiAlign's is no finite one that fits
 * memory. */
bool sx_rois_run(const sx_rois *a, const void *x, const void *roi, int64_t part, void *y, void *scratch);
#endif
