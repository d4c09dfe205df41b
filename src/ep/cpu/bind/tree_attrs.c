// SPDX-License-Identifier: MIT
/* Ensembles of trees as their operators write them, into the one description that a forest is built of: version 5 with
 * nodes and leaves in arrays of their own, and the older ones, where a node is named by the numbers of its tree and its
 * own. */
#include "ep/cpu/bind/tree.h"

/* Numbers that are a list of floats or a tensor. */
typedef struct reals {
  const float *f;
  const sx_tensor *t;
  uint32_t n;
} reals;
static sx_status reals_of(const sx_build *b, const char *list, const char *tensor, reals *r) {
  const sx_attr *a = sx_node_attr(b->n, tensor);
  *r = (reals){NULL, NULL, 0};
  if (a && a->t->count > UINT32_MAX) SX_FAIL(b->e, INVALID_GRAPH, "attribute '%s' has too many elements", tensor);
  if (a && a->t->count)
    *r = (reals){NULL, a->t, (uint32_t)a->t->count};
  else if (list)
    r->n = sx_attr_floats(b->n, list, &r->f);
  return SX_OK;
}
static double real_at(const reals *r, uint32_t i) {
  double v = 0;
  if (!r->t) return (double)r->f[i];
  sx_tensor_get_f64(r->t, i, &v);
  return v;
}
static bool is_wide(const reals *r) { return r->t && r->t->dtype == SX_F64; }

/* A list of integers that must have n of them; an optional one may be missing. */
static sx_status ints_of(const sx_build *b, const char *name, uint32_t n, bool optional, const int64_t **v) {
  uint32_t found = sx_attr_ints(b->n, name, v);
  if (!found && optional) *v = NULL;
  if (found != n && !(optional && !found))
    SX_FAIL(b->e, FAIL, "attribute '%s' has %u numbers, expected %u", name, found, n);
  return SX_OK;
}
static sx_status in_range(const sx_build *b, const char *name, uint32_t i, int64_t v, int64_t end) {
  if (v < 0 || v >= end)
    SX_FAIL(b->e, FAIL, "element %u of '%s' is %lld, expected 0 to %lld", i, name, (long long)v, (long long)end - 1);
  return SX_OK;
}

sx_status sx_trees_read(const sx_build *b, sx_arena *a, sx_tree_source *s) {
  const int64_t *feature, *yes, *no, *yes_leaf, *no_leaf, *target, *nan, *roots;
  const sx_attr *modes = sx_node_attr(b->n, "nodes_modes");
  reals split, weight, members;
  SX_TRY(reals_of(b, NULL, "nodes_splits", &split));
  SX_TRY(reals_of(b, NULL, "leaf_weights", &weight));
  SX_TRY(reals_of(b, NULL, "membership_values", &members));
  uint32_t n = sx_attr_ints(b->n, "nodes_featureids", &feature), leaves = weight.n, all = n + leaves;
  SX_TRY(ints_of(b, "nodes_truenodeids", n, false, &yes));
  SX_TRY(ints_of(b, "nodes_falsenodeids", n, false, &no));
  SX_TRY(ints_of(b, "nodes_trueleafs", n, false, &yes_leaf));
  SX_TRY(ints_of(b, "nodes_falseleafs", n, false, &no_leaf));
  SX_TRY(ints_of(b, "nodes_missing_value_tracks_true", n, true, &nan));
  SX_TRY(ints_of(b, "leaf_targetids", leaves, false, &target));
  s->n_roots = sx_attr_ints(b->n, "tree_roots", &roots);
  if (all < n || modes->t->count != n || split.n != n)
    SX_FAIL(b->e, FAIL, "has %u features, %lld modes and %u splits, expected as many", n, (long long)modes->t->count,
            split.n);
  s->nodes = SX_NEW_N(a, sx_tree_source_node, (size_t)all + 1), s->entries = SX_NEW_N(a, sx_tree_entry, (size_t)leaves + 1);
  uint32_t *root = SX_NEW_N(a, uint32_t, (size_t)s->n_roots + 1), member = 0;
  double *set = SX_NEW_N(a, double, (size_t)members.n + 1);
  if (!s->nodes || !s->entries || !root || !set) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < members.n; i++) set[i] = real_at(&members, i);
  for (uint32_t i = 0; i < s->n_roots; i++) {
    SX_TRY(in_range(b, "tree_roots", i, roots[i], n));
    root[i] = (uint32_t)roots[i];
  }
  for (uint32_t i = 0; i < n; i++) {
    int64_t mode = 0;
    sx_tensor_get_i64(modes->t, i, &mode);
    SX_TRY(in_range(b, "nodes_modes", i, mode, SX_TREE_LEAF));
    SX_TRY(in_range(b, "nodes_featureids", i, feature[i], INT32_MAX));
    SX_TRY(in_range(b, "nodes_truenodeids", i, yes[i], yes_leaf[i] ? leaves : n));
    SX_TRY(in_range(b, "nodes_falsenodeids", i, no[i], no_leaf[i] ? leaves : n));
    sx_tree_source_node *q = &s->nodes[i];
    *q = (sx_tree_source_node){real_at(&split, i),
                               (uint32_t)feature[i],
                               (uint32_t)yes[i] + (yes_leaf[i] ? n : 0),
                               (uint32_t)no[i] + (no_leaf[i] ? n : 0),
                               member,
                               0,
                               (uint8_t)mode,
                               nan && nan[i]};
    if (mode != SX_TREE_MEMBER) continue;
    while (member < members.n && set[member] == set[member]) member++; /* a NaN ends the set */
    q->n_set = member - q->set;
    member += member < members.n;
  }
  for (uint32_t i = 0; i < leaves; i++) {
    SX_TRY(in_range(b, "leaf_targetids", i, target[i], s->n_targets));
    s->nodes[n + i].mode = SX_TREE_LEAF;
    s->entries[i] = (sx_tree_entry){n + i, (uint32_t)target[i], real_at(&weight, i)};
  }
  s->n_nodes = all, s->n_entries = leaves, s->roots = root, s->members = set;
  s->wide = is_wide(&split) || is_wide(&weight);
  return SX_OK;
}

