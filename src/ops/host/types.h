// SPDX-License-Identifier: MIT
/* Types of what is no plain tensor, as inference makes them: of the sizes of items only numbers are kept, because an item outlives
 * the body that its symbols belong to. */
#ifndef SX_OPS_HOST_TYPES_H
#define SX_OPS_HOST_TYPES_H
#include "ops/ops.h"

enum { SX_RANK_NONE = INT8_MIN }; /* rank of the items of a sequence that has none: joins with any */

/* The type of a value, NULL when out of memory; of unknown rank and type when f is NULL. */
const sx_type *sx_type_of(sx_infer *c, const sx_fact *f);
/* What is true of both; a or b itself where that is enough. NULL: out of memory. */
const sx_type *sx_type_join(sx_infer *c, const sx_type *a, const sx_type *b);
bool sx_type_eq(const sx_type *a, const sx_type *b);
/* Output o is a sequence or optional of `item`, or a value of the type itself. */
sx_status sx_infer_container(sx_infer *c, uint32_t o, sx_kind kind, const sx_type *item);
sx_status sx_infer_typed(sx_infer *c, uint32_t o, const sx_type *t);
#endif
