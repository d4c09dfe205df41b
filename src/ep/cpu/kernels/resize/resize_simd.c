// SPDX-License-Identifier: MIT
/* Resampling loops. Along an inner axis rows are combined whole, which vectorises; along the last axis taps are gathered.
 */
#include "ep/cpu/vec.h"
#include "ep/cpu/kernels/resize/resize.h"

static void fill(float *y, int64_t n, float v) {
  for (int64_t i = 0; i < n; i++) y[i] = v;
}

static void rows(const sx_taps *t, const float *x, float *y, int64_t inner, float extrapolation, int64_t begin,
                 int64_t end) {
  for (int64_t r = begin; r < end; r++) {
    int64_t o = r / t->n_out, j = r % t->n_out;
    float *restrict to = y + r * inner;
    const float *from = x + o * t->n_in * inner;
    if (t->outside && t->outside[j]) {
      fill(to, inner, extrapolation);
      continue;
    }
    const int32_t *ix = t->index + j * t->k;
    const float *w = t->weight + j * t->k;
    if (t->k == 1) {
      memcpy(to, from + ix[0] * inner, (size_t)inner * sizeof(float));
      continue;
    }
    const float *restrict a = from + ix[0] * inner, *restrict b = from + ix[1] * inner;
    for (int64_t i = 0; i < inner; i++) to[i] = w[0] * a[i] + w[1] * b[i];
    for (int k = 2; k < t->k; k++) {
      const float *restrict c = from + ix[k] * inner;
      for (int64_t i = 0; i < inner; i++) to[i] += w[k] * c[i];
    }
  }
}

static void last(const sx_taps *t, const float *x, float *y, float extrapolation, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r++) {
    const float *from = x + r * t->n_in;
    float *restrict to = y + r * t->n_out;
    if (t->k == 1)
      for (int64_t j = 0; j < t->n_out; j++) to[j] = from[t->index[j]];
    else if (t->k == 2)
      for (int64_t j = 0; j < t->n_out; j++)
        to[j] = t->weight[2 * j] * from[t->index[2 * j]] + t->weight[2 * j + 1] * from[t->index[2 * j + 1]];
    else
      for (int64_t j = 0; j < t->n_out; j++) {
        float s = 0;
        for (int k = 0; k < t->k; k++) s += t->weight[j * t->k + k] * from[t->index[j * t->k + k]];
        to[j] = s;
      }
    for (int64_t j = 0; t->outside && j < t->n_out; j++)
      if (t->outside[j]) to[j] = extrapolation;
  }
}

#define PICK(T)                                                            \
  {                                                                        \
    typedef T __attribute__((aligned(1), may_alias)) t;                    \
    const t *from = x;                                                     \
    t *restrict to = y;                                                    \
    int64_t i = 0;                                                         \
    if (doubled)                                                           \
      for (; i < n / 2; i++) to[2 * i] = from[i], to[2 * i + 1] = from[i]; \
    for (i *= 2; i < n; i++) to[i] = from[index[i]];                       \
  }
static void pick(const int32_t *index, bool doubled, const void *x, void *y, int64_t n, size_t bytes) {
  if (bytes == 1)
    PICK(uint8_t)
  else if (bytes == 2)
    PICK(uint16_t)
  else if (bytes == 4)
    PICK(uint32_t)
  else
    PICK(uint64_t)
}

const sx_resize_table SX_ISA_NAME(sx_resize) = {rows, last, pick};
