// SPDX-License-Identifier: MIT
/* Softmax and log-softmax over one axis, with a scale and an additive mask in the same pass.
 *
 * y = softmax(scale * x + mask) along the axis of n elements. A NaN makes its whole row NaN. A
 * row that is all -inf gives NaN, as the standard's reference does. */
#ifndef SX_EP_CPU_SOFTMAX_H
#define SX_EP_CPU_SOFTMAX_H
#include "base/cpu.h"
#include "ir/dtype.h"

typedef struct sx_softmax_args {
  sx_isa isa;
  sx_dtype type;       /* f32, f64, f16, bf16: of x, y and mask */
  bool log;
  int64_t outer, n, inner; /* x is (outer, n, inner), dense; the axis is the middle one */
  float scale;         /* 1 when there is none */
  bool masked;         /* inner == 1: mask may be there when it runs */
  const void *mask;    /* NULL, or row r adds mask + mask_row(r) * n, see below */
  /* Row r's mask is number sum_i (r / mask_div[i] % mask_mod[i]) * mask_mul[i]; unused entries have mask_mul 0, div 1, mod 1. */
  int64_t mask_div[3], mask_mod[3], mask_mul[3];
} sx_softmax_args;

/* A unit is one outer row, or some short ones (inner == 1), or one outer row by up to 64 inner columns. */
int64_t sx_softmax_units(const sx_softmax_args *a);
size_t sx_softmax_scratch_bytes(const sx_softmax_args *a); /* per worker */
double sx_softmax_unit_ns(const sx_softmax_args *a);
void sx_softmax_run(const sx_softmax_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);

/* Hardmax: 1 where the first largest element along the axis is (the first NaN where there is one), 0 elsewhere. Of the
 * arguments it reads isa, type, outer, n and inner. */
int64_t sx_hardmax_units(const sx_softmax_args *a);
size_t sx_hardmax_scratch_bytes(const sx_softmax_args *a); /* per worker */
double sx_hardmax_unit_ns(const sx_softmax_args *a);
void sx_hardmax_run(const sx_softmax_args *a, const void *x, void *y, int64_t begin, int64_t end, void *scratch);
#endif
