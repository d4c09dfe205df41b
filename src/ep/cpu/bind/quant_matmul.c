// SPDX-License-Identifier: MIT
/* Products of quantised matrices on the 8-bit GEMM. One shape of step for all operators: which input is what stands in a
 * table; a constant right side is packed once with its zero points, another one with every run; factors (a_scale * b_scale
 * / y_scale) are made with the instance when they are constant. */
#include "ep/cpu/bind/activation.h"
#include "ep/cpu/bind/quant.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/gemm/igemm.h"
#include <stdio.h>

enum { A, B, A_SCALE, B_SCALE, A_ZERO, B_ZERO, BIAS, Y_SCALE, Y_ZERO, ROLES };
typedef struct form {
  const sx_op *op;
  int8_t in[ROLES];
} form;
static const form forms[] = {
    {&sx_op_MatMulInteger, {0, 1, -1, -1, 2, 3, -1, -1, -1}},
    {&sx_op_QLinearMatMul, {0, 3, 1, 4, 2, 5, -1, 6, 7}},
    {&sx_op_MatMulIntegerToFloat, {0, 1, 2, 3, 4, 5, 6, -1, -1}},
    {&sx_op_QuantLinear, {0, 1, 2, 3, 4, 5, 6, -1, -1}},
    {&sx_op_QGemm, {0, 3, 1, 4, 2, 5, 6, 7, 8}},
};

typedef struct product { /* session state */
  const sx_igemm_table *t;
  int in[ROLES];      /* -1: absent */
  const void *packed; /* constant right side */
  bool trans_b;
  float alpha;
  sx_activation act;
} product;
typedef struct params {
  sx_igemm g;
  const product *s;
  sx_igemm_b b;
  int64_t matrices; /* of B, packed with the run */
  size_t packed_bytes, packed_at, factor_at, bias_at;
  sx_quant_scale a_scale, b_scale, y_scale;
  int64_t factors, bias_count;
  const float *factor;   /* constant ones, a_scale included or (a_later) not */
  const float *f32_bias; /* constant s32 bias of a float result */
  bool a_later, y_zero_constant;
  sx_dtype y_zero;
} params;

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *a = &sx_value_at(g, n->in[0].value)->fact;
  *reason = "the kernels do 8-bit integers of known rank";
  return (a->dtype == SX_U8 || a->dtype == SX_I8) && a->rank >= 1;
}

static sx_igemm_b describe_b(const product *s, int rank, const int64_t *dims, int a_type, int b_type) {
  const int64_t K = rank == 1 ? dims[0] : dims[rank - 2 + s->trans_b], N = rank == 1 ? 1 : dims[rank - 1 - s->trans_b];
  return (sx_igemm_b){.K = K,
                      .N = N,
                      .b_k = s->trans_b ? 1 : N,
                      .b_n = s->trans_b ? K : 1,
                      .a_signed = a_type == SX_I8,
                      .b_signed = b_type == SX_I8};
}

typedef struct pack_ctx {
  const sx_igemm_table *t;
  sx_igemm_b b;
  int64_t panels;
  size_t bytes;
} pack_ctx;
static sx_status pack(const void *ctx, const void *src, void *dst, uint32_t begin, uint32_t end) {
  const pack_ctx *c = ctx;
  for (uint32_t u = begin; u < end; u++) { /* a unit: one panel of one matrix */
    const int64_t m = u / c->panels, p = u % c->panels;
    sx_igemm_b b = c->b;
    b.b = (const char *)src + m * b.K * b.N;
    c->t->pack_b(&b, p, p + 1, (char *)dst + (size_t)m * c->bytes);
  }
  return SX_OK;
}

static sx_status pack_right(sx_build *b, product *s) {
  const sx_tensor *t = sx_value_const(b->g, b->n->in[s->in[B]].value), *zero = NULL;
  if (!t || !t->count) return SX_OK;
  const sx_fact *fa = &sx_value_at(b->g, b->n->in[s->in[A]].value)->fact;
  pack_ctx c = {.t = s->t, .b = describe_b(s, t->rank, t->dims, fa->dtype, t->dtype)};
  if (s->in[B_ZERO] >= 0) {
    if (!(zero = sx_value_const(b->g, b->n->in[s->in[B_ZERO]].value)) || (zero->count != 1 && zero->count != c.b.N))
      return SX_OK;
    SX_TRY(sx_tensor_data(zero, &c.b.zero, b->e));
    c.b.zero_col = zero->count != 1;
  }
  int64_t matrices = t->count / (c.b.K * c.b.N);
  size_t total;
  char name[64];
  c.panels = sx_igemm_panels(s->t, c.b.N);
  if (!sx_igemm_packed_bytes(s->t, c.b.K, c.b.N, &c.bytes) || !sx_size_mul(c.bytes, (size_t)matrices, &total) ||
      matrices * c.panels > UINT32_MAX)
    return SX_OK;
  uint64_t h = zero ? sx_hash(c.b.zero, zero->size, 0) : 0;
  snprintf(name, sizeof name, "igemm%d%d%d %lldx%lld %llx", c.b.a_signed, c.b.b_signed, s->trans_b, (long long)c.b.K,
           (long long)c.b.N, (unsigned long long)h);
  return sx_weights_pack(b, t, name, total, (uint32_t)(matrices * c.panels), pack, &c, &s->packed);
}

