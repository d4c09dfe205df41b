// SPDX-License-Identifier: MIT
/* Long calls that Ctrl-C ends. Signals are Python's main thread's business: it runs their handlers, and only between its own
 * instructions. So a call that may take long is made on a thread of its own while the main thread waits, wakes for signals, and
 * asks the call to stop when a handler raises. Other threads never see signals and make their calls themselves. */
#include "native.h"

enum { TICK_US = 20000 }; /* where a wait is not ended by the signal itself */

typedef struct Work {
  WatchedCall call;
  void *state;
  OrtStatus *status;
} Work;

static unsigned long main_thread;
static PyThread_type_lock done; /* held while a call is under way; kept, since the other thread may still be leaving it */
static bool busy;               /* the main thread's: a handler may start a second call within the first */

int watch_init(void) {
  PyObject *threading = PyImport_ImportModule("threading");
  PyObject *thread = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
  PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;
  if (ident) main_thread = PyLong_AsUnsignedLong(ident);
  Py_XDECREF(threading), Py_XDECREF(thread), Py_XDECREF(ident);
  if (!PyErr_Occurred() && !done && !(done = PyThread_allocate_lock())) PyErr_NoMemory();
  return PyErr_Occurred() ? -1 : 0;
}

bool watch_possible(void) { return PyThread_get_thread_ident() == main_thread && !busy; }

static void work(void *argument) {
  Work *w = argument;
  w->status = w->call(w->state);
  PyThread_release_lock(done);
}

int watch(WatchedCall call, void (*stop)(void *), void *state) {
  Work w = {.call = call, .state = state};
  bool stopped = false, started = false;
  if (watch_possible()) {
    PyThread_acquire_lock(done, NOWAIT_LOCK);
    started = PyThread_start_new_thread(work, &w) != (unsigned long)-1;
    if (!started) PyThread_release_lock(done);
  }
  if (!started) {
    Py_BEGIN_ALLOW_THREADS
    w.status = call(state);
    Py_END_ALLOW_THREADS
    return raise_status(w.status);
  }
  busy = true;
  for (PyLockStatus got = PY_LOCK_FAILURE; got != PY_LOCK_ACQUIRED;) {
    Py_BEGIN_ALLOW_THREADS
    got = PyThread_acquire_lock_timed(done, TICK_US, !stopped);
    Py_END_ALLOW_THREADS
    if (got != PY_LOCK_ACQUIRED && !stopped && PyErr_CheckSignals()) stop(state), stopped = true;
  }
  PyThread_release_lock(done);
  busy = false;
  return raise_status(w.status) || stopped ? -1 : 0; /* the handler's exception comes first */
}
