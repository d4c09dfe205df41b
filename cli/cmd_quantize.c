// SPDX-License-Identifier: MIT
/* sardonyx quantize: a smaller model out of a model, and what became of each node. With samples, the ranges of its values
 * are measured first. */
#include "files.h"
#include "input.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

static struct {
  const char *weight, *activation, *method, *json;
  bool per_channel, reduce_range, symmetric;
  double percentile;
  cli_list op_types, nodes, skip, set;
} opts = {.percentile = 99.999};

static const cli_option options[] = {
    {"weight", 'w', CLI_TEXT, "TYPE", "of weights: int8 (the default) or uint8", &opts.weight},
    {"per-channel", 0, CLI_FLAG, NULL, "a scale for each output channel of a weight, in place of one for all",
     &opts.per_channel},
    {"reduce-range", 0, CLI_FLAG, NULL, "weights of 7 bits, for processors without VNNI on other libraries",
     &opts.reduce_range},
    {"activation", 'a', CLI_TEXT, "TYPE", "of values, with samples: uint8 (the default), int8, uint16 or int16",
     &opts.activation},
    {"symmetric", 0, CLI_FLAG, NULL, "values have their zero point in the middle", &opts.symmetric},
    {"method", 'm', CLI_TEXT, "NAME", "how ranges follow from the samples: minmax (the default), percentile, entropy",
     &opts.method},
    {"percentile", 0, CLI_REAL, "P", "percent of the numbers that stay in a range (default 99.999)", &opts.percentile},
    {"op", 0, CLI_LIST, "TYPE", "quantise these operators alone, MatMul for instance", &opts.op_types},
    {"node", 0, CLI_LIST, "NAME", "quantise these nodes alone", &opts.nodes},
    {"skip", 0, CLI_LIST, "NAME", "leave these nodes as they are", &opts.skip},
    {"set", 0, CLI_LIST, "KEY=VALUE", "any option of Quantize (sardonyx.h): mode=nbits, bits=4, mode=half, ...", &opts.set},
    {"json", 'j', CLI_TEXT, "FILE", "write the report as JSON ('-': to stdout), in place of the text", &opts.json},
    {NULL},
};
static const cli_group groups[] = {
    {"Options", options},         {"Samples", input_options},       {"Pictures as samples", picture_options},
    {"Session", session_options}, {"General", cli_general_options}, {NULL}};

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
  if (opts.activation) lib->api->AddKeyValuePair(s, "activation_type", opts.activation);
  if (opts.symmetric) lib->api->AddKeyValuePair(s, "symmetric_activations", "1");
  if (opts.per_channel) lib->api->AddKeyValuePair(s, "per_channel", "1");
  if (opts.reduce_range) lib->api->AddKeyValuePair(s, "reduce_range", "1");
  for (size_t i = 0; i < opts.set.count; i++) {
    const char *mark = strchr(opts.set.items[i], '=');
    if (!mark) {
      cli_fail(CLI_USAGE, "--set %s: expected KEY=VALUE", opts.set.items[i]);
      lib->api->ReleaseKeyValuePairs(s);
      return NULL;
    }
    char *key = cli_copy(opts.set.items[i], (size_t)(mark - opts.set.items[i]));
    lib->api->AddKeyValuePair(s, key, mark + 1);
    free(key);
  }
  set_names(lib, s, "op_types", &opts.op_types);
  set_names(lib, s, "nodes", &opts.nodes);
  set_names(lib, s, "skip_nodes", &opts.skip);
  return s;
}

/* A sample is what `run` takes for the inputs, separated by commas. */
static bool add_sample(library *lib, const SardonyxExtension *x, const session *s, SardonyxCalibration *c,
                       const char *sample) {
  char *text = cli_copy(sample, strlen(sample)), *specs[64];
  input_set in = {0};
  int n = 0;
  for (char *p = text; p && n < 64; n++) {
    specs[n] = p;
    if ((p = strchr(p, ',')) != NULL) *p++ = 0;
  }
  bool ok = inputs_make(s, specs, n, NULL, &in);
  OrtValue **values = cli_alloc((in.count + 1) * sizeof *values);
  for (size_t i = 0; i < in.count && ok; i++) values[i] = library_value(lib, in.values[i], &ok);
  ok = ok && library_ok(lib, x->Calibrate(c, in.names, (const OrtValue *const *)values, in.count));
  if (!ok) cli_fail_context("sample '%s'", sample);
  for (size_t i = 0; i < in.count; i++)
    if (values[i]) lib->api->ReleaseValue(values[i]);
  free(values);
  inputs_free(&in);
  free(text);
  return ok;
}

static bool add_samples(library *lib, const SardonyxExtension *x, const session *s, SardonyxCalibration *c, int count,
                        char **args) {
  bool ok = true;
  for (int i = 2; i < count && ok; i++) ok = add_sample(lib, x, s, c, args[i]);
  return ok;
}

