// SPDX-License-Identifier: MIT
/* Recurrent layers: X (T, B, I), weights per direction; Y (T, D, B, H), Y_h and, for LSTM, Y_c (D, B, H). With layout 1
 * batch comes first: X (B, T, I), Y (B, T, D, H), Y_h (B, D, H). */
#include "ops/ops.h"

static sx_status infer_rnn(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *r = sx_infer_in(c, 2);
  sx_str dir = sx_attr_str(c->n, "direction", "forward");
  if (!sx_str_is(dir, "forward") && !sx_str_is(dir, "reverse") && !sx_str_is(dir, "bidirectional"))
    return SX_INFER_FAIL(c, "attribute 'direction' is '%.*s'", SX_FMT(dir));
  if ((x->rank >= 0 && x->rank != 3) || (r->rank >= 0 && r->rank != 3))
    return SX_INFER_MISFIT(c, "X has rank %d and R rank %d, expected 3", x->rank, r->rank);
  const sx_fact *w = sx_infer_in(c, 1);
  if (w->rank >= 0 && w->rank != 3) return SX_INFER_MISFIT(c, "W has rank %d, expected 3", w->rank);
  bool batch_first = sx_attr_int(c->n, "layout", 0) != 0;
  sx_dim d = sx_str_is(dir, "bidirectional") ? 2 : 1, t = SX_DIM_UNKNOWN, b = SX_DIM_UNKNOWN, h = SX_DIM_UNKNOWN;
  if (x->rank == 3) t = x->dims[batch_first], b = x->dims[!batch_first];
  const bool quantized = c->n->op == &sx_op_DynamicQuantizeLSTM; /* its weights lie transposed */
  if (r->rank == 3) h = r->dims[quantized ? 1 : 2];
  if (h == SX_DIM_UNKNOWN && sx_node_attr(c->n, "hidden_size")) h = sx_attr_int(c->n, "hidden_size", 1);
  if (r->rank == 3 && sx_dim_is_const(r->dims[0]) && r->dims[0] != d)
    return SX_INFER_MISFIT(c, "R has %lld directions, attribute 'direction' means %lld", (long long)r->dims[0], (long long)d);
  const int64_t size = sx_attr_int(c->n, "hidden_size", 0);
  if (size && sx_dim_is_const(h) && h != size)
    return SX_INFER_MISFIT(c, "attribute 'hidden_size' is %lld, R is for %lld", (long long)size, (long long)h);
  const sx_dim columns = w->rank == 3 ? w->dims[quantized ? 1 : 2] : SX_DIM_UNKNOWN;
  if (x->rank == 3 && sx_dim_is_const(x->dims[2]) && sx_dim_is_const(columns) && x->dims[2] != columns)
    return SX_INFER_MISFIT(c, "X has %lld columns, W is for %lld", (long long)x->dims[2], (long long)columns);
  sx_dim y[4] = {t, d, b, h}, yb[4] = {b, t, d, h}, last[3] = {d, b, h}, lastb[3] = {b, d, h};
  SX_TRY(sx_infer_set(c, 0, x->dtype, 4, batch_first ? yb : y));
  for (uint32_t o = 1; o < c->n->n_out; o++) SX_TRY(sx_infer_set(c, o, x->dtype, 3, batch_first ? lastb : last));
  return SX_OK;
}
static sx_status drop_output_sequence(sx_upgrade_ctx *c) { /* opset 1: the outputs are wanted by being there */
  sx_node_remove_attr(c->n, "output_sequence");
  return SX_OK;
}
#define RNN(N)                                         \
  const sx_op sx_op_##N = {.name = #N,                 \
                           .accuracy = SX_ACCUMULATE,  \
                           .flags = SX_OP_CHECK_SIZES, \
                           .infer = infer_rnn,         \
                           .upgrades = {{7, drop_output_sequence}}};
RNN(GRU)
RNN(LSTM)
RNN(RNN)
const sx_op sx_op_DynamicQuantizeLSTM = {
    .name = "DynamicQuantizeLSTM", .domain = SX_DOMAIN_MS, .accuracy = SX_QUANTUM, .infer = infer_rnn};
