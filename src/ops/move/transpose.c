// SPDX-License-Identifier: MIT
/* Transpose: axes in another order; by default reversed. */
#include "ops/ops.h"

static sx_status infer_transpose(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const int64_t *perm;
  sx_dim d[SX_MAX_RANK];
  uint32_t n = sx_attr_ints(c->n, "perm", &perm), seen = 0;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n && (int)n != x->rank) return SX_INFER_FAIL(c, "perm has %u entries, the input has rank %d", n, x->rank);
  for (int i = 0; i < x->rank; i++) {
    int64_t p = n ? perm[i] : x->rank - 1 - i;
    if (p < 0 || p >= x->rank || seen >> p & 1) return SX_INFER_FAIL(c, "perm is no permutation of %d axes: entry %d is %lld", x->rank, i, (long long)p);
    seen |= 1u << p;
    d[i] = x->dims[p];
  }
  SX_TRY(sx_infer_set(c, 0, x->dtype, x->rank, d));
  const sx_dim *e;
  int k = x->rank <= 1 ? sx_infer_ints(c, 0, &e) : -1;
  return k < 0 ? SX_OK : sx_infer_elems(c, 0, (uint32_t)k, e);
}
const sx_op sx_op_Transpose = {.name = "Transpose", .flags = SX_OP_QDQ_TRANSPARENT, .infer = infer_transpose};
