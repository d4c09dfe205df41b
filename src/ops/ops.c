// SPDX-License-Identifier: MIT
/* The table of operators and its lookup. */
#include "ops/ops.h"

#ifdef SX_REDUCED
const char *const sx_ops_reduced = SX_REDUCED;
#else
const char *const sx_ops_reduced = NULL;
#endif

static const sx_op *const table[] = {
#define OP(domain, name) &sx_op_##name,
#define PRIVATE(name) &sx_op_##name,
#include "ops/ops.def"
#undef OP
#undef PRIVATE
    NULL};

enum {
#define OP(domain, name) LINE_##name,
#define PRIVATE(name)
#include "ops/ops.def"
#undef OP
#undef PRIVATE
  PUBLIC, ALL = sizeof table / sizeof *table - 1
};

/* Both parts of ops.def are sorted by the operators' names as models write them (MsPad is a Pad of another domain). */
const sx_op *sx_op_find(sx_str domain, sx_str name) {
  sx_domain d = SX_DOMAIN_ONNX;
  bool private = sx_str_is(domain, "sardonyx");
  if (!private && !sx_domain_find(domain, &d)) return NULL;
  uint32_t low = private ? PUBLIC : 0, end = private ? ALL : PUBLIC, high = end;
  while (low < high) {
    const uint32_t mid = low + (high - low) / 2;
    const size_t n = strlen(table[mid]->name);
    const int o = name.n ? memcmp(table[mid]->name, name.p, n < name.n ? n : name.n) : 0;
    if (o < 0 || (o == 0 && n < name.n)) low = mid + 1;
    else high = mid;
  }
  for (; low < end && sx_str_is(name, table[low]->name); low++)
    if (private || table[low]->domain == d) return table[low];
  return NULL;
}
