// SPDX-License-Identifier: MIT
/* Jobs in processes of their own, so that one that crashes or hangs costs itself alone. worker_posix.c forks and reuses
 * each process until it dies; worker_win.c runs in this process, one after the other. */
#ifndef CLI_WORKER_H
#define CLI_WORKER_H
#include <stdbool.h>
#include <stddef.h>

typedef struct worker_jobs {
  size_t count;
  int processes;
  double timeout;   /* seconds for one job */
  bool keep_stderr; /* else what a job writes there is shown only when it dies */
  void *context;
  bool (*start)(void *context); /* once in each process, before its first job; false with a recorded failure */
  /* In the process of its own: true for success, else *why (fresh text or NULL). */
  bool (*job)(void *context, size_t index, char **why);
  /* In the calling process, once for each job, in any order. `why` is NULL for success. */
  void (*done)(void *context, size_t index, bool ok, double seconds, const char *why);
} worker_jobs;

/* False with a recorded failure when a process cannot be started or `start` fails. */
bool worker_run(const worker_jobs *jobs);
#endif
