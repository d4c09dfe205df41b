// SPDX-License-Identifier: MIT
/* What quantised operators share: how scales lie over a tensor. */
#ifndef SX_OPS_QUANT_H
#define SX_OPS_QUANT_H
#include "ops/lower.h"

/* The tensor as [outer][axis][inner]. Element (o, a, i) has the scale of index 0 (one scale: outer and axis are 1), a (one per
 * index of the axis), or, blocked, (o * blocks + a / block) * inner + i with blocks = ceil(axis / block). */
typedef struct sx_quant_lines { int64_t outer, axis, inner, block; bool blocked; } sx_quant_lines;
/* False when a scale of that shape does not fit a tensor of that shape under the node's axis and block_size. */
bool sx_quant_view(const sx_node *n, int rank, const int64_t *x, int scale_rank, const int64_t *scale, sx_quant_lines *q);
/* The numbers of 2, 4 or 8 bits that bytes hold, low bits first, along the last axis; n of them are kept. */
sx_vid sx_nbits_unpacked(sx_lower *l, sx_vid x, int64_t bits, sx_dim n);
/* The upgrade of MatMulNBits that leaves no g_idx. */
sx_status sx_nbits_open_groups(sx_upgrade_ctx *c);
#endif
