// SPDX-License-Identifier: MIT
/* TfIdfVectorizer, and Equal and Where on strings. The n-grams are a tree of tokens in a hash table: an edge from a node by
 * a token leads to a node, which may be an n-gram. Strings become tokens by a table of their own, so that both kinds of
 * input walk one tree. */
#include "ep/ep.h"

enum { TF, IDF, TFIDF };
typedef struct edge {
  int64_t token;
  uint32_t from, to;
} edge; /* to 0: a free place; the root is node 0 */
typedef struct word {
  sx_str text;
  int64_t token;
  bool used;
} word;
typedef struct vectorizer {
  edge *edges;
  word *words; /* NULL: integers are their own tokens */
  uint64_t mask, word_mask;
  const int64_t *column; /* by node: where its n-gram is counted, or -1 */
  const float *weights;  /* by column; NULL: all 1 */
  int64_t shortest, longest, skips;
  int mode;
} vectorizer;

static edge *find_edge(const vectorizer *v, uint32_t from, int64_t token) {
  const uint64_t mixed = ((uint64_t)token + from * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
  for (uint64_t at = (mixed ^ mixed >> 32) & v->mask;; at = (at + 1) & v->mask)
    if (!v->edges[at].to || (v->edges[at].from == from && v->edges[at].token == token)) return &v->edges[at];
}
static word *find_word(const vectorizer *v, sx_str s) {
  for (uint64_t at = sx_hash(s.p, s.n, 0) & v->word_mask;; at = (at + 1) & v->word_mask)
    if (!v->words[at].used || sx_str_eq(v->words[at].text, s)) return &v->words[at];
}
static uint64_t table_mask(uint64_t entries) {
  uint64_t n = 16;
  while (n < 2 * entries) n *= 2;
  return n - 1;
}

/* The tokens of the pool: its integers, or the numbers of its strings. */
static sx_status pool_tokens(sx_build *b, vectorizer *v, const int64_t **tokens, uint32_t *n) {
  const sx_attr *text = sx_node_attr(b->n, "pool_strings");
  *n = sx_attr_ints(b->n, "pool_int64s", tokens);
  if (!text || !text->n) return SX_OK;
  if (*n) SX_FAIL(b->e, INVALID_GRAPH, "pool_strings and pool_int64s are both given");
  int64_t *t = SX_NEW_N(b->arena, int64_t, text->n);
  v->word_mask = table_mask(text->n);
  v->words = SX_NEW_N(b->arena, word, v->word_mask + 1);
  if (!t || !v->words) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < text->n; i++) {
    word *w = find_word(v, text->strings[i]);
    if (!w->used) *w = (word){text->strings[i], i, true};
    t[i] = w->token;
  }
  *tokens = t, *n = text->n;
  return SX_OK;
}

/* All n-grams of the pool into the tree: counts[k] is where those of k + 1 tokens begin. */
static sx_status plant(sx_build *b, vectorizer *v, const int64_t *tokens, uint32_t n_tokens) {
  const int64_t *counts, *columns;
  const float *given;
  int64_t width = 0;
  uint32_t n_counts = sx_attr_ints(b->n, "ngram_counts", &counts),
           n_columns = sx_attr_ints(b->n, "ngram_indexes", &columns), gram = 0, nodes = 1;
  int64_t *column = SX_NEW_N(b->arena, int64_t, (size_t)n_tokens + 1);
  v->mask = table_mask(n_tokens);
  v->edges = SX_NEW_N(b->arena, edge, v->mask + 1);
  uint32_t n_given = sx_attr_floats(b->n, "weights", &given);
  for (uint32_t i = 0; i < n_columns; i++) width = columns[i] >= width ? columns[i] + 1 : width;
  float *weights = n_given ? SX_NEW_N(b->arena, float, (size_t)width + 1) : NULL;
  if (!column || !v->edges || (n_given && !weights)) SX_NO_MEMORY(b->e);
  for (int64_t i = 0; i < width && weights; i++) weights[i] = 1;
  for (uint32_t i = 0; i < n_columns && i < n_given; i++) weights[columns[i]] = given[i];
  v->column = column, v->weights = weights;
  column[0] = -1;
  for (uint32_t k = 0; k < n_counts; k++) {
    int64_t from = counts[k], to = k + 1 < n_counts ? counts[k + 1] : n_tokens, length = k + 1;
    if (from < 0 || from > to || to > n_tokens || (to - from) % length)
      SX_FAIL(b->e, FAIL, "ngram_counts[%u] is %lld and ends at %lld: expected a multiple of %lld tokens out of %u", k,
              (long long)from, (long long)to, (long long)length, n_tokens);
    for (int64_t at = from; at < to; at += length, gram++) {
      uint32_t node = 0;
      if (gram >= n_columns)
        SX_FAIL(b->e, INVALID_GRAPH, "ngram_indexes has %u entries, the pool has more n-grams", n_columns);
      for (int64_t i = 0; i < length; i++) {
        edge *x = find_edge(v, node, tokens[at + i]);
        if (!x->to) column[nodes] = -1, *x = (edge){tokens[at + i], node, nodes++};
        node = x->to;
      }
      column[node] = columns[gram];
    }
  }
  return SX_OK;
}

