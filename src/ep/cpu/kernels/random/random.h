// SPDX-License-Identifier: MIT
/* Random numbers by counting: element i of a stream is a function of the stream's key and i alone (Philox 4x32-10), so that any
 * thread makes any range, and the same key gives the same numbers on every machine. */
#ifndef SX_EP_CPU_RANDOM_H
#define SX_EP_CPU_RANDOM_H
#include <stdbool.h>
#include <stdint.h>
#include "base/cpu.h"

/* Block `counter` of the stream: 128 random bits. */
void sx_philox(uint64_t key, uint64_t counter, uint32_t out[4]);

/* Elements [first, first + n), uniform in [0, 1) with `bits` random bits each: 1 to 24. first is a multiple of 4. */
void sx_random_uniform_f32(sx_isa isa, uint64_t key, int bits, int64_t first, int64_t n, float *y);
/* The same with 53 bits. first is a multiple of 2. */
void sx_random_uniform_f64(sx_isa isa, uint64_t key, int64_t first, int64_t n, double *y);
/* Standard normal, by Box and Muller. first is a multiple of 4 (f32), 2 (f64). */
void sx_random_normal_f32(sx_isa isa, uint64_t key, int64_t first, int64_t n, float *y);
void sx_random_normal_f64(sx_isa isa, uint64_t key, int64_t first, int64_t n, double *y);

/* The running sums of exp(x - max) for n unnormalised log probabilities; false when they sum to nothing. A class is then the
 * first whose sum lies above u * sum[n - 1]. */
bool sx_random_classes(const double *x, int64_t n, double *sum);
int64_t sx_random_class(const double *sum, int64_t n, double u);
#endif
