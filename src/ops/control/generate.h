// SPDX-License-Identifier: MIT
/* The bodies of BeamSearch, GreedySearch, Sampling and WhisperBeamSearch: which input of a body is what.
 *
 * Exporters fix the names and the order of a body's inputs for each kind of model, and leave some out. What is there is
 * found once, by sx_gen_read_body; inference gives the inputs their facts by it, and the decode loop their values. */
#ifndef SX_OPS_CONTROL_GENERATE_H
#define SX_OPS_CONTROL_GENERATE_H
#include "ops/ops.h"

typedef enum sx_gen_model { SX_GEN_GPT, SX_GEN_T5, SX_GEN_WHISPER } sx_gen_model;

/* What a body's input is given. Rows are sequences: batch, or batch times beams. */
typedef enum sx_gen_role {
  SX_GEN_NONE,
  SX_GEN_IDS,         /* tokens that the cache does not have yet: [rows, S] */
  SX_GEN_POSITIONS,   /* their positions, padding not counted */
  SX_GEN_MASK,        /* [rows, past and S]: 0 is padding */
  SX_GEN_PROMPT,      /* the node's input 0 */
  SX_GEN_PROMPT_MASK, /* of the prompt, for the encoder and its readers */
  SX_GEN_HIDDEN,      /* what the encoder gave */
  SX_GEN_START,       /* [batch, n]: the tokens that decoding starts with */
  SX_GEN_PAST,        /* the cache of the decoder's own attention */
  SX_GEN_CROSS,       /* keys and values of the encoder's result */
  SX_GEN_PAST_LENGTH, /* [1]: how much of a cache of max_length is filled */
  SX_GEN_BEAMS,       /* [1] */
  SX_GEN_INDIRECTION, /* [batch, beams, max_length]: the beam that has a position's keys */
  SX_GEN_ROLES
} sx_gen_role;

enum { SX_GEN_HEAD = 5, SX_GEN_TAIL = 4 };
typedef struct sx_gen_body {
  sx_graph *g;
  const char *attr;
  bool encoder;
  bool shared;             /* past and present are buffers of max_length */
  bool gives_logits;       /* false: an encoder that gives keys and values alone */
  uint32_t n_head, n_tail; /* roles of the first and last inputs; in between n_past of PAST, n_cross of CROSS */
  uint8_t head[SX_GEN_HEAD], tail[SX_GEN_TAIL];
  uint32_t n_past, n_cross; /* of an encoder: of what it gives */
  uint32_t first_present;   /* output */
} sx_gen_body;

sx_gen_model sx_gen_model_of(const sx_node *n);
/* Fills *b from the body in attribute attr ("decoder", "encoder", "init_decoder"), which must be there. FAIL names what is
 * expected of it. */
sx_status sx_gen_read_body(const sx_node *n, const char *attr, sx_gen_body *b, sx_err *e);
/* The role of input i; *k: which of its kind. */
static inline sx_gen_role sx_gen_role_of(const sx_gen_body *b, uint32_t i, uint32_t *k) {
  *k = 0;
  if (i < b->n_head) return (sx_gen_role)b->head[i];
  const uint32_t past = b->encoder ? 0 : b->n_past, cross = b->encoder ? 0 : b->n_cross;
  *k = i - b->n_head;
  if (*k < past) return SX_GEN_PAST;
  if ((*k -= past) < cross) return SX_GEN_CROSS;
  i = *k - cross, *k = 0;
  return (sx_gen_role)b->tail[i];
}
#endif
