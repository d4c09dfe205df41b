// SPDX-License-Identifier: MIT
/* Regular expressions by PCRE2, which is opened when a session needs it, and RegexFullMatch. The pattern is RE2's: what PCRE2
 * has beyond it and cannot be matched in linear time (back references, assertions around a place) is refused, and `$` is the
 * end of the text alone. */
#include "base/dl.h"
#include "run/exec.h"
#include "run/regex.h"
#include "run/text.h"

/* Of pcre2.h, whose numbers are part of its binary interface. */
enum { BACKREF_MAX = 2, NEWLINE_LF = 2, NO_MATCH = -1, SMALL_WORKSPACE = -43 };
#define ANCHORED          0x80000000u
#define END_ANCHORED      0x20000000u
#define MATCH_INVALID_UTF 0x04000000u
#define NEVER_BACKSLASH_C 0x00100000u
#define UTF               0x00080000u
#define DOLLAR_END_ONLY   0x00000010u
#define NO_UTF_CHECK      0x40000000u
typedef void *(*alloc_fn)(size_t n, void *ctx);
typedef void (*free_fn)(void *p, void *ctx);
typedef struct pcre {
  void *(*general)(alloc_fn, free_fn, void *ctx);
  void *(*compile_context)(void *general);
  int (*set_newline)(void *compile_context, uint32_t value);
  void *(*compile)(const uint8_t *pattern, size_t n, uint32_t options, int *error, size_t *at, void *compile_context);
  int (*message)(int error, uint8_t *text, size_t size);
  int (*info)(const void *code, uint32_t what, void *where);
  void *(*match_data)(uint32_t pairs, void *general);
  int (*match)(const void *code, const uint8_t *text, size_t n, size_t start, uint32_t options, void *match_data,
               void *context);
  int (*longest)(const void *code, const uint8_t *text, size_t n, size_t start, uint32_t options, void *match_data,
                 void *context, int *workspace, size_t room);
  size_t *(*places)(void *match_data);
} pcre;
struct sx_regex {
  pcre f;
  void *code;
};

static void *from_arena(size_t n, void *ctx) { return sx_arena_alloc(ctx, n); }
static void keep(void *p, void *ctx) { (void)p, (void)ctx; }

static sx_status open_library(pcre *f, sx_err *e) {
  static const char *const files[] = {"libpcre2-8.so.0",    "libpcre2-8.so", "libpcre2-8.dylib",
                                      "libpcre2-8.0.dylib", "pcre2-8.dll",   "libpcre2-8-0.dll"};
  char why[256] = "";
  void *h = NULL;
  for (size_t i = 0; i < sizeof files / sizeof *files && !h; i++) h = sx_dl_open(files[i], why, sizeof why);
  if (!h)
    SX_FAIL(e, NOT_IMPLEMENTED,
            "regular expressions need the library PCRE2, which cannot be opened (%s); install the package libpcre2-8-0", why);
  struct {
    const char *name;
    void *to;
  } names[] = {{"pcre2_general_context_create_8", &f->general}, {"pcre2_compile_context_create_8", &f->compile_context},
               {"pcre2_set_newline_8", &f->set_newline},        {"pcre2_compile_8", &f->compile},
               {"pcre2_get_error_message_8", &f->message},      {"pcre2_pattern_info_8", &f->info},
               {"pcre2_match_data_create_8", &f->match_data},   {"pcre2_match_8", &f->match},
               {"pcre2_dfa_match_8", &f->longest},              {"pcre2_get_ovector_pointer_8", &f->places}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *p = sx_dl_symbol(h, names[i].name);
    if (!p) SX_FAIL(e, NOT_IMPLEMENTED, "the library PCRE2 has no %s: version 10.36 or later is needed", names[i].name);
    memcpy(names[i].to, &p, sizeof p);
  }
  return SX_OK;
}

/* What PCRE2 takes and RE2 does not, found without understanding the pattern: groups that begin with (?= and the like. */
static bool beyond_re2(sx_str s) {
  bool in_class = false;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\\')
      i++;
    else if (in_class)
      in_class = s.p[i] != ']';
    else if (s.p[i] == '[') {
      in_class = true;
      if (i + 1 < s.n && s.p[i + 1] == '^') i++;
      if (i + 1 < s.n && s.p[i + 1] == ']') i++;
    } else if (s.p[i] == '(' && i + 1 < s.n && s.p[i + 1] == '*')
      return true;
    else if (s.p[i] == '(' && i + 2 < s.n && s.p[i + 1] == '?') {
      char k = s.p[i + 2];
      bool named = k == '<' && i + 3 < s.n && s.p[i + 3] != '=' && s.p[i + 3] != '!';
      if (!named && (k == '=' || k == '!' || k == '<' || k == '>' || k == '|' || k == '(' || k == 'R' || k == '&' ||
                     k == '+' || (k >= '0' && k <= '9')))
        return true;
    }
  }
  return false;
}

