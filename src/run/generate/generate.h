// SPDX-License-Identifier: MIT
/* Decode loops: BeamSearch, WhisperBeamSearch, GreedySearch, Sampling.
 *
 * All four are one loop (generate.c): a body gives logits, they become scores (scores.c), a search chooses a token for each
 * row (beam.c, sample.c), and the next run of the body is fed (bodies.c). What differs is data: the roles of the bodies'
 * inputs (ops/control/generate.h), the table of what is done to scores, and the search. A row is a sequence: batch b has
 * the rows [b * beams, (b + 1) * beams). Keys and values of a row follow it by gathering, for which the search says which
 * row each came from. */
#ifndef SX_RUN_GENERATE_GENERATE_H
#define SX_RUN_GENERATE_GENERATE_H
#include "ops/control/generate.h"
#include "run/exec.h"

/* The node's inputs by meaning; where each lies depends on the operator. */
typedef enum sx_gen_in {
  SX_GEN_IN_PROMPT,
  SX_GEN_IN_MAX,
  SX_GEN_IN_MIN,
  SX_GEN_IN_BEAMS,
  SX_GEN_IN_RETURN,
  SX_GEN_IN_LENGTH_PENALTY,
  SX_GEN_IN_REPETITION,
  SX_GEN_IN_VOCAB,
  SX_GEN_IN_PREFIX,
  SX_GEN_IN_MASK,
  SX_GEN_IN_START,
  SX_GEN_IN_PROCESSOR,
  SX_GEN_IN_EXTRA,
  SX_GEN_IN_TEMPERATURE,
  SX_GEN_IN_PRESENCE,
  SX_GEN_IN_SEED,
  SX_GEN_INS
} sx_gen_in;

struct sx_gen;
/* How tokens are chosen. All functions see g->scores for g->rows rows of g->vocab. */
typedef struct sx_gen_search {
  bool log_softmax; /* scores are logarithms of probabilities; else the logits themselves */
  /* Memory; called when the vocabulary is known, before the first choose. */
  sx_status (*begin)(struct sx_gen *g);
  /* Fills g->next and g->from; *done: nothing is left to generate. */
  sx_status (*choose)(struct sx_gen *g, bool *done);
  /* The node's outputs. */
  sx_status (*finish)(struct sx_gen *g);
} sx_gen_search;
extern const sx_gen_search sx_gen_beams, sx_gen_greedy, sx_gen_sampling;

typedef struct sx_gen {
  const sx_call *c;
  const sx_node *n;
  const sx_gen_search *search;
  sx_gen_model model;
  sx_gen_body decoder, first; /* first: encoder, init_decoder, or decoder again */
  sx_arena arena;

  /* What the caller asks for. */
  int64_t batch, beams, rows, returned, vocab, most, least, start_length;
  int64_t eos, pad, start, ngram, processor, seed; /* eos outside the vocabulary: nothing ends a sequence */
  float length_penalty, repetition, temperature;
  bool early;
  const int32_t *vocab_mask, *prefix_mask, *presence, *extra;
  int64_t n_extra;

  /* Sequences so far: rows of `most` tokens, `length` of them valid. */
  int32_t *tokens, *spare;
  int64_t length;
  int32_t *next, *from; /* [rows]: the tokens chosen, and the rows that they are appended to */
  int step;             /* choices made, the one at hand included: from 1 */
  float *scores;        /* [rows, vocab] */
  uint8_t *seen;        /* [rows, vocab bits], zero between uses */
  void *private;        /* the search's */
  void *scratch;        /* of sx_cpu_log_softmax */

  /* What the bodies are fed. */
  int32_t *mask, *positions; /* [batch, start_length] or NULL; [rows] of the next token */
  bool prompted;             /* the prompt has been run */
  sx_rt_value **past, **cross, *prompt, *prompt_mask, *hidden, *started;
  sx_rt_value *logits; /* of the run before, until they are scores */
  uint32_t n_past, n_cross;
} sx_gen;

/* Input `which` of the node as it is now, or NULL. */
const sx_view *sx_gen_input(const sx_gen *g, sx_gen_in which);
/* Reads the node's attributes and inputs. FAIL, and of masks INVALID_ARGUMENT, says what is expected. */
sx_status sx_gen_read(sx_gen *g);
/* The vocabulary from the first logits, what refers to it, and memory for scores. */
sx_status sx_gen_open(sx_gen *g);
/* Runs the prompt: fills the caches, and logits where the model gives some. */
sx_status sx_gen_prompt(sx_gen *g);
/* Runs the decoder on what has been appended. */
sx_status sx_gen_step(sx_gen *g);
void sx_gen_drop(sx_gen *g); /* values */
/* Scores of the next tokens out of g->logits, which are dropped. */
sx_status sx_gen_score(sx_gen *g);
/* Over n scores (rows.c): all of them plus a number; the first from `from` on that is above x, or n. */
void sx_gen_add(float *s, int64_t n, float by);
int64_t sx_gen_above(const float *s, int64_t from, int64_t n, float x);
/* The type of output o when somebody wants it, else UNDEFINED. */
sx_dtype sx_gen_wants(const sx_gen *g, uint32_t o);
/* Float output o of that type, from values of ours. */
sx_status sx_gen_give(sx_gen *g, uint32_t o, int rank, const int64_t *dims, const float *values);
static inline const int32_t *sx_gen_row(const sx_gen *g, int64_t row) { return g->tokens + row * g->most; }
#endif
