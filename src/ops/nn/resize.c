// SPDX-License-Identifier: MIT
/* Resize(X, roi?, scales?, sizes?): canonical form of opset 19. Upsample and Resize-10 become it: asymmetric coordinates,
 * nearest by floor. scales and sizes speak of `axes` (all when absent). */
#include "ops/move/content.h"

/* The axes that scales and sizes speak of; count, or -1 on an axis out of range, -2 on one that is there twice. */
static int resize_axes(const sx_node *n, int rank, int *axes) {
  const int64_t *a;
  uint32_t k = sx_attr_ints(n, "axes", &a);
  if (!k) {
    for (int i = 0; i < rank; i++) axes[i] = i;
    return rank;
  }
  uint32_t seen = 0;
  for (uint32_t i = 0; i < k; i++) {
    int64_t x = a[i] < 0 ? a[i] + rank : a[i];
    if (x < 0 || x >= rank) return -1;
    if (seen >> x & 1) return -2;
    seen |= 1u << x;
    axes[i] = (int)x;
  }
  return (int)k;
}

static sx_status infer_resize(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *scales = sx_infer_in(c, 2);
  const sx_dim *sizes;
  sx_dim d[SX_MAX_RANK];
  int axes[SX_MAX_RANK];
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  int k = resize_axes(c->n, x->rank, axes), n = sx_infer_in(c, 3) ? sx_infer_ints(c, 3, &sizes) : -1;
  if (k == -2) return SX_INFER_FAIL(c, "attribute 'axes' has an axis twice");
  if (k < 0) return SX_INFER_FAIL(c, "attribute 'axes' has an axis outside of a tensor of rank %d", x->rank);
  const int64_t count[2] = {sx_infer_in(c, 2) ? sx_infer_count(c, 2) : 0, sx_infer_in(c, 3) ? sx_infer_count(c, 3) : 0},
                corners = sx_infer_in(c, 1) ? sx_infer_count(c, 1) : 0;
  if (count[0] > 0 && count[1] > 0) return SX_INFER_FAIL(c, "both scales and sizes are given, expected one of them");
  if (corners > 0 && corners != 2 * k &&
      sx_str_is(sx_attr_str(c->n, "coordinate_transformation_mode", ""), "tf_crop_and_resize"))
    return SX_INFER_MISFIT(c, "roi has %lld elements, expected %d", (long long)corners, 2 * k);
  for (int i = 0; i < x->rank; i++) d[i] = x->dims[i];
  bool by_sizes = sx_infer_in(c, 3) && (n > 0 || n < 0), by_scales = scales && !(scales->rank == 1 && scales->dims[0] == 0);
  if (!by_scales && sx_infer_in(c, 3)) by_sizes = true;
  if (by_sizes && !by_scales) {
    if (n >= 0 && n != k) return SX_INFER_FAIL(c, "sizes has %d entries, expected %d", n, k);
    sx_str policy = sx_attr_str(c->n, "keep_aspect_ratio_policy", "stretch");
    for (int i = 0; i < k; i++) {
      d[axes[i]] = n < 0 ? SX_DIM_UNKNOWN : sizes[i];
      const sx_dim size = d[axes[i]], from = x->dims[axes[i]];
      if (sx_dim_is_const(size) && (size < 0 || (size == 0 && sx_dim_is_const(from) && from != 0)))
        return SX_INFER_FAIL(c, "sizes[%d] is %lld", i, (long long)d[axes[i]]);
    }
    if (n >= 0 && !sx_str_is(policy, "stretch")) { /* one scale for all axes */
      double best = 0;
      bool larger = sx_str_is(policy, "not_larger"), known = true;
      for (int i = 0; i < k; i++) {
        known &= sx_dim_is_const(sizes[i]) && sx_dim_is_const(x->dims[axes[i]]) && x->dims[axes[i]] > 0;
        double s = known ? (double)sizes[i] / (double)x->dims[axes[i]] : 0;
        if (i == 0 || (larger ? s < best : s > best)) best = s;
      }
      for (int i = 0; i < k; i++) d[axes[i]] = known ? (int64_t)(best * (double)x->dims[axes[i]] + 0.5) : SX_DIM_UNKNOWN;
    }
    return sx_infer_set(c, 0, x->dtype, x->rank, d);
  }
  const sx_tensor *t = scales ? scales->constant : NULL;
  if (!scales) return SX_INFER_FAIL(c, "neither scales nor sizes is given");
  if (t && t->count != k) return SX_INFER_FAIL(c, "scales has %lld entries, expected %d", (long long)t->count, k);
  for (int i = 0; i < k; i++) {
    double s = 0;
    if (!t || !sx_tensor_get_f64(t, i, &s))
      d[axes[i]] = SX_DIM_UNKNOWN;
    else if (!(s > 0) || s > 1e9)
      return SX_INFER_FAIL(c, "scales[%d] is %g, expected a positive number", i, s);
    else if (sx_dim_is_const(x->dims[axes[i]]))
      d[axes[i]] = (int64_t)((float)s * (float)x->dims[axes[i]]);
    else if (s == (double)(int64_t)s)
      d[axes[i]] = sx_dim_mul(c->dims, x->dims[axes[i]], (int64_t)s);
    else if (1 / s == (double)(int64_t)(1 / s))
      d[axes[i]] = sx_dim_div(c->dims, x->dims[axes[i]], (int64_t)(1 / s));
    else
      d[axes[i]] = SX_DIM_UNKNOWN;
  }
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}

