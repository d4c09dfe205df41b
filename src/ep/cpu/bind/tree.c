// SPDX-License-Identifier: MIT
/* Ensembles of trees: blocks of rows through all trees, or, where rows are few, through groups of them, whose sums are
 * joined in a second phase in their order. Both cuts follow from the shape alone. */
#include "ep/cpu/bind/tree.h"
#include "ep/cpu/kernels/convert/convert.h"
#include "ep/cpu/kernels/ml/scores.h"

typedef struct ensemble {
  sx_forest f;
  sx_post post;
  uint32_t n_base;
  const double *base;
  sx_isa isa;
  /* Classifiers. */
  bool classifier, one_id, mixed; /* all weights are of one class; some are negative */
  const int64_t *ints;
  const sx_str *strings;
} ensemble;

static sx_status create(sx_build *b) {
  ensemble *q = b->state = SX_NEW(b->arena, ensemble);
  if (!q) SX_NO_MEMORY(b->e);
  const bool v5 = b->n->op == &sx_op_TreeEnsemble;
  q->classifier = b->n->op == &sx_op_TreeEnsembleClassifier;
  q->isa = b->cpu->isa;
  const sx_fact *y = &sx_value_at(b->g, b->n->out[b->n->out[0] == SX_NONE || q->classifier ? b->n->n_out - 1 : 0])->fact;
  const sx_attr *strings = sx_node_attr(b->n, "classlabels_strings");
  uint32_t n_ints = sx_attr_ints(b->n, "classlabels_int64s", &q->ints);
  if (strings && strings->n) q->strings = strings->strings;
  sx_tree_source s = {.flags = q->classifier, .aggregate = SX_TREE_SUM};
  s.n_targets = q->classifier ? (q->strings ? strings->n : n_ints) : (uint32_t)y->dims[1];
  if (v5) {
    int64_t how = sx_attr_int(b->n, "aggregate_function", SX_TREE_SUM), post = sx_attr_int(b->n, "post_transform", 0);
    if (how < 0 || how > SX_TREE_MAX || post < 0 || post > SX_POST_PROBIT)
      SX_FAIL(b->e, FAIL, "aggregate_function is %lld and post_transform %lld, expected 0 to 3 and 0 to 4", (long long)how,
              (long long)post);
    s.aggregate = (sx_tree_aggregate)how, q->post = (sx_post)post;
  } else {
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    sx_str how = sx_attr_str(b->n, "aggregate_function", "SUM"), post = sx_attr_str(b->n, "post_transform", "NONE");
    uint32_t i = 0;
    while (i < 4 && !sx_str_is(how, names[i])) i++;
    if (i == 4 || !sx_post_of(post, &q->post))
      SX_FAIL(b->e, FAIL, "aggregate_function is '%.*s' and post_transform '%.*s'", SX_FMT(how), SX_FMT(post));
    s.aggregate = (sx_tree_aggregate)i;
  }
  s.flags |= s.aggregate >= SX_TREE_MIN;
  sx_arena t = {0};
  sx_status st = v5 ? sx_trees_read(b, &t, &s) : sx_trees_read_old(b, &t, q->classifier, &s);
  s.wide |= sx_value_at(b->g, b->n->in[0].value)->fact.dtype == SX_F64;
  if (st == SX_OK) st = sx_trees_base(b, &q->base, &q->n_base, &s.wide);
  if (st == SX_OK && q->n_base > s.n_targets && q->n_base > 2)
    st = sx_fail(b->e, SX_E_FAIL, SX_HERE, "has %u base values for %u targets or classes", q->n_base, s.n_targets);
  q->one_id = true;
  for (uint32_t i = 0; i < s.n_entries && st == SX_OK; i++) {
    q->one_id &= s.entries[i].target == s.entries[0].target;
    q->mixed |= s.entries[i].weight < 0;
  }
  if (st == SX_OK) st = sx_forest_build(&s, b->arena, &q->f, b->e);
  sx_arena_free(&t);
  return st;
}

typedef struct params {
  const ensemble *q;
  sx_dtype in, out;
  int64_t rows, width, block; /* rows; features; rows of a unit */
  uint32_t groups, per_group; /* of trees */
  size_t real, x_bytes, score_bytes, seen_bytes;
} params;

static double score_at(const ensemble *q, const void *score, int64_t i) {
  return q->f.wide ? ((const double *)score)[i] : (double)((const float *)score)[i];
}

/* A row's label, as its place. The rules for two classes are those of ONNX Runtime, which converters write for: weights of
 * one class only are about the second class, and are probabilities unless some are negative. */
