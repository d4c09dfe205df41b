// SPDX-License-Identifier: MIT
/* Formats a message once and hands it to the logger's function; without one it goes to stderr, in one write per line so that
 * threads do not mix. */
#include "base/log.h"
#include <stdio.h>
#include <string.h>
#include "base/file.h"

static void to_stderr(sx_severity s, const char *category, const char *id, const char *where, const char *message) {
  uint64_t us = sx_wall_us(), sec = us / 1000000 % 86400;
  int64_t day = (int64_t)(us / 1000000 / 86400) + 719468; /* since 0000-03-01: leap days come last in a year */
  int64_t era = day / 146097, doe = day % 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
  fprintf(stderr, "%04d-%02d-%02d %02d:%02d:%02d.%06d [%c:%s:%s, %s] %s\n", (int)(era * 400 + yoe + (month <= 2)), (int)month,
          (int)(doy - (153 * mp + 2) / 5 + 1), (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60), (int)(us % 1000000),
          "VIWEF"[s], category, id, where, message);
}

void sx_log_at(const sx_logger *l, sx_severity s, const char *file, int line, const char *fmt, ...) {
  if (!l || s < l->least) return;
  char where[96], message[2048];
  for (const char *c = file; *c; c++)
    if (*c == '/' || *c == '\\') file = c + 1;
  snprintf(where, sizeof where, "%s:%d", file, line);
  va_list args;
  va_start(args, fmt);
  if (vsnprintf(message, sizeof message, fmt, args) < 0) message[0] = 0;
  va_end(args);
  const char *id = l->id ? l->id : "";
  if (l->fn) l->fn(l->ctx, s, "sardonyx", id, where, message);
  else to_stderr(s, "sardonyx", id, where, message);
}
