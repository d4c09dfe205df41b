// SPDX-License-Identifier: MIT
/* Passes on graphs in text form: the cases of tests/pass/<name>.txt. A case is
 *   === title
 *   graph ...
 *   --- pass pass ...        (which ones run; "all": every pass of level 99)
 *   graph ...                (the result)
 * Each case also runs on random inputs: as it is, at level 99, and fused with every private operator lowered again; all
 * agree. With the environment variable SX_UPDATE set the files are rewritten to what comes out: look at the difference
 * before keeping it. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ir/text.h"
#include "run/session.h"

enum { MAX_FILES = 64 };
static char *read_file(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("cannot open %s", path);
  char *p = malloc(1 << 20);
  *n = fread(p, 1, (1 << 20) - 1, f);
  p[*n] = 0;
  fclose(f);
  return p;
}

static sx_model *parse(sx_str text, const char *title) {
  sx_err e = {0};
  sx_model *m;
  if (sx_graph_parse(text, sx_op_find, &m, &e) != SX_OK || sx_infer_graph(m->graph, &e) != SX_OK)
    fail_msg("%s: %s", title, e.msg);
  return m;
}

/* Names of all passes but those listed. */
static void disable_others(sx_str wanted, char *out, size_t size) {
  *out = 0;
  for (int i = 0; sx_passes[i].name; i++) {
    size_t n = strlen(sx_passes[i].name);
    bool listed = false;
    for (size_t k = 0; k + n <= wanted.n; k++)
      listed |= !memcmp(wanted.p + k, sx_passes[i].name, n) && (k == 0 || wanted.p[k - 1] == ' ') &&
                (k + n == wanted.n || wanted.p[k + n] == ' ');
    if (!listed && strlen(out) + n + 2 < size) strcat(strcat(out, sx_passes[i].name), ";");
  }
}

/* As in a session: no pass makes what no kernel takes. */
static uint32_t can_run(void *ctx, const sx_graph *g, sx_nid n) {
  const char *reason;
  const sx_kernel *k = sx_plan_choose(g, n, &(sx_plan_options){.providers = ctx}, &reason);
  return !k ? 0 : k->flags & SX_KERNEL_BLOCKED ? SX_RUNS_PLAIN | SX_RUNS_BLOCKED : SX_RUNS_PLAIN;
}

static void run_passes(sx_model *m, sx_str wanted, const char *title, sx_text *out) {
  char disabled[2048];
  sx_err e = {0};
  disable_others(wanted, disabled, sizeof disabled);
  const sx_provider *providers[SX_OWN_PROVIDERS + 1];
  sx_own_providers(providers);
  sx_pass_ctx c = {.g = m->graph,
                   .level = 99,
                   .evaluate = sx_evaluate_node,
                   .can_run = can_run,
                   .can_run_ctx = providers,
                   .channel_block = 16,
                   .disabled = sx_str_is(wanted, "all") ? NULL : disabled,
                   .e = &e};
  if (sx_passes_run(&c) != SX_OK) fail_msg("%s: %s", title, e.msg);
  assert_int_equal(sx_graph_verify(m->graph, &e), SX_OK);
  sx_graph_print(m->graph, 8, out);
}

/* Every pass that keeps the plain layout, then every private operator put back into standard ones. */
static void optimise_and_lower(sx_model *m, const char *title) {
  sx_err e = {0};
  sx_graph *g = m->graph;
  sx_pass_ctx c = {.g = g, .level = 99, .evaluate = sx_evaluate_node, .disabled = "layout", .e = &e};
  if (sx_passes_run(&c) != SX_OK) fail_msg("%s: %s", title, e.msg);
  for (uint32_t i = 0; i < g->nodes.n; i++) {
    const sx_node *n = sx_node_at(g, i);
    if (n->dead || !(n->op->flags & SX_OP_PRIVATE)) continue;
    if (!n->op->lower) fail_msg("%s: %s has no lowering", title, n->op->name);
    if (n->op->lower(g, i, &e) != SX_OK) fail_msg("%s: %s", title, e.msg);
  }
  if (sx_infer_graph(g, &e) != SX_OK || sx_graph_verify(g, &e) != SX_OK) fail_msg("%s: after lowering: %s", title, e.msg);
}

