// SPDX-License-Identifier: MIT
/* Between the plain and the blocked layout: squares of lanes by lanes, transposed in registers. */
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

static void to_blocked(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    int64_t rows = channels - c < SX_VL ? channels - c : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      vf r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        r[i] = i >= rows ? (vf){0} : n == SX_VL ? vf_load(x + i * pixels + p) : vf_load_n(x + i * pixels + p, n);
      vf_transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        if (i < n) vf_store(y + (p + i) * SX_VL, r[i]);
    }
  }
}

static void to_plain(const float *x, float *y, int64_t channels, int64_t pixels, int64_t begin, int64_t end) {
  for (int64_t c = 0; c < channels; c += SX_VL, x += SX_VL * pixels, y += SX_VL * pixels) {
    int64_t rows = channels - c < SX_VL ? channels - c : SX_VL;
    for (int64_t p = begin; p < end; p += SX_VL) {
      int n = end - p < SX_VL ? (int)(end - p) : SX_VL;
      vf r[SX_VL];
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++) r[i] = i < n ? vf_load(x + (p + i) * SX_VL) : (vf){0};
      vf_transpose(r);
      SX_UNROLL(16) for (int i = 0; i < SX_VL; i++)
        if (i < rows) {
          if (n == SX_VL) vf_store(y + i * pixels + p, r[i]);
          else vf_store_n(y + i * pixels + p, r[i], n);
        }
    }
  }
}

extern const sx_reorder SX_ISA_NAME(sx_reorder);
const sx_reorder SX_ISA_NAME(sx_reorder) = {.to_blocked = to_blocked, .to_plain = to_plain};
