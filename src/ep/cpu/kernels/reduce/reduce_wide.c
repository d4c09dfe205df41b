// SPDX-License-Identifier: MIT
/* Reductions in f64 and 64-bit integers, which wrap, and the merging of partial results: compiled once.
 *
 * Partial results of f32 are f64 cells, so they merge here too. */
#include <math.h>
#include "ep/cpu/kernels/reduce/reduce_tables.h"

/* (maximum, sum of exponentials below it) of two parts; an empty part is (-inf, 0). */
static void merge_log_sum_exp(sx_reduce_cell *v, sx_reduce_cell *w, double max, double sum) {
  if (max == -INFINITY) return;
  if (v->f == -INFINITY || max != max) {
    v->f = max, w->f = sum;
  } else if (max > v->f) {
    w->f = w->f * exp(v->f - max) + sum, v->f = max;
  } else {
    w->f += max == v->f ? sum : sum * exp(max - v->f);
  }
}

#define T double
#define CELL f
#define S double
#define SUM f
#define NAME f64
#define IS_NAN(x) ((x) != (x))
#define ABS(x) fabs(x)
#define LOWEST -INFINITY
#define HIGHEST INFINITY
#include "ep/cpu/kernels/reduce/reduce_wide.inc"

#define T uint64_t
#define CELL u
#define S uint64_t
#define SUM u
#define NAME u64
#define IS_NAN(x) 0
#define ABS(x) (x)
#define LOWEST 0
#define HIGHEST UINT64_MAX
#include "ep/cpu/kernels/reduce/reduce_wide.inc"

#define T int64_t
#define CELL i
#define S uint64_t
#define SUM u
#define NAME i64
#define IS_NAN(x) 0
#define ABS(x) (int64_t)(x < 0 ? 0 - (uint64_t)x : (uint64_t)x)
#define LOWEST INT64_MIN
#define HIGHEST INT64_MAX
#include "ep/cpu/kernels/reduce/reduce_wide.inc"
