// SPDX-License-Identifier: MIT
/* The heap's door and what stands on it: plain blocks, arenas, growing arrays. An arena hands out from its newest block and
 * gives large objects a block of their own behind it, so that one large object does not waste what is left of the newest. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/lock.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <malloc.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SX_NO_KEEPING 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SX_NO_KEEPING 1 /* a block that waits is not watched */
#endif
#ifndef SX_NO_KEEPING
#define SX_NO_KEEPING 0
#endif

#define PLAIN_ALIGN 16u
/* Blocks this large (slabs, packed weights) ask for large pages: fewer faults when they are filled, fewer misses when read. */
#define HUGE_FROM ((size_t)2 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static void *heap_alloc(void *ctx, size_t size, size_t align) {
  if (align <= PLAIN_ALIGN && align <= _Alignof(max_align_t)) return malloc(size);
#ifdef _WIN32
  return _aligned_malloc(size, align);
#else
  void *p = NULL;
  bool huge = size >= HUGE_FROM;
  if (posix_memalign(&p, huge ? HUGE_PAGE : align < sizeof p ? sizeof p : align, size)) return NULL;
  if (huge) sx_pages_huge(p, size / HUGE_PAGE * HUGE_PAGE);
  return p;
#endif
}

static void heap_free(void *ctx, void *p, size_t size, size_t align) {
#ifdef _WIN32
  if (align > PLAIN_ALIGN || align > _Alignof(max_align_t)) {
    _aligned_free(p);
    return;
  }
#endif
  free(p);
}

static const sx_allocator default_heap = {.alloc = heap_alloc, .free = heap_free};
static const sx_allocator *heap = &default_heap;

const sx_allocator *sx_heap(void) { return heap; }
void sx_heap_set(const sx_allocator *a) { heap = a ? a : &default_heap; }
bool sx_fault(void) { return heap->fault && heap->fault(heap->ctx); }

static atomic_uint_fast64_t taken;
uint64_t sx_allocations(void) { return atomic_load_explicit(&taken, memory_order_relaxed); }

static _Thread_local sx_bin *bin; /* of the run that this thread does */

static void *bin_take(sx_bin *b, size_t size, size_t align) {
  for (uint32_t i = b->n; i-- > 0;) {
    if (b->at[i].size != size || b->at[i].align != align) continue;
    void *p = b->at[i].p;
    b->bytes -= size;
    memmove(&b->at[i], &b->at[i + 1], (--b->n - i) * sizeof b->at[0]);
    return p;
  }
  return NULL;
}

static void *take(size_t size, size_t align) {
  if (size > PTRDIFF_MAX) return NULL;
  size = size ? size : 1;
  void *p = bin ? bin_take(bin, size, align) : NULL;
  if (p) return p;
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return heap->alloc(heap->ctx, size, align);
}

static void give(void *p, size_t size, size_t align) {
  size = size ? size : 1;
  if (!p) return;
  if (bin && size <= SX_BIN_BYTES / 4 && !(SX_NO_KEEPING && heap == &default_heap)) {
    while (bin->n == SX_BIN_BLOCKS || bin->bytes + size > SX_BIN_BYTES) { /* the oldest goes */
      heap->free(heap->ctx, bin->at[0].p, bin->at[0].size, bin->at[0].align);
      bin->bytes -= bin->at[0].size;
      memmove(&bin->at[0], &bin->at[1], --bin->n * sizeof bin->at[0]);
    }
    bin->at[bin->n].p = p, bin->at[bin->n].size = size, bin->at[bin->n++].align = align;
    bin->bytes += size;
    return;
  }
  heap->free(heap->ctx, p, size, align);
}

sx_bin *sx_bin_enter(sx_bin *b) {
  sx_bin *before = bin;
  bin = b;
  return before;
}

void sx_bin_empty(sx_bin *b) {
  while (b->n) {
    b->n--;
    heap->free(heap->ctx, b->at[b->n].p, b->at[b->n].size, b->at[b->n].align);
  }
  b->bytes = 0;
}

void *sx_malloc(size_t size) { return take(size, PLAIN_ALIGN); }
void sx_free(void *p, size_t size) { give(p, size, PLAIN_ALIGN); }
void *sx_malloc_aligned(size_t size) { return take(size, SX_ALIGN); }
void sx_free_aligned(void *p, size_t size) { give(p, size, SX_ALIGN); }

