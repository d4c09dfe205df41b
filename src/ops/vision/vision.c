// SPDX-License-Identifier: MIT
/* Operators that sample images at computed places, and those that undo windows: GridSample, AffineGrid, RoiAlign,
 * MaxRoiPool, MaxUnpool, Col2Im, DeformConv; of com.microsoft: GridSample, CropAndResize. */
#include "ops/move/content.h"
#include "ops/nn/window.h"

static sx_status need_rank(sx_infer *c, uint32_t i, int low, int high, const char *what) {
  const sx_fact *f = sx_infer_in(c, i);
  if (f && f->rank >= 0 && (f->rank < low || f->rank > high))
    return SX_INFER_FAIL(c, "input %u has rank %d, expected %s", i, f->rank, what);
  return SX_OK;
}
static sx_dim dim(const sx_infer *c, uint32_t i, int k) {
  return sx_infer_has_rank(c, i) ? sx_infer_in(c, i)->dims[k] : SX_DIM_UNKNOWN;
}

/* GridSample(X [N, C, ...], grid [N, ..., axes]). Before 20 the modes were called bilinear and bicubic. */
static sx_status grid_modes(sx_upgrade_ctx *c) {
  sx_str mode = sx_attr_str(c->n, "mode", "bilinear");
  if (sx_str_is(mode, "nearest")) return SX_OK;
  return sx_node_set_str(c->g, c->id, "mode", sx_str_is(mode, "bicubic") ? SX_STR("cubic") : SX_STR("linear"))
             ? SX_OK
             : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
static sx_status infer_grid_sample(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *grid = sx_infer_in(c, 1);
  sx_dim d[SX_MAX_RANK];
  int rank = x->rank >= 0 ? x->rank : grid->rank;
  if (rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (rank < 3 || (x->rank >= 0 && grid->rank >= 0 && x->rank != grid->rank))
    return SX_INFER_FAIL(c, "input 0 has rank %d, the grid %d: expected equal ranks of 3 or more", x->rank, grid->rank);
  sx_dim axes = dim(c, 1, rank - 1);
  if (sx_dim_is_const(axes) && axes != rank - 2)
    return SX_INFER_FAIL(c, "the grid has places of %lld numbers, expected %d", (long long)axes, rank - 2);
  d[0] = dim(c, 0, 0), d[1] = dim(c, 0, 1);
  for (int i = 2; i < rank; i++) d[i] = dim(c, 1, i - 1);
  return sx_infer_set(c, 0, x->dtype, rank, d);
}
const sx_op sx_op_GridSample = {
    .name = "GridSample", .accuracy = SX_ULP, .ulp = 32, .infer = infer_grid_sample, .upgrades = {{20, grid_modes}}};
static sx_status to_grid_sample(sx_upgrade_ctx *c) {
  c->n->op = &sx_op_GridSample;
  return grid_modes(c);
}
const sx_op sx_op_MsGridSample = {.name = "GridSample",
                                  .domain = SX_DOMAIN_MS,
                                  .accuracy = SX_ULP,
                                  .ulp = 32,
                                  .infer = infer_grid_sample,
                                  .upgrades = {{INT16_MAX, to_grid_sample}}};

/* AffineGrid(theta [N, axes, axes + 1], size [N, C, ...]) */
static sx_status infer_affine_grid(sx_infer *c) {
  const sx_fact *theta = sx_infer_in(c, 0);
  sx_dim d[5], at = dim(c, 0, 1);
  int64_t n = sx_infer_count(c, 1);
  SX_TRY(need_rank(c, 0, 3, 3, "[N, 2, 3] or [N, 3, 4]"));
  if (n < 0 && sx_dim_is_const(at)) n = at + 2;
  if (n < 0) return sx_infer_set(c, 0, theta->dtype, -1, NULL);
  if (n != 4 && n != 5) return SX_INFER_MISFIT(c, "size has %lld entries, expected 4 or 5", (long long)n);
  if (sx_dim_is_const(at) && at != n - 2)
    return SX_INFER_FAIL(c, "size has %lld entries, theta is for %lld axes", (long long)n, (long long)at);
  const sx_dim first = sx_infer_elem(c, 1, 0);
  if (sx_dim_is_const(first) && sx_dim_is_const(dim(c, 0, 0)) && first != dim(c, 0, 0))
    return SX_INFER_FAIL(c, "size[0] is %lld, theta is for %lld images", (long long)first, (long long)dim(c, 0, 0));
  d[0] = dim(c, 0, 0) == SX_DIM_UNKNOWN ? sx_infer_elem(c, 1, 0) : dim(c, 0, 0);
  for (int i = 2; i < n; i++) {
    d[i - 1] = sx_infer_elem(c, 1, i);
    if (sx_dim_is_const(d[i - 1]) && d[i - 1] < 0) return SX_INFER_FAIL(c, "size[%d] is %lld", i, (long long)d[i - 1]);
  }
  d[n - 1] = n - 2;
  return sx_infer_set(c, 0, theta->dtype, (int)n, d);
}
const sx_op sx_op_AffineGrid = {
    .name = "AffineGrid", .accuracy = SX_ULP, .ulp = 16, .shape_inputs = 2, .infer = infer_affine_grid};

static sx_status infer_rois(sx_infer *c, sx_dim h, sx_dim w) {
  const sx_fact *x = sx_infer_in(c, 0);
  SX_TRY(need_rank(c, 0, 4, 4, "[N, C, H, W]"));
  SX_TRY(need_rank(c, 1, 2, 2, "a matrix of regions"));
  sx_dim cols = dim(c, 1, 1), want = c->n->op == &sx_op_MaxRoiPool ? 5 : 4;
  if (sx_dim_is_const(cols) && cols != want)
    return SX_INFER_FAIL(c, "a region has %lld numbers, expected %lld", (long long)cols, (long long)want);
  if (c->n->op == &sx_op_RoiAlign && sx_dim_is_const(dim(c, 1, 0)) && sx_infer_has_rank(c, 2) &&
      sx_infer_in(c, 2)->rank == 1 && sx_dim_is_const(dim(c, 2, 0)) && dim(c, 2, 0) != dim(c, 1, 0))
    return SX_INFER_FAIL(c, "%lld regions are given, but images for %lld", (long long)dim(c, 1, 0),
                         (long long)dim(c, 2, 0));
  if ((sx_dim_is_const(h) && h < 0) || (sx_dim_is_const(w) && w < 0))
    return SX_INFER_FAIL(c, "a result of %lld x %lld is asked for", (long long)h, (long long)w);
  return sx_infer_set(c, 0, x->dtype, 4, (sx_dim[]){dim(c, 1, 0), dim(c, 0, 1), h, w});
}
static sx_status infer_roi_align(sx_infer *c) {
  return infer_rois(c, sx_attr_int(c->n, "output_height", 1), sx_attr_int(c->n, "output_width", 1));
}
static sx_status roi_align_old(sx_upgrade_ctx *c) { /* before 16: no shift by half a pixel */
  return sx_node_set_str(c->g, c->id, "coordinate_transformation_mode", SX_STR("output_half_pixel"))
             ? SX_OK
             : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
}
const sx_op sx_op_RoiAlign = {
    .name = "RoiAlign", .accuracy = SX_ACCUMULATE, .infer = infer_roi_align, .upgrades = {{16, roi_align_old}}};
static sx_status infer_max_roi_pool(sx_infer *c) {
  const int64_t *s;
  if (sx_attr_ints(c->n, "pooled_shape", &s) != 2) return SX_INFER_FAIL(c, "attribute 'pooled_shape' must have 2 entries");
  return infer_rois(c, s[0], s[1]);
}
const sx_op sx_op_MaxRoiPool = {.name = "MaxRoiPool", .infer = infer_max_roi_pool};
static sx_status infer_crop_and_resize(sx_infer *c) {
  return infer_rois(c, sx_infer_elem(c, 3, 0), sx_infer_elem(c, 3, 1));
}
const sx_op sx_op_CropAndResize = {.name = "CropAndResize",
                                   .domain = SX_DOMAIN_MS,
                                   .accuracy = SX_ULP,
                                   .ulp = 32,
                                   .shape_inputs = 8,
                                   .infer = infer_crop_and_resize};

/* MaxUnpool(X, I, output_shape?): the size that the pooling's input had, or one around it. */
static sx_status infer_max_unpool(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  sx_window w;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank < 3) return SX_INFER_FAIL(c, "input 0 has rank %d, expected 3 or more (N, C, spatial axes)", x->rank);
  SX_TRY(sx_window_read(c->n, x->rank - 2, NULL, &w, c->e));
  int64_t n = sx_infer_in(c, 2) ? sx_infer_count(c, 2) : x->rank;
  if (n >= 0 && n != x->rank) return SX_INFER_FAIL(c, "output_shape has %lld entries, expected %d", (long long)n, x->rank);
  for (int i = 0; i < x->rank; i++) {
    if (sx_infer_in(c, 2))
      d[i] = sx_infer_elem(c, 2, i);
    else if (i < 2)
      d[i] = x->dims[i];
    else
      d[i] = sx_dim_add(c->dims, sx_dim_mul(c->dims, sx_dim_sub(c->dims, x->dims[i], 1), w.stride[i - 2]),
                        w.kernel[i - 2] - w.pad[i - 2] - w.pad[i - 2 + w.n]);
    if (sx_dim_is_const(d[i]) && d[i] < 0)
      return SX_INFER_FAIL(c, "axis %d of the result would have %lld elements", i, (long long)d[i]);
  }
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}
const sx_op sx_op_MaxUnpool = {.name = "MaxUnpool", .shape_inputs = 4, .infer = infer_max_unpool};

/* Col2Im(columns [N, C * block, blocks], image_shape, block_shape) */
static sx_status infer_col2im(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK], block = 1;
  int64_t n = sx_infer_count(c, 1), b = sx_infer_count(c, 2);
  SX_TRY(need_rank(c, 0, 3, 3, "[N, C * block, blocks]"));
  if (n < 0) n = b;
  if (n < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (n < 1 || n > SX_MAX_SPATIAL || (b >= 0 && b != n))
    return SX_INFER_FAIL(c, "image_shape has %lld entries, block_shape %lld: expected equal counts of 1 to %d",
                         (long long)n, (long long)b, SX_MAX_SPATIAL);
  static const char *const lists[] = {"strides", "dilations", "pads"};
  for (int i = 0; i < 3; i++) {
    const int64_t *v, count = sx_attr_ints(c->n, lists[i], &v), want = i == 2 ? 2 * n : n;
    if (count && count != want)
      return SX_INFER_FAIL(c, "attribute '%s' has %lld entries, expected %lld", lists[i], (long long)count,
                           (long long)want);
    for (int64_t k = 0; k < count && i < 2; k++)
      if (v[k] < 1)
        return SX_INFER_FAIL(c, "attribute '%s' has the entry %lld, expected 1 or more", lists[i], (long long)v[k]);
  }
  for (int64_t i = 0; i < n && block != SX_DIM_UNKNOWN; i++) {
    sx_dim e = sx_infer_elem(c, 2, i);
    if (sx_dim_is_const(e) && e < 1) return SX_INFER_FAIL(c, "block_shape[%lld] is %lld", (long long)i, (long long)e);
    block = e == SX_DIM_UNKNOWN ? e : sx_dim_mul(c->dims, block, e);
  }
  sx_dim rows = dim(c, 0, 1);
  if (sx_dim_is_const(rows) && sx_dim_is_const(block) && rows % block)
    return SX_INFER_FAIL(c, "%lld rows are no multiple of a block of %lld", (long long)rows, (long long)block);
  d[0] = dim(c, 0, 0);
  d[1] = rows == SX_DIM_UNKNOWN || block == SX_DIM_UNKNOWN ? SX_DIM_UNKNOWN : sx_dim_div(c->dims, rows, block);
  for (int64_t i = 0; i < n; i++) {
    d[i + 2] = sx_infer_elem(c, 1, i);
    if (sx_dim_is_const(d[i + 2]) && d[i + 2] < 0)
      return SX_INFER_FAIL(c, "image_shape[%lld] is %lld", (long long)i, (long long)d[i + 2]);
  }
  return sx_infer_set(c, 0, x->dtype, (int)n + 2, d);
}
const sx_op sx_op_Col2Im = {.name = "Col2Im", .accuracy = SX_ACCUMULATE, .shape_inputs = 6, .infer = infer_col2im};

/* DeformConv(X, W, offset, B?, mask?) */
static sx_status infer_deform_conv(sx_infer *c) { return sx_infer_conv(c, 1, sx_infer_in(c, 0)->dtype); }
const sx_op sx_op_DeformConv = {
    .name = "DeformConv", .accuracy = SX_ACCUMULATE, .flags = SX_OP_CHECK_SIZES, .infer = infer_deform_conv};

static sx_status infer_det(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  sx_dim h = x->rank > 1 ? x->dims[x->rank - 2] : 0, w = x->rank > 1 ? x->dims[x->rank - 1] : 0;
  if (x->rank < 2 || (sx_dim_is_const(h) && sx_dim_is_const(w) && h != w))
    return SX_INFER_MISFIT(c, "the input has rank %d and matrices of %lld x %lld, expected square ones", x->rank,
                         (long long)h, (long long)w);
  return sx_infer_set(c, 0, x->dtype, x->rank - 2, x->dims);
}
const sx_op sx_op_Det = {.name = "Det", .accuracy = SX_ACCUMULATE, .infer = infer_det};

static sx_status infer_image_decoder(sx_infer *c) {
  sx_str format = sx_attr_str(c->n, "pixel_format", "RGB");
  bool gray = sx_str_is(format, "Grayscale");
  if (!gray && !sx_str_is(format, "RGB") && !sx_str_is(format, "BGR"))
    return SX_INFER_FAIL(c, "attribute 'pixel_format' is '%.*s', expected RGB, BGR or Grayscale", SX_FMT(format));
  SX_TRY(need_rank(c, 0, 1, 1, "a row of bytes"));
  return sx_infer_set(c, 0, SX_U8, 3, (sx_dim[]){SX_DIM_UNKNOWN, SX_DIM_UNKNOWN, gray ? 1 : 3});
}
const sx_op sx_op_ImageDecoder = {.name = "ImageDecoder", .infer = infer_image_decoder};
