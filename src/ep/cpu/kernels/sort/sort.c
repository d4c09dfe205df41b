// SPDX-License-Identifier: MIT
/* Keys, the stable merge sort, and selection by a heap: see sort.h. */
#include "ep/cpu/kernels/sort/sort.h"
#include <string.h>

/* Storage as a number of `bits`, and for floats what infinity is; kinds without infinity have their NaN above `inf`. */
typedef struct form {
  uint8_t bits, is_signed;
  uint64_t inf;
} form;
static const form forms[SX_DTYPE_COUNT] = {[SX_F64] = {64, 2, 0x7ff0000000000000},
                                           [SX_F32] = {32, 2, 0x7f800000},
                                           [SX_F16] = {16, 2, 0x7c00},
                                           [SX_BF16] = {16, 2, 0x7f80},
                                           [SX_F8E4M3FN] = {8, 2, 0x7e},
                                           [SX_F8E5M2] = {8, 2, 0x7c},
                                           [SX_F8E4M3FNUZ] = {8, 3, 0x7f},
                                           [SX_F8E5M2FNUZ] = {8, 3, 0x7f},
                                           [SX_F8E8M0] = {8, 0, 0},
                                           [SX_I8] = {8, 1, 0},
                                           [SX_I16] = {16, 1, 0},
                                           [SX_I32] = {32, 1, 0},
                                           [SX_I64] = {64, 1, 0},
                                           [SX_U8] = {8, 0, 0},
                                           [SX_U16] = {16, 0, 0},
                                           [SX_U32] = {32, 0, 0},
                                           [SX_U64] = {64, 0, 0},
                                           [SX_BOOL] = {8, 0, 0}};

static inline uint64_t key_of(form f, uint64_t v) {
  uint64_t sign = 1ull << (f.bits - 1);
  if (f.is_signed == 0) return v;
  if (f.is_signed == 1) return v ^ sign;
  if (f.is_signed == 3 && v == sign) return UINT64_MAX; /* the only NaN where there is no -0 */
  uint64_t size = v & (sign - 1);
  if (size > f.inf) return UINT64_MAX;
  return v & sign ? sign - size : sign + size; /* -0 and 0 meet at `sign` */
}
static inline uint64_t load(const char *p, uint32_t bits) {
  uint64_t v = 0;
  switch (bits) {
    case 8: return (uint8_t)*p;
    case 16: {
      uint16_t x;
      memcpy(&x, p, 2);
      return x;
    }
    case 32: {
      uint32_t x;
      memcpy(&x, p, 4);
      return x;
    }
    default: memcpy(&v, p, 8); return v;
  }
}
void sx_sort_keys(sx_dtype t, const void *x, int64_t stride, int64_t n, uint64_t *keys) {
  form f = forms[t];
  for (int64_t i = 0; i < n; i++) keys[i] = key_of(f, load((const char *)x + i * stride, f.bits));
}

void sx_sort_indices(int64_t *idx, int64_t *tmp, int64_t n, sx_less less, const void *ctx) {
  int64_t *from = idx, *to = tmp;
  for (int64_t w = 1; w<n; w = w> n / 2 ? n : 2 * w) {
    for (int64_t i = 0; i < n; i += 2 * w) {
      int64_t mid = i + w < n ? i + w : n, end = i + 2 * w < n ? i + 2 * w : n, a = i, b = mid, o = i;
      while (a < mid && b < end) to[o++] = less(ctx, from[b], from[a]) ? from[b++] : from[a++];
      while (a < mid) to[o++] = from[a++];
      while (b < end) to[o++] = from[b++];
    }
    int64_t *swap = from;
    from = to, to = swap;
  }
  if (from != idx) memcpy(idx, from, (size_t)n * sizeof *idx);
}

/* The heap's root is the worst item kept: smallest key, of equal ones the latest. */
static inline bool worse(const sx_topk_item *a, const sx_topk_item *b) {
  return a->key != b->key ? a->key < b->key : a->at > b->at;
}
static void sink(sx_topk_item *h, int64_t n, sx_topk_item v) {
  int64_t i = 0;
  for (int64_t c; (c = 2 * i + 1) < n; i = c) {
    if (c + 1 < n && worse(&h[c + 1], &h[c])) c++;
    if (!worse(&h[c], &v)) break;
    h[i] = h[c];
  }
  h[i] = v;
}

/* Whether none of a chunk of floats can displace the worst item kept: the common case, and one that vectorises. */
enum { CHUNK = 64 };
static bool none_better(const float *x, float worst, bool smallest) {
  int any = 0;
  if (smallest)
    for (int i = 0; i < CHUNK; i++) any |= !(x[i] >= worst);
  else
    for (int i = 0; i < CHUNK; i++) any |= !(x[i] <= worst);
  return !any;
}

void sx_topk(sx_dtype t, const void *x, int64_t stride, int64_t n, int64_t k, bool smallest, sx_topk_item *h) {
  uint64_t keys[CHUNK], flip = smallest ? UINT64_MAX : 0;
  int64_t have = 0;
  if (k == 0) return;
  for (int64_t at = 0; at < n; at += CHUNK) {
    int64_t m = n - at < CHUNK ? n - at : CHUNK;
    if (have == k && t == SX_F32 && stride == 4 && m == CHUNK &&
        none_better((const float *)x + at, ((const float *)x)[h[0].at], smallest))
      continue;
    sx_sort_keys(t, (const char *)x + at * stride, stride, m, keys);
    for (int64_t i = 0; i < m; i++) {
      sx_topk_item v = {keys[i] ^ flip, at + i};
      if (have == k) {
        if (v.key > h[0].key) sink(h, k, v); /* an equal one is later, so worse */
        continue;
      }
      int64_t c = have++; /* grows: the new item rises */
      for (int64_t up; c && worse(&v, &h[up = (c - 1) / 2]); c = up) h[c] = h[up];
      h[c] = v;
    }
  }
  for (int64_t m = k; m > 1; m--) { /* the worst goes last */
    sx_topk_item v = h[m - 1];
    h[m - 1] = h[0];
    sink(h, m - 1, v);
  }
}
