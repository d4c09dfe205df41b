// SPDX-License-Identifier: MIT
/* Looks up operator schemas in the generated table: one array sorted by (domain, name, version), found by binary search. */
#include "ops/schema.h"
#include <limits.h>

enum {
  OPTIONAL = SX_PARAM_OPTIONAL, VARIADIC = SX_PARAM_VARIADIC, HETEROGENEOUS = SX_PARAM_HETEROGENEOUS,
  NON_DIFFERENTIABLE = SX_PARAM_NON_DIFFERENTIABLE,
  A_FLOAT = SX_ATTR_FLOAT, A_INT = SX_ATTR_INT, A_STRING = SX_ATTR_STRING, A_TENSOR = SX_ATTR_TENSOR, A_GRAPH = SX_ATTR_GRAPH,
  A_FLOATS = SX_ATTR_FLOATS, A_INTS = SX_ATTR_INTS, A_STRINGS = SX_ATTR_STRINGS, A_TENSORS = SX_ATTR_TENSORS,
  A_GRAPHS = SX_ATTR_GRAPHS, A_SPARSE_TENSOR = SX_ATTR_SPARSE_TENSOR, A_SPARSE_TENSORS = SX_ATTR_SPARSE_TENSORS,
  A_TYPE_PROTO = SX_ATTR_TYPE_PROTO, A_TYPE_PROTOS = SX_ATTR_TYPE_PROTOS,
  F_DEPRECATED = SX_SCHEMA_DEPRECATED, F_FUNCTION = SX_SCHEMA_FUNCTION, F_CONTEXT_BODY = SX_SCHEMA_CONTEXT_BODY,
  F_NONDETERMINISTIC = SX_SCHEMA_NONDETERMINISTIC, F_EXPERIMENTAL = SX_SCHEMA_EXPERIMENTAL
};
#define S(domain, op, name, since, flags, min_in, max_in, min_out, max_out, ni, in, no, out, na, at, nc, con) \
  {name, SX_DOMAIN_##domain, flags, since, min_in, max_in, min_out, max_out, ni, no, na, nc, in, out, at, con},
#include "ops/schema.gen.inc"
#undef S

const uint32_t sx_schema_count = sizeof sx_schemas / sizeof sx_schemas[0];

static const char *const domain_names[SX_DOMAIN_COUNT] = {"", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training",
                                                          "com.microsoft"};

const char *sx_domain_name(sx_domain d) { return domain_names[d]; }

bool sx_domain_find(sx_str name, sx_domain *out) {
  if (sx_str_is(name, "ai.onnx")) name = SX_STR("");
  for (int d = 0; d < SX_DOMAIN_COUNT; d++) {
    if (sx_str_is(name, domain_names[d])) return *out = (sx_domain)d, true;
  }
  return false;
}

int sx_domain_latest(sx_domain d) { return domain_latest[d]; }

const char *sx_schema_text(uint16_t place) { return text + place; }

/* Order of a row against (domain, name), by bytes. */
static int compare(const sx_schema *s, sx_domain d, sx_str name) {
  if (s->domain != d) return s->domain < d ? -1 : 1;
  const char *own = sx_schema_text(s->name);
  size_t n = strlen(own), common = n < name.n ? n : name.n;
  int c = memcmp(own, name.p, common);
  return c ? c : (n > name.n) - (n < name.n);
}

const sx_schema *sx_schema_find(sx_domain d, sx_str name, int opset) {
  uint32_t low = 0, high = sx_schema_count; /* rows before low are in force or earlier, rows from high on are later */
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    int c = compare(&sx_schemas[mid], d, name);
    if (c < 0 || (c == 0 && sx_schemas[mid].since_version <= opset)) low = mid + 1;
    else high = mid;
  }
  return low > 0 && compare(&sx_schemas[low - 1], d, name) == 0 ? &sx_schemas[low - 1] : NULL;
}

const sx_schema *sx_schema_latest(sx_domain d, sx_str name) { return sx_schema_find(d, name, INT_MAX); }

const sx_schema_attr *sx_schema_attr_at(const sx_schema *s, uint32_t i) { return &attrs[s->attrs + i]; }
const sx_schema_constraint *sx_schema_constraint_at(const sx_schema *s, uint32_t i) { return &constraints[s->constraints + i]; }

const sx_schema_attr *sx_schema_find_attr(const sx_schema *s, sx_str name) {
  for (uint32_t i = 0; i < s->n_attrs; i++) {
    const sx_schema_attr *a = sx_schema_attr_at(s, i);
    if (sx_str_is(name, sx_schema_text(a->name))) return a;
  }
  return NULL;
}

static const sx_schema_param *param_at(uint32_t first, uint32_t n, uint32_t i) {
  const sx_schema_param *p = params + first;
  if (i < n) return &p[i];
  return n > 0 && (p[n - 1].flags & SX_PARAM_VARIADIC) ? &p[n - 1] : NULL;
}

const sx_schema_param *sx_schema_input(const sx_schema *s, uint32_t i) { return param_at(s->inputs, s->n_inputs, i); }
const sx_schema_param *sx_schema_output(const sx_schema *s, uint32_t i) { return param_at(s->outputs, s->n_outputs, i); }

const sx_typeset *sx_schema_types(const sx_schema *s, const sx_schema_param *p) {
  return &sx_typesets[p->constraint < 0 ? p->types : sx_schema_constraint_at(s, (uint32_t)p->constraint)->types];
}
