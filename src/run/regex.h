// SPDX-License-Identifier: MIT
/* Regular expressions in RE2's dialect. */
#ifndef SX_RUN_REGEX_H
#define SX_RUN_REGEX_H
#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

typedef struct sx_regex sx_regex;
/* Lives in the arena. `whole`: a match is the text from end to end. */
sx_status sx_regex_compile(sx_arena *a, sx_str pattern, bool whole, sx_regex **out, sx_err *e);

/* What matching needs, of one thread; serves every pattern. */
typedef struct sx_matcher {
  sx_arena *arena;
  void *data;
  int *workspace;
  size_t room;
} sx_matcher;
sx_status sx_regex_begin(const sx_regex *r, sx_arena *a, sx_matcher *m, sx_err *e);
/* The longest of the leftmost matches from byte `start` of a text in UTF-8; what is before it counts as context. */
sx_status sx_regex_longest(const sx_regex *r, sx_matcher *m, sx_str text, size_t start, sx_str *match, bool *found,
                           sx_err *e);
#endif
