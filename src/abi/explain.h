// SPDX-License-Identifier: MIT
/* Reports of the extension table, appended to a text; out of memory shows in the text's `failed`. */
#ifndef SX_ABI_EXPLAIN_H
#define SX_ABI_EXPLAIN_H
#include "abi/custom.h"

void sx_report_explain(const OrtSession *s, bool json, sx_text *t);
/* Every problem of a serialized model; `path` (may be NULL) is where external data are looked for. Fails only when the
 * check could not be done. */
sx_status sx_report_check(const void *data, size_t size, const char *path, bool json, sx_text *t, size_t *count, sx_err *e);
void sx_report_memory(const OrtSession *s, bool json, sx_text *t); /* s NULL: of the process */
#endif
