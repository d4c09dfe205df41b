// SPDX-License-Identifier: MIT
/* Pooling kernels: lists of taps where a pixel is a vector of channels, row loops elsewhere. */
#include <math.h>
#include "ep/cpu/kernels/pool/pooling_kernels.h"
#include "ep/cpu/vec.h"

#define MR 1
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 2
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 3
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 4
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 5
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 6
#include "ep/cpu/kernels/pool/pooling_list.inc"
#define MR 7
#include "ep/cpu/kernels/pool/pooling_list.inc"

#define LARGER(a, b) ((b) > (a) ? (b) : (a))
#define PLUS(a, b) ((a) + (b))
#define T float
#define OP LARGER
#define NAME rows_max_f32
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#define OP PLUS
#define NAME rows_sum_f32
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T double
#define OP LARGER
#define NAME rows_max_f64
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#define OP PLUS
#define NAME rows_sum_f64
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T int8_t
#define OP LARGER
#define NAME rows_max_s8
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T
#define T uint8_t
#define OP LARGER
#define NAME rows_max_u8
#include "ep/cpu/kernels/pool/pooling_rows.inc"
#undef OP
#undef T

static float reduce_max(const float *x, int64_t n, float start) {
  vf a = vf_set(start), b = a;
  int64_t i = 0;
  for (; i + 2 * SX_VL <= n; i += 2 * SX_VL) {
    a = vf_max(vf_load(x + i), a);
    b = vf_max(vf_load(x + i + SX_VL), b);
  }
  start = vf_hmax(vf_max(a, b));
  for (; i < n; i++) start = x[i] > start ? x[i] : start;
  return start;
}

static float reduce_sum(const float *x, int64_t n, float start) {
  vf a[4] = {{0}};
  int64_t i = 0;
  for (; i + 4 * SX_VL <= n; i += 4 * SX_VL)
    SX_UNROLL(4) for (int k = 0; k < 4; k++) a[k] += vf_load(x + i + k * SX_VL);
  for (; i < n; i += SX_VL) a[0] += n - i < SX_VL ? vf_load_n(x + i, (int)(n - i)) : vf_load(x + i);
  return start + vf_sum((a[0] + a[1]) + (a[2] + a[3]));
}

extern const sx_pooling_table SX_ISA_NAME(sx_pooling);
const sx_pooling_table SX_ISA_NAME(sx_pooling) = {
    .lanes = SX_VL,
    .list_max = {0, max__1, max__2, max__3, max__4, max__5, max__6, max__7},
    .list_average = {0, average__1, average__2, average__3, average__4, average__5, average__6, average__7},
    .max = {rows_max_f32, rows_max_f64, rows_max_s8, rows_max_u8},
    .sum = {rows_sum_f32, rows_sum_f64},
    .reduce_max = reduce_max,
    .reduce_sum = reduce_sum,
};
