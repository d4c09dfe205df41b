// SPDX-License-Identifier: MIT
/* Feeding the bodies: each input by its role, from what the loop has. The prompt is run once for each of the batch, not for
 * each beam; its keys and values are then gathered for all rows, as those of every step are for the rows that follow. */
#include "run/generate/generate.h"

static sx_status ints(sx_gen *g, uint32_t rank, int64_t a, int64_t b, int64_t c, sx_rt_value **out, int32_t **data) {
  const int64_t dims[] = {a, b, c};
  SX_TRY(sx_rt_tensor_create(SX_I32, rank, dims, NULL, out, g->c->e));
  *data = (*out)->data;
  return SX_OK;
}

/* Rows from[] (NULL: each its own) of v, whose rows lie along `axis`, as g->rows of them; a v with fewer has one for every
 * so many. room: the result has that many positions along the axis before the last, those that v lacks zero. */
static sx_status gather(sx_gen *g, sx_rt_value *v, uint32_t axis, const int32_t *from, int64_t room, sx_rt_value **out) {
  sx_err *e = g->c->e;
  if (!sx_rt_is_tensor(v) || v->rank <= axis || v->rank > SX_MAX_RANK || v->dims[axis] < 1 || g->rows % v->dims[axis])
    SX_FAIL(e, INVALID_ARGUMENT, "a body's keys and values, or its encoder_hidden_states, are no tensor of %lld rows",
            (long long)g->rows);
  const int64_t rows = v->dims[axis], each = g->rows / rows;
  const uint32_t seq = v->rank - 2;
  const bool grow = room && v->rank >= 2 && seq > axis && v->dims[seq] < room;
  bool same = each == 1 && !grow;
  for (int64_t r = 0; r < g->rows && same && from; r++) same = from[r] == r;
  if (same) {
    *out = sx_rt_ref(v);
    return SX_OK;
  }
  int64_t dims[SX_MAX_RANK];
  memcpy(dims, v->dims, v->rank * sizeof *dims);
  dims[axis] = g->rows;
  if (grow) dims[seq] = room;
  SX_TRY(sx_rt_tensor_create((sx_dtype)v->type.dtype, v->rank, dims, NULL, out, e));
  if (!v->bytes) return SX_OK;
  const size_t size = v->bytes / (size_t)v->count;
  const int64_t blocks = grow ? sx_dims_count(dims, (int)axis + 1, (int)seq) : 1;
  const size_t row = (size_t)sx_dims_count(v->dims, (int)axis + 1, (int)v->rank) * size, part = row / (size_t)blocks,
               to_part = (*out)->bytes / (size_t)(sx_dims_count(dims, 0, (int)axis) * g->rows * blocks);
  char *to = (*out)->data;
  for (int64_t o = 0; o < sx_dims_count(v->dims, 0, (int)axis); o++)
    for (int64_t r = 0; r < g->rows; r++) {
      const char *src = (const char *)v->data + (size_t)(o * rows + (from ? from[r] : r) / each) * row;
      for (int64_t k = 0; k < blocks; k++, to += to_part, src += part) {
        memcpy(to, src, part);
        if (to_part > part) memset(to + part, 0, to_part - part);
      }
    }
  return SX_OK;
}

/* --- inputs by role -----------------------------------------------------------------------------------------------------
 */
static bool declares_one(const sx_gen_body *b, uint32_t i) {
  const sx_fact *f = &sx_value_at(b->g, b->g->inputs.at[i])->fact;
  return f->rank == 2 && f->dims[1] == 1;
}

static sx_status feed_ids(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)k;
  int32_t *d;
  if (!g->prompted) return sx_late_take(g->c, 0, out);
  /* A decoder with an encoder gets the whole sequences, unless it says that it takes one token. */
  const int64_t n = g->model != SX_GEN_GPT && !declares_one(b, i) ? g->length : 1;
  SX_TRY(ints(g, 2, g->rows, n, 0, out, &d));
  for (int64_t r = 0; r < g->rows; r++) memcpy(d + r * n, sx_gen_row(g, r) + g->length - n, (size_t)n * sizeof *d);
  return SX_OK;
}

/* Positions count what is no padding. Those of the prompt are found here, for the steps to go on from. */
static sx_status feed_positions(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  int32_t *d;
  SX_TRY(ints(g, 2, g->prompted ? g->rows : g->batch, g->prompted ? 1 : g->start_length, 0, out, &d));
  for (int64_t r = 0; r < g->rows && g->prompted; r++) d[r] = g->positions[r]++;
  for (int64_t r = 0; r < g->batch && !g->prompted; r++) {
    const int32_t *ids = sx_gen_row(g, r * g->beams);
    int32_t at = 0;
    for (int64_t s = 0; s < g->start_length; s++) *d++ = ids[s] == g->pad ? 0 : at++;
    for (int64_t m = 0; m < g->beams; m++) g->positions[r * g->beams + m] = at;
  }
  return SX_OK;
}

