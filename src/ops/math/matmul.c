// SPDX-License-Identifier: MIT
/* Matrix products. MatMul (NumPy's rules), Gemm (two matrices, a bias), and the private Linear that fusion makes of them:
 * Y = act(alpha * A' B' + bias + residual), then transposed by perm_y. A' is A transposed by perm_a; with select_a = [axis,
 * index] that axis is fixed at the index, and perm_a names the others. B' likewise. Inputs (A, B, bias?, residual?). */
#include <math.h>
#include "ops/lower.h"
#include "ops/nn/activation.h"

static sx_status matmul_shape(sx_infer *c, const sx_dim *a, int ra, const sx_dim *b, int rb, sx_dim *out, int *rank) {
  sx_dim left[2] = {1, ra ? a[0] : 1}, right[2] = {rb ? b[0] : 1, 1};
  if (ra < 1 || rb < 1) return SX_INFER_FAIL(c, "a scalar input: expected rank 1 or more, found ranks %d and %d", ra, rb);
  const sx_dim *m = ra == 1 ? left : a + ra - 2, *n = rb == 1 ? right : b + rb - 2;
  sx_dim diff = sx_dim_sub(c->dims, m[1], n[0]);
  if (sx_dim_is_const(m[1]) && sx_dim_is_const(n[0]) && diff)
    return SX_INFER_FAIL(c, "input 0 has %lld columns, input 1 has %lld rows: they must be equal", (long long)m[1],
                         (long long)n[0]);
  int ba = ra > 2 ? ra - 2 : 0, bb = rb > 2 ? rb - 2 : 0, r = ba > bb ? ba : bb;
  for (int i = 0; i < r; i++) {
    bool clash = false;
    sx_dim x = i < r - ba ? 1 : a[i - (r - ba)], y = i < r - bb ? 1 : b[i - (r - bb)];
    out[i] = sx_dim_broadcast(c->dims, x, y, &clash);
    if (clash)
      return SX_INFER_FAIL(c, "batch dimension %d is %lld in input 0 and %lld in input 1", i, (long long)x, (long long)y);
  }
  if (ra > 1) out[r++] = m[0];
  if (rb > 1) out[r++] = n[1];
  *rank = r;
  return SX_OK;
}

static sx_status infer_matmul(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int rank = -1;
  if (sx_infer_has_rank(c, 0) && sx_infer_has_rank(c, 1)) {
    const sx_fact *a = sx_infer_in(c, 0), *b = sx_infer_in(c, 1);
    SX_TRY(matmul_shape(c, a->dims, a->rank, b->dims, b->rank, d, &rank));
  }
  return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, rank, d);
}
const sx_op sx_op_MatMul = {.name = "MatMul", .accuracy = SX_ACCUMULATE, .infer = infer_matmul};

static sx_status infer_gemm(sx_infer *c) {
  if (!sx_infer_has_rank(c, 0) || !sx_infer_has_rank(c, 1)) return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, -1, NULL);
  const sx_fact *a = sx_infer_in(c, 0), *b = sx_infer_in(c, 1);
  if (a->rank != 2 || b->rank != 2)
    return SX_INFER_FAIL(c, "expected two matrices, found ranks %d and %d", a->rank, b->rank);
  int ta = sx_attr_int(c->n, "transA", 0) != 0, tb = sx_attr_int(c->n, "transB", 0) != 0;
  sx_dim d[2] = {a->dims[ta], b->dims[!tb]}, ka = a->dims[!ta], kb = b->dims[tb];
  if (sx_dim_is_const(ka) && sx_dim_is_const(kb) && ka != kb)
    return SX_INFER_MISFIT(c, "the inner dimensions differ: %lld in input 0 and %lld in input 1", (long long)ka,
                         (long long)kb);
  return sx_infer_set(c, 0, a->dtype, 2, d);
}
static sx_status gemm_broadcast(sx_upgrade_ctx *c) { /* C was broadcast only on demand; now always */
  sx_node_remove_attr(c->n, "broadcast");
  return SX_OK;
}
/* Integers times a fraction: computed in f64, truncated. */
static sx_status gemm_fraction(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const sx_dtype t = (sx_dtype)sx_lower_fact(&l, sx_lower_in(&l, 0))->dtype;
  const float alpha = sx_attr_float(c->n, "alpha", 1), beta = sx_attr_float(c->n, "beta", 1);
  if (!sx_dtype_is_int(t) || (truncf(alpha) == alpha && truncf(beta) == beta)) return SX_OK;
  sx_vid in[3];
  const uint32_t n = sx_lower_has(&l, 2) ? 3 : 2;
  for (uint32_t i = 0; i < n; i++) in[i] = sx_lower_cast(&l, sx_lower_in(&l, i), SX_F64);
  return sx_lower_end(&l, sx_lower_cast(&l, sx_lower_node(&l, c->n->op, in, n, c->n->attrs, c->n->n_attrs), t));
}
const sx_op sx_op_Gemm = {.name = "Gemm",
                          .accuracy = SX_ACCUMULATE,
                          .infer = infer_gemm,
                          .upgrades = {{7, gemm_broadcast}, {SX_LOWER_ALWAYS, gemm_fraction}}};

