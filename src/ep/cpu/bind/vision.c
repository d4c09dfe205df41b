// SPDX-License-Identifier: MIT
/* Images sampled at computed places: GridSample, AffineGrid, RoiAlign, MaxRoiPool, CropAndResize. */
#include "ep/cpu/bind/edge.h"
#include "ep/cpu/bind/move.h"
#include "ep/cpu/kernels/vision/rois.h"
#include "ep/cpu/kernels/vision/sample.h"

typedef struct grid {
  sx_edge edge;
  sx_grid_sample a;
  bool move;
} grid;
static sx_status run_grid(const sx_call *c, uint32_t begin, uint32_t end) {
  const grid *q = c->params;
  sx_grid_sample_run(&q->a, q->move ? c->in[0] : sx_edge_in(&q->edge, c, 0), sx_edge_in(&q->edge, c, 1),
                     q->move ? c->out[0] : sx_edge_out(&q->edge, c, 0), begin, end, c->worker_scratch);
  return SX_OK;
}
static sx_status prepare_grid(sx_prep *p) {
  grid *q = SX_NEW(p->arena, grid);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *g = &p->in[1], *y = &p->out[0];
  sx_str mode = sx_attr_str(p->n, "mode", "linear"), padding = sx_attr_str(p->n, "padding_mode", "zeros");
  sx_grid_sample *a = &q->a;
  a->isa = p->cpu->isa, a->axes = x->rank - 2;
  a->mode = sx_str_is(mode, "nearest") ? SX_GRID_NEAREST : sx_str_is(mode, "cubic") ? SX_GRID_CUBIC : SX_GRID_LINEAR;
  a->padding = sx_str_is(padding, "border")       ? SX_GRID_BORDER
               : sx_str_is(padding, "reflection") ? SX_GRID_REFLECTION
                                                  : SX_GRID_ZEROS;
  a->align_corners = sx_attr_int(p->n, "align_corners", 0) != 0;
  q->move = a->mode == SX_GRID_NEAREST;
  if (a->axes > SX_GRID_AXES || (a->mode == SX_GRID_CUBIC && a->axes > 4))
    SX_FAIL(p->e, NOT_IMPLEMENTED, "an image of %d axes is sampled, at most %d are supported in this mode", a->axes,
            a->mode == SX_GRID_CUBIC ? 4 : SX_GRID_AXES);
  for (int i = 2; i < x->rank && y->count; i++)
    if (!x->dims[i]) SX_FAIL(p->e, FAIL, "axis %d has 0 elements: nothing can be sampled", i);
  if (g->dims[0] != x->dims[0] || g->dims[g->rank - 1] != a->axes)
    SX_FAIL(p->e, FAIL, "the grid is for %lld images of %lld axes, expected %lld of %d", (long long)g->dims[0],
            (long long)g->dims[g->rank - 1], (long long)x->dims[0], a->axes);
  a->N = x->dims[0], a->C = x->dims[1], a->points = sx_dims_count(g->dims, 1, g->rank - 1);
  for (int i = 0; i < a->axes; i++) a->dims[i] = x->dims[i + 2];
  a->elem = sx_elem_bytes(x->dtype);
  if (x->dtype == SX_STRING) *(sx_str *)(void *)a->zero = (sx_str){"", 0};
  sx_dtype wide = q->move ? sx_edge_wide((sx_dtype)g->dtype) : sx_edge_wide((sx_dtype)x->dtype);
  if (!y->count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, wide, q->move ? 2 : 3, q->move ? 0 : 1));
  a->type = wide;
  SX_TRY(sx_prep_phase(p, run_grid, sx_grid_sample_units(a), sx_grid_sample_unit_ns(a), sx_grid_sample_scratch_bytes(a)));
  return sx_edge_end(p, &q->edge);
}
static bool claim_grid(const sx_graph *g, const sx_node *n, const char **reason) {
  sx_dtype t = (sx_dtype)sx_value_at(g, n->in[0].value)->fact.dtype;
  *reason = "strings and complex numbers are sampled by nearest neighbours only";
  return sx_dtype_bits(t) >= 8 &&
         (sx_str_is(sx_attr_str(n, "mode", "linear"), "nearest") || sx_ew_class_of(t) != SX_EW_CLASSES);
}
const sx_kernel sx_cpu_GridSample = {
    .op = &sx_op_GridSample, .name = "grid_sample", .claim = claim_grid, .prepare = prepare_grid};