static sx_status create(sx_build *b) {
  product *s = SX_NEW(b->arena, product);
  if (!s) SX_NO_MEMORY(b->e);
  s->t = sx_igemm_best();
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++)
    for (int r = 0; r < ROLES && forms[k].op == b->n->op; r++)
      s->in[r] = forms[k].in[r] < 0 || sx_node_in(b->n, (uint32_t)forms[k].in[r]) == SX_NONE ? -1 : forms[k].in[r];
  s->trans_b = sx_attr_int(b->n, "transB", 0) != 0;
  s->alpha = sx_attr_float(b->n, "alpha", 1);
  SX_TRY(sx_activation_read(b, &s->act));
  b->state = s;
  return pack_right(b, s);
}

/* Factors of all columns (or the one): alpha * a_scale * b_scale / y_scale. */
static void make_factors(const params *q, const float *a, const float *b, const float *y, float *to) {
  for (int64_t n = 0; n < q->factors; n++) {
    float f = b ? b[q->b_scale.n == 1 ? 0 : n] : 1;
    if (a) f = *a * f;
    to[n] = y ? q->s->alpha * f / *y : q->s->alpha * f;
  }
}
static void make_bias(const params *q, const int32_t *bias, const float *factor, float *to) {
  for (int64_t i = 0; i < q->bias_count; i++) to[i] = (float)bias[i] * factor[q->factors == 1 ? 0 : i % q->factors];
}

/* What has to be made before the product when it is not constant: factors, the packed right side. */
static sx_status run_setup(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const product *s = q->s;
  char *m = c->scratch;
  const int64_t panels = sx_igemm_panels(s->t, q->b.N);
  for (uint32_t u = begin; u < end; u++) {
    if (u == 0) { /* the factors */
      if (s->in[A_SCALE] >= 0) sx_quant_scale_run(&q->a_scale, c);
      if (s->in[B_SCALE] >= 0) sx_quant_scale_run(&q->b_scale, c);
      if (s->in[Y_SCALE] >= 0) sx_quant_scale_run(&q->y_scale, c);
      if (q->factors && !q->factor)
        make_factors(q, q->a_later ? NULL : sx_quant_scales(&q->a_scale, m), sx_quant_scales(&q->b_scale, m),
                     s->in[Y_SCALE] >= 0 ? sx_quant_scales(&q->y_scale, m) : NULL, (float *)(m + q->factor_at));
      if (q->bias_count && !q->f32_bias)
        make_bias(q, c->in[s->in[BIAS]], q->factor ? q->factor : (float *)(m + q->factor_at), (float *)(m + q->bias_at));
      continue;
    }
    const int64_t matrix = (u - 1) / panels, p = (u - 1) % panels;
    sx_igemm_b b = q->b;
    b.b = (const char *)c->in[s->in[B]] + matrix * b.K * b.N;
    b.zero = s->in[B_ZERO] >= 0 ? c->in[s->in[B_ZERO]] : NULL;
    s->t->pack_b(&b, p, p + 1, m + q->packed_at + (size_t)matrix * q->packed_bytes);
  }
  return SX_OK;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const product *s = q->s;
  const char *m = c->scratch;
  sx_igemm_io io = {.a = c->in[s->in[A]], .b = s->packed ? s->packed : m + q->packed_at, .c = c->out[0], .a_scale = 1};
  if (s->in[A_ZERO] >= 0) io.a_zero = c->in[s->in[A_ZERO]];
  if (q->g.epi.bias)
    io.bias = q->f32_bias ? (const void *)q->f32_bias : q->bias_count ? m + q->bias_at : c->in[s->in[BIAS]];
  if (q->factors) io.scale = q->factor ? q->factor : (const float *)(const void *)(m + q->factor_at);
  if (q->a_later) io.a_scale = *sx_quant_scales(&q->a_scale, m);
  if (s->in[Y_ZERO] >= 0)
    io.out_zero = q->y_zero == SX_I8 ? *(const int8_t *)c->in[s->in[Y_ZERO]] : *(const uint8_t *)c->in[s->in[Y_ZERO]];
  s->t->run(&q->g, &io, begin, end, c->worker_scratch);
  return SX_OK;
}

