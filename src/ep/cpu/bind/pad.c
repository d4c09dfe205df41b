// SPDX-License-Identifier: MIT
/* Pad and CenterCropPad: every axis becomes a list of source indices, -1 for the constant; rows along the last padded axis
 * are a run and two borders. Pads that only the run tells make the lists in a phase of their own. */
#include "ep/cpu/bind/move.h"

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } pad_mode;
typedef struct pad_axis {
  int64_t n, stride, first, before, own;
  int64_t *map;
} pad_axis; /* of the source: first, own; own go after `before` */
typedef struct pad_plan {
  pad_axis axis[SX_MAX_RANK];
  int rank;      /* axes up to the last padded one */
  int64_t inner; /* elements of what lies behind it */
} pad_plan;
typedef struct pad_params {
  pad_plan *plan; /* NULL: in scratch, made in phase 0 */
  pad_mode mode;
  uint32_t elem;
  bool has_value;
  sx_view x, y, pads, axes;
  int64_t group;
} pad_params;

static int64_t source_index(pad_mode mode, int64_t j, int64_t n) {
  if (j >= 0 && j < n) return j;
  int64_t period = mode == PAD_REFLECT ? 2 * (n - 1) : n;
  if (mode == PAD_CONSTANT) return -1;
  if (mode == PAD_EDGE || period == 0) return j < 0 ? 0 : n - 1;
  j = j % period + (j % period < 0 ? period : 0);
  return j < n ? j : period - j;
}

/* `maps`: the sum of the output's dimensions. */
static sx_status plan_axes(pad_plan *q, const pad_params *p, const int64_t *before, const int64_t *after, int64_t *maps,
                           sx_err *e) {
  int64_t stride = 1;
  *q = (pad_plan){.rank = 1, .inner = 1};
  q->axis[0] = (pad_axis){1, 1, 0, 0, 1, maps}; /* a scalar is a row of one */
  for (int i = p->x.rank; i-- > 0; stride *= p->x.dims[i]) {
    int64_t cut = before[i] < 0 ? -before[i] : 0, own = p->x.dims[i] - cut + (after[i] < 0 ? after[i] : 0);
    pad_axis *a = &q->axis[i];
    *a = (pad_axis){p->y.dims[i], stride, cut, before[i] > 0 ? before[i] : 0, own > 0 ? own : 0, maps};
    if (p->y.dims[i] && p->y.dims[i] != p->x.dims[i] + before[i] + after[i])
      SX_FAIL(e, INVALID_ARGUMENT, "axis %d of size %lld with pads %lld and %lld does not become %lld", i,
              (long long)p->x.dims[i], (long long)before[i], (long long)after[i], (long long)p->y.dims[i]);
    if (p->mode != PAD_CONSTANT && a->own == 0 && a->n) SX_FAIL(e, FAIL, "axis %d has nothing that could be repeated", i);
    for (int64_t k = 0; k < a->n; k++) {
      int64_t s = source_index(p->mode, k - a->before, a->own);
      maps[k] = s < 0 ? -1 : s + cut;
    }
    maps += a->n;
    if (q->rank == 1 && (before[i] || after[i])) q->rank = i + 1;
  }
  for (int i = q->rank; i < p->x.rank; i++) q->inner *= p->x.dims[i];
  return SX_OK;
}

static sx_status plan_pads(pad_plan *q, const pad_params *p, const void *pads_data, const void *axes_data, int64_t *maps,
                           sx_err *e) {
  int64_t pads[2 * SX_MAX_RANK], axes[SX_MAX_RANK], before[SX_MAX_RANK] = {0}, after[SX_MAX_RANK] = {0};
  int64_t n = p->axes.dtype ? p->axes.count : p->x.rank;
  sx_view_ints(&p->pads, pads_data, pads);
  for (int i = 0; i < SX_MAX_RANK; i++) axes[i] = i;
  if (p->axes.dtype) sx_view_ints(&p->axes, axes_data, axes);
  for (int64_t i = 0; i < n; i++) {
    int64_t a = axes[i] < 0 ? axes[i] + p->x.rank : axes[i];
    if (a < 0 || a >= p->x.rank)
      SX_FAIL(e, INVALID_ARGUMENT, "axis %lld of a tensor of rank %d", (long long)axes[i], p->x.rank);
    before[a] = pads[i], after[a] = pads[n + i];
  }
  return plan_axes(q, p, before, after, maps, e);
}

