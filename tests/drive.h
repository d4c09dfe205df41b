// SPDX-License-Identifier: MIT
/* Drives a session without knowing its model: inputs out of the declared types, a run, everything given back. Open dimensions
 * become 2, the same seed gives the same numbers. For tests that care how a model runs, not what it computes. */
#ifndef TESTS_DRIVE_H
#define TESTS_DRIVE_H
#include <stdio.h>
#include <stdlib.h>
#include "run/session.h"

enum { DRIVE_MAX = 32, DRIVE_ELEMENTS = 1 << 20 };
typedef struct drive_io { sx_rt_value *in[DRIVE_MAX], *out[DRIVE_MAX]; } drive_io;

static inline void drive_release(drive_io *io) {
  for (int i = 0; i < DRIVE_MAX; i++) sx_rt_unref(io->in[i]), sx_rt_unref(io->out[i]);
  *io = (drive_io){0};
}

static inline sx_status drive_fill(sx_rt_value *v, uint32_t seed, sx_err *e) {
  for (int64_t i = 0; i < v->count; i++) {
    seed = seed * 1664525u + 1013904223u;
    int small = (int)(seed >> 28); /* 0..15 */
    switch (v->type.dtype) {
      case SX_F32: ((float *)v->data)[i] = small < 3 ? 0.0f : (float)(small - 8) * 0.25f; break;
      case SX_F64: ((double *)v->data)[i] = (small - 8) * 0.25; break;
      case SX_I64: ((int64_t *)v->data)[i] = small % 3; break;
      case SX_I32: ((int32_t *)v->data)[i] = small % 3; break;
      case SX_STRING: SX_TRY(sx_rt_string_set(v, i, "some words that are long enough to need memory", (size_t)small * 2, e)); break;
      default: i = v->count; /* bytes below */
    }
  }
  uint32_t bits = sx_dtype_bits((sx_dtype)v->type.dtype);
  if (bits <= 16 && v->type.dtype != SX_STRING) memset(v->data, 1, v->bytes);
  return SX_OK;
}

/* NOT_IMPLEMENTED when the model's inputs are no tensors of known type, or too many or too large to make up. */
static inline sx_status drive_inputs(const sx_graph *g, drive_io *io, sx_err *e) {
  if (g->inputs.n > DRIVE_MAX || g->outputs.n > DRIVE_MAX) SX_FAIL(e, NOT_IMPLEMENTED, "too many inputs");
  for (uint32_t i = 0; i < g->inputs.n; i++) {
    const sx_value *v = sx_value_at(g, g->inputs.at[i]);
    if (v->overridable) continue;
    if (v->fact.kind != SX_KIND_TENSOR || v->fact.dtype == SX_UNDEFINED) SX_FAIL(e, NOT_IMPLEMENTED, "input %u is no tensor", i);
    int64_t dims[SX_MAX_RANK], count = 1;
    for (int k = 0; k < v->fact.rank; k++) {
      dims[k] = sx_dim_is_const(v->fact.dims[k]) ? v->fact.dims[k] : 2;
      if (!sx_i64_mul(count, dims[k], &count) || count > DRIVE_ELEMENTS) SX_FAIL(e, NOT_IMPLEMENTED, "input %u is large", i);
    }
    SX_TRY(sx_rt_tensor_create((sx_dtype)v->fact.dtype, v->fact.rank < 0 ? 0 : (uint32_t)v->fact.rank, dims, NULL, &io->in[i], e));
    SX_TRY(drive_fill(io->in[i], i + 1, e));
  }
  return SX_OK;
}

/* Loads, runs `runs` times, destroys. */
static inline sx_status drive_model(const void *data, size_t size, const sx_session_options *o, int runs, sx_err *e) {
  sx_session *s;
  drive_io io = {0};
  SX_TRY(sx_session_create_bytes(data, size, o, &s, e));
  const sx_graph *g = sx_session_model(s)->graph;
  sx_status st = drive_inputs(g, &io, e);
  for (int r = 0; st == SX_OK && r < runs; r++) {
    for (uint32_t i = 0; i < g->outputs.n; i++) {
      sx_rt_unref(io.out[i]);
      io.out[i] = NULL;
    }
    st = sx_session_run(s, NULL, io.in, io.out, NULL, e);
  }
  drive_release(&io);
  sx_session_destroy(s);
  return st;
}
#endif
