// SPDX-License-Identifier: MIT
/* The definition of Conv and ConvTranspose, one output at a time. */
#include "ep/cpu/kernels/conv/conv.h"

/* The input coordinate that tap `k` of output `o` reads along an axis, or -1. */
static int64_t coordinate(const sx_conv_shape *s, int axis, int64_t o, int64_t k) {
  int64_t i;
  if (!s->transposed) {
    i = o * s->stride[axis] - s->pad[axis] + k * s->dilation[axis];
  } else {
    i = o + s->pad[axis] - k * s->dilation[axis];
    if (i < 0 || i % s->stride[axis]) return -1;
    i /= s->stride[axis];
  }
  return i >= 0 && i < s->in[axis] ? i : -1;
}

static double sum(const sx_conv_shape *s, const float *x, const float *w, int64_t n, int64_t k, const int64_t *o) {
  int64_t cg = s->in_channels / s->group, kg = s->out_channels / s->group, g = k / kg;
  int64_t plane = s->in[0] * s->in[1] * s->in[2], taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  double acc = 0;
  for (int64_t t = 0; t < taps; t++) {
    int64_t z = coordinate(s, 0, o[0], t / (s->kernel[1] * s->kernel[2]));
    int64_t y = coordinate(s, 1, o[1], t / s->kernel[2] % s->kernel[1]);
    int64_t u = coordinate(s, 2, o[2], t % s->kernel[2]);
    if (z < 0 || y < 0 || u < 0) continue;
    const float *xt = x + (n * s->in_channels + g * cg) * plane + (z * s->in[1] + y) * s->in[2] + u;
    for (int64_t c = 0; c < cg; c++)
      acc += (double)xt[c * plane] * w[(s->transposed ? (g * cg + c) * kg + k % kg : k * cg + c) * taps + t];
  }
  return acc;
}

void sx_conv_ref(const sx_conv_shape *s, const sx_epilogue *epi, const float *x, const float *w, const float *bias,
                 const float *residual, float *y) {
  int64_t i = 0, o[3];
  for (int64_t n = 0; n < s->batch; n++)
    for (int64_t k = 0; k < s->out_channels; k++)
      for (o[0] = 0; o[0] < s->out[0]; o[0]++)
        for (o[1] = 0; o[1] < s->out[1]; o[1]++)
          for (o[2] = 0; o[2] < s->out[2]; o[2]++, i++) {
            double v = sum(s, x, w, n, k, o);
            if (epi->bias) v += bias[k];
            if (epi->residual) v += epi->beta * residual[i];
            if (epi->clip && v < epi->lo) v = epi->lo;
            if (epi->clip && v > epi->hi) v = epi->hi;
            y[i] = (float)v;
          }
}
