// SPDX-License-Identifier: MIT
/* com.microsoft's weights in blocks, where no kernel takes them as they are: GatherBlockQuantized gathers first and
 * dequantises what it got; MatMulNBits whose rows belong to blocks in some order (g_idx) becomes a product with floats. */
#include "ops/lower.h"
#include "ops/quant/quant.h"

sx_vid sx_nbits_unpacked(sx_lower *l, sx_vid x, int64_t bits, sx_dim n) {
  static const int64_t last[] = {-1}, begin[] = {0};
  const sx_fact *f = sx_lower_fact(l, x);
  const int64_t per = 8 / bits;
  sx_vid part[4];
  sx_dim dims[SX_MAX_RANK];
  const int rank = f->rank;
  if (rank < 1) return SX_LOWER_FAIL(l, FAIL, "packed weights of unknown rank"), SX_NONE;
  for (int i = 0; i < rank; i++) dims[i] = f->dims[i];
  dims[rank - 1] = sx_dim_mul(&l->c->g->model->dims, dims[rank - 1], per);
  for (int64_t i = 0; i < per && per > 1; i++) {
    const sx_attr right = {.name = SX_STR("direction"), .type = SX_ATTR_STRING, .s = SX_STR("RIGHT")};
    sx_vid v =
        i ? sx_lower_node(l, &sx_op_BitShift, SX_LOWER_IN(x, sx_lower_number(l, (double)(i * bits), SX_U8)), &right, 1) : x;
    part[i] =
        sx_lower_axes(l, &sx_op_Unsqueeze,
                      sx_lower_2(l, &sx_op_BitwiseAnd, v, sx_lower_number(l, (double)((1 << bits) - 1), SX_U8)), last, 1);
  }
  if (per > 1)
    x = sx_lower_reshape(l, sx_lower_node(l, &sx_op_Concat, part, (uint32_t)per, SX_LOWER_INT("axis", -1)), dims, rank);
  if (n == dims[rank - 1] || !sx_dim_is_const(n)) return x;
  return sx_lower_node(l, &sx_op_Slice,
                       SX_LOWER_IN(x, sx_lower_ints(l, begin, 1), sx_lower_ints(l, &n, 1), sx_lower_ints(l, last, 1)), NULL,
                       0);
}
static sx_dim last_dim(const sx_lower *l, sx_vid v) {
  const sx_fact *f = sx_lower_fact(l, v);
  return f->rank > 0 ? f->dims[f->rank - 1] : SX_DIM_UNKNOWN;
}