static bool calibrate(library *lib, const SardonyxExtension *x, OrtKeyValuePairs *to, int count, char **args) {
  session *s = session_open(lib, args[0]);
  OrtSessionOptions *so = s ? session_options_make(lib) : NULL;
  SardonyxCalibration *c = NULL;
  char *ranges = NULL;
  bool ok = so && library_ok(lib, x->CreateCalibration(lib->env, so, os_path(args[0]), &c));
  ok = ok && add_samples(lib, x, s, c, count, args);
  ok = ok && library_ok(lib, x->CalibrationRanges(c, opts.method ? opts.method : "minmax", opts.percentile, lib->allocator,
                                                  &ranges));
  if (ok) {
    lib->api->AddKeyValuePair(to, "mode", "static");
    lib->api->AddKeyValuePair(to, "ranges", ranges);
    lib->allocator->Free(lib->allocator, ranges);
  }
  if (c) x->ReleaseCalibration(c);
  if (so) lib->api->ReleaseSessionOptions(so);
  session_close(s);
  return ok;
}

/* Weights rounded on the samples, which are read once for every pass. */
static char *quantize_weights(library *lib, const SardonyxExtension *x, const OrtKeyValuePairs *options, int count,
                              char **args) {
  session *s = session_open(lib, args[0]);
  OrtSessionOptions *so = s ? session_options_make(lib) : NULL;
  SardonyxCalibration *c = NULL;
  char *report = NULL;
  int more = 1;
  bool ok = so && library_ok(lib, x->CreateWeightCalibration(lib->env, so, os_path(args[0]), options, &c));
  while (ok && more) ok = add_samples(lib, x, s, c, count, args) && library_ok(lib, x->CalibrationPass(c, &more));
  ok = ok && library_ok(lib, x->QuantizeCalibrated(c, os_path(args[1]), opts.json != NULL, lib->allocator, &report));
  if (c) x->ReleaseCalibration(c);
  if (so) lib->api->ReleaseSessionOptions(so);
  session_close(s);
  return report;
}

/* Is there --set KEY=VALUE? */
static bool is_set(const char *pair) {
  for (size_t i = 0; i < opts.set.count; i++)
    if (!strcmp(opts.set.items[i], pair)) return true;
  return false;
}

static int run_quantize(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "quantize") : NULL;
  const bool weights = count > 2 && is_set("method=gptq");
  if (x && x->version < (weights ? 5u : 4u)) x = NULL, cli_fail(CLI_NO_EXTENSION, "the library is too old to quantise");
  OrtKeyValuePairs *s = x ? settings(lib) : NULL;
  char *text = NULL;
  if (s && weights) text = quantize_weights(lib, x, s, count, args);
  if (s && count > 2 && !weights && !calibrate(lib, x, s, count, args)) lib->api->ReleaseKeyValuePairs(s), s = NULL;
  if (s && !weights)
    (void)library_ok(lib, x->Quantize(lib->env, os_path(args[0]), os_path(args[1]), s, opts.json != NULL, lib->allocator, &text));
  if (text) {
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
    .args = "MODEL OUT [SAMPLE ...] [OPTIONS]",
    .summary = "write a model with small integers for weights",
    .text =
        "Writes the model with its weights as 8-bit integers. Without samples, values become integers while the model "
        "runs,\n"
        "with the range that they have then. With samples, ranges are measured on them, and the model gets QuantizeLinear\n"
        "and DequantizeLinear around its operators; or, with method=gptq, its weights are rounded on them. A sample is what 'run' takes for the inputs, separated by commas.\n"
        "Prints a line for each node that could be quantised: how far its weight is off, or why it stays.\n"
        "Needs Sardonyx's own library (exit code 4 without).\n\n"
        "Examples\n"
        "  sardonyx quantize model.onnx model_int8.onnx\n"
        "  sardonyx quantize model.onnx out.onnx --per-channel --op MatMul --op Gemm\n"
        "  sardonyx quantize model.onnx model_int4.onnx --set mode=nbits --set bits=4 --set method=hqq\n"
        "  sardonyx quantize model.onnx model_int4.onnx ids=a.npy ids=b.npy --set mode=nbits --set method=gptq\n"
        "  sardonyx quantize model.onnx model_f16.onnx --set mode=half --set weight_type=float16\n"
        "  sardonyx quantize model.onnx out.onnx cat.png dog.png --method entropy --per-channel\n"
        "  sardonyx quantize model.onnx out.onnx ids=a.npy,mask=b.npy ids=c.npy,mask=d.npy\n",
    .groups = groups,
    .least = 2,
    .most = -1,
    .run = run_quantize,
};
