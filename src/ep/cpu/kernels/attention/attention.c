// SPDX-License-Identifier: MIT
/* Attention: the plan, and the walk over tiles of query rows and blocks of keys that packed and direct attention share.
 * They differ in how a block of scores and a block of the result are computed. Rows of one key head, all its query heads
 * together, are numbered r = head * Lq + i. */
#include "ep/cpu/kernels/attention/attention.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "ep/cpu/isa.h"
#include "ep/cpu/kernels/attention/attention_tables.h"
#include "ep/cpu/kernels/convert/convert.h"

enum { DIRECT_ROWS = 8, BLOCK = 1024, ONE_BLOCK = 1536, SPLIT = 512, PACK_PANELS = 4, TILES = 4, PASS_FLOATS = 24 << 10 };
SX_ISA_DECLARE(sx_attention_table, sx_attention);

static int64_t padded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t rows_of(const sx_attention *a) { return a->Hq / a->Hkv * a->Lq; }
static int stored(sx_dtype t) { return t == SX_F16 ? 1 : t == SX_BF16 ? 2 : 0; }
static const char *at(const void *p, sx_dtype t, int64_t i) {
  return (const char *)p + i * (int64_t)(sx_dtype_bits(t) / 8);
}

/* Floats of a worker: rows of queries, scores, results, maxima and sums, a mask row, one row of keys or of the result. */
typedef struct work {
  float *q, *s, *acc, *m, *l, *mask, *row;
  int64_t dp, sp, dvp, rows;
} work;
static size_t work_floats(const sx_attention *a, const sx_attention_table *t, int64_t rows, work *w, float *base) {
  w->dp = padded(a->D, t->lanes), w->dvp = padded(a->Dv, t->lanes), w->sp = padded(a->block, t->nr) + t->lanes,
  w->rows = rows;
  w->q = base;
  w->s = w->q + rows * w->dp;
  w->acc = w->s + rows * w->sp;
  w->m = w->acc + rows * w->dvp;
  w->l = w->m + rows;
  w->mask = w->l + rows;
  w->row = w->mask + w->sp;
  return (size_t)(rows * (w->dp + w->sp + w->dvp + 2) + w->sp) + (size_t)(w->dp > w->dvp ? w->dp : w->dvp);
}

