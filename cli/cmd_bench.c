// SPDX-License-Identifier: MIT
/* sardonyx bench: load time, latency and memory of one model, or of two libraries side by side. With --against, blocks of
 * runs alternate between the two, so that what the machine does in between hits both alike. */
#include "bench_run.h"
#include "input.h"
#include "json.h"
#include "os.h"
#include "term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
  int64_t count, warmup, concurrency, stops;
  double seconds;
  const char *json, *against;
  bool reuse;
} opts = {.warmup = 3, .seconds = 3, .concurrency = 1};

static const cli_option options[] = {
    {"count", 'n', CLI_INT, "N", "number of runs (default: as many as fit into --duration)", &opts.count},
    {"duration", 0, CLI_REAL, "SECONDS", "how long to measure (default 3)", &opts.seconds},
    {"warmup", 'w', CLI_INT, "N", "runs before measuring (default 3)", &opts.warmup},
    {"concurrency", 0, CLI_INT, "N", "callers that run the same session at the same time", &opts.concurrency},
    {"reuse-outputs", 0, CLI_FLAG, NULL, "hand the first run's outputs to later runs to write into", &opts.reuse},
    {"stops", 0, CLI_INT, "N", "terminate N runs at different points, and print how long each goes on", &opts.stops},
    {"against", 'a', CLI_TEXT, "FILE", "measure this library too, in turns, and print the ratio of medians", &opts.against},
    {"json", 'j', CLI_TEXT, "FILE", "write JSON ('-': to stdout, in place of the text)", &opts.json},
    {NULL},
};

static const cli_group groups[] = {
    {"Measuring", options},
    {"Input (what gets nothing else is random)", input_options},
    {"Pictures as input", picture_options},
    {"Session", session_options},
    {"General", cli_general_options},
    {NULL},
};

