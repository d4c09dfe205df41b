// SPDX-License-Identifier: MIT
/* Keys, the stable sorts, and selection by a heap: see sort.h. */
#include "ep/cpu/kernels/sort/sort.h"
#include <string.h>
#include "ep/cpu/isa.h"
#include "base/stop.h"
#include "ep/cpu/kernels/sort/sort_tables.h"

SX_ISA_DECLARE(sx_sort_table, sx_sort);

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
#define KEYS(T, form_)                                     \
  for (int64_t i = 0; i < n; i++, p += stride) {           \
    T v;                                                   \
    memcpy(&v, p, sizeof v);                               \
    keys[i] = key_of(form_, v);                            \
  }                                                        \
  break
#define LITERAL(...) ((form){__VA_ARGS__})
void sx_sort_keys(sx_dtype t, const void *x, int64_t stride, int64_t n, uint64_t *keys) {
  const char *p = x;
  const form f = forms[t];
  if (t == SX_F32) { /* without a branch: signs are hard to foresee */
    for (int64_t i = 0; i < n; i++, p += stride) {
      uint32_t v;
      memcpy(&v, p, 4);
      const uint32_t size = v & 0x7fffffffu, minus = (uint32_t)((int32_t)v >> 31);
      const uint64_t key = 0x80000000u + (size ^ minus) - minus;
      keys[i] = size > 0x7f800000u ? UINT64_MAX : (uint32_t)key;
    }
    return;
  }
  switch (t == SX_I64 ? 65 : t == SX_I32 ? 33 : f.bits) {
    case 65: KEYS(uint64_t, LITERAL(64, 1, 0));
    case 33: KEYS(uint32_t, LITERAL(32, 1, 0));
    case 8: KEYS(uint8_t, f);
    case 16: KEYS(uint16_t, f);
    case 32: KEYS(uint32_t, f);
    default: KEYS(uint64_t, f);
  }
}

enum { ASK = 1 << 16 }; /* elements between two questions whether to go on */
void sx_sort_items(sx_sort_item *items, sx_sort_item *tmp, int64_t n) {
  sx_sort_item *from = items, *to = tmp;
  uint64_t vary = 0;
  SX_STOP_PARTS(a, b, n, ASK)
    for (int64_t i = a; i < b; i++) vary |= items[i].key ^ items[0].key;
  for (int shift = 0; shift < 64; shift += 8) {
    if (!(vary >> shift & 255)) continue; /* all alike in this digit */
    int64_t at[256] = {0}, sum = 0;
    SX_STOP_PARTS(a, b, n, ASK)
      for (int64_t i = a; i < b; i++) at[from[i].key >> shift & 255]++;
    for (int d = 0; d < 256; d++) {
      const int64_t count = at[d];
      at[d] = sum, sum += count;
    }
    SX_STOP_PARTS(a, b, n, ASK)
      for (int64_t i = a; i < b; i++) to[at[from[i].key >> shift & 255]++] = from[i];
    if (sx_stopping()) return;
    sx_sort_item *swap = from;
    from = to, to = swap;
  }
  if (from != items) memcpy(items, from, (size_t)n * sizeof *items);
}

void sx_sort_indices(int64_t *idx, int64_t *tmp, int64_t n, sx_less less, const void *ctx) {
  enum { SOME = 1 << 10, LESS_NS = 100 };
  int64_t *from = idx, *to = tmp;
  double spent = 0;
  for (int64_t w = 1; w<n; w = w> n / 2 ? n : 2 * w) {
    for (int64_t i = 0; i < n; i += 2 * w) {
      int64_t mid = i + w < n ? i + w : n, end = i + 2 * w < n ? i + 2 * w : n, a = i, b = mid, o = i;
      while (a < mid && b < end) {
        const int64_t before = o;
        for (; a < mid && b < end && o < before + SOME; o++) to[o] = less(ctx, from[b], from[a]) ? from[b++] : from[a++];
        if (sx_stop_spent(&spent, (double)(o - before) * LESS_NS)) return;
      }
      while (a < mid) to[o++] = from[a++];
      while (b < end) to[o++] = from[b++];
    }
    int64_t *swap = from;
    from = to, to = swap;
  }
  if (from != idx) memcpy(idx, from, (size_t)n * sizeof *idx);
}

