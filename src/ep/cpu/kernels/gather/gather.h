// SPDX-License-Identifier: MIT
/* Reads and writes at computed places, by element size. Functions that take indices return -1, or the number of the first index
 * outside [-n, n), and then what they wrote is unspecified. */
#ifndef SX_EP_CPU_GATHER_H
#define SX_EP_CPU_GATHER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y[o, i, :] = x[o, idx[i], :] for rows of `inner` bytes. Rows [begin, end) of outer * count. */
typedef struct sx_gather { int64_t axis, count; size_t inner; bool wide; /* 64-bit indices */ } sx_gather;
int64_t sx_gather_rows(const sx_gather *g, const void *x, const void *idx, void *y, int64_t begin, int64_t end);

static inline int64_t sx_index_at(const void *idx, bool wide, int64_t i) { return wide ? ((const int64_t *)idx)[i] : ((const int32_t *)idx)[i]; }
#endif
