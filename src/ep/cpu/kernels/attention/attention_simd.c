// SPDX-License-Identifier: MIT
/* Attention's inner loops in f32: register tiles of MR rows by two vectors for both products, rows of the online softmax,
 * and for decoding inner products and weighted sums of keys and values where they lie, widened as they are loaded. */
#include "ep/cpu/kernels/attention/attention_tables.h"
#include "ep/cpu/kernels/gemm/gemm_tile.h"
#include "ep/cpu/vmath.h"

#define NR (2 * SX_VL)

static void pack(const float *rows, int64_t row, int64_t n, int64_t d, float *panel) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    int64_t k = 0;
    for (; k + 4 <= d; k += 4) sx_transpose_f32(rows + j * row + k, row, panel + k * NR + j, NR);
    for (; k < d; k++)
      for (int64_t i = j; i < j + 4; i++) panel[k * NR + i] = rows[i * row + k];
  }
  for (; j < NR; j++)
    for (int64_t k = 0; k < d; k++) panel[k * NR + j] = j < n ? rows[j * row + k] : 0;
}

typedef struct tile {
  const float *a, *b;
  float *c;
  int64_t a_row /* bytes */, b_k, k, c_row;
  bool add;
} tile;
SX_INLINE void tile_run(const int mr, const int nv, const tile *t) {
  vf acc[MR][2];
  const float *b = t->b;
  const int64_t a_row = t->a_row;
  const char *a[4] = {(const char *)t->a, (const char *)t->a + 3 * a_row, (const char *)t->a + 5 * a_row,
                      (const char *)t->a + 10 * a_row};
  ROWS_OF(i, mr) COLS_OF(j, nv) acc[i][j] = t->add ? vf_load(t->c + i * t->c_row + j * SX_VL) : (vf){0};
  for (int64_t k = t->k; k > 0; k--, b += t->b_k) {
    vf bv[2];
    COLS_OF(j, nv) bv[j] = vf_load(b + j * SX_VL);
    ROWS_OF(i, mr) {
      const vf av = vf_set(*(const float *)(const void *)(a[at[i].base] + at[i].times * a_row));
      COLS_OF(j, nv) acc[i][j] += av * bv[j];
    }
    UNROLL for (int i = 0; i < 4; i++) a[i] += sizeof(float);
  }
  ROWS_OF(i, mr) COLS_OF(j, nv) vf_store(t->c + i * t->c_row + j * SX_VL, acc[i][j]);
}
#define TILE(mr, nv) \
  static void tile_##mr##x##nv(const tile *t) { tile_run(mr, nv, t); }
ROWS(TILE, 1)
ROWS(TILE, 2)
#define ENTRY(mr, nv) tile_##mr##x##nv,
static void (*const tiles[2][MR])(const tile *) = {{ROWS(ENTRY, 1)}, {ROWS(ENTRY, 2)}};

static void product(const float *a, int64_t a_row, const float *b, int64_t b_k, int64_t b_panel, int64_t k, int rows,
                    int64_t n, float *c, int64_t c_row, bool add) {
  const int count = (rows + MR - 1) / MR; /* heights as even as can be */
  tile t = {a, b, c, a_row * (int64_t)sizeof(float), b_k, k, c_row, add};
  for (; n > 0; n -= NR, t.b += b_panel, c += NR)
    for (int i = 0; i < count; i++) {
      const int r = rows * i / count;
      t.a = a + r * a_row, t.c = c + r * c_row;
      tiles[n >= NR][rows * (i + 1) / count - r - 1](&t);
    }
}

/* n <= SX_VL elements of a storage type from index i; the other lanes 0. */
enum { F32, F16, BF16 };
SX_INLINE vf load(const void *p, int64_t i, int n, const int type) {
  if (type == F32) return n == SX_VL ? vf_load((const float *)p + i) : vf_load_n((const float *)p + i, n);
  const uint16_t *h = (const uint16_t *)p + i;
  uint16_t t[SX_VL] = {0};
  if (n < SX_VL) memcpy(t, h, (size_t)n * sizeof *t), h = t;
  return type == F16 ? vf_load_f16(h) : vf_load_bf16(h);
}
SX_INLINE const void *skip(const void *p, int64_t elements, const int type) {
  return (const char *)p + elements * (type == F32 ? 4 : 2);
}