static sx_status feed_mask(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  const sx_view *given = sx_gen_input(g, SX_GEN_IN_MASK);
  const int64_t rows = g->prompted ? g->rows : g->batch, beams = g->prompted ? g->beams : 1;
  int32_t *d;
  SX_TRY(ints(g, 2, rows, g->length, 0, out, &d));
  for (int64_t r = 0; r < rows; r++) {
    const int32_t *ids = sx_gen_row(g, r / beams * g->beams), *from = given ? given->constant : NULL;
    for (int64_t s = 0; s < g->length; s++)
      *d++ = s >= g->start_length ? 1 : from ? from[r / beams * g->start_length + s] : ids[s] != g->pad;
  }
  return SX_OK;
}

/* The encoder's: padding is what stands before the first token that is none. */
static sx_status feed_prompt_mask(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  const sx_view *x = sx_gen_input(g, SX_GEN_IN_PROMPT), *given = sx_gen_input(g, SX_GEN_IN_MASK);
  const int32_t *ids = x->constant, *from = given ? given->constant : NULL;
  const int64_t rows = g->prompted ? g->rows : g->batch, beams = g->prompted ? g->beams : 1, n = x->dims[1];
  int32_t *d;
  SX_TRY(ints(g, 2, rows, n, 0, out, &d));
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = r / beams * n;
    bool begun = false;
    for (int64_t s = 0; s < n; s++) {
      begun |= ids[at + s] != g->pad;
      *d++ = from ? from[at + s] : begun;
    }
  }
  return SX_OK;
}

static sx_status feed_prompt(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  if (!g->prompted || !g->prompt) SX_TRY(sx_late_take(g->c, 0, out));
  if (!g->prompted) return SX_OK;
  if (!g->prompt) {
    const sx_status s = gather(g, *out, 0, NULL, 0, &g->prompt);
    sx_rt_unref(*out);
    *out = NULL;
    SX_TRY(s);
  }
  *out = sx_rt_ref(g->prompt);
  return SX_OK;
}

static sx_status feed_start(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  int32_t *d;
  SX_TRY(ints(g, 2, g->batch, g->start_length, 0, out, &d));
  for (int64_t r = 0; r < g->batch; r++)
    memcpy(d + r * g->start_length, sx_gen_row(g, r * g->beams), (size_t)g->start_length * sizeof *d);
  return SX_OK;
}

/* An empty cache, or one of max_length zeros; later what the body gave, for the rows that go on. */
static sx_status feed_past(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  const uint32_t axis = g->model == SX_GEN_GPT;
  if (g->past[k]) {
    SX_TRY(gather(g, g->past[k], axis, g->step && g->beams > 1 ? g->from : NULL, b->shared ? g->most : 0, out));
    sx_rt_unref(g->past[k]);
    g->past[k] = NULL;
    return SX_OK;
  }
  const sx_fact *f = &sx_value_at(b->g, b->g->inputs.at[i])->fact;
  int64_t dims[SX_MAX_RANK];
  for (int a = 0; a < f->rank; a++) dims[a] = f->dims[a];
  dims[axis] = g->prompted ? g->rows : g->batch, dims[f->rank - 2] = b->shared ? g->most : 0;
  SX_TRY(sx_rt_tensor_create((sx_dtype)f->dtype, (uint32_t)f->rank, dims, NULL, out, g->c->e));
  if ((*out)->bytes) memset((*out)->data, 0, (*out)->bytes);
  return SX_OK;
}
static sx_status feed_cross(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i;
  *out = sx_rt_ref(g->cross[k]);
  return SX_OK;
}
static sx_status feed_hidden(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)i, (void)k;
  if (!g->hidden)
    SX_FAIL(g->c->e, INVALID_ARGUMENT, "'%s' takes encoder_hidden_states, which 'encoder' does not give", b->attr);
  *out = sx_rt_ref(g->hidden);
  return SX_OK;
}

static sx_status feed_past_length(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  int32_t *d;
  SX_TRY(ints(g, 1, 1, 0, 0, out, &d));
  *d = g->prompted ? (int32_t)g->length - 1 : 0;
  return SX_OK;
}
static sx_status feed_beams(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  int32_t *d;
  SX_TRY(ints(g, 1, 1, 0, 0, out, &d));
  *d = g->prompted ? (int32_t)g->beams : 1;
  return SX_OK;
}
/* The caches are gathered, so that each beam has its own. */
static sx_status feed_indirection(sx_gen *g, const sx_gen_body *b, uint32_t i, uint32_t k, sx_rt_value **out) {
  (void)b, (void)i, (void)k;
  const int64_t beams = g->prompted ? g->beams : 1;
  int32_t *d;
  SX_TRY(ints(g, 3, g->batch, beams, g->most, out, &d));
  for (int64_t r = 0; r < g->batch * beams; r++)
    for (int64_t s = 0; s < g->most; s++) *d++ = (int32_t)(r % beams);
  return SX_OK;
}

