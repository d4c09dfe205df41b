// SPDX-License-Identifier: MIT
/* Reads JSON (RFC 8259) out of bytes that may be anything.
 *
 * Values lie in an arena, texts as UTF-8 with a NUL behind them (a text may hold others, see its length). Nesting costs no stack,
 * so its depth is bounded by the input alone. A byte order mark is skipped. Of members with the same name the last one counts, at
 * the place of the first. str.h writes texts of JSON. */
#ifndef SX_BASE_JSON_READ_H
#define SX_BASE_JSON_READ_H
#include "base/status.h"
#include "base/str.h"

typedef enum sx_json_kind {
  SX_JSON_NULL, SX_JSON_FALSE, SX_JSON_TRUE, SX_JSON_NUMBER, SX_JSON_TEXT, SX_JSON_ARRAY, SX_JSON_OBJECT
} sx_json_kind;
typedef struct sx_json {
  sx_json_kind kind;
  uint32_t n;                  /* items or members */
  sx_str key;                  /* of a member */
  sx_str text;                 /* of a text; of a number, as it is written */
  struct sx_json *first, *next; /* items or members in their order; the sibling behind this one */
  struct sx_json *last, *parent;
} sx_json;

/* Fails with FAIL, line and column (both from 1, the column in bytes), or NO_MEMORY. */
sx_status sx_json_read(sx_arena *a, sx_str bytes, const sx_json **out, sx_err *e);
/* The member of an object; NULL when there is none, or when `v` is no object or NULL. */
const sx_json *sx_json_get(const sx_json *v, const char *key);
/* A whole number that fits: false for everything else. */
bool sx_json_int(const sx_json *v, int64_t *out);
#endif
