// SPDX-License-Identifier: MIT
/* Blocks of a strided copy, by element size: single elements, repeats, transposes, and matrices with two to four columns taken
 * apart or put together. Transposes go square by square in registers; between the squares and far-apart rows lies a buffer of
 * whole cache lines, because rows whose distance is a power of two would push each other out of the cache. */
#include "ep/cpu/kernels/move/move_blocks.h"
#include "ep/cpu/vec.h"

typedef uint8_t e1;
typedef uint16_t e2 __attribute__((aligned(1), may_alias));
typedef uint32_t e4 __attribute__((aligned(1), may_alias));
typedef uint64_t e8 __attribute__((aligned(1), may_alias));
typedef uint64_t e16 __attribute__((vector_size(16), aligned(1), may_alias));

/* y[i, j] = x[i, j] over any strides; y[i, j] = x[i]. */
#define EACH(S)                                                                                                    \
  static void each_##S(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                       \
    const sx_move_dim a = *m, b = *n; /* copies: the stores might change the originals, for all the compiler knows */ \
    for (int64_t i = 0; i < a.n; i++) {                                                                            \
      const char *x = s + i * a.src;                                                                               \
      char *y = d + i * a.dst;                                                                                     \
      for (int64_t j = 0; j < b.n; j++) *(e##S *)(y + j * b.dst) = *(const e##S *)(x + j * b.src);                 \
    }                                                                                                              \
  }                                                                                                                \
  static void fill_##S(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                       \
    const sx_move_dim a = *m;                                                                                      \
    const int64_t count = n->n;                                                                                    \
    for (int64_t i = 0; i < a.n; i++) {                                                                            \
      const e##S v = *(const e##S *)(s + i * a.src);                                                               \
      e##S *y = (e##S *)(d + i * a.dst);                                                                           \
      for (int64_t j = 0; j < count; j++) y[j] = v;                                                                \
    }                                                                                                              \
  }
EACH(1) EACH(2) EACH(4) EACH(8) EACH(16)

/* zip: K columns far apart become rows of K; unzip: rows of K become K columns; every: one column of rows of K. */
#define COLUMNS(S, K)                                                                                              \
  static void zip_##S##_##K(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                  \
    const e##S *x[K];                                                                                              \
    const int64_t count = m->n;                                                                                    \
    e##S *restrict y = (e##S *)d;                                                                                  \
    SX_UNROLL_FULL for (int j = 0; j < K; j++) x[j] = (const e##S *)(s + j * n->src);                              \
    for (int64_t i = 0; i < count; i++)                                                                            \
      SX_UNROLL_FULL for (int j = 0; j < K; j++) y[i * K + j] = x[j][i];                                           \
  }                                                                                                                \
  static void unzip_##S##_##K(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                \
    const e##S *restrict x = (const e##S *)s;                                                                      \
    e##S *y[K];                                                                                                    \
    const int64_t count = n->n;                                                                                    \
    SX_UNROLL_FULL for (int j = 0; j < K; j++) y[j] = (e##S *)(d + j * m->dst);                                    \
    for (int64_t i = 0; i < count; i++)                                                                            \
      SX_UNROLL_FULL for (int j = 0; j < K; j++) y[j][i] = x[i * K + j];                                           \
  }                                                                                                                \
  static void every_##S##_##K(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                \
    const sx_move_dim a = *m;                                                                                      \
    const int64_t count = n->n;                                                                                    \
    for (int64_t i = 0; i < a.n; i++) {                                                                            \
      const e##S *restrict x = (const e##S *)(s + i * a.src);                                                      \
      e##S *restrict y = (e##S *)(d + i * a.dst);                                                                  \
      for (int64_t j = 0; j < count; j++) y[j] = x[j * K];                                                         \
    }                                                                                                              \
  }
COLUMNS(1, 2) COLUMNS(1, 3) COLUMNS(1, 4) COLUMNS(2, 2) COLUMNS(2, 3) COLUMNS(2, 4)
COLUMNS(4, 2) COLUMNS(4, 3) COLUMNS(4, 4) COLUMNS(8, 2) COLUMNS(8, 3) COLUMNS(8, 4)

/* A square is L rows of L elements; log2(L) rounds of interleaving rows i and i + L/2 transpose it. */
typedef uint8_t v1 __attribute__((vector_size(16)));
typedef uint16_t v2 __attribute__((vector_size(16)));
typedef uint32_t v4 __attribute__((vector_size(16)));
typedef uint64_t v8 __attribute__((vector_size(16)));
typedef uint8_t mem16 __attribute__((vector_size(16), aligned(1), may_alias));
#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (__typeof__(a)){__VA_ARGS__})
#endif
#define LO1(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HI1(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define LO2(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HI2(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LO4(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define HI4(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define LO8(a, b) SHUFFLE(a, b, 0, 2)
#define HI8(a, b) SHUFFLE(a, b, 1, 3)

