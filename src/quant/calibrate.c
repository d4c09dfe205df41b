// SPDX-License-Identifier: MIT
/* What is kept of the values that a session shows, and the ranges that follow from it. */
#include <math.h>
#include "quant/calibrate.h"
#include "quant/rules.h"
#include "quant/watch.h"

enum { BINS = 2048, HALF = BINS / 2, LEVELS = 128 };
typedef struct seen {
  sx_str name;
  float lo, hi, reach; /* the histogram goes from -reach to reach; 0: nothing but zeros yet */
  uint64_t count, *bins;
} seen;
struct sx_calibration {
  sx_watch w;
  SX_VEC(seen) values; /* as they are watched */
  double *scratch;     /* 2 * HALF */
};

void sx_calibration_destroy(sx_calibration *c) {
  if (!c) return;
  for (uint32_t i = 0; i < c->values.n; i++) sx_free(c->values.at[i].bins, BINS * sizeof(uint64_t));
  sx_vec_free(&c->values);
  sx_free(c->scratch, 2 * HALF * sizeof *c->scratch);
  sx_watch_close(&c->w);
  sx_free(c, sizeof *c);
}

const sx_model *sx_calibration_model(const sx_calibration *c) { return sx_watch_model(&c->w); }

static sx_status watch(sx_calibration *c, sx_vid v, sx_err *e) {
  bool added;
  SX_TRY(sx_watch_add(&c->w, v, &added, e));
  if (!added) return SX_OK;
  uint64_t *bins = sx_calloc(BINS, sizeof *bins);
  if (bins && sx_vec_push(&c->values, ((seen){.name = sx_value_at(c->w.m->graph, v)->name, .bins = bins}))) return SX_OK;
  sx_free(bins, BINS * sizeof *bins);
  SX_NO_MEMORY(e);
}

/* Does a rule look at the node, or may it go when the model is written anew (sx_quant_read), so that what is before it gets
 * the name of its result, or keeps its own? */
static bool matters(const sx_node *n) {
  static const char *const folded[] = {"Identity", "Dropout", "BatchNormalization", "Sub", "Div"};
  for (size_t i = 0; i < sizeof folded / sizeof *folded; i++)
    if (sx_str_is(n->op_type, folded[i])) return true;
  return sx_quant_rule_of(sx_quant_static_rules, n);
}

static sx_status watch_all(sx_calibration *c, sx_err *e) {
  const sx_graph *g = c->w.m->graph;
  for (uint32_t k = 0; k < g->nodes.n; k++) {
    const sx_node *n = sx_node_at(g, k);
    if (n->dead || !matters(n)) continue;
    for (uint32_t i = 0; i < n->n_in; i++) SX_TRY(watch(c, n->in[i].value, e));
    for (uint32_t i = 0; i < n->n_out; i++) SX_TRY(watch(c, n->out[i], e));
  }
  return SX_OK;
}

sx_status sx_calibration_create(const void *data, size_t size, const sx_session_options *o, sx_calibration **out,
                                sx_err *e) {
  *out = NULL;
  sx_calibration *c = sx_calloc(1, sizeof *c);
  if (!c) SX_NO_MEMORY(e);
  sx_status s = sx_watch_open(&c->w, data, size, o, e);
  if (s == SX_OK) s = watch_all(c, e);
  if (s == SX_OK && !(c->scratch = sx_calloc(2 * HALF, sizeof *c->scratch)))
    s = sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  if (s == SX_OK) s = sx_watch_start(&c->w, o, e);
  if (s == SX_OK)
    *out = c;
  else
    sx_calibration_destroy(c);
  return s;
}

/* Bins twice as wide: what lay at k bins from zero lies at k / 2. */
static void widen(seen *v) {
  for (int k = 0; k < HALF; k++) {
    const bool inner = 2 * k + 1 < HALF;
    v->bins[HALF + k] = inner ? v->bins[HALF + 2 * k] + v->bins[HALF + 2 * k + 1] : 0;
  }
  for (int k = 0; k < HALF; k++) {
    const bool inner = 2 * k + 1 < HALF;
    v->bins[HALF - 1 - k] = inner ? v->bins[HALF - 1 - 2 * k] + v->bins[HALF - 2 - 2 * k] : 0;
  }
  v->reach *= 2;
}

