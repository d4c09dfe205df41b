// SPDX-License-Identifier: MIT
/* BeamSearch, GreedySearch, Sampling and WhisperBeamSearch: whole decode loops in a node. Here is what their bodies look
 * like, as a table, the facts that follow for the bodies' inputs, and the shapes of the results; run/generate runs them.
 *
 * A body's sizes are symbols of its own: how many rows it is run on and how long the cache is differs from step to step,
 * and whatever names the exporter gave them mean nothing to the graph around. */
#include "ops/control/generate.h"
#include <stdio.h>

/* Dimensions by letter: N batch and beams, S new tokens, P those of the cache, T both, E those of the encoder, H heads and
 * D sizes of a head (which the body declares), digits themselves, others whatever is declared. */
typedef struct input {
  const char *name;
  uint8_t role, dtype; /* UNDEFINED: floats of any kind */
  bool optional;
  const char *dims;
} input;
typedef struct form {
  input head[SX_GEN_HEAD];
  const char *past, *cross;       /* dimensions */
  uint32_t past_each, cross_each; /* per layer */
  bool encoder;
} form;

#define IDS \
  { "input_ids", SX_GEN_IDS, SX_I32, false, "NS" }
static const form gpt = {.head = {IDS,
                                  {"position_ids", SX_GEN_POSITIONS, SX_I32, false, "NS"},
                                  {"attention_mask", SX_GEN_MASK, SX_I32, false, "NT"}},
                         .past = "2NHPD",
                         .past_each = 1};
static const form t5_encoder = {.head = {{"encoder_input_ids", SX_GEN_PROMPT, SX_I32, false, "NE"},
                                         {"encoder_attention_mask", SX_GEN_PROMPT_MASK, SX_I32, false, "NE"},
                                         {"decoder_input_ids", SX_GEN_START, SX_I32, true, "N1"}},
                                .encoder = true};
static const form t5_decoder = {.head = {IDS,
                                         {"encoder_input_ids", SX_GEN_PROMPT, SX_I32, true, "NE"},
                                         {"encoder_attention_mask", SX_GEN_PROMPT_MASK, SX_I32, false, "NE"},
                                         {"encoder_hidden_states", SX_GEN_HIDDEN, 0, true, "NEC"}},
                                .past = "NHPD",
                                .cross = "NHED",
                                .past_each = 2,
                                .cross_each = 2};
static const form whisper_encoder = {.head = {{"encoder_input_ids", SX_GEN_PROMPT, 0, false, "NFL"},
                                              {"decoder_input_ids", SX_GEN_START, SX_I32, false, "NI"}},
                                     .encoder = true};
static const form whisper_decoder = {.head = {IDS, {"encoder_hidden_states", SX_GEN_HIDDEN, 0, true, "NEC"}},
                                     .past = "NHPD",
                                     .cross = "NHED",
                                     .past_each = 2,
                                     .cross_each = 2};
static const input tail[] = {{"past_sequence_length", SX_GEN_PAST_LENGTH, SX_I32, true, "1"},
                             {"beam_width", SX_GEN_BEAMS, SX_I32, true, "1"},
                             {"cache_indirection", SX_GEN_INDIRECTION, SX_I32, true, "XYZ"}};
static const form *const forms[][2] = {{&gpt, &gpt}, {&t5_decoder, &t5_encoder}, {&whisper_decoder, &whisper_encoder}};
static const char *const model_names[] = {"GPT-2", "an encoder and decoder such as T5", "Whisper"};

sx_gen_model sx_gen_model_of(const sx_node *n) {
  const bool whisper = n->op == &sx_op_WhisperBeamSearch;
  const int64_t m = sx_attr_int(n, "model_type", whisper ? SX_GEN_WHISPER : SX_GEN_GPT);
  return m < SX_GEN_GPT || m > SX_GEN_WHISPER ? SX_GEN_GPT : (sx_gen_model)m;
}

static const form *form_of(const sx_node *n, const char *attr) {
  return forms[sx_gen_model_of(n)][strcmp(attr, "encoder") == 0];
}
static const sx_value *input_at(const sx_graph *g, uint32_t i) { return sx_value_at(g, g->inputs.at[i]); }

