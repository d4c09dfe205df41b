// SPDX-License-Identifier: MIT
/* Normalisations on the norm family; BatchNormalization at inference is a multiply-add per channel. */
#include "base/stop.h"
#include "ep/ep.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/norm/norm.h"
#include <math.h>

typedef struct row_params {
  sx_row_norm_args a;
  int gamma, beta, skip, bias, sum, mean, inv_std;
} row_params;

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
  if (i >= 0 && p->in[i].count != n)
    SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has %lld elements, expected %lld (the normalised axes)", i,
            (long long)p->in[i].count, (long long)n);
  return SX_OK;
}

static sx_status prepare_rows(sx_prep *p) {
  row_params *q = SX_NEW(p->arena, row_params);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0];
  bool skip = p->n->op == &sx_op_SkipLayerNorm;
  int64_t axis = sx_attr_int(p->n, "axis", -1);
  if (axis < 0) axis += x->rank;
  *q = (row_params){.a = {.isa = p->cpu->isa,
                          .type = (sx_dtype)x->dtype,
                          .rms = p->n->op == &sx_op_RMSNormalization,
                          .rows = sx_dims_count(x->dims, 0, (int)axis),
                          .n = sx_dims_count(x->dims, (int)axis, x->rank),
                          .epsilon = sx_attr_float(p->n, "epsilon", 1e-5f)},
                    .gamma = skip ? 2 : 1,
                    .beta = input(p, skip ? 3 : 2),
                    .skip = skip ? 1 : -1,
                    .bias = skip ? input(p, 4) : -1,
                    .sum = skip ? output(p, 1) : -1,
                    .mean = skip || q->a.rms ? -1 : output(p, 1),
                    .inv_std = skip ? -1 : output(p, 2)};
  if (q->a.rms) q->mean = -1, q->beta = -1;
  q->gamma = input(p, (uint32_t)q->gamma);
  SX_TRY(check_row(p, q->gamma, q->a.n));
  SX_TRY(check_row(p, q->beta, q->a.n));
  SX_TRY(check_row(p, q->bias, q->a.n));
  if (skip) {
    int64_t rows = p->in[1].count / (q->a.n ? q->a.n : 1);
    if (rows * q->a.n != p->in[1].count || (x->count && (rows == 0 || q->a.rows % rows)))
      SX_FAIL(p->e, INVALID_ARGUMENT, "the addend of %lld elements does not fit %lld rows of %lld",
              (long long)p->in[1].count, (long long)q->a.rows, (long long)q->a.n);
    q->a.skip_rows = rows == q->a.rows ? 0 : rows;
  }
  p->params = q;
  return x->count ? sx_prep_phase(p, run_rows, q->a.rows, (double)q->a.n * 0.25 + 10, sx_row_norm_scratch_bytes(&q->a))
                  : SX_OK;
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
  *a = (sx_group_norm_args){.isa = p->cpu->isa,
                            .type = (sx_dtype)x->dtype,
                            .N = x->dims[0],
                            .C = x->dims[1],
                            .HW = sx_dims_count(x->dims, 2, x->rank),
                            .epsilon = sx_attr_float(p->n, "epsilon", 1e-5f)};
  a->groups = p->n->op == &sx_op_InstanceNormalization ? a->C : sx_attr_int(p->n, "num_groups", 1);
  if (a->groups < 1 || a->C % a->groups)
    SX_FAIL(p->e, FAIL, "%lld channels do not divide into %lld groups", (long long)a->C, (long long)a->groups);
  SX_TRY(check_row(p, 1, a->C));
  SX_TRY(check_row(p, 2, a->C));
  p->params = a;
  return x->count ? sx_prep_phase(p, run_groups, a->N * a->groups, (double)(a->C / a->groups * a->HW) * 0.3 + 10,
                                  sx_group_norm_scratch_bytes(a))
                  : SX_OK;
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
  *a = (sx_lrn_args){p->cpu->isa,
                     (sx_dtype)x->dtype,
                     x->dims[0],
                     x->dims[1],
                     sx_dims_count(x->dims, 2, x->rank),
                     sx_attr_int(p->n, "size", 1),
                     sx_attr_float(p->n, "alpha", 1e-4f),
                     sx_attr_float(p->n, "beta", 0.75f),
                     sx_attr_float(p->n, "bias", 1)};
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
  int64_t axis = x->rank ? sx_attr_int(p->n, "axis", -1) : 0;
  if (axis < 0) axis += x->rank;
  *a = (sx_lp_norm_args){p->cpu->isa,
                         (sx_dtype)x->dtype,
                         sx_dims_count(x->dims, 0, (int)axis),
                         x->rank ? x->dims[axis] : 1,
                         sx_dims_count(x->dims, (int)axis + 1, x->rank),
                         (int)sx_attr_int(p->n, "p", 2)};
  p->params = a;
  return x->count ? sx_prep_phase(p, run_lp, a->outer, (double)(a->n * a->inner) * 0.3 + 10, sx_lp_norm_scratch_bytes(a)) : SX_OK;
}

