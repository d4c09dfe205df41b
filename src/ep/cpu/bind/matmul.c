// SPDX-License-Identifier: MIT
/* MatMul, Gemm and Linear on the GEMM family: operands become strides, a constant right side is packed once. */
#include "ep/cpu/bind/activation.h"
#include "ep/cpu/kernels/gemm/gemm.h"
#include <stdio.h>

typedef struct linear { /* session state */
  const sx_gemm_table *t;
  const void *packed;   /* right side, or NULL */
  size_t packed_matrix; /* elements from one packed matrix to the next */
  bool wide;            /* the packed right side is narrow, everything else f32 */
  int elem;             /* bytes of an element of what is not packed */
  double alpha, beta;
  int8_t perm_a[SX_MAX_RANK], perm_b[SX_MAX_RANK], perm_y[SX_MAX_RANK];
  int select_a, select_b; /* an axis that is fixed at an index, or -1 */
  int64_t index_a, index_b;
  int bias, residual; /* input indices, or -1 */
  sx_activation act;
} linear;
typedef struct params {
  sx_gemm g;
  const linear *l;
  int64_t a_at, b_at; /* elements before the first */
  bool swapped;       /* the product is computed as its transpose */
} params;

static void read_perm(const sx_node *n, const char *name, int rank, int select, int8_t *perm) {
  const int64_t *p;
  uint32_t k = sx_attr_ints(n, name, &p);
  for (int i = 0, m = 0; i < rank; i++)
    if (i != select) perm[m] = (int8_t)((int)k == rank - (select >= 0) ? p[m] : i), m++;
}
static void read_select(const sx_node *n, const char *name, int *axis, int64_t *index) {
  const int64_t *p;
  *axis = -1;
  if (sx_attr_ints(n, name, &p) == 2) *axis = (int)p[0], *index = p[1];
}

/* Dimensions and element strides of an operand after its permutation; a vector becomes a matrix. */
typedef struct operand {
  int rank;
  int64_t first, dim[SX_MAX_RANK + 1], stride[SX_MAX_RANK + 1];
} operand;
static operand operand_of(const sx_view *v, const int8_t *perm, int select, int64_t index, bool vector_is_row) {
  operand o = {v->rank - (select >= 0), 0, {0}, {0}};
  int64_t stride[SX_MAX_RANK] = {0}, s = 1;
  for (int i = v->rank; i-- > 0; s *= v->dims[i]) stride[i] = s;
  if (select >= 0) o.first = index * stride[select];
  for (int i = 0; i < o.rank; i++) o.dim[i] = v->dims[perm[i]], o.stride[i] = stride[perm[i]];
  if (v->rank == 1) {
    o.rank = 2;
    if (vector_is_row)
      o.dim[1] = o.dim[0], o.stride[1] = o.stride[0], o.dim[0] = 1, o.stride[0] = 0;
    else
      o.dim[1] = 1, o.stride[1] = 0;
  }
  return o;
}

typedef struct pack_ctx {
  const sx_gemm_table *t;
  int64_t K, N, b_k, b_n, matrix, panels;
  size_t packed;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *c = ctx;
  for (int64_t u = begin, next; u < end; u = next) { /* a unit: one panel of one matrix */
    int64_t m = u / c->panels, p = u % c->panels;
    next = (m + 1) * c->panels < end ? (m + 1) * c->panels : end;
    c->t->pack_b((const char *)src + (size_t)(m * c->matrix * c->t->elem), c->b_k, c->b_n, c->K, c->N, p, p + next - u,
                 (char *)dst + (size_t)m * c->packed);
  }
  return SX_OK;
}

/* Packs a constant right side whose batch, if any, is dense. */
static sx_status pack_right(sx_build *b, linear *l) {
  const sx_tensor *t = sx_value_const(b->g, b->n->in[1].value);
  if (!t || t->rank < 2 || !t->count || l->select_b >= 0) return SX_OK;
  int64_t strides[SX_MAX_RANK], s = 1;
  for (int i = t->rank; i-- > 0; s *= t->dims[i]) strides[i] = s;
  int r = t->rank;
  for (int i = 0; i < r - 2; i++)
    if (l->perm_b[i] != i) return SX_OK;
  pack_ctx c = {.t = l->t,
                .K = t->dims[l->perm_b[r - 2]],
                .N = t->dims[l->perm_b[r - 1]],
                .b_k = strides[l->perm_b[r - 2]],
                .b_n = strides[l->perm_b[r - 1]]};
  if (c.N == 1 || c.K == 0) return SX_OK;
  int64_t matrices = sx_dims_count(t->dims, 0, r - 2);
  c.matrix = c.K * c.N, c.panels = sx_gemm_panels(l->t, c.N);
  size_t total;
  char name[64];
  if (!sx_gemm_packed_bytes(l->t, c.K, c.N, &c.packed) || !sx_size_mul(c.packed, (size_t)matrices, &total) ||
      matrices * c.panels > UINT32_MAX)
    return SX_OK;
  snprintf(name, sizeof name, "gemm%d %lldx%lld %lld,%lld", l->t->elem, (long long)c.K, (long long)c.N, (long long)c.b_k,
           (long long)c.b_n);
  l->packed_matrix = c.packed / (size_t)l->t->elem;
  return (l->wide ? sx_weights_pack_scaled : sx_weights_pack)(b, t, name, total, (uint32_t)(matrices * c.panels), pack, &c,
                                                              &l->packed);
}

