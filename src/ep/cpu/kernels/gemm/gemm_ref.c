// SPDX-License-Identifier: MIT
/* GEMM, one element at a time, sums in double: what the tables are tested against. */
#include "ep/cpu/kernels/gemm/gemm.h"

#include <math.h>
#include <string.h>

static double half(uint16_t h) {
  const int e = h >> 10 & 31, m = h & 1023;
  const double x = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
  return h >> 15 ? -x : x;
}
static double brain(uint16_t h) {
  const uint32_t u = (uint32_t)h << 16;
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static double get(sx_dtype type, const void *p, int64_t i) {
  switch (type) {
    case SX_F64: return ((const double *)p)[i];
    case SX_F16: return half(((const uint16_t *)p)[i]);
    case SX_BF16: return brain(((const uint16_t *)p)[i]);
    case SX_I32: return ((const int32_t *)p)[i];
    case SX_I64: return (double)((const int64_t *)p)[i];
    default: return ((const float *)p)[i];
  }
}

void sx_gemm_ref(sx_dtype type, const sx_gemm *g, const sx_gemm_io *io, double *out) {
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
          s += get(type, io->a, a + m * g->a_row + k * g->a_k) * get(type, io->b, b + k * g->b_k + n * g->b_n);
        s *= g->alpha;
        if (g->epi.bias) s += get(type, io->bias, m * g->epi.bias_row + n * g->epi.bias_col);
        if (g->epi.residual) s += g->epi.beta * get(type, io->res, r + m * g->epi.res_row + (g->res_column ? 0 : n));
        if (g->epi.clip) s = s < g->epi.lo ? g->epi.lo : s > g->epi.hi ? g->epi.hi : s;
        out[c + m * g->c_row + n] = s;
      }
  }
}