typedef struct summary {
  double least, mean, p50, p90, p99, most, rate; /* seconds; runs per second */
} summary;

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Linear between the neighbours, on sorted samples. */
static double percentile(const double *v, size_t n, double p) {
  double at = p * (double)(n - 1);
  size_t i = (size_t)at;
  return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

static summary summarize(bench *b) {
  summary s = {0};
  qsort(b->samples, b->count, sizeof *b->samples, ascending);
  for (size_t i = 0; i < b->count; i++) s.mean += b->samples[i] / (double)b->count;
  s.least = b->samples[0], s.most = b->samples[b->count - 1];
  s.p50 = percentile(b->samples, b->count, 0.5);
  s.p90 = percentile(b->samples, b->count, 0.9);
  s.p99 = percentile(b->samples, b->count, 0.99);
  s.rate = (double)b->count / b->busy_seconds;
  return s;
}

static void print_summary(const char *model, const bench *b, const summary *s) {
  char t[8][32];
  printf("%s%s%s on %s %s\n", term_code(stdout, TERM_BOLD), model, term_code(stdout, TERM_PLAIN), b->lib->path,
         b->lib->base->GetVersionString());
  printf("  load      %s, first run %s\n", term_seconds(t[0], b->session->load_seconds),
         term_seconds(t[1], b->first_seconds));
  printf("  runs      %zu in %s, %.4g per second\n", b->count, term_seconds(t[0], b->busy_seconds), s->rate);
  printf("  latency   %smedian %s%s  mean %s  min %s  p90 %s  p99 %s  max %s\n", term_code(stdout, TERM_BOLD),
         term_seconds(t[0], s->p50), term_code(stdout, TERM_PLAIN), term_seconds(t[1], s->mean),
         term_seconds(t[2], s->least), term_seconds(t[3], s->p90), term_seconds(t[4], s->p99), term_seconds(t[5], s->most));
  if (b->memory_before)
    printf("  memory    %s before load, %s after\n", term_bytes(t[0], (double)b->memory_before),
           term_bytes(t[1], (double)b->memory_loaded));
  if (b->allocations) printf("  allocated %.4g times per run\n", (double)b->allocations / (double)b->count);
}

static void json_summary(json *j, const bench *b, const summary *s) {
  json_open(j, NULL, '{');
  json_text(j, "library", b->lib->path);
  json_text(j, "version", b->lib->base->GetVersionString());
  json_real(j, "load_seconds", b->session->load_seconds);
  json_real(j, "first_run_seconds", b->first_seconds);
  json_int(j, "runs", (int64_t)b->count);
  json_int(j, "concurrency", opts.concurrency);
  json_real(j, "runs_per_second", s->rate);
  json_open(j, "latency_seconds", '{');
  json_real(j, "median", s->p50);
  json_real(j, "mean", s->mean);
  json_real(j, "min", s->least);
  json_real(j, "p90", s->p90);
  json_real(j, "p99", s->p99);
  json_real(j, "max", s->most);
  json_close(j, '}');
  json_real(j, "processor_seconds_per_run", b->processor_seconds / (double)b->count);
  json_real(j, "allocations_per_run", (double)b->allocations / (double)b->count);
  json_int(j, "memory_before_load", (int64_t)b->memory_before);
  json_int(j, "memory_after_load", (int64_t)b->memory_loaded);
  json_close(j, '}');
}

static bool report(const char *model, bench *b, int count) {
  summary s[2];
  json j;
  bool text = !opts.json || strcmp(opts.json, "-");
  for (int i = 0; i < count; i++) {
    s[i] = summarize(&b[i]);
    if (text) print_summary(model, &b[i], &s[i]);
  }
  char peak[32];
  if (text && b[0].memory_before)
    printf("%s of memory at the most%s\n", term_bytes(peak, (double)os_memory_peak()), count == 2 ? ", both together" : "");
  if (text && count == 2)
    printf("%sthe first takes %.3f times as long as the second%s (ratio of medians)\n", term_code(stdout, TERM_BOLD),
           s[0].p50 / s[1].p50, term_code(stdout, TERM_PLAIN));
  if (!opts.json) return true;
  if (!json_begin(&j, opts.json)) return false;
  json_open(&j, NULL, '{');
  json_text(&j, "model", model);
  json_open(&j, "results", '[');
  for (int i = 0; i < count; i++) json_summary(&j, &b[i], &s[i]);
  json_close(&j, ']');
  json_int(&j, "memory_peak", (int64_t)os_memory_peak());
  if (count == 2) json_real(&j, "ratio_of_medians", s[0].p50 / s[1].p50);
  json_close(&j, '}');
  return json_end(&j, opts.json);
}

/* Measures all benches in turns of about a twentieth of a second each. */
static bool measure(bench *b, int count) {
  double start = os_seconds(), budget = opts.count > 0 ? INFINITY : opts.seconds * count;
  size_t wanted = opts.count > 0 ? (size_t)opts.count : SIZE_MAX;
  for (;;) {
    double elapsed = os_seconds() - start;
    bool all = true;
    for (int i = 0; i < count; i++) all = all && b[i].count >= wanted;
    if (all || (elapsed >= budget && b[count - 1].count)) return true;
    for (int i = 0; i < count; i++)
      if (b[i].count < wanted && !bench_block(&b[i], 0.05, wanted - b[i].count)) return false;
    double share = opts.count > 0 ? (double)b[0].count / (double)opts.count : elapsed / budget;
    term_progress(share, "%zu runs, %.4g ms", b[0].count, 1e3 * b[0].samples[b[0].count - 1]);
  }
}

static bool measure_stops(bench *b) {
  enum { TRIES = 3 }; /* of each point: what the machine does in between is not meant */
  double worst = 0, at = 0;
  char t[3][32];
  if (!bench_warm_up(b, 1) || !bench_block(b, 0, 1)) return false;
  const double whole = b->processor_seconds;
  for (int64_t i = 0; i < opts.stops; i++) {
    double share = ((double)i + 0.5) / (double)opts.stops, least = INFINITY;
    for (int k = 0; k < TRIES; k++) {
      double seconds;
      bool done;
      if (!bench_stop(b, whole, share, &seconds, &done)) return false;
      if (seconds < least) least = done && seconds < 0 ? 0 : seconds;
    }
    if (least > worst) worst = least, at = share * whole;
  }
  printf("terminated runs go on for %s at the most, at %s of %s (processor time)\n", term_seconds(t[0], worst),
         term_seconds(t[1], at), term_seconds(t[2], whole));
  return true;
}

static bool run_benches(const char *model, int count, char **specs) {
  const char *const libraries[2] = {cli_opts.library, opts.against};
  int benches = opts.against ? 2 : 1;
  bench b[2] = {{0}};
  bool ok = true;
  if (opts.stops > 0) {
    ok = bench_open(&b[0], libraries[0], model, specs, count, 1, false) && measure_stops(&b[0]);
    bench_close(&b[0]);
    return ok;
  }
  for (int i = 0; i < benches && ok; i++)
    ok = bench_open(&b[i], libraries[i], model, specs, count, (size_t)opts.concurrency, opts.reuse) &&
         bench_warm_up(&b[i], opts.warmup);
  ok = ok && measure(b, benches);
  term_progress_end();
  ok = ok && report(model, b, benches);
  for (int i = 0; i < benches; i++) bench_close(&b[i]);
  return ok;
}

static int run(int count, char **args) {
  if (opts.concurrency < 1 || opts.concurrency > 1024)
    return cli_fail(CLI_USAGE, "--concurrency wants 1 to 1024"), CLI_USAGE;
  run_benches(args[0], count - 1, args + 1);
  return cli_failure_code();
}

const cli_command cli_command_bench = {
    .name = "bench",
    .args = "MODEL [[NAME=]WHAT ...] [OPTIONS]",
    .summary = "load time, latency, throughput and memory of a model",
    .text =
        "Loads a model, runs it over and over, and prints load time, latency and memory. Inputs are given as for\n"
        "'run'; those not given are random. With --against a second library runs the same in turns.\n\n"
        "Examples\n"
        "  sardonyx bench resnet.onnx --threads 1\n"
        "  sardonyx bench bert.onnx --dim batch=1 --dim sequence=128 --fill ones --count 200\n"
        "  sardonyx bench model.onnx --concurrency 4 --threads 1 --json result.json\n"
        "  sardonyx bench model.onnx --against /usr/lib/libonnxruntime.so.1 --config session.intra_op.allow_spinning=0\n"
        "      (a pool that spins takes the processor from the other library: switch it off, or use one thread)\n",
    .groups = groups,
    .least = 1,
    .most = -1,
    .run = run,
};
