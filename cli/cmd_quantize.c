// SPDX-License-Identifier: MIT
/* sardonyx quantize: a smaller model out of a model, and what became of each node. With samples, the ranges of its values
 * are measured first. */
#include "files.h"
#include "input.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

static struct {
  const char *weight, *activation, *method, *measure, *json;
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
    {"measure", 0, CLI_TEXT, "SAMPLE", "time both models on this; without it on the first sample, or on random floats",
     &opts.measure},
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

/* The model in work, and who works on it. */
typedef struct job {
  library *lib;
  const SardonyxExtension *x;
  const char *model, *target;
  char **samples;
  int n_samples;
  session *s; /* for the names and types of inputs */
  OrtSessionOptions *so;
  OrtKeyValuePairs *settings;
} job;

/* A sample is what `run` takes for the inputs, separated by commas. */
typedef struct sample {
  char *text;
  input_set in;
  OrtValue **values;
} sample;

static void sample_close(const job *j, sample *v) {
  for (size_t i = 0; i < v->in.count && v->values; i++)
    if (v->values[i]) j->lib->api->ReleaseValue(v->values[i]);
  free(v->values);
  inputs_free(&v->in);
  free(v->text);
}

/* Inputs that are not named get `fill`; NULL: that is an error. */
static bool sample_open(const job *j, const char *spec, const char *fill, sample *v) {
  char *specs[64];
  int n = 0;
  *v = (sample){.text = cli_copy(spec, strlen(spec))};
  for (char *p = *v->text ? v->text : NULL; p && n < 64; n++) {
    specs[n] = p;
    if ((p = strchr(p, ',')) != NULL) *p++ = 0;
  }
  bool ok = inputs_make(j->s, specs, n, fill, &v->in);
  v->values = cli_alloc((v->in.count + 1) * sizeof *v->values);
  for (size_t i = 0; i < v->in.count && ok; i++) v->values[i] = library_value(j->lib, v->in.values[i], &ok);
  if (!ok) cli_fail_context("sample '%s'", spec);
  return ok;
}

static bool add_samples(const job *j, SardonyxCalibration *c) {
  bool ok = true;
  for (int i = 0; i < j->n_samples && ok; i++) {
    sample v;
    ok = sample_open(j, j->samples[i], NULL, &v) &&
         library_ok(j->lib, j->x->Calibrate(c, v.in.names, (const OrtValue *const *)v.values, v.in.count));
    if (!ok) cli_fail_context("sample '%s'", j->samples[i]);
    sample_close(j, &v);
  }
  return ok;
}

/* The inputs on which both models are timed: those that --measure names, the first sample, or random numbers where nothing
 * but floats is asked for. False: there are none, or, with a recorded failure, they cannot be made. */
static bool measured_on(const job *j, sample *v) {
  const char *spec = opts.measure ? opts.measure : j->n_samples ? j->samples[0] : NULL;
  *v = (sample){0};
  if (j->x->version < 5) return false;
  for (size_t i = 0; i < j->s->num_inputs && !spec; i++)
    if (!j->s->inputs[i].element || j->s->inputs[i].element->ort != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) return false;
  return sample_open(j, spec ? spec : "", spec ? NULL : "random", v);
}

static bool measure_ranges(const job *j) {
  SardonyxCalibration *c = NULL;
  char *ranges = NULL;
  bool ok = library_ok(j->lib, j->x->CreateCalibration(j->lib->env, j->so, os_path(j->model), &c)) && add_samples(j, c);
  ok = ok && library_ok(j->lib, j->x->CalibrationRanges(c, opts.method ? opts.method : "minmax", opts.percentile,
                                                        j->lib->allocator, &ranges));
  if (ok) {
    j->lib->api->AddKeyValuePair(j->settings, "mode", "static");
    j->lib->api->AddKeyValuePair(j->settings, "ranges", ranges);
    j->lib->allocator->Free(j->lib->allocator, ranges);
  }
  if (c) j->x->ReleaseCalibration(c);
  return ok;
}

/* Weights rounded on the samples, which are read once for every pass. */
static bool round_weights(const job *j, const sample *v, char **report) {
  SardonyxCalibration *c = NULL;
  int more = 1;
  bool ok = library_ok(j->lib, j->x->CreateWeightCalibration(j->lib->env, j->so, os_path(j->model), j->settings, &c));
  while (ok && more) ok = add_samples(j, c) && library_ok(j->lib, j->x->CalibrationPass(c, &more));
  ok = ok &&
       library_ok(j->lib, j->x->QuantizeCalibrated(c, os_path(j->target), v->in.names, (const OrtValue *const *)v->values,
                                                   v->in.count, opts.json != NULL, j->lib->allocator, report));
  if (c) j->x->ReleaseCalibration(c);
  return ok;
}

/* Is there --set KEY=VALUE? */
static bool is_set(const char *pair) {
  for (size_t i = 0; i < opts.set.count; i++)
    if (!strcmp(opts.set.items[i], pair)) return true;
  return false;
}

static bool quantize(const job *j, char **report) {
  const bool weights = j->n_samples && is_set("method=gptq"), json = opts.json != NULL;
  OrtAllocator *heap = j->lib->allocator;
  sample v;
  if (weights && j->x->version < 5) return cli_fail(CLI_NO_EXTENSION, "the library is too old for method=gptq");
  bool ok = !j->n_samples || weights || measure_ranges(j);
  const bool measured = ok && measured_on(j, &v);
  ok = ok && !cli_failure_code();
  if (ok && weights)
    ok = round_weights(j, &v, report);
  else if (ok && measured)
    ok = library_ok(
        j->lib, j->x->QuantizeMeasured(j->lib->env, j->so, os_path(j->model), os_path(j->target), j->settings, v.in.names,
                                       (const OrtValue *const *)v.values, v.in.count, json, heap, report));
  else if (ok)
    ok = library_ok(j->lib,
                    j->x->Quantize(j->lib->env, os_path(j->model), os_path(j->target), j->settings, json, heap, report));
  if (measured) sample_close(j, &v);
  return ok;
}

static int run_quantize(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  const SardonyxExtension *x = lib ? library_extension_or_fail(lib, "quantize") : NULL;
  if (x && x->version < 4) x = NULL, cli_fail(CLI_NO_EXTENSION, "the library is too old to quantise");
  job j = {.lib = lib, .x = x, .model = args[0], .target = args[1], .samples = args + 2, .n_samples = count - 2};
  char *report = NULL;
  if (x && (j.settings = settings(lib)) && (j.s = session_open(lib, args[0])) && (j.so = session_options_make(lib)) &&
      quantize(&j, &report)) {
    if (opts.json && strcmp(opts.json, "-"))
      file_write(opts.json, report, strlen(report));
    else
      fputs(report, stdout);
    lib->allocator->Free(lib->allocator, report);
  }
  if (j.so) lib->api->ReleaseSessionOptions(j.so);
  if (j.s) session_close(j.s);
  if (j.settings) lib->api->ReleaseKeyValuePairs(j.settings);
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
        "and DequantizeLinear around its operators; or, with method=gptq, its weights are rounded on them. A sample is "
        "what 'run' takes for the inputs, separated by commas.\n"
        "Prints a line for each node that could be quantised: how far its weight is off, or why it stays, and how long it "
        "takes\n"
        "before and after.\n"
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
