// SPDX-License-Identifier: MIT
/* Making and dropping values. The block of a tensor of our own ends with its data, so that an output costs one allocation.
 */
#include "run/value.h"
#include "base/file.h"
#include "base/stop.h"
#include "ir/graph.h"
#include <stdlib.h>

const sx_memory sx_memory_cpu = {.name = "Cpu", .name_size = 4};

sx_memory *sx_memory_copy(const sx_memory *like, const char *name) {
  size_t n = strlen(name) + 1;
  if (n > UINT32_MAX - sizeof(sx_memory)) return NULL;
  sx_memory *m = sx_malloc(sizeof *m + n);
  if (!m) return NULL;
  memcpy(m, like, sizeof *m);
  atomic_init(&m->refs, 1);
  m->name_size = (uint32_t)n;
  m->name = memcpy(m + 1, name, n);
  return m;
}

const sx_memory *sx_memory_ref(const sx_memory *m) {
  sx_memory *own = (sx_memory *)m;
  if (own && atomic_load_explicit(&own->refs, memory_order_relaxed))
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
  return m;
}

void sx_memory_unref(const sx_memory *m) {
  sx_memory *own = (sx_memory *)m;
  if (!own || !atomic_load_explicit(&own->refs, memory_order_relaxed)) return;
  if (atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) == 1) sx_free(own, sizeof *own + own->name_size);
}

bool sx_memory_eq(const sx_memory *a, const sx_memory *b) {
  return a == b || (a->allocator_type == b->allocator_type && a->device_id == b->device_id && a->mem_type == b->mem_type &&
                    a->device_type == b->device_type && a->device_mem_type == b->device_mem_type &&
                    a->vendor_id == b->vendor_id && strcmp(a->name, b->name) == 0);
}

/* A zeroed block with room for the dimensions and `extra` bytes at a multiple of SX_ALIGN behind them. */
static sx_rt_value *block(sx_rt_kind kind, uint32_t rank, const int64_t *dims, size_t extra, bool aligned) {
  size_t head = sizeof(sx_rt_value) + (size_t)rank * sizeof(int64_t), size = aligned ? sx_round_up(head, SX_ALIGN) : head;
  if (!sx_size_add(size, extra, &size)) return NULL;
  sx_rt_value *v = aligned ? sx_malloc_passing(size) : sx_malloc(size);
  if (!v) return NULL;
  memset(v, 0, sizeof *v);
  atomic_init(&v->refs, 1);
  v->type.kind = (uint8_t)kind;
  v->rank = rank;
  v->block_align = aligned ? SX_ALIGN : 0;
  v->block_bytes = size;
  if (rank) memcpy(v->dims, dims, rank * sizeof(int64_t));
  if (aligned) v->data = (char *)v + sx_round_up(head, SX_ALIGN);
  return v;
}

static void block_free(sx_rt_value *v) {
  if (v->block_align)
    sx_free_passing(v, v->block_bytes);
  else
    sx_free(v, v->block_bytes);
}

/* Elements and bytes of a shape; the dimensions that are too many or too large are named. */
static sx_status measure(sx_dtype dtype, uint32_t rank, const int64_t *dims, int64_t *count, size_t *bytes, sx_err *e) {
  bool fits = true;
  *count = 1;
  for (uint32_t i = 0; i < rank; i++) {
    if (dims[i] < 0)
      SX_FAIL(e, INVALID_ARGUMENT, "dimension %u of the tensor's shape is negative (%lld)", i, (long long)dims[i]);
    if (dims[i] == 0) *count = 0;
  }
  for (uint32_t i = 0; i < rank && *count; i++)
    if (!sx_i64_mul(*count, dims[i], count)) fits = false, *count = 1;
  if (sx_dtype_bits(dtype) == 0) SX_FAIL(e, NOT_IMPLEMENTED, "a tensor cannot have the element type %d", (int)dtype);
  if (!fits || !sx_dtype_bytes(dtype, *count, bytes) || *bytes > PTRDIFF_MAX - 4096)
    SX_FAIL(e, FAIL, "the tensor's shape asks for more bytes than a size can hold");
  return SX_OK;
}

