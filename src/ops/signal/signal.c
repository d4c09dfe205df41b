// SPDX-License-Identifier: MIT
/* Signals: Fourier transforms, windows, the mel filter bank. */
#include "ops/move/content.h"

/* DFT(x, dft_length?, axis?): x is [..., n, ..., 1 or 2]. Before 20 the axis was an attribute, 1 by default. */
static sx_status axis_to_input(sx_upgrade_ctx *c) {
  if (!sx_node_attr(c->n, "axis") && !sx_node_set_int(c->g, c->id, "axis", 1)) SX_NO_MEMORY(c->e);
  return sx_upgrade_attr_to_input(c, "axis", 2, SX_I64);
}
static sx_status infer_dft(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0);
  sx_dim d[SX_MAX_RANK];
  int64_t at = -2;
  int axis;
  bool onesided = sx_attr_int(c->n, "onesided", 0) != 0, inverse = sx_attr_int(c->n, "inverse", 0) != 0;
  if (x->rank < 0) return sx_infer_set(c, 0, x->dtype, -1, NULL);
  if (x->rank < 2) return SX_INFER_FAIL(c, "the input has rank %d, expected 2 or more, the last axis of 1 or 2", x->rank);
  SX_TRY(sx_infer_one(c, 1, "dft_length"));
  SX_TRY(sx_infer_one(c, 2, "axis"));
  sx_dim last = x->dims[x->rank - 1];
  if (sx_dim_is_const(last) && last != 1 && last != 2)
    return SX_INFER_FAIL(c, "the last axis has %lld elements, expected 1 (real) or 2 (complex)", (long long)last);
  if (onesided && !inverse && last == 2)
    return SX_INFER_FAIL(c, "onesided is 1, which takes real numbers: the last axis has 2 elements, expected 1");
  bool known = !sx_infer_in(c, 2) || sx_infer_number(c, 2, 0, &at);
  bool same = !onesided && !sx_infer_in(c, 1); /* whatever the axis is */
  for (int i = 0; i < x->rank - 1; i++) d[i] = known || same ? x->dims[i] : SX_DIM_UNKNOWN;
  d[x->rank - 1] = onesided && inverse ? 1 : 2;
  if (!known) return sx_infer_set(c, 0, x->dtype, x->rank, d);
  SX_TRY(sx_infer_axis(c, at, x->rank, &axis));
  if (axis == x->rank - 1)
    return SX_INFER_FAIL(c, "axis %d holds the parts of a number, expected one of those before it", axis);
  sx_dim n = sx_infer_in(c, 1) ? sx_infer_elem(c, 1, 0) : x->dims[axis];
  if (onesided && inverse && !sx_infer_in(c, 1)) n = sx_dim_mul(c->dims, sx_dim_sub(c->dims, n, 1), 2);
  if (sx_dim_is_const(n) && n < 1) return SX_INFER_FAIL(c, "dft_length is %lld, expected 1 or more", (long long)n);
  d[axis] = onesided && !inverse && n != SX_DIM_UNKNOWN ? sx_dim_add(c->dims, sx_dim_div(c->dims, n, 2), 1) : n;
  return sx_infer_set(c, 0, x->dtype, x->rank, d);
}
const sx_op sx_op_DFT = {.name = "DFT",
                         .accuracy = SX_ACCUMULATE,
                         .flags = SX_OP_CHECK_SIZES,
                         .shape_inputs = 6,
                         .infer = infer_dft,
                         .upgrades = {{20, axis_to_input}}};