/* r rows against w keys. */
SX_INLINE void dots_block(const int r, const int w, const float *q, int64_t q_row, const void *k, int64_t k_row, int64_t d,
                          float *s, int64_t s_row, const int type) {
  vf acc[2][4] = {{{0}}};
  for (int64_t i = 0; i < d; i += SX_VL) {
    const int n = d - i < SX_VL ? (int)(d - i) : SX_VL;
    vf kv[4];
    UNROLL for (int j = 0; j < w; j++) kv[j] =
        n == SX_VL ? load(k, j * k_row + i, SX_VL, type) : load(k, j * k_row + i, n, type);
    UNROLL for (int a = 0; a < r; a++) {
      const vf qv = vf_load(q + a * q_row + i);
      UNROLL for (int j = 0; j < w; j++) acc[a][j] += qv * kv[j];
    }
  }
  UNROLL for (int a = 0; a < r; a++) {
    float *to = s + a * s_row;
    if (w == 4)
      vf_sum4(to, acc[a][0], acc[a][1], acc[a][2], acc[a][3]);
    else
      for (int j = 0; j < w; j++) to[j] = vf_sum(acc[a][j]);
  }
}
SX_INLINE void dots(const float *q, int64_t q_row, int rows, const void *k, int64_t k_row, int64_t d, int64_t keys,
                    float *s, int64_t s_row, const int type) {
  int64_t j = 0;
  for (; j + 4 <= keys; j += 4, k = skip(k, 4 * k_row, type)) {
    int r = 0;
    for (; r + 2 <= rows; r += 2) dots_block(2, 4, q + r * q_row, q_row, k, k_row, d, s + r * s_row + j, s_row, type);
    if (r < rows) dots_block(1, 4, q + r * q_row, q_row, k, k_row, d, s + r * s_row + j, s_row, type);
  }
  for (; j < keys; j++, k = skip(k, k_row, type))
    for (int r = 0; r < rows; r++) dots_block(1, 1, q + r * q_row, q_row, k, k_row, d, s + r * s_row + j, s_row, type);
}

/* r rows, w vectors of columns (the last of n elements); sums stay in registers. */
SX_INLINE void weigh_block(const int r, const int w, const float *p, int64_t p_row, const void *v, int64_t v_row, int n,
                           int64_t keys, float *acc, int64_t acc_row, const int type) {
  vf sum[4][2];
  UNROLL for (int a = 0; a < r; a++) UNROLL for (int j = 0; j < w; j++) sum[a][j] = vf_load(acc + a * acc_row + j * SX_VL);
  for (int64_t k = 0; k < keys; k++, v = skip(v, v_row, type)) {
    vf x[2];
    UNROLL for (int j = 0; j < w; j++) x[j] = load(v, j * SX_VL, w == 2 ? SX_VL : n, type);
    UNROLL for (int a = 0; a < r; a++) {
      const vf weight = vf_set(p[a * p_row + k]);
      UNROLL for (int j = 0; j < w; j++) sum[a][j] += weight * x[j];
    }
  }
  UNROLL for (int a = 0; a < r; a++) UNROLL for (int j = 0; j < w; j++) vf_store(acc + a * acc_row + j * SX_VL, sum[a][j]);
}
SX_INLINE void weigh_rows(const int r, const float *p, int64_t p_row, const void *v, int64_t v_row, int64_t d, int64_t keys,
                          float *acc, int64_t acc_row, const int type) {
  int64_t i = 0;
  for (; i + NR <= d; i += NR) weigh_block(r, 2, p, p_row, skip(v, i, type), v_row, SX_VL, keys, acc + i, acc_row, type);
  for (; i + SX_VL <= d; i += SX_VL)
    weigh_block(r, 1, p, p_row, skip(v, i, type), v_row, SX_VL, keys, acc + i, acc_row, type);
  if (i < d) weigh_block(r, 1, p, p_row, skip(v, i, type), v_row, (int)(d - i), keys, acc + i, acc_row, type);
}
SX_INLINE void weigh(const float *p, int64_t p_row, int rows, const void *v, int64_t v_row, int64_t d, int64_t keys,
                     float *acc, int64_t acc_row, const int type) {
  enum { KEYS = 32 }; /* whole rows of values, so that memory is read in order */
  for (; keys > 0; keys -= KEYS, p += KEYS, v = skip(v, KEYS * v_row, type)) {
    const int64_t n = keys < KEYS ? keys : KEYS;
    int r = 0;
    for (; r + 4 <= rows; r += 4) weigh_rows(4, p + r * p_row, p_row, v, v_row, d, n, acc + r * acc_row, acc_row, type);
    for (; r < rows; r++) weigh_rows(1, p + r * p_row, p_row, v, v_row, d, n, acc + r * acc_row, acc_row, type);
  }
}
#define STORED(T, t)                                                                                                    \
  static void dots_##t(const float *q, int64_t q_row, int rows, const void *k, int64_t k_row, int64_t d, int64_t keys,  \
                       float *s, int64_t s_row) {                                                                       \
    dots(q, q_row, rows, k, k_row, d, keys, s, s_row, T);                                                               \
  }                                                                                                                     \
  static void weigh_##t(const float *p, int64_t p_row, int rows, const void *v, int64_t v_row, int64_t d, int64_t keys, \
                        float *acc, int64_t acc_row) {                                                                  \
    weigh(p, p_row, rows, v, v_row, d, keys, acc, acc_row, T);                                                          \
  }