/* Large memory is asked for only where there is some: a system that promises more than it has would end the process later.
 */
static sx_status check_room(sx_dtype dtype, uint32_t rank, const int64_t *dims, size_t bytes, sx_err *e) {
  const uint64_t room = bytes > (size_t)1 << 28 ? sx_memory_available() : UINT64_MAX;
  char shape[SX_SHAPE_TEXT];
  if (bytes <= room) return SX_OK;
  SX_FAIL(e, FAIL, "a tensor %s needs %zu MB, more than the %llu MB that this process may use",
          sx_shape_text(dtype, (int)rank, dims, shape), bytes >> 20, (unsigned long long)(room >> 20));
}

static void strings_clear(sx_rt_value *v) {
  sx_str *s = v->data;
  for (int64_t i = 0; i < v->count; i++) s[i] = SX_STR("");
}

sx_status sx_rt_tensor_create(sx_dtype dtype, uint32_t rank, const int64_t *dims, const sx_rt_source *from,
                              sx_rt_value **out, sx_err *e) {
  int64_t count;
  size_t bytes;
  SX_TRY(measure(dtype, rank, dims, &count, &bytes, e));
  if (!from || from->memory == &sx_memory_cpu) SX_TRY(check_room(dtype, rank, dims, bytes, e));
  sx_rt_value *v = block(SX_RT_TENSOR, rank, dims, from ? 0 : bytes, !from);
  if (!v) SX_NO_MEMORY(e);
  if (from) {
    v->data = from->alloc(from->ctx, bytes);
    if (!v->data && bytes) {
      block_free(v);
      sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "the allocator has no %zu bytes for a tensor", bytes);
      return SX_E_NO_MEMORY;
    }
    v->release = v->data ? from->release : NULL;
    v->release_ctx = from->ctx;
  }
  v->type.dtype = (uint8_t)dtype;
  v->bytes = bytes;
  v->count = count;
  v->memory = sx_memory_ref(from ? from->memory : &sx_memory_cpu);
  if (dtype == SX_STRING) strings_clear(v);
  *out = v;
  return SX_OK;
}

sx_status sx_rt_tensor_wrap(sx_dtype dtype, uint32_t rank, const int64_t *dims, void *data, size_t bytes,
                            const sx_memory *memory, sx_rt_release_fn release, void *ctx, sx_rt_value **out, sx_err *e) {
  int64_t count;
  size_t need;
  SX_TRY(measure(dtype, rank, dims, &count, &need, e));
  if (need > bytes)
    SX_FAIL(e, INVALID_ARGUMENT, "the buffer is too small: the shape needs %zu bytes, it has %zu", need, bytes);
  sx_rt_value *v = block(SX_RT_TENSOR, rank, dims, 0, false);
  if (!v) SX_NO_MEMORY(e);
  v->type.dtype = (uint8_t)dtype;
  v->data = data;
  v->bytes = need;
  v->count = count;
  v->memory = sx_memory_ref(memory);
  v->release = release;
  v->release_ctx = ctx;
  *out = v;
  return SX_OK;
}

void sx_rt_unref(sx_rt_value *v) {
  if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1) return;
  switch ((sx_rt_kind)v->type.kind) {
    case SX_RT_TENSOR:
      if (v->type.dtype == SX_STRING) sx_arena_free(&v->u.strings);
      break;
    case SX_RT_SEQUENCE:
      for (uint32_t i = 0; i < v->u.items.n; i++) sx_rt_unref(v->u.items.at[i]);
      sx_vec_free(&v->u.items);
      break;
    case SX_RT_MAP:
      sx_rt_unref(v->u.map.keys);
      sx_rt_unref(v->u.map.values);
      break;
    case SX_RT_SPARSE:
      sx_rt_unref(v->u.sparse.values);
      sx_rt_unref(v->u.sparse.indices);
      sx_rt_unref(v->u.sparse.outer);
      sx_memory_unref(v->u.sparse.source.memory);
      break;
    case SX_RT_NONE:
    case SX_RT_OPAQUE: break;
  }
  if (v->release) v->release(v->release_ctx, v->data, v->bytes);
  sx_memory_unref(v->memory);
  block_free(v);
}

