// SPDX-License-Identifier: MIT
/* From logits to scores, and what is done to scores before a token is chosen: a table of functions, applied in order to the
 * row of one sequence. A function leaves the row alone where nobody asked for it. */
#include <float.h>
#include <math.h>
#include "run/generate/generate.h"

enum { MAX_FIRST_TIMESTAMP = 50 }; /* the first timestamp of Whisper is at most one second in */
static const float never = -FLT_MAX;

static void forbid(float *s, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; j++) s[j] = never;
}

/* Tokens that the sequence has already. */
static void repetition(sx_gen *g, int64_t row, float *s) {
  const int32_t *seq = sx_gen_row(g, row);
  uint8_t *seen = g->seen + row * (g->vocab / 8 + 1);
  if (g->repetition == 1) return;
  for (int64_t i = 0; i < g->length; i++) {
    const int32_t id = seq[i];
    if (id < 0 || id >= g->vocab || seen[id / 8] >> id % 8 & 1) continue;
    seen[id / 8] |= (uint8_t)(1 << id % 8);
    s[id] = s[id] < 0 ? s[id] * g->repetition : s[id] / g->repetition;
  }
  for (int64_t i = 0; i < g->length; i++)
    if (seq[i] >= 0 && seq[i] < g->vocab) seen[seq[i] / 8] = 0;
}

/* A token that would end an n-gram which the sequence has already. */
static void no_repeat(sx_gen *g, int64_t row, float *s) {
  const int32_t *seq = sx_gen_row(g, row);
  if (g->ngram <= 0 || g->ngram > g->length) return;
  const int32_t *tail = seq + g->length - (g->ngram - 1);
  for (int64_t j = 0; j + g->ngram <= g->length; j++) {
    const int32_t id = seq[j + g->ngram - 1];
    if (id >= 0 && id < g->vocab && !memcmp(tail, seq + j, (size_t)(g->ngram - 1) * sizeof *seq)) s[id] = never;
  }
}

static void masked(const int32_t *mask, float *s, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    if (!mask[j]) s[j] = never;
}
static void vocab_mask(sx_gen *g, int64_t row, float *s) {
  (void)row;
  if (g->vocab_mask) masked(g->vocab_mask, s, g->vocab);
}
static void prefix_mask(sx_gen *g, int64_t row, float *s) {
  if (g->prefix_mask && g->step == 1) masked(g->prefix_mask + row / g->beams * g->vocab, s, g->vocab);
}
static void min_length(sx_gen *g, int64_t row, float *s) {
  (void)row;
  if (g->eos >= 0 && g->eos < g->vocab && g->length < g->least) s[g->eos] = never;
}
static void temperature(sx_gen *g, int64_t row, float *s) {
  (void)row;
  for (int64_t j = 0; j < g->vocab && g->temperature > 0 && g->temperature != 1; j++) s[j] /= g->temperature;
}
static void presence(sx_gen *g, int64_t row, float *s) {
  const float by = g->presence ? sx_attr_float(g->n, "presence_penalty", 0) : 0;
  for (int64_t j = 0; j < g->vocab && by != 0; j++) s[j] -= (float)g->presence[row * g->vocab + j] * by;
}

static int64_t token(const sx_gen *g, const char *attr) { return sx_attr_int(g->n, attr, -1); }
static float largest(const float *s, int64_t from, int64_t to) {
  float m = never;
  for (int64_t j = from; j < to; j++) m = s[j] > m ? s[j] : m;
  return m;
}
/* Whisper's rules of timestamps: they come in pairs, never go back, and one is due where all of them together are more
 * likely than any text. */
static void timestamps(sx_gen *g, int64_t row, float *s) {
  const int64_t n = g->length, vocab = g->vocab, first = token(g, "beginning_timestamp_token_id");
  const int32_t *seq = sx_gen_row(g, row);
  if (g->model != SX_GEN_WHISPER || g->processor != 1) return;
  int64_t begin = 0, last = -1;
  while (begin < n && seq[begin++] < first) {}
  for (int64_t i = n; i-- > 0 && last < 0;)
    if (seq[i] >= first) last = seq[i];
  static const char *const silent[] = {"no_timestamps_token_id", "start_of_lm_token_id", "decoder_start_token_id",
                                       "translate_token_id", "transcribe_token_id"};
  for (int k = 0; k < (n > begin ? 5 : 2); k++) {
    const int64_t id = token(g, silent[k]);
    if (id >= 0 && id < vocab) s[id] = never;
  }
  const bool ended = n > 0 && seq[n - 1] >= first, paired = n <= begin || seq[n - 2] >= first;
  if (ended && paired) forbid(s, first, vocab);
  if (ended && !paired) forbid(s, 0, g->eos < vocab ? g->eos : vocab);
  if (last >= 0 && (!ended || paired)) last++;
  forbid(s, first, last < vocab ? last : vocab);
  if (n == begin) forbid(s, first + MAX_FIRST_TIMESTAMP + 1, vocab);
  const float most = largest(s, first, vocab);
  double sum = 0;
  for (int64_t j = first; j < vocab; j++)
    if (s[j] > never) sum += expf(s[j] - most);
  if (sum > 0 && logf((float)sum) + most > largest(s, 0, first)) forbid(s, 0, first);
}

