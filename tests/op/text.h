// SPDX-License-Identifier: MIT
/* From a line of text to a model. A line is statements, separated by ';', and behind "=>" what is expected of them:
 *
 *   Gather(float[3, 2], int64[2] {0, 9}) axis=0 => INVALID_ARGUMENT "Gather" "9"
 *   s = SequenceConstruct(float[2], float[3]); SequenceAt(s, int64[] {2}) => INVALID_ARGUMENT "2"
 *   Div-13(int32[2] {-7, 7}, int32[2] {2, -1}) => int32[2] {-3, -7}
 *
 * `domain.Operator-version(arguments) attribute=value ...`; without a version that of OPSET. Arguments are `_` (left out),
 * names of earlier results, and tensors: a type, dimensions, and values that are repeated until it is full (1 without
 * values). `const` in front makes a tensor an initializer always; any other is one in the variant CONSTANT, else an input
 * of the model. A result is called y unless `a, b =` stands in front; those of the last statement are the model's outputs.
 * Attributes are 3, 0.5, nan, "word", lists [1, 2], tensors, and bodies <a: float[2], b: int64[] | statements | results>.
 */
#ifndef TESTS_OP_TEXT_H
#define TESTS_OP_TEXT_H
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPSET = 23, MAX_RANK = 8, MAX_TENSORS = 24, MAX_NAMES = 24, NAME = 64 };
/* How tensors come into the model: as initializers; as inputs whose dimensions are declared, open, or whose rank is. */
enum { CONSTANT, STATIC, OPEN_DIMS, OPEN_RANK, VARIANTS };

typedef struct buffer {
  unsigned char *p;
  size_t n, room;
} buffer;
typedef struct tensor {
  char name[NAME];
  int type; /* TensorProto's number */
  uint32_t rank;
  int64_t dims[MAX_RANK], count;
  size_t bytes;
  unsigned char *data; /* packed; strings: count char pointers */
  bool constant;
} tensor;
typedef struct line {
  const char *at, *error; /* where the parser is; what it does not understand */
  int variant, repeat;
  tensor in[MAX_TENSORS];
  int n_in;
  char out[MAX_NAMES][NAME];
  int n_out;
  char used[4][NAME]; /* domains */
  int version[4], n_used;
  int named;
} line;

/* --- protobuf ----------------------------------------------------------------------------------------------------------
 */
static void put(buffer *b, const void *p, size_t n) {
  if (b->n + n > b->room) b->p = (unsigned char *)realloc(b->p, b->room = 2 * (b->n + n) + 64);
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
}
static void put_varint(buffer *b, uint64_t v) {
  for (; v > 127; v >>= 7) put(b, &(unsigned char){(unsigned char)(v | 128)}, 1);
  put(b, &(unsigned char){(unsigned char)v}, 1);
}
static void put_int(buffer *b, int field, int64_t v) { put_varint(b, (uint64_t)field << 3), put_varint(b, (uint64_t)v); }
static void put_bytes(buffer *b, int field, const void *p, size_t n) {
  put_varint(b, (uint64_t)field << 3 | 2), put_varint(b, n), put(b, p, n);
}
static void put_text(buffer *b, int field, const char *s) { put_bytes(b, field, s, strlen(s)); }
static void put_float(buffer *b, int field, float v) { put_varint(b, (uint64_t)field << 3 | 5), put(b, &v, 4); }
static void put_message(buffer *b, int field, buffer *m) { /* m is used up */
  put_bytes(b, field, m->p, m->n);
  free(m->p);
  *m = (buffer){0};
}

/* --- element types -----------------------------------------------------------------------------------------------------
 */