/* The heap's root is the worst item kept: smallest key, of equal ones the latest. */
static inline bool worse(const sx_sort_item *a, const sx_sort_item *b) {
  return a->key != b->key ? a->key < b->key : a->at > b->at;
}
static void sink(sx_sort_item *h, int64_t n, sx_sort_item v) {
  int64_t i = 0;
  for (int64_t c; (c = 2 * i + 1) < n; i = c) {
    if (c + 1 < n && worse(&h[c + 1], &h[c])) c++;
    if (!worse(&h[c], &v)) break;
    h[i] = h[c];
  }
  h[i] = v;
}

/* Large parts of a line are sorted whole: a heap that leaves the caches waits for memory at each of its levels. */
static bool whole(int64_t n, int64_t k) { return k >= 256 && k >= n / 8; }
int64_t sx_topk_items(int64_t n, int64_t k) { return whole(n, k) ? 2 * n : k; }

enum { CHUNK = SX_SORT_CHUNK };
static void topk_whole(sx_dtype t, const void *x, int64_t stride, int64_t n, uint64_t flip, sx_sort_item *items) {
  uint64_t keys[CHUNK];
  for (int64_t at = 0; at < n; at += CHUNK) {
    const int64_t m = n - at < CHUNK ? n - at : CHUNK;
    if (at % ASK == 0 && sx_stopping()) return;
    sx_sort_keys(t, (const char *)x + at * stride, stride, m, keys);
    for (int64_t i = 0; i < m; i++) items[at + i] = (sx_sort_item){~(keys[i] ^ flip), at + i};
  }
  sx_sort_items(items, items + n, n);
}
void sx_topk(sx_isa isa, sx_dtype t, const void *x, int64_t stride, int64_t n, int64_t k, bool smallest, sx_sort_item *h) {
  uint64_t keys[CHUNK], flip = smallest ? UINT64_MAX : 0;
  const int64_t bytes = forms[t].bits / 8;
  bool (*before)(uint8_t *, const void *, const void *, bool) = SX_ISA_PICK(sx_sort, isa)->before[t];
  if (stride != bytes || ((uintptr_t)x & (uintptr_t)(bytes - 1))) before = NULL;
  int64_t have = 0;
  if (k == 0) return;
  if (whole(n, k)) {
    topk_whole(t, x, stride, n, flip, h);
    return;
  }
  for (int64_t at = 0; at < n; at += CHUNK) {
    const int64_t m = n - at < CHUNK ? n - at : CHUNK;
    if (at % ASK == 0 && sx_stopping()) return;
    const char *from = (const char *)x + at * stride;
    if (have == k && before && m == CHUNK) { /* few or none of a chunk displace the worst that is kept */
      uint8_t flags[CHUNK];
      if (!before(flags, from, (const char *)x + h[0].at * stride, smallest)) continue;
      for (int64_t i = 0; i < CHUNK; i += 8) {
        uint64_t word = 0;
        memcpy(&word, flags + i, 8); /* a bit in each byte */
        for (; word; word &= word - 1) {
          const int64_t place = i + __builtin_ctzll(word) / 8;
          sx_sort_keys(t, from + place * stride, stride, 1, keys);
          if ((keys[0] ^ flip) > h[0].key) sink(h, k, (sx_sort_item){keys[0] ^ flip, at + place});
        }
      }
      continue;
    }
    sx_sort_keys(t, from, stride, m, keys);
    for (int64_t i = 0; i < m; i++) {
      sx_sort_item v = {keys[i] ^ flip, at + i};
      if (have == k) {
        if (v.key > h[0].key) sink(h, k, v); /* an equal one is later, so worse */
        continue;
      }
      int64_t c = have++; /* grows: the new item rises */
      for (int64_t up; c && worse(&v, &h[up = (c - 1) / 2]); c = up) h[c] = h[up];
      h[c] = v;
    }
  }
  for (int64_t m = have; m > 1; m--) { /* the worst goes last */
    if (m % 4096 == 0 && sx_stopping()) return;
    sx_sort_item v = h[m - 1];
    h[m - 1] = h[0];
    sink(h, m - 1, v);
  }
}