/* y = x * a + b with a = scale / sqrt(var + eps), b = B - mean * a: computed per run into scratch, then a program of one
 * instruction with per-channel operands. */
typedef struct batch_norm {
  sx_ew_code *code;
  int64_t channels, padded;
  double eps;
  uint8_t ptype, types[5];
  sx_isa isa;
} batch_norm;
static double number(const batch_norm *q, const sx_call *c, uint32_t i, int64_t k) {
  double v;
  sx_dtype t = (sx_dtype)q->types[i];
  sx_cast_run(q->isa, t, SX_F64, 0, &v, (const char *)c->in[i] + (size_t)k * (sx_dtype_bits(t) / 8), 0, 1);
  return v;
}
static sx_status run_coefficients(const sx_call *c, uint32_t begin, uint32_t end) {
  const batch_norm *q = c->params;
  double *a = c->scratch, *b = a + q->padded;
  (void)begin, (void)end;
  for (int64_t i = 0; i < q->padded; i++) {
    a[i] = i < q->channels ? number(q, c, 1, i) / sqrt(number(q, c, 4, i) + q->eps) : 0;
    b[i] = i < q->channels ? number(q, c, 2, i) - number(q, c, 3, i) * a[i] : 0;
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
  *q = (batch_norm){.channels = rank > 1 ? x->dims[1] : 1,
                    .eps = sx_attr_float(p->n, "epsilon", 1e-5f),
                    .ptype = x->dtype == SX_F64 ? SX_F64 : SX_F32,
                    .isa = p->cpu->isa};
  for (uint32_t i = 0; i < 5; i++) q->types[i] = p->in[i].dtype;
  q->padded = q->channels;
  if (block) {
    dims[1] = ch[1] = (q->channels + block - 1) / block;
    dims[rank] = ch[rank] = block;
    q->padded = dims[1] * block;
    rank++;
  }
  for (uint32_t i = 1; i < 5; i++) SX_TRY(check_row(p, (int)i, q->channels));
  sx_dtype wide = q->ptype == SX_F64 ? SX_F64 : SX_F32;
  uint16_t vx = sx_ew_input(g, p->arena, (sx_dtype)x->dtype), va = sx_ew_input(g, p->arena, wide),
           vb = sx_ew_input(g, p->arena, wide);
  sx_ew_store(g, p->arena, sx_ew_op3(g, p->arena, SX_EW_MulAdd, vx, va, vb), (sx_dtype)p->out[0].dtype, 0);
  sx_ew_shape shapes[4] = {
      {dims, NULL, (uint32_t)rank}, {ch, NULL, (uint32_t)rank}, {ch, NULL, (uint32_t)rank}, {dims, NULL, (uint32_t)rank}};
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
  (void)g;
  *reason = "training mode";
  return !sx_attr_int(n, "training_mode", 0);
}

/* Training: mean and variance of each channel of x itself, which also move the running ones; then the same multiply-add,
 * plane by plane. Units are channels, then planes. */
typedef struct batch_train {
  batch_norm bn;
  int64_t N, HW;
  double momentum;
  size_t elem;
  uint8_t out_types[3];
} batch_train;
enum { PART = 256 };
static void to_f64(const batch_train *q, const sx_call *c, int64_t at, int64_t n, double *v) {
  sx_cast_run(q->bn.isa, (sx_dtype)q->bn.types[0], SX_F64, 0, v, (const char *)c->in[0] + (size_t)at * q->elem, 0, n);
}
/* The sum of (x - shift)^power over a channel. */
static double channel_sum(const batch_train *q, const sx_call *c, int64_t channel, double shift, bool square) {
  double v[PART], sum = 0, spent = 0;
  for (int64_t n = 0; n < q->N; n++) {
    double row = 0;
    for (int64_t i = 0; i < q->HW && !sx_stop_spent(&spent, PART); i += PART) {
      int64_t m = q->HW - i < PART ? q->HW - i : PART;
      to_f64(q, c, (n * q->bn.channels + channel) * q->HW + i, m, v);
      for (int64_t k = 0; k < m; k++) row += square ? (v[k] - shift) * (v[k] - shift) : v[k];
    }
    sum += row;
  }
  return sum;
}
static sx_status run_statistics(const sx_call *c, uint32_t begin, uint32_t end) {
  const batch_train *q = c->params;
  double *a = c->scratch, *b = a + q->bn.channels, count = (double)(q->N * q->HW);
  for (int64_t i = begin; i < end; i++) {
    double mean = channel_sum(q, c, i, 0, false) / count, variance = channel_sum(q, c, i, mean, true) / count,
           now[2] = {mean, variance};
    a[i] = number(&q->bn, c, 1, i) / sqrt(variance + q->bn.eps);
    b[i] = number(&q->bn, c, 2, i) - mean * a[i];
    for (uint32_t o = 1; o < 3; o++) {
      if (!q->out_types[o]) continue;
      double v = number(&q->bn, c, o + 2, i) * q->momentum + now[o - 1] * (1 - q->momentum);
      sx_cast_run(q->bn.isa, SX_F64, (sx_dtype)q->out_types[o], 0,
                  (char *)c->out[o] + (size_t)i * (sx_dtype_bits((sx_dtype)q->out_types[o]) / 8), &v, 0, 1);
    }
  }
  return SX_OK;
}
static sx_status run_train(const sx_call *c, uint32_t begin, uint32_t end) {
  const batch_train *q = c->params;
  const double *a = c->scratch, *b = a + q->bn.channels;
  double v[PART], spent = 0;
  for (int64_t u = begin; u < end; u++)
    for (int64_t i = 0; i < q->HW && !sx_stop_spent(&spent, PART); i += PART) {
      int64_t m = q->HW - i < PART ? q->HW - i : PART, ch = u % q->bn.channels;
      to_f64(q, c, u * q->HW + i, m, v);
      for (int64_t k = 0; k < m; k++) v[k] = v[k] * a[ch] + b[ch];
      if (c->out[0])
        sx_cast_run(q->bn.isa, SX_F64, (sx_dtype)q->bn.types[0], 0, (char *)c->out[0] + (size_t)(u * q->HW + i) * q->elem,
                    v, 0, m);
    }
  return SX_OK;
}
static sx_status prepare_train(sx_prep *p) {
  batch_train *q = SX_NEW(p->arena, batch_train);
  const sx_view *x = &p->in[0];
  if (!q) SX_NO_MEMORY(p->e);
  if (x->rank < 1) SX_FAIL(p->e, INVALID_ARGUMENT, "the input is a scalar, expected [N, C, ...]");
  q->bn = (batch_norm){
      .channels = x->rank > 1 ? x->dims[1] : 1, .eps = sx_attr_float(p->n, "epsilon", 1e-5f), .isa = p->cpu->isa};
  q->N = x->dims[0], q->HW = x->rank > 1 ? sx_dims_count(x->dims, 2, x->rank) : 1,
  q->momentum = sx_attr_float(p->n, "momentum", 0.9f), q->elem = sx_dtype_bits((sx_dtype)x->dtype) / 8;
  for (uint32_t i = 0; i < 5; i++) q->bn.types[i] = p->in[i].dtype;
  for (uint32_t o = 0; o < p->n_out && o < 3; o++) q->out_types[o] = p->out[o].dtype;
  for (int i = 1; i < 5; i++) SX_TRY(check_row(p, i, q->bn.channels));
  p->params = q;
  p->scratch = (size_t)q->bn.channels * 2 * sizeof(double);
  SX_TRY(sx_prep_phase(p, run_statistics, q->bn.channels, (double)(q->N * q->HW) * 3 + 50, 0));
  return sx_prep_phase(p, run_train, q->N * q->bn.channels, (double)q->HW * 2 + 10, 0);
}
static bool claim_train(const sx_graph *g, const sx_node *n, const char **reason) {
  (void)g;
  *reason = "inference mode";
  return sx_attr_int(n, "training_mode", 0) != 0;
}

#define FLOATS (1u << SX_F32 | 1u << SX_F64 | 1u << SX_F16 | 1u << SX_BF16)
static bool claim_rows(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "input and scale are of different types";
  for (uint32_t i = 1; i < n->n_in; i++)
    if (n->in[i].value != SX_NONE &&
        sx_value_at(g, n->in[i].value)->fact.dtype != sx_value_at(g, n->in[0].value)->fact.dtype)
      return false;
  return true;
}
#define ROWS(N)                                              \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N,            \
                                .name = "row_norm",          \
                                .types = FLOATS,             \
                                .flags = SX_KERNEL_INPLACE0, \
                                .claim = claim_rows,         \
                                .prepare = prepare_rows};
