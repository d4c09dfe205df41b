// SPDX-License-Identifier: MIT
/* Depthwise tiles: channels are the lanes, up to seven pixels of a row are the sums. With 32 registers the inputs of a row
 * are loaded once and shared by the taps, with 16 every tap reads its own. */
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
SX_INLINE void store(const sx_conv_store *s, int64_t at, vf v) {
  if (s->residual) v += s->beta * vf_load(s->residual + at);
  vf_store(s->y + at, s->clip ? clip(s, v) : v);
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

#define LIST(mr)                                                                                                       \
  __attribute__((noinline)) static void list##mr(const sx_conv_list *t) {                                              \
    vf c[mr];                                                                                                          \
    SX_UNROLL(8) for (int i = 0; i < mr; i++) c[i] = vf_load(t->bias);                                                 \
    for (int64_t k = 0; k < t->taps; k++) {                                                                            \
      const float *x = t->x + t->x_off[k];                                                                             \
      vf w = vf_load(t->w + t->w_off[k]);                                                                              \
      SX_UNROLL(8) for (int i = 0; i < mr; i++) c[i] += vf_load(x + i * t->x_step) * w;                                \
    }                                                                                                                  \
    SX_UNROLL(8) for (int i = 0; i < mr; i++) store(&t->out, i * SX_VL, c[i]);                                         \
  }
LIST(1)
LIST(2)
LIST(3)
LIST(4)
LIST(5)
LIST(6)
LIST(7)

#define ROWS(k, s) {0, row__##k##__##s##__1, row__##k##__##s##__2, row__##k##__##s##__3, row__##k##__##s##__4, \
                    row__##k##__##s##__5, row__##k##__##s##__6, row__##k##__##s##__7}
extern const sx_conv_depthwise SX_ISA_NAME(sx_conv_depthwise);
const sx_conv_depthwise SX_ISA_NAME(sx_conv_depthwise) = {
    .row = {{ROWS(3, 1), ROWS(3, 2)}, {ROWS(5, 1), ROWS(5, 2)}, {ROWS(7, 1), ROWS(7, 2)}},
    .list = {0, list1, list2, list3, list4, list5, list6, list7},
};
