// SPDX-License-Identifier: MIT
/* The cells of recurrent layers for one batch row of one step, after the matrix products.
 *
 * A gate buffer holds the pre-activations side by side, H floats each. Activations are rows of the elementwise family. */
#ifndef SX_RNN_H
#define SX_RNN_H
#include <stdint.h>
#include "ep/cpu/kernels/elementwise/elementwise.h"

typedef struct sx_rnn_act { sx_act act; sx_act_row row; } sx_rnn_act;
typedef struct sx_rnn_cell {
  int H;
  float clip;                /* 0: none */
  const float *peephole;     /* LSTM: i, o, f; or NULL */
  bool input_forget;         /* LSTM: f = 1 - i */
  bool linear_before_reset;  /* GRU */
  const sx_rnn_act *f, *g, *h;
} sx_rnn_cell;
typedef struct sx_rnn_table {
  /* gates i, o, f, c: state c and h in place. */
  void (*lstm)(const sx_rnn_cell *cell, float *gates, float *c, float *h);
  /* gates z, r, h. First call: activates z and r, and writes r * h into `reset` (unless linear_before_reset: then gates[2H] +=
   * r * recurrent, recurrent being h R' + bias). */
  void (*gru_reset)(const sx_rnn_cell *cell, float *gates, const float *h, const float *recurrent, float *reset);
  /* Second: activates the candidate, h = (1 - z) * candidate + z * h. */
  void (*gru_update)(const sx_rnn_cell *cell, float *gates, float *h);
  void (*rnn)(const sx_rnn_cell *cell, float *gates, float *h);
} sx_rnn_table;
const sx_rnn_table *sx_rnn(sx_isa isa);
#endif