/* Roles of the inputs before and behind the cache. */
static sx_status match_inputs(const form *f, sx_gen_body *b, sx_err *e) {
  const sx_graph *g = b->g;
  const uint32_t n = g->inputs.n;
  for (uint32_t k = 0; k < SX_GEN_HEAD && f->head[k].name; k++) {
    const sx_str name = b->n_head < n ? input_at(g, b->n_head)->name : (sx_str){"", 0};
    if (sx_str_is(name, f->head[k].name))
      b->head[b->n_head++] = f->head[k].role;
    else if (!f->head[k].optional)
      SX_FAIL(e, FAIL, "'%s': input %u is '%.*s', expected '%s'", b->attr, b->n_head, SX_FMT(name), f->head[k].name);
  }
  uint32_t from = n;
  while (from > b->n_head && n - from < SX_GEN_TAIL - 1) { /* those that are named behind the cache */
    bool named = false;
    for (size_t k = 0; k < sizeof tail / sizeof *tail; k++) named |= sx_str_is(input_at(g, from - 1)->name, tail[k].name);
    if (!named) break;
    from--;
  }
  for (; from + b->n_tail < n; b->n_tail++)
    for (size_t k = 0; k < sizeof tail / sizeof *tail; k++)
      if (sx_str_is(input_at(g, from + b->n_tail)->name, tail[k].name)) b->tail[b->n_tail] = tail[k].role;
  b->shared = b->n_tail > 0;
  return SX_OK;
}

static sx_status count_encoder(sx_gen_model m, sx_gen_body *b, sx_err *e) {
  const uint32_t out = b->g->outputs.n;
  if (b->n_head != b->g->inputs.n) SX_FAIL(e, FAIL, "'encoder' has %u inputs, expected %u", b->g->inputs.n, b->n_head);
  b->gives_logits = m == SX_GEN_WHISPER || b->n_head == 3;
  b->first_present = b->gives_logits ? 2 : 0;
  const uint32_t each = b->gives_logits ? 4 : 2;
  if (out < b->first_present + each || (out - b->first_present) % each)
    SX_FAIL(e, FAIL, "'encoder' has %u outputs, expected %s%u for each layer", out,
            b->gives_logits ? "logits, encoder_hidden_states and " : "", each);
  b->n_cross = (out - b->first_present) / each * 2;
  b->n_past = b->gives_logits ? b->n_cross : 0;
  return SX_OK;
}

sx_status sx_gen_read_body(const sx_node *n, const char *attr, sx_gen_body *b, sx_err *e) {
  const form *f = form_of(n, attr);
  const sx_gen_model m = sx_gen_model_of(n);
  *b = (sx_gen_body){
      .g = sx_attr_graph(n, attr), .attr = attr, .encoder = f->encoder, .first_present = 1, .gives_logits = true};
  if (!b->g) SX_FAIL(e, FAIL, "lacks the body '%s', which model_type %d (%s) needs", attr, (int)m, model_names[m]);
  SX_TRY(match_inputs(f, b, e));
  if (f->encoder) return count_encoder(m, b, e);
  const uint32_t caches = b->g->inputs.n - b->n_head - b->n_tail, each = f->past_each + f->cross_each;
  if (!caches || caches % each)
    SX_FAIL(e, FAIL, "'%s' has %u inputs, of which %u are the cache: expected %u for each layer", attr, b->g->inputs.n,
            caches, each);
  b->n_past = caches / each * f->past_each, b->n_cross = caches - b->n_past;
  if (b->g->outputs.n != 1 + b->n_past)
    SX_FAIL(e, FAIL, "'%s' has %u outputs, expected %u: logits and one for each of its %u inputs of past keys and values",
            attr, b->g->outputs.n, 1 + b->n_past, b->n_past);
  return SX_OK;
}

/* --- facts of the bodies' inputs ----------------------------------------------------------------------------------------
 */
typedef struct binder {
  sx_infer *c;
  const sx_gen_body *b;
  sx_dim of['Z' + 1]; /* by letter; 0: none yet */
} binder;

static sx_status dim_of(binder *d, char letter, sx_dim declared, const char *name, int axis, sx_dim *out) {
  sx_dimtab *t = d->c->dims;
  sx_dim *x = &d->of[(unsigned char)letter];
  const bool number = sx_dim_is_const(declared);
  *out = letter - '0';
  if (letter <= '9') return SX_OK;
  if (letter == 'H' || letter == 'D') {
    if (!number || declared < 1)
      return SX_INFER_FAIL(d->c, "'%s': input '%s' declares no number for its dimension %d, the %s", d->b->attr, name, axis,
                           letter == 'H' ? "heads" : "size of a head");
    *out = declared;
    return SX_OK;
  }
  if (number && (letter >= 'A' && !strchr("NPTEXYZ", letter)) && (letter != 'S' || declared == 1)) {
    if (letter == 'S') *x = declared;
    *out = declared;
    return SX_OK;
  }
  if (!*x && letter == 'T' && !d->b->shared) {
    sx_dim past, fresh;
    SX_TRY(dim_of(d, 'P', SX_DIM_UNKNOWN, name, axis, &past));
    SX_TRY(dim_of(d, 'S', SX_DIM_UNKNOWN, name, axis, &fresh));
    *x = sx_dim_add(t, past, fresh);
  }
  if (!*x) *x = sx_dim_fresh(t);
  if (*x == SX_DIM_UNKNOWN) SX_NO_MEMORY(d->c->e);
  *out = *x;
  return SX_OK;
}

