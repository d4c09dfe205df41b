// SPDX-License-Identifier: MIT
/* What the opaque classes of the C interface are, and what their files share: making statuses, checking arguments, handing
 * out strings. OrtValue is sx_rt_value and OrtMemoryInfo is sx_memory (run/value.h); the rest is here. */
#ifndef SX_ABI_HANDLES_H
#define SX_ABI_HANDLES_H
#include "abi/api.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"
#include "base/str.h"

struct OrtStatus {
  OrtErrorCode code;
  size_t size; /* of the whole block; 0: static */
  char message[];
};

/* A status on the heap, or the static one for "out of memory" when there is no room for it. Never NULL. */
OrtStatus *sx_ort_error(OrtErrorCode code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The status for a failed internal call; NULL for SX_OK. */
OrtStatus *sx_ort_status(sx_status s, const sx_err *e);

/* In a function that returns OrtStatus *. */
#define SX_API_FAIL(code, ...) return sx_ort_error(ORT_##code, __VA_ARGS__)
#define SX_API_NOT_NULL(arg) \
  if (!(arg)) return sx_ort_error(ORT_INVALID_ARGUMENT, "%s: the argument '%s' is NULL", __func__ + 7, #arg)
#define SX_API_NO_MEMORY() return sx_ort_status(SX_E_NO_MEMORY, NULL)
/* Ends the function with the status of an internal call; `e` is an sx_err in scope. */
#define SX_API_TRY(expr)                                       \
  do {                                                         \
    sx_status sx_s_ = (expr);                                  \
    if (sx_s_ != SX_OK) return sx_ort_status(sx_s_, &e);       \
  } while (0)
#endif