enum { LOWERED = -1 };
/* Runs the text at a level; false when some operator has no kernel (yet). LOWERED: at level 0 after fusing and lowering. */
static bool run_at(sx_str text, const char *title, int level, sx_rt_value **out, uint32_t *n_out) {
  sx_err e = {0};
  sx_model *m = parse(text, title);
  sx_session *s;
  sx_rt_value *in[16] = {0};
  if (level == LOWERED) {
    optimise_and_lower(m, title);
    level = 0;
  }
  sx_status st = sx_session_create_model(m, &(sx_session_options){.level = level}, &s, &e);
  if (st == SX_E_NOT_IMPLEMENTED) return false;
  if (st != SX_OK) fail_msg("%s at level %d: %s", title, level, e.msg);
  const sx_graph *g = sx_session_model(s)->graph;
  uint32_t r = 7;
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    const sx_fact *f = &sx_value_at(g, g->inputs.at[i])->fact;
    int64_t dims[SX_MAX_RANK];
    for (int k = 0; k < f->rank; k++) { /* a symbol's size follows from its first letter: o is one */
      sx_text t = {0};
      sx_dim_print(&g->model->dims, f->dims[k], &t);
      dims[k] = sx_dim_is_const(f->dims[k]) ? f->dims[k] : t.p[0] == 'o' ? 1 : 2 + t.p[0] % 5;
      sx_text_free(&t);
    }
    assert_int_equal(sx_rt_tensor_create((sx_dtype)f->dtype, (uint32_t)f->rank, dims, NULL, &in[i], &e), SX_OK);
    for (int64_t k = 0; k < in[i]->count; k++, r = r * 1664525u + 1013904223u) {
      double x = (double)(r >> 8) / (1 << 23) - 1;
      if (f->dtype == SX_F32)
        ((float *)in[i]->data)[k] = (float)x;
      else if (f->dtype == SX_F64)
        ((double *)in[i]->data)[k] = x;
      else if (f->dtype == SX_I64)
        ((int64_t *)in[i]->data)[k] = r >> 30;
      else if (f->dtype == SX_F16) /* 1/2 to 2, of either sign */
        ((uint16_t *)in[i]->data)[k] = (uint16_t)((r >> 31) << 15 | (14u << 10) | (r >> 8 & 0x7ff));
      else
        ((uint8_t *)in[i]->data)[k] = (uint8_t)(r >> 31);
    }
  }
  if (sx_session_run(s, NULL, in, out, NULL, &e) != SX_OK) fail_msg("%s at level %d: %s", title, level, e.msg);
  *n_out = g->outputs.n;
  for (uint32_t i = 0; i < g->inputs.n; i++) sx_rt_unref(in[i]);
  sx_session_destroy(s);
  return true;
}

static double f16(uint16_t h) { /* of a normal number or zero */
  return (h >> 15 ? -1 : 1) * (h & 0x7fff ? ldexp(1024 + (h & 1023), (h >> 10 & 31) - 25) : 0);
}
static double element(const sx_rt_value *v, int64_t i) {
  return v->type.dtype == SX_F32   ? ((float *)v->data)[i]
         : v->type.dtype == SX_F64 ? ((double *)v->data)[i]
         : v->type.dtype == SX_I64 ? (double)((int64_t *)v->data)[i]
         : v->type.dtype == SX_F16 ? f16(((uint16_t *)v->data)[i])
                                   : ((uint8_t *)v->data)[i];
}

static bool mentions(sx_str text, const char *word) {
  const size_t n = strlen(word);
  for (size_t i = 0; i + n <= text.n; i++)
    if (!memcmp(text.p + i, word, n)) return true;
  return false;
}
static void check_equal(sx_str text, const char *title, int level) {
  sx_rt_value *a[16] = {0}, *b[16] = {0};
  uint32_t n = 0;
  /* Unoptimised, 16 bits are rounded to after every operator. */
  const double tolerance = mentions(text, "bfloat16[") ? 2e-2 : mentions(text, "float16[") ? 3e-3 : 2e-5;
  if (!run_at(text, title, 0, a, &n) || !run_at(text, title, level, b, &n)) {
    print_message("%s: not run, an operator has no kernel\n", title);
    return;
  }
  for (uint32_t o = 0; o < n; o++) {
    double largest = 0;
    if (a[o]->count != b[o]->count || a[o]->rank != b[o]->rank)
      fail_msg("%s at level %d: output %u has another shape", title, level, o);
    for (int64_t i = 0; i < a[o]->count; i++) largest = fmax(largest, fabs(element(a[o], i)));
    for (int64_t i = 0; i < a[o]->count; i++) {
      double x = element(a[o], i), y = element(b[o], i);
      if (!(fabs(x - y) <= tolerance * largest + 1e-12) && !(isnan(x) && isnan(y)))
        fail_msg("%s at level %d: output %u element %lld is %g, unoptimised %g", title, level, o, (long long)i, y, x);
    }
    sx_rt_unref(a[o]);
    sx_rt_unref(b[o]);
  }
}

