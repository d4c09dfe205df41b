// SPDX-License-Identifier: MIT
/* Which matrices there are, whose moments are taken in which pass, and the sessions that show what they are multiplied
 * with. */
#include "quant/gptq.h"
#include "quant/gptq_solve.h"
#include "quant/rules.h"
#include "quant/watch.h"

/* The product of one value with one matrix; one that several nodes read appears several times. */
typedef struct reading {
  sx_vid x, weight; /* in the model to be quantised */
  bool by_column;
  uint32_t matrix;
} reading;
typedef struct matrix {
  uint32_t moments; /* one more than the index; 0: not in this pass */
  bool done;
} matrix;
typedef struct summed { /* the moments of all values that some matrices read */
  sx_gptq_moments m;
  SX_VEC(sx_vid) of;
  bool reached;
} summed;
struct sx_gptq {
  const void *data;
  size_t size;
  const sx_session_options *so;
  const sx_quant_options *o;
  sx_model *m; /* to be quantised */
  sx_watch w;
  SX_VEC(sx_vid) watched; /* by number of the watched value: what it is in m */
  SX_VEC(reading) readings;
  SX_VEC(matrix) matrices;
  SX_VEC(summed) sums;
  SX_VEC(sx_quant_solved) solved;
  bool open; /* matrices wait for samples, or for the end of the pass */
};

static void drop_sums(sx_gptq *g) {
  for (uint32_t i = 0; i < g->sums.n; i++) {
    summed *s = &g->sums.at[i];
    sx_gptq_moments_drop(&s->m);
    sx_vec_free(&s->of);
  }
  sx_vec_free(&g->sums);
}

void sx_gptq_destroy(sx_gptq *g) {
  if (!g) return;
  drop_sums(g);
  for (uint32_t i = 0; i < g->solved.n; i++) sx_quant_blocks_drop(&g->solved.at[i].blocks);
  sx_vec_free(&g->solved);
  sx_vec_free(&g->matrices);
  sx_vec_free(&g->readings);
  sx_vec_free(&g->watched);
  sx_watch_close(&g->w);
  if (g->m) sx_model_destroy(g->m);
  sx_free(g, sizeof *g);
}

const sx_model *sx_gptq_model(const sx_gptq *g) { return sx_watch_model(&g->w); }
sx_status sx_gptq_give(const sx_gptq *g, sx_quant_options *o, sx_err *e) {
  static const sx_quant_solved none;
  SX_TRY(sx_watch_whole(&g->w, e));
  if (g->open) SX_FAIL(e, FAIL, "a pass over the samples is not finished: call CalibrationPass until it asks for no more");
  o->solved = g->solved.n ? g->solved.at : &none, o->n_solved = g->solved.n;
  return SX_OK;
}

static const sx_tensor *weight_of(const sx_gptq *g, const reading *r) { return sx_value_const(g->m->graph, r->weight); }
static int64_t K_of(const sx_gptq *g, const reading *r) { return weight_of(g, r)->dims[!r->by_column]; }

static sx_status find_readings(sx_gptq *g, sx_err *e) {
  const sx_graph *graph = g->m->graph;
  for (uint32_t k = 0; k < graph->order.n; k++) {
    const sx_node *n = sx_node_at(graph, graph->order.at[k]);
    const char *kept = NULL;
    reading r = {.matrix = g->matrices.n};
    if (!sx_quant_nbits_product(graph, n, &r.weight, &r.by_column, &kept) || sx_quant_unwanted(g->o, n)) continue;
    r.x = sx_node_in(n, 0);
    for (uint32_t i = 0; i < g->readings.n; i++)
      if (g->readings.at[i].weight == r.weight && g->readings.at[i].by_column == r.by_column)
        r.matrix = g->readings.at[i].matrix;
    if (r.matrix == g->matrices.n && !sx_vec_push(&g->matrices, ((matrix){0}))) SX_NO_MEMORY(e);
    if (!sx_vec_push(&g->readings, r)) SX_NO_MEMORY(e);
  }
  return SX_OK;
}

