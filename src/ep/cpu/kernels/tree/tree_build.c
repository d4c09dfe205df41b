// SPDX-License-Identifier: MIT
/* From a description to packed nodes. A subtree that several nodes share is placed once; only its top is repeated, because
 * it must lie beside its sibling. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ep/cpu/kernels/tree/tree.h"

enum { NEW, ON_PATH, DONE };
#define NOWHERE UINT32_MAX
typedef struct builder {
  const sx_tree_source *s;
  sx_forest *f;
  sx_arena *a;
  sx_err *e;
  uint8_t *state; /* the rest by source node, too */
  uint32_t *shallow, *deep;
  uint32_t *pair;   /* where the children lie */
  uint32_t *leaf;   /* number of a leaf */
  uint32_t *placed; /* the source node that lies there */
  uint32_t n_placed, n_leaves;
  uint8_t *scored;
} builder;

static bool is_leaf(const builder *b, uint32_t n) { return b->s->nodes[n].mode == SX_TREE_LEAF; }
static uint32_t bits_for(uint64_t count) { /* of numbers below count */
  uint32_t n = 1;
  while (n < 63 && count > 1ull << n) n++;
  return n;
}

/* Depths of everything below a root; a node on the path that is met again closes a cycle. */
static sx_status measure(builder *b, uint32_t root) {
  SX_VEC(uint32_t) path = {0};
  bool pushed = sx_vec_push(&path, root), cycle = false;
  while (path.n && pushed && !cycle) {
    uint32_t n = path.at[path.n - 1], next = NOWHERE;
    const sx_tree_source_node *q = &b->s->nodes[n];
    if (b->state[n] == DONE || is_leaf(b, n)) {
      b->state[n] = DONE;
      path.n--;
      continue;
    }
    b->state[n] = ON_PATH;
    const uint32_t child[2] = {q->no, q->yes};
    for (int k = 0; k < 2; k++) {
      cycle |= b->state[child[k]] == ON_PATH;
      if (b->state[child[k]] == NEW) next = child[k];
    }
    if (next != NOWHERE) {
      pushed = cycle || sx_vec_push(&path, next);
      continue;
    }
    uint32_t d0 = b->deep[q->no], d1 = b->deep[q->yes], s0 = b->shallow[q->no], s1 = b->shallow[q->yes];
    b->deep[n] = (d0 > d1 ? d0 : d1) + 1;
    b->shallow[n] = (s0 < s1 ? s0 : s1) + 1;
    b->state[n] = DONE;
    path.n--;
  }
  sx_vec_free(&path);
  if (!pushed) SX_NO_MEMORY(b->e);
  if (cycle) SX_FAIL(b->e, FAIL, "the tree with root %u has a cycle", root);
  return SX_OK;
}

/* Which comparison decides for slot 1, and whether `yes` is it. */
static bool swapped(const builder *b, uint32_t n) {
  return !b->f->modes && (b->s->nodes[n].mode == SX_TREE_GTE || b->s->nodes[n].mode == SX_TREE_GT);
}
static bool nan_slot(const builder *b, uint32_t n) { return b->s->nodes[n].nan_yes != swapped(b, n); }

/* Lays a tree out, level by level. whole: nothing of it lay there before. */
static bool place(builder *b, uint32_t root, uint32_t *first_leaf) {
  uint32_t begin = b->n_placed;
  bool whole = true;
  *first_leaf = b->n_leaves;
  b->placed[b->n_placed++] = root;
  for (uint32_t i = begin; i < b->n_placed; i++) {
    uint32_t n = b->placed[i];
    if (is_leaf(b, n)) {
      if (b->leaf[n] == NOWHERE) b->leaf[n] = b->n_leaves++;
      whole &= b->leaf[n] >= *first_leaf;
    } else if (b->pair[n] == NOWHERE) {
      const sx_tree_source_node *q = &b->s->nodes[n];
      bool swap = swapped(b, n);
      b->pair[n] = b->n_placed;
      b->placed[b->n_placed++] = swap ? q->yes : q->no;
      b->placed[b->n_placed++] = swap ? q->no : q->yes;
    } else
      whole &= b->pair[n] >= begin;
  }
  return whole;
}

static int by_leaf(const void *x, const void *y) {
  const sx_tree_entry *a = x, *b = y;
  return a->leaf != b->leaf ? (a->leaf < b->leaf ? -1 : 1) : (a->target > b->target) - (a->target < b->target);
}
/* Entries by leaf; those of nodes that are none, or that no walk reaches, fall away, and those of one target and leaf are
 * joined. */
