// SPDX-License-Identifier: MIT
/* Resize: tables of taps per axis, then one phase per axis that changes. Elements other than f32 are widened before and
 * narrowed after; nearest neighbours are moved by size without conversion. */
#include "base/stop.h"
#include "ep/ep.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/resize/resize.h"
#include <math.h>

enum { MODE_NEAREST, MODE_LINEAR, MODE_CUBIC };
typedef struct spec { /* of one axis */
  int64_t in, out;
  double scale, roi_begin, roi_end;
} spec;
typedef struct method {
  int mode;
  sx_str coord, nearest;
  double cubic_a;
  bool antialias, exclude_outside;
} method;

static double source(const method *m, const spec *s, double x, double length) {
  if (sx_str_is(m->coord, "asymmetric")) return x / s->scale;
  if (sx_str_is(m->coord, "align_corners")) return length == 1 ? 0 : x * (double)(s->in - 1) / (length - 1);
  if (sx_str_is(m->coord, "pytorch_half_pixel")) return length > 1 ? (x + 0.5) / s->scale - 0.5 : 0;
  if (sx_str_is(m->coord, "tf_half_pixel_for_nn")) return (x + 0.5) / s->scale;
  if (sx_str_is(m->coord, "tf_crop_and_resize"))
    return length > 1
               ? s->roi_begin * (double)(s->in - 1) + x * (s->roi_end - s->roi_begin) * (double)(s->in - 1) / (length - 1)
               : 0.5 * (s->roi_begin + s->roi_end) * (double)(s->in - 1);
  if (sx_str_is(m->coord, "half_pixel_symmetric")) {
    double adjust = (double)s->out / length, center = (double)s->in / 2, offset = center * (1 - adjust);
    return offset + (x + 0.5) / s->scale - 0.5;
  }
  return (x + 0.5) / s->scale - 0.5;
}

static int64_t nearest(const method *m, double x) {
  x = (double)(float)x; /* a scale is an f32: 17 / 1.7 is 10 */
  if (sx_str_is(m->nearest, "floor")) return (int64_t)floor(x);
  if (sx_str_is(m->nearest, "ceil")) return (int64_t)ceil(x);
  if (sx_str_is(m->nearest, "round_prefer_ceil")) return (int64_t)floor(x + 0.5);
  return (int64_t)ceil(x - 0.5);
}

