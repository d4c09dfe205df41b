// SPDX-License-Identifier: MIT
/* Parses the text form: a scanner and one function per construct. Text comes from tests and our own printer, yet every
 * count is bounded and nothing is read past the end. */
#include "base/half.h"
#include "base/number.h"
#include "ir/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LIST = 256, MAX_DEPTH = 16 };

typedef struct scope {
  struct scope *outer;
  sx_graph *g;
  sx_strmap names;
} scope;
typedef struct parser {
  const char *p, *end;
  int line, depth;
  sx_model *m;
  sx_op_lookup find;
  sx_err *e;
} parser;

#define BAD(s, ...) return text_error((s), __LINE__, __VA_ARGS__)
SX_PRINTF(3, 4) static sx_status text_error(const parser *s, int line, const char *fmt, ...) {
  char msg[200];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(msg, sizeof msg, fmt, ap);
  va_end(ap);
  return sx_fail(s->e, SX_E_INVALID_GRAPH, __FILE__, line, "line %d: %s", s->line, msg);
}

static void skip(parser *s) {
  for (; s->p < s->end; s->p++) {
    if (*s->p == '#')
      while (s->p + 1 < s->end && s->p[1] != '\n') s->p++;
    else if (*s->p == '\n')
      s->line++;
    else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r')
      return;
  }
}
static char peek(parser *s) {
  skip(s);
  return s->p < s->end ? *s->p : 0;
}
static bool accept(parser *s, const char *what) {
  size_t n = strlen(what);
  skip(s);
  if ((size_t)(s->end - s->p) < n || memcmp(s->p, what, n)) return false;
  s->p += n;
  return true;
}
static sx_str found(const parser *s) { /* for messages */
  size_t n = (size_t)(s->end - s->p);
  return n ? (sx_str){s->p, n < 12 ? n : 12} : SX_STR("the end");
}
static sx_status expect(parser *s, const char *what) {
  if (!accept(s, what)) BAD(s, "expected '%s', found '%.*s'", what, SX_FMT(found(s)));
  return SX_OK;
}

static bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '.' ||
         c == ':' || c == '%';
}
static sx_str word(parser *s) {
  skip(s);
  const char *from = s->p;
  while (s->p < s->end && word_char(*s->p)) s->p++;
  if (s->p > from && s->p[-1] == ':') s->p--; /* "x: float[2]" */
  return (sx_str){from, (size_t)(s->p - from)};
}

/* What stands behind a backslash, as sx_text_json writes it. */
static char escaped(parser *s) {
  static const char short_form[] = "b\bf\fn\nr\rt\t";
  unsigned code = 0;
  if (*s->p == 'u' && s->end - s->p > 4) {
    for (int i = 1; i <= 4; i++) {
      const char *digits = "0123456789abcdef", *d = memchr(digits, s->p[i], 16);
      code = d && code < 0x80 ? code * 16 + (unsigned)(d - digits) : 0x80;
    }
    if (code < 0x80) {
      s->p += 4;
      return (char)code;
    }
  }
  for (const char *f = short_form; *f; f += 2)
    if (*f == *s->p) return f[1];
  return *s->p;
}
static sx_status quoted(parser *s, sx_str *out) {
  char *buf = sx_arena_alloc(&s->m->arena, (size_t)(s->end - s->p) < 4096 ? (size_t)(s->end - s->p) + 1 : 4096);
  size_t n = 0;
  if (!buf) SX_NO_MEMORY(s->e);
  SX_TRY(expect(s, "\""));
  for (; s->p < s->end && *s->p != '"'; s->p++) {
    if (n == 4000) BAD(s, "a string longer than 4000 bytes");
    if (*s->p == '\\' && s->p + 1 < s->end) {
      s->p++;
      buf[n++] = escaped(s);
    } else
      buf[n++] = *s->p;
  }
  SX_TRY(expect(s, "\""));
  *out = (sx_str){buf, n};
  return SX_OK;
}
static sx_status name(parser *s, sx_str *out) {
  if (peek(s) == '"') return quoted(s, out);
  sx_str w = word(s);
  if (!w.n) BAD(s, "expected a name, found '%.*s'", SX_FMT(found(s)));
  char *copy = sx_arena_strdup(&s->m->arena, w.p, w.n);
  if (!copy) SX_NO_MEMORY(s->e);
  *out = (sx_str){copy, w.n};
  return SX_OK;
}

