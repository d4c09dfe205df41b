// SPDX-License-Identifier: MIT
/* A wish that what this thread does should end: of a run that is terminated, of a load that is cancelled. Another thread sets
 * it. Work of more than a millisecond or so asks in between, however deep it is and whatever it was given; this is the one
 * thing that a kernel may know of its surroundings. Who is told to stop returns at once, may leave anything behind, and need
 * not report it: who started the work settles that, and so does everybody before he uses what may be garbage. */
#ifndef SX_BASE_STOP_H
#define SX_BASE_STOP_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"

typedef struct sx_stop {
  const atomic_bool *wish; /* NULL: nobody has one */
  sx_status code;          /* what is reported */
  const char *message;
  atomic_bool seen; /* somebody was told to stop; the wish itself may be taken back */
  bool (*ask)(struct sx_stop *s); /* NULL, or is called by each question, on the asking thread, and may wish; for tests */
} sx_stop;

/* From here on this thread works for `s` (NULL: for nobody who could stop it); returns whom it worked for before. */
sx_stop *sx_stop_enter(sx_stop *s);
sx_stop *sx_stop_of_thread(void);
/* Whether to stop; once true it stays so. A few nanoseconds. */
bool sx_stopping(void);
#define SX_STOP_NS 300000 /* between two questions, as is guessed: first touches of memory take several times longer */
/* For loops of short rounds: asks when `ns` have added up. */
static inline bool sx_stop_spent(double *spent, double ns) {
  if ((*spent += ns) < SX_STOP_NS) return false;
  *spent = 0;
  return sx_stopping();
}
/* The parts [from, to) of [0, n), `some` each; asks between them. */
#define SX_STOP_PARTS(from, to, n, some)                                                                                  \
  for (int64_t from = 0, to; from < (n) && (from == 0 || !sx_stopping()) && ((to = (n) - from < (some) ? (n) : from + (some)), true); \
       from = to)
/* How many units of `ns` each may be done between two questions. */
static inline uint32_t sx_stop_grain(double ns) { return ns >= SX_STOP_NS ? 1 : ns <= 1 ? SX_STOP_NS : (uint32_t)(SX_STOP_NS / ns); }

/* The failure to report when somebody was told to stop; does not ask. */
sx_status sx_stop_settle(sx_err *e);
/* For loops of short rounds that report. */
static inline sx_status sx_stop_due(double *spent, double ns, sx_err *e) {
  return sx_stop_spent(spent, ns) ? sx_stop_settle(e) : SX_OK;
}
/* Asks and settles. */
static inline sx_status sx_stop_check(sx_err *e) { return sx_stopping() ? sx_stop_settle(e) : SX_OK; }
#endif