static bool mode_of(sx_str s, uint8_t *mode) {
  static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                      "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
  for (uint8_t i = 0; i < 8; i++)
    if (i != SX_TREE_MEMBER && sx_str_is(s, names[i])) return *mode = i, true;
  return false;
}
/* Nodes by tree and number. */
static sx_status find(const sx_build *b, const sx_map *m, int64_t tree, int64_t node, const char *what, uint32_t *out) {
  uint64_t at;
  if (tree < 0 || tree > INT32_MAX || node < 0 || node > INT32_MAX ||
      !sx_map_get(m, (uint64_t)tree << 32 | (uint64_t)node, &at))
    SX_FAIL(b->e, FAIL, "attribute '%s' names node %lld of tree %lld, which does not exist", what, (long long)node,
            (long long)tree);
  *out = (uint32_t)at;
  return SX_OK;
}

typedef struct old_attrs {
  const int64_t *tree, *node, *feature, *yes, *no, *nan;
  const sx_attr *modes;
  reals split;
  uint32_t n;
} old_attrs;
static sx_status read_nodes(const sx_build *b, const old_attrs *o, sx_map *m, sx_tree_source *s, uint32_t *roots) {
  int64_t last = -1;
  for (uint32_t i = 0; i < o->n; i++) {
    uint64_t key = (uint64_t)o->tree[i] << 32 | (uint64_t)o->node[i], at;
    SX_TRY(in_range(b, "nodes_treeids", i, o->tree[i], (int64_t)INT32_MAX + 1));
    SX_TRY(in_range(b, "nodes_nodeids", i, o->node[i], (int64_t)INT32_MAX + 1));
    if (sx_map_get(m, key, &at))
      SX_FAIL(b->e, INVALID_GRAPH, "node %lld of tree %lld is there twice", (long long)o->node[i], (long long)o->tree[i]);
    if (!sx_map_put(m, key, i)) SX_NO_MEMORY(b->e);
    /* A tree's root is the first of its nodes; bit 63 marks trees that have one. */
    if (o->tree[i] != last && !sx_map_get(m, 1ull << 63 | (uint64_t)o->tree[i], &at)) {
      roots[s->n_roots++] = i;
      if (!sx_map_put(m, 1ull << 63 | (uint64_t)o->tree[i], i)) SX_NO_MEMORY(b->e);
    }
    last = o->tree[i];
  }
  for (uint32_t i = 0; i < o->n; i++) {
    sx_tree_source_node *q = &s->nodes[i];
    if (!mode_of(o->modes->strings[i], &q->mode))
      SX_FAIL(b->e, FAIL, "element %u of 'nodes_modes' is '%.*s'", i, SX_FMT(o->modes->strings[i]));
    if (q->mode == SX_TREE_LEAF) continue;
    SX_TRY(in_range(b, "nodes_featureids", i, o->feature[i], INT32_MAX));
    q->split = real_at(&o->split, i), q->feature = (uint32_t)o->feature[i], q->nan_yes = o->nan && o->nan[i];
    SX_TRY(find(b, m, o->tree[i], o->yes[i], "nodes_truenodeids", &q->yes));
    SX_TRY(find(b, m, o->tree[i], o->no[i], "nodes_falsenodeids", &q->no));
  }
  return SX_OK;
}

