// SPDX-License-Identifier: MIT
/* Quantising with options as they come, and the report of it as text or JSON. */
#ifndef SX_ABI_QUANTIZE_H
#define SX_ABI_QUANTIZE_H
#include "abi/custom.h"
#include "quant/measure.h"

/* Options by key (sardonyx.h: Quantize); NULL: the defaults. Lists lie in the arena. INVALID_ARGUMENT names the key. */
sx_status sx_quant_options_read(const OrtKeyValuePairs *p, sx_arena *a, sx_quant_options *out, sx_err *e);
/* What is quantised, into which file, and, where there is a sample, the inputs that both models are timed on. */
typedef struct sx_quantizing {
  const void *data;
  size_t size;
  const sx_session_options *so; /* import has what reading the model needs */
  const char *to;
  sx_quant_sample sample;
} sx_quantizing;
sx_status sx_report_quantized(const sx_quantizing *q, const sx_quant_options *o, bool json, sx_text *t, sx_err *e);
OrtStatus *ORT_API_CALL sx_quantize_Quantize(const OrtEnv *env, const ORTCHAR_T *path, const ORTCHAR_T *to,
                                             const OrtKeyValuePairs *options, int json, OrtAllocator *allocator,
                                             char **out);
OrtStatus *ORT_API_CALL sx_quantize_QuantizeMeasured(const OrtEnv *env, const OrtSessionOptions *session,
                                                     const ORTCHAR_T *path, const ORTCHAR_T *to,
                                                     const OrtKeyValuePairs *options, const char *const *names,
                                                     const OrtValue *const *values, size_t count, int json,
                                                     OrtAllocator *allocator, char **out);
#endif