static sx_status to_resize(sx_upgrade_ctx *c) {
  static const struct {
    const char *name, *value;
  } attrs[] = {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}};
  for (int i = 0; i < 2; i++)
    if (!sx_node_set_str(c->g, c->id, attrs[i].name, sx_str_c(attrs[i].value))) SX_NO_MEMORY(c->e);
  if (sx_str_is(sx_attr_str(c->n, "mode", "nearest"), "bilinear") &&
      !sx_node_set_str(c->g, c->id, "mode", SX_STR("linear")))
    SX_NO_MEMORY(c->e);
  if (sx_node_attr(c->n, "width_scale")) { /* Upsample-1: two attributes, four axes */
    float s[4] = {1, 1, sx_attr_float(c->n, "height_scale", 1), sx_attr_float(c->n, "width_scale", 1)};
    float *copy = sx_arena_copy(&c->g->model->arena, s, sizeof s);
    if (!copy || !sx_node_set_attr(c->g, c->id,
                                   &(sx_attr){.name = SX_STR("scales"), .type = SX_ATTR_FLOATS, .n = 4, .floats = copy}))
      SX_NO_MEMORY(c->e);
    sx_node_remove_attr(c->n, "width_scale");
    sx_node_remove_attr(c->n, "height_scale");
  }
  sx_vid scales = sx_node_in(c->n, 1);
  if (!sx_graph_resize_inputs(c->g, c->id, 3, 3)) SX_NO_MEMORY(c->e);
  sx_graph_set_input(c->g, c->id, 1, SX_NONE);
  sx_graph_set_input(c->g, c->id, 2, scales);
  SX_TRY(sx_upgrade_attr_to_input(c, "scales", 2, SX_F32));
  c->n->op = &sx_op_Resize;
  return SX_OK;
}
const sx_op sx_op_Resize = {.name = "Resize",
                            .accuracy = SX_ULP,
                            .ulp = 16,
                            .shape_inputs = 2 | 4 | 8,
                            .infer = infer_resize,
                            .upgrades = {{11, to_resize}}};
const sx_op sx_op_Upsample = {.name = "Upsample",
                              .accuracy = SX_ULP,
                              .ulp = 16,
                              .shape_inputs = 4,
                              .infer = infer_resize,
                              .upgrades = {{INT16_MAX, to_resize}}};