static const sx_gemm_table *table_of(sx_dtype t) {
  switch (t) {
    case SX_F64: return sx_gemm_f64();
    case SX_F16: return sx_gemm_f16();
    case SX_BF16: return sx_gemm_bf16();
    case SX_I32:
    case SX_U32: return sx_gemm_i32();
    case SX_I64:
    case SX_U64: return sx_gemm_i64();
    default: return sx_gemm_f32();
  }
}

static sx_status create(sx_build *b) {
  linear *l = SX_NEW(b->arena, linear);
  if (!l) SX_NO_MEMORY(b->e);
  const sx_fact *fa = &sx_value_at(b->g, b->n->in[0].value)->fact, *fb = &sx_value_at(b->g, b->n->in[1].value)->fact;
  l->t = table_of(fa->dtype);
  bool gemm = b->n->op == &sx_op_Gemm;
  l->alpha = sx_attr_float(b->n, "alpha", 1);
  l->beta = gemm ? sx_attr_float(b->n, "beta", 1) : 1;
  l->bias = l->residual = -1;
  if (b->n->op != &sx_op_MatMul && sx_node_in(b->n, 2) != SX_NONE && l->beta != 0) l->bias = 2;
  if (b->n->op == &sx_op_Linear && sx_node_in(b->n, 3) != SX_NONE) l->residual = 3;
  read_select(b->n, "select_a", &l->select_a, &l->index_a);
  read_select(b->n, "select_b", &l->select_b, &l->index_b);
  read_perm(b->n, "perm_a", fa->rank, l->select_a, l->perm_a);
  read_perm(b->n, "perm_b", fb->rank, l->select_b, l->perm_b);
  read_perm(b->n, "perm_y", sx_value_at(b->g, b->n->out[0])->fact.rank, -1, l->perm_y);
  if (gemm && sx_attr_int(b->n, "transA", 0)) l->perm_a[0] = 1, l->perm_a[1] = 0;
  if (gemm && sx_attr_int(b->n, "transB", 0)) l->perm_b[0] = 1, l->perm_b[1] = 0;
  SX_TRY(sx_activation_read(b, &l->act));
  b->state = l;
  const sx_tensor *right = sx_value_const(b->g, b->n->in[1].value);
  l->elem = l->t->elem;
  if (right && right->stored != right->dtype && !right->factors) l->wide = true, l->t = table_of((sx_dtype)right->stored);
  SX_TRY(pack_right(b, l));
  if (l->packed)
    b->unused_inputs = 2;
  else if (l->wide)
    l->wide = false, l->t = table_of((sx_dtype)fa->dtype);
  return SX_OK;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *p = c->params;
  const linear *l = p->l;
  sx_gemm_io io = {(const char *)c->in[0] + p->a_at * l->elem,
                   l->packed ? l->packed : (const char *)c->in[1] + p->b_at * l->elem, NULL, NULL, c->out[0]};
  if (p->g.epi.bias) io.bias = c->in[l->bias];
  if (p->g.epi.residual) io.res = c->in[l->residual >= 0 ? l->residual : l->bias];
  if (p->swapped) {
    const void *a = io.a;
    io.a = io.b, io.b = a;
  }
  l->t->run(&p->g, &io, begin, end, c->worker_scratch);
  return SX_OK;
}

typedef struct batch_dim {
  int64_t n, a, b, c, r;
} batch_dim;

/* Drops batch dimensions of one and joins those that are dense in all operands; returns how many are left. */
static int merge(batch_dim *d, int n) {
  int m = 0;
  for (int i = 0; i < n; i++) {
    if (d[i].n == 1) continue;
    batch_dim *p = m ? &d[m - 1] : NULL;
    if (p && p->a == d[i].a * d[i].n && p->b == d[i].b * d[i].n && p->c == d[i].c * d[i].n && p->r == d[i].r * d[i].n) {
      int64_t k = p->n;
      *p = d[i];
      p->n *= k;
    } else
      d[m++] = d[i];
  }
  return m;
}

