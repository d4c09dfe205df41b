// SPDX-License-Identifier: MIT
/* Operators of ai.onnx.ml that are a few standard ones: they are opened while importing, and fused again by the passes like
 * any other arithmetic. Nothing here asks for a rank, unless the definition does. */
#include "ops/lower.h"

/* A constant of type t out of floats or, when these are NULL, integers: a scalar, or n in a row. */
static sx_vid numbers(sx_lower *l, sx_dtype t, const float *f, const int64_t *i, uint32_t count, bool scalar) {
  int64_t n = count;
  sx_tensor *k;
  if (l->status != SX_OK || (l->status = sx_tensor_create(t, scalar ? 0 : 1, &n, &k, l->c->e)) != SX_OK) return SX_NONE;
  for (uint32_t j = 0; j < count; j++) {
    bool fits = !f || (f[j] > -0x1p31f && f[j] < 0x1p31f);
    switch (t) {
      case SX_F32: ((float *)k->data)[j] = f ? f[j] : (float)i[j]; break;
      case SX_F64: ((double *)k->data)[j] = f ? (double)f[j] : (double)i[j]; break;
      case SX_I32: ((int32_t *)k->data)[j] = f ? (fits ? (int32_t)f[j] : 0) : (int32_t)i[j]; break;
      default: ((int64_t *)k->data)[j] = f ? (fits ? (int64_t)f[j] : 0) : i[j]; break;
    }
  }
  if ((l->status = sx_model_hold(l->c->g->model, k, l->c->e)) != SX_OK) return SX_NONE;
  sx_vid v = sx_graph_add_const(l->c->g, k, (sx_str){"", 0});
  if (v == SX_NONE) SX_LOWER_FAIL(l, NO_MEMORY, "out of memory");
  return v;
}

static sx_status begin(sx_upgrade_ctx *c, sx_vid *x, sx_dtype *t, const sx_fact **f) {
  *x = c->n->in[0].value;
  *f = &sx_value_at(c->g, *x)->fact;
  *t = (sx_dtype)(*f)->dtype;
  if (!*t) SX_FAIL(c->e, FAIL, "the element type of the input is not known");
  return SX_OK;
}
/* Features of a row, or SX_DIM_UNKNOWN. */
static sx_dim features(const sx_fact *f) {
  return f->rank > 0 && sx_dim_is_const(f->dims[f->rank - 1]) ? f->dims[f->rank - 1] : SX_DIM_UNKNOWN;
}
/* One number for all features, or one for each. */
static sx_status check_features(const sx_upgrade_ctx *c, const char *attr, uint32_t n, const sx_fact *f) {
  sx_dim k = features(f);
  if (n > 1 && k != SX_DIM_UNKNOWN && k != n)
    SX_FAIL(c->e, INVALID_GRAPH, "attribute '%s' has %u numbers, expected 1 or %lld, one for each feature", attr, n,
            (long long)k);
  return SX_OK;
}

/* 1 where x > threshold, compared as floating point. */
static sx_status open_binarizer(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x;
  sx_dtype t;
  const sx_fact *f;
  SX_TRY(begin(c, &x, &t, &f));
  sx_dtype wide = t == SX_F32 ? SX_F32 : SX_F64;
  sx_vid at = sx_lower_number(&l, (double)sx_attr_float(c->n, "threshold", 0), wide);
  return sx_lower_end(&l, sx_lower_cast(&l, sx_lower_2(&l, &sx_op_Greater, sx_lower_cast(&l, x, wide), at), t));
}

/* (x - offset) * scale, to f32. */
static sx_status open_scaler(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x;
  sx_dtype t;
  const sx_fact *f;
  const float *offset, *scale;
  SX_TRY(begin(c, &x, &t, &f));
  uint32_t n_offset = sx_attr_floats(c->n, "offset", &offset), n_scale = sx_attr_floats(c->n, "scale", &scale);
  SX_TRY(check_features(c, "offset", n_offset, f));
  SX_TRY(check_features(c, "scale", n_scale, f));
  sx_dtype wide = t == SX_F64 ? SX_F64 : SX_F32;
  sx_vid y = sx_lower_cast(&l, x, wide);
  if (n_offset) y = sx_lower_2(&l, &sx_op_Sub, y, numbers(&l, wide, offset, NULL, n_offset, n_offset == 1));
  if (n_scale) y = sx_lower_2(&l, &sx_op_Mul, y, numbers(&l, wide, scale, NULL, n_scale, n_scale == 1));
  return sx_lower_end(&l, sx_lower_cast(&l, y, SX_F32));
}

