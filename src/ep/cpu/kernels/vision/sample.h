// SPDX-License-Identifier: MIT
/* Images sampled at computed places: GridSample, and the columns of DeformConv. f32
 * and f64: the type is that of all operands. Places that are no numbers, or infinite, read nothing out of the image. */
#ifndef SX_EP_CPU_SAMPLE_H
#define SX_EP_CPU_SAMPLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "ir/dtype.h"

enum { SX_GRID_AXES = 8, SX_GRID_POINTS = 64 };
typedef enum sx_grid_mode { SX_GRID_NEAREST, SX_GRID_LINEAR, SX_GRID_CUBIC } sx_grid_mode;
typedef enum sx_grid_padding { SX_GRID_ZEROS, SX_GRID_BORDER, SX_GRID_REFLECTION } sx_grid_padding;
/* x (N, C, dims...), grid (N, points, axes; the last axis of the image first, -1 to 1), y (N, C, points). A unit is
 * SX_GRID_POINTS points of one image, in all channels. */
typedef struct sx_grid_sample {
  sx_isa isa;
  sx_dtype type; /* of the grid; and of x and y, but where the mode is nearest */
  uint32_t elem; /* nearest: bytes of an element of x and y */
  char zero[16]; /* nearest: what lies outside */
  int axes;
  int64_t N, C, dims[SX_GRID_AXES], points;
  sx_grid_mode mode;
  sx_grid_padding padding;
  bool align_corners;
} sx_grid_sample;
int64_t sx_grid_sample_units(const sx_grid_sample *a);
double sx_grid_sample_unit_ns(const sx_grid_sample *a);
size_t sx_grid_sample_scratch_bytes(const sx_grid_sample *a);
void sx_grid_sample_run(const sx_grid_sample *a, const void *x, const void *grid, void *y, int64_t begin, int64_t end,
                        void *scratch);

/* Columns of a deformable convolution for `count` places from `first` on, of channels [0, C) that share their offsets:
 * column element (c * kernel + k, place) at cols[(c * kernel + k) * stride + place]. */
typedef struct sx_deform {
  sx_isa isa;
  sx_dtype type;
  int64_t H, W, oH, oW, kernel[2], step[2], dilation[2], pad[2];
} sx_deform;
/* x: C planes; offset: (kernel, 2, oH, oW); mask: (kernel, oH, oW) or NULL. count: at most
 * 128. Planes have at most 2^31 elements. */
size_t sx_deform_scratch_bytes(void);
void sx_deform_columns(const sx_deform *a, const void *x, const void *offset, const void *mask, int64_t C, int64_t first,
                       int64_t count, int64_t stride, void *cols, void *scratch);
#endif
