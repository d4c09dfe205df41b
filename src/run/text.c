// SPDX-License-Identifier: MIT
/* Kernels of strings: all are late steps, and the text lies in the value that they make. */
#include "base/unicode.h"
#include "run/exec.h"
#include "run/text.h"

/* Element i of the result in an operand that is broadcast to it. */
static int64_t source(const sx_view *v, int rank, const int64_t *dims, int64_t i) {
  int64_t at = 0, step = 1;
  for (int d = rank - 1; d >= 0; d--) {
    int64_t k = i % dims[d];
    i /= dims[d];
    int own_axis = d - (rank - v->rank);
    if (own_axis < 0) continue;
    if (v->dims[own_axis] != 1) at += k * step;
    step *= v->dims[own_axis];
  }
  return at;
}
static sx_status run_string_concat(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *a = &c->late->in[0], *b = &c->late->in[1];
  int64_t dims[SX_MAX_RANK];
  int rank = a->rank > b->rank ? a->rank : b->rank;
  for (int d = 0; d < rank; d++) {
    int64_t x = d < rank - a->rank ? 1 : a->dims[d - (rank - a->rank)],
            y = d < rank - b->rank ? 1 : b->dims[d - (rank - b->rank)];
    if (x != y && x != 1 && y != 1)
      SX_FAIL(c->e, FAIL, "axis %d has %lld and %lld elements: they cannot be broadcast", d, (long long)x,
              (long long)y);
    dims[d] = x == 1 ? y : x;
  }
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)rank, dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < v->count && s == SX_OK; i++) {
    sx_str x = ((const sx_str *)c->in[0])[source(a, rank, dims, i)],
           y = ((const sx_str *)c->in[1])[source(b, rank, dims, i)];
    char *to;
    s = sx_rt_string_room(v, i, x.n + y.n, &to, c->e);
    if (s == SX_OK && x.n) memcpy(to, x.p, x.n);
    if (s == SX_OK && y.n) memcpy(to + x.n, y.p, y.n);
  }
  return sx_late_give(c, 0, v, s);
}

/* StringSplit. A walk gives one piece at a time: between delimiters, or, without one, between runs of white space. */
typedef struct walk {
  sx_str rest, delimiter;
  int64_t cuts;
  bool done;
} walk;
static bool is_space(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }
static sx_str skip_space(sx_str s) {
  while (s.n && is_space(s.p[0])) s.p++, s.n--;
  return s;
}
static walk walk_begin(sx_str s, sx_str delimiter, int64_t cuts) {
  if (!delimiter.n) s = skip_space(s);
  while (!delimiter.n && s.n && is_space(s.p[s.n - 1])) s.n--;
  return (walk){s, delimiter, cuts, !delimiter.n && !s.n};
}
static bool walk_next(walk *w, sx_str *piece) {
  size_t n = 0, gap = w->delimiter.n;
  if (w->done) return false;
  if (w->cuts == 0)
    n = w->rest.n;
  else if (!gap) {
    while (n < w->rest.n && !is_space(w->rest.p[n])) n++;
  } else
    while (n < w->rest.n && (gap > w->rest.n - n || memcmp(w->rest.p + n, w->delimiter.p, gap))) n++;
  *piece = (sx_str){w->rest.p, n};
  bool last = n == w->rest.n;
  if (last) gap = 0;
  w->rest.p += n + gap, w->rest.n -= n + gap;
  if (!w->delimiter.n) w->rest = skip_space(w->rest);
  w->done = last || (!w->delimiter.n && !w->rest.n);
  if (w->cuts > 0) w->cuts--;
  return true;
}
static sx_status run_string_split(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  const sx_attr *most = sx_node_attr(sx_late_node(c), "maxsplit");
  sx_str delimiter = sx_attr_str(sx_late_node(c), "delimiter", ""), piece;
  int64_t cuts = most && most->i >= 0 ? most->i : -1, dims[SX_MAX_RANK + 1], longest = 0;
  if (x->rank >= SX_MAX_RANK)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the input has rank %d, at most %d are supported", x->rank, SX_MAX_RANK - 1);
  int64_t *counts = sx_late_output(c, 1, SX_I64, x->rank, x->dims);
  if (!counts && c->e && c->e->code) return c->e->code;
  double spent = 0;
  for (int64_t i = 0; i < x->count; i++) {
    int64_t n = 0;
    SX_TRY(sx_stop_due(&spent, 50 + (double)((const sx_str *)c->in[0])[i].n, c->e));
    for (walk w = walk_begin(((const sx_str *)c->in[0])[i], delimiter, cuts); walk_next(&w, &piece);) n++;
    if (counts) counts[i] = n;
    if (n > longest) longest = n;
  }
  for (int i = 0; i < x->rank; i++) dims[i] = x->dims[i];
  dims[x->rank] = longest;
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)x->rank + 1, dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < x->count; i++) {
    int64_t k = i * longest;
    for (walk w = walk_begin(((const sx_str *)c->in[0])[i], delimiter, cuts); s == SX_OK && walk_next(&w, &piece); k++)
      s = sx_rt_string_set(v, k, piece.p, piece.n, c->e);
  }
  return sx_late_give(c, 0, v, s);
}

