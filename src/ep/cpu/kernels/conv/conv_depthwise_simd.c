// SPDX-License-Identifier: MIT
/* Depthwise tiles, and those of groups narrower than a vector: channels are the lanes, up to seven pixels of a row are the
 * sums. With 32 registers the inputs of a row are loaded once and shared by the taps, with 16 every tap reads its own. */
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define ROW_REUSE 1
#else
#define ROW_REUSE 0
#endif

SX_INLINE vf clip(const sx_conv_store *s, vf v) { /* in this order NaN passes */
  return vf_min(vf_set(s->hi), vf_max(vf_set(s->lo), v));
}
#define KS 3
#define PS 1
#include "ep/cpu/kernels/conv/conv_rows.inc"
#define KS 3
#define PS 2
#include "ep/cpu/kernels/conv/conv_rows.inc"
#define KS 5
#define PS 1
#include "ep/cpu/kernels/conv/conv_rows.inc"
#define KS 5
#define PS 2
#include "ep/cpu/kernels/conv/conv_rows.inc"
#define KS 7
#define PS 1
#include "ep/cpu/kernels/conv/conv_rows.inc"
#define KS 7
#define PS 2
#include "ep/cpu/kernels/conv/conv_rows.inc"

#define WIDTH 1
#include "ep/cpu/kernels/conv/conv_lists.inc"
#if SX_VL > 4
#define WIDTH 2
#include "ep/cpu/kernels/conv/conv_lists.inc"
#define WIDTH 4
#include "ep/cpu/kernels/conv/conv_lists.inc"
#endif
#if SX_VL > 8
#define WIDTH 8
#include "ep/cpu/kernels/conv/conv_lists.inc"
#endif

static void spread(const float *x, const int32_t *from, int64_t n, float *y) {
  const vi lane = vi_load(from);
  for (int64_t i = 0; i < n * SX_VL; i += SX_VL) vf_store(y + i, vf_permute(vf_load(x + i), lane));
}

#define FEW_ROWS(k, s) \
  { 0, row__##k##__##s##__1, row__##k##__##s##__2, 0, row__##k##__##s##__4, row__##k##__##s##__5, 0, row__##k##__##s##__7 }
#define ROWS(k, s)                                                                                                   \
  {                                                                                                                  \
    0, row__##k##__##s##__1, row__##k##__##s##__2, row__##k##__##s##__3, row__##k##__##s##__4, row__##k##__##s##__5, \
        row__##k##__##s##__6, row__##k##__##s##__7                                                                   \
  }
#define LISTS(w) \
  { 0, list__##w##__1, list__##w##__2, 0, list__##w##__4, 0, 0, list__##w##__7 }
extern const sx_conv_depthwise SX_ISA_NAME(sx_conv_depthwise);
const sx_conv_depthwise SX_ISA_NAME(sx_conv_depthwise) = {
    .row = {{ROWS(3, 1), ROWS(3, 2)}, {FEW_ROWS(5, 1), FEW_ROWS(5, 2)}, {FEW_ROWS(7, 1), FEW_ROWS(7, 2)}},
    .list = {LISTS(1),
#if SX_VL > 4
             LISTS(2), LISTS(4),
#endif
#if SX_VL > 8
             LISTS(8)
#endif
    },
    .spread = spread,
};