static bool reads(const sx_gptq *g, uint32_t matrix, sx_vid x) {
  for (uint32_t i = 0; i < g->readings.n; i++)
    if (g->readings.at[i].matrix == matrix && g->readings.at[i].x == x) return true;
  return false;
}

/* Do exactly the values of these sums multiply the matrix? */
static bool fits(const sx_gptq *g, const summed *s, uint32_t matrix, int64_t K) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->of.n; i++)
    if (!reads(g, matrix, s->of.at[i])) return false;
  for (uint32_t i = 0; i < g->readings.n; i++) {
    if (g->readings.at[i].matrix != matrix) continue;
    bool before = false;
    for (uint32_t k = 0; k < i; k++)
      before |= g->readings.at[k].matrix == matrix && g->readings.at[k].x == g->readings.at[i].x;
    n += !before;
  }
  return s->m.K == K && n == s->of.n;
}

static sx_status add_sums(sx_gptq *g, uint32_t matrix, int64_t K, sx_err *e) {
  summed s = {0};
  SX_TRY(sx_gptq_moments_create(K, &s.m, e));
  bool ok = true;
  for (uint32_t i = 0; i < g->readings.n && ok; i++) {
    bool there = g->readings.at[i].matrix != matrix;
    for (uint32_t k = 0; k < s.of.n && !there; k++) there = s.of.at[k] == g->readings.at[i].x;
    ok = there || sx_vec_push(&s.of, g->readings.at[i].x);
  }
  if (ok && sx_vec_push(&g->sums, s)) return SX_OK;
  sx_gptq_moments_drop(&s.m);
  sx_vec_free(&s.of);
  SX_NO_MEMORY(e);
}

/* The matrices of the next pass: in the model's order, while their moments fit into what may be used; at least one. */
static sx_status choose(sx_gptq *g, sx_err *e) {
  double used = 0;
  g->open = false;
  for (uint32_t i = 0; i < g->readings.n; i++) {
    const reading *r = &g->readings.at[i];
    matrix *m = &g->matrices.at[r->matrix];
    const int64_t K = K_of(g, r);
    if (m->done || m->moments) continue;
    uint32_t k = 0;
    while (k < g->sums.n && !fits(g, &g->sums.at[k], r->matrix, K)) k++;
    if (k == g->sums.n) {
      const double bytes = (double)K * (double)K * sizeof(float);
      if (used > 0 && used + bytes > (double)g->o->memory * 1048576) continue;
      SX_TRY(add_sums(g, r->matrix, K, e));
      used += bytes;
    }
    m->moments = k + 1, g->open = true;
  }
  return SX_OK;
}

