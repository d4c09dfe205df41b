// SPDX-License-Identifier: MIT
/* Beam search: of all tokens for all beams of a batch the best 2 * beams are looked at in order. One that ends its sequence
 * makes a hypothesis, the others are the next beams. A batch is done when it has as many hypotheses as beams and no beam
 * can come to a better one. */
#include <float.h>
#include <math.h>
#include "run/generate/generate.h"

typedef struct hypothesis {
  float score;
  int64_t length;
  int32_t *tokens; /* room for max_length */
} hypothesis;
typedef struct group { /* of one batch */
  hypothesis *at;      /* best first */
  int64_t n;
  bool done;
} group;
typedef struct candidate {
  float score;
  int64_t at; /* beam * vocab + token */
} candidate;
typedef struct beams {
  group *groups;
  float *scores;         /* [rows]: sums of logarithms */
  candidate *candidates; /* [batch, 2 * beams] */
  float *all;            /* NULL, or what output 2 gets */
  int64_t steps;         /* room of `all` */
} beams;

static sx_status begin(sx_gen *g) {
  beams *b = g->private = SX_NEW(&g->arena, beams);
  if (!b) SX_NO_MEMORY(g->c->e);
  b->groups = SX_NEW_N(&g->arena, group, (size_t)g->batch);
  b->scores = SX_NEW_N(&g->arena, float, (size_t)g->rows);
  b->candidates = SX_NEW_N(&g->arena, candidate, (size_t)(2 * g->rows));
  hypothesis *h = SX_NEW_N(&g->arena, hypothesis, (size_t)g->rows);
  int32_t *room = SX_NEW_N(&g->arena, int32_t, (size_t)(g->rows * g->most));
  if (!b->groups || !b->scores || !b->candidates || !h || !room) SX_NO_MEMORY(g->c->e);
  for (int64_t r = 0; r < g->rows; r++) {
    h[r].tokens = room + r * g->most;
    if (r % g->beams) b->scores[r] = -1e9f; /* all beams begin alike: the first step chooses from one of them */
  }
  for (int64_t k = 0; k < g->batch; k++) b->groups[k].at = h + k * g->beams;
  b->steps = g->most - g->start_length;
  if (!sx_gen_wants(g, 2)) return SX_OK;
  int64_t cells;
  if (!sx_i64_mul(b->steps, g->rows * g->vocab, &cells) || !(b->all = SX_NEW_N(&g->arena, float, (size_t)cells)))
    SX_FAIL(g->c->e, NO_MEMORY, "out of memory: %lld steps of scores for %lld beams and %lld tokens", (long long)b->steps,
            (long long)g->rows, (long long)g->vocab);
  return SX_OK;
}

static float normalised(const sx_gen *g, float sum, int64_t length) {
  return (float)((double)sum / pow((double)length, (double)g->length_penalty));
}

/* The sequence of a row joins its batch's hypotheses, or is too bad for them. */
static void add(const sx_gen *g, group *p, int64_t row, float sum) {
  const hypothesis h = {normalised(g, sum, g->length), g->length, NULL};
  int64_t i = p->n;
  if (i == g->beams) {
    if (!(h.score > p->at[i - 1].score)) return;
    i--;
  } else
    p->n++;
  int32_t *room = p->at[i].tokens;
  for (; i > 0 && h.score > p->at[i - 1].score; i--) p->at[i] = p->at[i - 1];
  p->at[i] = h;
  p->at[i].tokens = room;
  memcpy(room, sx_gen_row(g, row), (size_t)g->length * sizeof *room);
}

/* The best n of the batch's scores, best first; of equal ones the first. */
static void best(const float *s, int64_t count, int64_t n, candidate *top) {
  int64_t have = 0;
  for (int64_t i = 0; i < count; i++) {
    if (have == n && (i = sx_gen_above(s, i, count, top[n - 1].score)) == count) break;
    int64_t k = have < n ? have++ : n - 1;
    for (; k > 0 && s[i] > top[k - 1].score; k--) top[k] = top[k - 1];
    top[k] = (candidate){s[i], i};
  }
}

