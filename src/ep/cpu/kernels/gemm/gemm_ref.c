// SPDX-License-Identifier: MIT
/* GEMM, one element at a time, sums in double: what the tables are tested against. */
#include "ep/cpu/kernels/gemm/gemm.h"

static double get(int elem, const void *p, int64_t i) {
  return elem == sizeof(float) ? (double)((const float *)p)[i] : ((const double *)p)[i];
}
static void put(int elem, void *p, int64_t i, double x) {
  if (elem == sizeof(float))
    ((float *)p)[i] = (float)x;
  else
    ((double *)p)[i] = x;
}

void sx_gemm_ref(int elem, const sx_gemm *g, const sx_gemm_io *io) {
  int64_t batch = 1;
  for (int i = 0; i < g->batch_rank; i++) batch *= g->batch[i];
  for (int64_t z = 0; z < batch; z++) {
    int64_t a = 0, b = 0, c = 0, r = 0;
    for (int64_t i = g->batch_rank - 1, rest = z; i >= 0; rest /= g->batch[i], i--) {
      const int64_t at = rest % g->batch[i];
      a += at * g->a_batch[i], b += at * g->b_batch[i], c += at * g->c_batch[i], r += at * g->res_batch[i];
    }
    for (int64_t m = 0; m < g->M; m++)
      for (int64_t n = 0; n < g->N; n++) {
        double s = 0;
        for (int64_t k = 0; k < g->K; k++)
          s += get(elem, io->a, a + m * g->a_row + k * g->a_k) * get(elem, io->b, b + k * g->b_k + n * g->b_n);
        s *= g->alpha;
        if (g->epi.bias) s += get(elem, io->bias, m * g->epi.bias_row + n * g->epi.bias_col);
        if (g->epi.residual) s += g->epi.beta * get(elem, io->res, r + m * g->epi.res_row + n);
        if (g->epi.clip) s = s < g->epi.lo ? g->epi.lo : s > g->epi.hi ? g->epi.hi : s;
        put(elem, io->c, c + m * g->c_row + n, s);
      }
  }
}
