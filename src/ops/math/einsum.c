// SPDX-License-Identifier: MIT
/* Einsum, said in other operators while the model is read.
 *
 * Every operand keeps one label per dimension, and the operands are joined from the left, two at a time. A label that
 * nothing later needs is summed at once when one side has it, and becomes the inner dimension of a MatMul when both have;
 * what both have and somebody needs is a batch dimension. Dimensions under an ellipsis are labels like any other, numbered
 * from the right. */
#include "ops/lower.h"

enum { LETTERS = 52, LABELS = LETTERS + SX_MAX_RANK, MAX_TERMS = 64 };
typedef struct term {
  int n;
  uint8_t at[SX_MAX_RANK];
} term; /* labels in order of dimensions */
typedef struct equation {
  uint32_t n; /* operands */
  term in[MAX_TERMS], out;
  uint8_t uses[LABELS]; /* operands still to come that have the label, and one for the output */
} equation;

static int label_of(char ch) { return ch >= 'A' && ch <= 'Z' ? ch - 'A' : ch >= 'a' && ch <= 'z' ? 26 + ch - 'a' : -1; }
static bool has(const term *t, int label) {
  for (int i = 0; i < t->n; i++)
    if (t->at[i] == label) return true;
  return false;
}
static bool push(term *t, int label) {
  if (t->n >= SX_MAX_RANK) return false;
  t->at[t->n++] = (uint8_t)label;
  return true;
}

/* One term up to a comma, an arrow or the end; `hidden` dimensions stand for the ellipsis, `rank` < 0: it is the output. */
static sx_status read_term(sx_lower *l, sx_str s, size_t *at, int rank, int hidden, term *t, bool *ellipsis) {
  int letters = 0;
  *ellipsis = false;
  for (size_t k = *at; k < s.n && s.p[k] != ',' && s.p[k] != '-'; k++) letters += label_of(s.p[k]) >= 0;
  if (rank >= 0) hidden = rank - letters;
  for (; *at < s.n && s.p[*at] != ',' && s.p[*at] != '-'; ++*at) {
    char ch = s.p[*at];
    if (ch == ' ') continue;
    if (ch == '.') {
      if (*ellipsis || *at + 3 > s.n || memcmp(s.p + *at, "...", 3))
        return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': a term has one '...' at most, and no other dots",
                             SX_FMT(s));
      for (int i = 0; i < hidden; i++)
        if (!push(t, LETTERS + hidden - 1 - i))
          return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': more than %d dimensions", SX_FMT(s), SX_MAX_RANK);
      *ellipsis = true, *at += 2;
    } else if (label_of(ch) < 0)
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': '%c' is no letter", SX_FMT(s), ch);
    else if (!push(t, label_of(ch)))
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': more than %d dimensions", SX_FMT(s), SX_MAX_RANK);
  }
  return l->status;
}

/* Without "->": what stands under ellipses, then the labels that are there once, in the order of the alphabet. */
static void implicit_output(equation *q, int hidden) {
  for (int i = hidden - 1; i >= 0; i--) push(&q->out, LETTERS + i);
  for (int label = 0; label < LETTERS; label++) {
    int count = 0;
    for (uint32_t k = 0; k < q->n; k++)
      for (int i = 0; i < q->in[k].n; i++) count += q->in[k].at[i] == label;
    if (count == 1) push(&q->out, label);
  }
}

