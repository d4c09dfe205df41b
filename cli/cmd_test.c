// SPDX-License-Identifier: MIT
/* sardonyx test: folders of ONNX test cases against a library. A list of expected failures may only shrink: a case on it
 * that passes, and an entry that names no case, are failures themselves. */
#include "files.h"
#include "json.h"
#include "os.h"
#include "term.h"
#include "test_case.h"
#include "worker.h"
#include <stdlib.h>
#include <string.h>

static struct {
  double rtol, atol, timeout;
  const char *tolerances, *expect, *write_expect, *json;
  cli_list filters, skips;
  int64_t jobs, threads;
  bool list;
} opts = {.rtol = 1e-3, .atol = 1e-7, .timeout = 120, .jobs = 1};

static const cli_option options[] = {
    {"filter", 'f', CLI_LIST, "PATTERN", "only cases whose name matches, as in 'node/test_conv*' or '*softmax*'",
     &opts.filters},
    {"skip", 0, CLI_LIST, "PATTERN", "leave these out, and count them as skipped", &opts.skips},
    {"expect-fail", 'x', CLI_TEXT, "FILE", "names or patterns of cases that fail so far, one a line, '#' comments",
     &opts.expect},
    {"write-expect", 0, CLI_TEXT, "FILE", "write the names of the cases that failed, for --expect-fail",
     &opts.write_expect},
    {"rtol", 0, CLI_REAL, "X", "relative tolerance (default 1e-3, as in ONNX's own runner)", &opts.rtol},
    {"atol", 0, CLI_REAL, "X", "absolute tolerance (default 1e-7)", &opts.atol},
    {"tolerances", 0, CLI_TEXT, "FILE", "lines 'PATTERN RTOL ATOL' for single cases; the last match counts",
     &opts.tolerances},
    {"compare-threads", 0, CLI_INT, "N", "run each case on N threads, too, which must give the same bits", &opts.threads},
    {"jobs", 'J', CLI_INT, "N", "processes to use (0: one per processor)", &opts.jobs},
    {"timeout", 0, CLI_REAL, "SECONDS", "for one case (default 120)", &opts.timeout},
    {"list", 0, CLI_FLAG, NULL, "print the names of the cases and run none", &opts.list},
    {"json", 'j', CLI_TEXT, "FILE", "write the results as JSON ('-': to stdout, in place of the text)", &opts.json},
    {NULL},
};

static const cli_group groups[] = {
    {"Testing", options}, {"Session", session_options}, {"General", cli_general_options}, {NULL}};

typedef enum outcome { NOT_RUN, PASSED, FAILED, SKIPPED, FAILED_AS_EXPECTED, PASSED_UNEXPECTED } outcome;

typedef struct result {
  outcome what;
  bool expected_to_fail;
  value_tolerance tolerance;
  double seconds;
  char *why;
} result;

typedef struct suite {
  test_list list;
  result *results; /* one per case */
  size_t *order;   /* cases to run */
  size_t num_order, num_done, num_bad;
  char **expect; /* lines of the list; used[i] when one has named a case */
  size_t num_expect;
  bool *used;
  library *lib; /* in a worker */
} suite;

/* The pattern of a list's line without blanks and comment, or NULL; cuts the line. */
static char *pattern_of(char *line) {
  line += strspn(line, " \t");
  line[strcspn(line, " \t#\r")] = 0;
  return *line ? line : NULL;
}

/* By the whole name or its last part. */
static bool matches(const char *pattern, const char *name) {
  const char *slash = strrchr(name, '/');
  return cli_match(pattern, name) || (slash && cli_match(pattern, slash + 1));
}

static bool matches_any(const cli_list *patterns, const char *name) {
  for (size_t i = 0; i < patterns->count; i++)
    if (matches(patterns->items[i], name)) return true;
  return false;
}

static bool read_expectations(suite *s) {
  if (!opts.expect) return true;
  char **lines = file_lines(opts.expect, &s->num_expect);
  if (!lines) return false;
  s->expect = lines;
  s->used = cli_alloc(s->num_expect * sizeof *s->used);
  for (size_t k = 0; k < s->num_expect; k++) {
    char *pattern = pattern_of(lines[k]);
    for (size_t i = 0; pattern && i < s->list.count; i++)
      if (matches(pattern, s->list.cases[i].name)) s->used[k] = s->results[i].expected_to_fail = true;
    if (!pattern) s->used[k] = true;
  }
  return true;
}