/* A session that shows what the chosen ones read: values of the same name. */
static sx_status start(sx_gptq *g, sx_err *e) {
  sx_strmap by_name = {0};
  sx_status s = sx_watch_open(&g->w, g->data, g->size, g->so, e);
  g->watched.n = 0;
  for (uint32_t v = 0; s == SX_OK && v < g->w.m->graph->values.n; v++) {
    const sx_value *x = sx_value_at(g->w.m->graph, v);
    if (x->name.n && !sx_strmap_put(&by_name, x->name, v)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  }
  for (uint32_t i = 0; i < g->sums.n; i++)
    for (uint32_t k = 0; s == SX_OK && k < g->sums.at[i].of.n; k++) {
      const sx_vid x = g->sums.at[i].of.at[k];
      const sx_str name = sx_value_at(g->m->graph, x)->name;
      uint32_t v;
      bool added = false;
      if (name.n && sx_strmap_get(&by_name, name, &v)) s = sx_watch_add(&g->w, v, &added, e);
      if (added && !sx_vec_push(&g->watched, x)) s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
    }
  sx_strmap_free(&by_name);
  return s == SX_OK ? sx_watch_start(&g->w, g->so, e) : s;
}

sx_status sx_gptq_create(const void *data, size_t size, const sx_session_options *so, const sx_quant_options *o,
                         sx_gptq **out, sx_err *e) {
  *out = NULL;
  SX_TRY(sx_quant_check(o, e));
  if (o->mode != SX_QUANT_NBITS || o->method != SX_QUANT_GPTQ)
    SX_FAIL(e, INVALID_ARGUMENT, "weights are rounded on samples in the mode nbits, by the method gptq");
  sx_gptq *g = sx_calloc(1, sizeof *g);
  if (!g) SX_NO_MEMORY(e);
  g->data = data, g->size = size, g->so = so, g->o = o;
  sx_import_options io = so->import;
  io.evaluate = sx_evaluate_node;
  sx_status s = sx_quant_read(data, size, o, &io, &g->m, e);
  if (s == SX_OK) s = sx_graph_sort(g->m->graph, e);
  if (s == SX_OK) s = find_readings(g, e);
  if (s == SX_OK) s = choose(g, e);
  if (s == SX_OK) s = start(g, e);
  if (s == SX_OK)
    *out = g;
  else
    sx_gptq_destroy(g);
  return s;
}

static sx_status look(void *ctx, uint32_t i, const sx_rt_value *v, sx_err *e) {
  sx_gptq *g = ctx;
  for (uint32_t k = 0; k < g->sums.n; k++) {
    summed *s = &g->sums.at[k];
    for (uint32_t j = 0; j < s->of.n; j++) {
      if (s->of.at[j] != g->watched.at[i] || v->count % s->m.K) continue;
      SX_TRY(sx_gptq_add_rows(&s->m, v->data, v->count / s->m.K, g->so->pool, e));
      s->reached = true;
    }
  }
  return SX_OK;
}

sx_status sx_gptq_add(sx_gptq *g, sx_rt_value *const *inputs, sx_err *e) { return sx_watch_run(&g->w, inputs, look, g, e); }

static sx_status solve(sx_gptq *g, const reading *r, const sx_gptq_moments *m, sx_err *e) {
  const sx_tensor *t = weight_of(g, r);
  const void *data;
  sx_quant_solved x = {.weight = sx_value_at(g->m->graph, r->weight)->name, .by_column = r->by_column};
  SX_TRY(sx_tensor_data(t, &data, e));
  const int64_t cols = t->dims[1];
  sx_status s = sx_gptq_solve(m, data, t->dims[r->by_column], r->by_column ? 1 : cols, r->by_column ? cols : 1, g->o,
                              g->so->pool, &x.blocks, e);
  if (s != SX_OK) return sx_err_context(e, "initializer '%.*s'", SX_FMT(x.weight)), s;
  if (sx_vec_push(&g->solved, x)) return SX_OK;
  sx_quant_blocks_drop(&x.blocks);
  SX_NO_MEMORY(e);
}

/* Sums become factors, factors codes; then the next pass begins. */
static sx_status turn(sx_gptq *g, sx_err *e) {
  for (uint32_t i = 0; i < g->sums.n; i++) {
    summed *s = &g->sums.at[i];
    const sx_status failed = s->reached ? sx_gptq_factor(&s->m, g->o, g->so->pool, e) : SX_OK;
    if (failed != SX_OK) return sx_err_context(e, "value '%.*s'", SX_FMT(sx_value_at(g->m->graph, s->of.at[0])->name)), failed;
  }
  for (uint32_t i = 0; i < g->readings.n; i++) {
    matrix *m = &g->matrices.at[g->readings.at[i].matrix];
    if (!m->moments) continue;
    const summed *s = &g->sums.at[m->moments - 1];
    m->done = true, m->moments = 0;
    if (s->reached) SX_TRY(solve(g, &g->readings.at[i], &s->m, e));
  }
  drop_sums(g);
  SX_TRY(choose(g, e));
  if (!g->open) return SX_OK;
  sx_watch_close(&g->w);
  return start(g, e);
}

sx_status sx_gptq_pass(sx_gptq *g, bool *more, sx_err *e) {
  *more = false;
  SX_TRY(sx_watch_whole(&g->w, e));
  if (!g->w.samples) SX_FAIL(e, FAIL, "nothing was calibrated: no sample has been run");
  const sx_status s = turn(g, e);
  g->w.failed = s != SX_OK, *more = s == SX_OK && g->open;
  return s;
}