/* (data, indices, scales, zero_points?) */
static sx_status open_gather(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_fact *data = sx_lower_fact(&l, sx_lower_in(&l, 0)), *ids = sx_lower_fact(&l, sx_lower_in(&l, 1));
  int64_t gather = sx_attr_int(c->n, "gather_axis", 0), axis = sx_attr_int(c->n, "quantize_axis", 1);
  const int64_t bits = sx_attr_int(c->n, "bits", 4), block = sx_attr_int(c->n, "block_size", 128);
  const bool bytes = data->dtype == SX_U8;
  if (data->rank < 1 || ids->rank < 0) SX_FAIL(c->e, NOT_IMPLEMENTED, "data or indices of unknown rank");
  const int rank = data->rank;
  gather += gather < 0 ? rank : 0, axis += axis < 0 ? rank : 0;
  if (gather < 0 || gather >= rank || axis < 0 || axis >= rank || gather == axis ||
      (bytes && (axis != rank - 1 || (bits != 2 && bits != 4 && bits != 8))))
    SX_FAIL(c->e, FAIL, "gather_axis is %lld and quantize_axis %lld of %d axes, with %lld bits", (long long)gather,
            (long long)axis, rank, (long long)bits);
  sx_vid part[3] = {SX_NONE, SX_NONE, SX_LOWER_ABSENT};
  for (uint32_t i = 0; i < 3; i++) {
    const uint32_t from = i ? i + 1 : 0;
    if (i < 2 || sx_lower_has(&l, from))
      part[i] = sx_lower_node(&l, &sx_op_Gather, SX_LOWER_IN(sx_lower_in(&l, from), sx_lower_in(&l, 1)),
                              SX_LOWER_INT("axis", gather));
  }
  if (bytes) {
    part[0] = sx_nbits_unpacked(&l, part[0], bits, SX_DIM_UNKNOWN);
    if (part[2] != SX_LOWER_ABSENT)
      part[2] = sx_nbits_unpacked(&l, part[2], bits, last_dim(&l, part[1]));
    else
      part[2] =
          sx_lower_2(&l, &sx_op_Expand, sx_lower_number(&l, (double)(1 << (bits - 1)), SX_U8), sx_lower_shape(&l, part[1]));
  }
  const int64_t at = axis > gather ? axis - 1 + ids->rank : axis;
  const sx_attr attrs[2] = {{.name = SX_STR("axis"), .type = SX_ATTR_INT, .i = at},
                            {.name = SX_STR("block_size"), .type = SX_ATTR_INT, .i = block}};
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_DequantizeLinear, part, 3, attrs, 2));
}
const sx_op sx_op_GatherBlockQuantized = {.name = "GatherBlockQuantized",
                                          .domain = SX_DOMAIN_MS,
                                          .accuracy = SX_QUANTUM,
                                          .upgrades = {{SX_LOWER_ALWAYS, open_gather}}};

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };
static bool in_order(const sx_tensor *t, int64_t block) {
  for (int64_t k = 0; k < t->count; k++) {
    double x;
    if (!sx_tensor_get_f64(t, k, &x) || x != (double)(k / block)) return false;
  }
  return true;
}
/* MatMulNBits with g_idx: row k has the scale and the zero point of block g_idx[k]. */
sx_status sx_nbits_open_groups(sx_upgrade_ctx *c) {
  const sx_tensor *groups = sx_value_const(c->g, sx_node_in(c->n, GROUPS));
  const int64_t K = sx_attr_int(c->n, "K", 0), N = sx_attr_int(c->n, "N", 0), bits = sx_attr_int(c->n, "bits", 4),
                block = sx_attr_int(c->n, "block_size", 0);
  const int swap[] = {1, 0};
  if (sx_node_in(c->n, GROUPS) == SX_NONE) return SX_OK;
  if (K < 1 || N < 1 || block < 1 || K > INT32_MAX || N > INT32_MAX || block > INT32_MAX ||
      (bits != 2 && bits != 4 && bits != 8))
    SX_FAIL(c->e, INVALID_GRAPH,
            "K %lld, N %lld, block_size %lld, bits %lld: expected 1 to 2147483647, and 2, 4 or 8 bits", (long long)K,
            (long long)N, (long long)block, (long long)bits);
  if (groups && in_order(groups, block)) { /* as if it were not there */
    sx_graph_set_input(c->g, c->id, GROUPS, SX_NONE);
    return SX_OK;
  }
  sx_lower l = {c, SX_OK};
  const int64_t blocks = (K + block - 1) / block, zero = 0;
  const sx_dim flat[2] = {N, blocks * (block * bits / 8)}, per_block[2] = {N, blocks},
               per_byte[2] = {N, (blocks * bits + 7) / 8};
  const sx_dtype t = (sx_dtype)sx_lower_fact(&l, sx_lower_in(&l, SCALES))->dtype;
  sx_vid w = sx_lower_cast(&l, sx_nbits_unpacked(&l, sx_lower_reshape(&l, sx_lower_in(&l, B), flat, 2), bits, K), t),
         z = sx_lower_number(&l, (double)(1 << (bits - 1)), t);
  sx_vid at = sx_lower_3(&l, &sx_op_Slice, sx_lower_in(&l, GROUPS), sx_lower_ints(&l, &zero, 1), sx_lower_ints(&l, &K, 1));
  sx_vid s = sx_lower_node(&l, &sx_op_Gather, SX_LOWER_IN(sx_lower_reshape(&l, sx_lower_in(&l, SCALES), per_block, 2), at),
                           SX_LOWER_INT("axis", 1));
  if (sx_lower_has(&l, ZEROS)) {
    z = sx_lower_in(&l, ZEROS);
    z = sx_lower_fact(&l, z)->dtype == SX_U8
            ? sx_lower_cast(&l, sx_nbits_unpacked(&l, sx_lower_reshape(&l, z, per_byte, 2), bits, blocks), t)
            : sx_lower_reshape(&l, z, per_block, 2);
    z = sx_lower_node(&l, &sx_op_Gather, SX_LOWER_IN(z, at), SX_LOWER_INT("axis", 1));
  }
  w = sx_lower_2(&l, &sx_op_Mul, sx_lower_2(&l, &sx_op_Sub, w, z), s);
  sx_vid y = sx_lower_2(&l, &sx_op_MatMul, sx_lower_in(&l, A), sx_lower_transpose(&l, w, swap));
  if (sx_lower_has(&l, BIAS)) y = sx_lower_2(&l, &sx_op_Add, y, sx_lower_in(&l, BIAS));
  return sx_lower_end(&l, y);
}
