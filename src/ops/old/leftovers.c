// SPDX-License-Identifier: MIT
/* What ONNX Runtime still takes in the domain ai.onnx though the standard never had it, or not in this form: each is a few
 * standard operators. ThresholdedRelu-1 and LayerNormalization-1 are the standard's rows of the same name. */
#include "ops/lower.h"

static float attr(const sx_lower *l, const char *name, float dflt) { return sx_attr_float(l->c->n, name, dflt); }
static sx_vid x_of(const sx_lower *l) { return sx_lower_in(l, 0); }
static sx_vid number(sx_lower *l, double v) { return sx_lower_number(l, v, (sx_dtype)sx_lower_fact(l, x_of(l))->dtype); }
static sx_vid times(sx_lower *l, sx_vid a, double by) { return sx_lower_2(l, &sx_op_Mul, a, number(l, by)); }

static sx_status lower_affine(sx_upgrade_ctx *c) { /* alpha x + beta */
  sx_lower l = {c, SX_OK};
  return sx_lower_end(
      &l, sx_lower_2(&l, &sx_op_Add, times(&l, x_of(&l), attr(&l, "alpha", 1)), number(&l, attr(&l, "beta", 0))));
}
static sx_status lower_scale(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  return sx_lower_end(&l, times(&l, x_of(&l), attr(&l, "scale", 1)));
}
static sx_status lower_scaled_tanh(sx_upgrade_ctx *c) { /* alpha tanh(beta x) */
  sx_lower l = {c, SX_OK};
  return sx_lower_end(
      &l, times(&l, sx_lower_1(&l, &sx_op_Tanh, times(&l, x_of(&l), attr(&l, "beta", 1))), attr(&l, "alpha", 1)));
}
static sx_status lower_softplus(sx_upgrade_ctx *c) { /* alpha ln(1 + exp(beta x)) */
  sx_lower l = {c, SX_OK};
  return sx_lower_end(
      &l, times(&l, sx_lower_1(&l, &sx_op_Softplus, times(&l, x_of(&l), attr(&l, "beta", 1))), attr(&l, "alpha", 1)));
}
/* scale x + bias of the channel. */
static sx_status lower_image_scaler(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const float *bias;
  int64_t n = sx_attr_floats(c->n, "bias", &bias);
  sx_vid y = times(&l, x_of(&l), attr(&l, "scale", 1));
  sx_tensor *t;
  if (!n) return sx_lower_end(&l, y);
  const sx_fact *x = sx_lower_fact(&l, x_of(&l));
  if (x->rank >= 0 && (x->rank != 4 || (sx_dim_is_const(x->dims[1]) && x->dims[1] != n)))
    SX_FAIL(c->e, INVALID_ARGUMENT,
            "there are %lld numbers in 'bias', expected one for each channel of (N, C, H, W): the input has rank %d and "
            "%lld channels",
            (long long)n, x->rank, (long long)(x->rank > 1 ? x->dims[1] : 0));
  SX_TRY(sx_tensor_create(SX_F32, 1, &n, &t, c->e));
  memcpy(t->data, bias, (size_t)n * sizeof *bias);
  SX_TRY(sx_model_hold(c->g->model, t, c->e));
  sx_vid b = sx_graph_add_const(c->g, t, (sx_str){"", 0});
  b = sx_lower_axes(&l, &sx_op_Unsqueeze, b, (int64_t[]){1, 2}, 2); /* (C, 1, 1) */
  return sx_lower_end(&l, sx_lower_2(&l, &sx_op_Add, y, sx_lower_cast(&l, b, (sx_dtype)sx_lower_fact(&l, y)->dtype)));
}
/* Of (N, C, H, W): border = left, top, right, bottom; with scale = height, width, what begins at left and top. */
static sx_status lower_crop(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const int64_t *border, *scale;
  if (sx_attr_ints(c->n, "border", &border) != 4) SX_FAIL(c->e, INVALID_ARGUMENT, "border has not four entries");
  bool sized = sx_attr_ints(c->n, "scale", &scale) == 2;
  int64_t from[] = {border[1], border[0]}, to[2], axes[] = {2, 3};
  for (int i = 0; i < 2; i++) {
    int64_t size = sized ? scale[i] : 0, end = border[3 - i];
    if (from[i] < 0 || end < 0 || size < 0 || size > INT64_MAX - from[i])
      SX_FAIL(c->e, INVALID_GRAPH, "a border of %lld and %lld with a scale of %lld: expected no negative number",
              (long long)from[i], (long long)end, (long long)size);
    to[i] = sized ? from[i] + size : end ? -end : INT64_MAX;
    const sx_fact *x = sx_lower_fact(&l, x_of(&l));
    if (x->rank >= 0 && x->rank != 4)
      SX_FAIL(c->e, INVALID_ARGUMENT, "the input has rank %d, expected (N, C, H, W)", x->rank);
    if (x->rank == 4 && sx_dim_is_const(x->dims[2 + i]) && x->dims[2 + i] < (sized ? to[i] : from[i] + end))
      SX_FAIL(c->e, INVALID_ARGUMENT, "axis %d has %lld, less than the borders or the scale take: %lld", 2 + i,
              (long long)x->dims[2 + i], (long long)(sized ? to[i] : from[i] + end));
  }
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_Slice,
                                        SX_LOWER_IN(x_of(&l), sx_lower_ints(&l, from, 2), sx_lower_ints(&l, to, 2),
                                                    sx_lower_ints(&l, axes, 2)),
                                        NULL, 0));
}
static sx_status lower_dynamic_slice(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  return sx_lower_end(
      &l, sx_lower_node(&l, &sx_op_Slice, SX_LOWER_IN(x_of(&l), sx_lower_in(&l, 1), sx_lower_in(&l, 2), sx_lower_in(&l, 3)),
                        NULL, 0));
}

#define OLD(N, fn) const sx_op sx_op_##N = {.name = #N, .accuracy = SX_ULP, .ulp = 8, .upgrades = {{SX_LOWER_ALWAYS, fn}}};
OLD(Affine, lower_affine)
OLD(Crop, lower_crop)
OLD(DynamicSlice, lower_dynamic_slice)
OLD(ImageScaler, lower_image_scaler)
OLD(ParametricSoftplus, lower_softplus)
OLD(Scale, lower_scale)
OLD(ScaledTanh, lower_scaled_tanh)
