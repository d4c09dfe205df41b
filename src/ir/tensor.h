// SPDX-License-Identifier: MIT
/* A constant: element type, shape and bytes that may live in a mapped model file, in the caller's memory or in ours.
 *
 * In real files most tensors are misaligned: `bytes` is what lies there, sx_tensor_data() gives aligned elements and copies
 * them at the first call if it must. (Varints and strings are decoded when the model is read.) A tensor may also be another
 * one whose rows are multiplied each by a factor, or floats that are stored in 16 bits; nothing is computed until somebody
 * wants the elements. Tensors are counted; many values and sessions may share one. */
#ifndef SX_IR_TENSOR_H
#define SX_IR_TENSOR_H
#include <stdatomic.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "ir/dtype.h"

typedef enum sx_owner { SX_OWN_SELF, SX_OWN_MAPPING, SX_OWN_CALLER } sx_owner;

typedef struct sx_tensor {
  atomic_uint refs;
  uint8_t dtype, owner;
  uint8_t stored;       /* type of what lies at `bytes`: dtype, or F16 or BF16 where that is F32 */
  bool pinned;          /* somebody reads the elements while running: they stay when a session has been made */
  uint8_t caller_lives; /* SX_OWN_CALLER: the caller promised to keep the bytes */
  int32_t rank;
  int64_t *dims;     /* rank entries, heap */
  int64_t count;     /* elements */
  size_t size;       /* bytes of the elements */
  const void *bytes; /* little-endian, of type `stored`, at any alignment; where there are factors, before them */
  void *data;        /* aligned copy, once made; strings: count sx_str handles */
  sx_arena strings;  /* text of string elements that are ours */
  sx_file_id file;   /* identity of the bytes: file and offset; inode 0: none */
  uint64_t offset;
  struct sx_tensor *of; /* the tensor that bytes, file and offset are of, or NULL, */
  double *factors;      /* and what the elements of row i (f32, dims[0] rows) are multiplied by before they are rounded */
} sx_tensor;

/* A tensor with zeroed elements of its own. */
sx_status sx_tensor_create(sx_dtype t, int32_t rank, const int64_t *dims, sx_tensor **out, sx_err *e);
/* A tensor over bytes that lie elsewhere (not copied). */
sx_status sx_tensor_wrap(sx_dtype t, int32_t rank, const int64_t *dims, const void *bytes, sx_owner owner, sx_tensor **out,
                         sx_err *e);
/* The rows of t, f32 of rank >= 1, times dims[0] factors, which are copied. */
sx_status sx_tensor_scale(sx_tensor *t, const double *factors, sx_tensor **out, sx_err *e);
/* The elements of t, f16 or bf16, as f32. */
sx_status sx_tensor_widen(sx_tensor *t, sx_tensor **out, sx_err *e);
sx_tensor *sx_tensor_ref(sx_tensor *t);
void sx_tensor_unref(sx_tensor *t); /* NULL is allowed */
/* Aligned elements; strings as sx_str. Not thread-safe at the first call. */
sx_status sx_tensor_data(const sx_tensor *t, const void **data, sx_err *e);
/* What lies there, at any alignment, of type t->stored and before the factors; how many bytes that are. */
sx_status sx_tensor_source(const sx_tensor *t, const void **bytes, sx_err *e);
size_t sx_tensor_source_size(const sx_tensor *t);
/* Elements are to be had only by computing them all. */
static inline bool sx_tensor_is_derived(const sx_tensor *t) { return t->factors || t->stored != t->dtype; }
/* Copies bytes that lie elsewhere, so that nothing points outside any more. */
sx_status sx_tensor_own(sx_tensor *t, sx_err *e);
/* Elements, or where there are factors what they come from, stay for those who read them while running. */
void sx_tensor_pin(sx_tensor *t);
/* Gives back elements that nobody pinned, ours and those that a caller may free: only type and shape are left. */
void sx_tensor_drop(sx_tensor *t);
/* Element i of a numeric tensor as an integer or a double (f16, bf16 and the like converted). False: not numeric or memory.
 */
bool sx_tensor_get_i64(const sx_tensor *t, int64_t i, int64_t *v);
bool sx_tensor_get_f64(const sx_tensor *t, int64_t i, double *v);
#endif