/* AffineGrid: theta times the homogeneous coordinates of each place, from -1 to 1 along each axis; the last axis comes
 * first. A unit is a row of places. */
typedef struct affine {
  sx_edge edge;
  int axes;
  int64_t dims[3], rows, row_count;
  bool align;
} affine;
static double coordinate(const affine *q, int axis, int64_t i) {
  double n = (double)q->dims[axis];
  if (q->align) return n > 1 ? -1 + 2 * (double)i / (n - 1) : -1;
  return (2 * (double)i + 1) / n - 1;
}
static sx_status run_affine(const sx_call *c, uint32_t begin, uint32_t end) {
  const affine *q = c->params;
  const double *theta = sx_edge_in(&q->edge, c, 0);
  double *y = sx_edge_out(&q->edge, c, 0);
  int k = q->axes, last = k - 1;
  for (int64_t r = begin; r < end; r++) {
    const double *t = theta + r / q->rows * k * (k + 1);
    double base[3], at = (double)(r % q->rows);
    int64_t rest = (int64_t)at;
    for (int i = last; i-- > 0; rest /= q->dims[i]) base[i] = coordinate(q, i, rest % q->dims[i]);
    for (int64_t col = 0; col < q->dims[last]; col++) {
      base[last] = coordinate(q, last, col);
      for (int o = 0; o < k; o++) {
        double sum = t[o * (k + 1) + k];
        for (int i = 0; i < k; i++) sum += t[o * (k + 1) + i] * base[last - i];
        y[(r * q->dims[last] + col) * k + o] = sum;
      }
    }
  }
  return SX_OK;
}
static sx_status prepare_affine(sx_prep *p) {
  affine *q = SX_NEW(p->arena, affine);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *theta = &p->in[0], *y = &p->out[0];
  q->axes = y->rank - 2, q->align = sx_attr_int(p->n, "align_corners", 0) != 0, q->rows = 1;
  if (theta->dims[1] != q->axes || theta->dims[2] != q->axes + 1 || theta->dims[0] != y->dims[0])
    SX_FAIL(p->e, FAIL, "theta is [%lld, %lld, %lld], expected [%lld, %d, %d]", (long long)theta->dims[0],
            (long long)theta->dims[1], (long long)theta->dims[2], (long long)y->dims[0], q->axes, q->axes + 1);
  for (int i = 0; i < q->axes; i++) q->dims[i] = y->dims[i + 1], q->rows *= i < q->axes - 1 ? q->dims[i] : 1;
  if (!y->count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, SX_F64, 1, 1));
  SX_TRY(sx_prep_phase(p, run_affine, y->dims[0] * q->rows, (double)q->dims[q->axes - 1] * 10 + 20, 0));
  return sx_edge_end(p, &q->edge);
}
const sx_kernel sx_cpu_AffineGrid = {
    .op = &sx_op_AffineGrid, .name = "affine_grid", .claim = sx_edge_claim, .prepare = prepare_affine};

