// SPDX-License-Identifier: MIT
/* The table of operators and its lookup. */
#include "ops/ops.h"

static const sx_op *const table[] = {
#define OP(domain, name) &sx_op_##name,
#define PRIVATE(name) &sx_op_##name,
#include "ops/ops.def"
#undef OP
#undef PRIVATE
    NULL};

const sx_op *sx_op_at(uint32_t i) { return i < sizeof table / sizeof *table ? table[i] : NULL; }

/* A perfect hash is not worth it: models have few distinct operators and the importer remembers them. The table is small and
 * scanned once per distinct operator name. */
const sx_op *sx_op_find(sx_str domain, sx_str name) {
  sx_domain d = SX_DOMAIN_ONNX;
  bool private = sx_str_is(domain, "sardonyx");
  if (!private && !sx_domain_find(domain, &d)) return NULL;
  for (uint32_t i = 0; table[i]; i++)
    if (sx_str_is(name, table[i]->name) && (private ? (table[i]->flags & SX_OP_PRIVATE) != 0 : table[i]->domain == d && !(table[i]->flags & SX_OP_PRIVATE)))
      return table[i];
  return NULL;
}
