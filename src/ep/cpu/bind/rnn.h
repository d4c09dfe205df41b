// SPDX-License-Identifier: MIT
/* What a session knows of a recurrent layer: made by rnn_create.c, read by rnn.c. */
#ifndef SX_CPU_BIND_RNN_H
#define SX_CPU_BIND_RNN_H
#include "ep/cpu/kernels/gemm/gemm.h"
#include "ep/cpu/kernels/gemm/igemm.h"
#include "ep/cpu/kernels/rnn/rnn.h"
#include "ep/cpu/kernels/rnn/rnn_f64.h"
#include "ep/ep.h"

enum { SX_RNN_DIRECTIONS = 2 };
typedef enum sx_rnn_kind { SX_RNN_LSTM, SX_RNN_GRU, SX_RNN_RNN } sx_rnn_kind;

typedef struct sx_rnn_state {
  sx_rnn_kind k;
  const sx_gemm_table *tw, *tr; /* of the products with W and with R */
  const sx_igemm_table *qt;     /* of DynamicQuantizeLSTM, else NULL */
  sx_isa isa;
  const sx_rnn_table *cells;
  const void *w[SX_RNN_DIRECTIONS], *r[SX_RNN_DIRECTIONS]; /* packed; NULL when the weights are no constants */
  const void *r2[SX_RNN_DIRECTIONS]; /* GRU: R's rows of the candidate, packed apart from the others */
  sx_rnn_act act[3 * SX_RNN_DIRECTIONS];
  sx_rnn_f64_act named[3 * SX_RNN_DIRECTIONS]; /* the same by name */
  float clip;
  bool reverse[SX_RNN_DIRECTIONS], batch_first, input_forget, linear_before_reset;
} sx_rnn_state;

/* DynamicQuantizeLSTM: its weights lie (D, K, 4H); scale and zero point are inputs QUANT and QUANT + 1, one per direction
 * or one per column. */
enum { SX_RNN_QUANT_W = 8, SX_RNN_QUANT_R = 10 };

int sx_rnn_gates(sx_rnn_kind k);
sx_status sx_rnn_create(sx_build *b); /* b->state is an sx_rnn_state */
bool sx_rnn_claim_quantized(const sx_graph *g, const sx_node *n, const char **reason);
#endif
