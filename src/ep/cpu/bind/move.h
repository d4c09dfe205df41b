// SPDX-License-Identifier: MIT
/* What the bindings of data movement share: element sizes, contents of small inputs, and packed elements.
 *
 * Kernels here see whole bytes. A node on 4-bit or 2-bit tensors is prepared by sx_prep_bytes: its phases run on one thread
 * between an unpacking and a packing, over copies in scratch memory. */
#ifndef SX_EP_CPU_BIND_MOVE_H
#define SX_EP_CPU_BIND_MOVE_H
#include "ep/cpu/kernels/move/move.h"
#include "ep/ep.h"

/* Bytes per element as kernels see it: 1 for packed types. */
static inline uint32_t sx_elem_bytes(int dtype) {
  uint32_t bits = sx_dtype_bits((sx_dtype)dtype);
  return bits < 8 ? 1 : bits / 8;
}
/* Prepares by `inner`; the hook of a row is a call of this. */
sx_status sx_prep_bytes(sx_prep *p, sx_status (*inner)(sx_prep *p));

/* Element i of an i32 or i64 tensor. */
static inline int64_t sx_int_at(const void *data, int dtype, int64_t i) {
  return dtype == SX_I32 ? ((const int32_t *)data)[i] : ((const int64_t *)data)[i];
}
/* Content of a small i32 or i64 input: from its facts, its constant, or `data` (NULL in prepare). False: not known yet. */
static inline bool sx_view_ints(const sx_view *v, const void *data, int64_t *out) {
  if (!v->elems && !data) data = v->constant;
  if (!v->elems && !data) return v->count == 0;
  for (int64_t i = 0; i < v->count; i++) out[i] = v->elems ? v->elems[i] : sx_int_at(data, v->dtype, i);
  return true;
}
/* Row-major strides, in elements. */
static inline void sx_view_strides(const sx_view *v, int64_t *stride) {
  int64_t s = 1;
  for (int i = v->rank; i-- > 0; s *= v->dims[i]) stride[i] = s;
}
/* One copy plan as the step's only phase, or several in turn: input i of `moves` reads in[inputs[i]] (NULL: in[0]) and
 * writes out[outputs[i]] (NULL: out[0]), both from an element offset. */
typedef struct sx_moves_part {
  sx_move m;
  uint32_t in, out;
  int64_t src, dst, first;
} sx_moves_part; /* offsets in bytes; first unit */
typedef struct sx_moves {
  uint32_t n;
  sx_moves_part part[];
} sx_moves;
sx_moves *sx_moves_new(sx_prep *p, uint32_t n); /* NULL: out of memory */
sx_status sx_moves_phase(sx_prep *p, sx_moves *m);
#endif
