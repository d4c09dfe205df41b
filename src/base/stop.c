// SPDX-License-Identifier: MIT
/* For whom a thread works. */
#include "base/stop.h"
#include <stddef.h>

static _Thread_local sx_stop *working_for;

sx_stop *sx_stop_enter(sx_stop *s) {
  sx_stop *before = working_for;
  working_for = s;
  return before;
}

sx_stop *sx_stop_of_thread(void) { return working_for; }

bool sx_stopping(void) {
  sx_stop *s = working_for;
  if (!s) return false;
  if (s->ask && s->ask(s)) atomic_store_explicit(&s->seen, true, memory_order_relaxed);
  if (atomic_load_explicit(&s->seen, memory_order_relaxed)) return true;
  if (!s->wish || !atomic_load_explicit(s->wish, memory_order_relaxed)) return false;
  atomic_store_explicit(&s->seen, true, memory_order_relaxed);
  return true;
}

sx_status sx_stop_settle(sx_err *e) {
  const sx_stop *s = working_for;
  if (!s || !atomic_load_explicit(&s->seen, memory_order_relaxed)) return SX_OK;
  return sx_fail(e, s->code, SX_HERE, "%s", s->message);
}