static sx_status take(sx_prep *p, int64_t count, size_t elem, size_t *at) {
  size_t bytes;
  *at = sx_round_up(p->scratch, SX_ALIGN);
  if (!sx_size_mul((size_t)count, elem, &bytes) || !sx_size_add(*at, bytes, &p->scratch))
    SX_FAIL(p->e, FAIL, "scratch memory overflows");
  return SX_OK;
}

/* Scales: all constant, a's alone with the run (dynamic quantisation), or everything with the run. */
static sx_status prepare_factors(sx_prep *p, params *q) {
  const product *s = q->s;
  sx_quant_scale *const role[3] = {&q->a_scale, &q->b_scale, &q->y_scale};
  const int in[3] = {s->in[A_SCALE], s->in[B_SCALE], s->in[Y_SCALE]};
  for (int i = 0; i < 3; i++) {
    if (in[i] < 0) continue;
    SX_TRY(sx_quant_scale_prepare(p, in[i], -1, role[i]));
    if (role[i]->n != 1 && (i != 1 || role[i]->n != q->g.N))
      SX_FAIL(p->e, FAIL, "input %d has %lld elements, expected one%s", in[i], (long long)role[i]->n,
              i == 1 ? " or one per column" : "");
  }
  if (in[0] < 0) return SX_OK;
  q->factors = q->b_scale.n;
  q->a_later = !q->a_scale.constant && q->b_scale.constant && (in[2] < 0 || q->y_scale.constant) && !q->bias_count;
  if (q->b_scale.constant && (q->a_scale.constant || q->a_later) && (in[2] < 0 || q->y_scale.constant)) {
    float *f = SX_NEW_N(p->arena, float, (size_t)q->factors + 1);
    if (!f) SX_NO_MEMORY(p->e);
    make_factors(q, q->a_later ? NULL : q->a_scale.constant, q->b_scale.constant, in[2] < 0 ? NULL : q->y_scale.constant,
                 f);
    q->factor = f;
  } else
    SX_TRY(take(p, q->factors, sizeof(float), &q->factor_at));
  q->g.scale_col = q->factors != 1;
  return SX_OK;
}

static sx_status prepare_bias(sx_prep *p, params *q) {
  const product *s = q->s;
  if (s->in[BIAS] < 0) return SX_OK;
  const sx_view *v = &p->in[s->in[BIAS]];
  const int64_t cols = v->rank > 0 ? v->dims[v->rank - 1] : 1, rows = v->count / (cols ? cols : 1);
  if ((cols != 1 && cols != q->g.N) || (rows != 1 && rows != q->g.M) || v->rank > 2)
    SX_FAIL(p->e, INVALID_ARGUMENT, "the bias does not broadcast to %lld x %lld", (long long)q->g.M, (long long)q->g.N);
  q->g.epi.bias = true, q->g.epi.bias_col = cols != 1, q->g.epi.bias_row = rows != 1 ? cols : 0;
  if (q->g.out != SX_IGEMM_F32 || v->dtype == SX_F32) return SX_OK;
  q->bias_count = v->count;
  return SX_OK;
}
static sx_status prepare_f32_bias(sx_prep *p, params *q) {
  if (!q->bias_count) return SX_OK;
  const sx_view *v = &p->in[q->s->in[BIAS]];
  if (!v->constant || !q->factor) return take(p, q->bias_count, sizeof(float), &q->bias_at);
  float *f = SX_NEW_N(p->arena, float, (size_t)q->bias_count);
  if (!f) SX_NO_MEMORY(p->e);
  make_bias(q, v->constant, q->factor, f);
  q->f32_bias = f;
  return SX_OK;
}

