// SPDX-License-Identifier: MIT
/* Keys, the stable sorts, and the k first, by a heap or by narrowing down where the last of them is: see sort.h. */
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
  const uint64_t nan = f.bits == 64 ? UINT64_MAX : 1ull << f.bits;
  if (f.is_signed == 3 && v == sign) return nan; /* the only one where there is no -0 */
  uint64_t size = v & (sign - 1);
  if (size > f.inf) return nan;
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
  if (t == SX_F32) {
    for (int64_t i = 0; i < n; i++, p += stride) {
      uint32_t v;
      memcpy(&v, p, 4);
      keys[i] = sx_sort_key_f32(v);
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

enum { ASK = 1 << 16 /* elements between two questions whether to go on */, FEW = 48 /* faster sorted by insertion than by digits */ };
/* Puts v where it belongs among `have` rising ones; of equal ones the new one is the last. */
static inline void insert(sx_sort_item *items, int64_t have, sx_sort_item v) {
  int64_t c = have;
  for (; c && items[c - 1].key > v.key; c--) items[c] = items[c - 1];
  items[c] = v;
}
void sx_sort_items(sx_sort_item *items, sx_sort_item *tmp, int64_t n) {
  for (int64_t i = 1; i < n && n <= FEW; i++) insert(items, i, items[i]);
  if (n <= FEW) return;
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
    for (int d = 0; n > ASK && d < 256 && !sx_stopping(); d++) /* pages touched for the first time, all of them by the first items */
      if (at[d] < n) to[at[d]].at = 0;
    SX_STOP_PARTS(a, b, n, ASK)
      for (int64_t i = a; i < b; i++) to[at[from[i].key >> shift & 255]++] = from[i];
    if (sx_stopping()) return;
    sx_sort_item *swap = from;
    from = to, to = swap;
  }
  SX_STOP_PARTS(a, b, from != items ? n : 0, ASK) memcpy(items + a, from + a, (size_t)(b - a) * sizeof *items);
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
      const int64_t rest = a < mid ? mid - a : end - b, *left = from + (a < mid ? a : b);
      SX_STOP_PARTS(k, m, rest, ASK) memcpy(to + o + k, left + k, (size_t)(m - k) * sizeof *left);
      if (rest > ASK ? sx_stopping() : sx_stop_spent(&spent, (double)rest)) return;
    }
    int64_t *swap = from;
    from = to, to = swap;
  }
  SX_STOP_PARTS(a, b, from != idx ? n : 0, ASK) memcpy(idx + a, from + a, (size_t)(b - a) * sizeof *idx);
}

