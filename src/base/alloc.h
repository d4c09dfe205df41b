// SPDX-License-Identifier: MIT
/* The one door to the heap, and the arenas that stand on it.
 *
 * Every allocation of the library goes through the allocator set here; it is told the size and alignment on free. Tests
 * replace it to count, to limit and to fail the n-th call; mappings, thread starts and the objects of arenas ask sx_fault(), so
 * that they fail in the same walk. Memory comes back zeroed from sx_calloc and from arenas, unset from sx_malloc. */
#ifndef SX_BASE_ALLOC_H
#define SX_BASE_ALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

typedef struct sx_allocator {
  void *ctx;
  void *(*alloc)(void *ctx, size_t size, size_t align); /* NULL when there is none; align is a power of two */
  void (*free)(void *ctx, void *p, size_t size, size_t align);
  bool (*fault)(void *ctx);                             /* NULL, or: shall this mapping, thread start or object of an arena fail? */
} sx_allocator;

/* The allocator in force. Replaced only while nothing of the library is alive. */
const sx_allocator *sx_heap(void);
void sx_heap_set(const sx_allocator *a); /* NULL: the default again */
bool sx_fault(void);
uint64_t sx_allocations(void); /* blocks asked for so far in this process, by any thread */

#define SX_ALIGN 64u /* cache line; tensors, slabs and packed weights */

/* Plain blocks, aligned to 16. Size 0 gives a unique non-NULL pointer. NULL when out of memory. */
void *sx_malloc(size_t size);
void *sx_calloc(size_t count, size_t size); /* checked product */
void *sx_realloc(void *p, size_t old_size, size_t new_size);
void sx_free(void *p, size_t size);         /* NULL is allowed */
/* Blocks aligned to SX_ALIGN. */
void *sx_malloc_aligned(size_t size);
void sx_free_aligned(void *p, size_t size);

/* Blocks that come and go with every run: the tensors that are handed out. While somebody keeps blocks (a session lives), a few
 * of those given back, 64 MB at most, wait for the next request of their size: the heap would return them to the system, and
 * every page of a fresh one costs more than writing it. Only with the default allocator. */
void *sx_malloc_passing(size_t size); /* as sx_malloc_aligned */
void sx_free_passing(void *p, size_t size);
void sx_blocks_keep(int change);      /* one who keeps blocks more, or less; what waits goes with the last */
void sx_blocks_trim(void);

/* What a run takes and gives back again while it goes on (results of late steps, turns of a loop): between enter and leave the
 * calling thread's small blocks wait here for the next request of their size, so that the same run does not ask the heap twice.
 * One thread at a time; zero-initialised is empty. */
enum { SX_BIN_BLOCKS = 64, SX_BIN_BYTES = 1 << 20 };
typedef struct sx_bin {
  uint32_t n;
  size_t bytes;
  struct { void *p; size_t size, align; } at[SX_BIN_BLOCKS]; /* oldest first */
} sx_bin;
sx_bin *sx_bin_enter(sx_bin *b); /* NULL leaves; gives the one before */
void sx_bin_empty(sx_bin *b);    /* to the heap; nobody is in it */

/* Checked sizes: true when the result fits, false (and *out undefined) when it does not. */
static inline bool sx_size_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool sx_size_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool sx_i64_mul(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool sx_i64_add(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }
/* Rounds up to a multiple of a power of two; saturates to SIZE_MAX. */
static inline size_t sx_round_up(size_t n, size_t align) {
  return n > SIZE_MAX - (align - 1) ? SIZE_MAX : (n + align - 1) & ~(align - 1);
}

/* An arena frees everything at once. Objects are zeroed and aligned to 16. Not thread-safe. */
typedef struct sx_arena_block sx_arena_block;
typedef struct sx_arena {
  sx_arena_block *head;
  size_t used;  /* bytes handed out */
  size_t held;  /* bytes taken from the heap */
  bool failed;  /* an object was refused since the last reset: what was built here may have holes */
} sx_arena;

void *sx_arena_alloc(sx_arena *a, size_t size);                     /* NULL when out of memory */
void *sx_arena_array(sx_arena *a, size_t count, size_t size);       /* checked product */
void *sx_arena_aligned(sx_arena *a, size_t size, size_t align);
void *sx_arena_copy(sx_arena *a, const void *p, size_t size);
char *sx_arena_strdup(sx_arena *a, const char *s, size_t n);        /* adds a NUL */
char *sx_arena_printf(sx_arena *a, const char *fmt, ...) SX_PRINTF(2, 3);
void sx_arena_reset(sx_arena *a); /* forgets the objects, keeps the largest block for the next use */
void sx_arena_free(sx_arena *a);
#define SX_NEW(arena, type) ((type *)sx_arena_alloc((arena), sizeof(type)))
#define SX_NEW_N(arena, type, n) ((type *)sx_arena_array((arena), (n), sizeof(type)))

/* Growing arrays: struct { T *at; uint32_t n, cap; }. Growth doubles; false when out of memory or above 2^31 items. */
#define SX_VEC(T) struct { T *at; uint32_t n, cap; }
bool sx_vec_grow(void *vec, size_t item, uint32_t need);
#define sx_vec_reserve(v, need) ((need) <= (v)->cap || sx_vec_grow((v), sizeof *(v)->at, (need)))
#define sx_vec_push(v, x) (sx_vec_reserve((v), (v)->n + 1) ? ((v)->at[(v)->n++] = (x), true) : false)
#define sx_vec_free(v) (sx_free((v)->at, (size_t)(v)->cap * sizeof *(v)->at), (v)->at = NULL, (v)->n = (v)->cap = 0)
#endif
