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

#define UNI3(T, K, A) T u##K = q->uni & (1 << K) ? *A : 0
#define PICK3(K, A) (q->uni & (1 << K) ? u##K : A[i])
#define DEF3(T, T0, fname, expr)                                                       \
  static void fname(ARGS) {                                                            \
    T *d = d_;                                                                         \
    const T0 *a = a_;                                                                  \
    const T *b = b_, *c = c_;                                                          \
    PARAMS;                                                                            \
    WHOLE_VECTORS;                                                                     \
    if (!q->uni) {                                                                     \
      EW_IVDEP for (int64_t i = 0; i < n; i++) {                                       \
        T0 x = a[i];                                                                   \
        T y = b[i], z = c[i];                                                          \
        d[i] = (T)(expr);                                                              \
      }                                                                                \
      return;                                                                          \
    }                                                                                  \
    UNI3(T0, 0, a);                                                                    \
    UNI3(T, 1, b);                                                                     \
    UNI3(T, 2, c);                                                                     \
    EW_IVDEP for (int64_t i = 0; i < n; i++) {                                         \
      T0 x = PICK3(0, a);                                                              \
      T y = PICK3(1, b), z = PICK3(2, c);                                              \
      d[i] = (T)(expr);                                                                \
    }                                                                                  \
  }
#define COMPARE(X) \
  X(Equal, x == y) X(NotEqual, x != y) X(Less, x < y) X(LessOrEqual, x <= y) X(Greater, x > y) X(GreaterOrEqual, x >= y)
#endif
