// SPDX-License-Identifier: MIT
/* sardonyx compare: one model, the same inputs, two ways to run it, and how far apart the outputs are. The other way is
 * another library, saved outputs, or the same library without optimisation. */
#include "files.h"
#include "input.h"
#include "json.h"
#include "term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
  const char *with, *expect, *json;
  double rtol, atol;
} opts = {.rtol = -1, .atol = -1};

static const cli_option options[] = {
    {"with", 'w', CLI_TEXT, "FILE", "compare with this library", &opts.with},
    {"expect", 'x', CLI_TEXT, "FILE.npz", "compare with outputs that 'run -o FILE.npz' saved", &opts.expect},
    {"rtol", 0, CLI_REAL, "X", "relative tolerance (default 1e-3; two steps of an element type of 16 bits or less)", &opts.rtol},
    {"atol", 0, CLI_REAL, "X", "absolute tolerance (default 1e-5; of such a type the relative one)", &opts.atol},
    {"json", 'j', CLI_TEXT, "FILE", "write JSON ('-': to stdout, in place of the text)", &opts.json},
    {NULL},
};

static const cli_group groups[] = {
    {"Comparing", options},
    {"Input (what gets nothing else is random)", input_options},
    {"Pictures as input", picture_options},
    {"Session", session_options},
    {"General", cli_general_options},
    {NULL},
};

/* Outputs as a sequence in the session's order. */
static value *run_all(session *s, const input_set *in) {
  value **out = cli_alloc(s->num_outputs * sizeof *out), *list = NULL;
  if (session_run(s, in->count, in->names, in->values, out)) {
    list = value_list(VALUE_SEQUENCE);
    for (size_t i = 0; i < s->num_outputs; i++) value_append(list, out[i]);
  }
  free(out);
  return list;
}

/* What to compare with, in the order of the session's outputs where it comes from a run; NULL with a recorded failure. */
static value *reference(const char *model, library *lib, const input_set *in) {
  if (opts.expect) return npz_read(opts.expect, NULL, NULL);
  library *other = opts.with ? library_open(opts.with) : NULL;
  if (opts.with && !other) return NULL;
  session *s = session_open_level(other ? other : lib, model, other ? -1 : 0);
  value *list = s ? run_all(s, in) : NULL;
  session_close(s);
  library_close(other);
  if (!list) cli_fail_context("%s", opts.with ? opts.with : "without optimisation");
  return list;
}

static const value *named(const value *list, const char *name) {
  for (size_t i = 0; i < list->num_items; i++)
    if (list->items[i]->name && !strcmp(list->items[i]->name, name)) return list->items[i];
  return NULL;
}

/* What is not given follows from the element type: two steps of a small one, 2e-3 for float16, 1.6e-2 for bfloat16. */
static value_tolerance tolerance(const value *v) {
  bool small = v->kind == VALUE_TENSOR && v->type->cls == DTYPE_FLOAT && v->type->exponent;
  double steps = small ? ldexp(2, -v->type->mantissa) : 0;
  return (value_tolerance){opts.rtol >= 0 ? opts.rtol : fmax(1e-3, steps), opts.atol >= 0 ? opts.atol : fmax(1e-5, steps), 0};
}

/* One line, or one JSON object, about one output; true when it agrees. */
static bool report(const value *got, const value *want, json *j) {
  char *why = NULL, *type = value_type_text(got);
  bool same = want ? value_equal(got, want, tolerance(want), &why) : false;
  bool numbers = want && got->kind == VALUE_TENSOR && want->kind == VALUE_TENSOR && got->type == want->type &&
                 got->count == want->count && !got->strings;
  value_gap gap = numbers ? value_distance(got, want) : (value_gap){NAN, NAN};
  if (!want) why = cli_text("nothing to compare with");
  if (j) {
    json_open(j, NULL, '{');
    json_text(j, "name", got->name);
    json_text(j, "type", type);
    json_bool(j, "same", same);
    json_real(j, "max_absolute", gap.absolute);
    json_real(j, "max_relative", gap.relative);
    if (why) json_text(j, "why", why);
    json_close(j, '}');
  } else {
    printf("%s%s%s %s %s", term_code(stdout, same ? TERM_GREEN : TERM_RED), same ? "same  " : "DIFFER",
           term_code(stdout, TERM_PLAIN), got->name, type);
    if (numbers) printf("  at most %.3g apart, %.3g relative", gap.absolute, gap.relative);
    printf(why ? "\n       %s\n" : "\n", why);
  }
  free(why), free(type);
  return same;
}

static bool compare(const value *got, const value *want) {
  json out, *j = NULL;
  bool same = true;
  if (opts.json && !json_begin(j = &out, opts.json)) return false;
  if (j) json_open(j, NULL, '[');
  for (size_t i = 0; i < got->num_items; i++) same = report(got->items[i], named(want, got->items[i]->name), j) && same;
  if (j) json_close(j, ']');
  return (!j || json_end(j, opts.json)) && same;
}

static int run(int count, char **args) {
  if (opts.with && opts.expect) return cli_fail(CLI_USAGE, "--with and --expect exclude each other"), CLI_USAGE;
  library *lib = library_open(cli_opts.library);
  session *s = lib ? session_open(lib, args[0]) : NULL;
  input_set in = {0};
  bool same = false;
  if (s && inputs_make(s, args + 1, count - 1, "random", &in)) {
    value *got = run_all(s, &in), *want = got ? reference(args[0], lib, &in) : NULL;
    if (want) same = compare(got, want);
    value_free(got), value_free(want);
  }
  inputs_free(&in);
  session_close(s);
  library_close(lib);
  return cli_failure_code() ? (int)cli_failure_code() : same ? CLI_OK : CLI_FAILED;
}

const cli_command cli_command_compare = {
    .name = "compare",
    .args = "MODEL [[NAME=]WHAT ...] [OPTIONS]",
    .summary = "outputs of two libraries, of two levels, or against saved ones",
    .text =
        "Runs a model on the same inputs in two ways and compares the outputs. The other way is another library (--with),\n"
        "outputs saved before (--expect), or, with neither, the same library at optimisation level 0. Inputs are given\n"
        "as for 'run'; those not given are random. Exit code 1 when an output differs.\n\n"
        "Examples\n"
        "  sardonyx compare model.onnx                                   does optimising change the numbers?\n"
        "  sardonyx compare model.onnx --with /usr/lib/libonnxruntime.so.1 --fill random:7\n"
        "  sardonyx run model.onnx x=x.npy -o good.npz && sardonyx compare model.onnx x=x.npy --expect good.npz\n",
    .groups = groups,
    .least = 1,
    .most = -1,
    .run = run,
};
