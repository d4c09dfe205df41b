// SPDX-License-Identifier: MIT
/* sardonyx run: one run of a model, from files, pictures or generators to the terminal or files. */
#include "files.h"
#include "input.h"
#include "os.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

static struct {
  cli_list outputs;
  int64_t top, digits, repeat;
  const char *labels;
  bool softmax, full, show, time;
} opts = {.digits = 6, .repeat = 1};

static const cli_option options[] = {
    {"output", 'o', CLI_LIST, "[NAME=]FILE", "write outputs: all to .npz, one to .npy or .pb (default: print them)",
     &opts.outputs},
    {"top", 'k', CLI_INT, "K", "print the K greatest of each row, not the array", &opts.top},
    {"softmax", 0, CLI_FLAG, NULL, "with --top: turn scores into probabilities first", &opts.softmax},
    {"labels", 0, CLI_TEXT, "FILE", "with --top: names of the classes, one a line", &opts.labels},
    {"full", 0, CLI_FLAG, NULL, "print arrays whole", &opts.full},
    {"digits", 0, CLI_INT, "N", "significant digits (default 6)", &opts.digits},
    {"show", 0, CLI_FLAG, NULL, "show the input picture", &opts.show},
    {"time", 0, CLI_FLAG, NULL, "print how long load and run took", &opts.time},
    {"repeat", 'n', CLI_INT, "N", "run N times; the last results count (for --time and --profile)", &opts.repeat},
    {NULL},
};

static const cli_group groups[] = {
    {"Output", options},          {"Input", input_options},         {"Pictures as input", picture_options},
    {"Session", session_options}, {"General", cli_general_options}, {NULL},
};

static bool write_one(const char *path, value *v) {
  if (file_ends_with(path, ".npy")) return npy_write(path, v);
  if (file_ends_with(path, ".npz")) return npz_write(path, &v, 1);
  if (file_ends_with(path, ".pb")) return pb_write(path, v);
  return cli_fail(CLI_USAGE, "%s: outputs go to .npy, .npz or .pb", path);
}

static value *find_output(const session *s, value **out, const char *name, size_t length) {
  for (size_t i = 0; i < s->num_outputs; i++)
    if (strlen(s->outputs[i].name) == length && !strncmp(s->outputs[i].name, name, length)) return out[i];
  return NULL;
}

static bool write_outputs(const session *s, value **out) {
  for (size_t i = 0; i < opts.outputs.count; i++) {
    const char *spec = opts.outputs.items[i], *eq = strrchr(spec, '=');
    value *v = eq ? find_output(s, out, spec, (size_t)(eq - spec)) : s->num_outputs == 1 ? out[0] : NULL;
    if (eq && !v) return cli_fail(CLI_USAGE, "the model has no output '%.*s'", (int)(eq - spec), spec);
    if (!v && !file_ends_with(spec, ".npz"))
      return cli_fail(CLI_USAGE, "the model has %zu outputs: write them all to .npz, or one as NAME=%s", s->num_outputs,
                      spec);
    if (!(v ? write_one(eq ? eq + 1 : spec, v) : npz_write(spec, out, s->num_outputs))) return false;
  }
  return true;
}

static bool print_outputs(const session *s, value **out) {
  size_t num_labels = 0;
  char **labels = NULL;
  if (opts.labels && !(labels = file_lines(opts.labels, &num_labels))) return false;
  value_print_options form = {3, opts.full ? SIZE_MAX : 60, (int)opts.digits};
  for (size_t i = 0; i < s->num_outputs; i++) {
    value *v = out[i];
    if (opts.top <= 0 || !value_print_top(stdout, v, (size_t)opts.top, opts.softmax, labels, num_labels))
      value_print(stdout, v, &form);
  }
  for (size_t i = 0; i < num_labels; i++) free(labels[i]);
  free(labels);
  return true;
}

static bool run_session(session *s, int count, char **specs) {
  input_set in = {0};
  value **out = cli_alloc(s->num_outputs * sizeof *out);
  char load[32], once[32];
  bool ok = inputs_make(s, specs, count, NULL, &in);
  if (ok && opts.show && in.shown.pixels) picture_show(stdout, &in.shown);
  double best = 0;
  for (int64_t i = 0; ok && i < opts.repeat; i++) {
    for (size_t k = 0; k < s->num_outputs; k++) value_free(out[k]), out[k] = NULL;
    double start = os_seconds();
    ok = session_run(s, in.count, in.names, in.values, out);
    double took = os_seconds() - start;
    if (!i || took < best) best = took;
  }
  if (ok) ok = opts.outputs.count ? write_outputs(s, out) : print_outputs(s, out);
  if (ok && opts.time) printf("load %s, run %s\n", term_seconds(load, s->load_seconds), term_seconds(once, best));
  for (size_t i = 0; i < s->num_outputs; i++) value_free(out[i]);
  free(out);
  inputs_free(&in);
  return ok;
}

static int run(int count, char **args) {
  if (opts.repeat < 1) opts.repeat = 1;
  library *lib = library_open(cli_opts.library);
  session *s = lib ? session_open(lib, args[0]) : NULL;
  if (s) run_session(s, count - 1, args + 1);
  session_close(s);
  library_close(lib);
  return cli_failure_code();
}

const cli_command cli_command_run = {
    .name = "run",
    .args = "MODEL [[NAME=]WHAT ...] [OPTIONS]",
    .summary = "run a model once and print or save what comes out",
    .text =
        "Runs a model once. An input is NAME=WHAT, or WHAT alone for the next input; WHAT is\n"
        "  a file        x.npy, x.npz, x.npz:key, x.pb (TensorProto, SequenceProto, ...)\n"
        "  a picture     .png .jpg .ppm .pgm .pbm .bmp, resized to the input's height and width\n"
        "  numbers       1.5 for every element, or 1,2,3 one by one; a text for string inputs\n"
        "  a generator   zeros, ones, iota, random[:SEED[:LOW:HIGH]]\n"
        "An .npz without a name gives every input that it has an array for.\n\n"
        "Examples\n"
        "  sardonyx run mlp.onnx --fill random\n"
        "  sardonyx run resnet.onnx cat.jpg --fit crop --normalize imagenet --top 5 --softmax --labels names.txt\n"
        "  sardonyx run bert.onnx input_ids=101,2054,102 --dim sequence=3 --fill ones -o out.npz\n"
        "  sardonyx run vad.onnx input=chunk.npy sr=16000 state=zeros\n"
        "  sardonyx run model.onnx x=x.npy --profile trace.json --threads 1\n",
    .groups = groups,
    .least = 1,
    .most = -1,
    .run = run,
};
