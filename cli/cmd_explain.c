// SPDX-License-Identifier: MIT
/* sardonyx explain and sardonyx check: what only the extension table of sardonyx.h can say. */
#include "files.h"
#include "input.h"
#include "library.h"
#include "os.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

static struct {
  const char *json, *output;
  bool operators;
} opts;

static const cli_option options[] = {
    {"json", 'j', CLI_TEXT, "FILE", "write JSON ('-': to stdout), in place of the text", &opts.json},
    {"output", 'o', CLI_TEXT, "FILE", "write the text to a file, or what --json - would print", &opts.output},
    {NULL},
};

static const cli_option check_options[] = {
    {"json", 'j', CLI_TEXT, "FILE", "write JSON ('-': to stdout), in place of the text", &opts.json},
    {"output", 'o', CLI_TEXT, "FILE", "write the text to a file, or what --json - would print", &opts.output},
    {"operators", 0, CLI_FLAG, NULL, "print the operators that the models need, from which a smaller library is made", &opts.operators},
    {NULL},
};

static const cli_group groups[] = {{"Options", options},
                                   {"Input (with any of these the model runs once before)", input_options},
                                   {"Session", session_options},
                                   {"General", cli_general_options},
                                   {NULL}};
static const cli_group check_groups[] = {
    {"Options", check_options}, {"Session", session_options}, {"General", cli_general_options}, {NULL}};

/* What all models gave, and where it goes: --json FILE, --output FILE or stdout. */
static bool deliver(char *all) {
  const char *file = opts.json && strcmp(opts.json, "-") ? opts.json : opts.output;
  bool ok = !all || !file || file_write(file, all, strlen(all));
  if (all && !file) fputs(all, stdout);
  free(all);
  return ok;
}
/* Adds a text of the library's to the others; it goes back to its allocator. */
static char *gather(library *lib, char *all, const char *title, char *text) {
  size_t length = strlen(text);
  char *longer = cli_text("%s%s%s%s%s", all ? all : "", title ? title : "", title ? "\n" : "", text,
                          length && text[length - 1] == '\n' ? "" : "\n");
  lib->allocator->Free(lib->allocator, text);
  free(all);
  return longer;
}

/* A few models are planned by the sizes of a run only. */
static bool run_before(session *s) {
  if (!inputs_said()) return true;
  input_set in = {0};
  value **out = cli_alloc(s->num_outputs * sizeof *out);
  bool ok = inputs_make(s, NULL, 0, "random", &in) && session_run(s, in.count, in.names, in.values, out);
  for (size_t i = 0; i < s->num_outputs; i++) value_free(out[i]);
  free(out);
  inputs_free(&in);
  return ok;
}

static int run_explain(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "explain") : NULL;
  session *s = x ? session_open(lib, args[0]) : NULL;
  char *text = NULL;
  if (s && run_before(s) && library_ok(lib, x->Explain(s->handle, opts.json != NULL, lib->allocator, &text)))
    deliver(gather(lib, NULL, NULL, text));
  session_close(s);
  library_close(lib);
  return cli_failure_code();
}

static int run_check(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "check") : NULL;
  if (x && opts.operators && x->version < 3) x = NULL, cli_fail(CLI_NO_EXTENSION, "the library is too old for --operators");
  OrtSessionOptions *so = x ? session_options_make(lib) : NULL;
  size_t problems = 0;
  char *all = NULL;
  for (int i = 0; so && i < count && !cli_failure_code(); i++) {
    size_t found = 0;
    char *text = NULL;
    OrtStatus *status = opts.operators ? x->Operators(lib->env, so, os_path(args[i]), lib->allocator, &text)
                        : x->version >= 2
                            ? x->CheckFor(lib->env, so, os_path(args[i]), opts.json != NULL, lib->allocator, &text, &found)
                            : x->Check(lib->env, os_path(args[i]), opts.json != NULL, lib->allocator, &text, &found);
    if (!library_ok(lib, status)) {
      cli_fail_context("%s", args[i]);
      break;
    }
    all = gather(lib, all, count > 1 && !opts.json && !opts.operators ? args[i] : NULL, text);
    problems += found;
  }
  deliver(all);
  if (so) lib->api->ReleaseSessionOptions(so);
  library_close(lib);
  return cli_failure_code() ? (int)cli_failure_code() : problems ? CLI_FAILED : CLI_OK;
}

const cli_command cli_command_explain = {
    .name = "explain",
    .args = "MODEL [OPTIONS]",
    .summary = "how a model will run: steps, kernels, providers, bytes, and why",
    .text =
        "Loads a model and prints the steps it was compiled to: the kernel and provider of each, which of the model's\n"
        "nodes it was made from, its bytes, and why it was chosen. Needs Sardonyx's own library (exit code 4 without).\n\n"
        "Examples\n"
        "  sardonyx explain model.onnx\n"
        "  sardonyx explain model.onnx --level 0\n"
        "  sardonyx explain model.onnx --shape 1x3x224x224\n"
        "  sardonyx explain model.onnx --json plan.json\n",
    .groups = groups,
    .least = 1,
    .most = 1,
    .run = run_explain,
};

const cli_command cli_command_check = {
    .name = "check",
    .args = "MODEL ... [OPTIONS]",
    .summary = "list all problems of a model at once",
    .text =
        "Reads models and plans them as a session would, but runs nothing, and lists every problem: node, operator, what\n"
        "was expected, what was found. --level and the other options of a session count.\n"
        "Exit code 1 when there is one. Needs Sardonyx's own library (exit code 4 without).\n"
        "--operators prints what the models need instead: 'make reduced OPS=FILE' builds a smaller library from it.\n\n"
        "Examples\n"
        "  sardonyx check model.onnx\n"
        "  sardonyx check --json - model.onnx\n"
        "  sardonyx check --operators a.onnx b.onnx -o operators.txt\n",
    .groups = check_groups,
    .least = 1,
    .most = -1,
    .run = run_check,
};