static double kernel_weight(const method *m, double d) {
  d = fabs(d);
  double a = m->cubic_a;
  if (m->mode == MODE_LINEAR) return d < 1 ? 1 - d : 0;
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Taps of one axis. Outside indices are clamped; with exclude_outside their weights are dropped and the rest scaled up. */
static sx_status make_taps(sx_prep *p, const method *m, const spec *s, sx_taps *t) {
  double stretch = m->antialias && s->scale < 1 ? 1 / s->scale : 1, reach = (m->mode == MODE_CUBIC ? 2 : 1) * stretch;
  t->n_in = s->in, t->n_out = s->out;
  t->k = m->mode == MODE_NEAREST ? 1 : stretch > 1 ? (int)ceil(2 * reach) + 1 : m->mode == MODE_CUBIC ? 4 : 2;
  int32_t *index = sx_arena_array(p->arena, (size_t)s->out * (size_t)t->k + 1, sizeof *index);
  float *weight = sx_arena_array(p->arena, (size_t)s->out * (size_t)t->k + 1, sizeof *weight);
  bool crop = sx_str_is(m->coord, "tf_crop_and_resize");
  uint8_t *outside = crop ? sx_arena_alloc(p->arena, (size_t)s->out + 1) : NULL;
  if (!index || !weight || (crop && !outside)) SX_NO_MEMORY(p->e);
  double length = (double)s->in * s->scale; /* the standard's output length is not rounded */
  if (fabs(length - (double)s->out) < 1e-6) length = (double)s->out;
  for (int64_t j = 0; j < s->out; j++) {
    double x = s->in == s->out && s->scale == 1 && !crop ? (double)j : source(m, s, (double)j, length), sum = 0;
    int64_t first = m->mode == MODE_NEAREST ? nearest(m, x)
                    : stretch > 1           ? (int64_t)floor(x - reach) + 1
                                            : (int64_t)floor(x) - (m->mode == MODE_CUBIC);
    for (int k = 0; k < t->k; k++) {
      int64_t at = first + k, in = at < 0 ? 0 : at >= s->in ? s->in - 1 : at;
      double w = m->mode == MODE_NEAREST ? 1 : kernel_weight(m, (x - (double)at) / stretch);
      if (m->exclude_outside && in != at) w = 0;
      index[j * t->k + k] = (int32_t)in;
      weight[j * t->k + k] = (float)w;
      sum += w;
    }
    for (int k = 0; k < t->k && (m->exclude_outside || stretch > 1) && sum != 0; k++)
      weight[j * t->k + k] = (float)(weight[j * t->k + k] / sum);
    if (outside) outside[j] = x < 0 || x > (double)(s->in - 1);
  }
  t->index = index, t->weight = weight, t->outside = outside, t->doubled = t->k == 1;
  for (int64_t j = 0; j < t->n_out && t->doubled; j++) t->doubled = index[j] == j / 2;
  return SX_OK;
}

typedef struct pass {
  sx_taps t;
  int64_t outer, inner;
} pass;
typedef struct params {
  const sx_resize_table *table;
  int n; /* passes: axes that change */
  pass passes[SX_MAX_RANK];
  int64_t count_in, count_out;
  uint8_t dtype;
  bool convert; /* to f32 before the first pass, and back after the last */
  size_t elem; /* nearest by size: bytes; else 0 */
  float extrapolation;
  size_t buffer[2]; /* offsets of the two intermediate buffers in scratch */
  sx_isa isa;
} params;

static void *slot(const params *q, const sx_call *c, int i) { /* result of pass i - 1: input is 0 */
  if (i == 0 && !q->convert) return (void *)c->in[0];
  if (i == q->n && !q->convert) return c->out[0];
  return (char *)c->scratch + q->buffer[i & 1];
}

/* Neighbours along two axes, the inner one first. */
static sx_status run_plane(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  sx_resize_plane(q->table, &q->passes[0].t, &q->passes[1].t, c->in[0], c->out[0], (size_t)q->passes[0].inner * q->elem,
                  begin, end);
  return SX_OK;
}

static sx_status run_pass(const sx_call *c, const params *q, int i, int64_t begin, int64_t end) {
  const pass *s = &q->passes[i];
  const void *x = slot(q, c, i);
  void *y = slot(q, c, i + 1);
  if (q->elem)
    sx_resize_neighbours(q->table, &s->t, x, y, (size_t)s->inner * q->elem, begin, end);
  else if (s->inner == 1)
    q->table->last(&s->t, x, y, q->extrapolation, begin, end);
  else
    q->table->rows(&s->t, x, y, s->inner, q->extrapolation, begin, end);
  return SX_OK;
}
static int64_t pass_units(const params *q, int i) {
  return q->passes[i].inner == 1 && !q->elem ? q->passes[i].outer : q->passes[i].outer * q->passes[i].t.n_out;
}

/* Integers are rounded, halves to even, and stay within their range. */
static void settle(float *x, sx_dtype t, int64_t n) {
  const uint32_t bits = sx_dtype_bits(t), sign = sx_dtype_is_signed(t);
  const float most = ldexpf(1, (int)(bits - sign)), least = sign ? -most : 0, top = bits < 24 ? most - 1 : nextafterf(most, 0);
  for (int64_t i = 0; i < n; i++) {
    const float v = rintf(x[i]);
    x[i] = v > top ? top : v > least ? v : least;
  }
}
/* A pass needs the whole result of the one before, so each is a phase of its own where phases suffice. */
static sx_status run_phase(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  return run_pass(c, q, (int)c->phase - q->convert, begin, end);
}
enum { PIECE = 1 << 14 }; /* elements that a unit converts */
static uint32_t pieces(int64_t n) { return (uint32_t)((n - 1) / PIECE + 1); }
static sx_status widen(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t from = (int64_t)begin * PIECE, to = (int64_t)end * PIECE < q->count_in ? (int64_t)end * PIECE : q->count_in;
  sx_cast_run(q->isa, (sx_dtype)q->dtype, SX_F32, 0, slot(q, c, 0), c->in[0], from, to - from);
  return SX_OK;
}
static sx_status narrow(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  const int64_t from = (int64_t)begin * PIECE, to = (int64_t)end * PIECE < q->count_out ? (int64_t)end * PIECE : q->count_out;
  float *x = slot(q, c, q->n);
  if (sx_dtype_is_int((sx_dtype)q->dtype)) settle(x + from, (sx_dtype)q->dtype, to - from);
  sx_cast_run(q->isa, SX_F32, (sx_dtype)q->dtype, 0, c->out[0], x, from, to - from);
  return SX_OK;
}
static double pass_unit_ns(const params *q, int i) {
  const pass *s = &q->passes[i];
  return (double)(s->inner == 1 && !q->elem ? s->t.n_out : s->inner) * s->t.k * 0.3;
}
/* More axes than phases: one after the other. */
static sx_status run_all(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *q = c->params;
  (void)begin, (void)end;
  for (uint32_t u = 0, n = q->convert ? pieces(q->count_in) : 0; u < n && !sx_stopping(); u++) widen(c, u, u + 1);
  for (int i = 0; i < q->n; i++) {
    const int64_t n = pass_units(q, i);
    SX_STOP_PARTS(a, b, n, sx_stop_grain(pass_unit_ns(q, i))) run_pass(c, q, i, a, b);
  }
  for (uint32_t u = 0, n = q->convert ? pieces(q->count_out) : 0; u < n && !sx_stopping(); u++) narrow(c, u, u + 1);
  return SX_OK;
}

static double scale_of(const sx_view *v, int i, double dflt) {
  if (!v->dtype || !v->constant || i >= v->count) return dflt;
  return v->dtype == SX_F64   ? ((const double *)v->constant)[i]
         : v->dtype == SX_F32 ? ((const float *)v->constant)[i]
                              : dflt;
}

static sx_status read_specs(sx_prep *p, spec *specs, int *axes, int *count) {
  const sx_view *x = &p->in[0], *y = &p->out[0];
  const int64_t *a;
  static const sx_view absent = {0};
  const sx_view *roi = p->n_in > 1 ? &p->in[1] : &absent, *scales = p->n_in > 2 ? &p->in[2] : &absent;
  uint32_t k = sx_attr_ints(p->n, "axes", &a);
  int n = k ? (int)k : x->rank;
  bool given = scales->dtype && scales->count > 0,
       stretch = sx_str_is(sx_attr_str(p->n, "keep_aspect_ratio_policy", "stretch"), "stretch");
  for (int i = 0; i < n; i++) {
    int axis = k ? (int)(a[i] < 0 ? a[i] + x->rank : a[i]) : i;
    spec *s = &specs[i];
    *s = (spec){x->dims[axis], y->dims[axis], 0, scale_of(roi, i, 0), scale_of(roi, i + n, 1)};
    double ratio = s->in ? (double)s->out / (double)s->in : 1;
    s->scale = given ? scale_of(scales, i, ratio) : ratio;
    if (s->in == 0 && s->out != 0)
      SX_FAIL(p->e, INVALID_ARGUMENT, "axis %d is empty and cannot be resized to %lld", axis, (long long)s->out);
    axes[i] = axis;
  }
  if (!given && !stretch && p->n_in > 3 &&
      p->in[3].constant) { /* one scale for all axes: the smallest or the largest ratio of sizes */
    const int64_t *sizes = p->in[3].constant;
    bool smaller = sx_str_is(sx_attr_str(p->n, "keep_aspect_ratio_policy", ""), "not_larger");
    double best = 0;
    for (int i = 0; i < n; i++) {
      double r = (double)sizes[i] / (double)(specs[i].in ? specs[i].in : 1);
      if (i == 0 || (smaller ? r < best : r > best)) best = r;
    }
    for (int i = 0; i < n; i++) specs[i].scale = best;
  }
  *count = n;
  return SX_OK;
}

static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  if (!q) SX_NO_MEMORY(p->e);
  spec specs[SX_MAX_RANK];
  int axes[SX_MAX_RANK], n = 0;
  const sx_view *x = &p->in[0];
  SX_TRY(read_specs(p, specs, axes, &n));
  sx_str mode = sx_attr_str(p->n, "mode", "nearest");
  method m = {.mode = sx_str_is(mode, "cubic")    ? MODE_CUBIC
                      : sx_str_is(mode, "linear") ? MODE_LINEAR
                                                  : MODE_NEAREST,
              .coord = sx_attr_str(p->n, "coordinate_transformation_mode", "half_pixel"),
              .nearest = sx_attr_str(p->n, "nearest_mode", "round_prefer_floor"),
              .cubic_a = sx_attr_float(p->n, "cubic_coeff_a", -0.75f),
              .antialias = sx_attr_int(p->n, "antialias", 0) != 0,
              .exclude_outside = sx_attr_int(p->n, "exclude_outside", 0) != 0};
  bool crop = sx_str_is(m.coord, "tf_crop_and_resize");
  q->table = sx_resize(p->cpu->isa), q->isa = p->cpu->isa;
  q->dtype = x->dtype;
  uint32_t bits = sx_dtype_bits((sx_dtype)x->dtype);
  q->elem = m.mode == MODE_NEAREST && !crop && bits >= 8 ? bits / 8 : 0;
  q->extrapolation = sx_attr_float(p->n, "extrapolation_value", 0);
  /* Dimensions in memory: the lanes of a blocked tensor are one more axis at the end. */
  int64_t dims[SX_MAX_RANK + 1];
  int rank = x->rank;
  for (int i = 0; i < rank; i++) dims[i] = x->dims[i];
  if (x->layout == SX_BLOCKED) dims[1] = (dims[1] + x->block - 1) / x->block, dims[rank++] = x->block;
  q->count_in = sx_dims_count(dims, 0, rank);
  int64_t most = q->count_in;
  for (int k = 0; k < n; k++) {
    const int i = q->elem ? n - 1 - k : k; /* neighbours: single elements first, while they are few, then whole rows */
    bool same = specs[i].in == specs[i].out && specs[i].scale == 1 && !crop;
    if (same) continue;
    if (x->layout == SX_BLOCKED && axes[i] < 2) SX_FAIL(p->e, NOT_IMPLEMENTED, "resizing the channels of a blocked tensor");
    pass *s = &q->passes[q->n++];
    s->outer = sx_dims_count(dims, 0, axes[i]), s->inner = sx_dims_count(dims, axes[i] + 1, rank);
    SX_TRY(make_taps(p, &m, &specs[i], &s->t));
    dims[axes[i]] = specs[i].out;
    int64_t count = sx_dims_count(dims, 0, rank);
    if (count > most) most = count;
  }
  q->count_out = sx_dims_count(dims, 0, rank);
  p->params = q;
  if (q->elem && q->n == 2 && q->passes[1].inner == q->passes[0].inner * q->passes[0].t.n_out) {
    const int64_t rows = q->passes[1].outer * q->passes[1].t.n_out;
    return q->count_out ? sx_prep_phase(p, run_plane, rows, (double)q->passes[1].inner * 0.1 + 5, 0) : SX_OK;
  }
  size_t buffer;
  if (!sx_dtype_bytes(q->elem == 8 ? SX_F64 : q->elem == 16 ? SX_C128 : SX_F32, most, &buffer))
    SX_FAIL(p->e, FAIL, "the intermediate result does not fit memory");
  buffer = sx_round_up(buffer, SX_ALIGN);
  q->buffer[1] = buffer;
  q->convert = q->n && q->dtype != SX_F32 && !q->elem;
  const bool serial = q->n == 0 || q->n + 2 * q->convert > SX_MAX_PHASES;
  p->scratch = q->n > 1 || q->convert ? 2 * buffer : 0;
  if (q->n == 0) { /* nothing changes: one pass that copies */
    static const int32_t zero[1] = {0};
    q->elem = bits / 8 ? bits / 8 : 1;
    q->passes[0] = (pass){{1, 1, 1, zero, NULL, NULL, false}, 1, (int64_t)(x->size / q->elem)};
    q->n = 1;
    return q->count_in ? sx_prep_phase(p, run_phase, 1, (double)x->size / 8, 0) : SX_OK;
  }
  if (!q->count_out) return SX_OK;
  if (serial) return sx_prep_phase(p, run_all, 1, (double)most * 2, 0);
  if (q->convert) SX_TRY(sx_prep_phase(p, widen, pieces(q->count_in), PIECE * 0.3, 0));
  for (int i = 0; i < q->n; i++) SX_TRY(sx_prep_phase(p, run_phase, pass_units(q, i), pass_unit_ns(q, i), 0));
  return q->convert ? sx_prep_phase(p, narrow, pieces(q->count_out), PIECE * 0.5, 0) : SX_OK;
}
static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_dtype t = (sx_dtype)sx_value_at(g, n->in[0].value)->fact.dtype;
  *reason = "strings and complex numbers are resized by nearest neighbours only";
  return sx_str_is(sx_attr_str(n, "mode", "nearest"), "nearest") || sx_ew_class_of(t) != SX_EW_CLASSES;
}
const sx_kernel sx_cpu_Resize = {.op = &sx_op_Resize,
                                 .name = "resize",
                                 .flags = SX_KERNEL_BLOCKED | SX_KERNEL_CONTENT,
                                 .claim = claim,
                                 .prepare = prepare};
