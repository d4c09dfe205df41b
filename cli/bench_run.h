// SPDX-License-Identifier: MIT
/* Timed runs of one model in one library. */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H
#include "input.h"
#include "library.h"

typedef struct bench {
  library *lib;
  session *session;
  input_set inputs;
  OrtValue **feeds;    /* in the order of inputs.names */
  const char **wanted; /* all outputs */
  size_t callers;      /* that run at the same time */
  OrtValue ***kept;    /* per caller: outputs to write into, or NULL */
  double first_seconds;
  double busy_seconds; /* wall time of the measured blocks */
  double processor_seconds; /* of all threads in them */
  double *samples;     /* seconds of each run */
  size_t count;
  uint64_t memory_before, memory_loaded;
  uint64_t allocations; /* of the library in the measured blocks, where its extension counts them */
} bench;

/* Opens library and session, makes the inputs, runs once. */
bool bench_open(bench *b, const char *library, const char *model, char **specs, int count, size_t callers, bool reuse);
bool bench_warm_up(bench *b, int64_t runs);
/* Runs for at least `seconds` or until `most` more runs are done, whichever is first; at least once. */
bool bench_block(bench *b, double seconds, size_t most);
/* A run that is stopped (RunOptionsSetTerminate) when it has done `share` of a run's work: *seconds from there until it has
 * returned, of processor time, and *done: it had ended before. `whole`: a run's processor time. One caller, one thread. */
bool bench_stop(bench *b, double whole, double share, double *seconds, bool *done);
void bench_close(bench *b);
#endif