/* Tokens that the caller has decided already. */
static void forced(sx_gen *g, int64_t row, float *s) {
  if (!g->extra || g->step > g->n_extra) return;
  const int32_t id = g->extra[row / g->beams * g->n_extra + g->step - 1];
  if (id < 0 || id >= g->vocab) return;
  forbid(s, 0, g->vocab);
  s[id] = 0;
}

static void (*const processors[])(sx_gen *, int64_t, float *) = {
    repetition, no_repeat, vocab_mask, prefix_mask, min_length, temperature, presence, timestamps, forced};

static sx_status check(const sx_gen *g, const sx_rt_value *x) {
  sx_err *e = g->c->e;
  if (!sx_rt_is_tensor(x) || x->rank != 3 || x->count < 1)
    SX_FAIL(e, INVALID_ARGUMENT, "the body's logits have rank %u, expected [rows, tokens, vocabulary]", x ? x->rank : 0);
  if (x->type.dtype != SX_F32 && x->type.dtype != SX_F16 && x->type.dtype != SX_BF16)
    SX_FAIL(e, INVALID_ARGUMENT, "the body's logits have type %s, expected float, float16 or bfloat16",
            sx_dtype_name((sx_dtype)x->type.dtype));
  return SX_OK;
}

sx_status sx_gen_score(sx_gen *g) {
  const sx_rt_value *x = g->logits;
  SX_TRY(check(g, x));
  if (!g->scores) SX_TRY(sx_gen_open(g));
  if (g->rows % x->dims[0] || x->dims[2] < g->vocab)
    SX_FAIL(g->c->e, INVALID_ARGUMENT, "the body gives logits of %lld rows and %lld tokens, expected %lld and %lld",
            (long long)x->dims[0], (long long)x->dims[2], (long long)g->rows, (long long)g->vocab);
  const int64_t each = g->rows / x->dims[0];
  const size_t bytes = (size_t)g->vocab * sizeof *g->scores;
  for (int64_t r = 0; r < g->rows; r++) {
    float *s = g->scores + r * g->vocab;
    if (r % each) {
      memcpy(s, s - g->vocab, bytes);
      continue;
    }
    const size_t at = (size_t)(((r / each + 1) * x->dims[1] - 1) * x->dims[2]) * (x->bytes / (size_t)x->count);
    sx_cpu_cast((sx_dtype)x->type.dtype, SX_F32, s, (const char *)x->data + at, g->vocab);
    if (g->search->log_softmax) sx_cpu_log_softmax(s, 1, g->vocab, g->scratch);
  }
  const sx_dtype speech = g->step == 1 ? sx_gen_wants(g, 4) : SX_UNDEFINED;
  if (speech) {
    const int64_t id = token(g, "no_speech_token_id");
    float *p = SX_NEW_N(&g->arena, float, (size_t)g->batch);
    if (!p) SX_NO_MEMORY(g->c->e);
    if (id < 0 || id >= g->vocab)
      SX_FAIL(g->c->e, FAIL,
              "no_speech_token_id is %lld, outside the vocabulary of %lld tokens, and non_speech_probs is asked for",
              (long long)id, (long long)g->vocab);
    for (int64_t b = 0; b < g->batch; b++) p[b] = expf(g->scores[b * g->beams * g->vocab + id]);
    SX_TRY(sx_gen_give(g, 4, 1, &g->batch, p));
  }
  for (int64_t r = 0; r < g->rows; r++)
    for (size_t k = 0; k < sizeof processors / sizeof *processors; k++) processors[k](g, r, g->scores + r * g->vocab);
  sx_rt_unref(g->logits);
  g->logits = NULL;
  return SX_OK;
}
