// SPDX-License-Identifier: MIT
/* sardonyx quantize: a smaller model out of a model, and what became of each node. */
#include "files.h"
#include "library.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

static struct {
  const char *weight, *json;
  bool per_channel, reduce_range;
  cli_list op_types, nodes, skip;
} opts;

static const cli_option options[] = {
    {"weight", 'w', CLI_TEXT, "TYPE", "of weights: int8 (the default) or uint8", &opts.weight},
    {"per-channel", 0, CLI_FLAG, NULL, "a scale for each output channel of a weight, in place of one for all",
     &opts.per_channel},
    {"reduce-range", 0, CLI_FLAG, NULL, "weights of 7 bits, for processors without VNNI on other libraries",
     &opts.reduce_range},
    {"op", 0, CLI_LIST, "TYPE", "quantise these operators alone, MatMul for instance", &opts.op_types},
    {"node", 0, CLI_LIST, "NAME", "quantise these nodes alone", &opts.nodes},
    {"skip", 0, CLI_LIST, "NAME", "leave these nodes as they are", &opts.skip},
    {"json", 'j', CLI_TEXT, "FILE", "write the report as JSON ('-': to stdout), in place of the text", &opts.json},
    {NULL},
};
static const cli_group groups[] = {{"Options", options}, {"General", cli_general_options}, {NULL}};

static void set_names(library *lib, OrtKeyValuePairs *to, const char *key, const cli_list *list) {
  char *all = NULL;
  for (size_t i = 0; i < list->count; i++) {
    char *longer = cli_text("%s%s\n", all ? all : "", list->items[i]);
    free(all);
    all = longer;
  }
  if (all) lib->api->AddKeyValuePair(to, key, all);
  free(all);
}

static OrtKeyValuePairs *settings(library *lib) {
  OrtKeyValuePairs *s = NULL;
  lib->api->CreateKeyValuePairs(&s);
  if (!s) return NULL;
  if (opts.weight) lib->api->AddKeyValuePair(s, "weight_type", opts.weight);
  if (opts.per_channel) lib->api->AddKeyValuePair(s, "per_channel", "1");
  if (opts.reduce_range) lib->api->AddKeyValuePair(s, "reduce_range", "1");
  set_names(lib, s, "op_types", &opts.op_types);
  set_names(lib, s, "nodes", &opts.nodes);
  set_names(lib, s, "skip_nodes", &opts.skip);
  return s;
}

static int run_quantize(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "quantize") : NULL;
  if (x && x->version < 4) x = NULL, cli_fail(CLI_NO_EXTENSION, "the library is too old to quantise");
  OrtKeyValuePairs *s = x ? settings(lib) : NULL;
  char *text = NULL;
  if (s && library_ok(lib, x->Quantize(lib->env, os_path(args[0]), os_path(args[1]), s, opts.json != NULL, lib->allocator,
                                       &text))) {
    if (opts.json && strcmp(opts.json, "-"))
      file_write(opts.json, text, strlen(text));
    else
      fputs(text, stdout);
    lib->allocator->Free(lib->allocator, text);
  }
  if (s) lib->api->ReleaseKeyValuePairs(s);
  library_close(lib);
  return cli_failure_code();
}

const cli_command cli_command_quantize = {
    .name = "quantize",
    .args = "MODEL OUT [OPTIONS]",
    .summary = "write a model with small integers for weights",
    .text =
        "Writes the model with its weights as 8-bit integers; activations become integers while it runs, with the range "
        "that\n"
        "they have then. Prints a line for each node that could be quantised: how far its weight is off, or why it stays.\n"
        "Needs Sardonyx's own library (exit code 4 without).\n\n"
        "Examples\n"
        "  sardonyx quantize model.onnx model_int8.onnx\n"
        "  sardonyx quantize model.onnx out.onnx --per-channel --op MatMul --op Gemm\n"
        "  sardonyx bench model_int8.onnx\n",
    .groups = groups,
    .least = 2,
    .most = 2,
    .run = run_quantize,
};
