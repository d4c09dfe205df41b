// SPDX-License-Identifier: MIT
/* Values at run time: what an OrtValue is, what a step of the executor reads and writes when it is not in a slab.
 *
 * One reference-counted block: header, dimensions, and for tensors of our own the data behind them, aligned to 64. A value
 * is immutable but for its data once it is shared; references are taken and dropped from any thread. Strings are sx_str
 * handles whose bytes lie in the value's own arena, unless a kernel has written handles to bytes that live elsewhere (then
 * sx_rt_strings_own before the value outlives them). */
#ifndef SX_RUN_VALUE_H
#define SX_RUN_VALUE_H
#include <stdatomic.h>
#include "base/status.h"
#include "base/str.h"
#include "ir/dtype.h"

/* Where memory lies; numbers are those of the C interface (OrtAllocatorType, OrtMemType, OrtMemoryInfoDeviceType,
 * OrtDeviceMemoryType). Counted, but for the static ones. */
typedef struct sx_memory {
  _Atomic uint32_t refs;  /* 0: static */
  int32_t allocator_type; /* 0 device, 1 arena */
  int32_t device_id;
  int32_t mem_type;         /* 0 default, -1 CPU output, -2 CPU input */
  uint32_t device_type;     /* 0 CPU, 1 GPU, 2 FPGA, 3 NPU */
  uint32_t device_mem_type; /* 0 default, 5 host accessible */
  uint32_t vendor_id;
  size_t alignment;   /* 0: no wish */
  uint32_t name_size; /* with the terminator; bytes of `name` */
  const char *name;   /* "Cpu" */
} sx_memory;
extern const sx_memory sx_memory_cpu; /* "Cpu", allocator type device, memory type default */
/* A copy of `like` with its own name; refs 1. NULL when out of memory. */
sx_memory *sx_memory_copy(const sx_memory *like, const char *name);
const sx_memory *sx_memory_ref(const sx_memory *m);
void sx_memory_unref(const sx_memory *m); /* NULL allowed */
bool sx_memory_eq(const sx_memory *a, const sx_memory *b);
static inline bool sx_memory_is_host(const sx_memory *m) { return m->device_type == 0 || m->device_mem_type == 5; }

/* NONE is an optional that holds nothing. */
typedef enum sx_rt_kind { SX_RT_NONE, SX_RT_TENSOR, SX_RT_SEQUENCE, SX_RT_MAP, SX_RT_SPARSE, SX_RT_OPAQUE } sx_rt_kind;

/* The type of a value as far as it has no shape: of a tensor or sparse tensor `dtype`; of a map `key` and `dtype` (of its
 * values); of a sequence `elem`, whose kind is TENSOR, MAP or SEQUENCE (of tensors). Of NONE what it would hold. */
typedef struct sx_rt_type {
  uint8_t kind;  /* sx_rt_kind */
  uint8_t elem;  /* sequences: kind of the elements */
  uint8_t dtype; /* sx_dtype of the innermost tensors or map values; UNDEFINED: not known */
  uint8_t key;   /* maps: STRING or I64 */
} sx_rt_type;

/* What a value of that type is; of an optional, what it holds. */
struct sx_type;
sx_rt_type sx_rt_type_of(const struct sx_type *t);

typedef struct sx_rt_value sx_rt_value;
/* Gives memory back; called once, on the thread that drops the last reference. */
typedef void (*sx_rt_release_fn)(void *ctx, void *data, size_t bytes);

/* Where the data of a new tensor comes from; NULL instead: our own heap. */
typedef struct sx_rt_source {
  void *ctx;
  void *(*alloc)(void *ctx, size_t bytes); /* NULL when there is none */
  sx_rt_release_fn release;
  const sx_memory *memory;
} sx_rt_source;

typedef enum sx_rt_sparse_format {
  SX_SPARSE_UNDEFINED = 0,
  SX_SPARSE_COO = 1,
  SX_SPARSE_CSR = 2,
  SX_SPARSE_BLOCK = 4
} sx_rt_sparse_format;

