// SPDX-License-Identifier: MIT
/* Transpose: axes in another order; by default reversed. */
#include "ops/move/content.h"

static sx_status infer_transpose(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const int64_t *perm;
  sx_dim d[SX_MAX_RANK];
  uint32_t n = sx_attr_ints(c->n, "perm", &perm), seen = 0;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n && (int)n != x->rank) return SX_INFER_MISFIT(c, "perm has %u entries, the input has rank %d", n, x->rank);
  for (int i = 0; i < x->rank; i++) {
    int64_t p = n ? perm[i] : x->rank - 1 - i;
    if (p < 0 || p >= x->rank || seen >> p & 1)
      return SX_INFER_FAIL(c, "perm is no permutation of %d axes: entry %d is %lld", x->rank, i, (long long)p);
    seen |= 1u << p;
    d[i] = x->dims[p];
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  int64_t from[SX_MAX_RANK], stride[SX_MAX_RANK];
  if (!sx_infer_strides(x, from)) return SX_OK;
  for (int i = 0; i < x->rank; i++) stride[i] = from[n ? perm[i] : x->rank - 1 - i];
  return sx_infer_elems_at(c, 0, 0, 0, stride);
}
const sx_op sx_op_Transpose = {.name = "Transpose", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_transpose};
