// SPDX-License-Identifier: MIT
/* The definition of the integer convolution, one output at a time. */
#include <math.h>
#include "ep/cpu/kernels/conv/qconv.h"

static int32_t byte_at(const void *p, bool is_signed, int64_t i) {
  return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i];
}

static int64_t coordinate(const sx_conv_shape *s, int a, int64_t o, int64_t k) {
  int64_t i = s->transposed ? o + s->pad[a] - k * s->dilation[a] : o * s->stride[a] - s->pad[a] + k * s->dilation[a];
  if (s->transposed && (i < 0 || i % s->stride[a])) return -1;
  if (s->transposed) i /= s->stride[a];
  return i >= 0 && i < s->in[a] ? i : -1;
}

static int64_t sum(const sx_qconv *c, const sx_qconv_io *io, const void *w, int32_t w_zero, int64_t n, int64_t k,
                   const int64_t *o) {
  const sx_conv_shape *s = &c->s;
  int64_t cg = s->in_channels / s->group, kg = s->out_channels / s->group, g = k / kg, acc = 0;
  int64_t plane = s->in[0] * s->in[1] * s->in[2], taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  for (int64_t ci = 0; ci < cg; ci++)
    for (int64_t t = 0; t < taps; t++) {
      int64_t z = coordinate(s, 0, o[0], t / (s->kernel[1] * s->kernel[2])),
              y = coordinate(s, 1, o[1], t / s->kernel[2] % s->kernel[1]);
      int64_t x = coordinate(s, 2, o[2], t % s->kernel[2]),
              at = (s->transposed ? (g * cg + ci) * kg + k % kg : k * cg + ci) * taps + t;
      if (z < 0 || y < 0 || x < 0) continue;
      int64_t from = (n * s->in_channels + g * cg + ci) * plane + (z * s->in[1] + y) * s->in[2] + x;
      acc += (int64_t)(byte_at(io->x, c->x_signed, from) - io->x_zero) * (byte_at(w, c->w_signed, at) - w_zero);
    }
  return acc;
}

void sx_qconv_ref(const sx_qconv *c, const sx_qconv_io *io, const void *w, const void *w_zero, int64_t w_zero_step) {
  const sx_conv_shape *s = &c->s;
  int64_t i = 0, o[3];
  for (int64_t n = 0; n < s->batch; n++)
    for (int64_t k = 0; k < s->out_channels; k++)
      for (o[0] = 0; o[0] < s->out[0]; o[0]++)
        for (o[1] = 0; o[1] < s->out[1]; o[1]++)
          for (o[2] = 0; o[2] < s->out[2]; o[2]++, i++) {
            int32_t zero = w_zero ? byte_at(w_zero, c->w_signed, k * w_zero_step) : 0;
            int32_t v = (int32_t)(uint32_t)(sum(c, io, w, zero, n, k, o) + (c->bias ? io->bias[k] : 0));
            if (c->out == SX_QCONV_S32) {
              ((int32_t *)io->y)[i] = v;
              continue;
            }
            float f = (float)v * io->scale[k] + (c->out == SX_QCONV_F32 && io->add ? io->add[k] : 0), low = c->out == SX_QCONV_S8 ? -128 : 0,
                  high = c->out == SX_QCONV_S8 ? 127 : 255;
            if (c->lo < c->hi) f = fminf((float)c->hi, fmaxf((float)c->lo, f));
            if (c->out == SX_QCONV_F32) {
              ((float *)io->y)[i] = f;
              continue;
            }
            f = fminf(high, fmaxf(low, rintf(f) + (float)io->out_zero));
            ((uint8_t *)io->y)[i] = (uint8_t)(int)f;
          }
}