typedef struct element {
  const char *name;
  int number, bits, exponent, mantissa, bias; /* the last three: floats of 16 bits and fewer */
  int special; /* 0: like IEEE; 1: NaN is all ones, no infinity (fn); 2: NaN is minus zero (fnuz); 3: neither */
} element;
static const element elements[] = {
    {"float", 1, 32, 0, 0, 0, 0},          {"uint8", 2, 8, 0, 0, 0, 0},        {"int8", 3, 8, 0, 0, 0, 0},
    {"uint16", 4, 16, 0, 0, 0, 0},         {"int16", 5, 16, 0, 0, 0, 0},       {"int32", 6, 32, 0, 0, 0, 0},
    {"int64", 7, 64, 0, 0, 0, 0},          {"string", 8, 64, 0, 0, 0, 0},      {"bool", 9, 8, 0, 0, 0, 0},
    {"float16", 10, 16, 5, 10, 15, 0},     {"double", 11, 64, 0, 0, 0, 0},     {"uint32", 12, 32, 0, 0, 0, 0},
    {"uint64", 13, 64, 0, 0, 0, 0},        {"bfloat16", 16, 16, 8, 7, 127, 0}, {"float8e4m3fn", 17, 8, 4, 3, 7, 1},
    {"float8e4m3fnuz", 18, 8, 4, 3, 8, 2}, {"float8e5m2", 19, 8, 5, 2, 15, 0}, {"float8e5m2fnuz", 20, 8, 5, 2, 16, 2},
    {"uint4", 21, 4, 0, 0, 0, 0},          {"int4", 22, 4, 0, 0, 0, 0},        {"float4e2m1", 23, 4, 2, 1, 1, 3},
    {"uint2", 25, 2, 0, 0, 0, 0},          {"int2", 26, 2, 0, 0, 0, 0}};
static const element *element_of(int number) {
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
    if (elements[i].number == number) return &elements[i];
  return NULL;
}
static bool is_signed(int number) {
  return number == 3 || number == 5 || number == 6 || number == 7 || number == 22 || number == 26;
}
static bool is_float(const element *t) { return t->number == 1 || t->number == 11 || t->exponent; }

static double small_float(const element *t, unsigned code) {
  const unsigned m = code & ((1u << t->mantissa) - 1), e = code >> t->mantissa & ((1u << t->exponent) - 1),
                 top = (1u << t->exponent) - 1, s = code >> (t->exponent + t->mantissa);
  if (t->special == 2 && s && !e && !m) return NAN;
  if (t->special == 1 && e == top && m == (1u << t->mantissa) - 1) return NAN;
  if (t->special == 0 && e == top) return m ? NAN : s ? -INFINITY : INFINITY;
  const double v = e ? ldexp(1 + ldexp(m, -t->mantissa), (int)e - t->bias) : ldexp(m, 1 - t->bias - t->mantissa);
  return s ? -v : v;
}
/* The code of a value that the type has; NaN: the first one; -1: it has none. */
static long small_code(const element *t, double v) {
  for (unsigned c = 0; c < 1u << t->bits; c++) {
    const double d = small_float(t, c);
    if (isnan(v) ? isnan(d) : (float)d == (float)v && !signbit(d) == !signbit(v)) return (long)c;
  }
  return -1;
}

