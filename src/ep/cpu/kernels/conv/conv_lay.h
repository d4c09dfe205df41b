// SPDX-License-Identifier: MIT
/* Weights on their way into a packing: rows of output channels become vectors of them, squares of lanes by lanes at a time,
 * transposed in registers. Included by the ISA levels. */
#ifndef SX_CONV_LAY_H
#define SX_CONV_LAY_H
#include "ep/cpu/kernels/conv/conv_kernels.h"
#include "ep/cpu/vec.h"

typedef float conv_half __attribute__((vector_size(SX_VBYTES / 2)));
typedef float conv_half_mem __attribute__((vector_size(SX_VBYTES / 2), aligned(1), may_alias));

/* A vector of p times f in double, rounded once. */
SX_INLINE vf conv_scaled(const float *p, double f) {
  const conv_half_mem *h = (const conv_half_mem *)p;
  conv_half out[2];
  for (int i = 0; i < 2; i++) out[i] = __builtin_convertvector(__builtin_convertvector(h[i], vd) * f, conv_half);
  vf v;
  memcpy(&v, out, sizeof v);
  return v;
}

static __attribute__((unused)) void conv_lay(const sx_conv_rows *r, int64_t n, int64_t taps, float *to, int64_t tap_step, int64_t channel_step) {
  const float *from = r->w; /* at any address: read by vf_load and memcpy only */
  int64_t tap = 0;
  for (int64_t j = 0; j < n; j += SX_VL) {
    const int m = n - j < SX_VL ? (int)(n - j) : SX_VL;
    vf v[SX_VL];
    for (int i = 0; i < SX_VL; i++) {
      if (i >= r->rows) {
        v[i] = (vf){0};
        continue;
      }
      const char *p = (const char *)from + (i * r->step + j) * 4;
      float part[SX_VL] = {0};
      if (m < SX_VL) memcpy(part, p, (size_t)m * 4), p = (const char *)part;
      v[i] = r->factors ? conv_scaled((const float *)p, r->factors[i]) : vf_load((const float *)p);
    }
    vf_transpose(v);
    for (int i = 0; i < m; i++) {
      vf_store(to + tap * tap_step, v[i]);
      if (++tap == taps) tap = 0, to += channel_step;
    }
  }
}
#endif
