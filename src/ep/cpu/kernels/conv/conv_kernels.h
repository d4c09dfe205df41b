// SPDX-License-Identifier: MIT
/* Inside the family: what the ISA levels provide to the drivers, and the geometry that the drivers share. */
#ifndef SX_CONV_KERNELS_H
#define SX_CONV_KERNELS_H
#include <string.h>
#include "ep/cpu/kernels/conv/conv.h"

enum { SX_CONV_NV = 4, SX_CONV_MR = 8, SX_CONV_LANES = 16 }; /* most vectors and pixels of a register tile, lanes of a vector */

/* How a finished sum leaves a kernel. The bias is already in it. */
typedef struct sx_conv_store {
  float *y;
  const float *residual; /* or NULL; offsets as for y */
  float beta, lo, hi;
  bool clip;
} sx_conv_store;

/* `tiles` register tiles of the direct form, side by side: each `mr` pixels by `nv` vectors of output channels, its offsets
 * `mr` after those of the one before, its partial sums mr * nv vectors after. For each channel block, for each
 * tap, each pixel i has a run of lanes at x + off[i] (off < 0: zeros), times a weight panel [run][nv * VL]. */
typedef struct sx_conv_tile {
  const float *x, *w;
  int64_t x_step, w_step; /* per channel block */
  const int32_t *off;     /* [tap][off_ld] */
  int64_t off_ld, tiles;
  int32_t taps, blocks, run, last_run; /* last_run: of the last block */
  const float *bias;                   /* nv vectors: where the sums start, */
  const float *from;                   /* or mr * nv vectors of partial sums, unless NULL */
  float *acc;                          /* where mr * nv partial sums go; NULL: finish */
  const int32_t *y_off;                /* of each pixel */
  int64_t y_step;                      /* between the vectors */
  sx_conv_store out;
  const char **ahead; /* lines from there on are fetched, `lines` with each tap of each block, while the tiles run */
  int32_t lines;
} sx_conv_tile;

/* The pixels of one phase of the output, and where their taps lie in the input: pixel l of an axis reads, for tap k, the
 * input at l * step + sx_conv_shift(k). A convolution has one phase; its transpose has stride[0..2] of them. */
typedef struct sx_conv_grid {
  int32_t n[3], step[3], phase[3], out_step[3];
} sx_conv_grid;
#define SX_CONV_NEVER INT32_MIN
void sx_conv_grid_init(sx_conv_grid *g, const sx_conv_shape *s, int64_t phase);
int32_t sx_conv_shift(const sx_conv_shape *s, const sx_conv_grid *g, int axis, int64_t k);
/* Pixels [begin, begin + n) of the grid, in rows: coordinates of tap shift 0 and linear offsets into a plane of the input
 * and of the output, all times `lanes`. */
typedef struct sx_conv_pixels {
  int32_t *at[3], *x, *y; /* [n] each */
} sx_conv_pixels;
void sx_conv_pixels_init(const sx_conv_table *t, const sx_conv_pixels *p, const sx_conv_shape *s, const sx_conv_grid *g,
                         int64_t begin, int64_t n, int32_t lanes);
/* off[tap][i] for `n` pixels, rows `ld` apart. */
void sx_conv_offsets(const sx_conv_table *t, const sx_conv_shape *s, const sx_conv_grid *g, const sx_conv_pixels *p,
                     int64_t n, int32_t lanes, int32_t *off, int64_t ld);

/* `tiles` tiles, side by side in a row, of the depthwise form: `mr` pixels each, one channel block. */
typedef struct sx_conv_row {
  const float *x, *w, *bias; /* x: the first tap row of the kernel, at the first pixel's first tap; bias: a vector */
  int64_t pitch;             /* between tap rows */
  int64_t column, width;     /* the first pixel's first tap; of the input row */
  int32_t r0, r1;            /* tap rows inside the image */
  int32_t tiles;
  sx_conv_store out;
} sx_conv_row;
/* The same with a list of taps, for every kernel and dilation: pixel i reads x + x_off[t] + i * x_step and goes to
 * y + i * y_step. */
typedef struct sx_conv_list {
  const float *x, *w, *bias;
  const int32_t *x_off, *w_off;
  int64_t taps, x_step, y_step;
  sx_conv_store out;
} sx_conv_list;

/* A tile of the plain form: C[mr][cols] (+)= A[kc][mr] times B[kc][b_ld], nv vectors of it. */
typedef struct sx_conv_gemm_tile {
  const float *a, *b;
  int64_t kc, b_ld;
  const float *bias; /* mr values: where the sums start, */
  const float *from; /* or [mr][nv * VL] partial sums, unless NULL */
  float *acc;        /* where [mr][nv * VL] sums go, */
  bool last;         /* and from there to the output */
  int64_t y_ld;      /* of out.y and out.residual */
  int32_t cols;      /* valid columns */
  sx_conv_store out;
} sx_conv_gemm_tile;

