// SPDX-License-Identifier: MIT
/* com.microsoft's Tokenizer: texts cut into letters, at separators, or into what matches an expression; padded to the longest.
 * The tokens are parts of the input's texts, found once, in a list; then copied. */
#include "base/unicode.h"
#include "run/exec.h"
#include "run/regex.h"
#include "run/text.h"

typedef struct tokenizer {
  sx_regex **expressions; /* separators, or one for the tokens */
  uint32_t n;
  bool letters, separators, mark;
  size_t least; /* letters of a token */
  sx_str pad;
} tokenizer;
typedef SX_VEC(sx_str) tokens;

static sx_status create(sx_build *b) {
  tokenizer *t = SX_NEW(b->arena, tokenizer);
  const sx_attr *separators = sx_node_attr(b->n, "separators");
  const sx_str expression = sx_attr_str(b->n, "tokenexp", "");
  const int64_t least = sx_attr_int(b->n, "mincharnum", 0);
  if (!t) SX_NO_MEMORY(b->e);
  if (least < 1) SX_FAIL(b->e, FAIL, "mincharnum is %lld, expected 1 or more", (long long)least);
  if (separators ? !separators->n : !expression.n)
    SX_FAIL(b->e, FAIL, "one of the attributes separators and tokenexp must be there and not be empty");
  *t = (tokenizer){.separators = separators != NULL, .mark = sx_attr_int(b->n, "mark", 0) != 0, .least = (size_t)least,
                   .pad = sx_attr_str(b->n, "pad_value", ""), .n = separators ? separators->n : 1};
  t->letters = separators ? separators->n == 1 && !separators->strings[0].n : sx_str_is(expression, ".");
  if (t->letters && least > 1) SX_FAIL(b->e, FAIL, "mincharnum is %lld, tokens are single letters", (long long)least);
  if (t->letters) t->n = 0;
  t->expressions = SX_NEW_N(b->arena, sx_regex *, t->n ? t->n : 1);
  if (!t->expressions) SX_NO_MEMORY(b->e);
  for (uint32_t i = 0; i < t->n; i++)
    SX_TRY(sx_regex_compile(b->arena, separators ? separators->strings[i] : expression, false, &t->expressions[i], b->e));
  b->state = t;
  return SX_OK;
}

/* Letters of a text; SIZE_MAX: it is no UTF-8. */
static size_t letters(sx_str s) {
  size_t n = 0;
  for (size_t at = 0; at < s.n; n++)
    if (sx_utf8_next(s, &at) == SX_UTF8_BAD) return SIZE_MAX;
  return n;
}
static sx_status keep(const tokenizer *t, tokens *out, sx_str token, sx_err *e) {
  if (letters(token) >= t->least && !sx_vec_push(out, token)) SX_NO_MEMORY(e);
  return SX_OK;
}
/* The place behind the letter at byte `at`; behind the text when there is none. */
static size_t next_letter(sx_str s, size_t at) {
  if (at >= s.n) return s.n + 1;
  (void)sx_utf8_next(s, &at);
  return at;
}

static sx_status cut_letters(const tokenizer *t, sx_str text, tokens *out, sx_err *e) {
  for (size_t at = 0, end; at < text.n; at = end) {
    end = next_letter(text, at);
    SX_TRY(keep(t, out, (sx_str){text.p + at, end - at}, e));
  }
  return SX_OK;
}

/* What lies between the matches of one separator. */
static sx_status cut(const tokenizer *t, const sx_regex *r, sx_matcher *m, sx_str text, tokens *out, sx_err *e) {
  bool found = true;
  for (size_t at = 0; found && at <= text.n;) {
    sx_str match = {text.p + text.n, 0};
    SX_TRY(sx_regex_longest(r, m, text, at, &match, &found, e));
    const size_t end = found ? (size_t)(match.p - text.p) : text.n;
    SX_TRY(keep(t, out, (sx_str){text.p + at, end - at}, e));
    at = match.n ? end + match.n : next_letter(text, end);
  }
  return SX_OK;
}
/* Each separator cuts what those before it left: out[first...] is the text's. */
static sx_status cut_all(const tokenizer *t, sx_matcher *m, sx_str text, tokens *out, sx_err *e) {
  const uint32_t first = out->n;
  if (!sx_vec_push(out, text)) SX_NO_MEMORY(e);
  for (uint32_t i = 0; i < t->n; i++) {
    const uint32_t last = out->n;
    for (uint32_t k = first; k < last; k++) SX_TRY(cut(t, t->expressions[i], m, out->at[k], out, e));
    if (out->n > last) memmove(out->at + first, out->at + last, (out->n - last) * sizeof *out->at);
    out->n -= last - first;
  }
  return SX_OK;
}

