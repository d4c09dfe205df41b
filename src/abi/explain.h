// SPDX-License-Identifier: MIT
/* Reports of the extension table, appended to a text; out of memory shows in the text's `failed`. */
#ifndef SX_ABI_EXPLAIN_H
#define SX_ABI_EXPLAIN_H
#include "abi/custom.h"

void sx_report_explain(const OrtSession *s, bool json, sx_text *t);
/* Every problem of a serialized model for a session with these options (NULL: the defaults): of the importer, which goes on
 * as far as it can, and, where that finds none, what planning finds. `path` (may be NULL) is where external data are looked
 * for. Fails only when the check could not be done. */
OrtStatus *sx_report_check(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                           const char *path, bool json, sx_text *t, size_t *count);
/* The operators of a model as lines "domain;opset;Conv,Relu", with those that the passes make. */
OrtStatus *sx_report_operators(const OrtEnv *env, const OrtSessionOptions *options, const void *data, size_t size,
                               const char *path, sx_text *t);
/* In the same form, the operators that a model is written in and this library was not built with; nothing when there are
 * none. */
void sx_report_missing(const void *data, size_t size, const sx_import_options *o, sx_text *t);
/* Hands a report to the caller, unless it failed; the text is freed. */
OrtStatus *sx_report_deliver(OrtStatus *failed, sx_text *t, OrtAllocator *allocator, char **out);
void sx_report_memory(const OrtSession *s, bool json, sx_text *t); /* s NULL: of the process */
#endif
