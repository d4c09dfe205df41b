// SPDX-License-Identifier: MIT
/* What quantising gained, node by node: profiles of the model as it was and as it was written, on the same inputs. */
#ifndef SX_QUANT_MEASURE_H
#define SX_QUANT_MEASURE_H
#include "quant/quant.h"
#include "run/session.h"

typedef struct sx_quant_sample {
  const char *const *names;
  sx_rt_value *const *values;
  size_t n;
} sx_quant_sample;
/* Fills in the times of the report and of its rows: the least of some runs each. A step that stands for several nodes
 * counts for one of them, a quantised product before others. Rows of nodes without a name have no times. */
sx_status sx_quant_measure(sx_quant_report *r, const void *data, size_t size, const char *written,
                           const sx_session_options *so, const sx_quant_sample *in, sx_err *e);
#endif
