// SPDX-License-Identifier: MIT
/* GPTQ: weights of the mode SX_QUANT_NBITS rounded with samples at hand (gptq_solve.h).
 *
 * Of every matrix the moments of what it is multiplied with are summed up, K times K floats. Where those of all matrices
 * are more than o->memory, they are taken in turns: each pass over the samples is for as many as fit. */
#ifndef SX_QUANT_GPTQ_H
#define SX_QUANT_GPTQ_H
#include "run/session.h"
#include "quant/quant.h"

typedef struct sx_gptq sx_gptq;
/* The model's bytes and the options live as long as it does. */
sx_status sx_gptq_create(const void *data, size_t size, const sx_session_options *so, const sx_quant_options *o,
                         sx_gptq **out, sx_err *e);
void sx_gptq_destroy(sx_gptq *g);
/* The model whose inputs (graph->inputs) a sample fills. */
const sx_model *sx_gptq_model(const sx_gptq *g);
/* One sample, by graph input. INVALID_ARGUMENT names a value that became infinite or NaN. Not from two threads at once. */
sx_status sx_gptq_add(sx_gptq *g, sx_rt_value *const *inputs, sx_err *e);
/* Ends a pass: its matrices are rounded. *more: the same samples are wanted again, for others. FAIL: no sample yet. After
 * any other failure nothing but sx_gptq_destroy does something: all else says FAIL. */
sx_status sx_gptq_pass(sx_gptq *g, bool *more, sx_err *e);
/* What options need for sx_quantize: the rounded matrices. A matrix that no sample reached is not among them. FAIL: matrices
 * are still to be rounded. */
sx_status sx_gptq_give(const sx_gptq *g, sx_quant_options *o, sx_err *e);
#endif
