// SPDX-License-Identifier: MIT
/* com.microsoft's GroupQueryAttention and SparseAttention: attention over a cache that has room for more than it holds.
 * seqlens_k says per batch which key is the last (key_total_sequence_lengths: how many there are), total_sequence_length how
 * long the longest sequence is, new tokens included; the present cache is as long as that, or as the past one if that is
 * longer. SparseAttention's is as long as the past one, and a query looks at blocks of it alone: CSR matrices of blocks, one
 * per head in turn. */
#include "ops/ops.h"

enum { QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, SEQLENS, TOTAL };

static sx_status infer(sx_infer *c) {
  const bool sparse = c->n->op == &sx_op_SparseAttention;
  const sx_fact *q = sx_infer_in(c, QUERY), *k = sx_infer_in(c, KEY), *past = sx_infer_in(c, PAST_KEY);
  const int64_t heads = sx_attr_int(c->n, "num_heads", 0), kv = sx_attr_int(c->n, "kv_num_heads", 0),
                block = sx_attr_int(c->n, "sparse_block_size", 1);
  const int cache = past ? past->dtype : q->dtype;
  const sx_dim *total;
  if (heads < 1 || kv < 1 || heads % kv)
    return SX_INFER_FAIL(c, "num_heads is %lld and kv_num_heads %lld, expected a multiple", (long long)heads,
                         (long long)kv);
  if (block < 1) return SX_INFER_FAIL(c, "sparse_block_size is %lld, expected at least 1", (long long)block);
  if (q->rank < 0) {
    for (uint32_t o = 0; o < c->n->n_out; o++) SX_TRY(sx_infer_set(c, o, o == 1 || o == 2 ? cache : q->dtype, -1, NULL));
    return SX_OK;
  }
  if (q->rank != 3) return SX_INFER_FAIL(c, "query has rank %d, expected 3", q->rank);
  const int64_t parts = k ? heads : heads + 2 * kv;
  if (sx_dim_is_const(q->dims[2]) && q->dims[2] % parts)
    return SX_INFER_MISFIT(c, "query has %lld columns, which do not divide into %lld heads", (long long)q->dims[2],
                         (long long)parts);
  const sx_dim size = sx_dim_div(c->dims, q->dims[2], parts);
  const bool room = past && past->rank == 4;
  sx_dim length = SX_DIM_UNKNOWN;
  if (sparse)
    length = room ? past->dims[2] : SX_DIM_UNKNOWN;
  else if (sx_infer_ints(c, TOTAL, &total) == 1 && total[0] != SX_DIM_UNKNOWN)
    length = room ? sx_dim_max(c->dims, past->dims[2], total[0]) : total[0];
  SX_TRY(sx_infer_set(c, 0, q->dtype, 3, (sx_dim[]){q->dims[0], q->dims[1], sx_dim_mul(c->dims, size, heads)}));
  for (uint32_t o = 1; o < c->n->n_out && o < 3; o++)
    SX_TRY(sx_infer_set(c, o, cache, 4, (sx_dim[]){q->dims[0], kv, length, size}));
  return SX_OK;
}
const sx_op sx_op_GroupQueryAttention = {.name = "GroupQueryAttention",
                                         .domain = SX_DOMAIN_MS,
                                         .accuracy = SX_ACCUMULATE,
                                         .shape_inputs = 1 << TOTAL,
                                         .infer = infer};
const sx_op sx_op_SparseAttention = {
    .name = "SparseAttention", .domain = SX_DOMAIN_MS, .accuracy = SX_ACCUMULATE, .infer = infer};
