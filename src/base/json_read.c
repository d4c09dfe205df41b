// SPDX-License-Identifier: MIT
/* A JSON reader that walks the bytes once and climbs by parent pointers instead of calling itself. Every byte is asked for
 * through peek(), which gives 0 behind the end. */
#include "base/json_read.h"
#include <math.h>
#include "base/number.h"
#include "base/unicode.h"

typedef struct reader {
  sx_arena *a;
  sx_str s;
  size_t at;
  sx_err *e;
} reader;

static unsigned char peek(const reader *r) { return r->at < r->s.n ? (unsigned char)r->s.p[r->at] : 0; }

static sx_status bad(const reader *r, const char *expected) {
  size_t line = 1, begin = 0;
  for (size_t i = 0; i < r->at && i < r->s.n; i++)
    if (r->s.p[i] == '\n') line++, begin = i + 1;
  if (r->at >= r->s.n)
    SX_FAIL(r->e, FAIL, "line %zu, column %zu: expected %s, found the end", line, r->at - begin + 1, expected);
  unsigned char c = peek(r);
  if (c > 0x20 && c < 0x7f)
    SX_FAIL(r->e, FAIL, "line %zu, column %zu: expected %s, found '%c'", line, r->at - begin + 1, expected, c);
  SX_FAIL(r->e, FAIL, "line %zu, column %zu: expected %s, found the byte 0x%02x", line, r->at - begin + 1, expected, c);
}

static void skip_space(reader *r) {
  while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r') r->at++;
}

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

/* The four digits of a \u escape. */
static sx_status hex4(reader *r, uint32_t *code) {
  *code = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    unsigned char c = peek(r);
    uint32_t digit = is_digit(c)            ? c - (uint32_t)'0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10u
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10u
                                            : 16;
    if (digit > 15) return bad(r, "four hexadecimal digits");
    *code = *code * 16 + digit;
  }
  return SX_OK;
}

/* Behind a backslash: the code point that is meant. */
static sx_status escape(reader *r, uint32_t *code) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char *name = peek(r) ? strchr(names, peek(r)) : NULL;
  if (name) {
    *code = (unsigned char)values[name - names];
    r->at++;
    return SX_OK;
  }
  if (peek(r) != 'u') return bad(r, "an escape");
  r->at++;
  SX_TRY(hex4(r, code));
  if (*code >= 0xdc00 && *code < 0xe000) return bad(r, "the first half of a pair before its second");
  if (*code < 0xd800 || *code >= 0xdc00) return SX_OK;
  uint32_t low;
  if (peek(r) != '\\') return bad(r, "the second half of a pair");
  r->at++;
  if (peek(r) != 'u') return bad(r, "the second half of a pair");
  r->at++;
  SX_TRY(hex4(r, &low));
  if (low < 0xdc00 || low >= 0xe000) return bad(r, "the second half of a pair");
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return SX_OK;
}

/* A text in quotes. Decoded it is never longer than written, so one block does. */
static sx_status read_text(reader *r, sx_str *out) {
  if (peek(r) != '"') return bad(r, "a text in quotes");
  size_t end = ++r->at;
  while (end < r->s.n && r->s.p[end] != '"') end += r->s.p[end] == '\\' ? 2 : 1;
  if (end >= r->s.n) {
    r->at = r->s.n;
    return bad(r, "a closing quote");
  }
  char *to = sx_arena_alloc(r->a, end - r->at + 1);
  if (!to) SX_NO_MEMORY(r->e);
  size_t n = 0;
  while (peek(r) != '"') {
    uint32_t code;
    size_t before = r->at;
    if (peek(r) == '\\') {
      r->at++;
      SX_TRY(escape(r, &code));
    } else {
      code = sx_utf8_next(r->s, &r->at);
      if (code == SX_UTF8_BAD || code < 0x20) {
        r->at = before;
        return bad(r, code < 0x20 ? "an escape for this control character" : "UTF-8");
      }
    }
    n += sx_utf8_put(code, to + n);
  }
  r->at++;
  *out = (sx_str){to, n};
  return SX_OK;
}

static sx_status digits(reader *r) {
  if (!is_digit(peek(r))) return bad(r, "a digit");
  while (is_digit(peek(r))) r->at++;
  return SX_OK;
}

static sx_status read_number(reader *r, sx_str *out) {
  size_t begin = r->at;
  if (peek(r) == '-') r->at++;
  if (peek(r) == '0')
    r->at++;
  else
    SX_TRY(digits(r));
  if (peek(r) == '.') {
    r->at++;
    SX_TRY(digits(r));
  }
  if (peek(r) == 'e' || peek(r) == 'E') {
    r->at++;
    if (peek(r) == '+' || peek(r) == '-') r->at++;
    SX_TRY(digits(r));
  }
  char *text = sx_arena_strdup(r->a, r->s.p + begin, r->at - begin), *end;
  if (!text) SX_NO_MEMORY(r->e);
  *out = (sx_str){text, r->at - begin};
  double v = sx_number_read(text, false, &end);
  if (*end == 0 && isfinite(v)) return SX_OK;
  r->at = begin;
  return bad(r, "a number that a double can hold");
}