STORED(F32, f32)
STORED(F16, f16)
STORED(BF16, bf16)

/* A vector of scores: cap, then mask. -inf in the mask wins over whatever the score is. */
SX_INLINE vf bend(vf x, float cap, const float *mask) {
  if (cap) x = vf_set(cap) * vm_tanh(x * vf_set(1 / cap));
  if (!mask) return x;
  const vf m = vf_load(mask);
  return vf_pick_eq(m, vf_set(-INFINITY), m, x + m);
}
SX_INLINE vf bend_all(float *s, int64_t from, int64_t to, float cap, const float *mask, vf top) {
  for (int64_t i = from; i < to; i += SX_VL) {
    const vf x = bend(vf_load(s + i), cap, mask ? mask + i : NULL);
    vf_store(s + i, x);
    top = vf_max(x, top);
  }
  return top;
}
/* The first and the last vector of [lo, hi) get -inf outside. */
SX_INLINE void fence(float *s, int64_t from, int64_t lo, int64_t hi, int64_t to) {
  for (int64_t i = from; i < lo; i++) s[i] = -INFINITY;
  for (int64_t i = hi; i < to; i++) s[i] = -INFINITY;
}
static float soften(float *s, int64_t n, int64_t lo, int64_t hi, float cap, const float *mask, float *m, float *l) {
  const int64_t from = lo / SX_VL * SX_VL, to = (hi + SX_VL - 1) / SX_VL * SX_VL;
  if (lo >= hi) {
    memset(s, 0, (size_t)n * sizeof(float));
    return 1;
  }
  vf top[2] = {vf_set(*m), vf_set(*m)}, sum[2] = {{0}, {0}};
  int64_t i = from;
  if (from > 0) memset(s, 0, (size_t)from * sizeof(float));
  if (to < n) memset(s + to, 0, (size_t)(n - to) * sizeof(float));
  if (mask && !cap && from == lo && to == hi)
    top[0] = bend_all(s, from, to, 0, mask, top[0]);
  else {
    if (cap)
      bend_all(s, from, to, cap, mask, top[0]);
    else if (mask)
      bend_all(s, from, to, 0, mask, top[0]);
    fence(s, from, lo, hi, to);
    for (; i + NR <= to; i += NR) UNROLL for (int j = 0; j < 2; j++) top[j] = vf_max(vf_load(s + i + j * SX_VL), top[j]);
    if (i < to) top[0] = vf_max(vf_load(s + i), top[0]);
  }
  const float max = vf_hmax(vf_max(top[0], top[1]));
  if (max == -INFINITY) { /* nothing to look at so far, or NaN */
    for (i = from; i < to; i++) {
      if (s[i] != s[i]) *l = s[i];
      s[i] = 0;
    }
    return 1;
  }
  const vf shift = vf_set(max);
  for (i = from; i + NR <= to; i += NR) UNROLL for (int j = 0; j < 2; j++) {
      const vf e = vm_exp_neg(vf_load(s + i + j * SX_VL) - shift);
      vf_store(s + i + j * SX_VL, e);
      sum[j] += e;
    }
  if (i < to) {
    const vf e = vm_exp_neg(vf_load(s + i) - shift);
    vf_store(s + i, e);
    sum[0] += e;
  }
  const float factor = expf(*m - max);
  *m = max;
  *l = *l * factor + vf_sum(sum[0] + sum[1]);
  return factor;
}
static void scale(float *x, int64_t n, float f) {
  for (int64_t i = 0; i < n; i += SX_VL) vf_store(x + i, vf_load(x + i) * vf_set(f));
}

const sx_attention_table SX_ISA_NAME(sx_attention) = {
    MR, NR, SX_VL, pack, product, {dots_f32, dots_f16, dots_bf16}, {weigh_f32, weigh_f16, weigh_bf16}, soften, scale};
