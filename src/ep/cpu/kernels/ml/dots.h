// SPDX-License-Identifier: MIT
/* Rows of features against a fixed set of vectors: products for linear models, and the kernels of support vector machines. */
#ifndef SX_EP_CPU_ML_DOTS_H
#define SX_EP_CPU_ML_DOTS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/cpu.h"

typedef enum sx_dots_kind { SX_DOTS_LINEAR, SX_DOTS_POLY, SX_DOTS_RBF, SX_DOTS_SIGMOID } sx_dots_kind;
typedef struct sx_dots {
  sx_dots_kind kind;
  sx_isa isa;
  int64_t features, vectors, padded; /* padded: vectors of a packed row, a multiple of SX_DOTS_LANES */
  float gamma, coef0, degree;
  const float *packed;               /* [features][padded], zeros behind the vectors, aligned to 64; of few vectors as they are */
} sx_dots;
enum { SX_DOTS_LANES = 16, SX_DOTS_FEW = 4 };
/* So few vectors that lanes are features. */
static inline bool sx_dots_few(const sx_dots *d) { return d->vectors <= SX_DOTS_FEW && d->kind == SX_DOTS_LINEAR; }
static inline int64_t sx_dots_padded(int64_t vectors) { return (vectors + SX_DOTS_LANES - 1) / SX_DOTS_LANES * SX_DOTS_LANES; }
/* vectors: rows of features -> packed */
void sx_dots_pack(const sx_dots *d, const float *vectors, float *packed);
/* y[n][padded] from n rows of features; behind the vectors it may be anything. LINEAR: the product; POLY: (gamma product + coef0)^degree; RBF: exp(-gamma |x - v|^2);
 * SIGMOID: tanh(gamma product + coef0). */
void sx_dots_run(const sx_dots *d, const float *x, int64_t n, float *y);
/* y[n][padded] = exp(y) */
void sx_dots_exp(const sx_dots *d, int64_t n, float *y);
/* The sum of w[i] y[i], in double. */
double sx_dots_weigh(const sx_dots *d, const float *w, const float *y, int64_t n);

typedef struct sx_dots_table {
  /* Rows of x against the vectors: products, or squared distances. */
  void (*product)(const sx_dots *d, const float *x, int64_t n, float *y);
  /* n (a multiple of SX_DOTS_LANES) values in place: exp(factor y), or tanh(factor y + addend). */
  void (*exp)(float *y, int64_t n, float factor);
  void (*tanh)(float *y, int64_t n, float factor, float addend);
  double (*weigh)(const float *w, const float *y, int64_t n);
} sx_dots_table;
#endif