static sx_status parse(sx_lower *l, equation *q) {
  sx_str s = sx_attr_str(l->c->n, "equation", "");
  size_t at = 0;
  int hidden = 0;
  bool dots, explicit_out = false, any_dots = false;
  if (l->c->n->n_formal > MAX_TERMS)
    return SX_LOWER_FAIL(l, NOT_IMPLEMENTED, "%u operands, at most %d are supported", l->c->n->n_formal, MAX_TERMS);
  for (;; at++) {
    if (q->n == l->c->n->n_formal)
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s' has more terms than the node has inputs (%u)", SX_FMT(s),
                           q->n);
    term *t = &q->in[q->n];
    int rank = sx_lower_fact(l, sx_lower_in(l, q->n))->rank, before = t->n;
    SX_TRY(read_term(l, s, &at, rank, 0, t, &dots));
    if (t->n - before != rank)
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': term %u names %d dimensions, input %u has %d", SX_FMT(s),
                           q->n, t->n, q->n, rank);
    for (int i = 0; i < t->n; i++)
      if (t->at[i] >= LETTERS && t->at[i] - LETTERS >= hidden) hidden = t->at[i] - LETTERS + 1;
    any_dots |= dots, q->n++;
    if (at >= s.n || s.p[at] != ',') break;
  }
  if (q->n != l->c->n->n_formal)
    return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s' has %u terms, the node has %u inputs", SX_FMT(s), q->n,
                         l->c->n->n_formal);
  if (at < s.n) {
    if (at + 2 > s.n || s.p[at + 1] != '>')
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': '-' without '>'", SX_FMT(s));
    at += 2, explicit_out = true;
    SX_TRY(read_term(l, s, &at, -1, hidden, &q->out, &dots));
    if (at < s.n) return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s' goes on after its result", SX_FMT(s));
    if (any_dots && hidden && !dots)
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT, "equation '%.*s': an operand has '...', the result has not", SX_FMT(s));
  }
  if (!explicit_out) implicit_output(q, hidden);
  for (int i = 0; i < q->out.n; i++) {
    bool found = false;
    for (uint32_t k = 0; k < q->n; k++) found |= has(&q->in[k], q->out.at[i]);
    for (int j = 0; j < i; j++) found &= q->out.at[j] != q->out.at[i];
    if (!found)
      return SX_LOWER_FAIL(l, INVALID_ARGUMENT,
                           "equation '%.*s': each label of the result stands there once, and in an operand", SX_FMT(s));
  }
  for (int label = 0; label < LABELS; label++) {
    q->uses[label] = has(&q->out, label);
    for (uint32_t k = 0; k < q->n; k++) q->uses[label] = (uint8_t)(q->uses[label] + has(&q->in[k], label));
  }
  return l->status;
}

typedef struct operand {
  sx_vid v;
  term t;
} operand;
static const sx_dim *dims_of(const sx_lower *l, const operand *x) { return sx_lower_fact(l, x->v)->dims; }

/* The operand with its dimensions in the order of `to`, a permutation of its labels. */
static void permute(sx_lower *l, operand *x, const term *to) {
  int perm[SX_MAX_RANK];
  for (int i = 0; i < to->n; i++)
    for (int j = 0; j < x->t.n; j++)
      if (x->t.at[j] == to->at[i]) perm[i] = j;
  x->v = sx_lower_transpose(l, x->v, perm);
  x->t = *to;
}

/* A label that stands twice: both dimensions last and made one of n * n, of which every (n + 1)th element is taken. */
static void take_diagonals(sx_lower *l, operand *x) {
  for (int i = 0; i < x->t.n && l->status == SX_OK; i++) {
    int j = i + 1, perm[SX_MAX_RANK], k = 0;
    while (j < x->t.n && x->t.at[j] != x->t.at[i]) j++;
    if (j == x->t.n) continue;
    sx_dimtab *tab = &l->c->g->model->dims;
    sx_dim d[SX_MAX_RANK], n = dims_of(l, x)[i], m = dims_of(l, x)[j];
    if (n != m && sx_dim_is_const(n) && sx_dim_is_const(m)) {
      SX_LOWER_FAIL(l, INVALID_ARGUMENT, "one label names dimensions of %lld and %lld of the same operand", (long long)n,
                    (long long)m);
      return;
    }
    for (int a = 0; a < x->t.n; a++)
      if (a != i && a != j) perm[k] = a, d[k] = dims_of(l, x)[a], k++;
    perm[k] = i, perm[k + 1] = j, d[k] = sx_dim_mul(tab, n, m);
    x->v = sx_lower_reshape(l, sx_lower_transpose(l, x->v, perm), d, k + 1);
    if (sx_dim_is_const(n) && sx_dim_is_const(m)) {
      const int64_t from = 0, end = n * n, axis = k, step = n + 1;
      x->v = sx_lower_node(l, &sx_op_Slice, SX_LOWER_IN(x->v, sx_lower_ints(l, &from, 1), sx_lower_ints(l, &end, 1), sx_lower_ints(l, &axis, 1), sx_lower_ints(l, &step, 1)), NULL, 0);
    } else {
      sx_dim pads[2 * SX_MAX_RANK] = {0};
      pads[2 * k + 1] = n; /* n more elements: rows of n + 1, whose first ones are the diagonal */
      sx_vid more = sx_graph_const_dims(l->c->g, pads, 2 * (k + 1));
      x->v = sx_lower_2(l, &sx_op_Pad, x->v, more);
      d[k] = n, d[k + 1] = sx_dim_add(tab, n, 1);
      x->v = sx_lower_reshape(l, x->v, d, k + 2);
      x->v = sx_lower_node(l, &sx_op_Gather, SX_LOWER_IN(x->v, sx_lower_int(l, 0)), SX_LOWER_INT("axis", k + 1));
    }
    term t = {0};
    for (int a = 0; a < k; a++) push(&t, x->t.at[perm[a]]);
    push(&t, x->t.at[i]);
    x->t = t, i = -1;
  }
}