static sx_status create(sx_build *b) {
  vectorizer *v = SX_NEW(b->arena, vectorizer);
  const int64_t *tokens;
  uint32_t n;
  if (!v) SX_NO_MEMORY(b->e);
  sx_str mode = sx_attr_str(b->n, "mode", "TF");
  v->mode = sx_str_is(mode, "IDF") ? IDF : sx_str_is(mode, "TFIDF") ? TFIDF : TF;
  v->shortest = sx_attr_int(b->n, "min_gram_length", 1), v->longest = sx_attr_int(b->n, "max_gram_length", 1),
  v->skips = sx_attr_int(b->n, "max_skip_count", 0);
  if ((v->mode == TF && !sx_str_is(mode, "TF")) || v->shortest < 1 || v->longest < v->shortest || v->skips < 0)
    SX_FAIL(b->e, FAIL,
            "mode '%.*s', lengths %lld to %lld, %lld skips: expected TF, IDF or TFIDF, lengths from 1 up, and no negative "
            "number",
            SX_FMT(mode), (long long)v->shortest, (long long)v->longest, (long long)v->skips);
  const int64_t *list;
  const float *weights;
  const uint32_t n_counts = sx_attr_ints(b->n, "ngram_counts", &list),
                 n_columns = sx_attr_ints(b->n, "ngram_indexes", &list),
                 n_weights = sx_attr_floats(b->n, "weights", &weights);
  if (v->longest > n_counts)
    SX_FAIL(b->e, FAIL, "max_gram_length is %lld, but ngram_counts has %u entries", (long long)v->longest, n_counts);
  if (n_weights && n_weights != n_columns)
    SX_FAIL(b->e, FAIL, "there are %u weights, but ngram_indexes has %u entries", n_weights, n_columns);
  if (!sx_node_attr(b->n, "pool_strings") && !sx_node_attr(b->n, "pool_int64s"))
    SX_FAIL(b->e, FAIL, "has neither pool_strings nor pool_int64s");
  SX_TRY(pool_tokens(b, v, &tokens, &n));
  if (!v->words != (sx_value_at(b->g, b->n->in[0].value)->fact.dtype != SX_STRING))
    SX_FAIL(b->e, INVALID_GRAPH, "strings want pool_strings, integers pool_int64s");
  SX_TRY(plant(b, v, tokens, n));
  b->state = v;
  return SX_OK;
}

typedef struct params {
  int64_t columns, outputs;
  uint8_t dtype;
} params;
static bool token_at(const vectorizer *v, const params *q, const void *x, int64_t i, int64_t *token) {
  if (q->dtype == SX_I32)
    *token = ((const int32_t *)x)[i];
  else if (q->dtype == SX_I64)
    *token = ((const int64_t *)x)[i];
  else {
    const word *w = find_word(v, ((const sx_str *)x)[i]);
    if (!w->used) return false;
    *token = w->token;
  }
  return true;
}
/* n-grams that begin at `start`, with `step` from token to token; those of one token count only at step 1. */
static void count_from(const vectorizer *v, const params *q, const void *x, int64_t row, int64_t start, int64_t step,
                       float *y) {
  uint32_t node = 0;
  for (int64_t length = 1, i = start; length <= v->longest && i < q->columns; length++) {
    int64_t token;
    if (!token_at(v, q, x, row * q->columns + i, &token) || !(node = find_edge(v, node, token)->to)) return;
    if (length >= v->shortest && (length > 1 || step == 1) && v->column[node] >= 0) y[v->column[node]]++;
    if (step > q->columns - i) return;
    i += step;
  }
}
static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  const vectorizer *v = c->state;
  const params *q = c->params;
  for (uint32_t row = begin; row < end; row++) {
    float *y = (float *)c->out[0] + row * q->outputs;
    memset(y, 0, (size_t)q->outputs * sizeof *y);
    for (int64_t step = 1; step - 1 <= v->skips && (step == 1 || step < q->columns); step++)
      for (int64_t start = 0; start < q->columns; start++) count_from(v, q, c->in[0], row, start, step, y);
    for (int64_t i = 0; i < q->outputs && v->mode != TF; i++) {
      float w = v->weights ? v->weights[i] : 1;
      y[i] = v->mode == TFIDF ? y[i] * w : y[i] > 0 ? w : 0;
    }
  }
  return SX_OK;
}
static sx_status prepare(sx_prep *p) {
  params *q = SX_NEW(p->arena, params);
  const sx_view *x = &p->in[0], *y = &p->out[0];
  if (!q) SX_NO_MEMORY(p->e);
  *q = (params){x->dims[x->rank - 1], y->dims[y->rank - 1], x->dtype};
  p->params = q;
  return y->count ? sx_prep_phase(p, run, x->rank == 2 ? x->dims[0] : 1, (double)q->columns * 30, 0) : SX_OK;
}
const sx_kernel sx_cpu_TfIdfVectorizer = {.op = &sx_op_TfIdfVectorizer,
                                          .name = "ngram",
                                          .types = 1u << SX_I32 | 1u << SX_I64 | 1u << SX_STRING,
                                          .create = create,
                                          .prepare = prepare};

