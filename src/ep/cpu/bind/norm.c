// SPDX-License-Identifier: MIT
/* Normalisations on the norm family; BatchNormalization at inference is a multiply-add per channel. */
#include "ep/ep.h"
#include "ep/cpu/kernels/elementwise/elementwise.h"
#include "ep/cpu/kernels/norm/norm.h"
#include <math.h>

typedef struct row_params { sx_row_norm_args a; int gamma, beta, skip, bias, sum, mean, inv_std; } row_params;

static const void *in_at(const sx_call *c, int i) { return i < 0 ? NULL : c->in[i]; }
static void *out_at(const sx_call *c, int i) { return i < 0 ? NULL : c->out[i]; }
static sx_status run_rows(const sx_call *c, uint32_t begin, uint32_t end) {
  const row_params *q = c->params;
  sx_row_norm_args a = q->a;
  a.gamma = in_at(c, q->gamma), a.beta = in_at(c, q->beta), a.skip = in_at(c, q->skip), a.bias = in_at(c, q->bias);
  a.sum = out_at(c, q->sum), a.mean = out_at(c, q->mean), a.inv_std = out_at(c, q->inv_std);
  sx_row_norm_run(&a, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}

static int input(const sx_prep *p, uint32_t i) { return i < p->n_in && p->in[i].dtype ? (int)i : -1; }
static int output(const sx_prep *p, uint32_t o) { return o < p->n_out && p->out[o].dtype ? (int)o : -1; }
static sx_status check_row(const sx_prep *p, int i, int64_t n) {
  if (i >= 0 && p->in[i].count != n) SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has %lld elements, expected %lld (the normalised axes)", i, (long long)p->in[i].count, (long long)n);
  return SX_OK;
}

static sx_status prepare_rows(sx_prep *p) {
  row_params *q = SX_NEW(p->arena, row_params);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  bool skip = p->n->op == &sx_op_SkipLayerNorm;
  int64_t axis = sx_attr_int(p->n, "axis", -1);
  if (axis < 0) axis += x->rank;
  *q = (row_params){.a = {.isa = p->cpu->isa, .type = (sx_dtype)x->dtype, .rms = p->n->op == &sx_op_RMSNormalization, .rows = sx_dims_count(x->dims, 0, (int)axis), .n = sx_dims_count(x->dims, (int)axis, x->rank), .epsilon = sx_attr_float(p->n, "epsilon", 1e-5f)},
                    .gamma = skip ? 2 : 1, .beta = input(p, skip ? 3 : 2), .skip = skip ? 1 : -1, .bias = skip ? input(p, 4) : -1, .sum = skip ? output(p, 1) : -1, .mean = skip || q->a.rms ? -1 : output(p, 1), .inv_std = skip ? -1 : output(p, 2)};
  if (q->a.rms) q->mean = -1, q->beta = -1;
  q->gamma = input(p, (uint32_t)q->gamma);
  SX_TRY(check_row(p, q->gamma, q->a.n));
  SX_TRY(check_row(p, q->beta, q->a.n));
  SX_TRY(check_row(p, q->bias, q->a.n));
  if (skip) {
    int64_t rows = p->in[1].count / (q->a.n ? q->a.n : 1);
    if (rows * q->a.n != p->in[1].count || rows == 0 || q->a.rows % rows) SX_FAIL(p->e, INVALID_ARGUMENT, "the addend of %lld elements does not fit %lld rows of %lld", (long long)p->in[1].count, (long long)q->a.rows, (long long)q->a.n);
    q->a.skip_rows = rows == q->a.rows ? 0 : rows;
  }
  p->params = q;
  return x->count ? sx_prep_phase(p, run_rows, q->a.rows, (double)q->a.n * 0.25 + 10, sx_row_norm_scratch_bytes(&q->a)) : SX_OK;
}

static sx_status run_groups(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_group_norm_args a = *(const sx_group_norm_args *)c->params;
  a.gamma = c->in[1], a.beta = c->in[2];
  sx_group_norm_run(&a, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_groups(sx_prep *p) {
  sx_group_norm_args *a = SX_NEW(p->arena, sx_group_norm_args);
  if (!a) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  if (x->rank < 2) SX_FAIL(p->e, INVALID_ARGUMENT, "input 0 has rank %d, expected 2 or more", x->rank);
  *a = (sx_group_norm_args){.isa = p->cpu->isa, .type = (sx_dtype)x->dtype, .N = x->dims[0], .C = x->dims[1], .HW = sx_dims_count(x->dims, 2, x->rank), .epsilon = sx_attr_float(p->n, "epsilon", 1e-5f)};
  a->groups = p->n->op == &sx_op_InstanceNormalization ? a->C : sx_attr_int(p->n, "num_groups", 1);
  if (a->groups < 1 || a->C % a->groups) SX_FAIL(p->e, INVALID_ARGUMENT, "%lld channels do not divide into %lld groups", (long long)a->C, (long long)a->groups);
  SX_TRY(check_row(p, 1, a->C));
  SX_TRY(check_row(p, 2, a->C));
  p->params = a;
  return x->count ? sx_prep_phase(p, run_groups, a->N * a->groups, (double)(a->C / a->groups * a->HW) * 0.3 + 10, sx_group_norm_scratch_bytes(a)) : SX_OK;
}

static sx_status run_lrn(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_lrn_run(c->params, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_lrn(sx_prep *p) {
  sx_lrn_args *a = SX_NEW(p->arena, sx_lrn_args);
  if (!a) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  if (x->rank < 2) SX_FAIL(p->e, INVALID_ARGUMENT, "input 0 has rank %d, expected 2 or more", x->rank);
  *a = (sx_lrn_args){p->cpu->isa, (sx_dtype)x->dtype, x->dims[0], x->dims[1], sx_dims_count(x->dims, 2, x->rank), sx_attr_int(p->n, "size", 1), sx_attr_float(p->n, "alpha", 1e-4f), sx_attr_float(p->n, "beta", 0.75f), sx_attr_float(p->n, "bias", 1)};
  p->params = a;
  return x->count ? sx_prep_phase(p, run_lrn, sx_lrn_units(a), (double)a->C * 256, sx_lrn_scratch_bytes(a)) : SX_OK;
}

static sx_status run_lp(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_lp_norm_run(c->params, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_lp(sx_prep *p) {
  sx_lp_norm_args *a = SX_NEW(p->arena, sx_lp_norm_args);
  if (!a) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  int64_t axis = sx_attr_int(p->n, "axis", -1);
  if (axis < 0) axis += x->rank;
  *a = (sx_lp_norm_args){p->cpu->isa, (sx_dtype)x->dtype, sx_dims_count(x->dims, 0, (int)axis), x->rank ? x->dims[axis] : 1, sx_dims_count(x->dims, (int)axis + 1, x->rank), (int)sx_attr_int(p->n, "p", 2)};
  p->params = a;
  return x->count ? sx_prep_phase(p, run_lp, a->outer, (double)(a->n * a->inner), sx_lp_norm_scratch_bytes(a)) : SX_OK;
}

/* y = x * a + b with a = scale / sqrt(var + eps), b = B - mean * a: computed per run into scratch, then a program of one
 * instruction with per-channel operands. */
typedef struct batch_norm { sx_ew_code *code; int64_t channels, padded; double eps; uint8_t ptype; sx_isa isa; } batch_norm;
static double number(const void *p, uint8_t t, int64_t i) { return t == SX_F64 ? ((const double *)p)[i] : ((const float *)p)[i]; }
static sx_status run_coefficients(const sx_call *c, uint32_t begin, uint32_t end) {
  const batch_norm *q = c->params;
  double *a = c->scratch, *b = a + q->padded;
  (void)begin, (void)end;
  for (int64_t i = 0; i < q->padded; i++) {
    a[i] = i < q->channels ? number(c->in[1], q->ptype, i) / sqrt(number(c->in[4], q->ptype, i) + q->eps) : 0;
    b[i] = i < q->channels ? number(c->in[2], q->ptype, i) - number(c->in[3], q->ptype, i) * a[i] : 0;
  }
  if (q->ptype == SX_F32)
    for (int64_t i = 0; i < 2 * q->padded; i++) ((float *)c->scratch)[i] = (float)a[i]; /* narrowed in place, forwards */
  return SX_OK;
}
static sx_status run_batch_norm(const sx_call *c, uint32_t begin, uint32_t end) {
  const batch_norm *q = c->params;
  size_t elem = q->ptype == SX_F32 ? sizeof(float) : sizeof(double);
  const void *in[3] = {c->in[0], c->scratch, (char *)c->scratch + (size_t)q->padded * elem};
  sx_ew_run(q->code, in, c->out, begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_batch_norm(sx_prep *p) {
  batch_norm *q = SX_NEW(p->arena, batch_norm);
  sx_ew_program *g = SX_NEW(p->arena, sx_ew_program);
  sx_ew_space *space = SX_NEW(p->arena, sx_ew_space);
  if (!q || !g || !space) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  int64_t dims[SX_MAX_RANK + 1], ch[SX_MAX_RANK + 1];
  int rank = x->rank, block = x->layout == SX_BLOCKED ? x->block : 0;
  for (int i = 0; i < rank; i++) dims[i] = x->dims[i], ch[i] = i == 1 ? x->dims[1] : 1;
  *q = (batch_norm){.channels = rank > 1 ? x->dims[1] : 1, .eps = sx_attr_float(p->n, "epsilon", 1e-5f), .ptype = p->in[1].dtype, .isa = p->cpu->isa};
  q->padded = q->channels;
  if (block) {
    dims[1] = ch[1] = (q->channels + block - 1) / block;
    dims[rank] = ch[rank] = block;
    q->padded = dims[1] * block;
    rank++;
  }
  for (uint32_t i = 1; i < 5; i++) SX_TRY(check_row(p, (int)i, q->channels));
  sx_dtype wide = q->ptype == SX_F64 ? SX_F64 : SX_F32;
  uint16_t vx = sx_ew_input(g, p->arena, (sx_dtype)x->dtype), va = sx_ew_input(g, p->arena, wide), vb = sx_ew_input(g, p->arena, wide);
  sx_ew_store(g, p->arena, sx_ew_op3(g, p->arena, SX_EW_MulAdd, vx, va, vb), (sx_dtype)p->out[0].dtype, 0);
  sx_ew_shape shapes[4] = {{dims, NULL, (uint32_t)rank}, {ch, NULL, (uint32_t)rank}, {ch, NULL, (uint32_t)rank}, {dims, NULL, (uint32_t)rank}};
  SX_TRY(sx_ew_space_init(space, (uint32_t)rank, dims, 3, 1, shapes, p->e));
  void *mem = sx_arena_alloc(p->arena, sx_ew_code_bytes(g));
  if (!mem) SX_NO_MEMORY(p->e);
  SX_TRY(sx_ew_compile(g, space, p->cpu->isa, mem, &q->code, p->e));
  p->params = q;
  p->scratch = (size_t)q->padded * 2 * sizeof(double);
  SX_TRY(sx_prep_phase(p, run_coefficients, 1, (double)q->channels * 10, 0));
  return sx_prep_phase(p, run_batch_norm, sx_ew_units(q->code), sx_ew_unit_ns(q->code), sx_ew_scratch_bytes(q->code));
}
static bool claim_batch_norm(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *s = &sx_value_at(g, n->in[1].value)->fact;
  *reason = "training mode, or statistics that are neither f32 nor f64";
  for (uint32_t i = 1; i < 5; i++)
    if (sx_value_at(g, n->in[i].value)->fact.dtype != s->dtype) return false;
  return !sx_attr_int(n, "training_mode", 0) && (s->dtype == SX_F32 || s->dtype == SX_F64);
}

#define FLOATS (1u << SX_F32 | 1u << SX_F64 | 1u << SX_F16 | 1u << SX_BF16)
#define ROWS(N) const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "row_norm", .types = FLOATS, .flags = SX_KERNEL_INPLACE0, .prepare = prepare_rows};
ROWS(LayerNormalization) ROWS(RMSNormalization) ROWS(SkipLayerNorm)
const sx_kernel sx_cpu_InstanceNormalization = {.op = &sx_op_InstanceNormalization, .name = "group_norm", .types = FLOATS, .prepare = prepare_groups};
const sx_kernel sx_cpu_GroupNormalization = {.op = &sx_op_GroupNormalization, .name = "group_norm", .types = FLOATS, .prepare = prepare_groups};
const sx_kernel sx_cpu_LRN = {.op = &sx_op_LRN, .name = "lrn", .types = FLOATS, .prepare = prepare_lrn};
const sx_kernel sx_cpu_LpNormalization = {.op = &sx_op_LpNormalization, .name = "lp_norm", .types = FLOATS, .prepare = prepare_lp};
const sx_kernel sx_cpu_BatchNormalization = {.op = &sx_op_BatchNormalization, .name = "batch_norm", .types = FLOATS, .flags = SX_KERNEL_INPLACE0 | SX_KERNEL_BLOCKED, .claim = claim_batch_norm, .prepare = prepare_batch_norm};
