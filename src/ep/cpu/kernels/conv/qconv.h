// SPDX-License-Identifier: MIT
/* Convolution of 8-bit integers: S = sum of (x - x_zero)(w - w_zero) over the window, exact, padding counting as x_zero,
 * and what is made of it: itself as s32, requantised to 8 bits, or dequantised to f32. Shapes, layouts, units and packing
 * as in conv.h; a blocked 8-bit tensor has the same b lanes as an f32 one. Padded lanes of an output hold out_zero (s32,
 * f32: 0).
 *
 * Sums are equal on every table: over vpdpbusd, over pairs of 16 bits, or, for depthwise, in f32 where every partial sum is
 * an integer below 2^24. */
#ifndef SX_QCONV_H
#define SX_QCONV_H
#include "ep/cpu/kernels/conv/conv.h"

typedef struct sx_qconv_table sx_qconv_table;
/* The kernels of a level, with or without its dot product of bytes; NULL when they are not in this build. */
const sx_qconv_table *sx_qconv_table_at(sx_isa isa, bool vnni);

/* What is stored, s being S + the s32 bias:
 *   S32  s
 *   U8, S8  saturate(round_half_even(f32(s) * scale[k]) + out_zero)
 *   F32  f32(s) * scale[k] + add[k] */
typedef enum sx_qconv_out { SX_QCONV_S32, SX_QCONV_U8, SX_QCONV_S8, SX_QCONV_F32 } sx_qconv_out;

typedef struct sx_qconv {
  /* Filled by the caller. */
  sx_conv_shape s; /* winograd is ignored */
  sx_conv_layout x_layout, y_layout;
  bool x_signed, w_signed;
  bool w_centered; /* every w_zero is known to be 0 (s8) or 128 (u8) */
  bool bias;
  sx_qconv_out out;
  double lo, hi; /* F32 and requantised: clip of what is scaled (and added) before rounding; lo = hi = 0: none */

  /* Completed by sx_qconv_prepare. */
  const sx_qconv_table *table;
  uint32_t packing;
  size_t packed_bytes, scratch_bytes;
  int64_t pack_units, units;
  double unit_ns;
  /* Of the implementation. */
  const sx_conv_table *rows; /* depthwise */
  int64_t merge, groups, group_in, group_out, taps, phases, pixels, block_pixels, pixel_units, panels, panel_units;
  int64_t patch_rows; /* input rows that a unit copies; 0: read where they lie */
} sx_qconv;

typedef struct sx_qconv_io {
  const void *x, *packed;
  const int32_t *bias; /* one per output channel */
  const float *scale;  /* one per output channel; not for S32 */
  const float *add;    /* the same, for F32; NULL: nothing */
  int32_t x_zero, out_zero;
  void *y;
} sx_qconv_io;

/* Any pair of layouts. Fails (NOT_IMPLEMENTED) when a size does not fit, or when groups do not fill blocks of a blocked
 * side. */
sx_status sx_qconv_prepare(sx_qconv *c, const sx_qconv_table *t, sx_err *e);
/* w as ONNX lays it out, u8 or s8; w_zero[k * w_zero_step] of the same type, or NULL: 0. */
void sx_qconv_pack(const sx_qconv *c, const void *w, const void *w_zero, int64_t w_zero_step, void *packed, int64_t begin,
                   int64_t end);
void sx_qconv_run(const sx_qconv *c, const sx_qconv_io *io, int64_t begin, int64_t end, void *scratch);

/* Obviously right, plain to plain. */
void sx_qconv_ref(const sx_qconv *c, const sx_qconv_io *io, const void *w, const void *w_zero, int64_t w_zero_step);
#endif
