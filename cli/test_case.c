// SPDX-License-Identifier: MIT
/* Finding cases and running one. */
#include "test_case.h"
#include "files.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

static void add(test_list *list, const char *name, char *model, char *stem, const char *folder) {
  list->cases = cli_grow(list->cases, list->count + 1, sizeof *list->cases);
  list->cases[list->count++] = (test_case){cli_copy(name, strlen(name)), model, stem, cli_copy(folder, strlen(folder))};
}

/* A light model in `folder` becomes a case when its first output is there. */
static void add_light(const char *folder, const char *prefix, const char *file, test_list *list) {
  char *base = cli_copy(file, strlen(file) - strlen(".onnx"));
  char *stem = cli_text("%s/%s", folder, base), *output = cli_text("%s_output_0.pb", stem);
  if (os_is_file(output)) {
    char *name = cli_text("%s%s", prefix, base);
    add(list, name, cli_text("%s/%s", folder, file), stem, folder);
    free(name);
  } else {
    free(stem);
  }
  free(output), free(base);
}

static void find(const char *folder, const char *name, int depth, test_list *list) {
  char *model = cli_text("%s/model.onnx", folder);
  if (os_is_file(model)) {
    add(list, name, model, NULL, folder);
    return;
  }
  free(model);
  size_t count;
  char **files = depth < 16 ? os_list(folder, &count) : NULL, *prefix = cli_text("%s%s", name, *name ? "/" : "");
  for (size_t i = 0; files && i < count; i++) {
    char *path = cli_text("%s/%s", folder, files[i]), *inner = cli_text("%s%s", prefix, files[i]);
    if (os_is_folder(path))
      find(path, inner, depth + 1, list);
    else if (file_ends_with(files[i], ".onnx"))
      add_light(folder, prefix, files[i], list);
    free(path), free(inner), free(files[i]);
  }
  free(files), free(prefix);
}

void test_find(const char *root, test_list *list) {
  size_t length = strlen(root);
  while (length > 1 && root[length - 1] == '/') length--;
  char *folder = cli_copy(root, length), *model = cli_text("%s/model.onnx", folder);
  const char *slash = strrchr(folder, '/');
  find(folder, os_is_file(model) ? (slash ? slash + 1 : folder) : "", 0, list);
  free(folder), free(model);
}

void test_list_free(test_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    test_case *c = &list->cases[i];
    free(c->name), free(c->model), free(c->stem), free(c->folder);
  }
  free(list->cases);
}

static void json_number(const char *text, const char *key, double *out) {
  const char *p = strstr(text, key);
  if (p && (p = strchr(p, ':'))) *out = strtod(p + 1, NULL);
}

void test_tolerance(const test_case *c, value_tolerance *t) {
  char *path = cli_text("%s/data.json", c->folder);
  const uint8_t *data;
  size_t size;
  if (!c->stem && os_is_file(path) && os_map(path, &data, &size)) {
    char *text = cli_copy((const char *)data, size);
    json_number(text, "\"rtol\"", &t->rtol);
    json_number(text, "\"atol\"", &t->atol);
    free(text);
    os_unmap(data, size);
  }
  free(path);
}

static pb_form form_of(const session_io *io) { return (pb_form){io ? io->type : ONNX_TYPE_TENSOR, io && io->optional}; }

typedef struct feeds {
  const char **names;
  value **values;
  size_t count;
} feeds;

static void feed(feeds *f, const char *name, value *v) {
  f->names = cli_grow(f->names, f->count + 1, sizeof *f->names);
  f->values = cli_grow(f->values, f->count + 1, sizeof *f->values);
  f->names[f->count] = name;
  f->values[f->count++] = v;
}

/* input_K.pb goes to the input it names, else to the K-th. */
static bool read_inputs(const session *s, const char *set, feeds *f) {
  for (size_t k = 0;; k++) {
    char *path = cli_text("%s/input_%zu.pb", set, k);
    const session_io *io = k < s->num_inputs ? &s->inputs[k] : NULL;
    bool there = os_is_file(path);
    value *v = there ? pb_read(path, form_of(io)) : NULL;
    free(path);
    if (!there) return true;
    if (!v) return false;
    const session_io *named = v->name ? session_input(s, v->name) : NULL;
    if (named) io = named;
    if (!io) {
      value_free(v);
      return cli_fail(CLI_BROKEN, "input_%zu.pb: the model has %zu inputs", k, s->num_inputs);
    }
    feed(f, io->name, v);
  }
}

