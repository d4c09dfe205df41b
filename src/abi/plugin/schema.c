// SPDX-License-Identifier: MIT
/* Slots GetOpSchema and OpSchema_*: rows of the schema table, for plugins that ask before they register kernels. An object is
 * made with every list that can be asked for; all of it goes with it. */
#include "abi/plugin/host.h"

struct OrtOpSchemaTypeConstraint {
  const char *name;
  const char **types;
  size_t *inputs, *outputs; /* whose type it is */
  size_t n_types, n_inputs, n_outputs;
};
struct OrtOpSchema {
  sx_arena arena;
  const sx_schema *row;
  size_t n_inputs, n_outputs;
  OrtOpSchemaTypeConstraint *constraints;
};

/* "tensor(float)", "seq(tensor(float))", ... of one mask; `types` has room. */
static bool add_types(OrtOpSchema *s, OrtOpSchemaTypeConstraint *c, uint32_t mask, const char *form) {
  for (int t = 0; t < 32; t++) {
    if (!(mask >> t & 1)) continue;
    c->types[c->n_types] = sx_arena_printf(&s->arena, form, sx_dtype_name((sx_dtype)t));
    if (!c->types[c->n_types++]) return false;
  }
  return true;
}

static bool fill(OrtOpSchema *s, OrtOpSchemaTypeConstraint *c, uint32_t k) {
  static const char *const maps[] = {
#define X(name) name,
      SX_MAP_KINDS(X)
#undef X
  };
  const sx_schema_constraint *r = sx_schema_constraint_at(s->row, k);
  const sx_typeset *t = &sx_typesets[r->types];
  c->name = sx_schema_text(r->name);
  c->types = SX_NEW_N(&s->arena, const char *, 6 * 32);
  c->inputs = SX_NEW_N(&s->arena, size_t, s->n_inputs + 1);
  c->outputs = SX_NEW_N(&s->arena, size_t, s->n_outputs + 1);
  if (!c->types || !c->inputs || !c->outputs) return false;
  for (size_t i = 0; i < s->n_inputs; i++)
    if (sx_schema_input(s->row, (uint32_t)i)->constraint == (int)k) c->inputs[c->n_inputs++] = i;
  for (size_t i = 0; i < s->n_outputs; i++)
    if (sx_schema_output(s->row, (uint32_t)i)->constraint == (int)k) c->outputs[c->n_outputs++] = i;
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
    if (t->maps >> i & 1) c->types[c->n_types++] = maps[i];
  return add_types(s, c, t->tensor, "tensor(%s)") && add_types(s, c, t->seq, "seq(tensor(%s))") &&
         add_types(s, c, t->opt, "optional(tensor(%s))") && add_types(s, c, t->opt_seq, "optional(seq(tensor(%s)))") &&
         add_types(s, c, t->sparse, "sparse_tensor(%s)");
}

OrtStatus *ORT_API_CALL sx_epapi_GetOpSchema(const char *name, int max_inclusive_version, const char *domain,
                                             OrtOpSchema **out_schema) {
  SX_API_NOT_NULL(name);
  SX_API_NOT_NULL(domain);
  SX_API_NOT_NULL(out_schema);
  sx_domain d;
  *out_schema = NULL;
  const sx_schema *row = sx_domain_find(sx_str_c(domain), &d) ? sx_schema_find(d, sx_str_c(name), max_inclusive_version) : NULL;
  if (!row) return NULL;
  OrtOpSchema *s = sx_calloc(1, sizeof *s);
  if (!s) SX_API_NO_MEMORY();
  s->row = row, s->n_inputs = row->n_inputs, s->n_outputs = row->n_outputs;
  bool ok = (s->constraints = SX_NEW_N(&s->arena, OrtOpSchemaTypeConstraint, (size_t)row->n_constraints + 1)) != NULL;
  for (uint32_t k = 0; k < row->n_constraints && ok; k++) ok = fill(s, &s->constraints[k], k);
  if (!ok) {
    sx_epapi_ReleaseOpSchema(s);
    SX_API_NO_MEMORY();
  }
  *out_schema = s;
  return NULL;
}

