// SPDX-License-Identifier: MIT
/* Packing, and the choice of the instruction set's loops. */
#include "ep/cpu/kernels/ml/dots.h"
#include <math.h>
#include <string.h>
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_dots_table, sx_dots);

void sx_dots_pack(const sx_dots *d, const float *vectors, float *packed) {
  if (sx_dots_few(d)) {
    memcpy(packed, vectors, (size_t)(d->vectors * d->features) * sizeof *packed);
    return;
  }
  for (int64_t f = 0; f < d->features; f++)
    for (int64_t v = 0; v < d->padded; v++) packed[f * d->padded + v] = v < d->vectors ? vectors[v * d->features + f] : 0;
}

static void power(const sx_dots *d, float *y, int64_t n) {
  const float gamma = d->gamma, add = d->coef0;
  if (d->degree == 3) {
    for (int64_t i = 0; i < n; i++) y[i] = (gamma * y[i] + add) * (gamma * y[i] + add) * (gamma * y[i] + add);
  } else if (d->degree == 2) {
    for (int64_t i = 0; i < n; i++) y[i] = (gamma * y[i] + add) * (gamma * y[i] + add);
  } else
    for (int64_t i = 0; i < n; i++) y[i] = powf(gamma * y[i] + add, d->degree);
}
void sx_dots_run(const sx_dots *d, const float *x, int64_t n, float *y) {
  const sx_dots_table *t = SX_ISA_PICK(sx_dots, d->isa);
  t->product(d, x, n, y);
  switch (d->kind) {
    case SX_DOTS_LINEAR: break;
    case SX_DOTS_POLY: power(d, y, n * d->padded); break;
    case SX_DOTS_RBF: t->exp(y, n * d->padded, -d->gamma); break;
    case SX_DOTS_SIGMOID: t->tanh(y, n * d->padded, d->gamma, d->coef0); break;
  }
}
void sx_dots_exp(const sx_dots *d, int64_t n, float *y) { SX_ISA_PICK(sx_dots, d->isa)->exp(y, n * d->padded, 1); }
double sx_dots_weigh(const sx_dots *d, const float *w, const float *y, int64_t n) {
  return SX_ISA_PICK(sx_dots, d->isa)->weigh(w, y, n);
}
