// SPDX-License-Identifier: MIT
/* Convolution in f32: 1-D to 3-D, any group, stride, dilation and padding, and its transpose.
 *
 * Tensors are plain [N][C][D][H][W], or blocked: [N][ceil(C/b)][D][H][W][b], b = sx_conv_table.block lanes. Padded lanes of
 * a blocked tensor are zero; where an input is not finite they may be NaN, and no kernel lets them reach a real channel.
 *
 * Packed weights may be kept in 16 bits; a unit widens the part that it works with into its scratch.
 *
 * sx_conv_prepare() picks an algorithm for a shape and a pair of layouts and says what it needs. sx_conv_pack() lays the
 * weights out once; packings with equal `packing` and channels are interchangeable, whatever the batch and the extents.
 * sx_conv_run() does any range of units; unit boundaries depend on shape and table alone. Nothing here allocates. */
#ifndef SX_CONV_H
#define SX_CONV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "base/status.h"
#include "ep/cpu/kernels/epilogue.h"
#include "ir/dtype.h"

typedef struct sx_conv_table sx_conv_table;
/* The kernels of a level, or NULL when they are not in this build. Whether the CPU can run them is the caller's to know. */
const sx_conv_table *sx_conv_table_at(sx_isa isa);
int sx_conv_block(const sx_conv_table *t); /* b */

/* Extents are right-aligned, axis 2 is W; an unused leading axis has in = out = kernel = stride = dilation = 1, pad = 0.
 * pad counts before the first element; what lies after the last follows from `out`. */
typedef struct sx_conv_shape {
  int64_t batch, in_channels, out_channels, group; /* channels of all groups */
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
  int winograd;    /* where it can be: 0 no; 2 F(2x2), as exact as a direct sum, weights 1.8 times as many bytes;
                      4 F(4x4), about twice the rounding error, 4 times the bytes */
  bool transposed; /* ConvTranspose: weights [C][K/group][taps], `out` by its rules */
  uint8_t weights; /* F16 or BF16: packed weights have 16 bits, and what is packed has that type */
} sx_conv_shape;

typedef enum sx_conv_layout { SX_CONV_PLAIN, SX_CONV_BLOCKED } sx_conv_layout;
typedef enum sx_conv_algo {
  SX_CONV_DIRECT,    /* blocked to blocked */
  SX_CONV_STEM,      /* plain to blocked, few input channels */
  SX_CONV_DEPTHWISE, /* blocked to blocked, one channel per group */
  SX_CONV_WINOGRAD,  /* blocked to blocked, 3x3 of stride 1 */
  SX_CONV_GEMM,      /* plain to plain */
  SX_CONV_COLUMNS,   /* plain to plain, transposed */
} sx_conv_algo;

/* A prepared convolution: plain data, read-only after sx_conv_prepare. */
typedef struct sx_conv {
  const sx_conv_table *table;
  sx_conv_shape s;
  sx_epilogue epi;
  sx_conv_algo algo;
  uint32_t packing;
  size_t packed_bytes;  /* of the weights */
  int64_t pack_units;
  size_t scratch_bytes; /* per worker, aligned to 64 */
  int64_t units;        /* 0 when the output is empty */
  double unit_ns;       /* rough cost of one */

  /* Of the implementation. `merge` groups are done as one whose weights have zeros off the diagonal. */
  int64_t merge, groups, group_in, group_out; /* after merging */
  int64_t taps, tile, pixels, block_pixels, phases, pixel_units, panels, panel_units, pass_blocks, row_parts;
  bool panel_first, zero_tail, row_kernel;
} sx_conv;

/* What was not asked for by the epilogue may be NULL. x, y, residual, bias need no alignment; packed has 64. */
typedef struct sx_conv_io {
  const float *x;
  const void *packed;
  const float *bias, *residual;
  float *y;
} sx_conv_io;

/* What is packed: a whole tensor, at any alignment. */
typedef struct sx_conv_source {
  const void *w;
  uint8_t type;          /* F32, F16 or BF16 */
  const double *factors; /* NULL, or what each output channel is multiplied by before it is rounded (no transposed
                          * convolution; not for plain to plain with weights of 16 bits) */
} sx_conv_source;

/* The best value of `winograd` for the shape, at most `most`. */
int sx_conv_winograd_for(const sx_conv_shape *s, int most);
/* Whether a convolution of these layouts has an algorithm here (plain to plain always has). */
bool sx_conv_has(const sx_conv_table *t, const sx_conv_shape *s, sx_conv_layout x, sx_conv_layout y);
/* Fails (NOT_IMPLEMENTED) when sx_conv_has says no or a size does not fit. */
sx_status sx_conv_prepare(sx_conv *c, const sx_conv_table *t, const sx_conv_shape *s, const sx_epilogue *epi,
                          sx_conv_layout x, sx_conv_layout y, sx_err *e);
/* Units [begin, end) of pack_units; packed is the whole result. */
void sx_conv_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);

/* Between plain [C][pixels] and blocked [ceil(C/b)][pixels][b], one image; any range of pixels [begin, end). */
void sx_reorder_to_blocked(const sx_conv_table *t, const float *x, float *y, int64_t channels, int64_t pixels,
                           int64_t begin, int64_t end);
void sx_reorder_to_plain(const sx_conv_table *t, const float *x, float *y, int64_t channels, int64_t pixels,
                         int64_t begin, int64_t end);

/* In f64, plain to plain, nothing packed: units [begin, end) of batch * out_channels planes. w as ONNX has it; bias or NULL. */
void sx_conv_f64_run(const sx_conv_shape *s, const double *x, const double *w, const double *bias, double *y, int64_t begin,
                     int64_t end);

/* Obviously right: plain to plain, sums in double, weights as ONNX has them, the epilogue without tile_fn. */
void sx_conv_ref(const sx_conv_shape *s, const sx_epilogue *epi, const float *x, const float *w, const float *bias,
                 const float *residual, float *y);
#endif