/* Regions. A unit is a part of one. */
typedef struct rois {
  sx_edge edge;
  sx_rois a;
  uint8_t index_type;
} rois;
static const char *region(const rois *q, const sx_call *c, int64_t r, int64_t cols) {
  return (const char *)sx_edge_in(&q->edge, c, 1) + r * cols * (int64_t)(sx_dtype_bits(q->a.type) / 8);
}
static sx_status image_of(const rois *q, const sx_call *c, int64_t r, int64_t *image) {
  if (q->index_type)
    *image = q->index_type == SX_I32 ? ((const int32_t *)c->in[2])[r] : ((const int64_t *)c->in[2])[r];
  else {
    double v;
    sx_cast_run(q->edge.isa, q->a.type, SX_F64, 0, &v, region(q, c, r, 5), 0, 1);
    *image = v >= 0 && v < (double)q->a.N ? (int64_t)v : -1;
  }
  if (*image < 0 || *image >= q->a.N)
    SX_FAIL(c->e, INVALID_ARGUMENT, "region %lld is of image %lld, expected 0 to %lld", (long long)r, (long long)*image,
            (long long)q->a.N - 1);
  return SX_OK;
}
static sx_status run_rois(const sx_call *c, uint32_t begin, uint32_t end) {
  const rois *q = c->params;
  const int64_t elem = sx_dtype_bits(q->a.type) / 8, parts = sx_rois_parts(&q->a), cols = q->a.kind == SX_ROIS_POOL ? 5 : 4;
  for (int64_t u = begin, image; u < end; u++) {
    const int64_t r = u / parts;
    SX_TRY(image_of(q, c, r, &image));
    const char *x = (const char *)sx_edge_in(&q->edge, c, 0) + image * q->a.C * q->a.H * q->a.W * elem;
    char *y = (char *)sx_edge_out(&q->edge, c, 0) + r * q->a.C * q->a.oH * q->a.oW * elem;
    if (!sx_rois_run(&q->a, x, region(q, c, r, cols), u % parts, y, c->worker_scratch))
      SX_FAIL(c->e, INVALID_ARGUMENT, "region %lld is not finite, or larger than 65536 pixels per bin", (long long)r);
  }
  return SX_OK;
}
static sx_status prepare_rois(sx_prep *p) {
  rois *q = SX_NEW(p->arena, rois);
  if (!q) SX_NO_MEMORY(p->e);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  const bool half = sx_str_is(sx_attr_str(p->n, "coordinate_transformation_mode", "half_pixel"), "half_pixel");
  q->a = (sx_rois){.isa = p->cpu->isa,
                   .kind = p->n->op == &sx_op_RoiAlign     ? SX_ROIS_ALIGN
                           : p->n->op == &sx_op_MaxRoiPool ? SX_ROIS_POOL
                                                           : SX_ROIS_CROP,
                   .N = x->dims[0],
                   .C = x->dims[1],
                   .H = x->dims[2],
                   .W = x->dims[3],
                   .oH = y->dims[2],
                   .oW = y->dims[3],
                   .scale = sx_attr_float(p->n, "spatial_scale", 1),
                   .shift = half ? 0.5 : 0,
                   .force_one = !half,
                   .sampling = sx_attr_int(p->n, "sampling_ratio", 0),
                   .max = sx_str_is(sx_attr_str(p->n, "mode", "avg"), "max"),
                   .nearest = sx_str_is(sx_attr_str(p->n, "mode", ""), "nearest"),
                   .extrapolation = sx_attr_float(p->n, "extrapolation_value", 0)};
  const int64_t want = q->a.kind == SX_ROIS_POOL ? 5 : 4;
  if (p->in[1].dims[1] != want)
    SX_FAIL(p->e, FAIL, "a region has %lld numbers, expected %lld", (long long)p->in[1].dims[1], (long long)want);
  if (q->a.sampling > 65536)
    SX_FAIL(p->e, INVALID_ARGUMENT, "sampling_ratio is %lld, expected at most 65536", (long long)q->a.sampling);
  q->index_type = q->a.kind == SX_ROIS_POOL ? SX_UNDEFINED : p->in[2].dtype;
  if (q->index_type && p->in[2].count != p->in[1].dims[0])
    SX_FAIL(p->e, FAIL, "%lld regions are given, but images for %lld", (long long)p->in[1].dims[0],
            (long long)p->in[2].count);
  if (y->count && x->count == 0) SX_FAIL(p->e, INVALID_ARGUMENT, "regions of an empty image");
  if (q->a.W && q->a.H > INT32_MAX / q->a.W) SX_FAIL(p->e, NOT_IMPLEMENTED, "an image plane has more than 2^31 elements");
  if (!y->count) return SX_OK;
  SX_TRY(sx_edge_begin(p, &q->edge, sx_edge_wide((sx_dtype)x->dtype), 3, 1));
  q->a.type = q->edge.wide;
  SX_TRY(sx_prep_phase(p, run_rois, y->dims[0] * sx_rois_parts(&q->a), sx_rois_part_ns(&q->a), sx_rois_scratch_bytes(&q->a)));
  return sx_edge_end(p, &q->edge);
}
#define ROIS(N, title) \
  const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = title, .claim = sx_edge_claim, .prepare = prepare_rois};
ROIS(RoiAlign, "roi_align")
ROIS(MaxRoiPool, "roi_pool")
ROIS(CropAndResize, "roi_crop")