/* Batch dimensions right-aligned; strides 0 where an operand repeats. */
static sx_status prepare_batch(sx_prep *p, params *q, const sx_view *a, const sx_view *b, int64_t *matrices) {
  sx_igemm *g = &q->g;
  const int ra = a->rank > 2 ? a->rank - 2 : 0, rb = b->rank > 2 ? b->rank - 2 : 0, r = ra > rb ? ra : rb;
  int64_t sa = g->M * g->K, sb = (int64_t)q->packed_bytes, sc = g->M * g->N, total = 1;
  *matrices = sx_dims_count(b->dims, 0, rb);
  if (*matrices == 1) { /* the rows of all matrices of A are one tall matrix */
    g->M *= sx_dims_count(a->dims, 0, ra);
    return SX_OK;
  }
  int n = 0;
  int64_t dim[SX_MAX_RANK], stride[SX_MAX_RANK][3];
  for (int i = r; i-- > 0;) {
    const int64_t da = i < r - ra ? 1 : a->dims[i - (r - ra)], db = i < r - rb ? 1 : b->dims[i - (r - rb)],
                  d = da == 1 ? db : da;
    if (da != db && da != 1 && db != 1)
      SX_FAIL(p->e, FAIL, "batch dimension %d is %lld and %lld", i, (long long)da, (long long)db);
    const int64_t x = da == 1 ? 0 : sa, y = db == 1 ? 0 : sb;
    sa *= da, sb *= db, total *= d;
    if (d == 1) continue;
    if (n && x == stride[n - 1][0] * dim[n - 1] && y == stride[n - 1][1] * dim[n - 1])
      dim[n - 1] *= d;
    else
      dim[n] = d, stride[n][0] = x, stride[n][1] = y, stride[n++][2] = sc;
    sc *= d;
  }
  if (n > SX_GEMM_BATCH)
    SX_FAIL(p->e, NOT_IMPLEMENTED, "more than %d batch dimensions that cannot be merged", SX_GEMM_BATCH);
  g->batch_rank = n;
  for (int i = 0; i < n; i++)
    g->batch[n - 1 - i] = dim[i], g->a_batch[n - 1 - i] = stride[i][0], g->b_batch[n - 1 - i] = stride[i][1],
                     g->c_batch[n - 1 - i] = stride[i][2];
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  static const sx_igemm_out outs[SX_DTYPE_COUNT] = {[SX_U8] = SX_IGEMM_U8, [SX_I8] = SX_IGEMM_S8, [SX_F32] = SX_IGEMM_F32};
  const product *s = p->state;
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  p->params = q;
  const sx_view *a = &p->in[s->in[A]], *b = &p->in[s->in[B]];
  sx_igemm *g = &q->g;
  q->s = s, q->b = describe_b(s, b->rank, b->dims, a->dtype, b->dtype);
  g->M = a->rank == 1 ? 1 : a->dims[a->rank - 2], g->K = a->dims[a->rank - 1], g->N = q->b.N;
  g->a_row = g->K, g->c_row = g->N, g->a_signed = a->dtype == SX_I8, g->out = outs[p->out[0].dtype];
  if (q->b.K != g->K) SX_FAIL(p->e, FAIL, "the inner dimensions differ: %lld and %lld", (long long)g->K, (long long)q->b.K);
  if (!sx_igemm_packed_bytes(s->t, g->K, g->N, &q->packed_bytes)) SX_FAIL(p->e, FAIL, "the right side does not fit memory");
  SX_TRY(prepare_bias(p, q));
  SX_TRY(prepare_factors(p, q));
  SX_TRY(prepare_f32_bias(p, q));
  if (g->out == SX_IGEMM_F32) sx_activation_apply(&s->act, &g->epi);
  int64_t matrices, rows = g->M;
  SX_TRY(prepare_batch(p, q, a, b, &matrices));
  if (g->epi.bias_row && g->M != rows) SX_FAIL(p->e, NOT_IMPLEMENTED, "a bias per row under a batch");
  if (s->in[A_ZERO] >= 0) {
    const int64_t n = p->in[s->in[A_ZERO]].count;
    if (n != 1 && (n != g->M || g->batch_rank))
      SX_FAIL(p->e, FAIL, "%lld zero points for A, expected one or one per row", (long long)n);
    g->a_zero_row = n != 1;
  }
  if (s->in[B_ZERO] >= 0) {
    const int64_t n = p->in[s->in[B_ZERO]].count;
    if (n != 1 && n != g->N) SX_FAIL(p->e, FAIL, "%lld zero points for B, expected one or one per column", (long long)n);
    q->b.zero_col = n != 1;
  }
  if (s->in[Y_ZERO] >= 0) q->y_zero = (sx_dtype)p->in[s->in[Y_ZERO]].dtype;
  sx_igemm_plan(s->t, g);
  int64_t pack_units = 0;
  if (!s->packed) {
    SX_TRY(take(p, matrices, q->packed_bytes, &q->packed_at));
    pack_units = matrices * sx_igemm_panels(s->t, g->N);
  }
  bool constant = (!q->factors || q->factor) && (!q->bias_count || q->f32_bias) && !q->a_later && s->packed;
  if (!constant && g->units)
    SX_TRY(sx_prep_phase(p, run_setup, 1 + pack_units, pack_units ? (double)q->packed_bytes * 0.3 : 50, 0));
  return sx_prep_phase(p, run, g->units, g->unit_ns, g->scratch);
}

#define ROW(N) \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "igemm", .claim = claim, .create = create, .prepare = prepare};
ROW(MatMulInteger) ROW(QLinearMatMul) ROW(MatMulIntegerToFloat) ROW(QuantLinear) ROW(QGemm)
