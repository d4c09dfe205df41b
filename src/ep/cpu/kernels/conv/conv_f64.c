// SPDX-License-Identifier: MIT
/* Convolution in f64, plain to plain: an output plane at a time, one weight at a time along rows. Conv gathers and
 * ConvTranspose scatters along the same places: a coordinate `a` of the one side meets a * stride + tap * dilation - pad of
 * the other. */
#include "ep/cpu/kernels/conv/conv.h"

/* Coordinates [*from, *to) of the side with `n` whose partner lies in [0, size). */
static void meets(int64_t n, int64_t size, int64_t stride, int64_t shift, int64_t *from, int64_t *to) {
  *from = shift < 0 ? (-shift + stride - 1) / stride : 0;
  *to = size > shift ? (size - shift + stride - 1) / stride : 0;
  if (*to > n) *to = n;
}

/* y += w * x over the places where tap k joins an input plane and an output plane. */
static void tap(const sx_conv_shape *s, const int64_t *k, double w, const double *x, double *y) {
  const int64_t *near = s->transposed ? s->in : s->out, *far = s->transposed ? s->out : s->in;
  int64_t shift[3], from[3], to[3];
  for (int i = 0; i < 3; i++) {
    shift[i] = k[i] * s->dilation[i] - s->pad[i];
    meets(near[i], far[i], s->stride[i], shift[i], &from[i], &to[i]);
  }
  for (int64_t a = from[0]; a < to[0]; a++)
    for (int64_t b = from[1]; b < to[1]; b++) {
      const int64_t n = (a * near[1] + b) * near[2];
      const int64_t f = ((a * s->stride[0] + shift[0]) * far[1] + b * s->stride[1] + shift[1]) * far[2] + shift[2],
                    st = s->stride[2];
      if (s->transposed)
        for (int64_t c = from[2]; c < to[2]; c++) y[f + c * st] += w * x[n + c];
      else if (st == 1)
        for (int64_t c = from[2]; c < to[2]; c++) y[n + c] += w * x[f + c];
      else
        for (int64_t c = from[2]; c < to[2]; c++) y[n + c] += w * x[f + c * st];
    }
}

void sx_conv_f64_run(const sx_conv_shape *s, const double *x, const double *w, const double *bias, double *y, int64_t begin,
                     int64_t end) {
  const int64_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
                taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const int64_t cg = s->in_channels / s->group, kg = s->out_channels / s->group;
  for (int64_t u = begin; u < end; u++) {
    const int64_t image = u / s->out_channels, k = u % s->out_channels, g = k / kg;
    double *to = y + u * out;
    for (int64_t i = 0; i < out; i++) to[i] = bias ? bias[k] : 0;
    for (int64_t c = 0; c < cg; c++) {
      const double *from = x + (image * s->in_channels + g * cg + c) * in;
      const double *wc = w + (s->transposed ? (g * cg + c) * kg + k % kg : k * cg + c) * taps;
      for (int64_t t = 0; t < taps; t++) {
        const int64_t at[3] = {t / (s->kernel[1] * s->kernel[2]), t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
        tap(s, at, wc[t], from, to);
      }
    }
  }
}
