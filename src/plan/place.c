// SPDX-License-Identifier: MIT
/* Offsets for blocks with lifetimes. Up to a few hundred blocks: largest first, each into the smallest gap that fits
 * between the blocks alive with it (greedy by size, best fit). Beyond that: in order of time, from a list of free ranges,
 * which is linear in practice and nearly as tight on graphs that long. */
#include "plan/plan_priv.h"

enum { GREEDY_LIMIT = 600 };

static void sort_by(uint32_t *ids, uint32_t n, const sx_block *b,
                    bool by_size) { /* heap sort: no recursion, no allocation */
#define BEFORE(x, y)                                                      \
  (by_size ? (b[x].size != b[y].size ? b[x].size > b[y].size : (x) < (y)) \
           : (b[x].first != b[y].first ? b[x].first < b[y].first : (x) < (y)))
  for (uint32_t start = n / 2, end = n; end > 1;) {
    if (start)
      start--;
    else {
      uint32_t t = ids[--end];
      ids[end] = ids[0], ids[0] = t;
    }
    for (uint32_t root = start, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && BEFORE(ids[child], ids[child + 1])) child++;
      if (!BEFORE(ids[root], ids[child])) break;
      uint32_t t = ids[root];
      ids[root] = ids[child], ids[child] = t;
    }
  }
#undef BEFORE
}

static size_t place_greedy(sx_block *b, const uint32_t *ids, uint32_t n, uint32_t *placed) {
  size_t total = 0;
  uint32_t count = 0; /* placed[] is kept sorted by offset */
  for (uint32_t k = 0; k < n; k++) {
    sx_block *x = &b[ids[k]];
    size_t best = SIZE_MAX, best_gap = SIZE_MAX, end = 0;
    for (uint32_t i = 0; i < count; i++) {
      const sx_block *y = &b[placed[i]];
      if (y->last < x->first || y->first > x->last) continue;
      if (y->offset > end && y->offset - end >= x->size && y->offset - end < best_gap)
        best = end, best_gap = y->offset - end;
      if (y->offset + y->size > end) end = y->offset + y->size;
    }
    x->offset = best != SIZE_MAX ? best : end;
    if (x->offset + x->size > total) total = x->offset + x->size;
    uint32_t at = count++;
    for (; at && b[placed[at - 1]].offset > x->offset; at--) placed[at] = placed[at - 1];
    placed[at] = ids[k];
  }
  return total;
}

typedef struct range {
  size_t offset, size;
} range;

static size_t place_linear(sx_block *b, const uint32_t *ids, uint32_t n, uint32_t *alive, range *free_ranges) {
  size_t total = 0;
  uint32_t n_alive = 0, n_free = 0;
  for (uint32_t k = 0; k < n; k++) {
    sx_block *x = &b[ids[k]];
    for (uint32_t i = 0; i < n_alive;) { /* what died becomes free again, merged with its neighbours */
      const sx_block *y = &b[alive[i]];
      if (y->last >= x->first) {
        i++;
        continue;
      }
      uint32_t at = 0;
      while (at < n_free && free_ranges[at].offset < y->offset) at++;
      memmove(&free_ranges[at + 1], &free_ranges[at], (n_free++ - at) * sizeof *free_ranges);
      free_ranges[at] = (range){y->offset, y->size};
      if (at + 1 < n_free && free_ranges[at].offset + free_ranges[at].size == free_ranges[at + 1].offset) {
        free_ranges[at].size += free_ranges[at + 1].size;
        memmove(&free_ranges[at + 1], &free_ranges[at + 2], (--n_free - at - 1) * sizeof *free_ranges);
      }
      if (at && free_ranges[at - 1].offset + free_ranges[at - 1].size == free_ranges[at].offset) {
        free_ranges[at - 1].size += free_ranges[at].size;
        memmove(&free_ranges[at], &free_ranges[at + 1], (--n_free - at) * sizeof *free_ranges);
      }
      alive[i] = alive[--n_alive];
    }
    uint32_t best = SX_NONE;
    for (uint32_t i = 0; i < n_free; i++)
      if (free_ranges[i].size >= x->size && (best == SX_NONE || free_ranges[i].size < free_ranges[best].size)) best = i;
    if (best != SX_NONE) {
      x->offset = free_ranges[best].offset;
      free_ranges[best].offset += x->size;
      if (!(free_ranges[best].size -= x->size))
        memmove(&free_ranges[best], &free_ranges[best + 1], (--n_free - best) * sizeof *free_ranges);
    } else {
      bool tail = n_free && free_ranges[n_free - 1].offset + free_ranges[n_free - 1].size == total;
      x->offset = tail ? free_ranges[--n_free].offset : total;
      total = x->offset + x->size;
    }
    alive[n_alive++] = ids[k];
  }
  return total;
}

size_t sx_place_blocks(sx_block *b, uint32_t n, sx_arena *tmp, bool *failed) {
  uint32_t *ids = SX_NEW_N(tmp, uint32_t, (size_t)2 * n + 1);
  range *ranges = SX_NEW_N(tmp, range, (size_t)n + 2);
  size_t sum = 0;
  *failed = !ids || !ranges;
  uint32_t m = 0;
  for (uint32_t i = 0; i < n && !*failed; i++) {
    b[i].size = sx_round_up(b[i].size, SX_ALIGN);
    b[i].offset = 0;
    *failed = !sx_size_add(sum, b[i].size, &sum);
    if (b[i].size) ids[m++] = i;
  }
  if (*failed) return 0;
  sort_by(ids, m, b, m <= GREEDY_LIMIT);
  return m <= GREEDY_LIMIT ? place_greedy(b, ids, m, ids + n) : place_linear(b, ids, m, ids + n, ranges);
}