static bool read_tolerances(suite *s) {
  for (size_t i = 0; i < s->list.count; i++) {
    s->results[i].tolerance = (value_tolerance){opts.rtol, opts.atol, 2};
    test_tolerance(&s->list.cases[i], &s->results[i].tolerance);
  }
  size_t count = 0;
  char **lines = opts.tolerances ? file_lines(opts.tolerances, &count) : NULL;
  if (opts.tolerances && !lines) return false;
  bool ok = true;
  for (size_t k = 0; k < count; k++) {
    char name[512];
    value_tolerance t = {.steps = 2};
    lines[k][strcspn(lines[k], "#")] = 0;
    int n = sscanf(lines[k], "%511s %lf %lf", name, &t.rtol, &t.atol);
    if (n > 0 && n < 3) ok = cli_fail(CLI_USAGE, "%s:%zu: wants PATTERN RTOL ATOL", opts.tolerances, k + 1);
    for (size_t i = 0; n == 3 && i < s->list.count; i++)
      if (matches(name, s->list.cases[i].name)) s->results[i].tolerance = t;
    free(lines[k]);
  }
  free(lines);
  return ok;
}

static bool start(void *context) {
  suite *s = context;
  return (s->lib = library_open(cli_opts.library)) != NULL;
}

static bool run_case(void *context, size_t index, char **why) {
  suite *s = context;
  size_t i = s->order[index];
  return test_run(s->lib, &s->list.cases[i], s->results[i].tolerance, (int)opts.threads, why);
}

static void done(void *context, size_t index, bool ok, double seconds, const char *why) {
  suite *s = context;
  result *r = &s->results[s->order[index]];
  if (ok)
    r->what = r->expected_to_fail ? PASSED_UNEXPECTED : PASSED;
  else
    r->what = r->expected_to_fail ? FAILED_AS_EXPECTED : FAILED;
  r->seconds = seconds;
  if (why) r->why = cli_copy(why, strlen(why));
  s->num_done++;
  s->num_bad += r->what == FAILED || r->what == PASSED_UNEXPECTED;
  term_progress((double)s->num_done / (double)s->num_order, "%zu of %zu, %zu failed", s->num_done, s->num_order,
                s->num_bad);
}

static void print_results(const suite *s) {
  static const char *const words[] = {
      "", "ok", "FAILED", "skipped", "fails as expected", "PASSED, but is listed as failing"};
  for (size_t i = 0; i < s->list.count; i++) {
    const result *r = &s->results[i];
    bool bad = r->what == FAILED || r->what == PASSED_UNEXPECTED;
    if (r->what == NOT_RUN || (!bad && !cli_opts.verbose)) continue;
    printf("%s%s%s %s", term_code(stdout, bad ? TERM_RED : TERM_GREEN), words[r->what], term_code(stdout, TERM_PLAIN),
           s->list.cases[i].name);
    if (r->why) printf(": %s", r->why);
    if (r->what == PASSED_UNEXPECTED) printf(": take it off %s", opts.expect);
    printf("\n");
  }
  for (size_t k = 0; k < s->num_expect; k++)
    if (!s->used[k] && !opts.filters.count)
      printf("%sFAILED%s %s:%zu: '%s' names no case: take it off\n", term_code(stdout, TERM_RED),
             term_code(stdout, TERM_PLAIN), opts.expect, k + 1, s->expect[k]);
}

static bool write_json(const suite *s, const size_t counts[3]) {
  static const char *const words[] = {
      "not run", "passed", "failed", "skipped", "failed as expected", "passed unexpectedly"};
  json j;
  if (!json_begin(&j, opts.json)) return false;
  json_open(&j, NULL, '{');
  json_int(&j, "passed", (int64_t)counts[0]);
  json_int(&j, "failed", (int64_t)counts[1]);
  json_int(&j, "skipped", (int64_t)counts[2]);
  json_open(&j, "cases", '[');
  for (size_t i = 0; i < s->list.count; i++) {
    const result *r = &s->results[i];
    if (r->what == NOT_RUN) continue;
    json_open(&j, NULL, '{');
    json_text(&j, "name", s->list.cases[i].name);
    json_text(&j, "result", words[r->what]);
    json_real(&j, "seconds", r->seconds);
    if (r->why) json_text(&j, "why", r->why);
    json_close(&j, '}');
  }
  json_close(&j, ']');
  json_close(&j, '}');
  return json_end(&j, opts.json);
}

