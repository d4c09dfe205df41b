// SPDX-License-Identifier: MIT
/* Matrix multiplication: C[M,N] = act(alpha * A[M,K] B[K,N] + bias + beta * R), batched.
 *
 * f32, f64; f16 and bf16, summed in f32 and rounded once (tile_fn then gets f32 rows, before the rounding), or everything
 * but a packed B in f32; integers of 32
 * and 64 bits of either sign, which wrap and have no clip. alpha and beta of integers are integral.
 *
 * A table per element type and ISA level; elements behind the void pointers are of the table's type, strides count
 * elements. B is either packed once (weights: `pack_b`) or read as it lies (activations). Work is cut into units, tiles of
 * C that depend on shape and table alone, so results do not depend on who runs them; every sum over K runs in one fixed
 * order. Nothing here allocates, and no load passes the last element of A, B, C, bias or R; only packed panels are padded.
 */
#ifndef SX_GEMM_H
#define SX_GEMM_H
#include "ep/cpu/kernels/epilogue.h"
#include "ir/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SX_GEMM_SWEEP 32 /* panels that a sweep over the rows of B is wide */
#define SX_GEMM_DOT_ROWS 16 /* most rows of A that inner products are for, where B lies by columns */
#define SX_GEMM_BATCH 6 /* most batch dimensions; callers merge what can be merged */

/* Description, filled by the caller, then completed by sx_gemm_plan; read-only afterwards. */
typedef struct sx_gemm {
  int64_t M, N, K;
  int64_t a_row, a_k; /* A(m,k) = a[m * a_row + k * a_k] */
  bool b_packed;      /* b is the output of pack_b, panels of every matrix of the batch b_batch elements apart */
  bool wide;          /* tables of f16 and bf16, b_packed: A, C, bias and R are f32 */
  int64_t b_k, b_n;   /* else B(k,n) = b[k * b_k + n * b_n]; b_n 1 is read in place, other layouts are packed per unit. A
                       * constant with one column is better left unpacked. */
  int64_t c_row;      /* C(m,n) = c[m * c_row + n] */
  double alpha;
  sx_epilogue epi;
  bool res_column; /* R has one column, the same for every n */
  int batch_rank;  /* 0: a single matrix */
  int64_t batch[SX_GEMM_BATCH];
  int64_t a_batch[SX_GEMM_BATCH], b_batch[SX_GEMM_BATCH], c_batch[SX_GEMM_BATCH],
      res_batch[SX_GEMM_BATCH]; /* 0: broadcast */

  /* Completed by sx_gemm_plan. */
  int64_t units;  /* 0 when C is empty */
  size_t scratch; /* bytes per worker, aligned to 64 */
  double unit_ns; /* estimated cost of one unit */
  int64_t kc, row_blocks, col_blocks, panels, block_panels;
  void (*widen)(const void *b, int64_t n, float *out);                       /* B comes by way of f32 panels in scratch */
  int height;                                                                /* of a tile, at most */
  bool dot;                                                                  /* by inner products */
  bool sweep;                                                                /* by rows of B as they lie */
  enum { SX_GEMM_COPY_NONE, SX_GEMM_COPY_ROWS, SX_GEMM_COPY_PANELS } copy_a; /* A by way of scratch */
} sx_gemm;

/* The buffers of one run. bias and res may be NULL when the epilogue does not name them. */
typedef struct sx_gemm_io {
  const void *a, *b, *bias, *res;
  void *c;
} sx_gemm_io;

typedef struct sx_gemm_table {
  int elem, sum;     /* bytes of an element, of the type that sums are kept in */
  int lanes, mr, nr; /* elements per vector, largest tile (nr = 2 vectors) */
  double fma_per_ns; /* rough peak of a core, for costs */
  /* Packs panels [begin, end) of B[K,N], at any alignment, strides (b_k, b_n), into `packed`, the base of
   * sx_gemm_packed_bytes bytes aligned to 64. Layout: [panel][k][nr], the last panel only as many vectors wide as it needs,
   * its padding zero. */
  void (*pack_b)(const void *b, int64_t b_k, int64_t b_n, int64_t K, int64_t N, int64_t begin, int64_t end, void *packed);
  void (*run)(const sx_gemm *g, const sx_gemm_io *io, int64_t begin, int64_t end, void *scratch);
  void (*widen)(const void *b, int64_t n, float *out); /* f16, bf16: n elements, whole vectors, of a packed B as f32 */
} sx_gemm_table;

/* The tables of the best level this process may use; chosen once. */
const sx_gemm_table *sx_gemm_f32(void);
const sx_gemm_table *sx_gemm_f64(void);
const sx_gemm_table *sx_gemm_f16(void);
const sx_gemm_table *sx_gemm_bf16(void);
const sx_gemm_table *sx_gemm_i32(void);
const sx_gemm_table *sx_gemm_i64(void);

int64_t sx_gemm_panels(const sx_gemm_table *t, int64_t N);
/* False when the size does not fit. */
bool sx_gemm_packed_bytes(const sx_gemm_table *t, int64_t K, int64_t N, size_t *bytes);
/* Chooses blocking, number of units and scratch. The description must be in range (the caller has checked its tensors). */
void sx_gemm_plan(const sx_gemm_table *t, sx_gemm *g);

/* The obviously right version: one element after the other, in double. c, not io->c, receives the elements of C at C's
 * offsets, unrounded. B is unpacked; the tile function is not called. type: of A, B, bias and R. */
void sx_gemm_ref(sx_dtype type, const sx_gemm *g, const sx_gemm_io *io, double *c);

#define SX_GEMM_TABLES(level) \
  extern const sx_gemm_table sx_gemm_f32__##level, sx_gemm_f64__##level, sx_gemm_f16__##level, sx_gemm_bf16__##level;
SX_GEMM_TABLES(base)
SX_GEMM_TABLES(avx2)
SX_GEMM_TABLES(avx512)
#undef SX_GEMM_TABLES
extern const sx_gemm_table sx_gemm_i32__base, sx_gemm_i64__base;
#endif
