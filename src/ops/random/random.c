// SPDX-License-Identifier: MIT
/* Operators that draw random numbers. None is folded or merged with an equal one. */
#include "ops/ops.h"

static sx_status draws(sx_infer *c, int64_t dtype, int rank, const sx_dim *dims) {
  if (dtype <= 0 || dtype >= SX_DTYPE_COUNT)
    return SX_INFER_FAIL(c, "attribute 'dtype' is %lld, which is no element type", (long long)dtype);
  return sx_infer_set(c, 0, (int)dtype, rank, dims);
}
static sx_status infer_of_shape(sx_infer *c) {
  const int64_t *shape;
  sx_dim d[SX_MAX_RANK];
  uint32_t rank = sx_attr_ints(c->n, "shape", &shape);
  if (rank > SX_MAX_RANK)
    return SX_INFER_FAIL(c, "attribute 'shape' has %u entries, at most %d are supported", rank, SX_MAX_RANK);
  for (uint32_t i = 0; i < rank; i++) {
    if (shape[i] < 0) return SX_INFER_FAIL(c, "attribute 'shape' has the size %lld", (long long)shape[i]);
    d[i] = shape[i];
  }
  return draws(c, sx_attr_int(c->n, "dtype", SX_F32), (int)rank, d);
}
static sx_status infer_like(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  return draws(c, sx_attr_int(c->n, "dtype", x->dtype), x->rank, x->dims);
}
static sx_status infer_multinomial(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  int64_t samples = sx_attr_int(c->n, "sample_size", 1);
  if (x->rank >= 0 && x->rank != 2) return SX_INFER_FAIL(c, "the input has rank %d, expected [batches, classes]", x->rank);
  if (samples < 0) return SX_INFER_FAIL(c, "attribute 'sample_size' is %lld", (long long)samples);
  return draws(c, sx_attr_int(c->n, "dtype", SX_I32), 2, (sx_dim[]){x->rank < 0 ? SX_DIM_UNKNOWN : x->dims[0], samples});
}
#define RANDOM(N, extra, fn) \
  const sx_op sx_op_##N = {.name = #N, .accuracy = SX_RANDOM, .flags = SX_OP_NONDETERMINISTIC | (extra), .infer = fn};
RANDOM(RandomNormal, 0, infer_of_shape)
RANDOM(RandomUniform, 0, infer_of_shape)
RANDOM(RandomNormalLike, SX_OP_SHAPE_ONLY, infer_like)
RANDOM(RandomUniformLike, SX_OP_SHAPE_ONLY, infer_like)
RANDOM(Bernoulli, 0, infer_like)
RANDOM(Multinomial, 0, infer_multinomial)