ROWS(LayerNormalization)
ROWS(RMSNormalization) ROWS(SkipLayerNorm)
const sx_kernel sx_cpu_InstanceNormalization = {
    .op = &sx_op_InstanceNormalization, .name = "group_norm", .types = FLOATS, .prepare = prepare_groups};
const sx_kernel sx_cpu_GroupNormalization = {
    .op = &sx_op_GroupNormalization, .name = "group_norm", .types = FLOATS, .prepare = prepare_groups};
const sx_kernel sx_cpu_LRN = {.op = &sx_op_LRN, .name = "lrn", .types = FLOATS, .prepare = prepare_lrn};
const sx_kernel sx_cpu_LpNormalization = {
    .op = &sx_op_LpNormalization, .name = "lp_norm", .types = FLOATS, .prepare = prepare_lp};
const sx_kernel sx_cpu_BatchNormalization = {.op = &sx_op_BatchNormalization,
                                             .name = "batch_norm",
                                             .types = FLOATS,
                                             .flags = SX_KERNEL_INPLACE0 | SX_KERNEL_BLOCKED,
                                             .claim = claim_batch_norm,
                                             .prepare = prepare_batch_norm};
const sx_kernel sx_cpu_BatchNormalization_2 = {.op = &sx_op_BatchNormalization,
                                               .name = "batch_norm_train",
                                               .types = FLOATS,
                                               .claim = claim_train,
                                               .prepare = prepare_train};