/* x / norm of its row; a row whose norm is 0 stays. */
static sx_status open_normalizer(sx_upgrade_ctx *c) {
  static const struct {
    const char *name;
    const sx_op *reduce;
  } norms[] = {{"MAX", &sx_op_ReduceMax}, {"L1", &sx_op_ReduceL1}, {"L2", &sx_op_ReduceL2}};
  sx_lower l = {c, SX_OK};
  sx_vid x;
  sx_dtype t;
  const sx_fact *f;
  SX_TRY(begin(c, &x, &t, &f));
  sx_str name = sx_attr_str(c->n, "norm", "MAX");
  const sx_op *reduce = NULL;
  for (int i = 0; i < 3; i++)
    if (sx_str_is(name, norms[i].name)) reduce = norms[i].reduce;
  if (!reduce) SX_FAIL(c->e, FAIL, "attribute 'norm' is '%.*s', expected MAX, L1 or L2", SX_FMT(name));
  const int64_t last = -1;
  x = sx_lower_cast(&l, x, SX_F32);
  if (reduce != &sx_op_ReduceMax)
    return sx_lower_end(&l, sx_lower_node(&l, &sx_op_LpNormalization, &x, 1,
                                          SX_LOWER_INT("p", reduce == &sx_op_ReduceL1 ? 1 : 2)));
  sx_vid norm = sx_lower_2(&l, reduce, x, sx_lower_ints(&l, &last, 1));
  sx_vid zero = sx_lower_2(&l, &sx_op_Equal, norm, sx_lower_number(&l, 0, SX_F32));
  norm = sx_lower_3(&l, &sx_op_Where, zero, sx_lower_number(&l, 1, SX_F32), norm);
  return sx_lower_end(&l, sx_lower_2(&l, &sx_op_Div, x, norm));
}

/* What equals the replaced value (NaN equals NaN) becomes the imputed one. */
static sx_status open_imputer(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  sx_vid x;
  sx_dtype t;
  const sx_fact *f;
  const float *floats = NULL;
  const int64_t *ints = NULL;
  SX_TRY(begin(c, &x, &t, &f));
  uint32_t n_floats = sx_attr_floats(c->n, "imputed_value_floats", &floats),
           n_ints = sx_attr_ints(c->n, "imputed_value_int64s", &ints);
  bool is_float = t == SX_F32 || t == SX_F64, by_int = is_float ? !n_floats : n_ints != 0;
  uint32_t n = by_int ? n_ints : n_floats;
  if (!n) SX_FAIL(c->e, FAIL, "has neither 'imputed_value_floats' nor 'imputed_value_int64s'");
  if (is_float && by_int)
    SX_FAIL(c->e, FAIL, "the input has type %s, but 'imputed_value_floats' is not given", sx_dtype_name(t));
  if (features(f) != SX_DIM_UNKNOWN && features(f) != n) n = 1; /* as ONNX Runtime does: the first for all */
  float from = sx_attr_float(c->n, "replaced_value_float", 0);
  int64_t from_int = sx_attr_int(c->n, "replaced_value_int64", 0);
  sx_vid imputed = numbers(&l, t, by_int ? NULL : floats, ints, n, n == 1), hit;
  if (is_float && !by_int && from != from)
    hit = sx_lower_1(&l, &sx_op_IsNaN, x);
  else
    hit = sx_lower_2(&l, &sx_op_Equal, x, numbers(&l, t, by_int ? NULL : &from, &from_int, 1, true));
  return sx_lower_end(&l, sx_lower_3(&l, &sx_op_Where, hit, imputed, x));
}

/* Rows of all inputs side by side, as f32; each cut or filled with zeros to its width. */
static sx_status open_vectorizer(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  const int64_t *width, row[2] = {1, -1}, one = 1, zero = 0;
  uint32_t n = c->n->n_formal, n_width = sx_attr_ints(c->n, "inputdimensions", &width);
  if (n_width && n_width != n) SX_FAIL(c->e, FAIL, "attribute 'inputdimensions' has %u numbers for %u inputs", n_width, n);
  sx_vid *in = SX_NEW_N(&c->g->model->arena, sx_vid, (size_t)n + 1);
  if (!in) SX_NO_MEMORY(c->e);
  for (uint32_t i = 0; i < n; i++) {
    const sx_fact *f = &sx_value_at(c->g, c->n->in[i].value)->fact;
    sx_vid x = sx_lower_cast(&l, c->n->in[i].value, SX_F32);
    if (f->rank == 1)
      x = sx_lower_2(&l, &sx_op_Reshape, x, sx_lower_ints(&l, row, 2));
    else if (f->rank != 2)
      x = sx_lower_1(&l, &sx_op_Flatten, x);
    if (n_width && (f->rank < 1 || f->rank > 2 || features(f) != width[i])) {
      if (width[i] < 0) SX_FAIL(c->e, FAIL, "attribute 'inputdimensions' has the negative width %lld", (long long)width[i]);
      const int64_t pad[4] = {0, 0, 0, width[i]};
      x = sx_lower_2(&l, &sx_op_Pad, x, sx_lower_ints(&l, pad, 4));
      x = sx_lower_node(
          &l, &sx_op_Slice,
          SX_LOWER_IN(x, sx_lower_ints(&l, &zero, 1), sx_lower_ints(&l, &width[i], 1), sx_lower_ints(&l, &one, 1)), NULL,
          0);
    }
    in[i] = x;
  }
  return sx_lower_end(&l, sx_lower_node(&l, &sx_op_Concat, in, n, SX_LOWER_INT("axis", 1)));
}

#define OPENED(N, open)     \
  const sx_op sx_op_##N = { \
      .name = #N, .domain = SX_DOMAIN_ML, .accuracy = SX_ULP, .ulp = 16, .upgrades = {{SX_LOWER_ALWAYS, open}}};
OPENED(Binarizer, open_binarizer)
OPENED(FeatureVectorizer, open_vectorizer)
OPENED(Imputer, open_imputer)
OPENED(Normalizer, open_normalizer)
OPENED(Scaler, open_scaler)