static sx_status pad_maps(const sx_call *c, uint32_t begin, uint32_t end) {
  const pad_params *p = c->params;
  pad_plan *q = c->scratch;
  return begin < end ? plan_pads(q, p, c->in[1], p->axes.dtype ? c->in[3] : NULL, (int64_t *)(q + 1), c->e) : SX_OK;
}

static sx_pad_row_plan row_of(const pad_plan *q, const pad_params *p, const char *value) {
  const pad_axis *a = &q->axis[q->rank - 1];
  const int64_t lead = a->before < a->n ? a->before : a->n, middle = a->own < a->n - lead ? a->own : a->n - lead;
  sx_pad_row_plan r = {.lead = lead, .middle = middle, .tail = a->n - lead - middle, .first = a->first,
                       .block = (size_t)q->inner * p->elem, .elem = p->elem, .map = p->mode == PAD_CONSTANT ? NULL : a->map};
  for (uint32_t i = 0; i < sizeof r.pattern; i++) r.pattern[i] = value[i % p->elem];
  return r;
}

static sx_status pad_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const pad_params *p = c->params;
  const pad_plan *q = p->plan ? p->plan : c->scratch;
  static const char zero[16];
  const sx_pad_row_plan row = row_of(q, p, p->has_value ? c->in[2] : zero);
  const pad_axis *last = &q->axis[q->rank - 1];
  int64_t rows = last->n ? p->y.count / (last->n * q->inner) : 0, to = end * p->group < rows ? end * p->group : rows,
          bytes = last->n * q->inner * p->elem;
  int64_t at[SX_MAX_RANK] = {0}, rest = begin * p->group;
  const int outer = q->rank - 2; /* rows go along axis `outer`, where there is one */
  for (int i = q->rank - 1; i-- > 0; rest /= q->axis[i].n) at[i] = rest % q->axis[i].n;
  for (int64_t r = begin * p->group; r < to;) {
    int64_t from = 0, run = outer < 0 ? 1 : q->axis[outer].n - at[outer];
    bool border = p->x.count == 0;
    if (run > to - r) run = to - r;
    for (int i = 0; i < outer; i++) {
      int64_t s = q->axis[i].map[at[i]];
      border |= s < 0;
      from += s * q->axis[i].stride;
    }
    for (int64_t k = 0; k < run; k++, r++) {
      const int64_t s = outer < 0 ? 0 : q->axis[outer].map[at[outer] + k], stride = outer < 0 ? 0 : q->axis[outer].stride;
      sx_pad_row(&row, border || s < 0 ? NULL : (const char *)c->in[0] + (from + s * stride) * p->elem, (char *)c->out[0] + r * bytes);
    }
    if (outer >= 0) at[outer] = 0;
    for (int i = outer; i-- > 0 && ++at[i] == q->axis[i].n;) at[i] = 0;
  }
  return SX_OK;
}