/* Much of it comes as zeros from the system, page by page as it is used: nobody waits while all of it is written. */
static bool comes_zeroed(size_t size) {
  return size > SX_BIN_BYTES / 4 && size <= PTRDIFF_MAX && heap == &default_heap && PLAIN_ALIGN <= _Alignof(max_align_t);
}
static void *zeroed(size_t size) {
  if (comes_zeroed(size)) {
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
    return calloc(1, size);
  }
  void *p = sx_malloc(size);
  return p ? memset(p, 0, size) : NULL;
}

void *sx_calloc(size_t count, size_t size) {
  size_t bytes;
  return sx_size_mul(count, size, &bytes) ? zeroed(bytes) : NULL;
}

void *sx_realloc(void *p, size_t old_size, size_t new_size) {
  void *q = sx_malloc(new_size);
  if (!q) return NULL;
  if (p) memcpy(q, p, old_size < new_size ? old_size : new_size);
  sx_free(p, old_size);
  return q;
}

/* ---- passing blocks ---- */

enum { KEEP_BLOCKS = 8, KEEP_FROM = 64 << 10, KEEP_BYTES = 64 << 20 };
static struct {
  sx_lock lock;
  int users;
  uint32_t n;
  size_t bytes;
  struct { void *p; size_t size; } at[KEEP_BLOCKS]; /* oldest first */
} kept;

static bool passing(size_t size) { return heap == &default_heap && size >= KEEP_FROM && size <= KEEP_BYTES && !SX_NO_KEEPING; }
/* With the lock held. */
static void *kept_take(uint32_t i) {
  void *p = kept.at[i].p;
  kept.bytes -= kept.at[i].size;
  memmove(&kept.at[i], &kept.at[i + 1], (--kept.n - i) * sizeof kept.at[0]);
  return p;
}

void *sx_malloc_passing(size_t size) {
  void *p = NULL;
  if (passing(size)) {
    sx_lock_take(&kept.lock);
    for (uint32_t i = kept.n; i-- > 0 && !p;) /* the newest is the warmest */
      if (kept.at[i].size == size) p = kept_take(i);
    sx_lock_drop(&kept.lock);
  }
  if (p) atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return p ? p : sx_malloc_aligned(size);
}

void sx_free_passing(void *p, size_t size) {
  while (p && passing(size)) { /* makes room for it block by block */
    void *old = NULL;
    size_t old_size = 0;
    sx_lock_take(&kept.lock);
    if (!kept.users) {
      sx_lock_drop(&kept.lock);
      break;
    }
    if (kept.n == KEEP_BLOCKS || kept.bytes + size > KEEP_BYTES) {
      old_size = kept.at[0].size;
      old = kept_take(0);
    } else {
      kept.at[kept.n].p = p, kept.at[kept.n++].size = size;
      kept.bytes += size;
      p = NULL;
    }
    sx_lock_drop(&kept.lock);
    sx_free_aligned(old, old_size);
  }
  sx_free_aligned(p, size);
}

void sx_blocks_trim(void) {
  for (bool more = true; more;) {
    void *p = NULL;
    size_t size = 0;
    sx_lock_take(&kept.lock);
    if ((more = kept.n > 0)) {
      size = kept.at[0].size;
      p = kept_take(0);
    }
    sx_lock_drop(&kept.lock);
    sx_free_aligned(p, size);
  }
}

void sx_blocks_keep(int change) {
  sx_lock_take(&kept.lock);
  const bool last = (kept.users += change) == 0;
  sx_lock_drop(&kept.lock);
  if (last) sx_blocks_trim();
}

/* ---- arenas ---- */

struct sx_arena_block {
  sx_arena_block *next;
  size_t size, used; /* of the bytes behind this header */
};

enum { BLOCK_HEADER = 32, BLOCK_FIRST = 4096 - BLOCK_HEADER, BLOCK_MOST = (1 << 18) - BLOCK_HEADER };
_Static_assert(sizeof(sx_arena_block) <= BLOCK_HEADER, "objects follow the header, aligned");

static char *block_data(sx_arena_block *b) { return (char *)b + BLOCK_HEADER; }

/* A place in the block, or NULL when it does not fit. */
static void *block_take(sx_arena_block *b, size_t size, size_t align) {
  uintptr_t at = (uintptr_t)(block_data(b) + b->used);
  size_t pad = (size_t)(-at & (align - 1)), left = b->size - b->used;
  if (pad > left || size > left - pad) return NULL;
  b->used += pad + size;
  return (void *)(at + pad);
}