/* Sums over the dimensions whose labels are marked, and takes them out. */
static void sum_over(sx_lower *l, operand *x, const bool *marked) {
  int64_t axes[SX_MAX_RANK];
  uint32_t n = 0;
  term t = {0};
  for (int i = 0; i < x->t.n; i++)
    if (marked[x->t.at[i]])
      axes[n++] = i;
    else
      push(&t, x->t.at[i]);
  x->v = sx_lower_reduce(l, &sx_op_ReduceSum, x->v, axes, n, false);
  x->t = t;
}

/* One dimension for the labels of `part` that follow `before` others, which are kept. */
static void merge(sx_lower *l, operand *x, int batch, int first, int second) {
  sx_dimtab *tab = &l->c->g->model->dims;
  sx_dim d[SX_MAX_RANK];
  const sx_dim *from = dims_of(l, x);
  if (l->status != SX_OK || batch + 2 > SX_MAX_RANK) return;
  for (int i = 0; i < batch; i++) d[i] = from[i];
  d[batch] = d[batch + 1] = 1;
  for (int i = 0; i < first; i++) d[batch] = sx_dim_mul(tab, d[batch], from[batch + i]);
  for (int i = 0; i < second; i++) d[batch + 1] = sx_dim_mul(tab, d[batch + 1], from[batch + first + i]);
  x->v = sx_lower_reshape(l, x->v, d, batch + 2);
}

/* The two without anything to sum: dimensions of one that the other lacks are 1 there. */
static void multiply(sx_lower *l, operand *a, operand *b, const term *all) {
  operand *both[2] = {a, b};
  for (int k = 0; k < 2; k++) {
    term own = {0};
    int64_t axes[SX_MAX_RANK];
    uint32_t n = 0;
    for (int i = 0; i < all->n; i++)
      if (has(&both[k]->t, all->at[i]))
        push(&own, all->at[i]);
      else
        axes[n++] = i;
    permute(l, both[k], &own);
    both[k]->v = sx_lower_axes(l, &sx_op_Unsqueeze, both[k]->v, axes, n);
  }
  a->v = sx_lower_2(l, &sx_op_Mul, a->v, b->v);
  a->t = *all;
}

static sx_dim size_of(const sx_lower *l, const operand *x, int label) {
  for (int i = 0; i < x->t.n; i++)
    if (x->t.at[i] == label) return dims_of(l, x)[i];
  return SX_DIM_UNKNOWN;
}