bool sx_attention_plan(sx_attention *a) {
  const sx_attention_table *t = SX_ISA_PICK(sx_attention, a->isa);
  const int64_t R = rows_of(a), pairs = a->B * a->Hkv;
  const bool f64 = a->q_type == SX_F64 || a->k_type == SX_F64 || a->v_type == SX_F64;
  const double fma_ns = 1.0 / (3.0 * t->lanes);
  size_t shared = 0;
  work w;
  if (a->left > a->Lk + a->Lq) a->left = -1; /* bounds nothing */
  if (a->right > a->Lk + a->Lq) a->right = -1;
  a->pack_units = a->merge_units = 0;
  if (a->scores != SX_SCORES_NONE || f64) {
    a->way = SX_ATTENTION_PLAIN;
    a->units = a->B * a->Hq * a->Lq;
    a->unit_ns = (double)a->Lk * (double)(a->D + a->Dv) * 1.5;
    a->scratch = sx_attention_plain_scratch(a);
    a->shared = 0;
    return true;
  }
  if (R <= DIRECT_ROWS) {
    a->way = SX_ATTENTION_DIRECT;
    a->splits = a->Lk > SPLIT ? (a->Lk + SPLIT - 1) / SPLIT : 1;
    a->split = a->splits > 1 ? SPLIT : a->Lk;
    a->block = a->split;
    a->head_floats = a->splits > 1 ? (size_t)R * (size_t)(padded(a->Dv, t->lanes) + 2) : 0;
    a->units = pairs * a->splits;
    a->merge_units = a->splits > 1 ? pairs : 0;
    a->unit_ns = 100 + (double)a->split * (double)(a->D + a->Dv) * (double)R * fma_ns * 2;
    a->merge_ns = (double)a->splits * (double)R * (double)a->Dv * 0.3;
    a->scratch = work_floats(a, t, R, &w, NULL) * sizeof(float);
    if (!sx_size_mul(a->head_floats, (size_t)a->units, &shared)) return false;
  } else {
    a->way = SX_ATTENTION_PACKED;
    a->block = a->Lk <= ONE_BLOCK ? padded(a->Lk, t->nr) : BLOCK;
    a->tiles = (R + t->mr - 1) / t->mr;
    a->pass = PASS_FLOATS /
              ((int64_t)t->mr * (a->block ? a->block : 1)); /* a panel of keys meets several tiles while it is near */
    a->pass = a->pass < 1 ? 1 : least(a->pass, TILES);
    a->copy_v = a->v_type != SX_F32 || a->Dv % t->lanes ||
                a->v_l != a->Dv; /* rows far apart would fight for the same cache lines */
    a->v_row = a->copy_v ? padded(a->Dv, t->lanes) : a->v_l;
    const size_t keys = (size_t)padded(a->Lk, t->nr);
    size_t k, v = 0;
    if (!sx_size_mul(keys, (size_t)a->D, &k) || (a->copy_v && !sx_size_mul(keys, (size_t)a->v_row, &v)) ||
        !sx_size_add(k, v, &a->head_floats) || !sx_size_mul(a->head_floats, (size_t)pairs, &shared))
      return false;
    a->pack_units = pairs * (((int64_t)keys / t->nr + PACK_PANELS - 1) / PACK_PANELS);
    a->pack_ns = (double)(PACK_PANELS * t->nr) * (double)(a->D + (a->copy_v ? a->Dv : 0)) * 0.3;
    a->units = pairs * ((a->tiles + TILES - 1) / TILES);
    a->unit_ns = 100 + (double)(least(a->tiles, TILES) * t->mr) * (double)a->Lk * ((double)(a->D + a->Dv) * fma_ns + 0.3);
    a->scratch = work_floats(a, t, t->mr * a->pass, &w, NULL) * sizeof(float);
    const size_t packing = (size_t)t->nr * (size_t)a->D * sizeof(float); /* keys widened */
    if (a->scratch < packing) a->scratch = packing;
  }
  if (a->B * a->Hq * a->Lq * a->Dv == 0) a->units = a->pack_units = a->merge_units = 0;
  return sx_size_mul(shared, sizeof(float), &a->shared);
}

void sx_attention_range(const sx_attention *a, const sx_attention_io *io, int64_t b, int64_t i, int64_t *lo, int64_t *hi) {
  int64_t from = 0, to = a->Lk;
  if (io->length) to = io->length[b] < 0 ? 0 : least(to, io->length[b]);
  const int64_t p = i + (io->offset ? io->offset[b] : a->from_length ? to - a->Lq : a->offset);
  if (a->m_type) to = least(to, a->m_len);
  if (a->causal) to = least(to, p + 1);
  if (a->right >= 0) to = least(to, p + a->right + 1);
  if (a->left >= 0 && p > a->left) from = p - a->left;
  *hi = to < 0 ? 0 : to;
  *lo = from < *hi ? from : *hi;
}