sx_status sx_rt_tensor_clone(const sx_rt_value *v, const sx_rt_source *from, sx_rt_value **out, sx_err *e) {
  sx_rt_value *c = NULL;
  SX_TRY(sx_rt_tensor_create((sx_dtype)v->type.dtype, v->rank, v->dims, from, &c, e));
  if (v->bytes) memcpy(c->data, v->data, v->bytes);
  if (v->type.dtype == SX_STRING && sx_rt_strings_own(c, e) != SX_OK) {
    sx_rt_unref(c);
    return SX_E_NO_MEMORY;
  }
  *out = c;
  return SX_OK;
}

enum { ASK = 1024 }; /* strings between two questions whether to go on */
sx_status sx_rt_string_room(sx_rt_value *v, int64_t i, size_t n, char **out, sx_err *e) {
  sx_str *s = (sx_str *)v->data + i;
  if (i % ASK == 0) SX_TRY(sx_stop_check(e));
  char *p = n < SIZE_MAX ? sx_arena_alloc(&v->u.strings, n + 1) : NULL;
  if (!p) SX_NO_MEMORY(e);
  *s = (sx_str){p, n};
  *out = p;
  return SX_OK;
}

sx_status sx_rt_string_set(sx_rt_value *v, int64_t i, const char *p, size_t n, sx_err *e) {
  char *room = NULL;
  SX_TRY(sx_rt_string_room(v, i, n, &room, e));
  if (n) memcpy(room, p, n);
  return SX_OK;
}

sx_status sx_rt_strings_own(sx_rt_value *v, sx_err *e) {
  sx_arena fresh = {0};
  sx_str *s = v->data;
  size_t total = 0;
  for (int64_t i = 0; i < v->count; i++)
    if (!sx_size_add(total, s[i].n, &total)) SX_NO_MEMORY(e);
  char *p = total ? sx_arena_alloc(&fresh, total) : NULL;
  if (total && !p) {
    sx_arena_free(&fresh);
    SX_NO_MEMORY(e);
  }
  for (int64_t i = 0; i < v->count; i++) {
    if (!s[i].n) {
      s[i] = SX_STR("");
      continue;
    }
    memcpy(p, s[i].p, s[i].n);
    s[i].p = p;
    p += s[i].n;
  }
  sx_arena_free(&v->u.strings);
  v->u.strings = fresh;
  return SX_OK;
}

sx_rt_type sx_rt_type_of(const sx_type *t) {
  static const uint8_t kinds[] = {[SX_KIND_TENSOR] = SX_RT_TENSOR,
                                  [SX_KIND_SEQUENCE] = SX_RT_SEQUENCE,
                                  [SX_KIND_MAP] = SX_RT_MAP,
                                  [SX_KIND_SPARSE] = SX_RT_SPARSE};
  while (t->kind == SX_KIND_OPTIONAL && t->item) t = t->item;
  sx_rt_type r = {.kind = t->kind < sizeof kinds ? kinds[t->kind] : 0};
  const sx_type *inner = t;
  while (inner->item) inner = inner->item;
  r.dtype = inner->dtype;
  if (t->kind == SX_KIND_SEQUENCE && t->item && t->item->kind < sizeof kinds) r.elem = kinds[t->item->kind];
  return r;
}

