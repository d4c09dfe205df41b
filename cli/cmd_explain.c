// SPDX-License-Identifier: MIT
/* sardonyx explain and sardonyx check: what only the extension table of sardonyx.h can say. */
#include "files.h"
#include "library.h"
#include "os.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

static struct {
  bool json;
  const char *output;
} opts;

static const cli_option options[] = {
    {"json", 'j', CLI_FLAG, NULL, "JSON in place of text", &opts.json},
    {"output", 'o', CLI_TEXT, "FILE", "write to a file", &opts.output},
    {NULL},
};

static const cli_group groups[] = {
    {"Options", options}, {"Session", session_options}, {"General", cli_general_options}, {NULL}};

/* Prints or writes the library's text and gives it back to its allocator. */
static bool deliver(library *lib, char *text) {
  bool ok = true;
  size_t length = strlen(text);
  if (opts.output)
    ok = file_write(opts.output, text, length);
  else
    printf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
  lib->allocator->Free(lib->allocator, text);
  return ok;
}

static int run_explain(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "explain") : NULL;
  session *s = x ? session_open(lib, args[0]) : NULL;
  char *text = NULL;
  if (s && library_ok(lib, x->Explain(s->handle, opts.json, lib->allocator, &text))) deliver(lib, text);
  session_close(s);
  library_close(lib);
  return cli_failure_code();
}

static int run_check(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "check") : NULL;
  OrtSessionOptions *so = x ? session_options_make(lib) : NULL;
  size_t problems = 0;
  for (int i = 0; so && i < count && !cli_failure_code(); i++) {
    size_t found = 0;
    char *text = NULL;
    OrtStatus *status = x->version >= 2 ? x->CheckFor(lib->env, so, os_path(args[i]), opts.json, lib->allocator, &text, &found)
                                        : x->Check(lib->env, os_path(args[i]), opts.json, lib->allocator, &text, &found);
    if (!library_ok(lib, status)) {
      cli_fail_context("%s", args[i]);
      break;
    }
    if (count > 1 && !opts.json) printf("%s%s%s\n", term_code(stdout, TERM_BOLD), args[i], term_code(stdout, TERM_PLAIN));
    deliver(lib, text);
    problems += found;
  }
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
        "  sardonyx explain model.onnx --json -o plan.json\n",
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
        "Exit code 1 when there is one. Needs Sardonyx's own library (exit code 4 without).\n\n"
        "Examples\n"
        "  sardonyx check model.onnx\n"
        "  sardonyx check --json model.onnx\n",
    .groups = groups,
    .least = 1,
    .most = -1,
    .run = run_check,
};