/* double or int64; *is_float tells which. */
static sx_status number(parser *s, bool *is_float, double *f, int64_t *i) {
  char buf[64];
  size_t n = 0;
  skip(s);
  while (s->p < s->end && n < sizeof buf - 1 && (word_char(*s->p) || *s->p == '-' || *s->p == '+')) buf[n++] = *s->p++;
  buf[n] = 0;
  char *stop;
  errno = 0;
  *i = strtoll(buf, &stop, 10);
  *is_float = *stop != 0;
  *f = (double)*i;
  if (*is_float) *f = sx_number_read(buf, false, &stop);
  if (!n || *stop) BAD(s, "expected a number, found '%s'", buf);
  return SX_OK;
}

typedef struct shape {
  sx_dtype dtype;
  int rank;
  sx_dim dims[SX_MAX_RANK];
} shape;
static sx_status type(parser *s, shape *t) {
  sx_str w = word(s);
  t->dtype = sx_dtype_parse(w.p, w.n);
  t->rank = -1;
  if (!t->dtype && !sx_str_is(w, "undefined")) BAD(s, "'%.*s' is no element type", SX_FMT(w));
  if (!accept(s, "[")) return SX_OK;
  for (t->rank = 0; !accept(s, "]");) {
    if (t->rank == SX_MAX_RANK) BAD(s, "more than %d dimensions", SX_MAX_RANK);
    if (t->rank) SX_TRY(expect(s, ","));
    skip(s);
    const char *from = s->p;
    int nested = 0;
    int64_t number = 0;
    bool digits = true;
    for (; s->p < s->end && (nested || (*s->p != ',' && *s->p != ']')); s->p++) {
      nested += (*s->p == '(') - (*s->p == ')');
      digits &= *s->p >= '0' && *s->p <= '9' && number < INT64_MAX / 16;
      if (digits) number = number * 10 + (*s->p - '0');
    }
    sx_str text = {from, (size_t)(s->p - from)};
    t->dims[t->rank++] = sx_str_is(text, "?") ? SX_DIM_UNKNOWN : digits ? number : sx_dim_parse(&s->m->dims, text);
  }
  return SX_OK;
}
static sx_status set_fact(parser *s, sx_graph *g, sx_vid v, const shape *t) {
  sx_dim *d = sx_arena_copy(&s->m->arena, t->dims, sizeof t->dims);
  if (!d) SX_NO_MEMORY(s->e);
  for (int i = 0; i < t->rank; i++)
    if (d[i] == SX_DIM_UNKNOWN) d[i] = sx_dim_fresh(&s->m->dims);
  sx_value_at(g, v)->fact =
      (sx_fact){.kind = SX_KIND_TENSOR, .dtype = (uint8_t)t->dtype, .rank = (int8_t)t->rank, .dims = d};
  return SX_OK;
}

/* False: elements of this type have no text form. */
static bool store(sx_tensor *t, int64_t i, double f, int64_t k) {
  switch (t->dtype) {
    case SX_F32: ((float *)t->data)[i] = (float)f; break;
    case SX_F64: ((double *)t->data)[i] = f; break;
    case SX_F16: ((uint16_t *)t->data)[i] = sx_f16_narrow((float)f); break;
    case SX_BF16: ((uint16_t *)t->data)[i] = sx_bf16_narrow((float)f); break;
    case SX_I64:
    case SX_U64: ((int64_t *)t->data)[i] = k; break;
    case SX_I32:
    case SX_U32: ((int32_t *)t->data)[i] = (int32_t)k; break;
    case SX_I16:
    case SX_U16: ((int16_t *)t->data)[i] = (int16_t)k; break;
    case SX_I8:
    case SX_U8:
    case SX_BOOL: ((int8_t *)t->data)[i] = (int8_t)k; break;
    default: return false;
  }
  return true;
}

