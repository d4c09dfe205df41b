// SPDX-License-Identifier: MIT
/* The failure slot, memory that ends the program when there is none, and small text helpers. */
#include "cli.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct {
  cli_exit code;
  char text[4096];
} failure;

bool cli_fail(cli_exit code, const char *fmt, ...) {
  if (failure.code != CLI_OK) return false;
  va_list args;
  va_start(args, fmt);
  vsnprintf(failure.text, sizeof failure.text, fmt, args);
  va_end(args);
  failure.code = code;
  return false;
}

bool cli_fail_context(const char *fmt, ...) {
  char front[sizeof failure.text];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(front, sizeof front, fmt, args);
  va_end(args);
  if (n < 0 || (size_t)n + 3 > sizeof front) return false;
  size_t room = sizeof failure.text - (size_t)n - 3, length = strlen(failure.text);
  if (length > room) length = room;
  memmove(failure.text + n + 2, failure.text, length);
  memcpy(failure.text, front, (size_t)n);
  memcpy(failure.text + n, ": ", 2);
  failure.text[(size_t)n + 2 + length] = 0;
  return false;
}

cli_exit cli_failure_code(void) { return failure.code; }
const char *cli_failure_text(void) { return failure.text; }
void cli_failure_clear(void) { failure.code = CLI_OK, failure.text[0] = 0; }

static void *memory_or_exit(void *p) {
  if (p) return p;
  fputs("sardonyx: out of memory\n", stderr);
  exit(CLI_BROKEN);
}

void *cli_alloc(size_t bytes) { return memory_or_exit(calloc(1, bytes ? bytes : 1)); }

void *cli_grow(void *p, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return memory_or_exit(NULL);
  size_t bytes = count * size;
  return memory_or_exit(realloc(p, bytes ? bytes : 1));
}

char *cli_copy(const char *text, size_t length) {
  if (!text) return NULL;
  char *copy = cli_alloc(length + 1);
  memcpy(copy, text, length);
  return copy;
}

char *cli_text(const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *text = cli_alloc(n < 0 ? 1 : (size_t)n + 1);
  if (n > 0) vsnprintf(text, (size_t)n + 1, fmt, again);
  va_end(again);
  return text;
}

void cli_list_add(cli_list *list, const char *item) {
  list->items = cli_grow(list->items, list->count + 1, sizeof *list->items);
  list->items[list->count++] = item;
}

bool cli_split(const char *text, const char *what, char **key, const char **value) {
  const char *eq = strchr(text, '=');
  if (!eq || eq == text) return cli_fail(CLI_USAGE, "%s wants NAME=VALUE, not '%s'", what, text);
  *key = cli_copy(text, (size_t)(eq - text));
  *value = eq + 1;
  return true;
}

bool cli_parse_int(const char *text, int64_t *out) {
  char *end;
  errno = 0;
  long long v = strtoll(text, &end, 10);
  if (end == text || *end || errno) return false;
  *out = v;
  return true;
}

bool cli_parse_real(const char *text, double *out) {
  char *end;
  double v = strtod(text, &end);
  if (end == text || *end) return false;
  *out = v;
  return true;
}

bool cli_match(const char *pattern, const char *text) {
  const char *star = NULL, *resume = NULL;
  while (*text) {
    if (*pattern == '*') {
      star = pattern++;
      resume = text;
    } else if (*pattern == '?' || *pattern == *text) {
      pattern++, text++;
    } else if (star) {
      pattern = star + 1;
      text = ++resume;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return !*pattern;
}