/* The source has rows (stride n->src) along m, the destination rows (stride m->dst) along n. LINE: rows of it at a time. */
#define TILE(S, L, ROUNDS, LINE)                                                                                         \
  SX_INLINE void square_##S(const char *s, int64_t ss, char *d, int64_t ds) {                                            \
    v##S r[L], t[L];                                                                                                     \
    SX_UNROLL(16) for (int i = 0; i < L; i++) r[i] = (v##S)*(const mem16 *)(s + i * ss);                                 \
    SX_UNROLL(4) for (int k = 0; k < ROUNDS; k++) {                                                                      \
      SX_UNROLL(8) for (int i = 0; i < L / 2; i++) {                                                                     \
        t[2 * i] = LO##S(r[i], r[i + L / 2]);                                                                            \
        t[2 * i + 1] = HI##S(r[i], r[i + L / 2]);                                                                        \
      }                                                                                                                  \
      SX_UNROLL(16) for (int i = 0; i < L; i++) r[i] = t[i];                                                             \
    }                                                                                                                    \
    SX_UNROLL(16) for (int i = 0; i < L; i++) *(mem16 *)(d + i * ds) = (mem16)r[i];                                      \
  }                                                                                                                      \
  static void edge_##S(const char *s, int64_t ss, char *d, int64_t ds, int64_t m, int64_t n) {                           \
    for (int64_t i = 0; i < m; i++)                                                                                      \
      for (int64_t j = 0; j < n; j++) *(e##S *)(d + i * ds + j * S) = *(const e##S *)(s + i * S + j * ss);               \
  }                                                                                                                      \
  static void lines_##S(const char *s, int64_t ss, char *d, int64_t ds) { /* LINE rows, a cache line of columns */        \
    char b[LINE * 64] __attribute__((aligned(64)));                                                                      \
    for (int j = 0; j < 64 / S; j += L)                                                                                  \
      for (int i = 0; i < LINE; i += L) square_##S(s + i * S + j * ss, ss, b + i * 64 + j * S, 64);                      \
    for (int i = 0; i < LINE; i++) memcpy(d + i * ds, b + i * 64, 64);                                                   \
  }                                                                                                                      \
  static void tile_##S(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                             \
    int64_t ss = n->src, ds = m->dst, whole = n->n / L * L, lines = (ds & 1023) == 0 ? n->n * S / 64 * 64 / S : 0;       \
    const int64_t deep = m->n / LINE * LINE; /* whole lines first: what is read of a row lies together */                \
    for (int64_t j = 0; j < lines; j += 64 / S)                                                                          \
      for (int64_t i = 0; i < deep; i += LINE) lines_##S(s + i * S + j * ss, ss, d + i * ds + j * S, ds);                \
    for (int64_t i0 = 0; i0 < m->n; i0 += LINE) {                                                                        \
      int64_t rows = m->n - i0 < LINE ? m->n - i0 : LINE, full = rows / L * L, j = rows == LINE ? lines : 0;             \
      for (; j < whole; j += L) {                                                                                        \
        for (int64_t i = i0; i < i0 + full; i += L) square_##S(s + i * S + j * ss, ss, d + i * ds + j * S, ds);          \
        if (full < rows) edge_##S(s + (i0 + full) * S + j * ss, ss, d + (i0 + full) * ds + j * S, ds, rows - full, L);   \
      }                                                                                                                  \
      if (whole < n->n) edge_##S(s + i0 * S + whole * ss, ss, d + i0 * ds + whole * S, ds, rows, n->n - whole);          \
    }                                                                                                                    \
  }
TILE(1, 16, 4, 32)
TILE(2, 8, 3, 32)
TILE(4, 4, 2, 16)
TILE(8, 2, 1, 8)

#define BY_COLUMNS(name, S) {name##_##S##_2, name##_##S##_3, name##_##S##_4}
#define ALL_COLUMNS(name) {BY_COLUMNS(name, 1), BY_COLUMNS(name, 2), BY_COLUMNS(name, 4), BY_COLUMNS(name, 8)}
const sx_move_blocks SX_ISA_NAME(sx_move_blocks) = {
    {each_1, each_2, each_4, each_8, each_16}, {fill_1, fill_2, fill_4, fill_8, fill_16}, {tile_1, tile_2, tile_4, tile_8},
    ALL_COLUMNS(zip), ALL_COLUMNS(unzip), ALL_COLUMNS(every)};
