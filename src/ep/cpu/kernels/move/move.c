// SPDX-License-Identifier: MIT
/* Planning and running strided copies: see move.h. */
#include "ep/cpu/kernels/move/move_blocks.h"
#include <string.h>

enum { UNIT_BYTES = 1 << 16, LINES = 256, STREAMS = 256 }; /* LINES: bytes of a row that a transpose takes at a time */

static const sx_move_blocks *blocks_at(sx_isa isa) {
  static const sx_move_blocks *const tables[] = {
      &sx_move_blocks__base,
#ifdef SX_HAVE_avx2
      [SX_ISA_AVX2] = &sx_move_blocks__avx2,
#endif
  };
  const size_t last = sizeof tables / sizeof *tables - 1; /* wider vectors are worth their bytes for few copies */
  return tables[isa < last ? isa : last];
}

typedef uint32_t u4 __attribute__((aligned(1), may_alias));
typedef uint64_t u8 __attribute__((aligned(1), may_alias));
typedef uint64_t u16 __attribute__((vector_size(16), aligned(1), may_alias));

/* A run of bytes; short ones without a call. */
static inline void copy_run(char *d, const char *s, size_t n) {
  if (n > 256) {
    memcpy(d, s, n);
  } else if (n >= 16) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) *(u16 *)(d + i) = *(const u16 *)(s + i);
    if (i < n) *(u16 *)(d + n - 16) = *(const u16 *)(s + n - 16);
  } else if (n >= 8) {
    u8 a = *(const u8 *)s, b = *(const u8 *)(s + n - 8);
    *(u8 *)d = a, *(u8 *)(d + n - 8) = b;
  } else if (n >= 4) {
    u4 a = *(const u4 *)s, b = *(const u4 *)(s + n - 4);
    *(u4 *)d = a, *(u4 *)(d + n - 4) = b;
  } else
    for (size_t i = 0; i < n; i++) d[i] = s[i];
}

static void block_run(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) { /* n->n counts bytes here */
  for (int64_t i = 0; i < m->n; i++) copy_run(d + i * m->dst, s + i * m->src, (size_t)n->n);
}

static int log2_of(uint32_t elem) { return elem == 1 ? 0 : elem == 2 ? 1 : elem == 4 ? 2 : elem == 8 ? 3 : 4; }

/* Drops dimensions of one element, joins neighbours that lie dense in both tensors. */
static uint32_t merge(sx_move_dim *out, uint32_t rank, const sx_move_dim *d) {
  uint32_t r = 0;
  for (uint32_t i = 0; i < rank; i++) {
    if (d[i].n == 1) continue;
    sx_move_dim *p = r ? &out[r - 1] : NULL;
    if (p && p->src == d[i].src * d[i].n && p->dst == d[i].dst * d[i].n) *p = (sx_move_dim){p->n * d[i].n, d[i].src, d[i].dst};
    else out[r++] = d[i];
  }
  return r;
}

/* A short contiguous run inside becomes one wider element. */
static uint32_t widen(sx_move *m, uint32_t rank) {
  while (rank) {
    sx_move_dim *last = &m->d[rank - 1];
    int64_t bytes = last->n * m->elem;
    if (last->src != 1 || last->dst != 1 || bytes > 16 || (bytes & (bytes - 1))) break;
    bool even = true;
    for (uint32_t i = 0; i + 1 < rank; i++) even &= m->d[i].src % last->n == 0 && m->d[i].dst % last->n == 0;
    if (!even) break;
    for (uint32_t i = 0; i + 1 < rank; i++) m->d[i].src /= last->n, m->d[i].dst /= last->n;
    m->elem = (uint32_t)bytes;
    rank--;
  }
  return rank;
}

/* Rows contiguous in the source and rows contiguous in the destination: the last dimension and another one, k. */
static bool choose_tile(sx_move *m, const sx_move_blocks *t, uint32_t rank, int size) {
  sx_move_dim *n = &m->d[rank - 1];
  for (uint32_t k = 0; k + 1 < rank; k++) {
    if (m->d[k].src != 1 || m->elem == 16) continue;
    sx_move_dim inner = m->d[k]; /* the other outer dimensions keep their order */
    memmove(m->d + k, m->d + k + 1, (rank - 2 - k) * sizeof *m->d);
    m->d[rank - 2] = inner;
    if (n->n <= 4 && inner.dst == n->n) m->block = t->zip[size][n->n - 2];
    else if (inner.n <= 4 && n->src == inner.n) m->block = t->unzip[size][inner.n - 2], m->rows_whole = true;
    else if (inner.n >= 4 && n->n >= 4) m->block = t->tile[size];
    else if (n->n < inner.n) m->d[rank - 2] = *n, *n = inner; /* the longer one inside */
    return true;
  }
  return false;
}

