// SPDX-License-Identifier: MIT
/* Inside the integer half of the family: what the tables provide to the driver. */
#ifndef SX_QCONV_KERNELS_H
#define SX_QCONV_KERNELS_H
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/kernels/conv/qconv.h"

/* A row of register tiles, as sx_conv_tile, in words: 32 bits that hold `step` channels. Sums start from `bias` and end in
 * acc: [pixel][vector]. */
typedef struct sx_qconv_tile {
  const int32_t *x, *outside; /* outside: what a tap out of the image reads */
  const char *w;
  int64_t x_step, w_step; /* per channel block: words, bytes */
  const int32_t *off;
  int64_t off_ld, tiles;
  int32_t taps, blocks, run, last_run; /* runs in words */
  int32_t flip;                        /* xor of every word: turns s8 into u8 */
  const int32_t *bias;
  int32_t *acc;
} sx_qconv_tile;

/* Sums to outputs: pixels of nv vectors each. */
typedef struct sx_qconv_finish {
  const int32_t *acc;
  const int32_t *bias; /* NULL: acc is done; else acc holds integers as f32 and lacks the bias */
  int64_t pixels;
  int nv;
  sx_qconv_out out;
  const float *scale; /* nv vectors */
  const float *add;   /* the same, for F32 */
  float zero, lo, hi; /* bounds of the scaled sum before the zero point is added */
  char *y;
  const int32_t *y_off; /* of each pixel, in elements */
  int64_t y_step;       /* between vectors, in elements */
} sx_qconv_finish;

struct sx_qconv_table {
  int lanes, nv, mr[SX_CONV_NV + 1], step;
  const sx_qconv_table *wide; /* for weights that are not centred, where there is no `windows`; NULL: takes any */
  void (*tile[SX_CONV_NV + 1][SX_CONV_MR + 1])(const sx_qconv_tile *t);
  void (*finish)(const sx_qconv_finish *f);
  /* n elements to every y_step-th element of y, as the tiles want them: bytes as they are, or (x - zero) in 16 bits. */
  void (*gather)(const uint8_t *x, bool is_signed, int32_t zero, int64_t n, void *y, int64_t y_step);
  /* For weights that are not centred, NULL: not here. What the tiles of n pixels see, summed over their windows (last:
   * bytes of the last channel block); and acc += sums[pixel] * offset[lane] for nv vectors. */
  void (*windows)(const sx_qconv_tile *t, int64_t n, int64_t last, int32_t *sums);
  void (*shift)(int32_t *acc, const int32_t *sums, const int32_t *offset, int64_t pixels, int nv);
  /* For depthwise: y = f32(x - zero). */
  void (*to_f32)(const uint8_t *x, bool is_signed, int32_t zero, int64_t n, float *y);
};

/* Zero point and bounds of an output. */
sx_qconv_finish sx_qconv_finish_init(const sx_qconv *c, const sx_qconv_io *io);
/* The depthwise form. */
void sx_qconv_rows_prepare(sx_qconv *c);
void sx_qconv_rows_pack(const sx_qconv *c, const void *w, const void *w_zero, int64_t step, void *packed, int64_t begin,
                        int64_t end);
void sx_qconv_rows_run(const sx_qconv *c, const sx_qconv_io *io, int64_t begin, int64_t end, void *scratch);
#endif
