// SPDX-License-Identifier: MIT
/* Linear models, support vector machines and trees: rows of features to a label, to scores or to both. One row may come
 * without its axis. */
#include "ops/ops.h"

static uint32_t list_size(const sx_infer *c, const char *name) {
  const sx_attr *a = sx_node_attr(c->n, name);
  return !a ? 0 : a->type == SX_ATTR_TENSOR ? (uint32_t)a->t->count : a->n;
}
static sx_status rows_of(sx_infer *c, sx_dim *rows) {
  const sx_fact *x = sx_infer_in(c, 0);
  if (x->rank == 0 || x->rank > 2)
    return SX_INFER_MISFIT(c, "X has rank %d, expected rows of features (2), or one row (1)", x->rank);
  *rows = x->rank == 2 ? x->dims[0] : x->rank == 1 ? 1 : SX_DIM_UNKNOWN;
  return SX_OK;
}
static sx_status scores(sx_infer *c, uint32_t o, int dtype, int64_t n) {
  sx_dim d[2] = {1, n};
  SX_TRY(rows_of(c, &d[0]));
  return sx_infer_set(c, o, dtype, 2, d);
}
static sx_status labels_and_scores(sx_infer *c, const char *ints, const char *strings, int64_t columns) {
  sx_dim rows;
  SX_TRY(rows_of(c, &rows));
  if (list_size(c, ints) && list_size(c, strings))
    return SX_INFER_FAIL(c, "has both '%s' and '%s', expected one", ints, strings);
  SX_TRY(sx_infer_set(c, 0, list_size(c, strings) ? SX_STRING : SX_I64, 1, &rows));
  return scores(c, 1, SX_F32, columns);
}
static int64_t label_count(const sx_infer *c, const char *ints, const char *strings) {
  uint32_t n = list_size(c, strings);
  return n ? n : list_size(c, ints);
}

static sx_status infer_tree_classifier(sx_infer *c) {
  int64_t n = label_count(c, "classlabels_int64s", "classlabels_strings");
  if (!n) return SX_INFER_FAIL(c, "has no class labels");
  return labels_and_scores(c, "classlabels_int64s", "classlabels_strings", n);
}
static sx_status infer_targets(sx_infer *c, const char *ids, int dtype) {
  const int64_t *t;
  int64_t n = sx_attr_int(c->n, "n_targets", 0);
  uint32_t count = sx_attr_ints(c->n, ids, &t);
  for (uint32_t i = 0; i < count && !sx_node_attr(c->n, "n_targets"); i++) n = t[i] >= n ? t[i] + 1 : n;
  if (n < 1 || n > INT32_MAX) return SX_INFER_FAIL(c, "has %lld targets, expected at least one", (long long)n);
  return scores(c, 0, dtype, n);
}
static sx_status infer_tree_regressor(sx_infer *c) { return infer_targets(c, "target_ids", SX_F32); }
static sx_status infer_trees(sx_infer *c) { return infer_targets(c, "leaf_targetids", sx_infer_in(c, 0)->dtype); }

static sx_status infer_linear_classifier(sx_infer *c) {
  const int64_t labels = label_count(c, "classlabels_ints", "classlabels_strings");
  int64_t n = list_size(c, "intercepts");
  if (n > 1 && !labels)
    return SX_INFER_FAIL(c, "has %lld classes, but neither classlabels_ints nor classlabels_strings", (long long)n);
  if (!n) n = labels ? labels : 1; /* without intercepts the labels say how many scores there are */
  return labels_and_scores(c, "classlabels_ints", "classlabels_strings", n == 1 && labels == 2 ? 2 : n);
}
static sx_status infer_linear_regressor(sx_infer *c) {
  int64_t n = sx_attr_int(c->n, "targets", 1);
  if (n < 1 || n > INT32_MAX) return SX_INFER_FAIL(c, "attribute 'targets' is %lld, expected at least 1", (long long)n);
  return scores(c, 0, SX_F32, n);
}
/* With support vectors and without probabilities the scores are those of pairs of classes. */
static sx_status infer_svc(sx_infer *c) {
  const int64_t n = label_count(c, "classlabels_ints", "classlabels_strings"), *per;
  uint32_t count = sx_attr_ints(c->n, "vectors_per_class", &per);
  bool vectors = false;
  for (uint32_t i = 0; i < count; i++) vectors |= per[i] > 0;
  if (!n) return SX_INFER_FAIL(c, "has no class labels");
  return labels_and_scores(c, "classlabels_ints", "classlabels_strings",
                           !vectors || list_size(c, "prob_a") ? n
                           : n > 2                            ? n * (n - 1) / 2
                                                              : 2);
}
static sx_status infer_svr(sx_infer *c) { return scores(c, 0, SX_F32, 1); }

#define CLASSIC(N, hook) \
  const sx_op sx_op_##N = {.name = #N, .domain = SX_DOMAIN_ML, .accuracy = SX_ACCUMULATE, .infer = hook};
CLASSIC(TreeEnsemble, infer_trees)
CLASSIC(TreeEnsembleClassifier, infer_tree_classifier)
CLASSIC(TreeEnsembleRegressor, infer_tree_regressor)
CLASSIC(LinearClassifier, infer_linear_classifier)
CLASSIC(LinearRegressor, infer_linear_regressor)
CLASSIC(SVMClassifier, infer_svc)
CLASSIC(SVMRegressor, infer_svr)