static void choose_block(sx_move *m, const sx_move_blocks *t, uint32_t *rank) {
  while (*rank < 2) { /* a block has two dimensions */
    memmove(m->d + 1, m->d, *rank * sizeof *m->d);
    m->d[0] = (sx_move_dim){1, 0, 0};
    ++*rank;
  }
  sx_move_dim *n = &m->d[*rank - 1];
  int size = log2_of(m->elem);
  m->block = t->each[size];
  if (n->dst != 1) return;
  if (n->src == 1) m->block = block_run;
  else if (n->src == 0) m->block = t->fill[size];
  else if (!choose_tile(m, t, *rank, size) && n->src >= 2 && n->src <= 4 && m->elem < 16) m->block = t->every[size][n->src - 2];
}

/* Runs are read in the order of the source and written to some places by turns: a processor foresees reads better than it forgives
 * waiting for them. */
static void order_runs(sx_move *m, uint32_t outer) {
  sx_move_dim d[SX_MOVE_RANK + 2];
  int64_t streams = 1;
  uint32_t near = 0; /* the dimension whose runs are neighbours in the destination */
  for (uint32_t i = 0; i < outer; i++) {
    uint32_t at = i;
    if (m->d[i].src <= 0) return;
    for (; at && d[at - 1].src < m->d[i].src; at--) d[at] = d[at - 1];
    d[at] = m->d[i];
  }
  for (uint32_t i = 1; i < outer; i++) near = d[i].dst < d[near].dst ? i : near;
  for (uint32_t i = near + 1; i < outer; i++) streams *= d[i].n;
  if (streams > 1 && streams <= STREAMS) memcpy(m->d, d, outer * sizeof *d);
}

static void cut(sx_move *m, const sx_move_blocks *t) {
  const sx_move_dim *a = &m->d[m->outer], *b = a + 1;
  int64_t width = m->block == block_run ? 1 : m->elem, block = a->n * b->n * width;
  m->group = 1, m->cut_m = a->n, m->cut_n = b->n;
  if (block <= UNIT_BYTES) m->group = UNIT_BYTES / (block ? block : 1);
  else if (m->rows_whole) m->cut_n = UNIT_BYTES / (a->n * width);
  else {
    int64_t row = b->n * width, least = m->elem < 16 && m->block == t->tile[log2_of(m->elem)] ? LINES / m->elem : 1;
    if (least > a->n) least = a->n;
    if (row > UNIT_BYTES / least) m->cut_n = UNIT_BYTES / least / width, row = m->cut_n * width;
    m->cut_m = UNIT_BYTES / row / least * least;
    if (m->cut_m < least) m->cut_m = least;
    if (m->cut_m > a->n) m->cut_m = a->n;
  }
  m->pieces_m = (a->n + m->cut_m - 1) / m->cut_m, m->pieces_n = (b->n + m->cut_n - 1) / m->cut_n;
  m->units = m->pieces_m * m->pieces_n * ((m->rows + m->group - 1) / m->group);
  double bytes = (double)m->group * (double)m->cut_m * (double)m->cut_n * (double)width;
  double items = m->block == block_run ? (double)(m->group * m->cut_m) : bytes / m->elem;
  m->unit_ns = bytes * 0.1 + items * (m->block == block_run ? 3 : 0.3);
}

void sx_move_plan(sx_move *m, sx_isa isa, uint32_t elem, uint32_t rank, const sx_move_dim *d) {
  const sx_move_blocks *t = blocks_at(isa);
  *m = (sx_move){.elem = elem, .rows = 1};
  for (uint32_t i = 0; i < rank; i++)
    if (d[i].n == 0) return; /* no units */
  rank = widen(m, merge(m->d, rank, d));
  choose_block(m, t, &rank);
  if (m->block == block_run) order_runs(m, rank - 1);
  m->outer = rank - 2;
  for (uint32_t i = 0; i < rank; i++) m->d[i].src *= m->elem, m->d[i].dst *= m->elem;
  if (m->block == block_run) m->d[rank - 1].n *= m->elem, m->d[rank - 1].src = m->d[rank - 1].dst = 1;
  for (uint32_t i = 0; i < m->outer; i++) m->rows *= m->d[i].n;
  cut(m, t);
}