static sx_status broadcast_strides(const sx_prep *p, int input, const operand *y, int64_t *stride) {
  const sx_view *v = &p->in[input];
  int64_t s = 1;
  for (int i = 0; i < y->rank; i++) stride[i] = 0;
  if (v->rank > y->rank)
    SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has rank %d, the product has rank %d", input, v->rank, y->rank);
  for (int i = v->rank; i-- > 0; s *= v->dims[i]) {
    int k = i + y->rank - v->rank;
    if (v->dims[i] != 1 && v->dims[i] != y->dim[k])
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has %lld at axis %d, the product has %lld: it cannot be broadcast", input,
              (long long)v->dims[i], i, (long long)y->dim[k]);
    stride[k] = v->dims[i] == 1 ? 0 : s;
  }
  return SX_OK;
}

/* One column, and A lies by columns: as one row times a matrix that lies by rows. */
static bool turn(sx_gemm *g) {
  const bool column = g->N == 1 && g->M > 1 && !g->b_packed && !g->wide && g->a_row == 1 && g->a_k != 1 && g->c_row == 1;
  if (!column || g->epi.tile_fn || (g->epi.bias && g->epi.bias_row > 1) || (g->epi.residual && g->epi.res_row > 1))
    return false;
  const int64_t a_k = g->a_k;
  g->N = g->M, g->M = 1;
  g->a_row = 0, g->a_k = g->b_k;
  g->b_k = a_k, g->b_n = 1;
  g->c_row = g->N;
  g->epi.bias_col = g->epi.bias_row, g->epi.bias_row = 0;
  g->res_column = g->epi.res_row == 0, g->epi.res_row = 0;
  for (int i = 0; i < g->batch_rank; i++) {
    const int64_t a = g->a_batch[i];
    g->a_batch[i] = g->b_batch[i], g->b_batch[i] = a;
  }
  return true;
}

/* Size of an operand along axis i of the product. */
static int64_t size_at(const operand *o, int i, const operand *y) {
  const int at = i - (y->rank - o->rank);
  return at >= 0 ? o->dim[at] : 1;
}
static int64_t stride_at(const operand *o, int i, const operand *y) { return o->stride[i - (y->rank - o->rank)]; }

/* The product before perm_y, and where its elements lie in the output. */
static operand product_of(const sx_view *out, const operand *a, const operand *b, const int8_t *perm) {
  operand y = {.rank = a->rank > b->rank ? a->rank : b->rank};
  if (out->rank != y.rank) { /* vectors were given: nothing is permuted */
    for (int i = y.rank; i-- > 0;) {
      const int64_t da = size_at(a, i, &y), db = size_at(b, i, &y);
      y.dim[i] = i == y.rank - 2 ? a->dim[a->rank - 2] : i == y.rank - 1 ? db : da == 1 ? db : da;
      y.stride[i] = i == y.rank - 1 ? 1 : y.stride[i + 1] * y.dim[i + 1];
    }
    return y;
  }
  int64_t stride[SX_MAX_RANK + 1], s = 1;
  for (int i = out->rank; i-- > 0; s *= out->dims[i]) stride[i] = s;
  for (int i = 0; i < y.rank; i++) {
    int at = i;
    for (int k = 0; k < y.rank; k++)
      if (perm[k] == i) at = k;
    y.dim[i] = out->dims[at], y.stride[i] = stride[at];
  }
  return y;
}

/* The epilogue; res gets the strides of what is added as a residual: the residual, else a bias that is no vector. */
static sx_status set_epilogue(const sx_prep *p, const linear *l, const operand *y, sx_gemm *g, int64_t *res) {
  const int batch = y->rank - 2;
  int64_t bias[SX_MAX_RANK + 1] = {0};
  int extra = l->residual, bias_in = l->bias;
  if (bias_in >= 0) {
    SX_TRY(broadcast_strides(p, bias_in, y, bias));
    bool simple = l->beta == 1 && bias[batch + 1] <= 1;
    for (int i = 0; i < batch; i++) simple &= bias[i] == 0;
    if (!simple && extra < 0)
      extra = bias_in, bias_in = -1;
    else if (!simple)
      SX_FAIL(p->e, NOT_IMPLEMENTED, "a bias that varies over the batch beside a residual");
  }
  if (extra >= 0) SX_TRY(broadcast_strides(p, extra, y, res));
  g->res_column = extra >= 0 && res[batch + 1] == 0;
  g->alpha = l->alpha;
  g->epi = (sx_epilogue){.bias = bias_in >= 0,
                         .residual = extra >= 0,
                         .bias_row = bias[batch],
                         .bias_col = bias[batch + 1],
                         .res_row = res[batch],
                         .beta = extra == l->residual ? 1 : l->beta};
  sx_activation_apply(&l->act, &g->epi);
  return SX_OK;
}

