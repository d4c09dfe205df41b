// SPDX-License-Identifier: MIT
/* NAME=WHAT to values: files, pictures, constants and generators. A generator depends on its seed and the input's name
 * alone, so the same line gives the same numbers on every machine and library. */
#include "input.h"
#include "files.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

static struct {
  cli_list shapes, dims;
  const char *fill;
  bool cast;
} opts;

const cli_option input_options[] = {
    {"shape", 's', CLI_LIST, "[NAME=]1x3x8", "shape of an input whose dimensions the model leaves open", &opts.shapes},
    {"dim", 'd', CLI_LIST, "NAME=N", "value of a named dimension, in all inputs (others: 1)", &opts.dims},
    {"fill", 0, CLI_TEXT, "WHAT", "for the inputs that get nothing else: zeros, ones, iota, random:7, ...", &opts.fill},
    {"cast", 0, CLI_FLAG, NULL, "convert numbers of files to the input's element type", &opts.cast},
    {NULL},
};

static bool parse_shape(const char *text, int64_t *dims, size_t *rank) {
  *rank = 0;
  for (char *end; *text; text = end + (*end == 'x' || *end == ',')) {
    dims[*rank] = strtoll(text, &end, 10);
    if (end == text || (*end && *end != 'x' && *end != ',') || dims[*rank] < 0 || ++*rank > 31) return false;
  }
  return true;
}

/* The input's shape with --shape and --dim applied; what stays open is -1. */
static bool input_shape(const session *s, const session_io *io, int64_t *dims, size_t *rank) {
  *rank = io->rank;
  if (io->rank > 31) return cli_fail(CLI_BROKEN, "input '%s' has more than 31 dimensions", io->name);
  for (size_t d = 0; d < io->rank; d++) {
    dims[d] = io->dims[d];
    size_t n = strlen(io->symbols[d]);
    for (size_t i = 0; i < opts.dims.count && dims[d] < 0 && n; i++)
      if (!strncmp(opts.dims.items[i], io->symbols[d], n) && opts.dims.items[i][n] == '=' &&
          !cli_parse_int(opts.dims.items[i] + n + 1, &dims[d]))
        return cli_fail(CLI_USAGE, "--dim wants NAME=N, not '%s'", opts.dims.items[i]);
  }
  for (size_t i = 0; i < opts.shapes.count; i++) {
    const char *text = opts.shapes.items[i], *eq = strrchr(text, '=');
    if (eq && (strlen(io->name) != (size_t)(eq - text) || strncmp(text, io->name, (size_t)(eq - text)))) continue;
    if (!eq && s->num_inputs != 1)
      return cli_fail(CLI_USAGE, "the model has %zu inputs: say --shape NAME=%s", s->num_inputs, text);
    if (!parse_shape(eq ? eq + 1 : text, dims, rank))
      return cli_fail(CLI_USAGE, "--shape wants sizes such as 1x3x224x224, not '%s'", text);
  }
  return true;
}

/* A --dim that no input's shape names changes nothing: said once, as it may be a slip. */
static void warn_unused_dims(const session *s) {
  for (size_t i = 0; i < opts.dims.count; i++) {
    const char *eq = strchr(opts.dims.items[i], '=');
    size_t n = eq ? (size_t)(eq - opts.dims.items[i]) : 0;
    bool used = !n;
    for (size_t k = 0; k < s->num_inputs; k++)
      for (size_t d = 0; s->inputs[k].symbols && d < s->inputs[k].rank; d++)
        used = used || (strlen(s->inputs[k].symbols[d]) == n && !strncmp(s->inputs[k].symbols[d], opts.dims.items[i], n));
    if (!used) term_note("--dim %s: no input has a dimension of that name that is open", opts.dims.items[i]);
  }
}

static void close_shape(const session_io *io, int64_t *dims, size_t rank) {
  bool open = false;
  for (size_t d = 0; d < rank; d++)
    if (dims[d] < 0) dims[d] = 1, open = true;
  if (open) term_note("open dimensions of input '%s' (%s) are taken as 1; --dim and --shape set them", io->name, io->text);
}