static uint64_t element_bits(const tensor *t, int64_t i) {
  const int bits = element_of(t->type)->bits;
  uint64_t v = 0;
  if (bits >= 8) return memcpy(&v, t->data + i * (bits / 8), (size_t)bits / 8), v;
  return t->data[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
}
static void set_bits(tensor *t, int64_t i, uint64_t v) {
  const int bits = element_of(t->type)->bits, shift = (int)(i * bits % 8);
  if (bits >= 8) {
    memcpy(t->data + i * (bits / 8), &v, (size_t)bits / 8);
    return;
  }
  unsigned char *p = &t->data[i * bits / 8];
  const unsigned mask = ((1u << bits) - 1) << shift;
  *p = (unsigned char)((*p & ~mask) | ((unsigned)v << shift & mask));
}
static double element_float(const element *t, uint64_t bits) {
  float f;
  double d;
  if (t->number == 1) return memcpy(&f, &bits, 4), f;
  if (t->number == 11) return memcpy(&d, &bits, 8), d;
  return small_float(t, (unsigned)bits);
}
static void tensor_free(tensor *t) {
  if (t->type == 8)
    for (int64_t i = 0; t->data && i < t->count; i++) free(((char **)(void *)t->data)[i]);
  free(t->data);
  *t = (tensor){0};
}

/* --- the parser --------------------------------------------------------------------------------------------------------
 */
static bool fail(line *l, const char *why) {
  if (!l->error) l->error = why;
  return false;
}
static char peek(line *l) {
  while (*l->at == ' ') l->at++;
  return *l->at;
}
static bool take(line *l, char c) { return peek(l) == c ? l->at++, true : false; }
static bool word(line *l, char w[NAME], const char *also) { /* letters, digits, '_' and those of `also` */
  int n = 0;
  for (peek(l); isalnum((unsigned char)*l->at) || *l->at == '_' || (*l->at && strchr(also, *l->at)); l->at++)
    if (n < NAME - 1) w[n++] = *l->at;
  w[n] = 0;
  return n > 0;
}
static bool quoted(line *l, char *s, size_t room) {
  size_t n = 0;
  if (!take(l, '"')) return fail(l, "a quoted word is expected");
  while (*l->at && *l->at != '"') {
    if (n + 1 < room) s[n++] = *l->at;
    l->at++;
  }
  s[n] = 0;
  return take(l, '"') || fail(l, "a quotation mark is missing");
}

static bool one_value(line *l, tensor *t, const element *type, int64_t i) {
  peek(l);
  char *end = (char *)l->at;
  if (type->number == 8) {
    char s[256];
    if (!quoted(l, s, sizeof s)) return false;
    ((char **)(void *)t->data)[i] = strdup(s);
    return true;
  }
  uint64_t bits = 0;
  if (is_float(type) && strncmp(l->at, "0x", 2) != 0) {
    const double d = strtod(l->at, &end);
    const float f = (float)d;
    if (type->number == 1)
      memcpy(&bits, &f, 4);
    else if (type->number == 11)
      memcpy(&bits, &d, 8);
    else {
      const long c = small_code(type, d);
      if (c < 0) return fail(l, "the type does not have this value");
      bits = (uint64_t)c;
    }
  } else if (*l->at == '-')
    bits = (uint64_t)strtoll(l->at, &end, 0);
  else
    bits = strtoull(l->at, &end, 0);
  if (end == l->at) return fail(l, "a value is expected");
  l->at = end;
  set_bits(t, i, bits);
  return true;
}

/* A tensor behind its type's name. */
static bool tensor_body(line *l, const char *type, tensor *t) {
  const element *e = NULL;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
    if (strcmp(elements[i].name, type) == 0) e = &elements[i];
  if (!e) return fail(l, "no such element type");
  t->type = e->number, t->rank = 0, t->count = 1;
  if (!take(l, '[')) return fail(l, "'[' is expected");
  while (!take(l, ']')) {
    char *end;
    if (t->rank == MAX_RANK) return fail(l, "too many dimensions");
    t->dims[t->rank] = strtoll(l->at, &end, 10);
    if (end == l->at) return fail(l, "a dimension is expected");
    l->at = end;
    if (t->rank == 0 && l->repeat > 1) t->dims[0] *= l->repeat;
    t->count *= t->dims[t->rank++];
    take(l, ',');
  }
  t->bytes = ((size_t)t->count * (size_t)e->bits + 7) / 8;
  t->data = (unsigned char *)calloc(1, t->bytes + 8);
  int64_t given = 0;
  if (take(l, '{')) {
    for (; !take(l, '}'); given++) {
      if (given >= t->count && t->count) return fail(l, "too many values");
      if (t->count && !one_value(l, t, e, given)) return false;
      take(l, ',');
    }
  } else if (t->count) {
    given = 1;
    if (e->number == 8)
      ((char **)(void *)t->data)[0] = strdup("a");
    else if (is_float(e)) {
      line one = {.at = "1"};
      one_value(&one, t, e, 0);
    } else
      set_bits(t, 0, 1);
  }
  for (int64_t i = given; i < t->count; i++) {
    if (!given) return fail(l, "no values");
    if (e->number == 8)
      ((char **)(void *)t->data)[i] = strdup(((char **)(void *)t->data)[i % given]);
    else
      set_bits(t, i, element_bits(t, i % given));
  }
  return true;
}

static void tensor_message(const tensor *t, buffer *b) {
  for (uint32_t i = 0; i < t->rank; i++) put_int(b, 1, t->dims[i]);
  put_int(b, 2, t->type);
  for (int64_t i = 0; t->type == 8 && i < t->count; i++) put_text(b, 6, ((char **)(void *)t->data)[i]);
  if (t->name[0]) put_text(b, 8, t->name);
  if (t->type != 8) put_bytes(b, 9, t->data, t->bytes);
}
static void value_message(const char *name, int type, int rank, const int64_t *dims, bool open, buffer *b) {
  buffer t = {0}, tt = {0}, shape = {0};
  put_text(b, 1, name);
  put_int(&tt, 1, type);
  for (int i = 0; i < rank; i++) {
    buffer d = {0};
    if (!open) put_int(&d, 1, dims[i]);
    put_message(&shape, 1, &d);
  }
  if (rank >= 0) put_message(&tt, 2, &shape);
  put_message(&t, 1, &tt);
  put_message(b, 2, &t);
}

static bool statements(line *l, buffer *graph, char last[MAX_NAMES][NAME], int *n_last, const char *stops);

static bool body(line *l, buffer *graph) { /* <a: float[2], b: int64[] | statements | results> behind '<' */
  char last[MAX_NAMES][NAME];
  int n_last;
  while (!take(l, '|')) {
    char name[NAME], type[NAME];
    tensor t = {0};
    buffer v = {0};
    if (!word(l, name, "") || !take(l, ':') || !word(l, type, "")) return fail(l, "name: type is expected");
    bool ok = tensor_body(l, type, &t);
    if (ok) value_message(name, t.type, (int)t.rank, t.dims, false, &v), put_message(graph, 11, &v);
    tensor_free(&t);
    if (!ok) return false;
    take(l, ',');
  }
  if (peek(l) != '|' && !statements(l, graph, last, &n_last, "|")) return false;
  if (!take(l, '|')) return fail(l, "'|' and results are expected");
  put_text(graph, 2, "body");
  while (!take(l, '>')) {
    char name[NAME];
    buffer v = {0};
    if (!word(l, name, "")) return fail(l, "a result's name is expected");
    put_text(&v, 1, name);
    put_message(graph, 12, &v);
    take(l, ',');
  }
  return true;
}

/* name=value */
static bool attribute(line *l, buffer *node) {
  char name[NAME], w[NAME];
  buffer a = {0}, m = {0};
  if (!word(l, name, "") || !take(l, '=')) return fail(l, "attribute=value is expected");
  put_text(&a, 1, name);
  const bool list = take(l, '[');
  int type = 0;
  do {
    char s[512];
    if (list && take(l, ']')) break;
    if (peek(l) == '"') {
      if (!quoted(l, s, sizeof s)) return false;
      put_text(&a, list ? 9 : 4, s), type = list ? 8 : 3;
    } else if (take(l, '<')) {
      if (!body(l, &m)) return false;
      put_message(&a, 6, &m), type = 5;
    } else if (isalpha((unsigned char)peek(l)) && strncmp(l->at, "nan", 3) && strncmp(l->at, "inf", 3)) {
      tensor t = {0};
      const int repeat = l->repeat;
      l->repeat = 1;
      bool ok = word(l, w, "") && tensor_body(l, w, &t);
      l->repeat = repeat;
      if (ok) tensor_message(&t, &m), put_message(&a, 5, &m), type = 4;
      tensor_free(&t);
      if (!ok) return false;
    } else {
      char *end, *end_int;
      peek(l);
      const double d = strtod(l->at, &end);
      const long long i = strtoll(l->at, &end_int, 0);
      if (end == l->at) return fail(l, "a value is expected");
      if (end_int == end)
        put_int(&a, list ? 8 : 3, i), type = list ? 7 : 2;
      else
        put_float(&a, list ? 7 : 2, (float)d), type = list ? 6 : 1;
      l->at = end;
    }
    if (list) take(l, ',');
  } while (list);
  if (list && !type) type = 7;
  put_int(&a, 20, type);
  put_message(node, 5, &a);
  return true;
}

static bool argument(line *l, buffer *node) {
  char w[NAME];
  bool constant = false;
  if (!word(l, w, "")) return fail(l, "an argument is expected");
  if (strcmp(w, "const") == 0) {
    constant = true;
    if (!word(l, w, "")) return fail(l, "a type is expected");
  }
  if (strcmp(w, "_") == 0) return put_text(node, 1, ""), true;
  if (peek(l) != '[') return put_text(node, 1, w), true;
  if (l->n_in == MAX_TENSORS) return fail(l, "too many tensors");
  tensor *t = &l->in[l->n_in++];
  *t = (tensor){0};
  snprintf(t->name, sizeof t->name, "x%d", l->n_in - 1);
  t->constant = constant || l->variant == CONSTANT;
  put_text(node, 1, t->name);
  return tensor_body(l, w, t);
}

static bool statement(line *l, buffer *graph, char outs[MAX_NAMES][NAME], int *n_outs) {
  buffer node = {0};
  char w[NAME], label[NAME];
  *n_outs = 0;
  for (;;) { /* a, b = ... */
    if (!word(l, w, ".-")) return fail(l, "an operator is expected");
    if (peek(l) == '(') break;
    if (*n_outs == MAX_NAMES - 1) return fail(l, "too many results");
    memcpy(outs[(*n_outs)++], w, NAME);
    if (!take(l, ',') && !take(l, '=')) return fail(l, "',', '=' or '(' is expected");
  }
  if (!*n_outs) strcpy(outs[(*n_outs)++], "y");
  char *minus = strchr(w, '-'), *dot;
  const int version = minus ? atoi(minus + 1) : 0;
  if (minus) *minus = 0;
  dot = strrchr(w, '.');
  if (dot) *dot = 0;
  const char *domain = dot ? w : "", *op = dot ? dot + 1 : w;
  int k = 0;
  while (k < l->n_used && strcmp(l->used[k], domain) != 0) k++;
  if (k == 4) return fail(l, "too many domains");
  if (k == l->n_used) snprintf(l->used[k], NAME, "%s", domain), l->version[k] = 0, l->n_used++;
  if (version) l->version[k] = version;
  take(l, '(');
  while (!take(l, ')')) {
    if (!argument(l, &node)) return free(node.p), false;
    take(l, ',');
  }
  for (int i = 0; i < *n_outs; i++) put_text(&node, 2, strcmp(outs[i], "_") ? outs[i] : "");
  snprintf(label, sizeof label, "node%d", l->named++);
  put_text(&node, 3, label);
  put_text(&node, 4, op);
  put_text(&node, 7, domain);
  while (isalpha((unsigned char)peek(l)))
    if (!attribute(l, &node)) return free(node.p), false;
  put_message(graph, 1, &node);
  return true;
}

static bool statements(line *l, buffer *graph, char last[MAX_NAMES][NAME], int *n_last, const char *stops) {
  do {
    if (!statement(l, graph, last, n_last)) return false;
  } while (take(l, ';'));
  return strchr(stops, peek(l)) != NULL || fail(l, "the statement goes on in a way that is not understood");
}

static void line_free(line *l) {
  for (int i = 0; i < l->n_in; i++) tensor_free(&l->in[i]);
}

/* The model of a line up to its "=>", which l->at then stands behind. False: l->error, at l->at. */
static bool line_model(line *l, buffer *model) {
  buffer graph = {0};
  if (!statements(l, &graph, l->out, &l->n_out, "=")) return free(graph.p), false;
  put_text(&graph, 2, "g");
  for (int i = 0; i < l->n_in; i++) {
    const tensor *t = &l->in[i];
    buffer m = {0};
    if (t->constant)
      tensor_message(t, &m), put_message(&graph, 5, &m);
    else {
      value_message(t->name, t->type, l->variant == OPEN_RANK ? -1 : (int)t->rank, t->dims, l->variant == OPEN_DIMS, &m);
      put_message(&graph, 11, &m);
    }
  }
  for (int i = 0; i < l->n_out; i++) {
    buffer m = {0};
    if (strcmp(l->out[i], "_") == 0) continue;
    put_text(&m, 1, l->out[i]);
    put_message(&graph, 12, &m);
  }
  put_int(model, 1, 10);
  put_message(model, 7, &graph);
  for (int i = 0; i < l->n_used; i++) {
    buffer o = {0};
    put_text(&o, 1, l->used[i]);
    put_int(&o, 2,
            l->version[i]                           ? l->version[i]
            : l->used[i][0] == 0                    ? OPSET
            : strcmp(l->used[i], "ai.onnx.ml") == 0 ? 5
                                                    : 1);
    put_message(model, 8, &o);
  }
  l->at += strncmp(l->at, "=>", 2) == 0 ? 2 : 0;
  return true;
}
#endif