void ORT_API_CALL sx_epapi_ReleaseOpSchema(OrtOpSchema *schema) {
  if (!schema) return;
  sx_arena_free(&schema->arena);
  sx_free(schema, sizeof *schema);
}

SX_EP_GETTER(OpSchema_GetSinceVersion, OrtOpSchema, int, row->since_version)
SX_EP_GETTER(OpSchema_GetNumInputs, OrtOpSchema, size_t, n_inputs)
SX_EP_GETTER(OpSchema_GetNumOutputs, OrtOpSchema, size_t, n_outputs)
SX_EP_GETTER(OpSchema_GetTypeConstraintCount, OrtOpSchema, size_t, row->n_constraints)

static OrtStatus *param(const OrtOpSchema *s, size_t index, bool output, const sx_schema_param **out) {
  size_t n = output ? s->n_outputs : s->n_inputs;
  if (index >= n)
    SX_API_FAIL(INVALID_ARGUMENT, "the operator has %zu %s, there is no %zu", n, output ? "outputs" : "inputs", index);
  *out = output ? sx_schema_output(s->row, (uint32_t)index) : sx_schema_input(s->row, (uint32_t)index);
  return NULL;
}

#define PARAM(What, output)                                                                                             \
  OrtStatus *ORT_API_CALL sx_epapi_OpSchema_Get##What##Name(const OrtOpSchema *schema, size_t index, const char **out) { \
    SX_API_NOT_NULL(schema);                                                                                            \
    SX_API_NOT_NULL(out);                                                                                               \
    const sx_schema_param *p = NULL;                                                                                    \
    OrtStatus *failed = param(schema, index, output, &p);                                                               \
    if (!failed) *out = sx_schema_text(p->name);                                                                        \
    return failed;                                                                                                      \
  }                                                                                                                     \
  OrtStatus *ORT_API_CALL sx_epapi_OpSchema_Get##What##TypeConstraint(const OrtOpSchema *schema, size_t index,          \
                                                                      const OrtOpSchemaTypeConstraint **out) {          \
    SX_API_NOT_NULL(schema);                                                                                            \
    SX_API_NOT_NULL(out);                                                                                               \
    const sx_schema_param *p = NULL;                                                                                    \
    OrtStatus *failed = param(schema, index, output, &p);                                                               \
    if (!failed) *out = p->constraint >= 0 ? &schema->constraints[p->constraint] : NULL; /* NULL: a fixed type */      \
    return failed;                                                                                                      \
  }
PARAM(Input, false)
PARAM(Output, true)

OrtStatus *ORT_API_CALL sx_epapi_OpSchema_GetTypeConstraint(const OrtOpSchema *schema, size_t index,
                                                            const OrtOpSchemaTypeConstraint **out) {
  SX_API_NOT_NULL(schema);
  SX_API_NOT_NULL(out);
  if (index >= schema->row->n_constraints)
    SX_API_FAIL(INVALID_ARGUMENT, "the operator has %d type constraints, there is no %zu", schema->row->n_constraints, index);
  *out = &schema->constraints[index];
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_OpSchemaTypeConstraint_GetTypeParamName(const OrtOpSchemaTypeConstraint *type_constraint,
                                                                         const char **out) {
  SX_API_NOT_NULL(type_constraint);
  SX_API_NOT_NULL(out);
  *out = type_constraint->name;
  return NULL;
}

#define LIST(What, type, member, result)                                                                            \
  OrtStatus *ORT_API_CALL sx_epapi_OpSchemaTypeConstraint_Get##What(const OrtOpSchemaTypeConstraint *type_constraint, \
                                                                    type *result, size_t *count) {                  \
    SX_API_NOT_NULL(type_constraint);                                                                               \
    SX_API_NOT_NULL(result);                                                                                        \
    SX_API_NOT_NULL(count);                                                                                         \
    *result = type_constraint->member;                                                                              \
    *count = type_constraint->n_##member;                                                                           \
    return NULL;                                                                                                    \
  }
LIST(AllowedTypes, const char *const *, types, out_types)
LIST(InputIndices, const size_t *, inputs, out_indices)
LIST(OutputIndices, const size_t *, outputs, out_indices)
