// SPDX-License-Identifier: MIT
/* Ensembles of decision trees.
 *
 * A forest is built once out of a plain description and only read then. Its nodes lie tree by tree, level by level, the two
 * children of a node side by side: slot 1 is where the comparison `x <= split` (or `x < split`) leads, slot 0 the other
 * way. A leaf's split is a NaN, with which every comparison is false, and its slot 0 is itself: a walk that is at a leaf
 * stays there, so that many rows go down a tree in step, without a branch that could be mispredicted. The NaN's payload is
 * the leaf's number. */
#ifndef SX_EP_CPU_TREE_H
#define SX_EP_CPU_TREE_H
#include "base/alloc.h"
#include "base/status.h"

/* In the order of ONNX's TreeEnsemble. */
typedef enum sx_tree_mode {
  SX_TREE_LEQ,
  SX_TREE_LT,
  SX_TREE_GTE,
  SX_TREE_GT,
  SX_TREE_EQ,
  SX_TREE_NEQ,
  SX_TREE_MEMBER,
  SX_TREE_LEAF
} sx_tree_mode;
typedef enum sx_tree_aggregate { SX_TREE_AVERAGE, SX_TREE_SUM, SX_TREE_MIN, SX_TREE_MAX } sx_tree_aggregate;

typedef struct sx_tree_entry {
  uint32_t leaf, target;
  double weight;
} sx_tree_entry; /* leaf: a source node */
typedef struct sx_tree_source_node {
  double split;
  uint32_t feature, yes, no; /* yes, no: source nodes */
  uint32_t set, n_set;       /* MEMBER: its members */
  uint8_t mode;
  bool nan_yes; /* NaN goes to `yes` */
} sx_tree_source_node;
typedef struct sx_tree_source {
  uint32_t n_nodes, n_entries, n_roots, n_targets;
  sx_tree_source_node *nodes;
  sx_tree_entry *entries; /* sorted by the builder */
  const uint32_t *roots;
  const double *members;
  sx_tree_aggregate aggregate;
  bool wide;  /* compute in f64 */
  bool flags; /* it matters whether a target got a score at all */
} sx_tree_source;

typedef struct sx_tree_node32 {
  float split;
  uint32_t link;
} sx_tree_node32; /* link: nan bit, feature, child */
typedef struct sx_tree_node64 {
  double split;
  uint64_t link;
} sx_tree_node64;
typedef struct sx_tree_set {
  uint64_t small;
  uint32_t n;
  const double *sorted;
} sx_tree_set; /* small: members of 0..63 */
typedef struct sx_tree_root {
  uint32_t node, shallow, deep;
} sx_tree_root; /* least and greatest depth of a leaf */
enum { SX_TREE_NEVER, SX_TREE_ALWAYS, SX_TREE_SOMETIMES };

typedef struct sx_forest {
  bool wide;            /* node64, rows and scores of doubles; else floats */
  bool strict;          /* x < split */
  bool nan;             /* some node sends NaN to slot 1 */
  bool flags;           /* a target may get no score, and it matters: which did is kept */
  bool single;          /* leaf l has the entry l alone */
  const uint8_t *modes; /* by node, or NULL: slot 1 by `<=` or `<` alone */
  const sx_tree_set *sets;
  uint32_t feature_bits, child_bits, n_features; /* features that a row must have */
  uint32_t n_trees, n_targets;
  sx_tree_aggregate aggregate;
  const void *nodes;
  const sx_tree_root *roots;
  const uint32_t *leaf_at; /* leaf l has the entries [leaf_at[l], leaf_at[l + 1]) */
  const uint32_t *target;  /* of an entry */
  const void *weight;      /* of an entry: float or double */
  const uint8_t *scored;   /* by target: SX_TREE_NEVER ... */
  double depth;            /* mean of the trees' greatest: what a walk costs */
} sx_forest;

/* Everything lies in `a`, but for the sources' members. INVALID_GRAPH: cycles, numbers out of range. */
sx_status sx_forest_build(const sx_tree_source *s, sx_arena *a, sx_forest *f, sx_err *e);
/* Adds the trees [from, to) to the scores of n rows, [n][n_targets]; with f->flags seen[n][n_targets] becomes 1 where a
 * tree had a weight. x: rows of `stride` elements, float or double. */
void sx_forest_run(const sx_forest *f, const void *x, int64_t stride, int64_t n, uint32_t from, uint32_t to, void *score,
                   uint8_t *seen);
/* Scores before the first tree; and what another part gave, added. */
void sx_forest_clear(const sx_forest *f, int64_t n, void *score, uint8_t *seen);
void sx_forest_merge(const sx_forest *f, int64_t n, void *score, uint8_t *seen, const void *more, const uint8_t *more_seen);
#endif