/* The heap's root is the worst item kept: highest key, of equal ones the latest. */
static inline bool worse(const sx_sort_item *a, const sx_sort_item *b) {
  return a->key != b->key ? a->key > b->key : a->at > b->at;
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

enum { CHUNK = SX_SORT_CHUNK, FINE = 11, COARSE = 8 /* bits of a digit, of long and of short lines */ };
static int width_of(uint64_t x) { return x ? 64 - __builtin_clzll(x) : 0; }
typedef enum way { BY_INSERTION, BY_HEAP, BY_DIGITS } way;
/* Of elements in any order few displace one of few that are kept: a heap. Short lines have no time to prepare anything. */
static way way_of(int64_t n, int64_t k) {
  if (n <= CHUNK) return BY_INSERTION;
  const double displaced = (double)k * (1 + 0.7 * width_of((uint64_t)(n / (k ? k : 1))));
  if (n <= 8 * CHUNK && displaced * (double)(12 + k) < 6000 + 8 * (double)n) return BY_INSERTION;
  return displaced * 4 * width_of((uint64_t)k) < 3 * (double)n + 15 * (double)k ? BY_HEAP : BY_DIGITS;
}
/* Items that are sorted when the k first of n are selected: some more than k, which saves going down to the last digit. */
static int64_t sorted_items(int64_t n, int64_t k) { return k + k / 4 + 64 < n ? k + k / 4 + 64 : n; }
int64_t sx_topk_items(int64_t n, int64_t k) {
  return way_of(n, k) != BY_DIGITS ? k : 2 * sorted_items(n, k) + (int64_t)((sizeof(int64_t) << FINE) / sizeof(sx_sort_item));
}

/* A line, for TopK: `keys` (NULL: not for it) and `before` are its instruction set's. */
typedef struct line {
  sx_dtype t;
  const char *x;
  int64_t stride, n;
  bool smallest;
  void (*keys)(uint64_t *keys, const void *x, int64_t n);
  bool (*before)(uint8_t *flags, const void *x, const void *bound, bool smallest);
} line;
static bool stops(int64_t at) { return at % ASK == 0 && sx_stopping(); }
/* What turns a line's keys so that the best is the lowest. */
static uint64_t turn_of(const line *l) { return l->smallest ? 0 : UINT64_MAX; }
/* Keys of a chunk from element `at` on, not turned; how many. */
static inline int64_t raw_keys(const line *l, int64_t at, uint64_t *keys) {
  const int64_t m = l->n - at < CHUNK ? l->n - at : CHUNK;
  if (l->keys) l->keys(keys, l->x + at * l->stride, m);
  else sx_sort_keys(l->t, l->x + at * l->stride, l->stride, m, keys);
  return m;
}
static int64_t chunk_keys(const line *l, int64_t at, uint64_t *keys) {
  const int64_t m = raw_keys(l, at, keys);
  const uint64_t turn = turn_of(l);
  for (int64_t i = 0; i < m; i++) keys[i] ^= turn;
  return m;
}
/* Keys first..last, among which the k-th is: how many are lower, and how many are these. */
typedef struct range {
  uint64_t first, last;
  int64_t lower, among;
} range;
/* Until no more than `most` are to be sorted, or all that is left is alike. */
static range narrow(const line *l, int64_t k, int64_t most, int64_t *count) {
  uint64_t keys[CHUNK];
  range r = {0, UINT64_MAX, 0, l->n};
  if (l->n > most) {
    r.first = UINT64_MAX, r.last = 0;
    for (int64_t at = 0; at < l->n && !stops(at); at += CHUNK)
      for (int64_t i = chunk_keys(l, at, keys); i-- > 0;) {
        r.first = keys[i] < r.first ? keys[i] : r.first;
        r.last = keys[i] > r.last ? keys[i] : r.last;
      }
  }
  const int digit = l->n < 1 << FINE << 2 ? COARSE : FINE;
  while (r.lower + r.among > most && r.first < r.last) {
    const uint64_t width = r.last - r.first;
    const int shift = width_of(width) > digit ? width_of(width) - digit : 0;
    memset(count, 0, sizeof *count << digit);
    for (int64_t at = 0; at < l->n && !stops(at); at += CHUNK)
      for (int64_t i = chunk_keys(l, at, keys); i-- > 0;)
        if (keys[i] - r.first <= width) count[(keys[i] - r.first) >> shift]++;
    if (sx_stopping()) break; /* the counts are none */
    uint64_t d = 0;
    for (; r.lower + count[d] < k; d++) r.lower += count[d];
    r.among = count[d];
    const uint64_t rest = width - (d << shift), part = (1ull << shift) - 1;
    r.first += d << shift;
    r.last = r.first + (rest < part ? rest : part);
  }
  return r;
}
static void topk_select(const line *l, int64_t k, sx_sort_item *items) {
  uint64_t keys[CHUNK];
  const int64_t most = sorted_items(l->n, k);
  const range r = narrow(l, k, most, (int64_t *)(void *)(items + 2 * most));
  if (sx_stopping()) return;
  int64_t have = 0, left = r.lower + r.among > most ? k - r.lower : r.among; /* of those alike the earlier */
  for (int64_t at = 0; at < l->n && !stops(at); at += CHUNK) {
    const int64_t m = chunk_keys(l, at, keys);
    for (int64_t i = 0; i < m; i++) {
      const bool lower = keys[i] < r.first, among = !lower & (keys[i] <= r.last) & (left > 0);
      items[have] = (sx_sort_item){keys[i], at + i};
      have += lower | among, left -= among;
    }
  }
  sx_sort_items(items, items + most, have);
}

static void topk_insert(const line *l, int64_t k, sx_sort_item *items) {
  uint64_t keys[CHUNK];
  const uint64_t turn = turn_of(l);
  int64_t have = 0;
  for (int64_t at = 0; at < l->n; at += CHUNK) {
    const int64_t m = raw_keys(l, at, keys);
    if (k == 1) { /* without a branch */
      sx_sort_item best = at ? items[0] : (sx_sort_item){keys[0] ^ turn, 0};
      for (int64_t i = 0; i < m; i++) {
        const bool better = (keys[i] ^ turn) < best.key;
        best.at = better ? at + i : best.at, best.key = better ? keys[i] ^ turn : best.key;
      }
      items[0] = best;
      continue;
    }
    for (int64_t i = 0; i < m; i++) {
      const sx_sort_item v = {keys[i] ^ turn, at + i};
      if (have < k) insert(items, have++, v);
      else if (v.key < items[k - 1].key) insert(items, k - 1, v); /* an equal one is later, so worse */
    }
  }
}
static void topk_heap(const line *l, int64_t k, sx_sort_item *h) {
  uint64_t keys[CHUNK];
  int64_t have = 0;
  for (int64_t at = 0; at < l->n && !stops(at); at += CHUNK) {
    const char *from = l->x + at * l->stride;
    if (have == k && l->before && l->n - at >= CHUNK) { /* few or none of a chunk displace the worst that is kept */
      uint8_t flags[CHUNK];
      if (!l->before(flags, from, l->x + h[0].at * l->stride, l->smallest)) continue;
      for (int64_t i = 0; i < CHUNK; i += 8) {
        uint64_t word = 0;
        memcpy(&word, flags + i, 8); /* a bit in each byte */
        for (; word; word &= word - 1) {
          const int64_t place = i + __builtin_ctzll(word) / 8;
          sx_sort_keys(l->t, from + place * l->stride, l->stride, 1, keys);
          const sx_sort_item v = {l->smallest ? *keys : ~*keys, at + place};
          if (v.key < h[0].key) sink(h, k, v);
        }
      }
      continue;
    }
    const int64_t m = chunk_keys(l, at, keys);
    for (int64_t i = 0; i < m; i++) {
      sx_sort_item v = {keys[i], at + i};
      if (have == k) {
        if (v.key < h[0].key) sink(h, k, v); /* an equal one is later, so worse */
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
void sx_topk(sx_isa isa, sx_dtype t, const void *x, int64_t stride, int64_t n, int64_t k, bool smallest, sx_sort_item *items) {
  const sx_sort_table *table = SX_ISA_PICK(sx_sort, isa);
  const int64_t bytes = forms[t].bits / 8;
  line l = {t, x, stride, n, smallest};
  if (stride == bytes && !((uintptr_t)x & (uintptr_t)(bytes - 1))) l.keys = table->keys[t], l.before = table->before[t];
  static void (*const ways[])(const line *l, int64_t k, sx_sort_item *items) = {topk_insert, topk_heap, topk_select};
  if (k) ways[way_of(n, k)](&l, k, items);
}
