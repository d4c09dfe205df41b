// SPDX-License-Identifier: MIT
/* Cast to and from strings. Integers are decimal; a float is the shortest text that its own type reads back as the same
 * number, written as NumPy does it: 0.1, 1.0, 1e+20, inf, nan. What a text says must fit the type that it becomes. */
#include "base/number.h"
#include "run/exec.h"
#include "run/text.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Bits of the significand, and the exponent of the smallest normal number. */
typedef struct precision {
  uint8_t dtype, bits;
  int16_t least;
} precision;
static const precision precisions[] = {
    {SX_F64, 53, -1022},    {SX_F32, 24, -126},  {SX_F16, 11, -14},       {SX_BF16, 8, -126}, {SX_F8E4M3FN, 4, -6},
    {SX_F8E4M3FNUZ, 4, -7}, {SX_F8E5M2, 3, -14}, {SX_F8E5M2FNUZ, 3, -15}, {SX_F4E2M1, 2, 0},  {SX_F8E8M0, 1, -127},
    {SX_F6E2M3, 4, 0},      {SX_F6E3M2, 3, -2}};

/* Whether the type rounds `near` to x, one of its numbers. */
static bool reads_back(const precision *p, double x, double near) {
  if (p->bits == 53) return near == x;
  int e;
  const double m = frexp(fabs(x), &e);
  const double half = ldexp(0.5, (e - 1 > p->least ? e - 1 : p->least) - (p->bits - 1));
  return fabs(near - x) < (m == 0.5 && e - 1 > p->least && fabs(near) < fabs(x)
                               ? half / 2
                               : half); /* numbers lie closer below a power of two */
}

enum { LONGEST = 40 };
static int print_float(const precision *p, double x, char out[LONGEST]) {
  if (isnan(x)) return snprintf(out, LONGEST, "nan");
  if (isinf(x)) return snprintf(out, LONGEST, x < 0 ? "-inf" : "inf");
  int digits = 0;
  char s[LONGEST];
  char *end;
  do {
    snprintf(s, sizeof s, "%.*e", digits, x);
    sx_number_point(s);
  } while (!reads_back(p, x, sx_number_read(s, false, &end)) && digits++ < 16);
  const int power = atoi(strchr(s, 'e') + 1);
  if (x != 0 && (power < -4 || power >= 16)) return snprintf(out, LONGEST, "%s", s);
  snprintf(out, LONGEST, "%.*f", digits > power + 1 ? digits - power : 1, sx_number_read(s, false, &end));
  return (int)sx_number_point(out);
}

static int print_element(const sx_tensor *t, const precision *p, int64_t i, char out[LONGEST]) {
  double x = NAN;
  int64_t k = 0;
  if (p) {
    sx_tensor_get_f64(t, i, &x);
    return print_float(p, x, out);
  }
  if (t->dtype == SX_U64) return snprintf(out, LONGEST, "%llu", (unsigned long long)((const uint64_t *)t->data)[i]);
  sx_tensor_get_i64(t, i, &k);
  return t->dtype == SX_BOOL ? snprintf(out, LONGEST, k ? "True" : "False") : snprintf(out, LONGEST, "%lld", (long long)k);
}

static sx_status run_print(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  const sx_tensor t = {
      .dtype = x->dtype, .rank = x->rank, .count = x->count, .size = x->size, .bytes = c->in[0], .data = c->in[0]};
  const precision *p = NULL;
  for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
    if (precisions[i].dtype == x->dtype) p = &precisions[i];
  sx_rt_value *v;
  SX_TRY(sx_rt_tensor_create(SX_STRING, (uint32_t)x->rank, x->dims, NULL, &v, c->e));
  sx_status s = SX_OK;
  for (int64_t i = 0; i < v->count && s == SX_OK; i++) {
    char buf[LONGEST];
    const sx_str text =
        x->dtype == SX_STRING ? ((const sx_str *)c->in[0])[i] : (sx_str){buf, (size_t)print_element(&t, p, i, buf)};
    s = sx_rt_string_set(v, i, text.p, text.n, c->e);
  }
  if (s == SX_OK) return c->late->set_value(c->late, 0, v, c->e);
  sx_rt_unref(v);
  return s;
}