static sx_status find_all(const tokenizer *t, sx_matcher *m, sx_str text, tokens *out, sx_err *e) {
  bool found = letters(text) >= t->least;
  for (size_t at = 0; found && at <= text.n;) {
    sx_str match;
    SX_TRY(sx_regex_longest(t->expressions[0], m, text, at, &match, &found, e));
    if (!found) break;
    at = (size_t)(match.p - text.p);
    SX_TRY(keep(t, out, match, e));
    at = letters(match) >= t->least ? at + match.n : next_letter(text, at);
  }
  return SX_OK;
}

/* The tokens of all texts: those of text i are out[ends[i - 1]..ends[i]). */
static sx_status collect(const sx_call *c, sx_arena *a, tokens *out, uint32_t *ends) {
  const tokenizer *t = c->state;
  const int64_t n = c->late->in[0].count;
  sx_matcher m = {0};
  if (t->n) SX_TRY(sx_regex_begin(t->expressions[0], a, &m, c->e));
  double spent = 0;
  for (int64_t i = 0; i < n; i++) {
    const sx_str text = ((const sx_str *)c->in[0])[i];
    SX_TRY(sx_stop_due(&spent, 100 + (double)text.n * 20, c->e));
    if (letters(text) == SIZE_MAX) SX_FAIL(c->e, INVALID_ARGUMENT, "element %lld of the input is no UTF-8", (long long)i);
    SX_TRY(t->letters      ? cut_letters(t, text, out, c->e)
           : t->separators ? cut_all(t, &m, text, out, c->e)
                           : find_all(t, &m, text, out, c->e));
    ends[i] = out->n;
  }
  return SX_OK;
}

static sx_status give(const sx_call *c, const tokens *found, const uint32_t *ends) {
  static const char start_mark[] = "\x02", end_mark[] = "\x03";
  const tokenizer *t = c->state;
  const sx_view *x = &c->late->in[0];
  int64_t dims[3] = {x->dims[0], x->rank > 1 ? x->dims[1] : 0}, longest = 0, k = 0;
  for (int64_t i = 0; i < x->count; i++) {
    const int64_t n = ends[i] - (i ? ends[i - 1] : 0);
    if (n > longest) longest = n;
  }
  if (longest && t->mark) longest += 2;
  dims[x->rank] = longest;
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)x->rank + 1, dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < x->count && longest && s == SX_OK; i++) {
    const int64_t end = k + longest;
    if (t->mark) s = sx_rt_string_set(v, k++, start_mark, 1, c->e);
    for (uint32_t j = i ? ends[i - 1] : 0; j < ends[i] && s == SX_OK; j++)
      s = sx_rt_string_set(v, k++, found->at[j].p, found->at[j].n, c->e);
    if (t->mark && s == SX_OK) s = sx_rt_string_set(v, k++, end_mark, 1, c->e);
    while (k < end && s == SX_OK) s = sx_rt_string_set(v, k++, t->pad.p, t->pad.n, c->e);
  }
  return sx_late_give(c, 0, v, s);
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  if (x->rank < 1 || x->rank > 2)
    SX_FAIL(c->e, INVALID_ARGUMENT, "the input has rank %d, expected [C] or [N, C]", x->rank);
  sx_arena a = {0};
  tokens found = {0};
  uint32_t *ends = SX_NEW_N(&a, uint32_t, (size_t)x->count + 1);
  sx_status s = ends ? collect(c, &a, &found, ends) : sx_fail(c->e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = give(c, &found, ends);
  sx_vec_free(&found);
  sx_arena_free(&a);
  return s;
}
static sx_status prepare(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }
const sx_kernel sx_text_Tokenizer = {
    .op = &sx_op_Tokenizer, .name = "tokenizer", .flags = SX_KERNEL_LATE, .create = create, .prepare = prepare};
