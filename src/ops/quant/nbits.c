// SPDX-License-Identifier: MIT
/* com.microsoft's MatMulNBits: the right side has 2, 4 or 8 bits per weight, N columns of blocks along K. */
#include "ops/ops.h"
#include "ops/quant/quant.h"

static sx_status infer_nbits(sx_infer *c) {
  const sx_fact *a = sx_infer_in(c, 0);
  const int64_t K = sx_attr_int(c->n, "K", 0), N = sx_attr_int(c->n, "N", 0);
  sx_dim d[SX_MAX_RANK];
  if (a->rank < 0) return sx_infer_set(c, 0, a->dtype, -1, NULL);
  if (a->rank < 1 || K < 1 || N < 1)
    return SX_INFER_FAIL(c, "input 0 has rank %d, attributes K and N are %lld and %lld: expected 1 or more", a->rank,
                         (long long)K, (long long)N);
  if (sx_dim_is_const(a->dims[a->rank - 1]) && a->dims[a->rank - 1] != K)
    return SX_INFER_FAIL(c, "input 0 has %lld columns, attribute K is %lld", (long long)a->dims[a->rank - 1], (long long)K);
  for (int i = 0; i < a->rank; i++) d[i] = i == a->rank - 1 ? N : a->dims[i];
  return sx_infer_set(c, 0, a->dtype, a->rank, d);
}
const sx_op sx_op_MatMulNBits = {.name = "MatMulNBits",
                                 .domain = SX_DOMAIN_MS,
                                 .accuracy = SX_ACCUMULATE,
                                 .infer = infer_nbits,
                                 .upgrades = {{INT32_MAX, sx_nbits_open_groups}}};
