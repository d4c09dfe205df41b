// SPDX-License-Identifier: MIT
/* Strings joined, cut, matched, normalised, counted. Kernels: run/text.c, run/regex.c, run/tokenizer.c, ep/cpu/bind/ngram.c. */
#include "ops/ops.h"

static sx_status infer_string_concat(sx_infer *c) {
  sx_dim d[SX_MAX_RANK];
  int rank;
  SX_TRY(sx_infer_broadcast_dims(c, 0, 2, d, &rank));
  return sx_infer_set(c, 0, SX_STRING, rank, d);
}
const sx_op sx_op_StringConcat = {.name = "StringConcat", .flags = SX_OP_HOST, .infer = infer_string_concat};

static sx_status infer_string_split(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK + 1];
  for (int i = 0; i < x->rank; i++) d[i] = x->dims[i];
  if (x->rank >= 0) d[x->rank] = SX_DIM_UNKNOWN;
  SX_TRY(sx_infer_set(c, 0, SX_STRING, x->rank < 0 ? -1 : x->rank + 1, d));
  return sx_infer_set(c, 1, SX_I64, x->rank, x->dims);
}
const sx_op sx_op_StringSplit = {.name = "StringSplit", .flags = SX_OP_HOST, .infer = infer_string_split};

static sx_status infer_tokenizer(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[3] = {SX_DIM_UNKNOWN, SX_DIM_UNKNOWN, SX_DIM_UNKNOWN};
  if (x->rank == 0 || x->rank > 2) return SX_INFER_MISFIT(c, "the input has rank %d, expected [C] or [N, C]", x->rank);
  for (int i = 0; i < x->rank; i++) d[i] = x->dims[i];
  return sx_infer_set(c, 0, SX_STRING, x->rank < 0 ? -1 : x->rank + 1, d);
}
const sx_op sx_op_Tokenizer = {
    .name = "Tokenizer", .domain = SX_DOMAIN_MS, .flags = SX_OP_HOST, .infer = infer_tokenizer};

static sx_status infer_match(sx_infer *c) {
  return sx_infer_set(c, 0, SX_BOOL, sx_infer_in(c, 0)->rank, sx_infer_in(c, 0)->dims);
}
const sx_op sx_op_RegexFullMatch = {.name = "RegexFullMatch", .flags = SX_OP_HOST, .infer = infer_match};

static sx_status infer_normalizer(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[2] = {1, SX_DIM_UNKNOWN};
  if (x->rank == 0 || x->rank > 2 || (x->rank == 2 && sx_dim_is_const(x->dims[0]) && x->dims[0] != 1))
    return SX_INFER_FAIL(c, "the input has rank %d, expected [C] or [1, C]", x->rank);
  return sx_infer_set(c, 0, SX_STRING, x->rank, x->rank < 0 ? d : d + 2 - x->rank);
}
const sx_op sx_op_StringNormalizer = {.name = "StringNormalizer", .flags = SX_OP_HOST, .infer = infer_normalizer};

static sx_status infer_tfidf(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  const int64_t *at;
  uint32_t n = sx_attr_ints(c->n, "ngram_indexes", &at);
  int64_t most = -1;
  for (uint32_t i = 0; i < n; i++) {
    if (at[i] < 0 || at[i] > INT32_MAX) return SX_INFER_FAIL(c, "ngram_indexes[%u] is %lld", i, (long long)at[i]);
    if (at[i] > most) most = at[i];
  }
  sx_dim d[2] = {x->rank == 2 ? x->dims[0] : 1, most + 1};
  if (x->rank == 0 || x->rank > 2) return SX_INFER_MISFIT(c, "the input has rank %d, expected [C] or [N, C]", x->rank);
  return sx_infer_set(c, 0, SX_F32, x->rank, x->rank < 0 ? d : d + 2 - x->rank);
}
const sx_op sx_op_TfIdfVectorizer = {.name = "TfIdfVectorizer", .accuracy = SX_ROUNDED, .infer = infer_tfidf};