/* Equal and Where on strings, Where on complex numbers: an operand's step is 0 along axes that it has not. */
enum { UNIT = 1024 };
typedef struct string_params {
  int rank;
  uint32_t n;
  int64_t count;
  const int64_t *dims;
  int64_t step[3][SX_MAX_RANK];
  size_t elem;
} string_params;
static void sources(const string_params *q, int64_t i, int64_t at[3]) {
  at[0] = at[1] = at[2] = 0;
  for (int d = q->rank; d-- > 0; i /= q->dims[d])
    for (uint32_t k = 0; k < q->n; k++) at[k] += i % q->dims[d] * q->step[k][d];
}
static sx_status equal_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const string_params *q = c->params;
  int64_t at[3], last = (int64_t)end * UNIT < q->count ? (int64_t)end * UNIT : q->count;
  for (int64_t i = (int64_t)begin * UNIT; i < last; i++) {
    sources(q, i, at);
    ((uint8_t *)c->out[0])[i] = sx_str_eq(((const sx_str *)c->in[0])[at[0]], ((const sx_str *)c->in[1])[at[1]]);
  }
  return SX_OK;
}
static sx_status where_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const string_params *q = c->params;
  int64_t at[3], last = (int64_t)end * UNIT < q->count ? (int64_t)end * UNIT : q->count;
  for (int64_t i = (int64_t)begin * UNIT; i < last; i++) {
    sources(q, i, at);
    uint32_t k = ((const uint8_t *)c->in[0])[at[0]] ? 1 : 2;
    memcpy((char *)c->out[0] + (size_t)i * q->elem, (const char *)c->in[k] + (size_t)at[k] * q->elem, q->elem);
  }
  return SX_OK;
}
static sx_status string_prepare(sx_prep *p, sx_run_fn run_fn) {
  string_params *q = SX_NEW(p->arena, string_params);
  if (!q) SX_NO_MEMORY(p->e);
  q->elem = sx_dtype_bits((sx_dtype)p->out[0].dtype) / 8;
  q->rank = p->out[0].rank, q->n = p->n_in, q->count = p->out[0].count, q->dims = p->out[0].dims;
  for (uint32_t k = 0; k < q->n; k++) {
    int64_t step = 1;
    for (int d = p->in[k].rank; d-- > 0; step *= p->in[k].dims[d]) {
      const int at = d + q->rank - p->in[k].rank;
      if (at < 0 || (p->in[k].dims[d] != 1 && p->in[k].dims[d] != q->dims[at]))
        SX_FAIL(p->e, INVALID_ARGUMENT, "input %u has %lld elements at axis %d, which do not broadcast to %lld", k,
                (long long)p->in[k].dims[d], d, (long long)(at < 0 ? 1 : q->dims[at]));
      q->step[k][at] = p->in[k].dims[d] == 1 ? 0 : step;
    }
  }
  p->params = q;
  return q->count ? sx_prep_phase(p, run_fn, (q->count + UNIT - 1) / UNIT, UNIT * 10.0, 0) : SX_OK;
}
static sx_status equal_prepare(sx_prep *p) { return string_prepare(p, equal_run); }
static sx_status where_prepare(sx_prep *p) { return string_prepare(p, where_run); }
static bool where_claim(const sx_graph *g, const sx_node *n, const char **reason) {
  const uint8_t t = sx_value_at(g, n->in[1].value)->fact.dtype;
  *reason = "the operands are neither strings nor complex numbers";
  return t == SX_STRING || t == SX_C64 || t == SX_C128;
}
const sx_kernel sx_cpu_Equal_2 = {
    .op = &sx_op_Equal, .name = "equal_strings", .types = 1u << SX_STRING, .prepare = equal_prepare};
const sx_kernel sx_cpu_Where_2 = {
    .op = &sx_op_Where, .name = "where_bytes", .claim = where_claim, .prepare = where_prepare};
