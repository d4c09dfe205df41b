// SPDX-License-Identifier: MIT
/* Transposes of matrices: squares of 16-byte rows in registers, walked in an order that keeps the lines of both sides in the
 * first-level cache. A square is `L` rows of L elements; log2(L) rounds of interleaving rows i and i + L/2 transpose it. */
#include "ep/cpu/kernels/move/move.h"
#include <string.h>

typedef uint8_t e1;
typedef uint16_t e2 __attribute__((aligned(1), may_alias));
typedef uint32_t e4 __attribute__((aligned(1), may_alias));
typedef uint64_t e8 __attribute__((aligned(1), may_alias));
typedef uint8_t v1 __attribute__((vector_size(16)));
typedef uint16_t v2 __attribute__((vector_size(16)));
typedef uint32_t v4 __attribute__((vector_size(16)));
typedef uint64_t v8 __attribute__((vector_size(16)));
typedef uint8_t mem __attribute__((vector_size(16), aligned(1), may_alias));

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

/* The source has rows (stride n->src) along m, the destination rows (stride m->dst) along n. */
#define TILE(S, L, ROUNDS)                                                                                               \
  static inline __attribute__((always_inline)) void square_##S(const char *s, int64_t ss, char *d, int64_t ds) {         \
    v##S r[L], t[L];                                                                                                     \
    _Pragma("GCC unroll 16") for (int i = 0; i < L; i++) r[i] = (v##S)*(const mem *)(s + i * ss);                        \
    _Pragma("GCC unroll 4") for (int k = 0; k < ROUNDS; k++) {                                                           \
      _Pragma("GCC unroll 8") for (int i = 0; i < L / 2; i++) {                                                          \
        t[2 * i] = LO##S(r[i], r[i + L / 2]);                                                                            \
        t[2 * i + 1] = HI##S(r[i], r[i + L / 2]);                                                                        \
      }                                                                                                                  \
      _Pragma("GCC unroll 16") for (int i = 0; i < L; i++) r[i] = t[i];                                                  \
    }                                                                                                                    \
    _Pragma("GCC unroll 16") for (int i = 0; i < L; i++) *(mem *)(d + i * ds) = (mem)r[i];                               \
  }                                                                                                                      \
  static void each_##S(const char *s, int64_t ss, char *d, int64_t ds, int64_t m, int64_t n) {                           \
    for (int64_t i = 0; i < m; i++)                                                                                      \
      for (int64_t j = 0; j < n; j++) *(e##S *)(d + i * ds + j * S) = *(const e##S *)(s + i * S + j * ss);               \
  }                                                                                                                      \
  static void tile_##S(const char *s, char *d, const sx_move_dim *m, const sx_move_dim *n) {                             \
    enum { STEP = 64 / S > L ? 64 / S : L }; /* a line of the source at a time */                                        \
    int64_t ss = n->src, ds = m->dst, whole = n->n / L * L;                                                              \
    for (int64_t i0 = 0; i0 < m->n; i0 += STEP) {                                                                        \
      int64_t rows = m->n - i0 < STEP ? m->n - i0 : STEP, full = rows / L * L;                                           \
      for (int64_t j = 0; j < whole; j += L) {                                                                           \
        for (int64_t i = i0; i < i0 + full; i += L) square_##S(s + i * S + j * ss, ss, d + i * ds + j * S, ds);          \
        if (full < rows) each_##S(s + (i0 + full) * S + j * ss, ss, d + (i0 + full) * ds + j * S, ds, rows - full, L);   \
      }                                                                                                                  \
      if (whole < n->n) each_##S(s + i0 * S + whole * ss, ss, d + i0 * ds + whole * S, ds, rows, n->n - whole);          \
    }                                                                                                                    \
  }
TILE(1, 16, 4)
TILE(2, 8, 3)
TILE(4, 4, 2)
TILE(8, 2, 1)

sx_move_block sx_move_tile(uint32_t elem) { return elem == 1 ? tile_1 : elem == 2 ? tile_2 : elem == 4 ? tile_4 : tile_8; }
