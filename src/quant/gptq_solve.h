// SPDX-License-Identifier: MIT
/* Codes of a matrix such that its products on given data change least (Frantar, Ashkboos, Hoefler and Alistarh, "GPTQ:
 * Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2023).
 *
 * With errors e = w - q of one output channel and the moments H = X^T X of the data, its outputs change by e^T H e. Let H =
 * U U^T with U upper triangular: then that is a sum of squares, of which the i-th has the errors up to e[i] in it. Channel
 * elements are rounded in this order, each where its square is least for the errors before it. This gives what updating the
 * weights that are left with rows of a factor of the inverse of H does, without an inverse. */
#ifndef SX_QUANT_GPTQ_SOLVE_H
#define SX_QUANT_GPTQ_SOLVE_H
#include "base/pool.h"
#include "quant/blocks.h"

typedef struct sx_gptq_moments {
  int64_t K;
  float *h;      /* [K, K], the moments; the factor U of the reordered moments once they are factored */
  int32_t *perm; /* [K]: the element of a channel that comes k-th */
} sx_gptq_moments;
/* Of K channels' elements: nothing but zeros. INVALID_ARGUMENT: more than 2^31 - 1. */
sx_status sx_gptq_moments_create(int64_t K, sx_gptq_moments *m, sx_err *e);
void sx_gptq_moments_drop(sx_gptq_moments *m);
/* h += x^T x, rows of K elements. */
sx_status sx_gptq_add_rows(sx_gptq_moments *m, const float *x, int64_t rows, sx_pool *pool, sx_err *e);
/* o->damping times the mean of the diagonal is added to it, more where that does not suffice. */
sx_status sx_gptq_factor(sx_gptq_moments *m, const sx_quant_options *o, sx_pool *pool, sx_err *e);
/* As sx_quantize_blocks, on factored moments; at most 2^31 - 1 rows. */
sx_status sx_gptq_solve(const sx_gptq_moments *m, const float *w, int64_t N, int64_t stride_n, int64_t stride_k,
                        const sx_quant_options *o, sx_pool *pool, sx_quant_blocks *out, sx_err *e);
#endif