static bool make_inputs(const session *s, feeds *f) {
  for (size_t k = 0; k < s->num_inputs; k++) {
    const session_io *io = &s->inputs[k];
    if (!io->element || io->type != ONNX_TYPE_TENSOR) return cli_fail(CLI_BROKEN, "input '%s' is no tensor", io->name);
    int64_t *dims = cli_alloc(io->rank * sizeof *dims);
    for (size_t d = 0; d < io->rank; d++) dims[d] = io->dims[d] < 0 ? 1 : io->dims[d];
    value *v = value_tensor(io->element, io->rank, dims);
    free(dims);
    if (!v || v->strings) return value_free(v), cli_fail(CLI_BROKEN, "input '%s' holds texts", io->name);
    for (size_t i = 0; i < v->count; i++) dtype_set(v->type, v->data, i, (double)i / (double)v->count);
    feed(f, io->name, v);
  }
  return true;
}

/* Compares with <stem>output_K.pb. */
static bool compare(const session *s, value **out, const char *stem, value_tolerance t) {
  size_t k = 0;
  for (;; k++) {
    char *path = cli_text("%soutput_%zu.pb", stem, k), *why = NULL;
    bool there = os_is_file(path);
    value *want = there && k < s->num_outputs ? pb_read(path, form_of(&s->outputs[k])) : NULL;
    free(path);
    if (!there) break;
    if (k >= s->num_outputs) return cli_fail(CLI_FAILED, "output_%zu.pb: the model has %zu outputs", k, s->num_outputs);
    if (!want) return false;
    bool same = value_equal(out[k], want, t, &why);
    value_free(want);
    if (!same) cli_fail(CLI_FAILED, "output '%s': %s", s->outputs[k].name, why);
    free(why);
    if (!same) return false;
  }
  return k > 0 || cli_fail(CLI_FAILED, "no output_0.pb to compare with");
}

/* Whether session t gives on the same inputs what s gave. */
static bool repeat(session *t, const feeds *f, value *const *want) {
  value **out = cli_alloc(t->num_outputs * sizeof *out);
  bool ok = session_run(t, f->count, f->names, f->values, out);
  for (size_t i = 0; ok && i < t->num_outputs; i++) {
    char *why = NULL;
    if (!value_same(out[i], want[i], &why)) ok = cli_fail(CLI_FAILED, "output '%s' with more threads: %s", t->outputs[i].name, why);
    free(why);
  }
  for (size_t i = 0; i < t->num_outputs; i++) value_free(out[i]);
  free(out);
  return ok;
}

/* On session s, and again on `again`, unless that is NULL. */
static bool run_set(session *s, session *again, const test_case *c, const char *set, value_tolerance t) {
  feeds f = {0};
  value **out = cli_alloc(s->num_outputs * sizeof *out);
  char *stem = set ? cli_text("%s/", set) : cli_text("%s_", c->stem);
  bool ok = (set ? read_inputs(s, set, &f) : make_inputs(s, &f)) && session_run(s, f.count, f.names, f.values, out) &&
            compare(s, out, stem, t) && (!again || repeat(again, &f, out));
  for (size_t i = 0; i < f.count; i++) value_free(f.values[i]);
  for (size_t i = 0; i < s->num_outputs; i++) value_free(out[i]);
  free(f.names), free(f.values), free(out), free(stem);
  return ok;
}

bool test_run(library *lib, const test_case *c, value_tolerance t, int threads, char **why) {
  cli_failure_clear();
  session *s = session_open(lib, c->model), *again = s && threads > 0 ? session_open_threads(lib, c->model, threads) : NULL;
  bool ok = s && (again || threads <= 0);
  if (ok && c->stem) ok = run_set(s, again, c, NULL, t);
  size_t sets = 0;
  for (; ok && !c->stem; sets++) {
    char *set = cli_text("%s/test_data_set_%zu", c->folder, sets);
    bool there = os_is_folder(set);
    if (there && !(ok = run_set(s, again, c, set, t)) && sets) cli_fail_context("data set %zu", sets);
    free(set);
    if (!there) break;
  }
  if (ok && !c->stem && !sets) ok = cli_fail(CLI_FAILED, "no test_data_set_0");
  session_close(again);
  if (!session_close(s)) ok = false;
  if (!ok) *why = cli_copy(cli_failure_text(), strlen(cli_failure_text()));
  cli_failure_clear();
  return ok;
}
