// SPDX-License-Identifier: MIT
/* Shape expressions as text: "2*n + m/4 - 1" in and out. Exporters write whole expressions as a dimension's name. */
#include "ir/dim.h"

typedef struct parser {
  sx_dimtab *t;
  const char *p, *end;
  int depth;
  bool bad;
} parser;
static sx_dim sum(parser *s);

static char peek(parser *s) {
  while (s->p < s->end && *s->p == ' ') s->p++;
  return s->p < s->end ? *s->p : 0;
}
static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9') || c == '.';
}

static sx_dim factor(parser *s) {
  char c = peek(s);
  if (c == '(' && s->depth < 16) {
    s->p++, s->depth++;
    sx_dim d = sum(s);
    s->depth--;
    if (peek(s) != ')')
      s->bad = true;
    else
      s->p++;
    return d;
  }
  const char *from = s->p;
  while (s->p < s->end && is_name(*s->p)) s->p++;
  if (s->p == from) {
    s->bad = true;
    return SX_DIM_UNKNOWN;
  }
  if (*from < '0' || *from > '9') return sx_dim_symbol(s->t, (sx_str){from, (size_t)(s->p - from)});
  int64_t v = 0;
  for (const char *q = from; q < s->p; q++) {
    if (*q < '0' || *q > '9' || v > INT64_MAX / 16)
      s->bad = true;
    else
      v = v * 10 + (*q - '0');
  }
  return v;
}

static sx_dim product(parser *s) {
  sx_dim d = factor(s);
  for (char c = peek(s); !s->bad && (c == '*' || c == '/' || c == '%'); c = peek(s)) {
    s->p++;
    if (c == '/' && peek(s) == '/') s->p++;
    sx_dim f = factor(s);
    d = c == '*' ? sx_dim_mul(s->t, d, f) : c == '/' ? sx_dim_div(s->t, d, f) : sx_dim_mod(s->t, d, f);
  }
  return d;
}

static sx_dim sum(parser *s) {
  bool neg = peek(s) == '-';
  if (neg) s->p++;
  sx_dim d = product(s);
  if (neg) d = sx_dim_sub(s->t, 0, d);
  for (char c = peek(s); !s->bad && (c == '+' || c == '-'); c = peek(s)) {
    s->p++;
    sx_dim f = product(s);
    d = c == '+' ? sx_dim_add(s->t, d, f) : sx_dim_sub(s->t, d, f);
  }
  return d;
}

/* Whether the text holds names, numbers and operators in an order that could be an expression; symbols are made only after
 * this dry look, so that a strange name does not leave others behind. */
static bool looks_like_expr(sx_str x) {
  bool operators = false, want = true;
  for (size_t i = 0; i < x.n; i++) {
    char c = x.p[i];
    if (c == ' ') continue;
    if (is_name(c)) {
      if (!want) return false;
      while (i + 1 < x.n && is_name(x.p[i + 1])) i++;
      want = false;
    } else if (c == '(') {
      if (!want) return false;
      operators = true;
    } else if (c == ')') {
      if (want) return false;
    } else if (strchr("+-*/%", c)) {
      if (want && !(c == '-' && i == 0) && !(c == '/' && i && x.p[i - 1] == '/')) return false;
      operators = true, want = true;
    } else
      return false;
  }
  return operators && !want;
}

sx_dim sx_dim_parse(sx_dimtab *t, sx_str text) {
  if (text.n > 256 || !looks_like_expr(text)) return sx_dim_symbol(t, text);
  parser s = {t, text.p, text.p + text.n, 0, false};
  sx_dim d = sum(&s);
  return s.bad || peek(&s) || d == SX_DIM_UNKNOWN ? sx_dim_symbol(t, text) : d;
}

enum { MAX_TEXT = 512 };
static void print(const sx_dimtab *t, sx_dim d, sx_text *out, size_t end);

static void print_atom(const sx_dimtab *t, uint32_t id, sx_text *out, size_t end) {
  static const char *const names[] = {[SX_ATOM_DIV] = "floordiv", [SX_ATOM_MOD] = "mod",         [SX_ATOM_MIN] = "min",
                                      [SX_ATOM_MAX] = "max",      [SX_ATOM_BCAST] = "broadcast", [SX_ATOM_MUL] = "mul"};
  const sx_atom *x = &t->atoms.at[id];
  if (x->op == SX_ATOM_SYM) {
    if (x->name.n)
      sx_text_put(out, x->name.p, x->name.n);
    else
      sx_text_add(out, "?%lld", (long long)x->a);
    return;
  }
  sx_text_add(out, "%s(", names[x->op]);
  print(t, x->a, out, end);
  sx_text_put(out, ", ", 2);
  print(t, x->b, out, end);
  sx_text_put(out, ")", 1);
}

/* Every level of an expression writes something before it goes deeper, so that the text's end bounds the depth, too. */
static void print(const sx_dimtab *t, sx_dim d, sx_text *out, size_t end) {
  if (out->n >= end || out->failed) {
    sx_text_put(out, "...", 3);
    return;
  }
  if (sx_dim_is_const(d)) {
    sx_text_add(out, "%lld", (long long)d);
    return;
  }
  if (d == SX_DIM_UNKNOWN) {
    sx_text_put(out, "?", 1);
    return;
  }
  const sx_poly *p = &t->polys.at[sx_dim_id(d)];
  for (uint32_t i = 0; i < p->n; i++) {
    int64_t c = p->terms[i].coef;
    if (i)
      sx_text_add(out, c < 0 ? " - " : " + ");
    else if (c < 0)
      sx_text_put(out, "-", 1);
    if (c != 1 && c != -1) sx_text_add(out, "%llu*", c < 0 ? 0 - (unsigned long long)c : (unsigned long long)c);
    for (uint32_t j = 0; j < p->terms[i].n; j++) {
      if (j) sx_text_put(out, "*", 1);
      print_atom(t, p->terms[i].atoms[j], out, end);
    }
  }
  if (p->add)
    sx_text_add(out, p->add < 0 ? " - %llu" : " + %llu",
                p->add < 0 ? 0 - (unsigned long long)p->add : (unsigned long long)p->add);
}

void sx_dim_print(const sx_dimtab *t, sx_dim d, sx_text *out) { print(t, d, out, out->n + MAX_TEXT); }