static sx_str trim(const char *from, const char *to) {
  while (from < to && (*from == '\n' || *from == ' ')) from++;
  while (to > from && (to[-1] == '\n' || to[-1] == ' ')) to--;
  return (sx_str){from, (size_t)(to - from)};
}

static void run_case(const char *p, const char *end, bool update, sx_text *rewritten) {
  char title[200];
  const char *eol = memchr(p, '\n', (size_t)(end - p)), *bar = strstr(p, "\n--- ");
  if (!eol || !bar || bar > end) fail_msg("a malformed case: %.80s", p);
  snprintf(title, sizeof title, "%.*s", (int)(eol - p), p);
  const char *bar_end = strchr(bar + 1, '\n');
  if (!bar_end) bar_end = end;
  sx_str in = trim(eol, bar), wanted = trim(bar + 5, bar_end), want = trim(bar_end, end);
  sx_text got = {0};
  sx_model *m = parse(in, title);
  run_passes(m, wanted, title, &got);
  sx_str result = trim(got.p, got.p + got.n);
  if (update)
    sx_text_add(rewritten, "%s=== %s\n%.*s\n--- %.*s\n%.*s\n", rewritten->n ? "\n" : "", title, (int)in.n, in.p,
                (int)wanted.n, wanted.p, (int)result.n, result.p);
  else if (!sx_str_eq(result, want))
    fail_msg("%s: expected\n%.*s\ngot\n%.*s\n", title, (int)want.n, want.p, (int)result.n, result.p);
  sx_text_free(&got);
  sx_model_destroy(m);
  check_equal(in, title, 99);
  check_equal(in, title, LOWERED);
}

static void cases(void **state) {
  const char *name = *state;
  char path[512];
  size_t n;
  snprintf(path, sizeof path, "%s/tests/pass/%s.txt", SX_SOURCE_DIR, name);
  char *text = read_file(path, &n), *p = text;
  bool update = getenv("SX_UPDATE") != NULL;
  sx_text rewritten = {0};
  while ((p = strstr(p, "=== ")) != NULL) {
    char *next = strstr(p + 4, "\n=== ");
    char *end = next ? next + 1 : text + n;
    if (p == text || p[-1] == '\n') run_case(p + 4, end, update, &rewritten);
    p = end;
  }
  if (update) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(rewritten.p, 1, rewritten.n, f);
    fclose(f);
  }
  sx_text_free(&rewritten);
  free(text);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Every NAME.txt of the folder, but fired.txt, which is fired_test's. */
int main(void) {
  static char names[MAX_FILES][64];
  char *files[MAX_FILES];
  struct CMUnitTest tests[MAX_FILES];
  int n = 0;
  DIR *d = opendir(SX_SOURCE_DIR "/tests/pass");
  for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
    size_t length = strlen(e->d_name);
    if (length < 5 || length - 4 >= sizeof *names || strcmp(e->d_name + length - 4, ".txt") ||
        !strcmp(e->d_name, "fired.txt"))
      continue;
    if (n == MAX_FILES) return fprintf(stderr, "more than %d files of cases\n", MAX_FILES), 1;
    memcpy(names[n], e->d_name, length - 4);
    files[n] = names[n], n++;
  }
  if (d) closedir(d);
  if (!n) return fprintf(stderr, "no cases in %s\n", SX_SOURCE_DIR "/tests/pass"), 1;
  qsort(files, (size_t)n, sizeof *files, by_name);
  for (int i = 0; i < n; i++)
    tests[i] = (struct CMUnitTest){.name = files[i], .test_func = cases, .initial_state = files[i]};
  return _cmocka_run_group_tests("passes", tests, (size_t)n, NULL, NULL);
}