static sx_status bind_input(binder *d, uint32_t i, uint8_t dtype, const char *dims) {
  sx_infer *c = d->c;
  const sx_value *v = input_at(d->b->g, i);
  sx_fact *f = &sx_value_at(d->b->g, d->b->g->inputs.at[i])->fact;
  const int rank = (int)strlen(dims);
  char name[64];
  snprintf(name, sizeof name, "%.*s", SX_FMT(v->name));
  if (f->kind != SX_KIND_TENSOR && f->kind != SX_KIND_UNKNOWN)
    return SX_INFER_FAIL(c, "'%s': input '%s' is no tensor", d->b->attr, name);
  const bool fits = dtype ? f->dtype == dtype : f->dtype == SX_F32 || f->dtype == SX_F16 || f->dtype == SX_BF16;
  if (!fits)
    return SX_INFER_FAIL(c, "'%s': input '%s' has type %s, expected %s", d->b->attr, name,
                         sx_dtype_name((sx_dtype)f->dtype),
                         dtype ? sx_dtype_name((sx_dtype)dtype) : "float, float16 or bfloat16");
  if (f->rank >= 0 && f->rank != rank)
    return SX_INFER_FAIL(c, "'%s': input '%s' has rank %d, expected %d", d->b->attr, name, f->rank, rank);
  sx_dim *to = SX_NEW_N(c->arena, sx_dim, (size_t)rank);
  if (!to) SX_NO_MEMORY(c->e);
  for (int k = 0; k < rank; k++) SX_TRY(dim_of(d, dims[k], f->rank < 0 ? SX_DIM_UNKNOWN : f->dims[k], name, k, &to[k]));
  f->kind = SX_KIND_TENSOR, f->rank = (int8_t)rank, f->dims = to;
  return SX_OK;
}

static const input *named(const form *f, sx_gen_role role) {
  for (size_t k = 0; k < SX_GEN_HEAD && f->head[k].name; k++)
    if (f->head[k].role == role) return &f->head[k];
  for (size_t k = 0; k < sizeof tail / sizeof *tail; k++)
    if (tail[k].role == role) return &tail[k];
  return NULL;
}

/* Inputs get their facts once; what inference gives for the rest of the body follows from them. */
static sx_status bind_body(sx_infer *c, const char *attr, sx_gen_body *b) {
  const form *f = form_of(c->n, attr);
  binder d = {.c = c, .b = b};
  SX_TRY(sx_gen_read_body(c->n, attr, b, c->e));
  const sx_fact *first = &input_at(b->g, 0)->fact;
  const int64_t s = first->rank > 0 ? sx_dim_symbol_of(c->dims, first->dims[0]) : -1;
  if (s >= 0 && b->g->first_symbol && s + 1 >= b->g->first_symbol) return SX_OK; /* done before */
  for (uint32_t i = 0, k; i < b->g->inputs.n; i++) {
    const sx_gen_role role = sx_gen_role_of(b, i, &k);
    const input *in = named(f, role);
    SX_TRY(bind_input(&d, i, in ? in->dtype : 0, in ? in->dims : role == SX_GEN_PAST ? f->past : f->cross));
  }
  return SX_OK;
}

static sx_status bind_search(sx_infer *c) {
  sx_gen_body decoder, other;
  SX_TRY(bind_body(c, "decoder", &decoder));
  if (sx_attr_int(c->n, "decoder_output_cross_qk", 0))
    return SX_INFER_FAIL(c,
                         "decoder_output_cross_qk is %lld: the products of queries and keys are not given by this library; "
                         "export the model without them",
                         (long long)sx_attr_int(c->n, "decoder_output_cross_qk", 0));
  if (sx_gen_model_of(c->n) == SX_GEN_GPT) {
    if (!sx_attr_graph(c->n, "init_decoder")) return SX_OK;
    SX_TRY(bind_body(c, "init_decoder", &other));
    if (other.n_past != decoder.n_past || other.shared != decoder.shared)
      return SX_INFER_FAIL(c, "'init_decoder' has %u inputs of past keys and values, 'decoder' has %u: expected the same",
                           other.n_past, decoder.n_past);
    return SX_OK;
  }
  SX_TRY(bind_body(c, "encoder", &other));
  if (other.n_cross != decoder.n_cross)
    return SX_INFER_FAIL(c, "'encoder' gives keys and values for %u layers, 'decoder' takes those of %u", other.n_cross / 2,
                         decoder.n_cross / 2);
  if (!other.gives_logits && sx_attr_int(c->n, "decoder_start_token_id", -1) < 0)
    return SX_INFER_FAIL(c, "decoder_start_token_id is %lld: expected a token, as 'encoder' takes no decoder_input_ids",
                         (long long)sx_attr_int(c->n, "decoder_start_token_id", -1));
  return SX_OK;
}