/* StringNormalizer: words that are in the list go, compared in lower case where case does not matter. */
static sx_status cased(sx_arena *a, sx_str s, sx_case to, sx_str *out, sx_err *e) {
  char *p = sx_arena_alloc(a, sx_utf8_case(s, to, NULL) + 1);
  if (!p) SX_NO_MEMORY(e);
  *out = (sx_str){p, sx_utf8_case(s, to, p)};
  return SX_OK;
}
static sx_status keep_words(const sx_call *c, sx_arena *a, const int64_t **kept, int64_t *n) {
  const sx_attr *stop = sx_node_attr(sx_late_node(c), "stopwords");
  const sx_view *x = &c->late->in[0];
  sx_case fold = sx_attr_int(sx_late_node(c), "is_case_sensitive", 0) ? SX_CASE_KEEP : SX_CASE_LOWER;
  int64_t *at = SX_NEW_N(a, int64_t, (size_t)x->count + 1);
  sx_strmap words = {0};
  sx_arena word = {0}; /* that is looked up */
  sx_status s = at ? SX_OK : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  sx_str key = SX_STR("");
  uint32_t found;
  for (uint32_t i = 0; stop && i < stop->n && s == SX_OK; i++) {
    s = cased(a, stop->strings[i], fold, &key, c->e);
    if (s == SX_OK && !sx_strmap_put(&words, key, i)) s = sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  *n = 0;
  double spent = 0;
  for (int64_t i = 0; i < x->count && s == SX_OK; i++) {
    if ((s = sx_stop_due(&spent, 100, c->e)) == SX_OK && words.n) s = cased(&word, ((const sx_str *)c->in[0])[i], fold, &key, c->e);
    if (s == SX_OK && !(words.n && sx_strmap_get(&words, key, &found))) at[(*n)++] = i;
    sx_arena_reset(&word);
  }
  sx_arena_free(&word);
  sx_strmap_free(&words);
  *kept = at;
  return s;
}
static sx_status run_normalizer(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  sx_str action = sx_attr_str(sx_late_node(c), "case_change_action", "NONE");
  sx_case to = sx_str_is(action, "LOWER") ? SX_CASE_LOWER : sx_str_is(action, "UPPER") ? SX_CASE_UPPER : SX_CASE_KEEP;
  if (x->rank < 1 || x->rank > 2 || (x->rank == 2 && x->dims[0] != 1))
    SX_FAIL(c->e, FAIL, "the input has rank %d, expected [C] or [1, C]", x->rank);
  sx_arena a = {0};
  const int64_t *kept = NULL;
  int64_t n = 0, dims[2] = {1, 1};
  sx_rt_value *v = NULL;
  sx_status s = keep_words(c, &a, &kept, &n);
  dims[x->rank - 1] = n ? n : 1; /* nothing left: one empty string */
  if (s == SX_OK) s = sx_rt_tensor_create(SX_STRING, (uint32_t)x->rank, dims, NULL, &v, c->e);
  for (int64_t i = 0; i < n && s == SX_OK; i++) {
    sx_str word = ((const sx_str *)c->in[0])[kept[i]];
    char *room;
    s = sx_rt_string_room(v, i, sx_utf8_case(word, to, NULL), &room, c->e);
    if (s == SX_OK) sx_utf8_case(word, to, room);
  }
  sx_arena_free(&a);
  return v ? sx_late_give(c, 0, v, s) : s;
}
static bool claim_normalizer(const sx_graph *g, const sx_node *n, const char **reason) {
  (void)g;
  sx_str action = sx_attr_str(n, "case_change_action", "NONE");
  *reason = "case_change_action is none of LOWER, UPPER and NONE";
  return sx_str_is(action, "LOWER") || sx_str_is(action, "UPPER") || sx_str_is(action, "NONE");
}

#define KERNEL(N, run, may) SX_LATE_KERNEL(static, kernel_##N, N, "text", run, may);
KERNEL(StringConcat, run_string_concat, NULL)
KERNEL(StringNormalizer, run_normalizer, claim_normalizer)
KERNEL(StringSplit, run_string_split, NULL)
static const sx_kernel *const kernels[] = {
    &sx_text_Cast,  &sx_text_Col2Im, &sx_text_RegexFullMatch, &kernel_StringConcat, &kernel_StringNormalizer,
    &kernel_StringSplit, &sx_text_Tokenizer, NULL};
const sx_provider sx_text_provider = {"CPUExecutionProvider", kernels, 0};
