// SPDX-License-Identifier: MIT
/* What the caller asks for: the node's attributes and inputs, read and checked before anything runs. */
#include "run/generate/generate.h"

enum { MAX_LENGTH = 1 << 16, MAX_BEAMS = 128 };

/* Where an input lies: of the two beam searches, of the two others; -1: they have none. */
static const struct {
  int8_t beams, single;
  uint8_t rank; /* 0: one number */
  const char *name;
} inputs[SX_GEN_INS] = {
    [SX_GEN_IN_PROMPT] = {0, 0, 2, "input_ids"},
    [SX_GEN_IN_MAX] = {1, 1, 0, "max_length"},
    [SX_GEN_IN_MIN] = {2, 2, 0, "min_length"},
    [SX_GEN_IN_BEAMS] = {3, -1, 0, "num_beams"},
    [SX_GEN_IN_RETURN] = {4, -1, 0, "num_return_sequences"},
    [SX_GEN_IN_LENGTH_PENALTY] = {5, -1, 0, "length_penalty"},
    [SX_GEN_IN_REPETITION] = {6, 3, 0, "repetition_penalty"},
    [SX_GEN_IN_VOCAB] = {7, 4, 1, "vocab_mask"},
    [SX_GEN_IN_PREFIX] = {8, 5, 2, "prefix_vocab_mask"},
    [SX_GEN_IN_MASK] = {9, 6, 2, "attention_mask"},
    [SX_GEN_IN_START] = {10, -1, 2, "decoder_input_ids"},
    [SX_GEN_IN_PROCESSOR] = {11, -1, 0, "logits_processor"},
    [SX_GEN_IN_EXTRA] = {13, -1, 2, "extra_decoding_ids"},
    [SX_GEN_IN_TEMPERATURE] = {14, -1, 0, "temperature"},
    [SX_GEN_IN_PRESENCE] = {-1, 7, 2, "presence_mask"},
    [SX_GEN_IN_SEED] = {-1, 8, 0, "seed"},
};

const sx_view *sx_gen_input(const sx_gen *g, sx_gen_in which) {
  const int i = g->search == &sx_gen_beams ? inputs[which].beams : inputs[which].single;
  const sx_view *v = i < 0 || (uint32_t)i >= g->n->n_formal ? NULL : &g->c->late->in[i];
  return v && v->dtype && v->constant ? v : NULL;
}

static sx_status number(const sx_gen *g, sx_gen_in which, double dflt, double *out) {
  const sx_view *v = sx_gen_input(g, which);
  *out = dflt;
  if (!v) return SX_OK;
  const sx_dtype t = (sx_dtype)v->dtype;
  if (v->count != 1 || v->rank > 1 || (!sx_dtype_is_float(t) && !sx_dtype_is_int(t)))
    SX_FAIL(g->c->e, FAIL, "input '%s' has %lld elements and rank %d, expected one number", inputs[which].name,
            (long long)v->count, v->rank);
  sx_cpu_cast(t, SX_F64, out, v->constant, 1);
  return SX_OK;
}
static sx_status integer(const sx_gen *g, sx_gen_in which, int64_t dflt, int64_t least, int64_t most, int64_t *out) {
  double v;
  SX_TRY(number(g, which, (double)dflt, &v));
  if (!(v >= (double)least && v <= (double)most))
    SX_FAIL(g->c->e, FAIL, "%s is %.10g, expected %lld to %lld", inputs[which].name, v, (long long)least, (long long)most);
  *out = (int64_t)v;
  return SX_OK;
}
static sx_status real(const sx_gen *g, sx_gen_in which, float *out) {
  double v;
  SX_TRY(number(g, which, 1, &v));
  *out = (float)v;
  return SX_OK;
}

