// SPDX-License-Identifier: MIT
/* How long a load and a run of a model go without asking whether to stop (base/stop.h), on one thread: the longest time between two
 * questions, of several runs the least (memory that is touched for the first time takes long). A wish that comes at the worst moment waits so long. The model brings its inputs along as
 * defaults. bench/stop_gaps.py builds and drives it. Prints milliseconds of processor time:
 *   LOAD_GAP LOAD_TOTAL RUN_GAP RUN_TOTAL AT QUESTIONS */
#define _GNU_SOURCE
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "run/session.h"

enum { RUNS = 4, DEPTH = 24 };
typedef struct watched {
  sx_stop stop;
  double begin, last, gap, at; /* milliseconds */
  unsigned asked;
  void *where[DEPTH]; /* the question that the longest gap led to */
  int depth;
} watched;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool watch(sx_stop *s) {
  watched *w = (watched *)s;
  const double t = now();
  w->asked++;
  if (t - w->last > w->gap) {
    w->gap = t - w->last, w->at = w->last - w->begin;
    if (w->gap > 3) w->depth = backtrace(w->where, DEPTH);
  }
  w->last = now();
  return false;
}

static sx_stop *begin(watched *w) {
  *w = (watched){.stop = {.code = SX_E_FAIL, .message = "stopped", .ask = watch}};
  w->begin = w->last = now();
  return sx_stop_enter(&w->stop);
}
static double end(watched *w, sx_stop *before) {
  sx_stopping();
  sx_stop_enter(before);
  return now() - w->begin;
}

int main(int argc, char **argv) {
  sx_err e = {0};
  sx_session *s = NULL;
  watched load, w, best = {.gap = 1e30};
  double total = 0, whole = 0;
  if (argc < 2) return 2;
  sx_stop *before = begin(&load);
  sx_status st = sx_session_create_file(argv[1], &(sx_session_options){.level = 99}, &s, &e);
  const double loaded = end(&load, before);
  const uint32_t outputs = s ? sx_session_model(s)->graph->outputs.n : 0, inputs = s ? sx_session_model(s)->graph->inputs.n : 0;
  sx_rt_value **in = calloc(inputs + 1, sizeof *in), **out = calloc(outputs + 1, sizeof *out);
  for (int k = 0; st == SX_OK && k < RUNS && total < 20e3; k++) {
    before = begin(&w);
    st = sx_session_run(s, NULL, in, out, NULL, &e);
    total = end(&w, before);
    if (st == SX_OK && w.gap < best.gap) best = w, whole = total;
    if (st != SX_OK && k > 0) st = SX_OK, k = RUNS; /* a result that cannot be written over */
  }
  if (st != SX_OK) return fprintf(stderr, "%s\n", e.msg), 1;
  printf("%.3f %.3f %.3f %.3f %.3f %u\n", load.gap, loaded, best.gap, whole, best.at, best.asked);
  fflush(stdout);
  if (argc > 2) backtrace_symbols_fd(best.where, best.depth, 1), puts("--"), fflush(stdout), backtrace_symbols_fd(load.where, load.depth, 1);
  for (uint32_t i = 0; i < outputs; i++) sx_rt_unref(out[i]);
  sx_session_destroy(s);
  free(in), free(out);
  return 0;
}