static int64_t classify(const ensemble *q, double *s, bool *has, double *z) {
  const uint32_t n = q->f.n_targets;
  int64_t best = -1;
  if (n == 1) {
    s[0] += q->n_base ? q->base[q->n_base - 1] : 0;
    z[0] = s[0];
    sx_scores_finish(z, 1, q->post);
    return s[0] > 0;
  }
  if (n > 2) {
    for (uint32_t k = 0; k < n; k++) {
      if (k < q->n_base) s[k] = (has[k] ? s[k] : 0) + q->base[k], has[k] = true;
      if (has[k] && (best < 0 || s[k] > s[best])) best = k;
      z[k] = has[k] ? s[k] : 0;
    }
    sx_scores_finish(z, n, q->post);
    return best < 0 ? 0 : best;
  }
  bool pair = has[1]; /* a score for either class */
  if (q->n_base == 2 && has[1])
    s[1] = q->base[1] + s[0], s[0] = -s[1];
  else if (q->n_base == 2)
    s[0] += q->base[0], pair = true;
  else if (q->n_base == 1)
    s[0] += q->base[0];
  double positive = has[1] ? s[1] : has[0] ? s[0] : 0;
  int64_t label = positive > (q->one_id && !q->mixed ? 0.5 : 0);
  if (pair) {
    z[0] = has[0] ? s[0] : 0, z[1] = has[1] ? s[1] : 0;
    sx_scores_finish(z, 2, q->post);
  } else
    sx_scores_pair(s[0], q->post, q->mixed || !q->one_id, z);
  return label;
}
static void regress(const ensemble *q, const double *s, const bool *has, double *z) {
  const uint32_t n = q->f.n_targets;
  for (uint32_t k = 0; k < n; k++) {
    double v = has[k] ? s[k] : 0;
    if (q->f.aggregate == SX_TREE_AVERAGE && q->f.n_trees) v /= q->f.n_trees;
    z[k] = v + (q->n_base == n ? q->base[k] : 0);
  }
  sx_scores_finish(z, n, q->post);
}

/* Scores of n rows, at `row`, to the outputs. */
static void finish(const sx_call *c, const params *p, int64_t row, int64_t n, const void *score, const uint8_t *seen,
                   double *tmp) {
  const ensemble *q = p->q;
  const int64_t t = q->f.n_targets;
  double *s = tmp, *z = tmp + t + 1;
  bool *has = (bool *)(z + t + 1);
  void *out = c->out[q->classifier ? 1 : 0];
  for (int64_t r = 0; r < n; r++) {
    for (int64_t k = 0; k < t; k++) {
      s[k] = score_at(q, score, r * t + k);
      has[k] =
          q->f.scored[k] == SX_TREE_ALWAYS || (q->f.scored[k] == SX_TREE_SOMETIMES && (!q->f.flags || seen[r * t + k]));
    }
    if (q->classifier) {
      int64_t label = classify(q, s, has, z);
      if (c->out[0] && q->strings)
        ((sx_str *)c->out[0])[row + r] = q->strings[t > 1 ? label : 0];
      else if (c->out[0])
        ((int64_t *)c->out[0])[row + r] = t > 1 ? q->ints[label] : label;
    } else
      regress(q, s, has, z);
    if (out) sx_scores_store(q->isa, p->out, out, (row + r) * t, z, t);
  }
}
/* The trees of a group over the rows of a block. */
static void walk(const sx_call *c, const params *p, int64_t row, int64_t n, uint32_t group, char *x_copy, void *score,
                 uint8_t *seen) {
  const ensemble *q = p->q;
  const char *x = (const char *)c->in[0] + (size_t)(row * p->width) * (sx_dtype_bits(p->in) / 8);
  sx_dtype real = q->f.wide ? SX_F64 : SX_F32;
  if (p->in != real) {
    sx_cast_run(q->isa, p->in, real, 0, x_copy, x, 0, n * p->width);
    x = x_copy;
  }
  uint32_t from = group * p->per_group, to = q->f.n_trees - from < p->per_group ? q->f.n_trees : from + p->per_group;
  sx_forest_clear(&q->f, n, score, seen);
  sx_forest_run(&q->f, x, p->width, n, from, to, score, seen);
}
static int64_t rows_at(const params *p, int64_t block) {
  return p->rows - block * p->block < p->block ? p->rows - block * p->block : p->block;
}