/* STFT(signal [batch, length, 1 or 2], frame_step, window?, frame_length?) */
static sx_status infer_stft(sx_infer *c) {
  const sx_fact *x = sx_infer_in(c, 0), *w = sx_infer_in(c, 2);
  sx_dim d[4] = {SX_DIM_UNKNOWN, SX_DIM_UNKNOWN, SX_DIM_UNKNOWN, 2}, n = SX_DIM_UNKNOWN, step = sx_infer_elem(c, 1, 0);
  SX_TRY(sx_infer_one(c, 1, "frame_step"));
  SX_TRY(sx_infer_one(c, 3, "frame_length"));
  if (x->rank >= 0 && x->rank != 2 && x->rank != 3)
    return SX_INFER_FAIL(c, "the signal has rank %d, expected [batch, length, 1 or 2]", x->rank);
  if (w && w->rank >= 0 && w->rank != 1) return SX_INFER_FAIL(c, "the window has rank %d, expected 1", w->rank);
  if (x->rank == 3 && sx_dim_is_const(x->dims[2]) && x->dims[2] != 1 && x->dims[2] != 2)
    return SX_INFER_FAIL(c, "the signal's last axis has %lld elements, expected 1 (real) or 2 (complex)",
                         (long long)x->dims[2]);
  if (sx_infer_in(c, 3))
    n = sx_infer_elem(c, 3, 0);
  else if (w)
    n = w->rank == 1 ? w->dims[0] : SX_DIM_UNKNOWN;
  else
    n = x->rank > 1 ? x->dims[1] : SX_DIM_UNKNOWN;
  if (sx_dim_is_const(step) && step < 1) return SX_INFER_FAIL(c, "frame_step is %lld, expected 1 or more", (long long)step);
  if (sx_dim_is_const(n) && n < 1) return SX_INFER_FAIL(c, "frame_length is %lld, expected 1 or more", (long long)n);
  if (x->rank > 1) d[0] = x->dims[0];
  if (x->rank > 1 && n != SX_DIM_UNKNOWN && step != SX_DIM_UNKNOWN) {
    if (sx_dim_is_const(n) && sx_dim_is_const(x->dims[1]) && n > x->dims[1])
      return SX_INFER_FAIL(c, "a frame of %lld elements is longer than the signal of %lld", (long long)n,
                           (long long)x->dims[1]);
    d[1] = sx_dim_add(c->dims, sx_dim_div(c->dims, sx_dim_sub(c->dims, x->dims[1], n), step), 1);
  }
  if (n != SX_DIM_UNKNOWN) d[2] = sx_attr_int(c->n, "onesided", 1) ? sx_dim_add(c->dims, sx_dim_div(c->dims, n, 2), 1) : n;
  return sx_infer_set(c, 0, x->dtype, 4, d);
}
const sx_op sx_op_STFT = {.name = "STFT", .accuracy = SX_ACCUMULATE, .shape_inputs = 2 | 8, .infer = infer_stft};

static sx_status of_type(sx_infer *c, int rank, const sx_dim *d) {
  int64_t t = sx_attr_int(c->n, "output_datatype", SX_F32);
  if (t <= 0 || t >= SX_DTYPE_COUNT)
    return SX_INFER_FAIL(c, "attribute 'output_datatype' is %lld, which is no element type", (long long)t);
  for (int i = 0; i < rank; i++)
    if (sx_dim_is_const(d[i]) && d[i] < 0) return SX_INFER_FAIL(c, "the size %lld is asked for", (long long)d[i]);
  return sx_infer_set(c, 0, (int)t, rank, d);
}
static sx_status infer_window(sx_infer *c) {
  SX_TRY(sx_infer_one(c, 0, "the size"));
  return of_type(c, 1, (sx_dim[]){sx_infer_elem(c, 0, 0)});
}
#define WINDOW(N) \
  const sx_op sx_op_##N = {.name = #N, .accuracy = SX_ULP, .ulp = 8, .shape_inputs = 1, .infer = infer_window};
WINDOW(BlackmanWindow)
WINDOW(HammingWindow)
WINDOW(HannWindow)

/* MelWeightMatrix(num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz) */
static sx_status infer_mel(sx_infer *c) {
  static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz"};
  sx_dim n = sx_infer_elem(c, 1, 0);
  for (uint32_t i = 0; i < 5; i++) SX_TRY(sx_infer_one(c, i, names[i]));
  return of_type(
      c, 2,
      (sx_dim[]){n == SX_DIM_UNKNOWN ? n : sx_dim_add(c->dims, sx_dim_div(c->dims, n, 2), 1), sx_infer_elem(c, 0, 0)});
}
const sx_op sx_op_MelWeightMatrix = {
    .name = "MelWeightMatrix", .accuracy = SX_ULP, .ulp = 8, .shape_inputs = 3, .infer = infer_mel};