static bool is_space(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }
static bool is_word(const char *s, const char *word) {
  while (*word && (*s | 32) == *word) s++, word++;
  return !*s && !*word;
}

/* The number in the text s as an element of type t at `to`; false when it holds none, or one that does not fit. */
static bool read_element(sx_str s, sx_dtype t, void *to) {
  char buf[512], *end;
  while (s.n && is_space(s.p[0])) s.p++, s.n--;
  while (s.n && is_space(s.p[s.n - 1])) s.n--;
  if (!s.n || s.n >= sizeof buf) return false;
  memcpy(buf, s.p, s.n);
  buf[s.n] = 0;
  errno = 0;
  if (t == SX_F64 || t == SX_F32) {
    const double v = sx_number_read(buf, t == SX_F32, &end);
    if (t == SX_F64)
      *(double *)to = v;
    else
      *(float *)to = (float)v;
    return !*end; /* what overflows is infinite, as where numbers are cast */
  }
  if (t == SX_BOOL) {
    const bool yes = is_word(buf, "true") || !strcmp(buf, "1"), no = is_word(buf, "false") || !strcmp(buf, "0");
    *(uint8_t *)to = yes;
    return yes || no;
  }
  if (t == SX_U64) {
    const unsigned long long v = strtoull(buf, &end, 10);
    *(uint64_t *)to = v;
    return !*end && !errno && (buf[0] != '-' || !v);
  }
  const int64_t v = strtoll(buf, &end, 10);
  const uint32_t bits = sx_dtype_bits(t);
  const int64_t most = (int64_t)((UINT64_C(1) << (sx_dtype_is_signed(t) ? bits - 1 : bits)) - 1),
                least = sx_dtype_is_signed(t) ? -most - 1 : 0;
  memcpy(to, &v, bits / 8); /* little-endian */
  return !*end && !errno && v >= least && v <= most;
}
static sx_status run_read(const sx_call *c, uint32_t begin, uint32_t end) {
  (void)begin, (void)end;
  const sx_view *x = &c->late->in[0];
  const sx_late_ctx *l = sx_late_of(c);
  const sx_plan *p = sx_exec_plan(l->x);
  const sx_dtype t = (sx_dtype)sx_attr_int(sx_node_at(p->graph, p->steps[l->step].node), "to", 0);
  char *y = sx_late_output(c, 0, t, x->rank, x->dims);
  if (!y) return c->e ? c->e->code : SX_E_NO_MEMORY;
  double spent = 0;
  for (int64_t i = 0; i < x->count; i++) {
    SX_TRY(sx_stop_due(&spent, 100, c->e));
    const sx_str s = ((const sx_str *)c->in[0])[i];
    if (!read_element(s, t, y + (size_t)i * (sx_dtype_bits(t) / 8)))
      SX_FAIL(c->e, INVALID_ARGUMENT, "element %lld, '%.*s', is no number of type %s", (long long)i,
              (int)(s.n < 80 ? s.n : 80), s.p, sx_dtype_name(t));
  }
  return SX_OK;
}

static bool claim(const sx_graph *g, const sx_node *n, const char **reason) {
  *reason = "neither side is a string";
  return sx_value_at(g, n->in[0].value)->fact.dtype == SX_STRING || sx_value_at(g, n->out[0])->fact.dtype == SX_STRING;
}
static sx_status prepare(sx_prep *p) {
  return sx_prep_phase(p, sx_attr_int(p->n, "to", 0) == SX_STRING ? run_print : run_read, 1, 0, 0);
}
const sx_kernel sx_text_Cast = {
    .op = &sx_op_Cast, .name = "text", .flags = SX_KERNEL_LATE, .claim = claim, .prepare = prepare};
