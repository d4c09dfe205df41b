// SPDX-License-Identifier: MIT
/* The measuring loop. Several callers run on threads of their own for the length of a block; each writes its own samples.
 */
#include "bench_run.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

static OrtStatus *run_once(bench *b, size_t caller, const OrtRunOptions *options, OrtValue **out) {
  const OrtApi *api = b->lib->api;
  size_t n = b->session->num_outputs;
  for (size_t i = 0; i < n; i++) out[i] = b->kept ? b->kept[caller][i] : NULL;
  OrtStatus *status = api->Run(b->session->handle, options, b->inputs.names, (const OrtValue *const *)b->feeds,
                               b->inputs.count, b->wanted, n, out);
  for (size_t i = 0; i < n && !b->kept; i++)
    if (out[i]) api->ReleaseValue(out[i]);
  return status;
}

static bool make_feeds(bench *b) {
  bool ok = true;
  b->feeds = cli_alloc(b->inputs.count * sizeof *b->feeds);
  for (size_t i = 0; i < b->inputs.count && ok; i++) b->feeds[i] = library_value(b->lib, b->inputs.values[i], &ok);
  b->wanted = cli_alloc(b->session->num_outputs * sizeof *b->wanted);
  for (size_t i = 0; i < b->session->num_outputs; i++) b->wanted[i] = b->session->outputs[i].name;
  return ok;
}

/* A first run per caller fills the outputs that later runs write into. */
static bool keep_outputs(bench *b) {
  const OrtApi *api = b->lib->api;
  OrtValue ***kept = cli_alloc(b->callers * sizeof *kept);
  bool ok = true;
  for (size_t c = 0; c < b->callers; c++) kept[c] = cli_alloc(b->session->num_outputs * sizeof **kept);
  for (size_t c = 0; c < b->callers && ok; c++)
    ok = library_ok(b->lib, api->Run(b->session->handle, NULL, b->inputs.names, (const OrtValue *const *)b->feeds,
                                     b->inputs.count, b->wanted, b->session->num_outputs, kept[c]));
  b->kept = kept;
  return ok;
}

bool bench_open(bench *b, const char *library, const char *model, char **specs, int count, size_t callers, bool reuse) {
  b->callers = callers;
  if (!(b->lib = library_open(library))) return false;
  b->memory_before = os_memory_now();
  if (!(b->session = session_open(b->lib, model))) return false;
  b->memory_loaded = os_memory_now();
  if (!inputs_make(b->session, specs, count, "random", &b->inputs) || !make_feeds(b)) return false;
  OrtValue **out = cli_alloc(b->session->num_outputs * sizeof *out);
  double start = os_seconds();
  bool ok = library_ok(b->lib, run_once(b, 0, NULL, out));
  b->first_seconds = os_seconds() - start;
  free(out);
  return ok && (!reuse || keep_outputs(b));
}

typedef struct caller {
  bench *b;
  size_t index, count, most;
  double until;
  double *samples;
  OrtStatus *status;
} caller;

static void call_until(void *arg) {
  caller *c = arg;
  OrtValue **out = cli_alloc(c->b->session->num_outputs * sizeof *out);
  double at = os_seconds();
  do {
    double start = at;
    c->status = run_once(c->b, c->index, NULL, out);
    at = os_seconds();
    if (c->count % 256 == 0) c->samples = cli_grow(c->samples, c->count + 256, sizeof *c->samples);
    c->samples[c->count++] = at - start;
  } while (!c->status && at < c->until && c->count < c->most);
  free(out);
}

static bool run_callers(bench *b, caller *callers) {
  os_thread **threads = cli_alloc(b->callers * sizeof *threads);
  bool ok = true;
  for (size_t i = 1; i < b->callers && ok; i++)
    ok = (threads[i] = os_thread_start(call_until, &callers[i])) != NULL || cli_fail(CLI_BROKEN, "a thread does not start");
  if (ok) call_until(&callers[0]);
  for (size_t i = 1; i < b->callers; i++)
    if (threads[i]) os_thread_join(threads[i]);
  free(threads);
  return ok;
}

static uint64_t allocations(library *lib) {
  const SardonyxExtension *x = library_extension(lib);
  return x && x->Allocations ? x->Allocations() : 0;
}

bool bench_block(bench *b, double seconds, size_t most) {
  caller *callers = cli_alloc(b->callers * sizeof *callers);
  double start = os_seconds(), processor = os_processor_seconds();
  size_t each = (most - 1) / b->callers + 1;
  for (size_t i = 0; i < b->callers; i++) callers[i] = (caller){.b = b, .index = i, .most = each, .until = start + seconds};
  uint64_t before = allocations(b->lib);
  bool ok = run_callers(b, callers);
  b->allocations += allocations(b->lib) - before;
  b->busy_seconds += os_seconds() - start;
  b->processor_seconds += os_processor_seconds() - processor;
  for (size_t i = 0; i < b->callers; i++) {
    caller *c = &callers[i];
    if (!library_ok(b->lib, c->status)) ok = false;
    b->samples = cli_grow(b->samples, b->count + c->count, sizeof *b->samples);
    if (c->count) memcpy(b->samples + b->count, c->samples, c->count * sizeof *c->samples);
    b->count += c->count;
    free(c->samples);
  }
  free(callers);
  return ok;
}

bool bench_warm_up(bench *b, int64_t runs) {
  bool ok = runs < 1 || bench_block(b, 10, (size_t)runs * b->callers);
  b->count = 0;
  b->busy_seconds = b->processor_seconds = 0;
  b->allocations = 0;
  return ok;
}

typedef struct stopped {
  bench *b;
  OrtRunOptions *options;
  OrtStatus *status;
  double end; /* processor seconds */
} stopped;

static void run_stopped(void *arg) {
  stopped *s = arg;
  OrtValue **out = cli_alloc(s->b->session->num_outputs * sizeof *out);
  s->status = run_once(s->b, 0, s->options, out);
  s->end = os_processor_seconds();
  free(out);
}

bool bench_stop(bench *b, double whole, double share, double *seconds, bool *done) {
  const OrtApi *api = b->lib->api;
  stopped s = {.b = b};
  if (!library_ok(b->lib, api->CreateRunOptions(&s.options))) return false;
  const double at = os_processor_seconds() + whole * share;
  os_thread *t = os_thread_start(run_stopped, &s);
  bool ok = t != NULL || cli_fail(CLI_BROKEN, "a thread does not start");
  for (double give_up = os_seconds() + 20 * whole + 1; ok && os_processor_seconds() < at && os_seconds() < give_up;) os_sleep(2e-4);
  const double since = os_processor_seconds();
  ok = library_ok(b->lib, api->RunOptionsSetTerminate(s.options)) && ok;
  if (t) os_thread_join(t);
  *done = !s.status;
  *seconds = s.end - since;
  api->ReleaseStatus(s.status);
  api->ReleaseRunOptions(s.options);
  return ok;
}

void bench_close(bench *b) {
  if (b->session) {
    for (size_t i = 0; b->feeds && i < b->inputs.count; i++)
      if (b->feeds[i]) b->lib->api->ReleaseValue(b->feeds[i]);
    for (size_t c = 0; b->kept && c < b->callers; c++) {
      for (size_t i = 0; i < b->session->num_outputs; i++)
        if (b->kept[c][i]) b->lib->api->ReleaseValue(b->kept[c][i]);
      free(b->kept[c]);
    }
  }
  inputs_free(&b->inputs);
  session_close(b->session);
  library_close(b->lib);
  free(b->feeds), free(b->wanted), free(b->kept), free(b->samples);
}