static sx_status pack_entries(builder *b) {
  sx_forest *f = b->f;
  sx_tree_entry *from = b->s->entries;
  uint32_t n = 0, m = 0;
  for (uint32_t i = 0; i < b->s->n_entries; i++) {
    if (from[i].target >= b->s->n_targets)
      SX_FAIL(b->e, INVALID_GRAPH, "a weight is for target or class %u, there are %u", from[i].target, b->s->n_targets);
    if (b->leaf[from[i].leaf] != NOWHERE) from[n] = from[i], from[n++].leaf = b->leaf[from[i].leaf];
  }
  if (n) qsort(from, n, sizeof *from, by_leaf);
  for (uint32_t i = 0; i < n; i++) {
    sx_tree_entry *last = m ? &from[m - 1] : NULL;
    if (!last || by_leaf(last, &from[i]))
      from[m++] = from[i];
    else if (f->aggregate == SX_TREE_MIN)
      last->weight = fmin(last->weight, from[i].weight);
    else if (f->aggregate == SX_TREE_MAX)
      last->weight = fmax(last->weight, from[i].weight);
    else
      last->weight += from[i].weight;
  }
  uint32_t *at = SX_NEW_N(b->a, uint32_t, (size_t)b->n_leaves + 1), *target = SX_NEW_N(b->a, uint32_t, (size_t)m + 1);
  void *weight = sx_arena_array(b->a, (size_t)m + 1, f->wide ? sizeof(double) : sizeof(float));
  if (!at || !target || !weight) SX_NO_MEMORY(b->e);
  f->single = m == b->n_leaves;
  for (uint32_t i = 0; i < m; i++) {
    at[from[i].leaf + 1]++;
    target[i] = from[i].target;
    f->single &= from[i].leaf == i;
    if (f->wide)
      ((double *)weight)[i] = from[i].weight;
    else
      ((float *)weight)[i] = (float)from[i].weight;
  }
  for (uint32_t l = 0; l < b->n_leaves; l++) at[l + 1] += at[l];
  f->leaf_at = at, f->target = target, f->weight = weight;
  return SX_OK;
}
/* A target that every leaf of some tree scores always has a score. */
static void mark_scored(builder *b, uint32_t from, uint32_t to, bool whole, uint32_t *count) {
  const sx_forest *f = b->f;
  for (uint32_t e = f->leaf_at[from]; e < f->leaf_at[to]; e++) {
    uint32_t t = f->target[e];
    if (b->scored[t] == SX_TREE_NEVER) b->scored[t] = SX_TREE_SOMETIMES;
    if (++count[t] == to - from && whole) b->scored[t] = SX_TREE_ALWAYS;
  }
  for (uint32_t e = f->leaf_at[from]; e < f->leaf_at[to]; e++) count[f->target[e]] = 0;
}

static int by_value(const void *x, const void *y) {
  return (*(const double *)x > *(const double *)y) - (*(const double *)x < *(const double *)y);
}
static sx_status pack_set(builder *b, const sx_tree_source_node *q, sx_tree_set *set) {
  double *big = SX_NEW_N(b->a, double, (size_t)q->n_set + 1);
  if (!big) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < q->n_set; i++) {
    double v = b->s->members[q->set + i];
    if (v >= 0 && v < 64 && v == floor(v))
      set->small |= 1ull << (int)v;
    else
      big[set->n++] = v;
  }
  if (set->n) qsort(big, set->n, sizeof *big, by_value);
  set->sorted = big;
  return SX_OK;
}

static sx_status pack_nodes(builder *b) {
  sx_forest *f = b->f;
  void *nodes = sx_arena_aligned(
      b->a, ((size_t)b->n_placed + 1) * (f->wide ? sizeof(sx_tree_node64) : sizeof(sx_tree_node32)), SX_ALIGN);
  uint8_t *modes = f->modes ? SX_NEW_N(b->a, uint8_t, (size_t)b->n_placed + 1) : NULL;
  uint32_t n_sets = 0;
  sx_tree_set *sets = f->modes ? SX_NEW_N(b->a, sx_tree_set, (size_t)b->n_placed + 1) : NULL;
  if (!nodes || (f->modes && (!modes || !sets))) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < b->n_placed; i++) {
    const uint32_t n = b->placed[i];
    const sx_tree_source_node *q = &b->s->nodes[n];
    bool leaf = is_leaf(b, n), nan = !leaf && nan_slot(b, n);
    uint64_t child = leaf ? i : b->pair[n], feature = leaf ? 0 : q->feature, link = child | feature << f->child_bits;
    double split = q->split;
    f->nan |= nan;
    if (modes) modes[i] = q->mode;
    if (q->mode == SX_TREE_MEMBER) {
      SX_TRY(pack_set(b, q, &sets[n_sets]));
      split = n_sets++;
    }
    if (f->wide) {
      sx_tree_node64 *to = (sx_tree_node64 *)nodes + i;
      const uint64_t number = 0x7FF8000000000000u | (leaf ? b->leaf[n] : 0);
      *to = (sx_tree_node64){split, link | (uint64_t)nan << 63};
      if (leaf) memcpy(&to->split, &number, sizeof number);
    } else {
      sx_tree_node32 *to = (sx_tree_node32 *)nodes + i;
      const uint32_t number = 0x7FC00000u | (leaf ? b->leaf[n] : 0);
      *to = (sx_tree_node32){(float)split, (uint32_t)link | (uint32_t)nan << 31};
      if (leaf) memcpy(&to->split, &number, sizeof number);
    }
  }
  f->nodes = nodes, f->modes = modes, f->sets = sets;
  return SX_OK;
}