void sx_attention_pack(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch) {
  const sx_attention_table *t = SX_ISA_PICK(sx_attention, a->isa);
  const int64_t panels = padded(a->Lk, t->nr) / t->nr, per_head = (panels + PACK_PANELS - 1) / PACK_PANELS;
  for (int64_t u = begin; u < end; u++) {
    const int64_t pair = u / per_head, b = pair / a->Hkv, h = pair % a->Hkv, p0 = u % per_head * PACK_PANELS,
                  p1 = least(p0 + PACK_PANELS, panels);
    const int64_t used = io->length ? io->length[b] : a->Lk;
    float *keys = (float *)io->shared + (size_t)pair * a->head_floats, *values = keys + panels * t->nr * a->D;
    for (int64_t p = p0; p < p1 && p * t->nr < used; p++) {
      const int64_t j0 = p * t->nr, n = least(t->nr, a->Lk - j0), from = b * a->k_b + h * a->k_h + j0 * a->k_l;
      const float *rows = (const float *)(const void *)at(io->k, a->k_type, from);
      int64_t row = a->k_l;
      if (a->k_type != SX_F32) {
        for (int64_t j = 0; j < n; j++)
          sx_convert_load(a->isa, a->k_type, (float *)scratch + j * a->D, io->k, from + j * a->k_l, a->D);
        rows = scratch, row = a->D;
      }
      t->pack(rows, row, n, a->D, keys + p * t->nr * a->D);
      for (int64_t j = j0; j < j0 + n && a->copy_v; j++) {
        float *to = values + j * a->v_row;
        sx_convert_load(a->isa, a->v_type, to, io->v, b * a->v_b + h * a->v_h + j * a->v_l, a->Dv);
        memset(to + a->Dv, 0, (size_t)(a->v_row - a->Dv) * sizeof(float));
      }
    }
  }
}

/* Where a row of a key head's rows is, and what keys it may look at. */
enum { MOST_ROWS = 14 * TILES };
typedef struct place {
  int64_t b, h, i, lo, hi;
} place;
static void places_of(const sx_attention *a, const sx_attention_io *io, int64_t pair, int64_t r0, int64_t rows, place *p) {
  int64_t b = pair / a->Hkv, h = pair % a->Hkv * (a->Hq / a->Hkv) + r0 / a->Lq, i = r0 % a->Lq;
  for (int64_t r = 0; r < rows; r++, i++) {
    if (i == a->Lq) i = 0, h++;
    p[r] = (place){.b = b, .h = h, .i = i};
    sx_attention_range(a, io, b, i, &p[r].lo, &p[r].hi);
  }
}

/* What a layout of blocks says of keys [k0, k1). */
static const float *block_row(const sx_attention *a, const sx_attention_io *io, const place *p, int64_t k0, int64_t k1,
                              float *row) {
  const int64_t layout = p->h % a->layouts;
  const int32_t *start = io->block_start + layout * (a->block_rows + 1) + (p->i + io->offset[p->b]) / a->side;
  const int32_t *columns = io->block_column + layout * a->block_columns;
  for (int64_t j = 0; j < k1 - k0; j++) row[j] = -INFINITY;
  for (int32_t c = start[0]; c < start[1]; c++) {
    const int64_t from = columns[c] * a->side - k0, to = least(from + a->side, k1 - k0);
    for (int64_t j = from < 0 ? 0 : from; j < to; j++) row[j] = 0;
  }
  return row;
}
/* The mask of keys [k0, k1) as floats to be added; NULL when there is none. */
static const float *mask_row(const sx_attention *a, const sx_attention_io *io, const place *p, int64_t k0, int64_t k1,
                             float *row) {
  if (a->side) return block_row(a, io, p, k0, k1, row);
  if (!a->m_type) return NULL;
  const int64_t from = p->b * a->m_b + p->h * a->m_h + p->i * a->m_q, n = a->m_k ? least(k1, a->m_len) - k0 : 1;
  if (n <= 0) return NULL;
  if (a->m_type == SX_BOOL) {
    const uint8_t *m = (const uint8_t *)io->mask + from + k0 * a->m_k;
    for (int64_t j = 0; j < n; j++) row[j] = m[j] ? 0 : -INFINITY;
  } else if (a->m_type == SX_F32)
    memcpy(row, (const float *)io->mask + from + k0 * a->m_k, (size_t)n * sizeof(float));
  else
    sx_cast_run(a->isa, a->m_type, SX_F32, 0, row, at(io->mask, a->m_type, from + k0 * a->m_k), 0, n);
  for (int64_t j = 1; j < k1 - k0 && !a->m_k; j++) row[j] = row[0];
  return row;
}

