// SPDX-License-Identifier: MIT
/* Control flow over values that a provider holds (sx_control_host): what control.c does by moving bytes when they lie with
 * the host. */
#ifndef SX_RUN_CONTROL_H
#define SX_RUN_CONTROL_H
#include "run/exec.h"

static inline bool sx_away(const sx_rt_value *v) { return sx_rt_is_tensor(v) && !sx_memory_is_host(v->memory); }
/* Scanned input i with its axis in front; *out NULL: it lies with the host. */
sx_status sx_hosted_front(const sx_call *c, const sx_control_host *h, uint32_t i, int axis, sx_rt_value **out);
/* Row k of a tensor, over the same bytes, which it holds: bodies may hand it on. */
sx_status sx_hosted_row(sx_rt_value *whole, int64_t k, sx_rt_value **out, sx_err *e);
/* Output o out of the parts of n iterations (dims: of the whole), stacked along axis; in_loop: by `concat`. */
sx_status sx_hosted_stack(const sx_call *c, const sx_control_host *h, uint32_t o, sx_rt_value *const *parts, uint32_t n,
                          sx_dtype t, const int64_t *dims, int rank, int axis, bool reverse, bool in_loop);
sx_status sx_hosted_clone(const sx_control_host *h, sx_rt_value *v, sx_rt_value **out, sx_err *e);
#endif
