// SPDX-License-Identifier: MIT
/* Attributes held against the schema row, and against attr_rules.def: what a kernel would else take for its default. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "onnx/import_priv.h"

static const struct rule {
  const char *attr, *ops, *words; /* words: NULL, or all that are allowed */
  double least, most;
} rules[] = {
#define WORDS(attr, ops, words)       {attr, ops, words, 0, 0},
#define RANGE(attr, ops, least, most) {attr, ops, NULL, least, most},
#include "onnx/attr_rules.def"
#undef WORDS
#undef RANGE
};
enum { RULES = sizeof rules / sizeof *rules };

/* `words` has w among its words, which blanks part. */
static bool among(const char *words, sx_str w) {
  for (size_t n; *words; words += n + (words[n] == ' ')) {
    n = strcspn(words, " ");
    if (n == w.n && !memcmp(words, w.p, n)) return true;
  }
  return false;
}

static sx_status check_word(const sx_attr *a, const char *words, sx_err *e) {
  char number[24];
  sx_str w = a->s;
  if (a->type == SX_ATTR_INT) {
    snprintf(number, sizeof number, "%lld", (long long)a->i);
    w = sx_str_c(number);
  }
  if (!among(words, w))
    SX_FAIL(e, FAIL, "attribute '%.*s' is '%.*s', expected one of: %s", SX_FMT(a->name), SX_FMT(w), words);
  return SX_OK;
}

static sx_status check_range(const sx_attr *a, double least, double most, sx_err *e) {
  const bool list = a->type == SX_ATTR_INTS || a->type == SX_ATTR_FLOATS,
             whole = a->type == SX_ATTR_INT || a->type == SX_ATTR_INTS;
  if (!list && a->type != SX_ATTR_INT && a->type != SX_ATTR_FLOAT) return SX_OK;
  for (uint32_t i = 0; i < (list ? a->n : 1); i++) {
    const double v = a->type == SX_ATTR_INT    ? (double)a->i
                     : a->type == SX_ATTR_INTS ? (double)a->ints[i]
                     : list                    ? (double)a->floats[i]
                                               : (double)a->f;
    char bound[40] = "no more than all that its type holds";
    if (v >= least && v <= most) continue;
    if (most < FLT_MAX)
      snprintf(bound, sizeof bound, "at most %.9g", most);
    else
      snprintf(bound, sizeof bound, most > FLT_MAX ? "any more" : "finite");
    if (whole && fabs(v) < 0x1p53)
      SX_FAIL(e, FAIL, "attribute '%.*s' is %lld, expected at least %.9g and %s", SX_FMT(a->name), (long long)v, least,
              bound);
    SX_FAIL(e, FAIL, "attribute '%.*s' is %.9g, expected at least %.9g and %s", SX_FMT(a->name), v, least, bound);
  }
  return SX_OK;
}

static int by_name(const struct rule *r, sx_str name) {
  const size_t n = strlen(r->attr);
  const int c = memcmp(r->attr, name.p, n < name.n ? n : name.n);
  return c ? c : n < name.n ? -1 : n > name.n;
}
static sx_status check_rules(const sx_node *n, const sx_attr *a, sx_err *e) {
  size_t low = 0, high = RULES;
  while (low < high) { /* the first of that name */
    const size_t mid = (low + high) / 2;
    if (by_name(&rules[mid], a->name) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  for (; low < RULES && !by_name(&rules[low], a->name); low++) {
    const struct rule *r = &rules[low];
    if (*r->ops && !among(r->ops, n->op_type)) continue;
    SX_TRY(r->words ? check_word(a, r->words, e) : check_range(a, r->least, r->most, e));
  }
  return SX_OK;
}

sx_status sx_import_check_attrs(const sx_schema *s, const sx_node *n, sx_err *e) {
  static const char *const types[] = {"undefined",      "float",      "int",        "string",  "tensor", "graph",
                                      "floats",         "ints",       "strings",    "tensors", "graphs", "sparse_tensor",
                                      "sparse_tensors", "type_proto", "type_protos"};
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    const sx_attr *a = &n->attrs[i];
    const sx_schema_attr *r = sx_schema_find_attr(s, a->name);
    if (!r) {
      if (s->domain != SX_DOMAIN_ONNX && s->domain != SX_DOMAIN_ML)
        continue; /* exporters of contrib operators are ahead of any table */
      SX_FAIL(e, INVALID_GRAPH, "has an attribute '%.*s', which version %u of the operator does not know", SX_FMT(a->name),
              s->since_version);
    }
    bool empty_list = a->n == 0 && a->type >= SX_ATTR_FLOATS && r->type >= SX_ATTR_FLOATS;
    if (r->type != a->type && !empty_list && !(r->type == SX_ATTR_SPARSE_TENSOR && a->type == SX_ATTR_TENSOR))
      SX_FAIL(e, INVALID_GRAPH, "attribute '%s' has type %s, expected %s", sx_schema_text(r->name), types[a->type],
              types[r->type]);
    if (r->type == a->type) SX_TRY(check_rules(n, a, e));
  }
  for (uint32_t i = 0; i < s->n_attrs; i++) {
    const sx_schema_attr *r = sx_schema_attr_at(s, i);
    if (r->required && !sx_node_attr(n, sx_schema_text(r->name)))
      SX_FAIL(e, INVALID_GRAPH, "lacks the required attribute '%s'", sx_schema_text(r->name));
  }
  return SX_OK;
}
