// SPDX-License-Identifier: MIT
/* What every file of the program shares: exit codes, the one failure slot, memory, commands and their options.
 *
 * A function that can fail returns false after cli_fail() has recorded an exit code and a message; main prints the
 * message once, at the end. Memory that cannot be had ends the program (it holds nothing that must be saved). */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __MINGW32__ /* whose plain "printf" means Microsoft's formats, without %zu */
#define CLI_PRINTF(format_at, args_at) __attribute__((format(gnu_printf, format_at, args_at)))
#else
#define CLI_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#endif

typedef enum cli_exit {
  CLI_OK = 0,
  CLI_FAILED = 1,       /* the work was done and the answer is no: a mismatch, a failed case, a problem found */
  CLI_USAGE = 2,        /* the command line makes no sense */
  CLI_BROKEN = 3,       /* a model, a file or the library did not do what was asked */
  CLI_NO_EXTENSION = 4, /* the library has no Sardonyx extension table */
} cli_exit;

/* Records the failure (the first one stays) and returns false. */
bool cli_fail(cli_exit code, const char *fmt, ...) CLI_PRINTF(2, 3);
/* Puts "text: " in front of the recorded failure; returns false. */
bool cli_fail_context(const char *fmt, ...) CLI_PRINTF(1, 2);
cli_exit cli_failure_code(void);
const char *cli_failure_text(void);
void cli_failure_clear(void);

void *cli_alloc(size_t bytes);                      /* zeroed; never NULL */
void *cli_grow(void *p, size_t count, size_t size); /* realloc to count * size, checked; never NULL */
char *cli_copy(const char *text, size_t length);    /* NUL-terminated copy; NULL stays NULL */
char *cli_text(const char *fmt, ...) CLI_PRINTF(1, 2);

typedef struct cli_list {
  const char **items;
  size_t count;
} cli_list;
void cli_list_add(cli_list *list, const char *item);

/* Where the value of an option goes: `target` points to the type on the right. */
typedef enum cli_option_kind {
  CLI_FLAG, /* bool */
  CLI_INT,  /* int64_t */
  CLI_REAL, /* double */
  CLI_TEXT, /* const char * */
  CLI_LIST, /* cli_list; the option may be repeated */
} cli_option_kind;

typedef struct cli_option {
  const char *name; /* without the dashes; NULL ends a table */
  char letter;      /* short form or 0 */
  cli_option_kind kind;
  const char *arg; /* how help calls the value */
  const char *help;
  void *target;
} cli_option;

typedef struct cli_group {
  const char *title;
  const cli_option *rows; /* NULL ends a list of groups */
} cli_group;

typedef struct cli_command {
  const char *name, *args, *summary;
  const char *text; /* the lesson: what it does, then examples */
  const cli_group *groups;
  int least, most;                    /* number of plain arguments; most < 0: any */
  int (*run)(int count, char **args); /* returns a cli_exit */
} cli_command;

extern const cli_command cli_command_run, cli_command_bench, cli_command_compare, cli_command_info, cli_command_explain,
    cli_command_check, cli_command_quantize, cli_command_test;

/* Sorts argv into options (stored at their targets) and plain arguments (moved to the front of argv, counted in *count).
 * Sets *help and returns true at once on --help. "--" ends the options; "-" is a plain argument. */
bool cli_options_parse(const cli_command *command, int argc, char **argv, int *count, bool *help);
void cli_options_help(FILE *to, const cli_command *command);

/* Options every command has: --quiet, --color, --library and so on. */
typedef struct cli_general {
  bool quiet, verbose;
  const char *color, *library;
} cli_general;
extern cli_general cli_opts;
extern const cli_option cli_general_options[];

/* Splits "KEY=VALUE" (the first '=' counts); *key is a fresh copy, *value points into text. */
bool cli_split(const char *text, const char *what, char **key, const char **value);
bool cli_parse_int(const char *text, int64_t *out);
bool cli_parse_real(const char *text, double *out);
/* '*' and '?' as in a shell; '*' also crosses '/'. */
bool cli_match(const char *pattern, const char *text);
#endif