/* splitmix64: one step of the state, one number. */
static uint64_t random_next(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* "random[:SEED[:LOW:HIGH]]": floats in [low, high), integers from low up to and with high. */
static bool fill_random(value *v, const char *text) {
  double args[3] = {1, v->type->cls == DTYPE_FLOAT ? -1 : 0, 1};
  for (int i = 0; i < 3 && *text == ':'; i++) {
    char *end;
    args[i] = strtod(text + 1, &end);
    if (end == text + 1 || (*end && *end != ':')) return cli_fail(CLI_USAGE, "a generator is random:SEED:LOW:HIGH");
    text = end;
  }
  uint64_t state = (uint64_t)(int64_t)args[0] * UINT64_C(0x2545f4914f6cdd1d);
  for (const char *p = v->name; *p; p++) state = (state ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
  for (size_t i = 0; i < v->count; i++) {
    uint64_t r = random_next(&state);
    double unit = (double)(r >> 11) * 0x1p-53;
    if (v->type->cls == DTYPE_FLOAT || v->type->cls == DTYPE_COMPLEX)
      dtype_set(v->type, v->data, i, args[1] + unit * (args[2] - args[1]));
    else
      dtype_set_int(v->type, v->data, i, (int64_t)args[1] + (int64_t)(unit * (args[2] - args[1] + 1)));
  }
  return true;
}

static size_t count_parts(const char *text) {
  size_t n = 1;
  for (; *text; text++) n += *text == ',';
  return n;
}

/* "ab" for all elements, or "ab,cd" one by one. */
static bool fill_texts(value *v, const char *text) {
  size_t given = count_parts(text);
  if (given != 1 && given != v->count) return cli_fail(CLI_USAGE, "%zu texts given, %zu wanted", given, v->count);
  for (size_t i = 0; i < v->count; i++) {
    const char *end = given == 1 ? NULL : strchr(text, ',');
    value_set_string(v, i, text, end ? (size_t)(end - text) : strlen(text));
    if (end) text = end + 1;
  }
  return true;
}

/* The end of "true" or "false" at the front, or NULL. */
static const char *boolean(const char *text, long long *x) {
  *x = !strncmp(text, "true", 4);
  const char *end = *x ? text + 4 : !strncmp(text, "false", 5) ? text + 5 : NULL;
  return end && (!*end || *end == ',') ? end : NULL;
}

/* "1.5" for all elements, or "1,2,3" one by one; booleans also by name. */
static bool fill_numbers(value *v, const char *text) {
  size_t given = 0;
  for (char *end; *text; text = end + (*end == ','), given++) {
    long long whole;
    const char *named = v->type->cls == DTYPE_BOOL ? boolean(text, &whole) : NULL;
    if (named) end = (char *)named;
    else whole = strtoll(text, &end, 10);
    bool integer = end != text && (!*end || *end == ',');
    double x = integer ? 0 : strtod(text, &end);
    if (end == text || (*end && *end != ',')) return false;
    for (size_t i = given; i < (given ? given + 1 : v->count) && i < v->count; i++) {
      if (integer)
        dtype_set_int(v->type, v->data, i, whole);
      else
        dtype_set(v->type, v->data, i, x);
    }
  }
  return given == 1 || given == v->count || cli_fail(CLI_USAGE, "%zu numbers given, %zu wanted", given, v->count);
}

static value *generate(const session *s, const session_io *io, const char *what) {
  int64_t dims[32];
  size_t rank;
  if (io->type != ONNX_TYPE_TENSOR || !io->element)
    return cli_fail(CLI_BROKEN, "input '%s' (%s) must come from a .pb file", io->name, io->text), NULL;
  if (!input_shape(s, io, dims, &rank)) return NULL;
  size_t numbers = count_parts(what);
  if (numbers > 1 && rank == 1 && dims[0] < 0) dims[0] = (int64_t)numbers;
  if (numbers > 1 && rank == 2 && dims[0] < 0 && dims[1] < 0) dims[0] = 1, dims[1] = (int64_t)numbers;
  if (numbers > 1 && rank == 2 && dims[1] < 0 && dims[0] == 1) dims[1] = (int64_t)numbers;
  close_shape(io, dims, rank);
  value *v = value_tensor(io->element, rank, dims);
  if (!v) return NULL;
  v->name = cli_copy(io->name, strlen(io->name));
  bool ok = true;
  if (v->strings) {
    ok = fill_texts(v, what);
  } else if (!strncmp(what, "random", 6) && (!what[6] || what[6] == ':')) {
    ok = fill_random(v, what + 6);
  } else if (!strcmp(what, "iota")) {
    for (size_t i = 0; i < v->count; i++) dtype_set_int(v->type, v->data, i, (int64_t)i);
  } else {
    ok = fill_numbers(v, !strcmp(what, "zeros")  ? "0"
                         : !strcmp(what, "ones") ? "1"
                                                 : what) ||
         cli_fail(CLI_USAGE, "'%s' is no file, number, or zeros, ones, iota, random[:SEED[:LOW:HIGH]]", what);
  }
  if (ok) return v;
  cli_fail_context("input '%s'", io->name);
  value_free(v);
  return NULL;
}

/* "file.npz:key" and "file.npz"; *key is NULL for the latter. */
static char *split_npz(const char *what, const char **key) {
  const char *colon = strrchr(what, ':');
  size_t n = colon ? (size_t)(colon - what) : 0;
  char *path = cli_copy(what, colon ? n : strlen(what));
  *key = colon ? colon + 1 : NULL;
  if (file_ends_with(path, ".npz")) return path;
  free(path);
  *key = NULL;
  return file_ends_with(what, ".npz") ? cli_copy(what, strlen(what)) : NULL;
}

static value *from_picture(const session *s, const session_io *io, const char *what, picture *shown) {
  int64_t dims[32];
  size_t rank;
  free(shown->pixels);
  if (!input_shape(s, io, dims, &rank) || !picture_read(what, shown)) return NULL;
  value *v = picture_tensor(shown, io->element, rank, dims);
  if (!v) cli_fail_context("input '%s' (%s)", io->name, io->text);
  return v;
}

static value *from_file(const session *s, const session_io *io, const char *what, picture *shown) {
  const char *key;
  char *npz = split_npz(what, &key);
  value *v;
  if (npz)
    v = npz_read(npz, key ? key : io->name, io->element);
  else if (file_ends_with(what, ".npy"))
    v = npy_read(what, io->element);
  else if (file_ends_with(what, ".pb"))
    v = pb_read(what, (pb_form){io->type, io->optional});
  else if (picture_is(what))
    v = from_picture(s, io, what, shown);
  else
    return generate(s, io, what);
  free(npz);
  return v;
}

/* Brings a file's tensor to the input's element type if --cast allows. */
static value *fit_type(const session_io *io, value *v) {
  if (!v || v->kind != VALUE_TENSOR || !io->element || io->type != ONNX_TYPE_TENSOR || v->type == io->element) return v;
  value *out = NULL;
  if (opts.cast)
    out = value_cast(v, io->element);
  else
    cli_fail(CLI_BROKEN, "input '%s' wants %s, the file holds %s; --cast converts", io->name, io->element->name,
             v->type->name);
  value_free(v);
  return out;
}

static bool add(const session *s, const session_io *io, value *v, input_set *set) {
  if (!(v = fit_type(io, v))) return false;
  for (size_t i = 0; i < set->count; i++) {
    if (strcmp(set->names[i], io->name)) continue;
    value_free(v);
    return cli_fail(CLI_USAGE, "input '%s' is given twice", io->name);
  }
  set->names = cli_grow(set->names, set->count + 1, sizeof *set->names);
  set->values = cli_grow(set->values, set->count + 1, sizeof *set->values);
  set->names[set->count] = io->name;
  set->values[set->count++] = v;
  return true;
}

static bool is_set(const input_set *set, const char *name) {
  for (size_t i = 0; i < set->count; i++)
    if (!strcmp(set->names[i], name)) return true;
  return false;
}

static bool add_archive(const session *s, const char *path, input_set *set) {
  value *all = npz_read(path, NULL, NULL);
  if (!all) return false;
  bool ok = true;
  for (size_t i = 0; i < all->num_items && ok; i++) {
    const session_io *io = session_input(s, all->items[i]->name);
    if (!io) {
      term_note("%s: the model has no input '%s'", path, all->items[i]->name);
      continue;
    }
    value *v = all->items[i];
    all->items[i] = NULL;
    ok = add(s, io, v, set);
  }
  value_free(all);
  return ok;
}

static char *list_inputs(const session *s) {
  char *text = cli_text("%s", "");
  for (size_t i = 0; i < s->num_inputs; i++) {
    char *longer = cli_text("%s\n  %s %s", text, s->inputs[i].name, s->inputs[i].text);
    free(text);
    text = longer;
  }
  return text;
}

static bool add_spec(const session *s, const char *spec, input_set *set) {
  const session_io *io = NULL;
  const char *what = spec;
  for (const char *eq = strchr(spec, '='); eq && !io; eq = strchr(eq + 1, '=')) {
    char *name = cli_copy(spec, (size_t)(eq - spec));
    io = session_input(s, name);
    free(name);
    if (io) what = eq + 1;
  }
  if (!io && strchr(spec, '=')) {
    char *known = list_inputs(s);
    cli_fail(CLI_USAGE, "the model has no input '%.*s'; its inputs are:%s", (int)strcspn(spec, "="), spec, known);
    free(known);
    return false;
  }
  if (!io && file_ends_with(spec, ".npz")) return add_archive(s, spec, set);
  for (size_t i = 0; i < s->num_inputs && !io; i++)
    if (!is_set(set, s->inputs[i].name)) io = &s->inputs[i];
  if (!io) return cli_fail(CLI_USAGE, "'%s' is one input too many; the model has %zu", spec, s->num_inputs);
  return add(s, io, from_file(s, io, what, &set->shown), set);
}

bool inputs_make(const session *s, char *const *specs, int count, const char *fill, input_set *set) {
  if (opts.fill) fill = opts.fill;
  for (int i = 0; i < count; i++)
    if (!add_spec(s, specs[i], set)) return false;
  for (size_t i = 0; i < s->num_inputs; i++) {
    const session_io *io = &s->inputs[i];
    if (is_set(set, io->name) || (io->optional && !fill)) continue;
    if (!fill) {
      char *known = list_inputs(s);
      cli_fail(CLI_USAGE, "no value for input '%s'; give NAME=WHAT for each input, or --fill random for the rest:%s",
               io->name, known);
      free(known);
      return false;
    }
    if (!add(s, io, generate(s, io, fill), set)) return false;
  }
  warn_unused_dims(s);
  return true;
}

bool inputs_said(void) { return opts.shapes.count || opts.dims.count || opts.fill; }

void inputs_free(input_set *set) {
  for (size_t i = 0; i < set->count; i++) value_free(set->values[i]);
  free(set->values), free(set->names), free(set->shown.pixels);
}