static sx_arena_block *block_new(sx_arena *a, size_t size) {
  size_t bytes;
  if (!sx_size_add(size, BLOCK_HEADER, &bytes)) return NULL;
  sx_arena_block *b = comes_zeroed(size) ? zeroed(bytes) : sx_malloc(bytes);
  if (!b) return NULL;
  *b = (sx_arena_block){.size = size};
  a->held += bytes;
  return b;
}

static void *object_take(sx_arena *a, size_t size, size_t align) {
  size_t rounded = sx_round_up(size ? size : 1, PLAIN_ALIGN), need;
  if (align < PLAIN_ALIGN) align = PLAIN_ALIGN;
  if (sx_fault() || !sx_size_add(rounded, align - PLAIN_ALIGN, &need)) return NULL;
  void *p = a->head ? block_take(a->head, rounded, align) : NULL;
  bool zero = false;
  if (!p) {
    size_t next = a->head ? a->head->size * 2 + BLOCK_HEADER : BLOCK_FIRST;
    if (next > BLOCK_MOST) next = BLOCK_MOST;
    bool alone = a->head && need > next / 4;
    sx_arena_block *b = block_new(a, alone || need > next ? need : next);
    if (!b) return NULL;
    zero = comes_zeroed(b->size);
    if (alone) {
      b->next = a->head->next;
      a->head->next = b;
    } else {
      b->next = a->head;
      a->head = b;
    }
    p = block_take(b, rounded, align);
  }
  a->used += rounded;
  return zero ? p : memset(p, 0, rounded);
}

void *sx_arena_aligned(sx_arena *a, size_t size, size_t align) {
  void *p = object_take(a, size, align);
  if (!p) a->failed = true;
  return p;
}

void *sx_arena_alloc(sx_arena *a, size_t size) { return sx_arena_aligned(a, size, PLAIN_ALIGN); }

void *sx_arena_array(sx_arena *a, size_t count, size_t size) {
  size_t bytes;
  return sx_arena_alloc(a, sx_size_mul(count, size, &bytes) ? bytes : SIZE_MAX);
}

void *sx_arena_copy(sx_arena *a, const void *p, size_t size) {
  void *q = sx_arena_alloc(a, size);
  if (q && size) memcpy(q, p, size);
  return q;
}

char *sx_arena_strdup(sx_arena *a, const char *s, size_t n) {
  char *q = n < SIZE_MAX ? sx_arena_alloc(a, n + 1) : NULL;
  if (q && n) memcpy(q, s, n);
  return q;
}

char *sx_arena_printf(sx_arena *a, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  char *s = n < 0 ? NULL : sx_arena_alloc(a, (size_t)n + 1);
  if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
  va_end(again);
  va_end(args);
  return s;
}

static void free_blocks(sx_arena *a, sx_arena_block *b) {
  while (b) {
    sx_arena_block *next = b->next;
    a->held -= b->size + BLOCK_HEADER;
    sx_free(b, b->size + BLOCK_HEADER);
    b = next;
  }
}

/* The largest block, so that what is built again and again ends up in one. */
void sx_arena_reset(sx_arena *a) {
  a->failed = false;
  if (!a->head) return;
  sx_arena_block *keep = a->head, **at = &a->head;
  for (sx_arena_block *b = keep; b; b = b->next)
    if (b->size > keep->size) keep = b;
  while (*at != keep) at = &(*at)->next;
  *at = keep->next;
  free_blocks(a, a->head);
  a->head = keep;
  keep->next = NULL;
  keep->used = 0;
  a->used = 0;
}

void sx_arena_free(sx_arena *a) {
  free_blocks(a, a->head);
  *a = (sx_arena){0};
}

/* ---- growing arrays ---- */

bool sx_vec_grow(void *vec, size_t item, uint32_t need) {
  SX_VEC(void) *v = vec;
  const uint32_t most = 1u << 31;
  if (need > most) return false;
  uint32_t cap = v->cap < 4 ? 4 : v->cap > most / 2 ? most : v->cap * 2;
  if (cap < need) cap = need;
  size_t bytes;
  if (!sx_size_mul(cap, item, &bytes)) return false;
  void *p = sx_realloc(v->at, (size_t)v->cap * item, bytes);
  if (!p) return false;
  v->at = p;
  v->cap = cap;
  return true;
}
