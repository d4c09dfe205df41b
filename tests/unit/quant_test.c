// SPDX-License-Identifier: MIT
/* Weights on grids of integers: every element within half a step of what it was, zero exact, ranges and odd contents. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "quant/weight.h"

enum { ROWS = 5, COLS = 7, N = ROWS * COLS };

static int code_of(const sx_tensor *t, int64_t i) {
  int64_t v = 0;
  assert_true(sx_tensor_get_i64(t, i, &v));
  return (int)v;
}

static sx_tensor *numbers(const float *x) {
  sx_tensor *t;
  assert_int_equal(sx_tensor_create(SX_F32, 2, (int64_t[]){ROWS, COLS}, &t, NULL), SX_OK);
  memcpy(t->data, x, N * sizeof *x);
  return t;
}

static void drop(sx_quant_weight *w) { sx_tensor_unref(w->codes), sx_tensor_unref(w->scale), sx_tensor_unref(w->zero); }

/* value = (code - zero) * scale. */
static void check(const float *x, sx_dtype type, bool symmetric, bool reduce, int axis) {
  const sx_quant_grid grid = sx_quant_grid_of(type, symmetric, reduce);
  sx_tensor *t = numbers(x);
  sx_quant_weight w;
  assert_int_equal(sx_quantize_weight(t, &grid, axis, &w, NULL), SX_OK);
  assert_int_equal(w.scale->count, axis < 0 ? 1 : axis == 0 ? ROWS : COLS);
  double off = 0, norm = 0;
  for (int i = 0; i < N; i++) {
    const int c = axis < 0 ? 0 : axis == 0 ? i / COLS : i % COLS, code = code_of(w.codes, i);
    const int zero = code_of(w.zero, w.zero->count > 1 ? c : 0);
    const float scale = ((const float *)w.scale->data)[c];
    const double back = (code - zero) * (double)scale;
    assert_in_range(code - grid.lo, 0, grid.hi - grid.lo);
    const bool end =
        code == grid.lo || code == grid.hi; /* the zero point is rounded: the range may end half a step early */
    assert_true(fabs(back - (double)x[i]) <= (end && !symmetric ? 1.01 : 0.51) * (double)scale);
    if (x[i] == 0) assert_true(back == 0);
    off += (back - (double)x[i]) * (back - (double)x[i]), norm += (double)x[i] * (double)x[i];
  }
  assert_true(fabs(w.error - (norm > 0 ? sqrt(off / norm) : 0)) < 1e-9);
  drop(&w);
  sx_tensor_unref(t);
}

static void test_grids(void **state) {
  float x[N], zeros[N] = {0}, positive[N];
  for (int i = 0; i < N; i++) x[i] = (float)((i * 37 % 23) - 9) * 0.37f * (float)(1 + i % COLS), positive[i] = fabsf(x[i]);
  const sx_dtype types[] = {SX_I8, SX_U8, SX_I16, SX_U16, SX_I4, SX_U4, SX_I2, SX_U2};
  for (size_t k = 0; k < sizeof types / sizeof *types; k++)
    for (int axis = -1; axis < 2; axis++)
      for (int symmetric = 0; symmetric < 2; symmetric++) {
        /* of an unsigned type the middle lies between two codes: the range of the lower half is one longer */
        if (symmetric && !sx_dtype_is_signed(types[k])) continue;
        check(x, types[k], symmetric, false, axis);
        check(zeros, types[k], symmetric, false, axis);
        check(positive, types[k], symmetric, false, axis);
      }
  check(x, SX_I8, true, true, 1);
  check(x, SX_U8, false, true, 0);
}

static void test_contents(void **state) {
  const sx_quant_grid grid = sx_quant_grid_of(SX_I8, true, false);
  float x[N] = {1, -2, NAN};
  sx_quant_weight w;
  sx_tensor *t = numbers(x);
  assert_int_equal(sx_quantize_weight(t, &grid, -1, &w, NULL), SX_OK); /* NaN becomes zero */
  assert_int_equal(code_of(w.codes, 0), 64);
  assert_int_equal(code_of(w.codes, 1), -127);
  assert_int_equal(code_of(w.codes, 2), 0);
  drop(&w);
  ((float *)t->data)[3] = INFINITY;
  assert_int_equal(sx_quantize_weight(t, &grid, -1, &w, NULL), SX_E_INVALID_ARGUMENT);
  sx_tensor_unref(t);
  assert_int_equal(sx_tensor_create(SX_F32, 2, (int64_t[]){0, 3}, &t, NULL), SX_OK); /* nothing */
  assert_int_equal(sx_quantize_weight(t, &grid, 1, &w, NULL), SX_OK);
  drop(&w);
  sx_tensor_unref(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_grids), cmocka_unit_test(test_contents)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
