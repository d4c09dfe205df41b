// SPDX-License-Identifier: MIT
/* worker.h without fork: the jobs run here, in order; a crash ends the program and a time limit is not kept. */
#include "worker.h"
#include "os.h"
#include <stdlib.h>

bool worker_run(const worker_jobs *jobs) {
  if (jobs->count && !jobs->start(jobs->context)) return false;
  for (size_t i = 0; i < jobs->count; i++) {
    char *why = NULL;
    double start = os_seconds();
    bool ok = jobs->job(jobs->context, i, &why);
    jobs->done(jobs->context, i, ok, os_seconds() - start, why);
    free(why);
  }
  return true;
}
