// SPDX-License-Identifier: MIT
/* One sequence for each of the batch: the best token of each step (GreedySearch), or one drawn by its probability
 * (Sampling).
 *
 * A sequence that has ended goes on with padding until all have. Draws are those of the C++ library's default engine from
 * the same seed, one for each row and step, so that ONNX Runtime's sequences come out. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include "run/generate/generate.h"

typedef struct ranked {
  float score;
  int32_t token;
} ranked;
typedef struct single {
  bool *ended;      /* [batch] */
  uint32_t state;   /* of the engine: 1 to 2^31 - 2 */
  ranked *order;    /* [vocab] */
  double *sums;     /* [vocab] */
  int32_t *present; /* [batch, vocab]: the caller's, and what was drawn since */
} single;

static sx_status begin(sx_gen *g) {
  single *x = g->private = SX_NEW(&g->arena, single);
  if (!x || !(x->ended = SX_NEW_N(&g->arena, bool, (size_t)g->batch))) SX_NO_MEMORY(g->c->e);
  return SX_OK;
}

/* Appends padding to what has ended. */
static void settle(sx_gen *g, bool *done) {
  single *x = g->private;
  *done = true;
  for (int64_t b = 0; b < g->batch; b++) {
    g->from[b] = (int32_t)b;
    if (g->next[b] == g->eos || x->ended[b]) x->ended[b] = true, g->next[b] = (int32_t)g->pad;
    *done &= x->ended[b];
  }
}

static sx_status choose_best(sx_gen *g, bool *done) {
  for (int64_t b = 0; b < g->batch; b++) {
    const float *s = g->scores + b * g->vocab;
    int64_t most = 0;
    for (int64_t j = 1; j < g->vocab; j++)
      if (s[j] > s[most]) most = j;
    g->next[b] = (int32_t)most;
  }
  settle(g, done);
  return SX_OK;
}

static sx_status finish(sx_gen *g) {
  const int64_t dims[] = {g->batch, g->most};
  int32_t *out = sx_late_output(g->c, 0, SX_I32, 2, dims);
  if (!out) return g->c->e && g->c->e->code ? g->c->e->code : SX_OK;
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t s = 0; s < g->most; s++) *out++ = s < g->length ? sx_gen_row(g, b)[s] : (int32_t)g->pad;
  return SX_OK;
}

/* --- sampling -----------------------------------------------------------------------------------------------------------
 */
static sx_status begin_sampling(sx_gen *g) {
  const int64_t keep = sx_attr_int(g->n, "min_tokens_to_keep", 0);
  if (keep < 0 || keep >= g->vocab)
    SX_FAIL(g->c->e, FAIL, "min_tokens_to_keep is %lld, expected 0 to %lld", (long long)keep, (long long)g->vocab - 1);
  SX_TRY(begin(g));
  single *x = g->private;
  const size_t cells = (size_t)(g->batch * g->vocab);
  x->state = (uint32_t)g->seed % 0x7fffffffu;
  if (!x->state) x->state = 1;
  x->order = SX_NEW_N(&g->arena, ranked, (size_t)g->vocab);
  x->sums = SX_NEW_N(&g->arena, double, (size_t)g->vocab);
  if (!x->order || !x->sums) SX_NO_MEMORY(g->c->e);
  if (g->presence && !(x->present = SX_NEW_N(&g->arena, int32_t, cells))) SX_NO_MEMORY(g->c->e);
  if (g->presence) g->presence = memcpy(x->present, g->presence, cells * sizeof *x->present);
  return SX_OK;
}

/* std::minstd_rand0, and std::uniform_real_distribution<double> over it: two draws make 53 bits. */
static double draw(single *x) {
  enum { MODULUS = 0x7fffffff, FACTOR = 16807 };
  const double range = MODULUS - 1.0;
  double sum = 0, scale = 1;
  for (int k = 0; k < 2; k++, scale *= range) {
    x->state = (uint32_t)((uint64_t)x->state * FACTOR % MODULUS);
    sum += (x->state - 1.0) * scale;
  }
  sum /= scale;
  return sum < 1 ? sum : nextafter(1, 0);
}

static int rising(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  return x->score < y->score ? -1 : x->score > y->score ? 1 : x->token < y->token ? -1 : x->token > y->token;
}

/* Tokens beyond the probability top_p get filter_value. Looked at from the least likely on, those whose sum is not yet more
 * than 1 - top_p go, but for the last min_tokens_to_keep; with `custom`, from the most likely on, those after the sum has
 * come above top_p. A score that is no number has no probability. */
static void filter(sx_gen *g, single *x, float *s) {
  const bool custom = sx_attr_int(g->n, "custom", 0) != 0;
  const float top = sx_attr_float(g->n, "top_p", 0), to = sx_attr_float(g->n, "filter_value", -1e20f);
  const int64_t n = g->vocab, keep = sx_attr_int(g->n, "min_tokens_to_keep", 0);
  for (int64_t j = 0; j < n; j++) x->order[j] = (ranked){isnan(s[j]) ? -INFINITY : s[j], (int32_t)j};
  qsort(x->order, (size_t)n, sizeof *x->order, rising);
  const float most = x->order[n - 1].score;
  double total = 0;
  for (int64_t j = 0; j < n; j++) total += expf(x->order[j].score - most);
  float sum = 0;
  for (int64_t j = 0; j < (custom ? n - 1 : j ? n - keep : 1); j++) {
    const ranked *r = &x->order[custom ? n - 1 - j : j]; /* custom: the one behind goes */
    sum += (float)(expf(r->score - most) / total);
    if (custom ? sum > top : sum <= 1 - top) s[r[custom ? -1 : 0].token] = to;
  }
}

/* A token by its probability; scores that are not finite have none. */
static int32_t pick(sx_gen *g, single *x, const float *s) {
  float most = -FLT_MAX;
  double sum = 0;
  int32_t last = 0;
  for (int64_t j = 0; j < g->vocab; j++)
    if (isfinite(s[j]) && s[j] > most) most = s[j];
  for (int64_t j = 0; j < g->vocab; j++) {
    if (isfinite(s[j])) sum += exp((double)s[j] - (double)most), last = (int32_t)j;
    x->sums[j] = sum;
  }
  const double at = draw(x) * sum;
  for (int32_t j = 0; j < (int32_t)g->vocab; j++)
    if (x->sums[j] > at) return j;
  return last;
}

static sx_status choose_sample(sx_gen *g, bool *done) {
  single *x = g->private;
  for (int64_t b = 0; b < g->batch; b++) filter(g, x, g->scores + b * g->vocab);
  for (int64_t b = 0; b < g->batch; b++) {
    g->next[b] = pick(g, x, g->scores + b * g->vocab);
    if (x->present) x->present[b * g->vocab + g->next[b]] = 1;
  }
  settle(g, done);
  return SX_OK;
}

static sx_status finish_sampling(sx_gen *g) {
  const int64_t dims[] = {g->batch, g->vocab};
  SX_TRY(finish(g));
  return sx_gen_give(g, 1, 2, dims, g->scores);
}

const sx_gen_search sx_gen_greedy = {.begin = begin, .choose = choose_best, .finish = finish};
const sx_gen_search sx_gen_sampling = {.begin = begin_sampling, .choose = choose_sample, .finish = finish_sampling};