sx_status sx_rt_fits(const sx_rt_value *v, const sx_type *want, sx_str name, sx_err *e) {
  static const char *const kinds[] = {"nothing", "tensor", "sequence", "map", "sparse tensor", "opaque value"};
  const sx_rt_type t = sx_rt_type_of(want), has = v->type;
  if (!t.kind || (has.kind == SX_RT_NONE && want->kind == SX_KIND_OPTIONAL)) return SX_OK;
  if (has.kind != t.kind)
    SX_FAIL(e, INVALID_ARGUMENT, "Unexpected input: '%.*s' is a %s, expected a %s", SX_FMT(name), kinds[has.kind], kinds[t.kind]);
  if (has.kind == SX_RT_SEQUENCE && v->u.items.n == 0) return SX_OK;
  if ((t.dtype && has.dtype && t.dtype != has.dtype) || (t.elem && has.elem && t.elem != has.elem))
    SX_FAIL(e, INVALID_ARGUMENT, "Unexpected input data type: '%.*s' is a %s of %s, expected one of %s", SX_FMT(name), kinds[t.kind],
            t.elem != has.elem ? kinds[has.elem] : sx_dtype_name((sx_dtype)has.dtype),
            t.elem != has.elem ? kinds[t.elem] : sx_dtype_name((sx_dtype)t.dtype));
  return SX_OK;
}

sx_status sx_rt_none_create(sx_rt_type holds, sx_rt_value **out, sx_err *e) {
  sx_rt_value *v = block(SX_RT_NONE, 0, NULL, 0, false);
  if (!v) SX_NO_MEMORY(e);
  v->type = (sx_rt_type){.kind = SX_RT_NONE, .elem = holds.kind, .dtype = holds.dtype, .key = holds.key};
  *out = v;
  return SX_OK;
}

sx_status sx_rt_sequence_create(sx_rt_type type, sx_rt_value **out, sx_err *e) {
  sx_rt_value *v = block(SX_RT_SEQUENCE, 0, NULL, 0, false);
  if (!v) SX_NO_MEMORY(e);
  v->type = type;
  v->type.kind = SX_RT_SEQUENCE;
  *out = v;
  return SX_OK;
}

sx_status sx_rt_sequence_insert(sx_rt_value *seq, uint32_t at, sx_rt_value *item, sx_err *e) {
  if (!sx_vec_push(&seq->u.items, item)) SX_NO_MEMORY(e);
  sx_rt_value **p = seq->u.items.at + at;
  memmove(p + 1, p, (seq->u.items.n - 1 - at) * sizeof *p);
  *p = sx_rt_ref(item);
  return SX_OK;
}

void sx_rt_sequence_remove(sx_rt_value *seq, uint32_t at) {
  sx_rt_value **p = seq->u.items.at + at;
  sx_rt_unref(*p);
  memmove(p, p + 1, (--seq->u.items.n - at) * sizeof *p);
}

sx_status sx_rt_sequence_copy(const sx_rt_value *seq, sx_rt_value **out, sx_err *e) {
  sx_rt_value *c = NULL;
  SX_TRY(sx_rt_sequence_create(seq->type, &c, e));
  if (!sx_vec_reserve(&c->u.items, seq->u.items.n)) {
    sx_rt_unref(c);
    SX_NO_MEMORY(e);
  }
  for (uint32_t i = 0; i < seq->u.items.n; i++) c->u.items.at[c->u.items.n++] = sx_rt_ref(seq->u.items.at[i]);
  *out = c;
  return SX_OK;
}

/* Positions of a map's keys; qsort has no context, so an entry carries its key. Equal keys keep their order. */
typedef struct entry {
  sx_str s;
  int64_t i, at;
} entry;

static int by_key(const void *x, const void *y) {
  const entry *a = x, *b = y;
  int c = 0;
  if (a->s.p) {
    c = memcmp(a->s.p, b->s.p, a->s.n < b->s.n ? a->s.n : b->s.n);
    if (!c) c = (a->s.n > b->s.n) - (a->s.n < b->s.n);
  } else {
    c = (a->i > b->i) - (a->i < b->i);
  }
  return c ? c : (a->at > b->at) - (a->at < b->at);
}

static bool same_key(const entry *a, const entry *b) { return a->s.p ? sx_str_eq(a->s, b->s) : a->i == b->i; }