static float sink_of(const sx_attention *a, const sx_attention_io *io, int64_t head) {
  float x = 0;
  if (a->sink == SX_SINK_HEAD) sx_convert_load(a->isa, a->q_type, &x, io->sink, head, 1);
  return x;
}
/* A row's sums divided by its weight, to y. */
static void finish(const sx_attention *a, const sx_attention_io *io, const sx_attention_table *t, const place *p,
                   float *acc, float m, float l) {
  float f = 1;
  if (a->sink != SX_SINK_NONE) {
    const float x = sink_of(a, io, p->h), top = x > m ? x : m;
    f = expf(m - top);
    l = l * f + expf(x - top);
  }
  const float inverse = l == 0 ? 0 : f / l;
  const int64_t to = p->b * a->y_b + p->h * a->y_h + p->i * a->y_l;
  t->scale(acc, padded(a->Dv, t->lanes), inverse);
  sx_convert_store(a->isa, a->q_type, 0, io->y, acc, to, a->Dv);
}

/* The keys of [from, to) for w->rows rows: their sums in w->acc, w->m, w->l. */
static void attend(const sx_attention *a, const sx_attention_io *io, const sx_attention_table *t, int64_t pair,
                   const place *places, int64_t from, int64_t to, const work *w) {
  const bool direct = a->way == SX_ATTENTION_DIRECT;
  const int rows = (int)w->rows;
  const int64_t b = pair / a->Hkv, h = pair % a->Hkv;
  const float *keys = direct ? NULL : (const float *)io->shared + (size_t)pair * a->head_floats;
  const float *values = direct      ? NULL
                        : a->copy_v ? keys + padded(a->Lk, t->nr) * a->D
                                    : (const float *)io->v + b * a->v_b + h * a->v_h;
  int64_t lo = to, hi = from;
  for (int r = 0; r < rows; r++) {
    const place p = places[r];
    float *q = w->q + r * w->dp;
    sx_convert_load(a->isa, a->q_type, q, io->q, p.b * a->q_b + p.h * a->q_h + p.i * a->q_l, a->D);
    if (w->dp > a->D) memset(q + a->D, 0, (size_t)(w->dp - a->D) * sizeof(float));
    t->scale(q, w->dp, (float)a->scale);
    memset(w->acc + r * w->dvp, 0, (size_t)w->dvp * sizeof(float));
    w->m[r] = -INFINITY, w->l[r] = 0;
    if (p.lo < p.hi) lo = least(lo, p.lo), hi = p.hi > hi ? p.hi : hi;
  }
  if (lo < from) lo = from;
  if (!direct) lo = lo / t->nr * t->nr;
  hi = least(hi, to);
  for (int64_t k0 = lo; k0 < hi; k0 += a->block) {
    const int64_t k1 = least(k0 + a->block, hi), n = k1 - k0, wide = padded(n, t->lanes);
    if (direct)
      t->dots[stored(a->k_type)](w->q, w->dp, rows, at(io->k, a->k_type, b * a->k_b + h * a->k_h + k0 * a->k_l), a->k_l,
                                 a->D, n, w->s, w->sp);
    else
      t->product(w->q, w->dp, keys + k0 * a->D, t->nr, t->nr * a->D, a->D, rows, wide, w->s, w->sp, false);
    const float *mask = NULL;
    for (int r = 0; r < rows; r++) {
      const place p = places[r];
      const int64_t first = p.lo > k0 ? p.lo - k0 : 0, last = least(p.hi, k1) - k0;
      if (!mask || a->side || a->m_q || (a->m_h && p.h != places[r - 1].h))
        mask = first < last ? mask_row(a, io, &p, k0, k1, w->mask) : NULL;
      const float f =
          t->soften(w->s + r * w->sp, wide, least(first, n), last > 0 ? last : 0, a->softcap, mask, &w->m[r], &w->l[r]);
      if (f != 1) t->scale(w->acc + r * w->dvp, w->dvp, f);
    }
    if (direct)
      t->weigh[stored(a->v_type)](w->s, w->sp, rows, at(io->v, a->v_type, b * a->v_b + h * a->v_h + k0 * a->v_l), a->v_l,
                                  a->Dv, n, w->acc, w->dvp);
    else
      t->product(w->s, w->sp, values + k0 * a->v_row, a->v_row, t->nr, n, rows, w->dvp, w->acc, w->dvp, true);
  }
}