static sx_status tensor(parser *s, sx_tensor **out) {
  shape t;
  SX_TRY(type(s, &t));
  for (int i = 0; i < t.rank; i++)
    if (!sx_dim_is_const(t.dims[i])) BAD(s, "a constant's dimensions must be numbers");
  SX_TRY(sx_tensor_create(t.dtype, t.rank < 0 ? 0 : t.rank, t.dims, out, s->e));
  SX_TRY(sx_model_hold(s->m, *out, s->e));
  SX_TRY(expect(s, "{"));
  if (accept(s, "...")) {
    uint32_t r = (uint32_t)(*out)->count * 2654435761u + 1;
    for (int64_t i = 0; i < (*out)->count; i++, r = r * 1664525u + 1013904223u)
      if (!store(*out, i, ((double)(r >> 8) / (1 << 24) - 0.5), r >> 31))
        BAD(s, "constants of type %s have no text form", sx_dtype_name((*out)->dtype));
    return expect(s, "}");
  }
  for (int64_t i = 0; !accept(s, "}"); i++) {
    bool is_float;
    double f;
    int64_t k;
    if (i) SX_TRY(expect(s, ","));
    if (i == (*out)->count) BAD(s, "more than the %lld elements of the shape", (long long)(*out)->count);
    SX_TRY(number(s, &is_float, &f, &k));
    if (!store(*out, i, f, k)) BAD(s, "constants of type %s have no text form", sx_dtype_name((*out)->dtype));
  }
  return SX_OK;
}

static sx_status graph(parser *s, sx_graph *g, scope *outer);

static sx_status list_attr(parser *s, sx_attr *a) {
  int64_t ints[MAX_LIST];
  float floats[MAX_LIST];
  sx_str strings[16];
  bool any_float = false;
  a->type = SX_ATTR_INTS;
  for (; !accept(s, "]"); a->n++) {
    if (a->n) SX_TRY(expect(s, ","));
    bool string = peek(s) == '"';
    if (a->n == MAX_LIST || (string && a->n == 16)) BAD(s, "a list of more than %u elements", a->n);
    if (a->n && string != (a->type == SX_ATTR_STRINGS)) BAD(s, "numbers and strings in one list");
    if (string) {
      a->type = SX_ATTR_STRINGS;
      SX_TRY(quoted(s, &strings[a->n]));
      continue;
    }
    bool is_float;
    double f;
    SX_TRY(number(s, &is_float, &f, &ints[a->n]));
    floats[a->n] = (float)f, any_float |= is_float;
  }
  if (a->type == SX_ATTR_STRINGS)
    a->strings = sx_arena_copy(&s->m->arena, strings, a->n * sizeof *strings);
  else if (any_float)
    a->type = SX_ATTR_FLOATS, a->floats = sx_arena_copy(&s->m->arena, floats, a->n * sizeof *floats);
  else
    a->ints = sx_arena_copy(&s->m->arena, ints, a->n * sizeof *ints);
  if (a->n && !a->ints) SX_NO_MEMORY(s->e);
  return SX_OK;
}

static sx_status attr(parser *s, sx_graph *g, sx_nid id, scope *sc) {
  sx_attr a = {0};
  const sx_node *n = sx_node_at(g, id);
  SX_TRY(name(s, &a.name));
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (sx_str_eq(n->attrs[i].name, a.name)) BAD(s, "attribute '%.*s' is given twice", SX_FMT(a.name));
  SX_TRY(expect(s, "="));
  char c = peek(s);
  if (c == '"') {
    a.type = SX_ATTR_STRING;
    SX_TRY(quoted(s, &a.s));
  } else if (accept(s, "["))
    SX_TRY(list_attr(s, &a));
  else if (accept(s, "graph")) {
    if (s->depth == MAX_DEPTH) BAD(s, "bodies nested deeper than %d", MAX_DEPTH);
    a.type = SX_ATTR_GRAPH;
    a.g = sx_graph_create(s->m, g, id);
    if (!a.g || !sx_node_set_attr(g, id, &a)) SX_NO_MEMORY(s->e); /* now, so that a body that fails is found and freed */
    s->depth++;
    SX_TRY(graph(s, a.g, sc));
    s->depth--;
    return SX_OK;
  } else if (c == '-' || c == '+' || (c >= '0' && c <= '9') || accept(s, "float ")) {
    bool is_float;
    double f;
    SX_TRY(number(s, &is_float, &f, &a.i));
    a.type = is_float ? SX_ATTR_FLOAT : SX_ATTR_INT;
    if (is_float) a.f = (float)f;
  } else {
    a.type = SX_ATTR_TENSOR;
    SX_TRY(tensor(s, &a.t));
  }
  if (!sx_node_set_attr(g, id, &a)) SX_NO_MEMORY(s->e);
  return SX_OK;
}

