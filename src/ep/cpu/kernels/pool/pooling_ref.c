// SPDX-License-Identifier: MIT
/* The definition of pooling, one output at a time. */
#include <math.h>
#include "ep/cpu/kernels/pool/pooling.h"

static double load(sx_pooling_type t, const void *x, int64_t i) {
  switch (t) {
    case SX_POOLING_F32: return ((const float *)x)[i];
    case SX_POOLING_F64: return ((const double *)x)[i];
    case SX_POOLING_S8: return ((const int8_t *)x)[i];
    default: return ((const uint8_t *)x)[i];
  }
}
static void store(sx_pooling_type t, void *y, int64_t i, double v) {
  switch (t) {
    case SX_POOLING_F32: ((float *)y)[i] = (float)v; break;
    case SX_POOLING_F64: ((double *)y)[i] = v; break;
    case SX_POOLING_S8: ((int8_t *)y)[i] = (int8_t)v; break;
    default: ((uint8_t *)y)[i] = (uint8_t)v;
  }
}

/* The number in ONNX's Indices of the pixel at[] of a plane. */
static int64_t index_of(const sx_pooling_shape *s, int64_t plane, const int64_t at[3]) {
  int64_t base = plane * s->in[0] * s->in[1] * s->in[2];
  if (!s->column_major) return base + (at[0] * s->in[1] + at[1]) * s->in[2] + at[2];
  /* storage_order 1: the first spatial axis that is in use runs fastest */
  return base + at[0] + s->in[0] * (at[1] + s->in[1] * at[2]);
}

static void window(const sx_pooling_shape *s, const void *x, void *y, int64_t *indices, int64_t plane, const int64_t o[3],
                   int64_t lane, int64_t to) {
  double lowest = s->type == SX_POOLING_S8 ? INT8_MIN : s->type == SX_POOLING_U8 ? 0 : -INFINITY;
  double acc = s->mode == SX_POOLING_MAX ? lowest : 0;
  int64_t count = 0, best = -1, k[3];
  for (k[0] = 0; k[0] < s->kernel[0]; k[0]++)
    for (k[1] = 0; k[1] < s->kernel[1]; k[1]++)
      for (k[2] = 0; k[2] < s->kernel[2]; k[2]++) {
        int64_t at[3];
        bool inside = true, padded = true;
        for (int a = 0; a < 3; a++) {
          at[a] = o[a] * s->stride[a] - s->pad[a] + k[a] * s->dilation[a];
          inside = inside && at[a] >= 0 && at[a] < s->in[a];
          padded = padded && at[a] < s->in[a] + s->pad_end[a];
        }
        count += s->count_include_pad ? padded : inside;
        if (!inside) continue;
        double v = load(s->type, x, (((plane * s->in[0] + at[0]) * s->in[1] + at[1]) * s->in[2] + at[2]) * s->lanes + lane);
        if (s->mode == SX_POOLING_AVERAGE) acc += v;
        if (s->mode == SX_POOLING_LP) acc += s->p == 1 ? fabs(v) : s->p == 2 ? v * v : pow(fabs(v), s->p);
        if (s->mode == SX_POOLING_MAX && (v > acc || best < 0)) {
          if (v > acc) acc = v;
          best = index_of(s, plane, at);
        }
      }
  if (s->mode == SX_POOLING_AVERAGE && count) acc /= (double)count;
  if (s->mode == SX_POOLING_LP) acc = s->p == 1 ? acc : s->p == 2 ? sqrt(acc) : pow(acc, 1.0 / s->p);
  store(s->type, y, to, acc);
  if (indices) indices[to] = best < 0 ? 0 : best;
}

void sx_pooling_ref(const sx_pooling_shape *s, const void *x, void *y, int64_t *indices, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r++) {
    int64_t o[3] = {r / s->out[1] % s->out[0], r % s->out[1], 0}, plane = r / s->out[1] / s->out[0];
    for (o[2] = 0; o[2] < s->out[2]; o[2]++)
      for (int64_t lane = 0; lane < s->lanes; lane++)
        window(s, x, y, indices, plane, o, lane, (r * s->out[2] + o[2]) * s->lanes + lane);
  }
}
