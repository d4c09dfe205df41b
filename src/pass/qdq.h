// SPDX-License-Identifier: MIT
/* What the passes over QuantizeLinear and DequantizeLinear ask. */
#ifndef SX_PASS_QDQ_H
#define SX_PASS_QDQ_H
#include "pass/pass.h"

/* One side of the border between quantised and float values: a DequantizeLinear (x quantised) or a QuantizeLinear (x float), with
 * constant scale and zero point. */
typedef struct sx_qdq {
  const sx_node *n;
  sx_vid x, scale, zero;  /* zero: SX_NONE when it is 0 by being absent */
  sx_dtype dtype;         /* of the quantised side */
  double s;               /* one scale and zero point (per_tensor) */
  int64_t z;
  bool per_tensor;
  int axis;               /* else: counted from 0; -1 when unknown or blocked */
} sx_qdq;
/* v is made by a DequantizeLinear; n is a QuantizeLinear. Scale and zero point constant. */
bool sx_qdq_source(const sx_graph *g, sx_vid v, sx_qdq *q);
bool sx_qdq_sink(const sx_graph *g, const sx_node *n, sx_qdq *q);
static inline bool sx_qdq_bytes(const sx_qdq *q) { return q->dtype == SX_U8 || q->dtype == SX_I8; }
static inline bool sx_qdq_same(const sx_qdq *a, const sx_qdq *b) { /* quantised values mean the same */
  return a->per_tensor && b->per_tensor && a->dtype == b->dtype && a->s == b->s && a->z == b->z;
}
static inline int64_t sx_qdq_lowest(const sx_qdq *q) { return q->dtype == SX_I8 ? -128 : 0; }
/* The zero point as a value: a new constant 0 when it is absent. SX_NONE: out of memory. */
sx_vid sx_qdq_zero(sx_graph *g, const sx_qdq *q);
/* n moves elements, or picks among them, without looking at what they mean: quantising before or after it is the same. */
bool sx_qdq_moves(const sx_node *n);
#endif
