// SPDX-License-Identifier: MIT
/* Status names, and the one place where the text of an error is made. Messages hold whatever a model calls its nodes, so a
 * cut never leaves half a UTF-8 sequence behind. */
#include "base/status.h"
#include <stdio.h>
#include <string.h>

const char *sx_status_name(sx_status s) {
  switch (s) {
    case SX_OK: return "OK";
#define X(name, value) case SX_E_##name: return #name;
    SX_STATUS_MAP(X)
#undef X
  }
  return "UNKNOWN";
}

/* Ends the text at `limit` bytes or before, at a character, with "...". */
static void cut(char *msg, size_t limit) {
  size_t n = limit - 3;
  while (n > 0 && ((unsigned char)msg[n] & 0xc0) == 0x80) n--;
  memcpy(msg + n, "...", 4);
}

sx_status sx_fail(sx_err *e, sx_status code, const char *file, int line, const char *fmt, ...) {
  if (!e) return code;
  e->code = code;
  e->file = file ? file : "";
  e->line = line;
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(e->msg, sizeof e->msg, fmt, args);
  va_end(args);
  if (n < 0) e->msg[0] = 0;
  if (n >= (int)sizeof e->msg) cut(e->msg, sizeof e->msg - 1);
  return code;
}

void sx_err_context(sx_err *e, const char *fmt, ...) {
  if (!e) return;
  char front[512];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(front, sizeof front - 2, fmt, args);
  va_end(args);
  if (n < 0) return;
  if (n >= (int)sizeof front - 2) cut(front, sizeof front - 3);
  size_t f = strlen(front);
  memcpy(front + f, ": ", 2);
  f += 2;
  size_t m = strnlen(e->msg, sizeof e->msg - 1), room = sizeof e->msg - 1 - f;
  if (m > room) {
    e->msg[m] = 0;
    cut(e->msg, room);
    m = strlen(e->msg);
  }
  memmove(e->msg + f, e->msg, m);
  memcpy(e->msg, front, f);
  e->msg[f + m] = 0;
}
