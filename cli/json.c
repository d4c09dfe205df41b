// SPDX-License-Identifier: MIT
/* The JSON writer. */
#include "json.h"
#include "cli.h"
#include <errno.h>
#include <math.h>
#include <string.h>

static void quote(FILE *to, const char *text) {
  fputc('"', to);
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    if (*p == '"' || *p == '\\')
      fprintf(to, "\\%c", *p);
    else if (*p < 0x20)
      fprintf(to, "\\u%04x", *p);
    else
      fputc(*p, to);
  }
  fputc('"', to);
}

static void member(json *j, const char *key) {
  if (j->depth) fprintf(j->to, "%s\n%*s", j->filled ? "," : "", 2 * j->depth, "");
  j->filled = true;
  if (!key) return;
  quote(j->to, key);
  fputs(": ", j->to);
}

void json_open(json *j, const char *key, char bracket) {
  member(j, key);
  fputc(bracket, j->to);
  j->depth++;
  j->filled = false;
}

void json_close(json *j, char bracket) {
  j->depth--;
  if (j->filled) fprintf(j->to, "\n%*s", 2 * j->depth, "");
  fputc(bracket, j->to);
  j->filled = true;
  if (!j->depth) fputc('\n', j->to);
}

void json_text(json *j, const char *key, const char *text) {
  member(j, key);
  if (text)
    quote(j->to, text);
  else
    fputs("null", j->to);
}

void json_real(json *j, const char *key, double v) {
  member(j, key);
  if (isfinite(v))
    fprintf(j->to, "%.9g", v);
  else
    fputs("null", j->to);
}

void json_int(json *j, const char *key, int64_t v) {
  member(j, key);
  fprintf(j->to, "%lld", (long long)v);
}

void json_bool(json *j, const char *key, bool v) {
  member(j, key);
  fputs(v ? "true" : "false", j->to);
}

FILE *json_begin(json *j, const char *path) {
  *j = (json){.to = strcmp(path, "-") ? fopen(path, "w") : stdout};
  if (!j->to) cli_fail(CLI_BROKEN, "%s: cannot be written: %s", path, strerror(errno));
  return j->to;
}

bool json_end(json *j, const char *path) {
  bool ok = !ferror(j->to);
  if (j->to == stdout) return fflush(stdout) == 0 && ok;
  if (fclose(j->to)) ok = false;
  return ok || cli_fail(CLI_BROKEN, "%s: cannot be written", path);
}