typedef struct walk { int64_t at[SX_MOVE_RANK]; const char *s; char *d; } walk;
static void walk_to(walk *w, const sx_move *m, int64_t row) {
  for (uint32_t i = m->outer; i-- > 0; row /= m->d[i].n) {
    w->at[i] = row % m->d[i].n;
    w->s += w->at[i] * m->d[i].src, w->d += w->at[i] * m->d[i].dst;
  }
}
static void walk_next(walk *w, const sx_move *m) {
  for (uint32_t i = m->outer; i-- > 0;) {
    w->s += m->d[i].src, w->d += m->d[i].dst;
    if (++w->at[i] < m->d[i].n) return;
    w->s -= m->d[i].src * m->d[i].n, w->d -= m->d[i].dst * m->d[i].n;
    w->at[i] = 0;
  }
}

void sx_move_run(const sx_move *m, const void *src, void *dst, int64_t begin, int64_t end) {
  const sx_move_dim *a = &m->d[m->outer], *b = a + 1;
  int64_t pieces = m->pieces_m * m->pieces_n;
  if (begin >= end) return;
  if (pieces == 1) {
    int64_t last = end * m->group < m->rows ? end * m->group : m->rows;
    walk w = {.s = src, .d = dst};
    walk_to(&w, m, begin * m->group);
    for (int64_t r = begin * m->group; r < last; r++, walk_next(&w, m)) m->block(w.s, w.d, a, b);
    return;
  }
  for (int64_t u = begin; u < end; u++) {
    int64_t i = u % pieces / m->pieces_n * m->cut_m, j = u % m->pieces_n * m->cut_n;
    sx_move_dim x = *a, y = *b;
    walk w = {.s = src, .d = dst};
    walk_to(&w, m, u / pieces);
    x.n = a->n - i < m->cut_m ? a->n - i : m->cut_m;
    y.n = b->n - j < m->cut_n ? b->n - j : m->cut_n;
    m->block(w.s + i * a->src + j * b->src, w.d + i * a->dst + j * b->dst, &x, &y);
  }
}

void sx_move_rows(sx_isa isa, uint32_t elem, void *dst, const void *src, int64_t rows, int64_t row_step, int64_t n, int64_t step) {
  const sx_move_blocks *t = blocks_at(isa);
  const int size = log2_of(elem);
  const sx_move_dim m = {rows, row_step * elem, n * elem}, runs = {n * elem, 1, 1}, elements = {n, step * elem, elem};
  (step == 1 ? block_run : step == 0 ? t->fill[size] : t->each[size])(src, dst, &m, step == 1 ? &runs : &elements);
}

/* The C library knows the fastest way to set and to copy bytes: a few KB of the value are repeated. */
void sx_move_fill(void *dst, const void *value, uint32_t elem, int64_t n) {
  const size_t bytes = (size_t)n * elem, part = 4096 / elem * elem;
  const char *v = value;
  if (n <= 0) return;
  if (!memcmp(v, v + 1, elem - 1)) {
    memset(dst, *v, bytes);
    return;
  }
  memcpy(dst, value, elem);
  for (size_t done = elem; done < bytes;) {
    size_t more = done < part ? done : part;
    if (more > bytes - done) more = bytes - done;
    memcpy((char *)dst + done, dst, more);
    done += more;
  }
}

void sx_unpack_bits(uint8_t *dst, const uint8_t *src, uint32_t bits, int64_t n) {
  int64_t per = 8 / bits;
  for (int64_t i = 0; i < n; i++) dst[i] = (uint8_t)(src[i / per] >> (i % per) * bits & ((1u << bits) - 1));
}
void sx_pack_bits(uint8_t *dst, const uint8_t *src, uint32_t bits, int64_t n) {
  int64_t per = 8 / bits;
  for (int64_t i = 0; i < n; i += per) {
    uint32_t v = 0;
    for (int64_t k = 0; k < per && i + k < n; k++) v |= (src[i + k] & ((1u << bits) - 1)) << k * bits;
    dst[i / per] = (uint8_t)v;
  }
}