/* Checks what the walk relies on; whether one comparison serves all nodes. */
static sx_status survey(builder *b) {
  sx_forest *f = b->f;
  bool strict = false, loose = false, other = false;
  for (uint32_t n = 0; n < b->s->n_nodes; n++) {
    const sx_tree_source_node *q = &b->s->nodes[n];
    if (q->mode == SX_TREE_LEAF) continue;
    if (q->mode > SX_TREE_LEAF) SX_FAIL(b->e, INVALID_GRAPH, "node %u has the mode %u, expected 0 to 6", n, q->mode);
    if (q->yes >= b->s->n_nodes || q->no >= b->s->n_nodes)
      SX_FAIL(b->e, INVALID_GRAPH, "a branch of node %u leads to no node", n);
    if (q->feature >= INT32_MAX) SX_FAIL(b->e, INVALID_GRAPH, "node %u asks for the feature %u", n, q->feature);
    if (q->feature >= f->n_features) f->n_features = q->feature + 1;
    strict |= q->mode == SX_TREE_LT || q->mode == SX_TREE_GTE;
    loose |= q->mode == SX_TREE_LEQ || q->mode == SX_TREE_GT;
    other |= q->mode > SX_TREE_GT;
  }
  static const uint8_t general = 0;
  f->strict = strict;
  if (other || (strict && loose)) f->modes = &general, f->wide = true;
  return SX_OK;
}

sx_status sx_forest_build(const sx_tree_source *s, sx_arena *a, sx_forest *f, sx_err *e) {
  *f = (sx_forest){.wide = s->wide, .n_trees = s->n_roots, .n_targets = s->n_targets, .aggregate = s->aggregate};
  sx_arena t = {0}; /* what only building needs */
  size_t n = (size_t)s->n_nodes + 1, most = (size_t)s->n_roots + 2 * n;
  builder b = {.s = s, .f = f, .a = a, .e = e};
  if (most > UINT32_MAX / 2) SX_FAIL(e, INVALID_GRAPH, "the trees have too many nodes");
  b.state = SX_NEW_N(&t, uint8_t, n), b.shallow = SX_NEW_N(&t, uint32_t, n), b.deep = SX_NEW_N(&t, uint32_t, n);
  b.pair = SX_NEW_N(&t, uint32_t, n), b.leaf = SX_NEW_N(&t, uint32_t, n), b.placed = SX_NEW_N(&t, uint32_t, most);
  uint32_t *first = SX_NEW_N(&t, uint32_t, (size_t)s->n_roots + 2),
           *count = SX_NEW_N(&t, uint32_t, (size_t)s->n_targets + 1);
  bool *whole = SX_NEW_N(&t, bool, (size_t)s->n_roots + 1);
  sx_tree_root *roots = SX_NEW_N(a, sx_tree_root, (size_t)s->n_roots + 1);
  b.scored = SX_NEW_N(a, uint8_t, (size_t)s->n_targets + 1);
  sx_status st = t.failed || !roots || !b.scored ? sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory") : survey(&b);
  for (size_t i = 0; i < n && st == SX_OK; i++) b.pair[i] = b.leaf[i] = NOWHERE;
  for (uint32_t r = 0; r < s->n_roots && st == SX_OK; r++) {
    if (s->roots[r] >= s->n_nodes)
      st = sx_fail(e, SX_E_INVALID_GRAPH, SX_HERE, "root %u is node %u, there are %u", r, s->roots[r], s->n_nodes);
    else
      st = measure(&b, s->roots[r]);
    if (st != SX_OK) break;
    roots[r] = (sx_tree_root){b.n_placed, b.shallow[s->roots[r]], b.deep[s->roots[r]]};
    whole[r] = place(&b, s->roots[r], &first[r]);
    f->depth += (double)roots[r].deep / s->n_roots;
  }
  if (st == SX_OK) {
    first[s->n_roots] = b.n_leaves;
    f->child_bits = bits_for(b.n_placed), f->feature_bits = bits_for(f->n_features), f->roots = roots, f->scored = b.scored;
    f->wide |= f->child_bits + f->feature_bits > 31 || b.n_leaves > 1u << 22;
    st = pack_entries(&b);
  }
  for (uint32_t r = 0; r < s->n_roots && st == SX_OK; r++) mark_scored(&b, first[r], first[r + 1], whole[r], count);
  for (uint32_t k = 0; k < s->n_targets && st == SX_OK; k++) f->flags |= s->flags && b.scored[k] == SX_TREE_SOMETIMES;
  if (st == SX_OK) st = pack_nodes(&b);
  sx_arena_free(&t);
  return st;
}