/* A matrix or vector of int32, or NULL; cols 0: not known yet. */
static sx_status table(const sx_gen *g, sx_gen_in which, int64_t rows, int64_t cols, const int32_t **out, int64_t *n) {
  const sx_view *v = sx_gen_input(g, which);
  *out = NULL;
  if (!v) return SX_OK;
  const int rank = inputs[which].rank;
  if (v->dtype != SX_I32 || v->rank != rank || (rank == 2 && v->dims[0] != rows) || (cols && v->dims[rank - 1] != cols)) {
    char is[SX_SHAPE_TEXT], want[SX_SHAPE_TEXT];
    const int64_t dims[] = {rows, cols};
    sx_shape_text(SX_I32, rank, dims + 2 - rank, want);
    SX_FAIL(g->c->e, INVALID_ARGUMENT, "input '%s' is %s, expected %s%s", inputs[which].name,
            sx_shape_text((sx_dtype)v->dtype, v->rank, v->dims, is), want, cols ? "" : " with any number for 0");
  }
  *out = v->constant;
  if (n) *n = v->dims[rank - 1];
  return SX_OK;
}

/* The number of tokens, which the logits tell. */
static sx_status read_vocabulary(sx_gen *g) {
  const sx_rt_value *x = g->logits;
  sx_err *e = g->c->e;
  const int64_t asked = sx_attr_int(g->n, "vocab_size", -1);
  g->vocab = asked > 0 ? asked : x->dims[2];
  if (g->vocab > x->dims[2])
    SX_FAIL(e, FAIL, "vocab_size is %lld, but the body gives logits for %lld tokens", (long long)asked,
            (long long)x->dims[2]);
  if (g->vocab < 2 || g->vocab > INT32_MAX)
    SX_FAIL(e, INVALID_ARGUMENT, "the vocabulary has %lld tokens, expected at least 2", (long long)g->vocab);
  SX_TRY(table(g, SX_GEN_IN_VOCAB, 0, g->vocab, &g->vocab_mask, NULL));
  SX_TRY(table(g, SX_GEN_IN_PREFIX, g->batch, g->vocab, &g->prefix_mask, NULL));
  SX_TRY(table(g, SX_GEN_IN_PRESENCE, g->batch, g->vocab, &g->presence, NULL));
  const int64_t first = sx_attr_int(g->n, "beginning_timestamp_token_id", -1);
  if (g->model == SX_GEN_WHISPER && g->processor == 1 && (first < 1 || first >= g->vocab))
    SX_FAIL(e, FAIL, "beginning_timestamp_token_id is %lld, expected 1 to %lld: logits_processor 1 needs it",
            (long long)first, (long long)g->vocab - 1);
  return SX_OK;
}

sx_status sx_gen_open(sx_gen *g) {
  SX_TRY(read_vocabulary(g));
  g->scores = SX_NEW_N(&g->arena, float, (size_t)(g->rows * g->vocab) + 1);
  g->seen = SX_NEW_N(&g->arena, uint8_t, (size_t)(g->rows * (g->vocab / 8 + 1)));
  g->scratch = sx_arena_aligned(&g->arena, sx_cpu_log_softmax(NULL, g->rows, g->vocab, NULL) + 1, SX_ALIGN);
  if (!g->scores || !g->seen || !g->scratch) SX_NO_MEMORY(g->c->e);
  return g->search->begin(g);
}

static sx_status read_attributes(sx_gen *g) {
  g->eos = sx_attr_int(g->n, "eos_token_id", -1);
  g->pad = sx_attr_int(g->n, "pad_token_id", -1);
  g->start = sx_attr_int(g->n, "decoder_start_token_id", -1);
  g->ngram = sx_attr_int(g->n, "no_repeat_ngram_size", 0);
  g->early = sx_attr_int(g->n, "early_stopping", 0) == 1;
  if (g->pad < INT32_MIN || g->pad > INT32_MAX || g->start > INT32_MAX)
    SX_FAIL(g->c->e, FAIL, "pad_token_id is %lld, decoder_start_token_id %lld: tokens have 32 bits", (long long)g->pad,
            (long long)g->start);
  return SX_OK;
}

