// SPDX-License-Identifier: MIT
/* Quantising with options as they come, and the report of it as text or JSON. */
#ifndef SX_ABI_QUANTIZE_H
#define SX_ABI_QUANTIZE_H
#include "abi/custom.h"
#include "quant/quant.h"

/* Options by key (sardonyx.h: Quantize); NULL: the defaults. Lists lie in the arena. INVALID_ARGUMENT names the key. */
sx_status sx_quant_options_read(const OrtKeyValuePairs *p, sx_arena *a, sx_quant_options *out, sx_err *e);
/* Quantises a serialized model into the file `to`. */
sx_status sx_report_quantized(const void *data, size_t size, const sx_import_options *io, const sx_quant_options *o,
                              const char *to, bool json, sx_text *t, sx_err *e);
/* The same for a caller's options. */
OrtStatus *sx_report_quantize(const void *data, size_t size, const char *path, const char *to,
                              const OrtKeyValuePairs *options, bool json, sx_text *t);
#endif
