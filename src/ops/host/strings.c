// SPDX-License-Identifier: MIT
/* Strings joined, cut, matched and normalised. Kernels: run/text.c. */
#include "ops/ops.h"

static sx_status infer_string_concat(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int rank;
  SX_TRY(sx_infer_broadcast_dims(c, 0, 2, d, &rank));
  return sx_infer_set(c, 0, SX_STRING, rank, d);
}
const sx_op sx_op_StringConcat = {.name = "StringConcat", .flags = SX_OP_HOST, .infer = infer_string_concat};
