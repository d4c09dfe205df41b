// SPDX-License-Identifier: MIT
/* The loops of instruction functions on plain C elements, which the compiler vectorises: used where vec.h has no arithmetic
 * (other classes than f32, results of another width). WHOLE_VECTORS tells it that there is no tail. */
#ifndef SX_EP_CPU_ELEMENTWISE_LOOPS_H
#define SX_EP_CPU_ELEMENTWISE_LOOPS_H
#include "ep/cpu/kernels/elementwise/ew_machine.h"

#define ARGS void *d_, const void *a_, const void *b_, const void *c_, const void *q_, int64_t n
#define PARAMS const sx_ew_params *q = q_
#define WHOLE_VECTORS n &= -(int64_t)EW_LANES
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* calls of libm stay scalar */
#define EW_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define EW_IVDEP _Pragma("GCC ivdep")
#endif

#define DEF1(R, T, fname, expr)                                  \
  static void fname(ARGS) {                                      \
    R *d = d_;                                                   \
    const T *a = a_;                                             \
    PARAMS;                                                      \
    (void)q;                                                     \
    WHOLE_VECTORS;                                               \
    EW_IVDEP for (int64_t i = 0; i < n; i++) {                   \
      T x = a[i];                                                \
      d[i] = (R)(expr);                                          \
    }                                                            \
  }
#define LOOP2(X_, Y_, R, T, expr)              \
  EW_IVDEP for (int64_t i = 0; i < n; i++) {   \
    T x = X_, y = Y_;                          \
    d[i] = (R)(expr);                          \
  }
#define DEF2(R, T, fname, expr)                  \
  static void fname(ARGS) {                      \
    R *d = d_;                                   \
    const T *a = a_, *b = b_;                    \
    PARAMS;                                      \
    WHOLE_VECTORS;                               \
    if (!q->uni) {                               \
      LOOP2(a[i], b[i], R, T, expr)              \
    } else if (q->uni == 2) {                    \
      T one = *b;                                \
      LOOP2(a[i], one, R, T, expr)               \
    } else {                                     \
      T one = *a;                                \
      LOOP2(one, b[i], R, T, expr)               \
    }                                            \
  }

/* Three sources. The compiler gets a loop of its own for each set of single values in `sets` (an X-list of q->uni); the others
 * share one that it may leave scalar. */
#define LOOP3(T, T0, X_, Y_, Z_, expr)         \
  EW_IVDEP for (int64_t i = 0; i < n; i++) {   \
    T0 x = X_;                                 \
    T y = Y_, z = Z_;                          \
    d[i] = (T)(expr);                          \
  }
#define SET3(k, T, T0, expr)                                                                                       \
  if (q->uni == k) {                                                                                               \
    LOOP3(T, T0, k & 1 ? x1 : a[i], k & 2 ? y1 : b[i], k & 4 ? z1 : c[i], expr)                                    \
    return;                                                                                                        \
  }
#define DEF3(T, T0, fname, sets, expr)                                                                             \
  static void fname(ARGS) {                                                                                        \
    T *d = d_;                                                                                                     \
    const T0 *a = a_;                                                                                              \
    const T *b = b_, *c = c_;                                                                                      \
    PARAMS;                                                                                                        \
    WHOLE_VECTORS;                                                                                                 \
    const T0 x1 = *a;                                                                                              \
    const T y1 = *b, z1 = *c;                                                                                      \
    sets(SET3, T, T0, expr)                                                                                        \
    const bool u0 = q->uni & 1, u1 = q->uni & 2, u2 = q->uni & 4;                                                  \
    LOOP3(T, T0, u0 ? x1 : a[i], u1 ? y1 : b[i], u2 ? z1 : c[i], expr)                                             \
  }
#define CHOICE_SETS(X, ...) X(0, __VA_ARGS__) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(4, __VA_ARGS__) X(6, __VA_ARGS__)
#define CLIP_SETS(X, ...)   X(6, __VA_ARGS__)
#define SUM_SETS(X, ...)    X(0, __VA_ARGS__)
#define COMPARE(X) \
  X(Equal, x == y) X(NotEqual, x != y) X(Less, x < y) X(LessOrEqual, x <= y) X(Greater, x > y) X(GreaterOrEqual, x >= y)
#endif
