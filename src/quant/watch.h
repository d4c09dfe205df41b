// SPDX-License-Identifier: MIT
/* A session whose intermediate values are looked at after every run and then dropped: what calibration of any kind stands
 * on. */
#ifndef SX_QUANT_WATCH_H
#define SX_QUANT_WATCH_H
#include "run/session.h"

typedef struct sx_watch {
  sx_model *m; /* until the session takes it over */
  sx_session *s;
  SX_VEC(uint32_t) outputs; /* of the graph, in the order of the values that were added */
  SX_VEC(uint8_t) done;     /* by value: it is watched */
  sx_rt_value **values;
  uint32_t n_values, samples;
  bool failed; /* half way: what was kept is neither as it was nor as it should be */
} sx_watch;

/* The canonical model, before its values are chosen; o->import is that of sx_quant_read. sx_watch_close after failure, too.
 */
sx_status sx_watch_open(sx_watch *w, const void *data, size_t size, const sx_session_options *o, sx_err *e);
/* Watches value v of the graph w->m->graph, if it has a name and holds floats that come while the model runs; *added: that
 * is so, and nobody has asked for it before. */
sx_status sx_watch_add(sx_watch *w, sx_vid v, bool *added, sx_err *e);
sx_status sx_watch_start(sx_watch *w, const sx_session_options *o, sx_err *e);
void sx_watch_close(sx_watch *w);

/* Called with the number of the value, in the order in which they were added, and its elements: at least one, all finite.
 */
typedef sx_status (*sx_watch_fn)(void *ctx, uint32_t i, const sx_rt_value *v, sx_err *e);
/* One sample, by graph input: all values are given to fn, or none. INVALID_ARGUMENT names one that became infinite or NaN.
 * Not from two threads at once. */
sx_status sx_watch_run(sx_watch *w, sx_rt_value *const *inputs, sx_watch_fn fn, void *ctx, sx_err *e);
/* FAIL: something failed half way before, fn above all; whoever keeps sums asks this before they are used. */
sx_status sx_watch_whole(const sx_watch *w, sx_err *e);
/* The model of the session: its inputs are those of a sample. */
const sx_model *sx_watch_model(const sx_watch *w);
#endif
