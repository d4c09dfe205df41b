// SPDX-License-Identifier: MIT
/* MurmurHash3 of every element, and NGramRepeatBlock: tokens that would make an n-gram a second time score minus infinity.
 */
#include <math.h>
#include "ep/ep.h"

static uint32_t rotated(uint32_t x, int by) { return x << by | x >> (32 - by); }
static uint32_t murmur(const uint8_t *p, size_t n, uint32_t seed) {
  const uint32_t c1 = 0xcc9e2d51u, c2 = 0x1b873593u;
  uint32_t h = seed, k, tail = 0;
  for (size_t i = 0; i + 4 <= n; i += 4) {
    memcpy(&k, p + i, 4);
    h = rotated(h ^ rotated(k * c1, 15) * c2, 13) * 5 + 0xe6546b64u;
  }
  for (size_t i = n & 3; i-- > 0;) tail = tail << 8 | p[(n & ~(size_t)3) + i];
  if (n & 3) h ^= rotated(tail * c1, 15) * c2;
  h ^= (uint32_t)n;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}
enum { UNIT = 1024 };
typedef struct hash_params {
  int64_t count;
  uint32_t seed;
  size_t size; /* 0: strings */
} hash_params;
static sx_status hash_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const hash_params *q = c->params;
  int64_t last = (int64_t)end * UNIT < q->count ? (int64_t)end * UNIT : q->count;
  for (int64_t i = (int64_t)begin * UNIT; i < last; i++) {
    const sx_str *s = (const sx_str *)c->in[0] + (q->size ? 0 : i);
    ((uint32_t *)c->out[0])[i] = q->size ? murmur((const uint8_t *)c->in[0] + (size_t)i * q->size, q->size, q->seed)
                                         : murmur((const uint8_t *)s->p, s->n, q->seed);
  }
  return SX_OK;
}
static sx_status hash_prepare(sx_prep *p) {
  hash_params *q = SX_NEW(p->arena, hash_params);
  if (!q) SX_NO_MEMORY(p->e);
  *q = (hash_params){p->in[0].count, (uint32_t)sx_attr_int(p->n, "seed", 0),
                     p->in[0].dtype == SX_STRING ? 0 : sx_dtype_bits((sx_dtype)p->in[0].dtype) / 8};
  p->params = q;
  return q->count ? sx_prep_phase(p, hash_run, (q->count + UNIT - 1) / UNIT, UNIT * 5.0, 0) : SX_OK;
}
const sx_kernel sx_cpu_MurmurHash3 = {
    .op = &sx_op_MurmurHash3,
    .name = "murmur",
    .prepare = hash_prepare,
    .types = 1u << SX_U32 | 1u << SX_I32 | 1u << SX_U64 | 1u << SX_I64 | 1u << SX_F32 | 1u << SX_F64 | 1u << SX_STRING};

typedef struct block_params {
  int64_t length, vocabulary, n;
} block_params;
static sx_status block_run(const sx_call *c, uint32_t begin, uint32_t end) {
  const block_params *q = c->params;
  for (uint32_t row = begin; row < end; row++) {
    const int64_t *ids = (const int64_t *)c->in[0] + row * q->length, *last = ids + q->length - (q->n - 1);
    float *y = (float *)c->out[0] + row * q->vocabulary;
    const float *x = (const float *)c->in[1] + row * q->vocabulary;
    if (x != y) memcpy(y, x, (size_t)q->vocabulary * sizeof *y);
    for (int64_t i = 0; i + q->n <= q->length; i++) {
      int64_t next = ids[i + q->n - 1];
      if (memcmp(ids + i, last, (size_t)(q->n - 1) * sizeof *ids)) continue;
      if (next < 0 || next >= q->vocabulary)
        SX_FAIL(c->e, INVALID_ARGUMENT, "token %lld is outside of the %lld scores", (long long)next,
                (long long)q->vocabulary);
      y[next] = -INFINITY;
    }
  }
  return SX_OK;
}
static sx_status block_prepare(sx_prep *p) {
  block_params *q = SX_NEW(p->arena, block_params);
  if (!q) SX_NO_MEMORY(p->e);
  if (p->in[0].rank != 2 || p->in[1].rank != 2 || p->in[0].dims[0] != p->in[1].dims[0])
    SX_FAIL(p->e, INVALID_ARGUMENT, "expected tokens and scores of equally many rows");
  *q = (block_params){p->in[0].dims[1], p->in[1].dims[1], sx_attr_int(p->n, "ngram_size", 0)};
  if (q->n < 1) SX_FAIL(p->e, INVALID_ARGUMENT, "ngram_size is %lld, expected at least 1", (long long)q->n);
  if (q->n > q->length + 1) q->n = q->length + 1; /* too long to be there */
  p->params = q;
  return p->out[0].count ? sx_prep_phase(p, block_run, p->in[0].dims[0], (double)(q->length + q->vocabulary), 0) : SX_OK;
}
const sx_kernel sx_cpu_NGramRepeatBlock = {
    .op = &sx_op_NGramRepeatBlock, .name = "ngram_block", .types = 1u << SX_I64, .prepare = block_prepare};