static void run_packed(const sx_attention *a, const sx_attention_io *io, int64_t u, void *scratch) {
  const sx_attention_table *t = SX_ISA_PICK(sx_attention, a->isa);
  const int64_t R = rows_of(a), per_head = (a->tiles + TILES - 1) / TILES, pair = u / per_head;
  const int64_t t0 = a->tiles * (u % per_head) / per_head, t1 = a->tiles * (u % per_head + 1) / per_head;
  for (int64_t k = t0; k < t1; k += a->pass) { /* heights as even as can be */
    const int64_t r0 = R * k / a->tiles, r1 = R * least(k + a->pass, t1) / a->tiles;
    place p[MOST_ROWS];
    work w;
    work_floats(a, t, r1 - r0, &w, scratch);
    places_of(a, io, pair, r0, r1 - r0, p);
    attend(a, io, t, pair, p, 0, a->Lk, &w);
    for (int64_t r = 0; r < r1 - r0; r++) finish(a, io, t, &p[r], w.acc + r * w.dvp, w.m[r], w.l[r]);
  }
}
static void run_direct(const sx_attention *a, const sx_attention_io *io, int64_t u, void *scratch) {
  const sx_attention_table *t = SX_ISA_PICK(sx_attention, a->isa);
  const int64_t R = rows_of(a), pair = u / a->splits, from = u % a->splits * a->split;
  place p[MOST_ROWS] = {{0}};
  work w;
  work_floats(a, t, R, &w, scratch);
  places_of(a, io, pair, 0, R, p);
  attend(a, io, t, pair, p, from, least(from + a->split, a->Lk), &w);
  if (a->splits > 1) { /* sums, maxima and weights lie one after the other */
    memcpy((float *)io->shared + (size_t)u * a->head_floats, w.acc, a->head_floats * sizeof(float));
    return;
  }
  for (int64_t r = 0; r < R; r++) finish(a, io, t, &p[r], w.acc + r * w.dvp, w.m[r], w.l[r]);
}
void sx_attention_run(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch) {
  if (a->way == SX_ATTENTION_PLAIN) {
    sx_attention_plain(a, io, begin, end, scratch);
    return;
  }
  for (int64_t u = begin; u < end; u++) (a->way == SX_ATTENTION_PACKED ? run_packed : run_direct)(a, io, u, scratch);
}

void sx_attention_merge(const sx_attention *a, const sx_attention_io *io, int64_t begin, int64_t end, void *scratch) {
  const sx_attention_table *t = SX_ISA_PICK(sx_attention, a->isa);
  const int64_t R = rows_of(a), dvp = (int64_t)(a->head_floats / (size_t)R) - 2;
  float *acc = scratch;
  place p[MOST_ROWS] = {{0}};
  for (int64_t u = begin; u < end; u++) {
    places_of(a, io, u, 0, R, p);
    for (int64_t r = 0; r < R; r++) {
      const float *part = (const float *)io->shared + (size_t)(u * a->splits) * a->head_floats;
      const float *m = part + R * dvp + r, *l = m + R;
      float top = -INFINITY, sum = 0;
      for (int64_t s = 0; s < a->splits; s++)
        top = m[s * (int64_t)a->head_floats] > top ? m[s * (int64_t)a->head_floats] : top;
      memset(acc, 0, (size_t)dvp * sizeof(float));
      for (int64_t s = 0; s < a->splits; s++, part += a->head_floats, m += a->head_floats, l += a->head_floats) {
        if (*m == -INFINITY && *l == 0) continue; /* looked at nothing */
        const float f = expf(*m - top);
        sum += *l * f;
        for (int64_t j = 0; j < a->Dv; j++) acc[j] += part[r * dvp + j] * f;
      }
      finish(a, io, t, &p[r], acc, top, sum);
    }
  }
}