/* Rows of weights on their way into a packing, at most `lanes` of them, `step` elements apart, at any alignment. */
typedef struct sx_conv_rows {
  const void *w;
  int64_t step;
  int rows;
  uint8_t type, to;      /* of the elements, and of the packing: F32 or the same */
  const double *factors; /* of the rows, or NULL; only to F32 */
} sx_conv_rows;

typedef struct sx_reorder {
  void (*to_blocked)(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end);
  void (*to_plain)(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end);
  /* Transposes n elements of each row, which count channels and in them taps: element channel * taps + tap of all rows is
   * the vector at to + tap * tap_step + channel * channel_step. Lanes without a row are 0. */
  void (*lay)(const sx_conv_rows *r, int64_t n, int64_t taps, void *to, int64_t tap_step, int64_t channel_step);
  /* `rows` rows of `width` elements of 16 bits (F16, BF16, I16), one behind the other, as f32; column i times scale[i] unless
   * that is NULL. Whole vectors are read and written at the end. */
  void (*widen)(uint8_t type, const void *from, const float *scale, int64_t rows, int64_t width, float *to);
} sx_reorder;

typedef void (*sx_conv_tile_fn)(const sx_conv_tile *t);
typedef struct sx_conv_direct {
  int lanes, nv, mr[SX_CONV_NV + 1]; /* largest tile, pixels by vectors */
  int64_t pass_bytes;                /* of a weight panel done in one pass over the pixels */
  sx_conv_tile_fn tile[SX_CONV_NV + 1][SX_CONV_MR + 1];
  sx_conv_tile_fn stem[3][SX_CONV_NV + 1]; /* [step]: the largest tile, its pixels 1 or 2 elements apart, of one channel block; or
                                            * NULL */
  /* off[i] = shift + x[i] where every at[a][i] + s[a] is in [0, in[a]), -1 elsewhere. */
  void (*offsets)(const sx_conv_pixels *p, const int32_t s[3], const int64_t in[3], int32_t shift, int64_t n, int32_t *off);
  void (*row)(int32_t *to, int32_t first, int32_t step, int64_t n); /* first, first + step, ... */
} sx_conv_direct;

enum { SX_CONV_ROW_MR = 7 };
typedef struct sx_conv_depthwise {
  void (*row[3][2][SX_CONV_ROW_MR + 1])(
      const sx_conv_row *r); /* [kernel 3 5 7][stride 1 2][pixels]; NULL where missing, [1] is there */
  void (*list[4][SX_CONV_ROW_MR + 1])(
      const sx_conv_list *l); /* [channels of a group 1 2 4 8][pixels]; NULL where missing */
  /* Lane l of each of n vectors of y is lane from[l] of x. */
  void (*spread)(const float *x, const int32_t *from, int64_t n, float *y);
} sx_conv_depthwise;

/* Of a row of products, those of pixels [from, to) are added from `at` on. */
typedef struct sx_conv_reach {
  int64_t at, from, to;
} sx_conv_reach;

typedef struct sx_conv_plain {
  int nv, mr; /* largest tile; nv vectors is also the width of a panel */
  void (*tile[SX_CONV_NV + 1][SX_CONV_MR + 1])(const sx_conv_gemm_tile *t);
  /* Fills rows [0, taps) of a panel, `cols` rounded up to whole vectors wide, from one plane: row t, column i is
   * x[off[t][i]], or 0 where off is negative or i >= cols. */
  void (*fill)(const float *x, const int32_t *off, int64_t ld, const uint8_t *kind, int64_t taps, int64_t cols, float *b);
  /* For fill: what each vector of each row of off is: 0 mixed, 1 contiguous, 2 all outside. */
  void (*classify)(const int32_t *off, int64_t ld, int64_t taps, int64_t cols, uint8_t *kind);
  /* A panel, n rounded up to whole vectors wide, of `rows` rows of n elements that are `step` apart. */
  void (*copy)(const float *x, int64_t step, int64_t rows, int64_t n, float *b);
  /* sums[channel * step + reach[tap].at + i] += products[(channel * taps + tap) * ld + i] where the tap reaches. */
  void (*spread)(float *sums, int64_t step, const float *products, int64_t ld, int64_t channels, int64_t taps, const sx_conv_reach *reach);
  /* n results in a row: number u is sums[u % stride * step + u / stride]. */
  void (*weave)(const sx_conv_store *out, const float *sums, int64_t stride, int64_t step, int64_t n);
} sx_conv_plain;

