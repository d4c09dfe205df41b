// SPDX-License-Identifier: MIT
/* Packed weights: made once per process for the same bytes, packing and ISA, counted, freed with the last session.
 *
 * Bytes of a file are known by the file's identity and their place in it. Bytes from memory are known by a sample of them;
 * a candidate found that way is verified by packing and comparing before it is shared.
 *
 * The results of a session lie one behind the other in a few large blocks, so that they fill large pages. */
#include "plan/plan.h"

/* A block is about as large as all that came before it in the session: little is asked for in vain. */
enum { CHUNK_MOST = 32 << 20, CHUNK_ROUND = 2 << 20, RANGE_BYTES = 4 << 20 /* packed without a look whether the load is cancelled */ };
typedef struct chunk {
  uint32_t refs;
  size_t size, used;
  char *data;
} chunk;

typedef struct entry {
  struct entry *next;
  uint64_t hash;
  uint32_t refs;
  bool exact; /* the key is the file's identity: equal keys are equal bytes */
  size_t size;
  chunk *in;
  void *data;
  double *factors; /* of the rows, n_factors of them */
  size_t n_factors;
  struct {
    sx_file_id file;
    uint64_t offset, bytes, isa;
    char packing[64];
  } key;
} entry;
_Static_assert(sizeof((entry *)NULL)->key == sizeof(sx_file_id) + 3 * sizeof(uint64_t) + 64, "keys are compared as bytes");

static struct {
  sx_lock lock;
  entry *head;
} shared;

struct sx_weights {
  sx_pool *pool;
  chunk *last; /* where the next result goes when it fits */
  size_t bytes;
  SX_VEC(entry *) used;
};

struct sx_weights *sx_weights_create(sx_pool *pool) {
  struct sx_weights *w = sx_calloc(1, sizeof *w);
  if (w) w->pool = pool;
  return w;
}

static void chunk_drop(chunk *c) {
  if (!c) return;
  sx_lock_take(&shared.lock);
  bool last = --c->refs == 0;
  sx_lock_drop(&shared.lock);
  if (!last) return;
  sx_free_aligned(c->data, c->size);
  sx_free(c, sizeof *c);
}

/* A place of x->size bytes. */
static bool place(struct sx_weights *w, entry *x) {
  size_t at = w->last ? sx_round_up(w->last->used, SX_ALIGN) : 0;
  if (!w->last || at > w->last->size || x->size > w->last->size - at) {
    size_t size = w->bytes < CHUNK_MOST ? w->bytes : CHUNK_MOST;
    if (size < x->size) size = x->size;
    if (size > CHUNK_ROUND) size = sx_round_up(size, CHUNK_ROUND);
    chunk *c = sx_malloc(sizeof *c);
    if (!c) return false;
    *c = (chunk){.refs = 1, .size = size, .data = sx_malloc_aligned(size)};
    if (!c->data) {
      sx_free(c, sizeof *c);
      return false;
    }
    chunk_drop(w->last);
    w->last = c;
    at = 0;
  }
  sx_lock_take(&shared.lock);
  w->last->refs++;
  sx_lock_drop(&shared.lock);
  w->last->used = at + x->size;
  x->in = w->last, x->data = w->last->data + at;
  return true;
}

static void destroy(entry *x) {
  chunk_drop(x->in);
  sx_free(x->factors, x->n_factors * sizeof *x->factors);
  sx_free(x, sizeof *x);
}

static void drop(entry *x) {
  sx_lock_take(&shared.lock);
  bool last = --x->refs == 0;
  if (last)
    for (entry **p = &shared.head; *p; p = &(*p)->next)
      if (*p == x) {
        *p = x->next;
        break;
      }
  sx_lock_drop(&shared.lock);
  if (!last) return;
  destroy(x);
}

void sx_weights_destroy(struct sx_weights *w) {
  if (!w) return;
  for (uint32_t i = 0; i < w->used.n; i++) drop(w->used.at[i]);
  chunk_drop(w->last);
  sx_vec_free(&w->used);
  sx_free(w, sizeof *w);
}
size_t sx_weights_bytes(const struct sx_weights *w) { return w->bytes; }

static uint64_t sample(const sx_tensor *t, const uint8_t *p) {
  const size_t size = sx_tensor_source_size(t);
  uint64_t h = sx_hash(&t->size, sizeof t->size, t->dtype);
  size_t head = size < 4096 ? size : 4096, step = size / 64;
  h = sx_hash(p, head, h);
  for (size_t i = 1; i < 64 && step > 4096; i++) h = sx_hash(p + i * step, 64, h);
  return h;
}