/* A value by name: of this graph, or captured from one around it. */
static sx_status lookup(parser *s, scope *sc, sx_str n, sx_vid *out) {
  *out = SX_NONE;
  if (sx_strmap_get(&sc->names, n, out)) return SX_OK;
  if (!sc->outer) BAD(s, "'%.*s' is not known yet", SX_FMT(n));
  sx_vid from;
  SX_TRY(lookup(s, sc->outer, n, &from));
  if ((*out = sx_graph_capture(sc->g, from)) == SX_NONE || !sx_strmap_put(&sc->names, n, *out)) SX_NO_MEMORY(s->e);
  return SX_OK;
}
static sx_status define(parser *s, scope *sc, sx_str n, sx_vid v) {
  uint32_t old;
  if (sx_strmap_get(&sc->names, n, &old)) BAD(s, "'%.*s' is defined twice", SX_FMT(n));
  if (v == SX_NONE || !sx_strmap_put(&sc->names, n, v)) SX_NO_MEMORY(s->e);
  if (n.n && n.p[0] != '%') sx_value_at(sc->g, v)->name = n;
  return SX_OK;
}

static SX_OWN_FRAME sx_status node(parser *s, scope *sc, const sx_str *outs, uint32_t n_out) {
  sx_graph *g = sc->g;
  sx_str full, domain = {"", 0};
  sx_vid in[64], out[64];
  uint32_t n_in = 0;
  SX_TRY(name(s, &full));
  for (size_t i = full.n; i-- > 0 && !domain.n;)
    if (full.p[i] == '.') domain = (sx_str){full.p, i};
  sx_str op = domain.n ? (sx_str){full.p + domain.n + 1, full.n - domain.n - 1} : full;
  SX_TRY(expect(s, "("));
  for (; !accept(s, ")"); n_in++) {
    sx_str arg;
    if (n_in) SX_TRY(expect(s, ","));
    if (n_in == 64) BAD(s, "more than 64 inputs");
    SX_TRY(name(s, &arg));
    in[n_in] = SX_NONE;
    if (!sx_str_is(arg, "_")) SX_TRY(lookup(s, sc, arg, &in[n_in]));
  }
  for (uint32_t o = 0; o < n_out; o++) {
    out[o] = sx_str_is(outs[o], "_") ? SX_NONE : sx_graph_add_value(g, SX_VALUE_NODE, (sx_str){"", 0});
    if (out[o] != SX_NONE) SX_TRY(define(s, sc, outs[o], out[o]));
  }
  const struct sx_op *row = s->find(domain, op);
  if (!row) BAD(s, "there is no operator '%.*s'", SX_FMT(full));
  sx_nid id = sx_graph_add_node(g, row, in, n_in, out, n_out);
  if (id == SX_NONE) SX_NO_MEMORY(s->e);
  sx_node_at(g, id)->op_type = op, sx_node_at(g, id)->domain = domain;
  if (n_out) sx_node_at(g, id)->name = outs[0];
  if (accept(s, "{"))
    for (bool first = true; !accept(s, "}"); first = false) {
      if (!first) SX_TRY(expect(s, ","));
      SX_TRY(attr(s, g, id, sc));
    }
  if (!accept(s, ":")) return SX_OK;
  for (uint32_t o = 0; o < n_out; o++) {
    shape t;
    if (o) SX_TRY(expect(s, ","));
    if (accept(s, "_")) continue;
    SX_TRY(type(s, &t));
    if (out[o] != SX_NONE) SX_TRY(set_fact(s, g, out[o], &t));
  }
  return SX_OK;
}

