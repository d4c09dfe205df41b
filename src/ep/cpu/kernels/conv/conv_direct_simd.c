// SPDX-License-Identifier: MIT
/* Register tiles of the direct convolution. Output channels are the lanes; inputs are read as scalars, weights as vectors.
 * The largest tile of each width fills the registers: pixels * vectors sums, the vectors of one weight row, one spare. */
#include <math.h>
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define TILES_32 1 /* vector registers */
#else
#define TILES_32 0
#endif

static const float zeros[SX_VL];
/* Keeps what is read through a pointer out of registers across the inner loops, which need all of them. */
#define SX_OPAQUE(p) __asm__("" : "+r"(p))

#define NV 1
#define MRMAX 8
#include "ep/cpu/kernels/conv/conv_tiles.inc"
#define NV 2
#define MRMAX (TILES_32 ? 8 : 6)
#include "ep/cpu/kernels/conv/conv_tiles.inc"
#define NV 3
#define MRMAX (TILES_32 ? 8 : 4)
#include "ep/cpu/kernels/conv/conv_tiles.inc"
#if TILES_32
#define NV 4
#define MRMAX 6
#include "ep/cpu/kernels/conv/conv_tiles.inc"
#endif

static void offsets(const sx_conv_pixels *p, const int32_t s[3], const int64_t in[3], int32_t shift, int64_t n, int32_t *off) {
  const int32_t *z = p->at[0], *y = p->at[1], *u = p->at[2], *x = p->x;
  uint32_t d = (uint32_t)in[0], h = (uint32_t)in[1], w = (uint32_t)in[2];
  int32_t sz = s[0], sy = s[1], sx = s[2];
  for (int64_t i = 0; i < n; i++) {
    bool inside = ((uint32_t)(z[i] + sz) < d) & ((uint32_t)(y[i] + sy) < h) & ((uint32_t)(u[i] + sx) < w);
    off[i] = inside ? x[i] + shift : -1;
  }
}

static void row(int32_t *to, int32_t first, int32_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = first + (int32_t)i * step;
}

extern const sx_conv_direct SX_ISA_NAME(sx_conv_direct);
const sx_conv_direct SX_ISA_NAME(sx_conv_direct) = {
    .lanes = SX_VL,
    .offsets = offsets,
    .row = row,
#if TILES_32
    .nv = 4, .mr = {0, 8, 8, 8, 6}, .pass_bytes = 384 << 10,
#else
    .nv = 3, .mr = {0, 8, 6, 4}, .pass_bytes = 16 << 10,
#endif
    .tile = {{0},
             {0, tile__1__1, tile__1__2, tile__1__3, tile__1__4, tile__1__5, tile__1__6, tile__1__7, tile__1__8},
#if TILES_32
             {0, tile__2__1, tile__2__2, tile__2__3, tile__2__4, tile__2__5, tile__2__6, tile__2__7, tile__2__8},
             {0, tile__3__1, tile__3__2, tile__3__3, tile__3__4, tile__3__5, tile__3__6, tile__3__7, tile__3__8},
             {0, tile__4__1, tile__4__2, tile__4__3, tile__4__4, tile__4__5, tile__4__6}
#else
             {0, tile__2__1, tile__2__2, tile__2__3, tile__2__4, tile__2__5, tile__2__6},
             {0, tile__3__1, tile__3__2, tile__3__3, tile__3__4}
#endif
    },
    .stem = {{0}, {0, stem__1__1, stem__1__2}, {0, stem__2__1, stem__2__2}},
};
