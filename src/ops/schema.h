// SPDX-License-Identifier: MIT
/* Operator schemas: every version of every operator of the standard, as plain data.
 *
 * schema.gen.inc is written by tools/gen_schema.py from the pinned `onnx` package and checked against it in the tests;
 * operators that the package does not know (ONNX Runtime's own) are schema_contrib.tsv, merged into the same table. Rows of
 * one operator lie together, oldest first. Nothing here knows what an operator does: that is ops.h. */
#ifndef SX_OPS_SCHEMA_H
#define SX_OPS_SCHEMA_H
#include "base/str.h"
#include "ir/attr.h"
#include "ir/dtype.h"

typedef enum sx_domain {
  SX_DOMAIN_ONNX,
  SX_DOMAIN_ML,
  SX_DOMAIN_PREVIEW,
  SX_DOMAIN_TRAINING,
  SX_DOMAIN_MS,
  SX_DOMAIN_COUNT
} sx_domain;
/* "", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft"; "ai.onnx" is an alias of "". */
const char *sx_domain_name(sx_domain d);
bool sx_domain_find(sx_str name, sx_domain *out);
/* Newest version of the domain's operator set that the table knows (28 for ai.onnx). */
int sx_domain_latest(sx_domain d);

/* Which types a parameter may have: bit t of a mask = element type t. `maps` bits are in the order of SX_MAP_KINDS. */
typedef struct sx_typeset {
  uint32_t tensor, seq, opt, opt_seq, sparse, maps;
} sx_typeset;
#define SX_MAP_KINDS(X)                                                                                                   \
  X("map(int64, string)")                                                                                                 \
  X("map(string, int64)") X("map(int64, float)") X("map(int64, double)") X("map(string, float)") X("map(string, double)") \
      X("seq(map(string, float))") X("seq(map(int64, float))")

enum { SX_PARAM_OPTIONAL = 1, SX_PARAM_VARIADIC = 2, SX_PARAM_HETEROGENEOUS = 4, SX_PARAM_NON_DIFFERENTIABLE = 8 };
/* Names are places in one text, for sx_schema_text; a row's lists are places in the pools, for sx_schema_input and its kin.
 */
typedef struct sx_schema_param {
  uint16_t name;
  uint16_t types;    /* index into sx_typesets */
  int8_t constraint; /* index into the row's constraints, or -1: a fixed type, `types` */
  uint8_t flags;
  uint8_t min_arity; /* of a variadic one */
} sx_schema_param;
typedef struct sx_schema_constraint {
  uint16_t name, types;
} sx_schema_constraint;
typedef struct sx_schema_attr {
  uint16_t name;
  /* The default as text: "" = none; floats as "%.9g", ints in decimal, strings as they are, lists separated by commas
   * ("[]" = an empty list). has_default tells "" the string from no default. */
  uint16_t dflt;
  uint8_t type; /* sx_attr_type */
  uint8_t required, has_default;
} sx_schema_attr;

enum {
  SX_SCHEMA_DEPRECATED = 1,
  SX_SCHEMA_FUNCTION = 2,
  SX_SCHEMA_CONTEXT_BODY = 4,
  SX_SCHEMA_NONDETERMINISTIC = 8,
  SX_SCHEMA_EXPERIMENTAL = 16
};
typedef struct sx_schema {
  uint16_t name;
  uint8_t domain; /* sx_domain */
  uint8_t flags;
  uint16_t since_version;
  uint16_t min_in, max_in, min_out, max_out; /* max 0xffff: unbounded */
  uint8_t n_inputs, n_outputs, n_attrs, n_constraints;
  uint16_t inputs, outputs, attrs, constraints;
} sx_schema;

extern const sx_typeset sx_typesets[];
extern const sx_schema sx_schemas[]; /* sorted by (domain, name, since_version) */
extern const uint32_t sx_schema_count;

/* The row in force for an operator at the domain's opset version, or NULL: unknown operator, or newer than `opset`. */
const sx_schema *sx_schema_find(sx_domain d, sx_str name, int opset);
/* The newest row, or NULL. */
const sx_schema *sx_schema_latest(sx_domain d, sx_str name);
const char *sx_schema_text(uint16_t place);
/* Attribute i < n_attrs, constraint i < n_constraints of a row. */
const sx_schema_attr *sx_schema_attr_at(const sx_schema *s, uint32_t i);
const sx_schema_constraint *sx_schema_constraint_at(const sx_schema *s, uint32_t i);
const sx_schema_attr *sx_schema_find_attr(const sx_schema *s, sx_str name);
/* The parameter that describes input or output i (the last one when variadic), or NULL when there can be none. */
const sx_schema_param *sx_schema_input(const sx_schema *s, uint32_t i);
const sx_schema_param *sx_schema_output(const sx_schema *s, uint32_t i);
const sx_typeset *sx_schema_types(const sx_schema *s, const sx_schema_param *p);
#endif
