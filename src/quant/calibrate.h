// SPDX-License-Identifier: MIT
/* Ranges that values take, from samples: a session whose intermediate values are looked at after every run and then
 * dropped, so that memory does not grow with the number of samples.
 *
 * Of a value are kept its least and greatest number and a histogram of 2048 bins around zero. Numbers beyond it make its
 * bins twice as wide: pairs of bins become one, which loses nothing that a histogram of those bins would have had. */
#ifndef SX_QUANT_CALIBRATE_H
#define SX_QUANT_CALIBRATE_H
#include "quant/quant.h"
#include "run/session.h"

typedef enum sx_quant_method {
  SX_QUANT_MINMAX,     /* the least and the greatest number */
  SX_QUANT_PERCENTILE, /* what is left when as much is cut off at both ends as the percentile says */
  SX_QUANT_DISTRIBUTION, /* minmax, with the mean and the deviation of the numbers, to half a bin */
  SX_QUANT_ENTROPY, /* around zero, where the integers keep most of the distribution (Kullback-Leibler divergence; Migacz,
                       "8-bit inference with TensorRT", 2017) */
} sx_quant_method;

typedef struct sx_calibration sx_calibration;
/* For the values that the static mode could put on a grid; o->import is that of sx_quant_read. */
sx_status sx_calibration_create(const void *data, size_t size, const sx_session_options *o, sx_calibration **out,
                                sx_err *e);
void sx_calibration_destroy(sx_calibration *c); /* NULL is allowed */
/* The model whose inputs (graph->inputs) a sample fills. */
const sx_model *sx_calibration_model(const sx_calibration *c);
/* One sample, by graph input. INVALID_ARGUMENT names a value that became infinite or NaN. Not from two threads at once. */
sx_status sx_calibration_add(sx_calibration *c, sx_rt_value *const *inputs, sx_err *e);
/* Ranges of all values that were seen, in memory of the arena. FAIL: no sample yet, or a step failed before. */
sx_status sx_calibration_ranges(const sx_calibration *c, sx_quant_method method, double percentile, sx_arena *a,
                                sx_quant_range **out, uint32_t *n, sx_err *e);
#endif