sx_status sx_regex_compile(sx_arena *a, sx_str pattern, bool whole, sx_regex **out, sx_err *e) {
  sx_regex *r = SX_NEW(a, sx_regex);
  if (!r) SX_NO_MEMORY(e);
  SX_TRY(open_library(&r->f, e));
  if (beyond_re2(pattern))
    SX_FAIL(e, FAIL, "the pattern '%.*s' is no regular expression of RE2", SX_FMT(pattern));
  void *general = r->f.general(from_arena, keep, a), *context = general ? r->f.compile_context(general) : NULL;
  if (!context) SX_NO_MEMORY(e);
  r->f.set_newline(context, NEWLINE_LF);
  int error;
  size_t at;
  uint32_t back = 0;
  r->code = r->f.compile((const uint8_t *)pattern.p, pattern.n,
                         UTF | NEVER_BACKSLASH_C | DOLLAR_END_ONLY |
                             (whole ? MATCH_INVALID_UTF | ANCHORED | END_ANCHORED : 0),
                         &error, &at, context);
  if (!r->code) {
    char text[200] = "";
    r->f.message(error, (uint8_t *)text, sizeof text);
    SX_FAIL(e, FAIL, "the pattern '%.*s' is wrong at byte %zu: %s", SX_FMT(pattern), at, text);
  }
  if (r->f.info(r->code, BACKREF_MAX, &back) == 0 && back)
    SX_FAIL(e, FAIL, "the pattern '%.*s' refers back to a group, which RE2 does not allow", SX_FMT(pattern));
  *out = r;
  return SX_OK;
}

sx_status sx_regex_begin(const sx_regex *r, sx_arena *a, sx_matcher *m, sx_err *e) {
  void *general = r->f.general(from_arena, keep, a);
  *m = (sx_matcher){.arena = a, .data = general ? r->f.match_data(1, general) : NULL};
  if (!m->data) SX_NO_MEMORY(e);
  return SX_OK;
}

sx_status sx_regex_longest(const sx_regex *r, sx_matcher *m, sx_str text, size_t start, sx_str *match, bool *found,
                           sx_err *e) {
  enum { FIRST = 1000, MOST = FIRST << 10 };
  int code = SMALL_WORKSPACE;
  for (size_t room = m->room ? m->room : FIRST; code == SMALL_WORKSPACE && room <= MOST; room *= 2) {
    if (room > m->room && !(m->workspace = SX_NEW_N(m->arena, int, room))) SX_NO_MEMORY(e);
    m->room = room;
    code = r->f.longest(r->code, (const uint8_t *)text.p, text.n, start, NO_UTF_CHECK, m->data, NULL, m->workspace, room);
  }
  if (code < NO_MATCH)
    SX_FAIL(e, RUNTIME_EXCEPTION, "matching a text of %zu bytes needs too many steps (PCRE2 error %d)", text.n, code);
  *found = code != NO_MATCH;
  const size_t *at = r->f.places(m->data);
  if (*found) *match = (sx_str){text.p + at[0], at[1] - at[0]};
  return SX_OK;
}

static sx_status create(sx_build *b) {
  sx_regex *r;
  if (!sx_node_attr(b->n, "pattern")) SX_FAIL(b->e, FAIL, "lacks the attribute 'pattern'");
  SX_TRY(sx_regex_compile(b->arena, sx_attr_str(b->n, "pattern", ""), true, &r, b->e));
  b->state = r;
  return SX_OK;
}

static sx_status run(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_regex *r = c->state;
  const sx_view *x = &c->late->in[0];
  uint8_t *y = sx_late_output(c, 0, SX_BOOL, x->rank, x->dims);
  if (!y) return c->e && c->e->code ? c->e->code : SX_OK;
  sx_arena a = {0};
  sx_matcher m;
  sx_status s = sx_regex_begin(r, &a, &m, c->e);
  double spent = 0;
  for (int64_t i = 0; i < x->count && s == SX_OK && (s = sx_stop_due(&spent, 500, c->e)) == SX_OK; i++) {
    sx_str t = ((const sx_str *)c->in[0])[i];
    int found = r->f.match(r->code, (const uint8_t *)t.p, t.n, 0, 0, m.data, NULL);
    y[i] = found >= 0;
    if (found < NO_MATCH)
      s = sx_fail(c->e, SX_E_RUNTIME_EXCEPTION, SX_HERE, "matching element %lld needs too many steps (PCRE2 error %d)",
                  (long long)i, found);
  }
  sx_arena_free(&a);
  return s;
}
static sx_status prepare(sx_prep *p) { return sx_prep_phase(p, run, 1, 0, 0); }
const sx_kernel sx_text_RegexFullMatch = {
    .op = &sx_op_RegexFullMatch, .name = "regex", .flags = SX_KERNEL_LATE, .create = create, .prepare = prepare};
