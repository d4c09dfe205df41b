// SPDX-License-Identifier: MIT
/* What goes to a person's eyes: colour where it may be used, notes, a progress bar, sizes and times as text. */
#ifndef CLI_TERM_H
#define CLI_TERM_H
#include "cli.h"

typedef enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_RED, TERM_GREEN, TERM_YELLOW, TERM_CYAN } term_style;

/* True where `to` is a terminal that may get colour (--color, NO_COLOR, TERM=dumb). */
bool term_color(FILE *to);
/* The escape code of a style, or "" where colour is off. */
const char *term_code(FILE *to, term_style style);

/* "sardonyx: note: ..." on stderr; silent under --quiet. */
void term_note(const char *fmt, ...) CLI_PRINTF(1, 2);
/* The same under --verbose alone. */
void term_detail(const char *fmt, ...) CLI_PRINTF(1, 2);

/* Redraws a bar on stderr, at most ten times a second, when it is a terminal and --quiet is off. */
void term_progress(double share, const char *fmt, ...) CLI_PRINTF(2, 3);
void term_progress_end(void);

/* Writes "12.3 MiB"; returns buf, whose size is at least 32. */
const char *term_bytes(char *buf, double bytes);
/* Writes "1.23 ms"; returns buf, whose size is at least 32. */
const char *term_seconds(char *buf, double seconds);
#endif
