// SPDX-License-Identifier: MIT
/* Softmax, LogSoftmax, Hardmax and MaskedSoftmax on the softmax family. */
#include "ep/ep.h"
#include "ep/cpu/kernels/softmax/softmax.h"

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_softmax_run(c->params, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status run_masked(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_softmax_args a = *(const sx_softmax_args *)c->params;
  a.mask = c->in[1];
  sx_softmax_run(&a, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}

static sx_status shape(sx_prep *p, sx_softmax_args **out) {
  const sx_view *x = &p->in[0];
  sx_softmax_args *a = SX_NEW(p->arena, sx_softmax_args);
  if (!a) SX_NO_MEMORY(p->e);
  int64_t axis = sx_attr_int(p->n, "axis", -1);
  if (axis < 0) axis += x->rank;
  bool scalar = x->rank == 0;
  *a = (sx_softmax_args){.isa = p->cpu->isa,
                         .type = (sx_dtype)x->dtype,
                         .log = p->n->op == &sx_op_LogSoftmax,
                         .scale = 1,
                         .outer = scalar ? 1 : sx_dims_count(x->dims, 0, (int)axis),
                         .n = scalar ? 1 : x->dims[axis],
                         .inner = scalar ? 1 : sx_dims_count(x->dims, (int)axis + 1, x->rank)};
  for (int i = 0; i < 3; i++) a->mask_div[i] = a->mask_mod[i] = 1;
  p->params = a;
  *out = a;
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  sx_softmax_args *a;
  SX_TRY(shape(p, &a));
  return p->in[0].count ? sx_prep_phase(p, run, sx_softmax_units(a), sx_softmax_unit_ns(a), sx_softmax_scratch_bytes(a))
                        : SX_OK;
}

/* Scores or mask that are broadcast in some other way, which only the run's sizes show: each row is added up first. f32. */
typedef struct sums {
  sx_softmax_args row;
  int rank;
  float scale;
  int64_t dims[SX_MAX_RANK], x[SX_MAX_RANK], m[SX_MAX_RANK]; /* strides in elements, 0 where broadcast */
} sums;
static sx_status run_sums(const sx_call *c, uint32_t begin, uint32_t end) {
  const sums *s = c->params;
  int last = s->rank - 1;
  for (uint32_t u = begin; u < end; u++) {
    const float *x = c->in[0], *m = c->in[1];
    float *y = (float *)c->out[0] + (size_t)u * (size_t)s->dims[last];
    int64_t r = u;
    for (int i = last; i-- > 0; r /= s->dims[i]) x += r % s->dims[i] * s->x[i], m += r % s->dims[i] * s->m[i];
    for (int64_t k = 0; k < s->dims[last]; k++) y[k] = x[k * s->x[last]] * s->scale + m[k * s->m[last]];
    sx_softmax_run(&s->row, y, y, 0, 1, c->worker_scratch);
  }
  return SX_OK;
}
static sx_status broadcast_strides(const sx_prep *p, int input, int64_t *stride) {
  const sx_view *v = &p->in[input], *y = &p->out[0];
  int64_t s = 1;
  if (v->rank > y->rank) SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has rank %d, the result %d", input, v->rank, y->rank);
  for (int i = y->rank, k = v->rank; i-- > 0;) {
    int64_t d = --k >= 0 ? v->dims[k] : 1;
    if (d != 1 && d != y->dims[i])
      SX_FAIL(p->e, INVALID_ARGUMENT, "input %d has %lld at axis %d, where the result has %lld", input, (long long)d, k,
              (long long)y->dims[i]);
    stride[i] = d == 1 ? 0 : s;
    s *= d;
  }
  return SX_OK;
}
static sx_status prepare_sums(sx_prep *p, const sx_softmax_args *a) {
  sums *s = SX_NEW(p->arena, sums);
  const sx_view *y = &p->out[0];
  if (!s) SX_NO_MEMORY(p->e);
  if (p->in[0].dtype != SX_F32) SX_FAIL(p->e, NOT_IMPLEMENTED, "scores that are broadcast to the mask");
  s->row = *a, s->row.outer = 1, s->row.n = y->dims[y->rank - 1], s->row.inner = 1, s->row.scale = 1, s->row.masked = true;
  s->rank = y->rank, s->scale = sx_attr_float(p->n, "scale", 1);
  for (int i = 0; i < y->rank; i++) s->dims[i] = y->dims[i];
  SX_TRY(broadcast_strides(p, 0, s->x));
  SX_TRY(broadcast_strides(p, 1, s->m));
  p->params = s;
  return y->count ? sx_prep_phase(p, run_sums, sx_dims_count(y->dims, 0, y->rank - 1), (double)s->row.n * 3 + 20,
                                  sx_softmax_scratch_bytes(&s->row))
                  : SX_OK;
}

/* Which row of the mask belongs to a row of x: dimensions that the mask has, merged where they lie together. */
static sx_status prepare_masked(sx_prep *p) {
  sx_softmax_args *a;
  SX_TRY(shape(p, &a));
  const sx_view *x = &p->in[0];
  a->scale = sx_attr_float(p->n, "scale", 1);
  bool masked = p->n_in > 1 && p->in[1].dtype, whole = p->in[0].rank == p->out[0].rank;
  for (int i = 0; i < p->out[0].rank && whole; i++) whole = p->in[0].dims[i] == p->out[0].dims[i];
  if (masked && (!whole || p->in[1].rank < 1 || p->in[1].dims[p->in[1].rank - 1] != a->n)) return prepare_sums(p, a);
  if (!p->in[0].count) return SX_OK;
  if (!masked) return sx_prep_phase(p, run, sx_softmax_units(a), sx_softmax_unit_ns(a), sx_softmax_scratch_bytes(a));
  const sx_view *m = &p->in[1];
  a->masked = true;
  int entries = 0, lead = x->rank - m->rank;
  int64_t div = 1, mul = 1;
  bool joined = false;
  if (m->rank > x->rank) SX_FAIL(p->e, INVALID_ARGUMENT, "the mask has rank %d, the scores have %d", m->rank, x->rank);
  for (int i = x->rank - 2; i >= 0; i--) {
    int64_t d = i >= lead ? m->dims[i - lead] : 1;
    if (d != 1 && d != x->dims[i])
      SX_FAIL(p->e, INVALID_ARGUMENT, "the mask has %lld at axis %d, expected 1 or %lld", (long long)d, i - lead,
              (long long)x->dims[i]);
    if (d == 1)
      joined = joined && x->dims[i] == 1;
    else if (joined)
      a->mask_mod[entries - 1] *= d;
    else {
      if (entries == 3) return prepare_sums(p, a);
      a->mask_div[entries] = div, a->mask_mod[entries] = d, a->mask_mul[entries++] = mul;
      joined = true;
    }
    div *= x->dims[i];
    mul *= d;
  }
  return sx_prep_phase(p, run_masked, sx_softmax_units(a), sx_softmax_unit_ns(a), sx_softmax_scratch_bytes(a));
}
static bool claim_masked(const sx_graph *g, const sx_node *n, const char **reason) {
  const sx_fact *x = &sx_value_at(g, n->in[0].value)->fact,
                *m = sx_node_in(n, 1) == SX_NONE ? NULL : &sx_value_at(g, n->in[1].value)->fact;
  *reason = "the mask must have the scores' type, and their last dimension unless they are f32";
  return x->rank >= 1 && (!m || (m->rank >= 1 && m->rank <= x->rank && m->dtype == x->dtype &&
                                 (x->dtype == SX_F32 || m->dims[m->rank - 1] == x->dims[x->rank - 1])));
}

static sx_status run_hardmax(const sx_call *c, uint32_t begin, uint32_t end) {
  sx_hardmax_run(c->params, c->in[0], c->out[0], begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_hardmax(sx_prep *p) {
  sx_softmax_args *a;
  SX_TRY(shape(p, &a));
  return p->in[0].count ? sx_prep_phase(p, run_hardmax, sx_hardmax_units(a), sx_hardmax_unit_ns(a), sx_hardmax_scratch_bytes(a))
                        : SX_OK;
}

#define FLOATS (1u << SX_F32 | 1u << SX_F64 | 1u << SX_F16 | 1u << SX_BF16)
const sx_kernel sx_cpu_Softmax = {
    .op = &sx_op_Softmax, .name = "softmax", .types = FLOATS, .flags = SX_KERNEL_INPLACE0, .prepare = prepare};
const sx_kernel sx_cpu_LogSoftmax = {
    .op = &sx_op_LogSoftmax, .name = "softmax", .types = FLOATS, .flags = SX_KERNEL_INPLACE0, .prepare = prepare};
const sx_kernel sx_cpu_MaskedSoftmax = {.op = &sx_op_MaskedSoftmax,
                                        .name = "softmax",
                                        .types = FLOATS,
                                        .flags = SX_KERNEL_INPLACE0,
                                        .claim = claim_masked,
                                        .prepare = prepare_masked};
const sx_kernel sx_cpu_Hardmax = {.op = &sx_op_Hardmax, .name = "hardmax", .types = FLOATS, .prepare = prepare_hardmax};