static sx_status run_blocks(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *p = c->params;
  char *x = c->worker_scratch, *score = x + p->x_bytes, *seen = score + p->score_bytes;
  for (uint32_t u = begin; u < end; u++) {
    walk(c, p, u * p->block, rows_at(p, u), 0, x, score, (uint8_t *)seen);
    finish(c, p, u * p->block, rows_at(p, u), score, (uint8_t *)seen, (double *)(seen + p->seen_bytes));
  }
  return SX_OK;
}
/* A part's scores in the shared scratch: by group, then by block. */
static char *part(const sx_call *c, const params *p, int64_t block, uint32_t group) {
  int64_t blocks = (p->rows + p->block - 1) / p->block;
  return (char *)c->scratch + (size_t)(group * blocks + block) * (p->score_bytes + p->seen_bytes);
}
static sx_status run_parts(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *p = c->params;
  for (uint32_t u = begin; u < end; u++) {
    int64_t block = u / p->groups;
    char *score = part(c, p, block, u % p->groups);
    walk(c, p, block * p->block, rows_at(p, block), u % p->groups, c->worker_scratch, score,
         (uint8_t *)score + p->score_bytes);
  }
  return SX_OK;
}
static sx_status run_join(const sx_call *c, uint32_t begin, uint32_t end) {
  const params *p = c->params;
  for (uint32_t u = begin; u < end; u++) {
    char *score = part(c, p, u, 0);
    for (uint32_t g = 1; g < p->groups; g++) {
      const char *more = part(c, p, u, g);
      sx_forest_merge(&p->q->f, rows_at(p, u), score, (uint8_t *)score + p->score_bytes, more,
                      (const uint8_t *)more + p->score_bytes);
    }
    finish(c, p, u * p->block, rows_at(p, u), score, (uint8_t *)score + p->score_bytes,
           (double *)((char *)c->worker_scratch + p->x_bytes));
  }
  return SX_OK;
}

static sx_status prepare(sx_prep *prep) {
  enum { BLOCK = 128, FEW = 16, TREES = 32 };
  const ensemble *q = prep->state;
  const sx_view *x = &prep->in[0];
  params *p = SX_NEW(prep->arena, params);
  if (!p) SX_NO_MEMORY(prep->e);
  *p = (params){.q = q,
                .in = (sx_dtype)x->dtype,
                .out = (sx_dtype)prep->out[q->classifier ? 1 : 0].dtype,
                .rows = x->rank == 2 ? x->dims[0] : 1,
                .width = x->dims[x->rank - 1]};
  if (q->f.n_features > p->width)
    SX_FAIL(prep->e, FAIL, "a tree asks for feature %u, rows have %lld", q->f.n_features - 1, (long long)p->width);
  if (!p->rows) return SX_OK;
  p->block = p->rows < BLOCK ? p->rows : BLOCK;
  int64_t blocks = (p->rows + p->block - 1) / p->block;
  const double tree_ns = (double)p->block * (3 + 1.5 * q->f.depth), all_ns = tree_ns * q->f.n_trees;
  p->groups = 1, p->per_group = q->f.n_trees;
  if (blocks < FEW && all_ns > 30000) { /* few rows, much to do: the trees in groups */
    uint32_t groups = (uint32_t)(FEW / blocks), most = q->f.n_trees / TREES;
    p->groups = groups < most ? groups : most ? most : 1;
    p->per_group = (q->f.n_trees + p->groups - 1) / p->groups;
    p->groups = p->per_group ? (q->f.n_trees + p->per_group - 1) / p->per_group : 1;
  }
  const int64_t scores = p->block * q->f.n_targets;
  p->real = q->f.wide ? sizeof(double) : sizeof(float);
  p->x_bytes = p->in == (q->f.wide ? SX_F64 : SX_F32) ? 0 : sx_round_up((size_t)(p->block * p->width) * p->real, SX_ALIGN);
  p->score_bytes = sx_round_up((size_t)scores * p->real, SX_ALIGN),
  p->seen_bytes = q->f.flags ? sx_round_up((size_t)scores, SX_ALIGN) : 0;
  const size_t tmp = ((size_t)q->f.n_targets + 2) * 2 * (sizeof(double) + sizeof(bool)),
               parts = p->score_bytes + p->seen_bytes;
  const double row_ns = (double)p->block * (15 + 8 * (double)q->f.n_targets);
  prep->params = p;
  if (p->groups == 1) return sx_prep_phase(prep, run_blocks, blocks, all_ns + row_ns, p->x_bytes + parts + tmp);
  prep->scratch = parts * (size_t)blocks * p->groups;
  SX_TRY(sx_prep_phase(prep, run_parts, blocks * p->groups, tree_ns * p->per_group, p->x_bytes + SX_ALIGN));
  return sx_prep_phase(prep, run_join, blocks, row_ns + (double)scores * p->groups, p->x_bytes + tmp);
}

#define ROW(N) const sx_kernel sx_cpu_##N = {.op = &sx_op_##N, .name = "trees", .create = create, .prepare = prepare};
ROW(TreeEnsemble)
ROW(TreeEnsembleClassifier)
ROW(TreeEnsembleRegressor)
