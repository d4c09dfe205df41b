// SPDX-License-Identifier: MIT
/* Reads and writes at computed places, by element size. Functions that take indices return -1, or the number of the first
 * index outside [-n, n), and then what they wrote is unspecified. */
#ifndef SX_EP_CPU_GATHER_H
#define SX_EP_CPU_GATHER_H
#include "base/cpu.h"
#include "ir/dtype.h"

static inline int64_t sx_index_at(const void *idx, bool wide, int64_t i) {
  return wide ? ((const int64_t *)idx)[i] : ((const int32_t *)idx)[i];
}

/* y[o, i, :] = x[o, idx[i], :] for rows of `inner` bytes. Rows [begin, end) of outer * count. */
typedef struct sx_gather {
  int64_t axis, count;
  size_t inner;
  bool wide; /* 64-bit indices */
} sx_gather;
int64_t sx_gather_rows(const sx_gather *g, const void *x, const void *idx, void *y, int64_t begin, int64_t end);

/* A block of an index tensor seen along one axis: element k of line l lies at line_offset + k * stride in the indexed
 * tensor once k is replaced by the index. Lines run over the index tensor without the axis. */
enum { SX_LINES_RANK = 16 };
typedef struct sx_lines {
  int rank, axis;
  int64_t n;                     /* size of the indexed axis */
  int64_t dim[SX_LINES_RANK];    /* of the index tensor */
  int64_t stride[SX_LINES_RANK]; /* of the indexed tensor, in elements */
  uint32_t elem;
  bool wide;
} sx_lines;
int64_t sx_lines_count(const sx_lines *l);
/* y[line, k] = x[line, idx[line, k]] and x[line, idx[line, k]] = u[line, k] over lines [begin, end). */
int64_t sx_gather_elements(const sx_lines *l, const void *x, const void *idx, void *y, int64_t begin, int64_t end);

/* dst[i] = op(dst[i], src[i]); NaN stays for min and max. NULL: the type has no such operation. */
typedef enum sx_combine_op {
  SX_COMBINE_NONE,
  SX_COMBINE_ADD,
  SX_COMBINE_MUL,
  SX_COMBINE_MIN,
  SX_COMBINE_MAX
} sx_combine_op;
typedef void (*sx_combine)(void *dst, const void *src, int64_t n);
sx_combine sx_combine_of(sx_dtype t, sx_combine_op op);
/* combine NULL: the value is replaced. */
int64_t sx_scatter_elements(const sx_lines *l, void *x, const void *idx, const void *u, sx_combine combine, int64_t begin,
                            int64_t end);

/* A tuple of `depth` indices names a slice of `bytes` bytes; stride is in bytes. */
enum { SX_ND_RANK = 32 };
typedef struct sx_nd {
  int64_t depth, dim[SX_ND_RANK], stride[SX_ND_RANK];
  size_t bytes;
} sx_nd;
int64_t sx_gather_nd(const sx_nd *q, const void *x, const int64_t *tuples, void *y, int64_t n);
/* Bytes [from, from + part) of each slice, in the order of the tuples. */
int64_t sx_scatter_nd(const sx_nd *q, void *x, const int64_t *tuples, const void *u, int64_t n, size_t from, size_t part,
                      uint32_t elem, sx_combine combine);
#endif
