// SPDX-License-Identifier: MIT
/* LSTM, GRU and RNN in f64, as ONNX defines them: one row of the batch at a time, dot products in order. */
#ifndef SX_RNN_F64_H
#define SX_RNN_F64_H
#include <stdbool.h>
#include <stdint.h>
#include "ep/cpu/kernels/elementwise/elementwise.h"

typedef struct sx_rnn_f64_act { sx_ew_op op; double alpha, beta; } sx_rnn_f64_act;
typedef struct sx_rnn_f64 {
  int gates;                 /* 4 LSTM, 3 GRU, 1 RNN */
  int64_t T, B, I, H, D;     /* steps, batch, input, hidden, directions */
  double clip;               /* 0: none */
  bool reverse[2], batch_first, input_forget, linear_before_reset;
  sx_rnn_f64_act act[6];     /* three per direction */
} sx_rnn_f64;
/* As ONNX orders them; what is optional may be NULL. */
typedef struct sx_rnn_f64_io {
  const double *x, *w, *r, *b, *h0, *c0, *peephole;
  const int32_t *lens;       /* within [0, T] */
  double *y, *yh, *yc;
} sx_rnn_f64_io;
/* Doubles of scratch that a worker needs. */
int64_t sx_rnn_f64_scratch(const sx_rnn_f64 *q);
/* Units [begin, end) of D * B: a direction and a row of the batch each. */
void sx_rnn_f64_run(const sx_rnn_f64 *q, const sx_rnn_f64_io *io, int64_t begin, int64_t end, double *scratch);
#endif