/* --- results ------------------------------------------------------------------------------------------------------------
 */
/* A number that comes as an input, when it is known. */
static sx_dim scalar(sx_infer *c, uint32_t i) {
  const sx_dim *v;
  return sx_infer_ints(c, i, &v) == 1 ? v[0] : SX_DIM_UNKNOWN;
}
static sx_dim batch_of(sx_infer *c) {
  return sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank ? sx_infer_in(c, 0)->dims[0] : SX_DIM_UNKNOWN;
}

/* The decoder's logits must be [rows, tokens, vocabulary]; *vocab: the tokens that are used, where it is known. */
static sx_status check_logits(sx_infer *c, sx_dim *vocab) {
  const sx_graph *b = sx_attr_graph(c->n, "decoder");
  const sx_fact *f = &sx_value_at(b, b->outputs.at[0])->fact;
  const int64_t asked = sx_attr_int(c->n, "vocab_size", -1);
  *vocab = asked > 0 ? asked : SX_DIM_UNKNOWN;
  if (f->kind != SX_KIND_TENSOR || f->rank < 0) return SX_OK;
  if (f->rank != 3) return SX_INFER_FAIL(c, "'decoder': its logits have rank %d, expected 3", f->rank);
  if (!sx_dim_is_const(f->dims[2])) return SX_OK;
  if (asked > f->dims[2])
    return SX_INFER_FAIL(c, "vocab_size is %lld, but 'decoder' gives logits for %lld tokens", (long long)asked,
                         (long long)f->dims[2]);
  if (asked <= 0) *vocab = f->dims[2];
  return SX_OK;
}
static sx_status check_prompt(sx_infer *c) {
  const int want = sx_gen_model_of(c->n) == SX_GEN_WHISPER ? 3 : 2;
  if (sx_infer_has_rank(c, 0) && sx_infer_in(c, 0)->rank != want)
    return SX_INFER_FAIL(c, "input 0 has rank %d, expected %d", sx_infer_in(c, 0)->rank, want);
  return SX_OK;
}

static sx_status infer_beams(sx_infer *c) {
  const sx_dim batch = batch_of(c), returned = scalar(c, 4), most = scalar(c, 1), beams = scalar(c, 3);
  const sx_fact *length = sx_infer_in(c, 5), *repetition = sx_infer_in(c, 6), *x = sx_infer_in(c, 0);
  const int t = length && length->dtype ? length->dtype : repetition && repetition->dtype ? repetition->dtype : SX_F32;
  sx_dim vocab;
  const bool gpt_prompt = sx_gen_model_of(c->n) == SX_GEN_GPT && x->rank == 2;
  SX_TRY(check_logits(c, &vocab));
  SX_TRY(check_prompt(c));
  SX_TRY(sx_infer_set(c, 0, SX_I32, 3, (sx_dim[]){batch, returned, most}));
  SX_TRY(sx_infer_set(c, 1, t, 2, (sx_dim[]){batch, returned}));
  SX_TRY(
      sx_infer_set(c, 2, t, 4,
                   (sx_dim[]){gpt_prompt && most != SX_DIM_UNKNOWN ? sx_dim_sub(c->dims, most, x->dims[1]) : SX_DIM_UNKNOWN,
                              batch, beams, vocab}));
  if (c->n->n_out > 3 && c->n->out[3] != SX_NONE)
    return SX_INFER_FAIL(c, "output 3 (cross_qk) is asked for: this library does not give it");
  return sx_infer_set(c, 4, t, 1, &batch);
}
static sx_status infer_single(sx_infer *c) {
  const sx_dim batch = batch_of(c);
  sx_dim vocab;
  SX_TRY(check_logits(c, &vocab));
  SX_TRY(check_prompt(c));
  SX_TRY(sx_infer_set(c, 0, SX_I32, 2, (sx_dim[]){batch, scalar(c, 1)}));
  return sx_infer_set(c, 1, SX_F32, 2, (sx_dim[]){batch, vocab});
}

#define SEARCH(N, hook)                                                 \
  const sx_op sx_op_##N = {.name = #N,                                  \
                           .domain = SX_DOMAIN_MS,                      \
                           .accuracy = SX_ACCUMULATE,                   \
                           .flags = SX_OP_CONTROL | SX_OP_NAMED_BODIES, \
                           .bind = bind_search,                         \
                           .infer = hook};
SEARCH(BeamSearch, infer_beams)
SEARCH(WhisperBeamSearch, infer_beams)
SEARCH(GreedySearch, infer_single)
SEARCH(Sampling, infer_single)