struct sx_rt_value {
  _Atomic uint32_t refs;
  sx_rt_type type;
  uint32_t rank;
  uint32_t block_align; /* how the block is freed: 0 plain, else aligned */
  size_t block_bytes;
  /* Tensors. `data` is NULL only when bytes is 0 and the caller gave none. count = product of dims. */
  void *data;
  size_t bytes;
  int64_t count;
  const sx_memory *memory;  /* of tensors and sparse tensors; never NULL there */
  sx_rt_release_fn release; /* NULL: borrowed, or part of this block */
  void *release_ctx;
  union {
    sx_arena strings;            /* string tensors: bytes of the elements */
    SX_VEC(sx_rt_value *) items; /* sequences */
    struct {
      sx_rt_value *keys, *values;
    } map;                  /* 1-D tensors of equal length, sorted by key, keys unique */
    struct {                /* dims are the dense shape */
      sx_rt_value *values;  /* COO, CSR: 1-D; block: blocks; NULL before it is filled */
      sx_rt_value *indices; /* COO: i64 [nnz] or [nnz, rank]; CSR: inner; block: i32 [2, blocks] */
      sx_rt_value *outer;   /* CSR: i64 [rows + 1] */
      sx_rt_sparse_format format;
      sx_rt_source source; /* for the parts; alloc NULL: borrowed parts only */
    } sparse;
    struct {
      const void *type;
    } opaque; /* data, bytes and release as in tensors */
  } u;
  int64_t dims[];
};

/* A tensor with memory of its own, unset but for strings, which are empty. INVALID_ARGUMENT on a negative dimension, FAIL
 * on a size that does not fit, NO_MEMORY when there is none. */
sx_status sx_rt_tensor_create(sx_dtype dtype, uint32_t rank, const int64_t *dims, const sx_rt_source *from,
                              sx_rt_value **out, sx_err *e);
/* A tensor over memory of somebody else; `release` may be NULL, and is not called when this fails. `bytes` is what there
 * is: INVALID_ARGUMENT when that is too little. */
sx_status sx_rt_tensor_wrap(sx_dtype dtype, uint32_t rank, const int64_t *dims, void *data, size_t bytes,
                            const sx_memory *memory, sx_rt_release_fn release, void *ctx, sx_rt_value **out, sx_err *e);
static inline sx_rt_value *sx_rt_ref(sx_rt_value *v) {
  if (v) atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
  return v;
}
void sx_rt_unref(sx_rt_value *v); /* NULL allowed */
static inline bool sx_rt_is_unique(const sx_rt_value *v) {
  return atomic_load_explicit(&v->refs, memory_order_acquire) == 1;
}
static inline bool sx_rt_is_tensor(const sx_rt_value *v) { return v && v->type.kind == SX_RT_TENSOR; }
/* Over memory that somebody else keeps and frees. */
static inline bool sx_rt_is_borrowed(const sx_rt_value *v) { return !v->release && !v->block_align; }
/* A new tensor with the same type, shape and content, strings included, in host memory. */
sx_status sx_rt_tensor_clone(const sx_rt_value *v, const sx_rt_source *from, sx_rt_value **out, sx_err *e);

/* String elements, i < count. _set copies n bytes; _room gives n bytes to write (n = 0: non-NULL too). */
sx_status sx_rt_string_set(sx_rt_value *v, int64_t i, const char *p, size_t n, sx_err *e);
sx_status sx_rt_string_room(sx_rt_value *v, int64_t i, size_t n, char **out, sx_err *e);
/* Moves the bytes of all elements into the value's own arena, wherever they lie now; what it held before is freed. */
sx_status sx_rt_strings_own(sx_rt_value *v, sx_err *e);

sx_status sx_rt_none_create(sx_rt_type holds, sx_rt_value **out, sx_err *e);
/* An empty sequence. `type` says what it will hold. */
sx_status sx_rt_sequence_create(sx_rt_type type, sx_rt_value **out, sx_err *e);
/* INVALID_ARGUMENT unless the value is of the type, which is that of the input `name`. What is not known fits. */
sx_status sx_rt_fits(const sx_rt_value *v, const struct sx_type *want, sx_str name, sx_err *e);
/* Inserts before `at` (<= n), or removes; for unique sequences. The sequence takes a reference of its own. */
sx_status sx_rt_sequence_insert(sx_rt_value *seq, uint32_t at, sx_rt_value *item, sx_err *e);
void sx_rt_sequence_remove(sx_rt_value *seq, uint32_t at);
/* A new sequence of references to the same elements. */
sx_status sx_rt_sequence_copy(const sx_rt_value *seq, sx_rt_value **out, sx_err *e);
/* A map out of two 1-D host tensors of equal length: keys STRING or I64, values STRING, I64, F32 or F64. Copies, sorts by
 * key, keeps the first of equal keys. */
sx_status sx_rt_map_create(const sx_rt_value *keys, const sx_rt_value *values, sx_rt_value **out, sx_err *e);
/* A map over two tensors as above, without copying: keys that are sorted and unique already, which many maps may share. */
sx_status sx_rt_map_share(sx_rt_value *keys, sx_rt_value *values, sx_rt_value **out, sx_err *e);
/* A sparse tensor without content yet. */
sx_status sx_rt_sparse_create(sx_dtype dtype, uint32_t rank, const int64_t *dense, const sx_rt_source *from,
                              const sx_memory *memory, sx_rt_value **out, sx_err *e);
#endif