static bool write_expectations(const suite *s) {
  FILE *f = fopen(opts.write_expect, "w");
  if (!f) return cli_fail(CLI_BROKEN, "%s: cannot be written", opts.write_expect);
  for (size_t i = 0; i < s->list.count; i++) {
    const result *r = &s->results[i];
    if (r->what == FAILED || r->what == FAILED_AS_EXPECTED) fprintf(f, "%s\n", s->list.cases[i].name);
  }
  return !fclose(f) || cli_fail(CLI_BROKEN, "%s: cannot be written", opts.write_expect);
}

static bool report(const suite *s) {
  size_t counts[3] = {0}; /* passed, failed, skipped */
  for (size_t i = 0; i < s->list.count; i++) {
    outcome w = s->results[i].what;
    if (w != NOT_RUN) counts[w == PASSED ? 0 : w == FAILED || w == PASSED_UNEXPECTED ? 1 : 2]++;
  }
  for (size_t k = 0; k < s->num_expect; k++) counts[1] += !s->used[k] && !opts.filters.count;
  bool text = !opts.json || strcmp(opts.json, "-");
  if (text) print_results(s);
  if (text) printf("%zu passed, %zu failed, %zu skipped\n", counts[0], counts[1], counts[2]);
  bool ok = (!opts.json || write_json(s, counts)) && (!opts.write_expect || write_expectations(s));
  return ok && !counts[1];
}

/* Decides which cases run; prints them under --list. */
static void select_cases(suite *s) {
  s->order = cli_alloc(s->list.count * sizeof *s->order);
  for (size_t i = 0; i < s->list.count; i++) {
    const char *name = s->list.cases[i].name;
    if (opts.filters.count && !matches_any(&opts.filters, name)) continue;
    if (opts.list) {
      printf("%s\n", name);
    } else if (matches_any(&opts.skips, name)) {
      s->results[i].what = SKIPPED;
    } else {
      s->order[s->num_order++] = i;
    }
  }
}

static void suite_free(suite *s) {
  for (size_t i = 0; i < s->list.count; i++) free(s->results[i].why);
  for (size_t k = 0; k < s->num_expect; k++) free(s->expect[k]);
  free(s->expect), free(s->used), free(s->results), free(s->order);
  test_list_free(&s->list);
}

static int run(int count, char **args) {
  suite s = {0};
  bool good = false;
  for (int i = 0; i < count; i++) {
    if (!os_is_folder(args[i])) return cli_fail(CLI_BROKEN, "%s is no folder", args[i]), CLI_BROKEN;
    test_find(args[i], &s.list);
  }
  s.results = cli_alloc(s.list.count * sizeof *s.results);
  bool ok =
      (s.list.count || cli_fail(CLI_BROKEN, "no case found: a case is a folder with model.onnx and test_data_set_0")) &&
      read_expectations(&s) && read_tolerances(&s);
  if (ok) {
    select_cases(&s);
    worker_jobs jobs = {.count = s.num_order,
                        .processes = opts.jobs > 0 ? (int)opts.jobs : os_processors(),
                        .timeout = opts.timeout,
                        .keep_stderr = cli_opts.verbose,
                        .context = &s,
                        .start = start,
                        .job = run_case,
                        .done = done};
    ok = worker_run(&jobs);
    term_progress_end();
    good = ok && (opts.list || report(&s));
  }
  suite_free(&s);
  return good ? CLI_OK : CLI_FAILED;
}

const cli_command cli_command_test = {
    .name = "test",
    .args = "FOLDER ... [OPTIONS]",
    .summary = "run ONNX test cases and count what passes",
    .text =
        "Runs every case at or below the folders: model.onnx with test_data_set_N/input_K.pb and output_K.pb, as the onnx\n"
        "package writes them. Tensors of every type, texts, sequences, maps and optionals are compared. A case that\n"
        "crashes the library fails and the rest goes on. Ends with the line 'N passed, N failed, N skipped'; a case\n"
        "that fails and is listed by --expect-fail counts as skipped. Exit code 1 when anything failed.\n\n"
        "Examples\n"
        "  sardonyx test onnx/backend/test/data/node --jobs 4\n"
        "  sardonyx test cases --filter '*softmax*' --verbose\n"
        "  sardonyx test cases --write-expect known.txt        then, until it is empty:\n"
        "  sardonyx test cases --expect-fail known.txt\n"
        "  sardonyx test cases --library /usr/lib/libonnxruntime.so.1\n",
    .groups = groups,
    .least = 1,
    .most = -1,
    .run = run,
};