/* What the sequences start with: the prompt itself, or for an encoder and decoder decoder_input_ids or the start token. */
static sx_status read_start(sx_gen *g) {
  const sx_view *x = sx_gen_input(g, SX_GEN_IN_PROMPT), *s = sx_gen_input(g, SX_GEN_IN_START);
  const int rank = g->model == SX_GEN_WHISPER ? 3 : 2;
  sx_err *e = g->c->e;
  if (!x || x->rank != rank || x->dims[0] < 1 || x->dims[1] < 1)
    SX_FAIL(e, FAIL, "input 0 ('input_ids') has rank %d and %lld elements, expected rank %d and no dimension of 0",
            x ? x->rank : 0, x ? (long long)x->count : 0, rank);
  if (rank == 2 && x->dtype != SX_I32)
    SX_FAIL(e, FAIL, "input 0 ('input_ids') has type %s, expected int32", sx_dtype_name((sx_dtype)x->dtype));
  g->batch = x->dims[0];
  if (g->model == SX_GEN_GPT) {
    g->start_length = x->dims[1];
    return SX_OK;
  }
  g->start_length = 1;
  if (g->model == SX_GEN_WHISPER && s) {
    if (s->dtype != SX_I32 || s->rank != 2 || s->dims[0] != g->batch || s->dims[1] < 1)
      SX_FAIL(e, FAIL, "input 10 ('decoder_input_ids') has rank %d and %lld elements, expected [%lld, at least 1]", s->rank,
              (long long)s->count, (long long)g->batch);
    g->start_length = s->dims[1];
  } else if (g->start < 0)
    SX_FAIL(e, FAIL, "decoder_start_token_id is %lld: expected a token, as there are no decoder_input_ids",
            (long long)g->start);
  return SX_OK;
}

sx_status sx_gen_read(sx_gen *g) {
  int64_t cells;
  SX_TRY(read_attributes(g));
  SX_TRY(read_start(g));
  if (g->start_length >= MAX_LENGTH)
    SX_FAIL(g->c->e, FAIL, "sequences start with %lld tokens, expected fewer than %d", (long long)g->start_length,
            MAX_LENGTH);
  SX_TRY(integer(g, SX_GEN_IN_MAX, 0, g->start_length + 1, MAX_LENGTH, &g->most));
  SX_TRY(integer(g, SX_GEN_IN_MIN, 0, INT32_MIN, INT32_MAX, &g->least));
  SX_TRY(integer(g, SX_GEN_IN_BEAMS, 1, 1, MAX_BEAMS, &g->beams));
  SX_TRY(integer(g, SX_GEN_IN_RETURN, 1, 1, g->beams, &g->returned));
  SX_TRY(integer(g, SX_GEN_IN_PROCESSOR, 0, 0, INT32_MAX, &g->processor));
  SX_TRY(integer(g, SX_GEN_IN_SEED, 0, 0, INT32_MAX, &g->seed));
  SX_TRY(real(g, SX_GEN_IN_LENGTH_PENALTY, &g->length_penalty));
  SX_TRY(real(g, SX_GEN_IN_REPETITION, &g->repetition));
  SX_TRY(real(g, SX_GEN_IN_TEMPERATURE, &g->temperature));
  if (g->search == &sx_gen_sampling) g->temperature = sx_attr_float(g->n, "temperature", 1);
  if (!(g->repetition > 0)) SX_FAIL(g->c->e, FAIL, "repetition_penalty is %g, expected more than 0", (double)g->repetition);
  SX_TRY(table(g, SX_GEN_IN_EXTRA, g->batch, 0, &g->extra, &g->n_extra));
  if (g->model != SX_GEN_WHISPER) {
    const int32_t *mask;
    SX_TRY(table(g, SX_GEN_IN_MASK, g->batch, sx_gen_input(g, SX_GEN_IN_PROMPT)->dims[1], &mask, NULL));
  }
  if (!sx_i64_mul(g->batch, g->beams, &g->rows) || !sx_i64_mul(g->rows, g->most, &cells) || g->rows > INT32_MAX)
    SX_FAIL(g->c->e, FAIL, "%lld sequences of %lld beams do not fit memory", (long long)g->batch, (long long)g->beams);
  g->tokens = SX_NEW_N(&g->arena, int32_t, (size_t)cells);
  g->spare = SX_NEW_N(&g->arena, int32_t, (size_t)cells);
  g->next = SX_NEW_N(&g->arena, int32_t, (size_t)g->rows);
  g->from = SX_NEW_N(&g->arena, int32_t, (size_t)g->rows);
  g->positions = SX_NEW_N(&g->arena, int32_t, (size_t)g->rows);
  if (!g->tokens || !g->spare || !g->next || !g->from || !g->positions) SX_NO_MEMORY(g->c->e);
  g->length = g->start_length;
  return SX_OK;
}
