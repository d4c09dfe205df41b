// SPDX-License-Identifier: MIT
/* Terminal output: every decision about colour and progress is made here, so that pipes and logs stay plain. */
#include "term.h"
#include "cli.h"
#include "os.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool term_color(FILE *to) {
  if (cli_opts.color && !strcmp(cli_opts.color, "always")) return true;
  if (cli_opts.color && !strcmp(cli_opts.color, "never")) return false;
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return !(no && *no) && !(term && !strcmp(term, "dumb")) && os_terminal(to);
}

const char *term_code(FILE *to, term_style style) {
  static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[36m"};
  return term_color(to) ? codes[style] : "";
}

static bool bar_shown;

static void say(const char *fmt, va_list args) {
  term_progress_end();
  fprintf(stderr, "%ssardonyx:%s ", term_code(stderr, TERM_DIM), term_code(stderr, TERM_PLAIN));
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
}

void term_note(const char *fmt, ...) {
  if (cli_opts.quiet) return;
  va_list args;
  va_start(args, fmt);
  say(fmt, args);
  va_end(args);
}

void term_detail(const char *fmt, ...) {
  if (!cli_opts.verbose) return;
  va_list args;
  va_start(args, fmt);
  say(fmt, args);
  va_end(args);
}

void term_progress(double share, const char *fmt, ...) {
  static double last;
  if (cli_opts.quiet || !os_terminal(stderr)) return;
  double now = os_seconds();
  if (bar_shown && now - last < 0.1) return;
  last = now;
  bar_shown = true;
  enum { WIDTH = 30 };
  int full = share < 0 ? 0 : share > 1 ? WIDTH : (int)(share * WIDTH);
  fprintf(stderr, "\r[");
  for (int i = 0; i < WIDTH; i++) fputc(i < full ? '#' : '.', stderr);
  fprintf(stderr, "] ");
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fprintf(stderr, "\033[K");
  fflush(stderr);
}

void term_progress_end(void) {
  if (bar_shown) fprintf(stderr, "\r\033[K");
  bar_shown = false;
}

const char *term_bytes(char *buf, double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int u = 0;
  for (; bytes >= 1024 && u < 4; u++) bytes /= 1024;
  snprintf(buf, 32, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return buf;
}

const char *term_seconds(char *buf, double seconds) {
  static const struct {
    double least, scale;
    const char *unit;
  } units[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {0, 1e6, "us"}};
  int u = 0;
  while (seconds < units[u].least) u++;
  double v = seconds * units[u].scale;
  snprintf(buf, 32, "%.*f %s", v < 10 ? 3 : v < 100 ? 2 : 1, v, units[u].unit);
  return buf;
}