/* Tiles [first, first + tiles) of a map that is `across` tiles wide. */
typedef struct sx_conv_winograd_block {
  const sx_conv *conv;
  bool finish; /* sx_conv_finish is due */
  int64_t first, tiles, across, pad_y, pad_x, in_h, in_w, out_h, out_w;
  float *edge; /* scratch: 36 vectors */
} sx_conv_winograd_block;
typedef struct sx_conv_winograd { /* [0]: F(2x2,3x3), [1]: F(4x4,3x3) */
  /* One channel block: v[plane * v_step + tile * lanes]. */
  void (*in[2])(const sx_conv_winograd_block *b, const float *x, float *v, int64_t v_step);
  /* One vector of outputs, of which `real` lanes are channels. */
  void (*out[2])(const sx_conv_winograd_block *b, const float *m, int64_t m_step, const float *bias, const sx_conv_store *s,
                 int real);
  /* Weights of one vector of output channels, `channels` times 9 of each row, to to[plane * plane_step + channel * step].
   */
  void (*pack[2])(const sx_reorder *reorder, const sx_conv_rows *r, int64_t channels, float *to, int64_t step,
                  int64_t plane_step);
  /* The same as I16: what is widened with factor scale[plane * scale_step + lane], the largest of a lane being 32767. */
  void (*pack_i16[2])(const sx_reorder *reorder, const sx_conv_rows *r, int64_t channels, int16_t *to, int64_t step,
                      int64_t plane_step, float *scale, int64_t scale_step);
} sx_conv_winograd;

struct sx_conv_table {
  const sx_conv_direct *direct;
  const sx_conv_depthwise *depthwise;
  const sx_conv_plain *plain;
  const sx_conv_winograd *winograd;
  const sx_reorder *reorder;
};

/* Depthwise in a plane, each channel having several results; the channels of a block of results lie in one block. */
static inline bool sx_conv_multiplies(const sx_conv_table *t, const sx_conv_shape *s) {
  const int64_t times = s->group ? s->out_channels / s->group : 0, lanes = t->direct->lanes;
  return s->group == s->in_channels && times > 1 && !s->transposed && s->in[0] == 1 && s->kernel[0] == 1 && s->out[0] == 1 &&
         s->pad[0] == 0 && (lanes % times == 0 || times % lanes == 0);
}
static inline int64_t sx_conv_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t sx_conv_min(int64_t a, int64_t b) { return a < b ? a : b; }
/* The part of n things, split evenly into `parts`, that starts at `part`. */
static inline int64_t sx_conv_split(int64_t n, int64_t parts, int64_t part) {
  return n / parts * part + sx_conv_min(part, n % parts);
}
/* After a kernel: tile_fn on n contiguous elements, and padded lanes back to zero where `real` < lanes. */
void sx_conv_finish(const sx_conv *c, float *y, int64_t n, int real);
/* Fills what an epilogue says about one image's output and residual, both starting `at` elements in. */
sx_conv_store sx_conv_store_at(const sx_conv *c, const sx_conv_io *io, int64_t at);

/* Packed weights of 16 bits? Then behind them, aligned, lies a factor for each output channel (of each plane). */
static inline bool sx_conv_narrow(const sx_conv *c) { return c->s.weights == SX_F16 || c->s.weights == SX_BF16; }
/* Bytes of n packed weights with `factors` of those. */
size_t sx_conv_packed_bytes(const sx_conv *c, int64_t n, int64_t factors);
static inline float *sx_conv_factors(const void *packed, int64_t n) { /* behind n weights of 16 bits */
  return (float *)((uintptr_t)packed + ((uintptr_t)n * 2 + 63) / 64 * 64);
}
/* Packed weights from element `at` on. */
static inline void *sx_conv_packed(const sx_conv *c, const void *packed, int64_t at) {
  return (char *)(uintptr_t)packed + at * (sx_conv_narrow(c) ? 2 : 4);
}
/* Rows of the source from element `at` on; factors are those of output channel k on. */
sx_conv_rows sx_conv_rows_at(const sx_conv *c, const sx_conv_source *w, int64_t at, int64_t step, int rows, int64_t k);
/* Element i of the source, times the factor of output channel k, to element `at` of the packing. */
void sx_conv_put(const sx_conv *c, const sx_conv_source *w, int64_t i, int64_t k, void *packed, int64_t at);

/* Lets `calls` register tiles of t fetch the `bytes` behind `from` for whoever comes next. */
static inline void sx_conv_fetch(sx_conv_tile *t, const char **ahead, const void *from, int64_t bytes, int64_t calls) {
  *ahead = from;
  t->ahead = ahead, t->lines = (int32_t)sx_conv_ceil(bytes / 64, calls * t->blocks * t->taps);
}

/* Each driver: choose blocking, units and scratch; pack; run. */
void sx_conv_blocked_prepare(sx_conv *c);
void sx_conv_blocked_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_blocked_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);
void sx_conv_depthwise_prepare(sx_conv *c);
void sx_conv_depthwise_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_depthwise_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);
bool sx_conv_winograd_takes(const sx_conv_shape *s);
void sx_conv_winograd_prepare(sx_conv *c);
void sx_conv_winograd_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_winograd_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);
void sx_conv_columns_prepare(sx_conv *c);
void sx_conv_columns_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_columns_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);
void sx_conv_plain_prepare(sx_conv *c);
void sx_conv_plain_pack(const sx_conv *c, const sx_conv_source *w, void *packed, int64_t begin, int64_t end);
void sx_conv_plain_run(const sx_conv *c, const sx_conv_io *io, int64_t begin, int64_t end, void *scratch);
#endif
