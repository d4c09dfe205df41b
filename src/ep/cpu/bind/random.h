// SPDX-License-Identifier: MIT
/* Where the random operators' numbers come from: a source per node and session, and a key per run.
 *
 * With attribute `seed` the k-th run of a session has the same numbers in every session of the model; without, a session starts
 * from the clock. Two runs of a session never share a key. */
#ifndef SX_EP_CPU_BIND_RANDOM_H
#define SX_EP_CPU_BIND_RANDOM_H
#include "ep/ep.h"

/* sx_kernel.create: the state is the source. */
sx_status sx_random_create(sx_build *b);
/* A phase of its own in front, which draws the run's key into the first 8 bytes of the step's scratch; adds them to p->scratch. */
sx_status sx_random_key_phase(sx_prep *p);
static inline uint64_t sx_random_key(const sx_call *c) { return *(const uint64_t *)c->scratch; }
#endif
