// SPDX-License-Identifier: MIT
/* The session with more outputs than the model has. */
#include "quant/watch.h"

sx_status sx_watch_open(sx_watch *w, const void *data, size_t size, const sx_session_options *o, sx_err *e) {
  sx_import_options io = o->import;
  *w = (sx_watch){0};
  io.evaluate = sx_evaluate_node;
  return sx_import(data, size, &io, &w->m, e);
}

static bool wanted(const sx_graph *g, sx_vid v) {
  const sx_value *x = v == SX_NONE ? NULL : sx_value_at(g, v);
  return x && x->name.n && x->fact.kind == SX_KIND_TENSOR && x->fact.dtype == SX_F32 && !x->fact.constant &&
         x->kind != SX_VALUE_CONST;
}

sx_status sx_watch_add(sx_watch *w, sx_vid v, bool *added, sx_err *e) {
  sx_graph *g = w->m->graph;
  *added = false;
  while (w->done.n < g->values.n)
    if (!sx_vec_push(&w->done, 0)) SX_NO_MEMORY(e);
  if (!wanted(g, v) || w->done.at[v]) return SX_OK;
  const sx_fact f = sx_value_at(g, v)->fact;
  const sx_str name = sx_value_at(g, v)->name;
  w->done.at[v] = 1;
  if (!sx_vec_push(&w->outputs, g->outputs.n) || !sx_graph_add_output(g, v) || !sx_vec_push(&g->output_names, name) ||
      !sx_vec_push(&g->declared, f))
    SX_NO_MEMORY(e);
  *added = true;
  return SX_OK;
}

sx_status sx_watch_start(sx_watch *w, const sx_session_options *o, sx_err *e) {
  sx_model *m = w->m;
  w->n_values = m->graph->outputs.n;
  if (!(w->values = sx_calloc((size_t)w->n_values + 1, sizeof *w->values))) SX_NO_MEMORY(e);
  w->m = NULL; /* taken over, also on failure */
  return sx_session_create_model(m, o, &w->s, e);
}

void sx_watch_close(sx_watch *w) {
  if (w->m) sx_model_destroy(w->m);
  if (w->s) sx_session_destroy(w->s);
  sx_free(w->values, ((size_t)w->n_values + 1) * sizeof *w->values);
  sx_vec_free(&w->outputs);
  sx_vec_free(&w->done);
  *w = (sx_watch){0};
}

const sx_model *sx_watch_model(const sx_watch *w) { return sx_session_model(w->s); }

static bool finite_all(const float *x, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * 0.0f; /* NaN from the first that is not finite */
  return sum == 0;
}

sx_status sx_watch_whole(const sx_watch *w, sx_err *e) {
  if (w->failed) SX_FAIL(e, FAIL, "a step of this calibration failed before: make another one");
  return SX_OK;
}

static sx_status check_values(const sx_watch *w, sx_err *e) {
  for (uint32_t i = 0; i < w->outputs.n; i++) {
    const sx_rt_value *y = w->values[w->outputs.at[i]];
    if (sx_rt_is_tensor(y) && y->count && !finite_all(y->data, y->count))
      SX_FAIL(e, INVALID_ARGUMENT, "sample %u: '%.*s' has a number that is infinite or NaN", (unsigned)w->samples,
              SX_FMT(sx_session_model(w->s)->graph->output_names.at[w->outputs.at[i]]));
  }
  return SX_OK;
}

sx_status sx_watch_run(sx_watch *w, sx_rt_value *const *inputs, sx_watch_fn fn, void *ctx, sx_err *e) {
  const sx_run_options ro = {0};
  SX_TRY(sx_watch_whole(w, e));
  memset(w->values, 0, w->n_values * sizeof *w->values);
  sx_status s = sx_session_run(w->s, &ro, inputs, w->values, NULL, e);
  if (s == SX_OK) s = check_values(w, e);
  for (uint32_t i = 0; i < w->outputs.n && s == SX_OK; i++) {
    const sx_rt_value *y = w->values[w->outputs.at[i]];
    if (sx_rt_is_tensor(y) && y->count) w->failed = (s = fn(ctx, i, y, e)) != SX_OK;
  }
  for (uint32_t i = 0; i < w->n_values; i++) sx_rt_unref(w->values[i]);
  w->samples += s == SX_OK;
  return s;
}
