// SPDX-License-Identifier: MIT
/* Open addressing, at most half full; keys that lie close together have a table of all between them. */
#include "ep/cpu/kernels/ml/dict.h"

static inline uint32_t start(const sx_dict *d, const int64_t *key, const sx_str *text) {
  return (uint32_t)(text ? sx_hash(text->p, text->n, 0) : (uint64_t)*key * 0x9e3779b97f4a7c15u >> 32) & d->mask;
}
/* The slot of a key: free when it is not there. */
static inline uint32_t slot_of(const sx_dict *d, const int64_t *key, const sx_str *text) {
  uint32_t s = start(d, key, text);
  for (; d->slots[s]; s = (s + 1) & d->mask) {
    uint32_t at = d->slots[s] - 1;
    if (text ? sx_str_eq(d->texts[at], *text) : d->ints[at] == *key) break;
  }
  return s;
}

static bool build_direct(sx_dict *d, sx_arena *a, bool last) {
  int64_t lo = INT64_MAX, hi = INT64_MIN;
  for (uint32_t i = 0; i < d->n; i++) lo = d->ints[i] < lo ? d->ints[i] : lo, hi = d->ints[i] > hi ? d->ints[i] : hi;
  const uint64_t range = d->n ? (uint64_t)hi - (uint64_t)lo : UINT64_MAX;
  if (range >= 4 * (uint64_t)d->n + 256) return true;
  uint32_t *direct = SX_NEW_N(a, uint32_t, (size_t)range + 1);
  if (!direct) return false;
  for (uint64_t i = 0; i <= range; i++) direct[i] = d->n;
  for (uint32_t i = 0; i < d->n; i++) {
    uint32_t *at = &direct[(uint64_t)d->ints[i] - (uint64_t)lo];
    if (*at == d->n || last) *at = i;
  }
  d->direct = direct, d->first = lo, d->range = range + 1;
  return true;
}
bool sx_dict_build(sx_dict *d, sx_arena *a, const int64_t *ints, const sx_str *texts, uint32_t n, bool last) {
  uint32_t size = 4;
  while (size / 2 < n && size < 1u << 31) size *= 2;
  *d = (sx_dict){.mask = size - 1, .ints = ints, .texts = texts, .n = n};
  if (size / 2 < n || !(d->slots = SX_NEW_N(a, uint32_t, size))) return false;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t s = slot_of(d, ints ? &ints[i] : NULL, texts ? &texts[i] : NULL);
    if (!d->slots[s] || last) d->slots[s] = i + 1;
  }
  return !ints || build_direct(d, a, last);
}
uint32_t sx_dict_find_slot(const sx_dict *d, int64_t key) {
  uint32_t at = d->slots[slot_of(d, &key, NULL)];
  return at ? at - 1 : d->n;
}
uint32_t sx_dict_find_text(const sx_dict *d, sx_str key) {
  uint32_t at = d->slots[slot_of(d, NULL, &key)];
  return at ? at - 1 : d->n;
}