static sx_status (*const feeds[SX_GEN_ROLES])(sx_gen *, const sx_gen_body *, uint32_t, uint32_t, sx_rt_value **) = {
    [SX_GEN_IDS] = feed_ids,
    [SX_GEN_POSITIONS] = feed_positions,
    [SX_GEN_MASK] = feed_mask,
    [SX_GEN_PROMPT] = feed_prompt,
    [SX_GEN_PROMPT_MASK] = feed_prompt_mask,
    [SX_GEN_HIDDEN] = feed_hidden,
    [SX_GEN_START] = feed_start,
    [SX_GEN_PAST] = feed_past,
    [SX_GEN_CROSS] = feed_cross,
    [SX_GEN_PAST_LENGTH] = feed_past_length,
    [SX_GEN_BEAMS] = feed_beams,
    [SX_GEN_INDIRECTION] = feed_indirection,
};

/* --- runs ---------------------------------------------------------------------------------------------------------------
 */
static void drop(sx_rt_value **v, uint32_t n) {
  for (uint32_t i = 0; v && i < n; i++) {
    sx_rt_unref(v[i]);
    v[i] = NULL;
  }
}

/* Runs a body; out[] has room for its outputs. */
static sx_status run(sx_gen *g, const sx_gen_body *b, sx_rt_value **out) {
  const uint32_t n = b->g->inputs.n;
  sx_rt_value **in = sx_calloc(n, sizeof *in);
  if (!in) SX_NO_MEMORY(g->c->e);
  sx_status s = SX_OK;
  for (uint32_t i = 0, k; i < n && s == SX_OK; i++) {
    const sx_gen_role role = sx_gen_role_of(b, i, &k);
    s = feeds[role](g, b, i, k, &in[i]);
  }
  if (s == SX_OK) s = sx_late_run_body(g->c, b->attr, in, out);
  drop(in, n);
  sx_free(in, n * sizeof *in);
  return s;
}

/* Takes over what a decoder gave. */
static void keep(sx_gen *g, sx_rt_value **out) {
  g->logits = out[0], out[0] = NULL;
  for (uint32_t k = 0; k < g->n_past; k++) {
    sx_rt_unref(g->past[k]);
    g->past[k] = out[1 + k], out[1 + k] = NULL;
  }
}

static sx_status keep_encoder(sx_gen *g, sx_rt_value **out) {
  const sx_gen_body *b = &g->first;
  if (b->gives_logits) {
    g->logits = out[0], out[0] = NULL;
    SX_TRY(gather(g, out[1], 0, NULL, 0, &g->hidden));
    for (uint32_t k = 0; k < g->n_past; k++) g->past[k] = out[2 + k], out[2 + k] = NULL;
  }
  for (uint32_t k = 0; k < g->n_cross; k++)
    SX_TRY(gather(g, out[b->first_present + b->n_past + k], 0, NULL, 0, &g->cross[k]));
  return SX_OK;
}

sx_status sx_gen_prompt(sx_gen *g) {
  const bool gpt = g->model == SX_GEN_GPT;
  const char *first = !gpt ? "encoder" : sx_attr_graph(g->n, "init_decoder") ? "init_decoder" : "decoder";
  SX_TRY(sx_gen_read_body(g->n, "decoder", &g->decoder, g->c->e));
  SX_TRY(sx_gen_read_body(g->n, first, &g->first, g->c->e));
  g->n_past = g->decoder.n_past, g->n_cross = g->decoder.n_cross;
  g->past = SX_NEW_N(&g->arena, sx_rt_value *, g->n_past + 1);
  g->cross = SX_NEW_N(&g->arena, sx_rt_value *, g->n_cross + 1);
  const uint32_t n = g->first.g->outputs.n;
  sx_rt_value **out = SX_NEW_N(&g->arena, sx_rt_value *, n);
  if (!g->past || !g->cross || !out) SX_NO_MEMORY(g->c->e);
  /* What the sequences start with, for every row. */
  const sx_view *given = sx_gen_input(g, gpt ? SX_GEN_IN_PROMPT : SX_GEN_IN_START);
  for (int64_t r = 0; r < g->rows; r++)
    for (int64_t s = 0; s < g->start_length; s++)
      g->tokens[r * g->most + s] = given && (gpt || g->model == SX_GEN_WHISPER)
                                       ? ((const int32_t *)given->constant)[r / g->beams * g->start_length + s]
                                       : (int32_t)g->start;
  sx_status s = run(g, &g->first, out);
  g->prompted = true;
  if (s == SX_OK) {
    if (gpt)
      keep(g, out);
    else
      s = keep_encoder(g, out);
  }
  drop(out, n);
  return s;
}

sx_status sx_gen_step(sx_gen *g) {
  const uint32_t n = g->decoder.g->outputs.n;
  sx_rt_value **out = sx_calloc(n, sizeof *out);
  if (!out) SX_NO_MEMORY(g->c->e);
  const sx_status s = run(g, &g->decoder, out);
  if (s == SX_OK) keep(g, out);
  drop(out, n);
  sx_free(out, n * sizeof *out);
  return s;
}

void sx_gen_drop(sx_gen *g) {
  drop(g->past, g->n_past);
  drop(g->cross, g->n_cross);
  drop(&g->prompt, 1);
  drop(&g->hidden, 1);
  drop(&g->logits, 1);
}