/* Whether a sequence that goes on may still become better than the worst hypothesis. The scores looked at begin at batch *
 * beams of all batches' candidates, which is where ONNX Runtime looks; the same sequences end where its do. */
static bool can_improve(const sx_gen *g, const beams *b, int64_t batch) {
  const candidate *c = b->candidates + batch * g->beams;
  float most = c[0].score;
  for (int64_t i = 1; i < 2 * g->beams; i++)
    if (c[i].score > most) most = c[i].score;
  return b->groups[batch].at[g->beams - 1].score < normalised(g, most, g->length);
}

static void advance(sx_gen *g, beams *b, int64_t batch) {
  group *p = &b->groups[batch];
  const candidate *c = b->candidates + batch * 2 * g->beams;
  const int64_t first = batch * g->beams;
  int64_t n = 0;
  if (p->done) {
    for (; n < g->beams; n++) b->scores[first + n] = 0, g->next[first + n] = (int32_t)g->pad, g->from[first + n] = 0;
    return;
  }
  for (int64_t i = 0; i < 2 * g->beams && n < g->beams; i++) {
    const int64_t token = c[i].at % g->vocab, row = first + c[i].at / g->vocab;
    if (token != g->eos)
      b->scores[first + n] = c[i].score, g->next[first + n] = (int32_t)token, g->from[first + n] = (int32_t)row, n++;
    else if (i < g->beams)
      add(g, p, row, c[i].score);
  }
  if (p->n == g->beams && (g->early || !can_improve(g, b, batch))) p->done = true;
}

static sx_status choose(sx_gen *g, bool *done) {
  beams *b = g->private;
  for (int64_t r = 0; r < g->rows; r++) sx_gen_add(g->scores + r * g->vocab, g->vocab, b->scores[r]);
  if (b->all && g->step <= b->steps)
    memcpy(b->all + (g->step - 1) * g->rows * g->vocab, g->scores, (size_t)(g->rows * g->vocab) * sizeof(float));
  const int64_t cells = g->beams * g->vocab;
  for (int64_t k = 0; k < g->batch; k++) best(g->scores + k * cells, cells, 2 * g->beams, b->candidates + k * 2 * g->beams);
  *done = true;
  for (int64_t k = 0; k < g->batch; k++) {
    advance(g, b, k);
    *done &= b->groups[k].done;
  }
  return SX_OK;
}

static sx_status finish(sx_gen *g) {
  beams *b = g->private;
  const int64_t dims[] = {g->batch, g->returned, g->most};
  int32_t *out = sx_late_output(g->c, 0, SX_I32, 3, dims);
  if (!out && g->c->e && g->c->e->code) return g->c->e->code;
  float *scores = SX_NEW_N(&g->arena, float, (size_t)(g->batch * g->returned));
  if (!scores) SX_NO_MEMORY(g->c->e);
  for (int64_t k = 0; k < g->batch; k++) {
    group *p = &b->groups[k];
    for (int64_t m = 0; m < g->beams && !p->done; m++) add(g, p, k * g->beams + m, b->scores[k * g->beams + m]);
    for (int64_t i = 0; i < g->returned; i++) {
      const hypothesis *h = &p->at[i];
      int32_t *to = out ? out + (k * g->returned + i) * g->most : NULL;
      for (int64_t s = 0; s < g->most && to; s++) to[s] = s < h->length ? h->tokens[s] : (int32_t)g->pad;
      scores[k * g->returned + i] = h->score;
    }
  }
  SX_TRY(sx_gen_give(g, 1, 2, dims, scores));
  const int64_t shape[] = {b->steps, g->batch, g->beams, g->vocab};
  return b->all ? sx_gen_give(g, 2, 4, shape, b->all) : SX_OK;
}

const sx_gen_search sx_gen_beams = {.log_softmax = true, .begin = begin, .choose = choose, .finish = finish};