/* Dimensions of an operand after select and perm; returns their number. */
static int permuted(const sx_node *n, const char *perm_attr, const char *select_attr, const sx_fact *f, sx_dim *out) {
  const int64_t *perm, *select;
  uint32_t k = sx_attr_ints(n, perm_attr, &perm);
  int axis = select_attr && sx_attr_ints(n, select_attr, &select) == 2 ? (int)select[0] : -1, rank = 0;
  for (int i = 0; i < f->rank; i++)
    if (i != axis) out[rank++] = f->dims[i];
  for (int i = 0; i < rank && (int)k == rank; i++) out[i] = f->dims[perm[i]];
  return rank;
}
static sx_status infer_linear(sx_infer *c) {
  sx_dim a[SX_MAX_RANK], b[SX_MAX_RANK], d[SX_MAX_RANK], y[SX_MAX_RANK];
  int rank;
  if (!sx_infer_has_rank(c, 0) || !sx_infer_has_rank(c, 1)) return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, -1, NULL);
  int ra = permuted(c->n, "perm_a", "select_a", sx_infer_in(c, 0), a),
      rb = permuted(c->n, "perm_b", "select_b", sx_infer_in(c, 1), b);
  SX_TRY(matmul_shape(c, a, ra, b, rb, d, &rank));
  sx_fact f = {.rank = (int8_t)rank, .dims = d};
  permuted(c->n, "perm_y", NULL, &f, y);
  return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, rank, y);
}

/* One node of the lowering; attributes are the caller's. */
static sx_vid step(sx_graph *g, const sx_node *like, const sx_op *op, sx_vid a, sx_vid b) {
  sx_vid in[2] = {a, b};
  sx_vid v = a == SX_NONE ? SX_NONE : sx_graph_emit(g, op, in, b == SX_NONE ? 1 : 2);
  if (v != SX_NONE) sx_graph_emitted(g, v)->origin = like->origin, sx_graph_emitted(g, v)->name = like->name;
  return v;
}
static sx_vid transpose(sx_graph *g, const sx_node *n, const char *perm_attr, const char *select_attr, sx_vid x) {
  const int64_t *perm, *select;
  int64_t own[SX_MAX_RANK];
  uint32_t k = sx_attr_ints(n, perm_attr, &perm), chosen = select_attr ? sx_attr_ints(n, select_attr, &select) : 0;
  if (chosen && x != SX_NONE) {
    x = step(g, n, &sx_op_Gather, x, sx_graph_const_i64(g, &select[1], 1, true));
    if (x == SX_NONE || !sx_node_set_int(g, sx_value_at(g, x)->producer, "axis", select[0])) return SX_NONE;
  }
  if (!k || x == SX_NONE) return x;
  for (uint32_t i = 0; i < k; i++) own[i] = chosen && perm[i] > select[0] ? perm[i] - 1 : perm[i];
  sx_vid v = step(g, n, &sx_op_Transpose, x, SX_NONE);
  return v != SX_NONE && sx_node_set_ints(g, sx_value_at(g, v)->producer, "perm", own, k) ? v : SX_NONE;
}
static sx_status lower_linear(sx_graph *g, sx_nid id, sx_err *e) {
  const sx_node *n = sx_node_at(g, id);
  sx_vid y = step(g, n, &sx_op_MatMul, transpose(g, n, "perm_a", "select_a", n->in[0].value),
                  transpose(g, n, "perm_b", "select_b", n->in[1].value));
  float alpha = sx_attr_float(n, "alpha", 1);
  if (alpha != 1) y = step(g, n, &sx_op_Mul, y, sx_graph_const_like(g, n->in[0].value, alpha));
  for (uint32_t i = 2; i < 4; i++)
    if (sx_node_in(n, i) != SX_NONE) y = step(g, n, &sx_op_Add, y, n->in[i].value);
  if (y != SX_NONE) y = sx_activation_lower(g, n, y);
  y = transpose(g, n, "perm_y", NULL, y);
  if (y == SX_NONE) SX_NO_MEMORY(e);
  sx_graph_replace_value(g, n->out[0], y);
  sx_graph_kill(g, id);
  return SX_OK;
}
const sx_op sx_op_Linear = {
    .name = "Linear", .accuracy = SX_ACCUMULATE, .flags = SX_OP_PRIVATE, .infer = infer_linear, .lower = lower_linear};
