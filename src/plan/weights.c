// SPDX-License-Identifier: MIT
/* Packed weights: made once per process for the same bytes, packing and ISA, counted, freed with the last session.
 *
 * Bytes of a file are known by the file's identity and their place in it. Bytes from memory are known by a sample of them; a
 * candidate found that way is verified by packing and comparing before it is shared. */
#include "plan/plan.h"

typedef struct entry {
  struct entry *next;
  uint64_t hash;
  uint32_t refs;
  bool exact;        /* the key is the file's identity: equal keys are equal bytes */
  size_t size;
  void *data;
  struct { sx_file_id file; uint64_t offset; size_t bytes; sx_isa isa; char packing[64]; } key;
} entry;

static struct { sx_lock lock; entry *head; } shared;

struct sx_weights {
  sx_pool *pool;
  size_t bytes;
  SX_VEC(entry *) used;
};

struct sx_weights *sx_weights_create(sx_pool *pool) {
  struct sx_weights *w = sx_calloc(1, sizeof *w);
  if (w) w->pool = pool;
  return w;
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
  sx_free_aligned(x->data, x->size);
  sx_free(x, sizeof *x);
}

void sx_weights_destroy(struct sx_weights *w) {
  if (!w) return;
  for (uint32_t i = 0; i < w->used.n; i++) drop(w->used.at[i]);
  sx_vec_free(&w->used);
  sx_free(w, sizeof *w);
}
size_t sx_weights_bytes(const struct sx_weights *w) { return w->bytes; }

static uint64_t sample(const sx_tensor *t) {
  uint64_t h = sx_hash(&t->size, sizeof t->size, t->dtype);
  const uint8_t *p = t->data ? t->data : t->bytes;
  size_t head = t->size < 4096 ? t->size : 4096, step = t->size / 64;
  h = sx_hash(p, head, h);
  for (size_t i = 1; i < 64 && step > 4096; i++) h = sx_hash(p + i * step, 64, h);
  return h;
}

static entry *find(const entry *like, bool exact) {
  entry *x;
  sx_lock_take(&shared.lock);
  for (x = shared.head; x; x = x->next)
    if (x->hash == like->hash && x->exact == exact && x->size == like->size && !memcmp(&x->key, &like->key, sizeof x->key) &&
        (exact || !like->data || !memcmp(x->data, like->data, x->size)))
      break;
  if (x) x->refs++;
  sx_lock_drop(&shared.lock);
  return x;
}

typedef struct job { sx_pack_fn fn; const void *ctx, *src; void *dst; } job;
static sx_status pack_units(void *ctx, uint32_t begin, uint32_t end, uint32_t worker, sx_err *e) {
  const job *j = ctx;
  (void)worker, (void)e;
  return j->fn(j->ctx, j->src, j->dst, begin, end);
}

sx_status sx_weights_pack(sx_build *b, const sx_tensor *t, const char *packing, size_t size, uint32_t units, sx_pack_fn fn, const void *ctx, const void **packed) {
  struct sx_weights *w = b->weights;
  entry like = {.size = size, .exact = t->file.inode != 0};
  like.key.file = t->file, like.key.offset = t->offset, like.key.bytes = t->size, like.key.isa = b->cpu->isa;
  if (strlen(packing) >= sizeof like.key.packing) SX_FAIL(b->e, FAIL, "the packing's name '%s' is too long", packing);
  memcpy(like.key.packing, packing, strlen(packing));
  like.hash = like.exact ? sx_hash(&like.key, sizeof like.key, 1) : sx_hash(packing, strlen(packing), sample(t));
  entry *x = like.exact ? find(&like, true) : NULL;
  if (!x) {
    /* Packing reads floats and the like: misaligned sources are copied for its time. */
    const void *src = t->data ? t->data : t->bytes;
    uint32_t bits = sx_dtype_bits((sx_dtype)t->dtype);
    void *aligned = NULL;
    if (bits > 8 && (uintptr_t)src % (bits / 8)) {
      if (!(aligned = sx_malloc_aligned(t->size))) SX_NO_MEMORY(b->e);
      memcpy(aligned, src, t->size);
      src = aligned;
    }
    like.data = sx_malloc_aligned(size);
    sx_status s = like.data ? SX_OK : sx_fail(b->e, SX_E_NO_MEMORY, __FILE__, __LINE__, "out of memory packing %zu bytes of weights", size);
    job j = {fn, ctx, src, like.data};
    if (s == SX_OK)
      s = w->pool && size > (1u << 20) ? sx_pool_run(w->pool, sx_pool_width(w->pool), units, units / 64 + 1, pack_units, &j, b->e) : fn(ctx, src, like.data, 0, units);
    if (aligned) sx_free_aligned(aligned, t->size);
    if (s == SX_OK && !like.exact) x = find(&like, false);
    if (s == SX_OK && !x) {
      if ((x = sx_malloc(sizeof *x)) != NULL) {
        *x = like;
        x->refs = 1;
        sx_lock_take(&shared.lock);
        x->next = shared.head;
        shared.head = x;
        sx_lock_drop(&shared.lock);
      } else
        s = sx_fail(b->e, SX_E_NO_MEMORY, __FILE__, __LINE__, "out of memory");
    }
    if ((s != SX_OK || x->data != like.data) && like.data) sx_free_aligned(like.data, size);
    if (s != SX_OK) return s;
  }
  if (t->owner == SX_OWN_MAPPING) sx_pages_release(t->bytes, t->size); /* what is packed lets go of its source */
  if (!sx_vec_push(&w->used, x)) {
    drop(x);
    SX_NO_MEMORY(b->e);
  }
  w->bytes += size;
  *packed = x->data;
  return SX_OK;
}
