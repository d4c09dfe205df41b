// SPDX-License-Identifier: MIT
/* Status codes and errors with context.
 *
 * A fallible function returns sx_status and takes a `sx_err *` last. The place that detects the failure fills the message
 * (SX_FAIL), every floor that knows more puts its own context in front once (sx_err_context). `sx_err *` may be NULL.
 * Codes 0..15 are those of OrtErrorCode, one to one; SX_E_NO_MEMORY and SX_E_NEEDS_SHAPES (a plan cannot be made before the
 * sizes of the inputs are known) are ours; the second never leaves the session. */
#ifndef SX_BASE_STATUS_H
#define SX_BASE_STATUS_H
#include <stdarg.h>
#include <stddef.h>

/* A function whose argument `format_at` is a format of printf for those from `first` on. */
#ifdef __MINGW32__ /* whose plain "printf" means Microsoft's formats, without %zu */
#define SX_PRINTF(format_at, first) __attribute__((format(gnu_printf, format_at, first)))
#else
#define SX_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#endif

#define SX_STATUS_MAP(X)                                                                                    \
  X(FAIL, 1)                                                                                                \
  X(INVALID_ARGUMENT, 2) X(NO_SUCHFILE, 3) X(NO_MODEL, 4) X(ENGINE_ERROR, 5) X(RUNTIME_EXCEPTION, 6)        \
      X(INVALID_PROTOBUF, 7) X(MODEL_LOADED, 8) X(NOT_IMPLEMENTED, 9) X(INVALID_GRAPH, 10) X(EP_FAIL, 11)   \
          X(MODEL_LOAD_CANCELED, 12) X(MODEL_REQUIRES_COMPILATION, 13) X(NOT_FOUND, 14) X(DEVICE_RESET, 15) \
              X(NO_MEMORY, 64) X(NEEDS_SHAPES, 65)

typedef enum sx_status {
  SX_OK = 0,
#define X(name, value) SX_E_##name = value,
  SX_STATUS_MAP(X)
#undef X
} sx_status;

typedef struct sx_err {
  sx_status code;
  int line;
  const char *file; /* of the failing check, static text; "" in builds without assertions, which keep no places */
  char msg[2000];   /* NUL-terminated UTF-8, cut with "..." when longer */
} sx_err;

/* "INVALID_ARGUMENT" for SX_E_INVALID_ARGUMENT; static text. */
const char *sx_status_name(sx_status s);
#ifdef NDEBUG
#define SX_HERE NULL, 0
#else
#define SX_HERE __FILE__, __LINE__
#endif
/* Fills *e (when not NULL) and returns `code`. The place is SX_HERE. */
sx_status sx_fail(sx_err *e, sx_status code, const char *file, int line, const char *fmt, ...)
    SX_PRINTF(5, 6);
/* Puts "text: " in front of the message of a failed *e. */
void sx_err_context(sx_err *e, const char *fmt, ...) SX_PRINTF(2, 3);

#define SX_FAIL(e, code, ...) return sx_fail((e), SX_E_##code, SX_HERE, __VA_ARGS__)
/* A function with a frame of its own: an sx_err takes 2 KB of it, and frames stay below 4 KB. */
#define SX_OWN_FRAME __attribute__((noinline))
#define SX_NO_MEMORY(e)       return sx_fail((e), SX_E_NO_MEMORY, SX_HERE, "out of memory")
/* Returns from the calling function when `expr` fails. */
#define SX_TRY(expr)                  \
  do {                                \
    sx_status sx_s_ = (expr);         \
    if (sx_s_ != SX_OK) return sx_s_; \
  } while (0)
#endif