/* The same but for the bytes of the result. */
static bool alike(const entry *x, const entry *y) {
  return x->hash == y->hash && x->exact == y->exact && x->size == y->size && !memcmp(&x->key, &y->key, sizeof x->key) &&
         x->n_factors == y->n_factors &&
         (!x->n_factors || !memcmp(x->factors, y->factors, x->n_factors * sizeof *x->factors));
}

/* Results may have megabytes, so they are compared without the lock: a reference holds the entry, and its place in the
 * list, on the way. What is added meanwhile is missed, and is then there twice. */
static entry *find(const entry *like) {
  for (entry *at = NULL, *x;; at = x) {
    sx_lock_take(&shared.lock);
    for (x = at ? at->next : shared.head; x && !alike(x, like);) x = x->next;
    if (x) x->refs++;
    sx_lock_drop(&shared.lock);
    if (at) drop(at);
    if (!x || x->exact || !like->data || !memcmp(x->data, like->data, x->size)) return x;
  }
}

/* A new entry with memory for its result, not known to others yet. */
static entry *fresh(struct sx_weights *w, const entry *like) {
  entry *x = sx_malloc(sizeof *x);
  if (!x) return NULL;
  *x = *like;
  x->refs = 1;
  x->factors = sx_malloc(x->n_factors * sizeof *x->factors);
  if (x->factors && x->n_factors) memcpy(x->factors, like->factors, x->n_factors * sizeof *x->factors);
  if (x->factors && place(w, x)) return x;
  destroy(x);
  return NULL;
}

typedef struct job {
  sx_pack_fn fn;
  const void *ctx, *src;
  void *dst;
} job;
static sx_status pack_units(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const job *j = ctx;
  (void)worker, (void)e;
  return j->fn(j->ctx, j->src, j->dst, begin, end);
}

static sx_status pack(sx_build *b, const sx_tensor *t, const void *src, const double *factors, const char *packing,
                      size_t size, uint32_t units, sx_pack_fn fn, const void *ctx, const void **packed) {
  struct sx_weights *w = b->weights;
  entry like = {.size = size,
                .exact = t->file.inode != 0,
                .factors = (double *)factors,
                .n_factors = factors ? (size_t)t->dims[0] : 0};
  like.key.file = t->file, like.key.offset = t->offset, like.key.bytes = t->size, like.key.isa = b->cpu->isa;
  if (strlen(packing) >= sizeof like.key.packing) SX_FAIL(b->e, FAIL, "the packing's name '%s' is too long", packing);
  memcpy(like.key.packing, packing, strlen(packing));
  like.hash = like.exact ? sx_hash(&like.key, sizeof like.key, 1) : sx_hash(packing, strlen(packing), sample(t, src));
  entry *x = like.exact ? find(&like) : NULL;
  if (!x) {
    entry *made = fresh(w, &like);
    if (!made) SX_FAIL(b->e, NO_MEMORY, "out of memory packing %zu bytes of weights", size);
    job j = {fn, ctx, src, made->data};
    uint32_t width = w->pool && size > (1u << 20) ? sx_pool_width(w->pool) : 1, grain = units / (4 * width) + 1,
             most = (uint32_t)((uint64_t)units * RANGE_BYTES / (size + 1)) + 1;
    sx_status s = sx_pool_run(w->pool, width, units, grain < most ? grain : most, pack_units, &j, b->e); /* long ranges read long rows */
    if (s == SX_OK && !like.exact) x = find(made);
    if (s != SX_OK || x) {
      made->in->used -= size; /* it was the last there */
      destroy(made);
    } else {
      x = made;
      sx_lock_take(&shared.lock);
      x->next = shared.head;
      shared.head = x;
      sx_lock_drop(&shared.lock);
    }
    if (s != SX_OK) return s;
  }
  if (t->owner == SX_OWN_MAPPING) sx_pages_release(t->bytes, sx_tensor_source_size(t)); /* what is packed lets go of its source */
  if (!sx_vec_push(&w->used, x)) {
    drop(x);
    SX_NO_MEMORY(b->e);
  }
  w->bytes += size;
  *packed = x->data;
  return SX_OK;
}

sx_status sx_weights_pack(sx_build *b, const sx_tensor *t, const char *packing, size_t size, uint32_t units, sx_pack_fn fn,
                          const void *ctx, const void **packed) {
  const void *src;
  SX_TRY(sx_tensor_is_derived(t) ? sx_tensor_data(t, &src, b->e) : sx_tensor_source(t, &src, b->e));
  return pack(b, t, src, t->factors, packing, size, units, fn, ctx, packed);
}

sx_status sx_weights_pack_scaled(sx_build *b, const sx_tensor *t, const char *packing, size_t size, uint32_t units,
                                 sx_pack_fn fn, const void *ctx, const void **packed) {
  const void *src;
  SX_TRY(sx_tensor_source(t, &src, b->e));
  return pack(b, t, src, t->factors, packing, size, units, fn, ctx, packed);
}