/* The products of the batch: as few dimensions as they can be told in, none where all rows make one tall matrix. */
static sx_status set_batch(const sx_prep *p, const linear *l, const operand *a, const operand *b, const operand *y,
                           const int64_t *res, sx_gemm *g) {
  batch_dim d[SX_MAX_RANK];
  int64_t dense_b = (int64_t)l->packed_matrix;
  for (int i = y->rank - 2; i-- > 0;) {
    const int64_t da = size_at(a, i, y), db = size_at(b, i, y);
    if (da != db && da != 1 && db != 1)
      SX_FAIL(p->e, INVALID_ARGUMENT, "batch dimension %d is %lld in input 0 and %lld in input 1", i, (long long)da,
              (long long)db);
    d[i] = (batch_dim){.n = y->dim[i], .a = da == 1 ? 0 : stride_at(a, i, y), .c = y->stride[i], .r = res[i]};
    if (db != 1) d[i].b = l->packed ? dense_b : stride_at(b, i, y);
    dense_b *= db;
  }
  const bool same_bias = !g->epi.bias || g->epi.bias_row == 0;
  int n = merge(d, y->rank - 2);
  if (n == 1 && d[0].b == 0 && d[0].a == g->M * g->a_row && d[0].c == g->M * g->c_row &&
      (!g->epi.residual || d[0].r == g->M * g->epi.res_row) && same_bias)
    g->M *= d[0].n, n = 0;
  else if (n == 1 && g->M == 1 && d[0].b == 0 && same_bias) /* rows at any distance */
    g->M = d[0].n, g->a_row = d[0].a, g->c_row = d[0].c, g->epi.res_row = d[0].r, n = 0;
  if (n > SX_GEMM_BATCH)
    SX_FAIL(p->e, NOT_IMPLEMENTED, "more than %d batch dimensions that cannot be merged", SX_GEMM_BATCH);
  g->batch_rank = n;
  for (int i = 0; i < n; i++)
    g->batch[i] = d[i].n, g->a_batch[i] = d[i].a, g->b_batch[i] = d[i].b, g->c_batch[i] = d[i].c, g->res_batch[i] = d[i].r;
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  const linear *l = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  q->l = l;
  sx_gemm *g = &q->g;
  const operand a = operand_of(&p->in[0], l->perm_a, l->select_a, l->index_a, true),
                b = operand_of(&p->in[1], l->perm_b, l->select_b, l->index_b, false),
                y = product_of(&p->out[0], &a, &b, l->perm_y);
  q->a_at = a.first, q->b_at = b.first;
  g->M = a.dim[a.rank - 2], g->K = a.dim[a.rank - 1], g->N = b.dim[b.rank - 1];
  if (g->K != b.dim[b.rank - 2])
    SX_FAIL(p->e, INVALID_ARGUMENT, "the inner dimensions differ: %lld columns in input 0, %lld rows in input 1",
            (long long)g->K, (long long)b.dim[b.rank - 2]);
  g->a_row = a.stride[a.rank - 2], g->a_k = a.stride[a.rank - 1];
  g->b_packed = l->packed != NULL, g->wide = l->wide;
  g->b_k = b.stride[b.rank - 2], g->b_n = b.stride[b.rank - 1];
  g->c_row = y.stride[y.rank - 2];
  int64_t res[SX_MAX_RANK + 1] = {0};
  SX_TRY(set_epilogue(p, l, &y, g, res));
  SX_TRY(set_batch(p, l, &a, &b, &y, res, g));
  q->swapped = turn(g);
  sx_gemm_plan(l->t, g);
  p->params = q;
  return sx_prep_phase(p, run, g->units, g->unit_ns, g->scratch);
}

#define TYPES \
  (1u << SX_F32 | 1u << SX_F64 | 1u << SX_F16 | 1u << SX_BF16 | 1u << SX_I32 | 1u << SX_U32 | 1u << SX_I64 | 1u << SX_U64)
const sx_kernel sx_cpu_MatMul = {.op = &sx_op_MatMul, .name = "gemm", .types = TYPES, .create = create, .prepare = prepare};
const sx_kernel sx_cpu_Gemm = {.op = &sx_op_Gemm, .name = "gemm", .types = TYPES, .create = create, .prepare = prepare};
const sx_kernel sx_cpu_Linear = {.op = &sx_op_Linear, .name = "gemm", .types = TYPES, .create = create, .prepare = prepare};