static sx_status word(reader *r, const char *name) {
  for (; *name; name++, r->at++)
    if (peek(r) != (unsigned char)*name) return bad(r, "true, false or null");
  return SX_OK;
}

/* A value without what is in it: of an array or object, the opening bracket. */
static sx_status read_value(reader *r, sx_json *v) {
  switch (peek(r)) {
    case '{':
      r->at++;
      v->kind = SX_JSON_OBJECT;
      return SX_OK;
    case '[':
      r->at++;
      v->kind = SX_JSON_ARRAY;
      return SX_OK;
    case '"': v->kind = SX_JSON_TEXT; return read_text(r, &v->text);
    case 't': v->kind = SX_JSON_TRUE; return word(r, "true");
    case 'f': v->kind = SX_JSON_FALSE; return word(r, "false");
    case 'n': v->kind = SX_JSON_NULL; return word(r, "null");
    default: break;
  }
  if (peek(r) != '-' && !is_digit(peek(r))) return bad(r, "a value");
  v->kind = SX_JSON_NUMBER;
  return read_number(r, &v->text);
}

/* Leaves one member of each name. */
static sx_status close_object(reader *r, sx_json *object) {
  if (object->n < 2) return SX_OK;
  sx_json **at = sx_arena_array(r->a, object->n, sizeof *at);
  if (!at) SX_NO_MEMORY(r->e);
  sx_strmap seen = {0};
  uint32_t n = 0, before;
  bool ok = true;
  for (sx_json *m = object->first, *next; m && ok; m = next) {
    next = m->next;
    if (sx_strmap_get(&seen, m->key, &before)) {
      at[before] = m;
    } else {
      ok = sx_strmap_put(&seen, m->key, n);
      at[n++] = m;
    }
  }
  sx_strmap_free(&seen);
  if (!ok) SX_NO_MEMORY(r->e);
  object->n = n, object->first = at[0], object->last = at[n - 1];
  for (uint32_t i = 0; i < n; i++) at[i]->next = i + 1 < n ? at[i + 1] : NULL;
  return SX_OK;
}

/* One more item or member of the open value, with its key. */
static sx_status add(reader *r, sx_json *open, sx_json **out) {
  sx_json *v = *out = SX_NEW(r->a, sx_json);
  if (!v) SX_NO_MEMORY(r->e);
  v->parent = open;
  if (open) {
    if (open->n == UINT32_MAX) return bad(r, "fewer items");
    if (open->last)
      open->last->next = v;
    else
      open->first = v;
    open->last = v;
    open->n++;
  }
  if (open && open->kind == SX_JSON_OBJECT) {
    SX_TRY(read_text(r, &v->key));
    skip_space(r);
    if (peek(r) != ':') return bad(r, "':'");
    r->at++;
    skip_space(r);
  }
  return read_value(r, v);
}

sx_status sx_json_read(sx_arena *a, sx_str bytes, const sx_json **out, sx_err *e) {
  reader r = {a, bytes, 0, e};
  sx_json *root, *v;
  if (bytes.n >= 3 && memcmp(bytes.p, "\xef\xbb\xbf", 3) == 0) r.at = 3;
  skip_space(&r);
  SX_TRY(add(&r, NULL, &root));
  for (sx_json *open = root->kind >= SX_JSON_ARRAY ? root : NULL; open;) {
    bool object = open->kind == SX_JSON_OBJECT;
    unsigned char end = object ? '}' : ']';
    skip_space(&r);
    if (peek(&r) == end) {
      r.at++;
      if (object) SX_TRY(close_object(&r, open));
      open = open->parent;
      continue;
    }
    if (open->n) {
      if (peek(&r) != ',') return bad(&r, object ? "',' or '}'" : "',' or ']'");
      r.at++;
      skip_space(&r);
    }
    SX_TRY(add(&r, open, &v));
    if (v->kind >= SX_JSON_ARRAY) open = v;
  }
  skip_space(&r);
  if (r.at < bytes.n) return bad(&r, "nothing more");
  *out = root;
  return SX_OK;
}

const sx_json *sx_json_get(const sx_json *v, const char *key) {
  if (!v || v->kind != SX_JSON_OBJECT) return NULL;
  const sx_json *m = v->first;
  while (m && !sx_str_is(m->key, key)) m = m->next;
  return m;
}

bool sx_json_int(const sx_json *v, int64_t *out) {
  if (!v || v->kind != SX_JSON_NUMBER) return false;
  bool minus = v->text.p[0] == '-';
  int64_t x = 0;
  for (size_t i = minus; i < v->text.n; i++) {
    if (!is_digit((unsigned char)v->text.p[i])) return false;
    int digit = v->text.p[i] - '0';
    if (!sx_i64_mul(x, 10, &x) || !sx_i64_add(x, minus ? -digit : digit, &x)) return false;
  }
  *out = x;
  return true;
}