/* a becomes the product of both. Labels that nobody needs any more are summed. */
static void join(sx_lower *l, const equation *q, operand *a, operand *b) {
  bool alone_a[LABELS] = {false}, alone_b[LABELS] = {false};
  for (int label = 0; label < LABELS; label++) {
    bool in_a = has(&a->t, label), in_b = has(&b->t, label), done = !q->uses[label];
    if (in_a && in_b && l->status == SX_OK) {
      sx_dim x = size_of(l, a, label), y = size_of(l, b, label);
      if (x != y && sx_dim_is_const(x) && sx_dim_is_const(y) && x != 1 && y != 1) {
        SX_LOWER_FAIL(l, INVALID_ARGUMENT, "one label names dimensions of %lld and %lld", (long long)x, (long long)y);
        return;
      }
      if (done && x != y && (x == 1 || y == 1))
        alone_a[label] = alone_b[label] = true; /* 1 goes with every element of the other */
    }
    alone_a[label] |= in_a && !in_b && done;
    alone_b[label] |= in_b && !in_a && done;
  }
  sum_over(l, a, alone_a);
  sum_over(l, b, alone_b);
  term batch = {0}, m = {0}, n = {0}, k = {0}, ta, tb, all;
  for (int i = 0; i < a->t.n; i++) {
    int label = a->t.at[i];
    push(!has(&b->t, label) ? &m : q->uses[label] ? &batch : &k, label);
  }
  for (int i = 0; i < b->t.n; i++)
    if (!has(&a->t, b->t.at[i])) push(&n, b->t.at[i]);
  ta = tb = all = batch;
  bool fits = true;
  for (int i = 0; i < m.n; i++) fits = push(&ta, m.at[i]) && push(&all, m.at[i]) && fits;
  for (int i = 0; i < n.n; i++) fits = push(&all, n.at[i]) && fits;
  for (int i = 0; i < k.n; i++) push(&ta, k.at[i]), push(&tb, k.at[i]);
  for (int i = 0; i < n.n; i++) push(&tb, n.at[i]);
  if (!fits || (k.n && batch.n + 2 > SX_MAX_RANK))
    SX_LOWER_FAIL(l, NOT_IMPLEMENTED, "an intermediate result has more than %d dimensions", SX_MAX_RANK);
  if (l->status != SX_OK) return;
  if (!k.n) {
    multiply(l, a, b, &all);
    return;
  }
  permute(l, a, &ta);
  permute(l, b, &tb);
  sx_dim d[SX_MAX_RANK];
  if (l->status != SX_OK) return;
  for (int i = 0; i < m.n; i++) d[batch.n + i] = dims_of(l, a)[batch.n + i];
  for (int i = 0; i < n.n; i++) d[batch.n + m.n + i] = dims_of(l, b)[batch.n + k.n + i];
  merge(l, a, batch.n, m.n, k.n);
  merge(l, b, batch.n, k.n, n.n);
  a->v = sx_lower_2(l, &sx_op_MatMul, a->v, b->v);
  if (l->status != SX_OK) return;
  for (int i = 0; i < batch.n; i++) d[i] = dims_of(l, a)[i];
  a->v = sx_lower_reshape(l, a->v, d, all.n);
  a->t = all;
}

static sx_status lower_einsum(sx_upgrade_ctx *c) {
  sx_lower l = {c, SX_OK};
  for (uint32_t i = 0; i < c->n->n_formal; i++)
    if (sx_lower_fact(&l, sx_lower_in(&l, i))->rank < 0)
      return SX_OK; /* as it is: the session is planned for the inputs' sizes */
  equation *q = SX_NEW(&c->g->model->arena, equation);
  if (!q) SX_NO_MEMORY(c->e);
  SX_TRY(parse(&l, q));
  sx_dtype t = (sx_dtype)sx_lower_fact(&l, sx_lower_in(&l, 0))->dtype;
  sx_dtype wide = t == SX_I8 || t == SX_I16   ? SX_I32
                  : t == SX_U8 || t == SX_U16 ? SX_U32
                                              : t; /* the low bits are the same */
  operand acc = {0};
  for (uint32_t k = 0; k < q->n && l.status == SX_OK; k++) {
    operand x = {sx_lower_cast(&l, sx_lower_in(&l, k), wide), q->in[k]};
    for (int label = 0; label < LABELS; label++) q->uses[label] = (uint8_t)(q->uses[label] - has(&q->in[k], label));
    take_diagonals(&l, &x);
    if (k)
      join(&l, q, &acc, &x);
    else
      acc = x;
  }
  bool rest[LABELS];
  for (int label = 0; label < LABELS; label++) rest[label] = !has(&q->out, label);
  if (l.status == SX_OK) sum_over(&l, &acc, rest);
  if (l.status == SX_OK) permute(&l, &acc, &q->out);
  acc.v = sx_lower_cast(&l, acc.v, t);
  if (acc.v == c->n->in[0].value) acc.v = sx_lower_1(&l, &sx_op_Identity, acc.v);
  return sx_lower_end(&l, acc.v);
}
static sx_status infer_einsum(sx_infer *c) { return sx_infer_set(c, 0, sx_infer_in(c, 0)->dtype, -1, NULL); }
const sx_op sx_op_Einsum = {
    .name = "Einsum", .accuracy = SX_ACCUMULATE, .infer = infer_einsum, .upgrades = {{SX_LOWER_ALWAYS, lower_einsum}}};