/* The elements of a 1-D tensor that `order` names, as a new one. */
static sx_status take(const sx_rt_value *from, const entry *order, int64_t n, sx_rt_value **out, sx_err *e) {
  sx_rt_value *v = NULL;
  SX_TRY(sx_rt_tensor_create((sx_dtype)from->type.dtype, 1, &n, NULL, &v, e));
  size_t item = sx_dtype_bits((sx_dtype)from->type.dtype) / 8;
  for (int64_t i = 0; i < n; i++)
    memcpy((char *)v->data + (size_t)i * item, (const char *)from->data + (size_t)order[i].at * item, item);
  if (from->type.dtype == SX_STRING && sx_rt_strings_own(v, e) != SX_OK) {
    sx_rt_unref(v);
    return SX_E_NO_MEMORY;
  }
  *out = v;
  return SX_OK;
}

sx_status sx_rt_map_create(const sx_rt_value *keys, const sx_rt_value *values, sx_rt_value **out, sx_err *e) {
  size_t n = (size_t)keys->count, size;
  if (!sx_size_mul(n, sizeof(entry), &size)) SX_NO_MEMORY(e);
  entry *order = sx_calloc(n, sizeof *order);
  sx_rt_value *v = block(SX_RT_MAP, 0, NULL, 0, false);
  sx_status st = order && v ? SX_OK : sx_fail(e, SX_E_NO_MEMORY, SX_HERE, "out of memory");
  size_t unique = 0;
  if (st == SX_OK) {
    bool text = keys->type.dtype == SX_STRING;
    for (size_t i = 0; i < n; i++) {
      order[i].at = (int64_t)i;
      if (text)
        order[i].s = ((const sx_str *)keys->data)[i];
      else
        order[i].i = ((const int64_t *)keys->data)[i];
    }
    qsort(order, n, sizeof *order, by_key);
    for (size_t i = 0; i < n; i++)
      if (!unique || !same_key(&order[unique - 1], &order[i])) order[unique++] = order[i];
    v->type.dtype = values->type.dtype;
    v->type.key = keys->type.dtype;
    st = take(keys, order, (int64_t)unique, &v->u.map.keys, e);
    if (st == SX_OK) st = take(values, order, (int64_t)unique, &v->u.map.values, e);
  }
  sx_free(order, size);
  if (st != SX_OK) {
    sx_rt_unref(v);
    return st;
  }
  *out = v;
  return SX_OK;
}

sx_status sx_rt_map_share(sx_rt_value *keys, sx_rt_value *values, sx_rt_value **out, sx_err *e) {
  sx_rt_value *v = block(SX_RT_MAP, 0, NULL, 0, false);
  if (!v) SX_NO_MEMORY(e);
  v->type.dtype = values->type.dtype;
  v->type.key = keys->type.dtype;
  v->u.map.keys = sx_rt_ref(keys);
  v->u.map.values = sx_rt_ref(values);
  *out = v;
  return SX_OK;
}

sx_status sx_rt_sparse_create(sx_dtype dtype, uint32_t rank, const int64_t *dense, const sx_rt_source *from,
                              const sx_memory *memory, sx_rt_value **out, sx_err *e) {
  for (uint32_t i = 0; i < rank; i++)
    if (dense[i] < 0)
      SX_FAIL(e, INVALID_ARGUMENT, "dimension %u of the dense shape is negative (%lld)", i, (long long)dense[i]);
  if (sx_dtype_bits(dtype) == 0) SX_FAIL(e, NOT_IMPLEMENTED, "a sparse tensor cannot have the element type %d", (int)dtype);
  sx_rt_value *v = block(SX_RT_SPARSE, rank, dense, 0, false);
  if (!v) SX_NO_MEMORY(e);
  v->type.dtype = (uint8_t)dtype;
  v->memory = sx_memory_ref(memory);
  if (from) {
    v->u.sparse.source = *from;
    sx_memory_ref(from->memory);
  }
  *out = v;
  return SX_OK;
}
