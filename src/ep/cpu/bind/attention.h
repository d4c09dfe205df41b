// SPDX-License-Identifier: MIT
/* Shared by the bindings of attention: a phase of the kernel family over the file's own `params` (its plan is `a`) and operands
 * (`io_of`). */
#ifndef SX_CPU_BIND_ATTENTION_H
#define SX_CPU_BIND_ATTENTION_H
#include "ep/cpu/kernels/attention/attention.h"

#define SX_ATTENTION_PHASE(name)                                                              \
  static sx_status run_##name(const sx_call *c, uint32_t begin, uint32_t end) {               \
    const sx_attention_io io = io_of(c);                                                      \
    sx_attention_##name(&((const params *)c->params)->a, &io, begin, end, c->worker_scratch); \
    return SX_OK;                                                                             \
  }
#endif