static void count(seen *v, const float *x, int64_t n) {
  float lo = v->count ? v->lo : x[0], hi = v->count ? v->hi : x[0];
  for (int64_t i = 0; i < n; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
  v->lo = lo, v->hi = hi;
  const float most = fmaxf(fabsf(lo), fabsf(hi));
  if (!(v->reach > 0) && most > 0) { /* a power of two, so that widening is exact */
    int exponent;
    (void)frexpf(most, &exponent);
    v->reach = ldexpf(1, exponent < -100 ? -100 : exponent); /* smaller numbers are as good as zero */
    v->bins[HALF] = v->count;                                /* the zeros before */
  }
  while (v->reach > 0 && v->reach <= most && v->reach < 0x1p127f) widen(v);
  const float per = v->reach > 0 ? HALF / v->reach : 0;
  for (int64_t i = 0; i < n && v->reach > 0; i++) {
    const int k = HALF + (int)floorf(x[i] * per);
    v->bins[k < 0 ? 0 : k >= BINS ? BINS - 1 : k]++;
  }
  v->count += (uint64_t)n;
}

static sx_status look(void *ctx, uint32_t i, const sx_rt_value *v, sx_err *e) {
  count(&((sx_calibration *)ctx)->values.at[i], v->data, v->count);
  return SX_OK;
}

sx_status sx_calibration_add(sx_calibration *c, sx_rt_value *const *inputs, sx_err *e) {
  return sx_watch_run(&c->w, inputs, look, c, e);
}

/* The value below which a share of all numbers lies, or above which, within the bin of it. */
static double cut(const seen *v, double share, bool above) {
  const double width = (double)v->reach / HALF;
  double left = share * (double)v->count;
  for (int k = 0; k < BINS; k++) {
    const int at = above ? BINS - 1 - k : k;
    left -= (double)v->bins[at];
    if (left < 0) return ((above ? at + 1 : at) - HALF) * width;
  }
  return 0;
}

/* How far the first `cells` cells of a histogram of magnitudes, the rest clipped into the last, are from what LEVELS levels
 * keep. */
static double divergence(const double *h, int cells, double beyond, double *p) {
  double total = 0, kept = 0, sum = 0;
  for (int i = 0; i < cells; i++) p[i] = h[i], total += h[i];
  p[cells - 1] += beyond, total += beyond;
  for (int l = 0; l < LEVELS; l++) {
    const int from = (int)((int64_t)l * cells / LEVELS), to = (int)((int64_t)(l + 1) * cells / LEVELS);
    double mass = 0;
    int full = 0;
    for (int i = from; i < to; i++) mass += h[i], full += p[i] > 0;
    kept += mass;
    for (int i = from; i < to; i++)
      if (p[i] > 0) { /* q is the level's mass, spread over its cells that are not empty */
        const double q = mass > 0 ? mass / full : 1e-12 * total;
        sum += p[i] / total * log(p[i] / total / q);
      }
  }
  return sum + log(kept > 0 ? kept : 1);
}

static double entropy_threshold(const seen *v, double *h) {
  double *p = h + HALF, beyond = 0, least = INFINITY;
  int best = HALF;
  for (int k = 0; k < HALF; k++) h[k] = (double)v->bins[HALF + k] + (double)v->bins[HALF - 1 - k];
  h[0] = h[1]; /* zeros are exact on every grid: their number says nothing about it */
  for (int cells = HALF; cells >= LEVELS; cells--) {
    const double d = divergence(h, cells, beyond, p);
    if (d < least) least = d, best = cells;
    beyond += h[cells - 1];
  }
  return best * (double)v->reach / HALF;
}

static void distribution(const seen *v, sx_quant_range *r) {
  double squares = 0;
  for (int k = 0; k < BINS; k++) {
    const double x = (k - HALF + 0.5) * (double)v->reach / HALF, share = (double)v->bins[k] / (double)v->count;
    r->mean += x * share, squares += x * x * share;
  }
  r->deviation = sqrt(fmax(squares - r->mean * r->mean, 0));
}

static void range_of(const seen *v, sx_quant_method method, double percentile, double *scratch, sx_quant_range *r) {
  *r = (sx_quant_range){.name = v->name, .lo = v->lo, .hi = v->hi};
  if (!(v->reach > 0) || method == SX_QUANT_MINMAX) return;
  if (method == SX_QUANT_DISTRIBUTION) {
    distribution(v, r);
    return;
  }
  if (method == SX_QUANT_PERCENTILE) {
    const double share = (100 - percentile) / 200;
    r->lo = fmax(r->lo, cut(v, share, false)), r->hi = fmin(r->hi, cut(v, share, true));
  } else {
    const double t = entropy_threshold(v, scratch);
    r->lo = fmax(r->lo, -t), r->hi = fmin(r->hi, t);
  }
  if (r->lo > r->hi) r->lo = v->lo, r->hi = v->hi;
}

sx_status sx_calibration_ranges(const sx_calibration *c, sx_quant_method method, double percentile, sx_arena *a,
                                sx_quant_range **out, uint32_t *n, sx_err *e) {
  SX_TRY(sx_watch_whole(&c->w, e));
  if (!c->w.samples) SX_FAIL(e, FAIL, "nothing was calibrated: no sample has been run");
  if (!(percentile > 0 && percentile <= 100))
    SX_FAIL(e, INVALID_ARGUMENT, "a percentile of %g: expected more than 0, at most 100", percentile);
  if (!(*out = SX_NEW_N(a, sx_quant_range, (size_t)c->values.n + 1))) SX_NO_MEMORY(e);
  *n = 0;
  for (uint32_t i = 0; i < c->values.n; i++) {
    const seen *v = &c->values.at[i];
    if (!v->count) continue;
    sx_quant_range *r = &(*out)[(*n)++];
    range_of(v, method, percentile, c->scratch, r);
    if (!(r->name.p = sx_arena_strdup(a, v->name.p, v->name.n))) SX_NO_MEMORY(e);
  }
  return SX_OK;
}
