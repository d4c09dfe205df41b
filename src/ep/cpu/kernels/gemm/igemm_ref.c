// SPDX-License-Identifier: MIT
/* 8-bit GEMM, one element at a time, in 64-bit integers: what the tables are tested against. */
#include "ep/cpu/kernels/gemm/igemm.h"

#include <math.h>

static int32_t get(const void *p, int64_t i, bool is_signed) {
  return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}
static float clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

void sx_igemm_ref(const sx_igemm *g, const sx_igemm_io *io, const sx_igemm_b *b) {
  const sx_epilogue *e = &g->epi;
  for (int64_t m = 0; m < g->M; m++)
    for (int64_t n = 0; n < g->N; n++) {
      const int32_t az = io->a_zero ? get(io->a_zero, m * g->a_zero_row, g->a_signed) : 0;
      const int32_t bz = b->zero ? get(b->zero, n * b->zero_col, b->b_signed) : 0;
      int64_t s = 0;
      for (int64_t k = 0; k < g->K; k++)
        s += (int64_t)(get(io->a, m * g->a_row + k, g->a_signed) - az) * (get(b->b, k * b->b_k + n * b->b_n, b->b_signed) - bz);
      const int64_t at = m * g->c_row + n, bias_at = m * e->bias_row + n * e->bias_col;
      if (g->out != SX_IGEMM_F32 && e->bias) s += ((const int32_t *)io->bias)[bias_at];
      if (g->out == SX_IGEMM_S32) {
        ((int32_t *)io->c)[at] = (int32_t)s;
        continue;
      }
      float y = (float)(int32_t)s * (io->scale[m * g->scale_row + n * g->scale_col] * io->a_scale);
      if (g->out == SX_IGEMM_F32) {
        if (e->bias) y += ((const float *)io->bias)[bias_at];
        if (e->residual) y += (float)e->beta * io->res[m * e->res_row + n];
        ((float *)io->c)[at] = e->clip ? clampf(y, (float)e->lo, (float)e->hi) : y;
      } else if (g->out == SX_IGEMM_U8) {
        ((uint8_t *)io->c)[at] = (uint8_t)clampf(nearbyintf(clampf(y, -1000, 1000)) + (float)io->out_zero, 0, 255);
      } else {
        ((int8_t *)io->c)[at] = (int8_t)clampf(nearbyintf(clampf(y, -1000, 1000)) + (float)io->out_zero, -128, 127);
      }
    }
}