/* What an input is that the caller may leave out. */
static sx_status default_of(parser *s, scope *sc, sx_str name, sx_tensor *t) {
  uint32_t v;
  if (!sx_strmap_get(&sc->names, name, &v) || sx_value_at(sc->g, v)->kind != SX_VALUE_INPUT)
    BAD(s, "'%.*s' has a default and is no input", SX_FMT(name));
  sx_value *in = sx_value_at(sc->g, v);
  bool fits = in->fact.dtype == t->dtype && in->fact.rank == t->rank;
  for (int32_t i = 0; fits && i < t->rank; i++) fits = !sx_dim_is_const(in->fact.dims[i]) || in->fact.dims[i] == t->dims[i];
  if (!fits) BAD(s, "the default of '%.*s' has another type or shape than the input", SX_FMT(name));
  in->overridable = true;
  in->fact.constant = t;
  return SX_OK;
}

static sx_status line(parser *s, scope *sc) {
  sx_str outs[64];
  uint32_t n = 0;
  do {
    if (n == 64) BAD(s, "more than 64 outputs");
    SX_TRY(name(s, &outs[n++]));
  } while (accept(s, ","));
  SX_TRY(expect(s, "="));
  const bool dflt = accept(s, "default ");
  if (!dflt && !accept(s, "const ")) return node(s, sc, outs, n);
  sx_tensor *t;
  SX_TRY(tensor(s, &t));
  if (dflt) return default_of(s, sc, outs[0], t);
  return define(s, sc, outs[0], sx_graph_add_const(sc->g, t, (sx_str){"", 0}));
}

static sx_status graph_in(parser *s, scope *sc) {
  sx_graph *g = sc->g;
  sx_str outs[64], n;
  uint32_t n_outs = 0;
  SX_TRY(expect(s, "("));
  for (bool first = true; !accept(s, ")"); first = false) {
    shape t;
    if (!first) SX_TRY(expect(s, ","));
    SX_TRY(name(s, &n));
    sx_vid v = sx_graph_add_value(g, SX_VALUE_INPUT, (sx_str){"", 0});
    if (v == SX_NONE || !sx_vec_push(&g->inputs, v)) SX_NO_MEMORY(s->e);
    sx_value_at(g, v)->index = g->inputs.n - 1;
    SX_TRY(define(s, sc, n, v));
    SX_TRY(expect(s, ":"));
    SX_TRY(type(s, &t));
    SX_TRY(set_fact(s, g, v, &t));
  }
  SX_TRY(expect(s, "->"));
  SX_TRY(expect(s, "("));
  for (bool first = true; !accept(s, ")"); first = false) {
    if (!first) SX_TRY(expect(s, ","));
    if (n_outs == 64) BAD(s, "more than 64 results");
    SX_TRY(name(s, &outs[n_outs++]));
  }
  SX_TRY(expect(s, "{"));
  while (!accept(s, "}")) SX_TRY(line(s, sc));
  for (uint32_t i = 0; i < n_outs; i++) {
    sx_vid v;
    SX_TRY(lookup(s, sc, outs[i], &v));
    if (!sx_graph_add_output(g, v)) SX_NO_MEMORY(s->e);
  }
  return sx_graph_sort(g, s->e);
}

static sx_status graph(parser *s, sx_graph *g, scope *outer) {
  scope sc = {outer, g, {0}};
  sx_status st = graph_in(s, &sc);
  sx_strmap_free(&sc.names);
  return st;
}

sx_status sx_graph_parse(sx_str text, sx_op_lookup find, sx_model **out, sx_err *e) {
  *out = NULL;
  sx_model *m = sx_model_create();
  if (!m) SX_NO_MEMORY(e);
  parser s = {.p = text.p, .end = text.p + text.n, .line = 1, .m = m, .find = find, .e = e};
  sx_status st = expect(&s, "graph");
  if (st == SX_OK) st = graph(&s, m->graph, NULL);
  if (st == SX_OK && peek(&s)) st = text_error(&s, __LINE__, "text after the graph's end");
  if (st != SX_OK)
    sx_model_destroy(m);
  else
    *out = m;
  return st;
}