sx_status sx_trees_read_old(const sx_build *b, sx_arena *a, bool classifier, sx_tree_source *s) {
  const int64_t *tree, *node, *id;
  old_attrs o = {0};
  reals weight;
  o.modes = sx_node_attr(b->n, "nodes_modes");
  o.n = sx_attr_ints(b->n, "nodes_nodeids", &o.node);
  SX_TRY(ints_of(b, "nodes_treeids", o.n, false, &o.tree));
  SX_TRY(ints_of(b, "nodes_featureids", o.n, false, &o.feature));
  SX_TRY(ints_of(b, "nodes_truenodeids", o.n, false, &o.yes));
  SX_TRY(ints_of(b, "nodes_falsenodeids", o.n, false, &o.no));
  SX_TRY(ints_of(b, "nodes_missing_value_tracks_true", o.n, true, &o.nan));
  SX_TRY(reals_of(b, "nodes_values", "nodes_values_as_tensor", &o.split));
  SX_TRY(reals_of(b, classifier ? "class_weights" : "target_weights",
                  classifier ? "class_weights_as_tensor" : "target_weights_as_tensor", &weight));
  SX_TRY(ints_of(b, classifier ? "class_treeids" : "target_treeids", weight.n, false, &tree));
  SX_TRY(ints_of(b, classifier ? "class_nodeids" : "target_nodeids", weight.n, false, &node));
  SX_TRY(ints_of(b, classifier ? "class_ids" : "target_ids", weight.n, false, &id));
  if (o.split.n != o.n || !o.modes || o.modes->n != o.n)
    SX_FAIL(b->e, INVALID_GRAPH, "has %u nodes, %u values and %u modes, expected as many", o.n, o.split.n,
            o.modes ? o.modes->n : 0);
  uint32_t *roots = SX_NEW_N(a, uint32_t, (size_t)o.n + 1);
  s->nodes = SX_NEW_N(a, sx_tree_source_node, (size_t)o.n + 1),
  s->entries = SX_NEW_N(a, sx_tree_entry, (size_t)weight.n + 1);
  if (!roots || !s->nodes || !s->entries) SX_NO_MEMORY(b->e);
  s->n_nodes = o.n, s->n_entries = weight.n, s->roots = roots;
  s->wide = is_wide(&o.split) || is_wide(&weight);
  sx_map m = {0};
  sx_status st = read_nodes(b, &o, &m, s, roots);
  for (uint32_t i = 0; i < weight.n && st == SX_OK; i++) {
    sx_tree_entry *e = &s->entries[i];
    st = in_range(b, classifier ? "class_ids" : "target_ids", i, id[i], s->n_targets);
    if (st == SX_OK) st = find(b, &m, tree[i], node[i], classifier ? "class_nodeids" : "target_nodeids", &e->leaf);
    e->target = (uint32_t)id[i], e->weight = real_at(&weight, i);
  }
  sx_map_free(&m);
  return st;
}

sx_status sx_trees_base(const sx_build *b, const double **base, uint32_t *n, bool *wide) {
  reals r;
  SX_TRY(reals_of(b, "base_values", "base_values_as_tensor", &r));
  double *v = SX_NEW_N(b->arena, double, (size_t)r.n + 1);
  if (!v) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < r.n; i++) v[i] = real_at(&r, i);
  *wide |= is_wide(&r);
  *base = v, *n = r.n;
  return SX_OK;
}