/* Room for a plan and its lists. */
static sx_status new_plan(sx_prep *p, pad_params *q, int64_t maps, int64_t **mem) {
  q->plan = SX_NEW(p->arena, pad_plan);
  *mem = SX_NEW_N(p->arena, int64_t, (size_t)maps + 1);
  return q->plan && *mem ? SX_OK : sx_fail(p->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
static int64_t map_entries(const sx_view *y) { /* the tensor's size fits, so does this */
  int64_t n = 0;
  for (int i = 0; i < y->rank; i++) n += y->dims[i];
  return n + 1;
}
static sx_status run_phase(sx_prep *p, pad_params *q) {
  int64_t row = q->plan ? q->plan->axis[q->plan->rank - 1].n * q->plan->inner : q->y.rank ? q->y.dims[q->y.rank - 1] : 1;
  int64_t rows = row ? q->y.count / row : 0;
  q->group = row * q->elem < 32768 ? 32768 / (row * q->elem + 1) + 1 : 1;
  p->params = q;
  return sx_prep_phase(p, pad_run, (rows + q->group - 1) / q->group,
                       (double)q->group * ((double)(row * q->elem) * 0.1 + 15), 0);
}

static sx_status pad(sx_prep *p) {
  static const char *const names[] = {"constant", "edge", "reflect", "wrap"};
  sx_str mode = sx_attr_str(p->n, "mode", "constant");
  pad_params *q = SX_NEW(p->arena, pad_params);
  int m = 0;
  if (!q) SX_NO_MEMORY(p->e);
  while (m < 4 && !sx_str_is(mode, names[m])) m++;
  if (m == 4) SX_FAIL(p->e, INVALID_ARGUMENT, "mode is '%.*s', expected constant, edge, reflect or wrap", SX_FMT(mode));
  *q = (pad_params){
      .mode = (pad_mode)m, .elem = sx_elem_bytes(p->in[0].dtype), .x = p->in[0], .y = p->out[0], .pads = p->in[1]};
  if (p->n_in > 3) q->axes = p->in[3];
  q->has_value = p->n_in > 2 && p->in[2].dtype;
  if (q->has_value && p->in[2].count != 1)
    SX_FAIL(p->e, FAIL, "constant_value has %lld elements, expected one", (long long)p->in[2].count);
  if (q->axes.count > SX_MAX_RANK || q->pads.count != 2 * (q->axes.dtype ? q->axes.count : q->x.rank))
    SX_FAIL(p->e, INVALID_ARGUMENT, "%lld pads are given, expected a begin and an end for each axis",
            (long long)q->pads.count);
  if (!q->y.count) return SX_OK; /* lists of the other axes may be too long to be made */
  int64_t probe[2 * SX_MAX_RANK], *mem;
  if (sx_view_ints(&q->pads, NULL, probe) && (!q->axes.dtype || sx_view_ints(&q->axes, NULL, probe))) {
    SX_TRY(new_plan(p, q, map_entries(&q->y), &mem));
    SX_TRY(plan_pads(q->plan, q, NULL, NULL, mem, p->e));
  } else {
    p->scratch = sizeof(pad_plan) + (size_t)map_entries(&q->y) * sizeof(int64_t);
    p->params = q;
    SX_TRY(sx_prep_phase(p, pad_maps, 1, (double)map_entries(&q->y) * 5, 0));
  }
  return run_phase(p, q);
}

/* What is missing on both sides follows from the sizes: half before, the odd one after. */
static sx_status center_crop_pad(sx_prep *p) {
  pad_params *q = SX_NEW(p->arena, pad_params);
  int64_t before[SX_MAX_RANK], after[SX_MAX_RANK], *mem;
  if (!q) SX_NO_MEMORY(p->e);
  *q = (pad_params){.mode = PAD_CONSTANT, .elem = sx_elem_bytes(p->in[0].dtype), .x = p->in[0], .y = p->out[0]};
  for (int i = 0; i < q->x.rank; i++) {
    int64_t more = q->y.dims[i] - q->x.dims[i];
    before[i] = more / 2, after[i] = more - more / 2;
  }
  if (!q->y.count) return SX_OK;
  SX_TRY(new_plan(p, q, map_entries(&q->y), &mem));
  SX_TRY(plan_axes(q->plan, q, before, after, mem, p->e));
  return run_phase(p, q);
}
static sx_status prepare_Pad(sx_prep *p) { return sx_prep_bytes(p, pad); }
const sx_kernel sx_cpu_Pad = {.op = &sx_op_Pad, .name = "pad", .prepare = prepare_Pad};
static sx_status prepare_CenterCropPad(sx_prep *p) { return sx_prep_bytes(p, center_crop_pad); }
const sx_kernel sx_cpu_CenterCropPad = {.op = &sx_op_CenterCropPad, .name = "pad", .prepare = prepare_CenterCropPad};
