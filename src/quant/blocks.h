// SPDX-License-Identifier: MIT
/* Weights in blocks along K, each with a scale and a zero point of its own: the form of MatMulNBits. */
#ifndef SX_QUANT_BLOCKS_H
#define SX_QUANT_BLOCKS_H
#include "quant/quant.h"

enum { SX_QUANT_MOST_BLOCK = 256 };
typedef struct sx_quant_blocks {
  sx_tensor *codes; /* u8 [N, blocks, block * bits / 8], low bits first */
  sx_tensor *scale; /* f32 [N, blocks] */
  sx_tensor *zero;  /* u8 [N, bytes of the blocks' codes], or f32 [N, blocks] (HQQ); NULL: the middle, 1 << (bits - 1) */
  double error;     /* root mean square of the difference over that of the weight */
} sx_quant_blocks;
/* w: N rows of K floats, element (n, k) at n * stride_n + k * stride_k; K is filled up to whole blocks with codes of zero.
 * INVALID_ARGUMENT: an element is not finite. */
sx_status sx_quantize_blocks(const float *w, int64_t N, int64_t K, int64_t stride_n, int64_t stride_k,
                             const sx_quant_options *o, sx_quant_blocks *out, sx_err *e);

/* For those who find codes themselves: room for N rows of K elements, with codes and scales 0. */
sx_status sx_quant_blocks_create(int64_t N, int64_t K, const sx_quant_options *o, sx_quant_blocks *out, sx_err *e);
void sx_quant_blocks_drop(sx_quant_blocks *b);
/* value = (code - zero) * scale, codes from 0 to `top`. */
typedef struct sx_quant_step {
  float scale, zero;
  int top;
} sx_quant_step;
sx_quant_step sx_quant_step_of(const float *x, int64_t n, const sx_quant_options *o);
int sx_quant_code_of(const sx_quant_step *s, float x);
/* Block k of row n: its step, codes of zero behind the row's end; and one code, which was 0 before. Rows do not share
 * bytes. */
void sx_quant_put_step(sx_quant_blocks *b, int64_t n, int64_t k, const sx_quant_step *s, int64_t K,
                       const sx_quant_options *o);
void sx_quant_put_code(sx_quant_blocks *b, int64_t n, int64_t at, int code, const sx_quant_options *o);
#endif
