// SPDX-License-Identifier: MIT
/* The ways to run a session; methods of its class. */
#ifndef SARDONYX_RUN_H
#define SARDONYX_RUN_H
PyObject *session_run(Session *s, PyObject *args, PyObject *kwargs);
PyObject *session_run_values(Session *s, PyObject *args);
PyObject *session_run_into(Session *s, PyObject *args);
PyObject *session_missing_inputs(Session *s, PyObject *feed); /* raises ValueError when there are some */
PyObject *session_run_binding(Session *s, PyObject *args);
#endif
