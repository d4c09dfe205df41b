// SPDX-License-Identifier: MIT
/* A dictionary that is built once and only read then: from 64-bit keys or strings to their places in the list it was built
 * of. Floating point is a key by its bits as f64, with one NaN and one zero (sx_dict_float). */
#ifndef SX_EP_CPU_ML_DICT_H
#define SX_EP_CPU_ML_DICT_H
#include "base/str.h"

typedef struct sx_dict {
  uint32_t mask;       /* slots - 1 */
  uint32_t *slots;     /* place + 1; 0: free */
  const int64_t *ints; /* the keys, or NULL */
  const sx_str *texts;
  uint32_t n;
  const uint32_t *direct; /* integers that lie close together: the place of first + i for i < range, or n; else NULL */
  int64_t first;
  uint64_t range;
} sx_dict;

/* One of ints and texts is NULL; the keys must outlive the dictionary. Of equal keys the first counts, or the last. False:
 * out of memory. */
bool sx_dict_build(sx_dict *d, sx_arena *a, const int64_t *ints, const sx_str *texts, uint32_t n, bool last);
/* The place of a key, or d->n. */
uint32_t sx_dict_find_slot(const sx_dict *d, int64_t key);
static inline uint32_t sx_dict_find(const sx_dict *d, int64_t key) {
  const uint64_t at = (uint64_t)key - (uint64_t)d->first;
  return d->direct ? at < d->range ? d->direct[at] : d->n : sx_dict_find_slot(d, key);
}
uint32_t sx_dict_find_text(const sx_dict *d, sx_str key);

static inline int64_t sx_dict_float(double v) {
  int64_t bits;
  if (v != v) v = __builtin_nan("");
  if (v == 0) v = 0;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
#endif
