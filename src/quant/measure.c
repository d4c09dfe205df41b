// SPDX-License-Identifier: MIT
/* Two sessions, one after the other, whose steps are timed and counted for the rows that their nodes come from. */
#include "quant/measure.h"
#include "base/file.h"

typedef struct measuring {
  const sx_quant_report *r;
  const sx_exec *x;       /* whose steps are meant; NULL: any of the whole model */
  sx_strmap rows;         /* by name of the node */
  SX_VEC(uint64_t) steps; /* the least time so far */
  SX_VEC(uint32_t) row;   /* of the step: one more than its index; 0: none */
} measuring;

static bool row_called(const measuring *m, sx_str name, uint32_t *row) {
  return name.n && sx_strmap_get(&m->rows, name, row);
}

/* The row of a source node: that of its name, or of the node that it replaced, whose name it has before its operator. */
static bool row_of(const measuring *m, const sx_source_node *s, uint32_t *row) {
  if (row_called(m, s->name, row)) return true;
  const sx_str stem = {s->name.p, s->name.n > s->op_type.n ? s->name.n - s->op_type.n - 1 : 0};
  return stem.n && s->name.p[stem.n] == '_' && !memcmp(s->name.p + stem.n + 1, s->op_type.p, s->op_type.n) &&
         row_called(m, stem, row);
}

static uint32_t row_of_step(const measuring *m, const sx_model *model, const sx_node *n) {
  const sx_origin *o = n->origin < model->origins.n ? &model->origins.at[n->origin] : NULL;
  uint32_t best = 0, row;
  for (uint32_t i = 0; o && i < o->n; i++) {
    if (!row_of(m, &model->sources.at[o->ids[i]], &row)) continue;
    const bool product = m->r->rows.at[row].error >= 0, had = best && m->r->rows.at[best - 1].error >= 0;
    if (!best || (product && !had) || (product == had && row + 1 < best)) best = row + 1;
  }
  return best;
}

static void step(void *ctx, const sx_exec *x, uint32_t k, uint64_t begin, uint64_t end, const sx_instance *i,
                 uint32_t segment) {
  measuring *m = ctx;
  const sx_plan *p = sx_exec_plan(x);
  if (p->graph->parent || (m->x && x != m->x)) return; /* the owner's time has it */
  while (m->steps.n <= k)
    if (!sx_vec_push(&m->row, row_of_step(m, p->graph->model, sx_node_at(p->graph, p->steps[m->steps.n].node))) ||
        !sx_vec_push(&m->steps, UINT64_MAX))
      return; /* no memory: no time */
  if (end - begin < m->steps.at[k]) m->steps.at[k] = end - begin;
}

static sx_status give(const sx_model *model, const sx_quant_sample *in, sx_rt_value **given, sx_err *e) {
  for (size_t i = 0; i < in->n; i++) {
    uint32_t k = 0;
    while (k < model->graph->inputs.n &&
           !sx_str_is(sx_value_at(model->graph, model->graph->inputs.at[k])->name, in->names[i]))
      k++;
    if (k == model->graph->inputs.n) SX_FAIL(e, INVALID_ARGUMENT, "Invalid input name: %.200s", in->names[i]);
    given[k] = in->values[i];
  }
  return SX_OK;
}

/* Runs for a quarter of a second, thrice at least; *best is the least time of a run. */
static sx_status runs(sx_session *s, measuring *m, sx_rt_value *const *given, sx_rt_value **outputs, double *best,
                      sx_err *e) {
  enum { LEAST = 3, WARM = 1, ENOUGH_NS = 250000000 };
  const uint32_t n = sx_session_model(s)->graph->outputs.n;
  const sx_profile_hook hook = {step, m};
  const uint64_t start = sx_now_ns();
  for (int k = 0; k < LEAST + WARM || sx_now_ns() - start < ENOUGH_NS; k++) {
    sx_run_options ro = {.profile =
                             k >= WARM && k % 2 ? &hook : NULL}; /* runs that are timed as a whole are not profiled */
    memset(outputs, 0, n * sizeof *outputs);
    const uint64_t begin = sx_now_ns();
    SX_TRY(sx_session_run(s, &ro, given, outputs, NULL, e));
    const double ns = (double)(sx_now_ns() - begin);
    for (uint32_t i = 0; i < n; i++) sx_rt_unref(outputs[i]);
    if (k >= WARM && !ro.profile && (*best <= 0 || ns < *best)) *best = ns;
  }
  return SX_OK;
}

static sx_status profile(sx_session *s, measuring *m, const sx_quant_sample *in, double *best, sx_err *e) {
  const sx_graph *g = sx_session_model(s)->graph;
  sx_arena a = {0};
  sx_rt_value **given = SX_NEW_N(&a, sx_rt_value *, (size_t)g->inputs.n + 1);
  sx_rt_value **outputs = SX_NEW_N(&a, sx_rt_value *, (size_t)g->outputs.n + 1);
  sx_status st =
      given && outputs ? give(sx_session_model(s), in, given, e) : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  m->steps.n = m->row.n = 0, m->x = sx_session_exec(s);
  if (st == SX_OK) st = runs(s, m, given, outputs, best, e);
  sx_arena_free(&a);
  return st;
}

/* What the steps took, at `offset` of the rows. */
static void count(const measuring *m, sx_quant_report *r, size_t offset) {
  for (uint32_t k = 0; k < m->steps.n; k++)
    if (m->row.at[k] && m->steps.at[k] != UINT64_MAX)
      *(double *)((char *)&r->rows.at[m->row.at[k] - 1] + offset) += (double)m->steps.at[k];
}

sx_status sx_quant_measure(sx_quant_report *r, const void *data, size_t size, const char *written,
                           const sx_session_options *so, const sx_quant_sample *in, sx_err *e) {
  measuring m = {.r = r};
  sx_session *s = NULL;
  sx_status st = SX_OK;
  for (uint32_t i = r->rows.n; i-- > 0 && st == SX_OK;) /* of two with one name the first */
    if (r->rows.at[i].node.n && !sx_strmap_put(&m.rows, r->rows.at[i].node, i))
      st = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (st == SX_OK) st = sx_session_create_bytes(data, size, so, &s, e);
  if (st == SX_OK) st = profile(s, &m, in, &r->run_before, e);
  if (st == SX_OK) count(&m, r, offsetof(sx_quant_row, before));
  if (s) sx_session_destroy(s);
  s = NULL;
  if (st == SX_OK) st = sx_session_create_file(written, so, &s, e);
  if (st == SX_OK) st = profile(s, &m, in, &r->run_after, e);
  if (st == SX_OK) count(&m, r, offsetof(sx_quant_row, after));
  if (s) sx_session_destroy(s);
  sx_strmap_free(&m.rows);
  sx_vec_free(&m.steps);
  sx_vec_free(&m.row);
  return st;
}
