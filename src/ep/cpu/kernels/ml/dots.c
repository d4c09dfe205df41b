// SPDX-License-Identifier: MIT
/* Packing, and the choice of the instruction set's loops. */
#include "ep/cpu/kernels/ml/dots.h"
#include <math.h>
#include "ep/cpu/isa.h"

SX_ISA_DECLARE(sx_dots_table, sx_dots);

void sx_dots_pack(const sx_dots *d, const float *vectors, float *packed) {
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
