// SPDX-License-Identifier: MIT
/* One parser for all commands: options are rows of tables, help is printed from the same rows. */
#include "cli.h"
#include "term.h"
#include <string.h>

cli_general cli_opts;
const cli_option cli_general_options[] = {
    {"library", 'L', CLI_TEXT, "FILE",
     "use this library with ONNX Runtime's C ABI (default: libsardonyx beside the program)", &cli_opts.library},
    {"quiet", 'q', CLI_FLAG, NULL, "print results and errors only", &cli_opts.quiet},
    {"verbose", 'v', CLI_FLAG, NULL, "say more about what happens", &cli_opts.verbose},
    {"color", 0, CLI_TEXT, "WHEN", "auto, always or never (auto heeds NO_COLOR)", &cli_opts.color},
    {NULL},
};

static const cli_option *find(const cli_command *command, const char *name, size_t length, char letter) {
  for (const cli_group *g = command->groups; g->rows; g++)
    for (const cli_option *o = g->rows; o->name; o++)
      if (letter ? o->letter == letter : strlen(o->name) == length && !strncmp(o->name, name, length)) return o;
  return NULL;
}

static bool store(const cli_option *o, const char *value) {
  switch (o->kind) {
    case CLI_FLAG: *(bool *)o->target = true; return true;
    case CLI_TEXT: *(const char **)o->target = value; return true;
    case CLI_LIST: cli_list_add(o->target, value); return true;
    case CLI_INT:
      return cli_parse_int(value, o->target) || cli_fail(CLI_USAGE, "--%s wants a whole number, not '%s'", o->name, value);
    case CLI_REAL:
      return cli_parse_real(value, o->target) || cli_fail(CLI_USAGE, "--%s wants a number, not '%s'", o->name, value);
  }
  return false;
}

/* "-n5", "-n 5", "-qv"; *i moves on when the value is the next argument. */
static bool parse_letters(const cli_command *command, int argc, char **argv, int *i) {
  for (const char *p = argv[*i] + 1; *p; p++) {
    const cli_option *o = find(command, NULL, 0, *p);
    if (!o) return cli_fail(CLI_USAGE, "unknown option -%c; 'sardonyx %s --help' lists them", *p, command->name);
    if (o->kind == CLI_FLAG) {
      store(o, NULL);
      continue;
    }
    if (p[1]) return store(o, p + 1);
    if (*i + 1 >= argc) return cli_fail(CLI_USAGE, "-%c wants %s", *p, o->arg);
    return store(o, argv[++*i]);
  }
  return true;
}

static bool parse_long(const cli_command *command, int argc, char **argv, int *i) {
  const char *name = argv[*i] + 2, *eq = strchr(name, '=');
  size_t length = eq ? (size_t)(eq - name) : strlen(name);
  const cli_option *o = find(command, name, length, 0);
  if (!o)
    return cli_fail(CLI_USAGE, "unknown option --%.*s; 'sardonyx %s --help' lists them", (int)length, name, command->name);
  if (o->kind == CLI_FLAG) return eq ? cli_fail(CLI_USAGE, "--%s takes no value", o->name) : store(o, NULL);
  if (eq) return store(o, eq + 1);
  if (*i + 1 >= argc) return cli_fail(CLI_USAGE, "--%s wants %s", o->name, o->arg);
  return store(o, argv[++*i]);
}

bool cli_options_parse(const cli_command *command, int argc, char **argv, int *count, bool *help) {
  int plain = 0;
  bool options = true;
  for (int i = 0; i < argc; i++) {
    const char *a = argv[i];
    if (!options || a[0] != '-' || !a[1]) {
      argv[plain++] = argv[i];
    } else if (!strcmp(a, "--")) {
      options = false;
    } else if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
      *help = true;
      return true;
    } else if (!(a[1] == '-' ? parse_long(command, argc, argv, &i) : parse_letters(command, argc, argv, &i))) {
      return false;
    }
  }
  *count = plain;
  if (plain < command->least || (command->most >= 0 && plain > command->most))
    return cli_fail(CLI_USAGE, "usage: sardonyx %s %s\n'sardonyx %s --help' explains it", command->name, command->args,
                    command->name);
  if (cli_opts.color && strcmp(cli_opts.color, "auto") && strcmp(cli_opts.color, "always") &&
      strcmp(cli_opts.color, "never"))
    return cli_fail(CLI_USAGE, "--color wants auto, always or never, not '%s'", cli_opts.color);
  return true;
}

/* Prints text from column `at` on, broken between words before column 100. */
static void print_wrapped(FILE *to, const char *text, int at) {
  int column = at;
  while (*text) {
    int word = (int)strcspn(text, " ");
    if (column > at && column + 1 + word > 100) {
      fprintf(to, "\n%*s", at, "");
      column = at;
    } else if (column > at) {
      fputc(' ', to);
      column++;
    }
    fwrite(text, 1, (size_t)word, to);
    column += word;
    text += word + (text[word] == ' ');
  }
  fputc('\n', to);
}

void cli_options_help(FILE *to, const cli_command *command) {
  fprintf(to, "%sUsage:%s sardonyx %s %s\n\n%s", term_code(to, TERM_BOLD), term_code(to, TERM_PLAIN), command->name,
          command->args, command->text);
  for (const cli_group *g = command->groups; g->rows; g++) {
    fprintf(to, "\n%s%s%s\n", term_code(to, TERM_BOLD), g->title, term_code(to, TERM_PLAIN));
    for (const cli_option *o = g->rows; o->name; o++) {
      char left[64];
      snprintf(left, sizeof left, "%c%c %s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
               o->letter ? "" : " ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
      fprintf(to, "  %-28s  ", left);
      print_wrapped(to, o->help, 32);
    }
  }
}
