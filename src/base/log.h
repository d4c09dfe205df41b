// SPDX-License-Identifier: MIT
/* Messages for people: to the caller's function, never to a stream of our own accord (the default sink of an environment
 * writes to stderr from WARNING up, as ONNX Runtime's does). Quiet by default: a healthy load and run logs nothing. */
#ifndef SX_BASE_LOG_H
#define SX_BASE_LOG_H
#include "base/status.h"

typedef enum sx_severity { SX_LOG_VERBOSE, SX_LOG_INFO, SX_LOG_WARNING, SX_LOG_ERROR, SX_LOG_FATAL } sx_severity;
/* Called from any thread. `where` is "file:line". */
typedef void (*sx_log_fn)(void *ctx, sx_severity severity, const char *category, const char *id, const char *where,
                          const char *message);
typedef struct sx_logger {
  sx_log_fn fn;      /* NULL: stderr */
  void *ctx;
  sx_severity least; /* messages below are dropped; may be changed while others log: sx_log_least, sx_log_set_least */
  const char *id;
} sx_logger;
void sx_log_at(const sx_logger *l, sx_severity s, const char *file, int line, const char *fmt, ...)
    SX_PRINTF(5, 6);
static inline sx_severity sx_log_least(const sx_logger *l) { return __atomic_load_n(&l->least, __ATOMIC_RELAXED); }
static inline void sx_log_set_least(sx_logger *l, sx_severity s) { __atomic_store_n(&l->least, s, __ATOMIC_RELAXED); }
static inline int sx_log_wants(const sx_logger *l, sx_severity s) { return l && s >= sx_log_least(l); }
#define sx_log(l, severity, ...)                        \
  (sx_log_wants((l), SX_LOG_##severity)                 \
       ? sx_log_at((l), SX_LOG_##severity, __FILE__, __LINE__, __VA_ARGS__) : (void)0)
#endif
